"""
Smooth activations of one value: the sigmoid family and the exponential.

No formula here takes the exponential of a large positive number unless the answer
itself is one.
"""

import numpy as np

from .. import _arrays
from .._typing import Array, ArrayLike
from ..ops import stable

__all__ = [
    "exponential",
    "exponential_backward",
    "exponential_forward",
    "sigmoid",
    "sigmoid_backward",
    "sigmoid_forward",
    "softplus",
    "softplus_backward",
    "softplus_forward",
    "softsign",
    "softsign_backward",
    "softsign_forward",
    "tanh",
    "tanh_backward",
    "tanh_forward",
]


def sigmoid(x: ArrayLike) -> Array:
    r"""
    Squash to the interval from 0 to 1.

    Parameters
    ----------
    x : array_like
        Pre-activation of any shape: a logit. Not modified.

    Returns
    -------
    ndarray
        Same shape and dtype as `x`: the probability that belongs to the logit.

    See Also
    --------
    sigmoid_backward : The gradient.
    hard_sigmoid : An approximation by straight pieces.
    softmax : The same for more than two classes.

    Notes
    -----
    .. math:: y = \frac{1}{1 + e^{-x}}

    It is computed as :math:`e^{\min(x, 0)} / (1 + e^{-|x|})`, which is the same number,
    never overflows and keeps its relative accuracy far below zero.

    Examples
    --------
    >>> sigmoid([0.0, np.log(3.0)])
    array([0.5 , 0.75])
    """
    return sigmoid_forward(x)[0]


def sigmoid_forward(x: ArrayLike) -> tuple[Array, Array]:
    """
    Compute `sigmoid`, and keep what its gradient needs.

    See Also
    --------
    sigmoid_backward : The gradient of this function.
    """
    y = stable.sigmoid(_arrays.floats("x", x))
    return y, y


def sigmoid_backward(dy: ArrayLike, cache: Array) -> Array:
    r"""
    Compute the gradient of `sigmoid` with respect to `x`.

    See Also
    --------
    sigmoid : The function that this differentiates.

    Notes
    -----
    .. math:: dx = dy \, y (1 - y)
    """
    cache = _arrays.floats("cache", cache)
    y = cache
    return _arrays.upstream(dy, y.shape, y.dtype) * (y * (1.0 - y))


def tanh(x: ArrayLike) -> Array:
    r"""
    Squash to the interval from -1 to 1.

    Parameters
    ----------
    x : array_like
        Pre-activation of any shape. Not modified.

    Returns
    -------
    ndarray
        Same shape and dtype as `x`, values in [-1, 1].

    See Also
    --------
    tanh_backward : The gradient.
    softsign : A curve of the same range that saturates more slowly.

    Notes
    -----
    .. math:: y = \tanh x

    Examples
    --------
    >>> tanh([0.0, np.log(3.0)])
    array([0. , 0.8])
    """
    return tanh_forward(x)[0]


def tanh_forward(x: ArrayLike) -> tuple[Array, Array]:
    """
    Compute `tanh`, and keep what its gradient needs.

    See Also
    --------
    tanh_backward : The gradient of this function.
    """
    y = np.tanh(_arrays.floats("x", x))
    return y, y


def tanh_backward(dy: ArrayLike, cache: Array) -> Array:
    r"""
    Compute the gradient of `tanh` with respect to `x`.

    See Also
    --------
    tanh : The function that this differentiates.

    Notes
    -----
    .. math:: dx = dy \, (1 - y^2)
    """
    cache = _arrays.floats("cache", cache)
    y = cache
    return _arrays.upstream(dy, y.shape, y.dtype) * (1.0 - y * y)


def exponential(x: ArrayLike) -> Array:
    r"""
    Compute the exponential.

    Parameters
    ----------
    x : array_like
        Pre-activation of any shape. Not modified.

    Returns
    -------
    ndarray
        Same shape and dtype as `x`. Where the true value is too large for the dtype it
        is ``inf``, with NumPy's overflow warning.

    See Also
    --------
    exponential_backward : The gradient.
    softplus : A positive output that grows only linearly.

    Notes
    -----
    .. math:: y = e^x

    Examples
    --------
    >>> exponential([0.0, np.log(3.0)])
    array([1., 3.])
    """
    return exponential_forward(x)[0]


def exponential_forward(x: ArrayLike) -> tuple[Array, Array]:
    """
    Compute `exponential`, and keep what its gradient needs.

    See Also
    --------
    exponential_backward : The gradient of this function.
    """
    y = np.exp(_arrays.floats("x", x))
    return y, y


def exponential_backward(dy: ArrayLike, cache: Array) -> Array:
    r"""
    Compute the gradient of `exponential` with respect to `x`.

    See Also
    --------
    exponential : The function that this differentiates.

    Notes
    -----
    .. math:: dx = dy \, y
    """
    cache = _arrays.floats("cache", cache)
    y = cache
    return _arrays.upstream(dy, y.shape, y.dtype) * y


def softplus(x: ArrayLike) -> Array:
    r"""
    Round off the kink of the rectifier.

    Parameters
    ----------
    x : array_like
        Pre-activation of any shape. Not modified.

    Returns
    -------
    ndarray
        Same shape and dtype as `x`, values not negative.

    See Also
    --------
    softplus_backward : The gradient.
    relu : What this approaches far from zero.

    Notes
    -----
    .. math:: y = \log(1 + e^x)

    It is computed as :math:`\max(x, 0) + \log(1 + e^{-|x|})`, which never overflows.

    References
    ----------
    .. [1] C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau and R. Garcia, "Incorporating
       second-order functional knowledge for better option pricing", NIPS 2000.

    Examples
    --------
    >>> softplus([-1000.0, 1000.0])
    array([   0., 1000.])
    """
    return softplus_forward(x)[0]


def softplus_forward(x: ArrayLike) -> tuple[Array, Array]:
    """
    Compute `softplus`, and keep what its gradient needs.

    See Also
    --------
    softplus_backward : The gradient of this function.
    """
    x = _arrays.floats("x", x)
    # min(x, -x) is -abs(x), and the complex step can pass through it.
    return np.maximum(x, 0.0) + np.log1p(np.exp(np.minimum(x, -x))), x


def softplus_backward(dy: ArrayLike, cache: Array) -> Array:
    r"""
    Compute the gradient of `softplus` with respect to `x`.

    See Also
    --------
    softplus : The function that this differentiates.

    Notes
    -----
    .. math:: dx = dy \, \sigma(x)

    with the `sigmoid` :math:`\sigma`.
    """
    cache = _arrays.floats("cache", cache)
    x = cache
    return _arrays.upstream(dy, x.shape, x.dtype) * stable.sigmoid(x)


def softsign(x: ArrayLike) -> Array:
    r"""
    Squash to the interval from -1 to 1 without an exponential.

    Parameters
    ----------
    x : array_like
        Pre-activation of any shape. Not modified.

    Returns
    -------
    ndarray
        Same shape and dtype as `x`, values in [-1, 1].

    See Also
    --------
    softsign_backward : The gradient.
    tanh : A curve of the same range that saturates faster.

    Notes
    -----
    .. math:: y = \frac{x}{1 + |x|}

    The slope is continuous; only the curvature jumps at 0.

    Examples
    --------
    >>> softsign([-1.0, 0.0, 3.0])
    array([-0.5 ,  0.  ,  0.75])
    """
    return softsign_forward(x)[0]


def softsign_forward(x: ArrayLike) -> tuple[Array, Array]:
    """
    Compute `softsign`, and keep what its gradient needs.

    Returns
    -------
    y : ndarray
        ``softsign(x)``.
    cache : ndarray
        The denominator, ``1 + abs(x)``.

    See Also
    --------
    softsign_backward : The gradient of this function.
    """
    x = _arrays.floats("x", x)
    denominator = 1.0 + np.abs(x)
    return x / denominator, denominator


def softsign_backward(dy: ArrayLike, cache: Array) -> Array:
    r"""
    Compute the gradient of `softsign` with respect to `x`.

    See Also
    --------
    softsign : The function that this differentiates.

    Notes
    -----
    .. math:: dx = \frac{dy}{(1 + |x|)^2}
    """
    cache = _arrays.floats("cache", cache)
    denominator = cache
    dy = _arrays.upstream(dy, denominator.shape, denominator.dtype)
    # The square would overflow in float16.
    return dy / denominator / denominator
