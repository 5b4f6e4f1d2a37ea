"""A backend in a process of its own: a crash or an endless loop costs one case."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from ... import _children
from ..._validate import shown
from ..report import Result

__all__ = ["Isolated", "serve", "serve_on"]

Hold = Callable[..., Result]

# A new interpreter, that runs nothing of the script that this one runs.
CODE = "from localnet.golden.judging import isolation; isolation.serve_on({})"


class Isolated:
    """
    Hold a backend to cases, one at a time, in a process that is started when needed.

    Parameters
    ----------
    hold : callable
        ``hold(backend, case, ...)`` returns a Result.
    backend : callable
        A function of a module, which a new interpreter imports. Anything else, such as
        a lambda or a function of the script itself, is handed over by a fork.
    timeout : float or None
        Seconds for one case; None means any time.

    Raises
    ------
    ValueError
        If the backend can be handed to no other process.
    """

    def __init__(
        self, hold: Hold, backend: Callable[..., Any], timeout: float | None
    ) -> None:
        self._timeout = timeout
        self._process: Any = None
        self._pipe: Any = None
        self._start = _starter(hold, backend)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def __call__(self, case: Any, *more: Any) -> Result:
        """Return the result of a case, or that the process did not live to give one."""
        try:
            if self._process is None:
                self._process, self._pipe = self._start()
                self._pipe.recv()  # it has imported what it needs
            self._pipe.send((case, *more))
            if not self._pipe.poll(self._timeout):
                self._stop()
                return _failed(case, f"no answer after {self._timeout:g} s")
            found: Result = self._pipe.recv()
        except (EOFError, OSError):
            status = self._stop(patient=True)
            return _failed(case, f"the process of the backend ended: {_words(status)}")
        return found

    def _stop(self, *, patient: bool = False) -> int | None:
        """End the process, and return its exit status."""
        process, self._process = self._process, None
        if process is None:
            return None
        self._pipe.close()
        if isinstance(process, subprocess.Popen):
            with suppress(subprocess.TimeoutExpired):
                process.wait(10 if patient else 0)
            process.kill()
            return process.wait()
        process.join(10 if patient else 0)
        process.kill()
        process.join()
        return int(process.exitcode)


def _starter(hold: Hold, backend: Any) -> Callable[[], tuple[Any, Any]]:
    """Return what starts a process, and returns it and the pipe to it."""
    try:
        message = pickle.dumps((hold, backend))
        importable = b"__main__" not in message
    except Exception:
        importable = False
    if importable and os.name == "posix":
        return lambda: _new_interpreter(message)
    methods = multiprocessing.get_all_start_methods()
    if not importable and "fork" not in methods:
        raise ValueError(
            f"backend must be a function of a module to run in a process of its own, "
            f"got {shown(backend)}"
        )
    context: Any = multiprocessing.get_context("spawn" if importable else "fork")
    return lambda: _multiprocess(context, hold, backend)


def _new_interpreter(message: bytes) -> tuple[Any, Any]:
    ours, theirs = multiprocessing.Pipe()
    number = theirs.fileno()
    process = subprocess.Popen(
        _children.python(
            "-c", f"import sys; sys.path[:] = {sys.path}; " + CODE.format(number)
        ),
        pass_fds=[number],
        stdin=subprocess.DEVNULL,
    )
    theirs.close()
    ours.send_bytes(message)
    return process, ours


def _multiprocess(context: Any, hold: Hold, backend: Any) -> tuple[Any, Any]:
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, hold, backend), daemon=True)
    with _children.environment(**_children.SAFE_PATH):
        process.start()
    theirs.close()
    return process, ours


def serve_on(number: int) -> None:
    """Answer on the pipe of this number, where the backend comes first."""
    pipe = Connection(number)
    serve(pipe, *pickle.loads(pipe.recv_bytes()))


def serve(pipe: Any, hold: Hold, backend: Any) -> None:
    """Answer until nobody asks."""
    with suppress(EOFError, OSError, KeyboardInterrupt):
        pipe.send(True)
        while True:
            case, *more = pipe.recv()
            pipe.send(hold(backend, case, *more))


def _failed(case: Any, reason: str) -> Result:
    return Result(
        case.id,
        case.tier,
        case.precision,
        "FAIL",
        reason,
        missing=tuple(case.wants),
        kind=case.kind,
    )


def _words(status: int | None) -> str:
    if status is not None and status < 0:
        with suppress(ValueError):
            return signal.Signals(-status).name
    return f"exit status {status}"
