"""What a convolution costs by its shapes: `conv_cost`."""

from typing import Any

from ... import _validate
from ..._typing import DTypeLike, Shape
from ...geometry import Geometry
from ..conv.groups import checked_groups
from .count import checked_options
from .local import LocalConvCost, windowed_cost

__all__ = ["conv_cost"]


def conv_cost(
    input_shape: Shape,
    filters: int,
    *,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    pad_value: float = 0.0,
    dilation_rate: Any = 1,
    groups: int = 1,
    data_format: str = "channels_last",
    batch_size: int = 1,
    dtype: DTypeLike | None = None,
    use_bias: bool = True,
    untied_bias: bool = False,
    need_dx: bool = True,
) -> LocalConvCost:
    r"""
    Work out what a convolution costs, without an array.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample, (*S, C) or (C, *S), with one to three spatial axes.
    filters : int
        F, outputs per location.
    kernel_size : int or tuple of int
        R, the window.
    strides, padding, pad_value, dilation_rate, groups, data_format
        As for `localnet.ops.conv_forward`.
    batch_size : int
        N, the number of samples.
    dtype : dtype_like, optional
        Float type of all arrays; default ``localnet.config.floatx()``.
    use_bias, untied_bias, need_dx : bool
        Whether there is a bias, whether every location has its own, and whether the
        gradient of the input is wanted.

    Returns
    -------
    LocalConvCost
        Operations, bytes moved, and memory; all are exact integers.

    Raises
    ------
    ValueError
        If an argument breaks its rule, or no window fits into an axis.

    See Also
    --------
    localnet.ops.local_conv_cost : Where the formulas stand.

    Notes
    -----
    The operations of a locally connected layer with the same windows, divided by
    `groups`; L times fewer weights.

    Examples
    --------
    >>> cost = conv_cost((32, 32, 3), 64, kernel_size=3, batch_size=2)
    >>> cost.parameters, cost.forward.flops == 2 * 2 * 900 * 27 * 64 + 2 * 900 * 64
    (1792, True)
    """
    n, itemsize = checked_options(
        batch_size, dtype, use_bias=use_bias, untied_bias=untied_bias, need_dx=need_dx
    )
    input_shape = _validate.shape("input_shape", input_shape)
    if len(input_shape) not in (2, 3, 4):
        raise ValueError(
            "input_shape must have 1 to 3 spatial axes and a channel axis, "
            f"got {input_shape}"
        )
    filters = _validate.whole("filters", filters, minimum=1)
    g = Geometry.of(
        input_shape,
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        pad_value=pad_value,
        dilation_rate=dilation_rate,
        data_format=data_format,
        placement="conv",
    )
    groups = checked_groups(groups, g.channels, filters)
    bias = filters * (g.locations if untied_bias else 1)
    return windowed_cost(
        g,
        filters,
        kernel=g.patch_size // groups * filters,
        bias=bias if use_bias else 0,
        n=n,
        itemsize=itemsize,
        need_dx=need_dx,
        groups=groups,
    )
