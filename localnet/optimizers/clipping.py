"""Three ways to keep gradients small, as Keras's optimizers define them."""

import math
from collections.abc import Sequence

import numpy as np

from .._typing import Array

__all__ = ["clip_by_global_norm", "clip_by_norm", "clip_by_value"]


def clip_by_value(grad: Array, clipvalue: float) -> Array:
    """
    Cut every entry to the interval from ``-clipvalue`` to ``clipvalue``.

    Parameters
    ----------
    grad : ndarray of any shape
        One gradient. Not modified.
    clipvalue : float
        Not negative.

    Returns
    -------
    ndarray
        Same shape and dtype as `grad`. NaN stays NaN.

    See Also
    --------
    clip_by_norm : Keeps the direction of the gradient.

    Examples
    --------
    >>> clip_by_value(np.array([3.0, -4.0]), 3.5)
    array([ 3. , -3.5])
    """
    clipped: Array = np.clip(grad, -clipvalue, clipvalue)
    return clipped


def clip_by_norm(grad: Array, clipnorm: float) -> Array:
    r"""
    Shorten one gradient to the length `clipnorm` if it is longer.

    Parameters
    ----------
    grad : ndarray of any shape
        One gradient. Not modified.
    clipnorm : float
        Not negative.

    Returns
    -------
    ndarray
        Same shape and dtype as `grad`, and `grad` itself if it is short enough.

    See Also
    --------
    clip_by_global_norm : The same for all gradients together.

    Notes
    -----
    .. math:: g \leftarrow g\, c / \max(\lVert g \rVert_2, c)

    Examples
    --------
    >>> clip_by_norm(np.array([3.0, -4.0]), 2.5)
    array([ 1.5, -2. ])
    """
    norm = _norm(grad)
    if norm <= clipnorm:
        return grad
    return grad * clipnorm / norm


def clip_by_global_norm(grads: Sequence[Array], clipnorm: float) -> list[Array]:
    r"""
    Shorten all gradients by one factor if their common length exceeds `clipnorm`.

    Parameters
    ----------
    grads : sequence of ndarray
        Not modified.
    clipnorm : float
        Not negative.

    Returns
    -------
    list of ndarray
        Same shapes and dtypes as `grads`.

    See Also
    --------
    clip_by_norm : The same for one gradient.

    Notes
    -----
    .. math:: g_i \leftarrow g_i\, c / \max\Bigl(\sqrt{\textstyle\sum_j
        \lVert g_j \rVert_2^2}, c\Bigr)

    As in TensorFlow, a common length that is not finite makes every entry of every
    gradient NaN, so that the accident cannot pass unseen.

    Examples
    --------
    >>> clip_by_global_norm([np.array([3.0]), np.array([-4.0])], 2.5)
    [array([1.5]), array([-2.])]
    """
    norm = math.hypot(*(_norm(grad) for grad in grads))
    if norm <= clipnorm:
        return list(grads)
    scale = clipnorm / norm if math.isfinite(norm) else math.nan
    return [grad * scale for grad in grads]


def _norm(grad: Array) -> float:
    # The square of a float16 overflows from 256 on.
    wide = np.promote_types(grad.dtype, np.float32)
    return float(np.linalg.norm(grad.astype(wide, copy=False)))
