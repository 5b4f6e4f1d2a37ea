"""
The fast engine: the three contractions as matrix products over blocks in cache.

Locations are taken in *blocks*: all of the first spatial axis times a few neighbours on
the last one, as many as fit into cache. Per block the engine

1. copies the strips of the image that its windows read (not the patches, of which every
   strip holds a whole column),
2. sees every patch as one contiguous run of a strip,
3. multiplies: one product of (N, K) with (K, F) per location, in one `numpy.matmul`.

The gradient of the input is added up in an image whose batch axis is innermost, where
every addition runs over contiguous memory. How the work is cut depends on the shapes
alone, never on the number of threads, so that the bits do not either.

Names: the *grid* is the geometry with two spatial axes at least; z and dz are y and dy
with the channel axis last; an array called ``..._grid`` has the axes O first. So, for
one block of rows x width locations,

    z_grid, dz_grid   (*O, N, F)     patches   (rows, width, N, K)
    w_grid, dw_grid   (*O, K, F)     dp        (rows, width, K, n), n samples of a tile
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .._typing import Array, Shape
from ..geometry import Geometry
from .bias import add_bias, bias_gradient
from .patches import channels_last_view, crop, row_window_view, strip_view, window_view
from .threads import run_all
from .workspace import Workspace

__all__ = ["backward", "forward"]

# Bytes of patches in one block: what stays in a core's cache.
BLOCK_BYTES = 1 << 20
# Products n*K*F up to this size use OpenBLAS's small-matrix path, which is faster here
# and never starts threads of its own.
GEMM_LIMIT = 1_000_000
# Multiply-adds below which handing work to a thread costs more than it saves.
THREAD_LIMIT = 10_000_000
# Lists of blocks, handed to threads one at a time: few enough that a hand-over costs
# little, enough that threads end together.
PARTS = 8
# Samples below which a batch is not split to give `input_gradient` a second thread.
IMAGE_TILE = 32


class Block(NamedTuple):
    """Locations: every row, one place on the middle axes, a range of the last axis."""

    middle: Shape
    start: int
    stop: int

    @property
    def at(self) -> tuple[Any, ...]:
        """Index of the block in an array whose first axes are O."""
        return (slice(None), *self.middle, slice(self.start, self.stop))

    @property
    def width(self) -> int:
        """Locations on the last axis."""
        return self.stop - self.start


def forward(
    padded: Array,
    kernel: Array,
    bias: Array | None,
    geometry: Geometry,
    workspace: Workspace,
) -> Array:
    """Return y, computed block by block."""
    n, filters = len(padded), kernel.shape[2]
    z = np.empty((n, *geometry.output_sizes, filters), padded.dtype)
    grid = as_grid(geometry)
    image = image_of_grid(padded, grid)
    z_grid = batch_second_last(z.reshape(n, *grid.output_sizes, filters))
    w_grid = kernel.reshape(*grid.output_sizes, *kernel.shape[1:])
    tiles = product_tiles(n, kernel.shape)

    def work(part: list[Block]) -> None:
        for block in part:
            patches = block_patches(image, grid, block, workspace)
            for batch in tiles:
                np.matmul(
                    patches[..., batch, :],
                    w_grid[block.at],
                    out=z_grid[block.at][..., batch, :],
                )

    every = blocks(grid, n, padded.itemsize)
    run_all(work, parts(every), worthwhile=is_large(n, kernel))
    y = z if geometry.channels_last else np.ascontiguousarray(np.moveaxis(z, -1, 1))
    return y if bias is None else add_bias(y, bias, geometry)


def backward(
    dy: Array,
    padded: Array,
    kernel: Array,
    geometry: Geometry,
    *,
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
    n, filters = len(dz), kernel.shape[2]
    dkernel = np.empty(kernel.shape, dz.dtype)
    grid = as_grid(geometry)
    image = image_of_grid(padded, grid)
    dw_grid = dkernel.reshape(*grid.output_sizes, *kernel.shape[1:])
    dz_grid = batch_second_last(dz.reshape(n, *grid.output_sizes, filters))
    first, *rest = product_tiles(n, kernel.shape)

    def work(part: list[Block]) -> None:
        for block in part:
            patches = block_patches(image, grid, block, workspace)
            patches_t, dz_block = patches.swapaxes(-1, -2), dz_grid[block.at]
            # dw[l,k,f] = sum_n p[n,l,k] dy[n,l,f]
            np.matmul(
                patches_t[..., first], dz_block[..., first, :], out=dw_grid[block.at]
            )
            for batch in rest:
                dw_grid[block.at] += np.matmul(
                    patches_t[..., batch], dz_block[..., batch, :]
                )

    every = blocks(grid, n, dz.itemsize)
    run_all(work, parts(every), worthwhile=is_large(n, kernel))
    return dkernel


def input_gradient(
    dz: Array, kernel: Array, geometry: Geometry, workspace: Workspace
) -> Array:
    """Return dx: per location, kernel times dz transposed, added tap by tap."""
    n, filters = len(dz), kernel.shape[2]
    dx = np.empty((n, *geometry.input_shape), dz.dtype)
    grid = as_grid(geometry)
    # Here alone (*O, F, N): the batch is innermost.
    dz_grid = np.moveaxis(dz.reshape(n, *grid.output_sizes, filters), 0, -1)
    w_grid = kernel.reshape(*grid.output_sizes, *kernel.shape[1:])
    taps = list(np.ndindex(*grid.kernel_size))

    def work(batch: slice) -> None:
        size = batch.stop - batch.start
        # The image of this tile, batch axis innermost.
        image_shape = (*grid.padded_sizes, grid.channels, size)
        image = workspace.take("image", image_shape, dz.dtype)
        image[...] = 0
        for block in blocks(grid, size, dz.itemsize):
            locations = (grid.output_sizes[0], block.width)
            dz_t = workspace.take("dz", (*locations, filters, size), dz.dtype)
            dz_t[...] = dz_grid[block.at][..., batch]
            dp = workspace.take(
                "dpatches", (*locations, grid.patch_size, size), dz.dtype
            )
            # dp[n,l,k] = sum_f dy[n,l,f] w[l,k,f]
            np.matmul(w_grid[block.at], dz_t, out=dp)
            if grid.channels_last:
                by_tap = dp.reshape(*locations, len(taps), grid.channels, size)
            else:
                by_tap = dp.reshape(*locations, grid.channels, len(taps), size)
                by_tap = by_tap.swapaxes(2, 3)
            for number, tap in enumerate(taps):
                image[cells_of_tap(grid, block, tap)] += by_tap[:, :, number]
        whole = np.moveaxis(image, -1, 0).reshape(
            size, *geometry.padded_sizes, geometry.channels
        )
        if not geometry.channels_last:
            whole = np.moveaxis(whole, -1, 1)
        dx[batch] = crop(whole, geometry)

    run_all(work, image_tiles(n, kernel.shape), worthwhile=is_large(n, kernel))
    return dx


@lru_cache(maxsize=128)
def as_grid(geometry: Geometry) -> Geometry:
    """Return the geometry with two spatial axes at least: a sequence is one wide."""
    if geometry.rank > 1:
        return geometry
    return replace(
        geometry,
        input_sizes=(*geometry.input_sizes, 1),
        kernel_size=(*geometry.kernel_size, 1),
        strides=(*geometry.strides, 1),
        dilation_rate=(*geometry.dilation_rate, 1),
        pads=(*geometry.pads, (0, 0)),
        output_sizes=(*geometry.output_sizes, 1),
    )


def image_of_grid(padded: Array, grid: Geometry) -> Array:
    """Return a padded image with the axes of the lifted geometry."""
    return padded.reshape(
        len(padded), *grid.sample_shape(grid.padded_sizes, grid.channels)
    )


def batch_second_last(a: Array) -> Array:
    """Return a view with the batch axis moved from first to second last."""
    return a.transpose(*range(1, a.ndim - 1), 0, a.ndim - 1)


def blocks(grid: Geometry, n: int, itemsize: int) -> list[Block]:
    """Cut the locations so that the patches of a block fit into `BLOCK_BYTES`."""
    rows, *middle, last = grid.output_sizes
    column_bytes = max(1, rows * n * grid.patch_size * itemsize)
    width = min(last, max(1, BLOCK_BYTES // column_bytes))
    return [
        Block(place, start, min(start + width, last))
        for place in np.ndindex(*middle)
        for start in range(0, last, width)
    ]


def parts(every: list[Block]) -> list[list[Block]]:
    """Return the blocks in at most `PARTS` lists of neighbours."""
    step = -(-len(every) // PARTS)
    return [every[start : start + step] for start in range(0, len(every), step)]


def samples_per_product(kernel_shape: Shape) -> int:
    """Return how many samples keep one product below `GEMM_LIMIT`, at least one."""
    _, patch_size, filters = kernel_shape
    return max(1, GEMM_LIMIT // max(1, patch_size * filters))


def product_tiles(n: int, kernel_shape: Shape) -> list[slice]:
    """Cut the batch so that one product stays below `GEMM_LIMIT`; never empty."""
    step = samples_per_product(kernel_shape)
    return [slice(a, min(a + step, n)) for a in range(0, n, step)] or [slice(0, 0)]


def image_tiles(n: int, kernel_shape: Shape) -> list[slice]:
    """Cut the batch for `input_gradient`, where threads share out samples."""
    step = min(samples_per_product(kernel_shape), max(IMAGE_TILE, -(-n // 2)))
    return [slice(a, min(a + step, n)) for a in range(0, n, step)]


def is_large(n: int, kernel: Array) -> bool:
    """Whether threads pay."""
    return n * kernel.size >= THREAD_LIMIT


def block_patches(
    image: Array, grid: Geometry, block: Block, workspace: Workspace
) -> Array:
    """
    Return the patches of a block, shape (rows, width, N, K).

    channels_last without dilated rows: copy the strip that each column of locations
    reads, and see each patch as a run of it. Otherwise the values of a patch are not
    neighbours in any strip, and the patches themselves are copied.
    """
    n, rows, patch_size = len(image), grid.output_sizes[0], grid.patch_size
    if grid.channels_last and grid.dilation_rate[0] == 1:
        source = np.moveaxis(strip_view(image, grid)[(slice(None), *block.at)], 2, 0)
        shape = (*source.shape[:3], patch_size // grid.kernel_size[0])
        if source.flags.c_contiguous:  # a sequence is its own strip
            strips = source.reshape(shape)
        else:
            strips = workspace.take("strips", shape, image.dtype)
            strips.reshape(source.shape)[...] = source
        return row_window_view(strips, rows, grid.kernel_size[0], grid.strides[0])
    windows = window_view(image, grid)[(slice(None), *block.at)]
    patches = workspace.take("patches", (rows, block.width, n, patch_size), image.dtype)
    patches.reshape(rows, block.width, n, *windows.shape[3:])[...] = np.moveaxis(
        windows, 0, 2
    )
    return patches


def cells_of_tap(grid: Geometry, block: Block, tap: Shape) -> tuple[Any, ...]:
    """Return what `patches.tap_slices` gives for one tap, restricted to a block."""
    rows, last = slice(0, grid.output_sizes[0]), slice(block.start, block.stop)
    places: tuple[Any, ...] = (rows, *block.middle, last)
    cells: list[Any] = []
    for place, t, s, d in zip(
        places,
        tap,
        grid.strides,
        grid.dilation_rate,
        strict=True,
    ):
        if isinstance(place, slice):
            first, final = place.start * s + t * d, (place.stop - 1) * s + t * d
            cells.append(slice(first, final + 1, s))
        else:
            cells.append(place * s + t * d)
    return tuple(cells)
