"""Functional models: wiring, shapes, seeds, both directions, and what they refuse."""

import contextlib
import copy
import pickle
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unchanged import layer_state, unchanged

from localnet import Input, Model, Sequential, load_model, models
from localnet import layers as L
from localnet.callbacks import BackupAndRestore, LambdaCallback, ModelCheckpoint
from localnet.gradcheck import check_model
from localnet.layers import Dense, Dropout, Flatten, LocallyConnected1D
from localnet.roofline import Machine


@contextlib.contextmanager
def refusing(pattern):
    """Expect one sentence with this in it."""
    with pytest.raises(ValueError, match=pattern) as caught:
        yield
    assert len(caught.value.args) == 1


def data(rng, *shapes, samples=6):
    return [rng.normal(size=(samples, *shape)) for shape in shapes]


def siamese(seed=0, **options):
    """Two inputs, a layer that is called twice, noise, two outputs."""
    a, b = Input((6, 2), name="a"), Input((6, 2), name="b")
    local = LocallyConnected1D(3, 3, activation="tanh", name="local", **options)
    noise = Dropout(0.5, name="noise")
    left, right = noise(local(a)), noise(local(b))
    flat = Flatten(name="flat")(L.multiply([left, right], name="both"))
    ends = [
        Dense(2, name="one")(flat),
        Dense(3, activation="softmax", name="two")(flat),
    ]
    model = Model([a, b], ends, name="siamese", seed=seed)
    model.compile("adam", ["mse", "categorical_crossentropy"], [["mae"], ["accuracy"]])
    return model


def siamese_data(rng):
    x = data(rng, (6, 2), (6, 2))
    y = [rng.normal(size=(6, 2)), np.eye(3)[rng.integers(0, 3, 6)]]
    return x, y


# A chain is a Sequential ---------------------------------------------------------


def stack():
    return [
        LocallyConnected1D(3, 2, activation="tanh", name="local"),
        Dropout(0.25, name="noise"),
        LocallyConnected1D(2, 2, kernel_regularizer="l2", name="more"),
        Flatten(name="flat"),
        Dense(3, activation="softmax", activity_regularizer="l1", name="end"),
    ]


def test_a_chain_is_a_sequential_bit_for_bit(rng):
    sequential = Sequential([L.InputLayer((6, 2), name="a"), *stack()], seed=7)
    handle = start = Input((6, 2), name="a")
    for layer in stack():
        handle = layer(handle)
    functional = Model(start, handle, seed=7)
    x, y = rng.normal(size=(9, 6, 2)), np.eye(3)[rng.integers(0, 3, 9)]
    histories = []
    for model in (sequential, functional):
        model.compile("adam", "categorical_crossentropy", ["accuracy"])
        histories.append(model.fit(x, y, batch_size=4, epochs=3, verbose=0).history)
    assert histories[0] == histories[1]
    for a, b in zip(sequential.get_weights(), functional.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(sequential(x), functional(x))
    np.testing.assert_array_equal(sequential.predict(x), functional.predict(x))
    a, b = (m.loss_and_gradients(x, y) for m in (sequential, functional))
    assert a[0] == b[0]
    for left, right in zip(a[1], b[1], strict=True):
        np.testing.assert_array_equal(left, right)


def test_models_within_change_no_bit(rng):
    plain = Sequential([L.InputLayer((6, 2)), *stack()], seed=7)
    outer = Sequential([Sequential(stack()[:2]), Sequential(stack()[2:])])
    outer.build((None, 6, 2))
    outer.set_weights(plain.get_weights())
    x, y = rng.normal(size=(9, 6, 2)), np.eye(3)[rng.integers(0, 3, 9)]
    found = []
    for model in (plain, outer):
        model.compile("sgd", "categorical_crossentropy")
        for layer in model.leaves.values():
            layer.set_seed(np.random.SeedSequence(len(layer.name)))
        found.append(model.loss_and_gradients(x, y))
    assert found[0][0] == found[1][0]
    for left, right in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_array_equal(left, right)
    assert next(iter(outer.leaves)).endswith("/local")


# Seeds ---------------------------------------------------------------------------


def test_a_seed_gives_the_same_bits_and_another_others(rng):
    x, y = siamese_data(rng)
    runs = []
    for seed in (3, 3, 4):
        model = siamese(seed)
        history = model.fit(x, y, batch_size=2, epochs=2, verbose=0).history
        runs.append((history, [w.tobytes() for w in model.get_weights()]))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_noise_is_drawn_for_each_call_from_one_generator():
    a = Input((200,), name="a")
    noise = Dropout(0.5, name="noise")
    model = Model(a, [noise(a), noise(a)], seed=0)
    first, second = model(np.ones((1, 200)), training=True)
    assert (first != second).any()
    twin = Dropout(0.5, name="noise")
    twin.set_seed(noise._seed)
    np.testing.assert_array_equal(first, twin(np.ones((1, 200)), training=True))
    np.testing.assert_array_equal(second, twin(np.ones((1, 200)), training=True))


def test_training_given_with_a_call_holds_for_it():
    a = Input((100,), name="a")
    inner = Sequential([Dropout(0.5, input_shape=(100,))], name="inner")
    model = Model(a, [Dropout(0.5)(a, training=True), inner(a, training=False)], seed=0)
    x = np.ones((1, 100))
    noisy, quiet = model(x)
    assert (noisy != x).any()
    np.testing.assert_array_equal(quiet, x)
    np.testing.assert_array_equal(model(x, training=True)[1], x)
    again = Model.from_config(model.get_config())
    assert (again(x)[0] != x).any()
    np.testing.assert_array_equal(again(x, training=True)[1], x)


def test_layers_with_weights_keep_them():
    a = Input((3,), name="a")
    layer = Dense(2, name="d")
    first = Model(a, layer(a), seed=1)
    weights = first.get_weights()
    b = Input((3,), name="b")
    second = Model(b, Dense(2, name="e")(layer(b)), seed=2)
    np.testing.assert_array_equal(first.get_weights()[0], weights[0])
    np.testing.assert_array_equal(second.get_weights()[0], weights[0])


# Handles -------------------------------------------------------------------------


def test_a_handle_knows_shape_dtype_and_name():
    a = Input((None, 3), batch_size=4, name="a")
    assert (a.shape, a.dtype, a.name) == ((4, None, 3), np.float32, "a")
    h = Dense(2, dtype="float64", name="d")(a)
    assert (h.shape, h.dtype, h.name) == ((4, None, 2), np.float64, "d")
    assert repr(h) == "<Handle 'd' (4, None, 2) float64>"
    assert Input(batch_shape=(2, 3)).shape == (2, 3)
    L.clear_session()
    assert [Input((1,)).name, Input((1,)).name] == ["input_1", "input_2"]
    L.clear_session()
    with pytest.raises(TypeError, match="a handle has no values for"):
        np.asarray(h)


def test_no_weight_exists_before_there_is_a_model():
    layer = Dense(10**6, name="d")
    layer(Input((10**6,)))
    assert not layer.built
    assert layer.params == {}


def test_shapes_that_are_not_known():
    a = Input((None, 3), name="a")
    h = Dense(2)(a)
    merged = L.concatenate([h, a])
    model = Model(a, [merged, L.add([h, h])])
    assert model.output_shape == [(None, None, 5), (None, None, 2)]
    for length in (2, 5):
        assert model(np.ones((4, length, 3)))[0].shape == (4, length, 5)
    with pytest.raises(ValueError, match="known"):
        LocallyConnected1D(2, 2)(a)


def test_features_of_a_model_share_its_weights(rng):
    model = Sequential(stack(), seed=0)
    model.build((None, 6, 2))
    features = Model(model.input, model.get_layer("more").output)
    x = rng.normal(size=(3, 6, 2))
    np.testing.assert_array_equal(
        features(x), model.get_layer("more")(model.get_layer("local")(x))
    )
    assert features.layers[1] is model.layers[0]
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    assert not features(x).any()
    model.pop()
    assert model.output is model.get_layer("flat").output
    model.add(Dense(2, name="new"))
    assert Model(model.input, model.output).output_shape == (None, 2)


def test_a_model_that_begins_in_the_middle(rng):
    model = siamese()
    flat = model.get_layer("flat").output
    end = Model(flat, model.output)
    assert end.input_shape == flat.shape
    x = rng.normal(size=(2, flat.shape[1]))
    one, two = end(x)
    np.testing.assert_array_equal(one, model.get_layer("one")(x))
    np.testing.assert_array_equal(two, model.get_layer("two")(x))
    assert Model.from_config(end.get_config()).output_shape == end.output_shape
    # The layers still have one output each.
    assert model.get_layer("one").output is model.outputs[0]


def test_a_layer_called_twice_has_the_output_of_its_first_call():
    model = siamese()
    layer = model.get_layer("local")
    assert layer.get_output_at(1).shape == (None, 4, 3)
    assert [layer.get_input_at(i).name for i in (0, 1)] == ["a", "b"]
    assert layer.output is layer.get_output_at(0)
    assert layer.input is layer.get_input_at(0)
    with pytest.raises(AttributeError, match="needs a call on a handle"):
        Dense(1).output  # noqa: B018
    with refusing("node_index must be the number of one of 2 calls"):
        layer.get_output_at(2)
    with pytest.raises(AttributeError, match="known shape of the input"):
        Sequential([Dense(1)]).input  # noqa: B018


# Both directions -----------------------------------------------------------------


def test_central_differences_through_a_shared_layer(rng):
    model = siamese(kernel_regularizer="l2", activity_regularizer="l2")
    x, y = siamese_data(rng)
    model = model_of_float64(model)
    model.get_layer("two").trainable = False
    model.compile(model.optimizer, model.loss)
    _, gradients = model.loss_and_gradients(x, y)
    weights = model.get_weights()
    trainable = [
        place
        for place, (path, name) in enumerate(
            (path, name) for path, x in model.leaves.items() for name in x.params
        )
        if path != "two"
    ]
    step = 1e-5
    for place, gradient in zip(trainable, gradients, strict=True):
        for index in np.ndindex(weights[place].shape):
            sides = []
            for sign in (1, -1):
                moved = [w.copy() for w in weights]
                moved[place][index] += sign * step
                model.set_weights(moved)
                sides.append(model.loss_and_gradients(x, y)[0])
            slope = (sides[0] - sides[1]) / (2 * step)
            assert abs(slope - gradient[index]) < 1e-7, (place, index)


def model_of_float64(model):
    config = model.get_config()
    for entry in config["layers"]:
        entry["config"]["dtype"] = "float64"
    again = Model.from_config(config)
    again.compile("sgd", ["mse", "categorical_crossentropy"])
    return again


def test_gradcheck_takes_a_functional_model(rng):
    a = Input((6, 2), name="a")
    inner = Sequential([Dense(2, input_shape=(5, 2), name="d")], name="inner")
    local = LocallyConnected1D(2, 2, activation="tanh", name="local")(a)
    model = Model(a, L.add([inner(local), local]), seed=0)
    model.compile("sgd", "mse")
    report = check_model(model, rng.normal(size=(3, 6, 2)), rng.normal(size=(3, 5, 2)))
    assert report.passed
    names = {check.name for check in report.checks}
    assert names == {"local/kernel", "local/bias", "inner/d/kernel", "inner/d/bias"}


def test_two_threads_compute_what_one_does(rng):
    model = siamese()
    xs = [data(rng, (6, 2), (6, 2)) for _ in range(8)]
    ys = siamese_data(rng)[1]
    alone = [(model(x), model.loss_and_gradients(x, ys)) for x in xs]
    found = [None] * len(xs)

    def work(places):
        for place in places:
            x = xs[place]
            found[place] = (model(x), model.loss_and_gradients(x, ys))

    threads = [
        threading.Thread(target=work, args=(range(first, len(xs), 2),))
        for first in (0, 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, found, strict=True):
        for a, b in zip(one[0], other[0], strict=True):
            np.testing.assert_array_equal(a, b)
        assert one[1][0] == other[1][0]
        for a, b in zip(one[1][1], other[1][1], strict=True):
            np.testing.assert_array_equal(a, b)


# Random graphs -------------------------------------------------------------------


@st.composite
def graphs(draw):
    """Return numbers that describe a random graph: of each call, kind and sources."""
    calls = []
    for place in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(["dense", "shared", "add", "multiply", "maximum"]))
        count = 1 if kind in ("dense", "shared") else draw(st.integers(1, 3))
        reach = st.integers(0, place + 1)
        calls.append((kind, draw(st.lists(reach, min_size=count, max_size=count))))
    ends = draw(
        st.lists(st.integers(2, place + 2), min_size=1, max_size=3, unique=True)
    )
    return calls, ends, draw(st.integers(0, 2**32 - 1))


MERGES = {"add": L.Add, "multiply": L.Multiply, "maximum": L.Maximum}


def wired(graph):
    calls, ends, seed = graph
    handles = [Input((3,), name="a"), Input((3,), name="b")]
    shared = Dense(3, activation="tanh", name="shared", dtype="float64")
    for place, (kind, sources) in enumerate(calls):
        taken = [handles[source] for source in sources]
        if kind == "shared":
            handles.append(shared(taken[0]))
        elif kind == "dense":
            layer = Dense(3, name=f"d{place}", dtype="float64", kernel_regularizer="l2")
            handles.append(layer(taken[0]))
        else:
            layer = MERGES[kind](name=f"m{place}", dtype="float64")
            handles.append(layer(taken))
    model = Model(handles[:2], [handles[end] for end in ends], seed=seed)
    model.compile("sgd", ["mse"] * len(ends))
    return model


def evaluated(handle, values, weights):
    """Compute what a handle stands for by recursion, with arithmetic of its own."""
    node, layer = handle.node, handle.node.layer
    if layer.name in values:
        return values[layer.name]
    xs = [evaluated(source, values, weights) for source in node.inputs]
    if isinstance(layer, Dense):
        kernel, bias = weights[layer.name]
        z = sum(xs[0][:, i, None] * kernel[i] for i in range(3)) + bias
        return np.tanh(z) if layer.name == "shared" else z
    result = xs[0]
    for x in xs[1:]:
        if isinstance(layer, L.Add):
            result = result + x
        elif isinstance(layer, L.Multiply):
            result = result * x
        else:
            result = np.where(result >= x, result, x)
    return result


@given(graphs())
def test_random_graphs_beside_a_recursion(graph):
    model = wired(graph)
    rng = np.random.default_rng(graph[-1])
    xs = [rng.uniform(-1, 1, size=(4, 3)) for _ in "ab"]
    ys = [rng.uniform(-1, 1, size=(4, 3)) for _ in model.outputs]
    got = model(xs)
    got = got if isinstance(got, list) else [got]
    weights = {
        layer.name: layer.get_weights()
        for layer in model.leaves.values()
        if isinstance(layer, Dense)
    }
    values = dict(zip("ab", xs, strict=True))

    def loss_of(weights):
        outputs = [evaluated(handle, values, weights) for handle in model.outputs]
        squares = sum(
            np.mean((out - y) ** 2) for out, y in zip(outputs, ys, strict=True)
        )
        penalty = sum(
            0.01 * np.sum(kernel**2)
            for name, (kernel, _) in weights.items()
            if name != "shared"
        )
        return outputs, squares + penalty

    outputs, wanted = loss_of(weights)
    for a, b in zip(got, outputs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    loss, gradients = model.loss_and_gradients(xs, ys if len(ys) > 1 else ys[0])
    np.testing.assert_allclose(loss, wanted, rtol=1e-12)
    # Along one random direction, the slope is the gradients' part in it.
    along = {n: [rng.normal(size=w.shape) for w in ws] for n, ws in weights.items()}
    slope = sum(
        np.sum(g * d)
        for g, d in zip(
            gradients, [d for ds in along.values() for d in ds], strict=True
        )
    )
    step, sides = 1e-6, []
    for sign in (1, -1):
        moved = {
            n: [w + sign * step * d for w, d in zip(ws, along[n], strict=True)]
            for n, ws in weights.items()
        }
        sides.append(loss_of(moved)[1])
    numeric = (sides[0] - sides[1]) / (2 * step)
    # A kink of maximum may lie within the step; such a place is rare and near.
    np.testing.assert_allclose(slope, numeric, rtol=1e-4, atol=1e-5)
    again = Model.from_config(model.get_config())
    assert list(again.leaves) == list(model.leaves)
    again.set_weights(model.get_weights())
    more = again(xs)
    for a, b in zip(more if isinstance(more, list) else [more], got, strict=True):
        np.testing.assert_array_equal(a, b)


# What is refused -----------------------------------------------------------------


def test_a_graph_that_hangs_in_the_air_names_the_missing_input():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    with refusing("without 'b'"):
        Model(a, L.add([a, b]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda a: Model(None, a), "inputs must be a handle or a list of handles"),
        (lambda a: Model(a, None), "outputs must be a handle or a list of handles"),
        (lambda a: Model([], a), "inputs must be a handle or a list of handles"),
        (lambda a: Model(a, []), "outputs must be a handle or a list of handles"),
        (lambda a: Model([a, a], a), "inputs must be different"),
        (lambda a: Model({1: a}, a), "inputs must have names as keys"),
        (lambda a: Model(a, {"y": a}), "outputs must be a handle"),
        (
            lambda a: Model(a, Dense(1, name="x")(Dense(1, name="x")(a))),
            "layers must have names of their own, got 'x' twice",
        ),
        (
            lambda a: Model(a, Dense(1, name="a")(a)),
            "layers must have names of their own, got 'a' twice",
        ),
        (lambda a: Dense(1, name="d")([a, a]), "d: inputs must be one handle"),
        (lambda a: L.Add(name="s")(a), "s: inputs must be a list of at least 1"),
        (
            lambda a: L.Add(name="s")([a, np.ones(3)]),
            "must all be handles, got ndarray",
        ),
        (lambda a: L.Add(name="s")([a, 1.0]), "must all be handles, got float"),
        (lambda a: L.Subtract(name="s")([a]), "s: inputs must be a list of 2, got 1"),
        (lambda a: L.Subtract(name="s")([a] * 3), "must be a list of 2, got 3"),
        (
            lambda a: L.Add(name="s")([a, Input((4,))]),
            r"inputs must have shapes that fit, got \(None, 3\), \(None, 4\)",
        ),
        (
            lambda a: L.Add(name="s")([Input((3,), batch_size=n) for n in (2, 3)]),
            "inputs must have as many samples",
        ),
        (
            lambda a: L.Concatenate(name="c")([a, Input((2, 3))]),
            "inputs must have equally many axes",
        ),
        (
            lambda a: L.Concatenate(axis=1, name="c")([Input((2, 3)), Input((2, 4))]),
            "inputs must have equal shapes but for axis 1",
        ),
        (
            lambda a: L.Concatenate(axis=2, name="c")([a, a]),
            "axis must be one of the 2",
        ),
        (lambda a: L.Concatenate(axis=-2, name="c")([a, a]), "axes but the first, got"),
        (lambda a: L.Concatenate(axis=0), "axis must not be that of the batch"),
        (lambda a: L.Concatenate(axis=1.5), "axis must be an integer"),
        (lambda a: L.InputLayer((3,))(a), "must not be called on a handle"),
        (lambda a: Input(), "Input: shape must be given"),
        (lambda a: Input((3,), sparse=True), "sparse must be False"),
        (lambda a: shared_on(a, Input((4,))), "must have the shape of the first call"),
        (lambda a: Dense(1)({"a": a}), "must be a list of handles, got a dict"),
        (lambda a: siamese()([a]), "inputs must be 2"),
        (lambda a: siamese()([a, a]), r"input 'a' must have shape \(None, 6, 2\)"),
        (lambda a: siamese()({"a": a}), r"inputs must have the keys \['a', 'b'\]"),
        (lambda a: Sequential([siamese()]), "must have one input and one output"),
        (lambda a: Model(a, Dense(2)(a), seed=-1), "seed must be an integer"),
    ],
)
def test_wiring_refuses(make, message):
    with refusing(message):
        make(Input((3,), name="a"))


def shared_on(*handles):
    layer = Dense(2, name="d")
    return [layer(handle) for handle in handles]


def test_a_model_that_cannot_be_made_changes_no_layer():
    a = Input((3,), name="a")
    layer, other = Dense(2, name="d"), Dense(2, name="e", kernel_initializer=broken)
    handle = other(layer(a))
    before = layer_state(layer), layer_state(other)
    with pytest.raises(ValueError, match="initial kernel must have shape"):
        Model(a, handle)
    assert (layer_state(layer), layer_state(other)) == before
    assert not layer.built


def broken(shape, dtype=None):
    return np.zeros(3)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones((2, 6, 2)), "x must be a list of 2"),
        ([np.ones((2, 6, 2))], "x must be a list of 2"),
        (
            [np.ones((2, 6, 2)), np.ones((2, 6, 3))],
            r"'b' must have shape \(None, 6, 2\)",
        ),
        ([np.ones((2, 6, 2)), np.ones((2, 6))], "'b' must have shape"),
        ({"a": np.ones((2, 6, 2)), "c": 1}, "x must have keys among"),
    ],
)
def test_data_that_do_not_fit_change_nothing(x, message, rng):
    model = siamese()
    _, y = siamese_data(rng)
    y = [part[:2] for part in y]
    model.fit(data(rng, (6, 2), (6, 2), samples=2), y, verbose=0)
    for call in (
        lambda: model(x),
        lambda: model.predict(x),
        lambda: model.fit(x, y, verbose=0),
        lambda: model.train_on_batch(x, y),
        lambda: model.loss_and_gradients(x, y),
    ):
        with unchanged(model), refusing(message):
            call()


def test_samples_without_the_last_axis_are_given_it():
    a = Input((1,), name="a")
    model = Model(a, Dense(2)(a), seed=0)
    x = np.arange(3.0)
    np.testing.assert_array_equal(model(x), model(x[:, None]))
    np.testing.assert_array_equal(model.predict(x, verbose=0), model(x[:, None]))


# Surface -------------------------------------------------------------------------


def test_the_summary_says_what_is_connected_to_what():
    lines = []
    model = siamese()
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "Connected to" in text
    rows = [line.split() for line in lines]
    assert [
        "local",
        "(LocallyConnected1D)",
        "(None,",
        "4,",
        "3)",
        "84",
        "a[0][0]",
    ] in rows
    assert ["b[0][0]"] in rows
    assert "noise[1][0]" in text
    model.summary(print_fn=lines.append, cost=True, machine=Machine(1e9, 1e9))
    assert any("local@1" in line for line in lines)


def test_freezing_a_model_freezes_what_is_in_it(rng):
    inner = Sequential([Dense(2, name="d", input_shape=(3,))], name="inner")
    a = Input((3,), name="a")
    model = Model(a, Dense(1, name="top")(inner(a)), seed=0)
    inner.trainable = False
    model.compile("sgd", "mse")
    before = inner.get_weights()
    model.fit(rng.normal(size=(4, 3)), np.ones((4, 1)), verbose=0)
    np.testing.assert_array_equal(inner.get_weights()[0], before[0])
    assert len(model.loss_and_gradients(np.ones((1, 3)), np.ones((1, 1)))[1]) == 2
    again = Model.from_config(model.get_config())
    assert not again.get_layer("inner").layers[0].trainable


def test_get_layer_finds_models_too():
    model = siamese()
    assert model.get_layer("local") is model.get_layer(index=2)
    with refusing("did you mean 'local'"):
        model.get_layer("lokal")


def test_names_of_outputs_of_one_layer():
    a = Input((3,), name="a")
    layer = Dense(2, name="d")
    model = Model(a, [layer(a), layer(a), a])
    assert model.output_names == ["d", "d_1", "a"]
    x = np.ones((2, 3))
    np.testing.assert_array_equal(model(x)[2], x)
    model.compile("sgd", {"d": "mse", "a": "mse"})
    model.fit(x, {"d": np.ones((2, 2)), "a": x}, verbose=0)
    assert model.metrics_names == ["loss", "d_loss", "a_loss"]


def test_copies_and_pickles_are_models_of_their_own(rng):
    model = siamese()
    x, y = siamese_data(rng)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again(x)[0], model(x)[0])
        again.fit(x, y, verbose=0)
        assert (again(x)[0] != model(x)[0]).any()


def test_a_deep_graph_needs_no_deep_stack():
    handle = start = Input((2,), name="a")
    for place in range(1200):
        handle = L.Activation("linear", name=f"l{place}")(handle)
    model = Model(start, L.add([handle, start]))
    np.testing.assert_array_equal(model(np.ones((1, 2))), [[2.0, 2.0]])
    again = Model.from_config(model.get_config())
    assert len(again.layers) == 1202
    copied = copy.deepcopy(model)
    np.testing.assert_array_equal(copied(np.ones((1, 2))), [[2.0, 2.0]])


def test_a_layer_of_the_user_s_own_with_two_inputs(rng):
    class Gate(L.MultiInputLayer):
        input_count = 2

        def compute_output_shape(self, input_shape):
            return tuple(input_shape[0])

        def compute(self, x, *, training, rng):
            value, gate = x
            return value * gate, x

        def gradients(self, dz, cache):
            value, gate = cache
            return (dz * gate, dz * value), {}

    a, b = Input((3,), name="a"), Input((3,), name="b")
    end = Gate(name="gate")([Dense(3, name="d", dtype="float64")(a), b])
    model = Model([a, b], end, seed=0)
    model.compile("sgd", "mse")
    x = data(rng, (3,), (3,))
    np.testing.assert_allclose(
        model(x), model.get_layer("d")(x[0]).astype("f") * x[1].astype("f"), rtol=1e-6
    )
    again = Model.from_config(model.get_config(), {"Gate": Gate})
    assert isinstance(again.get_layer("gate"), Gate)


@pytest.mark.parametrize("name", ["Add", "Multiply", "Average", "Maximum", "Minimum"])
def test_functional_forms_are_the_layers(name, rng):
    xs = [rng.normal(size=(2, 3)) for _ in range(3)]
    form = getattr(L, name.lower())
    np.testing.assert_array_equal(form(xs), getattr(L, name)()(xs))
    assert form(xs, dtype="float64").dtype == np.float64


@pytest.mark.parametrize(
    "layer", [L.Add(), L.Multiply(), L.Average(), L.Concatenate(), L.Subtract()]
)
def test_one_array_is_no_list(layer):
    with refusing("inputs must be a list of"):
        layer(np.ones((2, 3)))


# Trainings that go on ------------------------------------------------------------


def test_a_training_is_resumed_bit_for_bit(rng, tmp_path):
    x, y = siamese_data(rng)

    def fit(*callbacks):
        model = siamese()
        model.fit(x, y, batch_size=2, epochs=3, verbose=0, callbacks=list(callbacks))
        return model

    class Stop(Exception):
        pass

    def stop(epoch, logs):
        if epoch == 1:
            raise Stop

    whole = fit()
    backup = BackupAndRestore(tmp_path / "b", save_freq=1)
    with pytest.raises(Stop):
        fit(backup, LambdaCallback(on_epoch_end=stop))
    resumed = fit(BackupAndRestore(tmp_path / "b", save_freq=1))
    assert resumed.history.history == whole.history.history
    for a, b in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_checkpoint_of_another_wiring_is_refused(rng, tmp_path):
    x = data(rng, (3,), (3,))
    y = rng.normal(size=(6, 3))

    def model(swap):
        a, b = Input((3,), name="a"), Input((3,), name="b")
        taken = [Dense(3, name="d")(a), b]
        made = Model([a, b], L.subtract(taken[::-1] if swap else taken), seed=0)
        made.compile("sgd", "mse")
        return made

    backup = BackupAndRestore(tmp_path, delete_checkpoint=False)
    model(False).fit(x, y, verbose=0, callbacks=[backup])
    with pytest.raises(ValueError, match=r"calls\[1\]"):
        model(True).fit(x, y, verbose=0, epochs=2, callbacks=[backup])


def test_model_checkpoint_writes_whole_models(rng, tmp_path):
    x, y = siamese_data(rng)
    model = siamese()
    path = tmp_path / "m.npz"
    model.fit(x, y, verbose=0, callbacks=[ModelCheckpoint(path)])
    loaded = load_model(path)
    assert isinstance(loaded, models.Model)
    np.testing.assert_array_equal(loaded(x)[0], model(x)[0])


@pytest.mark.parametrize("kind", ["plain", "wrapped"])
def test_the_penalty_of_a_shared_layer_counts_once(kind, rng):
    a, b = Input((2, 3), name="a"), Input((2, 3), name="b")
    dense = Dense(3, kernel_regularizer="l2", dtype="float64", name="d")
    if kind == "wrapped":
        layer = L.TimeDistributed(dense, dtype="float64", name="t")
    else:
        layer = dense
    model = Model([a, b], layer(L.add([layer(a), layer(b)], dtype="float64")), seed=0)
    model.compile("sgd", "mse")
    x, y = data(rng, (2, 3), (2, 3)), rng.normal(size=(6, 2, 3))
    _, (gradient, _) = model.loss_and_gradients(x, y)
    kernel, bias = model.get_weights()
    for index in np.ndindex(kernel.shape):
        sides = []
        for step in (1e-5, -1e-5):
            moved = kernel.copy()
            moved[index] += step
            model.set_weights([moved, bias])
            sides.append(model.loss_and_gradients(x, y)[0])
        assert abs((sides[0] - sides[1]) / 2e-5 - gradient[index]) < 1e-7


def test_statistics_of_a_shared_normalisation_take_in_every_call(rng):
    a, b = Input((3,), name="a"), Input((3,), name="b")
    norm = L.BatchNormalization(momentum=0.5, name="n", dtype="float64")
    quiet = norm(b, training=False)
    model = Model([a, b], L.add([norm(a), norm(b), quiet], dtype="float64"), seed=0)
    model.compile("sgd", "mse")
    x = data(rng, (3,), (3,))
    model.train_on_batch(x, np.zeros((6, 3)))
    mean = np.zeros(3)
    for batch in x:  # the calls in training, in their order
        mean = 0.5 * mean + 0.5 * batch.mean(axis=0)
    np.testing.assert_allclose(norm.params["moving_mean"], mean, rtol=1e-12)


def test_a_part_of_another_model_does_not_change():
    inner = Sequential([Dense(2, input_shape=(3,), name="d")], name="inner")
    a = Input((3,), name="a")
    Model(a, inner(a))
    for call in (lambda: inner.add(Dense(1)), inner.pop):
        with refusing("must come before the model is a part of another"):
            call()
    outer = Sequential(name="outer")
    with refusing("must be added once"):
        outer.add(outer)


def test_a_copied_layer_leaves_its_graph_behind():
    handle = start = Input((2,), name="a")
    for place in range(1500):
        handle = L.Activation("linear", name=f"l{place}")(handle)
    last = Dense(2, name="last")
    model = Model(start, last(handle), seed=0)
    again = copy.deepcopy(last)
    assert again._nodes == ()
    np.testing.assert_array_equal(again(np.ones((1, 2))), last(np.ones((1, 2))))
    assert model.output is last.output


def test_copies_of_models_have_handles_of_their_own(rng):
    model = siamese()
    chain = Sequential(stack(), seed=0)
    chain.build((None, 6, 2))
    for copied in (copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))):
        again = copied(model)
        layer = again.get_layer("local")
        assert [layer.get_input_at(i).name for i in (0, 1)] == ["a", "b"]
        assert Model(again.inputs, again.get_layer("flat").output).output_shape
        assert again.get_layer("flat").output is not model.get_layer("flat").output
        other = copied(chain)
        x = rng.normal(size=(2, 6, 2))
        features = Model(other.input, other.get_layer("more").output)
        same = Model(chain.input, chain.get_layer("more").output)
        np.testing.assert_array_equal(features(x), same(x))
    inputs = copy.deepcopy([L.InputLayer((6, 2), name="a")])
    assert Sequential([*inputs, Dense(1)]).output_shape == (None, 6, 1)


def test_a_model_may_have_no_layer():
    x = Input((3,), name="x")
    model = Model(x, x, name="m")
    model.summary(print_fn=lambda text: None)
    assert (model.count_params(), model.get_weights()) == (0, [])
    np.testing.assert_array_equal(model.predict(np.ones((2, 3))), np.ones((2, 3)))
