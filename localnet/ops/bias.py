"""The untied bias: one number per location and filter, stored as (*O, F)."""

import numpy as np

from .._typing import Array
from ..geometry import Geometry
from .patches import channels_last_view
from .workspace import Workspace

__all__ = ["add_bias", "bias_at_locations", "bias_gradient", "bias_in_y"]


def bias_in_y(bias: Array, geometry: Geometry) -> Array:
    """
    Return the view of the bias that is added to one output sample.

    Notes
    -----
    For channels_first Keras *reshapes* the (*O, F) array to (F, *O), it does not move
    the axis: the number stored at flat position ``f*L + l`` is added to filter f at
    location l.
    """
    if geometry.channels_last:
        return bias
    *sizes, filters = bias.shape
    return bias.reshape(filters, *sizes)


def bias_at_locations(bias: Array, geometry: Geometry) -> Array:
    """Return the bias as a view with the axes (*O, F), in either data format."""
    in_y = bias_in_y(bias, geometry)
    return in_y if geometry.channels_last else np.moveaxis(in_y, 0, -1)


def add_bias(y: Array, bias: Array, geometry: Geometry) -> Array:
    """Add the bias to `y` in place and return it; see `bias_in_y` for the order."""
    y += bias_in_y(bias, geometry)
    return y


def bias_gradient(dy: Array, geometry: Geometry, workspace: Workspace) -> Array:
    """Return db = sum over the samples of dy, in the storage order of the bias."""
    last = channels_last_view(dy, geometry)
    dbias = workspace.result("dbias", last.shape[1:], dy.dtype)
    # db[l,f] = sum_n dy[n,l,f]
    np.add.reduce(dy, axis=0, out=bias_in_y(dbias, geometry))
    return dbias
