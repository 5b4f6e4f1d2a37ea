"""
Memory of localnet: peaks against their targets, a warm step, a leak, BLAS threads.

Run: python benchmarks/memory.py DIR

A peak is tracemalloc's. Without a workspace what the call returns is taken off, and the
rest must stay within max(16 MB, twice x). A warm call with a workspace returns what is
there already, and must take no more than 1 MB; so must a warm step of a whole model.
"""

import gc
import json
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
from peers.with_localnet import BUILDERS
from peers.workloads import WORKLOADS, Workload

from localnet import Sequential
from localnet.layers import Dense, Flatten, LocallyConnected2D
from localnet.optimizers import SGD

MB = 1e6
LEAK_STEPS = 1000


def peak(call: Callable[[], object]) -> int:
    """Return the peak of traced memory during a call, over what was there before."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def peaks() -> list[dict[str, str]]:
    """Measure large layers, stateless and warm with a workspace."""
    rows = []
    for name in ("b32", "d16", "g512"):
        workload = WORKLOADS[name]
        data = workload.draw()
        for contender in ("localnet", "localnet workspace"):
            bound = BUILDERS[contender](workload, data)
            for mode in ("forward", "step"):
                call = getattr(bound, mode)
                call()
                beyond, limit = peak(call), 1 * MB
                if contender == "localnet":
                    beyond -= workload.output_bytes(mode)
                    limit = max(16 * MB, 2 * data.x.nbytes)
                rows.append(_row(f"{name} {mode}, {contender}", beyond, limit))
    return rows


def model_step() -> dict[str, str]:
    """Measure a warm training step of a model around the layer of b32."""
    model = Sequential(
        [
            LocallyConnected2D(32, 3, activation="relu", input_shape=(30, 30, 64)),
            Flatten(),
            Dense(10, activation="softmax"),
        ],
        seed=0,
    )
    model.compile(SGD(0.01, momentum=0.9), loss="sparse_categorical_crossentropy")
    data = WORKLOADS["b32"].draw()
    labels = np.arange(len(data.x)) % 10

    def step() -> object:
        return model.train_on_batch(data.x, labels)

    step()
    step()
    return _row("train_on_batch of a model around b32, warm", peak(step), 1 * MB)


def leak() -> dict[str, str]:
    """Measure what stays after many steps of one layer that keeps a workspace."""
    workload = WORKLOADS["c1_32"]
    step = BUILDERS["localnet workspace"](workload, workload.draw()).step
    for _ in range(10):
        step()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(LEAK_STEPS):
        step()
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return _row(f"kept after {LEAK_STEPS} steps of c1_32", grown, 0.1 * MB)


def blas_threads() -> list[dict[str, str]]:
    """Time a step with BLAS threads at their default against one BLAS thread."""
    rows = []
    for name in ("b32", "g512", "f64"):
        times: dict[str, list[float]] = {"": [], "1": []}
        for _ in range(3):
            for threads, found in times.items():
                found.append(_step_seconds(name, threads))
        ratio = statistics.median(times[""]) / statistics.median(times["1"])
        what = f"{name} step, BLAS threads at default / one"
        rows.append({"what": what, "measured": f"{ratio:.2f}", "must": "1.3"})
    return rows


def _step_seconds(name: str, threads: str) -> float:
    env = dict(os.environ)
    if threads:
        env["OPENBLAS_NUM_THREADS"] = env["OMP_NUM_THREADS"] = threads
    done = subprocess.run(
        [sys.executable, __file__, "--step", name],
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def time_step(workload: Workload) -> None:
    """Print the median time of a step; run in a process of its own."""
    step = BUILDERS["localnet workspace"](workload, workload.draw()).step
    step()
    times = []
    for _ in range(7):
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    print(statistics.median(times))


def _row(what: str, measured: float, limit: float) -> dict[str, str]:
    return {
        "what": what,
        "measured": f"{measured / MB:.2f} MB",
        "must": f"{limit / MB:.2f} MB",
    }


def main() -> None:
    """Measure everything; write DIR/memory.json and print it."""
    if sys.argv[1:2] == ["--step"]:
        time_step(WORKLOADS[sys.argv[2]])
        return
    if len(sys.argv) != 2:
        sys.exit("usage: memory.py DIR")
    rows = [*peaks(), model_step(), leak(), *blas_threads()]
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.json").write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    for row in rows:
        print(f"{row['what']:50} {row['measured']:>12}   must {row['must']}")


if __name__ == "__main__":
    main()
