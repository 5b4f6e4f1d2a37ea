"""
Tables of flat indices: which cell of a sample stands where.

In a table, -1 stands for a cell that is not in the sample. Strides, pads, dilation,
data formats and the order of a patch are all in it, so that a target needs to know how
to gather and nothing else.
"""

import math
from typing import Any

import numpy as np

from .._typing import Array, Shape
from ..geometry import Geometry
from ..layers import Layer
from ..ops.patches import patch_indices

__all__ = ["bilinear", "cells_of_layer", "tiles", "transposed", "windows"]


def windows(geometry: Geometry) -> Array:
    """
    Return which cells each location reads.

    Parameters
    ----------
    geometry : Geometry
        The windows.

    Returns
    -------
    ndarray of int64, shape (L, K)
        Flat indices into a sample, in Keras's order of a patch; -1 on a pad.

    Examples
    --------
    >>> windows(Geometry.of((3, 1), kernel_size=3, padding="same"))
    array([[-1,  0,  1],
           [ 0,  1,  2],
           [ 1,  2, -1]])
    """
    return np.asarray(patch_indices(geometry), np.int64)


def tiles(geometry: Geometry) -> bool:
    """
    Tell whether the windows cut the input into tiles, so that no gather is needed.

    Parameters
    ----------
    geometry : Geometry
        The windows.

    Returns
    -------
    bool
        Whether every cell is read exactly once.

    Examples
    --------
    >>> tiles(Geometry.of((6, 1), kernel_size=3, strides=3))
    True
    >>> tiles(Geometry.of((7, 1), kernel_size=3, strides=3))
    False
    """
    g = geometry
    dilated = zip(g.dilation_rate, g.kernel_size, strict=True)
    return (
        g.strides == g.kernel_size
        and all(d == 1 or r == 1 for d, r in dilated)
        and not g.has_pads
        and all(n % s == 0 for n, s in zip(g.input_sizes, g.strides, strict=True))
    )


def transposed(geometry: Geometry) -> Array:
    """
    Return which products each cell of a transposed layer's output is the sum of.

    Parameters
    ----------
    geometry : Geometry
        Of the layer that runs backwards: its input is the output.

    Returns
    -------
    ndarray of int64, shape (prod(S)*F, M)
        Flat indices into (L, K), ascending; rows are filled up with -1.

    Examples
    --------
    >>> transposed(Geometry.of((3, 1), kernel_size=2))
    array([[ 0, -1],
           [ 1,  2],
           [ 3, -1]])
    """
    cells = windows(geometry).ravel()
    (taps,) = np.nonzero(cells >= 0)
    order = taps[np.argsort(cells[taps], kind="stable")]
    owner = cells[order]
    count = np.bincount(owner, minlength=math.prod(geometry.input_shape))
    first = np.cumsum(count) - count
    table = np.full((len(count), max(1, int(count.max(initial=0)))), -1)
    table[owner, np.arange(len(owner)) - first[owner]] = order
    return table


def cells_of_layer(layer: Layer, sample_shape: Shape, **changes: Any) -> Array:
    """
    Return where a layer that only moves cells takes each of its outputs from.

    Indices go through the layer in the place of values.

    Parameters
    ----------
    layer : Layer
        Which gives cells of its input, or zeros.
    sample_shape : tuple of int
        Of its input.
    **changes
        What the twin that is tried has other than the layer.

    Returns
    -------
    ndarray of int64
        Of the shape of a sample of the output; -1 where it is not from the input.

    Examples
    --------
    >>> from localnet.layers import ZeroPadding1D
    >>> cells_of_layer(ZeroPadding1D(1), (2, 1)).ravel()
    array([-1,  0,  1, -1])
    """
    config = {**layer.get_config(), "dtype": "float64", **changes}
    twin = type(layer).from_config(config)
    numbers = 1.0 + np.arange(math.prod(sample_shape)).reshape(1, *sample_shape)
    cells: Array = np.asarray(twin(numbers))[0].astype(np.int64) - 1
    return cells


def bilinear(sizes: Shape, factors: Shape) -> tuple[Array, Array]:
    """
    Return what bilinear upsampling takes for each cell, and how much of it.

    Parameters
    ----------
    sizes : tuple of int
        Of the image.
    factors : tuple of int
        How much larger it gets, along each axis.

    Returns
    -------
    cells : ndarray of int64, shape (*outputs, taps)
        Flat indices into the image.
    shares : ndarray of float64, shape (*outputs, taps)
        Which sum to 1.

    Examples
    --------
    >>> cells, shares = bilinear((2,), (2,))
    >>> cells.tolist()
    [[0, 0], [0, 1], [0, 1], [1, 1]]
    >>> shares.tolist()
    [[0.25, 0.75], [0.75, 0.25], [0.25, 0.75], [0.75, 0.25]]
    """
    cells: Array = np.zeros((1,), np.int64)
    shares: Array = np.ones((1,))
    for size, factor in zip(sizes, factors, strict=True):
        centre = (np.arange(size * factor) + 0.5) / factor - 0.5
        below = np.floor(centre).astype(np.int64)
        pair = np.clip(np.stack([below, below + 1], -1), 0, size - 1)
        share = np.stack([1 - (centre - below), centre - below], -1)
        rest = cells.ndim - 1
        pair = np.expand_dims(pair, (*range(rest), -2))
        share = np.expand_dims(share, (*range(rest), -2))
        cells = (cells[..., None, :, None] * size + pair).reshape(
            *cells.shape[:-1], size * factor, -1
        )
        shares = (shares[..., None, :, None] * share).reshape(cells.shape)
    return cells, shares
