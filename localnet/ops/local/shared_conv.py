"""
The locally connected layer with kernels that groups of locations share.

It lies between the two: with a group per location it is the locally connected layer,
with one group for all of them a convolution. The core does not know of it: kernel and
bias are spread over the locations before, and the gradients added up behind.
"""

from typing import Any, NamedTuple

from ... import _arrays, _validate
from ..._typing import Array, ArrayLike
from ...geometry import Geometry
from ..runtime.workspace import Workspace
from .bias import bias_at_locations
from .local_conv import (
    LocalConvCache,
    LocalConvGrads,
    check_axes,
    convolved,
    local_conv_backward,
)
from .sharing import Sharing, collect, expand

__all__ = [
    "SharedConvCache",
    "located_weights",
    "shared_conv_backward",
    "shared_conv_forward",
]


class SharedConvCache(NamedTuple):
    """What `shared_conv_backward` needs; `kernel` is that of each location."""

    padded: Array
    kernel: Array
    has_bias: bool
    geometry: Geometry
    sharing: Sharing


def shared_conv_forward(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    share: Any = 1,
    tile: Any = None,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    pad_value: float = 0.0,
    dilation_rate: Any = 1,
    data_format: str = "channels_last",
    workspace: Workspace | None = None,
) -> tuple[Array, SharedConvCache]:
    r"""
    Convolve with one kernel for every group of output locations.

    Parameters
    ----------
    x : array_like of shape (N, *S, C) or (N, C, *S)
        As for `local_conv_forward`.
    kernel : array_like of shape (prod(G), K, F)
        One (K, F) matrix per group, groups in row-major order.
    bias : array_like of shape (*G, F), optional
        One number per group and filter; for channels_first it is reshaped to (F, *G),
        as the bias of a locally connected layer is.
    share : int or tuple of int
        Neighbouring locations that use one kernel, along each axis. The last block of
        an axis may be smaller; one that is as large as the output, or larger, makes a
        convolution along this axis.
    tile : int, tuple of int or None
        Blocks after which the kernels repeat, along each axis; ``None``: never.
    kernel_size, strides, padding, pad_value, dilation_rate, data_format, workspace
        As for `local_conv_forward`.

    Returns
    -------
    y : ndarray of shape (N, *O, F) or (N, F, *O)
        Pre-activation; dtype by ``np.result_type`` of the float arguments.
    cache : SharedConvCache
        For `shared_conv_backward`; valid until an argument is written to.

    Raises
    ------
    ValueError
        If an argument breaks its rule or the shapes do not fit.

    See Also
    --------
    shared_conv_backward : The gradient of this function.
    expand_shared_forward : Which location belongs to which group.
    local_conv_forward : The layer in which nothing is shared.

    Notes
    -----
    With g(l) the group of location l,

    .. math:: y_{nlf} = \sum_k p_{nlk} w_{g(l)kf} + b_{g(l)f}

    A kernel for each location is made, so that this takes the memory of a locally
    connected layer.

    References
    ----------
    .. [1] J. Ngiam, Z. Chen, D. Chia, P. W. Koh, Q. V. Le and A. Y. Ng, "Tiled
       convolutional neural networks", 2010.

    Examples
    --------
    Four locations, of which two neighbours each have a kernel in common.

    >>> import numpy as np
    >>> x = np.array([[[1.0], [2.0], [4.0], [8.0], [16.0]]])
    >>> kernel = np.array([[[1.0], [1.0]], [[-1.0], [1.0]]])
    >>> y, cache = shared_conv_forward(x, kernel, kernel_size=2, share=2)
    >>> y[0, :, 0]
    array([3., 6., 4., 8.])
    """
    x, kernel = _arrays.floats("x", x), _arrays.floats("kernel", kernel)
    check_axes(x)
    geometry = Geometry.of(
        x.shape[1:],
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        pad_value=pad_value,
        dilation_rate=dilation_rate,
        data_format=data_format,
    )
    sharing = Sharing.of(geometry.output_sizes, share, tile)
    workspace = Workspace.of(workspace)
    kernel, bias = located_weights(kernel, bias, geometry, sharing, workspace)
    y, cache = convolved(x, kernel, bias, geometry, workspace)
    return y, SharedConvCache(*cache, sharing)


def located_weights(
    kernel: Array,
    bias: ArrayLike | None,
    geometry: Geometry,
    sharing: Sharing,
    workspace: Workspace | None = None,
) -> tuple[Array, Array | None]:
    """
    Return the kernel and bias of every location.

    Parameters
    ----------
    kernel : ndarray of shape (prod(G), K, F)
        One (K, F) matrix per group.
    bias : array_like of shape (*G, F) or None
        As it is stored.
    geometry : Geometry
        Gives the windows.
    sharing : Sharing
        Gives the groups.
    workspace : Workspace, optional
        Memory kept between calls.

    Returns
    -------
    kernel : ndarray of shape (L, K, F)
        For `local_conv_forward`; the argument itself, if nothing is shared.
    bias : ndarray of shape (*O, F) or None
        As it is stored.

    Raises
    ------
    ValueError
        If a shape does not fit.
    """
    _validate.instance("geometry", geometry, Geometry)
    _validate.instance("sharing", sharing, Sharing)
    if bias is not None:
        bias = _arrays.floats("bias", bias)
    if sharing.is_trivial:
        return kernel, bias
    workspace = Workspace.of(workspace)
    every = expanded_kernel(kernel, sharing, geometry, workspace)
    if bias is not None:
        bias = expanded_bias(bias, every.shape[2], sharing, geometry, workspace)
    return every, bias


def expanded_kernel(
    kernel: Array, sharing: Sharing, geometry: Geometry, workspace: Workspace
) -> Array:
    """Return the kernel (L, K, F) for one of shape (prod(G), K, F)."""
    count, patch_size = sharing.count, geometry.patch_size
    if kernel.ndim != 3 or kernel.shape[:2] != (count, patch_size):
        raise ValueError(
            f"kernel must have shape (prod(G), K, F) = ({count}, {patch_size}, F), "
            f"got {kernel.shape}"
        )
    shape = geometry.kernel_shape(kernel.shape[2])
    every = workspace.result("expanded kernel", shape, kernel.dtype)
    expand(
        on_grid(kernel, sharing.sizes), sharing, on_grid(every, sharing.output_sizes)
    )
    return every


def expanded_bias(
    bias: Array,
    filters: int,
    sharing: Sharing,
    geometry: Geometry,
    workspace: Workspace,
) -> Array:
    """Return the bias (*O, F) for one of shape (*G, F), both as they are stored."""
    shape = (*sharing.sizes, filters)
    if bias.shape != shape:
        raise ValueError(f"bias must have shape (*G, F) = {shape}, got {bias.shape}")
    every = workspace.result("expanded bias", geometry.bias_shape(filters), bias.dtype)
    expand(
        bias_at_locations(bias, geometry), sharing, bias_at_locations(every, geometry)
    )
    return every


def on_grid(kernel: Array, sizes: tuple[int, ...]) -> Array:
    """Return a kernel, one (K, F) after the other, as a view on a grid of `sizes`."""
    return kernel.reshape(*sizes, *kernel.shape[1:])


def shared_conv_backward(
    dy: ArrayLike,
    cache: SharedConvCache,
    *,
    need_dx: bool = True,
    workspace: Workspace | None = None,
) -> LocalConvGrads:
    r"""
    Compute the gradients of `shared_conv_forward`.

    Parameters
    ----------
    dy : array_like, shape of y
        Upstream gradient. Not modified.
    cache : SharedConvCache
        What the forward call returned.
    need_dx : bool
        Whether the gradient of `x` is wanted.
    workspace : Workspace, optional
        As for `shared_conv_forward`.

    Returns
    -------
    LocalConvGrads
        ``(dx, dkernel, dbias)`` in the shapes of the arguments.

    Raises
    ------
    ValueError
        If `dy` does not have the shape of y.

    See Also
    --------
    shared_conv_forward : The function that this differentiates.

    Notes
    -----
    The gradients of a locally connected layer, added up over each group.

    .. math::
        dw_{jkf} = \sum_{l:\ g(l) = j} \sum_n p_{nlk} dy_{nlf}, \quad
        db_{jf} = \sum_{l:\ g(l) = j} \sum_n dy_{nlf}

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[[1.0], [2.0], [4.0], [8.0], [16.0]]])
    >>> _, cache = shared_conv_forward(x, np.ones((2, 2, 1)), kernel_size=2, share=2)
    >>> dy = np.array([[[1.0], [1.0], [1.0], [10.0]]])
    >>> shared_conv_backward(dy, cache).dkernel[:, :, 0]
    array([[  3.,   6.],
           [ 84., 168.]])
    """
    _validate.instance("cache", cache, SharedConvCache)
    padded, kernel, has_bias, geometry, sharing = cache
    workspace = Workspace.of(workspace)
    inner = LocalConvCache(padded, kernel, has_bias, geometry)
    grads = local_conv_backward(dy, inner, need_dx=need_dx, workspace=workspace)
    if sharing.is_trivial:
        return grads
    every, dtype = grads.dkernel, grads.dkernel.dtype
    shape = (sharing.count, *every.shape[1:])
    dkernel = workspace.result("collected kernel", shape, dtype)
    collect(
        on_grid(every, sharing.output_sizes), sharing, on_grid(dkernel, sharing.sizes)
    )
    dbias = grads.dbias
    if dbias is not None:
        shape = (*sharing.sizes, dbias.shape[-1])
        every, dbias = dbias, workspace.result("collected bias", shape, dtype)
        collect(
            bias_at_locations(every, geometry),
            sharing,
            bias_at_locations(dbias, geometry),
        )
    return LocalConvGrads(grads.dx, dkernel, dbias)
