"""Losses of a distribution or of a rate."""

import numpy as np

from .. import _validate
from .._typing import Array, ArrayLike
from .targets import (
    LossCache,
    expanded_upstream,
    inside,
    match,
    mean_backward,
    unbroadcast,
)

__all__ = [
    "kl_divergence",
    "kl_divergence_backward",
    "kl_divergence_forward",
    "poisson",
    "poisson_backward",
    "poisson_forward",
]


def kl_divergence(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    r"""
    Compute the Kullback-Leibler divergence from predictions to targets.

    Parameters
    ----------
    y_true : array_like
        Target probabilities, of a shape that broadcasts with that of `y_pred`.
    y_pred : array_like of shape (..., C)
        Predicted probabilities. Not modified.

    Returns
    -------
    ndarray of shape (...)
        One value per sample, in nats, in the dtype of `y_pred`.

    Raises
    ------
    ValueError
        If the shapes do not fit each other; the message names both.

    See Also
    --------
    kl_divergence_backward : The gradient, 0 outside the clip.
    KLDivergence : The same with weights and a reduction.

    Notes
    -----
    .. math:: l = \sum_c t_c \log \frac{t_c}{p_c}

    with both clipped to :math:`[\epsilon, 1]`. It is a sum, not a mean, and nothing is
    divided by its total.

    Examples
    --------
    >>> kl_divergence([[1.0, 0.5]], np.array([[0.5, 0.5]])) / np.log(2.0)
    array([1.])
    """
    return kl_divergence_forward(y_true, y_pred)[0]


def kl_divergence_forward(
    y_true: ArrayLike, y_pred: ArrayLike
) -> tuple[Array, LossCache]:
    """
    Compute `kl_divergence`, and keep what its gradient needs.

    See Also
    --------
    kl_divergence_backward : The gradient of this function.
    """
    cache = match(y_true, y_pred)
    t = np.clip(cache.y_true, cache.epsilon, 1)
    p = np.clip(cache.y_pred, cache.epsilon, 1)
    return np.sum(t * np.log(t / p), axis=-1), cache


def kl_divergence_backward(dy: ArrayLike, cache: LossCache) -> Array:
    r"""
    Compute the gradient of `kl_divergence` with respect to `y_pred`.

    See Also
    --------
    kl_divergence : The function that this differentiates.

    Notes
    -----
    .. math:: dp_c = -dy \, \frac{t_c}{p_c}
        \quad \text{where } \epsilon \le p_c \le 1, \text{ else } 0
    """
    _validate.instance("cache", cache, LossCache)
    t = np.clip(cache.y_true, cache.epsilon, 1)
    p = np.clip(cache.y_pred, cache.epsilon, 1)
    slope = np.where(inside(cache.y_pred, cache.epsilon, 1), -t / p, 0)
    return unbroadcast(expanded_upstream(dy, cache) * slope, cache.shape)


def poisson(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    r"""
    Average the negative log-likelihoods of counts, up to a constant.

    Parameters
    ----------
    y_true : array_like
        Counts, of a shape that broadcasts with that of `y_pred`.
    y_pred : array_like of shape (..., C)
        Predicted rates, positive. Not modified.

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
    poisson_backward : The gradient.
    Poisson : The same with weights and a reduction.

    Notes
    -----
    .. math:: l = \frac{1}{C} \sum_c p_c - t_c \log(p_c + \epsilon)

    with :math:`\epsilon` from `localnet.config.epsilon`.

    Examples
    --------
    >>> poisson([[0, 3]], np.array([[2.0, 1.0]])).round(6)
    array([1.5])
    """
    return poisson_forward(y_true, y_pred)[0]


def poisson_forward(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, LossCache]:
    """
    Compute `poisson`, and keep what its gradient needs.

    See Also
    --------
    poisson_backward : The gradient of this function.
    """
    cache = match(y_true, y_pred)
    logs = np.log(cache.y_pred + cache.epsilon)
    return np.mean(cache.y_pred - cache.y_true * logs, axis=-1), cache


def poisson_backward(dy: ArrayLike, cache: LossCache) -> Array:
    r"""
    Compute the gradient of `poisson` with respect to `y_pred`.

    See Also
    --------
    poisson : The function that this differentiates.

    Notes
    -----
    .. math:: dp_c = \frac{dy}{C} \left(1 - \frac{t_c}{p_c + \epsilon}\right)
    """
    _validate.instance("cache", cache, LossCache)
    slope = 1 - cache.y_true / (cache.y_pred + cache.epsilon)
    return mean_backward(dy, slope, cache)
