"""
Metrics: functions of targets and predictions that give one value per sample.

Any callable ``(y_true, y_pred) -> values`` is a metric. The functions here, and the
losses by their names, are those of Keras 2; `WeightedMean` averages their values over
batches.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from .. import _arrays, _validate, losses
from .._typing import Array, ArrayLike
from ..losses import mae, mse, targets

__all__ = [
    "WeightedMean",
    "accuracy_for",
    "binary_accuracy",
    "binary_matches",
    "categorical_accuracy",
    "cosine_similarity",
    "is_accuracy",
    "is_by_shapes",
    "mae",
    "metric_for",
    "mse",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]

Metric: TypeAlias = Callable[..., Array]


def binary_accuracy(
    y_true: ArrayLike, y_pred: ArrayLike, threshold: float = 0.5
) -> Array:
    """
    Compute the share of yes-or-no predictions that are right.

    Parameters
    ----------
    y_true : array_like
        Targets 0 and 1, of a shape that broadcasts with that of `y_pred`.
    y_pred : array_like of shape (..., C)
        Predicted probabilities. Not modified.
    threshold : float
        Above it, but not at it, a prediction means 1.

    Returns
    -------
    ndarray of shape (...)
        From 0 to 1, one value per sample, in the dtype of `y_pred`.

    Raises
    ------
    ValueError
        If the shapes do not fit each other or `threshold` is no number.

    Examples
    --------
    >>> binary_accuracy([[1, 0, 1]], np.array([[0.9, 0.5, 0.5]])).round(2)
    array([0.67])
    """
    share: Array = np.mean(binary_matches(y_true, y_pred, threshold), axis=-1)
    return share


def binary_matches(
    y_true: ArrayLike, y_pred: ArrayLike, threshold: float = 0.5
) -> Array:
    """Return 1 where a prediction on its side of the threshold is right, else 0."""
    pair = targets.match(y_true, y_pred)
    says_one = pair.y_pred > _validate.number("threshold", threshold)
    right: Array = says_one == pair.y_true
    return right.astype(pair.y_pred.dtype)


def categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """
    Test whether the largest prediction stands at the largest target.

    Parameters
    ----------
    y_true : array_like of the shape of `y_pred`
        Target probabilities, often one-hot.
    y_pred : array_like of shape (..., C)
        Predicted probabilities or logits. Not modified.

    Returns
    -------
    ndarray of shape (...)
        0 or 1 per sample, in the dtype of `y_pred`. The first of equals is the
        largest.

    Raises
    ------
    ValueError
        If the shapes differ; the message names both.

    See Also
    --------
    sparse_categorical_accuracy : The same for integer labels.

    Examples
    --------
    >>> categorical_accuracy([[0, 1], [0, 1]], np.array([[0.2, 0.8], [0.5, 0.5]]))
    array([1., 0.])
    """
    pair = targets.match_exactly(y_true, y_pred)
    if pair.y_true.shape[-1:] in ((), (0,)):
        raise ValueError(
            f"y_true must have a value for each class, got shape {pair.y_true.shape}"
        )
    right = np.argmax(pair.y_true, axis=-1) == np.argmax(pair.y_pred, axis=-1)
    return np.asarray(right, pair.y_pred.dtype)


def sparse_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """
    Test whether the largest prediction stands at the label.

    Parameters
    ----------
    y_true : array_like of shape (...) or (..., 1)
        Class labels from 0 to C - 1.
    y_pred : array_like of shape (..., C)
        Predicted probabilities or logits. Not modified.

    Returns
    -------
    ndarray of shape (...)
        0 or 1 per sample, in the dtype of `y_pred`. The first of equals is the
        largest.

    Raises
    ------
    ValueError
        If the shapes do not fit or a label is no class.

    See Also
    --------
    categorical_accuracy : The same for one-hot targets.

    Examples
    --------
    >>> sparse_categorical_accuracy([1, 1], np.array([[0.2, 0.8], [0.5, 0.5]]))
    array([1., 0.])
    """
    p = targets.predictions(y_pred)
    labels = targets.class_labels(y_true, p)[..., 0]
    return np.asarray(np.argmax(p, axis=-1) == labels, p.dtype)


def top_k_categorical_accuracy(
    y_true: ArrayLike, y_pred: ArrayLike, k: int = 5
) -> Array:
    """
    Test whether the largest target is among the k largest predictions.

    Parameters
    ----------
    y_true : array_like of the shape of `y_pred`
        Target probabilities, often one-hot.
    y_pred : array_like of shape (..., C)
        Predicted probabilities or logits. Not modified.
    k : int
        How many predictions count, at least 1.

    Returns
    -------
    ndarray of shape (...)
        0 or 1 per sample, in the dtype of `y_pred`.

    Raises
    ------
    ValueError
        If the shapes differ or `k` is not such a number.

    See Also
    --------
    sparse_top_k_categorical_accuracy : The same for integer labels, and the notes.

    Examples
    --------
    >>> top_k_categorical_accuracy([[1, 0, 0]], np.array([[0.3, 0.1, 0.6]]), k=2)
    array([1.])
    """
    pair = targets.match_exactly(y_true, y_pred)
    labels = np.argmax(pair.y_true, axis=-1)
    return sparse_top_k_categorical_accuracy(labels, pair.y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: ArrayLike, y_pred: ArrayLike, k: int = 5
) -> Array:
    """
    Test whether the label's prediction is among the k largest.

    Parameters
    ----------
    y_true : array_like of shape (...) or (..., 1)
        Class labels from 0 to C - 1.
    y_pred : array_like of shape (..., C)
        Predicted probabilities or logits. Not modified.
    k : int
        How many predictions count, at least 1.

    Returns
    -------
    ndarray of shape (...)
        0 or 1 per sample, in the dtype of `y_pred`.

    Raises
    ------
    ValueError
        If the shapes do not fit, a label is no class, or `k` is not such a number.

    See Also
    --------
    top_k_categorical_accuracy : The same for one-hot targets.

    Notes
    -----
    A label is right if fewer than `k` predictions are larger than its own, so equals
    at the limit are all right. A sample with a prediction that is not finite is wrong.

    Examples
    --------
    >>> sparse_top_k_categorical_accuracy([0, 1], np.array([[3, 1, 6.0]] * 2), k=2)
    array([1., 0.])
    """
    k = _validate.integer("k", k, minimum=1)
    p = targets.predictions(y_pred)
    own = np.take_along_axis(p, targets.class_labels(y_true, p), axis=-1)
    right = (np.sum(p > own, axis=-1) < k) & np.all(np.isfinite(p), axis=-1)
    return np.asarray(right, p.dtype)


def cosine_similarity(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> Array:
    """
    Compute the cosine of the angle between targets and predictions.

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
        One value per vector, in the dtype of `y_pred`: from -1 to 1 (same direction),
        if both vectors have the same number of elements.

    Raises
    ------
    ValueError
        If the shapes do not fit each other or `y_pred` has no such axis.

    See Also
    --------
    localnet.losses.cosine_similarity : The loss of this name, of the opposite sign.

    Notes
    -----
    As in Keras, the metric has the sign of the cosine and the loss the opposite one;
    both divide the vectors by their lengths before they broadcast.

    Examples
    --------
    >>> cosine_similarity([[3.0, 4.0]], np.array([[10.0, 0.0]]))
    array([0.6])
    """
    return -losses.cosine_similarity(y_true, y_pred, axis)


def is_accuracy(name: object) -> bool:
    """
    Return whether a name leaves the kind of accuracy to `accuracy_for`.

    Parameters
    ----------
    name : object
        What stands in a list of metrics.

    Returns
    -------
    bool
        True for ``"accuracy"`` and ``"acc"`` in any case.

    Examples
    --------
    >>> is_accuracy("Acc"), is_accuracy("binary_accuracy")
    (True, False)
    """
    return isinstance(name, str) and name.lower() in ("accuracy", "acc")


def accuracy_for(y_true: ArrayLike, y_pred: ArrayLike) -> Metric:
    """
    Choose the kind of accuracy that fits the shapes of targets and predictions.

    Parameters
    ----------
    y_true : array_like
        Targets.
    y_pred : array_like of shape (..., C)
        Predictions.

    Returns
    -------
    callable
        `binary_accuracy` if C is 1; `sparse_categorical_accuracy` if the targets have
        fewer axes or end in an axis of size 1; else `categorical_accuracy`.

    Examples
    --------
    >>> accuracy_for([0, 1], [[0.2, 0.8], [0.5, 0.5]]).__name__
    'sparse_categorical_accuracy'
    """
    true_shape, pred_shape = np.shape(y_true), np.shape(y_pred)
    if pred_shape[-1:] == (1,):
        return binary_accuracy
    if len(true_shape) < len(pred_shape) or true_shape[-1:] == (1,):
        return sparse_categorical_accuracy
    return categorical_accuracy


def is_by_shapes(name: object) -> bool:
    """
    Return whether a name leaves the function to `metric_for`.

    Parameters
    ----------
    name : object
        What stands in a list of metrics.

    Returns
    -------
    bool
        True for what `is_accuracy` is, and for ``"crossentropy"`` and ``"ce"``.
    """
    return is_accuracy(name) or _is_crossentropy(name)


def _is_crossentropy(name: object) -> bool:
    return isinstance(name, str) and name.lower() in ("crossentropy", "ce")


def metric_for(name: str, y_true: ArrayLike, y_pred: ArrayLike) -> Metric:
    """
    Choose the accuracy or crossentropy that fits the shapes of targets and predictions.

    Parameters
    ----------
    name : str
        One that `is_by_shapes`.
    y_true, y_pred : array_like
        As for `accuracy_for`.

    Returns
    -------
    callable
        That of `accuracy_for`, or the crossentropy of the same kind.

    Examples
    --------
    >>> metric_for("ce", [0, 1], [[0.2, 0.8], [0.5, 0.5]]).__name__
    'sparse_categorical_crossentropy'
    """
    accuracy = accuracy_for(y_true, y_pred)
    return CROSSENTROPIES[accuracy] if _is_crossentropy(name) else accuracy


CROSSENTROPIES: dict[Metric, Metric] = {
    binary_accuracy: losses.binary_crossentropy,
    categorical_accuracy: losses.categorical_crossentropy,
    sparse_categorical_accuracy: losses.sparse_categorical_crossentropy,
}


class WeightedMean:
    """
    Average values over batches of any size.

    Sums are kept in float64, whatever the dtype of the values.

    Examples
    --------
    >>> mean = WeightedMean()
    >>> mean.update([1.0, 0.0, 1.0, 1.0])
    >>> mean.update([0.0])
    >>> mean.result()
    0.6
    """

    def __init__(self) -> None:
        self.reset()

    def update(self, values: ArrayLike, weights: ArrayLike | None = None) -> None:
        """
        Add the values of one batch.

        Parameters
        ----------
        values : array_like
            One value per sample, of any shape; or one number.
        weights : array_like, optional
            One weight per value, or per sample; 1 if left out.

        Raises
        ------
        ValueError
            If the shapes do not fit each other; nothing is added then.
        """
        array = _arrays.real_numbers("values", values).astype(np.float64)
        aligned = targets.align_weights(weights, array)
        self._total += float(np.sum(array * aligned))
        self._weight += float(np.sum(aligned))

    def add(self, value: float, samples: int) -> None:
        """
        Add one number that stands for some samples, such as the loss of a batch.

        Parameters
        ----------
        value : float
            Their mean.
        samples : int
            How many they are.
        """
        self._total += value * samples
        self._weight += samples

    def result(self) -> float:
        """
        Return the sum of weighted values over the sum of weights.

        Returns
        -------
        float
            0.0 if the weights sum to nothing, as in Keras.
        """
        return self._total / self._weight if self._weight else 0.0

    def reset(self) -> None:
        """Forget all values."""
        self._total = 0.0
        self._weight = 0.0

    @property
    def sums(self) -> tuple[float, float]:
        """The sum of weighted values and the sum of weights, to go on from."""
        return self._total, self._weight

    @sums.setter
    def sums(self, sums: tuple[float, float]) -> None:
        total, weight = sums
        self._total, self._weight = float(total), float(weight)
