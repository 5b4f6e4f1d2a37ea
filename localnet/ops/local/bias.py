"""
The bias of layers with windows.

Untied: one number per location and filter, stored as (*O, F). Tied: one per filter.
"""

import numpy as np

from ..._typing import Array
from ...geometry import Geometry
from ..images import channels_last_view
from ..runtime.wide import add_to_rows, sum_of_rows
from ..runtime.workspace import Workspace

__all__ = ["add_bias", "bias_at_locations", "bias_gradient", "bias_in_y"]


def bias_in_y(bias: Array, geometry: Geometry) -> Array:
    """
    Return the view of the bias that is added to one output sample.

    Notes
    -----
    For channels_first Keras *reshapes* the (*O, F) array to (F, *O), it does not move
    the axis: the number stored at flat position ``f*L + l`` is added to filter f at
    location l. A tied bias, (F,), is the same at all locations.
    """
    if geometry.channels_last:
        return bias
    if bias.ndim == 1:
        return bias.reshape(len(bias), *(1,) * geometry.rank)
    *sizes, filters = bias.shape
    return bias.reshape(filters, *sizes)


def bias_at_locations(bias: Array, geometry: Geometry) -> Array:
    """Return an untied bias as a view with the axes (*O, F), in either data format."""
    in_y = bias_in_y(bias, geometry)
    return in_y if geometry.channels_last else np.moveaxis(in_y, 0, -1)


def add_bias(y: Array, bias: Array, geometry: Geometry) -> Array:
    """Add the bias to `y` in place and return it; see `bias_in_y` for the order."""
    if bias.ndim == 1 and geometry.channels_last and y.flags.c_contiguous:
        add_to_rows(y, bias)
    else:
        y += bias_in_y(bias, geometry)
    return y


def bias_gradient(
    dy: Array, geometry: Geometry, workspace: Workspace, *, tied: bool = False
) -> Array:
    """Return db = sum over the samples of dy, in the storage order of the bias."""
    last = channels_last_view(dy, geometry)
    if tied:
        dbias = workspace.result("dbias", last.shape[-1:], dy.dtype)
        # db[f] = sum_n sum_l dy[n,l,f]
        if last.flags.c_contiguous:
            dbias[...] = sum_of_rows(last.reshape(-1, last.shape[-1]))
        else:
            np.add.reduce(last, axis=tuple(range(last.ndim - 1)), out=dbias)
        return dbias
    dbias = workspace.result("dbias", last.shape[1:], dy.dtype)
    # db[l,f] = sum_n dy[n,l,f]
    np.add.reduce(dy, axis=0, out=bias_in_y(dbias, geometry))
    return dbias
