"""Crossentropies: of distributions over C classes, and of C independent labels."""

from typing import NamedTuple

import numpy as np

from .. import _validate
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
    "binary_crossentropy",
    "binary_crossentropy_backward",
    "binary_crossentropy_forward",
    "categorical_crossentropy",
    "categorical_crossentropy_backward",
    "categorical_crossentropy_forward",
]


class CrossentropyCache(NamedTuple):
    """
    What the backward of a crossentropy needs.

    The targets of `pair` are smoothed. `softmax` is that of the logits; None if there
    are none.
    """

    pair: LossCache
    from_logits: bool
    axis: int
    softmax: Array | None = None


def categorical_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    r"""
    Compute the crossentropy between distributions over C classes.

    Parameters
    ----------
    y_true : array_like of the shape of `y_pred`
        Target probabilities, often one-hot.
    y_pred : array_like of shape (..., C)
        Predicted probabilities, or logits. Not modified.
    from_logits : bool
        Whether `y_pred` has yet to go through a softmax.
    label_smoothing : float
        The share a, from 0 to 1, of every target that is spread over all classes.
    axis : int
        The class axis.

    Returns
    -------
    ndarray of shape (...)
        One value per sample, in nats, in the dtype of `y_pred`.

    Raises
    ------
    ValueError
        If the shapes differ, `label_smoothing` is not from 0 to 1, or `y_pred` has no
        such axis.

    See Also
    --------
    categorical_crossentropy_backward : The gradient.
    sparse_categorical_crossentropy : The same for integer labels.
    CategoricalCrossentropy : The same with weights and a reduction.

    Notes
    -----
    .. math:: l = -\sum_c t_c \log q_c, \qquad t_c \leftarrow t_c (1 - a) + a / C

    where q is the softmax of the logits, or else the predictions divided by their sum
    and *then* clipped to :math:`[\epsilon, 1 - \epsilon]`, with :math:`\epsilon` from
    `localnet.config.epsilon`. On saturated predictions the two differ greatly.

    Examples
    --------
    >>> y_true = [[0, 1, 0]]
    >>> categorical_crossentropy(y_true, np.array([[0.25, 0.5, 0.25]])) / np.log(2.0)
    array([1.])
    >>> categorical_crossentropy(y_true, np.array([[0.0, -145.0, 0.0]]), True)
    array([145.69314718])
    """
    return categorical_crossentropy_forward(
        y_true, y_pred, from_logits, label_smoothing, axis
    )[0]


def categorical_crossentropy_forward(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> tuple[Array, CrossentropyCache]:
    """
    Compute `categorical_crossentropy`, and keep what its gradient needs.

    See Also
    --------
    categorical_crossentropy_backward : The gradient of this function.
    """
    y_pred, from_logits = known_logits(y_pred, from_logits)
    pair = match_exactly(
        y_true, y_pred, "; integer labels go with sparse_categorical_crossentropy"
    )
    p, eps = pair.y_pred, pair.epsilon
    axis = check_axis(axis, p.ndim)
    t = smoothed(pair.y_true, label_smoothing, p.shape[axis])
    q = None
    if _validate.flag("from_logits", from_logits):
        q, log_q = stable.softmax_and_log(p, axis)
    else:
        log_q = np.log(np.clip(p / np.sum(p, axis=axis, keepdims=True), eps, 1 - eps))
    if t is not pair.y_true:
        pair = pair._replace(y_true=t)
    total = np.add.reduce(t * log_q, axis=axis)
    return -total, CrossentropyCache(pair, from_logits, axis, q)


def categorical_crossentropy_backward(dy: ArrayLike, cache: CrossentropyCache) -> Array:
    r"""
    Compute the gradient of `categorical_crossentropy` with respect to `y_pred`.

    See Also
    --------
    categorical_crossentropy : The function that this differentiates.

    Notes
    -----
    .. math::
        \text{logits:}\quad & dp_c = dy \, (q_c - t_c) \\
        \text{probabilities:}\quad & dp_c = \frac{dy}{\sum_k p_k}
        \left(g_c - {\textstyle\sum_k g_k q_k}\right), \quad g_c = -t_c / q_c

    where g is 0 if :math:`q_c` before the clip lies outside
    :math:`[\epsilon, 1 - \epsilon]`. As in Keras, whose kernel in TensorFlow takes the
    targets for a distribution, the line for logits is the derivative only where the
    targets of a sample sum to 1; the true one has :math:`q_c \sum_k t_k`.
    """
    _validate.instance("cache", cache, CrossentropyCache)
    pair, _, axis, softmax = cache
    t, p, eps = pair.y_true, pair.y_pred, pair.epsilon
    if softmax is not None:
        slope = softmax - t
    else:
        total = np.sum(p, axis=axis, keepdims=True)
        q = p / total
        dq = np.where(inside(q, eps, 1 - eps), -t / np.clip(q, eps, 1 - eps), 0)
        slope = (dq - np.sum(dq * q, axis=axis, keepdims=True)) / total
    dy_pred: Array = expanded_upstream(dy, pair, axis) * slope
    return dy_pred


def binary_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    r"""
    Average the crossentropies of independent yes-or-no predictions.

    Parameters
    ----------
    y_true : array_like of the shape of `y_pred`
        Target probabilities. A last axis of size 1 may be missing.
    y_pred : array_like of shape (..., C)
        Predicted probabilities, or logits. Not modified.
    from_logits : bool
        Whether `y_pred` has yet to go through a sigmoid.
    label_smoothing : float
        The share a, from 0 to 1, of every target that is replaced by 1/2.
    axis : int
        The axis to average over.

    Returns
    -------
    ndarray of shape (...)
        One value per sample, in nats, in the dtype of `y_pred`.

    Raises
    ------
    ValueError
        If the shapes differ, `label_smoothing` is not from 0 to 1, or `y_pred` has no
        such axis.

    See Also
    --------
    binary_crossentropy_backward : The gradient.
    BinaryCrossentropy : The same with weights and a reduction.

    Notes
    -----
    .. math::
        \text{logits:}\quad & l = \frac{1}{C} \sum_c
        \max(p_c, 0) - p_c t_c + \log(1 + e^{-|p_c|}) \\
        \text{probabilities:}\quad & l = -\frac{1}{C} \sum_c
        t_c \log(q_c + \epsilon) + (1 - t_c) \log(1 - q_c + \epsilon)

    where t is :math:`t_c (1 - a) + a/2` and q is p clipped to
    :math:`[\epsilon, 1 - \epsilon]`. As in Keras, :math:`\epsilon` counts twice.
    Targets never broadcast: Keras refuses that on logits, here it is refused
    everywhere.

    Examples
    --------
    >>> binary_crossentropy([[1, 0]], np.array([[0.0, 0.0]]), True) / np.log(2.0)
    array([1.])
    """
    return binary_crossentropy_forward(
        y_true, y_pred, from_logits, label_smoothing, axis
    )[0]


def binary_crossentropy_forward(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> tuple[Array, CrossentropyCache]:
    """
    Compute `binary_crossentropy`, and keep what its gradient needs.

    See Also
    --------
    binary_crossentropy_backward : The gradient of this function.
    """
    y_pred, from_logits = known_logits(y_pred, from_logits)
    pair = match_exactly(y_true, y_pred)
    p, eps = pair.y_pred, pair.epsilon
    axis = check_axis(axis, p.ndim)
    t = smoothed(pair.y_true, label_smoothing, 2)
    if _validate.flag("from_logits", from_logits):
        elements = np.maximum(p, 0) - p * t + np.log1p(np.exp(-np.abs(p)))
    else:
        q = np.clip(p, eps, 1 - eps)
        elements = -(t * np.log(q + eps) + (1 - t) * np.log(1 - q + eps))
    cache = CrossentropyCache(pair._replace(y_true=t), from_logits, axis)
    return np.mean(elements, axis=axis), cache


def binary_crossentropy_backward(dy: ArrayLike, cache: CrossentropyCache) -> Array:
    r"""
    Compute the gradient of `binary_crossentropy` with respect to `y_pred`.

    See Also
    --------
    binary_crossentropy : The function that this differentiates.

    Notes
    -----
    .. math::
        \text{logits:}\quad & dp_c = \frac{dy}{C} (\operatorname{sigmoid}(p_c) - t_c) \\
        \text{probabilities:}\quad & dp_c = \frac{dy}{C}
        \left(\frac{1 - t_c}{1 - p_c + \epsilon} - \frac{t_c}{p_c + \epsilon}\right)
        \quad \text{where } \epsilon \le p_c \le 1 - \epsilon, \text{ else } 0
    """
    _validate.instance("cache", cache, CrossentropyCache)
    pair, from_logits, axis, _ = cache
    t, p, eps = pair.y_true, pair.y_pred, pair.epsilon
    if _validate.flag("from_logits", from_logits):
        slope = stable.sigmoid(p) - t
    else:
        q = np.clip(p, eps, 1 - eps)
        slope = (1 - t) / (1 - q + eps) - t / (q + eps)
        slope = np.where(inside(p, eps, 1 - eps), slope, 0)
    return mean_backward(dy, slope, pair, axis)
