"""
Convolution: the locally connected layer whose kernel is the same at all locations.

The geometry and the patches are those of `local_conv_forward`; the kernel loses its
subscript l, and its gradient gains a sum over it.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ... import _arrays, _validate, config
from ..._typing import Array, ArrayLike, Shape
from ...geometry import Geometry
from ..images import pad
from ..local.bias import add_bias, bias_gradient
from ..local.local_conv import check_axes
from ..runtime.workspace import Workspace
from . import blocked, definition, depthwise, naive
from .groups import checked_groups, is_depthwise, split_channels, split_filters
from .kernel import kernel_as_matrix, matrix_as_kernel

__all__ = ["ConvCache", "ConvGrads", "conv_backward", "conv_forward"]


# Each answers forward(padded, kernel, geometry, z, workspace), which writes z, and
# backward(dz, padded, kernel, geometry, dx, dkernel, workspace), which writes dkernel,
# and dx unless that is None. The kernel is the matrix (K, F).
ENGINES: dict[str, Any] = {
    "naive": naive,
    "einsum": definition,
    "blocked": blocked,
}


class ConvCache(NamedTuple):
    """What `conv_backward` needs: references, and never the patch copy."""

    padded: Array
    kernel: Array
    bias_shape: Shape | None
    groups: int
    geometry: Geometry


class ConvGrads(NamedTuple):
    """Gradients of `conv_forward`, in the order of its arguments."""

    dx: Array | None
    dkernel: Array
    dbias: Array | None


def conv_forward(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    pad_value: float = 0.0,
    dilation_rate: Any = 1,
    groups: int = 1,
    data_format: str = "channels_last",
    workspace: Workspace | None = None,
) -> tuple[Array, ConvCache]:
    r"""
    Convolve: every output location sees its window through the same kernel.

    Parameters
    ----------
    x : array_like of shape (N, *S, C) or (N, C, *S)
        N samples with one, two or three spatial axes, in the data format. Not modified;
        any memory order. Integers become ``localnet.config.floatx()``.
    kernel : array_like of shape (*R, C/groups, F)
        Keras's layout, in both data formats. It is not flipped: mathematicians call
        this a correlation.
    bias : array_like of shape (F,) or (*O, F), optional
        One number per filter; or untied, one per location and filter, stored as in
        `local_conv_forward`.
    strides : int or tuple of int
        Steps between windows. One number serves every spatial axis.
    padding : {"valid", "same", "causal"} or sequence of (int, int)
        ``valid``: windows inside the input. ``same``: one window per stride, with as
        few pads as that needs, half of them before the axis and an odd one after, as in
        TensorFlow. ``causal``: all pads before. Pairs: cells added before and after
        each axis.
    pad_value : float
        What the added cells hold.
    dilation_rate : int or tuple of int
        Distance between the taps of a window.
    groups : int
        Parts of the channels that are convolved apart, each with its part of the
        filters.
    data_format : {"channels_last", "channels_first"}
        Where the channel axis stands.
    workspace : Workspace, optional
        Scratch memory kept between calls. Without it the function is pure.

    Returns
    -------
    y : ndarray of shape (N, *O, F) or (N, F, *O)
        Pre-activation; dtype by ``np.result_type`` of the float arguments.
    cache : ConvCache
        For `conv_backward`; valid until an argument is written to.

    Raises
    ------
    ValueError
        If an argument breaks its rule or the shapes do not fit; the message names the
        argument, the rule and the value.

    See Also
    --------
    conv_backward : The gradient of this function.
    localnet.ops.local_conv_forward : The same with a kernel for every location.

    Notes
    -----
    With p the patches of `localnet.ops.extract_patches`, for one group,

    .. math:: y_{nlf} = \sum_k p_{nlk} w_{kf} + b_f

    References
    ----------
    .. [1] Y. LeCun, "Generalization and network design strategies", 1989, CRG-TR-89-4:
       shared kernels with a bias of their own for every unit.

    Examples
    --------
    Length 4, two taps: the differences of neighbours, and 1.

    >>> import numpy as np
    >>> x = np.array([[[1.0], [2.0], [4.0], [8.0]]])
    >>> kernel = np.array([[[-1.0]], [[1.0]]])
    >>> y, cache = conv_forward(x, kernel, [1.0])
    >>> y[0, :, 0]
    array([2., 3., 5.])
    """
    x, kernel = _arrays.floats("x", x), _arrays.floats("kernel", kernel)
    check_axes(x)
    if kernel.ndim != x.ndim:
        raise ValueError(
            f"kernel must have {x.ndim} axes, (*R, C/groups, F), for x of shape "
            f"{x.shape}, got shape {kernel.shape}"
        )
    geometry = Geometry.of(
        x.shape[1:],
        kernel_size=kernel.shape[:-2],
        strides=strides,
        padding=padding,
        pad_value=pad_value,
        dilation_rate=dilation_rate,
        data_format=data_format,
        placement="conv",
    )
    groups = checked_groups(groups, geometry.channels, kernel.shape[-1])
    if kernel.shape[-2] != geometry.channels // groups:
        raise ValueError(
            "kernel must have shape (*R, C/groups, F) with C/groups = "
            f"{geometry.channels // groups}, got {kernel.shape}"
        )
    dtypes = [x.dtype, kernel.dtype]
    if bias is not None:
        bias = _arrays.floats("bias", bias)
        shapes = (kernel.shape[-1:], geometry.bias_shape(kernel.shape[-1]))
        if bias.shape not in shapes:
            raise ValueError(
                f"bias must have shape (F,) = {shapes[0]} or (*O, F) = {shapes[1]}, "
                f"got {bias.shape}"
            )
        dtypes.append(bias.dtype)
    dtype = np.result_type(*dtypes)
    workspace = Workspace.of(workspace)
    kernel = kernel.astype(dtype, copy=False)
    padded = pad(x.astype(dtype, copy=False), geometry, workspace)
    y_shape = (len(x), *geometry.sample_shape(geometry.output_sizes, kernel.shape[-1]))
    y = workspace.result("y", y_shape, dtype)
    engine = ENGINES[config.get_engine()]
    if engine is blocked and is_depthwise(kernel, groups):
        depthwise.forward(padded, kernel, geometry, y, workspace)
    else:
        part = replace(geometry, channels=geometry.channels // groups)
        for padded_part, kernel_part, y_part in zip(
            split_channels(padded, groups, geometry),
            split_filters(kernel, groups),
            split_channels(y, groups, geometry),
            strict=True,
        ):
            matrix = kernel_as_matrix(kernel_part, part)
            engine.forward(padded_part, matrix, part, y_part, workspace)
    if bias is not None:
        add_bias(y, bias, geometry)
    bias_shape = None if bias is None else bias.shape
    return y, ConvCache(padded, kernel, bias_shape, groups, geometry)


def conv_backward(
    dy: ArrayLike,
    cache: ConvCache,
    *,
    need_dx: bool = True,
    workspace: Workspace | None = None,
) -> ConvGrads:
    r"""
    Compute the gradients of `conv_forward`.

    Parameters
    ----------
    dy : array_like, shape of y
        Upstream gradient. Not modified.
    cache : ConvCache
        What the forward call returned.
    need_dx : bool
        Whether the gradient of `x` is wanted; a first layer does not need it.
    workspace : Workspace, optional
        As for `conv_forward`.

    Returns
    -------
    ConvGrads
        ``(dx, dkernel, dbias)`` in the shapes of the arguments and the dtype of y;
        ``dx is None`` if it is not needed, ``dbias is None`` if there was no bias.

    Raises
    ------
    ValueError
        If `dy` does not have the shape of y.

    See Also
    --------
    conv_forward : The function that this differentiates.

    Notes
    -----
    For one group,

    .. math::
        dp_{nlk} = \sum_f dy_{nlf} w_{kf}, \quad
        dw_{kf} = \sum_{n,l} p_{nlk} dy_{nlf}, \quad
        db_f = \sum_{n,l} dy_{nlf}

    and dx is `localnet.ops.fold_patches` of dp; db of an untied bias is the sum over n
    alone.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[[1.0], [2.0], [4.0]]])
    >>> kernel = np.array([[[3.0]], [[5.0]]])
    >>> _, cache = conv_forward(x, kernel)
    >>> dx, dkernel, _ = conv_backward(np.array([[[1.0], [10.0]]]), cache)
    >>> dx[0, :, 0]
    array([ 3., 35., 50.])
    >>> dkernel[:, 0, 0]
    array([21., 42.])
    """
    _validate.instance("cache", cache, ConvCache)
    padded, kernel, bias_shape, groups, geometry = cache
    n, dtype = len(padded), kernel.dtype
    output_shape = geometry.sample_shape(geometry.output_sizes, kernel.shape[-1])
    dy = _arrays.upstream(dy, (n, *output_shape), dtype)
    workspace = Workspace.of(workspace)
    dx = dbias = None
    if _validate.flag("need_dx", need_dx):
        dx = workspace.result("dx", (n, *geometry.input_shape), dtype)
    dkernel = workspace.result("dkernel", kernel.shape, dtype)
    engine = ENGINES[config.get_engine()]
    if engine is blocked and is_depthwise(kernel, groups):
        depthwise.backward(dy, padded, kernel, geometry, dx, dkernel, workspace)
    else:
        part = replace(geometry, channels=geometry.channels // groups)
        for dy_part, padded_part, kernel_part, dx_part, dkernel_part in zip(
            split_channels(dy, groups, geometry),
            split_channels(padded, groups, geometry),
            split_filters(kernel, groups),
            [None] * groups if dx is None else split_channels(dx, groups, geometry),
            split_filters(dkernel, groups),
            strict=True,
        ):
            matrix = kernel_as_matrix(kernel_part, part)
            dmatrix = workspace.take("dmatrix", matrix.shape, dtype)
            engine.backward(
                dy_part, padded_part, matrix, part, dx_part, dmatrix, workspace
            )
            dkernel_part[...] = matrix_as_kernel(dmatrix, part)
    if bias_shape is not None:
        tied = len(bias_shape) == 1
        dbias = bias_gradient(dy, geometry, workspace, tied=tied)
    return ConvGrads(dx, dkernel, dbias)
