"""
The layer without its windows, as a pair on patches: `definition` behind checks.

It has any patches as its input, and so serves wherever they come from.
"""

from typing import NamedTuple

import numpy as np

from ... import _arrays, _validate
from ..._typing import Array, ArrayLike
from .definition import DKERNEL, DPATCHES, FORWARD, contract

__all__ = [
    "LocalMatmulCache",
    "LocalMatmulGrads",
    "local_matmul_backward",
    "local_matmul_forward",
]


class LocalMatmulCache(NamedTuple):
    """What `local_matmul_backward` needs: references, not copies."""

    patches: Array
    kernel: Array
    has_bias: bool


class LocalMatmulGrads(NamedTuple):
    """Gradients of `local_matmul_forward`, in the order of its arguments."""

    dpatches: Array | None
    dkernel: Array
    dbias: Array | None


def local_matmul_forward(
    patches: ArrayLike, kernel: ArrayLike, bias: ArrayLike | None = None
) -> tuple[Array, LocalMatmulCache]:
    r"""
    Multiply every patch with the kernel that belongs to its location.

    This is the whole of a locally connected layer once the receptive fields have been
    gathered; it knows nothing of strides, padding or the number of spatial axes.

    Parameters
    ----------
    patches : array_like of shape (N, L, K)
        Receptive fields: N samples, L locations, K values each. Not modified.
    kernel : array_like of shape (L, K, F)
        One (K, F) matrix per location.
    bias : array_like of shape (L, F), optional
        Untied bias.

    Returns
    -------
    y : ndarray of shape (N, L, F)
        Pre-activation; dtype by ``np.result_type``.
    cache : LocalMatmulCache
        Valid until `patches` or `kernel` is written to.

    Raises
    ------
    ValueError
        If the shapes do not fit each other; the message names them.

    See Also
    --------
    local_matmul_backward : The gradient of this function.
    localnet.ops.extract_patches : Where the patches come from.

    Notes
    -----
    .. math:: y_{nlf} = \sum_k p_{nlk} w_{lkf} + b_{lf}

    `l` stands on both factors and on the result: it is a batch axis of the product. In
    a convolution the kernel has no `l`.

    References
    ----------
    .. [1] K. Gregor and Y. LeCun, "Emergence of complex-like cells in a temporal
       product network with local receptive fields", 2010, arXiv:1006.0448.

    Examples
    --------
    Two locations, each with its own 2-tap filter.

    >>> import numpy as np
    >>> patches = np.array([[[1.0, 2.0], [2.0, 3.0]]])  # N=1, L=2, K=2
    >>> kernel = np.array([[[1.0], [10.0]], [[0.0], [-1.0]]])  # F=1
    >>> y, _ = local_matmul_forward(patches, kernel)
    >>> y[0, :, 0]
    array([21., -3.])
    """
    patches = _arrays.floats("patches", patches)
    kernel = _arrays.floats("kernel", kernel)
    if patches.ndim != 3 or kernel.ndim != 3 or patches.shape[1:] != kernel.shape[:2]:
        raise ValueError(
            "kernel must have shape (L, K, F) for patches of shape (N, L, K), "
            f"got {kernel.shape} for {patches.shape}"
        )
    dtype = np.result_type(patches, kernel)
    if bias is not None:
        bias = _arrays.floats("bias", bias)
        if bias.shape != kernel.shape[::2]:
            raise ValueError(
                f"bias must have shape (L, F) = {kernel.shape[::2]}, got {bias.shape}"
            )
        dtype = np.result_type(dtype, bias)
    patches, kernel = (
        patches.astype(dtype, copy=False),
        kernel.astype(dtype, copy=False),
    )
    y = contract(FORWARD, patches, kernel)
    if bias is not None:
        y = y + bias
    return y, LocalMatmulCache(patches, kernel, bias is not None)


def local_matmul_backward(
    dy: ArrayLike, cache: LocalMatmulCache, *, need_dpatches: bool = True
) -> LocalMatmulGrads:
    r"""
    Compute the gradients of `local_matmul_forward`.

    See Also
    --------
    local_matmul_forward : The function that this differentiates.

    Notes
    -----
    .. math::
        dp_{nlk} = \sum_f dy_{nlf} w_{lkf}, \quad
        dw_{lkf} = \sum_n p_{nlk} dy_{nlf}, \quad
        db_{lf} = \sum_n dy_{nlf}
    """
    _validate.instance("cache", cache, LocalMatmulCache)
    y_shape = (*cache.patches.shape[:2], cache.kernel.shape[2])
    dy = _arrays.upstream(dy, y_shape, cache.kernel.dtype)
    dpatches = None
    if need_dpatches:
        dpatches = contract(DPATCHES, dy, cache.kernel)
    dkernel = contract(DKERNEL, cache.patches, dy)
    dbias = np.add.reduce(dy, axis=0) if cache.has_bias else None
    return LocalMatmulGrads(dpatches, dkernel, dbias)
