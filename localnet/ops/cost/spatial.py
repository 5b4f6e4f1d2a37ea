"""What layers without weights that change the sizes of images cost, by their shapes."""

import math
from typing import Any

from ... import _validate
from ..._typing import DTypeLike, Shape
from ...geometry import Geometry
from ...roofline import Work
from .count import NOTHING, Cost, checked_options

__all__ = ["pool_cost", "resize_cost", "upsample_cost"]


def resize_cost(
    input_shape: Shape,
    output_shape: Shape,
    *,
    operations: int = 0,
    backward_operations: int | None = None,
    looks_again: bool = False,
    batch_size: int = 1,
    dtype: DTypeLike | None = None,
    need_dx: bool = True,
) -> Cost:
    """
    Work out what a map without weights from one shape to another costs at least.

    Parameters
    ----------
    input_shape, output_shape : tuple of int
        Shapes of one sample.
    operations, backward_operations : int
        Operations per sample; by default the way back takes as many.
    looks_again : bool
        Whether the way back reads input and output again.
    batch_size : int
        The number of samples.
    dtype : dtype_like, optional
        Float type; default ``localnet.config.floatx()``.
    need_dx : bool
        Whether the gradient of the input is wanted.

    Returns
    -------
    Cost
        Forward reads an array and writes one, and so does backward.

    Raises
    ------
    ValueError
        If an argument breaks its rule.

    Examples
    --------
    >>> resize_cost((4, 1), (6, 1), batch_size=2, dtype="float32").forward
    Work(flops=0, nbytes=80)
    """
    n, itemsize = checked_options(
        batch_size, dtype, looks_again=looks_again, need_dx=need_dx
    )
    operations = _validate.whole("operations", operations, minimum=0)
    if backward_operations is not None:
        backward_operations = _validate.whole(
            "backward_operations", backward_operations, minimum=0
        )
    x = itemsize * n * math.prod(_validate.shape("input_shape", input_shape))
    y = itemsize * n * math.prod(_validate.shape("output_shape", output_shape))
    back = operations if backward_operations is None else backward_operations
    moved = (x + y) * (2 if looks_again else 1)
    return Cost(
        forward=Work(n * operations, x + y),
        backward=Work(n * back, moved) if need_dx else NOTHING,
        input_bytes=x,
        output_bytes=y,
        dx_bytes=x if need_dx else 0,
    )


def pool_cost(geometry: Geometry, *, looks_again: bool, **options: Any) -> Cost:
    """
    Work out what a pooling costs at least.

    Parameters
    ----------
    geometry : Geometry
        Where its windows lie.
    looks_again : bool
        Whether the way back reads input and output again, as that of a maximum does.
    **options
        batch_size, dtype and need_dx of `resize_cost`.

    Returns
    -------
    Cost
        One operation for every cell of every window, in either direction.

    Examples
    --------
    >>> from localnet.ops.pool.windows import pool_geometry
    >>> windows = pool_geometry((5, 2), pool_size=2)
    >>> pool_cost(windows, looks_again=False).forward.flops
    8
    """
    _validate.instance("geometry", geometry, Geometry)
    return resize_cost(
        geometry.input_shape,
        geometry.sample_shape(geometry.output_sizes, geometry.channels),
        operations=geometry.connections,
        looks_again=looks_again,
        **options,
    )


def upsample_cost(
    sizes: Shape, channels: int, *, size: Shape, interpolation: str, **options: Any
) -> Cost:
    """
    Work out what an upsampling costs at least.

    Parameters
    ----------
    sizes, channels : tuple of int, int
        S and C of one sample.
    size : tuple of int
        Factors along the spatial axes.
    interpolation : {"nearest", "bilinear"}
        ``nearest`` copies, and adds on the way back; ``bilinear`` takes two products
        and a sum for every value that it makes, one axis after the other from the last.
    **options
        batch_size, dtype and need_dx of `resize_cost`.

    Returns
    -------
    Cost
        Of `upsample_forward` and `upsample_backward`.

    Raises
    ------
    ValueError
        If an argument breaks its rule.

    Examples
    --------
    >>> upsample_cost((2,), 3, size=(2,), interpolation="bilinear").forward.flops
    36
    """
    sizes = _validate.shape("sizes", sizes)
    size = _validate.sizes("size", size, len(sizes))
    channels = _validate.whole("channels", channels, minimum=0)
    _validate.choice("interpolation", interpolation, ("nearest", "bilinear"))
    made, values = 0, math.prod(sizes) * channels
    for factor in reversed(size):
        values *= factor
        made += values
    nearest = interpolation == "nearest"
    larger = tuple(n * factor for n, factor in zip(sizes, size, strict=True))
    return resize_cost(
        (*sizes, channels),
        (*larger, channels),
        operations=0 if nearest else 3 * made,
        backward_operations=values if nearest else None,
        **options,
    )
