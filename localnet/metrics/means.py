"""Keras 2's metric classes that are the mean of a function over all samples."""

import math
from collections.abc import Callable
from typing import Any, ClassVar

from .. import _validate, losses
from .._typing import Array, ArrayLike
from . import functions
from .base import Mean, prepared

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SquaredHinge",
    "TopKCategoricalAccuracy",
]


class NamedMean(Mean):
    """
    Base of the classes below: the mean of one function, under a name of its own.

    Parameters
    ----------
    name : str, optional
        What logs call it; default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs; sums are kept in float64.
    """

    function: ClassVar[Callable[..., Array]]
    options: tuple[str, ...] = ()

    def update_state(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: Any = None
    ) -> None:
        """
        Gather one batch.

        Parameters
        ----------
        y_true : array_like
            Targets.
        y_pred : array_like
            Predictions.
        sample_weight : array_like, optional
            One weight per sample; 1 if left out.
        """
        options = {option: getattr(self, option) for option in self.options}
        values = type(self).function(y_true, y_pred, **options)
        super().update_state(values, sample_weight)


def _equal(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Return 1 where a prediction equals its target."""
    pair = losses.targets.match(y_true, y_pred)
    equal: Array = pair.y_true == pair.y_pred
    return equal.astype(pair.y_pred.dtype)


class Accuracy(NamedMean):
    """How often predictions equal the targets."""

    function = staticmethod(_equal)


class CategoricalAccuracy(NamedMean):
    """How often the largest prediction stands at the largest target."""

    function = staticmethod(functions.categorical_accuracy)


class SparseCategoricalAccuracy(NamedMean):
    """How often the largest prediction stands at the label."""

    function = staticmethod(functions.sparse_categorical_accuracy)


class MeanSquaredError(NamedMean):
    """Mean of squared differences."""

    function = staticmethod(losses.mse)


class MeanAbsoluteError(NamedMean):
    """Mean of absolute differences."""

    function = staticmethod(losses.mae)


class MeanAbsolutePercentageError(NamedMean):
    """Mean of differences in percent of the targets."""

    function = staticmethod(losses.mape)


class MeanSquaredLogarithmicError(NamedMean):
    """Mean of squared differences of logarithms."""

    function = staticmethod(losses.msle)


class KLDivergence(NamedMean):
    """Divergence of predictions from targets."""

    function = staticmethod(losses.kl_divergence)

    def __init__(
        self, name: str = "kullback_leibler_divergence", dtype: Any = None
    ) -> None:
        super().__init__(name, dtype)


class Poisson(NamedMean):
    """Loss of predicted rates of counts."""

    function = staticmethod(losses.poisson)


class LogCoshError(NamedMean):
    """Mean of the logarithm of the hyperbolic cosine of the error."""

    function = staticmethod(losses.log_cosh)

    def __init__(self, name: str = "logcosh", dtype: Any = None) -> None:
        super().__init__(name, dtype)


class Hinge(NamedMean):
    """Hinge of signs."""

    function = staticmethod(losses.hinge)


class SquaredHinge(NamedMean):
    """Squared hinge of signs."""

    function = staticmethod(losses.squared_hinge)


class CategoricalHinge(NamedMean):
    """Hinge between the right and the best wrong class."""

    function = staticmethod(losses.categorical_hinge)


class BinaryAccuracy(NamedMean):
    """
    How often yes-or-no predictions are right.

    Parameters
    ----------
    name : str, optional
        What logs call it; default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs.
    threshold : float
        Above it, but not at it, a prediction means 1.
    """

    # Number by number: data without a last axis are samples, too.
    function = staticmethod(functions.binary_matches)
    options = ("threshold",)

    def __init__(
        self, name: str | None = None, dtype: Any = None, threshold: float = 0.5
    ) -> None:
        super().__init__(name, dtype)
        self.threshold = _validate.number("threshold", threshold)


class TopKCategoricalAccuracy(NamedMean):
    """
    How often the target is among the k largest predictions.

    Parameters
    ----------
    k : int
        How many predictions count.
    name : str, optional
        What logs call it; default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs.
    """

    function = staticmethod(functions.top_k_categorical_accuracy)
    options = ("k",)

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.k = _validate.integer("k", k, minimum=1)


class SparseTopKCategoricalAccuracy(NamedMean):
    """
    How often the label is among the k largest predictions.

    Parameters
    ----------
    k : int
        How many predictions count.
    name : str, optional
        What logs call it; default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs.
    """

    function = staticmethod(functions.sparse_top_k_categorical_accuracy)
    options = ("k",)

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.k = _validate.integer("k", k, minimum=1)


class CosineSimilarity(NamedMean):
    """
    Mean cosine of the angle between targets and predictions.

    Parameters
    ----------
    name : str, optional
        What logs call it; default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs.
    axis : int
        The axis that holds the vectors.
    """

    function = staticmethod(functions.cosine_similarity)
    options = ("axis",)

    def __init__(
        self, name: str | None = None, dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(name, dtype)
        self.axis = axis


class BinaryCrossentropy(NamedMean):
    """
    Crossentropy of yes-or-no predictions.

    Parameters
    ----------
    name : str, optional
        What logs call it; default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs.
    from_logits : bool
        Whether predictions are logits and not probabilities.
    label_smoothing : float
        Share of the labels that is spread over all classes.
    """

    function = staticmethod(losses.binary_crossentropy)
    options = (
        "from_logits",
        "label_smoothing",
    )

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits = _validate.flag("from_logits", from_logits)
        self.label_smoothing = _validate.number("label_smoothing", label_smoothing)


class CategoricalCrossentropy(NamedMean):
    """
    Crossentropy of predicted classes.

    Parameters
    ----------
    name : str, optional
        What logs call it; default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs.
    from_logits : bool
        Whether predictions are logits and not probabilities.
    label_smoothing : float
        Share of the labels that is spread over all classes.
    axis : int
        The axis of the classes.
    """

    function = staticmethod(losses.categorical_crossentropy)
    options = (
        "from_logits",
        "label_smoothing",
        "axis",
    )

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits = _validate.flag("from_logits", from_logits)
        self.label_smoothing = _validate.number("label_smoothing", label_smoothing)
        self.axis = axis


class SparseCategoricalCrossentropy(NamedMean):
    """
    Crossentropy of predicted classes, for labels.

    Parameters
    ----------
    name : str, optional
        What logs call it; default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs.
    from_logits : bool
        Whether predictions are logits and not probabilities.
    axis : int
        The axis of the classes.
    """

    function = staticmethod(losses.sparse_categorical_crossentropy)
    options = (
        "from_logits",
        "axis",
    )

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        from_logits: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits = _validate.flag("from_logits", from_logits)
        self.axis = axis


class RootMeanSquaredError(Mean):
    """Root of the mean of squared differences."""

    def update_state(  # type: ignore[override]
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: Any = None
    ) -> None:
        """
        Gather one batch.

        Parameters
        ----------
        y_true : array_like
            Targets.
        y_pred : array_like
            Predictions.
        sample_weight : array_like, optional
            One weight per sample; 1 if left out.
        """
        true, pred, weights = prepared(y_true, y_pred, sample_weight)
        super().update_state((true - pred) ** 2, weights)

    def result(self) -> float:
        """
        Return the root of the mean.

        Returns
        -------
        float
            0.0 before any batch.
        """
        return math.sqrt(super().result())
