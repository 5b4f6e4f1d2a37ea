"""The rectifier whose slope on the negative side is learned."""

from typing import NamedTuple

import numpy as np

from .. import _arrays, _validate
from .._typing import Array, ArrayLike
from .runtime.workspace import Workspace

__all__ = ["PReLUGrads", "prelu_backward", "prelu_forward"]


class PReLUCache(NamedTuple):
    """What `prelu_backward` needs: references, not copies."""

    x: Array
    alpha: Array
    dtype: np.dtype


class PReLUGrads(NamedTuple):
    """Gradients of `prelu_forward`, in the order of its arguments."""

    dx: Array
    dalpha: Array


def prelu_forward(
    x: ArrayLike, alpha: ArrayLike, *, workspace: Workspace | None = None
) -> tuple[Array, PReLUCache]:
    r"""
    Multiply what is negative by a slope of its own.

    Parameters
    ----------
    x : array_like of shape (N, ...)
        Values. Not modified.
    alpha : array_like, the shape of a sample, or with size 1 on axes that share
        Slopes.
    workspace : Workspace, optional
        Memory kept between calls; y is then valid until the next one.

    Returns
    -------
    y : ndarray, shape of x
        Dtype by ``np.result_type``.
    cache : PReLUCache
        For `prelu_backward`.

    Raises
    ------
    ValueError
        If the slopes do not fit the samples.

    See Also
    --------
    prelu_backward : The gradient of this function.
    localnet.activations.leaky_relu : With one slope that is not learned.

    Notes
    -----
    .. math:: y_i = \max(x_i, 0) + \alpha_i \min(x_i, 0)

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers: surpassing
       human-level performance on ImageNet classification", 2015, arXiv:1502.01852.

    Examples
    --------
    >>> y, _ = prelu_forward([[-2.0, 3.0]], [0.5, 0.5])
    >>> y
    array([[-1.,  3.]])
    """
    x, alpha = _arrays.floats("x", x), _arrays.floats("alpha", alpha)
    sizes = zip(alpha.shape, x.shape[1:], strict=False)
    if alpha.ndim != x.ndim - 1 or any(a not in (1, n) for a, n in sizes):
        raise ValueError(
            f"alpha must broadcast to the shape of a sample, {x.shape[1:]}, "
            f"got {alpha.shape}"
        )
    workspace = Workspace.of(workspace)
    y = workspace.result("y", x.shape, np.result_type(x, alpha))
    np.minimum(x, 0, out=y)
    y *= alpha
    y += np.maximum(x, 0, out=workspace.take("part", x.shape, x.dtype))
    return y, PReLUCache(x, alpha, y.dtype)


def prelu_backward(
    dy: ArrayLike, cache: PReLUCache, *, workspace: Workspace | None = None
) -> PReLUGrads:
    r"""
    Compute the gradients of `prelu_forward`.

    See Also
    --------
    prelu_forward : The function that this differentiates.

    Notes
    -----
    With :math:`[...]` being 1 where the condition holds and 0 elsewhere, and the sum
    going over the samples and the axes that share a slope,

    .. math::
        dx_i = dy_i ([x_i > 0] + \alpha_i [x_i < 0]), \quad
        d\alpha = \sum_i dy_i \min(x_i, 0)

    At the kink, x = 0, dx is 0, as in Keras.
    """
    _validate.instance("cache", cache, PReLUCache)
    x, alpha, dtype = cache
    dy = _arrays.upstream(dy, x.shape, dtype)
    workspace = Workspace.of(workspace)
    dx = workspace.result("dx", x.shape, dtype)
    part = workspace.take("part", x.shape, dtype)
    np.minimum(x, 0, out=part)
    part *= dy
    shared = tuple(
        axis + 1
        for axis, (a, n) in enumerate(zip(alpha.shape, x.shape[1:], strict=True))
        if a != n
    )
    dalpha = np.add.reduce(part, axis=(0, *shared), dtype=dtype)
    np.multiply(dy, alpha, out=dx)
    dx[x == 0] = 0
    np.copyto(dx, dy, where=x > 0)
    return PReLUGrads(dx, dalpha.reshape(alpha.shape).astype(alpha.dtype, copy=False))
