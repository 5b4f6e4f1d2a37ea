"""
Keras's own tests of locally connected layers, and where this package differs.

A test is named after the number of its requirement among those of tf-keras's
``locally_connected_test.py``, ``conv_utils_test.py`` and neighbours. Conversions
between layouts, masks and single functions are tested with their modules.
"""

import itertools

import numpy as np
import pytest
from raising import refuses

from localnet import (
    Sequential,
    activations,
    config,
    constraints,
    initializers,
    load_model,
    losses,
    optimizers,
    regularizers,
)
from localnet.interop.layouts import convert_kernel
from localnet.layers import (
    Dense,
    Flatten,
    LocallyConnected1D,
    LocallyConnected2D,
    LocallyConnected3D,
)

RNG = np.random.default_rng(11)
FORMATS = config.DATA_FORMATS
ALL_12 = list(itertools.product(FORMATS, ("valid", "same"), (1, 2, 3)))
all_12 = pytest.mark.parametrize(
    ("data_format", "padding", "implementation"),
    ALL_12,
    ids=["-".join(map(str, case)) for case in ALL_12],
)


def standard_layer_check(cls, kwargs, shape):
    """Do what Keras's generic ``layer_test`` does, with the default optimizer."""
    x = RNG.uniform(size=shape).astype("float32")
    layer = cls(**kwargs)
    layer.set_weights(layer.get_weights())  # before build: none

    model = Sequential([cls(**kwargs)])
    y = model.predict(x)
    assert y.dtype == np.float32
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *y.shape[1:])
    assert model.output_shape == (None, *y.shape[1:])

    again = Sequential.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(x), y)

    model.compile(loss="mse", weighted_metrics=["acc"])
    loss, accuracy = model.train_on_batch(x, y)
    assert np.isfinite([loss, accuracy]).all()

    described = {**layer.get_config(), "batch_input_shape": (None, *shape[1:])}
    first = Sequential([cls.from_config(described)])
    assert first.output_shape == (None, *y.shape[1:])
    copy = Sequential.from_config(first.get_config())
    copy.set_weights(first.get_weights())
    np.testing.assert_array_equal(copy.predict(x), first.predict(x))


# LocallyConnected1D --------------------------------------------------------------


@all_12
def test_1_locally_connected_1d(data_format, padding, implementation):
    """Implementation 1 with ``same`` works here, where Keras refuses it."""
    kwargs = {
        "filters": 4,
        "kernel_size": 3,
        "padding": padding,
        "strides": 1,
        "data_format": data_format,
        "implementation": implementation,
    }
    standard_layer_check(LocallyConnected1D, kwargs, (2, 8, 5))


REGULARIZED = {
    "kernel_regularizer": "l2",
    "bias_regularizer": "l2",
    "activity_regularizer": "l2",
}


@all_12
def test_2_regularization_1d(data_format, padding, implementation):
    layer = LocallyConnected1D(
        4,
        3,
        padding=padding,
        data_format=data_format,
        implementation=implementation,
        **REGULARIZED,
    )
    layer.build((2, 8, 5))
    assert len(layer.losses) == 2
    layer(np.ones((2, 8, 5)))
    assert len(layer.losses) == 3


@all_12
def test_3_constraints_1d(data_format, padding, implementation):
    norm = constraints.get("max_norm")
    layer = LocallyConnected1D(
        4,
        3,
        padding=padding,
        data_format=data_format,
        implementation=implementation,
        kernel_constraint=norm,
        bias_constraint=norm,
    )
    layer.build((2, 8, 5))
    assert layer.kernel_constraint is layer.bias_constraint is norm


def test_4_invalid_output_shape_1d():
    layer = LocallyConnected1D(2, 10, name="lc")
    with refuses(
        "lc: kernel_size must fit into the padded input, got (10,): kernel_size 10 "
        "over length 5 with padding 'valid' leaves no output location"
    ):
        layer.build((None, 5, 2))


# LocallyConnected2D --------------------------------------------------------------


@pytest.mark.parametrize("strides", [(1, 1), (2, 2)], ids=str)
@all_12
def test_5_locally_connected_2d(data_format, padding, implementation, strides):
    kwargs = {
        "filters": 3,
        "kernel_size": 3,
        "padding": padding,
        "kernel_regularizer": "l2",
        "bias_regularizer": "l2",
        "strides": strides,
        "data_format": data_format,
        "implementation": implementation,
    }
    standard_layer_check(LocallyConnected2D, kwargs, (8, 6, 10, 4))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("implementation", [1, 2, 3])
def test_6_locally_connected_2d_channels_first(padding, implementation):
    kwargs = {
        "filters": 3,
        "kernel_size": 3,
        "padding": padding,
        "data_format": "channels_first",
        "implementation": implementation,
    }
    standard_layer_check(LocallyConnected2D, kwargs, (8, 6, 10, 4))


@all_12
def test_7_regularization_2d(data_format, padding, implementation):
    layer = LocallyConnected2D(
        4,
        3,
        padding=padding,
        data_format=data_format,
        implementation=implementation,
        **REGULARIZED,
    )
    layer.build((2, 6, 7, 4))
    assert len(layer.losses) == 2
    layer(np.ones((2, 6, 7, 4)))
    assert len(layer.losses) == 3


@all_12
def test_8_constraints_2d(data_format, padding, implementation):
    norm = constraints.get("max_norm")
    layer = LocallyConnected2D(
        4,
        3,
        padding=padding,
        data_format=data_format,
        implementation=implementation,
        kernel_constraint=norm,
        bias_constraint=norm,
    )
    layer.build((2, 6, 7, 4))
    assert layer.kernel_constraint is layer.bias_constraint is norm


def test_9_invalid_output_shape_2d():
    layer = LocallyConnected2D(2, 10, name="lc")
    with refuses(
        "lc: kernel_size must fit into the padded input, got (10, 10): kernel_size 10 "
        "over length 5 with padding 'valid' leaves no output location"
    ):
        layer.build((None, 5, 5, 2))


# The three implementations -------------------------------------------------------

SETTINGS = [(rank, data_format) for rank in (1, 2) for data_format in FORMATS]
settings = pytest.mark.parametrize(
    ("rank", "data_format"),
    SETTINGS,
    ids=[f"{rank}d-{data_format}" for rank, data_format in SETTINGS],
)


def sample_shape(rank, data_format):
    sizes = {1: (8,), 2: (8, 6)}[rank]
    return (*sizes, 3) if data_format == "channels_last" else (3, *sizes)


def network(rank, data_format, implementation):
    """Two locally connected layers, Flatten and Dense, as in Keras's test."""
    cls = {1: LocallyConnected1D, 2: LocallyConnected2D}[rank]
    kwargs = {
        "filters": 2,
        "kernel_size": {1: 3, 2: (3, 2)}[rank],
        "strides": {1: 1, 2: (1, 3)}[rank],
        "activation": "relu",
        "kernel_initializer": "random_normal",
        "bias_initializer": "random_normal",
        "data_format": data_format,
        "implementation": implementation,
    }
    second = {**kwargs, "kernel_size": {1: 3, 2: (3, 1)}[rank], "strides": 1}
    model = Sequential([cls(**kwargs), cls(**second), Flatten(), Dense(3)])
    model.compile(
        optimizers.RMSprop(0.01),
        losses.CategoricalCrossentropy(from_logits=True),
    )
    model.build((None, *sample_shape(rank, data_format)))
    return model


def canonical(layer, kernel, layout):
    return convert_kernel(
        kernel,
        layout,
        "keras1",
        input_shape=layer.input_shape[1:],
        kernel_size=layer.kernel_size,
        filters=layer.filters,
        strides=layer.strides,
        data_format=layer.data_format,
    )


def three_networks(rank, data_format):
    """
    Return the networks of implementations 1, 2 and 3 with the same weights.

    They start from dense kernels, as implementation 2 stores them; the third takes the
    way through the flat vector of implementation 3.
    """
    models = [network(rank, data_format, i) for i in (1, 2, 3)]
    for layers_of_a_place in zip(*(model.layers for model in models), strict=True):
        weights = layers_of_a_place[0].get_weights()
        if hasattr(layers_of_a_place[0], "kernel_size"):
            first, second, third = layers_of_a_place
            shape = second.input_shape[1:] + second.output_shape[1:]
            dense = RNG.normal(scale=0.3, size=shape).astype("float32")
            kwargs = {
                "input_shape": first.input_shape[1:],
                "kernel_size": first.kernel_size,
                "filters": first.filters,
                "strides": first.strides,
                "data_format": data_format,
            }
            flat = convert_kernel(dense, "keras2", "keras3", **kwargs)
            assert flat.ndim == 1
            bias = weights[1]
            first.set_weights([canonical(first, dense, "keras2"), bias])
            second.set_weights([canonical(second, dense, "keras2"), bias])
            third.set_weights([canonical(third, flat, "keras3"), bias])
        else:
            for layer in layers_of_a_place:
                layer.set_weights(weights)
    return models


def data(rank, data_format):
    x = RNG.normal(size=(12, *sample_shape(rank, data_format))).astype("float32")
    return x, np.eye(3)[RNG.integers(0, 3, size=12)]


def assert_equal_outputs(models, x):
    outputs = [model.predict(x) for model in models]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_array_equal(outputs[0], outputs[2])


@settings
def test_10_implementations_give_equal_outputs(rank, data_format):
    assert_equal_outputs(three_networks(rank, data_format), data(rank, data_format)[0])


@settings
def test_11_implementations_stay_equal_while_they_train(rank, data_format):
    models = three_networks(rank, data_format)
    x, y = data(rank, data_format)
    before = models[0].predict(x)
    for model in models:
        model.train_on_batch(x, y)
        model.fit(x, y, epochs=2, batch_size=len(x), shuffle=False, verbose=0)
    assert (models[0].predict(x) != before).all()
    assert_equal_outputs(models, x)


@settings
def test_13_save_and_load(rank, data_format, tmp_path):
    x, y = data(rank, data_format)
    for model in three_networks(rank, data_format):
        model.fit(x, y, epochs=2, verbose=0)
        loaded = load_model(model.save(tmp_path / "m"))
        implementations = [layer.implementation for layer in loaded.layers[:2]]
        assert implementations == [model.layers[0].implementation] * 2
        np.testing.assert_array_equal(loaded.predict(x), model.predict(x))


@pytest.mark.parametrize(
    ("cls", "shape"),
    [(LocallyConnected1D, (2, 5, 2)), (LocallyConnected2D, (2, 5, 4, 2))],
    ids=["1d", "2d"],
)
def test_17_half_precision_is_float32_up_to_its_rounding(cls, shape):
    single, half = cls(2, 2), cls(2, 2, dtype="float16")
    for layer in (single, half):
        layer.build(shape)
    half.set_weights(single.get_weights())
    single.set_weights(half.get_weights())
    x = RNG.normal(size=shape).astype("float16")
    dy = RNG.normal(size=single(x).shape).astype("float16")
    expected = [single(x), single.backward(dy), *single.grads.values()]
    actual = [half(x), half.backward(dy), *half.grads.values()]
    for a, b in zip(actual, expected, strict=True):
        assert a.dtype == np.float16
        # Eight terms of about 1, each rounded to 11 bits.
        np.testing.assert_allclose(a, b, rtol=0, atol=8 * 2**-10)


# Arguments -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "rank", "expected"),
    [
        (1, 2, (1, 1)),
        ((3, 4), 2, (3, 4)),
        ([3, 4], 2, (3, 4)),
        (3, 3, (3, 3, 3)),
        ((np.int64(2),), 1, (2,)),
    ],
    ids=str,
)
def test_18_sizes_are_repeated_or_kept(value, rank, expected):
    cls = (LocallyConnected1D, LocallyConnected2D, LocallyConnected3D)[rank - 1]
    assert cls(2, value).kernel_size == expected
    assert cls(2, 2, value).strides == expected


@pytest.mark.parametrize("value", [-1, 0, (2, 1), None, -4, (0,), 2.0, "3"], ids=repr)
@pytest.mark.parametrize("argument", ["kernel_size", "strides", "dilation_rate"])
def test_18_sizes_refused(argument, value):
    with refuses(
        f"lc: {argument} must be an integer or a tuple of 1 integer >= 1, got {value!r}"
    ):
        LocallyConnected1D(
            **{"filters": 2, "kernel_size": 2, argument: value}, name="lc"
        )


@pytest.mark.parametrize("word", ["channels_last", "CHANNELS_FIRST", "Channels_Last"])
def test_19_data_format_in_any_case(word):
    assert LocallyConnected1D(2, 2, data_format=word).data_format == word.lower()


@pytest.mark.parametrize("word", ["same", "SAME", "Valid"])
def test_19_padding_in_any_case(word):
    assert LocallyConnected1D(2, 2, padding=word).padding == word.lower()


@pytest.mark.parametrize(
    ("padding", "stride", "expected"),
    [("same", 1, 4), ("same", 2, 2), ("valid", 1, 3), ("valid", 2, 2)],
)
def test_20_output_length(padding, stride, expected):
    layer = LocallyConnected1D(5, 2, stride, padding)
    assert layer.compute_output_shape((None, 4, 3)) == (None, expected, 5)
    assert layer.compute_output_shape((None, None, 3)) == (None, None, 5)


def zero(w):
    return 0.0


zero.gradient = np.zeros_like


@pytest.mark.parametrize(
    "regularizer",
    ["l1", "l2", "l1_l2", "L1L2", None, zero],
    ids=lambda r: getattr(r, "__name__", str(r)),
)
def test_28_training_with_each_regularizer(regularizer):
    model = Sequential(
        [
            LocallyConnected1D(
                2,
                2,
                kernel_regularizer=regularizer,
                bias_regularizer=regularizer,
                activity_regularizer=regularizer,
            )
        ]
    )
    model.compile("sgd", "mse")
    x = np.ones((4, 5, 2))
    history = model.fit(x, np.ones((4, 4, 2)), epochs=2, verbose=0).history["loss"]
    assert history[1] < history[0]
    model.layers[0](x)
    assert len(model.layers[0].losses) == (0 if regularizer is None else 3)


@pytest.mark.parametrize("data_format", FORMATS)
def test_31_standalone_keras_1d(data_format):
    kwargs = {"filters": 4, "kernel_size": 3, "data_format": data_format, **REGULARIZED}
    standard_layer_check(LocallyConnected1D, kwargs, (2, 8, 5))


@pytest.mark.parametrize("strides", [(1, 1), (2, 2)], ids=str)
@pytest.mark.parametrize("data_format", FORMATS)
def test_31_standalone_keras_2d(data_format, strides):
    kwargs = {
        "filters": 3,
        "kernel_size": 3,
        "strides": strides,
        "data_format": data_format,
        **REGULARIZED,
    }
    standard_layer_check(LocallyConnected2D, kwargs, (5, 6, 8, 4))


# Different from Keras on purpose -------------------------------------------------


def test_divergence_same_is_allowed_at_implementation_1():
    layer = LocallyConnected1D(3, 2, padding="same")
    assert layer.implementation == 1
    assert layer(np.ones((1, 5, 2))).shape == (1, 5, 3)


def test_divergence_dilation_rate_is_accepted():
    layer = LocallyConnected1D(1, 2, dilation_rate=3, kernel_initializer="ones")
    np.testing.assert_array_equal(
        layer(np.arange(5.0).reshape(1, 5, 1))[0, :, 0], [0 + 3, 1 + 4]
    )


def test_divergence_integers_are_cast_to_floatx():
    layer = Dense(1, kernel_initializer="ones")
    assert layer([[1, 2]]).dtype == config.floatx()


@pytest.mark.parametrize(
    ("argument", "value", "rule"),
    [
        ("filters", -1, "an integer >= 1"),
        ("filters", "3", "an integer >= 1"),
        ("kernel_size", (3.0,), "an integer or a tuple of 1 integer >= 1"),
        ("implementation", 4, "an integer >= 1 and <= 3"),
    ],
)
def test_divergence_arguments_are_validated_in_the_constructor(argument, value, rule):
    with refuses(f"lc: {argument} must be {rule}, got {value!r}"):
        LocallyConnected1D(
            **{"filters": 2, "kernel_size": 2, argument: value}, name="lc"
        )


@pytest.mark.parametrize(
    ("argument", "value"),
    [("strides", 0), ("padding", None), ("data_format", 3), ("padding", "causal")],
    ids=["ZeroDivisionError", "AttributeError", "AttributeError-2", "NotImplemented"],
)
def test_divergence_accidental_errors_are_value_errors(argument, value):
    with pytest.raises(ValueError, match=f"{argument} must be .*, got {value!r}"):
        LocallyConnected1D(**{"filters": 2, "kernel_size": 2, argument: value})


def test_divergence_tuple_messages_are_sentences():
    with pytest.raises(ValueError, match="input_shape must be known") as caught:
        LocallyConnected1D(2, 2).build((None, 5, None))
    assert len(caught.value.args) == 1


def test_divergence_unknown_regularizer_name_is_an_error_at_once():
    with refuses("lc: kernel_regularizer must be a known name, got 'nope'"):
        LocallyConnected1D(2, 2, kernel_regularizer="nope", name="lc")


@pytest.mark.parametrize("implementation", [1, 2, 3])
@pytest.mark.parametrize("length", [4, 6])
def test_divergence_other_spatial_sizes_are_an_error_later(implementation, length):
    layer = LocallyConnected1D(2, 2, implementation=implementation, name="lc")
    layer(np.ones((1, 5, 2)))
    with refuses(
        "lc: input must have the shape the layer was built for, (None, 5, 2), "
        f"got (1, {length}, 2)"
    ):
        layer(np.ones((1, length, 2)))


def test_divergence_lr_means_learning_rate():
    assert optimizers.SGD(lr=0.5).learning_rate == 0.5


def test_divergence_constants_are_exact():
    from scipy.special import ndtr

    x = np.linspace(-3, 3, 7)
    np.testing.assert_allclose(activations.gelu(x), x * ndtr(x), rtol=1e-14)
    assert activations.leaky_relu(np.array([-1.0]))[0] == -0.2
    assert activations.relu(np.array([-1.0]), alpha=0.1)[0] == -0.1
    assert losses.log_cosh(np.zeros((1, 1)), np.zeros((1, 1)))[0] == 0
    huber = losses.Huber(delta=0.1)
    np.testing.assert_allclose(huber([[0.0]], np.array([[1.0]])), 0.095, rtol=1e-15)
    assert regularizers.L2(0.01).get_config() == {"l2": 0.01}
    assert optimizers.SGD(momentum=0.9).get_config()["momentum"] == 0.9


@pytest.mark.parametrize("implementation", [2, 3])
def test_divergence_implementations_2_and_3_start_as_1_and_are_held_as_1(
    implementation,
):
    def kernel(implementation):
        layer = LocallyConnected1D(
            2,
            3,
            implementation=implementation,
            kernel_initializer=initializers.GlorotUniform(seed=1),
        )
        layer.build((None, 8, 5))
        return layer.kernel

    assert kernel(implementation).shape == (6, 15, 2)
    np.testing.assert_array_equal(kernel(implementation), kernel(1))
