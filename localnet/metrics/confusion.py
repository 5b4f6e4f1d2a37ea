"""Metrics of yes-or-no predictions at thresholds: counts, precision, recall."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _validate
from .._typing import Array, ArrayLike
from .base import Metric, prepared

__all__ = [
    "COUNTS",
    "Confusion",
    "FalseNegatives",
    "FalsePositives",
    "Precision",
    "Recall",
    "TrueNegatives",
    "TruePositives",
    "check_probabilities",
    "checked_thresholds",
    "counts_at",
    "evenly_spaced",
    "share",
]

COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
# What a prediction outside the `top_k` becomes.
NOT_AMONG_THEM = -1e10
# Of the thresholds of one metric; predictions are seldom that different.
MAX_THRESHOLDS = 1_000_000


def evenly_spaced(num_thresholds: int, *, minimum: int) -> list[float]:
    """
    Return so many thresholds from 0 to 1, the ends included; one alone is 0.5.

    Parameters
    ----------
    num_thresholds : int
        How many.
    minimum : int
        The fewest that are taken.

    Returns
    -------
    list of float
        In ascending order.

    Raises
    ------
    ValueError
        If the number is no integer, too small, or more than a million.
    """
    n = _validate.integer(
        "num_thresholds", num_thresholds, minimum=minimum, maximum=MAX_THRESHOLDS
    )
    return [0.5] if n == 1 else [i / (n - 1) for i in range(n)]


def checked_thresholds(thresholds: Any) -> list[float]:
    """
    Return thresholds as floats.

    Parameters
    ----------
    thresholds : sequence of float
        From 0 to 1.

    Returns
    -------
    list of float
        In the same order.

    Raises
    ------
    ValueError
        If it is no sequence, or a number lies outside.
    """
    rule = "a sequence of numbers from 0 to 1"
    return [
        _validate.number("thresholds", value, minimum=0.0, maximum=1.0)
        for value in _validate.items("thresholds", thresholds, rule)
    ]


def share(part: Array, whole: Array) -> Array:
    """
    Return a quotient, and 0 where nothing is divided.

    Parameters
    ----------
    part, whole : ndarray of one shape
        Floats.

    Returns
    -------
    ndarray
        Of their shape.
    """
    result = np.zeros_like(part)
    np.divide(part, whole, out=result, where=whole != 0)
    return result


class Confusion(Metric):
    """
    Base of the metrics below: weighted counts of what was right and wrong.

    Parameters
    ----------
    thresholds : sequence of float
        A prediction above one, but not at it, says yes.
    top_k : int, optional
        Only the largest so many predictions of a sample can say yes.
    class_id : int, optional
        Only this class counts.
    name : str, optional
        What logs call it; default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs; counts are kept in float64.
    """

    def __init__(
        self,
        thresholds: Sequence[float],
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        self.limits = np.asarray(thresholds, np.float32)
        self.top_k = _validate.optional_integer("top_k", top_k, minimum=1)
        self.class_id = _validate.optional_integer("class_id", class_id, minimum=0)
        self.state = {count: np.zeros(len(self.limits)) for count in COUNTS}

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: Any = None
    ) -> None:
        """
        Count one batch.

        Parameters
        ----------
        y_true : array_like
            Targets 0 and 1; any number but 0 is a yes.
        y_pred : array_like
            From 0 to 1, where there are more than two thresholds.
        sample_weight : array_like, optional
            One weight per sample, or per prediction.

        Raises
        ------
        ValueError
            If a prediction lies outside, or the shapes do not fit; nothing is counted.
        """
        true, pred, weights = prepared(y_true, y_pred, sample_weight)
        # Keras forgets what is above 1 where it sorts predictions into buckets.
        if len(self.limits) > 2:
            check_probabilities(pred)
        if self.top_k is not None:
            pred = _only_largest(pred, self.top_k)
        if self.class_id is not None:
            classes = pred.shape[-1] if pred.ndim else 0
            if self.class_id >= classes:
                raise ValueError(
                    f"class_id must be below {classes}, the number of classes, "
                    f"got {self.class_id}"
                )
            true, pred, weights = (a[..., self.class_id] for a in (true, pred, weights))
        for name, counted in counts_at(true, pred, weights, self.limits).items():
            self.state[name] += counted

    def rates(self) -> dict[str, Array]:
        """
        Return the three rates at every threshold.

        Returns
        -------
        dict of str to ndarray
            "recall", "specificity" and "precision"; 0 where nothing is divided.
        """
        tp, fp, tn, fn = (self.state[count] for count in COUNTS)
        return {
            "recall": share(tp, tp + fn),
            "specificity": share(tn, tn + fp),
            "precision": share(tp, tp + fp),
        }


def check_probabilities(y_pred: Array) -> None:
    """
    Refuse predictions that are no probabilities.

    Parameters
    ----------
    y_pred : ndarray
        Of any shape.

    Raises
    ------
    ValueError
        If one is below 0, above 1 or NaN.
    """
    if y_pred.size and not (y_pred.min() >= 0 and y_pred.max() <= 1):
        raise ValueError(
            "y_pred must be from 0 to 1, got numbers from "
            f"{y_pred.min():g} to {y_pred.max():g}"
        )


def _only_largest(y_pred: Array, k: int) -> Array:
    order = np.argsort(-y_pred, axis=-1, kind="stable")[..., :k]
    kept = np.full_like(y_pred, NOT_AMONG_THEM)
    np.put_along_axis(kept, order, np.take_along_axis(y_pred, order, -1), -1)
    return kept


def counts_at(
    true: Array, pred: Array, weights: Array, limits: Array
) -> dict[str, Array]:
    """
    Return the four weighted counts at every limit.

    Parameters
    ----------
    true, pred, weights : ndarray of one shape
        Targets (any number but 0 is a yes), predictions and weights.
    limits : ndarray of shape (T,)
        A prediction above one, but not at it, says yes.

    Returns
    -------
    dict of str to ndarray of shape (T,)
        By the names in `COUNTS`.
    """
    order = np.argsort(pred, axis=None, kind="stable")
    pred, true = pred.ravel()[order], true.ravel()[order] != 0
    weights = weights.ravel()[order].astype(np.float64)
    # How many predictions a limit is not below: these say no.
    at = np.searchsorted(pred, limits.astype(pred.dtype), side="right")

    def below_and_above(chosen: Array) -> tuple[Array, Array]:
        sums = np.concatenate([[0.0], np.cumsum(np.where(chosen, weights, 0.0))])
        return sums[at], sums[-1] - sums[at]

    fn, tp = below_and_above(true)
    tn, fp = below_and_above(~true)
    return dict(zip(COUNTS, (tp, fp, tn, fn), strict=True))


class _AtThresholds(Confusion):
    """What a user gives thresholds to: None, one, or several."""

    def __init__(
        self,
        thresholds: Any = None,
        name: str | None = None,
        dtype: Any = None,
        *,
        top_k: int | None = None,
        class_id: int | None = None,
    ) -> None:
        self.thresholds = thresholds
        default = 0.5 if top_k is None else NOT_AMONG_THEM
        given = default if thresholds is None else thresholds
        is_array = isinstance(given, np.ndarray) and given.ndim > 0
        listed: Any = given if is_array or isinstance(given, (list, tuple)) else [given]
        if thresholds is not None:
            listed = checked_thresholds(listed)
        super().__init__(listed, top_k, class_id, name, dtype)

    def _one_or_all(self, values: Array) -> Any:
        return float(values[0]) if len(values) == 1 else values


class _Count(_AtThresholds):
    count: str

    @property
    def accumulator(self) -> Array:
        """The live counts, one for each threshold."""
        return self.state[self.count]

    def __init__(
        self, thresholds: Any = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(thresholds, name, dtype)

    def result(self) -> Any:
        """
        Return the weighted count.

        Returns
        -------
        float or ndarray
            One number, or one for each threshold.
        """
        return self._one_or_all(self.state[self.count].copy())


class TruePositives(_Count):
    """How many predictions say yes and are right."""

    count = "true_positives"


class FalsePositives(_Count):
    """How many predictions say yes and are wrong."""

    count = "false_positives"


class TrueNegatives(_Count):
    """How many predictions say no and are right."""

    count = "true_negatives"


class FalseNegatives(_Count):
    """How many predictions say no and are wrong."""

    count = "false_negatives"


class _Rate(_AtThresholds):
    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, name, dtype, top_k=top_k, class_id=class_id)


class Precision(_Rate):
    """
    Share of the predictions saying yes that are right.

    Parameters
    ----------
    thresholds : float or list of float, optional
        A prediction above one, but not at it, says yes. Default 0.5.
    top_k : int, optional
        Only the largest so many predictions of a sample can say yes.
    class_id : int, optional
        Only this class counts.
    name : str, optional
        Default ``"precision"``.
    dtype : str, optional
        As in Keras's configs.

    Examples
    --------
    >>> Precision()([0, 1, 1, 1], [1, 0, 1, 1])
    0.6666666666666666
    """

    def result(self) -> Any:
        """
        Return true positives over all positives.

        Returns
        -------
        float or ndarray
            One number, or one for each threshold; 0 where nothing said yes.
        """
        return self._one_or_all(self.rates()["precision"])


class Recall(_Rate):
    """
    Share of the targets saying yes that are found.

    Parameters
    ----------
    thresholds : float or list of float, optional
        A prediction above one, but not at it, says yes. Default 0.5.
    top_k : int, optional
        Only the largest so many predictions of a sample can say yes.
    class_id : int, optional
        Only this class counts.
    name : str, optional
        Default ``"recall"``.
    dtype : str, optional
        As in Keras's configs.

    Examples
    --------
    >>> Recall()([0, 1, 1, 1], [1, 0, 1, 1])
    0.6666666666666666
    """

    def result(self) -> Any:
        """
        Return true positives over all targets that say yes.

        Returns
        -------
        float or ndarray
            One number, or one for each threshold; 0 where no target says yes.
        """
        return self._one_or_all(self.rates()["recall"])
