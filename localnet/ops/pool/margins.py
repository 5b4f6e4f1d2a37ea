"""Cells added around an image, or cut away from it: each the other's adjoint."""

from typing import Any, NamedTuple

import numpy as np

from ... import _arrays, _validate
from ..._typing import Array, ArrayLike, Shape
from ..runtime.workspace import Workspace
from .windows import spatial_axes, split_shape

__all__ = [
    "MarginCache",
    "constant_pad_backward",
    "constant_pad_forward",
    "crop_backward",
    "crop_forward",
]


class MarginCache(NamedTuple):
    """What the gradients need: two batches, of which one lies inside the other."""

    outer: Shape
    inner: Shape
    inside: tuple[slice, ...]
    dtype: np.dtype


def constant_pad_forward(
    x: ArrayLike,
    *,
    padding: Any,
    value: float = 0.0,
    data_format: str = "channels_last",
    workspace: Workspace | None = None,
) -> tuple[Array, MarginCache]:
    r"""
    Put cells of one value around every image.

    Parameters
    ----------
    x : array_like of shape (N, *S, C) or (N, C, *S)
        Images, with one spatial axis or more. Not modified.
    padding : int or tuple
        Cells on both sides of every axis; or for each axis a number, or a pair
        (before, after). A single axis takes its pair as it is.
    value : float
        What the cells hold.
    data_format : {"channels_last", "channels_first"}
        Where the channel axis stands.
    workspace : Workspace, optional
        Memory kept between calls; y is then valid until the next one.

    Returns
    -------
    y : ndarray of shape (N, *(before + S + after), C), or C before them
        A new array in the dtype of `x`.
    cache : MarginCache
        For `constant_pad_backward`.

    Raises
    ------
    ValueError
        If an argument breaks its rule.

    See Also
    --------
    constant_pad_backward : The gradient of this function.
    crop_forward : Takes cells away.

    Notes
    -----
    .. math::
        y_{njc} = x_{n,\,j - \mathrm{before},\,c} \quad \text{inside,} \quad
        \mathrm{value} \quad \text{elsewhere}

    Examples
    --------
    >>> y, _ = constant_pad_forward([[[1.0], [2.0]]], padding=(1, 2), value=-1.0)
    >>> y[0, :, 0]
    array([-1.,  1.,  2., -1., -1.])
    """
    x = _arrays.floats("x", x)
    data_format, sizes, _ = split_shape(x, data_format)
    margins = _validate.pairs("padding", padding, len(sizes))
    value = _validate.number("value", value)
    outer, inside = list(x.shape), [slice(None)] * x.ndim
    axes = spatial_axes(len(sizes), data_format)
    for axis, n, (before, after) in zip(axes, sizes, margins, strict=True):
        outer[axis], inside[axis] = before + n + after, slice(before, before + n)
    cache = MarginCache(tuple(outer), x.shape, tuple(inside), x.dtype)
    return _set_in(x, value, cache, _result("y", workspace, cache.outer, cache)), cache


def constant_pad_backward(
    dy: ArrayLike, cache: MarginCache, *, workspace: Workspace | None = None
) -> Array:
    r"""
    Compute the gradient of `constant_pad_forward`.

    See Also
    --------
    constant_pad_forward : The function that this differentiates.

    Notes
    -----
    .. math:: dx_{nic} = dy_{n,\,i + \mathrm{before},\,c}
    """
    _validate.instance("cache", cache, MarginCache)
    dy = _arrays.upstream(dy, cache.outer, cache.dtype)
    dx = _result("dx", workspace, cache.inner, cache)
    dx[...] = dy[cache.inside]
    return dx


def crop_forward(
    x: ArrayLike,
    *,
    cropping: Any,
    data_format: str = "channels_last",
    workspace: Workspace | None = None,
) -> tuple[Array, MarginCache]:
    r"""
    Cut cells away from the borders of every image.

    Parameters
    ----------
    x : array_like of shape (N, *S, C) or (N, C, *S)
        Images, with one spatial axis or more. Not modified.
    cropping : int or tuple
        Cells on both sides of every axis; or for each axis a number, or a pair
        (before, after). A single axis takes its pair as it is.
    data_format : {"channels_last", "channels_first"}
        Where the channel axis stands.
    workspace : Workspace, optional
        Memory kept between calls; y is then valid until the next one.

    Returns
    -------
    y : ndarray of shape (N, *(S - before - after), C), or C before them
        A copy in the dtype of `x`.
    cache : MarginCache
        For `crop_backward`.

    Raises
    ------
    ValueError
        If an argument breaks its rule, or no cell is left.

    See Also
    --------
    crop_backward : The gradient of this function.
    constant_pad_forward : Adds cells.

    Notes
    -----
    .. math:: y_{nic} = x_{n,\,i + \mathrm{before},\,c}

    Examples
    --------
    >>> crop_forward([[[1.0], [2.0], [3.0], [4.0]]], cropping=(1, 2))[0]
    array([[[2.]]])
    """
    x = _arrays.floats("x", x)
    data_format, sizes, _ = split_shape(x, data_format)
    margins = _validate.pairs("cropping", cropping, len(sizes))
    inner, inside = list(x.shape), [slice(None)] * x.ndim
    axes = spatial_axes(len(sizes), data_format)
    for axis, n, (before, after) in zip(axes, sizes, margins, strict=True):
        inner[axis], inside[axis] = n - before - after, slice(before, n - after)
    if any(inner[axis] < 1 for axis in axes):
        raise ValueError(
            f"cropping must leave at least one cell of {sizes}, got {margins}"
        )
    cache = MarginCache(x.shape, tuple(inner), tuple(inside), x.dtype)
    y = _result("y", workspace, cache.inner, cache)
    y[...] = x[cache.inside]
    return y, cache


def crop_backward(
    dy: ArrayLike, cache: MarginCache, *, workspace: Workspace | None = None
) -> Array:
    r"""
    Compute the gradient of `crop_forward`.

    See Also
    --------
    crop_forward : The function that this differentiates.

    Notes
    -----
    .. math::
        dx_{nic} = dy_{n,\,i - \mathrm{before},\,c} \quad \text{inside,} \quad
        0 \quad \text{elsewhere}
    """
    _validate.instance("cache", cache, MarginCache)
    dy = _arrays.upstream(dy, cache.inner, cache.dtype)
    return _set_in(dy, 0.0, cache, _result("dx", workspace, cache.outer, cache))


def _result(
    name: str, workspace: Workspace | None, shape: Shape, cache: MarginCache
) -> Array:
    workspace = Workspace.of(workspace)
    return workspace.result(name, shape, cache.dtype)


def _set_in(inner: Array, value: float, cache: MarginCache, out: Array) -> Array:
    """Write `inner` into `out`, with `value` around it."""
    out.fill(value)
    out[cache.inside] = inner
    return out
