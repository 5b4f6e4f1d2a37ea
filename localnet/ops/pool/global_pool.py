"""Global pooling: the maximum or the mean over all spatial axes."""

import math
from typing import NamedTuple

import numpy as np

from ... import _arrays, _validate
from ..._typing import Array, ArrayLike, Shape
from ..runtime.wide import sum_of_rows
from ..runtime.workspace import Workspace
from .windows import spatial_axes, split_shape

__all__ = [
    "GlobalAveragePoolCache",
    "GlobalMaxPoolCache",
    "global_average_pool_backward",
    "global_average_pool_forward",
    "global_max_pool_backward",
    "global_max_pool_forward",
]


class GlobalMaxPoolCache(NamedTuple):
    """What `global_max_pool_backward` needs: references, not copies."""

    x: Array
    y: Array
    axes: Shape


class GlobalAveragePoolCache(NamedTuple):
    """What `global_average_pool_backward` needs."""

    shape: Shape
    dtype: np.dtype
    axes: Shape
    keepdims: bool


def global_max_pool_forward(
    x: ArrayLike,
    *,
    keepdims: bool = False,
    data_format: str = "channels_last",
    workspace: Workspace | None = None,
) -> tuple[Array, GlobalMaxPoolCache]:
    r"""
    Take the maximum of every channel.

    Parameters
    ----------
    x : array_like of shape (N, *S, C) or (N, C, *S)
        Real images, with one spatial axis or more. Not modified.
    keepdims : bool
        Whether the spatial axes stay, with length 1.
    data_format : {"channels_last", "channels_first"}
        Where the channel axis stands.
    workspace : Workspace, optional
        Memory kept between calls; y and cache are then valid until the next one.

    Returns
    -------
    y : ndarray of shape (N, C), or of the rank of x
        Maxima, in the dtype of `x`; NaN where a channel holds one.
    cache : GlobalMaxPoolCache
        For `global_max_pool_backward`.

    Raises
    ------
    ValueError
        If `x` has no spatial axis or no cells.

    See Also
    --------
    global_max_pool_backward : The gradient of this function.

    Notes
    -----
    .. math:: y_{nc} = \max_i x_{nic}

    Examples
    --------
    >>> global_max_pool_forward([[[1.0, 5.0], [3.0, 2.0]]])[0]
    array([[3., 5.]])
    """
    x = _arrays.reals("x", x)
    axes, keepdims = _axes(x, data_format), _validate.flag("keepdims", keepdims)
    workspace = Workspace.of(workspace)
    y = workspace.result("y", _reduced_shape(x.shape, axes, keepdims), x.dtype)
    # Without `initial`, NumPy 2.0 reads negative strides wrongly where `out` is given.
    np.max(x, axis=axes, keepdims=keepdims, out=y, initial=-np.inf)
    return y, GlobalMaxPoolCache(x, y, axes)


def global_max_pool_backward(
    dy: ArrayLike, cache: GlobalMaxPoolCache, *, workspace: Workspace | None = None
) -> Array:
    r"""
    Compute the gradient of `global_max_pool_forward`: all maxima share it alike.

    See Also
    --------
    global_max_pool_forward : The function that this differentiates.

    Notes
    -----
    With m the number of cells that hold the maximum, as in TensorFlow,

    .. math:: dx_{nic} = [x_{nic} = y_{nc}] \, dy_{nc} / m_{nc}

    Where y is NaN, so is dx.
    """
    _validate.instance("cache", cache, GlobalMaxPoolCache)
    x, y, axes = cache
    dy = _arrays.upstream(dy, y.shape, y.dtype)
    kept = _reduced_shape(x.shape, axes, True)
    top = y.reshape(kept)
    workspace = Workspace.of(workspace)
    dx = workspace.result("dx", x.shape, x.dtype)
    is_top = workspace.take("is_top", x.shape, "bool")
    np.equal(x, top, out=is_top)
    number = np.count_nonzero(is_top, axis=axes, keepdims=True)
    # Not in float16, which cannot count beyond 2048.
    share = (dy.reshape(kept) / np.maximum(1, number)).astype(x.dtype)
    dx[...] = np.where(np.isnan(top), top, 0)
    np.copyto(dx, share, where=is_top)
    return dx


def global_average_pool_forward(
    x: ArrayLike,
    *,
    keepdims: bool = False,
    data_format: str = "channels_last",
    workspace: Workspace | None = None,
) -> tuple[Array, GlobalAveragePoolCache]:
    r"""
    Take the mean of every channel.

    Parameters
    ----------
    x : array_like of shape (N, *S, C) or (N, C, *S)
        Images, with one spatial axis or more. Not modified.
    keepdims : bool
        Whether the spatial axes stay, with length 1.
    data_format : {"channels_last", "channels_first"}
        Where the channel axis stands.
    workspace : Workspace, optional
        Memory kept between calls; y is then valid until the next one.

    Returns
    -------
    y : ndarray of shape (N, C), or of the rank of x
        Means, in the dtype of `x`; float16 is summed in float32.
    cache : GlobalAveragePoolCache
        For `global_average_pool_backward`.

    Raises
    ------
    ValueError
        If `x` has no spatial axis or no cells.

    See Also
    --------
    global_average_pool_backward : The gradient of this function.

    Notes
    -----
    .. math:: y_{nc} = \frac{1}{\prod S} \sum_i x_{nic}

    Examples
    --------
    >>> global_average_pool_forward([[[1.0, 5.0], [3.0, 2.0]]])[0]
    array([[2. , 3.5]])
    """
    x = _arrays.floats("x", x)
    axes, keepdims = _axes(x, data_format), _validate.flag("keepdims", keepdims)
    workspace = Workspace.of(workspace)
    y = workspace.result("y", _reduced_shape(x.shape, axes, keepdims), x.dtype)
    wide = np.result_type(x, np.float32)
    if axes[-1] < x.ndim - 1:
        rows = x.reshape(len(x), math.prod(x.shape[1:-1]), x.shape[-1])
        total = sum_of_rows(rows.astype(wide, copy=False))
    else:
        total = np.add.reduce(x, axis=axes, dtype=wide)
    total /= math.prod(x.shape[axis] for axis in axes)
    y[...] = total.reshape(y.shape)
    return y, GlobalAveragePoolCache(x.shape, x.dtype, axes, bool(keepdims))


def global_average_pool_backward(
    dy: ArrayLike, cache: GlobalAveragePoolCache, *, workspace: Workspace | None = None
) -> Array:
    r"""
    Compute the gradient of `global_average_pool_forward`.

    See Also
    --------
    global_average_pool_forward : The function that this differentiates.

    Notes
    -----
    .. math:: dx_{nic} = dy_{nc} / \prod S
    """
    _validate.instance("cache", cache, GlobalAveragePoolCache)
    shape, dtype, axes, keepdims = cache
    dy = _arrays.upstream(dy, _reduced_shape(shape, axes, keepdims), dtype)
    workspace = Workspace.of(workspace)
    dx = workspace.result("dx", shape, dtype)
    cells = math.prod(shape[axis] for axis in axes)
    wide = np.result_type(dtype, np.float32)
    share = dy.reshape(_reduced_shape(shape, axes, True)).astype(wide) / cells
    dx[...] = share
    return dx


def _axes(x: Array, data_format: str) -> Shape:
    data_format, sizes, _ = split_shape(x, data_format)
    if 0 in sizes:
        raise ValueError(
            f"x must have at least one cell along every spatial axis, got {x.shape}"
        )
    return spatial_axes(len(sizes), data_format)


def _reduced_shape(shape: Shape, axes: Shape, keepdims: bool) -> Shape:
    if keepdims:
        return tuple(1 if axis in axes else n for axis, n in enumerate(shape))
    return tuple(n for axis, n in enumerate(shape) if axis not in axes)
