"""Layers for pooling, margins and upsampling: the numbers, words and files of Keras."""

import json

import numpy as np
import pytest
import reference
from numpy.testing import assert_allclose, assert_array_equal
from raising import refuses
from unchanged import unchanged

from localnet import Sequential, config, layers, load_model
from localnet.gradcheck import check_layer
from localnet.layers import _global_pooling, _margins, _pooling, _upsampling

DATA = reference.load("spatial.npz")
CLASSES = sorted({case["class_name"] for case in DATA["cases"]})
FORMATS = ("channels_last", "channels_first")
SPECIAL = DATA["special__x"]


def as_tuples(value):
    """Return what JSON made lists of, in Python's words."""
    if isinstance(value, list):
        return tuple(as_tuples(item) for item in value)
    return value


def made(class_name, **kwargs):
    """Yield the cases of a class, each with its layer."""
    for case in DATA["cases"]:
        if case["class_name"] == class_name:
            arguments = as_tuples(case["args"])
            layer = getattr(layers, class_name)(*arguments, **case["kwargs"], **kwargs)
            yield case, layer


# The numbers of Keras --------------------------------------------------------------


@pytest.mark.parametrize("class_name", CLASSES)
def test_values_and_gradients_are_those_of_keras(class_name):
    for case, layer in made(class_name, dtype="float64"):
        y = layer.forward(DATA[case["x"]])
        dx = layer.backward(DATA[f"{case['key']}__dy"])
        # TensorFlow gives some of them in float32 only.
        close = 1e-13 if case["dtype"] == "float64" else 1e-6
        for got, part in ((y, "y"), (dx, "dx")):
            wanted = DATA[f"{case['key']}__{part}"]
            size = abs(wanted).max()
            assert_allclose(got, wanted, close, close * size, err_msg=str(case))


@pytest.mark.parametrize("class_name", CLASSES)
def test_configs_and_shapes_are_those_of_keras(class_name):
    for case, layer in made(class_name, name="n"):
        ours = layer.get_config()
        assert json.loads(json.dumps(ours)) == case["config"]
        assert type(layer).from_config(case["config"]).get_config() == ours
        shape = DATA[case["x"]].shape
        assert layer.compute_output_shape(shape) == tuple(case["output_shape"])
        layer.build(shape)
        assert layer.output_shape == tuple(case["output_shape"])
        assert layer.count_params() == 0


def test_every_class_is_held_to_keras():
    ours = {
        name
        for family in ("MaxPooling", "AveragePooling", "GlobalMaxPooling")
        for name in (f"{family}{rank}D" for rank in (1, 2, 3))
    }
    for family in ("GlobalAveragePooling", "ZeroPadding", "Cropping", "UpSampling"):
        ours |= {f"{family}{rank}D" for rank in (1, 2, 3)}
    assert set(CLASSES) == ours


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("which", ["max", "same", "global"])
def test_ties_and_what_is_not_finite(which, rank):
    window = (3, 1, 1)[:rank]
    layer = {
        "max": lambda: getattr(layers, f"MaxPooling{rank}D")(window, 1),
        "same": lambda: getattr(layers, f"MaxPooling{rank}D")(window, 1, "same"),
        "global": lambda: getattr(layers, f"GlobalMaxPooling{rank}D")(),
    }[which]()
    x = SPECIAL.reshape(len(SPECIAL), 5, *(1,) * rank)
    y = layer.forward(x)
    assert_array_equal(y, DATA[f"special__{which}{rank}__y"])
    dx = layer.backward(1 + np.arange(y.size, dtype=float).reshape(y.shape))
    # In 3D TensorFlow gives the whole gradient to each of equal maxima; see below.
    wanted = DATA[f"special__{which}{rank if which == 'global' else 1}__dx"]
    assert_allclose(dx.ravel(), wanted.ravel(), 1e-7)


def test_difference_keras_multiplies_the_gradient_of_ties_in_three_dimensions():
    x = SPECIAL[1].reshape(1, 5, 1, 1, 1)
    layer = layers.MaxPooling3D((3, 1, 1), 1)
    y = layer.forward(x)
    theirs = DATA["special__max3__dx"][1].ravel()
    dy = np.array([4.0, 5.0, 6.0])  # of the second sample
    assert_array_equal(theirs, [4, 9, 15, 11, 6])
    dx = layer.backward(dy.reshape(y.shape)).ravel()
    assert_array_equal(dx, [4, 5, 6, 0, 0])
    assert dx.sum() == dy.sum() < theirs.sum()


def test_ties_of_square_windows():
    layer = layers.MaxPooling2D(3, 1)
    y = layer.forward(np.zeros((1, 4, 4, 1)))
    dx = layer.backward(np.arange(1.0, 5).reshape(y.shape))
    assert_array_equal(dx, DATA["special__square__dx"])


# Arguments --------------------------------------------------------------------------


def test_padding_and_cropping_in_all_forms():
    for cls, argument in (
        (layers.ZeroPadding2D, "padding"),
        (layers.Padding2D, "padding"),
        (layers.Cropping2D, "cropping"),
    ):
        for given, kept in (
            (3, ((3, 3), (3, 3))),
            ((1, 2), ((1, 1), (2, 2))),
            ([1, (2, 3)], ((1, 1), (2, 3))),
            (np.array([[1, 2], [3, 4]]), ((1, 2), (3, 4))),
        ):
            layer = cls(given)
            assert getattr(layer, argument) == kept
            assert cls.from_config(layer.get_config()).get_config() == (
                layer.get_config()
            )
    assert layers.ZeroPadding1D((1, 2)).padding == (1, 2)
    assert layers.Cropping1D(2).cropping == (2, 2)
    assert layers.Padding3D((1, 0, (0, 2))).padding == ((1, 1), (0, 0), (0, 2))


def test_defaults_are_those_of_keras():
    assert layers.MaxPooling3D().pool_size == layers.MaxPooling3D().strides == (2, 2, 2)
    assert layers.AveragePooling1D(3).strides == (3,)
    assert layers.ZeroPadding2D().padding == ((1, 1), (1, 1))
    assert layers.Cropping1D().cropping == (1, 1)
    assert layers.Cropping2D().cropping == ((0, 0), (0, 0))
    assert layers.Cropping3D().cropping == ((1, 1), (1, 1), (1, 1))
    assert layers.UpSampling1D().size == 2
    assert layers.UpSampling2D().size == (2, 2)


def test_aliases_are_the_same_classes():
    for rank in (1, 2, 3):
        for short, long in (("MaxPool", "MaxPooling"), ("AvgPool", "AveragePooling")):
            for place in ("", "Global"):
                alias = getattr(layers, f"{place}{short}{rank}D")
                assert alias is getattr(layers, f"{place}{long}{rank}D")
    old = {"class_name": "MaxPool2D", "config": {"pool_size": [3, 3]}}
    layer = layers.deserialize(old)
    assert layers.serialize(layer)["class_name"] == "MaxPooling2D"


def test_data_format_follows_the_settings_but_in_one_dimension():
    config.set_image_data_format("channels_first")
    try:
        for cls in (layers.MaxPool1D, layers.GlobalAveragePooling1D):
            assert cls().data_format == "channels_last"
        for cls in (*(layers.ZeroPadding1D, layers.Cropping1D, layers.UpSampling1D),):
            assert cls().data_format == "channels_last"
            assert "data_format" not in cls().get_config()
        for cls in (
            *(layers.MaxPool2D, layers.AvgPool3D, layers.GlobalMaxPool2D),
            *(layers.ZeroPadding2D, layers.Padding1D, layers.UpSampling3D),
        ):
            assert cls().data_format == "channels_first"
    finally:
        config.set_image_data_format("channels_last")


@pytest.mark.parametrize("data_format", FORMATS)
def test_padding_with_a_value(data_format, rng):
    layer = layers.Padding2D(((1, 0), 2), -1.0, data_format, dtype="float64")
    x = rng.random((2, 3, 4, 5))
    first = data_format == "channels_first"
    axes = (
        ((0, 0), (0, 0), (1, 0), (2, 2)) if first else ((0, 0), (1, 0), (2, 2), (0, 0))
    )
    assert_array_equal(layer(x), np.pad(x, axes, constant_values=-1.0))
    assert layer.get_config()["value"] == -1.0
    dy = rng.random(layer(x).shape)
    inside = tuple(
        slice(before, before + n) for (before, _), n in zip(axes, x.shape, strict=True)
    )
    assert_array_equal(layer.backward(dy), dy[inside])
    zeros = layers.ZeroPadding2D(((1, 0), 2), data_format, dtype="float64")
    assert_array_equal(zeros(x), np.pad(x, axes))
    assert "value" not in zeros.get_config()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: layers.MaxPooling1D(0, name="n"),
            "n: pool_size must be an integer or a tuple of 1 integer >= 1, got 0",
        ),
        (
            lambda: layers.MaxPooling2D(2, 0, name="n"),
            "n: strides must be an integer or a tuple of 2 integers >= 1, got 0",
        ),
        (
            lambda: layers.AveragePooling2D(2, padding="causal", name="n"),
            "n: padding must be one of 'valid', 'same', got 'causal'",
        ),
        (
            lambda: layers.GlobalMaxPooling3D("NHWC", name="n"),
            "n: data_format must be one of 'channels_last', 'channels_first', "
            "got 'NHWC'",
        ),
        (
            lambda: layers.ZeroPadding1D(((1, 2),), name="n"),
            "n: padding must be an integer or a pair of integers >= 0, got ((1, 2),)",
        ),
        (
            lambda: layers.ZeroPadding2D(-1, name="n"),
            "n: padding must be an integer or a pair of integers >= 0, or 2 of these, "
            "got -1",
        ),
        (
            lambda: layers.Cropping3D(((1, 2), 3), name="n"),
            "n: cropping must be an integer or a pair of integers >= 0, or 3 of these, "
            "got ((1, 2), 3)",
        ),
        (
            lambda: layers.Padding2D(1, "x", name="n"),
            "n: value must be a finite number, got 'x'",
        ),
        (
            lambda: layers.UpSampling1D(0, name="n"),
            "n: size must be an integer >= 1, got 0",
        ),
        *(
            (
                lambda way=way: layers.UpSampling2D(2, None, way, name="n"),
                f"n: interpolation must be one of 'nearest', 'bilinear', got {way!r}",
            )
            for way in ("bicubic", "area", "lanczos3", "lanczos5", "gaussian")
        ),
    ],
)
def test_arguments_are_refused(make, sentence):
    with refuses(sentence):
        make()


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: layers.ZeroPadding1D(1, data_format="channels_last"), "data_format"),
        (lambda: layers.Cropping1D(1, data_format="channels_last"), "data_format"),
        (lambda: layers.UpSampling1D(1, data_format="channels_last"), "data_format"),
        (lambda: layers.ZeroPadding2D(1, value=1.0), "value"),
        (lambda: layers.UpSampling3D(1, interpolation="nearest"), "interpolation"),
        (lambda: layers.GlobalMaxPool2D(pool_size=2), "pool_size"),
    ],
)
def test_arguments_that_keras_does_not_know_are_refused(make, argument):
    with pytest.raises(TypeError, match=f"must be given known.*got '{argument}'"):
        make()


# Shapes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape", "wanted"),
    [
        (layers.MaxPooling1D(2), (None, None, 3), (None, None, 3)),
        (layers.MaxPooling2D(2, 1), (4, None, 5, None), (4, None, 4, None)),
        (
            layers.AveragePooling2D(2, padding="same", data_format="channels_first"),
            (None, 3, 5, None),
            (None, 3, 3, None),
        ),
        (layers.GlobalMaxPooling2D(), (None, None, None, 3), (None, 3)),
        (layers.ZeroPadding2D((1, 2)), (None, None, 4, 3), (None, None, 8, 3)),
        (layers.Cropping1D((1, 2)), (None, None, 3), (None, None, 3)),
        (layers.UpSampling3D(2), (None, 1, None, 3, 4), (None, 2, None, 6, 4)),
    ],
)
def test_unknown_sizes_stay_unknown(layer, shape, wanted):
    assert layer.compute_output_shape(shape) == wanted
    layer.build(shape)
    assert layer.output_shape == wanted


@pytest.mark.parametrize(
    ("layer", "shape", "sentence"),
    [
        (
            layers.MaxPooling1D(9, name="n"),
            (2, 6, 2),
            "n: pool_size must fit into the input, got (9,) with padding 'valid' for "
            "spatial sizes (6,)",
        ),
        (
            layers.Cropping2D(3, name="n"),
            (2, 7, 6, 1),
            "n: cropping must leave at least one cell, got ((3, 3), (3, 3)) for "
            "spatial sizes (7, 6)",
        ),
        (
            layers.GlobalAveragePooling1D(name="n"),
            (2, 0, 3),
            "n: input_shape must have at least one cell along every spatial axis, got "
            "spatial sizes (0,)",
        ),
    ],
)
def test_inputs_that_do_not_fit_are_refused(layer, shape, sentence):
    with refuses(sentence), unchanged(layer):
        layer.forward(np.zeros(shape))
    with refuses(sentence):
        layer.compute_output_shape(shape)
    layer.forward(np.zeros((2, *(9,) * layer.rank, 2)))
    with refuses(sentence), unchanged(layer):
        layer.forward(np.zeros(shape))


def test_arrays_of_another_rank_are_refused():
    layer = layers.ZeroPadding2D(name="n")
    must = "n: input_shape must have 4 axes, batch axis included, got"
    with refuses(f"{must} (None, 4, 3)"), unchanged(layer):
        layer(np.zeros((2, 4, 3)))
    layer(np.zeros((2, 4, 4, 3)))
    with refuses(f"{must} (2, 4, 3)"), unchanged(layer):
        layer(np.zeros((2, 4, 3)))


def test_images_of_other_sizes_are_welcome_as_in_keras(rng):
    layer = layers.MaxPooling2D(2, dtype="float64")
    for sizes in ((4, 6), (5, 3)):
        x = rng.random((2, *sizes, 3))
        y = layer.forward(x)
        assert y.shape == (2, sizes[0] // 2, sizes[1] // 2, 3)
        assert layer.backward(y).shape == x.shape


# Gradients, purity --------------------------------------------------------------------

SMOOTH = {
    "average": layers.AveragePooling2D((3, 2), (1, 2), "same", dtype="float64"),
    "global average": layers.GlobalAveragePooling2D("channels_first", dtype="float64"),
    "padding": layers.Padding2D(((0, 1), 2), 3.0, dtype="float64"),
    "cropping": layers.Cropping2D(((1, 0), 1), "channels_first", dtype="float64"),
    "nearest": layers.UpSampling2D((2, 3), dtype="float64"),
    "bilinear": layers.UpSampling2D((3, 2), None, "bilinear", dtype="float64"),
    "max": layers.MaxPooling2D((2, 3), (2, 1), "same", dtype="float64"),
    "max first": layers.MaxPooling2D(
        2, 1, data_format="channels_first", dtype="float64"
    ),
    "global max": layers.GlobalMaxPooling2D(keepdims=True, dtype="float64"),
    "penalised": layers.MaxPooling2D(2, activity_regularizer="l2", dtype="float64"),
}


@pytest.mark.parametrize("layer", SMOOTH.values(), ids=SMOOTH)
def test_gradients_are_central_differences(layer, rng):
    # No two numbers are near each other.
    x = rng.permutation(2 * 4 * 3 * 5).reshape(2, 4, 3, 5) / 10
    report = check_layer(layer, x)
    assert report.passed, report


@pytest.mark.parametrize("layer", SMOOTH.values(), ids=SMOOTH)
def test_a_layer_used_twice_and_without_samples(layer, rng):
    first, second = rng.random((2, 4, 3, 5)), rng.random((3, 4, 3, 5))
    y1, cache1 = layer.forward_with_cache(first)
    y2, cache2 = layer.forward_with_cache(second)
    dx2, _ = layer.backward_from_cache(np.ones_like(y2), cache2)
    dx1, _ = layer.backward_from_cache(np.ones_like(y1), cache1)
    layer.forward(first)
    assert_array_equal(layer.backward(np.ones_like(y1)), dx1)
    layer.forward(second)
    assert_array_equal(layer.backward(np.ones_like(y2)), dx2)
    unneeded, _ = layer.backward_from_cache(np.ones_like(y1), cache1, need_dx=False)
    assert unneeded is None
    empty = layer.forward(first[:0])
    assert empty.shape == (0, *y1.shape[1:])
    assert layer.backward(empty).shape == (0, 4, 3, 5)
    layer.forward(first)
    with refuses(
        f"{layer.name}: dy must have the shape of y, {y1.shape}, got {y2.shape}"
    ):
        layer.backward(y2)


# Costs --------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", SMOOTH.values(), ids=SMOOTH)
def test_costs_are_those_of_the_arrays(layer, rng):
    x = rng.random((3, 4, 3, 5))
    cost = layer.cost(3, (None, 4, 3, 5))
    y, cache = layer.forward_with_cache(x)
    dx, _ = layer.backward_from_cache(y, cache)
    assert (cost.input_bytes, cost.output_bytes) == (x.nbytes, y.nbytes)
    assert cost.dx_bytes == dx.nbytes
    assert cost.forward.nbytes == x.nbytes + y.nbytes
    assert cost.backward.nbytes in (x.nbytes + y.nbytes, 2 * (x.nbytes + y.nbytes))
    unneeded = layer.cost(3, (None, 4, 3, 5), need_dx=False)
    assert unneeded.dx_bytes == unneeded.backward.nbytes == 0


def test_operations_of_pooling_are_the_cells_of_its_windows():
    # Windows of 3, 3 and 1 cells by windows of 2 and 1, in each of 5 channels.
    layer = layers.MaxPooling2D((3, 2), (3, 2), "same")
    assert layer.cost(2, (None, 7, 3, 5)).forward.flops == 2 * 5 * (3 + 3 + 1) * (2 + 1)
    assert layers.GlobalMaxPool1D().cost(2, (None, 4, 3)).forward.flops == 24
    nearest = layers.UpSampling2D(2).cost(1, (None, 2, 2, 1))
    assert (nearest.forward.flops, nearest.backward.flops) == (0, 16)
    assert layers.Cropping1D().cost(2, (None, 4, 3)).forward.flops == 0


# Files --------------------------------------------------------------------------------


def stack(rank):
    sizes = (6, 5, 4)[:rank]

    def make(name, *args, **kwargs):
        return getattr(layers, f"{name}{rank}D")(*args, **kwargs)

    return Sequential(
        [
            layers.InputLayer((*sizes, 2)),
            make("ZeroPadding", (1, 2) if rank == 1 else 1),
            make("MaxPool", 2, 1, "same"),
            make("UpSampling", 2),
            make("Cropping", 1),
            make("AvgPool", 2, padding="same"),
            make("GlobalMaxPool", keepdims=True),
            make("GlobalAvgPool"),
            layers.Dense(2),
        ],
        seed=1,
    )


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("suffix", [".npz", ".h5", ".keras"])
def test_models_are_saved_and_loaded(rank, suffix, tmp_path, rng):
    if suffix != ".npz":
        pytest.importorskip("h5py")
    model = stack(rank)
    model.compile("sgd", "mse")
    x = rng.random((3, *model.input_shape[1:])).astype("float32")
    model.fit(x, np.ones((3, 2)), verbose=0)
    path = tmp_path / f"model{suffix}"
    model.save(path)
    again = load_model(path)
    assert_array_equal(again.predict(x), model.predict(x))
    assert again.get_config() == model.get_config()


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_files_of_keras_cannot_hold_padding_of_any_value(suffix, tmp_path, rng):
    pytest.importorskip("h5py")
    model = Sequential([layers.Padding1D(1, -1.0, input_shape=(3, 1), name="border")])
    path = tmp_path / f"model{suffix}"
    with refuses(
        "a file of Keras must hold only what Keras has, got Padding1D "
        "'border' (cells of any value); save as .npz"
    ):
        model.save(path)
    assert not path.exists()
    model.save(tmp_path / "model.npz")
    x = rng.random((2, 3, 1))
    assert_array_equal(load_model(tmp_path / "model.npz").predict(x), model.predict(x))


def test_a_file_without_a_data_format_means_channels_last():
    from localnet.files.keras.configs import upgraded

    config.set_image_data_format("channels_first")
    try:
        modules = (_pooling, _global_pooling, _margins, _upsampling)
        for name in (name for module in modules for name in module.__all__):
            if name.startswith("Padding"):
                continue  # not of Keras
            entry = {"class_name": name, "config": {"name": "n"}}
            [found] = upgraded({"class_name": "Sequential", "config": [entry]})[
                "config"
            ]["layers"]
            assert layers.deserialize(found).data_format == "channels_last"
    finally:
        config.set_image_data_format("channels_last")
