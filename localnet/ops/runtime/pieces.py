"""Arithmetic on large arrays in pieces: the temporaries stay in cache."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from ..._typing import Array, Shape
from .cuts import slices
from .threads import run_all

__all__ = ["in_pieces", "piece_size", "row_pieces", "sum_of_pieces"]

# Bytes of an array in a piece: temporaries of this size are recycled by the allocator.
PIECE = 1 << 18
# Numbers that are added up at a time; how they are parted is part of the sum.
SUMMED = 1 << 15
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
        Treats each number alone, whatever its neighbours are; writes to its arguments,
        which have at least one axis: what it computes of them is never a bare number.
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
    if not arrays[0].ndim:
        arrays = tuple(array.reshape(1) for array in arrays)
    size, piece = arrays[0].size, piece_size(arrays[0].dtype)
    if size <= piece or not all(array.flags.c_contiguous for array in arrays):
        work(*arrays)
        return
    flat = [array.reshape(-1) for array in arrays]

    def one(part: slice) -> None:
        work(*(array[part] for array in flat))

    run_all(one, list(slices(size, piece)), worthwhile=size >= THREADED)


def piece_size(dtype: np.dtype) -> int:
    """
    Return how many numbers a piece has at most.

    Examples
    --------
    >>> import numpy as np
    >>> piece_size(np.dtype("float32"))
    65536
    """
    return PIECE // dtype.itemsize


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
    if array.size <= SUMMED or not array.flags.c_contiguous:
        return float(function(array).sum())
    flat = array.reshape(-1)
    return sum(float(function(flat[p]).sum()) for p in slices(flat.size, SUMMED))
