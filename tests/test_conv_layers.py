"""The convolutional layers, and their twins without sharing."""

import inspect
import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from raising import refuses
from strategies import integers
from unchanged import unchanged

from localnet import Sequential, config, layers, load_model
from localnet.layers import (
    Conv1D,
    Conv2D,
    Conv3D,
    Dense,
    Flatten,
    LocallyConnected1D,
    LocallyConnected2D,
    LocallyConnected3D,
    conv_to_local,
    local_to_conv,
)
from localnet.ops import free_kernel
from localnet.ops.local.shared_conv import located_weights

CONVS = (Conv1D, Conv2D, Conv3D)
LOCALS = (LocallyConnected1D, LocallyConnected2D, LocallyConnected3D)
INPUTS = {1: (3, 7, 4), 2: (3, 5, 6, 4), 3: (2, 4, 3, 5, 4)}


def filled(layer, shape, rng):
    """Build a layer for a shape, and give it weights of small integers."""
    layer.build((None, *shape[1:]))
    layer.set_weights([rng.integers(-4, 5, w.shape) for w in layer.get_weights()])
    return layer


def shape_of(rank, data_format="channels_last"):
    n, *sizes, channels = INPUTS[rank]
    last = data_format == "channels_last"
    return (n, *sizes, channels) if last else (n, channels, *sizes)


# --- arguments ------------------------------------------------------------------------


def test_keras_has_two_names_for_each():
    assert layers.Convolution1D is Conv1D
    assert layers.Convolution2D is Conv2D
    assert layers.Convolution3D is Conv3D
    layer = layers.deserialize(
        {"class_name": "Convolution2D", "config": {"filters": 2, "kernel_size": 3}}
    )
    assert type(layer) is Conv2D
    assert layers.serialize(layer)["class_name"] == "Conv2D"


def test_positional_arguments_are_in_the_order_of_keras():
    order = (
        *("filters", "kernel_size", "strides", "padding", "data_format"),
        *("dilation_rate", "groups", "activation", "use_bias", "kernel_initializer"),
        *("bias_initializer", "kernel_regularizer", "bias_regularizer"),
        *("activity_regularizer", "kernel_constraint", "bias_constraint"),
    )
    values = (4, 2, 1, "same", "channels_first", 2, 2, "relu", False, "ones", "ones")
    rules = ("l1", "l2", "l1", "non_neg", "unit_norm")
    parameters = inspect.signature(Conv2D).parameters.values()
    names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert tuple(names) == order
    for cls in CONVS:
        given = cls(*values, *rules, name="a").get_config()
        by_name = dict(zip(order, (*values, *rules), strict=True))
        assert given == cls(**by_name, name="a").get_config()


def test_only_conv1d_is_channels_last_whatever_the_config_says():
    config.set_image_data_format("channels_first")
    assert Conv1D(1, 1).data_format == "channels_last"
    assert Conv1D(1, 1, data_format=None).data_format == "channels_first"
    assert Conv2D(1, 1).data_format == Conv3D(1, 1).data_format == "channels_first"


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_one_word_changes_a_layer(rank, rng):
    arguments = {
        "filters": 3,
        "kernel_size": 2,
        "strides": 2,
        "padding": "same",
        "activation": "tanh",
        "kernel_regularizer": "l2",
        "bias_initializer": "ones",
        "use_bias": True,
    }
    x = integers(rng, *INPUTS[rank])
    ys = [cls(**arguments)(x) for cls in (CONVS[rank - 1], LOCALS[rank - 1])]
    assert ys[0].shape == ys[1].shape


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: Conv2D(2, 2, padding="causal", name="c"),
            "c: padding must be one of 'valid', 'same', got 'causal'",
        ),
        (
            lambda: Conv1D(2, 2, padding="casual", name="c"),
            "c: padding must be one of 'valid', 'same', 'causal', got 'casual'; did "
            "you mean 'causal'?",
        ),
        (
            lambda: Conv1D(2, 2, padding=[1], name="c"),
            "c: padding must be 'valid', 'same', 'causal' or one (before, after) pair "
            "of integers >= 0 for each of 1 spatial axes, got [1]",
        ),
        (
            lambda: LocallyConnected2D(2, 2, padding=((1, 1),), name="c"),
            "c: padding must be 'valid', 'same' or one (before, after) pair of "
            "integers >= 0 for each of 2 spatial axes, got ((1, 1),)",
        ),
        (
            lambda: Conv2D(2, 2, strides=2, dilation_rate=2, name="c"),
            "c: dilation_rate must be 1 where strides is not, got dilation_rate (2, 2) "
            "and strides (2, 2)",
        ),
        (
            lambda: Conv2D(3, 2, groups=2, name="c"),
            "c: groups must divide filters 3, got 2",
        ),
        (
            lambda: Conv2D(3, 2, groups=0, name="c"),
            "c: groups must be an integer >= 1, got 0",
        ),
        (
            lambda: Conv2D(4, 2, groups=2, name="c").build((None, 5, 5, 3)),
            "c: groups must divide the 3 channels of the input, got 2",
        ),
        (
            lambda: Conv2D(4, 2, name="c").build((None, 5, 5, None)),
            "c: input_shape must have a known channel axis, because the kernel reaches "
            "over it, got (None, 5, 5, None)",
        ),
        (
            lambda: Conv2D(4, 2, untied_bias=True, name="c").build((None, 5, None, 2)),
            "c: input_shape must be known but for the batch axis, because an untied "
            "bias belongs to every location, got (None, 5, None, 2)",
        ),
        (
            lambda: Conv2D(4, 6, name="c").build((None, 5, 7, 2)),
            "c: kernel_size must leave at least one output location, got (6, 6) for "
            "input_shape (None, 5, 7, 2)",
        ),
        (
            lambda: Conv2D(4, 2, name="c").build((None, 5, 2)),
            "c: input_shape must have 4 axes, batch axis included, got (None, 5, 2)",
        ),
    ],
)
def test_bad_arguments_are_refused(make, sentence):
    with refuses(sentence):
        make()


def test_an_unknown_keyword_is_refused_with_the_nearest():
    with pytest.raises(TypeError, match="did you mean 'untied_bias'"):
        Conv1D(2, 2, untied_biases=True)


# --- shapes and weights ---------------------------------------------------------------


def test_sizes_need_not_be_known_and_may_change():
    layer = Conv2D(3, 2, padding="same", strides=2, name="conv")
    layer.build((None, None, None, 2))
    assert layer.output_shape == (None, None, None, 3)
    assert layer(np.ones((2, 5, 4, 2))).shape == (2, 3, 2, 3)
    assert layer(np.ones((1, 9, 1, 2))).shape == (1, 5, 1, 3)
    with (
        unchanged(layer),
        refuses(
            "conv: input must have the rank and channels that the layer was built for, "
            "(None, None, None, 2), got (2, 5, 4, 3)"
        ),
    ):
        layer(np.ones((2, 5, 4, 3)))


def test_an_untied_bias_holds_the_layer_to_its_sizes():
    layer = Conv1D(3, 2, untied_bias=True, name="c")
    layer(np.ones((2, 5, 1)))
    assert layer.bias.shape == (4, 3)
    with refuses(
        "c: input must have the shape that the untied bias was built for, "
        "(None, 5, 1), got (2, 6, 1)"
    ):
        layer(np.ones((2, 6, 1)))
    free = Conv1D(3, 2, untied_bias=True, use_bias=False)
    free(np.ones((2, 5, 1)))
    free(np.ones((2, 6, 1)))


def test_the_kernel_starts_at_the_fans_of_a_convolution():
    layer = Conv2D(8, (3, 5), groups=2)
    layer.build((None, 9, 9, 4))
    limit = (6 / (3 * 5 * 2 + 3 * 5 * 8)) ** 0.5
    assert 0.95 * limit < abs(layer.kernel).max() <= limit


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_channels_first_is_channels_last_transposed_with_the_same_weights(rank, rng):
    last = filled(
        CONVS[rank - 1](6, 2, padding="same", groups=2, dtype="float64"),
        INPUTS[rank],
        rng,
    )
    first = CONVS[rank - 1](
        6, 2, padding="same", groups=2, data_format="channels_first", dtype="float64"
    )
    first.build(shape_of(rank, "channels_first"))
    first.set_weights(last.get_weights())
    x = integers(rng, *INPUTS[rank])
    y = last(x)
    assert_array_equal(np.moveaxis(first(np.moveaxis(x, -1, 1)), 1, -1), y)
    dy = integers(rng, *y.shape)
    dx = first.backward(np.moveaxis(dy, -1, 1))
    assert_array_equal(np.moveaxis(dx, 1, -1), last.backward(dy))
    for name in ("kernel", "bias"):
        assert_array_equal(first.grads[name], last.grads[name])


def test_pads_are_zeros_around_the_input(rng):
    pads = ((1, 0), (0, 3))
    x = integers(rng, 2, 4, 5, 2)
    padded = np.pad(x, ((0, 0), *pads, (0, 0)))
    for cls in (Conv2D, LocallyConnected2D):
        layer = filled(cls(3, 2, padding=pads, dtype="float64"), x.shape, rng)
        plain = cls(3, 2, dtype="float64")
        plain.build(padded.shape)
        plain.set_weights(layer.get_weights())
        assert layer.output_shape == (None, 4, 7, 3)
        assert_array_equal(layer(x), plain(padded))


def test_taps_on_explicit_pads_are_born_zero():
    layer = LocallyConnected1D(1, 2, padding=((1, 1),), kernel_initializer="ones")
    layer.build((None, 2, 1))
    assert_array_equal(layer.kernel[:, :, 0], [[0, 1], [1, 1], [1, 0]])


# --- models and files -----------------------------------------------------------------


def convolutional():
    return Sequential(
        [
            Conv2D(4, 3, padding="same", activation="relu", input_shape=(6, 5, 2)),
            LocallyConnected2D(2, 2, strides=2),
            Conv2D(4, 1, groups=2, name="groups"),
            Flatten(),
            Dense(2),
        ],
        seed=3,
    )


def test_a_model_trains_and_comes_back_from_every_file(tmp_path, rng):
    model = convolutional()
    model.compile("adam", "mse")
    x, t = rng.normal(size=(40, 6, 5, 2)), rng.normal(size=(40, 2))
    before = model.evaluate(x, t, verbose=0)
    model.fit(x, t, epochs=20, batch_size=8, verbose=0, seed=1)
    assert model.evaluate(x, t, verbose=0) < 0.8 * before
    suffixes = [".npz"]
    try:
        import h5py  # noqa: F401
    except ImportError:
        pass
    else:
        suffixes += [".h5", ".keras"]
    for suffix in suffixes:
        path = tmp_path / f"model{suffix}"
        model.save(path)
        again = load_model(path)
        assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
        assert again.get_config() == model.get_config()


def test_a_model_for_any_size_comes_back_from_every_file(tmp_path, rng):
    model = Sequential(
        [
            Conv2D(3, 3, padding="same", input_shape=(None, None, 2)),
            layers.GlobalMaxPooling2D(),
            Dense(2),
        ]
    )
    model.build()
    assert model.output_shape == (None, 2)
    for suffix in (".npz", ".h5", ".keras"):
        if suffix != ".npz":
            pytest.importorskip("h5py")
        path = tmp_path / f"model{suffix}"
        model.save(path)
        again = load_model(path, compile=False)
        for sizes in ((5, 4), (1, 9)):
            x = rng.normal(size=(3, *sizes, 2))
            assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (
            lambda: Conv1D(2, 2, untied_bias=True, name="a"),
            "Conv1D 'a' (an untied bias)",
        ),
        (
            lambda: Conv1D(2, 2, padding=((1, 0),), name="a"),
            "Conv1D 'a' (explicit pads)",
        ),
        (
            lambda: LocallyConnected1D(2, 2, padding=((1, 0),), name="a"),
            "LocallyConnected1D 'a' (explicit pads)",
        ),
    ],
)
def test_what_keras_lacks_goes_into_native_files_alone(layer, reason, tmp_path):
    pytest.importorskip("h5py")
    model = Sequential([layer()])
    model.build((None, 5, 1))
    for suffix in (".h5", ".keras"):
        with pytest.raises(ValueError, match="must hold only what Keras has") as caught:
            model.save(tmp_path / f"a{suffix}")
        assert reason in caught.value.args[0]
    model.save(tmp_path / "a.npz")
    again = load_model(tmp_path / "a.npz")
    assert again.get_config() == model.get_config()
    x = np.arange(5.0).reshape(1, 5, 1)
    assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


# --- twins ----------------------------------------------------------------------------

TWINS = {
    "plain": {},
    "same": {"padding": "same"},
    "same, strides": {"padding": "same", "strides": 2},
    "same, even": {"padding": "same", "kernel_size": 2},
    "dilated": {"padding": "same", "kernel_size": 2, "dilation_rate": 2},
    "strides": {"strides": 3, "kernel_size": 2},
    "pads": {"padding": "pads"},
    "activation": {"activation": "relu", "padding": "same"},
    "untied": {"untied_bias": True},
    "no bias": {"use_bias": False, "strides": 2},
    "groups": {"groups": 2, "padding": "same"},
    "depthwise": {"groups": 4},
    "cell": {"kernel_size": 1},
}


@pytest.mark.parametrize("data_format", config.DATA_FORMATS)
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("name", TWINS)
def test_the_twin_of_a_convolution_computes_the_same_to_the_bit(
    name, rank, data_format, rng
):
    kwargs = {"filters": 4, "kernel_size": 3, "dtype": "float64", **TWINS[name]}
    if kwargs.get("padding") == "pads":
        kwargs["padding"] = ((2, 1), (0, 3), (1, 0))[:rank]
    shape = shape_of(rank, data_format)
    conv = filled(CONVS[rank - 1](**kwargs, data_format=data_format), shape, rng)
    before = conv.get_weights()
    local = conv_to_local(conv)
    assert type(local) is LOCALS[rank - 1]
    x = integers(rng, *shape)
    y = conv(x)
    assert_array_equal(local(x), y)
    dy = integers(rng, *y.shape)
    assert_array_equal(local.backward(dy), conv.backward(dy))
    for weight, old in zip(conv.get_weights(), before, strict=True):
        assert_array_equal(weight, old)
    # The twin is a layer like any other: it can be made again from its config.
    again = layers.deserialize(json.loads(json.dumps(layers.serialize(local))))
    again.build(local.input_shape)
    again.set_weights(local.get_weights())
    assert_array_equal(again(x), y)
    # And back: nothing is lost, unless taps of one group were never met.
    shared, residuals = local_to_conv(local, untied_bias=conv.untied_bias)
    assert type(shared) is type(conv)
    assert set(residuals) == set(conv.params)
    assert set(residuals.values()) == {0.0}
    assert_array_equal(shared(x), y)
    if conv.groups == 1:
        for weight, old in zip(shared.get_weights(), before, strict=True):
            assert_array_equal(weight, old)
        if isinstance(conv.padding, str):
            ours = {**shared.get_config(), "name": conv.name}
            assert ours == conv.get_config()


def test_causal_has_a_twin(rng):
    conv = filled(
        Conv1D(2, 3, padding="causal", dilation_rate=2, dtype="float64"), (2, 6, 1), rng
    )
    local = conv_to_local(conv)
    assert local.padding == ((4, 0),)
    x = integers(rng, 2, 6, 1)
    assert_array_equal(local(x), conv(x))
    assert local_to_conv(local).layer.padding == "causal"


def test_a_word_is_kept_where_it_means_the_same_windows(rng):
    def padding_of(size, **kwargs):
        conv = filled(Conv1D(1, padding="same", **kwargs), (1, size, 1), rng)
        return conv_to_local(conv).padding

    assert padding_of(5, kernel_size=3) == "same"
    assert padding_of(5, kernel_size=1) == "valid"
    assert padding_of(5, kernel_size=2) == ((0, 1),)
    assert padding_of(6, kernel_size=3, strides=2) == ((0, 1),)
    assert padding_of(5, kernel_size=3, strides=2) == "same"


def test_sizes_may_be_named_where_the_convolution_knows_none(rng):
    conv = filled(Conv2D(2, 2, dtype="float64", name="c"), (None, None, None, 1), rng)
    sentence = (
        "input_shape must be known but for the batch axis, because every location has "
        "weights of its own, got (None, None, None, 1)"
    )
    with refuses(sentence):
        conv_to_local(conv)
    local = conv_to_local(conv, (None, 4, 5, 1), name="free")
    assert local.name == "free"
    x = integers(rng, 3, 4, 5, 1)
    assert_array_equal(local(x), conv(x))
    with refuses(
        "c: input must have the rank and channels that the layer was built for, "
        "(None, None, None, 1), got (None, 4, 5, 2)"
    ):
        conv_to_local(conv, (None, 4, 5, 2))


def test_the_twin_of_a_first_layer_is_one_too():
    conv = Conv2D(2, 2, batch_input_shape=(8, None, None, 1))
    conv.build((None, None, None, 1))
    local = conv_to_local(conv, (None, 4, 5, 1))
    assert local.batch_input_shape == (8, 4, 5, 1)
    assert Sequential([local]).built


def test_initializers_for_another_shape_are_not_called():
    def cross(shape, dtype=None):
        kernel = np.zeros(shape)
        kernel[:, 1, 0, 0] = kernel[1, :, 0, 0] = 1  # of a convolution in 2D alone
        return kernel

    conv = Conv2D(1, 3, kernel_initializer=cross)
    conv.build((None, 5, 5, 1))
    assert conv_to_local(conv).kernel.sum() == 9 * 5


@pytest.mark.parametrize("data_format", config.DATA_FORMATS)
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_the_nearest_convolution_is_the_least_squares(padding, data_format, rng):
    shape = shape_of(2, data_format)
    local = filled(
        LocallyConnected2D(
            2, (3, 2), padding=padding, data_format=data_format, dtype="float64"
        ),
        shape,
        rng,
    )
    conv, residuals = local_to_conv(local)
    free = conv_to_local(conv)
    ones = LocallyConnected2D(
        2, (3, 2), padding=padding, data_format=data_format, kernel_initializer="ones"
    )
    ones.build(shape)
    counts = ones.kernel == 1
    lost = np.linalg.norm((local.kernel - free.kernel)[counts])
    np.testing.assert_allclose(
        residuals["kernel"], lost / np.linalg.norm(local.kernel[counts]), rtol=1e-14
    )
    bias_lost = np.linalg.norm(local.bias - free.bias) / np.linalg.norm(local.bias)
    np.testing.assert_allclose(residuals["bias"], bias_lost, rtol=1e-14)
    assert lost > 0
    # What is left over is orthogonal to every way of sharing.
    left = (local.kernel - free.kernel) * counts
    for index in np.ndindex(conv.kernel.shape):
        unit = np.zeros(conv.kernel.shape)
        unit[index] = 1
        direction = free_kernel(unit, local.geometry(local.input_shape))
        assert abs((left * direction).sum()) < 1e-12


def test_equal_kernels_come_back_to_the_bit_whatever_their_values(rng):
    for dtype in ("float16", "float32", "float64"):
        conv = Conv1D(3, 3, padding="same", dtype=dtype)
        conv.build((None, 11, 2))
        conv.set_weights([rng.normal(size=w.shape) for w in conv.get_weights()])
        shared, residuals = local_to_conv(conv_to_local(conv))
        assert residuals == {"kernel": 0.0, "bias": 0.0}
        for weight, old in zip(shared.get_weights(), conv.get_weights(), strict=True):
            assert_array_equal(weight, old)
            assert weight.dtype == dtype


def test_a_bias_may_stay_untied(rng):
    local = filled(LocallyConnected1D(2, 2, dtype="float64"), (2, 5, 1), rng)
    conv, residuals = local_to_conv(local, untied_bias=True)
    assert residuals["bias"] == 0
    assert_array_equal(conv.bias, local.bias)


@pytest.mark.parametrize("data_format", config.DATA_FORMATS)
@pytest.mark.parametrize("groups", [{"share": (2, 3)}, {"tile": 2}, {"share": 9}])
def test_weights_that_are_shared_in_part_have_a_nearest_convolution(
    groups, data_format, rng
):
    kwargs = {
        "filters": 3,
        "kernel_size": 2,
        "padding": "same",
        "data_format": data_format,
        "dtype": "float64",
    }
    shape = shape_of(2, data_format)
    part = filled(LocallyConnected2D(**kwargs, **groups), shape, rng)
    free = LocallyConnected2D(**kwargs)
    free.build(shape)
    g = free.geometry(shape)
    free.set_weights(located_weights(*part.get_weights(), g, part.sharing(shape)))
    conv, residuals = local_to_conv(part)
    wanted, wanted_residuals = local_to_conv(free)
    assert residuals == wanted_residuals
    assert_array_equal(conv.kernel, wanted.kernel)
    assert_array_equal(conv.bias, wanted.bias)
    untied = local_to_conv(part, untied_bias=True).layer
    assert_array_equal(untied.bias, free.bias)
    if groups == {"share": 9}:  # as large as the output: a convolution already
        assert residuals == {"kernel": 0.0, "bias": 0.0}
        x = integers(rng, *shape)
        assert_array_equal(conv(x), part(x))


def test_weights_of_zeros_lose_nothing():
    local = LocallyConnected1D(2, 2, kernel_initializer="zeros")
    local.build((None, 5, 1))
    assert local_to_conv(local).residuals == {"kernel": 0.0, "bias": 0.0}


def test_rules_about_weights_are_given_anew():
    conv = Conv1D(2, 2, kernel_regularizer="l2", bias_constraint="non_neg", name="c")
    conv.build((None, 5, 1))
    with pytest.raises(ValueError, match="kernel_regularizer must be given anew or as"):
        conv_to_local(conv)
    with pytest.raises(ValueError, match=r"bias_constraint must be given anew.* in c$"):
        conv_to_local(conv, kernel_regularizer=None)
    local = conv_to_local(conv, kernel_regularizer="l1", bias_constraint=None)
    assert type(local.kernel_regularizer).__name__ == "L1"
    with pytest.raises(TypeError, match=r"keywords must be name or .*got filters"):
        conv_to_local(conv, filters=3)


def test_what_has_no_twin_is_refused():
    dense = Dense(2, name="d")
    with refuses(f"layer must be a Conv layer, got {dense!r}"):
        conv_to_local(dense)
    conv = Conv1D(2, 2, name="c")
    with refuses(f"layer must be built, got {conv!r}"):
        conv_to_local(conv)
    with refuses(f"layer must be a LocallyConnected layer, got {conv!r}"):
        local_to_conv(conv)


def test_a_trained_network_goes_on_without_sharing(rng):
    """As d'Ascoli et al.: convolve first, then let the weights part."""
    model = Sequential(
        [Conv2D(3, 3, activation="tanh", input_shape=(6, 6, 1)), Flatten(), Dense(2)],
        seed=1,
    )
    model.compile("sgd", "mse")
    x, t = rng.normal(size=(20, 6, 6, 1)), rng.normal(size=(20, 2))
    model.fit(x, t, epochs=3, verbose=0, seed=0)
    conv, _, dense = model.layers
    freed = Sequential([conv_to_local(conv), Flatten(), Dense(2)])
    freed.build(model.input_shape)
    freed.layers[-1].set_weights(dense.get_weights())
    freed.compile("sgd", "mse")
    np.testing.assert_allclose(
        freed.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6
    )
    assert local_to_conv(freed.layers[0]).residuals["kernel"] == 0
    freed.fit(x, t, epochs=1, verbose=0, seed=0)
    assert local_to_conv(freed.layers[0]).residuals["kernel"] > 0


# --- published networks ---------------------------------------------------------------


def planned(stack, shape):
    """Return the weights of each layer and the shape after the last, without arrays."""
    counts = []
    for layer in stack:
        shapes = layer.weight_shapes(shape)
        counts.append(sum(int(np.prod(s, dtype=object)) for s in shapes.values()))
        if shapes and None not in shape[1:]:
            assert layer.cost(1, shape).parameters == counts[-1]
        shape = layer.compute_output_shape(shape)
    return counts, shape


def test_deepface():
    """
    Y. Taigman, M. Yang, M. Ranzato and L. Wolf, CVPR 2014, doi:10.1109/CVPR.2014.220.

    C1 on 152x152 RGB, M2 (to 71x71), C3, L4, L5 of stride 2, L6, F7 of 4096, F8 of 4030
    people. "More than 120 million parameters" there are 118.9 million by these shapes.
    """
    first, shape = planned([Conv2D(32, 11)], (None, 152, 152, 3))
    assert first == [32 * 11 * 11 * 3 + 32]
    assert shape == (None, 142, 142, 32)
    stack = [
        Conv2D(16, 9),
        LocallyConnected2D(16, 9),
        LocallyConnected2D(16, 7, strides=2),
        LocallyConnected2D(16, 5),
    ]
    counts, shape = planned(stack, (None, 71, 71, 32))
    assert shape == (None, 21, 21, 16)
    assert stack[2].weight_shapes((None, 55, 55, 16))["kernel"] == (625, 784, 16)
    assert counts == [41_488, 62_774_800, 7_850_000, 2_829_456]
    dense, _ = planned([Dense(4096), Dense(4030)], (None, 21 * 21 * 16))
    total = sum(first) + sum(counts) + sum(dense)
    assert total == 118_923_774
    assert (sum(counts[1:]) + sum(dense)) / total > 0.95


def test_yolo_v1():
    """
    J. Redmon et al., 2015, arXiv:1506.02640, as in darknet's cfg/yolov1.cfg.

    The published yolov1.weights has 789,312,988 bytes: a header of 16 and 4 a number.
    Each convolution has a scale, a mean and a variance per filter beside its bias.
    """
    c3 = [(512, 1), (1024, 3)]
    sizes = [(64, 7), (192, 3), (128, 1), (256, 3), (256, 1), (512, 3)]
    sizes += [(256, 1), (512, 3)] * 4 + c3 * 3 + [(1024, 3)] * 4
    channels, numbers = 3, 0
    for filters, size in sizes:
        layer = Conv2D(filters, size, padding="same")
        [count], _ = planned([layer], (None, None, None, channels))
        numbers += count + 3 * filters
        channels = filters
    stack = [LocallyConnected2D(256, 3, padding=((1, 1), (1, 1))), Flatten()]
    counts, shape = planned([*stack, Dense(1715)], (None, 7, 7, channels))
    assert counts == [49 * 256 * 9 * 1024 + 49 * 256, 0, 12544 * 1715 + 1715]
    assert shape == (None, 1715)
    assert 16 + 4 * (numbers + sum(counts)) == 789_312_988
    assert stack[0].geometry((None, 7, 7, 1024)) == LocallyConnected2D(
        256, 3, padding="same"
    ).geometry((None, 7, 7, 1024))


def test_genomic_prediction():
    """
    T. Pook et al., Frontiers in Genetics 2020, doi:10.3389/fgene.2020.561497.

    One window of 10 for every 10 markers of 34,595 (maize), then two layers of 64. The
    paper counts no weights; a locally connected layer has one for each marker.
    """
    stack = [LocallyConnected1D(1, 10, strides=10), Flatten(), Dense(64), Dense(64)]
    counts, shape = planned(stack, (None, 34_595, 1))
    assert counts == [34_590 + 3_459, 0, 3_459 * 64 + 64, 64 * 64 + 64]
    assert shape == (None, 64)
    shared, _ = planned([Conv1D(1, 10, strides=10)], (None, 34_595, 1))
    assert shared == [11]
    model = Sequential(stack)
    assert model.predict(np.zeros((2, 34_595, 1)), verbose=0).shape == (2, 64)
