"""Inverted dropout: the mask is drawn outside, so that the pair itself is pure."""

import numpy as np

from .._typing import Array, Shape

__all__ = ["dropout_backward", "dropout_forward", "dropout_mask"]


def dropout_mask(
    shape: Shape, rate: float, rng: np.random.Generator, dtype: np.dtype
) -> Array:
    """
    Draw the factors of `dropout_forward`: 0 with probability `rate`, else 1/(1 - rate).

    Parameters
    ----------
    shape : tuple of int
        Shape of the input, or one that broadcasts to it.
    rate : float
        In [0, 1).
    rng : numpy.random.Generator
        Advanced by one draw.
    dtype : dtype
        Of the mask.

    Returns
    -------
    ndarray of shape `shape`
        Its mean is 1 in expectation.
    """
    kept = rng.random(shape) >= rate
    mask: Array = kept.astype(dtype) / dtype.type(1 - rate)
    return mask


def dropout_forward(x: Array, mask: Array) -> tuple[Array, Array]:
    r"""
    Scale every value by its factor of the mask.

    Parameters
    ----------
    x : ndarray
        Values. Not modified.
    mask : ndarray, broadcastable to `x`
        What `dropout_mask` drew.

    Returns
    -------
    y : ndarray, shape of x
        The product.
    cache : ndarray
        The mask.

    See Also
    --------
    dropout_backward : The gradient of this function.

    Notes
    -----
    .. math:: y_i = x_i m_i

    Examples
    --------
    >>> import numpy as np
    >>> y, _ = dropout_forward(np.array([1.0, 2.0, 3.0]), np.array([2.0, 0.0, 2.0]))
    >>> y
    array([2., 0., 6.])
    """
    return x * mask, mask


def dropout_backward(dy: Array, cache: Array) -> Array:
    r"""
    Give the gradient of `dropout_forward` with respect to `x`.

    See Also
    --------
    dropout_forward : The function that this differentiates.

    Notes
    -----
    .. math:: dx_i = dy_i m_i
    """
    return dy * cache
