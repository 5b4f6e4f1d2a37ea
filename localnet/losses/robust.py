"""Losses that grow only linearly with large differences."""

import math
from typing import NamedTuple

import numpy as np

from .. import _validate
from .._typing import Array, ArrayLike
from .targets import LossCache, match, mean_backward

__all__ = [
    "huber",
    "huber_backward",
    "huber_forward",
    "log_cosh",
    "log_cosh_backward",
    "log_cosh_forward",
]


class HuberCache(NamedTuple):
    """What `huber_backward` needs."""

    pair: LossCache
    delta: float


def huber(y_true: ArrayLike, y_pred: ArrayLike, delta: float = 1.0) -> Array:
    r"""
    Average a loss that is quadratic for small and linear for large differences.

    Parameters
    ----------
    y_true : array_like
        Targets, of a shape that broadcasts with that of `y_pred`.
    y_pred : array_like of shape (..., C)
        Predictions. Not modified.
    delta : float
        The difference, > 0, at which the two parts meet.

    Returns
    -------
    ndarray of shape (...)
        One value per sample, in the dtype of `y_pred`.

    Raises
    ------
    ValueError
        If the shapes do not fit each other or `delta` is not such a number.

    See Also
    --------
    huber_backward : The gradient.
    Huber : The same with weights and a reduction.

    Notes
    -----
    .. math:: l = \frac{1}{C} \sum_c
        \begin{cases}
        \frac{1}{2} e_c^2 & |e_c| \le \delta \\
        \delta |e_c| - \frac{1}{2} \delta^2 & \text{otherwise}
        \end{cases}
        \qquad e_c = p_c - t_c

    Keras rounds `delta` to its default float type, float32; here it is exact.

    References
    ----------
    .. [1] P. J. Huber, "Robust estimation of a location parameter", The Annals of
       Mathematical Statistics 35 (1), 1964.

    Examples
    --------
    >>> huber([[0.0, 0.0]], np.array([[1.0, 3.0]]))
    array([1.5])
    """
    return huber_forward(y_true, y_pred, delta)[0]


def huber_forward(
    y_true: ArrayLike, y_pred: ArrayLike, delta: float = 1.0
) -> tuple[Array, HuberCache]:
    """
    Compute `huber`, and keep what its gradient needs.

    See Also
    --------
    huber_backward : The gradient of this function.
    """
    delta = _validate.number("delta", delta, minimum=0.0, open_minimum=True)
    pair = match(y_true, y_pred)
    size = np.abs(pair.y_pred - pair.y_true)
    bend = np.minimum(size, delta)
    return np.mean(bend * (size - 0.5 * bend), axis=-1), HuberCache(pair, delta)


def huber_backward(dy: ArrayLike, cache: HuberCache) -> Array:
    r"""
    Compute the gradient of `huber` with respect to `y_pred`.

    See Also
    --------
    huber : The function that this differentiates.

    Notes
    -----
    .. math:: dp_c = \frac{dy}{C} \max(-\delta, \min(p_c - t_c, \delta))
    """
    _validate.instance("cache", cache, HuberCache)
    pair, delta = cache
    return mean_backward(dy, np.clip(pair.y_pred - pair.y_true, -delta, delta), pair)


def log_cosh(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    r"""
    Average the logarithm of the hyperbolic cosine of the differences.

    Parameters
    ----------
    y_true : array_like
        Targets, of a shape that broadcasts with that of `y_pred`.
    y_pred : array_like of shape (..., C)
        Predictions. Not modified.

    Returns
    -------
    ndarray of shape (...)
        One value per sample, in the dtype of `y_pred`.

    Raises
    ------
    ValueError
        If the shapes do not fit each other; the message names both.

    See Also
    --------
    log_cosh_backward : The gradient.
    LogCosh : The same with weights and a reduction.

    Notes
    -----
    .. math:: l = \frac{1}{C} \sum_c \log \cosh e_c
        = \frac{1}{C} \sum_c (|e_c| + \log(1 + e^{-2 |e_c|}) - \log 2),
        \qquad e_c = p_c - t_c

    The second form does not overflow. Keras rounds :math:`\log 2` to float32, which
    lifts its float64 values by 1.9e-9; here it is exact.

    Examples
    --------
    >>> log_cosh([[0.0]], np.array([[1000.0]])) + np.log(2.0)
    array([1000.])
    """
    return log_cosh_forward(y_true, y_pred)[0]


def log_cosh_forward(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, LossCache]:
    """
    Compute `log_cosh`, and keep what its gradient needs.

    See Also
    --------
    log_cosh_backward : The gradient of this function.
    """
    cache = match(y_true, y_pred)
    size = np.abs(cache.y_pred - cache.y_true)
    elements = size + np.log1p(np.exp(-2 * size)) - math.log(2)
    return np.mean(elements, axis=-1), cache


def log_cosh_backward(dy: ArrayLike, cache: LossCache) -> Array:
    r"""
    Compute the gradient of `log_cosh` with respect to `y_pred`.

    See Also
    --------
    log_cosh : The function that this differentiates.

    Notes
    -----
    .. math:: dp_c = \frac{dy}{C} \tanh(p_c - t_c)
    """
    _validate.instance("cache", cache, LossCache)
    return mean_backward(dy, np.tanh(cache.y_pred - cache.y_true), cache)
