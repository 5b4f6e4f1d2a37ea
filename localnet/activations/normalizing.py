"""Activations that normalise along an axis: each output depends on all its inputs."""

from typing import NamedTuple, TypeAlias

import numpy as np

from .. import _arrays, _validate
from .._typing import Array, ArrayLike, Shape
from ..ops import stable

__all__ = [
    "log_softmax",
    "log_softmax_backward",
    "log_softmax_forward",
    "softmax",
    "softmax_backward",
    "softmax_forward",
]

Axis: TypeAlias = int | tuple[int, ...]


class SoftmaxCache(NamedTuple):
    """What a backward needs: a reference to `y`, and the axes of the sum."""

    y: Array
    axes: Shape


def softmax(x: ArrayLike, axis: Axis = -1) -> Array:
    r"""
    Turn logits into probabilities that sum to one.

    Parameters
    ----------
    x : array_like
        Logits, of rank 2 or more. Not modified.
    axis : int or tuple of int
        Axis of the classes, or the axes over which the probabilities sum to one.

    Returns
    -------
    ndarray
        Same shape and dtype as `x`: probabilities.

    Raises
    ------
    ValueError
        If `x` has fewer than two axes, or `axis` does not name distinct axes of `x`.

    See Also
    --------
    softmax_backward : The gradient.
    log_softmax : The logarithm of this, where small probabilities matter.
    sigmoid : The case of two classes, one of which has the logit 0.

    Notes
    -----
    .. math:: y_i = \frac{e^{x_i}}{\sum_j e^{x_j}}

    The largest logit is subtracted first, which changes nothing in exact arithmetic and
    prevents overflow. As in Keras, the default is the *last* axis, even if a layer has
    its channels first, and an array of rank 1 is refused.

    Examples
    --------
    >>> softmax([[0.0, np.log(3.0)], [1000.0, 1000.0]])
    array([[0.25, 0.75],
           [0.5 , 0.5 ]])
    """
    return softmax_forward(x, axis)[0]


def softmax_forward(x: ArrayLike, axis: Axis = -1) -> tuple[Array, SoftmaxCache]:
    """
    Compute `softmax`, and keep what its gradient needs.

    See Also
    --------
    softmax_backward : The gradient of this function.
    """
    x = _arrays.floats("x", x)
    if x.ndim < 2:
        raise ValueError(f"x must have at least two axes, got shape {x.shape}")
    axes = _axes(axis, x.shape)
    y = stable.softmax(x, axes)
    return y, SoftmaxCache(y, axes)


def softmax_backward(dy: ArrayLike, cache: SoftmaxCache) -> Array:
    r"""
    Compute the gradient of `softmax` with respect to `x`.

    See Also
    --------
    softmax : The function that this differentiates.

    Notes
    -----
    .. math:: dx_i = y_i \, (dy_i - \sum_j dy_j y_j)
    """
    _validate.instance("cache", cache, SoftmaxCache)
    y, axes = cache
    dy = _arrays.upstream(dy, y.shape, y.dtype)
    dx: Array = y * (dy - (dy * y).sum(axis=axes, keepdims=True))
    return dx


def log_softmax(x: ArrayLike, axis: Axis = -1) -> Array:
    r"""
    Compute the logarithm of the softmax without losing small probabilities.

    Parameters
    ----------
    x : array_like
        Logits, of rank 1 or more. Not modified.
    axis : int or tuple of int
        Axis of the classes, or the axes over which the probabilities sum to one.

    Returns
    -------
    ndarray
        Same shape and dtype as `x`: log-probabilities in nats, never positive.

    Raises
    ------
    ValueError
        If `axis` does not name distinct axes of `x`.

    See Also
    --------
    log_softmax_backward : The gradient.
    softmax : The probabilities themselves.

    Notes
    -----
    .. math:: y_i = x_i - \log \sum_j e^{x_j}

    The largest logit is subtracted first, which prevents overflow.

    Examples
    --------
    >>> np.exp(log_softmax([0.0, np.log(3.0)]))
    array([0.25, 0.75])
    >>> log_softmax([0.0, 1000.0])
    array([-1000.,     0.])
    """
    return log_softmax_forward(x, axis)[0]


def log_softmax_forward(x: ArrayLike, axis: Axis = -1) -> tuple[Array, SoftmaxCache]:
    """
    Compute `log_softmax`, and keep what its gradient needs.

    See Also
    --------
    log_softmax_backward : The gradient of this function.
    """
    x = _arrays.floats("x", x)
    axes = _axes(axis, x.shape)
    y = stable.log_softmax(x, axes)
    return y, SoftmaxCache(y, axes)


def log_softmax_backward(dy: ArrayLike, cache: SoftmaxCache) -> Array:
    r"""
    Compute the gradient of `log_softmax` with respect to `x`.

    See Also
    --------
    log_softmax : The function that this differentiates.

    Notes
    -----
    .. math:: dx_i = dy_i - e^{y_i} \sum_j dy_j
    """
    _validate.instance("cache", cache, SoftmaxCache)
    y, axes = cache
    dy = _arrays.upstream(dy, y.shape, y.dtype)
    dx: Array = dy - np.exp(y) * dy.sum(axis=axes, keepdims=True)
    return dx


def _axes(axis: Axis, shape: Shape) -> Shape:
    """Return `axis` as a tuple of numbers that are not negative."""
    if type(axis) is int and axis == -1 and shape:  # what is used most
        return (len(shape) - 1,)
    ndim = len(shape)
    try:
        one = isinstance(axis, (int, np.integer))
        given = [axis] if one else _validate.items("axis", axis, "several")
        axes = tuple(
            _validate.integer("axis", each, minimum=-ndim, maximum=ndim - 1) % ndim
            for each in given
        )
    except ValueError:
        axes = ()
    if not 0 < len(set(axes)) == len(axes):
        raise ValueError(
            f"axis must name distinct axes of x, {shape}, got {_validate.shown(axis)}"
        )
    return axes
