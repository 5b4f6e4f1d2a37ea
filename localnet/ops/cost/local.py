"""What layers with windows cost by their shapes: `local_conv_cost`, `windowed_cost`."""

import math
from dataclasses import dataclass
from typing import Any

from ... import _validate
from ..._typing import DTypeLike, Shape
from ...geometry import Geometry
from ...roofline import Work
from ..local.sharing import Sharing
from .count import NOTHING, Cost, checked_options

__all__ = ["LocalConvCost", "local_conv_cost", "windowed_cost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalConvCost(Cost):
    """
    What a locally connected layer or a convolution costs on one batch.

    Parameters
    ----------
    dx, dkernel, dbias : Work
        Each gradient computed alone. Together they move fewer bytes, since dy is read
        once: see `backward`.
    connections : int
        Multiply-adds of one sample and one filter whose tap reads the input, not a pad.
    patch_bytes : int
        What a copy of all patches (im2col) would take; only the einsum engine makes it.
    **kwargs
        Fields of `Cost`.

    See Also
    --------
    local_conv_cost : Works them out for `local_conv_forward` and its backward.
    conv_cost : The same for a convolution.
    """

    dx: Work = NOTHING
    dkernel: Work = NOTHING
    dbias: Work = NOTHING
    connections: int = 0
    patch_bytes: int = 0


def local_conv_cost(
    input_shape: Shape,
    filters: int,
    *,
    share: Any = 1,
    tile: Any = None,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    pad_value: float = 0.0,
    dilation_rate: Any = 1,
    data_format: str = "channels_last",
    batch_size: int = 1,
    dtype: DTypeLike | None = None,
    use_bias: bool = True,
    need_dx: bool = True,
) -> LocalConvCost:
    r"""
    Work out what a locally connected layer costs, without an array.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample, (*S, C) or (C, *S), with one to three spatial axes.
    filters : int
        F, outputs per location.
    share, tile : int, tuple of int or None
        As for `shared_conv_forward`; by default no two locations share a kernel.
    kernel_size, strides, padding, pad_value, dilation_rate, data_format
        As for `local_conv_forward`.
    batch_size : int
        N, the number of samples.
    dtype : dtype_like, optional
        Float type of all arrays; default ``localnet.config.floatx()``.
    use_bias, need_dx : bool
        Whether there is a bias, and whether the gradient of the input is wanted.

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
    localnet.roofline.Machine : The time below which the work cannot be done.

    Notes
    -----
    Operations, a multiply-add counted as two, with T `connections`:

    .. math::
        y: 2 N L K F + N L F, \quad dw: 2 N L K F, \quad
        dx: 2 N T F, \quad db: N L F

    as in the nested loops of ``ops/local/naive.py``. A tap on padding is multiplied
    like any other in y and dw, where the pads may hold any number; its share of
    dx goes nowhere and is not counted, so that T = L K without padding and less with
    it.

    Bytes moved, in letters that stand for the size of an array:

    .. math::
        y: x + w + b + y \;(+\, p), \quad
        \text{backward}: dy + p + dw + db \;(+\, w + dx)

    with w and b as they are stored, once for each group of locations that share them,
    and p the padded copy of x, if there are pads, and else x itself; the brackets hold
    for padding, and for a dx that is needed.

    Examples
    --------
    Length 4, two taps, three locations, one filter; three samples in float32. There are
    3*2 weights and 3 biases. One sample takes 6 multiply-adds and 3 additions, and
    3 samples of 12 + 3 operations make 45. Bytes: x 48, weights 36, y 36.

    >>> cost = local_conv_cost((4, 1), 1, kernel_size=2, batch_size=3, dtype="float32")
    >>> cost.parameters, cost.connections
    (9, 6)
    >>> cost.forward
    Work(flops=45, nbytes=120)

    On a machine of 10^9 operations and 10^8 bytes a second, memory sets the time:

    >>> from localnet.roofline import Machine
    >>> Machine(1e9, 1e8).seconds(cost.forward)
    1.2e-06
    """
    n, itemsize = checked_options(batch_size, dtype, use_bias=use_bias, need_dx=need_dx)
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
    )
    sharing = Sharing.of(g.output_sizes, share, tile)
    stored = sharing.count * filters
    # Of kernels that are shared, the cache holds one for each location.
    expanded = 0 if sharing.is_trivial else math.prod(g.kernel_shape(filters))
    return windowed_cost(
        g,
        filters,
        kernel=stored * g.patch_size,
        bias=stored if use_bias else 0,
        expanded=expanded,
        n=n,
        itemsize=itemsize,
        need_dx=need_dx,
    )


def windowed_cost(
    g: Geometry,
    filters: int,
    *,
    kernel: int,
    bias: int,
    n: int,
    itemsize: int,
    need_dx: bool,
    groups: int = 1,
    expanded: int = 0,
) -> LocalConvCost:
    """
    Work out the cost of a layer with windows, whoever shares its weights.

    Parameters
    ----------
    g : Geometry
        The windows.
    filters : int
        F, outputs per location.
    kernel, bias : int
        How many weights there are; no bias is 0.
    n, itemsize : int
        Samples, and bytes of one number.
    need_dx : bool
        Whether the gradient of the input is wanted.
    groups : int
        Parts of the channels, of which a filter reads one.
    expanded : int
        Numbers of the kernel as it is kept for the way back, if not as it is stored.

    Returns
    -------
    LocalConvCost
        Operations, bytes moved, and memory.
    """
    outputs = g.locations * filters
    x, y = n * math.prod(g.input_shape), n * outputs
    copied = n * math.prod(g.padded_sizes) * g.channels if g.has_pads else 0
    padded = copied or x
    product, addition = 2 * y * (g.patch_size // groups), y if bias else 0
    connections = g.connections // groups

    dx = Work(2 * n * connections * filters, itemsize * (y + kernel + x))
    if not need_dx:
        dx = NOTHING
    dkernel = Work(product, itemsize * (y + padded + kernel))
    dbias = Work(addition, itemsize * (y + bias) if bias else 0)
    return LocalConvCost(
        parameters=kernel + bias,
        forward=Work(product + addition, itemsize * (x + copied + kernel + bias + y)),
        backward=Work(
            dx.flops + dkernel.flops + dbias.flops,
            itemsize * (y + padded + kernel + bias + (kernel + x if need_dx else 0)),
        ),
        dx=dx,
        dkernel=dkernel,
        dbias=dbias,
        connections=connections,
        input_bytes=itemsize * x,
        parameter_bytes=itemsize * (kernel + bias),
        output_bytes=itemsize * y,
        cache_bytes=itemsize * (copied + expanded),
        dx_bytes=itemsize * x if need_dx else 0,
        patch_bytes=itemsize * n * g.locations * g.patch_size,
    )
