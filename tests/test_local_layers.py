"""The locally connected layers against tf_keras, and what a user meets at them."""

import json

import numpy as np
import pytest
import reference

from localnet import config, layers
from localnet.interop.layouts import convert_kernel

CASES = sorted(path.stem for path in (reference.ROOT / "lc").glob("*.npz"))
# Keras rounds these functions' constants to float32.
INEXACT = ("gelu", "leaky_relu")


def tolerance_of(case):
    if case["config"]["dtype"] == "float32":
        return 2e-5
    return 1e-7 if case["config"]["kwargs"].get("activation") in INEXACT else 1e-9


def make_layer(case):
    """Return the layer of a case, with its weights in our one layout."""
    settings = case["config"]
    cls = getattr(layers, settings["class_name"])
    layer = cls(**settings["kwargs"], dtype=settings["dtype"])
    layer.build((None, *case["x"].shape[1:]))
    weights = [canonical(case, case["kernel"])]
    if "bias" in case:
        weights.append(case["bias"])
    layer.set_weights(weights)
    return layer


def canonical(case, kernel):
    """Bring an array in the layout of the case's implementation to (L, K, F)."""
    kwargs = case["config"]["kwargs"]
    return convert_kernel(
        kernel,
        f"keras{kwargs.get('implementation', 1)}",
        "keras1",
        input_shape=case["x"].shape[1:],
        filters=kwargs["filters"],
        **{
            name: kwargs[name]
            for name in ("kernel_size", "strides", "padding", "data_format")
            if name in kwargs
        },
    )


@pytest.mark.parametrize("name", CASES)
def test_layer_gives_the_numbers_of_keras(name):
    case = reference.load(f"lc/{name}.npz")
    tolerance = tolerance_of(case)
    same = {"rtol": tolerance, "atol": tolerance}
    layer = make_layer(case)
    implementation = case["config"]["kwargs"].get("implementation", 1)

    y = layer.forward(case["x"])
    np.testing.assert_allclose(y, case["y"], **same)
    assert y.dtype == case["y"].dtype
    assert layer.output_shape[1:] == tuple(case["output_shape"][1:])

    # losses: [activity, kernel, bias]; the dense layout also penalises what it masks.
    expected = [
        float(case[key])
        for key in ("loss_activity", "loss_kernel", "loss_bias")
        if key in case
    ]
    if implementation != 2 or "loss_kernel" not in case:
        np.testing.assert_allclose(layer.losses, expected, **same)

    dx = layer.backward(case["dy"])
    np.testing.assert_allclose(dx, case["dx"] + case.get("reg_dx", 0.0), **same)
    if implementation != 2 or "loss_kernel" not in case:
        dkernel = canonical(case, case["dkernel"])
        if "reg_dkernel" in case:
            dkernel = dkernel + canonical(case, case["reg_dkernel"])
        np.testing.assert_allclose(layer.grads["kernel"], dkernel, **same)
    if "bias" in case:
        dbias = case["dbias"] + case.get("reg_dbias", 0.0)
        np.testing.assert_allclose(layer.grads["bias"], dbias, **same)

    layer.constrain()
    # A norm over an axis of the kernel means something else in every layout.
    if "kernel_constrained" in case and implementation == 1:
        np.testing.assert_allclose(layer.kernel, case["kernel_constrained"], **same)
    if "bias_constrained" in case:
        np.testing.assert_allclose(layer.bias, case["bias_constrained"], **same)


@pytest.mark.parametrize("name", CASES)
def test_config_round_trips_with_keras(name):
    case = reference.load(f"lc/{name}.npz")
    cls = getattr(layers, case["config"]["class_name"])
    theirs = case["layer_config"]
    layer = cls.from_config(theirs)
    ours = json.loads(json.dumps(layer.get_config()))
    assert ours == theirs


@pytest.mark.parametrize(
    "case",
    reference.load_json("configs.json"),
    ids=lambda case: str(case["kwargs"])[:60],
)
def test_get_config_is_that_of_keras(case):
    layers.clear_session()
    config.set_floatx("float64")
    cls = getattr(layers, case["class_name"])
    ours = json.loads(json.dumps(cls(**case["kwargs"]).get_config()))
    assert ours == case["get_config"]
    assert list(ours)[:3] == ["name", "trainable", "dtype"]
    assert list(ours)[-1] == "implementation"


def test_group_files_are_one_map_in_three_layouts():
    groups = {}
    for name in CASES:
        if name.startswith("group"):
            case = reference.load(f"lc/{name}.npz")
            groups.setdefault(name.split("_")[0], []).append(make_layer(case).kernel)
    assert len(groups) >= 5
    for kernels in groups.values():
        for kernel in kernels[1:]:
            np.testing.assert_array_equal(kernel, kernels[0])


@pytest.mark.parametrize("implementation", [1, 2, 3])
@pytest.mark.parametrize(
    ("data_format", "image", "sizes", "sequence", "length"),
    [
        # Sizes of tf_keras.
        ("channels_last", (4, 5, 3), (3, 3), (6, 3), 5),
        ("channels_first", (3, 4, 5), (3, 3), (3, 6), 5),
    ],
)
def test_sizes_have_their_names_of_keras(
    implementation, data_format, image, sizes, sequence, length
):
    how = {"implementation": implementation, "data_format": data_format}
    layer = layers.LocallyConnected2D(2, (2, 3), **how)
    for name in ("output_row", "output_col", "kernel_shape"):
        assert not hasattr(layer, name)
    layer.build((None, *image))
    assert (layer.output_row, layer.output_col) == sizes
    assert layer.kernel_shape == layer.kernel.shape == (9, 18, 2)
    line = layers.LocallyConnected1D(2, 2, **how)
    with pytest.raises(AttributeError, match="sizes of the output need a built layer"):
        line.output_length  # noqa: B018
    line.build((None, *sequence))
    assert line.output_length == length
    assert line.kernel_shape == (5, 6, 2)
