"""
The fast engine: the three contractions as matrix products over blocks in cache.

A *column* is the set of output locations that share all coordinates but the first (in
2D: one output column; in 1D there is a single column). Per column the engine

1. copies the strip of the image that its windows read (1/rows of the patches' size),
2. sees every patch as one contiguous run of that strip,
3. multiplies: ``rows`` products of (N, K) with (K, F) in one `numpy.matmul`.

The gradient of the input is added up in an image whose batch axis is innermost, where
every addition runs over contiguous memory. How the work is cut depends on the shapes
alone, never on the number of threads, so that the bits do not either.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._typing import Array, Shape
from ..geometry import Geometry
from .bias import add_bias, bias_gradient
from .patches import channels_last_view, crop, row_window_view, window_view
from .threads import run_all
from .workspace import Workspace

__all__ = ["backward", "forward"]

# Products n*K*F up to this size use OpenBLAS's small-matrix path, which is faster here
# and never starts threads of its own.
GEMM_LIMIT = 1_000_000
# Multiply-adds below which handing work to a thread costs more than it saves.
THREAD_LIMIT = 10_000_000
# Columns handed to a thread at a time, so that a strip buffer is reused within a part.
PARTS = 8


def forward(
    padded: Array,
    kernel: Array,
    bias: Array | None,
    geometry: Geometry,
    workspace: Workspace,
) -> Array:
    """Return y, computed column by column."""
    n, filters, grid = len(padded), kernel.shape[2], rows_and_columns(geometry)
    z = np.empty((n, *geometry.output_sizes, filters), padded.dtype)
    z_columns = z.reshape(n, *grid, filters)
    w_columns = kernel.reshape(*grid, *kernel.shape[1:])

    def work(part: Part) -> None:
        for column, index in part:
            patches = column_patches(padded, geometry, index, workspace, part[0][0])
            for batch in batch_tiles(n, kernel.shape):
                np.matmul(
                    patches[:, batch],
                    w_columns[:, column],
                    out=z_columns[batch, :, column].swapaxes(0, 1),
                )

    run_all(work, parts_of_columns(geometry), worthwhile=is_large(n, kernel))
    y = z if geometry.channels_last else np.ascontiguousarray(np.moveaxis(z, -1, 1))
    return y if bias is None else add_bias(y, bias, geometry)


def backward(
    dy: Array,
    padded: Array,
    kernel: Array,
    geometry: Geometry,
    need_dx: bool,
    need_dbias: bool,
    workspace: Workspace,
) -> tuple[Array | None, Array, Array | None]:
    """Return (dx, dkernel, dbias); what is not needed is None."""
    dz = np.ascontiguousarray(channels_last_view(dy, geometry))
    dkernel = kernel_gradient(dz, padded, kernel, geometry, workspace)
    dx = input_gradient(dz, kernel, geometry, workspace) if need_dx else None
    return dx, dkernel, bias_gradient(dy, geometry) if need_dbias else None


def kernel_gradient(
    dz: Array, padded: Array, kernel: Array, geometry: Geometry, workspace: Workspace
) -> Array:
    """Return dkernel: per location, patches transposed times dz, summed over tiles."""
    n, filters, grid = len(dz), kernel.shape[2], rows_and_columns(geometry)
    dkernel = np.empty(kernel.shape, dz.dtype)
    dw_columns = dkernel.reshape(*grid, *kernel.shape[1:])
    dz_columns = dz.reshape(n, *grid, filters)

    def work(part: Part) -> None:
        for column, index in part:
            patches = column_patches(padded, geometry, index, workspace, part[0][0])
            first, *rest = batch_tiles(n, kernel.shape)
            # dw[l,k,f] = sum_n p[n,l,k] dy[n,l,f]
            np.matmul(
                patches[:, first].swapaxes(1, 2),
                dz_columns[first, :, column].swapaxes(0, 1),
                out=dw_columns[:, column],
            )
            for batch in rest:
                dw_columns[:, column] += np.matmul(
                    patches[:, batch].swapaxes(1, 2),
                    dz_columns[batch, :, column].swapaxes(0, 1),
                )

    run_all(work, parts_of_columns(geometry), worthwhile=is_large(n, kernel))
    return dkernel


def input_gradient(
    dz: Array, kernel: Array, geometry: Geometry, workspace: Workspace
) -> Array:
    """Return dx: per location, kernel times dz transposed, added tap by tap."""
    n, filters, grid = len(dz), kernel.shape[2], rows_and_columns(geometry)
    rows = grid[0]
    taps, channels = int(np.prod(geometry.kernel_size)), geometry.channels
    dx = np.empty((n, *geometry.input_shape), dz.dtype)
    dz_columns = dz.reshape(n, *grid, filters)
    w_columns = kernel.reshape(*grid, *kernel.shape[1:])

    def work(batch: slice) -> None:
        size, key = batch.stop - batch.start, batch.start
        # batch-last image of this tile
        image = workspace.take(
            ("image", key), (*geometry.padded_sizes, channels, size), dz.dtype
        )
        image[...] = 0
        dp = workspace.take(
            ("dpatches", key), (rows, geometry.patch_size, size), dz.dtype
        )
        dz_t = workspace.take(("dz", key), (rows, filters, size), dz.dtype)
        for column, index in columns(geometry):
            dz_t[...] = dz_columns[batch, :, column].transpose(1, 2, 0)
            # dp[n,l,k] = sum_f dy[n,l,f] w[l,k,f]
            np.matmul(w_columns[:, column], dz_t, out=dp)
            if geometry.channels_last:
                by_tap = dp.reshape(rows, taps, channels, size)
            else:
                by_tap = dp.reshape(rows, channels, taps, size).swapaxes(1, 2)
            for tap, cells in enumerate(cells_of_column(geometry, index)):
                image[cells] += by_tap[:, tap]
        whole = np.moveaxis(image, -1, 0)
        if not geometry.channels_last:
            whole = np.moveaxis(whole, -1, 1)
        dx[batch] = crop(whole, geometry)

    run_all(work, input_tiles(n, kernel.shape), worthwhile=is_large(n, kernel))
    return dx


Part = list[tuple[int, Shape]]


def rows_and_columns(geometry: Geometry) -> tuple[int, int]:
    """Return how many locations a column has, and how many columns there are."""
    rows = geometry.output_sizes[0]
    return rows, geometry.locations // rows


def columns(geometry: Geometry) -> Iterator[tuple[int, Shape]]:
    """Yield the number of every column, and its coordinates on the other axes."""
    return enumerate(np.ndindex(*geometry.output_sizes[1:]))


def parts_of_columns(geometry: Geometry) -> list[Part]:
    """Return the columns in at most `PARTS` lists of neighbours."""
    every = list(columns(geometry))
    step = -(-len(every) // PARTS)
    return [every[start : start + step] for start in range(0, len(every), step)]


def samples_per_product(kernel_shape: Shape) -> int:
    """Return how many samples keep one product below `GEMM_LIMIT`, at least one."""
    _, patch_size, filters = kernel_shape
    return max(1, GEMM_LIMIT // max(1, patch_size * filters))


def batch_tiles(n: int, kernel_shape: Shape) -> list[slice]:
    """Cut the batch so that one product stays below `GEMM_LIMIT`; never empty."""
    step = samples_per_product(kernel_shape)
    return [slice(a, min(a + step, n)) for a in range(0, n, step)] or [slice(0, 0)]


def input_tiles(n: int, kernel_shape: Shape) -> list[slice]:
    """Cut the batch for `input_gradient`: at least two tiles if they can be filled."""
    step = min(samples_per_product(kernel_shape), max(8, -(-n // 2)))
    return [slice(a, min(a + step, n)) for a in range(0, n, step)]


def is_large(n: int, kernel: Array) -> bool:
    """Whether threads pay."""
    return n * kernel.size >= THREAD_LIMIT


def column_patches(
    padded: Array, geometry: Geometry, index: Shape, workspace: Workspace, key: int
) -> Array:
    """
    Return the patches of one column, shape (rows, N, K).

    channels_last without dilated rows: copy the strip that the column reads, and see
    each patch as a run of it. Otherwise the values of a patch are not neighbours in
    any strip, and the patches themselves are copied.
    """
    n, rows = len(padded), geometry.output_sizes[0]
    if geometry.channels_last and geometry.dilation_rate[0] == 1:
        spans = tuple(
            slice(o * s, o * s + (r - 1) * d + 1, d)
            for o, s, r, d in zip(
                index,
                geometry.strides[1:],
                geometry.kernel_size[1:],
                geometry.dilation_rate[1:],
                strict=True,
            )
        )
        source = padded[(slice(None), slice(None), *spans)]
        width = geometry.patch_size // geometry.kernel_size[0]
        if source.flags.c_contiguous:
            strip = source.reshape(n, source.shape[1], width)
        else:
            strip = workspace.take(
                ("strip", key), (n, source.shape[1], width), padded.dtype
            )
            strip.reshape(source.shape)[...] = source
        return row_window_view(
            strip, rows, geometry.kernel_size[0], geometry.strides[0]
        )
    at: Any = (slice(None), slice(None), *index)
    windows = window_view(padded, geometry)[at]
    patches = workspace.take(
        ("patches", key), (rows, n, geometry.patch_size), padded.dtype
    )
    patches.reshape(rows, n, *windows.shape[2:])[...] = windows.swapaxes(0, 1)
    return patches


def cells_of_column(
    geometry: Geometry, index: Shape
) -> Iterator[tuple[slice | int, ...]]:
    """Yield, tap by tap, the cells of the padded image that a column's windows read."""
    rows, stride = geometry.output_sizes[0], geometry.strides[0]
    for tap in np.ndindex(*geometry.kernel_size):
        first = tap[0] * geometry.dilation_rate[0]
        others = (
            o * s + t * d
            for o, s, t, d in zip(
                index,
                geometry.strides[1:],
                tap[1:],
                geometry.dilation_rate[1:],
                strict=True,
            )
        )
        yield (slice(first, first + (rows - 1) * stride + 1, stride), *others)
