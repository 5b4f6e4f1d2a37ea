"""
Convolution as its definition: gather all patches, contract, and fold back.

The two backward strings are the forward string with subscripts exchanged.

    y [n,l,f] = sum_k p[n,l,k] w[k,f]                 nlk,kf->nlf
    dp[n,l,k] = sum_f dy[n,l,f] w[k,f]                nlf,kf->nlk
    dw[k,f]   = sum_n sum_l p[n,l,k] dy[n,l,f]        nlk,nlf->kf
"""

import numpy as np

from ..._typing import Array
from ...geometry import Geometry
from ..patches import channels_last_view, crop, fold_patches, window_view
from ..runtime.workspace import Workspace

__all__ = ["DKERNEL", "DPATCHES", "FORWARD", "backward", "forward"]

FORWARD = "nlk,kf->nlf"
DPATCHES = "nlf,kf->nlk"
DKERNEL = "nlk,nlf->kf"


def forward(
    padded: Array, kernel: Array, geometry: Geometry, z: Array, workspace: Workspace
) -> None:
    """Write z: all patches times the kernel."""
    # y[n,l,f] = sum_k p[n,l,k] w[k,f]
    y = np.einsum(FORWARD, _patches(padded, geometry), kernel, optimize=True)
    target = channels_last_view(z, geometry)
    target[...] = y.reshape(target.shape)


def backward(
    dz: Array,
    padded: Array,
    kernel: Array,
    geometry: Geometry,
    dpadded: Array | None,
    dkernel: Array,
    workspace: Workspace,
) -> None:
    """Write dkernel, and add to dpadded what comes back through the patches."""
    shape = (len(dz), geometry.locations, kernel.shape[1])
    dy = channels_last_view(dz, geometry).reshape(shape)
    if dpadded is not None:
        # dp[n,l,k] = sum_f dy[n,l,f] w[k,f]
        dpatches = np.einsum(DPATCHES, dy, kernel, optimize=True)
        inside = crop(dpadded, geometry)
        inside += fold_patches(dpatches, geometry)
    # dw[k,f] = sum_n sum_l p[n,l,k] dy[n,l,f]
    patches = _patches(padded, geometry)
    np.einsum(DKERNEL, patches, dy, optimize=True, out=dkernel)


def _patches(padded: Array, geometry: Geometry) -> Array:
    shape = (len(padded), geometry.locations, geometry.patch_size)
    return window_view(padded, geometry).reshape(shape)
