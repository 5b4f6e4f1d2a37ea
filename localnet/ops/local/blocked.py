"""
The fast engine: the three contractions as matrix products over blocks in cache.

Per block of locations the engine gathers what its windows read into a small buffer,
sees each patch in it, and multiplies: one product of (N, K) with (K, F) per location,
all in one `numpy.matmul`. How the work is cut is the business of `cuts`, how patches
are found that of `gather`; the gradient of the input runs the other way, in a module of
its own.

An array called ``..._grid`` has the axes O first. So, for one block of rows x columns
locations and one tile of n samples,

    z_grid, dz_grid   (*O, N, F)     patches   (rows, columns, n, K)
    w_grid, dw_grid   (*O, K, F)

where z and dz are y and dy before the channel axis goes where the data format has it.
"""

import numpy as np

from ..._typing import Array
from ...geometry import Geometry
from ..images import batch_after_locations, channels_last_view
from ..runtime.cuts import Block, Cuts, cuts
from ..runtime.threads import run_all
from ..runtime.workspace import Workspace
from .bias import add_bias, bias_gradient
from .gather import patch_source
from .input_gradient import input_gradient

__all__ = ["backward", "forward"]


def forward(
    padded: Array,
    kernel: Array,
    bias: Array | None,
    geometry: Geometry,
    workspace: Workspace,
) -> Array:
    """Return y: block by block patches times kernels, then the bias."""
    n, filters = len(padded), kernel.shape[2]
    cut = cuts(geometry, n, filters, padded.itemsize)
    y_shape = (n, *geometry.sample_shape(geometry.output_sizes, filters))
    y = workspace.result("y", y_shape, padded.dtype)
    y_grid = grid_view(y, cut)
    w_grid = kernel.reshape(*cut.grid.output_sizes, *kernel.shape[1:])
    patches_of = patch_source(padded, cut, workspace)

    def work(part: tuple[Block, ...]) -> None:
        for block in part:
            for tile in cut.tiles:
                patches = patches_of(block, tile)
                y_block = y_grid[block.at][..., tile, :]
                if geometry.channels_last:
                    np.matmul(patches, w_grid[block.at], out=y_block)
                else:  # products need filters side by side in memory
                    z = workspace.take("z", y_block.shape, y.dtype)
                    y_block[...] = np.matmul(patches, w_grid[block.at], out=z)

    run_all(work, cut.parts, worthwhile=cut.threaded)
    return y if bias is None else add_bias(y, bias, geometry)


def backward(
    dy: Array,
    padded: Array | None,
    kernel: Array,
    geometry: Geometry,
    *,
    need_dx: bool,
    need_dbias: bool,
    workspace: Workspace,
) -> tuple[Array | None, Array | None, Array | None]:
    """Return (dx, dkernel, dbias); what is not needed is None."""
    cut = cuts(geometry, len(dy), kernel.shape[2], dy.itemsize)
    dz_grid = grid_view(dy, cut)
    dkernel = None
    if padded is not None:
        dkernel = kernel_gradient(dz_grid, padded, cut, workspace)
    dx = input_gradient(dz_grid, kernel, cut, workspace) if need_dx else None
    return dx, dkernel, bias_gradient(dy, geometry, workspace) if need_dbias else None


def kernel_gradient(
    dz_grid: Array, padded: Array, cut: Cuts, workspace: Workspace
) -> Array:
    """Return dkernel: per location, patches transposed times dz, summed over tiles."""
    dtype = padded.dtype
    kernel_shape = cut.geometry.kernel_shape(cut.filters)
    dkernel = workspace.result("dkernel", kernel_shape, dtype)
    dw_grid = dkernel.reshape(*cut.grid.output_sizes, *kernel_shape[1:])
    patches_of = patch_source(padded, cut, workspace)

    def work(part: tuple[Block, ...]) -> None:
        for block in part:
            dw = dw_grid[block.at]
            for number, tile in enumerate(cut.tiles):
                patches = patches_of(block, tile)
                dz = dz_grid[block.at][..., tile, :]
                if dz.shape[-2] == 1:
                    # BLAS is slow at outer products, and quick with a second sample.
                    patches = with_a_zero_sample("two patches", patches, workspace)
                    dz = with_a_zero_sample("two dz", dz, workspace)
                elif not cut.geometry.channels_last:
                    # Products need filters side by side in memory.
                    dz_copy = workspace.take("dz", dz.shape, dtype)
                    dz_copy[...] = dz
                    dz = dz_copy
                patches_t = patches.swapaxes(-1, -2)
                # dw[l,k,f] = sum_n p[n,l,k] dy[n,l,f]
                if number == 0:
                    np.matmul(patches_t, dz, out=dw)
                else:
                    more = workspace.take("dw", dw.shape, dtype)
                    dw += np.matmul(patches_t, dz, out=more)

    run_all(work, cut.parts, worthwhile=cut.threaded)
    return dkernel


def with_a_zero_sample(name: str, a: Array, workspace: Workspace) -> Array:
    """Return a copy of `a`, shape (..., 1, M), as (..., 2, M) with zeros."""
    two = workspace.take(name, (*a.shape[:-2], 2, a.shape[-1]), a.dtype)
    two[..., :1, :] = a
    two[..., 1, :] = 0
    return two


def grid_view(y: Array, cut: Cuts) -> Array:
    """Return y, shape (N, *O, F) or (N, F, *O), as a view with the axes (*O, N, F)."""
    last = channels_last_view(y, cut.geometry)
    if cut.is_sequence:
        last = last[:, :, np.newaxis]
    return batch_after_locations(last)
