"""The largest and the smallest of several arrays, value by value."""

import numpy as np

from ..._typing import Array, ArrayLike
from ..runtime.workspace import Workspace
from .merging import MergeCache, folded, gathered, merged_upstream

__all__ = [
    "maximum_backward",
    "maximum_forward",
    "minimum_backward",
    "minimum_forward",
]


def maximum_forward(
    *xs: ArrayLike, workspace: Workspace | None = None
) -> tuple[Array, MergeCache]:
    r"""
    Take the largest value at every place.

    Parameters
    ----------
    *xs : array_like
        Samples first. Their shapes must broadcast. Not modified.
    workspace : Workspace, optional
        As for `add_forward`.

    Returns
    -------
    y : ndarray
        The maximum; NaN where an array has one.
    cache : MergeCache
        For `maximum_backward`.

    Raises
    ------
    ValueError
        If there is no array, or the shapes do not broadcast.

    See Also
    --------
    maximum_backward : The gradient of this function.

    Notes
    -----
    .. math:: y = \max_i x_i

    Examples
    --------
    >>> maximum_forward([[3.0, 4.0]], [[1.0, 5.0]])[0]
    array([[3., 5.]])
    """
    cache = folded(np.maximum, xs, workspace)
    return cache.y, cache


def maximum_backward(
    dy: ArrayLike, cache: MergeCache, *, workspace: Workspace | None = None
) -> tuple[Array, ...]:
    r"""
    Compute the gradients of `maximum_forward`, one for each array.

    See Also
    --------
    maximum_forward : The function that this differentiates.

    Notes
    -----
    .. math:: dx_i = dy \text{ where } x_i = y, \text{ else } 0

    Where several are largest, all of dy goes to the first of them, as in TensorFlow.
    """
    return _first_owner_backward(dy, cache, workspace)


def minimum_forward(
    *xs: ArrayLike, workspace: Workspace | None = None
) -> tuple[Array, MergeCache]:
    r"""
    Take the smallest value at every place.

    Parameters
    ----------
    *xs : array_like
        Samples first. Their shapes must broadcast. Not modified.
    workspace : Workspace, optional
        As for `add_forward`.

    Returns
    -------
    y : ndarray
        The minimum; NaN where an array has one.
    cache : MergeCache
        For `minimum_backward`.

    Raises
    ------
    ValueError
        If there is no array, or the shapes do not broadcast.

    See Also
    --------
    minimum_backward : The gradient of this function.

    Notes
    -----
    .. math:: y = \min_i x_i

    Examples
    --------
    >>> minimum_forward([[3.0, 4.0]], [[1.0, 5.0]])[0]
    array([[1., 4.]])
    """
    cache = folded(np.minimum, xs, workspace)
    return cache.y, cache


def minimum_backward(
    dy: ArrayLike, cache: MergeCache, *, workspace: Workspace | None = None
) -> tuple[Array, ...]:
    r"""
    Compute the gradients of `minimum_forward`, one for each array.

    See Also
    --------
    minimum_forward : The function that this differentiates.

    Notes
    -----
    .. math:: dx_i = dy \text{ where } x_i = y, \text{ else } 0

    Where several are smallest, all of dy goes to the first of them, as in TensorFlow.
    """
    return _first_owner_backward(dy, cache, workspace)


def _first_owner_backward(
    dy: ArrayLike, cache: MergeCache, workspace: Workspace | None
) -> tuple[Array, ...]:
    """Give each dy to the first array that holds the value of y."""
    dy = merged_upstream(dy, cache)
    free = np.ones(cache.y.shape, dtype=bool)
    dys = []
    for x in cache.aligned:
        owned = free & (x == cache.y)
        free &= ~owned
        dys.append(np.where(owned, dy, 0))
    return gathered(dys, cache, workspace)
