"""Windows as pure numbers: Keras's placement, and every refusal."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import reference
from raising import refuses

from localnet.geometry import Geometry
from localnet.geometry.padding import PLACEMENTS, effective_size, output_length
from localnet.ops import patch_indices

local_same = PLACEMENTS["local"]["same"]
WINDOWS = reference.load_json("windows_1d.json")
windows = pytest.mark.parametrize(
    "case", WINDOWS, ids=lambda c: f"n{c['n']}-k{c['k']}-s{c['s']}-{c['padding']}"
)


def connected_cells(n, k, s, padding="valid", d=1):
    """Return the input cells of every window, as the patches are gathered."""
    if (output_length(n, k, s, padding, d) or 0) < 1:
        return []
    g = Geometry.of((n, 1), kernel_size=k, strides=s, padding=padding, dilation_rate=d)
    return [[c for c in window if c >= 0] for window in patch_indices(g).tolist()]


SMALL = list(itertools.product(range(1, 8), range(1, 6), range(1, 4), range(1, 3)))


@windows
def test_windows_are_those_of_keras(case):
    axis = (case["n"], case["k"], case["s"], case["padding"])
    assert output_length(*axis) == case["out"]
    assert connected_cells(*axis) == case["windows"]


def test_windows_that_the_specification_names():
    assert connected_cells(5, 2, 1, "same") == [[0], [0, 1], [1, 2], [2, 3], [3, 4]]
    assert connected_cells(6, 3, 2, "same") == [[0, 1], [1, 2, 3], [3, 4, 5]]


def test_pads_of_same_are_not_those_of_a_tensorflow_convolution():
    assert local_same(5, 2, 1, 1) == (1, 0)  # TensorFlow: (0, 1)
    assert local_same(6, 3, 2, 1) == (1, 0)  # TensorFlow: (0, 1)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_connected_cells_follow_the_definition(padding):
    for n, k, s, d in SMALL:
        span = (k - 1) * d + 1
        before = span // 2 if padding == "same" else 0
        starts = range(-before, n - before, s)
        if padding == "valid":
            starts = [start for start in starts if start + span <= n]
        expected = [
            [c for c in range(start, start + span, d) if 0 <= c < n] for start in starts
        ]
        assert connected_cells(n, k, s, padding, d) == expected, (n, k, s, d)
        counted = max(0, output_length(n, k, s, padding, d))
        assert counted == len(expected), (n, k, s, d)


def test_same_gives_one_window_per_stride_and_wastes_no_pad():
    for n, k, s, d in SMALL:
        before, after = local_same(n, k, s, d)
        padded = n + before + after
        assert output_length(padded, k, s, "valid", d) == math.ceil(n / s)
        last_start = (math.ceil(n / s) - 1) * s
        assert after == max(0, last_start + effective_size(k, d) - before - n)


def test_output_length_of_an_axis_that_is_not_known_yet():
    assert output_length(None, 3, 1) is None
    assert output_length(None, 3, 1, "same") is None


def test_output_length_is_not_positive_when_no_window_fits():
    assert output_length(2, 3, 1) == 0
    assert output_length(1, 4, 1) == -2
    assert output_length(4, 3, 1, dilation=2) == 0


# --- Geometry -------------------------------------------------------------------------


def test_one_number_serves_every_axis():
    one = Geometry.of((7, 7, 7, 2), kernel_size=2, strides=3, dilation_rate=1)
    three = Geometry.of(
        (7, 7, 7, 2), kernel_size=[2, 2, 2], strides=(3, 3, 3), dilation_rate=(1, 1, 1)
    )
    assert one == three
    assert hash(one) == hash(three)
    assert one.output_sizes == (2, 2, 2)


def test_the_layers_of_the_keras_documentation():
    first = Geometry.of((32, 32, 3), kernel_size=(3, 3))
    second = Geometry.of((*first.output_sizes, 64), kernel_size=(3, 3))
    assert first.kernel_shape(64) == (900, 27, 64)
    assert second.output_sizes == (28, 28)
    count = [
        math.prod(g.kernel_shape(f)) + math.prod(g.bias_shape(f))
        for g, f in ((first, 64), (second, 32))
    ]
    assert count == [1_612_800, 14_475_776]


@pytest.mark.parametrize(
    ("data_format", "input_shape"),
    [("channels_last", (5, 6, 2)), ("channels_first", (2, 5, 6))],
    ids=["channels_last", "channels_first"],
)
def test_shapes_in_both_data_formats(data_format, input_shape):
    g = Geometry.of(
        input_shape,
        kernel_size=(2, 3),
        strides=(1, 2),
        padding=((0, 1), (2, 0)),
        pad_value=-1,
        dilation_rate=(2, 1),
        data_format=data_format.upper(),
    )
    assert g.data_format == data_format
    assert g.channels_last == (data_format == "channels_last")
    assert (g.rank, g.input_sizes, g.channels) == (2, (5, 6), 2)
    assert g.padded_sizes == (6, 8)
    assert g.has_pads
    assert g.output_sizes == (4, 3)
    assert (g.locations, g.patch_size) == (12, 12)
    assert g.input_shape == input_shape
    assert g.kernel_shape(7) == (12, 12, 7)
    assert g.bias_shape(7) == (4, 3, 7)
    assert g.pad_value == -1.0
    assert isinstance(g.pad_value, float)
    expected = (4, 3, 7) if g.channels_last else (7, 4, 3)
    assert g.sample_shape(g.output_sizes, 7) == expected


def test_a_geometry_cannot_be_changed():
    g = Geometry.of((4, 1), kernel_size=2)
    with pytest.raises(
        dataclasses.FrozenInstanceError, match=r"^cannot assign to field 'channels'$"
    ):
        g.channels = 2


@pytest.mark.parametrize(
    "padding",
    [
        ((1, 2), (0, 3)),
        [[1, 2], [0, 3]],
        np.array([[1, 2], [0, 3]]),
        (pair for pair in ((1, 2), (0, 3))),
    ],
    ids=["tuples", "lists", "array", "generator"],
)
def test_explicit_pads_come_in_any_sequence(padding):
    g = Geometry.of((4, 4, 1), kernel_size=2, padding=padding)
    assert g.pads == ((1, 2), (0, 3))
    assert all(type(cells) is int for pair in g.pads for cells in pair)


@pytest.mark.parametrize("padding", ["valid", "VALID", ((0, 0),)])
def test_no_pads(padding):
    g = Geometry.of((4, 1), kernel_size=2, padding=padding)
    assert not g.has_pads
    assert g.padded_sizes == (4,)


def test_a_window_may_be_longer_than_the_input_with_same():
    g = Geometry.of((3, 1), kernel_size=5, padding="same")
    assert (g.output_sizes, g.pads) == ((3,), ((2, 2),))


PAIRS = (
    "padding must be 'valid', 'same' or one (before, after) pair of integers >= 0 "
    "for each of 2 spatial axes, got "
)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"kernel_size": 0},
            "kernel_size must be an integer or a tuple of 2 integers >= 1, got 0",
        ),
        (
            {"kernel_size": (2, 2, 2)},
            "kernel_size must be an integer or a tuple of 2 integers >= 1, "
            "got (2, 2, 2)",
        ),
        (
            {"kernel_size": 2.0},
            "kernel_size must be an integer or a tuple of 2 integers >= 1, got 2.0",
        ),
        (
            {"strides": (1, -1)},
            "strides must be an integer or a tuple of 2 integers >= 1, got (1, -1)",
        ),
        (
            {"dilation_rate": None},
            "dilation_rate must be an integer or a tuple of 2 integers >= 1, got None",
        ),
        (
            {"data_format": "channels_frist"},
            "data_format must be one of 'channels_last', 'channels_first', "
            "got 'channels_frist'; did you mean 'channels_first'?",
        ),
        (
            {"padding": "full"},
            "padding must be one of 'valid', 'same', got 'full'",
        ),
        ({"padding": 1}, PAIRS + "1"),
        ({"padding": (1, 1)}, PAIRS + "(1, 1)"),
        ({"padding": ((1, 1),)}, PAIRS + "((1, 1),)"),
        ({"padding": ((1, 1), (1, -1))}, PAIRS + "((1, 1), (1, -1))"),
        ({"padding": ((1, 1), (1, 0.5))}, PAIRS + "((1, 1), (1, 0.5))"),
        ({"padding": ((1, 1), 2)}, PAIRS + "((1, 1), 2)"),
        ({"padding": None}, PAIRS + "None"),
        ({"pad_value": math.nan}, "pad_value must be a finite number, got nan"),
        ({"pad_value": "0"}, "pad_value must be a finite number, got '0'"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_refuses(arguments, sentence):
    with refuses(sentence):
        Geometry.of((4, 4, 1), **{"kernel_size": 2, **arguments})


def test_refuses_an_input_without_spatial_axes():
    with refuses("input_shape must have spatial axes and a channel axis, got (4,)"):
        Geometry.of((4,), kernel_size=2)


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        (
            {"kernel_size": (2, 5)},
            "(2, 5): kernel_size 5 over length 4 with padding 'valid'",
        ),
        (
            {"kernel_size": 3, "dilation_rate": (1, 2)},
            "(3, 3): kernel_size 3 with dilation_rate 2 over length 4 "
            "with padding 'valid'",
        ),
        (
            {"kernel_size": 6, "padding": ((1, 1), (0, 1))},
            "(6, 6): kernel_size 6 over length 4 with padding ((1, 1), (0, 1))",
        ),
    ],
    ids=["size", "dilation", "pads"],
)
def test_refuses_a_window_that_fits_nowhere(arguments, detail):
    with refuses(
        "kernel_size must fit into the padded input, got "
        f"{detail} leaves no output location"
    ):
        Geometry.of((4, 4, 1), **arguments)


@pytest.mark.parametrize("shape", ["ab", (None, 1), (-4, 1), (2.5, 1), 7])
def test_input_shape_is_a_tuple_of_sizes(shape):
    with refuses(f"input_shape must be a tuple of integers >= 0, got {shape!r}"):
        Geometry.of(shape, kernel_size=1)


def test_a_remembered_answer_is_that_of_equal_types():
    known = Geometry.of((5, 1), kernel_size=2, padding=((1, 1),))
    assert Geometry.of((5, 1), kernel_size=2, padding=((1, 1),)) is known
    assert Geometry.of([5, 1], kernel_size=[2], padding=[(1, 1)]) == known
    for wrong in (True, 2.0, (2.0,), (True,)):
        with pytest.raises(ValueError, match=r"^kernel_size must be"):
            Geometry.of((5, 1), kernel_size=wrong)
