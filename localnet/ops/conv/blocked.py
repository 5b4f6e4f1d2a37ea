"""
The fast engine of convolution: products of patches and kernel, a piece at a time.

A piece is some samples, or some rows of locations of one sample, whose patches stay in
cache. Where windows step by one row, only *strips* are copied: what the windows of a
row of locations have in one of their rows. The patches of a piece are then several runs
of them, one for each row of the window, and so are the products. Else the patches are
copied side by side. In this module

    patches   (n, l, k)     dp   (n, l, C)     z, dz   (n, l, F)

are the n samples and l locations of a piece, and k some of the K terms of a patch.
Where patches are whole and the channels last, all locations of a piece count as those
of one sample, n = 1. For channels_first l is innermost in memory.

The gradient of the input is a convolution too, where windows step by one.
"""

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..._typing import Array
from ...geometry import Geometry
from ...geometry.padding import effective_size
from ..images import crop
from ..patches import strip_view, tap_slices, window_view
from ..runtime.cuts import even_slices, slices
from ..runtime.workspace import Workspace
from .kernel import kernel_as_matrix, matrix_as_kernel

__all__ = ["backward", "forward"]

# Bytes of the patches of a piece: what stays in a core's cache.
PIECE_BYTES = 1 << 20
# Bytes of the weights of one product: BLAS keeps them in cache beside its patches.
PART_BYTES = 1 << 17
# Terms of a product from which on it pays to add up those of the rows of a window.
RUN = 48
# Channels below which patches are copied term by term: their own runs are too short.
CHANNELS = 8
# Some of the K terms of a patch, and what the patches have there, (n, l, k).
Part = tuple[slice, Array]


class Piece(NamedTuple):
    """Some samples, and the rows of locations along the first spatial axis."""

    samples: slice
    rows: slice


def in_strips(geometry: Geometry) -> bool:
    """Tell whether the rows of a window are read one by one."""
    run = geometry.patch_size // geometry.kernel_size[0]
    steps_by_row = geometry.channels_last and geometry.strides[0] == 1
    return steps_by_row and geometry.kernel_size[0] > 1 and run >= RUN


def pieces(geometry: Geometry, n: int, filters: int, itemsize: int) -> Iterator[Piece]:
    """Cut a batch into pieces, by shapes alone."""
    rows, terms = geometry.output_sizes[0], geometry.patch_size
    strips = in_strips(geometry)
    if strips:
        terms //= geometry.kernel_size[0]
    # A kernel that is read for a piece should find as many patches.
    room = max(PIECE_BYTES // max(1, terms * itemsize), filters)
    # The kernels' gradients of single samples are held beside the patches.
    sample = geometry.locations
    if strips or not geometry.channels_last:
        sample = max(sample, filters)
    if sample <= room:
        for samples in slices(n, room // sample):
            yield Piece(samples, slice(0, rows))
        return
    height = max(1, room * rows // geometry.locations)
    for number in range(n):
        for some in slices(rows, height):
            yield Piece(slice(number, number + 1), some)


def forward(
    padded: Array, kernel: Array, geometry: Geometry, z: Array, workspace: Workspace
) -> None:
    """Write z: piece by piece patches times the kernel."""
    patches_of = patch_source(padded, geometry, kernel.shape[1], workspace)
    for piece in pieces(geometry, len(z), kernel.shape[1], z.itemsize):
        z_piece = in_piece(z, piece, geometry)
        # Products go where a reshape is a view: not among another group's channels.
        out = z_piece
        if not z_piece.flags.c_contiguous:
            out = workspace.take("z", z_piece.shape, z.dtype)
        for number, (terms, patches) in enumerate(patches_of(piece)):
            y = out
            if number:
                y = workspace.take("part", out.shape, out.dtype)
            # y[n,l,f] = sum_k p[n,l,k] w[k,f]
            np.matmul(patches, kernel[terms], out=as_patches(y, patches, geometry))
            if number:
                np.add(out, y, out=out)
        if out is not z_piece:
            z_piece[...] = out


def backward(
    dz: Array,
    padded: Array,
    kernel: Array,
    geometry: Geometry,
    dx: Array | None,
    dkernel: Array,
    workspace: Workspace,
) -> None:
    """Write dkernel, and dx unless it is None."""
    patches_of = patch_source(padded, geometry, kernel.shape[1], workspace)
    turned = turned_geometry(geometry, kernel.shape[1])
    dpadded = None
    if dx is not None and turned is None:
        dpadded = workspace.take("dx", padded.shape, dz.dtype)
        dpadded[...] = 0
    dkernel[...] = 0
    for piece in pieces(geometry, len(dz), kernel.shape[1], dz.itemsize):
        dz_piece = in_piece(dz, piece, geometry)
        for terms, patches in patches_of(piece):
            dz_patches = as_patches(dz_piece, patches, geometry)
            # dw[k,f] = sum_n sum_l p[n,l,k] dy[n,l,f]
            met = dkernel[terms]
            dw = workspace.take("dw", (len(patches), *met.shape), met.dtype)
            np.matmul(patches.swapaxes(1, 2), dz_patches, out=dw)
            for dw_of_sample in dw:
                np.add(met, dw_of_sample, out=met)
        if dpadded is not None:
            dz_piece = by_location(dz_piece, geometry)
            add_dpatches(dpadded, dz_piece, kernel, piece, geometry, workspace)
    if dx is not None and turned is not None:
        convolve_back(dz, kernel, geometry, turned, dx, workspace)
    elif dx is not None and dpadded is not None:
        dx[...] = crop(dpadded, geometry)


@lru_cache(maxsize=256)
def turned_geometry(geometry: Geometry, filters: int) -> Geometry | None:
    """
    Return the geometry of the convolution that takes dz to dx, if dx is one.

    Where windows step by one, a cell is read by one window for every tap: dx is a
    convolution of dz with the kernel turned round, and nothing is added up.
    """
    reach = [
        effective_size(r, d) - 1
        for r, d in zip(geometry.kernel_size, geometry.dilation_rate, strict=True)
    ]
    pads = [
        (span - before, span - after)
        for span, (before, after) in zip(reach, geometry.pads, strict=True)
    ]
    if max(geometry.strides) > 1 or min(map(min, pads)) < 0:
        return None
    return Geometry.of(
        geometry.sample_shape(geometry.output_sizes, filters),
        kernel_size=geometry.kernel_size,
        padding=pads,
        dilation_rate=geometry.dilation_rate,
        data_format=geometry.data_format,
        placement="conv",
    )


def convolve_back(
    dz: Array,
    kernel: Array,
    geometry: Geometry,
    turned: Geometry,
    dx: Array,
    workspace: Workspace,
) -> None:
    """Write dx as a convolution of dz, padded a few samples at a time."""
    w_turned = turned_kernel(kernel, geometry, turned)
    shape = turned.sample_shape(turned.padded_sizes, turned.channels)
    for samples in slices(
        len(dz), max(1, PIECE_BYTES // (math.prod(shape) * dz.itemsize))
    ):
        few = dz[samples]
        if turned.has_pads:
            few = workspace.take("dz", (len(few), *shape), dz.dtype)
            few[...] = 0
            crop(few, turned)[...] = dz[samples]
        forward(few, w_turned, turned, dx[samples], workspace)


def turned_kernel(kernel: Array, geometry: Geometry, turned: Geometry) -> Array:
    """Return the matrix of a kernel with its taps backwards and channels as filters."""
    taps = matrix_as_kernel(kernel, geometry)[(slice(None, None, -1),) * geometry.rank]
    return kernel_as_matrix(taps.swapaxes(-1, -2), turned)


def add_dpatches(
    dpadded: Array,
    dz: Array,
    kernel: Array,
    piece: Piece,
    geometry: Geometry,
    workspace: Workspace,
) -> None:
    """
    Add the gradient of a piece's patches to the image they were gathered from.

    Tap by tap: what one tap of all windows gets is then side by side in memory.
    """
    last, stride = geometry.channels_last, geometry.strides[0]
    image = dpadded[piece.samples]
    rows = piece.rows.stop - piece.rows.start
    locations = (rows, *geometry.output_sizes[1:])
    channels = geometry.channels
    shape = (*locations, channels) if last else (channels, *locations)
    dp = workspace.take("dp", (len(image), *shape), dz.dtype)
    w_of_taps = matrix_as_kernel(kernel, geometry)
    for tap, (first, *others) in tap_slices(geometry):
        # dp[n,l,c] = sum_f dy[n,l,f] w[c,f], for this tap
        np.matmul(dz, w_of_taps[tap].T, out=by_location(dp, geometry))
        top = first.start + piece.rows.start * stride
        cells = (slice(top, top + (rows - 1) * stride + 1, stride), *others)
        where: Any = (slice(None), *cells) if last else (..., *cells)
        met = image[where]
        np.add(met, dp, out=met)


def patch_source(
    padded: Array, geometry: Geometry, filters: int, workspace: Workspace
) -> Callable[[Piece], list[Part]]:
    """
    Return a function that gives the patches of any piece of a padded input, in parts.

    Notes
    -----
    What it returns is valid until the next call, and must not be written to. Windows of
    one cell, side by side, are the input itself, and so are the rows of windows that
    are one cell wide.
    """
    first_size, *sizes = geometry.kernel_size
    is_input = max(sizes, default=1) == 1 and max(geometry.strides) == 1
    if in_strips(geometry):
        strips, run = strip_view(padded, geometry), geometry.patch_size // first_size
        dilation = geometry.dilation_rate[0]
        reach = (first_size - 1) * dilation

        def from_strips(piece: Piece) -> list[Part]:
            start, stop = piece.rows.start, piece.rows.stop
            read = strips[piece.samples, start : stop + reach]
            if not is_input:
                copy = workspace.take("block", read.shape, read.dtype)
                copy[...] = read
                read = copy
            n, locations = len(read), math.prod(read.shape[2 : 1 + geometry.rank])
            shape = (n, (stop - start) * locations, run)
            return [
                part
                for row, first in enumerate(range(0, reach + 1, dilation))
                for part in in_parts(
                    read[:, first : first + stop - start].reshape(shape),
                    filters,
                    row * run,
                )
            ]

        return from_strips
    if is_input and first_size == 1:
        return lambda piece: in_parts(
            by_location(in_piece(padded, piece, geometry), geometry), filters
        )
    windows, rank = window_view(padded, geometry), geometry.rank
    few_channels = geometry.channels_last and geometry.channels < CHANNELS

    def from_windows(piece: Piece) -> list[Part]:
        read = windows[piece.samples, piece.rows]
        if few_channels:  # one term of all patches after the other
            read = np.moveaxis(read, range(1 + rank), range(-rank - 1, 0))
            buffer = workspace.take("block", read.shape, read.dtype)
            buffer[...] = read
            by_term = buffer.reshape(1, geometry.patch_size, -1)
            return in_parts(by_term.swapaxes(1, 2), filters)
        if not geometry.channels_last:
            read = np.moveaxis(read, range(1, 1 + rank), range(-rank, 0))
        buffer = workspace.take("block", read.shape, read.dtype)
        buffer[...] = read
        return in_parts(by_location(buffer, geometry), filters)

    return from_windows


def in_parts(patches: Array, filters: int, start: int = 0) -> list[Part]:
    """Cut some terms of patches, from `start` on, into those of single products."""
    terms = patches.shape[2]
    count = -(-terms * filters * patches.itemsize // PART_BYTES)
    return [
        (slice(start + part.start, start + part.stop), patches[:, :, part])
        for part in even_slices(terms, per=max(1, count))
    ]


def as_patches(a: Array, patches: Array, geometry: Geometry) -> Array:
    """Return what a piece holds, one number per filter, as (n, l, F) of its patches."""
    located = by_location(a, geometry)
    return located.reshape(*patches.shape[:2], located.shape[2])


def in_piece(image: Array, piece: Piece, geometry: Geometry) -> Array:
    """Return the part of an image, one cell per location, that belongs to a piece."""
    if geometry.channels_last:
        return image[piece.samples, piece.rows]
    return image[piece.samples, :, piece.rows]


def by_location(a: Array, geometry: Geometry) -> Array:
    """Return what a piece holds, (n, *o, ...) or (n, ..., *o), as (n, l, ...)."""
    rank = geometry.rank
    if geometry.channels_last:
        return a.reshape(
            1, math.prod(a.shape[: 1 + rank]), math.prod(a.shape[1 + rank :])
        )
    shape = (len(a), math.prod(a.shape[1:-rank]), math.prod(a.shape[-rank:]))
    return a.reshape(shape).swapaxes(1, 2)
