"""A quiet machine: other jobs held back while turns are timed, and noise noticed."""

import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Noise", "held", "wait_for_quiet"]

STAT = Path("/proc/stat")


@contextmanager
def held(command: str | None) -> Iterator[None]:
    """
    Keep a command running that holds other jobs back, if there is one.

    It must copy its input to its output and end with it, as ``cat`` does, so that the
    driver knows when it has begun and can end it: ``flock /some/lock cat`` will do.
    """
    if command is None:
        yield
        return
    with subprocess.Popen(
        shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdin.write("ready\n")
        process.stdin.flush()
        if not process.stdout.readline():
            raise RuntimeError(f"--hold must copy its input as `cat` does: {command}")
        try:
            yield
        finally:
            process.stdin.close()


class Noise:
    """CPU seconds that other processes used since this was made (0 if unknown)."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._busy, self._own = _busy(), self._own_seconds()
        self._started = time.perf_counter()

    def seconds(self) -> float:
        """Return them."""
        return (_busy() - self._busy) - (self._own_seconds() - self._own)

    def disturbed(self) -> bool:
        """Whether they used more than 7 % of one CPU, and more than a clock tick."""
        wall = time.perf_counter() - self._started
        return self.seconds() > 0.02 + 0.07 * wall

    def _own_seconds(self) -> float:
        own = sum(os.times()[:2])
        stat = Path(f"/proc/{self._pid}/stat")
        if not stat.exists():
            return own
        fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        return own + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_for_quiet() -> None:
    """Wait until the machine is idle for a tenth of a second, two seconds at most."""
    if not STAT.exists():
        return
    end = time.perf_counter() + 2.0
    while time.perf_counter() < end:
        before = _busy()
        time.sleep(0.1)
        if _busy() - before < 0.03:
            return


def _busy() -> float:
    """Return the CPU seconds used by all processes since boot."""
    if not STAT.exists():
        return 0.0
    with STAT.open(encoding="utf-8") as lines:
        fields = [int(value) for value in lines.readline().split()[1:]]
    user, nice, system, _, _, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
