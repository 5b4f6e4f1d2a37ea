"""Larger images: every cell repeated, or values between neighbours."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ... import _arrays, _validate
from ..._typing import Array, ArrayLike, Shape
from ...geometry import Geometry
from ..runtime.cuts import slices
from ..runtime.workspace import Workspace
from .windows import spatial_axes, split_shape, sum_windows

__all__ = ["INTERPOLATIONS", "UpsampleCache", "upsample_backward", "upsample_forward"]

# Bytes of the images in a piece.
PIECE = 1 << 18
INTERPOLATIONS = ("nearest", "bilinear")


class UpsampleCache(NamedTuple):
    """What `upsample_backward` needs."""

    shape: Shape
    dtype: np.dtype
    size: Shape
    interpolation: str
    data_format: str


def upsample_forward(
    x: ArrayLike,
    *,
    size: Any,
    interpolation: str = "nearest",
    data_format: str = "channels_last",
    workspace: Workspace | None = None,
) -> tuple[Array, UpsampleCache]:
    r"""
    Make every image larger by whole factors.

    Parameters
    ----------
    x : array_like of shape (N, *S, C) or (N, C, *S)
        Images, with one spatial axis or more. Not modified.
    size : int or tuple of int
        Factor along every spatial axis.
    interpolation : {"nearest", "bilinear"}
        Whether cells are repeated, or lie on straight lines between the centres of the
        old cells and keep the value of the outermost ones beyond; with one or three
        axes these lines are drawn along each of them, too.
    data_format : {"channels_last", "channels_first"}
        Where the channel axis stands.
    workspace : Workspace, optional
        Memory kept between calls; y is then valid until the next one.

    Returns
    -------
    y : ndarray of shape (N, *(size*S), C) or (N, C, *(size*S))
        A new array in the dtype of `x`.
    cache : UpsampleCache
        For `upsample_backward`.

    Raises
    ------
    ValueError
        If an argument breaks its rule.

    See Also
    --------
    upsample_backward : The gradient of this function.

    Notes
    -----
    Along one axis, with factor s, and old cells beyond the ends equal to the last ones,

    .. math::
        y_j = x_{\lfloor j/s \rfloor} \quad \text{or} \quad
        y_j = (1 - f) x_i + f x_{i+1}, \quad
        i + f = (j + \tfrac12)/s - \tfrac12, \quad 0 \le f < 1

    Examples
    --------
    >>> x = [[[0.0], [4.0]]]
    >>> upsample_forward(x, size=2)[0][0, :, 0]
    array([0., 0., 4., 4.])
    >>> upsample_forward(x, size=2, interpolation="bilinear")[0][0, :, 0]
    array([0., 1., 3., 4.])
    """
    x = _arrays.floats("x", x)
    data_format, sizes, _ = split_shape(x, data_format)
    size = _validate.sizes("size", size, len(sizes))
    interpolation = _validate.choice("interpolation", interpolation, INTERPOLATIONS)
    cache = UpsampleCache(x.shape, x.dtype, size, interpolation, data_format)
    workspace = Workspace.of(workspace)
    y = workspace.result("y", _larger_shape(cache), x.dtype)
    if interpolation == "nearest":
        # Each old cell has axes of its own in y, along which it is repeated.
        blocks, alone = list(x.shape), list(x.shape)
        for axis, s in _reversed_axes(cache):
            blocks.insert(axis + 1, s)
            alone.insert(axis + 1, 1)
        y.reshape(blocks)[...] = x.reshape(alone)
        return y, cache
    for piece in _pieces(x):
        values = x[piece]
        for axis, s in _reversed_axes(cache):
            values = _between(values, axis, s)
        y[piece] = values
    return y, cache


def upsample_backward(
    dy: ArrayLike, cache: UpsampleCache, *, workspace: Workspace | None = None
) -> Array:
    r"""
    Compute the gradient of `upsample_forward`.

    See Also
    --------
    upsample_forward : The function that this differentiates.

    Notes
    -----
    Along one axis, and with what belongs to old cells beyond the ends added to the last
    ones,

    .. math::
        dx_i = \sum_{j:\ \lfloor j/s \rfloor = i} dy_j \quad \text{or} \quad
        dx_i = \sum_j ((1 - f_j) [i_j = i] + f_j [i_j + 1 = i]) dy_j
    """
    _validate.instance("cache", cache, UpsampleCache)
    dy = _arrays.upstream(dy, _larger_shape(cache), cache.dtype)
    workspace = Workspace.of(workspace)
    dx = workspace.result("dx", cache.shape, cache.dtype)
    if not dx.size:
        return dx
    if cache.interpolation == "nearest":
        geometry = Geometry.of(
            dy.shape[1:],
            kernel_size=cache.size,
            strides=cache.size,
            data_format=cache.data_format,
        )
        return sum_windows(dy, geometry, dx)
    for piece in _pieces(dx):
        values = dy[piece]
        for axis, s in reversed(list(_reversed_axes(cache))):
            values = _between_adjoint(values, axis, s)
        dx[piece] = values
    return dx


def _reversed_axes(cache: UpsampleCache) -> Iterator[tuple[int, int]]:
    """Yield each spatial axis with its factor, the last axis first."""
    axes = spatial_axes(len(cache.size), cache.data_format)
    return zip(reversed(axes), reversed(cache.size), strict=True)


def _larger_shape(cache: UpsampleCache) -> Shape:
    shape = list(cache.shape)
    for axis, s in _reversed_axes(cache):
        shape[axis] *= s
    return tuple(shape)


def _pieces(x: Array) -> Iterator[slice]:
    """Cut a batch, so that what lies between two axes' turns stays in cache."""
    return slices(len(x), max(1, PIECE * len(x) // max(1, x.nbytes)))


def _phases(s: int) -> Iterator[tuple[int, int, float]]:
    """Yield (p, i, f) of the new cells ``j = q*s + p``: they lie f beyond ``q + i``."""
    for p in range(s):
        centre = (2 * p + 1 - s) / (2 * s)
        below = math.floor(centre)
        yield p, below, centre - below


def _along(axis: int, index: Any) -> tuple[Any, ...]:
    return (*[slice(None)] * axis, index)


def _between(x: Array, axis: int, s: int) -> Array:
    """Interpolate along one axis."""
    n = x.shape[axis]
    ends = [x[_along(axis, slice(1))], x, x[_along(axis, slice(n - 1, n))]]
    longer = np.concatenate(ends, axis)  # old cell q stands at q + 1
    y = np.empty((*x.shape[: axis + 1], s, *x.shape[axis + 1 :]), x.dtype)
    for p, i, f in _phases(s):
        below = longer[_along(axis, slice(i + 1, i + 1 + n))]
        above = longer[_along(axis, slice(i + 2, i + 2 + n))]
        y[_along(axis + 1, p)] = below * (1 - f) + above * f if f else below
    return y.reshape(*x.shape[:axis], n * s, *x.shape[axis + 1 :])


def _between_adjoint(dy: Array, axis: int, s: int) -> Array:
    """Return the adjoint of `_between` at `dy`."""
    n = dy.shape[axis] // s
    before, after = dy.shape[:axis], dy.shape[axis + 1 :]
    blocks = dy.reshape(*before, n, s, *after)
    dlonger = np.zeros((*before, n + 2, *after), dy.dtype)
    for p, i, f in _phases(s):
        dphase = blocks[_along(axis + 1, p)]
        dlonger[_along(axis, slice(i + 1, i + 1 + n))] += dphase * (1 - f)
        if f:
            dlonger[_along(axis, slice(i + 2, i + 2 + n))] += dphase * f
    dx: Array = dlonger[_along(axis, slice(1, n + 1))]
    dx[_along(axis, slice(1))] += dlonger[_along(axis, slice(1))]
    dx[_along(axis, slice(n - 1, n))] += dlonger[_along(axis, slice(n + 1, n + 2))]
    return dx
