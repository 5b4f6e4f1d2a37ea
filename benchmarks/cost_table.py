"""
Costs by shape against the clock: the table of ``docs/cost.rst``.

Run: python benchmarks/cost_table.py

The layers are those that people ask about: both models of the Keras page, DeepFace, the
local layer of YOLOv1, and windows side by side on a sequence, as in genomics. All are
timed in turn, round by round, so that every call finds its weights in memory and not in
a cache; the two numbers of the machine come from the same run. A forward pass makes its
result anew; a step has a workspace that keeps results and gradients, as in training.
"""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from localnet import config
from localnet.layers import LocallyConnected1D, LocallyConnected2D
from localnet.ops import Workspace
from localnet.roofline import Machine, Work, measure_machine

ROUNDS = 7
# Seconds after which a call that is slow is not timed again.
LONG_ENOUGH = 2.0
BATCHES = (1, 32)

LAYERS = {
    "Keras page: 2D(64, 3x3) on 32x32x3": (
        lambda: LocallyConnected2D(64, 3),
        (32, 32, 3),
    ),
    "Keras page: 2D(32, 3x3) on 30x30x64": (
        lambda: LocallyConnected2D(32, 3),
        (30, 30, 64),
    ),
    "Keras page: 1D(64, 3) on 10x32": (lambda: LocallyConnected1D(64, 3), (10, 32)),
    "Keras page: 1D(32, 3) on 8x64": (lambda: LocallyConnected1D(32, 3), (8, 64)),
    "DeepFace L4: 2D(16, 9x9) on 63x63x16": (
        lambda: LocallyConnected2D(16, 9),
        (63, 63, 16),
    ),
    "DeepFace L5: 2D(16, 7x7, stride 2) on 55x55x16": (
        lambda: LocallyConnected2D(16, 7, strides=2),
        (55, 55, 16),
    ),
    "DeepFace L6: 2D(16, 5x5) on 25x25x16": (
        lambda: LocallyConnected2D(16, 5),
        (25, 25, 16),
    ),
    "YOLOv1: 2D(256, 3x3, same) on 7x7x1024": (
        lambda: LocallyConnected2D(256, 3, padding="same"),
        (7, 7, 1024),
    ),
    "genomics: 1D(32, 25, stride 25) on 10000x4": (
        lambda: LocallyConnected1D(32, 25, strides=25),
        (10000, 4),
    ),
}


class Row(NamedTuple):
    """One layer at one batch size: what a pass has to do, and a call that does it."""

    layer: str
    batch: int
    parameters: int
    forward: Work
    backward: Work
    run_forward: Callable[[], object]
    run_step: Callable[[], object]


def rows() -> list[Row]:
    """Build every layer, and return it at each batch size."""
    rng = np.random.default_rng(0)
    table = []
    for name, (make, shape) in LAYERS.items():
        layer = make()
        layer.build((None, *shape))
        for batch in BATCHES:
            x = rng.standard_normal((batch, *shape), dtype=np.float32)
            y, _ = layer.forward_with_cache(x)
            dy = rng.standard_normal(y.shape, dtype=np.float32)

            def forward(layer=layer, x=x):
                return layer.forward_with_cache(x)

            def step(layer=layer, x=x, dy=dy, workspace=Workspace()):  # noqa: B008
                _, cache = layer.forward_with_cache(x, workspace=workspace)
                return layer.backward_from_cache(dy, cache, workspace=workspace)

            cost = layer.cost(batch)
            table.append(
                Row(
                    name,
                    batch,
                    cost.parameters,
                    cost.forward,
                    cost.backward,
                    forward,
                    step,
                )
            )
    return table


def medians(calls: list[Callable[[], object]]) -> list[float]:
    """Time all calls in turn, and return the median of each in seconds."""
    times: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
    for _ in range(ROUNDS):
        for call, measured in zip(calls, times, strict=True):
            if sum(measured) > LONG_ENOUGH:
                continue
            started = time.perf_counter()
            call()
            measured.append(time.perf_counter() - started)
    return [statistics.median(measured) for measured in times]


def machine_of(*measured: Machine) -> Machine:
    """Return the best of several measurements: a roof is not below what was seen."""
    return Machine(
        max(machine.flops_per_second for machine in measured),
        max(machine.bytes_per_second for machine in measured),
    )


def main() -> None:
    """Print a table in reStructuredText."""
    before = measure_machine("float32")
    table = rows()
    seconds = medians([call for row in table for call in row[-2:]])
    machine = machine_of(before, measure_machine("float32"))
    print(
        f"NumPy {np.__version__}, float32, {config.get_num_threads()} threads: "
        f"{machine.flops_per_second / 1e9:.0f} GFLOP/s, "
        f"{machine.bytes_per_second / 1e9:.0f} GB/s, "
        f"balance {machine.balance:.1f} operations per byte\n"
    )
    header = (
        *("layer", "weights", "batch", "MFLOP", "MB", "set by"),
        *("forward ms", "at best", "times"),
        *("step ms", "at best", "times"),
    )
    lines = []
    for row, forward, step in zip(table, seconds[::2], seconds[1::2], strict=True):
        work = row.forward
        by_memory = work.flops < work.nbytes * machine.balance
        best = machine.seconds(work)
        best_step = machine.seconds(work, row.backward)
        lines.append(
            (
                row.layer,
                f"{row.parameters:,}",
                f"{row.batch}",
                f"{work.flops / 1e6:.1f}",
                f"{work.nbytes / 1e6:.1f}",
                "memory" if by_memory else "arithmetic",
                *(f"{forward * 1e3:.2f}", f"{best * 1e3:.2f}", f"{forward / best:.1f}"),
                *(
                    f"{step * 1e3:.2f}",
                    f"{best_step * 1e3:.2f}",
                    f"{step / best_step:.1f}",
                ),
            )
        )
    print(simple_table(header, lines))


def simple_table(header: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    """Lay cells out as a simple table of reStructuredText."""
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in (header, *lines)
    ]
    return "\n".join(line.rstrip() for line in (rule, text[0], rule, *text[1:], rule))


if __name__ == "__main__":
    main()
