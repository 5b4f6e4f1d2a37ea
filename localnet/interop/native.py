"""
localnet's own file: one ``.npz`` with arrays and a JSON config, never a pickle.

The config is the entry ``config`` (UTF-8 bytes of JSON); every other entry is an array.
Which arrays there are, and what they mean, is the business of the model.
"""

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .. import _validate
from .._typing import Array, Config
from .atomic import write_atomically

__all__ = ["checked_path", "file_path", "read", "write"]

FORMAT = "localnet"
VERSION = 1
CONFIG = "config"
SUFFIX = ".npz"
# A file of ours under the suffix of another format would mislead its readers.
FOREIGN = (
    *(".h5", ".hdf5", ".keras", ".json", ".yaml", ".npy", ".pkl", ".pickle"),
    *(".joblib", ".pb", ".ckpt", ".onnx", ".pt", ".pth", ".safetensors", ".zip"),
)


def file_path(path: str | os.PathLike[str], name: str = "path") -> Path:
    """
    Return the name that a file of ours gets.

    Parameters
    ----------
    path : str or path-like
        ``.npz`` is added if it does not end so, in any case.
    name : str
        What an error calls the path.

    Returns
    -------
    pathlib.Path
        The disk is not looked at.

    Raises
    ------
    ValueError
        If it names no file, or its suffix is that of another format.

    See Also
    --------
    checked_path : Looks at the disk too.

    Examples
    --------
    >>> file_path("model v1.2").name, file_path("MODEL.NPZ").name
    ('model v1.2.npz', 'MODEL.NPZ')
    """
    text = _validate.path(name, path)
    given = Path(text)
    if given.name in ("", "..") or text.endswith(("/", os.sep)):
        raise ValueError(f"{name} must name a file, got {text!r}")
    suffix = given.suffix.lower()
    if suffix in FOREIGN:
        raise ValueError(
            f"{name} must end in {SUFFIX}, the format of localnet, got {text!r}"
        )
    # "weights.01-0.50" has no suffix, though it has dots.
    return given if suffix == SUFFIX else given.with_name(given.name + SUFFIX)


def checked_path(path: str | os.PathLike[str], name: str = "path") -> Path:
    """
    Return where `write` writes to, if it can be expected to.

    Parameters
    ----------
    path : str or path-like
        As for `file_path`.
    name : str
        What an error calls the path.

    Returns
    -------
    pathlib.Path
        Nothing is created.

    Raises
    ------
    ValueError
        As for `file_path`; also if a folder or a device has the name, with or without
        the suffix.
    OSError
        If its folder does not exist or cannot be written to.

    See Also
    --------
    file_path : The rule for the name alone.
    """
    file = file_path(path, name)
    for place in (Path(path), file):
        if place.exists() and not place.is_file():
            raise ValueError(f"{name} must be a regular file, got {str(place)!r}")
    if not file.parent.exists():
        raise _os_error(errno.ENOENT, file)
    if not file.parent.is_dir():
        raise _os_error(errno.ENOTDIR, file)
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise _os_error(errno.EACCES, file)
    return file


def _os_error(number: int, path: Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))


def write(
    path: str | os.PathLike[str], config: Config, arrays: Mapping[str, Array]
) -> Path:
    """
    Write a config and arrays; an old file stays until the new one is whole.

    Parameters
    ----------
    path : str or path-like
        As for `checked_path`.
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
    ValueError
        As for `checked_path`, or if JSON cannot hold the config.
    OSError
        If the file cannot be written; the error names it.
    """
    file = checked_path(path)
    try:
        envelope = json.dumps({"format": FORMAT, "version": VERSION, **config})
    except (TypeError, ValueError) as error:
        raise ValueError(f"config must be ready for JSON: {error}") from error
    text = np.frombuffer(envelope.encode("utf-8"), np.uint8)
    entries: dict[str, Any] = {CONFIG: text, **arrays}
    write_atomically(file, lambda stream: np.savez_compressed(stream, **entries))
    return file


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
    path = Path(_validate.path("path", path))
    with path.open("rb") as stream:
        try:
            config, arrays = _entries(stream)
        except Exception as error:  # zip, decompression and NumPy all have their own
            raise ValueError(
                f"{path} must be a localnet model file, got a damaged or foreign one: "
                f"{error}"
            ) from error
    if not isinstance(config, dict) or config.pop("format", None) != FORMAT:
        raise ValueError(f"{path} must be a localnet model file, got another format")
    version = config.pop("version", None)
    if version != VERSION:
        raise ValueError(f"{path} must have format version {VERSION}, got {version!r}")
    return config, arrays


def _entries(stream: BinaryIO) -> tuple[Any, dict[str, Array]]:
    file = np.load(stream, allow_pickle=False)
    if not isinstance(file, np.lib.npyio.NpzFile) or CONFIG not in file.files:
        raise ValueError("it holds no config")
    with file:
        config = json.loads(file[CONFIG].tobytes().decode("utf-8"))
        return config, {name: file[name] for name in file.files if name != CONFIG}
