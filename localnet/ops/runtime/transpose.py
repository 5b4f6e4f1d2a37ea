"""Copies that bring the batch axis from first to last, without fighting the cache."""

from ..._typing import Array
from .cuts import LINE, slices

__all__ = ["copy_batch_last"]

# Bytes: samples a multiple of this apart fall into the same few lines of a cache, which
# hold about LINE of them.
CONFLICT = 1024


def copy_batch_last(target: Array, source: Array) -> None:
    """
    Write ``target[...] = source`` where the batch axis is last, and first in memory.

    Parameters
    ----------
    target : ndarray
        Batch axis last, also in memory.
    source : ndarray, shape of target
        A view of an array whose first axis is the batch.
    """
    n = source.shape[-1]
    if n <= LINE or source.strides[-1] % CONFLICT:
        target[...] = source
        return
    for few in slices(n, LINE):
        target[..., few] = source[..., few]
