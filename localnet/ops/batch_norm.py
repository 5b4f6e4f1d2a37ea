"""Batch normalisation: each channel with the mean 0 and the variance 1, then scaled."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import _arrays, _validate
from .._typing import Array, ArrayLike, Shape
from .runtime.pieces import row_pieces
from .runtime.wide import wide_shape
from .runtime.workspace import Workspace

__all__ = [
    "BatchNormCache",
    "BatchNormGrads",
    "batch_norm_backward",
    "batch_norm_forward",
    "batch_norm_shape",
    "moving_statistics",
]

# So many rows are added up as they are, more of them in float64.
SHORT = 128


class BatchNormCache(NamedTuple):
    """
    What `batch_norm_backward` needs: references, and two numbers for each channel.

    `mean`, `variance` and `gamma` have the shape of the parameters. `from_batch` tells
    whether the statistics are those of `x`, of which `members` share a channel.
    """

    x: Array
    gamma: Array | None
    beta: Array | None
    mean: Array
    variance: Array
    epsilon: float
    axes: Shape
    from_batch: bool
    members: int
    dtype: np.dtype


class BatchNormGrads(NamedTuple):
    """Gradients of `batch_norm_forward`, in the order of its arguments."""

    dx: Array | None
    dgamma: Array | None
    dbeta: Array | None


def batch_norm_shape(shape: Sequence[int], axis: int | Sequence[int]) -> Shape:
    """
    Return the shape of gamma, beta and the statistics, as Keras has it.

    Parameters
    ----------
    shape : sequence of int
        Of x, batch axis first.
    axis : int or sequence of int
        As for `batch_norm_forward`.

    Returns
    -------
    tuple of int
        ``(C,)`` for one axis; for several, as many axes as x, those that are averaged
        over of size 1.

    Raises
    ------
    ValueError
        If x has no such axis, or it is the batch axis, or given twice.

    Examples
    --------
    >>> batch_norm_shape((8, 5, 6, 3), -1), batch_norm_shape((8, 5, 6, 3), (1, 3))
    ((3,), (1, 5, 1, 3))
    """
    shape = _validate.items("shape", shape, "a tuple of sizes")
    axes = _axes(axis, len(shape))
    if len(axes) == 1:
        return (shape[axes[0]],)
    return tuple(size if a in axes else 1 for a, size in enumerate(shape))


def batch_norm_forward(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    *,
    axis: int | Sequence[int] = -1,
    epsilon: float = 1e-3,
    statistics: tuple[ArrayLike, ArrayLike] | None = None,
    workspace: Workspace | None = None,
) -> tuple[Array, BatchNormCache]:
    r"""
    Normalise every channel by its mean and variance, then scale and shift it.

    Parameters
    ----------
    x : array_like of shape (N, ...)
        Samples. Not modified.
    gamma, beta : array_like of shape (C,), optional
        Scale and shift of each channel; without, 1 and 0. For several axes the shape
        is that of `batch_norm_shape`.
    axis : int or sequence of int
        The axes that are kept apart, the channels; all others are averaged over. Not
        the batch axis.
    epsilon : float
        Added to the variance, not negative.
    statistics : (array_like, array_like), optional
        Mean and variance, in the shape of gamma. Default: those of the batch itself,
        whose gradient is then part of dx.
    workspace : Workspace, optional
        Memory kept between calls; y is then valid until the next one.

    Returns
    -------
    y : ndarray, shape and dtype of x
        Computed in float32 where x is float16, with sums in float64.
    cache : BatchNormCache
        For `batch_norm_backward` and `moving_statistics`.

    Raises
    ------
    ValueError
        If an axis, epsilon or a shape breaks its rule.

    See Also
    --------
    batch_norm_backward : The gradient of this function.

    Notes
    -----
    With :math:`M` values :math:`x_{mc}` of a channel,

    .. math::
        \mu_c = \frac{1}{M} \sum_m x_{mc}, \quad
        v_c = \frac{1}{M} \sum_m (x_{mc} - \mu_c)^2, \quad
        y_{mc} = \gamma_c \frac{x_{mc} - \mu_c}{\sqrt{v_c + \epsilon}} + \beta_c

    The variance is the biased one: divided by M, not M - 1.

    References
    ----------
    .. [1] S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep network
       training by reducing internal covariate shift", 2015, arXiv:1502.03167.

    Examples
    --------
    >>> y, _ = batch_norm_forward([[1.0], [3.0]], [2.0], [10.0], epsilon=0.0)
    >>> y
    array([[ 8.],
           [12.]])
    >>> y, _ = batch_norm_forward([[1.0], [3.0]], statistics=([1.0], [3.0]), epsilon=1)
    >>> y
    array([[0.],
           [1.]])
    """
    x = _arrays.floats("x", x)
    axes = _axes(axis, x.ndim)
    shape = batch_norm_shape(x.shape, axes)
    epsilon = _validate.number("epsilon", epsilon, minimum=0.0)
    gamma, beta = _parameter("gamma", gamma, shape), _parameter("beta", beta, shape)
    count = math.prod(size for a, size in enumerate(x.shape) if a not in axes)
    compute = np.result_type(x, *(p for p in (gamma, beta) if p is not None), "float32")
    walk, workspace = _Walk.through(x, axes), Workspace.of(workspace)
    if statistics is None:
        mean, variance = _moments(x, walk, max(1, count), compute, workspace)
        mean, variance = mean.reshape(shape), variance.reshape(shape)
    else:
        given = (
            _parameter(f"{name} of statistics", value, shape)
            for name, value in zip(("mean", "variance"), _two(statistics), strict=True)
        )
        mean, variance = (value for value in given if value is not None)
    dtype = compute if compute.kind == "c" else x.dtype
    cache = BatchNormCache(
        *(x, gamma, beta, mean, variance),
        *(epsilon, axes, statistics is None, count, dtype),
    )
    y = workspace.result("y", x.shape, dtype)
    center, factor = walk.spread(mean, compute), walk.spread(_factor(cache), compute)
    shift = None if beta is None else walk.spread(beta, compute)
    x_walk, y_walk = x.reshape(walk.shape), y.reshape(walk.shape)
    for piece in row_pieces(walk.shape):
        room = workspace.take("piece", x_walk[piece].shape, compute)
        z = np.subtract(x_walk[piece], center, out=room)
        if shift is not None:
            z *= factor
            np.add(z, shift, out=y_walk[piece], casting="same_kind")
        else:
            np.multiply(z, factor, out=y_walk[piece], casting="same_kind")
    return y, cache


def batch_norm_backward(
    dy: ArrayLike,
    cache: BatchNormCache,
    *,
    need_dx: bool = True,
    workspace: Workspace | None = None,
) -> BatchNormGrads:
    r"""
    Compute the gradients of `batch_norm_forward`.

    See Also
    --------
    batch_norm_forward : The function that this differentiates.

    Notes
    -----
    With :math:`\hat{x}{}_{mc} = (x_{mc} - \mu_c) / \sqrt{v_c + \epsilon}`,

    .. math::
        d\gamma_c = \sum_m dy_{mc} \hat{x}{}_{mc}, \quad
        d\beta_c = \sum_m dy_{mc}, \quad
        dx_{mc} = \frac{\gamma_c}{\sqrt{v_c + \epsilon}} \left( dy_{mc}
            - \frac{1}{M} (d\beta_c + \hat{x}{}_{mc} d\gamma_c) \right)

    where the second term of dx is that of the mean and the variance, and is missing if
    these were given.
    """
    _validate.instance("cache", cache, BatchNormCache)
    x = cache.x
    dy = _arrays.upstream(dy, x.shape, cache.dtype)
    walk, workspace = _Walk.through(x, cache.axes), Workspace.of(workspace)
    x_walk, dy_walk = x.reshape(walk.shape), dy.reshape(walk.shape)
    compute = np.result_type(cache.dtype, "float32")
    mean = walk.spread(cache.mean, compute)
    scale = walk.spread(_inverse(cache), compute)

    def normalised(x: Array) -> Array:
        z = np.subtract(x, mean, out=workspace.take("piece", x.shape, compute))
        z *= scale
        return z

    def products(dy: Array, x: Array) -> Array:
        z = normalised(x)
        return np.multiply(dy, z, out=z)

    total = walk.sum(lambda dy: dy, compute, dy_walk)
    product = walk.sum(products, compute, dy_walk, x_walk)
    dx = None
    if _validate.flag("need_dx", need_dx):
        dx = workspace.result("dx", x.shape, cache.dtype)
        dx_walk = dx.reshape(walk.shape)
        factor = walk.spread(_factor(cache), compute)
        count = max(1, cache.members)
        dmean = walk.spread(total / count, compute)
        dscale = walk.spread(product / count, compute)
        for piece in row_pieces(walk.shape):
            dz = dy_walk[piece]
            if cache.from_batch:
                z = normalised(x_walk[piece])
                z *= dscale
                z += dmean
                dz = np.subtract(dz, z, out=z)
            np.multiply(dz, factor, out=dx_walk[piece], casting="same_kind")
    return BatchNormGrads(
        dx, _gradient_of(cache.gamma, product), _gradient_of(cache.beta, total)
    )


def moving_statistics(
    statistics: tuple[Array, Array],
    cache: BatchNormCache,
    *,
    momentum: float,
    unbiased: bool = False,
) -> tuple[Array, Array]:
    r"""
    Move a running mean and variance towards those of a batch.

    Parameters
    ----------
    statistics : (ndarray, ndarray)
        Mean and variance so far. Not modified.
    cache : BatchNormCache
        Of the batch; one without samples, or that was normalised with statistics that
        were given, moves nothing.
    momentum : float
        The part of the old values that is kept.
    unbiased : bool
        Whether the variance of the batch is multiplied by M / (M - 1), which makes it
        an estimate without bias. A single value has none, and is left as it is.

    Returns
    -------
    (ndarray, ndarray)
        New mean and variance, in the dtype of the old ones.

    Raises
    ------
    ValueError
        If an argument breaks its rule.

    Notes
    -----
    .. math:: \mu' = \mu - (1 - momentum) (\mu - \mu_{batch})

    Examples
    --------
    >>> import numpy as np
    >>> _, cache = batch_norm_forward([[1.0], [3.0]])
    >>> moving_statistics((np.zeros(1), np.ones(1)), cache, momentum=0.5, unbiased=True)
    (array([1.]), array([1.5]))
    """
    _validate.instance("cache", cache, BatchNormCache)
    if not (cache.from_batch and cache.members):
        return statistics
    variance = cache.variance
    if _validate.flag("unbiased", unbiased):
        variance = variance * (cache.members / max(1, cache.members - 1))
    momentum = _validate.number("momentum", momentum, minimum=0.0, maximum=1.0)
    old_mean, old_variance = (_arrays.floats("statistics", s) for s in _two(statistics))
    return (
        _moved(old_mean, cache.mean, momentum),
        _moved(old_variance, variance, momentum),
    )


def _two(statistics: Any) -> list[Any]:
    rule = "a mean and a variance"
    found = _validate.items("statistics", statistics, rule)
    if len(found) != 2:
        raise ValueError(f"statistics must be {rule}, got {len(found)} items")
    return found


def _moved(old: Array, new: Array, momentum: float) -> Array:
    moved: Array = old - (old - new) * (1 - momentum)
    return moved.astype(old.dtype)


def _axes(axis: int | Sequence[int], ndim: int) -> Shape:
    """Return the axes of the channels, from 1 on, in ascending order."""
    given = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    axes = {
        _validate.integer("axis", a, minimum=-ndim, maximum=ndim - 1) for a in given
    }
    wrapped = {a % ndim for a in axes}
    if not wrapped or 0 in wrapped or len(wrapped) < len(given):
        raise ValueError(
            f"axis must be different axes of x other than the batch axis, got {axis}"
        )
    return tuple(sorted(wrapped))


def _parameter(name: str, value: ArrayLike | None, shape: Shape) -> Array | None:
    if value is None:
        return None
    array = _arrays.floats(name, value)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    return array


def _inverse(cache: BatchNormCache) -> Array:
    """Return 1 / sqrt(v + epsilon)."""
    inverse: Array = 1 / np.sqrt(cache.variance + cache.epsilon)
    return inverse


def _factor(cache: BatchNormCache) -> Array:
    """Return gamma / sqrt(v + epsilon)."""
    inverse = _inverse(cache)
    return inverse if cache.gamma is None else cache.gamma * inverse


class _Walk(NamedTuple):
    """
    The way through a batch: as it is, or with short rows of channels side by side.

    Parameters
    ----------
    shape : tuple of int
        In which the batch is walked through, piece by piece along its first axis.
    over : tuple of int
        The axes of it that are summed over.
    spread_shape : tuple of int
        A parameter in a shape that broadcasts to a batch of one row of channels.
    together : int
        Rows of channels in a wide one.
    """

    shape: Shape
    over: Shape
    spread_shape: Shape
    together: int

    @classmethod
    def through(cls, x: Array, axes: Shape) -> "_Walk":
        """Return the way through `x`, whose `axes` are the channels."""
        channels = x.shape[-1]
        if axes == (x.ndim - 1,) and x.flags.c_contiguous and channels:
            shape = wide_shape(math.prod(x.shape[:-1]), channels)
            return cls(shape, (0,), (1, channels), shape[1] // channels)
        over = tuple(a for a in range(x.ndim) if a not in axes)
        spread = tuple(size if a in axes else 1 for a, size in enumerate(x.shape))
        return cls(x.shape, over, spread, 1)

    def spread(self, parameter: Array, dtype: np.dtype) -> Array:
        """Return a parameter in a shape that broadcasts to that of the walk."""
        row = parameter.astype(dtype).reshape(self.spread_shape)
        return np.concatenate([row] * self.together, axis=-1)

    def sum(
        self, function: Callable[..., Array], compute: np.dtype, *arrays: Array
    ) -> Array:
        """Return the sums of ``function(*arrays)``, those of pieces in float64."""
        wide = np.result_type(compute, "float64")
        shape = [1 if a in self.over else n for a, n in enumerate(self.shape)]
        total = np.zeros(shape, wide)
        for piece in row_pieces(self.shape):
            values = function(*(array[piece] for array in arrays))
            is_short = self.over == (0,) and len(values) <= SHORT
            total += np.add.reduce(
                values,
                axis=self.over,
                dtype=compute if is_short else wide,
                keepdims=True,
            )
        sums: Array = total.reshape(self.together, *self.spread_shape).sum(axis=0)
        return sums


def _moments(
    x: Array, walk: _Walk, count: int, compute: np.dtype, workspace: Workspace
) -> tuple[Array, Array]:
    """Return mean and biased variance in float64, by two passes."""
    x_walk = x.reshape(walk.shape)
    mean = walk.sum(lambda x: x, compute, x_walk) / count
    center = walk.spread(mean, compute)

    def squares(x: Array) -> Array:
        room = workspace.take("piece", x.shape, compute)
        deviation = np.subtract(x, center, out=room)
        return np.square(deviation, out=room)

    return mean, walk.sum(squares, compute, x_walk) / count


def _gradient_of(parameter: Array | None, gradient: Array) -> Array | None:
    if parameter is None:
        return None
    return gradient.reshape(parameter.shape).astype(parameter.dtype)
