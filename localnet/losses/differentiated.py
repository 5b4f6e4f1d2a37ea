"""A loss of one's own without a gradient: differentiated by central differences."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _arrays, _validate
from .._typing import Array, ArrayLike
from ..ops.differences import MAX_EVALUATIONS, gradient_by_differences
from .base import Loss
from .logits import WithLogits
from .targets import predictions

__all__ = ["Differentiated"]


class Differentiated(Loss):
    """
    A loss of one's own, whose gradient is found by central differences.

    It costs two evaluations for each number of one sample's output, whatever the size
    of the batch, and is about right to 9 digits. Where a gradient is known, give it
    instead, see `FunctionLoss`.

    Parameters
    ----------
    function : callable
        ``function(y_true, y_pred)`` gives one value per sample, or one number for the
        batch. It is called with float64.
    max_evaluations : int, default 4096
        How many calls a batch may take. A function in which samples depend on one
        another needs two for each number of the whole batch.

    Raises
    ------
    ValueError
        If `function` is not callable, gives anything else, or needs too many calls.

    Notes
    -----
    Whether samples depend on one another is found out in each batch, see
    ``ops/differences.py``.

    Examples
    --------
    >>> def squares(y_true, y_pred):
    ...     return np.mean((y_pred - y_true) ** 2, axis=-1)
    >>> loss = Differentiated(squares)
    >>> loss.gradient(np.zeros((2, 1)), np.array([[1.0], [3.0]])).round(6)
    array([[1.],
           [3.]])
    """

    def __init__(self, function: Any, max_evaluations: int = MAX_EVALUATIONS) -> None:
        if not callable(function):
            raise ValueError(
                f"function must be callable, got {_validate.shown(function)}"
            )
        super().__init__(name=getattr(function, "__name__", type(function).__name__))
        self.function = function
        self.max_evaluations = _validate.integer(
            "max_evaluations", max_evaluations, minimum=2
        )

    def _values(self, t: Array, p: Array) -> Array:
        values = _arrays.real_numbers(
            f"values of {self.name}", _arrays.call(self.function, t, p)
        )
        if values.ndim and values.shape != p.shape[: values.ndim]:
            raise ValueError(
                f"values of {self.name} must have a shape that y_pred's {p.shape} "
                f"begins with, got {values.shape}"
            )
        return values.astype(np.float64)

    def _weights(
        self, y_true: ArrayLike, values: Array, sample_weight: ArrayLike | None
    ) -> Array:
        if values.ndim or sample_weight is None:
            return super()._weights(y_true, values, sample_weight)
        # Keras spreads the one value over the samples, and reduces these.
        weights = _arrays.real_numbers("sample_weight", sample_weight)
        return np.asarray((np.mean if self._is_mean else np.sum)(weights), values.dtype)

    def forward(self, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, Any]:
        """
        Compute the values; see `Loss.forward`.

        Parameters
        ----------
        y_true : array_like
            Targets.
        y_pred : array_like
            Predictions. Of an output that knows its logits, the gradient is by these.

        Returns
        -------
        values : ndarray
            One per sample; of shape () for one of the batch.
        cache : tuple
            For `backward`.
        """
        seen: Callable[[Array], Array]
        if isinstance(y_pred, WithLogits) and y_pred.logits is not None:
            # What the function makes of logits is differentiated by them.
            given, seen = y_pred.logits, y_pred.at
        else:
            given, seen = predictions(y_pred), np.asarray
        p = given.astype(np.float64)
        t = np.asarray(_arrays.numbers("y_true", y_true))
        t = t.astype(np.float64) if t.dtype.kind in "fbiu" else t
        values = self._values(t, seen(p))
        return values.astype(given.dtype), (t, p, given.dtype, seen)

    def backward(self, dy: ArrayLike, cache: Any) -> Array:
        """
        Compute the gradient by differences; see `Loss.backward`.

        Parameters
        ----------
        dy : array_like of the shape of the values
            Upstream gradient.
        cache : tuple
            From `forward`.

        Returns
        -------
        ndarray of the shape of y_pred
            The gradient.
        """
        t, p, dtype, seen = cache
        gradient = gradient_by_differences(
            lambda moved: self._values(t, seen(moved)),
            p,
            np.asarray(dy, np.float64),
            name=str(self.name),
            max_evaluations=self.max_evaluations,
        )
        return gradient.astype(dtype)
