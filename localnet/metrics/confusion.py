"""Metrics of yes-or-no predictions at thresholds: counts, precision, recall, areas."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import _arrays, _validate, config
from .._typing import Array, ArrayLike, Config
from ..activations import sigmoid
from .base import Metric, prepared

__all__ = [
    "AUC",
    "FalseNegatives",
    "FalsePositives",
    "Precision",
    "PrecisionAtRecall",
    "Recall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
    "TrueNegatives",
    "TruePositives",
]

COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
# What a prediction outside the `top_k` becomes.
NOT_AMONG_THEM = -1e10


def share(part: Array, whole: Array) -> Array:
    """Return the quotient, and 0 where nothing is divided."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole != 0)


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
            From 0 to 1.
        sample_weight : array_like, optional
            One weight per sample, or per prediction.

        Raises
        ------
        ValueError
            If a prediction lies outside, or the shapes do not fit; nothing is counted.
        """
        true, pred, weights = prepared(y_true, y_pred, sample_weight)
        check_probabilities(pred)
        if self.top_k is not None:
            pred = _only_largest(pred, self.top_k)
        if self.class_id is not None:
            true, pred, weights = (a[..., self.class_id] for a in (true, pred, weights))
        flat = (np.ravel(a) for a in (true != 0, pred, weights))
        for name, counted in _counts(*flat, self.limits).items():
            self.state[name] += counted

    def _rates(self) -> tuple[Array, Array, Array, Array]:
        """Return recall, specificity, precision and the number of targets that say yes."""
        tp, fp, tn, fn = (self.state[count] for count in COUNTS)
        return share(tp, tp + fn), share(tn, tn + fp), share(tp, tp + fp), tp + fn


def check_probabilities(y_pred: Array) -> None:
    """Refuse predictions that are no probabilities, as Keras does."""
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


def _counts(
    true: Array, pred: Array, weights: Array, limits: Array
) -> dict[str, Array]:
    """Return the four weighted counts at every limit."""
    order = np.argsort(pred, kind="stable")
    pred, true = pred[order], true[order]
    weights = weights[order].astype(np.float64)
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
        listed = given if isinstance(given, (list, tuple, np.ndarray)) else [given]
        for threshold in listed if thresholds is not None else []:
            _validate.number("thresholds", threshold, minimum=0.0, maximum=1.0)
        super().__init__(listed, top_k, class_id, name, dtype)

    def _one_or_all(self, values: Array) -> Any:
        return float(values[0]) if len(values) == 1 else values


class _Count(_AtThresholds):
    count: str

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
        return self._one_or_all(self._rates()[2])


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
        return self._one_or_all(self._rates()[0])


class _Best(Confusion):
    """The largest of one rate where another one is at least `wanted`."""

    def __init__(
        self,
        wanted: tuple[str, float],
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
        dtype: Any,
    ) -> None:
        given, value = wanted
        self.wanted = _validate.number(given, value, minimum=0.0, maximum=1.0)
        n = _validate.integer("num_thresholds", num_thresholds, minimum=1)
        self.num_thresholds = n
        inner = [(i + 1) / (n - 1) for i in range(n - 2)]
        limits = [0.5] if n == 1 else [0.0, *inner, 1.0]
        super().__init__(limits, None, class_id, name, dtype)

    def _best(self, held: Array, asked: Array) -> float:
        fits = held >= self.wanted
        return float(asked[fits].max()) if fits.any() else 0.0


class SensitivityAtSpecificity(_Best):
    """
    Best sensitivity where the specificity is at least a given one.

    Parameters
    ----------
    specificity : float
        From 0 to 1.
    num_thresholds : int
        How many thresholds between 0 and 1 are tried.
    class_id : int, optional
        Only this class counts.
    name : str, optional
        Default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs.
    """

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.specificity = specificity
        super().__init__(
            ("specificity", specificity), num_thresholds, class_id, name, dtype
        )

    def result(self) -> float:
        """
        Return the best sensitivity.

        Returns
        -------
        float
            0 if no threshold fits.
        """
        recall, specificity, _, _ = self._rates()
        return self._best(specificity, recall)


class SpecificityAtSensitivity(_Best):
    """
    Best specificity where the sensitivity is at least a given one.

    Parameters
    ----------
    sensitivity : float
        From 0 to 1.
    num_thresholds : int
        How many thresholds between 0 and 1 are tried.
    class_id : int, optional
        Only this class counts.
    name : str, optional
        Default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs.
    """

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.sensitivity = sensitivity
        super().__init__(
            ("sensitivity", sensitivity), num_thresholds, class_id, name, dtype
        )

    def result(self) -> float:
        """
        Return the best specificity.

        Returns
        -------
        float
            0 if no threshold fits.
        """
        recall, specificity, _, _ = self._rates()
        return self._best(recall, specificity)


class PrecisionAtRecall(_Best):
    """
    Best precision where the recall is at least a given one.

    Parameters
    ----------
    recall : float
        From 0 to 1.
    num_thresholds : int
        How many thresholds between 0 and 1 are tried.
    class_id : int, optional
        Only this class counts.
    name : str, optional
        Default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs.
    """

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.recall = recall
        super().__init__(("recall", recall), num_thresholds, class_id, name, dtype)

    def result(self) -> float:
        """
        Return the best precision.

        Returns
        -------
        float
            0 if no threshold fits.
        """
        recall, _, precision, _ = self._rates()
        return self._best(recall, precision)


class RecallAtPrecision(_Best):
    """
    Best recall where the precision is at least a given one.

    Parameters
    ----------
    precision : float
        From 0 to 1.
    num_thresholds : int
        How many thresholds between 0 and 1 are tried.
    class_id : int, optional
        Only this class counts.
    name : str, optional
        Default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs.
    """

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.precision = precision
        super().__init__(
            ("precision", precision), num_thresholds, class_id, name, dtype
        )

    def result(self) -> float:
        """
        Return the best recall.

        Returns
        -------
        float
            0 if no threshold fits.
        """
        recall, _, precision, _ = self._rates()
        return self._best(precision, recall)


# Areas ---------------------------------------------------------------------------

HEIGHTS: dict[str, Callable[[Array, Array], Array]] = {
    "interpolation": lambda left, right: (left + right) / 2,
    "minoring": np.minimum,
    "majoring": np.maximum,
}


class AUC(Metric):
    """
    Area under a curve of rates, by sums over thresholds.

    Parameters
    ----------
    num_thresholds : int
        How many thresholds from 0 to 1, the ends included; at least 2.
    curve : {"ROC", "PR"}
        Recall over the rate of false alarms, or precision over recall.
    summation_method : {"interpolation", "minoring", "majoring"}
        How the curve is taken to run between two thresholds.
    name : str, optional
        Default ``"auc"``.
    dtype : str, optional
        As in Keras's configs; counts are kept in float64.
    thresholds : sequence of float, optional
        Between 0 and 1, instead of evenly spaced ones.
    multi_label : bool
        Whether each class has a curve of its own; the areas are averaged.
    num_labels : int, optional
        How many classes; found from the first batch where it is left out.
    label_weights : sequence of float, optional
        Weights of the classes in the mean, or of their predictions in the one curve.
    from_logits : bool
        Whether predictions are logits and not probabilities.

    Examples
    --------
    >>> AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    0.75
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name, dtype)
        self.curve = str(curve).upper()
        if self.curve not in ("ROC", "PR"):
            raise ValueError(f"curve must be 'ROC' or 'PR', got {curve!r}")
        self.summation_method = _validate.choice(
            "summation_method", summation_method, list(HEIGHTS)
        )
        self.multi_label = _validate.flag("multi_label", multi_label)
        self.from_logits = _validate.flag("from_logits", from_logits)
        self.num_labels = _validate.optional_integer(
            "num_labels", num_labels, minimum=1
        )
        self.label_weights = (
            None
            if label_weights is None
            else _arrays.reals("label_weights", label_weights)
        )
        inner: list[float]
        if thresholds is None:
            n = _validate.integer("num_thresholds", num_thresholds, minimum=2)
            inner = [(i + 1) / (n - 1) for i in range(n - 2)]
        else:
            inner = sorted(
                _validate.number("thresholds", value, minimum=0.0, maximum=1.0)
                for value in thresholds
            )
        self.num_thresholds = len(inner) + 2
        self.thresholds = None if thresholds is None else inner
        # The ends lie outside, so that they let all and nothing through.
        outside = config.epsilon()
        self.limits = np.array([0.0 - outside, *inner, 1.0 + outside], np.float32)

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: Any = None
    ) -> None:
        """
        Count one batch at every threshold.

        Parameters
        ----------
        y_true : array_like
            Targets 0 and 1.
        y_pred : array_like
            From 0 to 1, or logits.
        sample_weight : array_like, optional
            One weight per sample, or per prediction.

        Raises
        ------
        ValueError
            If a prediction lies outside, or the shapes do not fit; nothing is counted.
        """
        true, pred, weights = prepared(y_true, y_pred, sample_weight)
        if self.from_logits:
            pred = sigmoid(pred)
        check_probabilities(pred)
        if self.multi_label:
            columns = list(range(pred.shape[-1]))
        else:
            columns = [slice(None)]
            if self.label_weights is not None:
                weights = weights * self.label_weights
        counted = [
            _counts(
                *(np.ravel(a[..., column]) for a in (true != 0, pred, weights)),
                self.limits,
            )
            for column in columns
        ]
        for count in COUNTS:
            values = np.stack([counts[count] for counts in counted], axis=-1)
            former = self.state.get(count)
            if former is not None and former.shape != values.shape:
                raise ValueError(
                    f"y_pred must have {former.shape[-1]} classes as before, got "
                    f"{values.shape[-1]}"
                )
            self.state[count] = values if former is None else former + values

    def result(self) -> float:
        """
        Return the area.

        Returns
        -------
        float
            From 0 to 1; 0 before any batch.
        """
        if not self.state:
            return 0.0
        tp, fp, tn, fn = (self.state[count] for count in COUNTS)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._mean(_interpolated_precision(tp, fp, fn))
        recall = share(tp, tp + fn)
        if self.curve == "ROC":
            x, y = share(fp, fp + tn), recall
        else:
            x, y = recall, share(tp, tp + fp)
        heights = HEIGHTS[self.summation_method](y[:-1], y[1:])
        return self._mean(np.sum((x[:-1] - x[1:]) * heights, axis=0))

    def _mean(self, areas: Array) -> float:
        if not self.multi_label or self.label_weights is None:
            return float(areas.mean())
        total = float(self.label_weights.sum())
        return float((areas * self.label_weights).sum()) / total if total else 0.0

    def get_config(self) -> Config:
        """
        Return the arguments that make an equal metric.

        Returns
        -------
        dict
            With Keras's keys; ready for JSON.
        """
        weights = self.label_weights
        return {
            **super().get_config(),
            "label_weights": None if weights is None else weights.tolist(),
        }


def _interpolated_precision(tp: Array, fp: Array, fn: Array) -> Array:
    """
    Return the area under precision over recall.

    Between two thresholds true and false positives grow in proportion, so that the
    precision does not run straight: Davis and Goadrich, "The relationship between
    precision-recall and ROC curves", ICML 2006.
    """
    found = tp[:-1] - tp[1:]
    positives = tp + fp
    slope = share(found, np.maximum(positives[:-1] - positives[1:], 0))
    start = tp[1:] - slope * positives[1:]
    both = (positives[:-1] > 0) & (positives[1:] > 0)
    ratio = np.ones_like(start)
    np.divide(positives[:-1], positives[1:], out=ratio, where=both)
    gain = slope * (found + start * np.log(ratio))
    return np.sum(share(gain, np.maximum(tp[1:] + fn[1:], 0)), axis=0)
