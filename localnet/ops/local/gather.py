"""
How the fast engine gathers the patches of a block.

- *Runs* need no copy: of a sequence, and of windows that are long on the last axis
  alone, every patch is one run of the image. This needs the channel axis last.
- *Strips*: copy what each column of locations reads, with all of its rows, and not the
  patches, of which a strip holds many. Every patch is then one run of a strip. This
  needs the channel axis last and undilated rows.
- *Batch innermost*: else copy the patches, from an image whose batch axis comes last,
  so that every copied run is as long as the batch.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..._typing import Array
from ..images import batch_first_view, batch_last_view
from ..patches import row_window_view, run_view, strip_view, window_view
from ..runtime.cuts import PARTS, Block, Cuts, even_slices
from ..runtime.threads import run_all
from ..runtime.transpose import copy_batch_last
from ..runtime.workspace import Workspace

__all__ = ["patch_source"]

PatchSource = Callable[[Block, slice], Array]


def patch_source(padded: Array, cut: Cuts, workspace: Workspace) -> PatchSource:
    """
    Return a function that gives the patches of any block of one padded input.

    Parameters
    ----------
    padded : ndarray of shape (N, *S, C) or (N, C, *S)
        What the windows read, any memory order.
    cut : Cuts
        How the problem is cut.
    workspace : Workspace
        Where the copies are made.

    Returns
    -------
    callable
        ``source(block, tile)`` is an array of shape (rows, columns, n, K), which is
        valid until the next call in this thread and must not be written to.
    """
    if cut.in_runs:
        return _from_runs(padded, cut, workspace)
    image = padded
    if cut.is_sequence:  # one wide
        last = cut.grid.channels_last
        image = padded[:, :, np.newaxis] if last else padded[..., np.newaxis]
    gather = _from_strips if cut.in_strips else _from_windows
    return gather(image, cut, workspace)


def _from_runs(padded: Array, cut: Cuts, workspace: Workspace) -> PatchSource:
    if not padded.flags.c_contiguous:
        copy = workspace.take("image", padded.shape, padded.dtype)
        copy[...] = padded
        padded = copy
    every = run_view(padded, cut.grid)
    return lambda block, tile: every[block.at][..., tile, :]


def _from_strips(image: Array, cut: Cuts, workspace: Workspace) -> PatchSource:
    grid = cut.grid
    window_rows, stride = grid.kernel_size[0], grid.strides[0]
    # (columns, N, rows, R[1:], C); a middle axis stands before the columns.
    strips, places = strip_view(image, grid), range(2, grid.rank + 1)
    strips = strips.transpose(*places, 0, 1, *range(grid.rank + 1, strips.ndim))

    def source(block: Block, tile: slice) -> Array:
        rows = slice(
            block.rows.start * stride, (block.rows.stop - 1) * stride + window_rows
        )
        where: tuple[Any, ...] = (*block.middle, block.columns, tile, rows)
        read = strips[where]
        shape = (*read.shape[:3], grid.patch_size // window_rows)
        copy = workspace.take("block", shape, image.dtype)
        copy.reshape(read.shape)[...] = read
        return row_window_view(copy, block.shape[0], window_rows, stride)

    return source


def _from_windows(image: Array, cut: Cuts, workspace: Workspace) -> PatchSource:
    inner = batch_innermost(image, cut, workspace)
    windows = batch_last_view(window_view(batch_first_view(inner), cut.grid))

    def source(block: Block, tile: slice) -> Array:
        read = windows[block.at][..., tile]
        shape = (*block.shape, cut.grid.patch_size, read.shape[-1])
        copy = workspace.take("block", shape, image.dtype)
        copy.reshape(read.shape)[...] = read
        return copy.swapaxes(-1, -2)

    return source


def batch_innermost(image: Array, cut: Cuts, workspace: Workspace) -> Array:
    """Return a copy of an image whose batch axis comes last."""
    first = batch_last_view(image)
    inner = workspace.take("image", first.shape, image.dtype)

    def work(part: slice) -> None:
        copy_batch_last(inner[part], first[part])

    parts = even_slices(len(inner), per=PARTS if cut.threaded else 1)
    run_all(work, parts, worthwhile=cut.threaded)
    return inner
