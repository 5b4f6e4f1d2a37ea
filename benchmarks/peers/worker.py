"""
A process that holds the contenders of one library and runs what the driver asks for.

Run by the driver: python -m peers.worker LIBRARY THREADS

It reads one JSON command a line and answers with one JSON object a line. The number of
threads is that of the CPUs that it confines itself to before the library is loaded, so
that every library finds its own default.
"""

import ctypes
import gc
import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["Worker", "serve"]

# Calls in one turn, at most: more say nothing new.
CALLS = 100


class Worker:
    """The commands, one method each."""

    # Of the modules that hold the contenders of the libraries.
    PREFIX = "with_"

    def __init__(self, library: str) -> None:
        self._module = importlib.import_module(f"peers.{self.PREFIX}{library}")
        self._contenders: dict[str, Any] = {}
        self._data: tuple[Any, Any] | None = None

    def about(self) -> dict[str, Any]:
        """Name the contenders and the versions of what is measured."""
        versions = {
            name: importlib.import_module(name).__version__
            for name in self._module.LIBRARIES
        }
        return {"names": list(self._module.BUILDERS), "versions": versions}

    def workloads(self) -> Mapping[str, Any]:
        """Return what can be measured, by name."""
        from peers.workloads import WORKLOADS

        return WORKLOADS

    def load(self, workload: str) -> dict[str, Any]:
        """Draw the data of a workload, and drop what was there before."""
        self._contenders.clear()
        gc.collect()
        chosen = self.workloads()[workload]
        self._data = chosen, chosen.draw()
        return {}

    def prepare(self, name: str, judge: str) -> dict[str, Any]:
        """Build a contender, run it once, compile included, and check its results."""
        from peers.agreement import disagreement
        from peers.contender import Unsupported

        try:
            contender = self._module.BUILDERS[name](*self._data)
        except Unsupported as reason:
            return {"excluded": str(reason)}
        first, again = {}, {}
        for mode in ("forward", "step"):
            if call := getattr(contender, mode):
                first[mode], again[mode] = _seconds(call), _seconds(call)
        errors = disagreement(contender.results(), Path(judge))
        if not all(error <= 1 for error in errors.values()):
            said = ", ".join(f"{k} by {v:.3g}" for k, v in errors.items())
            return {"excluded": f"disagrees, in units of the rounding bound: {said}"}
        self._contenders[name] = contender
        return {"first": first, "again": again, "errors": errors}

    def time(self, name: str, mode: str, budget: float) -> dict[str, Any]:
        """Call for `budget` seconds after a call that warms the caches."""
        call = getattr(self._contenders[name], mode)
        gc.collect()
        gc.disable()
        try:
            started = time.perf_counter()
            times = [_seconds(call)]
            if times[0] < budget:
                times = [_seconds(call)]
                while time.perf_counter() - started < budget and len(times) < CALLS:
                    times.append(_seconds(call))
        finally:
            gc.enable()
        return {
            "median": statistics.median(times),
            "min": min(times),
            "calls": len(times),
        }

    def memory(self, name: str, mode: str) -> dict[str, Any]:
        """Return by how much resident memory rises during a call (Linux only)."""
        call = getattr(self._contenders[name], mode)
        clear, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
        if not clear.exists():
            return {"rise": None}
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        clear.write_text("5", encoding="utf-8")  # the high-water mark starts again here

        def kilobytes(field: str) -> int:
            text = status.read_text(encoding="utf-8")
            return int(text.partition(f"{field}:")[2].split()[0])

        before = kilobytes("VmRSS")
        call()
        return {"rise": max(0, kilobytes("VmHWM") - before) * 1024}

    def roofline(self) -> dict[str, Any]:
        """Measure what this machine can do, on this worker's CPUs."""
        from peers.roofline import measure

        return measure()


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()  # its result is freed within the time, as a loop over batches would
    return time.perf_counter() - started


def _confine(threads: int) -> None:
    cpus = sorted(os.sched_getaffinity(0))
    if threads > len(cpus):
        sys.exit(f"threads must be at most {len(cpus)}, got {threads}")
    os.sched_setaffinity(0, cpus[-threads:])


def serve(kind: type[Worker]) -> None:
    """Serve until the driver closes the pipe."""
    library, threads = sys.argv[1], int(sys.argv[2])
    _confine(threads)
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            worker = worker or kind(library)
            answer = getattr(worker, command.pop("do"))(**command)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve(Worker)
