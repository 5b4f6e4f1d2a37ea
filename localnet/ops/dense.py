"""The fully connected layer, to which a kernel that covers the input amounts."""

import math
from typing import NamedTuple

import numpy as np

from .. import _arrays, _validate
from .._typing import Array, ArrayLike
from .runtime.workspace import Workspace

__all__ = ["DenseCache", "DenseGrads", "dense_backward", "dense_forward"]


class DenseCache(NamedTuple):
    """What `dense_backward` needs: references, not copies."""

    x: Array
    kernel: Array
    has_bias: bool


class DenseGrads(NamedTuple):
    """Gradients of `dense_forward`, in the order of its arguments."""

    dx: Array | None
    dkernel: Array
    dbias: Array | None


def dense_forward(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    workspace: Workspace | None = None,
) -> tuple[Array, DenseCache]:
    r"""
    Multiply the last axis with a matrix and add a bias.

    Parameters
    ----------
    x : array_like of shape (N, ..., C)
        Samples. Not modified.
    kernel : array_like of shape (C, F)
        Weights.
    bias : array_like of shape (F,), optional
        Added to every sample.
    workspace : Workspace, optional
        Memory kept between calls; y is then valid until the next one.

    Returns
    -------
    y : ndarray of shape (N, ..., F)
        Pre-activation; dtype by ``np.result_type``.
    cache : DenseCache
        For `dense_backward`.

    Raises
    ------
    ValueError
        If the shapes do not fit each other; the message names them.

    See Also
    --------
    dense_backward : The gradient of this function.

    Notes
    -----
    .. math:: y_{nf} = \sum_c x_{nc} w_{cf} + b_f

    Examples
    --------
    >>> y, _ = dense_forward([[1.0, 2.0]], [[1.0, 0.0], [10.0, 1.0]], [0.5, 0.5])
    >>> y
    array([[21.5,  2.5]])
    """
    x, kernel = _arrays.floats("x", x), _arrays.floats("kernel", kernel)
    if x.ndim < 2 or kernel.ndim != 2 or x.shape[-1] != kernel.shape[0]:
        raise ValueError(
            "kernel must have shape (C, F) for x of shape (N, ..., C), "
            f"got {kernel.shape} for {x.shape}"
        )
    dtype = x.dtype if x.dtype == kernel.dtype else np.result_type(x, kernel)
    if bias is not None:
        bias = _arrays.floats("bias", bias)
        if bias.shape != kernel.shape[1:]:
            raise ValueError(
                f"bias must have shape (F,) = {kernel.shape[1:]}, got {bias.shape}"
            )
        dtype = dtype if dtype == bias.dtype else np.result_type(dtype, bias)
    if x.dtype != dtype or kernel.dtype != dtype:
        x, kernel = x.astype(dtype, copy=False), kernel.astype(dtype, copy=False)
    workspace = Workspace.of(workspace)
    y = workspace.result("y", (*x.shape[:-1], kernel.shape[1]), dtype)
    np.matmul(x, kernel, out=y)
    if bias is not None:
        y += bias
    return y, DenseCache(x, kernel, bias is not None)


def dense_backward(
    dy: ArrayLike,
    cache: DenseCache,
    *,
    need_dx: bool = True,
    workspace: Workspace | None = None,
) -> DenseGrads:
    r"""
    Compute the gradients of `dense_forward`.

    See Also
    --------
    dense_forward : The function that this differentiates.

    Notes
    -----
    .. math::
        dx_{nc} = \sum_f dy_{nf} w_{cf}, \quad
        dw_{cf} = \sum_n x_{nc} dy_{nf}, \quad
        db_f = \sum_n dy_{nf}
    """
    _validate.instance("cache", cache, DenseCache)
    x, kernel, has_bias = cache
    y_shape = (*x.shape[:-1], kernel.shape[1])
    dy = _arrays.upstream(dy, y_shape, kernel.dtype)
    rows, drows = x, dy
    if x.ndim > 2:
        samples = math.prod(x.shape[:-1])
        rows, drows = x.reshape(samples, x.shape[-1]), dy.reshape(samples, y_shape[-1])
    workspace = Workspace.of(workspace)
    dx = dbias = None
    if _validate.flag("need_dx", need_dx):
        dx = workspace.result("dx", x.shape, kernel.dtype)
        np.matmul(dy, kernel.T, out=dx)
    dkernel = workspace.result("dkernel", kernel.shape, kernel.dtype)
    np.matmul(rows.T, drows, out=dkernel)
    if has_bias:
        dbias = workspace.result("dbias", kernel.shape[1:], kernel.dtype)
        np.add.reduce(drows, axis=0, out=dbias)
    return DenseGrads(dx, dkernel, dbias)
