"""The loss of the angle between two vectors."""

from typing import NamedTuple

import numpy as np

from .._typing import Array, ArrayLike
from .targets import LossCache, check_axis, expanded_upstream, match, unbroadcast

__all__ = [
    "CosineSimilarityCache",
    "cosine_similarity",
    "cosine_similarity_backward",
    "cosine_similarity_forward",
]


class CosineSimilarityCache(NamedTuple):
    """What `cosine_similarity_backward` needs."""

    pair: LossCache
    axis: int


def cosine_similarity(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> Array:
    r"""
    Compute minus the cosine of the angle between targets and predictions.

    Parameters
    ----------
    y_true : array_like
        Targets, of a shape that broadcasts with that of `y_pred`.
    y_pred : array_like of shape (..., C)
        Predictions. Not modified.
    axis : int
        The axis that holds the vectors.

    Returns
    -------
    ndarray of shape (...)
        One value per vector, from -1 (same direction) to 1, in the dtype of `y_pred`.

    Raises
    ------
    ValueError
        If the shapes do not fit each other or `y_pred` has no such axis.

    See Also
    --------
    cosine_similarity_backward : The gradient.
    CosineSimilarity : The same with weights and a reduction.
    localnet.metrics.cosine_similarity : The metric of this name, of the opposite sign.

    Notes
    -----
    .. math:: l = -\sum_c n(t)_c \, n(p)_c, \qquad
        n(x) = x \, / \sqrt{\max(\textstyle\sum_c x_c^2, 10^{-12})}

    Examples
    --------
    >>> cosine_similarity([[3.0, 4.0]], np.array([[10.0, 0.0]]))
    array([-0.6])
    """
    return cosine_similarity_forward(y_true, y_pred, axis)[0]


def cosine_similarity_forward(
    y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1
) -> tuple[Array, CosineSimilarityCache]:
    """
    Compute `cosine_similarity`, and keep what its gradient needs.

    See Also
    --------
    cosine_similarity_backward : The gradient of this function.
    """
    pair = match(y_true, y_pred)
    cache = CosineSimilarityCache(pair, check_axis(axis, pair.y_pred.ndim))
    unit_true, unit_pred, _ = _units(cache)
    return -np.sum(unit_true * unit_pred, axis=axis), cache


def _units(cache: CosineSimilarityCache) -> tuple[Array, Array, Array]:
    """Return both unit vectors, and the guarded squared length of the predictions."""
    pair, axis = cache
    # 1e-12 is zero in float16.
    guard = max(1e-12, float(np.finfo(pair.y_pred.dtype).smallest_subnormal))
    squares_true, squares_pred = (
        np.maximum(np.sum(x * x, axis=axis, keepdims=True), guard)
        for x in (pair.y_true, pair.y_pred)
    )
    unit_true = pair.y_true / np.sqrt(squares_true)
    return unit_true, pair.y_pred / np.sqrt(squares_pred), squares_pred


def cosine_similarity_backward(dy: ArrayLike, cache: CosineSimilarityCache) -> Array:
    r"""
    Compute the gradient of `cosine_similarity` with respect to `y_pred`.

    See Also
    --------
    cosine_similarity : The function that this differentiates.

    Notes
    -----
    .. math:: dp_c = -dy \, \frac{n(t)_c - n(p)_c \sum_k n(t)_k \, n(p)_k}{\|p\|}

    Where the guard replaces the length of :math:`p`, it is a constant, and the second
    term is missing.
    """
    pair, axis = cache
    unit_true, unit_pred, squares = _units(cache)
    cosine = np.sum(unit_true * unit_pred, axis=axis, keepdims=True)
    guarded = np.sum(pair.y_pred**2, axis=axis, keepdims=True) < squares
    slope = (unit_true - np.where(guarded, 0, unit_pred * cosine)) / np.sqrt(squares)
    return unbroadcast(-expanded_upstream(dy, pair, axis) * slope, pair.shape)
