"""
Locally connected layers drawn at random, computed the way each framework would.

Windows are worked out here, with other means than localnet's; only the number of
windows is taken from it.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from localnet import ops
from localnet.geometry import Geometry

FORMATS = ["channels_last", "channels_first"]


class Problem(NamedTuple):
    """One layer with small integer weights, so that sums are exact in any order."""

    arguments: dict[str, Any]
    filters: int
    seed: int

    @property
    def channels_last(self):
        return self.arguments["data_format"] == "channels_last"

    @property
    def geometry(self):
        return Geometry.of(**self.arguments)

    @property
    def window(self):
        return {k: v for k, v in self.arguments.items() if k != "input_shape"}

    def integers(self, *shape):
        rng = np.random.default_rng([self.seed, *shape])
        return rng.integers(-9, 10, shape).astype(np.float64)

    def forward(self, x, kernel, bias):
        return ops.local_conv_forward(x, kernel, bias, **self.window)[0]

    def pads(self):
        padding, g = self.arguments["padding"], self.geometry
        if padding == "valid":
            return [(0, 0)] * g.rank
        if padding != "same":
            return padding
        spans = [
            (r - 1) * d + 1 for r, d in zip(g.kernel_size, g.dilation_rate, strict=True)
        ]
        # More cells behind than are needed: windows are counted, not fitted.
        return [(span // 2, span + s) for span, s in zip(spans, g.strides, strict=True)]

    def windows(self, x):
        """Return (N, C, *O, *R) as unfolding axis by axis gives it, a view of x."""
        g = self.geometry
        x = np.moveaxis(x, -1, 1) if self.channels_last else x
        x = np.pad(x, [(0, 0), (0, 0), *self.pads()])
        for axis in range(g.rank):
            span = (g.kernel_size[axis] - 1) * g.dilation_rate[axis] + 1
            x = sliding_window_view(x, span, axis=2 + axis)
            steps = [slice(None)] * x.ndim
            steps[2 + axis] = slice(None, None, g.strides[axis])
            steps[-1] = slice(None, None, g.dilation_rate[axis])
            x = x[tuple(steps)]
        return x[(slice(None), slice(None), *map(slice, g.output_sizes))]

    def connected_pairs(self):
        """Return the sorted (output index, input index) of every connection."""
        g, pairs = self.geometry, []
        before = [pad[0] for pad in self.pads()]
        for o in np.ndindex(*g.output_sizes):
            for tap in np.ndindex(*g.kernel_size):
                cell = tuple(
                    np.multiply(o, g.strides)
                    - before
                    + np.multiply(tap, g.dilation_rate)
                )
                if all(0 <= c < n for c, n in zip(cell, g.input_sizes, strict=True)):
                    for c, f in np.ndindex(g.channels, self.filters):
                        pairs.append(
                            (
                                self.flat(g.output_sizes, self.filters, o, f),
                                self.flat(g.input_sizes, g.channels, cell, c),
                            )
                        )
        return np.array(sorted(pairs)).reshape(-1, 2)

    def flat(self, sizes, depth, position, channel):
        if self.channels_last:
            return np.ravel_multi_index((*position, channel), (*sizes, depth))
        return np.ravel_multi_index((channel, *position), (depth, *sizes))

    def in_data_format(self, y):
        """Move the filters of a channels_first result where the problem has them."""
        return np.moveaxis(y, 1, -1) if self.channels_last else y


@st.composite
def problems(draw):
    rank = draw(st.integers(1, 3))
    most = (6, 4, 3)[rank - 1]

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    kernel_size, dilation_rate = each(1, 3), each(1, 2)
    padding = draw(st.sampled_from(["valid", "same", "pads"]))
    sizes = each(1, most)
    if padding == "pads":
        padding = [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in sizes]
    if padding != "same":
        spans = [
            (r - 1) * d + 1 for r, d in zip(kernel_size, dilation_rate, strict=True)
        ]
        sizes = tuple(n + span - 1 for n, span in zip(sizes, spans, strict=True))
    channels, data_format = draw(st.integers(1, 3)), draw(st.sampled_from(FORMATS))
    last = data_format == "channels_last"
    arguments = {
        "input_shape": (*sizes, channels) if last else (channels, *sizes),
        "kernel_size": kernel_size,
        "strides": each(1, 3),
        "padding": padding,
        "dilation_rate": dilation_rate,
        "data_format": data_format,
    }
    return Problem(arguments, draw(st.integers(1, 3)), draw(st.integers(0, 999)))


def keras1(problem, x, kernel, bias):
    g = problem.geometry
    taps = np.moveaxis(
        problem.windows(x), 1, -1 if problem.channels_last else 1 + g.rank
    )
    patches = taps.reshape(len(x), g.locations, -1)
    y = np.stack([patches[:, i] @ kernel[i] for i in range(g.locations)], axis=-1)
    y = y.reshape(len(x), problem.filters, *g.output_sizes)
    return with_keras_bias(problem.in_data_format(y), bias)


def keras2(problem, x, kernel, bias):
    matrix = kernel.reshape(math.prod(x.shape[1:]), -1)
    y = (x.reshape(len(x), -1) @ matrix).reshape(output_shape(problem, x))
    return with_keras_bias(y, bias)


def keras3(problem, x, kernel, bias):
    y = np.zeros(output_shape(problem, x))
    flat_x, flat_y = x.reshape(len(x), -1), y.reshape(len(x), -1)
    for (output, cell), weight in zip(problem.connected_pairs(), kernel, strict=True):
        flat_y[:, output] += weight * flat_x[:, cell]
    return with_keras_bias(y, bias)


def jax(problem, x, kernel, bias):
    windows, g = problem.windows(x), problem.geometry
    y = np.zeros((len(x), problem.filters, *g.output_sizes))
    for o in np.ndindex(*g.output_sizes):
        patch = windows[(slice(None), slice(None), *o)]
        y[(slice(None), slice(None), *o)] = patch.reshape(len(x), -1) @ kernel[o]
    return problem.in_data_format(y + np.moveaxis(bias, -1, 0))


def torch(problem, x, kernel, bias):
    windows, g = problem.windows(x), problem.geometry
    windows = windows.reshape(*windows.shape[: 2 + g.rank], -1)
    out = (windows[:, None] * kernel).sum((2, -1))
    return problem.in_data_format(out + bias)


def readable(problem, x, kernel, bias):
    o, r = "uvw"[: problem.geometry.rank], "ijk"[: problem.geometry.rank]
    y = np.einsum(f"nc{o}{r},{o}{r}cf->n{o}f", problem.windows(x), kernel) + bias
    return y if problem.channels_last else np.moveaxis(y, -1, 1)


IDIOMS = {
    "keras1": keras1,
    "keras2": keras2,
    "keras3": keras3,
    "jax": jax,
    "torch": torch,
    "6d": readable,
}


def output_shape(problem, x):
    outputs = problem.geometry.output_sizes
    if problem.channels_last:
        return (len(x), *outputs, problem.filters)
    return (len(x), problem.filters, *outputs)


def with_keras_bias(y, bias):
    return y + bias.reshape(1, *y.shape[1:])
