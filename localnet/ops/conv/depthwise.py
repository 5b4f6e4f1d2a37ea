"""
Convolution of every channel by a filter of its own, tap by tap.

A product with so few terms is no work for BLAS. What one tap of all windows reads is
scaled by the weights of the channels and added: of windows that lie side by side, the
cells of a row and their channels are one run of memory.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..._typing import Array
from ...geometry import Geometry
from ..images import crop
from ..patches import tap_slices
from ..runtime.pieces import row_pieces
from ..runtime.wide import sum_of_rows
from ..runtime.workspace import Workspace

__all__ = ["backward", "forward"]


def forward(
    padded: Array, kernel: Array, geometry: Geometry, z: Array, workspace: Workspace
) -> None:
    """Write z: for every tap what it reads, times its weights; kernel (*R, 1, C)."""
    x, z = flat_rows(padded, geometry), flat_rows(z, geometry)
    taps = list(weights_on_cells(kernel, geometry))
    for samples in row_pieces(z.shape):
        image, sums = x[samples], z[samples]
        term = workspace.take("term", sums.shape, sums.dtype)
        for number, (_, weights, cells) in enumerate(taps):
            # y[n,l,c] = sum_t x[n,l+t,c] w[t,c]
            np.multiply(image[cells], weights, out=term if number else sums)
            if number:
                np.add(sums, term, out=sums)


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
    x, dz = flat_rows(padded, geometry), flat_rows(dz, geometry)
    taps = list(weights_on_cells(kernel, geometry))
    dkernel[...] = 0
    for samples in row_pieces(dz.shape):
        image, dz_piece = x[samples], dz[samples]
        term = workspace.take("term", dz_piece.shape, dz.dtype)
        dimage: Any = None
        if dx is not None:
            shape = (len(image), *padded.shape[1:])
            dpadded = workspace.take("image", shape, dz.dtype)
            dpadded[...] = 0
            dimage = flat_rows(dpadded, geometry)
        for tap, weights, cells in taps:
            # dw[t,c] = sum_n sum_l x[n,l+t,c] dy[n,l,c]
            np.multiply(image[cells], dz_piece, out=term)
            dkernel[tap][0] += sum_by_channel(term, geometry)
            if dx is not None:
                np.multiply(dz_piece, weights, out=term)
                met = dimage[cells]
                np.add(met, term, out=met)
        if dx is not None:
            dx[samples] = crop(dpadded, geometry)


def has_flat_rows(geometry: Geometry) -> bool:
    """Tell whether what a tap reads in a row of windows is one run of memory."""
    return geometry.channels_last and geometry.strides[-1] == 1


def flat_rows(image: Array, geometry: Geometry) -> Array:
    """Return an image with its last axis and the channels as one, if runs are long."""
    if not has_flat_rows(geometry):
        return image
    *others, row, channels = image.shape
    return image.reshape(*others, row * channels)


def weights_on_cells(
    kernel: Array, geometry: Geometry
) -> Iterator[tuple[Any, Array, Any]]:
    """Yield each tap, its weights as they broadcast, and the cells it meets."""
    channels = geometry.channels
    for tap, cells in tap_slices(geometry):
        weights = kernel[tap][0]
        if not geometry.channels_last:
            weights = weights.reshape(channels, *(1,) * geometry.rank)
            yield tap, weights, (..., *cells)
        elif has_flat_rows(geometry):
            *others, row = cells
            run = slice(row.start * channels, row.stop * channels)
            weights = np.tile(weights, geometry.output_sizes[-1])
            yield tap, weights, (slice(None), *others, run)
        else:
            yield tap, weights, (slice(None), *cells)


def sum_by_channel(term: Array, geometry: Geometry) -> Array:
    """Return the sums over samples and locations, shape (C,)."""
    if geometry.channels_last:
        return sum_of_rows(term.reshape(-1, geometry.channels))
    sums: Array = np.add.reduce(term, axis=(0, *range(2, term.ndim)))
    return sums
