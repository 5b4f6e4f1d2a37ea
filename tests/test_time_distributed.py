"""A layer applied to every step: as the layer itself on N*T samples, in all it does."""

import copy
import pickle

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from raising import refuses
from unchanged import unchanged

from localnet import Sequential, gradcheck, layers, load_model, optimizers
from localnet.callbacks import BackupAndRestore, Callback
from localnet.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LocallyConnected1D,
    LocallyConnected2D,
    LocallyConnected3D,
    PReLU,
    TimeDistributed,
)

DATA = reference.load("normalization.npz")

INNER = {
    "dense": (lambda: Dense(4, "tanh", kernel_regularizer="l2"), (3,)),
    "local1d": (
        lambda: LocallyConnected1D(2, 2, kernel_regularizer="l2", padding="same"),
        (5, 3),
    ),
    "local2d": (lambda: LocallyConnected2D(2, 2, activity_regularizer="l2"), (4, 3, 2)),
    "norm": (lambda: BatchNormalization(gamma_regularizer="l1"), (4, 2)),
    "prelu": (lambda: PReLU("ones", shared_axes=1), (4, 2)),
    "dropout": (lambda: Dropout(0.5), (4, 2)),
    "flatten": (lambda: Flatten(), (4, 2)),
    "twice": (lambda: TimeDistributed(Dense(2)), (4, 2)),
}
every_inner = pytest.mark.parametrize("name", INNER)


def made(name):
    """Return a wrapper and a bare layer that are equal, and the shape of a step."""
    make, shape = INNER[name]
    wrapper, bare = TimeDistributed(make()), make()
    for layer in (wrapper, bare):
        layer.set_seed(np.random.SeedSequence(5))
    return wrapper, bare, shape


@pytest.mark.parametrize("training", [False, True])
@every_inner
def test_steps_are_samples(name, training, rng):
    wrapper, bare, shape = made(name)
    x = rng.normal(size=(2, 3, *shape)).astype("float32")
    y = wrapper.forward(x, training=training)
    expected = bare.forward(x.reshape(6, *shape), training=training)
    assert_array_equal(y, expected.reshape(2, 3, *expected.shape[1:]))
    assert y.shape == wrapper.compute_output_shape(x.shape)
    assert wrapper.output_shape == (None, *y.shape[1:])
    dy = rng.normal(size=y.shape).astype("float32")
    dx = wrapper.backward(dy)
    expected = bare.backward(dy.reshape(6, *y.shape[2:]))
    assert_array_equal(dx, expected.reshape(x.shape))
    assert list(wrapper.grads) == list(bare.grads)
    for key, grad in bare.grads.items():
        assert_array_equal(wrapper.grads[key], grad)
    assert wrapper.losses == bare.losses
    for one, other in zip(wrapper.get_weights(), bare.get_weights(), strict=True):
        assert_array_equal(one, other)
    assert wrapper.count_params() == bare.count_params()
    assert wrapper.weight_shapes(x.shape) == bare.weight_shapes((6, *shape))


@every_inner
def test_gradients(name, rng):
    wrapper, _, shape = made(name)
    x = rng.uniform(0.1, 1, (2, 3, *shape)) * rng.choice([-1, 1], (2, 3, *shape))
    report = gradcheck.check_layer(wrapper, x, training=True)
    assert report.passed, report


@given(st.integers(0, 3), st.integers(0, 3))
def test_any_number_of_samples_and_steps(samples, steps):
    layer = TimeDistributed(LocallyConnected1D(2, 2))
    layer.build((None, 2, 3, 1))
    y = layer.forward(np.ones((samples, steps, 3, 1)), training=True)
    assert y.shape == (samples, steps, 2, 2)
    assert layer.backward(y).shape == (samples, steps, 3, 1)


def test_memory_in_any_order(rng):
    layer = TimeDistributed(Dense(2, dtype="float64"))
    x = rng.normal(size=(3, 4, 2))
    y = layer(x)
    moved = np.ascontiguousarray(x.transpose(2, 1, 0)).transpose(2, 1, 0)
    moved.flags.writeable = False
    assert_array_equal(layer(moved), y)


def test_penalties_of_tf_keras():
    inner = Dense(2, activity_regularizer="l2", kernel_regularizer="l2")
    inner.activity_regularizer.l2, inner.kernel_regularizer.l2 = 0.5, 0.25
    layer = TimeDistributed(inner, activity_regularizer="l1")
    layer.activity_regularizer.l1 = 0.125
    layer.dtype = np.dtype("float64")
    x = DATA["penalty__x"]
    model = Sequential([layer])
    model.build((None, 4, 2))
    layer.set_weights([DATA["penalty__kernel"], DATA["penalty__bias"]])
    layer.forward(x, training=True)
    assert_allclose(sum(layer.losses), sum(DATA["penalty__losses"]), rtol=1e-6)
    model.compile("sgd")
    loss, _ = model.loss_and_gradients(x, np.zeros((3, 4, 2)))
    assert_allclose(loss, sum(DATA["penalty__losses"]), rtol=1e-6)


# What is the inner layer's --------------------------------------------------------


def test_weights_are_those_of_the_inner_layer():
    layer = TimeDistributed(Dense(2))
    layer.build((None, 3, 4))
    assert layer.params["kernel"] is layer.layer.params["kernel"]
    layer.set_weights([np.ones((4, 2)), np.zeros(2)])
    assert_array_equal(layer.layer.kernel, 1)
    again = copy.deepcopy(layer)
    assert again.params["kernel"] is again.layer.params["kernel"]
    assert again.params["kernel"] is not layer.params["kernel"]


def test_weights_are_named_after_the_layer_that_built_them():
    model = Sequential([TimeDistributed(Dense(2), input_shape=(3, 1), name="td")])
    assert [w.name for w in model.weights] == ["td/kernel:0", "td/bias:0"]
    inner = Dense(2, name="inner")
    inner.build((None, 1))
    layer = TimeDistributed(inner, input_shape=(3, 1))
    assert [w.name for w in layer.weights] == ["inner/kernel:0", "inner/bias:0"]


def test_a_built_layer_keeps_its_weights_and_building_again_draws_new_ones():
    inner = Dense(2)
    inner.build((None, 4))
    kernel = inner.kernel.copy()
    layer = TimeDistributed(inner)
    layer.build((None, 3, 4))
    assert_array_equal(layer.params["kernel"], kernel)
    layer.build((None, 3, 5))
    assert layer.params["kernel"].shape == (5, 2)
    inner = Dense(2, name="inner")
    inner.build((None, 4))
    layer = TimeDistributed(inner, name="outer")
    with (
        unchanged(layer, inner),
        refuses(
            "outer: inner: input must have 4 values on its last axis, "
            "got shape (None, 5)"
        ),
    ):
        layer.build((None, 3, 5))


def test_a_build_that_fails_leaves_both_as_they_were():
    def fails(shape, dtype=None):
        raise ArithmeticError("no")

    inner = Dense(2, bias_initializer=fails)
    layer = TimeDistributed(inner)
    with unchanged(layer, inner), pytest.raises(ArithmeticError):
        layer.build((None, 3, 4))
    model = Sequential([Dense(4, input_shape=(3, 4))])
    with unchanged(layer, inner), pytest.raises(ArithmeticError):
        model.add(layer)


def test_trainable_goes_to_the_inner_layer():
    layer = TimeDistributed(BatchNormalization())
    layer.build((None, 3, 4))
    assert list(layer.trainable_params) == ["gamma", "beta"]
    layer.trainable = False
    assert layer.trainable_params == {}
    assert not layer.layer.trainable
    before = layer.get_weights()
    layer(np.ones((2, 3, 4)), training=True)
    for one, other in zip(before, layer.get_weights(), strict=True):
        assert_array_equal(one, other)
    layer.trainable = True
    assert layer.layer.trainable
    frozen = TimeDistributed(Dense(2, trainable=False))
    frozen.build((None, 3, 4))
    assert frozen.trainable
    assert frozen.trainable_params == {}
    outer = TimeDistributed(Dense(2), trainable=False)
    outer.build((None, 3, 4))
    assert outer.layer.trainable
    assert outer.trainable_params == {}


def test_dtype_is_that_of_the_inner_layer(rng):
    x = rng.normal(size=(2, 3, 4))
    layer = TimeDistributed(Dense(2, dtype="float64"))
    assert layer(x).dtype == "float64"
    mixed = TimeDistributed(Dense(2, dtype="float64"), dtype="float32")
    mixed.build((None, 3, 4))
    mixed.set_weights(layer.get_weights())
    assert_array_equal(mixed(x), layer(x.astype("float32")))


def test_seeds_and_noise(rng):
    def model(seed):
        return Sequential(
            [TimeDistributed(Dense(3)), TimeDistributed(Dropout(0.5))], seed=seed
        )

    x = rng.normal(size=(4, 5, 2))
    one, same, other = model(1), model(1), model(2)
    y = one(x, training=True)
    assert_array_equal(y, same(x, training=True))
    assert not np.array_equal(y, other(x, training=True))
    assert not np.array_equal(y, one(x, training=True))
    own = TimeDistributed(Dropout(0.5, seed=3))
    own.set_seed(np.random.SeedSequence(9))
    assert_array_equal(own(x, training=True), Dropout(0.5, seed=3)(x, training=True))


def test_constraints_and_penalties_in_training(rng):
    x, y = rng.normal(size=(6, 3, 4)), rng.normal(size=(6, 3, 2))

    def train(make):
        layer = make(Dense(2, kernel_constraint="max_norm", kernel_regularizer="l2"))
        model = Sequential([layer], seed=1)
        model.compile(optimizers.SGD(0.5), "mse")
        model.fit(x, y, 2, epochs=4, verbose=0, seed=0)
        return model.get_weights()

    # Dense works along the last axis by itself, but for how a batch is cut.
    for one, other in zip(train(TimeDistributed), train(lambda d: d), strict=True):
        assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_constraint_that_fails_undoes_the_step(rng):
    def constraint(w):
        if len(calls) > 1:
            raise ArithmeticError("no")
        calls.append(1)
        return w

    calls = []
    model = Sequential(
        [
            TimeDistributed(BatchNormalization(), input_shape=(3, 4)),
            TimeDistributed(Dense(2, kernel_constraint=constraint)),
        ]
    )
    model.compile("sgd", "mse")
    x, y = rng.normal(size=(6, 3, 4)), rng.normal(size=(6, 3, 2))
    model.train_on_batch(x, y)
    with unchanged(model), pytest.raises(ArithmeticError):
        model.train_on_batch(x, y)


def test_refusals():
    with refuses("TimeDistributed: layer must be a Layer or a model, got 3"):
        TimeDistributed(3)
    with pytest.raises(ValueError, match="make an instance of the class"):
        TimeDistributed(Dense)
    layer = TimeDistributed(Dense(2, name="d"), name="t")
    with refuses(
        "t: input_shape must have at least 3 axes, (N, T, ...), got (None, 4)"
    ):
        layer.build((None, 4))
    layer.build((None, 3, 4))
    with refuses(
        "t: d: input must have 4 values on its last axis, got shape (None, 5)"
    ):
        layer(np.ones((2, 3, 5)))
    with pytest.raises(ValueError, match="at least 3 axes"):
        layer(np.ones((2, 3)))
    inner = Dense(2, name="inner")
    model = Sequential([TimeDistributed(inner)])
    for again in (inner, TimeDistributed(inner, name="twice")):
        with pytest.raises(ValueError, match="must be added once"):
            model.add(again)
    for config in ({}, {"layer": None}, {"layer": {"class_name": "Nothing"}}):
        with pytest.raises(ValueError, match="layer"):
            layers.deserialize({"class_name": "TimeDistributed", "config": config})


# Around a model -------------------------------------------------------------------
# Its numbers and files are compared with Keras's in test_functional_keras.py.


def chain(**kwargs):
    parts = [LocallyConnected1D(2, 2), BatchNormalization(), Flatten(), Dense(3)]
    return Sequential(parts, name="chain", seed=3, **kwargs)


def test_a_model_at_each_step_is_as_its_layers_at_each_step(rng):
    x, y = rng.normal(size=(4, 3, 5, 2)), rng.normal(size=(4, 3, 3))
    whole = Sequential([TimeDistributed(chain(), input_shape=(3, 5, 2))])
    parts = Sequential([TimeDistributed(layer) for layer in chain().layers])
    parts.build((None, 3, 5, 2))
    assert whole.output_shape == parts.output_shape == (None, 3, 3)
    leaves = list(whole.leaves.values())[1:-1]
    for leaf, wrapper in zip(leaves, parts.layers, strict=True):
        wrapper.set_weights(leaf.get_weights())
    for model in (whole, parts):
        model.compile(optimizers.Adam(0.01), "mse")
        model.fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0)
    for leaf, wrapper in zip(leaves, parts.layers, strict=True):
        for one, other in zip(leaf.get_weights(), wrapper.get_weights(), strict=True):
            assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def test_gradients_at_each_step_of_a_model():
    model = Sequential(
        [
            TimeDistributed(
                chain(), activity_regularizer="l2", dtype="float64", name="t"
            ),
        ]
    )
    for layer in model.layers[0].layer.layers:
        layer.dtype = np.dtype("float64")
    model.build((None, 3, 5, 2))
    x = np.random.default_rng(2).normal(size=(4, 3, 5, 2))
    y = np.random.default_rng(3).normal(size=(4, 3, 3))
    model.compile("sgd", "mse")
    _, gradients = model.loss_and_gradients(x, y)
    weights = model.trainable_weights
    for weight, gradient in zip(weights, gradients, strict=True):
        place = np.unravel_index(0, weight.shape)
        losses = []
        for step in (1e-6, -1e-6):
            former, weight[place] = weight[place], weight[place] + step
            losses.append(model.loss_and_gradients(x, y)[0])
            weight[place] = former
        assert_allclose((losses[0] - losses[1]) / 2e-6, gradient[place], rtol=1e-5)


def test_any_number_of_steps_and_copies_of_a_model(rng):
    model = Sequential([TimeDistributed(chain(), input_shape=(None, 5, 2))])
    model.build((None, 3, 5, 2))
    for steps in (3, 7):
        x = rng.normal(size=(2, steps, 5, 2))
        y = model(x)
        assert y.shape == (2, steps, 3)
        inner = model.layers[0].layer
        assert_array_equal(y[:, 1], inner(x[:, 1]))
        for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert_array_equal(copied(x), y)
            copied.layers[0].layer.layers[-1].set_weights(
                [np.zeros((8, 3)), np.ones(3)]
            )
            assert_array_equal(copied(x), np.ones((2, steps, 3)))
        assert_array_equal(model(x), y)


def test_a_model_at_each_step_in_lists_and_tables(capsys):
    wrapper = TimeDistributed(chain(), input_shape=(3, 5, 2), name="t")
    model = Sequential([wrapper, Flatten()])
    assert wrapper.layer.name == "chain"
    assert repr(wrapper) == "<TimeDistributed 't'>"
    assert layers.deserialize(layers.serialize(Dense(2))).units == 2
    names = [weight.name.split("/")[-1] for weight in model.weights]
    assert names[-2:] == ["moving_mean:0", "moving_variance:0"]  # as of one layer
    shapes = [weight.shape for weight in model.get_weights()]
    assert shapes == [weight.shape for weight in model.weights]
    model.summary()
    assert "t (TimeDistributed)" in capsys.readouterr().out
    model.summary(cost=True, batch_size=1)
    dense = next(
        line for line in capsys.readouterr().out.splitlines() if "/dense" in line
    )
    # 8 values of each of 3 steps into 3 units, a multiplication and an addition each.
    assert dense.split()[1] == str(3 * 3 * (2 * 8 + 1))
    wrapper.trainable = False
    assert model.trainable_weights == []
    assert not any(layer.trainable for layer in wrapper.layer.layers)


def test_what_a_model_at_each_step_refuses():
    wrapper = TimeDistributed(chain(), name="t")
    with refuses("input_shape must have at least 3 axes, (N, T, ...), got (None, 3)"):
        wrapper.build((None, 3))
    with refuses("t: weights must be given to the layers of the model"):
        TimeDistributed(chain(), weights=[], name="t")
    with pytest.raises(TypeError, match=r"TimeDistributed.*unit"):
        TimeDistributed(chain(), unit=3)


# Files ----------------------------------------------------------------------------


def make_model(seed=0):
    model = Sequential(
        [
            TimeDistributed(
                LocallyConnected2D(
                    2, 2, padding="same", kernel_regularizer="l2", name="same"
                ),
                input_shape=(3, 4, 3, 1),
                name="same",
            ),
            TimeDistributed(TimeDistributed(BatchNormalization())),
            BatchNormalization(axis=[1, 4], momentum=0.5),
            PReLU(shared_axes=[2, 3]),
            TimeDistributed(Flatten()),
            TimeDistributed(Dropout(0.25)),
            Flatten(),
            Dense(2),
        ],
        seed=seed,
    )
    model.compile(optimizers.SGD(0.01, momentum=0.9), "mse")
    return model


X = np.random.default_rng(0).normal(size=(6, 3, 4, 3, 1))
Y = np.random.default_rng(1).normal(size=(6, 2))


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".keras"])
def test_files_both_ways(suffix, tmp_path):
    if suffix != ".npz":
        pytest.importorskip("h5py")
    model = make_model()
    model.fit(X, Y, 2, epochs=2, verbose=0)
    path = model.save(tmp_path / f"model{suffix}")
    again = load_model(path)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        assert_array_equal(one, other)
    for key, value in model.optimizer.get_state().items():
        assert_array_equal(again.optimizer.get_state()[key], value)
    if suffix == ".npz":  # Keras does not keep the generators
        for trained in (model, again):
            trained.fit(X, Y, 2, epochs=2, verbose=0)
        for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
            assert_array_equal(one, other)


@pytest.mark.parametrize("suffix", [".npz", ".w.h5", ".weights.h5"])
def test_weights_in_files(suffix, tmp_path):
    if suffix != ".npz":
        pytest.importorskip("h5py")
    model, other = make_model(1), make_model(2)
    model.fit(X, Y, verbose=0)
    other.load_weights(model.save_weights(tmp_path / f"weights{suffix}"))
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_what_keras_lacks_is_refused_inside_too(tmp_path):
    pytest.importorskip("h5py")
    for inner, reason in [
        (LocallyConnected3D(1, 1, name="deep"), "LocallyConnected3D 'deep' (three"),
        (LocallyConnected1D(1, 2, dilation_rate=2, name="wide"), "(dilation)"),
    ]:
        model = Sequential([TimeDistributed(inner)])
        model.build((None, 2, *[3] * inner.rank, 1))
        with pytest.raises(ValueError, match="only what Keras has") as caught:
            model.save(tmp_path / "model.keras")
        assert reason in str(caught.value)


def test_what_localnet_lacks_is_named_inside_too(tmp_path):
    h5py = pytest.importorskip("h5py")
    model = make_model()
    path = model.save(tmp_path / "model.h5")
    with h5py.File(path, "r+") as file:
        text = file.attrs["model_config"]
        if isinstance(text, bytes):
            text = text.decode()
        file.attrs["model_config"] = text.replace("LocallyConnected2D", "ConvLSTM2D")
    with pytest.raises(ValueError, match="no counterpart for ConvLSTM2D 'same'"):
        load_model(path)


def test_a_class_of_the_users_own_inside(tmp_path):
    class Scale(Layer):
        def build(self, input_shape):
            self.params["scale"] = np.full(input_shape[1:], 3.0, self.dtype)

        def compute(self, x, *, training, rng):
            return x * self.params["scale"], x

        def gradients(self, dz, cache):
            return dz * self.params["scale"], {"scale": (dz * cache).sum(axis=0)}

    model = Sequential([TimeDistributed(Scale(), input_shape=(3, 2))])
    model.compile("sgd", "mse")
    x = np.ones((4, 3, 2))
    model.fit(x, x, verbose=0)
    again = load_model(model.save(tmp_path / "model"), {"Scale": Scale})
    assert_array_equal(again.predict(x), model.predict(x))


def test_a_training_is_resumed_whatever_the_inner_layers_are_called(tmp_path):
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def fit(model, *callbacks):
        model.fit(X, Y, 2, epochs=4, verbose=0, callbacks=[*callbacks])
        return model.get_weights()

    expected = fit(make_model())
    backup = BackupAndRestore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fit(make_model(), backup, Stop())
    for one, other in zip(fit(make_model(), backup), expected, strict=True):
        assert_array_equal(one, other)


def test_an_inner_layer_that_is_built_again_has_the_weights():
    layer = TimeDistributed(Dense(2))
    layer.build((None, 3, 4))
    layer.layer.build((None, 5))
    assert layer.params["kernel"] is layer.layer.params["kernel"]
    assert layer.params["kernel"].shape == (5, 2)


def test_minimisers_see_what_is_inside(rng):
    x, y = rng.normal(size=(5, 3, 4)), rng.normal(size=(5, 3, 2))

    def model(*stack):
        made = Sequential([TimeDistributed(layer) for layer in stack], seed=0)
        made.build((None, 3, 4))
        made.compile("sgd", "mse")
        return made

    frozen = [BatchNormalization(trainable=False), Dense(3, trainable=False)]
    bounded = model(*frozen, Dense(2, kernel_constraint="non_neg"))
    before = bounded.get_weights()
    bounded.fit_scipy(x, y, max_iterations=5, verbose=0)
    assert (bounded.layers[-1].params["kernel"] >= 0).all()
    for one, other in zip(before[:6], bounded.get_weights()[:6], strict=True):
        assert_array_equal(one, other)
    for layer, what in (
        (BatchNormalization(), "statistics of batches"),
        (Dropout(0.5), "training noise"),
    ):
        with pytest.raises(ValueError, match=what):
            model(layer, Dense(2)).fit_scipy(x, y, verbose=0)
