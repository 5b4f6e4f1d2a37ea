"""
localnet's own file: one ``.npz`` with arrays and a JSON config, never a pickle.

The config is the entry ``config`` (UTF-8 bytes of JSON); every other entry is an array.
Which arrays there are, and what they mean, is the business of the model.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .._typing import Array, Config

__all__ = ["read", "write"]

FORMAT = "localnet"
VERSION = 1
CONFIG = "config"
SUFFIX = ".npz"
# A file of ours under the suffix of another format would mislead its readers.
FOREIGN = (
    *(".h5", ".hdf5", ".keras", ".json", ".yaml", ".npy", ".pkl", ".pickle"),
    *(".joblib", ".pb", ".ckpt", ".onnx", ".pt", ".pth", ".safetensors", ".zip"),
)


def write(
    path: str | os.PathLike[str], config: Config, arrays: Mapping[str, Array]
) -> Path:
    """
    Write a config and arrays; an old file stays until the new one is whole.

    Parameters
    ----------
    path : str or path-like
        Where to; ``.npz`` is added if it is not there.
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
        If the suffix is that of another format, or JSON cannot hold the config.
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in FOREIGN:
        raise ValueError(
            f"path must end in {SUFFIX}, the format of localnet, got {str(path)!r}"
        )
    if suffix != SUFFIX:  # "weights.01-0.50" has no suffix, though it has dots
        path = path.with_name(path.name + SUFFIX)
    try:
        envelope = json.dumps({"format": FORMAT, "version": VERSION, **config})
    except (TypeError, ValueError) as error:
        raise ValueError(f"config must be ready for JSON: {error}") from error
    descriptor, temporary = tempfile.mkstemp(
        prefix=f".{path.name}.", suffix=".tmp", dir=path.parent
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            text = np.frombuffer(envelope.encode("utf-8"), np.uint8)
            entries: dict[str, Any] = {CONFIG: text, **arrays}
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
