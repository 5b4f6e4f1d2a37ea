"""Products of several arrays, value by value."""

import numpy as np

from ..._typing import Array, ArrayLike
from ..runtime.workspace import Workspace
from .merging import MergeCache, aligned_arrays, gathered, merged_room, merged_upstream

__all__ = [
    "multiply_backward",
    "multiply_forward",
]


def multiply_forward(
    *xs: ArrayLike, workspace: Workspace | None = None
) -> tuple[Array, MergeCache]:
    r"""
    Multiply arrays value by value, from the first to the last.

    Parameters
    ----------
    *xs : array_like
        Samples first. Their shapes must broadcast. Not modified.
    workspace : Workspace, optional
        As for `add_forward`.

    Returns
    -------
    y : ndarray
        The product.
    cache : MergeCache
        For `multiply_backward`.

    Raises
    ------
    ValueError
        If there is no array, or the shapes do not broadcast.

    See Also
    --------
    multiply_backward : The gradient of this function.

    Notes
    -----
    .. math:: y = \prod_i x_i

    Examples
    --------
    >>> multiply_forward([[3.0, 4.0]], [[2.0, -1.0]], [[1.0, 5.0]])[0]
    array([[  6., -20.]])
    """
    shapes, aligned = aligned_arrays(xs)
    products = [aligned[0]]
    for place, array in enumerate(aligned[1:], 1):
        room = merged_room((products[-1], array), workspace, ("product", place))
        products.append(np.multiply(products[-1], array, out=room))
    *before, y = products
    if len(aligned) == 1:
        y = merged_room(aligned, workspace)
        y[...] = aligned[0]
    return y, MergeCache(shapes, aligned, y, tuple(before))


def multiply_backward(
    dy: ArrayLike, cache: MergeCache, *, workspace: Workspace | None = None
) -> tuple[Array, ...]:
    r"""
    Compute the gradients of `multiply_forward`, one for each array.

    See Also
    --------
    multiply_forward : The function that this differentiates.

    Notes
    -----
    .. math:: dx_i = dy \prod_{j \ne i} x_j

    from the last array to the first: the factors before it were multiplied on the way
    forward, those after it are multiplied into dy on the way back.
    """
    dy = merged_upstream(dy, cache)
    dys = []
    for before, x in zip(cache.before[::-1], cache.aligned[:0:-1], strict=True):
        dys.append(dy * before)
        dy = dy * x
    return gathered([dy, *dys[::-1]], cache, workspace)
