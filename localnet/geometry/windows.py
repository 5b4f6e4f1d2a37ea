"""
Where the windows of a layer lie: pure integer arithmetic, no arrays.

Symbols, used in the whole project: S input sizes, C input channels, R kernel_size,
O output sizes, L = prod(O) locations in row-major order, K = prod(R)*C values in one
receptive field. Window ``o`` of an axis covers the cells ``o*s - before + t*d`` for
the taps ``t = 0 .. r-1``, with stride s, dilation d and ``before`` cells of padding.
"""

import math
from dataclasses import dataclass
from typing import Any

from .. import _validate
from .._typing import Shape
from ..config import DATA_FORMATS
from .channels import sample_shape, split_sample
from .padding import PLACEMENTS, Pads, output_length, resolve_pads
from .remembered import remembered

__all__ = ["Geometry"]


def count_taps_inside(
    length: int, windows: int, size: int, stride: int, dilation: int, before: int
) -> int:
    """
    Return for how many (window, tap) pairs of an axis the tap is not on padding.

    Pair (o, t) reads cell ``o*stride + t*dilation - before``. The loop is over the
    shorter of the two; for the longer one the cells inside are counted at once.
    """
    if size <= windows:
        few, few_step, many, many_step = size, dilation, windows, stride
    else:
        few, few_step, many, many_step = windows, stride, size, dilation
    total = 0
    for i in range(few):
        start = i * few_step - before
        first = max(0, -(start // many_step))
        past = max(0, -((start - length) // many_step))
        total += max(0, min(many, past) - first)
    return total


@dataclass(frozen=True, slots=True)
class Geometry:
    """
    The shapes and windows of one layer on one input shape.

    Build it with `Geometry.of`, which checks and normalises every argument.

    Parameters
    ----------
    input_sizes : tuple of int
        S, the spatial sizes of the input.
    channels : int
        C, the channels of the input.
    kernel_size, strides, dilation_rate : tuple of int
        R and the steps, one per spatial axis.
    pads : tuple of (int, int)
        Cells added before and after each spatial axis.
    pad_value : float
        What the added cells hold.
    data_format : {"channels_last", "channels_first"}
        Where the channel axis of input and output stands; it also orders the K values
        of a patch: (taps, channel) or (channel, taps).
    output_sizes : tuple of int
        O, the number of windows along each spatial axis.

    Examples
    --------
    >>> g = Geometry.of((32, 32, 3), kernel_size=3)
    >>> g.output_sizes, g.locations, g.patch_size
    ((30, 30), 900, 27)
    """

    input_sizes: Shape
    channels: int
    kernel_size: Shape
    strides: Shape
    dilation_rate: Shape
    pads: Pads
    pad_value: float
    data_format: str
    output_sizes: Shape

    @classmethod
    def of(
        cls,
        input_shape: Shape,
        *,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        pad_value: float = 0.0,
        dilation_rate: Any = 1,
        data_format: str = "channels_last",
        placement: str = "local",
    ) -> "Geometry":
        """
        Check the arguments of a layer and work out its windows.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of one sample, channels included: (*S, C) or (C, *S).
        kernel_size, strides, dilation_rate : int or sequence of int
            One number serves every spatial axis.
        padding : {"valid", "same", "causal"} or sequence of (int, int)
            Explicit pairs are the cells added before and after each axis.
        pad_value : float
            What the added cells hold.
        data_format : {"channels_last", "channels_first"}
            Any case.
        placement : {"local", "conv"}
            What the words of `padding` mean: ``same`` as in Keras's locally connected
            layers, or ``same`` and ``causal`` as in its convolutions.

        Returns
        -------
        Geometry
            The checked and completed description.

        Raises
        ------
        ValueError
            If an argument breaks its rule, or no window fits into an axis.
        """
        return cls._checked(
            input_shape,
            kernel_size,
            strides,
            padding,
            pad_value,
            dilation_rate,
            data_format,
            placement,
        )

    @classmethod
    @remembered
    def _checked(
        cls,
        input_shape: Shape,
        kernel_size: Any,
        strides: Any,
        padding: Any,
        pad_value: float,
        dilation_rate: Any,
        data_format: str,
        placement: str,
    ) -> "Geometry":
        placement = _validate.choice("placement", placement, tuple(PLACEMENTS))
        data_format = _validate.choice("data_format", data_format, DATA_FORMATS)
        input_shape = _validate.shape("input_shape", input_shape)
        input_sizes, channels = split_sample(input_shape, data_format)
        rank = len(input_sizes)
        kernel_size = _validate.sizes("kernel_size", kernel_size, rank)
        strides = _validate.sizes("strides", strides, rank)
        dilation_rate = _validate.sizes("dilation_rate", dilation_rate, rank)
        pads = resolve_pads(
            padding, input_sizes, kernel_size, strides, dilation_rate, placement
        )

        output_sizes = []
        for n, r, s, d, (before, after) in zip(
            input_sizes, kernel_size, strides, dilation_rate, pads, strict=True
        ):
            windows = output_length(n + before + after, r, s, "valid", d) or 0
            if windows < 1:
                dilated = f" with dilation_rate {d}" if d > 1 else ""
                raise ValueError(
                    "kernel_size must fit into the padded input, got "
                    f"{kernel_size}: kernel_size {r}{dilated} over length {n} with "
                    f"padding {padding!r} leaves no output location"
                )
            output_sizes.append(windows)
        return cls(
            input_sizes=input_sizes,
            channels=channels,
            kernel_size=kernel_size,
            strides=strides,
            dilation_rate=dilation_rate,
            pads=pads,
            pad_value=_validate.number("pad_value", pad_value),
            data_format=data_format,
            output_sizes=tuple(output_sizes),
        )

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.kernel_size)

    @property
    def channels_last(self) -> bool:
        """Whether the channel axis stands last."""
        return self.data_format == "channels_last"

    @property
    def locations(self) -> int:
        """L, the number of output locations."""
        return math.prod(self.output_sizes)

    @property
    def patch_size(self) -> int:
        """K, the number of values in one receptive field."""
        return math.prod(self.kernel_size) * self.channels

    @property
    def connections(self) -> int:
        """Pairs (l, k) whose tap reads a cell of the input: L*K but those on pads."""
        return self.channels * math.prod(
            count_taps_inside(*axis)
            for axis in zip(
                self.input_sizes,
                self.output_sizes,
                self.kernel_size,
                self.strides,
                self.dilation_rate,
                (before for before, _ in self.pads),
                strict=True,
            )
        )

    @property
    def input_shape(self) -> Shape:
        """Shape of one input sample in the data format."""
        return self.sample_shape(self.input_sizes, self.channels)

    @property
    def padded_sizes(self) -> Shape:
        """Spatial sizes of the input with its pads."""
        return tuple(
            n + before + after
            for n, (before, after) in zip(self.input_sizes, self.pads, strict=True)
        )

    @property
    def has_pads(self) -> bool:
        """Whether any cell is added to the input."""
        return any(before or after for before, after in self.pads)

    def sample_shape(self, spatial: Shape, channels: int) -> Shape:
        """Return the shape of one sample with the channel axis where it belongs."""
        return sample_shape(spatial, channels, self.data_format)

    def kernel_shape(self, filters: int) -> Shape:
        """Return the shape (L, K, F) of the kernel."""
        return (self.locations, self.patch_size, filters)

    def check_kernel(self, shape: Shape) -> int:
        """Return F if `shape` is that of a kernel (L, K, F), else refuse it."""
        locations, patch_size = self.locations, self.patch_size
        if len(shape) != 3 or shape[:2] != (locations, patch_size):
            raise ValueError(
                f"kernel must have shape (L, K, F) = ({locations}, {patch_size}, F), "
                f"got {shape}"
            )
        return shape[2]

    def bias_shape(self, filters: int) -> Shape:
        """Return the shape (*O, F) of the bias, in either data format."""
        return (*self.output_sizes, filters)
