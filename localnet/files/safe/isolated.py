"""
Reading in a process of its own, which may crash, hang or run out of memory.

The HDF5 library is large C code and not made for hostile bytes. Here a child process
opens the file with limits on memory and time, and hands back plain arrays in localnet's
own format, which the parent reads with every check that it makes of a stranger's file.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from ... import _children, _validate
from ..._typing import Array, Config, Shape
from .. import native
from ..contents import Contents, Stored, explained
from . import bounded_json

__all__ = ["Reader", "opened"]

SECONDS = 60.0
# Address space for Python, NumPy and HDF5, and per byte of the file.
MEMORY = 2**31
MEMORY_PER_BYTE = 8
# The child is told where its modules are, since it inherits no path of the parent's.
CHILD = (
    "import json, sys; sys.path[:] = json.loads(sys.stdin.readline()); "
    "from localnet.files.safe import isolated; isolated.serve()"
)
# Where localnet lies: "" on the path is where the parent was when it imported it, and
# the child begins where the parent is now.
HOME = str(Path(__file__).resolve().parents[3])
ERRORS: dict[str, type[Exception]] = {
    "ValueError": ValueError,
    "ImportError": ImportError,
    "OSError": OSError,
}


@contextmanager
def opened(
    path: str | os.PathLike[str],
    *,
    memory: int | None = None,
    values: bool = True,
) -> Iterator[Contents]:
    """
    Open a file of any format in a process of its own.

    Parameters
    ----------
    path : str or path-like
        The file.
    memory : int, optional
        Bytes of address space that it may have, where the system can limit that.
        Default: 2 GiB and eight times the size of the file.
    values : bool
        Whether arrays are wanted; if not, only shapes and single numbers are had.

    Yields
    ------
    Contents
        As `localnet.files.formats.opened`.

    Raises
    ------
    ValueError
        As `localnet.files.formats.opened`; also if the process dies or takes too long.
    OSError
        If the file cannot be opened.
    ImportError
        If it is HDF5 and h5py is not installed.
    """
    file = Path(_validate.file("path", path))
    if memory is None:
        memory = MEMORY + MEMORY_PER_BYTE * file.stat().st_size
    with Reader(memory) as reader, reader.read(file, SECONDS, values) as contents:
        yield contents


class Reader:
    """
    A process that reads one file after the other.

    Parameters
    ----------
    memory : int
        Bytes of address space that it may have, where the system can limit that.
    """

    def __init__(self, memory: int) -> None:
        # One thread: BLAS would take address space for each.
        self._process = subprocess.Popen(
            _children.python("-c", CHILD),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_children.ONE_THREAD},
        )
        self._send([*filter(None, sys.path), HOME])
        self._send({"memory": memory})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def _send(self, message: Any) -> None:
        if self._process.stdin is None:
            raise OSError("the reading process has no input")
        with suppress(OSError):  # a process that has died says so when it is read from
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def _answer(self, path: Path, seconds: float) -> Any:
        if self._process.stdout is None:
            raise OSError("the reading process has no output")
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            line = self._process.stdout.readline(bounded_json.MAX_BYTES)
        finally:
            timer.cancel()
        if line:
            with explained(path):
                return bounded_json.loads("answer", line)
        code = self._process.wait()
        how = f"took longer than {seconds:g} s" if late.is_set() else f"died ({code})"
        raise ValueError(
            f"{path} must be a model or weights file, got a damaged or foreign one: "
            f"the process that read it {how}"
        )

    @contextmanager
    def read(
        self, path: Path, seconds: float = SECONDS, values: bool = True
    ) -> Iterator[Contents]:
        """
        Open a file; see `opened`.

        Parameters
        ----------
        path : pathlib.Path
            The file.
        seconds : float
            Time after which the process is ended, for good.
        values : bool
            Whether arrays are wanted.

        Yields
        ------
        Contents
            Valid inside the block.
        """
        with tempfile.TemporaryDirectory(prefix="localnet-") as folder:
            result = Path(folder) / "contents.npz"
            request = {"path": path.absolute(), "result": result}
            self._send({k: str(v) for k, v in request.items()} | {"values": values})
            answer = self._answer(path, seconds)
            if answer != {"done": True} or not result.is_file():
                raise _error(answer, path)
            with ExitStack() as stack:
                with explained(path):
                    stream = stack.enter_context(result.open("rb"))
                    config, arrays = stack.enter_context(native.entries(stream))
                    contents = _contents(config, arrays).reading_as(path)
                yield contents


def _error(answer: Any, path: Path) -> Exception:
    """Return the error that the child met, in the words of this process."""
    kind = answer.get("error") if isinstance(answer, dict) else None
    if kind in ERRORS and isinstance(answer.get("message"), str):
        message = answer["message"].replace(str(path.absolute()), str(path))
        if kind == "OSError" and isinstance(answer.get("errno"), int):
            return OSError(answer["errno"], message, str(path))
        return ERRORS[kind](message)
    return ValueError(
        f"{path} must be a model or weights file, its reader said {answer!r:.100}"
    )


def _contents(config: Config, arrays: dict[str, Stored]) -> Contents:
    def taken(described: Any) -> Stored:
        name, shape, dtype = described
        if name in arrays:
            return arrays[name]
        return Stored(_validate.shape("shape", shape), np.dtype(dtype), _not_there)

    layers, optimizer = config["layers"], config["optimizer"]
    return Contents(
        format=config["contents"],
        layers={key: [taken(array) for array in group] for key, group in layers},
        keyed_by=config["keyed_by"],
        config=config["config"],
        training=config["training"],
        optimizer={key: taken(array) for key, array in optimizer},
        random=config["random"],
        versions=config["versions"],
    )


def _not_there() -> Array:
    raise ValueError("its values were not asked for")


# In the child --------------------------------------------------------------------


def serve() -> None:
    """Read files as standard input asks for, until it ends."""
    from .. import formats

    limits = json.loads(sys.stdin.readline())
    with suppress(ImportError):
        import h5py  # noqa: F401  before the limit holds
    limit_memory(limits["memory"])
    for line in sys.stdin:
        request = json.loads(line)
        answer: Config = {"done": True}
        try:
            with formats.opened(request["path"]) as contents:
                _hand_back(Path(request["result"]), contents, request["values"])
        except OSError as error:
            answer = {
                "error": "OSError",
                "errno": error.errno,
                "message": error.strerror or str(error),
            }
        except (ValueError, ImportError) as error:
            answer = {"error": type(error).__name__, "message": str(error)}
        except MemoryError:
            answer = {
                "error": "ValueError",
                "message": f"{request['path']} must fit into memory, asks for too much",
            }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def limit_memory(memory: int) -> None:
    """Bound the address space of this process, where the system can do that."""
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        memory = min(memory, hard)
    with suppress(ValueError, OSError):  # macOS refuses some limits
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (memory, memory))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _hand_back(result: Path, contents: Contents, values: bool) -> None:
    arrays: dict[str, Any] = {}

    def kept(stored: Stored) -> tuple[str, Shape, str]:
        name = ""
        if values or stored.size == 1:
            name = f"{len(arrays):06d}"
            arrays[name] = stored.read()
        return name, stored.shape, stored.dtype.str

    layers = [(key, [kept(s) for s in group]) for key, group in contents.layers.items()]
    optimizer = [(key, kept(stored)) for key, stored in contents.optimizer.items()]
    config = {
        "format": native.FORMAT,
        "version": native.VERSION,
        "contents": contents.format,
        "layers": layers,
        "keyed_by": contents.keyed_by,
        "config": contents.config,
        "training": contents.training,
        "optimizer": optimizer,
        "random": contents.random,
        "versions": contents.versions,
    }
    text = np.frombuffer(json.dumps(config).encode("utf-8"), np.uint8)
    entries: dict[str, Any] = {native.CONFIG: text, **arrays}
    with result.open("wb") as stream:
        np.savez(stream, **entries)
