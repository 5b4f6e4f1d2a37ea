"""Which cell meets which output: tf_keras's own mask, indices and mask tests."""

import itertools
import re

import numpy as np
import pytest
import reference
from numpy.testing import assert_array_equal

from localnet import ops
from localnet.geometry import Geometry
from localnet.interop import kernel_indices, kernel_mask

CASES = sorted(path.name for path in (reference.ROOT / "lc").glob("*.npz"))
MASKED = [name for name in CASES if "kernel_mask" in reference.load(f"lc/{name}")]
INDEXED = [name for name in CASES if "kernel_idxs" in reference.load(f"lc/{name}")]
SHAPES = [
    *[(1,), (2,), (3,), (8,), (1, 1), (1, 3), (3, 1), (4, 3), (5, 5)],
    *[(1, 1, 1), (2, 3, 4), (3, 1, 2), (2, 2, 2, 2), (1, 3, 1, 2)],
    *[(2, 1, 2, 1, 2), (1, 2, 1, 2, 1, 2), (2, 2, 1, 1, 2, 3)],
]


def window(case):
    kwargs = case["config"]["kwargs"]
    return {
        "kernel_size": kwargs["kernel_size"],
        "strides": kwargs.get("strides", 1),
        "padding": kwargs.get("padding", "valid"),
        "data_format": kwargs.get("data_format", "channels_last"),
    }


@pytest.mark.parametrize("name", MASKED)
def test_mask_is_kerass(name):
    case = reference.load(f"lc/{name}")
    mask = kernel_mask(case["x"].shape[1:], **window(case))
    # Keras keeps an axis of length 1 for the channels and one for the filters.
    keras = case["kernel_mask"]
    rank = mask.ndim // 2
    axes = (
        (rank, -1) if window(case)["data_format"] == "channels_last" else (0, rank + 1)
    )
    assert_array_equal(mask, keras.squeeze(axes).astype(bool), strict=True)


@pytest.mark.parametrize("name", INDEXED)
def test_indices_are_kerass(name):
    case = reference.load(f"lc/{name}")
    filters = case["config"]["kwargs"]["filters"]
    indices = kernel_indices(case["x"].shape[1:], filters=filters, **window(case))
    assert_array_equal(indices, case["kernel_idxs"].astype(np.int64), strict=True)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_mask_on_every_recorded_axis(padding):
    rows = [
        r for r in reference.load_json("windows_1d.json") if r["padding"] == padding
    ]
    assert rows
    for row in rows:
        mask = kernel_mask(
            (row["n"], 1), kernel_size=row["k"], strides=row["s"], padding=padding
        )
        assert [list(np.flatnonzero(column)) for column in mask.T] == row["windows"]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_kernel_as_large_as_the_input_connects_everything(shape):
    mask = kernel_mask((*shape, 1), kernel_size=shape)
    assert_array_equal(mask, np.ones((*shape, *[1] * len(shape)), bool), strict=True)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_kernel_of_one_connects_each_cell_to_itself(shape, padding):
    mask = kernel_mask((*shape, 1), kernel_size=1, padding=padding)
    identity = np.eye(np.prod(shape), dtype=bool).reshape(*shape, *shape)
    assert_array_equal(mask, identity, strict=True)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_stride_as_large_as_the_input_leaves_the_first_cell(shape):
    mask = kernel_mask((*shape, 1), kernel_size=1, strides=shape)
    assert_array_equal(np.flatnonzero(mask), [0])


@pytest.mark.parametrize("shape", [s for s in SHAPES if min(s) > 1], ids=str)
def test_stride_one_less_than_the_input_leaves_the_corners(shape):
    mask = kernel_mask((*shape, 1), kernel_size=1, strides=[n - 1 for n in shape])
    assert mask.shape[len(shape) :] == (2,) * len(shape)
    for corner in itertools.product((0, 1), repeat=len(shape)):
        cell = tuple(c * (n - 1) for c, n in zip(corner, shape, strict=True))
        expected = np.zeros(shape, bool)
        expected[cell] = True
        assert_array_equal(mask[(..., *corner)], expected)


@pytest.mark.parametrize("shape", [s for s in SHAPES if len(s) > 1], ids=str)
def test_kernel_that_spans_an_axis_connects_what_shares_the_others(shape):
    for axis in range(len(shape)):
        kernel_size = [n if a == axis else 1 for a, n in enumerate(shape)]
        mask = kernel_mask((*shape, 1), kernel_size=kernel_size)
        for index, connected in np.ndenumerate(mask):
            cell, location = index[: len(shape)], index[len(shape) :]
            others = [a for a in range(len(shape)) if a != axis]
            assert connected == all(cell[a] == location[a] for a in others)


def test_mask_is_the_same_for_every_channel_and_data_format():
    last = kernel_mask((5, 4, 3), kernel_size=(2, 3), padding="same", strides=(1, 2))
    first = kernel_mask(
        (7, 5, 4),
        kernel_size=(2, 3),
        padding="same",
        strides=(1, 2),
        data_format="channels_first",
    )
    assert_array_equal(last, first)


def test_mask_follows_dilation_and_explicit_pads():
    mask = kernel_mask((4, 1), kernel_size=2, dilation_rate=2, padding=[(1, 0)])
    assert_array_equal(mask.T.astype(int), [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1]])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_indices_are_those_of_the_sparse_matrix(padding, data_format, rng):
    layer = {"kernel_size": (3, 2), "padding": padding, "data_format": data_format}
    shape = (4, 5, 2) if data_format == "channels_last" else (2, 4, 5)
    kernel = rng.integers(1, 9, Geometry.of(shape, **layer).kernel_shape(3))
    rows, columns = np.nonzero(ops.local_conv_matrix(kernel, shape, **layer).toarray())
    indices = kernel_indices(shape, filters=3, **layer)
    assert_array_equal(indices, np.stack([rows, columns], axis=1))


WRONG = {
    "batch axis": (
        {"input_shape": (None, 5, 2)},
        "input_shape must be a tuple of integers >= 0, got (None, 5, 2)",
    ),
    "empty axis": (
        {"input_shape": (0, 2)},
        "kernel_size must fit into the padded input, got (2,): kernel_size 2 over "
        "length 0 with padding 'valid' leaves no output location",
    ),
    "not a shape": (
        {"input_shape": 5},
        "input_shape must be a tuple of integers >= 0, got 5",
    ),
    "no channel axis": (
        {"input_shape": (5,)},
        "input_shape must have spatial axes and a channel axis, got (5,)",
    ),
    "unknown padding": (
        {"padding": "full"},
        "padding must be one of 'valid', 'same', got 'full'",
    ),
    "kernel of another rank": (
        {"kernel_size": (2, 2)},
        "kernel_size must be an integer or a tuple of 1 integer >= 1, got (2, 2)",
    ),
    "strides of another rank": (
        {"strides": (1, 1)},
        "strides must be an integer or a tuple of 1 integer >= 1, got (1, 1)",
    ),
    "unknown data format": (
        {"data_format": "NHWC"},
        "data_format must be one of 'channels_last', 'channels_first', got 'NHWC'",
    ),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize(
    "function",
    [kernel_mask, lambda *a, **k: kernel_indices(*a, filters=2, **k)],
    ids=["mask", "indices"],
)
def test_wrong_arguments_are_named(function, name):
    wrong, sentence = WRONG[name]
    arguments = {"input_shape": (5, 2), "kernel_size": 2} | wrong
    with pytest.raises(ValueError, match=re.escape(sentence)) as exc:
        function(arguments.pop("input_shape"), **arguments)
    assert exc.value.args == (sentence,)


@pytest.mark.parametrize("filters", [0, 2.0, None])
def test_indices_need_a_number_of_filters(filters):
    sentence = f"filters must be an integer >= 1, got {filters!r}"
    with pytest.raises(ValueError, match=re.escape(sentence)) as exc:
        kernel_indices((5, 2), filters=filters, kernel_size=2)
    assert exc.value.args == (sentence,)
