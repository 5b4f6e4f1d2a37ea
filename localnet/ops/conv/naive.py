"""Convolution as nested loops: the oracle that its other engines are held against."""

import numpy as np

from ..._typing import Array
from ...geometry import Geometry
from ..images import crop
from ..local.naive import connections
from ..runtime.workspace import Workspace

__all__ = ["backward", "forward"]


def forward(
    padded: Array, kernel: Array, g: Geometry, z: Array, workspace: Workspace
) -> None:
    """Write z by the equation itself, one multiplication at a time."""
    x, last = crop(padded, g), g.channels_last
    pad_value = x.dtype.type(g.pad_value)
    wires = list(connections(g))
    z[...] = 0
    for n in range(len(x)):
        for f in range(kernel.shape[1]):
            for _, o, k, c, cell, inside in wires:
                at = (n, *o, f) if last else (n, f, *o)
                source = (n, *cell, c) if last else (n, c, *cell)
                z[at] += (x[source] if inside else pad_value) * kernel[k, f]


def backward(
    dz: Array,
    padded: Array,
    kernel: Array,
    g: Geometry,
    dx: Array | None,
    dkernel: Array,
    workspace: Workspace,
) -> None:
    """Follow every wire of `forward` back; what falls on pads goes nowhere."""
    x, last = crop(padded, g), g.channels_last
    dx = np.empty_like(x) if dx is None else dx
    dx[...] = 0
    pad_value = x.dtype.type(g.pad_value)
    wires = list(connections(g))
    dkernel[...] = 0
    for n in range(len(x)):
        for f in range(kernel.shape[1]):
            for _, o, k, c, cell, inside in wires:
                at = (n, *o, f) if last else (n, f, *o)
                source = (n, *cell, c) if last else (n, c, *cell)
                dkernel[k, f] += (x[source] if inside else pad_value) * dz[at]
                if inside:
                    dx[source] += kernel[k, f] * dz[at]
