"""A loss of one's own without a gradient: differentiated by central differences."""

from typing import Any

import numpy as np

from .. import _arrays, _validate
from .._typing import Array, ArrayLike
from .base import Loss
from .targets import predictions

__all__ = ["Differentiated"]

# Steps of the differences, relative to the predictions: the cube root of what float64
# resolves, at which the errors of cutting off and of rounding are about equal.
STEP = float(np.finfo(np.float64).eps) ** (1 / 3)


class Differentiated(Loss):
    r"""
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
    Whether samples depend on one another is found out in each batch by moving the
    first one and the last one alone: no other value may change then.

    .. math:: \frac{\partial l}{\partial p_j} \approx
        \frac{l(p + h e_j) - l(p - h e_j)}{2 h}

    Examples
    --------
    >>> def squares(y_true, y_pred):
    ...     return np.mean((y_pred - y_true) ** 2, axis=-1)
    >>> loss = Differentiated(squares)
    >>> loss.gradient(np.zeros((2, 1)), np.array([[1.0], [3.0]])).round(6)
    array([[1.],
           [3.]])
    """

    def __init__(self, function: Any, max_evaluations: int = 4096) -> None:
        if not callable(function):
            raise ValueError(f"function must be callable, got {function!r}")
        super().__init__(name=getattr(function, "__name__", type(function).__name__))
        self.function = function
        self.max_evaluations = _validate.integer(
            "max_evaluations", max_evaluations, minimum=2
        )

    def _values(self, t: Array, p: Array) -> Array:
        values = _arrays.real_numbers(f"values of {self.name}", self.function(t, p))
        if values.ndim and values.shape != p.shape[: values.ndim]:
            raise ValueError(
                f"values of {self.name} must have a shape that y_pred's {p.shape} "
                f"begins with, got {values.shape}"
            )
        return values.astype(np.float64)

    def forward(self, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, Any]:
        """
        Compute the values; see `Loss.forward`.

        Parameters
        ----------
        y_true : array_like
            Targets.
        y_pred : array_like
            Predictions.

        Returns
        -------
        values : ndarray
            One per sample; of shape () for one of the batch.
        cache : tuple
            For `backward`.
        """
        given = predictions(y_pred)
        p = given.astype(np.float64)
        t = np.asarray(_arrays.numbers("y_true", y_true))
        t = t.astype(np.float64) if t.dtype.kind in "fbiu" else t
        values = self._values(t, p)
        return values.astype(given.dtype), (t, p, values, given.dtype)

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
        t, p, values, dtype = cache
        dy = np.asarray(dy, np.float64)
        together = values.ndim == 0 or self._coupled(t, p, values)
        moves = p.size if together else p[0].size
        if 2 * moves > self.max_evaluations:
            how = "depend on one another" if together else "are large"
            raise ValueError(
                f"{self.name} must need at most {self.max_evaluations} evaluations of "
                f"a batch, got {2 * moves}, since the samples {how}: give it a "
                "gradient, use smaller batches, or raise max_evaluations"
            )
        gradient = np.zeros(p.shape)
        flat = gradient.reshape(-1) if together else gradient.reshape(len(p), -1)
        for move in range(moves):
            step = np.zeros(p.shape)
            where = step.reshape(-1) if together else step.reshape(len(p), -1)
            index = move if together else (slice(None), move)
            at = p.reshape(where.shape)[index]
            where[index] = STEP * np.maximum(1.0, np.abs(at))
            # As far as the points really lie apart.
            high, low = p + step, p - step
            apart = (high - low).reshape(where.shape)[index]
            slope = dy * (self._values(t, high) - self._values(t, low))
            if not together:
                slope = slope.reshape(len(p), -1).sum(axis=1)
            else:
                slope = slope.sum()
            flat[index] = slope / apart
        return gradient.astype(dtype)

    def _coupled(self, t: Array, p: Array, values: Array) -> bool:
        """Return whether moving one sample changes the value of another."""
        for place in {0, len(p) - 1}:
            moved = p.copy()
            moved[place] += 0.125 * np.maximum(1.0, np.abs(moved[place]))
            with np.errstate(all="ignore"):
                changed = self._values(t, moved)
            others = np.arange(len(p)) != place
            if not np.array_equal(changed[others], values[others], equal_nan=True):
                return True
        return False
