"""Processes that are made to be killed: forked, so that a kill costs milliseconds."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Imports once, then forks a child for every line: a function of the module, arguments.
SERVER = """
import importlib, json, os, sys, traceback
module = importlib.import_module(sys.argv[1])
for line in sys.stdin:
    name, *args = json.loads(line)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            getattr(module, name)(*args)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class ForkServer:
    """Runs functions of one module of the tests, each in a process of its own."""

    def __init__(self, module: str) -> None:
        paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", SERVER, module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"},
        )

    def __enter__(self) -> "ForkServer":
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def start(self, function: str, *args: object) -> int:
        """Start a call and return the number of its process."""
        self.process.stdin.write(json.dumps([function, *args]) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self) -> int:
        """Wait for the call, and return 0, 1 after an error, or minus its signal."""
        return int(self.process.stdout.readline())

    def run(self, function: str, *args: object) -> int:
        """Make a call and wait for it."""
        self.start(function, *args)
        return self.end()

    def kill(self, pid: int) -> int:
        """Kill a call, if it has not ended yet."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return self.end()
