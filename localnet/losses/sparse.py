"""The crossentropy of integer labels, of which one may be ignored."""

from typing import NamedTuple

import numpy as np

from .. import _arrays, _validate, config
from .._typing import Array, ArrayLike
from ..ops import stable
from .logits import known_logits
from .targets import (
    LossCache,
    check_axis,
    class_labels,
    expanded_upstream,
    inside,
    predictions,
)

__all__ = [
    "counted_labels",
    "sparse_categorical_crossentropy",
    "sparse_categorical_crossentropy_backward",
    "sparse_categorical_crossentropy_forward",
]

# A label that is no class may be negative.
LOWEST = -(2**31)


class SparseCache(NamedTuple):
    """
    What the backward of a crossentropy with labels needs.

    `own` is the index of each sample's class; `softmax` is that of the logits, or of
    what stands for them.
    """

    own: tuple[Array, ...]
    softmax: Array
    pair: LossCache
    from_logits: bool
    axis: int
    # Where a label counts, with the class axis; None if all do.
    counted: Array | None = None


def sparse_categorical_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    axis: int = -1,
    ignore_class: int | None = None,
) -> Array:
    r"""
    Compute the crossentropy of predictions over C classes, given the right class.

    Parameters
    ----------
    y_true : array_like of shape (...) or (..., 1)
        Class labels from 0 to C - 1.
    y_pred : array_like of shape (..., C)
        Predicted probabilities, or logits. Not modified.
    from_logits : bool
        Whether `y_pred` has yet to go through a softmax.
    axis : int
        The class axis.
    ignore_class : int, optional
        A label, of a class or of none, whose samples give 0, without a gradient.

    Returns
    -------
    ndarray of shape (...)
        One value per sample, in nats, in the dtype of `y_pred`.

    Raises
    ------
    ValueError
        If the shapes do not fit, a label is no class (the message names the first
        one), or `y_pred` has no such axis.

    See Also
    --------
    sparse_categorical_crossentropy_backward : The gradient.
    categorical_crossentropy : The same for distributions.
    SparseCategoricalCrossentropy : The same with weights and a reduction.

    Notes
    -----
    .. math:: l = \log \sum_c q_c - \log q_t

    where q is the exponential of the logits, or else the predictions clipped to
    :math:`[\epsilon, 1 - \epsilon]`. As in Keras, the sum is divided out *after* the
    clip, while `categorical_crossentropy` does so before it.

    Examples
    --------
    >>> sparse_categorical_crossentropy([1], np.array([[0.25, 0.5, 0.25]])) / np.log(2)
    array([1.])
    """
    return sparse_categorical_crossentropy_forward(
        y_true, y_pred, from_logits, axis, ignore_class
    )[0]


def sparse_categorical_crossentropy_forward(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    axis: int = -1,
    ignore_class: int | None = None,
) -> tuple[Array, SparseCache]:
    """
    Compute `sparse_categorical_crossentropy`, and keep what its gradient needs.

    See Also
    --------
    sparse_categorical_crossentropy_backward : The gradient of this function.
    """
    y_pred, from_logits = known_logits(y_pred, from_logits)
    p, eps = predictions(y_pred), config.epsilon()
    axis = check_axis(axis, p.ndim)
    counted = counted_labels(y_true, ignore_class)
    if counted is not None:
        y_true = np.where(counted, y_true, 0)
    labels = class_labels(y_true, p, axis)
    from_logits = _validate.flag("from_logits", from_logits)
    z = p if from_logits else np.log(np.clip(p, eps, 1 - eps))
    softmax, log_softmax = stable.softmax_and_log(z, axis)
    own = _own_class(labels, axis)
    pair = LossCache(labels, p, p.shape, eps)
    values = np.asarray(-log_softmax[own])
    if counted is not None:
        values[~counted.reshape(values.shape)] = 0
        counted = counted.reshape(labels.shape)
    return values, SparseCache(own, softmax, pair, from_logits, axis, counted)


def counted_labels(y_true: ArrayLike, ignore_class: int | None) -> Array | None:
    """
    Return which labels are not those of a class that is ignored.

    Parameters
    ----------
    y_true : array_like
        Labels.
    ignore_class : int or None
        The label that does not count.

    Returns
    -------
    ndarray of bool or None
        In the shape of `y_true`; None where all count.
    """
    if ignore_class is None:
        return None
    ignored = _validate.integer("ignore_class", ignore_class, minimum=LOWEST)
    counted: Array = _arrays.real_numbers("y_true", y_true) != ignored
    return counted


def sparse_categorical_crossentropy_backward(
    dy: ArrayLike, cache: SparseCache
) -> Array:
    r"""
    Compute the gradient of `sparse_categorical_crossentropy` with respect to `y_pred`.

    See Also
    --------
    sparse_categorical_crossentropy : The function that this differentiates.

    Notes
    -----
    .. math::
        \text{logits:}\quad & dp_c = dy \, (\operatorname{softmax}(p)_c - [c = t]) \\
        \text{probabilities:}\quad & dp_c = \frac{dy}{q_c}
        \left(\frac{q_c}{\sum_k q_k} - [c = t]\right)
        \quad \text{where } \epsilon \le p_c \le 1 - \epsilon, \text{ else } 0
    """
    _validate.instance("cache", cache, SparseCache)
    own, softmax, pair, from_logits, axis, counted = cache
    p, eps = pair.y_pred, pair.epsilon
    slope = softmax.copy()
    slope[own] -= 1
    if not from_logits:
        q = np.clip(p, eps, 1 - eps)
        slope = np.where(inside(p, eps, 1 - eps), slope / q, 0)
    dy_pred: Array = expanded_upstream(dy, pair, axis) * slope
    return dy_pred if counted is None else np.where(counted, dy_pred, 0)


def _own_class(labels: Array, axis: int) -> tuple[Array, ...]:
    """Return the index of each sample's own class; `labels` has the class axis."""
    axis %= labels.ndim
    flat = labels.reshape(labels.shape[:axis] + labels.shape[axis + 1 :])
    if flat.ndim == 1:  # what is used most, without detours
        rest: list[Array] = [np.arange(len(flat))]
    else:
        rest = list(np.indices(flat.shape, sparse=True))
    return (*rest[:axis], flat, *rest[axis:])
