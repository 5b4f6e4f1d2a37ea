"""
localnet's own file: one ``.npz`` with arrays and a JSON config, never a pickle.

The config is the entry ``config`` (UTF-8 bytes of JSON); every other entry is an array.
Which arrays there are, and what they mean, is the business of the model.
"""

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .._typing import Array, Config

__all__ = ["read", "write"]

FORMAT = "localnet"
VERSION = 1
CONFIG = "config"


def write(
    path: str | os.PathLike[str], config: Config, arrays: Mapping[str, Array]
) -> Path:
    """
    Write a config and arrays; an old file stays until the new one is whole.

    Parameters
    ----------
    path : str or path-like
        Where to; ``.npz`` is added if it has no suffix.
    config : dict
        Ready for JSON.
    arrays : mapping of str to ndarray
        Numbers only.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    if not path.suffix:
        path = path.with_suffix(".npz")
    envelope = {"format": FORMAT, "version": VERSION, **config}
    text = json.dumps(envelope).encode("utf-8")
    descriptor, temporary = tempfile.mkstemp(
        prefix=f".{path.name}.", suffix=".tmp", dir=path.parent
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            entries: dict[str, Any] = {CONFIG: np.frombuffer(text, np.uint8), **arrays}
            np.savez_compressed(file, **entries)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes the file private; give it the permissions of an ordinary one.
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def read(path: str | os.PathLike[str]) -> tuple[Config, dict[str, Array]]:
    """
    Read what `write` wrote.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    config : dict
        As it was given.
    arrays : dict of str to ndarray
        As they were given.

    Raises
    ------
    ValueError
        If the file is not one of ours, or is damaged; the message names it.
    OSError
        If it cannot be opened.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile) or CONFIG not in file.files:
                raise ValueError("it holds no config")
            config: Any = json.loads(file[CONFIG].tobytes().decode("utf-8"))
            arrays = {name: file[name] for name in file.files if name != CONFIG}
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} must be a localnet model file: {error}") from error
    if not isinstance(config, dict) or config.pop("format", None) != FORMAT:
        raise ValueError(f"{path} must be a localnet model file, got another format")
    version = config.pop("version", None)
    if version != VERSION:
        raise ValueError(f"{path} must have format version {VERSION}, got {version!r}")
    return config, arrays
