"""
localnet's own file: one ``.npz`` with arrays and a JSON config, never a pickle.

The config is the entry ``config`` (UTF-8 bytes of JSON); every other entry is an array.
Which arrays there are, and what they mean, is the business of the model.
"""

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .. import _validate
from .._typing import Array, Config
from .contents import Contents, Stored, explained
from .safe import bounded_json, zips
from .safe.atomic import write_atomically

__all__ = ["SUFFIX", "opened", "read", "write"]

FORMAT = "localnet"
VERSION = 1
CONFIG = "config"
SUFFIX = ".npz"
WEIGHTS = "weights/"
OPTIMIZER = "optimizer/"


def write(
    path: Path,
    config: Config,
    arrays: Mapping[str, Array],
    *,
    compress: bool = True,
) -> None:
    """
    Write a config and arrays; an old file stays until the new one is whole.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    config : dict
        Ready for JSON.
    arrays : mapping of str to ndarray
        Numbers only.
    compress : bool
        Whether to spend some twenty times as long on a file that is a little smaller.

    Raises
    ------
    ValueError
        If JSON cannot hold the config, or `read` would find it too long.
    OSError
        If the file cannot be written; the error names it.
    """
    try:
        envelope = json.dumps({"format": FORMAT, "version": VERSION, **config})
    except (TypeError, ValueError) as error:
        raise ValueError(f"config must be ready for JSON: {error}") from error
    if len(envelope) > bounded_json.MAX_BYTES:
        raise ValueError(
            f"config must have at most {bounded_json.MAX_BYTES} bytes of JSON, "
            f"got {len(envelope)}"
        )
    text = np.frombuffer(envelope.encode("utf-8"), np.uint8)
    entries: dict[str, Any] = {CONFIG: text, **arrays}
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    write_atomically(path, lambda stream: _write_entries(stream, entries, method))


def _write_entries(stream: BinaryIO, entries: Mapping[str, Any], method: int) -> None:
    """Write an ``.npz``; `numpy.savez` of NumPy 2.0 leaves a failed zip open."""
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, array in entries.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(
                    entry, np.asanyarray(array), allow_pickle=False
                )


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
    with (
        path.open("rb") as stream,
        explained(path),
        entries(stream) as (config, arrays),
    ):
        return config, {name: stored.read() for name, stored in arrays.items()}


@contextmanager
def opened(stream: BinaryIO) -> Iterator[Contents]:
    """
    Open a file of ours.

    Parameters
    ----------
    stream : binary file
        Must stay open for as long as arrays are read.

    Yields
    ------
    Contents
        Of a model or of weights alone.

    Raises
    ------
    Exception
        Whatever damaged bytes give rise to.
    """
    with entries(stream) as (config, arrays):
        weights_only = config.get("class_name") in ("weights", "checkpoint")
        yield Contents(
            format="localnet",
            layers=_by_layer(
                config.get("weights"),
                [arrays[name] for name in sorted(arrays) if name.startswith(WEIGHTS)],
            ),
            keyed_by="nothing",
            config=None if weights_only else config,
            training=config.get("training"),
            optimizer={
                name.removeprefix(OPTIMIZER): stored
                for name, stored in arrays.items()
                if name.startswith(OPTIMIZER)
            },
            random=config.get("random"),
        )


def _by_layer(counts: Any, flat: list[Stored]) -> dict[str, list[Stored]]:
    """Return the weights by layer, or in one group, as old files have them."""
    if (
        not isinstance(counts, dict)
        or any(type(count) is not int or count < 0 for count in counts.values())
        or sum(counts.values()) != len(flat)
    ):
        return {WEIGHTS: flat}
    rest = iter(flat)
    return {path: list(islice(rest, count)) for path, count in counts.items()}


@contextmanager
def entries(stream: BinaryIO) -> Iterator[tuple[Config, dict[str, Stored]]]:
    with zips.opened(stream) as archive:
        arrays = {}
        for entry in archive.names:
            name, suffix = entry[: -len(".npy")], entry[-len(".npy") :]
            if suffix != ".npy":
                raise ValueError(f"entry {entry!r} must be an array, ending in .npy")
            arrays[name] = zips.stored_array(archive, entry)
        text = arrays.pop(CONFIG, None)
        if text is None:
            raise ValueError("it holds no config")
        if text.nbytes > bounded_json.MAX_BYTES:
            raise ValueError(f"config must have at most {bounded_json.MAX_BYTES} bytes")
        config = bounded_json.loads("config", text.read().tobytes())
        if not isinstance(config, dict) or config.pop("format", None) != FORMAT:
            raise ValueError("it is another format")
        version = config.pop("version", None)
        if version != VERSION:
            raise ValueError(
                f"format version must be {VERSION}, got {_validate.shown(version)}"
            )
        yield config, arrays
