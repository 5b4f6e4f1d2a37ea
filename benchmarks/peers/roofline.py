"""What the machine can do at best, measured with NumPy while the benchmark runs."""

import time
from collections.abc import Callable

import numpy as np

__all__ = ["measure"]

ROUNDS = 5
MEGABYTE = 1 << 20
# In a core's cache, in the last level cache, and in memory.
SIZES = (MEGABYTE, 16 * MEGABYTE, 256 * MEGABYTE)


def measure() -> dict[str, float]:
    """Return GFLOP/s of gemm, GB/s of reading, copying and touching fresh memory."""
    found = {}
    for name, dtype in (("sgemm", np.float32), ("dgemm", np.float64)):
        n = 1536
        a, out = np.ones((n, n), dtype), np.empty((n, n), dtype)
        best = _best(lambda a=a, out=out: np.matmul(a, a, out=out))
        found[f"{name} GFLOP/s"] = 2 * n**3 / best / 1e9
    for size in SIZES:
        a = np.ones(size // 4, np.float32)
        repeats = max(1, 64 * MEGABYTE // size)
        best = _best(lambda a=a: np.dot(a, a), repeats)
        found[f"read {size // MEGABYTE} MB, GB/s"] = size / best / 1e9
    size = SIZES[-1]
    a, b = np.ones(size // 4, np.float32), np.ones(size // 4, np.float32)
    found["copy GB/s"] = size / _best(lambda: np.copyto(a, b)) / 1e9
    found["first touch GB/s"] = size / _best(lambda: _touch(size)) / 1e9
    return found


def _touch(size: int) -> None:
    np.empty(size, np.uint8).fill(1)


def _best(call: Callable[[], object], repeats: int = 1) -> float:
    call()
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(repeats):
            call()
        times.append((time.perf_counter() - started) / repeats)
    return min(times)
