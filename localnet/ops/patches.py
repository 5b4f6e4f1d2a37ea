"""
Receptive fields: how windows are gathered from an image, and put back.

Gathering and folding themselves are `ops.local.definition`; here they are checked, and
here are the other strided views of the engines. All of these are read-only: windows
overlap, so that writing through one would be wrong.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .. import _arrays, _validate
from .._typing import Array, ArrayLike, Shape
from ..geometry import Geometry
from .images import batch_after_locations, crop, pad
from .local import definition

__all__ = [
    "extract_patches",
    "fold_patches",
    "patch_indices",
    "row_window_view",
    "run_view",
    "strip_view",
    "tap_slices",
    "window_view",
]


def _need_padded(padded: Array, geometry: Geometry) -> None:
    """Refuse an array on which a view made by strides would read foreign memory."""
    expected = geometry.sample_shape(geometry.padded_sizes, geometry.channels)
    if padded.shape[1:] != expected or padded.ndim == 0:
        raise ValueError(f"padded must have shape (N, *{expected}), got {padded.shape}")


def window_view(padded: Array, geometry: Geometry) -> Array:
    """
    View every receptive field of a padded image without copying.

    Parameters
    ----------
    padded : ndarray
        What `pad` returned, any memory order.
    geometry : Geometry
        Gives the windows.

    Returns
    -------
    ndarray of shape (N, *O, *R, C) or (N, *O, C, *R)
        A read-only view whose elements overlap in memory. The values of a patch stand
        in Keras's order: (taps, channel) for channels_last, (channel, taps) for
        channels_first.

    Examples
    --------
    >>> import numpy as np
    >>> g = Geometry.of((4, 1), kernel_size=3)
    >>> window_view(np.array([[[10], [11], [12], [13]]]), g)[0, :, :, 0]
    array([[10, 11, 12],
           [11, 12, 13]])
    """
    _need_padded(padded, geometry)
    return definition.windows(padded, geometry)


def strip_view(padded: Array, geometry: Geometry) -> Array:
    """
    View the windows of all spatial axes but the first, which stays whole.

    Parameters
    ----------
    padded : ndarray of shape (N, *S, C)
        What `pad` returned for channels_last, any memory order.
    geometry : Geometry
        Gives the windows.

    Returns
    -------
    ndarray of shape (N, S[0], *O[1:], *R[1:], C)
        A read-only view: strip ``o`` holds what the windows of column ``o`` read.
    """
    _need_padded(padded, geometry)
    sample, rows, *spatial, channel = padded.strides
    steps = [b * s for b, s in zip(spatial, geometry.strides[1:], strict=True)]
    taps = [b * d for b, d in zip(spatial, geometry.dilation_rate[1:], strict=True)]
    return as_strided(
        padded,
        (
            *padded.shape[:2],
            *geometry.output_sizes[1:],
            *geometry.kernel_size[1:],
            geometry.channels,
        ),
        (sample, rows, *steps, *taps, channel),
        writeable=False,
    )


def row_window_view(
    strips: Array, windows: int, window_rows: int, row_stride: int
) -> Array:
    """
    View the windows of rows of strips, each window as one run of memory.

    Parameters
    ----------
    strips : ndarray of shape (..., rows, width)
        Every ``strips[...]`` of two axes is C-contiguous.
    windows, window_rows, row_stride : int
        How many windows, how many rows each has, and the step between them.

    Returns
    -------
    ndarray of shape (windows, ..., window_rows*width)
        A read-only view; window ``o`` starts at row ``o*row_stride``.
    """
    *others, rows, width = strips.shape
    row = width * strips.itemsize
    # NumPy leaves the stride of an axis of length 1 open; BLAS wants a sensible one.
    steps = [
        step if size > 1 else rows * row
        for step, size in zip(strips.strides, others, strict=False)
    ]
    return as_strided(
        strips,
        (windows, *others, window_rows * width),
        (row_stride * row, *steps, strips.itemsize),
        writeable=False,
    )


def run_view(padded: Array, grid: Geometry, *, writeable: bool = False) -> Array:
    """
    View the windows that are one run of memory each.

    Parameters
    ----------
    padded : ndarray of shape (N, *S, C)
        What `pad` returned for channels_last, C-contiguous.
    grid : Geometry
        All windows are of size 1 but for the last axis that is longer than 1.
    writeable : bool
        Only for windows that do not overlap.

    Returns
    -------
    ndarray of shape (*O, N, K)
        The patches, without a copy.
    """
    shape = (len(padded), *grid.output_sizes, grid.patch_size)
    if grid.strides == grid.kernel_size and padded.size == math.prod(shape):
        # Windows that leave nothing out: the patches are the image itself.
        patches = batch_after_locations(padded.reshape(shape))
        patches.flags.writeable = writeable
        return patches
    steps: list[int] = []
    step = grid.channels * padded.itemsize
    for size, stride in zip(grid.padded_sizes[::-1], grid.strides[::-1], strict=True):
        steps.insert(0, stride * step)
        step *= size
    patches = as_strided(
        padded, shape, (step, *steps, padded.itemsize), writeable=writeable
    )
    return batch_after_locations(patches)


def tap_slices(geometry: Geometry) -> Iterator[tuple[Shape, tuple[slice, ...]]]:
    """
    Yield each tap, and the cells of the padded image that it meets in all windows.

    Yields
    ------
    tap : tuple of int
        Position inside the window, row-major.
    cells : tuple of slice
        One strided slice per spatial axis, O cells in all.
    """
    for tap in itertools.product(*(range(r) for r in geometry.kernel_size)):
        yield (
            tap,
            tuple(
                slice(t * d, t * d + (o - 1) * s + 1, s)
                for t, d, o, s in zip(
                    tap,
                    geometry.dilation_rate,
                    geometry.output_sizes,
                    geometry.strides,
                    strict=True,
                )
            ),
        )


def extract_patches(x: ArrayLike, geometry: Geometry) -> Array:
    r"""
    Gather the receptive field of every output location (im2col).

    Parameters
    ----------
    x : array_like of shape (N, *S, C) or (N, C, *S)
        Images in the data format of the geometry. Not modified.
    geometry : Geometry
        Gives the windows.

    Returns
    -------
    ndarray of shape (N, L, K)
        Same dtype as `x`. Locations are in row-major order; the K values are ordered
        (taps, channel) for channels_last and (channel, taps) for channels_first.

    Raises
    ------
    ValueError
        If `x` does not have the shape that the geometry is for.

    See Also
    --------
    fold_patches : The adjoint of this map.

    Notes
    -----
    .. math:: p_{nlk} = x_{n,\,l s - \mathrm{before} + t d,\,c}, \quad k = (t, c)

    Examples
    --------
    >>> import numpy as np
    >>> g = Geometry.of((4, 1), kernel_size=3)
    >>> extract_patches(np.array([[[10], [11], [12], [13]]]), g)
    array([[[10, 11, 12],
            [11, 12, 13]]])
    """
    _validate.instance("geometry", geometry, Geometry)
    x = _arrays.numbers("x", x)
    if x.shape[1:] != geometry.input_shape or x.ndim == 0:
        raise ValueError(
            f"x must have shape (N, *{geometry.input_shape}), got {x.shape}"
        )
    # A copy even where windows do not overlap: the result never aliases x.
    windows = window_view(pad(x, geometry), geometry).copy()
    return windows.reshape(len(x), geometry.locations, geometry.patch_size)


def fold_patches(dpatches: ArrayLike, geometry: Geometry) -> Array:
    r"""
    Add every patch back to the cells it was gathered from (col2im).

    Parameters
    ----------
    dpatches : array_like of shape (N, L, K)
        One value per patch element. Not modified.
    geometry : Geometry
        Gives the windows.

    Returns
    -------
    ndarray of shape (N, *S, C) or (N, C, *S)
        Sums over all windows that read a cell; 0 where none does. What falls on the
        pads is dropped.

    Raises
    ------
    ValueError
        If `dpatches` does not have the shape (N, L, K) of the geometry.

    See Also
    --------
    extract_patches : The map of which this is the adjoint.

    Notes
    -----
    The sum runs tap by tap, because within one tap no two windows share a cell:
    writing ``+=`` through the overlapping view of all windows would lose additions.

    .. math:: dx_{n,i,c} = \sum_{l, t:\ l s - \mathrm{before} + t d = i} dp_{n,l,(t,c)}

    Examples
    --------
    Folding ones counts how many windows cover each cell.

    >>> import numpy as np
    >>> g = Geometry.of((6, 1), kernel_size=3)
    >>> fold_patches(np.ones((1, 4, 3)), g)[0, :, 0]
    array([1., 2., 3., 3., 2., 1.])
    """
    _validate.instance("geometry", geometry, Geometry)
    dpatches = _arrays.numbers("dpatches", dpatches)
    expected = (geometry.locations, geometry.patch_size)
    if dpatches.ndim != 3 or dpatches.shape[1:] != expected:
        raise ValueError(
            f"dpatches must have shape (N, *{expected}), got {dpatches.shape}"
        )
    dpadded = definition.fold(dpatches, geometry)
    return np.ascontiguousarray(crop(dpadded, geometry))


def patch_indices(geometry: Geometry) -> Array:
    """
    Return which input value every patch element reads.

    Parameters
    ----------
    geometry : Geometry
        Gives the windows.

    Returns
    -------
    ndarray of int64, shape (L, K)
        C-order index into one sample in the data format; -1 for a tap on the pads.

    Examples
    --------
    >>> patch_indices(Geometry.of((3, 1), kernel_size=2, padding="same"))
    array([[-1,  0],
           [ 0,  1],
           [ 1,  2]])
    """
    # Numbered from 1, so that the zeros of the pads stand out; an index that is
    # gathered by the definition itself cannot disagree with it.
    _validate.instance("geometry", geometry, Geometry)
    numbered = np.arange(1, 1 + math.prod(geometry.input_shape))
    image = numbered.reshape(1, *geometry.input_shape)
    indices: Array = extract_patches(image, replace(geometry, pad_value=0.0))[0] - 1
    return indices
