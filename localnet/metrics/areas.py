"""The area under a curve of rates of yes-or-no predictions."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import _arrays, _validate, config
from .._typing import Array, ArrayLike, Config
from ..activations import sigmoid
from .base import Metric, prepared
from .confusion import (
    COUNTS,
    check_probabilities,
    checked_thresholds,
    counts_at,
    evenly_spaced,
    share,
)

__all__ = ["AUC"]

HEIGHTS: dict[str, Callable[[Array, Array], Array]] = {
    "interpolation": lambda left, right: (left + right) / 2,
    "minoring": np.minimum,
    "majoring": np.maximum,
}


def _checked_weights(value: Any) -> Array:
    weights = _arrays.reals("label_weights", value)
    if weights.ndim != 1 or not np.all(np.isfinite(weights) & (weights >= 0)):
        raise ValueError(
            "label_weights must be a sequence of finite numbers >= 0, "
            f"got {_validate.shown(value)}"
        )
    return weights


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
        self.curve = curve.upper() if isinstance(curve, str) else ""
        if self.curve not in ("ROC", "PR"):
            raise ValueError(
                f"curve must be 'ROC' or 'PR', got {_validate.shown(curve)}"
            )
        self.summation_method = _validate.choice(
            "summation_method", summation_method, list(HEIGHTS)
        )
        self.multi_label = _validate.flag("multi_label", multi_label)
        self.from_logits = _validate.flag("from_logits", from_logits)
        self.num_labels = _validate.optional_integer(
            "num_labels", num_labels, minimum=1
        )
        self.label_weights = (
            None if label_weights is None else _checked_weights(label_weights)
        )
        if thresholds is None:
            inner = evenly_spaced(num_thresholds, minimum=2)[1:-1]
        else:
            inner = sorted(checked_thresholds(thresholds))
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
            columns: list[Any] = [(..., label) for label in range(pred.shape[-1])]
        else:
            columns = [(...,)]
            if self.label_weights is not None:
                weights = weights * self.label_weights
        counted = [
            counts_at(true[c], pred[c], weights[c], self.limits) for c in columns
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
    areas: Array = np.sum(share(gain, np.maximum(tp[1:] + fn[1:], 0)), axis=0)
    return areas
