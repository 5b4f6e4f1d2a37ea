"""
Which format a file has: by its suffix when it is written, by its bytes when it is read.

This is the one place that knows all formats.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from .. import _validate
from .._typing import Config
from . import native
from .contents import Contents, explained
from .keras import legacy_h5, v3
from .safe import zips
from .safe.atomic import check_place, naming
from .safe.hdf5 import h5py_module

__all__ = [
    "KERAS_H5",
    "KERAS_V3",
    "NATIVE",
    "checked_path",
    "file_path",
    "format_of",
    "opened",
    "saved_path",
]

NATIVE = "native"
KERAS_H5 = "keras_h5"
KERAS_V3 = "keras_v3"

# The longest suffix that fits decides.
MODEL_SUFFIXES = {
    ".npz": NATIVE,
    ".h5": KERAS_H5,
    ".hdf5": KERAS_H5,
    ".keras": KERAS_V3,
}
WEIGHTS_SUFFIXES = {
    ".npz": NATIVE,
    ".weights.h5": KERAS_V3,
    ".h5": KERAS_H5,
    ".hdf5": KERAS_H5,
}
# A file of ours under the suffix of another format would mislead its readers.
FOREIGN = (
    *(".json", ".yaml", ".npy", ".pkl", ".pickle", ".joblib", ".pb"),
    *(".onnx", ".pt", ".pth", ".safetensors", ".zip", ".keras", ".weights.h5"),
)


def _suffixes(weights_only: bool) -> dict[str, str]:
    return WEIGHTS_SUFFIXES if weights_only else MODEL_SUFFIXES


def file_path(
    path: str | os.PathLike[str], name: str = "path", *, weights_only: bool = False
) -> Path:
    """
    Return the name that a file gets.

    Parameters
    ----------
    path : str or path-like
        ``.npz`` is added if it does not end in the suffix of a format, in any case.
    name : str
        What an error calls the path.
    weights_only : bool
        Whether it is for weights alone and not for a model.

    Returns
    -------
    pathlib.Path
        The disk is not looked at.

    Raises
    ------
    ValueError
        If it names no file, or its suffix is that of a format that cannot be written.

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
        raise ValueError(f"{name} must name a file, got {_validate.shown(text)}")
    suffixes = _suffixes(weights_only)
    lower = given.name.lower()
    for foreign in FOREIGN:
        if lower.endswith(foreign) and foreign not in suffixes:
            allowed = ", ".join(suffixes)
            what = "weights" if weights_only else "a model"
            raise ValueError(
                f"{name} must end in one of {allowed} to hold {what}, got "
                f"{_validate.shown(text)}"
            )
    # "weights.01-0.50" has no suffix, though it has dots.
    known = lower.endswith(tuple(suffixes))
    return given if known else given.with_name(given.name + native.SUFFIX)


def saved_path(path: str | os.PathLike[str]) -> str:
    """
    Return the file that was saved under a path.

    Parameters
    ----------
    path : str or path-like
        As it was given to ``save``, so perhaps without the suffix that the file got.

    Returns
    -------
    str
        The path itself if there is no such file.

    Raises
    ------
    ValueError
        If there is one with the suffix and one without.
    """
    text = _validate.path("path", path)
    suffixed = f"{text}{native.SUFFIX}"
    if not text or text.lower().endswith((*MODEL_SUFFIXES, *WEIGHTS_SUFFIXES)):
        return text
    try:
        was_added = Path(suffixed).is_file()
    except OSError:  # too long a name
        was_added = False
    if not was_added:
        return text
    if Path(text).exists():
        raise ValueError(
            f"path must name one file, got {_validate.shown(text)} beside "
            f"{suffixed!r}: name the one "
            "with its suffix, or move the other one"
        )
    return suffixed


def format_of(path: Path, *, weights_only: bool = False) -> str:
    """
    Return the format that a path from `file_path` is written in.

    Parameters
    ----------
    path : pathlib.Path
        With a suffix.
    weights_only : bool
        Whether it is for weights alone and not for a model.

    Returns
    -------
    str
        `NATIVE`, `KERAS_H5` or `KERAS_V3`.

    Examples
    --------
    >>> format_of(Path("x.weights.h5"), weights_only=True)
    'keras_v3'
    """
    lower = path.name.lower()
    for suffix, file_format in _suffixes(weights_only).items():
        if lower.endswith(suffix):
            return file_format
    raise ValueError(
        f"path must end in the suffix of a format, got {_validate.shown(str(path))}"
    )


def checked_path(
    path: str | os.PathLike[str], name: str = "path", *, weights_only: bool = False
) -> Path:
    """
    Return where a file is written to, if that can be expected to work.

    Parameters
    ----------
    path : str or path-like
        As for `file_path`.
    name : str
        What an error calls the path.
    weights_only : bool
        As for `file_path`.

    Returns
    -------
    pathlib.Path
        Nothing is created.

    Raises
    ------
    ValueError
        As for `file_path`; also if a folder or a device has the name, with or without
        the suffix.
    ImportError
        If the format needs h5py and it is not installed.
    OSError
        If its folder does not exist or cannot be written to.

    See Also
    --------
    file_path : The rule for the name alone.
    """
    file = file_path(path, name, weights_only=weights_only)
    if format_of(file, weights_only=weights_only) != NATIVE:
        h5py_module()
    for place in (file, Path(path)):
        check_place(place, name)
    return file


@contextmanager
def opened(
    path: str | os.PathLike[str], budget: Callable[[Config], int] | None = None
) -> Iterator[Contents]:
    """
    Open a model or weights file of any format that localnet reads.

    Parameters
    ----------
    path : str or path-like
        Its bytes tell the format, whatever its suffix.
    budget : callable, optional
        From a model's config to the bytes that its weights may take; asked before a
        compressed file within a file is decompressed.

    Yields
    ------
    Contents
        Its arrays can be read inside the block.

    Raises
    ------
    ValueError
        If the file is of no known format, is damaged, or claims what it cannot hold.
        The message names it.
    OSError
        If it cannot be opened.
    ImportError
        If it is HDF5 and h5py is not installed.
    """
    text = _validate.file("path", path)
    file = Path(text)
    if file.is_fifo():  # whose opening would wait for ever
        raise ValueError(
            f"path must be of a file that can be sought in, got {_validate.shown(text)}"
        )
    if (file / "saved_model.pb").exists():
        raise ValueError(
            f"{file} must be a file, got a SavedModel of TensorFlow: load it there, "
            "and save it as .h5 or .keras"
        )
    if file.suffix == ".index" or (
        not file.exists() and file.with_name(f"{file.name}.index").exists()
    ):
        raise ValueError(
            f"{file} must be a file of Keras, got a checkpoint of TensorFlow: load it "
            "there with load_weights, and save_weights to a .h5"
        )
    with file.open("rb") as stream:
        with naming(file):
            magic = stream.read(8)
        stream.seek(0)
        if magic.startswith(legacy_h5.MAGIC):
            codec = legacy_h5.opened(stream)
        elif magic.startswith(b"PK"):
            names = _entries_of(file, stream)
            codec = (
                v3.opened(stream, budget)
                if v3.CONFIG in names
                else native.opened(stream)
            )
        else:
            if magic.startswith(b"{"):
                raise ValueError(
                    f"{file} must be a model or weights file, got JSON: the config of "
                    "a model is read by model_from_json, its weights by load_weights"
                )
            what = "it is none of .npz, .h5 and .keras" if magic else "it is empty"
            raise ValueError(
                f"{file} must be a model or weights file, got a damaged or foreign "
                f"one: {what}"
            )
        with ExitStack() as stack:
            with explained(file):
                contents = stack.enter_context(codec)
            yield contents.reading_as(file)


def _entries_of(path: Path, stream: BinaryIO) -> list[str]:
    with explained(path), zips.opened(stream) as archive:
        return archive.names
