"""
The engines against one `numpy.matmul` on an im2col copy, forward and training step.

Run: python benchmarks/bench_engines.py

All contenders are checked to agree, then timed in turn within one run; only the ratios
mean anything. A step is forward, dx, dkernel and dbias.
"""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from localnet import config
from localnet.geometry import Geometry
from localnet.ops import (
    extract_patches,
    fold_patches,
    local_conv_backward,
    local_conv_forward,
)

ROUNDS = 9


class Workload(NamedTuple):
    """One layer on one batch, float32."""

    batch: int
    input_shape: tuple[int, ...]
    filters: int
    kernel_size: tuple[int, ...]
    strides: int = 1
    data_format: str = "channels_last"


WORKLOADS = {
    "2D(16, 3x3) on 8x8x16, N=32": Workload(32, (8, 8, 16), 16, (3, 3)),
    "2D(64, 3x3) on 32x32x3, N=32": Workload(32, (32, 32, 3), 64, (3, 3)),
    "2D(32, 3x3) on 30x30x64, N=32": Workload(32, (30, 30, 64), 32, (3, 3)),
    "the same, channels_first": Workload(
        32, (64, 30, 30), 32, (3, 3), data_format="channels_first"
    ),
    "2D(16, 5x5, stride 2) on 28x28x1, N=128": Workload(
        128, (28, 28, 1), 16, (5, 5), 2
    ),
    "1D(64, 3) on 10x32, N=32": Workload(32, (10, 32), 64, (3,)),
    "1D(32, 3) on 8x64, N=256": Workload(256, (8, 64), 32, (3,)),
    "1D(32, 9) on 1000x16, N=64": Workload(64, (1000, 16), 32, (9,)),
}


def im2col_step(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, dy: np.ndarray, g: Geometry
) -> tuple[Callable[[], np.ndarray], Callable[[], tuple[np.ndarray, ...]]]:
    """Return forward and step as one would write them with matmul."""
    n, filters = len(x), kernel.shape[2]

    def forward() -> tuple[np.ndarray, np.ndarray]:
        patches = extract_patches(x, g).swapaxes(0, 1)
        z = np.matmul(patches, kernel)
        if g.channels_last:
            y = z.swapaxes(0, 1).reshape(n, *g.output_sizes, filters) + bias
        else:
            y = z.transpose(1, 2, 0).reshape(n, filters, *g.output_sizes)
            y = y + bias.reshape(filters, *g.output_sizes)
        return y, patches

    def step() -> tuple[np.ndarray, ...]:
        y, patches = forward()
        if g.channels_last:
            dz = dy.reshape(n, -1, filters).swapaxes(0, 1)
        else:
            dz = dy.reshape(n, filters, -1).transpose(2, 0, 1)
        dkernel = np.matmul(patches.swapaxes(1, 2), dz)
        dpatches = np.matmul(dz, kernel.swapaxes(1, 2)).swapaxes(0, 1)
        dx = fold_patches(np.ascontiguousarray(dpatches), g)
        return y, dx, dkernel, dy.sum(axis=0).reshape(bias.shape)

    return lambda: forward()[0], step


def contenders(
    workload: Workload,
) -> tuple[dict[str, Callable[[], object]], dict[str, Callable[[], object]]]:
    """Return forward and step of every contender, after checking that they agree."""
    options = {
        "kernel_size": workload.kernel_size,
        "strides": workload.strides,
        "data_format": workload.data_format,
    }
    g = Geometry.of(workload.input_shape, **options)
    rng = np.random.default_rng(0)

    def draw(shape: tuple[int, ...]) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    x = draw((workload.batch, *workload.input_shape))
    kernel, bias = (
        draw(g.kernel_shape(workload.filters)) / np.float32(g.patch_size**0.5),
        draw(g.bias_shape(workload.filters)),
    )
    dy = draw((workload.batch, *g.sample_shape(g.output_sizes, workload.filters)))

    def engine_forward(name: str) -> Callable[[], object]:
        def run() -> object:
            with config.engine(name):
                return local_conv_forward(x, kernel, bias, **options)[0]

        return run

    def engine_step(name: str) -> Callable[[], object]:
        def run() -> object:
            with config.engine(name):
                y, cache = local_conv_forward(x, kernel, bias, **options)
                return y, *local_conv_backward(dy, cache)

        return run

    matmul_forward, matmul_step = im2col_step(x, kernel, bias, dy, g)
    forwards = {
        "im2col": matmul_forward,
        **{name: engine_forward(name) for name in ("einsum", "blocked")},
    }
    steps = {
        "im2col": matmul_step,
        **{name: engine_step(name) for name in ("einsum", "blocked")},
    }
    expected = matmul_step()
    for name in ("einsum", "blocked"):
        for got, want in zip(steps[name](), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3)
    return forwards, steps


def medians(functions: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Time the functions in turn, and return the median of each in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(ROUNDS):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(t) * 1e3 for name, t in times.items()}


def main() -> None:
    """Print one line per workload: im2col in ms, and how many times faster we are."""
    print(f"NumPy {np.__version__}, {config.get_num_threads()} threads")
    print(f"{'':42}{'forward':^26}  {'training step':^26}")
    print(f"{'':42}" + 2 * f"{'im2col':>10}{'einsum':>8}{'blocked':>8}  ")
    for title, workload in WORKLOADS.items():
        cells = ""
        for functions in contenders(workload):
            ms = medians(functions)
            cells += f"{ms['im2col']:8.2f}ms"
            cells += "".join(
                f"{ms['im2col'] / ms[e]:7.2f}x" for e in ("einsum", "blocked")
            )
            cells += "  "
        print(f"{title:42}{cells}")


if __name__ == "__main__":
    main()
