"""
A student's code in a process of its own; `grading` starts this file as a script.

What is expected stays in the process that grades: here is NumPy, and no localnet unless
the assignment lends it. Both sides talk in lines of JSON, so that what comes back is
numbers and words, nothing that runs. Imports nothing of localnet, on purpose.
"""

import base64
import importlib
import io
import json
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

__all__ = ["IDLE", "OVERTIME", "Broken", "Channel", "Gone", "Other", "main"]

OVERTIME, IDLE = 97, 98  # exit status when time is up
MEMORY = 4 * 2**30  # bytes
LARGEST = 2**24  # bytes of an answer
STARTS_PROGRAMS = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
)
PACKAGE = Path(__file__).resolve().parent.parent
RULE = "write it yourself; NumPy is allowed, localnet is not"


class Broken(Exception):
    """What went wrong on the other side: a sentence and perhaps a hint."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


class Gone(Exception):
    """The other side ended."""


class Other(str):
    """A value that is no number, array or list of them: what it is, in words."""

    __slots__ = ()


class Refused(ImportError):
    """Something that an assignment does not allow."""


class Channel:
    """
    Two processes that call each other's functions.

    Parameters
    ----------
    read, write : binary file
        The other side writes what is read, and reads what is written.
    explain : callable
        Gets an exception of a function here; returns a sentence and a hint.
    """

    def __init__(
        self,
        read: BinaryIO,
        write: BinaryIO,
        explain: Callable[[BaseException], tuple[str, str]],
    ) -> None:
        self._read, self._write, self._explain = read, write, explain
        self._functions: list[Callable[..., Any]] = []
        self.waiting = False

    def lend(self, function: Callable[..., Any]) -> int:
        """Let the other side call a function; return its number."""
        self._functions.append(function)
        return len(self._functions) - 1

    def call(self, number: int, *arguments: Any, **named: Any) -> Any:
        """Call a function of the other side, and serve its calls until it answers."""
        self._send({"call": number, "with": self._pack([list(arguments), named])})
        while True:
            message = self._receive()
            if "call" not in message:
                break
            self._serve(message)
        if "reason" in message:
            raise Broken(message["reason"], message["hint"])
        return self._unpack(message["answer"])

    def serve(self) -> None:
        """Serve calls until the other side goes away."""
        while True:
            try:
                message = self._receive()
            except Gone:
                return
            self._serve(message)

    def _serve(self, message: dict[str, Any]) -> None:
        try:
            arguments, named = self._unpack(message["with"])
            answer = self._pack(self._functions[message["call"]](*arguments, **named))
        except Gone:
            raise
        except BaseException as error:
            reason, hint = self._explain(error)
            self._send({"reason": reason, "hint": hint})
        else:
            self._send({"answer": answer})

    def _send(self, message: dict[str, Any]) -> None:
        self._write.write(json.dumps(message).encode("ascii") + b"\n")
        self._write.flush()

    def _receive(self) -> dict[str, Any]:
        self.waiting = True
        line = self._read.readline()
        self.waiting = False
        if not line.endswith(b"\n"):
            raise Gone
        return dict(json.loads(line))

    def _pack(self, value: Any) -> Any:
        """Turn a value into what JSON can hold."""
        if isinstance(value, np.generic) and value.dtype.kind in "biuf":
            value = value.item()
        if value is None or type(value) in (bool, int, float, str):
            return {"plain": value}
        if isinstance(value, (list, tuple)):
            return {type(value).__name__: [self._pack(item) for item in value]}
        if isinstance(value, dict):
            return {"dict": [[str(k), self._pack(v)] for k, v in value.items()]}
        if isinstance(value, np.ndarray):
            return _packed_array(value)
        if isinstance(value, np.random.Generator):
            return {"rng": value.bit_generator.state}
        if isinstance(value, (Iterator, types.GeneratorType)):
            return {"other": "a generator (yield); return the whole"}
        if callable(value) and not isinstance(value, type):
            return {"function": self.lend(value)}
        return {"other": f"a {type(value).__name__}"}

    def _unpack(self, packed: dict[str, Any]) -> Any:
        ((kind, value),) = packed.items()
        if kind == "plain":
            return value
        if kind in ("list", "tuple"):
            items = [self._unpack(item) for item in value]
            return items if kind == "list" else tuple(items)
        if kind == "dict":
            return {key: self._unpack(item) for key, item in value}
        if kind == "array":
            return _read_only(np.load(io.BytesIO(base64.b64decode(value))))
        if kind == "rng":
            rng = np.random.default_rng()
            rng.bit_generator.state = value
            return rng
        if kind == "function":
            return lambda *arguments, **named: self.call(value, *arguments, **named)
        return Other(value)


def _packed_array(array: np.ndarray[Any, Any]) -> dict[str, str]:
    if array.dtype.kind not in "biufc":
        return {"other": f"an array of dtype {array.dtype}"}
    if array.nbytes > LARGEST:
        return {"other": f"an array of shape {array.shape}"}
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return {"array": base64.b64encode(file.getvalue()).decode("ascii")}


def _read_only(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array over bytes, which no flag makes writable."""
    return np.ndarray(array.shape, array.dtype, array.tobytes())


def main(folder: str, seconds: str, lends: str) -> None:
    """Serve a homework: functions by name, in a process with limits."""
    lent = "lent" if lends == "lent" else ""
    if lent:
        sys.path.append(str(PACKAGE.parent))
        importlib.import_module("localnet.ops")
        sys.path.pop()
    channel = Channel(*_private_files(), lambda error: explain(error, folder))
    homework: list[types.ModuleType] = []

    def load() -> None:
        homework.append(importlib.import_module("homework"))

    def run(name: str, *arguments: Any, **named: Any) -> Any:
        function = getattr(homework[0], name, None)
        if not callable(function):
            raise Broken(f"homework.py has no function {name}")
        return function(*arguments, **named)

    def listed(name: str, *arguments: Any, **named: Any) -> Any:
        answer = run(name, *arguments, **named)
        return list(answer) if isinstance(answer, Iterator) else answer

    for function in (load, run, listed):
        channel.lend(function)
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    os.environ.clear()
    _set_limits(float(seconds), channel)
    guard = Guard(lends=bool(lent))
    sys.meta_path.insert(0, guard)
    sys.addaudithook(guard)
    channel.serve()
    os._exit(0)


def _private_files() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes, and give the student an empty input and a silent output."""
    read, write = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(silence, number)
    return read, write


def _set_limits(seconds: float, channel: Channel) -> None:
    """
    End this process after so many seconds of its own work, or of doing nothing.

    What others do on the machine does not count. The system ends what keeps Python from
    running this watch.
    """
    start = time.process_time()
    try:
        import resource
    except ImportError:
        pass
    else:
        soft = int(start + seconds) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (soft, soft + 1))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        most = resource.getrlimit(resource.RLIMIT_AS)[1]
        limit = MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most)
        resource.setrlimit(resource.RLIMIT_AS, (limit, most))

    def watch() -> None:
        busy, idle, nap = start, 0.0, min(0.2, seconds / 5)
        while True:
            time.sleep(nap)
            now = time.process_time()
            if now - start > seconds:
                os._exit(OVERTIME)
            idle = 0.0 if channel.waiting or now - busy > nap / 100 else idle + nap
            busy = now
            if idle > seconds:
                os._exit(IDLE)

    threading.Thread(target=watch, daemon=True).start()


class Guard:
    """
    What refuses localnet, its files, and other programs.

    Parameters
    ----------
    lends : bool
        Whether ``localnet.ops`` may be imported.
    """

    def __init__(self, *, lends: bool) -> None:
        self._lends = lends
        self._rule = "only localnet.ops is allowed here" if lends else RULE
        self._homes = ("localnet.ops", "localnet.geometry") if lends else ()

    def find_spec(self, name: str, *_: Any) -> None:
        """Refuse a module, as the first of ``sys.meta_path``: it is asked by name."""
        if name.split(".")[0] == "localnet" and not name.startswith(self._homes):
            raise Refused(f"it imports {name}: {self._rule}")

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Refuse what Python is about to do, as a hook that cannot be taken out."""
        if event == "import":
            self.find_spec(str(arguments[0]))
        elif event == "open" and not self._lends:
            path = arguments[0]
            named = isinstance(path, (str, bytes, os.PathLike))
            inside = str(PACKAGE) + os.sep
            if named and os.path.realpath(os.fsdecode(path)).startswith(inside):
                name = Path(os.fsdecode(path)).name
                raise Refused(f"it reads {name} of localnet: {self._rule}")
        elif event in STARTS_PROGRAMS:
            raise Refused(f"it starts another program ({event})")


def explain(error: BaseException, folder: str) -> tuple[str, str]:
    """Return a sentence about what a student's code raised, and perhaps a hint."""
    text = " ".join(str(error).split())[:300]
    where = _line(error, folder)
    if isinstance(error, Broken):
        return text, error.hint
    if isinstance(error, Refused):
        return f"not allowed{where}: {text}", "Take that line out."
    if isinstance(error, NotImplementedError):
        return f"not written yet: {text}", ""
    if isinstance(error, SyntaxError):
        name = Path(error.filename or "homework.py").name
        if "utf-8" in text.lower():
            hint = "Save it as UTF-8 in your editor, or keep to the letters of English."
            return "homework.py is not saved as UTF-8, so Python cannot read it", hint
        line = f" (line {error.lineno})" if error.lineno else ""
        return f"Python cannot read {name}: {error.msg}{line}", ""
    if isinstance(error, RecursionError):
        return f"a function calls itself without end{where}", "What ends the calls?"
    if isinstance(error, MemoryError):
        return f"it needs too much memory{where}", "How large are your arrays?"
    if isinstance(error, EOFError):
        return f"it waits for input{where}", "Take the arguments; nobody types."
    if type(error).__name__ == "BdbQuit":
        hint = "Take it out, or try it with test_homework.py: here nobody types."
        return f"it stops at a breakpoint{where}", hint
    if isinstance(error, SystemExit):
        return f"it ends Python{where}", "Return an answer; do not exit."
    if isinstance(error, ValueError) and (
        "read-only" in text or "set WRITEABLE flag" in text
    ):
        return (
            f"it writes into an argument, or into a view of one{where}: {text}",
            "Do not write into an argument: make a new array, or copy it first.",
        )
    said = f": {text}" if text else ""
    return f"{type(error).__name__}{said}{where}", ""


def _line(error: BaseException, folder: str) -> str:
    """Say in which line of the homework an error arose."""
    file, found, step = str(Path(folder, "homework.py")), None, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == file:
            found = step.tb_lineno
        step = step.tb_next
    return _at(found)


def _at(line: int | None) -> str:
    return f" (line {line} of homework.py)" if line else ""


if __name__ == "__main__":
    main(*sys.argv[1:])
