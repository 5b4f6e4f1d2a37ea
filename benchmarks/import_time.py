"""
The cost of ``import localnet`` against ``import numpy``: ratio of medians.

Submodules are loaded on first use; ``localnet.models`` stands for all of training.

Run: python benchmarks/import_time.py
"""

import statistics
import subprocess
import sys
import time

ROUNDS = 15


def seconds(module: str) -> float:
    """Return the wall time of a fresh process that imports one module."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return time.perf_counter() - started


def main() -> None:
    """Interleave the two, and print what a bare interpreter costs beside them."""
    modules = ("sys", "numpy", "localnet", "localnet.models")
    times: dict[str, list[float]] = {module: [] for module in modules}
    for module in times:
        seconds(module)  # warm the disk cache
    for _ in range(ROUNDS):
        for module, measured in times.items():
            measured.append(seconds(module))
    median = {module: statistics.median(t) for module, t in times.items()}
    for module, value in median.items():
        print(f"import {module:<16} {value * 1e3:7.1f} ms")
    for module in ("localnet", "localnet.models"):
        whole = median[module] / median["numpy"]
        alone = (median[module] - median["sys"]) / (median["numpy"] - median["sys"])
        print(f"{module} / numpy: whole process {whole:.2f}, import alone {alone:.2f}")


if __name__ == "__main__":
    main()
