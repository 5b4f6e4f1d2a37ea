"""Losses that ask for a margin between right and wrong."""

import numpy as np

from .. import _validate
from .._typing import Array, ArrayLike
from .targets import LossCache, expanded_upstream, match, mean_backward, unbroadcast

__all__ = [
    "categorical_hinge",
    "categorical_hinge_backward",
    "categorical_hinge_forward",
    "hinge",
    "hinge_backward",
    "hinge_forward",
    "squared_hinge",
    "squared_hinge_backward",
    "squared_hinge_forward",
]


def _match_signs(y_true: ArrayLike, y_pred: ArrayLike) -> LossCache:
    """Match targets of -1 and 1; if every one is 0 or 1, then 0 stands for -1."""
    cache = match(y_true, y_pred)
    t = cache.y_true
    is_binary = np.all((t == 0) | (t == 1))
    return cache._replace(y_true=2 * t - 1) if is_binary else cache


def hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    r"""
    Average by how much each prediction misses a margin of 1 on its side.

    Parameters
    ----------
    y_true : array_like
        Targets -1 and 1, of a shape that broadcasts with that of `y_pred`. If all of
        them are 0 or 1, 0 is read as -1.
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
    hinge_backward : The gradient, which passes at the kink.
    Hinge : The same with weights and a reduction.

    Notes
    -----
    .. math:: l = \frac{1}{C} \sum_c \max(1 - t_c p_c, 0)

    As in Keras, whether targets are read as 0 and 1 is decided for the whole batch.

    Examples
    --------
    >>> hinge([[1, -1]], np.array([[0.5, -2.0]]))
    array([0.25])
    >>> hinge([[1, 0]], np.array([[0.5, -2.0]]))
    array([0.25])
    """
    return hinge_forward(y_true, y_pred)[0]


def hinge_forward(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, LossCache]:
    """
    Compute `hinge`, and keep what its gradient needs.

    See Also
    --------
    hinge_backward : The gradient of this function.
    """
    cache = _match_signs(y_true, y_pred)
    return np.mean(np.maximum(1 - cache.y_true * cache.y_pred, 0), axis=-1), cache


def hinge_backward(dy: ArrayLike, cache: LossCache) -> Array:
    r"""
    Compute the gradient of `hinge` with respect to `y_pred`.

    See Also
    --------
    hinge : The function that this differentiates.

    Notes
    -----
    .. math:: dp_c = -\frac{dy}{C} \, t_c
        \quad \text{where } t_c p_c \le 1, \text{ else } 0
    """
    _validate.instance("cache", cache, LossCache)
    t = cache.y_true
    return mean_backward(dy, np.where(1 - t * cache.y_pred >= 0, -t, 0), cache)


def squared_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    r"""
    Average the squares of what each prediction lacks of a margin of 1.

    Parameters
    ----------
    y_true : array_like
        Targets -1 and 1, of a shape that broadcasts with that of `y_pred`. If all of
        them are 0 or 1, 0 is read as -1.
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
    squared_hinge_backward : The gradient.
    SquaredHinge : The same with weights and a reduction.

    Notes
    -----
    .. math:: l = \frac{1}{C} \sum_c \max(1 - t_c p_c, 0)^2

    Examples
    --------
    >>> squared_hinge([[1, -1]], np.array([[0.0, -2.0]]))
    array([0.5])
    """
    return squared_hinge_forward(y_true, y_pred)[0]


def squared_hinge_forward(
    y_true: ArrayLike, y_pred: ArrayLike
) -> tuple[Array, LossCache]:
    """
    Compute `squared_hinge`, and keep what its gradient needs.

    See Also
    --------
    squared_hinge_backward : The gradient of this function.
    """
    cache = _match_signs(y_true, y_pred)
    return np.mean(np.maximum(1 - cache.y_true * cache.y_pred, 0) ** 2, axis=-1), cache


def squared_hinge_backward(dy: ArrayLike, cache: LossCache) -> Array:
    r"""
    Compute the gradient of `squared_hinge` with respect to `y_pred`.

    See Also
    --------
    squared_hinge : The function that this differentiates.

    Notes
    -----
    .. math:: dp_c = -\frac{dy}{C} \, 2 \, t_c \max(1 - t_c p_c, 0)
    """
    _validate.instance("cache", cache, LossCache)
    t = cache.y_true
    return mean_backward(dy, -2 * t * np.maximum(1 - t * cache.y_pred, 0), cache)


def categorical_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    r"""
    Compute by how much the right class fails to lead the best wrong one by 1.

    Parameters
    ----------
    y_true : array_like
        One-hot targets, of a shape that broadcasts with that of `y_pred`.
    y_pred : array_like of shape (..., C)
        Scores of C classes. Not modified.

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
    categorical_hinge_backward : The gradient, which passes at the kink.
    CategoricalHinge : The same with weights and a reduction.

    Notes
    -----
    .. math:: l = \max(\max_c (1 - t_c) p_c - \sum_c t_c p_c + 1, 0)

    As in Keras, the right class takes part in the inner maximum with a score of 0.

    Examples
    --------
    >>> categorical_hinge([[0, 1, 0]], np.array([[0.5, 1.0, 2.0]]))
    array([2.])
    """
    return categorical_hinge_forward(y_true, y_pred)[0]


def categorical_hinge_forward(
    y_true: ArrayLike, y_pred: ArrayLike
) -> tuple[Array, LossCache]:
    """
    Compute `categorical_hinge`, and keep what its gradient needs.

    See Also
    --------
    categorical_hinge_backward : The gradient of this function.
    """
    cache = match(y_true, y_pred)
    right = np.sum(cache.y_true * cache.y_pred, axis=-1)
    wrong = np.max((1 - cache.y_true) * cache.y_pred, axis=-1)
    return np.maximum(wrong - right + 1, 0), cache


def categorical_hinge_backward(dy: ArrayLike, cache: LossCache) -> Array:
    r"""
    Compute the gradient of `categorical_hinge` with respect to `y_pred`.

    See Also
    --------
    categorical_hinge : The function that this differentiates.

    Notes
    -----
    .. math:: dp_c = dy \, ((1 - t_c) s_c - t_c)
        \quad \text{where the outer maximum is not below 0, else } 0

    with :math:`s_c = 1/m` for the m classes that share the inner maximum, else 0.
    """
    _validate.instance("cache", cache, LossCache)
    t, p = cache.y_true, cache.y_pred
    scores = (1 - t) * p
    wrong = np.max(scores, axis=-1, keepdims=True)
    leads = ~(scores < wrong)
    share = leads / np.sum(leads, axis=-1, keepdims=True, dtype=p.dtype)
    # 1 at the kink; NaN stays NaN, as in Keras.
    passes = np.heaviside(wrong - np.sum(t * p, axis=-1, keepdims=True) + 1, 1)
    slope = passes * ((1 - t) * share - t)
    return unbroadcast(expanded_upstream(dy, cache) * slope, cache.shape)
