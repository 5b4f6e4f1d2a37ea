"""Layers: gradients, data formats, padding, weights, names, configs, noise."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from unchanged import unchanged

from localnet import (
    Sequential,
    activations,
    config,
    initializers,
    layers,
    regularizers,
)
from localnet.gradcheck import check_layer
from localnet.layers import (
    ELU,
    Activation,
    AveragePooling1D,
    Conv1D,
    Conv2D,
    Conv3D,
    Cropping1D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    InputLayer,
    LeakyReLU,
    LocallyConnected1D,
    LocallyConnected2D,
    LocallyConnected3D,
    MaxPooling1D,
    Padding1D,
    ReLU,
    Reshape,
    Softmax,
    UpSampling1D,
)

CLASSES = (LocallyConnected1D, LocallyConnected2D, LocallyConnected3D)
INPUTS = {1: (3, 7, 2), 2: (3, 5, 4, 2), 3: (2, 4, 3, 3, 2)}
PENALTIES = {
    "kernel_regularizer": regularizers.L1L2(0.02, 0.03),
    "bias_regularizer": "l1",
    "activity_regularizer": "l2",
}
DOUBLE = {"dtype": "float64", "bias_initializer": "random_normal"}


def cube_forward(x):
    return x**3, x


def cube_backward(dy, x):
    return 3 * x**2 * dy


CUBE = (cube_forward, cube_backward)


def local(rank, filters=2, kernel_size=2, **kwargs):
    return CLASSES[rank - 1](filters, kernel_size, **kwargs)


def random_layer(rng, rank=2, **kwargs):
    """Return a built float64 layer, all of whose weights are random, and an input."""
    layer = local(rank, **{"dtype": "float64", **kwargs})
    x = rng.normal(size=INPUTS[rank])
    layer.build(x.shape)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer, x


GRADIENTS = {
    f"{rank}d-{data_format[9:]}-{padding}": (
        local(
            rank,
            data_format=data_format,
            padding=padding,
            activation="tanh",
            **PENALTIES,
            **DOUBLE,
        ),
        INPUTS[rank],
    )
    for rank in (1, 2, 3)
    for data_format in config.DATA_FORMATS
    for padding in ("valid", "same")
} | {
    "strides": (local(2, strides=(2, 3), **DOUBLE), (3, 6, 7, 2)),
    "strides-same": (local(2, strides=2, padding="same", **DOUBLE), (3, 6, 7, 2)),
    "dilation": (local(2, dilation_rate=(2, 1), **DOUBLE), (3, 6, 4, 2)),
    "dilation-same": (local(1, dilation_rate=3, padding="same", **DOUBLE), (3, 6, 2)),
    "without-bias": (local(1, use_bias=False, dtype="float64"), (3, 7, 2)),
    "function": (local(1, activation=activations.softplus, **DOUBLE), (3, 7, 2)),
    "relu": (local(1, activation="relu", **DOUBLE), (3, 7, 2)),
    "softmax": (local(2, activation="softmax", **DOUBLE), (3, 5, 4, 2)),
    "class-name": (local(1, activation="LeakyReLU", **DOUBLE), (3, 7, 2)),
    "layer-instance": (local(1, activation=ELU(0.5), **DOUBLE), (3, 7, 2)),
    "pair": (local(1, activation=CUBE, **DOUBLE), (3, 7, 2)),
    "pads": (local(2, padding=((1, 0), (0, 2)), **DOUBLE), (3, 5, 4, 2)),
    "conv-1d": (
        Conv1D(2, 3, padding="causal", activation="tanh", **PENALTIES, **DOUBLE),
        (3, 7, 2),
    ),
    "conv-2d": (
        Conv2D(4, 2, (2, 1), "same", groups=2, **PENALTIES, **DOUBLE),
        (3, 5, 4, 2),
    ),
    "conv-2d-untied": (
        Conv2D(2, 2, data_format="channels_first", untied_bias=True, **DOUBLE),
        (3, 2, 5, 4),
    ),
    "conv-3d": (Conv3D(2, 2, activation="softmax", **DOUBLE), (2, 4, 3, 3, 2)),
    "dense": (Dense(3, "tanh", **PENALTIES, **DOUBLE), (4, 3)),
    "dense-rank-3": (Dense(3, **PENALTIES, **DOUBLE), (4, 3, 2)),
    "flatten": (Flatten("channels_last", dtype="float64"), (2, 3, 4, 2)),
    "flatten-first": (Flatten("channels_first", dtype="float64"), (2, 3, 4, 2)),
    "reshape": (Reshape((4, -1), dtype="float64"), (2, 3, 4)),
    "activation": (Activation("swish", dtype="float64"), (2, 5)),
    "activation-penalised": (
        Activation("sigmoid", activity_regularizer="l2", dtype="float64"),
        (2, 5),
    ),
    "softmax-axes": (Softmax([1, 2], dtype="float64"), (2, 3, 4)),
    "relu-bounded": (ReLU(0.9, 0.1, 0.2, dtype="float64"), (2, 9)),
}


@pytest.mark.parametrize(("layer", "shape"), GRADIENTS.values(), ids=GRADIENTS)
def test_gradients(layer, shape, rng):
    report = check_layer(layer, rng.normal(size=shape))
    assert report.passed, report


@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_gradient_of_dropout_in_training(rate, rng):
    layer = Dropout(rate, dtype="float64")
    report = check_layer(layer, rng.normal(size=(4, 6)), training=True)
    assert report.passed, report


def test_gradients_by_the_complex_step(rng):
    layer, x = random_layer(rng, activation="tanh", padding="same")
    report = check_layer(layer, x, method="complex")
    assert report.passed, report


# Data formats --------------------------------------------------------------------


def to_channels_first(layer_last, layer_first):
    """Give `layer_first` the weights with which it is the transpose of the other."""
    kernel, bias = layer_last.get_weights()
    channels = layer_last.input_shape[-1]
    by_tap = kernel.reshape(len(kernel), -1, channels, kernel.shape[-1])
    kernel_first = by_tap.swapaxes(1, 2).reshape(kernel.shape)
    # The variable has the shape (*O, F) all the same, and is reshaped to (F, *O).
    bias_first = np.moveaxis(bias, -1, 0).reshape(bias.shape)
    layer_first.set_weights([kernel_first, bias_first])


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_quirk_channels_first_is_transposed_with_k_reordered_and_bias_moved(
    rank, padding, rng
):
    last, x = random_layer(rng, rank, padding=padding, activation="tanh", filters=3)
    first = local(
        rank, 3, padding=padding, activation="tanh", data_format="channels_first"
    )
    first = type(first).from_config({**first.get_config(), "dtype": "float64"})
    x_first = np.moveaxis(x, -1, 1)
    first.build(x_first.shape)
    assert [w.shape for w in first.get_weights()] == [
        w.shape for w in last.get_weights()
    ]
    to_channels_first(last, first)
    y, y_first = last.forward(x), first.forward(x_first)
    np.testing.assert_allclose(np.moveaxis(y_first, 1, -1), y, rtol=1e-12, atol=1e-12)
    dy = rng.normal(size=y.shape)
    dx, dx_first = last.backward(dy), first.backward(np.moveaxis(dy, -1, 1))
    np.testing.assert_allclose(np.moveaxis(dx_first, 1, -1), dx, rtol=1e-12, atol=1e-12)


def test_quirk_bias_of_channels_first_is_reshaped_not_transposed():
    layer = LocallyConnected1D(
        2, 1, data_format="channels_first", kernel_initializer="zeros"
    )
    layer.build((None, 1, 3))
    assert layer.bias.shape == (3, 2)
    layer.bias[...] = [[0, 1], [2, 3], [4, 5]]
    np.testing.assert_array_equal(
        layer(np.zeros((1, 1, 3))), [[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]]
    )


def test_quirk_softmax_is_over_the_last_axis_in_either_data_format():
    layer = LocallyConnected1D(
        2, 1, data_format="channels_first", activation="softmax", dtype="float64"
    )
    y = layer(np.arange(6.0).reshape(1, 1, 6))
    assert y.shape == (1, 2, 6)
    np.testing.assert_allclose(y.sum(axis=-1), 1.0, rtol=1e-14)


def test_quirk_max_norm_acts_on_axis_0_which_is_the_position():
    layer = LocallyConnected1D(1, 1, kernel_constraint="max_norm", dtype="float64")
    layer.build((None, 2, 1))
    layer.set_weights([np.array([[[3.0]], [[4.0]]]), np.zeros((2, 1))])
    layer.constrain()
    # The norm over the two positions is 5; a norm per filter would be 3 and 4.
    expected = np.array([3.0, 4.0]) * 2 / (5 + 1e-7)
    np.testing.assert_allclose(layer.kernel.ravel(), expected, rtol=1e-14)


# Padding "same" ------------------------------------------------------------------


def outside_taps(length, size, stride=1, dilation=1):
    """Return (L, R): True where a tap of padding "same" falls outside, by counting."""
    span = (size - 1) * dilation + 1
    starts = range(-(span // 2), length - span // 2, stride)
    cells = [[start + tap * dilation for tap in range(size)] for start in starts]
    return np.array([[not 0 <= cell < length for cell in row] for row in cells])


SAME = {
    "odd": {"kernel_size": 3},
    "even": {"kernel_size": 4},
    "stride": {"kernel_size": 3, "strides": 2},
    "dilation": {"kernel_size": 3, "dilation_rate": 2},
    "wide": {"kernel_size": 9},
}


@pytest.mark.parametrize("kwargs", SAME.values(), ids=SAME)
def test_taps_on_padding(kwargs, rng):
    layer, x = random_layer(
        rng, 1, padding="same", kernel_regularizer=regularizers.L1L2(0.1, 0.2), **kwargs
    )
    outside = outside_taps(
        7,
        kwargs["kernel_size"],
        kwargs.get("strides", 1),
        kwargs.get("dilation_rate", 1),
    )
    outside = np.repeat(outside, 2, axis=1)
    assert outside.any()
    assert outside.shape == layer.kernel.shape[:2]
    clean = layer.get_weights()
    clean[0][outside] = 0

    y, junk_losses = layer.forward(x), layer.losses
    dy = rng.normal(size=y.shape)
    dx = layer.backward(dy)
    assert not layer.grads["kernel"][outside].any()
    assert layer.grads["kernel"][~outside].all()

    layer.set_weights(clean)
    np.testing.assert_array_equal(layer.forward(x), y)
    assert layer.losses == junk_losses
    kernel = clean[0]
    expected = 0.1 * np.abs(kernel).sum() + 0.2 * (kernel**2).sum()
    np.testing.assert_allclose(layer.losses, [expected], rtol=1e-12)
    np.testing.assert_array_equal(layer.backward(dy), dx)

    layer.build((None, 7, 2))
    assert not layer.kernel[outside].any()
    assert layer.kernel[~outside].all()
    assert layer.count_params() == layer.kernel.size + layer.bias.size


class Total:
    """A penalty whose gradient is not 0 at 0."""

    def __call__(self, w):
        return np.sum(w)

    def gradient(self, w):
        return np.ones_like(w)


def test_taps_on_padding_get_no_gradient_from_any_penalty(rng):
    layer, x = random_layer(rng, 1, kernel_size=3, padding="same")
    penalised, _ = random_layer(
        rng, 1, kernel_size=3, padding="same", kernel_regularizer=Total()
    )
    penalised.set_weights(layer.get_weights())
    dy = rng.normal(size=layer(x).shape)
    penalised(x)
    layer.backward(dy)
    penalised.backward(dy)
    outside = np.repeat(outside_taps(7, 3), 2, axis=1)[:, :, np.newaxis]
    np.testing.assert_allclose(
        penalised.grads["kernel"] - layer.grads["kernel"],
        np.broadcast_to(~outside, layer.kernel.shape),
        rtol=0,
        atol=1e-12,
    )


def test_taps_on_padding_are_zero_after_ones():
    layer = LocallyConnected1D(1, 3, padding="same", kernel_initializer="ones")
    layer.build((None, 3, 1))
    np.testing.assert_array_equal(
        layer.kernel[:, :, 0], [[0, 1, 1], [1, 1, 1], [1, 1, 0]]
    )


# Types and memory ----------------------------------------------------------------


def all_layers(**kwargs):
    return {
        "local": local(1, activation="tanh", **PENALTIES, **kwargs),
        "local-same-first": local(
            1, padding="same", data_format="channels_first", **PENALTIES, **kwargs
        ),
        "dense": Dense(3, "softmax", **PENALTIES, **kwargs),
        "flatten": Flatten("channels_first", **kwargs),
        "reshape": Reshape((2, -1), **kwargs),
        "dropout": Dropout(0.5, **kwargs),
        "activation": Activation("gelu", activity_regularizer="l1", **kwargs),
        "leaky": LeakyReLU(**kwargs),
        "elu": ELU(**kwargs),
        "relu": ReLU(0.9, 0.1, **kwargs),
        "softmax": Softmax(**kwargs),
        "max-pool": MaxPooling1D(3, 2, "same", **kwargs),
        "average-pool": AveragePooling1D(3, 2, "same", "channels_first", **kwargs),
        "global-max-pool": GlobalMaxPooling1D(**kwargs),
        "global-average-pool": GlobalAveragePooling1D(keepdims=True, **kwargs),
        "padding": Padding1D((1, 2), 0.5, **kwargs),
        "cropping": Cropping1D((1, 2), **kwargs),
        "upsampling": UpSampling1D(3, **kwargs),
    }


NAMES = list(all_layers())


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_dtype_of_a_layer_is_kept_everywhere(name, dtype, rng):
    layer = all_layers(dtype=dtype)[name]
    x = rng.normal(size=(2, 6, 2))
    y = layer.forward(x, training=True)
    dx = layer.backward(rng.normal(size=y.shape))
    arrays = [y, dx, *layer.params.values(), *layer.grads.values()]
    assert {array.dtype.name for array in arrays} == {dtype}
    assert [g.shape for g in layer.grads.values()] == [
        p.shape for p in layer.params.values()
    ]


@pytest.mark.parametrize("name", NAMES)
def test_inputs_are_not_written_to_and_may_be_read_only_views(name, rng):
    layer = all_layers(dtype="float64")[name]
    whole = rng.normal(size=(4, 12, 2))
    x = whole[::2, ::-2]
    copy = whole.copy()
    whole.flags.writeable = x.flags.writeable = False
    y = layer.forward(x)
    dy = np.broadcast_to(rng.normal(size=y.shape[1:]), y.shape)
    dx = layer.backward(dy)
    np.testing.assert_array_equal(whole, copy)
    # A BLAS may add in another order where the memory lies otherwise.
    last_places = {"rtol": 1e-13, "atol": 1e-13}
    contiguous = np.ascontiguousarray(x)
    np.testing.assert_allclose(layer.forward(contiguous), y, **last_places)
    np.testing.assert_allclose(layer.backward(np.array(dy)), dx, **last_places)


@pytest.mark.parametrize("name", NAMES)
def test_batch_of_no_samples(name):
    layer = all_layers()[name]
    y = layer.forward(np.ones((0, 6, 2)))
    assert y.shape == (0, *layer.output_shape[1:])
    assert layer.backward(y).shape == (0, 6, 2)
    assert all(np.isfinite(layer.losses))


@pytest.mark.parametrize("name", NAMES)
def test_output_shape_is_that_of_the_output(name):
    layer = all_layers()[name]
    expected = layer.compute_output_shape((None, 6, 2))
    y = layer.forward(np.ones((3, 6, 2)))
    assert layer.output_shape == expected == (None, *y.shape[1:])
    assert layer.input_shape == (None, 6, 2)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, bool])
def test_divergence_integer_input_is_cast(kind):
    layer = local(1, dtype="float64", kernel_initializer="ones")
    x = np.array([[[0], [1], [1], [0]]], dtype=kind)
    y = layer(x)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y[0, :, 0], [1, 2, 1])


@pytest.mark.parametrize("given", ["float16", "float64"])
def test_float_input_takes_the_type_of_the_layer(given):
    assert local(1)(np.ones((1, 4, 2), given)).dtype == np.float32


def test_floatx_is_read_when_the_layer_is_made():
    config.set_floatx("float64")
    layer = local(1)
    config.set_floatx("float16")
    assert layer(np.ones((1, 4, 2))).dtype == np.float64


# Pure pair, threads --------------------------------------------------------------


def test_layer_used_twice_by_its_pure_pair(rng):
    layer, x1 = random_layer(rng, activation="tanh", **PENALTIES)
    x2 = rng.normal(size=x1.shape)
    with unchanged(layer):
        y1, cache1 = layer.forward_with_cache(x1)
        y2, cache2 = layer.forward_with_cache(x2)
        dy1, dy2 = rng.normal(size=y1.shape), rng.normal(size=y2.shape)
        first = layer.backward_from_cache(dy1, cache1)
        second = layer.backward_from_cache(dy2, cache2)
    for x, dy, (dx, grads) in ((x1, dy1, first), (x2, dy2, second)):
        layer.forward(x)
        np.testing.assert_array_equal(layer.backward(dy), dx)
        for key, value in grads.items():
            np.testing.assert_array_equal(layer.grads[key], value)


def test_unwanted_dx_is_none(rng):
    layer, x = random_layer(rng)
    y, cache = layer.forward_with_cache(x)
    dx, grads = layer.backward_from_cache(y, cache, need_dx=False)
    assert dx is None
    _, expected = layer.backward_from_cache(y, cache)
    np.testing.assert_array_equal(grads["kernel"], expected["kernel"])


def test_one_layer_in_two_threads(rng):
    layer, x = random_layer(rng, activation="tanh", **PENALTIES)
    xs = rng.normal(size=(20, *x.shape))

    def work(x):
        y, cache = layer.forward_with_cache(x)
        dx, grads = layer.backward_from_cache(y, cache)
        return [y, dx, *grads.values()]

    alone = [work(x) for x in xs]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(work, xs))
    for a, b in zip(alone, together, strict=True):
        for left, right in zip(a, b, strict=True):
            np.testing.assert_array_equal(left, right)


# Weights -------------------------------------------------------------------------


def test_get_weights_are_copies_and_params_are_live(rng):
    layer, x = random_layer(rng)
    y = layer(x)
    for weight in layer.get_weights():
        weight[...] = 0
    np.testing.assert_array_equal(layer(x), y)
    layer.params["kernel"][...] = 0
    assert layer.kernel is layer.params["kernel"]
    np.testing.assert_array_equal(layer(x), np.broadcast_to(layer.bias, y.shape))


def test_set_weights_keeps_the_arrays_and_copies_the_values():
    layer = local(1)
    layer.build((None, 5, 2))
    kernel, bias = layer.kernel, layer.bias
    new = [np.full(kernel.shape, 2), np.full(bias.shape, 3.0)]
    layer.set_weights(new)
    new[0][...] = 9
    assert layer.kernel is kernel
    assert layer.bias is bias
    assert kernel.dtype == np.float32
    assert np.all(kernel == 2)
    assert np.all(bias == 3)


def test_set_weights_may_be_given_the_weights_of_the_layer_itself():
    layer = Dense(2, weights=[np.eye(2), np.ones(2)])
    layer.build((None, 2))
    layer.set_weights([layer.params["kernel"].T, layer.params["kernel"][0]])
    np.testing.assert_array_equal(layer.bias, [1, 0])


def test_build_twice_starts_afresh_with_the_same_bits():
    layer = local(1)
    layer.build((None, 5, 2))
    first, kernel = layer.get_weights(), layer.kernel
    layer.backward(layer.forward(np.ones((1, 5, 2))))
    layer.build((None, 5, 2))
    assert layer.kernel is not kernel
    for a, b in zip(first, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert layer.grads == {}
    with pytest.raises(RuntimeError, match="call forward first"):
        layer.backward(np.ones((1, 4, 2)))
    layer.build((None, 7, 3))
    assert layer.kernel.shape == (6, 6, 2)


def test_weights_argument_is_loaded_right_after_build():
    given = [np.full((4, 4, 2), 2.0), np.full((4, 2), 3.0)]
    layer = local(1, weights=given)
    layer.build((None, 5, 2))
    for a, b in zip(given, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("kwargs", "shape"),
    [
        ({"input_shape": (5, 2)}, (None, 5, 2)),
        ({"input_shape": (5, 2), "batch_size": 4}, (4, 5, 2)),
        ({"batch_input_shape": (None, 5, 2)}, (None, 5, 2)),
        ({"batch_input_shape": [4, 5, 2]}, (4, 5, 2)),
        ({"input_dim": 3}, (None, 3)),
        ({"input_shape": 3}, (None, 3)),
        ({"input_shape": (None, 2)}, (None, None, 2)),
    ],
    ids=lambda value: str(value),
)
def test_ways_to_name_the_shape_of_the_input(kwargs, shape):
    layer = Dense(2, **kwargs)
    assert layer.batch_input_shape == shape
    assert layer.get_config()["batch_input_shape"] == shape


def test_dynamic_and_autocast_are_accepted():
    assert Dense(2, dynamic=False, autocast=True).units == 2


def test_frozen_layer_has_no_trainable_weights():
    layer = local(1, trainable=False)
    layer.build((None, 5, 2))
    assert layer.trainable_params == {}
    layer.trainable = True
    live = layer.trainable_params
    assert list(live) == list(layer.params)
    assert all(value is layer.params[name] for name, value in live.items())


# Start values --------------------------------------------------------------------


def test_fans_keras_count_the_positions():
    layer = local(1, kernel_size=3, kernel_initializer=initializers.GlorotUniform(1))
    layer.build((None, 11, 4))
    assert layer.kernel.shape == (9, 12, 2)
    np.testing.assert_array_equal(
        layer.kernel, initializers.GlorotUniform(1)((9, 12, 2), "float32")
    )
    # sqrt(6 / (108 + 18)), from Keras.
    assert 0.95 * 0.21821789 < np.abs(layer.kernel).max() < 0.21821790


@pytest.mark.parametrize("name", ["GlorotUniform", "HeNormal", "LecunUniform"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_fans_local_are_those_of_the_convolution_it_replaces(rank, name):
    make = getattr(initializers, name)
    shape = (None, *INPUTS[rank][1:])
    layer = local(rank, 3, kernel_initializer=make(seed=5), fans="local")
    layer.build(shape)
    window = 2**rank
    expected = make(seed=5)(
        layer.kernel.shape, "float32", fans=(window * 2, window * 3)
    )
    np.testing.assert_array_equal(layer.kernel, expected)
    keras = local(rank, 3, kernel_initializer=make(seed=5))
    keras.build(shape)
    assert np.abs(layer.kernel).max() > np.abs(keras.kernel).max()


def test_fans_do_not_concern_other_initializers():
    kernels = []
    for fans in ("keras", "local"):
        layer = local(
            1, kernel_initializer=initializers.RandomNormal(seed=1), fans=fans
        )
        layer.build((None, 5, 2))
        kernels.append(layer.kernel)
    np.testing.assert_array_equal(*kernels)


def test_quirk_initializer_none_means_glorot_uniform_for_the_bias_as_well():
    layer = local(1, kernel_initializer=None, bias_initializer=None)
    layer.build((None, 5, 2))
    assert layer.kernel.all()
    assert layer.bias.all()
    assert np.abs(layer.bias).max() <= np.sqrt(6 / (4 + 2))
    assert layer.kernel_initializer is layer.bias_initializer is None
    ours = layer.get_config()
    assert ours["kernel_initializer"] is ours["bias_initializer"] is None


def test_initializer_of_the_users_own():
    seen = []

    def numbered(shape, dtype):
        seen.append((shape, np.dtype(dtype).name))
        return np.arange(np.prod(shape), dtype="int64").reshape(shape)

    layer = local(1, kernel_initializer=numbered)
    layer.build((None, 5, 2))
    assert seen == [((4, 4, 2), "float32")]
    assert layer.kernel.dtype == np.float32
    np.testing.assert_array_equal(layer.kernel.ravel(), np.arange(32))


def test_initializer_of_the_users_own_may_take_the_generator_of_the_layer():
    def noisy(shape, dtype=None, *, rng):
        return rng.normal(size=shape)

    draws = []
    for _ in range(2):
        layer = local(1, kernel_initializer=noisy)
        layer.set_seed(np.random.SeedSequence(3))
        layer.build((None, 5, 2))
        draws.append(layer.kernel)
    np.testing.assert_array_equal(*draws)
    assert np.std(draws[0]) > 0.5


def test_constraint_of_the_users_own():
    layer = local(1, kernel_constraint=lambda w: np.clip(w, -0.5, 0.5))
    layer.build((None, 5, 2))
    layer.set_weights([np.full((4, 4, 2), 2.0), np.zeros((4, 2))])
    assert np.all(layer.kernel == 2)  # not applied by set_weights
    kernel = layer.kernel
    layer.constrain()
    assert layer.kernel is kernel
    assert np.all(kernel == 0.5)


def test_regularizer_of_the_users_own(rng):
    class Quartic:
        def __call__(self, w):
            return np.sum(w**4)

        def gradient(self, w):
            return 4 * w**3

    layer, x = random_layer(
        rng, 1, kernel_regularizer=Quartic(), activity_regularizer=Quartic()
    )
    report = check_layer(layer, x)
    assert report.passed, report
    y = layer(x)
    np.testing.assert_allclose(
        layer.losses, [np.sum(y**4) / len(y), np.sum(layer.kernel**4)], rtol=1e-12
    )


# Penalties -----------------------------------------------------------------------


def test_losses_are_activity_kernel_bias_and_the_activity_is_per_sample(rng):
    layer, x = random_layer(
        rng,
        kernel_regularizer=regularizers.L2(0.5),
        bias_regularizer=regularizers.L1(0.25),
        activity_regularizer=regularizers.L2(2.0),
    )
    kernel, bias = layer.get_weights()
    weights = [0.5 * np.sum(kernel**2), 0.25 * np.abs(bias).sum()]
    np.testing.assert_allclose(layer.losses, weights, rtol=1e-12)
    for samples in (3, 1):
        y = layer(x[:samples])
        activity = 2 * np.sum(y**2) / samples
        np.testing.assert_allclose(layer.losses, [activity, *weights], rtol=1e-12)
    layer(x[:0])
    assert layer.losses[0] == 0


def test_backward_adds_the_penalties_to_the_gradients(rng):
    plain, x = random_layer(rng)
    penalised = type(plain).from_config(
        {**plain.get_config(), "kernel_regularizer": regularizers.L2(0.5)}
    )
    penalised.build(plain.input_shape)
    penalised.set_weights(plain.get_weights())
    dy = rng.normal(size=plain(x).shape)
    penalised(x)
    np.testing.assert_array_equal(plain.backward(dy), penalised.backward(dy))
    np.testing.assert_allclose(
        penalised.grads["kernel"], plain.grads["kernel"] + plain.kernel, rtol=1e-12
    )
    np.testing.assert_array_equal(penalised.grads["bias"], plain.grads["bias"])


# Names and settings --------------------------------------------------------------


def test_automatic_names():
    layers.clear_session()
    names = [local(1).name for _ in range(3)] + [local(2).name, LeakyReLU().name]
    assert names == [
        "locally_connected1d",
        "locally_connected1d_1",
        "locally_connected1d_2",
        "locally_connected2d",
        "leaky_re_lu",
    ]
    layers.clear_session()
    assert local(1).name == "locally_connected1d"
    assert local(1, name="mine").name == "mine"
    assert local(1).name == "locally_connected1d_1"


def keras_json(monkeypatch, folder, data_format):
    monkeypatch.setenv("KERAS_HOME", str(folder))
    settings = {"image_data_format": data_format}
    (folder / "keras.json").write_text(json.dumps(settings), encoding="utf-8")


@pytest.mark.parametrize("make", [local, lambda rank: Flatten()], ids=["local", "flat"])
def test_data_format_is_read_from_keras_json_when_the_layer_is_made(
    make, tmp_path, monkeypatch
):
    keras_json(monkeypatch, tmp_path, "channels_first")
    layer = make(2)
    keras_json(monkeypatch, tmp_path, "channels_last")
    assert layer.data_format == layer.get_config()["data_format"] == "channels_first"
    assert make(2).data_format == "channels_last"
    config.set_image_data_format("channels_first")
    assert make(2).data_format == "channels_first"


def test_keras_json_is_never_written(tmp_path, monkeypatch):
    home = tmp_path / "home"
    monkeypatch.setenv("KERAS_HOME", str(home))
    local(1)(np.ones((1, 4, 2)))
    assert not home.exists()
    home.mkdir()
    keras_json(monkeypatch, home, "channels_first")
    file = Path(home / "keras.json")
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    local(2)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert [p.name for p in home.iterdir()] == ["keras.json"]


def test_arguments_in_any_case_and_form():
    layer = LocallyConnected2D(2, [3, 2], np.array([1, 2]), "SAME", "Channels_First")
    assert layer.kernel_size == (3, 2)
    assert layer.strides == (1, 2)
    assert layer.padding == "same"
    assert layer.data_format == "channels_first"
    assert all(type(size) is int for size in layer.strides)


def test_activation_none_is_linear_and_bias_can_be_left_out(rng):
    layer, x = random_layer(rng, use_bias=False)
    assert layer.bias is None
    assert [w.shape for w in layer.get_weights()] == [layer.kernel.shape]
    assert layer.activation is activations.linear
    np.testing.assert_array_equal(layer(2 * x), 2 * layer(x))


# Configs -------------------------------------------------------------------------

CONFIGS = {
    "local": lambda: local(2, 3, (2, 1), strides=(2, 1), padding="same", **PENALTIES),
    "dilated": lambda: local(3, dilation_rate=(1, 2, 1), fans="local"),
    "constraints": lambda: local(
        1, kernel_constraint="unit_norm", bias_constraint="non_neg", implementation=3
    ),
    "leaky": lambda: local(1, activation=LeakyReLU(0.1)),
    "class-name": lambda: local(1, activation="Softmax"),
    "pads": lambda: local(2, padding=[[1, 0], (0, 2)]),
    "conv": lambda: Conv2D(4, 3, padding="same", dilation_rate=2, **PENALTIES),
    "conv-untied": lambda: Conv1D(4, 3, 2, "causal", groups=2, untied_bias=True),
    "dense": lambda: Dense(3, "swish", use_bias=False, input_shape=(4,)),
    "flatten": lambda: Flatten("channels_first", trainable=False),
    "reshape": lambda: Reshape((2, -1)),
    "dropout": lambda: Dropout(0.25, noise_shape=(None, 1), seed=4),
    "input": lambda: InputLayer((3, 2), dtype="float64"),
    "activation": lambda: Activation("relu"),
    "elu": lambda: ELU(0.5),
    "relu": lambda: ReLU(6.0, 0.1, 0.5),
    "softmax": lambda: Softmax([1, 2]),
}


@pytest.mark.parametrize("make", CONFIGS.values(), ids=CONFIGS)
def test_config_round_trip_through_json(make):
    layer = make()
    ours = layers.serialize(layer)
    assert list(ours) == ["module", "class_name", "config", "registered_name"]
    again = layers.deserialize(json.loads(json.dumps(ours)))
    assert type(again) is type(layer)
    assert again.name == layer.name
    assert again.dtype == layer.dtype
    assert layers.serialize(again) == ours


def test_built_layer_serializes_its_input_shape():
    layer = local(1)
    layer.build((None, 5, 2))
    assert layers.serialize(layer)["build_config"] == {"input_shape": (None, 5, 2)}


def test_dilation_and_fans_stand_in_the_config_only_off_their_defaults():
    assert not {"dilation_rate", "fans"} & local(1).get_config().keys()
    ours = local(1, dilation_rate=2, fans="local").get_config()
    assert list(ours)[-3:] == ["implementation", "dilation_rate", "fans"]
    assert (ours["dilation_rate"], ours["fans"]) == ((2,), "local")


def test_old_config_without_later_keys():
    config_of_2017 = {
        "name": "lc",
        "trainable": True,
        "filters": 4,
        "kernel_size": [3],
        "strides": [1],
        "padding": "valid",
        "data_format": "channels_last",
        "activation": "relu",
        "use_bias": True,
        "kernel_initializer": {
            "class_name": "VarianceScaling",
            "config": {
                "scale": 1.0,
                "mode": "fan_avg",
                "distribution": "uniform",
                "seed": None,
            },
        },
        "bias_initializer": {"class_name": "Zeros", "config": {}},
    }
    layer = LocallyConnected1D.from_config(config_of_2017)
    assert layer.implementation == 1
    assert layer.kernel_initializer.distribution == "uniform"


def test_pair_of_the_users_own_round_trips_by_its_name(rng):
    layer, x = random_layer(rng, activation=CUBE)
    ours = layers.serialize(layer)
    assert ours["config"]["activation"] == "cube"
    again = layers.deserialize(ours, custom_objects={"cube": CUBE})
    again.build(layer.input_shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x), layer(x))


def test_layer_of_the_users_own(rng):
    class Scale(layers.Layer):
        def __init__(self, factor=2.0, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def compute(self, x, *, training, rng):
            return self.factor * x, None

        def gradients(self, dz, cache):
            return self.factor * dz, {}

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    layer = Scale(3.0, activity_regularizer="l2")
    report = check_layer(layer, rng.normal(size=(2, 3)))
    assert report.passed, report
    again = layers.deserialize(layers.serialize(layer), custom_objects={"Scale": Scale})
    assert again.factor == 3


# The other layers ----------------------------------------------------------------


def test_flatten_moves_channels_last_for_channels_first():
    x = np.arange(12.0).reshape(1, 2, 3, 2)
    np.testing.assert_array_equal(Flatten("channels_last")(x), x.reshape(1, 12))
    np.testing.assert_array_equal(
        Flatten("channels_first")(x), x.transpose(0, 2, 3, 1).reshape(1, 12)
    )
    assert Flatten().compute_output_shape((None, None, 2)) == (None, None)


def test_reshape_works_out_one_size():
    assert Reshape((-1, 2)).compute_output_shape((None, 3, 4)) == (None, 6, 2)
    assert Reshape((-1, 2)).compute_output_shape((None, None, 4)) == (None, None, 2)
    assert Reshape((0,))(np.ones((2, 0, 3))).shape == (2, 0)


def test_dropout_scales_what_it_keeps_and_only_while_training():
    layer = Dropout(0.25, seed=1)
    x = np.ones((40, 50))
    assert layer(x).all()
    y = layer(x, training=True)
    np.testing.assert_allclose(np.unique(y), [0, 4 / 3], rtol=1e-6)
    assert 0.2 < np.mean(y == 0) < 0.3
    np.testing.assert_array_equal(layer.backward(x) == 0, y == 0)


def test_dropout_draws_anew_each_time_and_repeats_with_its_seed():
    x = np.ones((4, 50))
    one, two = Dropout(0.5, seed=1), Dropout(0.5, seed=1)
    first, second = one(x, training=True), one(x, training=True)
    assert (first != second).any()
    np.testing.assert_array_equal(two(x, training=True), first)
    np.testing.assert_array_equal(two(x, training=True), second)


def test_dropout_noise_shape_shares_the_mask():
    y = Dropout(0.5, noise_shape=(None, 1, 4), seed=0)(
        np.ones((3, 5, 4)), training=True
    )
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    assert len(np.unique(y[:, 0])) == 2


def test_dropout_uses_the_generator_of_the_call():
    layer, x = Dropout(0.5, seed=0), np.ones((3, 20))
    layer.build(x.shape)
    with unchanged(layer):
        a, _ = layer.forward_with_cache(x, True, np.random.default_rng(1))
        b, _ = layer.forward_with_cache(x, True, np.random.default_rng(1))
    np.testing.assert_array_equal(a, b)


def test_repr_tells_class_name_and_shape():
    layer = Dense(2, name="top")
    assert repr(layer) == "<Dense 'top' not built>"
    layer.build((None, 3))
    assert repr(layer) == "<Dense 'top' (None, 2)>"


def test_an_activation_that_is_set_is_applied_from_then_on(rng):
    x, y = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    models = []
    for activation in ("tanh", "relu"):
        dense = Dense(4, activation=activation, input_shape=(3,))
        models.append(Sequential([dense, Dense(2)], seed=0))
        models[-1].compile("sgd", "mse")
    models[0].predict(x, verbose=0)
    models[0].layers[0].activation = "relu"
    for model in models:
        model.fit(x, y, verbose=0, shuffle=False)
    assert_array_equal(*(model.predict(x, verbose=0) for model in models))
    assert models[0].layers[0].get_config()["activation"] == "relu"
