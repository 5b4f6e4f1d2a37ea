"""
Formulas that overflow when written down as they stand, in a form that does not.

Activations and losses share them; they take and return plain arrays of floats.
"""

import numpy as np

from .._typing import Array, Shape

__all__ = ["log_softmax", "sigmoid", "softmax", "softmax_and_log"]


def sigmoid(x: Array) -> Array:
    """
    Compute 1 / (1 + exp(-x)) as exp(min(x, 0)) / (1 + exp(-abs(x))).

    No exponent is positive, so nothing overflows, and far below zero the small result
    keeps its relative accuracy.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    # min(x, -x) is -abs(x), and the complex step can pass through it.
    y: Array = np.exp(np.minimum(x, 0.0)) / (1.0 + np.exp(np.minimum(x, -x)))
    return y


def softmax(x: Array, axis: int | Shape) -> Array:
    """
    Compute exp(x) / sum(exp(x)) after taking the largest x from all.

    The quotient stays the same, the largest power becomes 1 and none overflows.

    >>> softmax(np.array([1000.0, 1000.0]), axis=0)
    array([0.5, 0.5])
    """
    _, y, total = _powers(x, axis)
    y /= total
    return y


def log_softmax(x: Array, axis: int | Shape) -> Array:
    """
    Compute x - log(sum(exp(x))) after taking the largest x from all.

    No power overflows, and since no probability is formed, none is rounded to zero
    before its logarithm is taken.

    >>> log_softmax(np.array([0.0, 1000.0]), axis=0)
    array([-1000.,     0.])
    """
    y, _, total = _powers(x, axis)
    y -= np.log(total)
    return y


def softmax_and_log(x: Array, axis: int | Shape) -> tuple[Array, Array]:
    """
    Compute `softmax` and `log_softmax` from the same powers.

    >>> p, log_p = softmax_and_log(np.array([0.0, 0.0]), axis=0)
    >>> p
    array([0.5, 0.5])
    """
    log_y, y, total = _powers(x, axis)
    log_y -= np.log(total)
    y /= total
    return y, log_y


def _powers(x: Array, axis: int | Shape) -> tuple[Array, Array, Array]:
    """Return x below its largest value along `axis`, exp of that, and their sum."""
    # The initial value only serves an axis of length 0, which has no maximum.
    shifted = x - np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    powers = np.exp(shifted)
    return shifted, powers, np.add.reduce(powers, axis=axis, keepdims=True)
