"""
Other activations made of pieces, and `linear`, which has only one.

The value of a gradient *at* a kink is a convention. Here it is always Keras's, and the
Notes of each backward name it.
"""

from typing import NamedTuple

import numpy as np

from .. import _arrays, _validate
from .._typing import Array, ArrayLike, Shape

__all__ = [
    "elu",
    "elu_backward",
    "elu_forward",
    "hard_sigmoid",
    "hard_sigmoid_backward",
    "hard_sigmoid_forward",
    "linear",
    "linear_backward",
    "linear_forward",
    "selu",
    "selu_backward",
    "selu_forward",
]

# The fixed point of the moment map for zero mean and unit variance.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


class LinearCache(NamedTuple):
    """What `linear_backward` needs: the shape and the dtype of its gradient."""

    shape: Shape
    dtype: np.dtype


class EluCache(NamedTuple):
    """What `elu_backward` needs: a reference to `x`, and the parameter."""

    x: Array
    alpha: float


def linear(x: ArrayLike) -> Array:
    """
    Return the input unchanged.

    Parameters
    ----------
    x : array_like
        Pre-activation of any shape. Not modified.

    Returns
    -------
    ndarray
        A copy of `x`, of the same shape and dtype.

    See Also
    --------
    linear_backward : The gradient.

    Notes
    -----
    .. math:: y = x

    Examples
    --------
    >>> linear([-1.0, 2.0])
    array([-1.,  2.])
    """
    return linear_forward(x)[0]


def linear_forward(x: ArrayLike) -> tuple[Array, LinearCache]:
    """
    Compute `linear`, and keep what its gradient needs.

    See Also
    --------
    linear_backward : The gradient of this function.
    """
    y = _arrays.floats("x", x).copy()
    return y, LinearCache(y.shape, y.dtype)


def linear_backward(dy: ArrayLike, cache: LinearCache) -> Array:
    """
    Compute the gradient of `linear` with respect to `x`.

    See Also
    --------
    linear : The function that this differentiates.

    Notes
    -----
    .. math:: dx = dy
    """
    _validate.instance("cache", cache, LinearCache)
    return _arrays.upstream(dy, cache.shape, cache.dtype).copy()


def elu(x: ArrayLike, alpha: float = 1.0) -> Array:
    r"""
    Let negative values saturate exponentially.

    Parameters
    ----------
    x : array_like
        Pre-activation of any shape. Not modified.
    alpha : float
        The output tends to ``-alpha`` far below zero.

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
    elu_backward : The gradient, ``alpha * dy`` at the kink.
    selu : The same curve with constants that keep the variance at one.

    Notes
    -----
    .. math:: y = \max(x, 0) + alpha \, (e^{\min(x, 0)} - 1)

    References
    ----------
    .. [1] D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and accurate deep
       network learning by exponential linear units", 2015, arXiv:1511.07289.

    Examples
    --------
    >>> elu([-np.log(2.0), 0.0, 2.0])
    array([-0.5,  0. ,  2. ])
    """
    return elu_forward(x, alpha)[0]


def elu_forward(x: ArrayLike, alpha: float = 1.0) -> tuple[Array, EluCache]:
    """
    Compute `elu`, and keep what its gradient needs.

    See Also
    --------
    elu_backward : The gradient of this function.
    """
    x = _arrays.floats("x", x)
    alpha = _validate.number("alpha", alpha)
    # One of the two terms is always zero, and the exponent is never positive.
    y = np.maximum(x, 0.0) + alpha * np.expm1(np.minimum(x, 0.0))
    return y, EluCache(x, alpha)


def elu_backward(dy: ArrayLike, cache: EluCache) -> Array:
    r"""
    Compute the gradient of `elu` with respect to `x`.

    See Also
    --------
    elu : The function that this differentiates.

    Notes
    -----
    .. math:: dx = dy \, ([x > 0] + alpha \, e^x [x \le 0])

    The gradient at 0 is ``alpha * dy``, the value from the left.
    """
    _validate.instance("cache", cache, EluCache)
    x, alpha = cache
    dy = _arrays.upstream(dy, x.shape, x.dtype)
    return dy * np.where(x > 0.0, 1.0, alpha * np.exp(np.minimum(x, 0.0)))


def selu(x: ArrayLike) -> Array:
    r"""
    Apply the exponential unit that keeps activations normalised.

    Parameters
    ----------
    x : array_like
        Pre-activation of any shape. Not modified.

    Returns
    -------
    ndarray
        Same shape and dtype as `x`.

    See Also
    --------
    selu_backward : The gradient, ``scale * dy`` at the kink.
    elu : The same curve with a free constant.

    Notes
    -----
    With scale 1.0507009873554805 and alpha 1.6732632423543772,

    .. math:: y = scale \, (\max(x, 0) + alpha \, (e^{\min(x, 0)} - 1))

    References
    ----------
    .. [1] G. Klambauer, T. Unterthiner, A. Mayr and S. Hochreiter, "Self-normalizing
       neural networks", 2017, arXiv:1706.02515.

    Examples
    --------
    Mean 0 and variance 1 pass through unchanged.

    >>> y = selu(np.random.default_rng(0).normal(size=100_000))
    >>> bool(abs(y.mean()) < 0.01), bool(abs(y.var() - 1.0) < 0.01)
    (True, True)
    """
    return selu_forward(x)[0]


def selu_forward(x: ArrayLike) -> tuple[Array, Array]:
    """
    Compute `selu`, and keep what its gradient needs.

    See Also
    --------
    selu_backward : The gradient of this function.
    """
    x = _arrays.floats("x", x)
    return SELU_SCALE * elu(x, SELU_ALPHA), x


def selu_backward(dy: ArrayLike, cache: Array) -> Array:
    r"""
    Compute the gradient of `selu` with respect to `x`.

    See Also
    --------
    selu : The function that this differentiates.

    Notes
    -----
    .. math:: dx = dy \, scale \, ([x \ge 0] + alpha \, e^x [x < 0])

    The gradient at 0 is ``scale * dy``, the value from the right, whereas
    `elu_backward` takes the value from the left.
    """
    cache = _arrays.floats("cache", cache)
    x = cache
    dy = _arrays.upstream(dy, x.shape, x.dtype)
    below = SELU_SCALE * SELU_ALPHA * np.exp(np.minimum(x, 0.0))
    return dy * np.where(x >= 0.0, SELU_SCALE, below)


def hard_sigmoid(x: ArrayLike) -> Array:
    r"""
    Approximate the sigmoid by three straight pieces.

    Parameters
    ----------
    x : array_like
        Pre-activation of any shape. Not modified.

    Returns
    -------
    ndarray
        Same shape and dtype as `x`, values in [0, 1].

    See Also
    --------
    hard_sigmoid_backward : The gradient, ``0.2 * dy`` at both kinks.
    sigmoid : The smooth curve.

    Notes
    -----
    .. math:: y = \min(\max(0.2 x + 0.5, 0), 1)

    References
    ----------
    .. [1] M. Courbariaux, Y. Bengio and J.-P. David, "BinaryConnect: training deep
       neural networks with binary weights during propagations", 2015,
       arXiv:1511.00363.

    Examples
    --------
    >>> hard_sigmoid([-3.0, 1.0, 2.5])
    array([0. , 0.7, 1. ])
    """
    return hard_sigmoid_forward(x)[0]


def hard_sigmoid_forward(x: ArrayLike) -> tuple[Array, Array]:
    """
    Compute `hard_sigmoid`, and keep what its gradient needs.

    See Also
    --------
    hard_sigmoid_backward : The gradient of this function.
    """
    x = _arrays.floats("x", x)
    return np.clip(0.2 * x + 0.5, 0.0, 1.0), x


def hard_sigmoid_backward(dy: ArrayLike, cache: Array) -> Array:
    r"""
    Compute the gradient of `hard_sigmoid` with respect to `x`.

    See Also
    --------
    hard_sigmoid : The function that this differentiates.

    Notes
    -----
    .. math:: dx = 0.2 \, dy \, [-2.5 \le x \le 2.5]
    """
    cache = _arrays.floats("cache", cache)
    x = cache
    return 0.2 * _arrays.upstream(dy, x.shape, x.dtype) * (np.abs(x) <= 2.5)
