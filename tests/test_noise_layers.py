"""Noise, slopes and shapes: the small layers around the others."""

import copy

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from raising import refuses
from strategies import LAYOUTS
from unchanged import unchanged

from localnet import Sequential, config, gradcheck, layers, load_model
from localnet.layers import (
    Dense,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    Permute,
    PReLU,
    RepeatVector,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
    ThresholdedReLU,
)
from localnet.ops import (
    Workspace,
    add_noise_backward,
    add_noise_forward,
    gaussian_noise,
    prelu_backward,
    prelu_forward,
    repeat_vector_backward,
    repeat_vector_forward,
)

DATA = reference.load("normalization.npz")
EXACT = {"rtol": 1e-12, "atol": 1e-12}

NOISE = {
    "gaussian_noise": lambda **kw: GaussianNoise(0.5, **kw),
    "gaussian_dropout": lambda **kw: GaussianDropout(0.25, **kw),
    "spatial": lambda **kw: SpatialDropout1D(0.5, **kw),
}
every_noise = pytest.mark.parametrize("make", NOISE.values(), ids=NOISE)


# Noise ----------------------------------------------------------------------------


@every_noise
def test_noise_is_idle_unless_training(make, rng):
    x = rng.normal(size=(4, 3, 2)).astype("float32")
    layer = make()
    assert_array_equal(layer(x), x)
    assert_array_equal(layer.backward(x), x)
    assert not np.array_equal(layer(x, training=True), x)
    for dtype in ("float16", "float64"):
        layer = make(dtype=dtype)
        assert layer(x, training=True).dtype == dtype
        assert layer.backward(x).dtype == dtype
    assert layer(x[:0], training=True).shape == (0, 3, 2)


@every_noise
def test_noise_is_drawn_from_the_layers_own_source(make, rng):
    x = rng.normal(size=(4, 3, 2)).astype("float32")

    def twice(layer):
        return [layer(x, training=True) for _ in range(2)]

    first, second = twice(make(seed=1))
    assert not np.array_equal(first, second)
    assert_array_equal(twice(make(seed=1)), [first, second])
    assert not np.array_equal(make(seed=2)(x, training=True), first)
    seeded = [Sequential([make()], seed=s)(x, training=True) for s in (5, 5, 6)]
    assert_array_equal(seeded[0], seeded[1])
    assert not np.array_equal(seeded[0], seeded[2])
    kept = Sequential([make(seed=1)], seed=6)
    assert_array_equal(kept(x, training=True), first)
    # The noise does not depend on the dtype, but for its rounding.
    wide = make(seed=1, dtype="float64")(x, training=True)
    assert_allclose(wide, first, rtol=1e-6, atol=1e-6)


@every_noise
def test_gradients_of_noise(make, rng):
    report = gradcheck.check_layer(make(), rng.normal(size=(3, 4, 2)), training=True)
    assert report.passed, report


@every_noise
def test_a_look_at_the_gradients_draws_nothing(make, rng):
    model = Sequential([make(input_shape=(4, 2)), Flatten(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    x, y = rng.normal(size=(3, 4, 2)), np.ones((3, 1))
    with unchanged(model):
        loss, _ = model.loss_and_gradients(x, y)
    assert model.train_on_batch(x, y) == pytest.approx(loss)


def test_the_distribution_of_gaussian_noise():
    x = np.ones((200, 500))
    y = GaussianNoise(0.5, seed=0, dtype="float64")(x, training=True)
    assert abs(y.mean() - 1) < 0.01
    assert abs(y.std() - 0.5) < 0.005
    y = GaussianDropout(0.2, seed=0, dtype="float64")(2 * x, training=True)
    assert abs(y.mean() - 2) < 0.02
    assert abs(y.std() - 2 * 0.5) < 0.01  # sqrt(0.2 / 0.8)
    for quiet in (GaussianNoise(0.0), GaussianDropout(0)):
        assert_array_equal(quiet(x, training=True), x)


@pytest.mark.parametrize(
    ("cls", "shape"),
    [
        (SpatialDropout1D, (3, 5, 8)),
        (SpatialDropout2D, (3, 5, 4, 8)),
        (SpatialDropout3D, (3, 2, 5, 4, 8)),
    ],
)
def test_spatial_dropout_drops_whole_channels(cls, shape):
    y = cls(0.5, seed=0)(np.ones(shape), training=True)
    by_channel = y.reshape(shape[0], -1, shape[-1])
    assert_array_equal(by_channel, by_channel[:, :1].repeat(by_channel.shape[1], 1))
    assert set(np.unique(y)) == {0.0, 2.0}
    if cls is SpatialDropout1D:
        with pytest.raises(TypeError, match="got 'data_format'"):
            cls(0.5, data_format="channels_first")
        return
    first = cls(0.5, "channels_first", seed=0)
    moved = first(np.moveaxis(np.ones(shape), -1, 1), training=True)
    assert_array_equal(np.moveaxis(moved, 1, -1), y)
    again = layers.deserialize(layers.serialize(first))
    assert again.data_format == "channels_first"
    with refuses(f"{first.name}: input must have {len(shape)} axes, got shape (2, 3)"):
        first(np.ones((2, 3)))
    with pytest.raises(ValueError, match="axes"):
        cls(0.5)(np.ones((2, 3)))


def test_refusals_of_noise():
    number = "must be a finite number >= 0"
    with refuses(f"n: stddev {number}, got -1"):
        GaussianNoise(-1, name="n")
    with refuses(f"n: rate {number} and < 1, got 1"):
        GaussianDropout(1, name="n")
    with refuses("n: seed must be an integer >= 0, got 0.5"):
        GaussianNoise(1, seed=0.5, name="n")
    with refuses("noise must have the shape of x, (2,), got (1,)"):
        add_noise_forward([1.0, 2.0], [1.0])
    _, cache = add_noise_forward([1.0, 2.0], [1.0, 1.0])
    with refuses("dy must have the shape of y, (2,), got (3,)"):
        add_noise_backward([1.0, 2.0, 3.0], cache)


def test_noise_in_a_workspace(rng):
    workspace = Workspace()
    noise = gaussian_noise((3, 2), 0.5, rng, np.dtype("float32"), workspace=workspace)
    y, cache = add_noise_forward(np.ones((3, 2), "f"), noise, workspace=workspace)
    assert not np.shares_memory(y, noise)
    assert_array_equal(add_noise_backward(y, cache, workspace=workspace), y)


# Slopes ---------------------------------------------------------------------------


@pytest.mark.parametrize("case", DATA["slopes"], ids=str)
def test_slopes_of_tf_keras(case):
    found = {
        name: DATA[f"{case['key']}__{name}"]
        for name in ("x", "dy", "alpha", "y", "dx", "dalpha")
    }
    layer = PReLU(shared_axes=case["shared_axes"], dtype="float64")
    layer.build((None, *found["x"].shape[1:]))
    layer.set_weights([found["alpha"]])
    assert (found["x"] == 0).any()  # the kink
    assert_allclose(layer.forward(found["x"]), found["y"], **EXACT)
    assert_allclose(layer.backward(found["dy"]), found["dx"], **EXACT)
    assert_allclose(layer.grads["alpha"], found["dalpha"], **EXACT)


@pytest.mark.parametrize("theta", [0, 1])
def test_thresholds_of_tf_keras(theta):
    x, dy, y, dx = (DATA[f"theta{theta}__{n}"] for n in ("x", "dy", "y", "dx"))
    layer = ThresholdedReLU(theta, dtype="float64")
    assert_array_equal(layer.forward(x), y)
    assert_array_equal(layer.backward(dy), dx)
    again = Dense(2, activation="ThresholdedReLU").activation
    assert again.theta == 1.0


@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=4),
    st.integers(0, 99),
    st.sampled_from(sorted(LAYOUTS)),
)
def test_slopes_are_the_definition(shape, seed, layout):
    rng = np.random.default_rng(seed)
    shared = rng.random(len(shape) - 1) < 0.5
    if not shape[0] and layout.startswith("broadcast"):
        layout = "contiguous"
    x = LAYOUTS[layout](rng.integers(-4, 5, shape).astype(float))
    shape = x.shape
    each = tuple(1 if s else n for s, n in zip(shared, shape[1:], strict=True))
    alpha = rng.integers(-4, 5, each).astype(float)
    dy = rng.integers(-4, 5, shape).astype(float)
    y, cache = prelu_forward(x, alpha)
    dx, dalpha = prelu_backward(dy, cache)
    expected = np.zeros(each)
    for index in np.ndindex(shape):
        at = tuple(0 if s else i for s, i in zip(shared, index[1:], strict=True))
        value, slope = x[index], alpha[at]
        assert y[index] == (value if value > 0 else slope * value)
        kink = 0 if value == 0 else slope
        assert dx[index] == dy[index] * (1 if value > 0 else kink)
        expected[at] += dy[index] * min(value, 0)
    assert_array_equal(dalpha, expected)


def test_slopes_in_training(rng):
    model = Sequential(
        [
            PReLU("ones", "l2", "non_neg", shared_axes=[1], input_shape=(4, 3)),
            Flatten(),
            Dense(2),
        ],
        seed=0,
    )
    model.compile("adam", "mse")
    x, y = rng.normal(size=(8, 4, 3)), rng.normal(size=(8, 2))
    assert model.layers[0].params["alpha"].shape == (1, 3)
    assert gradcheck.check_model(model, x, y).passed
    model.fit(x, y, epochs=3, verbose=0)
    assert (model.layers[0].params["alpha"] != 1).all()
    half = PReLU(dtype="float16")
    assert half(np.full((2, 3), -7.0)).dtype == "float16"


def test_refusals_of_slopes():
    with refuses("p: shared_axes must be an integer >= 1, got 0"):
        PReLU(shared_axes=[0], name="p")
    with refuses("p: shared_axes must be axes of the input, (None, 3), got [2]"):
        PReLU(shared_axes=2, name="p").build((None, 3))
    with refuses(
        "p: input_shape must be known on axes without one slope, got (None, None, 3)"
    ):
        PReLU(name="p").build((None, None, 3))
    free = PReLU(shared_axes=[1], name="p")
    free.build((None, None, 3))
    assert free(np.ones((2, 5, 3))).shape == (2, 5, 3)
    with refuses(
        "p: input must be made of samples for slopes of shape (1, 3), "
        "got shape (2, 5, 4)"
    ):
        free(np.ones((2, 5, 4)))
    with refuses(
        "alpha must broadcast to the shape of a sample, (3,), got (2,)",
    ):
        prelu_forward(np.ones((2, 3)), np.ones(2))
    with refuses("t: theta must be a finite number >= 0, got -1"):
        ThresholdedReLU(-1, name="t")


# Shapes ---------------------------------------------------------------------------


@given(st.permutations([1, 2, 3]), st.integers(0, 2))
def test_permute(dims, samples):
    x = np.arange(samples * 24.0).reshape(samples, 2, 3, 4)
    layer = Permute(dims, dtype="float64")
    y = layer(x)
    assert_array_equal(y, x.transpose(0, *dims))
    assert y.shape == layer.compute_output_shape(x.shape)
    assert_array_equal(layer.backward(y), x)
    assert layer.cost(3).forward.flops == 0


def test_repeat_vector(rng):
    x = rng.integers(-4, 5, (3, 4)).astype(float)
    y, cache = repeat_vector_forward(x, n=5)
    assert_array_equal(y, np.repeat(x[:, None], 5, axis=1))
    dy = rng.integers(-4, 5, y.shape).astype(float)
    assert_array_equal(repeat_vector_backward(dy, cache), dy.sum(axis=1))
    layer = RepeatVector(2)
    assert layer.compute_output_shape((None, 3)) == (None, 2, 3)
    assert layer(np.ones((0, 3))).shape == (0, 2, 3)


def test_refusals_of_shapes():
    order = "dims must be the numbers of the axes from 1 on, in any order"
    for dims in ((), (0, 1), (1, 3), (1, 1), (1.0,), 2, "12", None):
        with refuses(f"p: {order}, got {dims!r}"):
            Permute(dims, name="p")
    with refuses("p: input_shape must have 3 axes, batch axis included, got (None, 2)"):
        Permute((2, 1), name="p").build((None, 2))
    layer = Permute((2, 1), name="p")
    layer.build((None, 2, 3))
    with refuses("p: input must have 3 axes, got shape (2, 3)"):
        layer(np.ones((2, 3)))
    with refuses("r: n must be an integer >= 1, got 0"):
        RepeatVector(0, name="r")
    with refuses("r: input_shape must have 2 axes, batch axis included, got (2, 3, 4)"):
        RepeatVector(2, name="r").build((2, 3, 4))
    layer = RepeatVector(2, name="r")
    layer.build((None, 3))
    with refuses("r: input must have 2 axes, got shape (2, 3, 4)"):
        layer(np.ones((2, 3, 4)))
    with refuses("x must have shape (N, F), got (3,)"):
        repeat_vector_forward(np.ones(3), n=2)


# All together ---------------------------------------------------------------------


def make_model():
    return Sequential(
        [
            GaussianNoise(0.1, input_shape=(4, 6)),
            SpatialDropout1D(0.2),
            Permute((2, 1)),
            PReLU(shared_axes=[1]),
            Flatten(),
            ThresholdedReLU(0.25),
            RepeatVector(3),
            GaussianDropout(0.1),
            Flatten(),
            Dense(2),
        ],
        seed=1,
    )


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".keras"])
def test_files(suffix, tmp_path, rng):
    if suffix != ".npz":
        pytest.importorskip("h5py")
    model = make_model()
    model.compile("sgd", "mse")
    x, y = rng.normal(size=(6, 4, 6)), rng.normal(size=(6, 2))
    model.fit(x, y, verbose=0)
    again = load_model(model.save(tmp_path / f"model{suffix}"))
    assert_array_equal(again.predict(x), model.predict(x))
    assert again.get_config() == model.get_config()
    if suffix == ".npz":
        for trained in (model, again):
            trained.fit(x, y, 2, epochs=2, verbose=0)
        for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
            assert_array_equal(a, b)


def test_a_file_without_a_data_format_means_channels_last():
    from localnet.files.keras.configs import upgraded

    config.set_image_data_format("channels_first")
    entry = {"class_name": "SpatialDropout2D", "config": {"rate": 0.5}}
    wrapped = {"class_name": "TimeDistributed", "config": {"layer": entry}}
    model = {"class_name": "Sequential", "config": {"layers": [entry, wrapped]}}
    plain, inside = upgraded(copy.deepcopy(model))["config"]["layers"]
    assert layers.deserialize(plain).data_format == "channels_last"
    assert layers.deserialize(inside).layer.data_format == "channels_last"
    assert SpatialDropout2D(0.5).data_format == "channels_first"
