"""The gradient of any function of a batch, by central differences."""

from collections.abc import Callable

import numpy as np

from .._typing import Array

__all__ = ["MAX_EVALUATIONS", "gradient_by_differences"]

# Steps of the differences, relative to the numbers: the cube root of what float64
# resolves, at which the errors of cutting off and of rounding are about equal.
STEP = float(np.finfo(np.float64).eps) ** (1 / 3)
MAX_EVALUATIONS = 4096


def gradient_by_differences(
    function: Callable[[Array], Array],
    x: Array,
    dy: Array,
    *,
    name: str,
    max_evaluations: int = MAX_EVALUATIONS,
) -> Array:
    r"""
    Compute the gradient of ``sum(function(x) * dy)`` by central differences.

    Parameters
    ----------
    function : callable
        From a batch to float64 values: one number, or an array whose first axis is that
        of the samples.
    x : ndarray of float64, of shape (N, ...)
        Where the gradient is taken. Not modified.
    dy : ndarray of the shape of the values
        Upstream gradient.
    name : str
        What errors call the function.
    max_evaluations : int
        How many calls there may be.

    Returns
    -------
    ndarray of the shape of x
        The gradient, to about 9 digits.

    Raises
    ------
    ValueError
        If two calls with the same batch differ, or too many calls are needed.

    Notes
    -----
    Two calls for each number of one sample, whatever N is; two for each number of the
    batch where samples depend on one another. That is found out by moving the first
    one and the last one alone: no other value may change then.

    .. math:: \frac{\partial f}{\partial x_j} \approx
        \frac{f(x + h e_j) - f(x - h e_j)}{2 h}

    Examples
    --------
    >>> x = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> gradient_by_differences(lambda x: x**2, x, np.ones((2, 2)), name="f").round(6)
    array([[2., 4.],
           [6., 8.]])
    """
    values = function(x)
    if not np.array_equal(function(x), values, equal_nan=True):
        raise ValueError(
            f"{name} must give the same for the same batch, to be differentiated, got "
            "two results: draw random numbers outside of it"
        )
    if not x.size:
        return np.zeros(x.shape)
    together = values.ndim == 0 or _coupled(function, x, values)
    moves = x.size if together else x[:1].size
    if 2 * moves > max_evaluations:
        how = "depend on one another" if together else "are large"
        raise ValueError(
            f"{name} must need at most {max_evaluations} evaluations of a batch, got "
            f"{2 * moves}, since the samples {how}: give it a gradient of its own, or "
            "use smaller batches"
        )
    gradient = np.zeros(x.shape)
    rows = (1, -1) if together else (len(x), -1)
    flat, at = gradient.reshape(rows), x.reshape(rows)
    for move in range(flat.shape[1]):
        step = np.zeros(flat.shape)
        step[:, move] = STEP * np.maximum(1.0, np.abs(at[:, move]))
        high, low = at + step, at - step
        slope = dy * (function(high.reshape(x.shape)) - function(low.reshape(x.shape)))
        # Divided by how far apart the points really lie.
        flat[:, move] = slope.reshape(rows).sum(axis=1) / (high - low)[:, move]
    return gradient


def _coupled(function: Callable[[Array], Array], x: Array, values: Array) -> bool:
    """Return whether moving one sample changes the value of another."""
    # Not all numbers alike, which a softmax would not see.
    steps = 0.125 * np.linspace(1.0, 2.0, x[0].size).reshape(x.shape[1:])
    for place in {0, len(x) - 1}:
        moved = x.copy()
        moved[place] += steps * np.maximum(1.0, np.abs(moved[place]))
        with np.errstate(all="ignore"):
            changed = function(moved)
        others = np.arange(len(x)) != place
        if not np.array_equal(changed[others], values[others], equal_nan=True):
            return True
    return False
