"""Writing a suite to a folder, whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ... import _validate
from ..case import Suite
from .layouts import LAYOUTS
from .manifest import MANIFEST, SCHEMA, files_of
from .schema import schema_text

__all__ = ["export", "free_folder", "new_folder"]


def export(
    path: str | os.PathLike[str],
    suite: Suite | None = None,
    *,
    layouts: Iterable[str] = (),
) -> Path:
    """
    Write a suite to a new folder.

    Parameters
    ----------
    path : str or path-like
        The folder; it must not exist, or be empty.
    suite : Suite, optional
        Default: that of `load_suite`.
    layouts : iterable of {"6d", "keras2", "keras3", "jax", "torch", "uint16"}
        Layouts in which kernels and biases are given too, where they can express the
        case. Cases made by hand have the readable layout "6d" in any case. "uint16"
        gives all inputs of cases in bfloat16 as their 16 bits, too: ``x_uint16.npy``
        and so on.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    ValueError
        If a layout is unknown, or the folder is not empty.
    OSError
        If it cannot be written; nothing is left of it then.

    See Also
    --------
    load_suite : Reads it again.

    Notes
    -----
    The bytes are the same on every machine and with every version of NumPy.
    """
    from ..suite import load_suite

    if isinstance(layouts, str) or not isinstance(layouts, Iterable):
        raise ValueError(
            f"layouts must be a list of names, got {_validate.shown(layouts)}"
        )
    layouts = [
        _validate.choice("layout", name, (*LAYOUTS, "uint16")) for name in layouts
    ]
    with new_folder("path", path) as (folder, partial):
        files = files_of(load_suite() if suite is None else suite, layouts)
        for name, data in files.others.items():
            file = partial / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        (partial / SCHEMA).write_bytes(schema_text().encode())
        (partial / MANIFEST).write_bytes(files.manifest)
    return folder


def free_folder(argument: str, path: str | os.PathLike[str]) -> Path:
    """
    Refuse a folder that there is something in; nothing is made.

    Parameters
    ----------
    argument : str
        What the path is called.
    path : str or path-like
        The folder; it must not exist, or be empty.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ValueError
        If there is something in the way.
    """
    folder = Path(_validate.path(argument, path))
    rule = (
        f"{argument} must be a new or empty folder, got {_validate.shown(str(folder))}"
    )
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ValueError(rule)
    if folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"{rule} with files in it")
    return folder


@contextmanager
def new_folder(
    argument: str, path: str | os.PathLike[str]
) -> Iterator[tuple[Path, Path]]:
    """
    Give a folder to write to that becomes the wanted one when all is written.

    Parameters
    ----------
    argument : str
        What the path is called.
    path : str or path-like
        The folder; it must not exist, or be empty.

    Yields
    ------
    folder, partial : Path
        The one that is wanted, and the one to write to.

    Raises
    ------
    ValueError
        If there is something in the way.
    """
    folder = free_folder(argument, path)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}-{secrets.token_hex(8)}")
    partial.mkdir()
    try:
        yield folder, partial
        if folder.is_dir():
            folder.rmdir()
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
