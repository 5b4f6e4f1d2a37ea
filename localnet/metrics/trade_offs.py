"""The best of one rate of yes-or-no predictions where another one is good enough."""

from typing import Any

from .. import _validate
from .confusion import Confusion, evenly_spaced

__all__ = [
    "PrecisionAtRecall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
]


class _Best(Confusion):
    """The largest of one rate where another one is at least as wanted."""

    held: str
    best: str

    def __init__(
        self,
        wanted: tuple[str, float],
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
        dtype: Any,
    ) -> None:
        self.wanted = _validate.number(*wanted, minimum=0.0, maximum=1.0)
        limits = evenly_spaced(num_thresholds, minimum=1)
        self.num_thresholds = len(limits)
        super().__init__(limits, None, class_id, name, dtype)

    def result(self) -> float:
        """
        Return the best rate.

        Returns
        -------
        float
            0 if no threshold fits.
        """
        rates = self.rates()
        fits = rates[self.held] >= self.wanted
        return float(rates[self.best][fits].max()) if fits.any() else 0.0


class SensitivityAtSpecificity(_Best):
    """
    Best sensitivity where the specificity is at least a given one.

    Parameters
    ----------
    specificity : float
        From 0 to 1.
    num_thresholds : int
        How many thresholds from 0 to 1 are tried.
    class_id : int, optional
        Only this class counts.
    name : str, optional
        Default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs.
    """

    held, best = "specificity", "recall"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.specificity = specificity
        wanted = ("specificity", specificity)
        super().__init__(wanted, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_Best):
    """
    Best specificity where the sensitivity is at least a given one.

    Parameters
    ----------
    sensitivity : float
        From 0 to 1.
    num_thresholds : int
        How many thresholds from 0 to 1 are tried.
    class_id : int, optional
        Only this class counts.
    name : str, optional
        Default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs.
    """

    held, best = "recall", "specificity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.sensitivity = sensitivity
        wanted = ("sensitivity", sensitivity)
        super().__init__(wanted, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_Best):
    """
    Best precision where the recall is at least a given one.

    Parameters
    ----------
    recall : float
        From 0 to 1.
    num_thresholds : int
        How many thresholds from 0 to 1 are tried.
    class_id : int, optional
        Only this class counts.
    name : str, optional
        Default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs.
    """

    held, best = "recall", "precision"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.recall = recall
        wanted = ("recall", recall)
        super().__init__(wanted, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_Best):
    """
    Best recall where the precision is at least a given one.

    Parameters
    ----------
    precision : float
        From 0 to 1.
    num_thresholds : int
        How many thresholds from 0 to 1 are tried.
    class_id : int, optional
        Only this class counts.
    name : str, optional
        Default: the class name in snake case.
    dtype : str, optional
        As in Keras's configs.
    """

    held, best = "precision", "recall"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.precision = precision
        wanted = ("precision", precision)
        super().__init__(wanted, num_thresholds, class_id, name, dtype)
