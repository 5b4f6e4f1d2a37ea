"""Gathering windows and putting them back, against loops and against Keras."""

from dataclasses import replace

import numpy as np
import pytest
import reference
from hypothesis import given
from numpy.testing import assert_array_equal
from raising import refuses
from strategies import LAYOUTS, LocalConvProblem, local_conv_problems

from localnet.geometry import Geometry
from localnet.ops import extract_patches, fold_patches, patch_indices
from localnet.ops.images import channels_last_view, crop, pad
from localnet.ops.patches import row_window_view, strip_view, tap_slices, window_view

WINDOWS = reference.load_json("windows_1d.json")
PADDED = LocalConvProblem(
    2, (3, 4, 2), 1, (2, 3), padding=((1, 0), (0, 2)), pad_value=-1.0
)


def cells_by_loop(geometry):
    """Yield (l, k, cell as a tuple or None on the pads), one coordinate at a time."""
    taps = list(np.ndindex(*geometry.kernel_size))
    for location, o in enumerate(np.ndindex(*geometry.output_sizes)):
        for t, tap in enumerate(taps):
            cell = []
            for axis, size in enumerate(geometry.input_sizes):
                start = o[axis] * geometry.strides[axis] - geometry.pads[axis][0]
                position = start + tap[axis] * geometry.dilation_rate[axis]
                cell.append(position if 0 <= position < size else None)
            for c in range(geometry.channels):
                if geometry.data_format == "channels_last":
                    k, whole = t * geometry.channels + c, (*cell, c)
                else:
                    k, whole = c * len(taps) + t, (c, *cell)
                yield location, k, None if None in cell else whole


@given(local_conv_problems())
def test_extract_patches_equals_the_loop(problem):
    x, geometry = problem.arrays[0], problem.geometry
    patches = extract_patches(x, geometry)
    expected = np.full(patches.shape, problem.pad_value, x.dtype)
    for location, k, cell in cells_by_loop(geometry):
        if cell is not None:
            expected[:, location, k] = x[(slice(None), *cell)]
    assert_array_equal(patches, expected, strict=True)
    assert patches.shape == (len(x), geometry.locations, geometry.patch_size)


@given(local_conv_problems())
def test_fold_patches_equals_the_loop(problem):
    geometry, rng = problem.geometry, np.random.default_rng(problem.seed)
    shape = (problem.batch, geometry.locations, geometry.patch_size)
    values = rng.integers(-4, 5, shape).astype(problem.dtype)
    dpatches = LAYOUTS[problem.layouts[0]](values)
    dpatches.flags.writeable = False
    expected = np.zeros((problem.batch, *problem.input_shape), problem.dtype)
    for location, k, cell in cells_by_loop(geometry):
        if cell is not None:
            expected[(slice(None), *cell)] += dpatches[:, location, k]
    assert_array_equal(fold_patches(dpatches, geometry), expected, strict=True)


@given(local_conv_problems())
def test_patch_indices_equal_the_loop(problem):
    geometry = problem.geometry
    indices = patch_indices(geometry)
    expected = np.full((geometry.locations, geometry.patch_size), -1)
    for location, k, cell in cells_by_loop(geometry):
        if cell is not None:
            expected[location, k] = np.ravel_multi_index(cell, problem.input_shape)
    assert_array_equal(indices, expected, strict=True)
    assert indices.dtype == np.int64


@given(local_conv_problems())
def test_fold_is_the_adjoint_of_extract(problem):
    problem = replace(problem, pad_value=0.0)  # other pads make the map affine
    x, geometry = problem.arrays[0], problem.geometry
    rng = np.random.default_rng(problem.seed)
    patches = extract_patches(x, geometry)
    dpatches = rng.integers(-4, 5, patches.shape).astype(x.dtype)
    assert np.sum(patches * dpatches) == np.sum(x * fold_patches(dpatches, geometry))


@given(local_conv_problems())
def test_folding_the_patches_of_ones_counts_the_windows_over_each_cell(problem):
    geometry = problem.geometry
    ones = np.ones((1, *problem.input_shape))
    coverage = np.zeros((1, *problem.input_shape))
    for _, _, cell in cells_by_loop(geometry):
        if cell is not None:
            coverage[(0, *cell)] += 1
    assert_array_equal(
        fold_patches(extract_patches(ones, geometry), geometry), coverage
    )


@pytest.mark.parametrize(
    "case", WINDOWS, ids=lambda c: f"n{c['n']}-k{c['k']}-s{c['s']}-{c['padding']}"
)
def test_patch_indices_are_the_windows_of_keras(case):
    geometry = Geometry.of(
        (case["n"], 1),
        kernel_size=case["k"],
        strides=case["s"],
        padding=case["padding"],
    )
    windows = [[i for i in row if i >= 0] for row in patch_indices(geometry).tolist()]
    assert windows == case["windows"]


@pytest.mark.parametrize("strides", [2, 3], ids=["side-by-side", "apart"])
def test_patches_that_do_not_overlap_are_still_a_copy(strides):
    x = np.arange(8.0).reshape(1, 8, 1)
    patches = extract_patches(x, Geometry.of((8, 1), kernel_size=2, strides=strides))
    assert not np.shares_memory(patches, x)
    patches += 1
    assert_array_equal(x.ravel(), np.arange(8.0))


def test_extract_and_fold_keep_integers():
    geometry = Geometry.of((4, 1), kernel_size=2)
    patches = extract_patches(np.arange(4, dtype=np.int16).reshape(1, 4, 1), geometry)
    assert patches.dtype == np.int16
    assert fold_patches(patches, geometry).dtype == np.int16


# --- pads -----------------------------------------------------------------------------


def test_pad_surrounds_and_crop_undoes_it():
    x, geometry = PADDED.arrays[0], PADDED.geometry
    padded = pad(x, geometry)
    expected = np.pad(x, ((0, 0), (1, 0), (0, 2), (0, 0)), constant_values=-1.0)
    assert_array_equal(padded, expected, strict=True)
    assert_array_equal(crop(padded, geometry), x)
    assert np.shares_memory(crop(padded, geometry), padded)


def test_pad_of_channels_first_leaves_the_channels_alone():
    problem = replace(PADDED, input_shape=(2, 3, 4), data_format="channels_first")
    x = problem.arrays[0]
    expected = np.pad(x, ((0, 0), (0, 0), (1, 0), (0, 2)), constant_values=-1.0)
    assert_array_equal(pad(x, problem.geometry), expected, strict=True)
    assert_array_equal(crop(expected, problem.geometry), x)


def test_pad_without_pads_is_x_itself():
    x = np.zeros((2, 4, 1))
    assert pad(x, Geometry.of((4, 1), kernel_size=2)) is x


# --- views ----------------------------------------------------------------------------


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_windows_are_a_view_that_cannot_be_written(data_format):
    problem = replace(PADDED, data_format=data_format, padding="valid")
    shape = (3, 4, 2) if data_format == "channels_last" else (2, 3, 4)
    problem = replace(problem, input_shape=shape)
    x = problem.arrays[0].copy()
    windows = window_view(x, problem.geometry)
    assert np.shares_memory(windows, x)
    with pytest.raises(ValueError, match=r"^assignment destination is read-only$"):
        windows[...] = 0


def test_windows_of_rows_are_runs_of_memory():
    strip = np.arange(12.0).reshape(2, 3, 2)
    runs = row_window_view(strip, windows=2, window_rows=2, row_stride=1)
    assert_array_equal(runs[0], [[0, 1, 2, 3], [6, 7, 8, 9]])
    assert_array_equal(runs[1], [[2, 3, 4, 5], [8, 9, 10, 11]])
    assert np.shares_memory(runs, strip)
    with pytest.raises(ValueError, match=r"^assignment destination is read-only$"):
        runs[...] = 0


@pytest.mark.parametrize("axis", ["last", "reversed"])
def test_windows_of_rows_trust_no_stride_of_an_axis_of_length_1(axis):
    rows = np.arange(6.0).reshape(2, 3)
    strip = rows[..., None] if axis == "last" else rows.reshape(2, 3, 1)[..., ::-1]
    assert strip.flags.c_contiguous
    runs = row_window_view(strip, windows=2, window_rows=2, row_stride=1)
    assert_array_equal(runs, [[[0, 1], [3, 4]], [[1, 2], [4, 5]]])


def test_within_one_tap_no_two_windows_share_a_cell():
    geometry = Geometry.of(
        (9, 7, 1), kernel_size=(3, 2), strides=(2, 1), dilation_rate=(1, 3)
    )
    taps = []
    for tap, cells in tap_slices(geometry):
        count = np.zeros(geometry.padded_sizes, int)
        count[cells] += 1
        assert count.sum() == geometry.locations
        taps.append(tap)
    assert taps == list(np.ndindex(3, 2))


def test_channels_last_view_copies_nothing():
    x = np.arange(24.0).reshape(1, 2, 3, 4)
    first = Geometry.of((2, 3, 4), kernel_size=1, data_format="channels_first")
    last = Geometry.of((2, 3, 4), kernel_size=1)
    assert channels_last_view(x, last) is x
    view = channels_last_view(x, first)
    assert view.shape == (1, 3, 4, 2)
    assert view[0, 1, 2, 1] == x[0, 1, 1, 2]
    assert np.shares_memory(view, x)


# --- wrong shapes ---------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (1,), (1, 3, 1), (4, 2), (1, 100, 2)])
def test_extract_refuses_what_the_geometry_is_not_for(shape):
    geometry = Geometry.of((100, 1), kernel_size=3)
    with refuses(f"x must have shape (N, *(100, 1)), got {shape}"):
        extract_patches(np.ones(shape), geometry)


@pytest.mark.parametrize("shape", [(), (1, 294), (1, 98, 2), (98, 3)])
def test_fold_refuses_what_the_geometry_is_not_for(shape):
    geometry = Geometry.of((100, 1), kernel_size=3)
    with refuses(f"dpatches must have shape (N, *(98, 3)), got {shape}"):
        fold_patches(np.ones(shape), geometry)


def test_lists_are_arrays_too():
    geometry = Geometry.of((3, 1), kernel_size=2)
    patches = extract_patches([[[1], [2], [3]]], geometry)
    assert patches.tolist() == [[[1, 2], [2, 3]]]
    assert fold_patches([[[1, 2], [2, 3]]], geometry).tolist() == [[[1], [4], [3]]]


@pytest.mark.parametrize("view", [window_view, strip_view])
def test_views_refuse_an_array_that_they_would_read_beyond(view):
    geometry = Geometry.of((9, 9, 1), kernel_size=3)
    with refuses("padded must have shape (N, *(9, 9, 1)), got (1, 3, 3, 1)"):
        view(np.ones((1, 3, 3, 1)), geometry)
