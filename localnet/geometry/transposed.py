"""
Where the outputs of a transposed layer lie: pure integer arithmetic, no arrays.

A transposed layer runs a locally connected one, its *forward layer*, backwards: its
input has one value per location of the forward layer, and its output the shape of the
forward layer's input. With a stride, several output sizes have the same locations, and
``output_padding`` chooses among them.
"""

from typing import Any

from .. import _validate
from .._typing import Shape
from ..config import DATA_FORMATS
from .channels import sample_shape, split_sample
from .padding import PLACEMENTS, by_axis, checked_pads, effective_size
from .windows import Geometry

__all__ = ["checked_output_padding", "transposed_geometry", "transposed_length"]


def checked_output_padding(
    output_padding: Any, strides: Shape
) -> tuple[int | None, ...]:
    """Return one number, or None, for each axis; refuse a stride or more, as Keras."""
    given = output_padding
    if given is None or isinstance(given, int):
        given = (given,) * len(strides)
    rule = f"None, an integer or a tuple of {len(strides)} of these >= 0"
    given = _validate.items("output_padding", given, rule)
    try:
        listed = [0 if p is None else p for p in given]
        _validate.sizes("output_padding", listed, len(strides), minimum=0)
    except ValueError:
        raise ValueError(
            f"output_padding must be {rule}, got {_validate.shown(output_padding)}"
        ) from None
    if any(p is not None and p >= s for p, s in zip(given, strides, strict=True)):
        raise ValueError(
            f"output_padding must be less than strides {strides}, "
            f"got {_validate.shown(output_padding)}"
        )
    return tuple(p if p is None else int(p) for p in given)


def transposed_length(
    length: int | None,
    size: int,
    stride: int,
    padding: Any = "valid",
    dilation: int = 1,
    output_padding: int | None = None,
) -> int | None:
    """
    Return how many cells an axis of the output has.

    Parameters
    ----------
    length : int or None
        Cells of the input axis; ``None``, not known yet, gives ``None``.
    size, stride, dilation : int
        Window size, stride and dilation along the axis.
    padding : {"valid", "same"} or (int, int)
        That of the forward layer; a pair is the cells before and after the axis.
    output_padding : int or None
        Cells after the last one that the formula without it gives. ``None`` is Keras's
        choice: ``length * stride`` for ``same``, and for ``valid`` room for the last
        window and for a whole stride.

    Returns
    -------
    int or None
        ``(length - 1) * stride + span - pads + output_padding``.

    Examples
    --------
    The forward layer with stride 2 has 3 locations over 7 cells and over 8.

    >>> transposed_length(3, 3, 2), transposed_length(3, 3, 2, output_padding=1)
    (7, 8)
    """
    if length is None:
        return None
    span = effective_size(size, dilation)
    if output_padding is None:
        if padding == "same":
            return length * stride
        output_padding = max(stride - span, 0) if padding == "valid" else 0
    if padding == "same":
        pads = 2 * (span // 2)
    else:
        pads = 0 if padding == "valid" else sum(padding)
    return (length - 1) * stride + span - pads + output_padding


def transposed_geometry(
    input_shape: Shape,
    filters: int,
    *,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    output_padding: Any = None,
    dilation_rate: Any = 1,
    data_format: str = "channels_last",
) -> Geometry:
    """
    Return the windows of the forward layer that a transposed layer runs backwards.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample of the transposed layer's input, (*O, C) or (C, *O).
    filters : int
        F, channels of its output.
    kernel_size, strides, padding, dilation_rate, data_format
        As for `Geometry.of`; with pairs as padding, one for each spatial axis.
    output_padding : int, tuple of int or None
        As for `transposed_length`; less than the stride. A tuple may hold None.

    Returns
    -------
    Geometry
        With ``input_sizes`` for the output of the transposed layer, ``channels`` F and
        ``output_sizes`` for its input.

    Raises
    ------
    ValueError
        If an argument breaks its rule, or the forward layer has not the locations of
        the input.

    Examples
    --------
    >>> g = transposed_geometry((3, 5), 2, kernel_size=3, strides=2)
    >>> g.input_shape, g.output_sizes, g.patch_size
    ((7, 2), (3,), 6)
    """
    data_format = _validate.choice("data_format", data_format, DATA_FORMATS)
    input_shape = _validate.shape("input_shape", input_shape, minimum=0)
    sizes, _ = split_sample(input_shape, data_format)
    rank = len(sizes)
    kernel_size = _validate.sizes("kernel_size", kernel_size, rank)
    strides = _validate.sizes("strides", strides, rank)
    dilation_rate = _validate.sizes("dilation_rate", dilation_rate, rank)
    extra = checked_output_padding(output_padding, strides)
    words = tuple(PLACEMENTS["local"])
    if isinstance(padding, str):
        padding = _validate.choice("padding", padding, words)
    else:
        padding = checked_pads(padding, rank, words)
    each = by_axis(padding, rank)
    axes = zip(sizes, kernel_size, strides, each, dilation_rate, extra, strict=True)
    outputs = tuple(transposed_length(*axis) or 0 for axis in axes)
    chosen = "" if output_padding is None else f", output_padding {output_padding}"
    described = (
        f"kernel_size {kernel_size} with strides {strides}, padding {padding!r}{chosen}"
    )
    if min(outputs, default=0) < 1:
        raise ValueError(
            f"kernel_size must leave at least one output location, got {described} "
            f"for an input of sizes {sizes}"
        )
    geometry = Geometry.of(
        sample_shape(outputs, filters, data_format),
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        dilation_rate=dilation_rate,
        data_format=data_format,
    )
    if geometry.output_sizes != sizes:
        raise ValueError(
            "output_padding must give an output over which the forward layer has the "
            f"locations of the input, {sizes}, got {described}: over {outputs} it has "
            f"{geometry.output_sizes}"
        )
    return geometry
