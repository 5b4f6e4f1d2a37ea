"""
The rectifier and its relatives: straight pieces that meet in a kink.

The value of a gradient *at* a kink is a convention. Here it is always Keras's, and the
Notes of each backward name it.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .. import _arrays, _validate
from .._typing import Array, ArrayLike
from ..ops.runtime.pieces import in_pieces, piece_size

__all__ = [
    "leaky_relu",
    "leaky_relu_backward",
    "leaky_relu_forward",
    "relu",
    "relu6",
    "relu6_backward",
    "relu6_forward",
    "relu_backward",
    "relu_forward",
]


class ReluCache(NamedTuple):
    """What `relu_backward` needs: a reference to `x`, and the parameters."""

    x: Array
    alpha: float
    max_value: float | None
    threshold: float


def relu(
    x: ArrayLike,
    alpha: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Array:
    r"""
    Cut off what is not above a threshold.

    Parameters
    ----------
    x : array_like
        Pre-activation of any shape. Not modified.
    alpha : float
        Slope below the threshold.
    max_value : float, optional
        Ceiling of the output, not negative. ``None`` means no ceiling.
    threshold : float
        Values up to here count as "below".

    Returns
    -------
    ndarray
        Same shape and dtype as `x`. NaN stays NaN.

    Raises
    ------
    ValueError
        If a parameter is not a finite number, or `max_value` is negative.

    See Also
    --------
    relu_backward : The gradient, 0 at the kink by default.
    leaky_relu : The rectifier with only a slope below zero.
    relu6 : The rectifier with only a ceiling of 6.

    Notes
    -----
    By default

    .. math:: y = \max(x, 0)

    and with all parameters, as Keras composes them, with ``[...]`` being 1 where the
    condition holds and 0 elsewhere,

    .. math::
        y = \min(\max(x \, [x > threshold], 0), max\_value)
            + alpha \min(x - threshold, 0)

    where the outer maximum is dropped if there is a threshold but no ceiling: a
    negative threshold alone lets values between it and zero pass.

    References
    ----------
    .. [1] V. Nair and G. E. Hinton, "Rectified linear units improve restricted
       Boltzmann machines", ICML 2010.

    Examples
    --------
    >>> relu([-2.0, 0.5, 3.0])
    array([0. , 0.5, 3. ])
    >>> relu([-2.0, 0.5, 3.0], alpha=0.5, max_value=2.0, threshold=1.0)
    array([-1.5 , -0.25,  2.  ])
    """
    return relu_forward(x, alpha, max_value, threshold)[0]


def relu_forward(
    x: ArrayLike,
    alpha: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> tuple[Array, ReluCache]:
    """
    Compute `relu`, and keep what its gradient needs.

    See Also
    --------
    relu_backward : The gradient of this function.
    """
    x = _arrays.floats("x", x)
    alpha = _validate.number("alpha", alpha)
    threshold = _validate.number("threshold", threshold)
    max_value = _validate.optional_number("max_value", max_value, minimum=0.0)

    y = x if threshold == 0.0 else np.where(x <= threshold, 0.0, x)
    if max_value is not None:
        y = np.clip(y, 0.0, max_value)
    elif threshold == 0.0:
        y = np.empty_like(x)
        in_pieces(relu_into, x, y)
        y = y[()]  # a number for a number
    if alpha != 0.0:
        y = y + alpha * np.minimum(x - threshold, 0.0)
    return y, ReluCache(x, alpha, max_value, threshold)


def relu_backward(dy: ArrayLike, cache: ReluCache) -> Array:
    r"""
    Compute the gradient of `relu` with respect to `x`.

    See Also
    --------
    relu : The function that this differentiates.

    Notes
    -----
    By default

    .. math:: dx = dy \, [x > 0]

    and with all parameters it is `dy` where `x` passes, ``alpha * dy`` below the
    threshold and 0 elsewhere.

    At ``x == threshold`` it is 0, except that it is ``alpha * dy`` for a slope with
    neither ceiling nor threshold. At ``x == max_value`` it is `dy`, except that it is 0
    for ``max_value=6`` without a threshold, which Keras hands to `relu6`.
    """
    _validate.instance("cache", cache, ReluCache)
    x, alpha, max_value, threshold = cache
    dy = _arrays.upstream(dy, x.shape, x.dtype)
    passes = x > threshold
    if max_value is not None:
        is_relu6 = max_value == 6.0 and threshold == 0.0
        passes &= x < 6.0 if is_relu6 else (x >= 0.0) & (x <= max_value)
    dx = dy * passes
    if alpha != 0.0:
        is_leaky_relu = max_value is None and threshold == 0.0
        dx += alpha * dy * (x <= 0.0 if is_leaky_relu else x < threshold)
    return dx


@lru_cache(maxsize=4)
def _zeros(dtype: np.dtype) -> Array:
    zeros = np.zeros(piece_size(dtype), dtype)
    zeros.flags.writeable = False
    return zeros


def relu_into(x: Array, y: Array) -> None:
    """Write what `relu` gives by default to `y`."""
    zeros: Array | float = 0.0
    # NumPy compares arrays five times as fast as an array and a number.
    if x.size <= piece_size(x.dtype):
        zeros = _zeros(x.dtype)[: x.size].reshape(x.shape)
    np.maximum(x, zeros, out=y)


def relu_gradient_into(dy: Array, x: Array, dx: Array) -> None:
    """Write what `relu_backward` gives by default to `dx`."""
    np.multiply(dy, x > 0.0, out=dx)


def relu6(x: ArrayLike) -> Array:
    r"""
    Clip to the interval from 0 to 6.

    Parameters
    ----------
    x : array_like
        Pre-activation of any shape. Not modified.

    Returns
    -------
    ndarray
        Same shape and dtype as `x`, values in [0, 6].

    See Also
    --------
    relu6_backward : The gradient, 0 at both kinks.
    relu : The rectifier with any ceiling.

    Notes
    -----
    .. math:: y = \min(\max(x, 0), 6)

    Examples
    --------
    >>> relu6([-1.0, 2.0, 7.0])
    array([0., 2., 6.])
    """
    return relu6_forward(x)[0]


def relu6_forward(x: ArrayLike) -> tuple[Array, ReluCache]:
    """
    Compute `relu6`, and keep what its gradient needs.

    See Also
    --------
    relu6_backward : The gradient of this function.
    """
    return relu_forward(x, max_value=6.0)


def relu6_backward(dy: ArrayLike, cache: ReluCache) -> Array:
    r"""
    Compute the gradient of `relu6` with respect to `x`.

    See Also
    --------
    relu6 : The function that this differentiates.

    Notes
    -----
    .. math:: dx = dy \, [0 < x < 6]
    """
    _validate.instance("cache", cache, ReluCache)
    return relu_backward(dy, cache)


def leaky_relu(x: ArrayLike, alpha: float = 0.2) -> Array:
    r"""
    Scale what is negative by a small slope.

    Parameters
    ----------
    x : array_like
        Pre-activation of any shape. Not modified.
    alpha : float
        Slope below zero.

    Returns
    -------
    ndarray
        Same shape and dtype as `x`.

    Raises
    ------
    ValueError
        If `alpha` is not a finite number.

    See Also
    --------
    leaky_relu_backward : The gradient, ``alpha * dy`` at the kink.
    relu : The rectifier with slope, ceiling and threshold.

    Notes
    -----
    .. math:: y = \max(x, 0) + alpha \min(x, 0)

    Unlike here, Keras rounds `alpha` to float32 even for float64 data; the outputs
    differ by less than ``1e-7`` relative.

    References
    ----------
    .. [1] A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier nonlinearities improve
       neural network acoustic models", ICML 2013.

    Examples
    --------
    >>> leaky_relu([-1.0, 2.0])
    array([-0.2,  2. ])
    """
    return leaky_relu_forward(x, alpha)[0]


def leaky_relu_forward(x: ArrayLike, alpha: float = 0.2) -> tuple[Array, ReluCache]:
    """
    Compute `leaky_relu`, and keep what its gradient needs.

    See Also
    --------
    leaky_relu_backward : The gradient of this function.
    """
    return relu_forward(x, alpha)


def leaky_relu_backward(dy: ArrayLike, cache: ReluCache) -> Array:
    r"""
    Compute the gradient of `leaky_relu` with respect to `x`.

    See Also
    --------
    leaky_relu : The function that this differentiates.

    Notes
    -----
    .. math:: dx = dy \, ([x > 0] + alpha \, [x \le 0])
    """
    _validate.instance("cache", cache, ReluCache)
    return relu_backward(dy, cache)
