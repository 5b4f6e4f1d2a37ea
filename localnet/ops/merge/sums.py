"""Sums, differences and means of several arrays."""

import numpy as np

from ..._typing import Array, ArrayLike
from ..runtime.workspace import Workspace
from .merging import MergeCache, folded, gathered, merged_upstream

__all__ = [
    "add_backward",
    "add_forward",
    "average_backward",
    "average_forward",
    "subtract_backward",
    "subtract_forward",
]


def add_forward(
    *xs: ArrayLike, workspace: Workspace | None = None
) -> tuple[Array, MergeCache]:
    r"""
    Add arrays, from the first to the last.

    Parameters
    ----------
    *xs : array_like
        Samples first. Their shapes must broadcast. Not modified.
    workspace : Workspace, optional
        Memory kept between calls; y is then valid until the next one.

    Returns
    -------
    y : ndarray
        The sum.
    cache : MergeCache
        For `add_backward`.

    Raises
    ------
    ValueError
        If there is no array, or the shapes do not broadcast.

    See Also
    --------
    add_backward : The gradient of this function.

    Notes
    -----
    .. math:: y = \sum_i x_i

    Examples
    --------
    >>> y, cache = add_forward([[1.0, 2.0]], [[10.0], [20.0]])
    >>> y
    array([[11., 12.],
           [21., 22.]])
    >>> add_backward(y, cache)[0]
    array([[32., 34.]])
    """
    cache = folded(np.add, xs, workspace)
    return cache.y, cache


def add_backward(
    dy: ArrayLike, cache: MergeCache, *, workspace: Workspace | None = None
) -> tuple[Array, ...]:
    r"""
    Compute the gradients of `add_forward`, one for each array.

    See Also
    --------
    add_forward : The function that this differentiates.

    Notes
    -----
    .. math:: dx_i = dy

    summed over the axes along which an array was repeated.
    """
    dy = merged_upstream(dy, cache)
    return gathered([dy] * len(cache.aligned), cache, workspace)


def subtract_forward(
    x0: ArrayLike, x1: ArrayLike, *, workspace: Workspace | None = None
) -> tuple[Array, MergeCache]:
    r"""
    Subtract the second array from the first.

    Parameters
    ----------
    x0, x1 : array_like
        Samples first. Their shapes must broadcast. Not modified.
    workspace : Workspace, optional
        As for `add_forward`.

    Returns
    -------
    y : ndarray
        The difference.
    cache : MergeCache
        For `subtract_backward`.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.

    See Also
    --------
    subtract_backward : The gradient of this function.

    Notes
    -----
    .. math:: y = x_0 - x_1

    Examples
    --------
    >>> subtract_forward([[3.0, 4.0]], [[1.0, 1.0]])[0]
    array([[2., 3.]])
    """
    cache = folded(np.subtract, (x0, x1), workspace)
    return cache.y, cache


def subtract_backward(
    dy: ArrayLike, cache: MergeCache, *, workspace: Workspace | None = None
) -> tuple[Array, ...]:
    r"""
    Compute the gradients of `subtract_forward`.

    See Also
    --------
    subtract_forward : The function that this differentiates.

    Notes
    -----
    .. math:: dx_0 = dy, \quad dx_1 = -dy
    """
    dy = merged_upstream(dy, cache)
    return gathered([dy, -dy], cache, workspace)


def average_forward(
    *xs: ArrayLike, workspace: Workspace | None = None
) -> tuple[Array, MergeCache]:
    r"""
    Average arrays value by value.

    Parameters
    ----------
    *xs : array_like
        Samples first. Their shapes must broadcast. Not modified.
    workspace : Workspace, optional
        As for `add_forward`.

    Returns
    -------
    y : ndarray
        The mean.
    cache : MergeCache
        For `average_backward`.

    Raises
    ------
    ValueError
        If there is no array, or the shapes do not broadcast.

    See Also
    --------
    average_backward : The gradient of this function.

    Notes
    -----
    For `n` arrays

    .. math:: y = \frac{1}{n} \sum_i x_i

    Examples
    --------
    >>> average_forward([[3.0, 4.0]], [[1.0, -4.0]])[0]
    array([[2., 0.]])
    """
    cache = folded(np.add, xs, workspace)
    np.divide(cache.y, len(xs), out=cache.y)
    return cache.y, cache


def average_backward(
    dy: ArrayLike, cache: MergeCache, *, workspace: Workspace | None = None
) -> tuple[Array, ...]:
    r"""
    Compute the gradients of `average_forward`, one for each array.

    See Also
    --------
    average_forward : The function that this differentiates.

    Notes
    -----
    .. math:: dx_i = \frac{dy}{n}
    """
    dy = merged_upstream(dy, cache)
    count = len(cache.aligned)
    return gathered([dy / count] * count, cache, workspace)
