"""
Windows without weights or dilation: where they lie, and sums over what they hold.

Nothing is padded or gathered here. One tap after the other is taken in all windows that
have it on a cell of the image, so that every step is one operation on strided slices,
and within one step no two windows share a cell.
"""

import itertools
import math
from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np

from ... import _validate
from ..._typing import Array, Shape
from ...config import DATA_FORMATS
from ...geometry import Geometry
from ...geometry.channels import split_sample
from ...geometry.padding import output_length
from ..runtime.pieces import row_pieces

__all__ = [
    "PADDINGS",
    "Index",
    "add_to_windows",
    "cells_in_windows",
    "pool_geometry",
    "spatial_axes",
    "split_shape",
    "sum_windows",
    "taps_on_cells",
]

# What `padding` may say where there is no kernel.
PADDINGS = ("valid", "same")

# Of a batch: one slice per axis.
Index = tuple[slice, ...]


def split_shape(x: Array, data_format: Any) -> tuple[str, Shape, int]:
    """Return (data format, spatial sizes, channels) of a batch, or refuse its rank."""
    data_format = _validate.choice("data_format", data_format, DATA_FORMATS)
    if x.ndim < 3:
        raise ValueError(
            "x must have shape (N, *S, C) or (N, C, *S) with at least one spatial "
            f"axis, got {x.shape}"
        )
    return (data_format, *split_sample(x.shape[1:], data_format))


def spatial_axes(rank: int, data_format: str) -> Shape:
    """Return the places of the spatial axes in a batch."""
    first = 1 if data_format == "channels_last" else 2
    return tuple(range(first, first + rank))


def pool_geometry(
    sample_shape: Shape,
    *,
    pool_size: Any,
    strides: Any = None,
    padding: Any = "valid",
    data_format: Any = "channels_last",
) -> Geometry:
    """
    Check the arguments of a pooling and work out its windows.

    Parameters
    ----------
    sample_shape : tuple of int
        (*S, C) or (C, *S).
    pool_size, strides : int or tuple of int
        One number serves every spatial axis; strides ``None`` are `pool_size`.
    padding : {"valid", "same"}
        ``same`` is placed as in a convolution of TensorFlow.
    data_format : {"channels_last", "channels_first"}
        Any case.

    Returns
    -------
    Geometry
        Every window of it has at least one cell of the image.

    Raises
    ------
    ValueError
        If an argument breaks its rule, or no window fits into an axis.

    Examples
    --------
    >>> pool_geometry((5, 1), pool_size=2, padding="same").pads
    ((0, 1),)
    """
    data_format = _validate.choice("data_format", data_format, DATA_FORMATS)
    lengths, _ = split_sample(sample_shape, data_format)
    rank = len(lengths)
    pool_size = _validate.sizes("pool_size", pool_size, rank)
    strides = pool_size if strides is None else strides
    strides = _validate.sizes("strides", strides, rank)
    padding = _validate.choice("padding", padding, PADDINGS)
    for length, size, stride in zip(lengths, pool_size, strides, strict=True):
        if (output_length(length, size, stride, padding) or 0) < 1:
            raise ValueError(
                f"pool_size must fit into the input, got {pool_size}: pool_size {size} "
                f"over length {length} with padding {padding!r} leaves no window"
            )
    return Geometry.of(
        sample_shape,
        kernel_size=pool_size,
        strides=strides,
        padding=padding,
        placement="conv",
        data_format=data_format,
    )


def taps_on_cells(geometry: Geometry) -> Iterator[tuple[Index, Index]]:
    """
    Yield where each tap lies on cells of the image, in row-major order of the taps.

    Yields
    ------
    windows : tuple of slice
        Index into a batch of results: the windows that have this tap on a cell.
    cells : tuple of slice
        Index into a batch of images, not padded: these cells.
    """
    g = geometry
    axes = zip(
        g.input_sizes,
        g.kernel_size,
        g.strides,
        (before for before, _ in g.pads),
        g.output_sizes,
        strict=True,
    )
    leading = (slice(None),) if g.channels_last else (slice(None), slice(None))
    for tap in itertools.product(*(list(_taps_of_axis(*axis)) for axis in axes)):
        windows, cells = zip(*tap, strict=True)
        yield (*leading, *windows), (*leading, *cells)


def _taps_of_axis(
    length: int, size: int, stride: int, before: int, windows: int
) -> Iterator[tuple[slice, slice]]:
    # However long the window is, other taps than these meet no cell.
    low, high = before - (windows - 1) * stride, before + length
    for t in range(max(0, low), min(size, high)):
        start = t - before  # the cell of window 0
        first = max(0, -(start // stride))
        past = min(windows, -((start - length) // stride))
        if first < past:
            cell = start + first * stride
            last = start + (past - 1) * stride
            yield slice(first, past), slice(cell, last + 1, stride)


def sum_windows(x: Array, geometry: Geometry, out: Array) -> Array:
    r"""
    Write into `out`, a batch of results, the sum of each window of `x`.

    .. math:: y_{noc} = \sum_t x_{n,\,o s - \mathrm{before} + t,\,c}
    """
    taps = list(taps_on_cells(geometry))
    for samples in row_pieces(x.shape):
        image, sums = x[samples], out[samples]
        sums.fill(0)
        for windows, cells in taps:
            sums[windows] += image[cells]
    return out


def add_to_windows(y: Array, geometry: Geometry, out: Array) -> Array:
    """Write into `out`, a batch of images, the adjoint of `sum_windows` at `y`."""
    taps = list(taps_on_cells(geometry))
    for samples in row_pieces(out.shape):
        sums, image = y[samples], out[samples]
        image.fill(0)
        for windows, cells in taps:
            image[cells] += sums[windows]
    return out


def cells_in_windows(geometry: Geometry) -> Array:
    """
    Return how many cells of the image each window holds.

    Parameters
    ----------
    geometry : Geometry
        Gives the windows.

    Returns
    -------
    ndarray of float64
        In the shape of one result with one channel; a single number where nothing is
        padded.

    Examples
    --------
    >>> cells_in_windows(pool_geometry((5, 1), pool_size=2, padding="same"))[:, 0]
    array([2., 2., 1.])
    """
    g = geometry
    if not g.has_pads:
        return np.array(float(math.prod(g.kernel_size)))
    counts = []
    for n, r, s, (before, _), o in zip(
        g.input_sizes, g.kernel_size, g.strides, g.pads, g.output_sizes, strict=True
    ):
        starts = np.arange(o) * s - before
        counts.append(np.minimum(n, starts + r) - np.maximum(0.0, starts))
    product: Array = reduce(np.multiply.outer, counts)
    return product.reshape(g.sample_shape(g.output_sizes, 1))
