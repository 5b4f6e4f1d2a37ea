"""
The definition as an engine: gather all patches, contract, and fold back.

It is what a reader should follow, and needs memory for every patch at once.
"""

import numpy as np

from .._typing import Array
from ..geometry import Geometry
from .bias import add_bias, bias_gradient
from .contract import LocalMatmulCache, local_matmul_backward, local_matmul_forward
from .patches import fold_patches, window_view
from .workspace import Workspace

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
    padded: Array,
    kernel: Array,
    geometry: Geometry,
    *,
    need_dx: bool,
    need_dbias: bool,
    workspace: Workspace,
) -> tuple[Array | None, Array, Array | None]:
    """Return (dx, dkernel, dbias); what is not needed is None."""
    n, filters = len(padded), kernel.shape[2]
    if geometry.channels_last:
        dz = dy.reshape(n, geometry.locations, filters)
    else:
        dz = dy.reshape(n, filters, geometry.locations).swapaxes(1, 2)
    dpatches, dkernel, _ = local_matmul_backward(
        dz,
        LocalMatmulCache(_patches(padded, geometry), kernel, has_bias=False),
        need_dpatches=need_dx,
    )
    dx = None if dpatches is None else fold_patches(dpatches, geometry)
    return dx, dkernel, bias_gradient(dy, geometry, workspace) if need_dbias else None


def _patches(padded: Array, geometry: Geometry) -> Array:
    shape = (len(padded), geometry.locations, geometry.patch_size)
    return window_view(padded, geometry).reshape(shape)
