"""
Convolution as its definition, which the engine einsum runs.

The windows and the fold are those of the locally connected layer; the kernel has no l,
so that its gradient is summed over the locations too.

    y [n,l,f] = sum_k p[n,l,k] w[k,f]                 nlk,kf->nlf
    dp[n,l,k] = sum_f dy[n,l,f] w[k,f]                nlf,kf->nlk
    dw[k,f]   = sum_n sum_l p[n,l,k] dy[n,l,f]        nlk,nlf->kf
"""

import numpy as np

from ..._typing import Array
from ...geometry import Geometry
from ..images import channels_last_view, crop
from ..local.definition import fold, patches
from ..runtime.workspace import Workspace

__all__ = ["DKERNEL", "DPATCHES", "FORWARD", "backward", "forward"]

FORWARD = "nlk,kf->nlf"
DPATCHES = "nlf,kf->nlk"
DKERNEL = "nlk,nlf->kf"


def forward(
    padded: Array, kernel: Array, geometry: Geometry, z: Array, workspace: Workspace
) -> None:
    """Write z: all patches times the kernel."""
    y = np.einsum(FORWARD, patches(padded, geometry), kernel, optimize=True)
    target = channels_last_view(z, geometry)
    target[...] = y.reshape(target.shape)


def backward(
    dz: Array,
    padded: Array,
    kernel: Array,
    geometry: Geometry,
    dx: Array | None,
    dkernel: Array,
    workspace: Workspace,
) -> None:
    """Write dkernel, and to dx what comes back through the patches."""
    shape = (len(dz), geometry.locations, kernel.shape[1])
    dy = channels_last_view(dz, geometry).reshape(shape)
    if dx is not None:
        dpatches = np.einsum(DPATCHES, dy, kernel, optimize=True)
        dx[...] = crop(fold(dpatches, geometry), geometry)
    np.einsum(DKERNEL, patches(padded, geometry), dy, optimize=True, out=dkernel)
