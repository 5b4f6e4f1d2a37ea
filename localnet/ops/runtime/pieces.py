"""Arithmetic on large arrays in pieces: the temporaries stay in cache."""

import math
from collections.abc import Callable, Iterator

from ..._typing import Array, Shape
from .cuts import slices
from .threads import run_all

__all__ = ["in_pieces", "row_pieces", "sum_of_pieces"]

# Numbers in a piece: temporaries of this size are recycled by the allocator.
PIECE = 1 << 15
# The same where several operations follow one another, each on another buffer.
ROW_PIECE = 1 << 17
# Numbers from which on threads pay.
THREADED = 1 << 20


def in_pieces(work: Callable[..., None], *arrays: Array) -> None:
    """
    Call ``work(*pieces)`` with every piece of arrays of one shape, in place.

    Parameters
    ----------
    work : callable
        Treats each number alone, whatever its neighbours are; writes to its arguments.
    *arrays : ndarray
        All of one shape.

    Examples
    --------
    >>> import numpy as np
    >>> w, g = np.ones(100_000), np.full(100_000, 2.0)
    >>> def descend(w, g):
    ...     w -= 0.5 * g
    >>> in_pieces(descend, w, g)
    >>> w.max()
    np.float64(0.0)
    """
    size = arrays[0].size
    if size <= PIECE or not all(array.flags.c_contiguous for array in arrays):
        work(*arrays)
        return
    flat = [array.reshape(-1) for array in arrays]

    def one(piece: slice) -> None:
        work(*(array[piece] for array in flat))

    run_all(one, list(slices(size, PIECE)), worthwhile=size >= THREADED)


def row_pieces(shape: Shape) -> Iterator[slice]:
    """
    Cut the first axis of an array so that pieces stay in cache, by its shape alone.

    Examples
    --------
    >>> list(row_pieces((3, 256, 256)))
    [slice(0, 2, None), slice(2, 3, None)]
    """
    row = max(1, math.prod(shape[1:]))
    return slices(shape[0], max(1, ROW_PIECE // row))


def sum_of_pieces(function: Callable[[Array], Array], array: Array) -> float:
    """
    Return the sum of ``function(array)``, of which no more than a piece is held.

    Parameters
    ----------
    function : callable
        Treats each number alone.
    array : ndarray
        Not modified.

    Returns
    -------
    float
        Sums of pieces are added in float64, one after the other.

    Examples
    --------
    >>> import numpy as np
    >>> sum_of_pieces(np.square, np.full((300, 200), 2.0))
    240000.0
    """
    if array.size <= PIECE or not array.flags.c_contiguous:
        return float(function(array).sum())
    flat = array.reshape(-1)
    return sum(float(function(flat[p]).sum()) for p in slices(flat.size, PIECE))
