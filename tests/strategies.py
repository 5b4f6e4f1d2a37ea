"""
Random problems for the locally connected layer.

A `LocalConvProblem` is a handful of numbers; its arrays follow from them. So its repr,
which hypothesis prints for a failing example, runs. All values are small integers:
every sum is exact in float32, in any order, and the engines must agree bit for bit.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

from localnet.geometry import Geometry

MAGNITUDE = 4


def integers(rng, *shape):
    """Draw integers as those of a problem, as float64."""
    return rng.integers(-MAGNITUDE, MAGNITUDE + 1, shape).astype(float)


def permuted(array):
    """Lay the axes out in memory in reverse."""
    return np.ascontiguousarray(array.T).T


def backwards(array):
    """Walk through memory with a negative stride along every axis."""
    return np.flip(np.flip(array).copy())


def sliced(array):
    """Take every second element of something larger along every axis."""
    larger = np.full([2 * n + 1 for n in array.shape], 99, array.dtype)
    inside = larger[tuple(slice(1, None, 2) for _ in array.shape)]
    inside[...] = array
    return inside


def broadcast_first(array):
    """Repeat the first item of the first axis, with stride 0."""
    return np.broadcast_to(array[:1], array.shape)


def broadcast_last(array):
    """Repeat the first item of the last axis, with stride 0."""
    return np.broadcast_to(array[..., :1], array.shape)


LAYOUTS = {
    "contiguous": np.ascontiguousarray,
    "permuted": permuted,
    "backwards": backwards,
    "sliced": sliced,
    "broadcast_first": broadcast_first,
    "broadcast_last": broadcast_last,
}


@dataclass(frozen=True)
class LocalConvProblem:
    """One call of `local_conv_forward` and its backward; the arrays are read-only."""

    batch: int
    input_shape: tuple[int, ...]
    filters: int
    kernel_size: tuple[int, ...]
    strides: Any = 1
    padding: Any = "valid"
    pad_value: float = 0.0
    dilation_rate: Any = 1
    data_format: str = "channels_last"
    dtype: str = "float64"
    use_bias: bool = True
    layouts: tuple[str, str, str, str] = ("contiguous",) * 4
    seed: int = 0

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of `local_conv_forward`."""
        return {
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "pad_value": self.pad_value,
            "dilation_rate": self.dilation_rate,
            "data_format": self.data_format,
        }

    @cached_property
    def geometry(self) -> Geometry:
        return Geometry.of(self.input_shape, **self.options)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of x, kernel, bias and dy."""
        g = self.geometry
        return (
            (self.batch, *self.input_shape),
            g.kernel_shape(self.filters),
            g.bias_shape(self.filters),
            (self.batch, *g.sample_shape(g.output_sizes, self.filters)),
        )

    @cached_property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray]:
        """x, kernel, bias and dy."""
        rng = np.random.default_rng(self.seed)
        x, kernel, bias, dy = (
            self._laid_out(integers(rng, *shape), layout)
            for shape, layout in zip(self.shapes, self.layouts, strict=True)
        )
        return x, kernel, bias if self.use_bias else None, dy

    def _laid_out(self, values, layout):
        array = LAYOUTS[layout](values.astype(self.dtype))
        array.flags.writeable = False
        return array


@dataclass(frozen=True)
class ConvProblem(LocalConvProblem):
    """One call of `conv_forward` and its backward; `input_shape` has all channels."""

    groups: int = 1
    tied: bool = True

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of `conv_forward`."""
        options = {**super().options, "groups": self.groups}
        del options["kernel_size"]
        return options

    @cached_property
    def geometry(self) -> Geometry:
        return Geometry.of(
            self.input_shape,
            **LocalConvProblem.options.fget(self),
            placement="conv",
        )

    @property
    def shapes(self):
        g = self.geometry
        kernel = (*g.kernel_size, g.channels // self.groups, self.filters)
        return (
            (self.batch, *self.input_shape),
            kernel,
            (self.filters,) if self.tied else g.bias_shape(self.filters),
            (self.batch, *g.sample_shape(g.output_sizes, self.filters)),
        )


@st.composite
def axes(draw, longest, padding):
    """
    Draw (cells, size, stride, dilation, pads) of one axis.

    The windows come first and the cells follow from them, so that every draw is valid:
    strides beyond the window, cells that no window reads and windows that lie wholly on
    the pads are all among them.
    """
    size, stride, dilation = (draw(st.integers(1, longest)) for _ in range(3))
    if padding == "same":
        return draw(st.integers(1, longest + 1)), size, stride, dilation, None
    windows, left_over = draw(st.integers(1, longest)), draw(st.integers(0, stride - 1))
    padded = (windows - 1) * stride + (size - 1) * dilation + 1 + left_over
    if padding == "valid":
        return padded, size, stride, dilation, None
    before = draw(st.integers(0, min(3, padded - 1)))
    after = draw(st.integers(0, min(3, padded - 1 - before)))
    return padded - before - after, size, stride, dilation, (before, after)


@st.composite
def local_conv_problems(
    draw, *, ranks=(1, 2, 3), data_formats=("channels_last", "channels_first")
):
    """Draw a problem: geometry, then sizes, then how its arrays lie in memory."""
    rank = draw(st.sampled_from(ranks))
    padding = draw(st.sampled_from(["valid", "same", "explicit"]))
    longest = {1: 4, 2: 3, 3: 2}[rank]
    every = [draw(axes(longest, padding)) for _ in range(rank)]
    cells, size, strides, dilation, pads = zip(*every, strict=True)
    channels = draw(st.integers(1, 3))
    data_format = draw(st.sampled_from(data_formats))
    last = data_format == "channels_last"
    return LocalConvProblem(
        batch=draw(st.integers(0, 3)),
        input_shape=(*cells, channels) if last else (channels, *cells),
        filters=draw(st.integers(1, 3)),
        kernel_size=size,
        strides=strides,
        padding=pads if padding == "explicit" else padding,
        pad_value=draw(st.sampled_from([0.0, -1.0, 2.0])),
        dilation_rate=dilation,
        data_format=data_format,
        dtype=draw(st.sampled_from(["float32", "float64"])),
        use_bias=draw(st.booleans()),
        layouts=draw(st.tuples(*[st.sampled_from(list(LAYOUTS))] * 4)),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


@st.composite
def conv_problems(draw, *, data_formats=("channels_last", "channels_first")):
    """Draw a convolution as `local_conv_problems` does, and its groups and bias."""
    rank = draw(st.integers(1, 3))
    padding = draw(st.sampled_from(["valid", "same", "causal", "explicit"]))
    longest = {1: 4, 2: 3, 3: 2}[rank]
    kind = "same" if padding == "causal" else padding
    every = [draw(axes(longest, kind)) for _ in range(rank)]
    cells, size, strides, dilation, pads = zip(*every, strict=True)
    groups = draw(st.integers(1, 3))
    channels = groups * draw(st.integers(1, 2))
    data_format = draw(st.sampled_from(data_formats))
    last = data_format == "channels_last"
    return ConvProblem(
        batch=draw(st.integers(0, 3)),
        input_shape=(*cells, channels) if last else (channels, *cells),
        filters=groups * draw(st.integers(1, 2)),
        kernel_size=size,
        strides=strides,
        padding=pads if padding == "explicit" else padding,
        pad_value=draw(st.sampled_from([0.0, -1.0, 2.0])),
        dilation_rate=dilation,
        data_format=data_format,
        dtype=draw(st.sampled_from(["float32", "float64"])),
        use_bias=draw(st.booleans()),
        layouts=draw(st.tuples(*[st.sampled_from(list(LAYOUTS))] * 4)),
        seed=draw(st.integers(0, 2**32 - 1)),
        groups=groups,
        tied=draw(st.booleans()),
    )
