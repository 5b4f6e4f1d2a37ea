"""What the variants of the layer cost by their shapes, in terms of the layer itself."""

import math
from typing import Any

from ... import _validate
from ..._typing import DTypeLike, Shape
from ...geometry import Geometry
from ...geometry.transposed import transposed_geometry
from ...roofline import Work
from .count import Cost, checked_options
from .local import local_conv_cost

__all__ = ["local_conv_transpose_cost", "low_rank_conv_cost"]


def local_conv_transpose_cost(
    input_shape: Shape,
    filters: int,
    *,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    output_padding: Any = None,
    dilation_rate: Any = 1,
    data_format: str = "channels_last",
    batch_size: int = 1,
    dtype: DTypeLike | None = None,
    use_bias: bool = True,
    need_dx: bool = True,
) -> Cost:
    r"""
    Work out what a transposed locally connected layer costs, without an array.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample of its input, (*O, C) or (C, *O).
    filters : int
        F, channels of its output.
    kernel_size, strides, padding, output_padding, dilation_rate, data_format
        As for `local_conv_transpose_forward`.
    batch_size, dtype, use_bias, need_dx
        As for `local_conv_cost`.

    Returns
    -------
    Cost
        Of `local_conv_transpose_forward` and its backward.

    Raises
    ------
    ValueError
        If an argument breaks its rule.

    See Also
    --------
    local_conv_cost : That of the forward layer, and how it is counted.

    Notes
    -----
    With the symbols of the forward layer, which has S cells of F channels at its input
    and T connections,

    .. math::
        y: 2 N T C + N S F, \quad dw: 2 N L K C, \quad dx: 2 N L K C, \quad db: N S F

    Examples
    --------
    >>> local_conv_transpose_cost((3, 1), 1, kernel_size=2).forward.flops
    16
    """
    geometry = transposed_geometry(
        input_shape,
        _validate.whole("filters", filters, minimum=1),
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        output_padding=output_padding,
        dilation_rate=dilation_rate,
        data_format=data_format,
    )
    n, itemsize = checked_options(batch_size, dtype, use_bias=use_bias, need_dx=need_dx)
    channels = input_shape[-1 if geometry.channels_last else 0]
    straight = local_conv_cost(
        geometry.input_shape,
        channels,
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        dilation_rate=dilation_rate,
        data_format=data_format,
        batch_size=batch_size,
        dtype=dtype,
        use_bias=False,
    )
    x, y = straight.output_bytes, straight.input_bytes
    kernel, padded = straight.parameter_bytes, straight.cache_bytes
    bias = math.prod(geometry.input_shape) if use_bias else 0
    return Cost(
        parameters=straight.parameters + bias,
        forward=Work(straight.dx.flops + n * bias, x + kernel + itemsize * bias + y),
        backward=Work(
            straight.dkernel.flops * (1 + bool(need_dx)) + n * bias,
            y + padded + x + kernel + itemsize * bias + (kernel + x if need_dx else 0),
        ),
        input_bytes=x,
        parameter_bytes=kernel + itemsize * bias,
        output_bytes=y,
        dx_bytes=x if need_dx else 0,
    )


def low_rank_conv_cost(
    input_shape: Shape,
    filters: int,
    *,
    spatial_rank: int,
    parameters: int,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    dilation_rate: Any = 1,
    data_format: str = "channels_last",
    batch_size: int = 1,
    dtype: DTypeLike | None = None,
    use_bias: bool = True,
    need_dx: bool = True,
) -> Cost:
    r"""
    Work out what a locally connected layer costs whose kernels are mixed from a basis.

    Parameters
    ----------
    input_shape, filters, kernel_size, strides, padding, dilation_rate, data_format
        As for `local_conv_cost`.
    spatial_rank : int
        Kernels in the basis.
    parameters : int
        Numbers that all weights hold: the basis, tables of the mixture, biases.
    batch_size, dtype, use_bias, need_dx
        As for `local_conv_cost`.

    Returns
    -------
    Cost
        Of `mix_kernels_forward`, `local_conv_forward` and the way back.

    Raises
    ------
    ValueError
        If an argument breaks its rule.

    See Also
    --------
    local_conv_cost : What is added to.

    Notes
    -----
    To the cost of the locally connected layer come ``2*L*rank*K*F`` operations forward
    and twice as many backward, whatever the batch. The kernel of each location is made
    and kept for the way back; only the weights count as traffic.

    Examples
    --------
    >>> cost = low_rank_conv_cost(
    ...     (4, 1), 1, spatial_rank=2, parameters=10, kernel_size=2, use_bias=False
    ... )
    >>> cost.forward.flops, cost.backward.flops
    (36, 72)
    """
    spatial_rank = _validate.whole("spatial_rank", spatial_rank, minimum=1)
    parameters = _validate.whole("parameters", parameters, minimum=0)
    straight = local_conv_cost(
        input_shape,
        filters,
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        dilation_rate=dilation_rate,
        data_format=data_format,
        batch_size=batch_size,
        dtype=dtype,
        use_bias=use_bias,
        need_dx=need_dx,
    )
    geometry = Geometry.of(
        input_shape,
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        dilation_rate=dilation_rate,
        data_format=data_format,
    )
    _, itemsize = checked_options(batch_size, dtype)
    stored, every = itemsize * parameters, straight.parameter_bytes
    kernel = math.prod(geometry.kernel_shape(filters))
    mixing, mixture = 2 * spatial_rank * kernel, geometry.locations * spatial_rank
    forward, backward = straight.forward, straight.backward
    # Weights are read once and their gradients written once, as they are stored.
    read = every + (itemsize * kernel if need_dx else 0)
    return Cost(
        parameters=parameters,
        forward=Work(forward.flops + mixing, forward.nbytes - every + stored),
        backward=Work(backward.flops + 2 * mixing, backward.nbytes - read + 2 * stored),
        input_bytes=straight.input_bytes,
        parameter_bytes=stored,
        output_bytes=straight.output_bytes,
        cache_bytes=straight.cache_bytes + itemsize * (kernel + mixture),
        dx_bytes=straight.dx_bytes,
    )
