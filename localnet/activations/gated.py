r"""
Activations of the form :math:`y = x \, g(x)`: the input times a gate.

They differ in the gate alone. By the product rule all of them have the gradient
:math:`dx = dy \, (g(x) + x \, g'(x))`.
"""

import math
from typing import NamedTuple

import numpy as np

from .. import _arrays, _validate
from .._typing import Array, ArrayLike
from ..ops import stable
from .smooth import softplus

__all__ = [
    "gelu",
    "gelu_backward",
    "gelu_forward",
    "mish",
    "mish_backward",
    "mish_forward",
    "swish",
    "swish_backward",
    "swish_forward",
]

GELU_CUBIC = 0.044715
SQRT_2_OVER_PI = math.sqrt(2.0 / math.pi)
SQRT_2_PI = math.sqrt(2.0 * math.pi)


class GateCache(NamedTuple):
    """What the backward of a gated activation needs: a reference to `x`, the gate."""

    x: Array
    gate: Array


class GeluCache(NamedTuple):
    """What `gelu_backward` needs: a reference to `x`, the gate and its kind."""

    x: Array
    gate: Array
    approximate: bool


def swish(x: ArrayLike) -> Array:
    r"""
    Gate the input by its own sigmoid.

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
    swish_backward : The gradient.
    gelu : The same with the normal distribution as the gate.

    Notes
    -----
    .. math:: y = x \, \sigma(x)

    with the `sigmoid` :math:`\sigma`. ``silu`` is another name of the same function.

    References
    ----------
    .. [1] S. Elfwing, E. Uchibe and K. Doya, "Sigmoid-weighted linear units for neural
       network function approximation in reinforcement learning", 2017,
       arXiv:1702.03118.
    .. [2] P. Ramachandran, B. Zoph and Q. V. Le, "Searching for activation functions",
       2017, arXiv:1710.05941.

    Examples
    --------
    >>> swish([-1000.0, 0.0, 1000.0])
    array([  -0.,    0., 1000.])
    """
    return swish_forward(x)[0]


def swish_forward(x: ArrayLike) -> tuple[Array, GateCache]:
    """
    Compute `swish`, and keep what its gradient needs.

    See Also
    --------
    swish_backward : The gradient of this function.
    """
    x = _arrays.floats("x", x)
    gate = stable.sigmoid(x)
    return x * gate, GateCache(x, gate)


def swish_backward(dy: ArrayLike, cache: GateCache) -> Array:
    r"""
    Compute the gradient of `swish` with respect to `x`.

    See Also
    --------
    swish : The function that this differentiates.

    Notes
    -----
    .. math:: dx = dy \, (\sigma(x) + x \, \sigma'(x)), \quad
              \sigma'(x) = \sigma(x) (1 - \sigma(x))
    """
    _validate.instance("cache", cache, GateCache)
    x, gate = cache
    dgate = gate * (1.0 - gate)
    return _arrays.upstream(dy, x.shape, x.dtype) * (gate + x * dgate)


def gelu(x: ArrayLike, approximate: bool = False) -> Array:
    r"""
    Gate the input by the normal distribution function.

    Parameters
    ----------
    x : array_like
        Pre-activation of any shape. Not modified.
    approximate : bool
        Whether to replace the distribution function by a hyperbolic tangent.

    Returns
    -------
    ndarray
        Same shape and dtype as `x`.

    See Also
    --------
    gelu_backward : The gradient.
    swish : The same with the sigmoid as the gate.

    Notes
    -----
    .. math:: y = x \, \Phi(x)

    where :math:`\Phi` is the integral of the normal density. The approximation takes,
    in its place,

    .. math:: g(x) = \tfrac{1}{2} (1 + \tanh u), \quad
              u = \sqrt{2 / \pi} \, x \, (1 + 0.044715 \, x^2)

    Unlike here, Keras rounds :math:`1/\sqrt{2}` and 0.044715 to float32 even for
    float64 data; its outputs differ from these by less than ``1e-7 * abs(x)``.

    References
    ----------
    .. [1] D. Hendrycks and K. Gimpel, "Gaussian error linear units (GELUs)", 2016,
       arXiv:1606.08415.

    Examples
    --------
    >>> gelu([-1.0, 0.0, 1.0])
    array([-0.15865525,  0.        ,  0.84134475])
    >>> gelu([-1.0, 0.0, 1.0], approximate=True)
    array([-0.15880801,  0.        ,  0.84119199])
    """
    return gelu_forward(x, approximate)[0]


def gelu_forward(x: ArrayLike, approximate: bool = False) -> tuple[Array, GeluCache]:
    """
    Compute `gelu`, and keep what its gradient needs.

    See Also
    --------
    gelu_backward : The gradient of this function.
    """
    x = _arrays.floats("x", x)
    if _validate.flag("approximate", approximate):
        z = _clip(x, 10.0)
        gate = 0.5 + 0.5 * np.tanh(SQRT_2_OVER_PI * z * (1.0 + GELU_CUBIC * z**2))
    else:
        from scipy.special import ndtr

        # SciPy has no float16.
        gate = ndtr(x).astype(x.dtype, copy=False)
    return x * gate, GeluCache(x, gate, approximate)


def gelu_backward(dy: ArrayLike, cache: GeluCache) -> Array:
    r"""
    Compute the gradient of `gelu` with respect to `x`.

    See Also
    --------
    gelu : The function that this differentiates.

    Notes
    -----
    .. math:: dx = dy \, (g(x) + x \, g'(x))

    for the gate g that forward took: :math:`\Phi` has the normal density
    :math:`\varphi(x) = e^{-x^2/2} / \sqrt{2 \pi}` as its slope, the approximation

    .. math:: g'(x) = \tfrac{1}{2} (1 - \tanh^2 u) \, u', \quad
              u' = \sqrt{2 / \pi} \, (1 + 3 \cdot 0.044715 \, x^2)
    """
    _validate.instance("cache", cache, GeluCache)
    x, gate, approximate = cache
    z = _clip(x, 40.0)
    if approximate:
        # (1 - tanh(u)**2)/2 as a product: a difference would lose its digits on both
        # sides of 0, and x*du multiplies what is left.
        u = SQRT_2_OVER_PI * (z + GELU_CUBIC * z**3)
        du = SQRT_2_OVER_PI * (1.0 + 3.0 * GELU_CUBIC * z**2)
        dgate = 2.0 * stable.sigmoid(2.0 * u) * stable.sigmoid(-2.0 * u) * du
    else:
        dgate = np.exp(-0.5 * z**2) / SQRT_2_PI
    return _arrays.upstream(dy, x.shape, x.dtype) * (gate + x * dgate)


def _clip(x: Array, bound: float) -> Array:
    """Keep powers of x finite, at a bound behind which the gate has long saturated."""
    clipped: Array = np.clip(x, -bound, bound)
    return clipped


def mish(x: ArrayLike) -> Array:
    r"""
    Gate the input by the hyperbolic tangent of its softplus.

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
    mish_backward : The gradient.
    swish : The same with the sigmoid as the gate.

    Notes
    -----
    .. math:: y = x \, g(x), \quad g(x) = \tanh(\log(1 + e^x))

    References
    ----------
    .. [1] D. Misra, "Mish: a self regularized non-monotonic activation function", 2019,
       arXiv:1908.08681.

    Examples
    --------
    The gate is 0.6 at zero and tends to 1.

    >>> mish([-1000.0, 0.0, 1000.0])
    array([  -0.,    0., 1000.])
    """
    return mish_forward(x)[0]


def mish_forward(x: ArrayLike) -> tuple[Array, GateCache]:
    """
    Compute `mish`, and keep what its gradient needs.

    See Also
    --------
    mish_backward : The gradient of this function.
    """
    x = _arrays.floats("x", x)
    gate = np.tanh(softplus(x))
    return x * gate, GateCache(x, gate)


def mish_backward(dy: ArrayLike, cache: GateCache) -> Array:
    r"""
    Compute the gradient of `mish` with respect to `x`.

    See Also
    --------
    mish : The function that this differentiates.

    Notes
    -----
    .. math:: dx = dy \, (g(x) + x \, g'(x)), \quad
              g'(x) = (1 - g(x)^2) \, \sigma(x)
                    = \frac{4 s^2}{(1 + s^2)^2} \, \sigma(x), \quad s = \sigma(-x)

    with the `sigmoid` :math:`\sigma`, the slope of the `softplus`. The last form
    subtracts nothing: x multiplies what is left.
    """
    _validate.instance("cache", cache, GateCache)
    x, gate = cache
    s2 = stable.sigmoid(-x) ** 2
    dgate = 4.0 * s2 / (1.0 + s2) ** 2 * stable.sigmoid(x)
    return _arrays.upstream(dy, x.shape, x.dtype) * (gate + x * dgate)
