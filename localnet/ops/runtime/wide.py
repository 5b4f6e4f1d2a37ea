"""
Rows of few channels laid side by side, for NumPy's inner loops to be long.

What adds, scales or sums up channels runs along the last axis. Where that is short, as
16 filters are, starting a loop costs more than its numbers do. Several rows of memory
that lie one after the other are one wide row, in which the channels recur.
"""

import math

import numpy as np

from ..._typing import Array, Shape

__all__ = ["add_to_rows", "sum_of_rows", "wide_shape"]

# Numbers of a wide row: longer ones gain nothing, and leave fewer to add them up.
WIDTH = 1024


def wide_shape(rows: int, channels: int) -> Shape:
    """
    Return (wide rows, width) for rows of so many channels.

    Examples
    --------
    >>> wide_shape(4096, 16), wide_shape(12, 16), wide_shape(5, 16)
    ((64, 1024), (3, 64), (5, 16))
    """
    most = max(1, WIDTH // max(1, channels))
    # A power of two, which shapes divide by more often than by other numbers.
    together = math.gcd(rows, 1 << (most.bit_length() - 1))
    return rows // together, together * channels


def sum_of_rows(a: Array) -> Array:
    """
    Return the sums over the last axis but one.

    Parameters
    ----------
    a : ndarray of shape (..., M, C)
        C-contiguous, or small enough to copy.

    Returns
    -------
    ndarray of shape (..., C)
        In the dtype of `a`, whose sums are those of wide rows first.

    Examples
    --------
    >>> import numpy as np
    >>> sum_of_rows(np.ones((2, 6, 3)))
    array([[6., 6., 6.],
           [6., 6., 6.]])
    """
    *others, rows, channels = a.shape
    wide, width = wide_shape(rows, channels)
    total = np.add.reduce(a.reshape(*others, wide, width), axis=-2)
    apart = total.reshape(*others, width // max(1, channels), channels)
    sums: Array = np.add.reduce(apart, axis=-2)
    return sums


def add_to_rows(a: Array, row: Array) -> None:
    """Add `row`, shape (C,), to every row of `a`, shape (..., C), C-contiguous."""
    channels = len(row)
    wide = a.reshape(wide_shape(math.prod(a.shape[:-1]), channels))
    wide += np.tile(row, wide.shape[-1] // max(1, channels))
