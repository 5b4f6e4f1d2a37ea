"""Backends that are not a Python function: a command, a folder of results, a name."""

import importlib
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ... import _validate
from ..._typing import Array
from ..case import Case
from ..check import Backend
from ..files.layouts import LAYOUTS
from ..files.manifest import FOLDERS, files_of_case
from ..files.npy import decode, read_array
from ..files.reading import inside

__all__ = ["from_command", "from_name", "from_results"]

SKIPPED = 77  # what test programs of GNU Automake exit with
LAST_WORDS = 300


def from_name(name: str) -> Backend:
    """
    Return the function that ``module:function`` names.

    Parameters
    ----------
    name : str
        The module is imported as ``python -m`` would, from the working directory too.

    Returns
    -------
    callable
        The backend.

    Raises
    ------
    ValueError
        If there is no such module or function.
    """
    module_name, colon, attributes = name.partition(":")
    if not colon or not module_name or not attributes:
        raise ValueError(
            f"backend must be MODULE:FUNCTION, got {_validate.shown(name)}"
        )
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
    except (ImportError, TypeError) as error:
        raise ValueError(
            "backend must be in a module that can be imported, got "
            f"{_validate.shown(name)}: {error}"
        ) from error
    for attribute in attributes.split("."):
        found = getattr(found, attribute, None)
    if not callable(found):
        raise ValueError(f"backend must be a function, got {_validate.shown(name)}")
    backend: Backend = found
    return backend


def from_results(folder: str | os.PathLike[str]) -> Backend:
    """
    Return a backend whose answers lie in a folder already.

    Parameters
    ----------
    folder : str or path-like
        With ``ID/y.npy`` and so on; a file ``ID/SKIP`` skips the case.

    Returns
    -------
    callable
        The backend.

    Raises
    ------
    ValueError
        If it is not a folder.
    """
    root = Path(_validate.path("results", folder))
    if not root.is_dir():
        raise ValueError(f"results must be a folder, got {_validate.shown(str(root))}")

    def look(case: Any) -> dict[str, Array]:
        return _results(root, case)

    look.golden_once = True  # type: ignore[attr-defined]
    return look


def from_command(
    command: str, suite: Path | None = None, *, timeout: float = 600.0
) -> Backend:
    """
    Return a backend that runs a program for every case.

    Parameters
    ----------
    command : str
        With ``{case}``, which becomes the folder of the case, and ``{out}``, an empty
        folder for the answers. It is split as a shell would; no shell is started.
    suite : Path, optional
        Folder of the suite, as `export` wrote it; a case that is not in it, or every
        one if there is none, is written when it is asked for.
    timeout : float
        Seconds for one case.

    Returns
    -------
    callable
        The backend. A program that exits with status 77 skips the case.

    Raises
    ------
    ValueError
        If a place is missing in the command.
    """
    words = shlex.split(command)
    for place in ("{case}", "{out}"):
        if not any(place in word for word in words):
            raise ValueError(
                f"command must have {place} in it, got {_validate.shown(command)}"
            )

    def run(case: Any) -> dict[str, Array]:
        with tempfile.TemporaryDirectory() as root:
            out = Path(root) / "answers" / case.id
            out.mkdir(parents=True)
            folder = _folder_of(case, suite, Path(root))
            call = [
                word.replace("{case}", str(folder)).replace("{out}", str(out))
                for word in words
            ]
            try:
                done = subprocess.run(
                    call, capture_output=True, timeout=timeout, check=False
                )
            except subprocess.TimeoutExpired:
                raise RuntimeError(f"no answer after {timeout:g} s") from None
            if done.returncode == SKIPPED:
                raise NotImplementedError(_last_words(done.stdout + done.stderr))
            if done.returncode != 0:
                raise RuntimeError(
                    f"exit status {done.returncode}: "
                    f"{_last_words(done.stdout + done.stderr)}"
                )
            return _results(Path(root) / "answers", case)

    run.golden_once = True  # type: ignore[attr-defined]
    return run


def _folder_of(case: Any, suite: Path | None, scratch: Path) -> Path:
    """Return where a case lies, and write it there if it lies nowhere."""
    place = Path(FOLDERS[case.kind], case.id)
    if suite is not None and (suite / place).is_dir():
        return (suite / place).absolute()
    for name, data in files_of_case(case).items():
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        (scratch / name).write_bytes(data)
    return scratch / place


def _last_words(output: bytes) -> str:
    return " ".join(output.decode(errors="replace").split())[-LAST_WORDS:]


def _results(root: Path, case: Case) -> dict[str, Array]:
    """Return the answers in a folder, in whatever layout they are."""
    if inside(root, case.id, "SKIP").exists():
        raise NotImplementedError(
            (root / case.id / "SKIP").read_text(encoding="utf-8", errors="replace")
        )
    found = {}
    for name in case.wants:
        bits = inside(root, case.id, f"{name}_uint16.npy")
        if bits.is_file():
            found[name] = _from_bits(_answer(bits, case, name), bits.name)
        for key in (name, *(f"{name}_{layout}" for layout in LAYOUTS)):
            path = inside(root, case.id, f"{key}.npy")
            if path.is_file():
                found[key] = _answer(path, case, name)
    return found


def _answer(path: Path, case: Case, name: str) -> Array:
    # Dense layouts are as large as the product of both sides.
    shape = (*case.expected[name].shape, case.x[0].size)
    try:
        return decode(read_array(path, shape))
    except ValueError as error:
        raise ValueError(f"{path.name} {error}") from None


def _from_bits(bits: Array, name: str) -> Array:
    """Return the numbers whose bfloat16 has these 16 bits."""
    if bits.dtype != np.uint16:
        raise ValueError(f"{name} must hold uint16, got {bits.dtype}")
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
