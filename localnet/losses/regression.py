"""Losses of the difference between two numbers."""

import numpy as np

from .. import _validate
from .._typing import Array, ArrayLike
from .targets import LossCache, match, mean_backward

__all__ = [
    "mean_absolute_error",
    "mean_absolute_error_backward",
    "mean_absolute_error_forward",
    "mean_absolute_percentage_error",
    "mean_absolute_percentage_error_backward",
    "mean_absolute_percentage_error_forward",
    "mean_squared_error",
    "mean_squared_error_backward",
    "mean_squared_error_forward",
    "mean_squared_logarithmic_error",
    "mean_squared_logarithmic_error_backward",
    "mean_squared_logarithmic_error_forward",
]


def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    r"""
    Average the squared differences of each sample.

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
    mean_squared_error_backward : The gradient.
    MeanSquaredError : The same with weights and a reduction.

    Notes
    -----
    .. math:: l = \frac{1}{C} \sum_c (p_c - t_c)^2

    Examples
    --------
    >>> mean_squared_error([[0.0, 1.0]], np.array([[2.0, 1.0]]))
    array([2.])
    """
    return mean_squared_error_forward(y_true, y_pred)[0]


def mean_squared_error_forward(
    y_true: ArrayLike, y_pred: ArrayLike
) -> tuple[Array, LossCache]:
    """
    Compute `mean_squared_error`, and keep what its gradient needs.

    See Also
    --------
    mean_squared_error_backward : The gradient of this function.
    """
    cache = match(y_true, y_pred)
    return np.mean((cache.y_pred - cache.y_true) ** 2, axis=-1), cache


def mean_squared_error_backward(dy: ArrayLike, cache: LossCache) -> Array:
    r"""
    Compute the gradient of `mean_squared_error` with respect to `y_pred`.

    See Also
    --------
    mean_squared_error : The function that this differentiates.

    Notes
    -----
    .. math:: dp_c = \frac{dy}{C} \, 2 (p_c - t_c)
    """
    _validate.instance("cache", cache, LossCache)
    return mean_backward(dy, 2 * (cache.y_pred - cache.y_true), cache)


def mean_absolute_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    r"""
    Average the absolute differences of each sample.

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
    mean_absolute_error_backward : The gradient, 0 at the kink.
    MeanAbsoluteError : The same with weights and a reduction.

    Notes
    -----
    .. math:: l = \frac{1}{C} \sum_c |p_c - t_c|

    Examples
    --------
    >>> mean_absolute_error([[0.0, 1.0]], np.array([[2.0, 1.0]]))
    array([1.])
    """
    return mean_absolute_error_forward(y_true, y_pred)[0]


def mean_absolute_error_forward(
    y_true: ArrayLike, y_pred: ArrayLike
) -> tuple[Array, LossCache]:
    """
    Compute `mean_absolute_error`, and keep what its gradient needs.

    See Also
    --------
    mean_absolute_error_backward : The gradient of this function.
    """
    cache = match(y_true, y_pred)
    return np.mean(np.abs(cache.y_pred - cache.y_true), axis=-1), cache


def mean_absolute_error_backward(dy: ArrayLike, cache: LossCache) -> Array:
    r"""
    Compute the gradient of `mean_absolute_error` with respect to `y_pred`.

    See Also
    --------
    mean_absolute_error : The function that this differentiates.

    Notes
    -----
    .. math:: dp_c = \frac{dy}{C} \operatorname{sign}(p_c - t_c), \quad
        \operatorname{sign}(0) = 0
    """
    _validate.instance("cache", cache, LossCache)
    return mean_backward(dy, np.sign(cache.y_pred - cache.y_true), cache)


def mean_absolute_percentage_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    r"""
    Average the differences of each sample in percent of the targets.

    Parameters
    ----------
    y_true : array_like
        Targets, of a shape that broadcasts with that of `y_pred`.
    y_pred : array_like of shape (..., C)
        Predictions. Not modified.

    Returns
    -------
    ndarray of shape (...)
        One value per sample, in percent, in the dtype of `y_pred`.

    Raises
    ------
    ValueError
        If the shapes do not fit each other; the message names both.

    See Also
    --------
    mean_absolute_percentage_error_backward : The gradient, 0 at the kink.
    MeanAbsolutePercentageError : The same with weights and a reduction.

    Notes
    -----
    .. math:: l = \frac{100}{C} \sum_c
        \frac{|t_c - p_c|}{\max(|t_c|, \epsilon)}

    with :math:`\epsilon` from `localnet.config.epsilon`.

    Examples
    --------
    >>> mean_absolute_percentage_error([[4.0, -1.0]], np.array([[3.0, -1.0]]))
    array([12.5])
    """
    return mean_absolute_percentage_error_forward(y_true, y_pred)[0]


def mean_absolute_percentage_error_forward(
    y_true: ArrayLike, y_pred: ArrayLike
) -> tuple[Array, LossCache]:
    """
    Compute `mean_absolute_percentage_error`, and keep what its gradient needs.

    See Also
    --------
    mean_absolute_percentage_error_backward : The gradient of this function.
    """
    cache = match(y_true, y_pred)
    scale = np.maximum(np.abs(cache.y_true), cache.epsilon)
    ratios = np.abs((cache.y_true - cache.y_pred) / scale)
    return 100 * np.mean(ratios, axis=-1), cache


def mean_absolute_percentage_error_backward(dy: ArrayLike, cache: LossCache) -> Array:
    r"""
    Compute the gradient of `mean_absolute_percentage_error` with respect to `y_pred`.

    See Also
    --------
    mean_absolute_percentage_error : The function that this differentiates.

    Notes
    -----
    .. math:: dp_c = \frac{dy}{C} \,
        \frac{100 \operatorname{sign}(p_c - t_c)}{\max(|t_c|, \epsilon)}
    """
    _validate.instance("cache", cache, LossCache)
    scale = np.maximum(np.abs(cache.y_true), cache.epsilon)
    return mean_backward(dy, 100 * np.sign(cache.y_pred - cache.y_true) / scale, cache)


def mean_squared_logarithmic_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    r"""
    Average the squared differences of logarithms of each sample.

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
    mean_squared_logarithmic_error_backward : The gradient, 0 below the clip.
    MeanSquaredLogarithmicError : The same with weights and a reduction.

    Notes
    -----
    .. math:: l = \frac{1}{C} \sum_c (\log(\max(p_c, \epsilon) + 1)
        - \log(\max(t_c, \epsilon) + 1))^2

    with :math:`\epsilon` from `localnet.config.epsilon`: everything below it is the
    same to this loss.

    Examples
    --------
    >>> mean_squared_logarithmic_error([[1.0]], np.array([[3.0]])) / np.log(2.0) ** 2
    array([1.])
    """
    return mean_squared_logarithmic_error_forward(y_true, y_pred)[0]


def mean_squared_logarithmic_error_forward(
    y_true: ArrayLike, y_pred: ArrayLike
) -> tuple[Array, LossCache]:
    """
    Compute `mean_squared_logarithmic_error`, and keep what its gradient needs.

    See Also
    --------
    mean_squared_logarithmic_error_backward : The gradient of this function.
    """
    cache = match(y_true, y_pred)
    return np.mean(_log_difference(cache) ** 2, axis=-1), cache


def _log_difference(cache: LossCache) -> Array:
    log_pred = np.log(np.maximum(cache.y_pred, cache.epsilon) + 1)
    log_true = np.log(np.maximum(cache.y_true, cache.epsilon) + 1)
    difference: Array = log_pred - log_true
    return difference


def mean_squared_logarithmic_error_backward(dy: ArrayLike, cache: LossCache) -> Array:
    r"""
    Compute the gradient of `mean_squared_logarithmic_error` with respect to `y_pred`.

    See Also
    --------
    mean_squared_logarithmic_error : The function that this differentiates.

    Notes
    -----
    .. math:: dp_c = \frac{dy}{C} \, \frac{2}{p_c + 1}
        (\log(p_c + 1) - \log(\max(t_c, \epsilon) + 1))
        \quad \text{where } p_c \ge \epsilon, \text{ else } 0
    """
    _validate.instance("cache", cache, LossCache)
    p = np.maximum(cache.y_pred, cache.epsilon)
    slope = np.where(cache.y_pred >= cache.epsilon, 2 * _log_difference(cache), 0)
    return mean_backward(dy, slope / (p + 1), cache)
