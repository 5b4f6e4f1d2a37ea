"""The layers that are measured, each on one batch, with their seeded data."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

__all__ = ["WORKLOADS", "Data", "Workload"]


class Data(NamedTuple):
    """One batch, the weights, and the upstream gradient, in localnet's layout."""

    x: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray
    dy: np.ndarray


@dataclass(frozen=True)
class Workload:
    """One layer and one batch; `sizes` and `kernel_size` have one or two axes."""

    name: str
    batch: int
    sizes: tuple[int, ...]
    channels: int
    filters: int
    kernel_size: tuple[int, ...]
    stride: int = 1
    channels_first: bool = False
    dtype: str = "float32"

    @property
    def title(self) -> str:
        """The layer as one would say it."""
        layer = f"{len(self.sizes)}D({self.filters}, {_times(self.kernel_size)}"
        layer += f", stride {self.stride})" if self.stride > 1 else ")"
        notes = "".join(
            f", {note}"
            for note, told in (
                ("channels_first", self.channels_first),
                (self.dtype, self.dtype != "float32"),
            )
            if told
        )
        size = _times((*self.sizes, self.channels))
        return f"{layer} on {size}, N={self.batch}{notes}"

    @property
    def output_sizes(self) -> tuple[int, ...]:
        """O, the locations on each spatial axis."""
        return tuple(
            (size - taps) // self.stride + 1
            for size, taps in zip(self.sizes, self.kernel_size, strict=True)
        )

    @property
    def locations(self) -> int:
        """L, all locations."""
        return int(np.prod(self.output_sizes))

    @property
    def taps(self) -> int:
        """Cells of a window."""
        return int(np.prod(self.kernel_size))

    @property
    def patch_size(self) -> int:
        """K, the values in one receptive field."""
        return self.taps * self.channels

    @property
    def data_format(self) -> str:
        """The name of the memory order."""
        return "channels_first" if self.channels_first else "channels_last"

    @property
    def itemsize(self) -> int:
        """Bytes of a number."""
        return np.dtype(self.dtype).itemsize

    def batch_shape(self, sizes: tuple[int, ...], channels: int) -> tuple[int, ...]:
        """Return the shape of a batch with these sizes in the data format."""
        if self.channels_first:
            return (self.batch, channels, *sizes)
        return (self.batch, *sizes, channels)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of x."""
        return self.batch_shape(self.sizes, self.channels)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of y."""
        return self.batch_shape(self.output_sizes, self.filters)

    def flops(self, mode: str) -> int:
        """Floating-point operations of a forward pass or of a whole step."""
        products = self.batch * self.locations * self.patch_size * self.filters
        return 2 * products * (1 if mode == "forward" else 3)

    def bytes(self, mode: str) -> int:
        """
        Least bytes to move: inputs read once per pass, outputs written once.

        The backward pass reads x, kernel and dy, and writes dx, dkernel and dbias.
        """
        x, y = np.prod(self.input_shape), np.prod(self.output_shape)
        kernel = self.locations * self.patch_size * self.filters
        bias = self.locations * self.filters
        numbers = x + kernel + bias + y
        if mode == "step":
            numbers += (x + kernel + y) + (x + kernel + bias)
        return int(numbers) * self.itemsize

    def output_bytes(self, mode: str) -> int:
        """Bytes of what a call returns: y, and for a step dx, dkernel and dbias."""
        numbers = np.prod(self.output_shape)
        if mode == "step":
            bias = self.locations * self.filters
            numbers += np.prod(self.input_shape) + bias * (self.patch_size + 1)
        return int(numbers) * self.itemsize

    def draw(self) -> Data:
        """Return the same numbers every time, scaled so that y is of order one."""
        rng = np.random.default_rng(0)
        kernel_shape = (self.locations, self.patch_size, self.filters)
        scale = np.asarray(self.patch_size**-0.5, self.dtype)
        return Data(
            x=rng.standard_normal(self.input_shape, self.dtype),
            kernel=rng.standard_normal(kernel_shape, self.dtype) * scale,
            bias=rng.standard_normal((*self.output_sizes, self.filters), self.dtype),
            dy=rng.standard_normal(self.output_shape, self.dtype),
        )


def _times(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))


def _table() -> dict[str, Workload]:
    first, double = {"channels_first": True}, {"dtype": "float64"}
    image = ((30, 30), 64, 32, (3, 3))
    signal = (64, (1000,), 16, 32, (9,))
    rows = [
        Workload("a32", 32, (32, 32), 3, 64, (3, 3)),
        Workload("a1", 1, (32, 32), 3, 64, (3, 3)),
        Workload("b32", 32, *image),
        Workload("b1", 1, *image),
        Workload("c1_32", 32, (10,), 32, 64, (3,)),
        Workload("c1_256", 256, (10,), 32, 64, (3,)),
        Workload("c2_256", 256, (8,), 64, 32, (3,)),
        Workload("d16", 16, (63, 63), 16, 16, (9, 9)),
        Workload("e128", 128, (28, 28), 1, 16, (5, 5), stride=2),
        Workload("f64", *signal),
        Workload("g512", 512, (16, 16), 32, 32, (3, 3)),
        Workload("h32", 32, *image, **first),
        Workload("h1", 1, *image, **first),
        Workload("b32_double", 32, *image, **double),
        Workload("f64_double", *signal, **double),
    ]
    return {row.name: row for row in rows}


WORKLOADS = _table()
