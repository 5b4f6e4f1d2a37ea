"""
Nested loops: the oracle that the other engines are held against.

One loop variable per letter of the equation, one multiplication at a time, and index
arithmetic of its own: nothing here is shared with the code that it checks, apart from
the normalised arguments.
"""

import itertools
import math
from collections.abc import Iterator

import numpy as np

from ..._typing import Array, Shape
from ...geometry import Geometry
from ..images import crop
from ..runtime.workspace import Workspace

__all__ = ["backward", "connections", "forward"]


def connections(g: Geometry) -> Iterator[tuple[int, Shape, int, int, Shape, bool]]:
    """Yield (l, o, k, channel, cell, inside) for every wire of one filter."""
    taps_total = math.prod(g.kernel_size)
    locations = itertools.product(*(range(o) for o in g.output_sizes))
    for location, o in enumerate(locations):
        taps = itertools.product(*(range(r) for r in g.kernel_size))
        for tap_number, tap in enumerate(taps):
            cell = tuple(
                o[a] * g.strides[a] - g.pads[a][0] + tap[a] * g.dilation_rate[a]
                for a in range(len(o))
            )
            inside = all(0 <= cell[a] < g.input_sizes[a] for a in range(len(o)))
            for c in range(g.channels):
                if g.data_format == "channels_last":
                    k = tap_number * g.channels + c
                else:
                    k = c * taps_total + tap_number
                yield location, o, k, c, cell, inside


def forward(
    padded: Array,
    kernel: Array,
    bias: Array | None,
    g: Geometry,
    workspace: Workspace,
) -> Array:
    """Return y of a locally connected layer by the equation itself."""
    x = crop(padded, g)
    last = g.data_format == "channels_last"
    filters = kernel.shape[2]
    y = np.zeros((len(x), *g.sample_shape(g.output_sizes, filters)), x.dtype)
    pad_value = x.dtype.type(g.pad_value)
    wires = list(connections(g))
    for n in range(len(x)):
        for f in range(filters):
            for location, o, k, c, cell, inside in wires:
                at = (n, *o, f) if last else (n, f, *o)
                source = (n, *cell, c) if last else (n, c, *cell)
                y[at] += (x[source] if inside else pad_value) * kernel[location, k, f]
            if bias is not None:
                for location, o in enumerate(np.ndindex(*g.output_sizes)):
                    if last:
                        y[(n, *o, f)] += bias[(*o, f)]
                    else:  # Keras reshapes the bias (*O, F) to (F, *O)
                        y[(n, f, *o)] += bias.flat[f * g.locations + location]
    return y


def backward(
    dy: Array,
    padded: Array | None,
    kernel: Array,
    g: Geometry,
    *,
    need_dx: bool,
    need_dbias: bool,
    workspace: Workspace,
) -> tuple[Array | None, Array | None, Array | None]:
    """Return (dx, dkernel, dbias) by following every wire of `forward` back."""
    x_shape = (len(dy), *g.input_shape)
    x = np.zeros(x_shape, dy.dtype) if padded is None else crop(padded, g)
    last = g.data_format == "channels_last"
    filters = kernel.shape[2]
    dx, dkernel = np.zeros(x.shape, dy.dtype), np.zeros(kernel.shape, dy.dtype)
    dbias = np.zeros(g.bias_shape(filters), dy.dtype)
    pad_value = x.dtype.type(g.pad_value)
    wires = list(connections(g))
    for n in range(len(x)):
        for f in range(filters):
            for location, o, k, c, cell, inside in wires:
                at = (n, *o, f) if last else (n, f, *o)
                source = (n, *cell, c) if last else (n, c, *cell)
                value = x[source] if inside else pad_value
                dkernel[location, k, f] += value * dy[at]
                if inside:
                    dx[source] += kernel[location, k, f] * dy[at]
            for location, o in enumerate(np.ndindex(*g.output_sizes)):
                if last:
                    dbias[(*o, f)] += dy[(n, *o, f)]
                else:
                    dbias.flat[f * g.locations + location] += dy[(n, f, *o)]
    return (
        dx if need_dx else None,
        None if padded is None else dkernel,
        dbias if need_dbias else None,
    )
