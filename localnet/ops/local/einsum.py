"""
The definition as an engine: gather all patches, contract, and fold back.

It is what a reader should follow, and needs memory for every patch at once.
"""

import numpy as np

from ..._typing import Array
from ...geometry import Geometry
from ..patches import fold_patches, window_view
from ..runtime.workspace import Workspace
from .bias import add_bias, bias_gradient
from .contract import DKERNEL, DPATCHES, local_matmul_forward

__all__ = ["backward", "forward"]


def forward(
    padded: Array,
    kernel: Array,
    bias: Array | None,
    geometry: Geometry,
    workspace: Workspace,
) -> Array:
    """Return y: patches times kernels, location by location, plus the bias."""
    n, filters = len(padded), kernel.shape[2]
    z, _ = local_matmul_forward(_patches(padded, geometry), kernel)
    if not geometry.channels_last:
        z = np.ascontiguousarray(z.swapaxes(1, 2))
    y = z.reshape(n, *geometry.sample_shape(geometry.output_sizes, filters))
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
    n, filters = len(dy), kernel.shape[2]
    if geometry.channels_last:
        dz = dy.reshape(n, geometry.locations, filters)
    else:
        dz = dy.reshape(n, filters, geometry.locations).swapaxes(1, 2)
    dx = dkernel = None
    if need_dx:
        # dp[n,l,k] = sum_f dy[n,l,f] w[l,k,f]
        dpatches = np.einsum(DPATCHES, dz, kernel, optimize=True, order="C")
        dx = fold_patches(dpatches, geometry)
    if padded is not None:
        patches = _patches(padded, geometry)
        # dw[l,k,f] = sum_n p[n,l,k] dy[n,l,f]
        dkernel = np.einsum(DKERNEL, patches, dz, optimize=True, order="C")
    return dx, dkernel, bias_gradient(dy, geometry, workspace) if need_dbias else None


def _patches(padded: Array, geometry: Geometry) -> Array:
    shape = (len(padded), geometry.locations, geometry.patch_size)
    return window_view(padded, geometry).reshape(shape)
