"""Inverted dropout: the mask is drawn outside, so that the pair itself is pure."""

from typing import NamedTuple

import numpy as np

from .. import _arrays, _validate, config
from .._typing import Array, ArrayLike, Shape
from .runtime.workspace import Workspace

__all__ = ["dropout_backward", "dropout_forward", "dropout_mask"]


def dropout_mask(
    shape: Shape,
    rate: float,
    rng: np.random.Generator,
    dtype: np.dtype,
    *,
    workspace: Workspace | None = None,
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
    workspace : Workspace, optional
        Memory kept between calls; the mask is then valid until the next one.

    Returns
    -------
    ndarray of shape `shape`
        Its mean is 1 in expectation.

    Raises
    ------
    ValueError
        If an argument breaks its rule.
    """
    rng = _validate.generator("rng", rng)
    rate, dtype = _validate.fraction("rate", rate), config.float_dtype(dtype)
    shape = _validate.shape("shape", shape)
    workspace = Workspace.of(workspace)
    drawn = workspace.take("drawn", shape, "float64")
    mask = workspace.result("mask", shape, dtype)
    np.greater_equal(rng.random(out=drawn), rate, out=mask)
    mask /= dtype.type(1 - rate)
    return mask


class DropoutCache(NamedTuple):
    """What `dropout_backward` needs."""

    mask: Array
    shape: Shape
    dtype: np.dtype


def dropout_forward(
    x: ArrayLike, mask: ArrayLike, *, workspace: Workspace | None = None
) -> tuple[Array, DropoutCache]:
    r"""
    Scale every value by its factor of the mask.

    Parameters
    ----------
    x : array_like
        Values. Not modified.
    mask : array_like, broadcastable to `x`
        What `dropout_mask` drew.
    workspace : Workspace, optional
        Memory kept between calls; y is then valid until the next one.

    Returns
    -------
    y : ndarray, shape of x
        The product.
    cache : DropoutCache
        For `dropout_backward`.

    Raises
    ------
    ValueError
        If the mask does not broadcast to the shape of `x`.

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
    x, mask = _arrays.floats("x", x), _arrays.floats("mask", mask)
    sizes = zip(mask.shape[::-1], x.shape[::-1], strict=False)
    if mask.ndim > x.ndim or any(m not in (1, n) for m, n in sizes):
        raise ValueError(
            f"mask must broadcast to the shape of x, {x.shape}, got {mask.shape}"
        )
    workspace = Workspace.of(workspace)
    y = workspace.result("y", x.shape, np.result_type(x, mask))
    np.multiply(x, mask, out=y)
    return y, DropoutCache(mask, y.shape, y.dtype)


def dropout_backward(
    dy: ArrayLike, cache: DropoutCache, *, workspace: Workspace | None = None
) -> Array:
    r"""
    Compute the gradient of `dropout_forward` with respect to `x`.

    See Also
    --------
    dropout_forward : The function that this differentiates.

    Notes
    -----
    .. math:: dx_i = dy_i m_i
    """
    _validate.instance("cache", cache, DropoutCache)
    dy = _arrays.upstream(dy, cache.shape, cache.dtype)
    workspace = Workspace.of(workspace)
    dx = workspace.result("dx", cache.shape, cache.dtype)
    return np.multiply(dy, cache.mask, out=dx)
