"""
The locally connected layer as a pair of pure functions, in 1, 2 or 3 dimensions.

`local_conv_forward` normalises its arguments and hands them to the engine that
`localnet.config` names: `naive`, `einsum` (the definition) or `blocked` (the default).
"""

from typing import Any, NamedTuple

import numpy as np

from ... import _arrays, _validate, config
from ..._typing import Array, ArrayLike
from ...geometry import Geometry
from ..images import pad
from ..runtime.workspace import Workspace
from . import blocked, definition, naive

__all__ = [
    "ENGINES",
    "LocalConvCache",
    "LocalConvGrads",
    "check_axes",
    "convolved",
    "local_conv_backward",
    "local_conv_forward",
]


# Each answers forward(padded, kernel, bias, geometry, workspace) -> y and
# backward(dy, padded, kernel, geometry, *, need_dx, need_dbias, workspace), where the
# gradient of the kernel is None for padded None: only it needs to know the input.
ENGINES: dict[str, Any] = {"naive": naive, "einsum": definition, "blocked": blocked}


class LocalConvCache(NamedTuple):
    """What `local_conv_backward` needs: references, and never the patch copy."""

    padded: Array
    kernel: Array
    has_bias: bool
    geometry: Geometry


class LocalConvGrads(NamedTuple):
    """Gradients of `local_conv_forward`, in the order of its arguments."""

    dx: Array | None
    dkernel: Array
    dbias: Array | None


def check_axes(x: Array) -> None:
    """Refuse what has not one, two or three spatial axes."""
    if x.ndim not in (3, 4, 5):
        raise ValueError(
            "x must have a sample axis, 1 to 3 spatial axes and a channel axis, "
            f"got shape {x.shape}"
        )


def local_conv_forward(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    pad_value: float = 0.0,
    dilation_rate: Any = 1,
    data_format: str = "channels_last",
    workspace: Workspace | None = None,
) -> tuple[Array, LocalConvCache]:
    r"""
    Convolve without sharing weights: every output location has its own kernel.

    Parameters
    ----------
    x : array_like of shape (N, *S, C) or (N, C, *S)
        N samples with one, two or three spatial axes, in the data format. Not modified;
        any memory order. Integers become ``localnet.config.floatx()``.
    kernel : array_like of shape (L, K, F)
        One (K, F) matrix per location: Keras 2's weight at ``implementation=1``. The K
        values are ordered (taps, channel) for channels_last and (channel, taps) for
        channels_first.
    bias : array_like of shape (*O, F), optional
        One number per location and filter, in both data formats (see Notes).
    kernel_size : int or tuple of int
        R, the window. One number serves every spatial axis.
    strides : int or tuple of int
        Steps between windows.
    padding : {"valid", "same"} or sequence of (int, int)
        ``valid``: windows inside the input. ``same``: windows start at
        ``o*s - k_eff//2``, as in Keras implementations 2 and 3. Pairs: cells added
        before and after each axis.
    pad_value : float
        What the added cells hold.
    dilation_rate : int or tuple of int
        Distance between the taps of a window.
    data_format : {"channels_last", "channels_first"}
        Where the channel axis stands.
    workspace : Workspace, optional
        Scratch memory kept between calls. Without it the function is pure.

    Returns
    -------
    y : ndarray of shape (N, *O, F) or (N, F, *O)
        Pre-activation; dtype by ``np.result_type`` of the float arguments.
    cache : LocalConvCache
        For `local_conv_backward`; valid until an argument is written to.

    Raises
    ------
    ValueError
        If an argument breaks its rule or the shapes do not fit; the message names the
        argument, the rule and the value.

    See Also
    --------
    local_conv_backward : The gradient of this function.
    localnet.ops.local_conv_matrix : The same map as a sparse matrix.

    Notes
    -----
    With p the patches of `localnet.ops.extract_patches`,

    .. math:: y_{nlf} = \sum_k p_{nlk} w_{lkf} + b_{lf}

    For channels_first Keras *reshapes* the bias from (*O, F) to (F, *O); so does this
    function.

    References
    ----------
    .. [1] Y. LeCun, "Generalization and network design strategies", 1989, CRG-TR-89-4.

    Examples
    --------
    Length 4, two taps, three locations: a sum, a difference and nothing.

    >>> import numpy as np
    >>> x = np.array([[[1.0], [2.0], [4.0], [8.0]]])
    >>> kernel = np.array([[[1.0], [1.0]], [[-1.0], [1.0]], [[0.0], [0.0]]])
    >>> y, cache = local_conv_forward(x, kernel, kernel_size=2)
    >>> y[0, :, 0]
    array([3., 2., 0.])
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
    return convolved(x, kernel, bias, geometry, Workspace.of(workspace))


def convolved(
    x: Array,
    kernel: Array,
    bias: ArrayLike | None,
    geometry: Geometry,
    workspace: Workspace,
) -> tuple[Array, LocalConvCache]:
    """Do what `local_conv_forward` does, over windows that are known."""
    filters = geometry.check_kernel(kernel.shape)
    dtypes = [x.dtype, kernel.dtype]
    if bias is not None:
        bias = _arrays.floats("bias", bias)
        bias_shape = geometry.bias_shape(filters)
        if bias.shape != bias_shape:
            raise ValueError(
                f"bias must have shape (*O, F) = {bias_shape}, got {bias.shape}"
            )
        dtypes.append(bias.dtype)
    dtype = x.dtype if len(set(dtypes)) == 1 else np.result_type(*dtypes)
    kernel = kernel.astype(dtype, order="C", copy=False)
    padded = pad(x.astype(dtype, copy=False), geometry, workspace)
    engine = ENGINES[config.get_engine()]
    y = engine.forward(padded, kernel, bias, geometry, workspace)
    return y, LocalConvCache(padded, kernel, bias is not None, geometry)


def local_conv_backward(
    dy: ArrayLike,
    cache: LocalConvCache,
    *,
    need_dx: bool = True,
    workspace: Workspace | None = None,
) -> LocalConvGrads:
    r"""
    Compute the gradients of `local_conv_forward`.

    Parameters
    ----------
    dy : array_like, shape of y
        Upstream gradient. Not modified.
    cache : LocalConvCache
        What the forward call returned.
    need_dx : bool
        Whether the gradient of `x` is wanted; a first layer does not need it.
    workspace : Workspace, optional
        As for `local_conv_forward`.

    Returns
    -------
    LocalConvGrads
        ``(dx, dkernel, dbias)`` in the shapes of the arguments and the dtype of y;
        ``dx is None`` if it is not needed, ``dbias is None`` if there was no bias.

    Raises
    ------
    ValueError
        If `dy` does not have the shape of y.

    See Also
    --------
    local_conv_forward : The function that this differentiates.
    localnet.ops.fold_patches : The adjoint of gathering patches.

    Notes
    -----
    .. math::
        dp_{nlk} = \sum_f dy_{nlf} w_{lkf}, \quad
        dw_{lkf} = \sum_n p_{nlk} dy_{nlf}, \quad
        db_{lf} = \sum_n dy_{nlf}

    and dx is `fold_patches` of dp.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[[1.0], [2.0], [4.0]]])
    >>> kernel = np.array([[[3.0], [5.0]], [[7.0], [11.0]]])
    >>> _, cache = local_conv_forward(x, kernel, kernel_size=2)
    >>> dx, dkernel, _ = local_conv_backward(np.array([[[1.0], [10.0]]]), cache)
    >>> dx[0, :, 0]
    array([  3.,  75., 110.])
    >>> dkernel[:, :, 0]
    array([[ 1.,  2.],
           [20., 40.]])
    """
    _validate.instance("cache", cache, LocalConvCache)
    padded, kernel, has_bias, geometry = cache
    output_shape = geometry.sample_shape(geometry.output_sizes, kernel.shape[2])
    dy = _arrays.upstream(dy, (len(padded), *output_shape), kernel.dtype)
    engine = ENGINES[config.get_engine()]
    return LocalConvGrads(
        *engine.backward(
            dy,
            padded,
            kernel,
            geometry,
            need_dx=_validate.flag("need_dx", need_dx),
            need_dbias=has_bias,
            workspace=Workspace.of(workspace),
        )
    )
