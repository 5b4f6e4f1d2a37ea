"""
The fast engine of convolution: products of patches and kernel, a piece at a time.

The patches of a piece are copied side by side, few enough to stay in cache, and one
product gives all of its outputs. A piece is some samples, or some rows of locations of
one sample, so that no more than it is ever held. In this module

    patches   (n, l, K)     dp   (n, l, C)     z, dz   (n, l, F)

are the n samples and l locations of a piece. For channels_last all locations of a piece
count as those of one sample, n = 1. For channels_first l is innermost in memory.
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
from ..patches import tap_slices, window_view
from ..runtime.cuts import slices
from ..runtime.workspace import Workspace
from .kernel import kernel_as_matrix, matrix_as_kernel

__all__ = ["backward", "forward"]

# Bytes of the patches of a piece: what stays in a core's cache.
PIECE_BYTES = 1 << 20


class Piece(NamedTuple):
    """Some samples, and the rows of locations along the first spatial axis."""

    samples: slice
    rows: slice


def pieces(geometry: Geometry, n: int, filters: int, itemsize: int) -> Iterator[Piece]:
    """Cut a batch into pieces, by shapes alone."""
    rows = geometry.output_sizes[0]
    # A kernel that is read for a piece should find as many patches.
    patch_bytes = max(1, geometry.patch_size * itemsize)
    room = max(PIECE_BYTES // patch_bytes, filters)
    # The kernels' gradients of single samples are held beside the patches.
    sample = geometry.locations
    if not geometry.channels_last:
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
    patches_of = patch_source(padded, geometry, workspace)
    for piece in pieces(geometry, len(z), kernel.shape[1], z.itemsize):
        z_piece = in_piece(z, piece, geometry)
        # Products go where a reshape is a view: not among another group's channels.
        out = z_piece
        if not z_piece.flags.c_contiguous:
            out = workspace.take("z", z_piece.shape, z.dtype)
        # y[n,l,f] = sum_k p[n,l,k] w[k,f]
        np.matmul(patches_of(piece), kernel, out=by_location(out, geometry))
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
    patches_of = patch_source(padded, geometry, workspace)
    turned = turned_geometry(geometry, kernel.shape[1])
    dpadded = None
    if dx is not None and turned is None:
        dpadded = workspace.take("dx", padded.shape, dz.dtype)
        dpadded[...] = 0
    dkernel[...] = 0
    for piece in pieces(geometry, len(dz), kernel.shape[1], dz.itemsize):
        dz_piece = by_location(in_piece(dz, piece, geometry), geometry)
        # dw[k,f] = sum_n sum_l p[n,l,k] dy[n,l,f]
        dw = workspace.take("dw", (len(dz_piece), *dkernel.shape), dkernel.dtype)
        np.matmul(patches_of(piece).swapaxes(1, 2), dz_piece, out=dw)
        for dw_of_sample in dw:
            np.add(dkernel, dw_of_sample, out=dkernel)
        if dpadded is not None:
            add_dpatches(dpadded, dz_piece, kernel, piece, geometry, workspace)
    if dx is not None:
        if turned is not None:
            convolve_back(dz, kernel, geometry, turned, dx, workspace)
        else:
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
    padded: Array, geometry: Geometry, workspace: Workspace
) -> Callable[[Piece], Array]:
    """
    Return a function that gives the patches of any piece of a padded input.

    Notes
    -----
    What it returns has the shape (n, l, K), is valid until the next call, and must not
    be written to. Windows of one cell, side by side, are the input itself.
    """
    if math.prod(geometry.kernel_size) == 1 and max(geometry.strides) == 1:
        return lambda piece: by_location(in_piece(padded, piece, geometry), geometry)
    windows, rank = window_view(padded, geometry), geometry.rank

    def source(piece: Piece) -> Array:
        read = windows[piece.samples, piece.rows]
        if not geometry.channels_last:
            read = np.moveaxis(read, range(1, 1 + rank), range(-rank, 0))
        buffer = workspace.take("block", read.shape, read.dtype)
        buffer[...] = read
        return by_location(buffer, geometry)

    return source


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
