"""
The locally connected layer on one page: its definition, which the engine einsum runs.

A layer reads its input through windows. The values under the window at location l are
the patch p[n,l,:]; each location has weights w[l,:,:] of its own. Forward is one sum
over each patch; the two sums of backward are the same with an operand and the result
changed places, and what comes back to a patch is added to the cells it was read from.

    p [n,l,k]   the cell of sample n under value k of window l            windows
    y [n,l,f] = sum_k p[n,l,k] w[l,k,f] + b[l,f]                          nlk,lkf->nlf
    dp[n,l,k] = sum_f dy[n,l,f] w[l,k,f]                                  nlf,lkf->nlk
    dw[l,k,f] = sum_n p[n,l,k] dy[n,l,f]                                  nlk,nlf->lkf
    db[l,f]   = sum_n dy[n,l,f]
    dx[n,cell]  the sum of dp[n,l,k] over all (l, k) that lie on it       fold

Arguments come here checked, in one dtype and padded (`local_conv`). All patches are in
memory at once; the engine blocked computes the same without that.
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..._typing import Array
from ...geometry import Geometry
from ..images import by_location, crop, from_locations
from ..runtime.workspace import Workspace
from .bias import add_bias, bias_gradient

__all__ = [
    "DKERNEL",
    "DPATCHES",
    "FORWARD",
    "backward",
    "contract",
    "fold",
    "forward",
    "patches",
    "windows",
]

FORWARD = "nlk,lkf->nlf"
DPATCHES = "nlf,lkf->nlk"
DKERNEL = "nlk,nlf->lkf"


def windows(padded: Array, geometry: Geometry, *, writeable: bool = False) -> Array:
    """View the windows of an image: axes (N, *O, *R, C), or (N, *O, C, *R)."""
    sample, *axes = padded.strides
    channel = axes.pop(-1 if geometry.channels_last else 0)
    # One location further is a stride away, one tap further a dilation.
    steps = [b * s for b, s in zip(axes, geometry.strides, strict=True)]
    taps = tuple(b * d for b, d in zip(axes, geometry.dilation_rate, strict=True))
    window = geometry.sample_shape(geometry.kernel_size, geometry.channels)
    shape = (len(padded), *geometry.output_sizes, *window)
    strides = (sample, *steps, *geometry.sample_shape(taps, channel))
    return as_strided(padded, shape, strides, writeable=writeable)


def patches(padded: Array, geometry: Geometry) -> Array:
    """Return the windows as p, shape (N, L, K)."""
    shape = (len(padded), geometry.locations, geometry.patch_size)
    return windows(padded, geometry).reshape(shape)


def fold(dpatches: Array, geometry: Geometry) -> Array:
    """Add every patch back to the cells it was read from: the adjoint of `patches`."""
    sizes = geometry.sample_shape(geometry.padded_sizes, geometry.channels)
    dpadded = np.zeros((len(dpatches), *sizes), dpatches.dtype)
    cells = windows(dpadded, geometry, writeable=True)
    values = dpatches.reshape(cells.shape)
    all_channels: Any = slice(None)
    # Windows overlap, but one and the same tap of them never lies on a cell twice.
    for tap in np.ndindex(*geometry.kernel_size):
        of_all_windows: Any = (..., *geometry.sample_shape(tap, all_channels))
        cells[of_all_windows] += values[of_all_windows]
    return dpadded


def contract(subscripts: str, one: Array, other: Array) -> Any:
    """Sum products of two arrays over the letter that the result lacks."""
    return np.einsum(subscripts, one, other, optimize=True, order="C")


def forward(
    padded: Array,
    kernel: Array,
    bias: Array | None,
    geometry: Geometry,
    workspace: Workspace,
) -> Array:
    """Return y: patches times kernels, location by location, plus the bias."""
    z = contract(FORWARD, patches(padded, geometry), kernel)
    y = from_locations(z, geometry)
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
    """Return (dx, dkernel, dbias); without `padded`, or the need, None for each."""
    dz = by_location(dy, geometry)
    dx = dkernel = dbias = None
    if need_dx:
        dpadded = fold(contract(DPATCHES, dz, kernel), geometry)
        dx = np.ascontiguousarray(crop(dpadded, geometry))
    if padded is not None:
        dkernel = contract(DKERNEL, patches(padded, geometry), dz)
    if need_dbias:
        dbias = bias_gradient(dy, geometry, workspace)
    return dx, dkernel, dbias
