"""Kernel and bias layouts: Keras's numbers, each framework's own idiom, round trips."""

import itertools
import re

import numpy as np
import pytest
import reference
from hypothesis import given
from layout_idioms import FORMATS, IDIOMS, problems
from numpy.testing import assert_allclose, assert_array_equal

from localnet import ops
from localnet.geometry import Geometry
from localnet.interop import convert_bias, convert_kernel, kernel_mask
from localnet.interop.layouts import LAYOUTS

LC = sorted(path.name for path in (reference.ROOT / "lc").glob("*.npz"))
GROUPS = [
    (f"{stem}_impl{a}.npz", f"{stem}_impl{b}.npz")
    for stem in sorted({name.rpartition("_")[0] for name in LC if "group" in name})
    for a, b in itertools.permutations((1, 2, 3), 2)
    if {f"{stem}_impl{a}.npz", f"{stem}_impl{b}.npz"} <= set(LC)
]


# Keras's own numbers


def window_of(case):
    kwargs = case["config"]["kwargs"]
    keys = ("kernel_size", "strides", "padding", "data_format")
    return {key: kwargs[key] for key in keys if key in kwargs}


def layout_of(case):
    return f"keras{case['config']['kwargs'].get('implementation', 1)}"


@pytest.mark.parametrize(("source", "target"), GROUPS)
def test_the_same_layer_in_two_implementations(source, target):
    a, b = reference.load(f"lc/{source}"), reference.load(f"lc/{target}")
    problem = {"input_shape": a["x"].shape[1:], **window_of(a)}
    names = layout_of(a), layout_of(b)
    expected = convert_kernel(b["kernel"], names[1], names[1], **problem)
    assert_array_equal(
        convert_kernel(a["kernel"], *names, **problem), expected, strict=True
    )
    assert_array_equal(convert_bias(a["bias"], *names, **problem), b["bias"])


@pytest.mark.parametrize("name", LC)
def test_converted_keras_weights_compute_what_keras_computes(name):
    case = reference.load(f"lc/{name}")
    window, layout = window_of(case), layout_of(case)
    problem = {"input_shape": case["x"].shape[1:], **window}
    kernel = convert_kernel(case["kernel"], layout, "keras1", **problem)
    z, _ = ops.local_conv_forward(case["x"], kernel, case.get("bias"), **window)
    tolerance = 1e-12 if z.dtype == np.float64 else 2e-5
    assert_allclose(z, case["z"], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "name", [n for n in LC if "group" in n], ids=lambda n: n.removesuffix(".npz")
)
def test_converted_gradients_are_kerass(name):
    case = reference.load(f"lc/{name}")
    window, layout = window_of(case), layout_of(case)
    problem = {"input_shape": case["x"].shape[1:], **window}
    kernel = convert_kernel(case["kernel"], layout, "keras1", **problem)
    _, cache = ops.local_conv_forward(case["x"], kernel, case["bias"], **window)
    # The groups have no activation that changes z, hence dz is dy.
    assert_array_equal(case["y"], case["z"])
    grads = ops.local_conv_backward(case["dy"], cache)
    dkernel = convert_kernel(grads.dkernel, "keras1", layout, **problem)
    assert_allclose(dkernel, case["dkernel"], rtol=1e-12, atol=1e-12)
    dbias = convert_bias(grads.dbias, "keras1", layout, **problem)
    assert_allclose(dbias, case["dbias"], rtol=1e-12, atol=1e-12)


# Drawn problems


@pytest.mark.parametrize("layout", LAYOUTS)
@given(problem=problems())
def test_layout_computes_the_same_in_its_own_idiom(layout, problem):
    g = problem.geometry
    x = problem.integers(2, *g.input_shape)
    kernel = problem.integers(*g.kernel_shape(problem.filters))
    bias = problem.integers(*g.bias_shape(problem.filters))
    y = IDIOMS[layout](
        problem,
        x,
        convert_kernel(
            kernel, "keras1", layout, filters=problem.filters, **problem.arguments
        ),
        convert_bias(bias, "keras1", layout, **problem.arguments),
    )
    assert_array_equal(y, problem.forward(x, kernel, bias), strict=True)


@given(problem=problems())
def test_every_pair_of_layouts_agrees_and_so_comes_back(problem):
    arguments = {"filters": problem.filters, **problem.arguments}
    weights = problem.integers(len(problem.connected_pairs()))
    stored = {
        layout: convert_kernel(weights, "keras3", layout, **arguments)
        for layout in LAYOUTS
    }
    for source, target in itertools.product(LAYOUTS, repeat=2):
        converted = convert_kernel(stored[source], source, target, **arguments)
        assert_array_equal(converted, stored[target], strict=True)


@given(problem=problems())
def test_every_pair_of_bias_layouts_agrees_and_so_comes_back(problem):
    bias = problem.integers(*problem.geometry.bias_shape(problem.filters))
    stored = {
        layout: convert_bias(bias, "keras1", layout, **problem.arguments)
        for layout in LAYOUTS
    }
    for source, target in itertools.product(LAYOUTS, repeat=2):
        converted = convert_bias(stored[source], source, target, **problem.arguments)
        assert_array_equal(converted, stored[target], strict=True)


@pytest.mark.parametrize("target", LAYOUTS)
@pytest.mark.parametrize("source", LAYOUTS)
@pytest.mark.parametrize(
    ("input_shape", "padding", "shape"),
    [((5, 0), "valid", (4, 0, 3)), ((0, 2), [(1, 1)], (1, 4, 3))],
    ids=["no channels", "pads alone"],
)
def test_an_empty_input_has_layouts_too(input_shape, padding, shape, source, target):
    layer = {
        "input_shape": input_shape,
        "kernel_size": 2,
        "padding": padding,
        "filters": 3,
    }
    zeros = np.zeros(shape)
    stored = convert_kernel(zeros, "keras1", source, **layer)
    moved = convert_kernel(stored, source, target, **layer)
    back = convert_kernel(moved, target, "keras1", **layer)
    assert_array_equal(back, zeros, strict=True)


@given(problem=problems())
def test_what_keras2_holds_off_the_mask_is_ignored(problem):
    arguments = {"filters": problem.filters, **problem.arguments}
    g = problem.geometry
    kernel = problem.integers(*g.kernel_shape(problem.filters))
    clean = convert_kernel(kernel, "keras1", "keras2", **arguments)
    mask = kernel_mask(**problem.arguments)
    axes = (g.rank, -1) if problem.channels_last else (0, g.rank + 1)
    junk = np.where(np.expand_dims(mask, axes), clean, 1e6)
    for target in LAYOUTS:
        assert_array_equal(
            convert_kernel(junk, "keras2", target, **arguments),
            convert_kernel(clean, "keras2", target, **arguments),
        )
    assert_array_equal(convert_kernel(junk, "keras2", "keras2", **arguments), clean)


# Pads


@pytest.mark.parametrize("through", ["keras2", "keras3"])
def test_taps_outside_the_input_are_dropped_and_filled_with_zeros(through):
    same = {"input_shape": (3, 1), "kernel_size": 3, "padding": "same"}
    kernel = np.arange(1.0, 10.0).reshape(3, 3, 1)
    stored = convert_kernel(kernel, "keras1", through, **same)
    back = convert_kernel(stored, through, "keras1", **same)
    assert_array_equal(back[..., 0], [[0, 2, 3], [4, 5, 6], [7, 8, 0]])
    assert np.count_nonzero(stored) == 7


@pytest.mark.parametrize("through", ["jax", "torch", "6d"])
def test_layouts_with_room_for_them_keep_the_taps_outside(through, rng):
    same = {"input_shape": (3, 2), "kernel_size": 3, "padding": "same"}
    kernel = rng.standard_normal((3, 6, 2))
    stored = convert_kernel(kernel, "keras1", through, **same)
    assert_array_equal(convert_kernel(stored, through, "keras1", **same), kernel)


# By hand


def test_the_same_kernel_in_every_layout_by_hand():
    # Location 0 reads cells 0 and 1, location 1 cells 1 and 2; two channels, 10*tap+c.
    kernel = [[[0], [1], [10], [11]], [[100], [101], [110], [111]]]
    problem = {"input_shape": (3, 2), "kernel_size": 2}
    by_hand = {
        "keras2": [[[0, 0], [1, 0]], [[10, 100], [11, 101]], [[0, 110], [0, 111]]],
        "keras3": [0, 1, 10, 11, 100, 101, 110, 111],
        "jax": [[0, 10, 1, 11], [100, 110, 101, 111]],
        "torch": [[[0, 10], [100, 110]], [[1, 11], [101, 111]]],
        "6d": [[[0, 1], [10, 11]], [[100, 101], [110, 111]]],
    }
    for layout, values in by_hand.items():
        converted = convert_kernel(kernel, "keras1", layout, **problem)
        assert_array_equal(converted.squeeze(), values, err_msg=layout)


SHAPES = [
    ("keras1", (6, 6, 4), 3, "channels_last", (16, 36, 4)),
    ("keras2", (6, 6, 4), 3, "channels_last", (6, 6, 4, 4, 4, 4)),
    ("keras3", (6, 6, 4), 3, "channels_last", (2304,)),
    ("jax", (6, 6, 4), 3, "channels_last", (4, 4, 36, 4)),
    ("torch", (6, 6, 4), 3, "channels_last", (1, 4, 4, 4, 4, 9)),
    ("6d", (6, 6, 4), 3, "channels_last", (4, 4, 3, 3, 4, 4)),
    ("keras1", (2, 5), 3, "channels_first", (3, 6, 4)),
    ("keras2", (2, 5), 3, "channels_first", (2, 5, 4, 3)),
    ("keras3", (2, 5), 3, "channels_first", (72,)),
    ("jax", (2, 5), 3, "channels_first", (3, 6, 4)),
    ("torch", (2, 5), 3, "channels_first", (1, 4, 2, 3, 3)),
    ("6d", (2, 5), 3, "channels_first", (3, 3, 2, 4)),
    ("keras1", (2, 3, 4, 5), (1, 2, 3), "channels_last", (8, 30, 4)),
    ("keras2", (2, 3, 4, 5), (1, 2, 3), "channels_last", (2, 3, 4, 5, 2, 2, 2, 4)),
    ("keras3", (2, 3, 4, 5), (1, 2, 3), "channels_last", (960,)),
    ("jax", (2, 3, 4, 5), (1, 2, 3), "channels_last", (2, 2, 2, 30, 4)),
    ("torch", (2, 3, 4, 5), (1, 2, 3), "channels_last", (1, 4, 5, 2, 2, 2, 6)),
    ("6d", (2, 3, 4, 5), (1, 2, 3), "channels_last", (2, 2, 2, 1, 2, 3, 5, 4)),
]


@pytest.mark.parametrize(
    ("layout", "input_shape", "kernel_size", "data_format", "shape"),
    SHAPES,
    ids=[f"{row[0]}-{len(row[1]) - 1}d" for row in SHAPES],
)
def test_kernel_shape(layout, input_shape, kernel_size, data_format, shape):
    problem = {
        "input_shape": input_shape,
        "kernel_size": kernel_size,
        "data_format": data_format,
    }
    kernel = np.ones(Geometry.of(**problem).kernel_shape(4))
    assert convert_kernel(kernel, "keras1", layout, **problem).shape == shape


# Arrays


def store(layout, dtype, rng, *, data_format="channels_last"):
    """Return a kernel, a bias and the arguments that go with them."""
    shape = (5, 4, 2) if data_format == "channels_last" else (2, 5, 4)
    problem = {"input_shape": shape, "kernel_size": 2, "data_format": data_format}
    kernel = rng.integers(0, 99, (12, 8, 3)).astype(dtype)
    bias = rng.integers(0, 99, (4, 3, 3)).astype(dtype)
    return (
        convert_kernel(kernel, "keras1", layout, **problem),
        convert_bias(bias, "keras1", layout, **problem),
        problem,
    )


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", ">f8", "int8", "bool", "complex64"]
)
def test_dtype_is_kept(dtype, rng):
    for source, target in itertools.product(LAYOUTS, repeat=2):
        kernel, bias, problem = store(source, dtype, rng)
        assert convert_kernel(kernel, source, target, **problem).dtype == dtype
        assert convert_bias(bias, source, target, **problem).dtype == dtype


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize(("source", "target"), [*itertools.product(LAYOUTS, repeat=2)])
def test_result_is_a_fresh_writable_c_contiguous_array(
    source, target, data_format, rng
):
    kernel, bias, problem = store(source, float, rng, data_format=data_format)
    for array, convert in ((kernel, convert_kernel), (bias, convert_bias)):
        before = array.copy()
        array.flags.writeable = False
        converted = convert(array, source, target, **problem)
        assert converted.flags.c_contiguous
        converted[...] = -1
        assert_array_equal(array, before)


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("source", LAYOUTS)
def test_memory_order_of_the_input_does_not_matter(source, data_format, rng):
    kernel, bias, problem = store(source, float, rng, data_format=data_format)
    for array, convert in ((kernel, convert_kernel), (bias, convert_bias)):
        spaced = np.repeat(array, 2, axis=-1)[..., ::2]
        for same in (np.asfortranarray(array), spaced, array.tolist()):
            for target in LAYOUTS:
                assert_array_equal(
                    convert(same, source, target, **problem),
                    convert(array, source, target, **problem),
                )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_filters_are_worked_out_or_checked(layout, rng):
    kernel, bias, problem = store(layout, float, rng)
    for array, convert in ((kernel, convert_kernel), (bias, convert_bias)):
        assert_array_equal(
            convert(array, layout, "6d", **problem),
            convert(array, layout, "6d", filters=3, **problem),
        )
        with pytest.raises(ValueError, match="with filters=2, got"):
            convert(array, layout, "6d", filters=2, **problem)


def test_names_of_layouts_are_taken_in_any_case(rng):
    kernel, bias, problem = store("keras1", float, rng)
    for array, convert in ((kernel, convert_kernel), (bias, convert_bias)):
        assert_array_equal(
            convert(array, "Keras1", "6D", **problem),
            convert(array, "keras1", "6d", **problem),
        )


def test_a_layer_without_connections_needs_its_number_of_filters():
    # The two dilated taps straddle the only cell.
    nothing = {
        "input_shape": (1, 2),
        "kernel_size": 2,
        "padding": "same",
        "dilation_rate": 2,
    }
    kernel = convert_kernel([], "keras3", "keras1", filters=3, **nothing)
    assert_array_equal(kernel, np.zeros((1, 4, 3)), strict=True)
    sentence = "filters must be given for a keras3 kernel without connections, got None"
    with pytest.raises(ValueError, match=re.escape(sentence)) as exc:
        convert_kernel([], "keras3", "keras1", **nothing)
    assert exc.value.args == (sentence,)


# Errors

WRONG = {
    "unknown source": (
        {"source": "keras4"},
        "source must be one of 'keras1', 'keras2', 'keras3', 'jax', 'torch', '6d', "
        "got 'keras4'; did you mean 'keras3'?",
    ),
    "unknown target": (
        {"target": "pytorch"},
        "target must be one of 'keras1', 'keras2', 'keras3', 'jax', 'torch', '6d', "
        "got 'pytorch'; did you mean 'torch'?",
    ),
    "source of another type": (
        {"source": 1},
        "source must be one of 'keras1', 'keras2', 'keras3', 'jax', 'torch', '6d', "
        "got 1",
    ),
    "batch axis": (
        {"input_shape": (None, 5, 2)},
        "input_shape must be a tuple of integers >= 0, got (None, 5, 2)",
    ),
    "window larger than the input": (
        {"kernel_size": 6},
        "kernel_size must fit into the padded input, got (6,): kernel_size 6 over "
        "length 5 with padding 'valid' leaves no output location",
    ),
    "no filters": ({"filters": 0}, "filters must be an integer >= 1, got 0"),
    "text": ({"array": [["a"]]}, "{name} must hold numbers, got dtype <U1"),
}


@pytest.mark.parametrize("name", ["kernel", "bias"])
@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_arguments_are_named(wrong, name):
    changed, sentence = WRONG[wrong]
    sentence = sentence.format(name=name)
    array = np.ones((4, 4, 3)) if name == "kernel" else np.ones((4, 3))
    convert = convert_kernel if name == "kernel" else convert_bias
    arguments = {
        "array": array,
        "source": "keras1",
        "target": "6d",
        "input_shape": (5, 2),
        "kernel_size": 2,
    } | changed
    with pytest.raises(ValueError, match=re.escape(sentence)) as exc:
        convert(arguments.pop("array"), **arguments)
    assert exc.value.args == (sentence,)


@pytest.mark.parametrize(
    ("layout", "given", "filters", "expected", "used"),
    [
        ("keras1", (4, 3, 4), None, (4, 4, 3), 3),
        ("keras1", (4, 4), None, (4, 4, 1), 1),
        ("keras1", (), None, (4, 4, 1), 1),
        ("keras2", (2, 5, 3, 4), None, (5, 2, 4, 3), 3),
        ("keras3", (47,), None, (32,), 2),
        ("keras3", (48,), 2, (32,), 2),
        ("jax", (4, 3, 4), None, (4, 4, 3), 3),
        ("torch", (3, 2, 4, 2), None, (1, 3, 2, 4, 2), 3),
        ("6d", (4, 4, 3), 3, (4, 2, 2, 3), 3),
    ],
)
def test_kernel_of_another_shape_is_refused(layout, given, filters, expected, used):
    sentence = (
        f"kernel must have shape {expected} in layout '{layout}' with "
        f"filters={used}, got {given}"
    )
    with pytest.raises(ValueError, match=re.escape(sentence)) as exc:
        convert_kernel(
            np.ones(given),
            layout,
            "6d",
            input_shape=(5, 2),
            kernel_size=2,
            filters=filters,
        )
    assert exc.value.args == (sentence,)


@pytest.mark.parametrize(
    ("layout", "given", "expected"),
    [("keras2", (3, 4), (4, 3)), ("jax", (12,), (4, 3)), ("torch", (3, 4), (1, 3, 4))],
)
def test_bias_of_another_shape_is_refused(layout, given, expected):
    sentence = (
        f"bias must have shape {expected} in layout '{layout}' with filters=3, "
        f"got {given}"
    )
    with pytest.raises(ValueError, match=re.escape(sentence)) as exc:
        convert_bias(np.ones(given), layout, "6d", input_shape=(5, 2), kernel_size=2)
    assert exc.value.args == (sentence,)
