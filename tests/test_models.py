"""Sequential: structure, seeds, configs, one batch and its gradients, threads."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from raising import refuses
from unchanged import unchanged

from localnet import (
    Input,
    Model,
    Sequential,
    initializers,
    layers,
    load_model,
    losses,
    regularizers,
)
from localnet.gradcheck import check_model
from localnet.layers import (
    Activation,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    InputLayer,
    Lambda,
    LocallyConnected1D,
    LocallyConnected2D,
    Reshape,
    Softmax,
    TimeDistributed,
    UpSampling2D,
)


def stack(**first):
    """Return layers of fixed names, so that messages can be compared."""
    return [
        LocallyConnected1D(2, 2, activation="tanh", name="lc", **first),
        Flatten(name="flat"),
        Dense(3, "softmax", name="top"),
    ]


def small(seed=0, **kwargs):
    return Sequential(stack(input_shape=(5, 2)), name="m", seed=seed, **kwargs)


def deferred():
    return Sequential(stack(), name="m", seed=0)


def assert_same_weights(a, b):
    assert len(a.get_weights()) == len(b.get_weights()) > 0
    for left, right in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


# The examples of the Keras page --------------------------------------------------


def test_page_example_1d():
    model = Sequential()
    model.add(LocallyConnected1D(64, 3, input_shape=(10, 32)))
    assert model.output_shape == (None, 8, 64)
    model.add(LocallyConnected1D(32, 3))
    assert model.output_shape == (None, 6, 32)


def test_page_example_2d():
    model = Sequential()
    model.add(LocallyConnected2D(64, (3, 3), input_shape=(32, 32, 3)))
    assert model.output_shape == (None, 30, 30, 64)
    assert model.count_params() == (30 * 30) * (3 * 3 * 3 * 64) + (30 * 30) * 64
    model.add(LocallyConnected2D(32, (3, 3)))
    assert model.output_shape == (None, 28, 28, 32)
    assert model.layers[1].count_params() == 14_475_776
    assert model.input_shape == (None, 32, 32, 3)


# Structure -----------------------------------------------------------------------


def test_build_is_deferred_until_the_shape_is_known(rng):
    model = deferred()
    assert not model.built
    assert model.input_shape is model.output_shape is None
    y = model(rng.normal(size=(4, 5, 2)))
    assert model.built
    assert model.input_shape == (None, 5, 2)
    assert model.output_shape == (None, *y.shape[1:]) == (None, 3)
    assert_same_weights(model, small())


@pytest.mark.parametrize("how", ["build", "predict", "fit", "gradients", "batch"])
def test_every_way_to_build_gives_the_same_weights(how, rng):
    x, y = rng.normal(size=(4, 5, 2)), np.array([0, 1, 2, 1])
    model = deferred()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.optimizer.learning_rate = 0.0
    if how == "build":
        model.build((None, 5, 2))
    elif how == "predict":
        model.predict(x)
    elif how == "fit":
        model.fit(x, y, verbose=0)
    elif how == "gradients":
        model.loss_and_gradients(x, y)
    else:
        model.train_on_batch(x, y)
    assert_same_weights(model, small())


# Shapes of the weights and of the outputs by tf_keras, which refuses the None.
UNKNOWN_SIZES = {
    "sequence": (
        lambda: [Conv1D(2, 3, input_shape=(None, 2)), GlobalMaxPooling1D(), Dense(1)],
        [(3, 2, 2), (2,), (2, 1), (1,)],
        [(None, None, 2), (None, 2), (None, 1)],
    ),
    "image": (
        lambda: [Conv2D(2, 3, input_shape=(None, 8, 1)), UpSampling2D()],
        [(3, 3, 1, 2), (2,)],
        [(None, None, 6, 2), (None, None, 12, 2)],
    ),
    "over time": (
        lambda: [
            TimeDistributed(LocallyConnected1D(1, 2), input_shape=(None, 5, 2)),
            TimeDistributed(Flatten()),
        ],
        [(4, 4, 1), (4, 1)],
        [(None, None, 4, 1), (None, None, 4)],
    ),
    "Lambda": (
        lambda: [Lambda(lambda x: x * 2, input_shape=(None, 4)), Dense(1)],
        [(4, 1), (1,)],
        [(None, None, 4), (None, None, 1)],
    ),
    "nested": (
        lambda: [
            InputLayer((None, 2)),
            Sequential([Conv1D(2, 3), GlobalMaxPooling1D()]),
            Dense(1),
        ],
        [(3, 2, 2), (2,), (2, 1), (1,)],
        [(None, 2), (None, 1)],
    ),
    "locations": (
        lambda: [LocallyConnected1D(2, 2, input_shape=(None, 3))],
        "input_shape must be known but for the batch axis",
        None,
    ),
    "flat": (
        lambda: [Conv1D(2, 2, input_shape=(None, 3)), Flatten(), Dense(1)],
        "input_shape must have a known last axis",
        None,
    ),
}


@pytest.mark.parametrize("kind", UNKNOWN_SIZES)
def test_unknown_sizes_are_built_as_far_as_weights_go(kind, tmp_path):
    make, weights, outputs = UNKNOWN_SIZES[kind]
    if outputs is None:
        with pytest.raises(ValueError, match=weights):
            Sequential(make())
        return
    model, other = Sequential(make()), Sequential(make())
    shapes = [weight.shape for weight in model.get_weights()]
    assert shapes == weights
    assert [layer.output_shape for layer in model.layers] == outputs
    assert model.output_shape == model.output.shape == outputs[-1]
    assert model.count_params() == sum(map(np.prod, shapes))
    model.summary(print_fn=lambda line: None)
    for suffix in ("npz", "h5"):
        model.save_weights(tmp_path / f"w.{suffix}")
        other.load_weights(tmp_path / f"w.{suffix}")
    assert_same_weights(model, other)
    model.compile("sgd", "mse")
    for size in (9, 7):
        sizes = [size if axis is None else axis for axis in model.input_shape[1:]]
        x = np.ones((2, *sizes), np.float32)
        y = model.predict(x, verbose=0)
        model.train_on_batch(x, y)
        inner = Model(model.input, model.layers[0 if kind != "nested" else 1].output)
        assert inner.predict(x, verbose=0).shape[0] == 2
    if kind != "Lambda":
        for suffix in ("npz", "h5", "keras"):
            loaded = load_model(model.save(tmp_path / f"m.{suffix}"))
            assert loaded.input_shape == model.input_shape
            np.testing.assert_array_equal(loaded.predict(x), model.predict(x))


def test_pop_and_add():
    model = small()
    model.pop()
    assert [layer.name for layer in model.layers] == ["lc", "flat"]
    assert model.output_shape == (None, 8)
    model.add(Dense(3, "softmax", name="top"))
    assert_same_weights(model, small())
    while model.layers:
        model.pop()
    assert model.output_shape is None
    with refuses("m: pop needs a layer, the model has none"):
        model.pop()


def test_pop_keeps_the_input_layer():
    model = Sequential([InputLayer((3,)), Dense(2)], name="m")
    model.pop()
    with refuses("m: pop needs a layer, the model has none"):
        model.pop()
    model.add(Dense(4))
    assert model.output_shape == (None, 4)


def test_get_layer():
    model = small()
    assert model.get_layer("flat") is model.get_layer(index=1) is model.layers[1]
    assert model.get_layer(index=0).name == "lc"


def test_layers_leave_the_input_layer_out():
    model = Sequential([InputLayer((3,)), Dense(2, name="top")])
    assert [layer.name for layer in model.layers] == ["top"]
    assert model.input_shape == (None, 3)
    assert model.get_layer(index=0).name == "top"


def test_a_layer_that_stands_twice_is_called_twice(tmp_path):
    top = Dense(3, "tanh", name="top")
    model = Sequential([Dense(3, input_shape=(2,), name="low"), top, top], seed=0)
    x = np.random.default_rng(0).normal(size=(4, 2))
    low = model.get_layer("low")
    assert model.layers == [low, top]
    assert (model.count_params(), len(model.weights)) == (9 + 12, 4)
    np.testing.assert_array_equal(model.predict(x, verbose=0), top(top(low(x))))
    graph = Model(model.input, model.output)
    for other in (model, graph):
        other.compile("sgd", "mse")
    y = np.ones((4, 3))
    (value, grads), wanted = (m.loss_and_gradients(x, y) for m in (model, graph))
    assert value == wanted[0]
    for ours, theirs in zip(grads, wanted[1], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with refuses(
        f"{model.name}: a config must name every layer once, and one stands in this "
        "model twice: take Model(model.input, model.output), whose config holds both "
        "calls"
    ):
        model.save(tmp_path / "m.npz")
    again = load_model(graph.save(tmp_path / "m.npz"))
    np.testing.assert_array_equal(again(x), model(x))
    model.pop()
    np.testing.assert_array_equal(model.predict(x, verbose=0), top(low(x)))


REFUSED_LAYERS = {
    "class": (
        lambda model: Dense,
        f"layer must be a Layer or a model, got {Dense!r}; "
        "make an instance of the class",
    ),
    "number": (lambda model: 3, "layer must be a Layer or a model, got 3"),
    "itself": (
        lambda model: model,
        "layer must be added once, got 'm' a second time",
    ),
    "name": (
        lambda model: Dense(2, name="flat"),
        "layer must have a name of its own, got 'flat' a second time",
    ),
    "input": (
        lambda model: InputLayer((3,)),
        "InputLayer must be the first layer of a model",
    ),
    "rank": (
        lambda model: LocallyConnected1D(2, 2, name="two"),
        "two: input_shape must have 3 axes, batch axis included, got (None, 3)",
    ),
}


@pytest.mark.parametrize(
    ("make", "sentence"), REFUSED_LAYERS.values(), ids=REFUSED_LAYERS
)
def test_add_refuses(make, sentence):
    model = small()
    layer = make(model)
    with refuses(sentence), unchanged(model):
        model.add(layer)


def test_refused_layer_shifts_no_seed_and_stays_as_it_was():
    model, wide = small(), LocallyConnected1D(2, 9, name="wide")
    model.pop()
    model.pop()
    with unchanged(model, wide), pytest.raises(ValueError, match="wide: kernel_size"):
        model.add(wide)
    model.add(Flatten(name="flat"))
    model.add(Dense(3, "softmax", name="top"))
    assert_same_weights(model, small())


def test_built_layer_must_fit_the_shape_below():
    model, layer = small(), Dense(2, name="other")
    layer.build((None, 7))
    with (
        refuses(
            "other: input must have 7 values on its last axis, got shape (None, 3)"
        ),
        unchanged(model, layer),
    ):
        model.add(layer)
    layer.build((None, 3))
    kernel = layer.kernel
    model.add(layer)
    assert model.layers[-1].kernel is kernel


def test_build_refuses_a_shape_that_contradicts_the_layers():
    model = small()
    with (
        refuses(
            "lc: input must have the shape the layer was built for, (None, 5, 2), "
            "got (None, 9, 2)"
        ),
        unchanged(model),
    ):
        model.build((None, 9, 2))
    with unchanged(model):
        model.build()
        model.build((None, 5, 2))


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (
            5,
            "lc: input_shape must be a tuple of sizes, batch axis first, got 5",
        ),
        (
            None,
            "m: input_shape must be given to build or to the first layer",
        ),
        (
            (None, 1, 2),
            "lc: kernel_size must fit into the padded input, got (2,): kernel_size 2 "
            "over length 1 with padding 'valid' leaves no output location",
        ),
    ],
    ids=["type", "missing", "short"],
)
def test_build_refuses(shape, sentence):
    model = deferred()
    with refuses(sentence), unchanged(model):
        model.build(shape)


def test_failed_build_leaves_every_layer_unbuilt():
    model = Sequential([Dense(4, name="one"), Reshape((3,), name="two")])
    sentence = "two: target_shape must hold as many values as one sample, 4, got (3,)"
    with refuses(sentence), unchanged(model):
        model.build((None, 2))
    assert not any(layer.built for layer in model.layers)


def test_model_without_layers():
    model = Sequential(name="m")
    assert not model.built
    with refuses("m: build needs a layer, the model has none"):
        model(np.ones((2, 3)))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda m: m.get_layer("flatt"),
            "layer must be one of ['lc', 'flat', 'top'], got 'flatt'; "
            "did you mean 'flat'?",
        ),
        (
            lambda m: m.get_layer(index=3),
            "layer must be one of ['lc', 'flat', 'top'], got 3",
        ),
        (
            lambda m: m.get_layer(),
            "get_layer must be given a name or an index, not both",
        ),
        (
            lambda m: m.get_layer("lc", 0),
            "get_layer must be given a name or an index, not both",
        ),
        (lambda m: m([["a"]]), "x must hold numbers, got dtype <U1"),
        (lambda m: m.set_weights([]), "weights must be a list of 4 arrays, got 0"),
        (
            lambda m: m.set_weights([*m.get_weights()[:3], np.zeros(2)]),
            "top: weight bias must have shape (3,), got (2,)",
        ),
        (
            lambda m: m.set_weights([*(7 * w for w in m.get_weights()[:3]), [1j] * 3]),
            "top: weight bias must hold real numbers, got dtype complex128",
        ),
    ],
    ids=["name", "index", "none", "both", "words", "count", "shape", "complex"],
)
def test_method_refuses(call, sentence):
    model = small()
    with refuses(sentence), unchanged(model):
        call(model)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda m: m.count_params(),
            "m: count_params needs a built model; call build(input_shape)",
        ),
        (
            lambda m: m.set_weights([]),
            "m: set_weights needs a built model; call build(input_shape)",
        ),
        (
            lambda m: m.save("m"),
            "m: save needs a built model; call build(input_shape)",
        ),
        (
            lambda m: m.load_weights("m"),
            "m: load_weights needs a built model; call build(input_shape)",
        ),
        (
            lambda m: m.summary(),
            "m: summary needs a built model; call build(input_shape) or give the first "
            "layer an input_shape",
        ),
    ],
    ids=["count_params", "set_weights", "save", "load_weights", "summary"],
)
def test_method_needs_a_built_model(call, sentence):
    model = deferred()
    with refuses(sentence), unchanged(model):
        call(model)


def test_call_that_fails_leaves_the_model_unbuilt(rng):
    model = Sequential([Dropout(0.5, noise_shape=(7, 1)), Dense(2)])
    with pytest.raises(ValueError, match="noise_shape"), unchanged(model):
        model(rng.normal(size=(4, 3)), training=True)


def test_call_knows_training():
    model = Sequential([Dropout(0.5)], seed=0)
    x = np.ones((4, 50))
    np.testing.assert_array_equal(model(x), x)
    assert set(np.unique(model(x, training=True))) == {0, 2}


def test_name_must_be_a_string():
    with refuses("name must be a string, got 3", TypeError):
        Sequential(name=3)


def test_automatic_names():
    layers.clear_session()
    assert [Sequential().name, Sequential().name] == ["sequential", "sequential_1"]


# Seeds ---------------------------------------------------------------------------


def test_same_seed_same_bits_whatever_the_way():
    one_by_one = Sequential(seed=3)
    for layer in stack(input_shape=(5, 2)):
        one_by_one.add(layer)
    by_sequence = Sequential(stack(input_shape=(5, 2)), seed=np.random.SeedSequence(3))
    assert_same_weights(small(seed=3), one_by_one)
    assert_same_weights(small(seed=3), by_sequence)


def test_seed_sequence_of_the_caller_is_not_used_up():
    seed = np.random.SeedSequence(3)
    assert_same_weights(small(seed=seed), small(seed=seed))
    assert seed.n_children_spawned == 0


def test_other_seeds_and_other_layers_give_other_bits():
    a, b = small(seed=3), small(seed=4)
    assert (a.get_weights()[0] != b.get_weights()[0]).all()
    twins = Sequential([Dense(4, input_shape=(4,)), Dense(4)], seed=0)
    assert (twins.get_weights()[0] != twins.get_weights()[2]).all()
    x, y = small(seed=None), small(seed=None)
    assert (x.get_weights()[0] != y.get_weights()[0]).all()


def test_input_layer_does_not_shift_the_seeds():
    with_input = Sequential([InputLayer((5, 2)), *stack()], seed=0)
    assert_same_weights(with_input, small(seed=0))


def test_seed_of_an_initializer_wins():
    def model(seed):
        own = initializers.GlorotUniform(seed=9)
        return Sequential(
            [Dense(3, kernel_initializer=own, input_shape=(4,)), Dense(3)], seed=seed
        )

    a, b = model(1).get_weights(), model(2).get_weights()
    np.testing.assert_array_equal(a[0], b[0])
    assert (a[2] != b[2]).all()


def test_seed_reaches_the_noise():
    x = np.ones((2, 50))
    a, b, c = (Sequential([Dropout(0.5)], seed=seed) for seed in (1, 1, 2))
    first = a(x, training=True)
    np.testing.assert_array_equal(b(x, training=True), first)
    assert (c(x, training=True) != first).any()


@pytest.mark.parametrize("seed", [-1, 1.5, "a"])
def test_seed_must_be_an_integer(seed):
    with refuses(f"seed must be an integer >= 0 or None, got {seed!r}"):
        Sequential(seed=seed)


# Configs -------------------------------------------------------------------------


@pytest.mark.parametrize("model", [small(), deferred()], ids=["built", "deferred"])
def test_config_round_trip(model, rng):
    ours = model.get_config()
    assert ours["name"] == "m"
    again = Sequential.from_config(json.loads(json.dumps(ours)))
    assert again.built == model.built
    assert again.get_config() == ours
    if model.built:
        again.set_weights(model.get_weights())
        x = rng.normal(size=(2, 5, 2))
        np.testing.assert_array_equal(again(x), model(x))


def test_config_begins_with_the_input_layer_where_the_shape_is_known():
    classes = [entry["class_name"] for entry in small().get_config()["layers"]]
    assert classes == ["InputLayer", "LocallyConnected1D", "Flatten", "Dense"]
    first = small().get_config()["layers"][0]["config"]
    assert first["batch_input_shape"] == (None, 5, 2)
    assert first["name"] == "lc_input"
    assert deferred().get_config()["layers"][0]["class_name"] == "LocallyConnected1D"


def test_to_json_wraps_the_config():
    text = small().to_json(indent=1)
    assert text.startswith("{\n ")
    wrapped = json.loads(text)
    assert wrapped["class_name"] == "Sequential"
    assert wrapped["backend"] == "numpy"
    assert Sequential.from_config(wrapped["config"]).output_shape == (None, 3)


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"bogus": 1}, "got {'bogus': 1}: .*unexpected keyword argument 'bogus'"),
        ({"separators": 3}, "got {'separators': 3}: "),
        ({"indent": np.ones(2)}, "got {'indent': array"),
    ],
)
def test_to_json_takes_what_json_takes_alone(argument, words):
    with pytest.raises(TypeError, match=f"kwargs must be arguments of json.*{words}"):
        small().to_json(**argument)


def test_config_of_early_keras_2_is_a_list():
    model = Sequential.from_config(
        [
            {
                "class_name": "LocallyConnected1D",
                "config": {
                    "filters": 2,
                    "kernel_size": [2],
                    "batch_input_shape": [None, 5, 2],
                },
            },
            {"class_name": "Flatten", "config": {"name": "flat"}},
        ]
    )
    assert model.output_shape == (None, 8)


def test_build_input_shape_of_a_config_is_used():
    ours = {**deferred().get_config(), "build_input_shape": [None, 5, 2]}
    assert Sequential.from_config(ours).output_shape == (None, 3)


def test_config_with_custom_objects():
    class Double(layers.Layer):
        def compute(self, x, *, training, rng):
            return 2 * x, None

    ours = Sequential([Double(name="two")]).get_config()
    with refuses("layer must be a known name, got 'Double'"):
        Sequential.from_config(ours)
    again = Sequential.from_config(ours, custom_objects={"Double": Double})
    np.testing.assert_array_equal(again([[1.0]]), [[2.0]])


@pytest.mark.parametrize(
    ("ours", "sentence"),
    [
        (3, "config must be a dict with a list of layers, got 3"),
        (
            {"layers": 3},
            "config must be a dict with a list of layers, got {'layers': 3}",
        ),
        ([3], "layer config must be a dict, got 3"),
        (
            [{"class_name": "Dens", "config": {}}],
            "layer must be a known name, got 'Dens'; did you mean 'Dense'?",
        ),
        (
            [{"class_name": "Flatten", "config": {"units": 1}}],
            "layer config must fit Flatten, got {'units': 1}: "
            "Flatten must be given known arguments, got 'units'",
        ),
    ],
    ids=["type", "layers", "entry", "class", "key"],
)
def test_from_config_refuses(ours, sentence):
    with refuses(sentence):
        Sequential.from_config(ours)


# Loss and gradients --------------------------------------------------------------

X = np.random.default_rng(1).normal(size=(6, 5, 2))
LABELS = np.array([0, 1, 2, 2, 1, 0])
SPARSE = "sparse_categorical_crossentropy"


def penalised(activity=None, **kwargs):
    return [
        LocallyConnected1D(
            2,
            2,
            padding="same",
            activation="tanh",
            kernel_regularizer=regularizers.L1L2(0.01, 0.02),
            bias_initializer="random_normal",
            bias_regularizer="l2",
            activity_regularizer=activity,
            dtype="float64",
            **kwargs,
        ),
        Dropout(0.3, dtype="float64"),
        Flatten(dtype="float64"),
        Dense(3, "softmax", activity_regularizer=activity, dtype="float64"),
    ]


def compiled(stack, loss=SPARSE, optimizer="sgd", seed=0, **kwargs):
    model = Sequential(stack, name="m", seed=seed)
    model.compile(optimizer, loss, **kwargs)
    return model


@pytest.mark.parametrize(
    ("loss", "activity"),
    [(SPARSE, None), (SPARSE, "l2"), ("mse", None), ("kld", "l2"), (None, "l2")],
)
def test_gradients_are_central_differences_of_the_loss(loss, activity):
    model = compiled(penalised(activity), loss)
    y = LABELS if loss == SPARSE else np.eye(3)[LABELS]
    report = check_model(model, X, y)
    assert report.passed, report


def test_gradients_with_loss_weights_and_sample_weights():
    model = compiled(penalised(), "mse", loss_weights=2.5)
    plain = compiled(penalised(), "mse")
    y = np.eye(3)[LABELS]
    penalty = sum(sum(layer.weight_losses()) for layer in compiled_layers(plain))
    loss, gradients = model.loss_and_gradients(X, y)
    single, _ = plain.loss_and_gradients(X, y)
    np.testing.assert_allclose(loss - penalty, 2.5 * (single - penalty), rtol=1e-12)
    weights = np.array([2.0, 0, 0, 0, 0, 0])
    weighted, dweights = plain.loss_and_gradients(X, y, sample_weight=weights)
    assert weighted != single
    assert len(dweights) == len(gradients) == 4
    report = check_model(model, X, y)
    assert report.passed, report


def compiled_layers(model):
    model.build((None, 5, 2))
    return model.layers


def test_loss_and_gradients_change_nothing_not_even_the_noise():
    model = compiled(penalised("l1"), metrics=["acc"])
    model.fit(X, LABELS, verbose=0)
    with unchanged(model):
        loss, gradients = model.loss_and_gradients(X, LABELS)
        again, same = model.loss_and_gradients(X, LABELS)
    assert loss == again
    for a, b in zip(gradients, same, strict=True):
        np.testing.assert_array_equal(a, b)
    # It is the loss of the training step that comes next, dropout mask included.
    assert model.train_on_batch(X, LABELS)[0] == loss


def test_gradients_have_the_order_and_shapes_of_get_weights():
    model = compiled(penalised())
    _, gradients = model.loss_and_gradients(X, LABELS)
    assert [g.shape for g in gradients] == [w.shape for w in model.get_weights()]


@pytest.mark.parametrize("frozen", [(0,), (3,), (0, 3)], ids=str)
def test_frozen_layers_have_no_gradient_but_their_penalties_count(frozen):
    free, model = compiled(penalised()), compiled(penalised())
    for place in frozen:
        model.layers[place].trainable = False
    model.compile("sgd", SPARSE)
    loss, gradients = model.loss_and_gradients(X, LABELS)
    expected_loss, all_gradients = free.loss_and_gradients(X, LABELS)
    assert loss == expected_loss
    first, last = all_gradients[:2], all_gradients[2:]
    kept = [*([] if 0 in frozen else first), *([] if 3 in frozen else last)]
    assert len(gradients) == len(kept)
    for a, b in zip(gradients, kept, strict=True):
        np.testing.assert_array_equal(a, b)

    before = [layer.get_weights() for layer in model.layers]
    model.fit(X, LABELS, verbose=0)
    for place, (layer, former) in enumerate(zip(model.layers, before, strict=True)):
        for a, b in zip(layer.get_weights(), former, strict=True):
            assert (a == b).all() == (place in frozen)


def test_loss_needs_compile():
    model = small()
    sentence = "m: the model is not compiled; call compile(optimizer, loss)"
    with refuses(sentence, RuntimeError), unchanged(model):
        model.loss_and_gradients(X, LABELS)


def test_loss_and_gradients_that_fail_leave_the_model_unbuilt():
    model = deferred()
    model.compile("sgd", SPARSE)
    with pytest.raises(ValueError, match="labels of 3 classes"), unchanged(model):
        model.loss_and_gradients(X, LABELS + 1)


# Loss on logits ------------------------------------------------------------------

FAR = np.array([[145.0, 0.0]])
ONE_HOT = np.array([[0.0, 1.0]])


def identity(**kwargs):
    return Dense(
        2, kernel_initializer="identity", use_bias=False, dtype="float64", **kwargs
    )


def double(cls, *args, **kwargs):
    return cls(*args, dtype="float64", **kwargs)


SOFTMAXES = {
    "activation": lambda: [identity(activation="softmax")],
    "layer-as-activation": lambda: [identity(activation=Softmax())],
    "Activation": lambda: [identity(), double(Activation, "softmax")],
    "Softmax": lambda: [identity(), double(Softmax)],
}


@pytest.mark.parametrize("make", SOFTMAXES.values(), ids=SOFTMAXES)
@pytest.mark.parametrize(
    ("loss", "y"),
    [(SPARSE, [1]), ("categorical_crossentropy", ONE_HOT)],
    ids=["sparse", "categorical"],
)
def test_quirk_crossentropy_after_softmax_is_computed_from_the_logits(make, loss, y):
    model = compiled(make(), loss)
    value, [dkernel] = model.loss_and_gradients(FAR, y)
    np.testing.assert_allclose(value, 145.0, rtol=1e-12)
    np.testing.assert_allclose(dkernel, [[145.0, -145.0], [0, 0]], rtol=1e-12)
    assert model.evaluate(FAR, y, verbose=0) == value
    assert model.train_on_batch(FAR, y) == value


@pytest.mark.parametrize("make", SOFTMAXES.values(), ids=SOFTMAXES)
def test_quirk_no_logits_when_a_layer_follows_the_softmax(make):
    model = compiled([*make(), double(Flatten)], SPARSE)
    value, [dkernel] = model.loss_and_gradients(FAR, [1])
    np.testing.assert_allclose(value, -np.log(1e-7), rtol=1e-6)
    np.testing.assert_allclose(value, 16.118, atol=1e-3)
    assert not dkernel.any()


def test_quirk_no_logits_for_other_losses():
    value, _ = compiled(SOFTMAXES["Softmax"](), "kld").loss_and_gradients(FAR, ONE_HOT)
    # Targets and predictions are clipped to [1e-7, 1].
    np.testing.assert_allclose(value, -np.log(1e-7) * (1 - 1e-7), rtol=1e-12)


@pytest.mark.parametrize("axis", [1, [1]], ids=str)
def test_quirk_logits_are_read_whatever_the_axis_of_the_softmax(axis):
    model = compiled([identity(), double(Softmax, axis=axis)], SPARSE)
    np.testing.assert_allclose(model.loss_and_gradients(FAR, [1])[0], 145.0, rtol=1e-12)
    # tf_keras 2.21: softmax over the rows, crossentropy over the columns of the logits.
    x = np.array([[[145.0, 72.5], [0.0, 0.0]]])
    model = Sequential([double(Softmax, axis=axis)])
    model.compile("sgd", "categorical_crossentropy")
    value = model.evaluate(x, np.array([[[0.0, 1.0], [1.0, 0.0]]]), verbose=0)
    np.testing.assert_allclose(value, 36.596573590279974, rtol=1e-12)


def test_no_logits_for_a_softmax_over_several_axes():
    model = compiled([identity(), double(Softmax, axis=[0, 1])], SPARSE)
    np.testing.assert_allclose(
        model.loss_and_gradients(FAR, [1])[0], -np.log(1e-7), rtol=1e-6
    )


@pytest.mark.parametrize("loss", ["categorical_crossentropy", SPARSE])
def test_quirk_crossentropies_of_classes_read_the_logits_of_a_sigmoid(loss):
    y = [1] if loss == SPARSE else ONE_HOT
    value, _ = compiled([identity(activation="sigmoid")], loss).loss_and_gradients(
        FAR, y
    )
    np.testing.assert_allclose(value, 145.0, rtol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda: [identity(activation="sigmoid")],
        lambda: [identity(), double(Activation, "sigmoid")],
    ],
    ids=["activation", "Activation"],
)
def test_quirk_binary_crossentropy_after_sigmoid_is_computed_from_the_logits(make):
    x, y = np.array([[145.0, -145.0]]), np.array([[0.0, 1.0]])
    value, [dkernel] = compiled(make(), "binary_crossentropy").loss_and_gradients(x, y)
    np.testing.assert_allclose(value, 145.0, rtol=1e-12)
    np.testing.assert_allclose(dkernel, [[72.5, -72.5], [-72.5, 72.5]], rtol=1e-12)
    model = compiled([*make(), double(Flatten)], "binary_crossentropy")
    value, [dkernel] = model.loss_and_gradients(x, y)
    np.testing.assert_allclose(value, -np.log(2e-7), rtol=1e-6)
    assert not dkernel.any()


@pytest.mark.parametrize("layer", [Activation("softmax"), Softmax()], ids=repr)
def test_quirk_binary_crossentropy_reads_the_logits_of_a_softmax(layer):
    model = compiled([identity(), layer], "binary_crossentropy")
    value, _ = model.loss_and_gradients(FAR, ONE_HOT)
    # tf_keras 2.21
    np.testing.assert_allclose(value, 72.84657359027997, rtol=1e-6)


def test_logits_with_an_activity_regularizer_on_the_softmax():
    activity = regularizers.L2(3.0)
    model = compiled(
        [identity(activation="softmax", activity_regularizer=activity)], SPARSE
    )
    value, _ = model.loss_and_gradients(FAR, [1])
    np.testing.assert_allclose(value, 145.0 + 3.0, rtol=1e-12)
    report = check_model(model, np.array([[0.3, -0.2], [0.1, 0.5]]), [1, 0])
    assert report.passed, report


def test_from_logits_after_softmax_reads_the_inner_logits_as_well():
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    value, _ = compiled(SOFTMAXES["Softmax"](), loss).loss_and_gradients(FAR, [1])
    np.testing.assert_allclose(value, 145.0, rtol=1e-12)


# Threads -------------------------------------------------------------------------


def test_two_models_trained_in_two_threads_are_those_trained_one_by_one(rng):
    x = rng.normal(size=(40, 6, 6, 2)).astype("float32")
    y = rng.integers(0, 3, size=40)

    def train(seed):
        model = compiled(
            [
                LocallyConnected2D(3, 3, activation="relu", padding="same"),
                Dropout(0.2),
                Flatten(),
                Dense(3, "softmax"),
            ],
            seed=seed,
            metrics=["acc"],
        )
        history = model.fit(x, y, batch_size=7, epochs=3, verbose=0)
        return model, history.history

    alone = [train(seed) for seed in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(train, (1, 2)))
    for (a, left), (b, right) in zip(alone, together, strict=True):
        assert_same_weights(a, b)
        assert left == right


def test_failed_prediction_in_one_thread_does_not_disturb_another(rng):
    model = small()
    x = rng.normal(size=(3, 5, 2))
    expected = model.predict(x)

    def right(_):
        return model.predict(x)

    def wrong(_):
        with pytest.raises(ValueError, match="must have shape"):
            model.predict(x[:, :4])

    with ThreadPoolExecutor(2) as pool:
        bad = pool.map(wrong, range(30))
        for y in pool.map(right, range(30)):
            np.testing.assert_array_equal(y, expected)
        assert len(list(bad)) == 30


# What Keras reads ----------------------------------------------------------------


def test_the_input_layer_has_only_the_keys_that_keras_reads():
    model = Sequential([Dense(2, input_shape=(3,), name="d")])
    entry = model.get_config()["layers"][0]
    assert entry["class_name"] == "InputLayer"
    assert entry["config"] == {
        "batch_input_shape": (None, 3),
        "dtype": "float32",
        "sparse": False,
        "ragged": False,
        "name": "d_input",
    }


def test_one_layer_is_a_stack_too():
    layer = Dense(2)
    assert Sequential(layer).layers == [layer]


@pytest.mark.parametrize("weights", [None, 3, iter([])], ids=["None", "3", "iterator"])
def test_weights_are_a_list(weights):
    model = Sequential([Dense(2, input_shape=(3,), name="d")], name="m")
    sentence = f"weights must be a list of arrays, got {type(weights).__name__}"
    with refuses(sentence):
        model.set_weights(weights)
    with refuses(f"d: {sentence}"):
        model.layers[0].set_weights(weights)


@pytest.mark.parametrize(
    ("shape", "given"),
    [((6, 1), (3, 6)), ((6, 1), (3, 6, 1, 1)), ((6, 2), (3, 6, 2, 1))],
)
def test_a_last_axis_of_size_1_comes_and_goes_as_in_keras(shape, given):
    def made(**arguments):
        local = LocallyConnected1D(2, 2, kernel_initializer="ones", **arguments)
        return Sequential([local, Flatten(), Dense(1, kernel_initializer="ones")])

    x = np.arange(np.prod(given), dtype="f").reshape(given)
    model = made(input_shape=shape)
    expected = model.predict(x.reshape(3, *shape), verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    np.testing.assert_array_equal(model(x), expected)
    assert expected[0, 0] == {(6, 1): 50, (6, 2): 220}[shape]  # what tf_keras gives
    model.compile("adam", "mse")
    for data in (x, x.reshape(3, *shape)):
        model.fit(data, np.zeros(3), epochs=2, verbose=0)
    # What was built by data expects the like of them from then on.
    later = made()
    later(x.reshape(3, *shape))
    np.testing.assert_array_equal(later(x), expected)
    with pytest.raises(ValueError, match="shape"):
        model(x[:, :5])


def test_an_input_layer_without_a_shape_takes_that_of_the_build():
    models = [
        Sequential([InputLayer(*shape, name="in"), Dense(2)], seed=0)
        for shape in ((), ((3,),))
    ]
    x = np.arange(6.0).reshape(2, 3)
    assert_array_equal(*(model.predict(x, verbose=0) for model in models))
    one, other = (model.get_config()["layers"][0]["config"] for model in models)
    assert one == other


# What the model was told of its inputs --------------------------------------------


def convolving(**first):
    return Sequential([Conv2D(4, 3, **first), GlobalAveragePooling2D()], name="m")


def functional():
    handle = Input((8, 8, 1))
    return Model(handle, GlobalAveragePooling2D()(handle))


@pytest.mark.parametrize(
    "model",
    [
        lambda: convolving(input_shape=(8, 8, 1)),
        lambda: Sequential([InputLayer((8, 8, 1)), *convolving().layers], name="m"),
        lambda: Sequential([convolving(input_shape=(8, 8, 1)), Dense(2)], name="m"),
        lambda: Sequential([functional(), Dense(2)], name="m"),
    ],
    ids=["layer", "InputLayer", "model", "graph"],
)
def test_data_of_another_size_than_was_declared_are_refused_as_in_keras(model):
    m = model()
    for call in (m, m.predict, m.predict_on_batch):
        sentence = r"must have shape \(None, 8, 8, 1\), got \(None, 9, 9, 1\)"
        with pytest.raises(ValueError, match=sentence):
            call(np.ones((2, 9, 9, 1)))
    assert len(m.predict(np.ones((2, 8, 8)))) == 2  # a last axis of size 1 is added


def test_sizes_that_were_not_declared_are_as_the_data():
    for m in (convolving(), convolving(input_shape=(None, None, 1))):
        for size in (8, 9):
            assert m.predict(np.ones((2, size, size, 1))).shape == (2, 4)
    steps = Sequential([TimeDistributed(Sequential([Dense(2, input_shape=(3,))]))])
    for count in (4, 5):
        assert steps.predict(np.ones((2, count, 3))).shape == (2, count, 2)
    m = convolving()
    m.build((None, 8, 8, 1))
    assert m.predict(np.ones((2, 9, 9, 1))).shape == (2, 4)
