"""
The transposed layer: a locally connected layer run backwards, as a pair.

Nothing is new here but who plays which part. What gives the forward layer its dx gives
this one its output; what gives the forward layer its output gives this one its dx; and
the gradient of the kernel is the same sum, with input and upstream gradient exchanged.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from ... import _arrays, _validate, config
from ..._typing import Array, ArrayLike
from ...geometry import Geometry
from ...geometry.transposed import transposed_geometry
from ..images import pad
from ..runtime.workspace import Workspace
from .bias import add_bias, bias_gradient
from .local_conv import ENGINES, check_axes

__all__ = [
    "LocalConvTransposeCache",
    "LocalConvTransposeGrads",
    "local_conv_transpose_backward",
    "local_conv_transpose_forward",
]


class LocalConvTransposeCache(NamedTuple):
    """What `local_conv_transpose_backward` needs: references, not copies."""

    x: Array
    kernel: Array
    has_bias: bool
    geometry: Geometry


class LocalConvTransposeGrads(NamedTuple):
    """Gradients of `local_conv_transpose_forward`, in the order of its arguments."""

    dx: Array | None
    dkernel: Array
    dbias: Array | None


def local_conv_transpose_forward(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    output_padding: Any = None,
    dilation_rate: Any = 1,
    data_format: str = "channels_last",
    workspace: Workspace | None = None,
) -> tuple[Array, LocalConvTransposeCache]:
    r"""
    Apply the adjoint of a locally connected layer: every input cell paints a window.

    Parameters
    ----------
    x : array_like of shape (N, *O, C) or (N, C, *O)
        N samples, in the data format, with one value of C channels for each location
        of the forward layer. Not modified; any memory order.
    kernel : array_like of shape (L, K, C)
        The kernel of the forward layer, which has F channels and C filters:
        ``L = prod(O)`` and ``K = prod(R)*F``, ordered (taps, f) for channels_last and
        (f, taps) for channels_first.
    bias : array_like of shape (*S, F), optional
        One number per output cell and filter, in both data formats; for channels_first
        it is reshaped to (F, *S), as in `local_conv_forward`.
    kernel_size, strides, padding, dilation_rate, data_format
        Of the forward layer, as for `local_conv_forward`.
    output_padding : int, tuple of int or None
        Less than the stride: which of the sizes S that have the locations O it is. See
        ``localnet/geometry/transposed.py``. ``None`` is Keras's choice; a tuple may
        hold it for one axis.
    workspace : Workspace, optional
        Scratch memory kept between calls. Without it the function is pure.

    Returns
    -------
    y : ndarray of shape (N, *S, F) or (N, F, *S)
        Shaped like the forward layer's input; dtype by ``np.result_type``.
    cache : LocalConvTransposeCache
        For `local_conv_transpose_backward`; valid until an argument is written to.

    Raises
    ------
    ValueError
        If an argument breaks its rule or the shapes do not fit.

    See Also
    --------
    local_conv_transpose_backward : The gradient of this function.
    local_conv_forward : The forward layer.

    Notes
    -----
    .. math:: q_{nlk} = \sum_c x_{nlc} w_{lkc}

    and y is `fold_patches` of q, plus the bias. So ``sum(x * A(v)) == sum(y * v)`` for
    the forward layer A without its bias, and any v.

    The pads of ``same`` lie as in `local_conv_forward`, so that this is the adjoint of
    the layer here. TensorFlow's ``Conv2DTranspose`` places them otherwise where the
    window is even or the stride is not 1.

    References
    ----------
    .. [1] M. Zeiler, D. Krishnan, G. Taylor and R. Fergus, "Deconvolutional networks",
       2010.

    Examples
    --------
    Three cells, each of which paints two with a brush of its own.

    >>> import numpy as np
    >>> x = np.array([[[1.0], [2.0], [4.0]]])
    >>> kernel = np.array([[[1.0], [1.0]], [[-1.0], [1.0]], [[0.0], [10.0]]])
    >>> y, cache = local_conv_transpose_forward(x, kernel, kernel_size=2)
    >>> y[0, :, 0]
    array([ 1., -1.,  2., 40.])
    """
    x, kernel = _arrays.floats("x", x), _arrays.floats("kernel", kernel)
    check_axes(x)
    filters = filters_of(kernel, x.ndim - 2, kernel_size)
    geometry = transposed_geometry(
        x.shape[1:],
        filters,
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        output_padding=output_padding,
        dilation_rate=dilation_rate,
        data_format=data_format,
    )
    channels = x.shape[-1] if geometry.channels_last else x.shape[1]
    if kernel.shape != geometry.kernel_shape(channels):
        raise ValueError(
            "kernel must have shape (L, K, C) = "
            f"{geometry.kernel_shape(channels)} with K = prod(kernel_size)*F, "
            f"got {kernel.shape}"
        )
    workspace = Workspace.of(workspace)
    dtypes = [x.dtype, kernel.dtype]
    if bias is not None:
        bias = _arrays.floats("bias", bias)
        bias_shape = (*geometry.input_sizes, filters)
        if bias.shape != bias_shape:
            raise ValueError(
                f"bias must have shape (*S, F) = {bias_shape}, got {bias.shape}"
            )
        dtypes.append(bias.dtype)
    dtype = np.result_type(*dtypes)
    kernel = kernel.astype(dtype, order="C", copy=False)
    x = x.astype(dtype, copy=False)
    y, _, _ = ENGINES[config.get_engine()].backward(
        x,
        None,
        kernel,
        geometry,
        need_dx=True,
        need_dbias=False,
        workspace=workspace,
    )
    if bias is not None:
        add_bias(y, bias, geometry)
    return y, LocalConvTransposeCache(x, kernel, bias is not None, geometry)


def filters_of(kernel: Array, rank: int, kernel_size: Any) -> int:
    """Return F, if the kernel (L, prod(R)*F, C) has any."""
    taps = math.prod(_validate.sizes("kernel_size", kernel_size, rank))
    filters, rest = divmod(kernel.shape[1] if kernel.ndim == 3 else 0, taps)
    if rest or not filters:
        raise ValueError(
            "kernel must have shape (L, K, C) with K a multiple of the "
            f"{taps} taps of a window, got {kernel.shape}"
        )
    return filters


def local_conv_transpose_backward(
    dy: ArrayLike,
    cache: LocalConvTransposeCache,
    *,
    need_dx: bool = True,
    workspace: Workspace | None = None,
) -> LocalConvTransposeGrads:
    r"""
    Compute the gradients of `local_conv_transpose_forward`.

    Parameters
    ----------
    dy : array_like, shape of y
        Upstream gradient. Not modified.
    cache : LocalConvTransposeCache
        What the forward call returned.
    need_dx : bool
        Whether the gradient of `x` is wanted; a first layer does not need it.
    workspace : Workspace, optional
        As for `local_conv_transpose_forward`.

    Returns
    -------
    LocalConvTransposeGrads
        ``(dx, dkernel, dbias)`` in the shapes of the arguments and the dtype of y;
        ``dx is None`` if it is not needed, ``dbias is None`` if there was no bias.

    Raises
    ------
    ValueError
        If `dy` does not have the shape of y.

    See Also
    --------
    local_conv_transpose_forward : The function that this differentiates.

    Notes
    -----
    With p the patches of dy, as `extract_patches` finds them,

    .. math::
        dx_{nlc} = \sum_k p_{nlk} w_{lkc}, \quad
        dw_{lkc} = \sum_n p_{nlk} x_{nlc}, \quad
        db_{if} = \sum_n dy_{nif}

    Examples
    --------
    >>> import numpy as np
    >>> kernel = np.array([[[3.0], [5.0]], [[7.0], [11.0]]])
    >>> x = [[[1.0], [10.0]]]
    >>> _, cache = local_conv_transpose_forward(x, kernel, kernel_size=2)
    >>> dx, dkernel, _ = local_conv_transpose_backward([[[1.0], [2.0], [4.0]]], cache)
    >>> dx[0, :, 0]
    array([13., 58.])
    >>> dkernel[:, :, 0]
    array([[ 1.,  2.],
           [20., 40.]])
    """
    _validate.instance("cache", cache, LocalConvTransposeCache)
    x, kernel, has_bias, geometry = cache
    dy = _arrays.upstream(dy, (len(x), *geometry.input_shape), kernel.dtype)
    workspace = Workspace.of(workspace)
    engine = ENGINES[config.get_engine()]
    padded = pad(dy, geometry, workspace)
    dx = None
    if _validate.flag("need_dx", need_dx):
        dx = engine.forward(padded, kernel, None, geometry, workspace)
    _, dkernel, _ = engine.backward(
        x,
        padded,
        kernel,
        geometry,
        need_dx=False,
        need_dbias=False,
        workspace=workspace,
    )
    dbias = bias_gradient(dy, geometry, workspace) if has_bias else None
    return LocalConvTransposeGrads(dx, dkernel, dbias)
