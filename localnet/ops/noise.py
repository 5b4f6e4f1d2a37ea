"""Noise that is added: like a mask it is drawn outside, so that the pair is pure."""

from typing import NamedTuple

import numpy as np

from .. import _arrays, _validate, config
from .._typing import Array, ArrayLike, Shape
from .runtime.workspace import Workspace

__all__ = ["add_noise_backward", "add_noise_forward", "gaussian_noise"]


def gaussian_noise(
    shape: Shape,
    stddev: float,
    rng: np.random.Generator,
    dtype: np.dtype,
    *,
    mean: float = 0.0,
    workspace: Workspace | None = None,
) -> Array:
    """
    Draw normally distributed numbers.

    Parameters
    ----------
    shape : tuple of int
        Shape of the result.
    stddev : float
        Standard deviation.
    rng : numpy.random.Generator
        Advanced by one draw, which does not depend on `dtype`.
    dtype : dtype
        Of the result.
    mean : float
        Expected value.
    workspace : Workspace, optional
        Memory kept between calls; the noise is then valid until the next one.

    Returns
    -------
    ndarray of shape `shape`
        For `add_noise_forward`; with mean 1 also for `dropout_forward`.

    Raises
    ------
    ValueError
        If an argument breaks its rule.
    """
    shape, dtype = _validate.shape("shape", shape), config.float_dtype(dtype)
    stddev, mean = _validate.number("stddev", stddev), _validate.number("mean", mean)
    workspace = Workspace.of(workspace)
    drawn = workspace.take("drawn", shape, "float64")
    _validate.generator("rng", rng).standard_normal(out=drawn)
    drawn *= stddev
    drawn += mean
    noise = workspace.result("noise", shape, dtype)
    noise[...] = drawn
    return noise


class NoiseCache(NamedTuple):
    """What `add_noise_backward` needs."""

    shape: Shape
    dtype: np.dtype


def add_noise_forward(
    x: ArrayLike, noise: ArrayLike, *, workspace: Workspace | None = None
) -> tuple[Array, NoiseCache]:
    r"""
    Add a number to every value.

    Parameters
    ----------
    x : array_like
        Values. Not modified.
    noise : array_like, shape of x
        What `gaussian_noise` drew.
    workspace : Workspace, optional
        Memory kept between calls; y is then valid until the next one.

    Returns
    -------
    y : ndarray, shape of x
        The sum.
    cache : NoiseCache
        For `add_noise_backward`.

    Raises
    ------
    ValueError
        If the noise has another shape.

    See Also
    --------
    add_noise_backward : The gradient of this function.

    Notes
    -----
    .. math:: y_i = x_i + e_i

    Examples
    --------
    >>> y, _ = add_noise_forward([1.0, 2.0], [0.5, -0.5])
    >>> y
    array([1.5, 1.5])
    """
    x, noise = _arrays.floats("x", x), _arrays.floats("noise", noise)
    if noise.shape != x.shape:
        raise ValueError(
            f"noise must have the shape of x, {x.shape}, got {noise.shape}"
        )
    workspace = Workspace.of(workspace)
    y = workspace.result("y", x.shape, np.result_type(x, noise))
    np.add(x, noise, out=y)
    return y, NoiseCache(y.shape, y.dtype)


def add_noise_backward(
    dy: ArrayLike, cache: NoiseCache, *, workspace: Workspace | None = None
) -> Array:
    r"""
    Compute the gradient of `add_noise_forward` with respect to `x`: a copy of dy.

    See Also
    --------
    add_noise_forward : The function that this differentiates.

    Notes
    -----
    .. math:: dx_i = dy_i
    """
    _validate.instance("cache", cache, NoiseCache)
    workspace = Workspace.of(workspace)
    dx = workspace.result("dx", cache.shape, cache.dtype)
    dx[...] = _arrays.upstream(dy, cache.shape, cache.dtype)
    return dx
