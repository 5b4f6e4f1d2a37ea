"""Workers seen from the driver: one process per library, spoken to in JSON lines."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["Process", "WorkerFailed"]

BENCHMARKS = Path(__file__).resolve().parents[1]


class WorkerFailed(Exception):
    """A worker answered with an error, or died; the message is what it said."""


class Process:
    """One worker; a context manager that ends it."""

    def __init__(
        self,
        python: Path | str,
        library: str,
        threads: int,
        log: Path,
        worker: str = "peers.worker",
    ) -> None:
        # This checkout before anything that the environment has installed.
        paths = os.pathsep.join([str(BENCHMARKS), str(BENCHMARKS.parent)])
        self._log = log.open("a", encoding="utf-8")
        self._process = subprocess.Popen(
            [python, "-m", worker, library, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )

    def __enter__(self) -> "Process":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()

    @property
    def pid(self) -> int:
        """Process id, to read its CPU time."""
        return self._process.pid

    def ask(self, command: str, **arguments: Any) -> Mapping[str, Any]:
        """Send one command and return its answer."""
        stdin, stdout = self._process.stdin, self._process.stdout
        try:
            stdin.write(json.dumps({"do": command, **arguments}) + "\n")
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerFailed(f"its process ended with {self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerFailed(answer["error"])
        return answer
