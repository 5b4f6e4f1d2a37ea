"""
The gradient of the input in the fast engine.

Per location, the kernel times dz transposed gives the gradient of a patch, with the
batch innermost. It is added to an image that has the batch innermost too, so that every
addition runs over contiguous memory. The rows of locations are cut into bands with
images of their own. Neighbouring bands touch some of the same rows; whoever brings a
row home adds what the band before left there, in an order that no thread changes.

Of windows that do not overlap, the gradient of a patch is that of its cells, and
nothing is added up.
"""

import itertools
import math
from typing import Any

import numpy as np

from ..._typing import Array
from ..images import batch_first_view, channels_last_view
from ..patches import run_view
from ..runtime.cuts import Band, Block, Cuts, slices
from ..runtime.threads import run_all
from ..runtime.transpose import copy_batch_last
from ..runtime.workspace import Workspace
from .definition import windows

__all__ = ["input_gradient"]

# Cells that are transposed together, so that they stay in cache.
TRANSPOSED = 64


def input_gradient(
    dz_grid: Array, kernel: Array, cut: Cuts, workspace: Workspace
) -> Array:
    """
    Return dx.

    Parameters
    ----------
    dz_grid : ndarray of shape (*O, N, F)
        Upstream gradient.
    kernel : ndarray of shape (L, K, F)
        One matrix per location.
    cut : Cuts
        How the problem is cut.
    workspace : Workspace
        Where the images of the bands and the result are.

    Returns
    -------
    ndarray of shape (N, *S, C) or (N, C, *S)
        For every cell the sum over the windows that read it, without the pads.
    """
    grid = cut.grid
    dx_shape = (cut.n, *cut.geometry.input_shape)
    dx = workspace.result("dx", dx_shape, kernel.dtype)
    w_grid = kernel.reshape(*grid.output_sizes, *kernel.shape[1:])
    if cut.is_tiled:
        fill_tiles(dx, dz_grid, w_grid, cut, workspace)
        return dx
    images = band_images(cut, kernel.dtype, workspace)

    def fill(number: int) -> None:
        band = cut.bands[number]
        for tile, image in zip(cut.tiles, images[number], strict=True):
            dz = dz_grid[band.rows][..., tile, :]
            fill_image(image, dz, w_grid[band.rows], band, cut, workspace)

    def bring_home(number: int) -> None:
        band = cut.bands[number]
        for position, tile in enumerate(cut.tiles):
            image = images[number][position]
            if number > 0:
                former = cut.bands[number - 1]
                both = former.stop - band.start
                image[:both] += images[number - 1][position][-both:] if both else 0
            write_rows(dx[tile], image, band, cut)

    numbers = range(len(cut.bands))
    run_all(fill, numbers, worthwhile=cut.threaded)
    run_all(bring_home, numbers, worthwhile=cut.threaded)
    return dx


def fill_tiles(
    dx: Array, dz_grid: Array, w_grid: Array, cut: Cuts, workspace: Workspace
) -> None:
    """Write the gradient of every patch to its cells, which no other patch has."""
    grid = cut.grid
    if grid.locations * grid.patch_size != math.prod(grid.input_shape):
        dx[...] = 0  # also the cells that no window reads
    image = dx.reshape(cut.n, *grid.input_shape)
    if cut.in_runs:
        cells = run_view(image, grid, writeable=True)
    else:
        cells = np.moveaxis(windows(image, grid, writeable=True), 0, grid.rank)

    def work(part: tuple[Block, ...]) -> None:
        for block in part:
            w_t = w_grid[block.at].swapaxes(-1, -2)
            own = cells[block.at]
            for tile in cut.tiles:
                dz, place = dz_grid[block.at][..., tile, :], own[:, :, tile]
                # dp[n,l,k] = sum_f dy[n,l,f] w[l,k,f]
                if cut.in_runs:
                    np.matmul(dz, w_t, out=place)
                else:
                    dp_shape = (*dz.shape[:-1], grid.patch_size)
                    dp = workspace.take("block", dp_shape, dx.dtype)
                    place[...] = np.matmul(dz, w_t, out=dp).reshape(place.shape)

    run_all(work, cut.parts, worthwhile=cut.threaded)


def band_images(cut: Cuts, dtype: np.dtype, workspace: Workspace) -> list[list[Array]]:
    """Return for each band and tile an image, shape (rows, *S[1:], C, n)."""
    row = (*cut.grid.padded_sizes[1:], cut.grid.channels)
    shapes = [
        [(band.stop - band.start, *row, tile.stop - tile.start) for tile in cut.tiles]
        for band in cut.bands
    ]
    # One buffer for all: a smaller batch, cut otherwise, finds room in it too.
    size = sum(math.prod(shape) for of_band in shapes for shape in of_band)
    room = workspace.take("image", (size,), dtype)
    images: list[list[Array]] = []
    start = 0
    for of_band in shapes:
        images.append([])
        for shape in of_band:
            stop = start + math.prod(shape)
            images[-1].append(room[start:stop].reshape(shape))
            start = stop
    return images


def fill_image(
    image: Array,
    dz: Array,
    kernel: Array,
    band: Band,
    cut: Cuts,
    workspace: Workspace,
) -> None:
    """
    Add up the gradients of all patches of a band.

    Parameters
    ----------
    image : ndarray of shape (rows, *S[1:], C, n)
        What is filled; padded, the rows those that the band touches.
    dz, kernel : ndarray of shape (*O, n, F) and (*O, K, F)
        The rows of locations of the band.
    band, cut, workspace
        As for `input_gradient`.
    """
    grid = cut.grid
    image[...] = 0
    for block in band.blocks:
        at = block.at
        dz_block = dz[at].swapaxes(-1, -2)
        dz_t = workspace.take("dz_t", dz_block.shape, image.dtype)
        copy_batch_last(dz_t, dz_block)
        dp_shape = (*block.shape, grid.patch_size, image.shape[-1])
        dp = workspace.take("block", dp_shape, image.dtype)
        # dp[n,l,k] = sum_f dy[n,l,f] w[l,k,f]
        np.matmul(kernel[at], dz_t, out=dp)
        add_patches(image, dp, block, cut, workspace)


def add_patches(
    image: Array, dp: Array, block: Block, cut: Cuts, workspace: Workspace
) -> None:
    """
    Add the gradients of a block's patches, (rows, columns, K, n), to an image.

    The way back of `gather`: patches are added to strips, then strips to the image,
    which makes fewer and longer additions than tap by tap.
    """
    grid = cut.grid
    (rows, columns), n = block.shape, image.shape[-1]
    first_size, *sizes = grid.kernel_size
    first_step, *steps = grid.strides
    first_dilation, *dilations = grid.dilation_rate
    reach = (rows - 1) * first_step + 1
    top, read = block.rows.start * first_step, reach + (first_size - 1) * first_dilation
    # (taps of the first axis, rows, columns, taps of the others, C, n)
    if grid.channels_last:
        by_row = dp.reshape(rows, columns, first_size, *sizes, grid.channels, n)
        by_row = by_row.transpose(2, 0, 1, *range(3, by_row.ndim))
    else:
        by_row = dp.reshape(rows, columns, grid.channels, first_size, *sizes, n)
        others = range(4, by_row.ndim - 1)
        by_row = by_row.transpose(3, 0, 1, *others, 2, by_row.ndim - 1)
    if cut.is_sequence:  # its own strip
        strips = image[top : top + read, :, np.newaxis]
    else:
        strips = workspace.take("dstrips", (read, *by_row.shape[2:]), image.dtype)
        strips[...] = 0
    for tap, dp_of_tap in enumerate(by_row):
        start = tap * first_dilation
        met = strips[start : start + reach : first_step]
        np.add(met, dp_of_tap, out=met)
    if cut.is_sequence:
        return
    places = (*block.middle, block.columns)
    for taps in itertools.product(*map(range, sizes)):
        cells = image[
            (
                slice(top, top + read),
                *map(cells_of_tap, places, taps, steps, dilations),
            )
        ]
        of_all: Any = (slice(None), slice(None), *taps)
        np.add(cells, strips[of_all], out=cells)


def cells_of_tap(place: Any, tap: int, stride: int, dilation: int) -> Any:
    """Return the cells of one axis that a tap meets, for one location or a slice."""
    if isinstance(place, slice):
        start, last = place.start * stride, (place.stop - 1) * stride
        return slice(start + tap * dilation, last + tap * dilation + 1, stride)
    return place * stride + tap * dilation


def write_rows(dx: Array, image: Array, band: Band, cut: Cuts) -> None:
    """Write the rows that a band owns into dx, without the pads."""
    target = channels_last_view(dx, cut.geometry)
    if cut.is_sequence:
        target = target[:, :, np.newaxis]
    (before, _), *others = cut.grid.pads
    sizes = cut.grid.input_sizes
    inside = tuple(
        slice(b, b + size) for (b, _), size in zip(others, sizes[1:], strict=True)
    )
    first, last = max(band.start, before), min(band.end, before + sizes[0])
    step = max(1, TRANSPOSED // max(1, cut.grid.padded_sizes[-1]))
    for rows in slices(max(0, last - first), step):
        start, stop = first + rows.start, first + rows.stop
        source = image[(slice(start - band.start, stop - band.start), *inside)]
        target[:, start - before : stop - before] = batch_first_view(source)
