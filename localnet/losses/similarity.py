"""The loss of the angle between two vectors."""

from typing import NamedTuple

import numpy as np

from .. import _validate
from .._typing import Array, ArrayLike
from .targets import (
    LossCache,
    align_targets,
    check_axis,
    expanded_upstream,
    match,
    unbroadcast,
)

__all__ = [
    "cosine_similarity",
    "cosine_similarity_backward",
    "cosine_similarity_forward",
]


class CosineSimilarityCache(NamedTuple):
    """What `cosine_similarity_backward` needs."""

    # The unit vectors, broadcast to one shape.
    units: LossCache
    y_pred: Array
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
        One value per vector, in the dtype of `y_pred`: from -1 (same direction) to 1,
        if both vectors have the same number of elements.

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
        n(x) = x \, / \sqrt{\max({\textstyle\sum_c x_c^2}, 10^{-12})}

    As in Keras, vectors are divided by their lengths *before* they broadcast. A target
    of one element is the vector of C equal ones, but :math:`\sqrt{C}` times longer
    than a unit vector.

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
    t, p = align_targets(y_true, y_pred)
    axis = check_axis(axis, p.ndim)
    units = match(_normalize(t, axis)[0], _normalize(p, axis)[0])
    cosine = np.sum(units.y_true * units.y_pred, axis=axis)
    return -cosine, CosineSimilarityCache(units, p, axis)


def _normalize(x: Array, axis: int) -> tuple[Array, Array, Array]:
    """Return unit vectors, the lengths they were divided by, and which are guarded."""
    # 1e-12 is zero in float16.
    guard = max(1e-12, float(np.finfo(x.dtype).smallest_subnormal))
    squares = np.sum(x * x, axis=axis, keepdims=True)
    lengths = np.sqrt(np.maximum(squares, guard))
    return x / lengths, lengths, squares < guard


def cosine_similarity_backward(dy: ArrayLike, cache: CosineSimilarityCache) -> Array:
    r"""
    Compute the gradient of `cosine_similarity` with respect to `y_pred`.

    See Also
    --------
    cosine_similarity : The function that this differentiates.

    Notes
    -----
    .. math:: dp_c = \frac{g_c - n(p)_c \sum_k g_k \, n(p)_k}{\|p\|},
        \qquad g_c = -dy \, n(t)_c

    where g is summed over the axes along which the predictions broadcast. Where the
    guard replaces the length of :math:`p`, it is a constant, and the second term is
    missing.
    """
    _validate.instance("cache", cache, CosineSimilarityCache)
    units, p, axis = cache
    dunit = -expanded_upstream(dy, units, axis) * units.y_true
    dunit = unbroadcast(dunit, units.shape)
    unit, lengths, guarded = _normalize(p, axis)
    along = unit * np.sum(dunit * unit, axis=axis, keepdims=True)
    return (dunit - np.where(guarded, 0, along)) / lengths
