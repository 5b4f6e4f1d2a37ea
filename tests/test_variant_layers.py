"""The layers of the variants: weights, numbers, gradients, files, cost, refusals."""

import json
import math

import loops
import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose, assert_array_equal
from raising import refuses
from unchanged import unchanged

from localnet import (
    Sequential,
    config,
    gradcheck,
    initializers,
    layers,
    load_model,
    ops,
)
from localnet.activations import softmax
from localnet.files.unsupported import check_counterparts
from localnet.files.weight_shapes import LayerPlan
from localnet.layers import (
    Conv2D,
    Flatten,
    LocallyConnected1D,
    LocallyConnected1DTranspose,
    LocallyConnected2D,
    LocallyConnected2DTranspose,
    LocallyConnected3D,
    LocallyConnected3DTranspose,
    LowRankLocallyConnected1D,
    LowRankLocallyConnected2D,
    LowRankLocallyConnected3D,
)

# (make, shape of one sample): ranks, formats, paddings, steps, and every new argument.
LAYERS = {
    "shared 1D": (lambda **k: LocallyConnected1D(3, 2, share=2, **k), (6, 2)),
    "shared 2D same": (
        lambda **k: LocallyConnected2D(2, 3, padding="same", share=(2, 3), **k),
        (5, 4, 2),
    ),
    "shared 2D first": (
        lambda **k: LocallyConnected2D(
            3, 2, strides=2, share=(1, 2), data_format="channels_first", **k
        ),
        (2, 5, 7),
    ),
    "tiled 2D first": (
        lambda **k: LocallyConnected2D(
            2, 2, tile=(2, 1), data_format="channels_first", activation="tanh", **k
        ),
        (2, 4, 4),
    ),
    "tiled 3D dilated": (
        lambda **k: LocallyConnected3D(2, 2, dilation_rate=2, tile=2, **k),
        (5, 5, 3, 1),
    ),
    "shared and tiled 1D": (
        lambda **k: LocallyConnected1D(1, 3, share=2, tile=2, **k),
        (11, 1),
    ),
    "transposed 1D": (
        lambda **k: LocallyConnected1DTranspose(3, 3, 2, output_padding=1, **k),
        (4, 2),
    ),
    "transposed 2D same": (
        lambda **k: LocallyConnected2DTranspose(
            2, (3, 2), (1, 2), "same", activation="tanh", **k
        ),
        (3, 2, 2),
    ),
    "transposed 2D first": (
        lambda **k: LocallyConnected2DTranspose(
            2, 2, data_format="channels_first", dilation_rate=2, **k
        ),
        (3, 2, 3),
    ),
    "transposed 3D": (
        lambda **k: LocallyConnected3DTranspose(2, 2, strides=(1, 3, 2), **k),
        (2, 2, 2, 1),
    ),
    "low rank 1D": (
        lambda **k: LowRankLocallyConnected1D(2, 2, spatial_rank=3, **k),
        (6, 2),
    ),
    "low rank 2D same": (
        lambda **k: LowRankLocallyConnected2D(
            2, 3, padding="same", spatial_rank=2, activation="tanh", **k
        ),
        (4, 3, 2),
    ),
    "low rank 2D first": (
        lambda **k: LowRankLocallyConnected2D(
            3, 2, strides=2, data_format="channels_first", spatial_rank=2, **k
        ),
        (2, 5, 7),
    ),
    "low rank table": (
        lambda **k: LowRankLocallyConnected2D(
            2, 2, spatial_rank=2, separable=False, normalize_weights=None, **k
        ),
        (3, 4, 1),
    ),
    "low rank 3D without a place for the bias": (
        lambda **k: LowRankLocallyConnected3D(
            2, 2, spatial_rank=2, use_spatial_bias=False, **k
        ),
        (3, 2, 3, 1),
    ),
}
every = pytest.mark.parametrize("name", LAYERS)


def build(name, rng, **options):
    """Return a layer with random weights everywhere, and a batch for it."""
    make, sample = LAYERS[name]
    layer = make(dtype="float64", **options)
    layer.build((None, *sample))
    layer.set_weights([rng.standard_normal(w.shape) for w in layer.get_weights()])
    return layer, rng.standard_normal((3, *sample))


# --- numbers --------------------------------------------------------------------------


@every
def test_gradients_are_those_of_the_complex_step(name, rng):
    layer, x = build(name, rng)
    assert gradcheck.check_layer(layer, x, method="complex").passed


@every
def test_penalties_and_constraints_work_on_every_weight(name, rng):
    penalties = {"kernel_regularizer": "l2", "bias_regularizer": "l1"}
    if name.startswith("low rank"):
        penalties["combining_weights_regularizer"] = "l2"
        penalties["combining_weights_constraint"] = "non_neg"
    layer, x = build(name, rng, **penalties, kernel_constraint="non_neg")
    assert len(layer.losses) == len(layer.params)
    assert gradcheck.check_layer(layer, x).passed
    layer.constrain()
    assert layer.kernel.min() == 0
    if name.startswith("low rank"):
        tables = [v for k, v in layer.params.items() if k.startswith("combining")]
        assert tables
        assert all(table.min() >= 0 for table in tables)


@every
def test_three_engines_agree(name, rng):
    layer, x = build(name, rng)
    results = []
    for engine in config.ENGINES:
        with config.engine(engine):
            y = layer.forward(x)
            dx = layer.backward(np.cos(y))
        results.append([y, dx, *layer.grads.values()])
    for other in results[1:]:
        for ours, theirs in zip(results[0], other, strict=True):
            assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@every
@pytest.mark.parametrize("batch", [0, 1])
def test_small_batches(name, batch, rng):
    layer, x = build(name, rng)
    whole = layer.forward(x)
    y = layer.forward(x[:batch])
    assert_allclose(y, whole[:batch], rtol=1e-12, atol=1e-12)
    assert layer.backward(y).shape == (batch, *x.shape[1:])
    assert (batch > 0) or all(not grad.any() for grad in layer.grads.values())


@every
def test_a_layer_used_twice_keeps_its_calls_apart(name, rng):
    layer, x = build(name, rng)
    y1, cache1 = layer.forward_with_cache(x)
    first = [layer.backward_from_cache(y1, cache1), y1.copy()]
    y2, cache2 = layer.forward_with_cache(2 * x)
    layer.backward_from_cache(y2, cache2)
    again = layer.backward_from_cache(y1, cache1)
    assert_array_equal(y1, first[1])
    assert_array_equal(again[0], first[0][0])
    for key, grad in again[1].items():
        assert_array_equal(grad, first[0][1][key])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_shared_layer_between_local_and_convolution(data_format, rng):
    shape = (6, 5, 2) if data_format == "channels_last" else (2, 6, 5)
    x = rng.integers(-3, 4, (2, *shape)).astype(float)
    options = {"data_format": data_format, "dtype": "float64"}
    one = LocallyConnected2D(3, 2, share=1, **options)
    plain = LocallyConnected2D(3, 2, **options)
    for layer in (one, plain):
        layer.build((None, *shape))
        weights = np.random.default_rng(0)
        layer.set_weights(
            [weights.integers(-3, 4, w.shape) for w in layer.get_weights()]
        )
    assert_array_equal(one(x), plain(x))
    everywhere = LocallyConnected2D(3, 2, share=(5, 4), **options)
    tiled = LocallyConnected2D(3, 2, tile=1, **options)
    conv = Conv2D(3, 2, **options)
    for layer in (everywhere, tiled, conv):
        layer.build((None, *shape))
    kernel = rng.integers(-3, 4, conv.kernel.shape).astype(float)
    bias = rng.integers(-3, 4, (3,)).astype(float)
    conv.set_weights([kernel, bias])
    flat = kernel if data_format == "channels_last" else np.moveaxis(kernel, -2, 0)
    for layer in (everywhere, tiled):
        assert layer.count_params() == conv.count_params()
        layer.set_weights([flat.reshape(1, 8, 3), bias.reshape(1, 1, 3)])
        y = layer.forward(x)
        assert_array_equal(y, conv.forward(x))
        dy = rng.integers(-3, 4, y.shape).astype(float)
        assert_array_equal(layer.backward(dy), conv.backward(dy))
        dkernel = conv.grads["kernel"]
        if data_format == "channels_first":
            dkernel = np.moveaxis(dkernel, -2, 0)
        assert_array_equal(layer.grads["kernel"], dkernel.reshape(1, 8, 3))
        assert_array_equal(layer.grads["bias"].ravel(), conv.grads["bias"])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_convolution_nearest_to_a_layer_that_shares(data_format, rng):
    shape = (6, 5, 2) if data_format == "channels_last" else (2, 6, 5)
    options = {"padding": "same", "data_format": data_format, "dtype": "float64"}
    shared = LocallyConnected2D(3, 3, share=(2, 3), tile=(2, 9), **options)
    free = LocallyConnected2D(3, 3, **options)
    for layer in (shared, free):
        layer.build((None, *shape))
    shared.set_weights([rng.standard_normal(w.shape) for w in shared.get_weights()])
    kernel, bias = ops.located_weights(
        shared.kernel,
        shared.bias,
        shared.geometry((None, *shape)),
        shared.sharing((None, *shape)),
    )
    free.set_weights([kernel, bias])
    x = rng.standard_normal((2, *shape))
    assert_array_equal(free(x), shared(x))
    ours, theirs = layers.local_to_conv(shared), layers.local_to_conv(free)
    assert ours.residuals == theirs.residuals
    for one, other in zip(
        ours.layer.get_weights(), theirs.layer.get_weights(), strict=True
    ):
        assert_array_equal(one, other)
    one = LocallyConnected2D(3, 3, share=9, **options)
    one.build((None, *shape))
    conv, residuals = layers.local_to_conv(one)
    assert residuals == {"kernel": 0, "bias": 0}
    assert_allclose(conv(x), one(x), rtol=1e-12, atol=1e-12)


def test_transposed_layer_undoes_the_shape_of_the_layer_it_transposes(rng):
    for padding, strides, size, sample in [
        ("valid", 2, 3, (9, 7, 2)),
        ("same", 3, 3, (9, 6, 2)),
        ("valid", (1, 2), (2, 4), (5, 8, 1)),
    ]:
        forward = LocallyConnected2D(4, size, strides, padding, dtype="float64")
        forward.build((None, *sample))
        back = LocallyConnected2DTranspose(
            sample[-1], size, strides, padding, dtype="float64", use_bias=False
        )
        back.build(forward.output_shape)
        assert back.output_shape == (None, *sample)
        kernel = rng.integers(-3, 4, forward.kernel.shape).astype(float)
        forward.set_weights([kernel, np.zeros(forward.bias.shape)])
        back.set_weights([kernel])
        v = rng.integers(-3, 4, (2, *sample)).astype(float)
        x = rng.integers(-3, 4, (2, *forward.output_shape[1:])).astype(float)
        assert np.sum(forward(v) * x) == np.sum(v * back(x))


def low_rank_by_loops(layer, x):
    """Return y by what the paper says, location by location."""
    g, p = layer.geometry(x.shape), layer.params
    y = np.zeros((len(x), *layer.output_shape[1:]))
    for location, o, k, cell, c, inside in loops.wires(g):
        rows = {"combining": location}
        if "combining" not in p:
            rows = {f"combining_{axis}": i for axis, i in enumerate(o)}
        logits = sum(p[name][row] for name, row in rows.items())
        share = logits
        if layer.normalize_weights:
            share = np.exp(logits) / np.exp(logits).sum()
        kernel = sum(a * v for a, v in zip(share, p["kernel"], strict=True))
        for n in range(len(x)):
            for f in range(layer.filters):
                if inside:
                    value = x[loops.at(n, cell, c, g)]
                    y[loops.at(n, o, f, g)] += value * kernel[k, f]
                if k == 0:
                    y[loops.at(n, o, f, g)] += p["bias"][f]
                    if "spatial_bias" in p:
                        y[loops.at(n, o, f, g)] += p["spatial_bias"][location]
                    for axis, i in enumerate(o):
                        if "spatial_bias_0" in p:
                            y[loops.at(n, o, f, g)] += p[f"spatial_bias_{axis}"][i]
    return y


@pytest.mark.parametrize("name", [n for n in LAYERS if n.startswith("low rank")])
def test_low_rank_is_what_the_paper_says(name, rng):
    layer, x = build(name, rng)
    want = low_rank_by_loops(layer, x)
    if layer.get_config()["activation"] == "tanh":
        want = np.tanh(want)
    assert_allclose(layer(x), want, rtol=1e-12, atol=1e-12)


def test_low_rank_starts_as_a_convolution(rng):
    layer = LowRankLocallyConnected2D(3, 2, spatial_rank=4, dtype="float64")
    layer.build((None, 5, 6, 2))
    for axis, size in enumerate((4, 5)):
        table = layer.params[f"combining_{axis}"]
        assert table.shape == (size, 4)
        assert_array_equal(table, 1 / (2 * np.sqrt(4)))  # as published
    conv = Conv2D(3, 2, dtype="float64")
    conv.build((None, 5, 6, 2))
    mean = layer.kernel.mean(axis=0).reshape(2, 2, 2, 3)
    conv.set_weights([mean, np.zeros(3)])
    x = rng.standard_normal((2, 5, 6, 2))
    assert_allclose(layer(x), conv(x), rtol=1e-12, atol=1e-14)


def test_low_rank_of_rank_one_is_a_convolution_whatever_its_combining_weights(rng):
    layer, x = build("low rank 1D", rng)
    one = LowRankLocallyConnected1D(2, 2, spatial_rank=1, dtype="float64")
    one.build(layer.input_shape)
    weights = [rng.standard_normal(w.shape) for w in one.get_weights()]
    one.set_weights(weights)
    assert_array_equal(softmax(one.params["combining"]), 1)
    shared = LocallyConnected1D(2, 2, share=99, dtype="float64")
    shared.build(layer.input_shape)
    shared.set_weights([weights[0], weights[1][np.newaxis]])
    spatial = one.params["spatial_bias"][:, np.newaxis]
    assert_allclose(one(x), shared(x) + spatial, rtol=1e-12, atol=1e-12)


# --- weights --------------------------------------------------------------------------


@every
def test_shapes_are_known_before_a_weight_is_made(name):
    make, sample = LAYERS[name]
    layer = make()
    shapes = layer.weight_shapes((None, *sample))
    cost = layer.cost(3, (None, *sample))
    output = layer.compute_output_shape((None, *sample))
    assert layer.params == {}
    layer.build((None, *sample))
    assert {k: v.shape for k, v in layer.params.items()} == shapes
    assert list(layer.params)[:2] == ["kernel", "bias"]
    assert cost.parameters == layer.count_params()
    y = layer.forward(np.zeros((3, *sample)))
    assert y.shape[1:] == output[1:] == layer.output_shape[1:]
    x = np.zeros((3, *sample), "float32")
    assert cost.input_bytes == x.nbytes
    assert cost.parameter_bytes == 4 * layer.count_params()
    assert cost.output_bytes == y.nbytes
    assert cost.forward.flops > 0


def test_cost_of_the_kernels_that_are_made():
    plain = LocallyConnected2D(2, 3).cost(4, (None, 8, 8, 1))
    shared = LocallyConnected2D(2, 3, share=2).cost(4, (None, 8, 8, 1))
    assert shared.parameters == plain.parameters // 4
    assert shared.forward.flops == plain.forward.flops
    assert shared.backward.flops == plain.backward.flops
    assert shared.cache_bytes == plain.cache_bytes + 36 * 9 * 2 * 4
    saved = 4 * (plain.parameters - shared.parameters)
    assert shared.forward.nbytes == plain.forward.nbytes - saved
    low = LowRankLocallyConnected2D(2, 3, spatial_rank=3).cost(4, (None, 8, 8, 1))
    mixing = 2 * 36 * 3 * 9 * 2
    assert low.forward.flops == plain.forward.flops + mixing
    assert low.backward.flops == plain.backward.flops + 2 * mixing
    # y + padded x + both weights and gradients + dx
    arrays = 4 * (4 * 36 * 2 + 4 * 64 + 2 * low.parameters + 4 * 64)
    assert low.backward.nbytes == arrays
    first = LowRankLocallyConnected2D(2, 3, spatial_rank=3).cost(
        4, (None, 8, 8, 1), need_dx=False
    )
    assert first.backward.nbytes == arrays - 4 * 4 * 64


def test_cost_of_the_transposed_layer_is_that_of_its_loops():
    layer = LocallyConnected2DTranspose(2, 3, strides=2, padding="same")
    g = layer.geometry((None, 4, 3, 5))
    inside = sum(wire[-1] for wire in loops.wires(g))
    every_tap = sum(1 for _ in loops.wires(g))
    cost = layer.cost(7, (None, 4, 3, 5))
    outputs = 8 * 6 * 2
    assert cost.forward.flops == 7 * (2 * inside * 5 + outputs)
    assert cost.backward.flops == 7 * (4 * every_tap * 5 + outputs)
    first = layer.cost(7, (None, 4, 3, 5), need_dx=False)
    assert first.backward.flops == 7 * (2 * every_tap * 5 + outputs)
    assert (cost.dx_bytes, first.dx_bytes) == (4 * 7 * 60, 0)
    # dy, its padded copy, x, dw and db; then w and dx
    padded = math.prod(g.padded_sizes) * 2
    kernel = math.prod(g.kernel_shape(5))
    arrays = 7 * (outputs + padded + 60) + kernel + outputs
    assert g.has_pads
    assert first.backward.nbytes == 4 * arrays
    assert cost.backward.nbytes == 4 * (arrays + kernel + 7 * 60)
    assert cost.forward.nbytes == 4 * (7 * (60 + outputs) + kernel + outputs)


@pytest.mark.parametrize("initializer", ["GlorotUniform", "HeNormal"])
@every
def test_fans_local_are_those_of_the_convolution(name, initializer):
    make, sample = LAYERS[name]
    drawn = getattr(initializers, initializer)
    layer = make(kernel_initializer=drawn(seed=5), fans="local", dtype="float64")
    layer.build((None, *sample))
    _, patch_size, filters = layer.kernel.shape
    window = math.prod(layer.kernel_size)
    expected = drawn(seed=5)(
        layer.kernel.shape, "float64", fans=(patch_size, window * filters)
    )
    if layer._mask is not None:
        expected = expected * layer._mask
    assert_array_equal(layer.kernel, expected)


def test_a_tap_that_no_location_of_a_group_has_inside_starts_at_zero():
    layer = LocallyConnected1D(
        2,
        3,
        padding="same",
        share=2,
        kernel_initializer="ones",
        kernel_regularizer="l2",
    )
    layer.build((None, 4, 1))
    assert layer.kernel.min() == 1  # each is inside at one of two locations
    alone = LocallyConnected1D(2, 3, padding="same", kernel_initializer="ones")
    alone.build((None, 4, 1))
    assert_array_equal(
        alone.kernel[:, :, 0], [[0, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 0]]
    )
    back = LocallyConnected1DTranspose(
        1, 3, padding="same", kernel_initializer="ones", kernel_regularizer="l2"
    )
    back.build((None, 4, 1))
    assert_array_equal(back.kernel[:, :, 0], alone.kernel[:, :, 0])
    back.params["kernel"][0, 0] = 7.0  # out of sight
    assert back.losses == pytest.approx([0.01 * 10])


class Sum:
    """A penalty whose gradient is not 0 at 0."""

    def __call__(self, w):
        return w.sum()

    def gradient(self, w):
        return np.ones_like(w)


def test_a_tap_on_padding_has_gradient_zero_whatever_the_penalty():
    layer = LocallyConnected1DTranspose(
        1, 3, padding="same", kernel_initializer="ones", kernel_regularizer=Sum()
    )
    layer.build((None, 4, 1))
    assert layer.losses == [10]
    y = layer.forward(np.zeros((1, 4, 1)))
    layer.backward(np.zeros_like(y))
    inside = [[0, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 0]]
    assert_array_equal(layer.grads["kernel"][:, :, 0], inside)


# --- configs and files ----------------------------------------------------------------


@every
def test_config_round_trip_through_json(name):
    make, _ = LAYERS[name]
    layer = make(kernel_initializer="he_normal", fans="local", trainable=False)
    ours = layers.serialize(layer)
    again = layers.deserialize(json.loads(json.dumps(ours)))
    assert type(again) is type(layer)
    assert layers.serialize(again) == ours


def test_what_keras_does_not_know_stands_in_the_config_only_off_its_default():
    config = LocallyConnected2D(1, 2, share=1, tile=None).get_config()
    assert not {"share", "tile", "fans"} & config.keys()
    config = LocallyConnected2D(1, 2, share=(1, 2), tile=3).get_config()
    assert (config["share"], config["tile"]) == ((1, 2), (3, 3))


def test_arguments_of_the_transposed_layer_are_those_of_keras():
    layer = LocallyConnected2DTranspose(
        2, 3, (2, 2), "same", (1, 1), "channels_first", (1, 1), "relu", False
    )
    ours = layer.get_config()
    assert ours["output_padding"] == (1, 1)
    assert ours["data_format"] == "channels_first"
    assert (ours["activation"], ours["use_bias"]) == ("relu", False)
    assert LocallyConnected2DTranspose(2, 3).get_config()["output_padding"] is None


@every
def test_a_model_is_saved_loaded_and_trained(name, rng, tmp_path):
    make, sample = LAYERS[name]
    model = Sequential([make(input_shape=sample), Flatten(), layers.Dense(1)], seed=3)
    model.compile("adam", "mse")
    x = rng.standard_normal((8, *sample))
    y = rng.standard_normal((8, 1))
    history = model.fit(x, y, epochs=12, batch_size=4, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    model.save(tmp_path / "m.npz")
    again = load_model(tmp_path / "m.npz")
    assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    loss = again.train_on_batch(x, y)
    assert loss == model.train_on_batch(x, y)
    other = Sequential([make(input_shape=sample), Flatten(), layers.Dense(1)])
    model.save_weights(tmp_path / "w.npz")
    other.load_weights(tmp_path / "w.npz")
    for ours, theirs in zip(other.get_weights(), model.get_weights(), strict=True):
        assert_array_equal(ours, theirs)


@pytest.mark.parametrize("file", ["m.h5", "m.keras", "w.weights.h5", "w.h5"])
def test_keras_files_are_refused_by_name(file, tmp_path):
    pytest.importorskip("h5py")
    model = Sequential(
        [
            LocallyConnected2D(1, 2, share=2, name="blocks", input_shape=(6, 6, 1)),
            LocallyConnected2D(1, 2, tile=2, name="tiles"),
            LocallyConnected2DTranspose(1, 2, name="back", dilation_rate=2),
            LowRankLocallyConnected2D(1, 2, spatial_rank=2, name="low"),
        ]
    )
    save = model.save if file.startswith("m") else model.save_weights
    with (
        refuses(
            "a file of Keras must hold only what Keras has, got LocallyConnected2D "
            "'blocks' (shared kernels), LocallyConnected2D 'tiles' (tiled kernels), "
            "LocallyConnected2DTranspose 'back' (transposed), "
            "LowRankLocallyConnected2D 'low' (kernels of low rank); save as .npz"
        ),
        unchanged(model),
    ):
        save(tmp_path / file)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: LocallyConnected2D(1, 3, padding="same", share=1100),
        lambda: LocallyConnected2D(1, 3, padding="same", tile=2),
        lambda: LowRankLocallyConnected2D(1, 3, padding="same", spatial_rank=2),
    ],
    ids=["shared", "tiled", "low rank"],
)
def test_few_weights_over_many_locations_are_loaded(make, tmp_path):
    layer = make()
    layer.build((None, 1100, 1100, 1))  # 10,890,000 values in all patches
    model = Sequential([layer])
    layer.batch_input_shape = (None, 1100, 1100, 1)
    model.save(tmp_path / "m.npz")
    again = load_model(tmp_path / "m.npz")
    assert again.count_params() == layer.count_params() < 10_000


def test_a_small_file_that_claims_a_huge_layer_is_refused(tmp_path):
    layer = LocallyConnected1D(1, 8, padding="same", share=10**9, name="l")
    model = Sequential([layers.InputLayer((64, 1)), layer])
    model.save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as file:
        arrays = dict(file)
    name = next(key for key, value in arrays.items() if b"share" in value.tobytes())
    claimed = arrays[name].tobytes().replace(b"64, 1", b"4000000000000, 1")
    arrays[name] = np.frombuffer(claimed, arrays[name].dtype)
    np.savez(tmp_path / "m.npz", **arrays)
    with pytest.raises(ValueError, match="l must fit into the file"):
        load_model(tmp_path / "m.npz")


@every
def test_a_layer_at_every_step_of_a_sequence(name, rng, tmp_path):
    make, sample = LAYERS[name]
    inner = make()
    model = Sequential([layers.TimeDistributed(inner, input_shape=(2, *sample))])
    x = rng.standard_normal((3, 2, *sample))
    want = np.stack([inner(x[:, t]) for t in range(2)], axis=1)
    assert_allclose(model.predict(x, verbose=0), want, rtol=1e-5, atol=1e-6)
    model.save(tmp_path / "m.npz")
    again = load_model(tmp_path / "m.npz")
    assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    if name.startswith("shared 2D"):
        with pytest.raises(ValueError, match=r"\(shared kernels\)"):
            model.save(tmp_path / "m.keras")


@pytest.mark.parametrize("option", [{"share": 2}, {"tile": 2}])
def test_a_shared_kernel_has_no_layout_but_ours(option):
    layer = LocallyConnected2D(1, 2, implementation=3, **option)
    plan = LayerPlan(layer, (None, 5, 5, 1), layer.weight_shapes((None, 5, 5, 1)))
    assert plan.layouts(native=False) == plan.layouts(native=True) == ["keras1"]


# --- refusals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: LocallyConnected2D(1, 2, share=(2, 0), name="l"),
            "l: share must be an integer or a tuple of 2 integers >= 1, got (2, 0)",
        ),
        (
            lambda: LocallyConnected1D(1, 2, tile=1.5, name="l"),
            "l: tile must be an integer or a tuple of 1 integer >= 1, got 1.5",
        ),
        (
            lambda: LocallyConnected1DTranspose(1, 2, 2, output_padding=2, name="l"),
            "l: output_padding must be less than strides (2,), got 2",
        ),
        (
            lambda: LocallyConnected1DTranspose(1, 2, 2, dilation_rate=2, name="l"),
            "l: dilation_rate must be 1 where strides is not, got dilation_rate (2,) "
            "and strides (2,)",
        ),
        (
            lambda: LowRankLocallyConnected1D(1, 2, spatial_rank=0, name="l"),
            "l: spatial_rank must be an integer >= 1, got 0",
        ),
        (
            lambda: LowRankLocallyConnected1D(
                1, 2, spatial_rank=1, normalize_weights="norm", name="l"
            ),
            "l: normalize_weights must be 'softmax' or None, got 'norm'",
        ),
        (
            lambda: LowRankLocallyConnected1D(
                1, 2, spatial_rank=1, combining_weights_initializer="nope", name="l"
            ),
            None,
        ),
    ],
)
def test_constructors_refuse(make, sentence):
    if sentence is None:
        with pytest.raises(ValueError, match="combining_weights_initializer"):
            make()
        return
    with refuses(sentence):
        make()


@every
def test_an_unknown_size_is_refused_at_build_and_another_one_later(name):
    make, sample = LAYERS[name]
    layer = make(name="l")
    with (
        pytest.raises(ValueError, match="input_shape must be known but for the batch"),
        unchanged(layer),
    ):
        layer.build((None, *sample[:-1], None))
    layer.build((None, *sample))
    wrong = (2, *(size + 1 for size in sample))
    with (
        pytest.raises(ValueError, match=r"^l: input must have the shape"),
        unchanged(layer),
    ):
        layer.forward(np.zeros(wrong))


def test_the_way_out_from_a_transposed_convolution():
    entry = {"class_name": "Conv2DTranspose", "config": {"name": "up"}}
    with refuses(
        "localnet has no counterpart for Conv2DTranspose 'up' (a "
        "LocallyConnected2DTranspose with equal kernels at all locations computes it, "
        "for explicit pads where padding is 'same')"
    ):
        check_counterparts({"class_name": "Sequential", "config": {"layers": [entry]}})


def test_it_is_the_way_out():
    """tf_keras's Conv2DTranspose(2, 3, 2, "same"), whose forward layer pads (0, 1)."""
    case = reference.load("transposed_conv.npz")
    kernel = case["kernel"]  # (*R, F, C)
    layer = LocallyConnected2DTranspose(2, 3, 2, ((0, 1), (0, 1)), dtype="float64")
    layer.build((None, *case["x"].shape[1:]))
    flat = kernel.reshape(1, -1, kernel.shape[-1])
    layer.set_weights(
        [
            np.broadcast_to(flat, layer.kernel.shape),
            np.broadcast_to(case["bias"], layer.bias.shape),
        ]
    )
    assert_array_equal(layer.forward(case["x"]), case["y"])
    assert_array_equal(layer.backward(case["dy"]), case["dx"])
    dkernel = layer.grads["kernel"].sum(axis=0).reshape(kernel.shape)
    assert_array_equal(dkernel, case["dkernel"])
    assert_array_equal(layer.grads["bias"].sum(axis=(0, 1)), case["dbias"])


def test_a_transposed_layer_that_has_no_output():
    layer = LocallyConnected1DTranspose(
        1, 2, padding="same", output_padding=0, name="l"
    )
    with refuses(
        "l: kernel_size must leave at least one output location, got (2,) for "
        "input_shape (None, 1, 3)"
    ):
        layer.compute_output_shape((None, 1, 3))
    assert layer.compute_output_shape((None, None, 3)) == (None, None, 1)
