"""Focal crossentropies: what is predicted well already counts less."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .. import _arrays, _validate
from .._typing import Array, ArrayLike
from ..ops import stable
from .logits import known_logits
from .targets import (
    LossCache,
    check_axis,
    expanded_upstream,
    inside,
    match_exactly,
    mean_backward,
    smoothed,
)

__all__ = [
    "binary_focal_crossentropy",
    "binary_focal_crossentropy_backward",
    "binary_focal_crossentropy_forward",
    "categorical_focal_crossentropy",
    "categorical_focal_crossentropy_backward",
    "categorical_focal_crossentropy_forward",
]

Alpha = float | Sequence[float]


class FocalCache(NamedTuple):
    """What the backward of a focal crossentropy needs; targets are smoothed."""

    pair: LossCache
    weight: Array | float
    gamma: float
    from_logits: bool
    axis: int


def binary_focal_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    r"""
    Average crossentropies of yes-or-no predictions, each times its error to a power.

    Parameters
    ----------
    y_true : array_like of the shape of `y_pred`
        Target probabilities. A last axis of size 1 may be missing.
    y_pred : array_like of shape (..., C)
        Predicted probabilities, or logits. Not modified.
    apply_class_balancing : bool
        Whether `alpha` weighs the two classes.
    alpha : float
        Weight of class 1, from 0 to 1; class 0 has what is missing to 1.
    gamma : float
        The power, not negative; 0 gives `binary_crossentropy`.
    from_logits : bool
        Whether `y_pred` has yet to go through a sigmoid.
    label_smoothing : float
        The share a, from 0 to 1, of every target that is replaced by 1/2.
    axis : int
        The axis to average over.

    Returns
    -------
    ndarray of shape (...)
        One value per sample, in the dtype of `y_pred`.

    Raises
    ------
    ValueError
        If the shapes differ, a number is out of its range, or `y_pred` has no such
        axis.

    See Also
    --------
    binary_focal_crossentropy_backward : The gradient.
    binary_crossentropy : Without the factor.
    BinaryFocalCrossentropy : The same with weights and a reduction.

    Notes
    -----
    .. math::
        l = \frac{1}{C} \sum_c w_c \, e_c^\gamma \, b_c, \qquad
        e_c = t_c (1 - s_c) + (1 - t_c) s_c

    where b is the crossentropy as `binary_crossentropy` has it, s the sigmoid of the
    logits or else the predictions, which are clipped in b alone, and w is 1, or
    :math:`\alpha t_c + (1 - \alpha)(1 - t_c)`.

    References
    ----------
    .. [1] T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar, "Focal loss for dense
       object detection", ICCV 2017, arXiv:1708.02002.

    Examples
    --------
    >>> loss = binary_focal_crossentropy([[1]], np.array([[0.5]]))  # error 1/2
    >>> (loss / np.log(2.0)).round(5)
    array([0.25])
    """
    return binary_focal_crossentropy_forward(
        y_true,
        y_pred,
        apply_class_balancing,
        alpha,
        gamma,
        from_logits,
        label_smoothing,
        axis,
    )[0]


def binary_focal_crossentropy_forward(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> tuple[Array, FocalCache]:
    """
    Compute `binary_focal_crossentropy`, and keep what its gradient needs.

    See Also
    --------
    binary_focal_crossentropy_backward : The gradient of this function.
    """
    pair = match_exactly(y_true, y_pred)
    p = pair.y_pred
    axis = check_axis(axis, p.ndim)
    share = _validate.number("alpha", alpha, minimum=0.0, maximum=1.0)
    power = _validate.number("gamma", gamma, minimum=0.0)
    t = smoothed(pair.y_true, label_smoothing, 2)
    is_balanced = _validate.flag("apply_class_balancing", apply_class_balancing)
    weight = t * share + (1 - t) * (1 - share) if is_balanced else 1.0
    logits = _validate.flag("from_logits", from_logits)
    cache = FocalCache(pair._replace(y_true=t), weight, power, logits, axis)
    error, _, entropy, _ = _binary_parts(cache)
    return np.mean(weight * error**power * entropy, axis=axis), cache


def binary_focal_crossentropy_backward(dy: ArrayLike, cache: FocalCache) -> Array:
    r"""
    Compute the gradient of `binary_focal_crossentropy` with respect to `y_pred`.

    See Also
    --------
    binary_focal_crossentropy : The function that this differentiates.

    Notes
    -----
    .. math::
        dp_c = \frac{dy}{C} w_c \left(\gamma e_c^{\gamma - 1} (1 - 2 t_c)
        \frac{\partial s_c}{\partial p_c} b_c
        + e_c^\gamma \frac{\partial b_c}{\partial p_c}\right)

    with :math:`\partial s / \partial p = s (1 - s)` and :math:`\partial b / \partial p
    = s - t` for logits; else 1 and the slope of `binary_crossentropy`.
    """
    _validate.instance("cache", cache, FocalCache)
    error, d_error, entropy, d_entropy = _binary_parts(cache)
    slope = (
        _power_slope(error, cache.gamma) * d_error * entropy
        + error**cache.gamma * d_entropy
    )
    return mean_backward(dy, cache.weight * slope, cache.pair, cache.axis)


def _binary_parts(cache: FocalCache) -> tuple[Array, Array, Array, Array]:
    """Return the errors, the crossentropies, and the slopes of both by y_pred."""
    t, p, eps = cache.pair.y_true, cache.pair.y_pred, cache.pair.epsilon
    if cache.from_logits:
        s = stable.sigmoid(p)
        ds = s * (1 - s)
        entropy = np.maximum(p, 0) - p * t + np.log1p(np.exp(-np.abs(p)))
        slope = s - t
    else:
        s, ds = p, np.ones_like(p)
        q = np.clip(p, eps, 1 - eps)
        entropy = -(t * np.log(q + eps) + (1 - t) * np.log(1 - q + eps))
        slope = (1 - t) / (1 - q + eps) - t / (q + eps)
        slope = np.where(inside(p, eps, 1 - eps), slope, 0)
    return t * (1 - s) + (1 - t) * s, (1 - 2 * t) * ds, entropy, slope


def _power_slope(base: Array, power: float) -> Array:
    """Return the derivative of ``base**power``, which is 0 for the power 0."""
    slope: Array = power * base ** (power - 1) if power else np.zeros_like(base)
    return slope


def categorical_focal_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    alpha: Alpha = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    r"""
    Compute the crossentropy over C classes, each term times its error to a power.

    Parameters
    ----------
    y_true : array_like of the shape of `y_pred`
        Target probabilities, often one-hot.
    y_pred : array_like of shape (..., C)
        Predicted probabilities, or logits. Not modified.
    alpha : float or sequence of float
        Weight of all classes, or of each, along the last axis.
    gamma : float
        The power, not negative.
    from_logits : bool
        Whether `y_pred` has yet to go through a softmax.
    label_smoothing : float
        The share a, from 0 to 1, of every target that is spread over all classes.
    axis : int
        The class axis.

    Returns
    -------
    ndarray of shape (...)
        One value per sample, in the dtype of `y_pred`.

    Raises
    ------
    ValueError
        If the shapes differ, a number is out of its range, or `y_pred` has no such
        axis.

    See Also
    --------
    categorical_focal_crossentropy_backward : The gradient.
    categorical_crossentropy : Without the factors.
    CategoricalFocalCrossentropy : The same with weights and a reduction.

    Notes
    -----
    .. math:: l = -\sum_c \alpha_c (1 - q_c)^\gamma \, t_c \log q_c

    where q is the softmax of the logits, or else the predictions divided by their sum,
    clipped to :math:`[\epsilon, 1 - \epsilon]` in both cases.

    References
    ----------
    .. [1] T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar, "Focal loss for dense
       object detection", ICCV 2017, arXiv:1708.02002.

    Examples
    --------
    >>> y_pred = np.array([[0.25, 0.5, 0.25]])
    >>> categorical_focal_crossentropy([[0, 1, 0]], y_pred, alpha=1.0) / np.log(2.0)
    array([0.25])
    """
    return categorical_focal_crossentropy_forward(
        y_true, y_pred, alpha, gamma, from_logits, label_smoothing, axis
    )[0]


def categorical_focal_crossentropy_forward(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    alpha: Alpha = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> tuple[Array, FocalCache]:
    """
    Compute `categorical_focal_crossentropy`, and keep what its gradient needs.

    See Also
    --------
    categorical_focal_crossentropy_backward : The gradient of this function.
    """
    y_pred, from_logits = known_logits(y_pred, from_logits)
    pair = match_exactly(y_true, y_pred)
    p = pair.y_pred
    axis = check_axis(axis, p.ndim)
    power = _validate.number("gamma", gamma, minimum=0.0)
    weight = _class_weights(alpha, p)
    t = smoothed(pair.y_true, label_smoothing, p.shape[axis])
    logits = _validate.flag("from_logits", from_logits)
    cache = FocalCache(pair._replace(y_true=t), weight, power, logits, axis)
    _, q = _shares(cache)
    terms = -t * np.log(q) * (1 - q) ** power * weight
    return np.sum(terms, axis=axis), cache


def categorical_focal_crossentropy_backward(dy: ArrayLike, cache: FocalCache) -> Array:
    r"""
    Compute the gradient of `categorical_focal_crossentropy` with respect to `y_pred`.

    See Also
    --------
    categorical_focal_crossentropy : The function that this differentiates.

    Notes
    -----
    .. math::
        g_c &= \alpha_c t_c \left(\gamma (1 - q_c)^{\gamma - 1} \log q_c
        - \frac{(1 - q_c)^\gamma}{q_c}\right) \\
        \text{logits:}\quad dp_c &= dy \, q_c
        \left(g_c - {\textstyle\sum_k g_k q_k}\right) \\
        \text{probabilities:}\quad dp_c &= \frac{dy}{\sum_k p_k}
        \left(g_c - {\textstyle\sum_k g_k q_k}\right)

    where g is 0 if :math:`q_c` before the clip lies outside
    :math:`[\epsilon, 1 - \epsilon]`.
    """
    _validate.instance("cache", cache, FocalCache)
    pair, weight, power, from_logits, axis = cache
    eps = pair.epsilon
    share, q = _shares(cache)
    inner = _power_slope(1 - q, power) * np.log(q) - (1 - q) ** power / q
    g = np.where(inside(share, eps, 1 - eps), weight * pair.y_true * inner, 0)
    centred = g - np.sum(g * share, axis=axis, keepdims=True)
    if from_logits:
        slope = share * centred
    else:
        slope = centred / np.sum(pair.y_pred, axis=axis, keepdims=True)
    dy_pred: Array = expanded_upstream(dy, pair, axis) * slope
    return dy_pred


def _shares(cache: FocalCache) -> tuple[Array, Array]:
    """Return the probabilities of the classes, and the same clipped."""
    p, eps = cache.pair.y_pred, cache.pair.epsilon
    if cache.from_logits:
        share = stable.softmax(p, cache.axis)
    else:
        share = p / np.sum(p, axis=cache.axis, keepdims=True)
    return share, np.clip(share, eps, 1 - eps)


def check_alpha(alpha: Alpha) -> Array:
    """Return weights of classes as an array, if they are finite numbers >= 0."""
    weights = _arrays.real_numbers("alpha", alpha)
    good = np.isfinite(weights) & (weights >= 0)
    if weights.dtype.kind == "b" or not good.all():
        raise ValueError(
            f"alpha must hold finite numbers >= 0, got {_validate.shown(alpha)}"
        )
    return weights


def _class_weights(alpha: Alpha, p: Array) -> Array:
    weights = check_alpha(alpha).astype(p.dtype)
    if weights.shape not in ((), p.shape[-1:]) or not np.all(np.isfinite(weights)):
        raise ValueError(
            f"alpha must be one number, or one for each of {p.shape[-1]} classes, got "
            f"{_validate.shown(alpha)}"
        )
    return weights
