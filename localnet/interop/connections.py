"""
Which input value meets which output value, for every weight there is.

Both pictures are read off `localnet.ops.patch_indices`, so that they cannot disagree
with what the layer computes.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from .. import _validate
from .._typing import Array, Shape
from ..geometry import Geometry
from ..ops.patches import patch_indices

__all__ = [
    "cells_of_units",
    "connections",
    "count_connections",
    "kernel_indices",
    "kernel_mask",
    "unit_order",
]


def kernel_mask(
    input_shape: Shape,
    *,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    dilation_rate: Any = 1,
    data_format: str = "channels_last",
) -> Array:
    """
    Return which input cells each output location reads.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample, (*S, C) or (C, *S), without the batch axis.
    kernel_size, strides : int or tuple of int
        As for `localnet.interop.convert_kernel`.
    padding : {"valid", "same"} or sequence of (int, int)
        As for `localnet.interop.convert_kernel`.
    dilation_rate : int or tuple of int
        As for `localnet.interop.convert_kernel`.
    data_format : {"channels_last", "channels_first"}
        As for `localnet.interop.convert_kernel`.

    Returns
    -------
    ndarray of bool, shape (*S, *O)
        True where cell and location are connected; the same for every channel and
        filter.

    Raises
    ------
    ValueError
        If an argument breaks its rule.

    See Also
    --------
    kernel_indices : The connections one by one, with channels and filters.

    Examples
    --------
    The picture of local connectivity, cells down and locations across:

    >>> kernel_mask((4, 1), kernel_size=2).astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [0, 1, 1],
           [0, 0, 1]])
    """
    geometry = Geometry.of(
        input_shape,
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        dilation_rate=dilation_rate,
        data_format=data_format,
    )
    cells = patch_indices(replace(geometry, channels=1))
    location, tap = np.nonzero(cells >= 0)
    mask = np.zeros((math.prod(geometry.input_sizes), geometry.locations), dtype=bool)
    mask[cells[location, tap], location] = True
    return mask.reshape(*geometry.input_sizes, *geometry.output_sizes)


def kernel_indices(
    input_shape: Shape,
    *,
    filters: int,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    dilation_rate: Any = 1,
    data_format: str = "channels_last",
) -> Array:
    """
    Return the (output, input) pair of every weight of the keras3 layout.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample, (*S, C) or (C, *S), without the batch axis.
    filters : int
        F.
    kernel_size, strides : int or tuple of int
        As for `localnet.interop.convert_kernel`.
    padding : {"valid", "same"} or sequence of (int, int)
        As for `localnet.interop.convert_kernel`.
    dilation_rate : int or tuple of int
        As for `localnet.interop.convert_kernel`.
    data_format : {"channels_last", "channels_first"}
        As for `localnet.interop.convert_kernel`.

    Returns
    -------
    ndarray of int64, shape (connections, 2)
        C-order indices into one output and one input sample in the data format, in
        ascending order.

    Raises
    ------
    ValueError
        If an argument breaks its rule.

    See Also
    --------
    localnet.ops.local_conv_matrix : The sparse matrix with these indices.

    Examples
    --------
    >>> kernel_indices((3, 1), filters=1, kernel_size=2)
    array([[0, 0],
           [0, 1],
           [1, 1],
           [1, 2]])
    """
    geometry = Geometry.of(
        input_shape,
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        dilation_rate=dilation_rate,
        data_format=data_format,
    )
    filters = _validate.integer("filters", filters, minimum=1)
    return np.stack(connections(geometry, filters), axis=1)


def unit_order(geometry: Geometry) -> str:
    """Return the axes of one output sample: locations and filters as Keras has them."""
    return "lf" if geometry.channels_last else "fl"


def cells_of_units(geometry: Geometry, filters: int) -> Array:
    """Return the input index of every patch element, per unit in Keras's order."""
    cells = patch_indices(geometry)
    locations, patch_size = cells.shape
    if geometry.channels_last:
        return np.broadcast_to(cells[:, None], (locations, filters, patch_size))
    return np.broadcast_to(cells, (filters, locations, patch_size))


def connections(geometry: Geometry, filters: int) -> tuple[Array, Array]:
    """Return the output and the input index of every connection, in keras3's order."""
    # Nothing needs sorting: the cells of one patch ascend in either data format.
    units = geometry.locations * filters
    cells = cells_of_units(geometry, filters).reshape(units, geometry.patch_size)
    unit, k = np.nonzero(cells >= 0)
    return unit, cells[unit, k]


def count_connections(geometry: Geometry, filters: int) -> int:
    """Return how many weights are left when the taps on the pads are dropped."""
    return int(np.count_nonzero(patch_indices(geometry) >= 0)) * filters
