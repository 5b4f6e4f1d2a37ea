"""Files get their names when they are whole and verified, never before."""

import importlib.util
import io
import json
import keyword
import os
import sys
import tempfile
import types
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import _validate
from ..files.safe.atomic import check_place

__all__ = [
    "check_beside",
    "checked",
    "load_source",
    "npz_bytes",
    "place",
    "require",
    "write_keras",
]

# What a file of the same name would hide, from itself too.
TAKEN = {*sys.stdlib_module_names, "jax", "jaxlib", "localnet", "numpy", "torch"}


def checked(path: Any, suffix: str) -> Path:
    """
    Return the path of a file that is to be written, and refuse what cannot be.

    Parameters
    ----------
    path : str or path-like
        Of the file.
    suffix : str
        What its name ends in.

    Returns
    -------
    pathlib.Path
        Nothing was created.

    Raises
    ------
    ValueError
        If the name ends in something else, is that of a folder, or, of source, a word
        of Python or the name of a module that the file itself needs.
    OSError
        If its folder does not exist or cannot be written to.
    """
    found = Path(_validate.path("path", path))
    if found.suffix != suffix:
        raise ValueError(
            f"path must end in {suffix!r}, got {_validate.shown(str(found))}"
        )
    if suffix == ".py" and (keyword.iskeyword(found.stem) or found.stem in TAKEN):
        raise ValueError(
            "path must be the name of a module that hides no other, got "
            f"{_validate.shown(str(found))}"
        )
    check_place(found)
    return found


def check_beside(path: Path) -> None:
    """
    Refuse a name whose weights would replace a file that no export has made.

    Parameters
    ----------
    path : pathlib.Path
        Of source; its weights go into the .npz beside it.

    Raises
    ------
    ValueError
        If there is such a .npz without the source, or one that holds a model.
    """
    weights = path.with_suffix(".npz")
    if not weights.is_file():
        return
    holds_model = False
    if zipfile.is_zipfile(weights):
        with zipfile.ZipFile(weights) as archive:
            holds_model = "config.npy" in archive.namelist()
    if holds_model or not path.exists():
        raise ValueError(
            f"path must be a name of its own, got {_validate.shown(str(path))}, whose "
            "weights would "
            f"replace {weights.name}"
        )


def require(package: str, target: str) -> None:
    """
    Refuse to verify without what runs the result.

    Parameters
    ----------
    package : str
        To be imported.
    target : str
        What errors call it.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    if importlib.util.find_spec(package) is None:
        raise ImportError(
            f"{target} must be installed to verify what is exported (pip install "
            f"{package}); --no-verify, or verify=False, writes it unverified"
        )


def npz_bytes(arrays: Mapping[str, Any]) -> bytes:
    """
    Return arrays as the content of a .npz file: equal arrays give equal bytes.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        By name.

    Returns
    -------
    bytes
        Of a file without compression and without dates.

    Examples
    --------
    >>> len(npz_bytes({"a": np.zeros(3)})) == len(npz_bytes({"a": np.ones(3)}))
    True
    """
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def write_keras(model: Any, path: Path) -> None:
    """
    Save a model of Keras 3, without the hour and the addresses of the process.

    Parameters
    ----------
    model : keras.Model
        To be saved.
    path : pathlib.Path
        Of the file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Keras and h5py
        model.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    metadata = json.loads(parts["metadata.json"])
    metadata.pop("date_saved", None)
    parts["metadata.json"] = json.dumps(metadata).encode()
    config = _numbered(json.loads(parts["config.json"]), {})
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            # An entry that is made from a name alone has the oldest date there is.
            archive.writestr(zipfile.ZipInfo(name), content)


def _numbered(config: Any, known: dict[Any, int]) -> Any:
    """Return a config in which shared objects are numbered as they come."""
    if isinstance(config, list):
        return [_numbered(value, known) for value in config]
    if not isinstance(config, dict):
        return config
    return {
        key: known.setdefault(value, len(known))
        if key == "shared_object_id" and value is not None
        else _numbered(value, known)
        for key, value in config.items()
    }


def load_source(path: Path) -> Any:
    """
    Run a file that was just written, without a trace of it in the import system.

    Parameters
    ----------
    path : pathlib.Path
        Of the file.

    Returns
    -------
    module
        With what the file defines.
    """
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    exec(compile(path.read_text("utf-8"), str(path), "exec"), vars(module))
    return module


def place(
    path: Path,
    write: Callable[[Path], None],
    verify: Callable[[Path], Any] | None,
    *,
    beside: str | None = None,
) -> Any:
    """
    Let `write` make a file, verify it, and give it its name; else nothing is left.

    Parameters
    ----------
    path : pathlib.Path
        Which `checked` returned.
    write : callable
        Takes the path to write to, of the same name but in a folder that is hidden.
    verify : callable, optional
        Takes the same path and returns what is returned; raises if it finds a fault.
    beside : str, optional
        Suffix of a second file that `write` makes, which gets its name first.

    Returns
    -------
    object
        What `verify` returned, or None.
    """
    names = [path] if beside is None else [path.with_suffix(beside), path]
    for name in names:
        check_place(name)
    hidden = tempfile.TemporaryDirectory(prefix=".localnet-", dir=path.parent)
    with hidden as folder:
        written = Path(folder) / path.name
        write(written)
        found = None if verify is None else verify(written)
        for name in names:
            made = written.with_suffix(name.suffix)
            with made.open("rb") as stream:
                os.fsync(stream.fileno())
            made.replace(name)
    return found
