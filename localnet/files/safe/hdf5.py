"""
HDF5 files that may be hostile, by h5py, with every claim checked before it costs much.

Refused: links out of the file or through it, arrays whose values lie elsewhere, filters
that would load a plugin, types other than numbers, and arrays that claim more bytes
than the file can hold. The HDF5 library itself may still crash or hang on damaged
bytes; `localnet.files.safe.isolated` is the answer to that.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from ..._typing import Array
from ..contents import DEFLATE_RATIO, Stored
from . import bounded_json

__all__ = ["MAGIC", "SafeGroup", "h5py_module", "name_parts", "opened"]

MAGIC = b"\x89HDF\r\n\x1a\n"
# deflate, shuffle, fletcher32: built in everywhere, and none runs foreign code.
FILTERS = {1: DEFLATE_RATIO, 2: 1, 3: 1}
MAX_NAMES = 1_000_000
# A chunk is decompressed as a whole, so it may not be much larger than its array.
SPARE_CHUNK = 2**20


def h5py_module() -> Any:
    """Return h5py, or say how to get it."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            "HDF5 files (.h5, .keras) need h5py: python -m pip install h5py"
        ) from error
    return h5py


def name_parts(name: str) -> list[str]:
    """
    Return the parts of a name of HDF5, if it leads further into a file at each.

    Parameters
    ----------
    name : str
        Groups and the last name, parted by slashes.

    Returns
    -------
    list of str
        One or more.

    Raises
    ------
    ValueError
        If a part is empty, leads nowhere or up, or has a NUL.

    Examples
    --------
    >>> name_parts("dense/kernel:0")
    ['dense', 'kernel:0']
    """
    parts = name.split("/")
    if {"", ".", ".."} & set(parts) or "\0" in name:
        raise ValueError(f"name {name!r} must be a name inside the file")
    return parts


@contextmanager
def opened(stream: BinaryIO) -> Iterator["SafeGroup"]:
    """
    Open an HDF5 file for reading.

    Parameters
    ----------
    stream : binary file
        It can seek.

    Yields
    ------
    SafeGroup
        The root, valid inside the block.

    Raises
    ------
    ImportError
        If h5py is not installed.
    Exception
        Whatever h5py makes of damaged bytes.
    """
    size = stream.seek(0, 2)
    stream.seek(0)
    with h5py_module().File(stream, "r") as file:
        yield SafeGroup(file, _Budget(size))


class _Budget:
    """How many bytes of the file its arrays have claimed so far."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.claimed = 0
        self.names = 0

    def claim(self, name: str, stored: int, nbytes: int, ratio: int) -> None:
        self.claimed += stored
        if nbytes > ratio * stored or self.claimed > self.size:
            raise ValueError(
                f"array {name!r} must fit into the file of {self.size} bytes, claims "
                f"{stored} that become {nbytes}"
            )


class SafeGroup:
    """A group of which only names, texts and plain arrays of numbers can be had."""

    def __init__(self, group: Any, budget: _Budget, path: str = "") -> None:
        self._group = group
        self._budget = budget
        self._path = path

    @property
    def names(self) -> list[str]:
        """Names of what lies in the group."""
        return list(self._group)

    def __contains__(self, name: str) -> bool:
        return name in self._group

    def _find(self, name: str) -> tuple[Any, str]:
        """Follow hard links only, one part of the name after the other."""
        h5py = h5py_module()
        found, path = self._group, self._path
        for part in name_parts(name):
            path = f"{path}/{part}"
            if not isinstance(found, h5py.Group) or part not in found:
                raise ValueError(f"the file holds no {path!r}")
            if not isinstance(found.get(part, getlink=True), h5py.HardLink):
                raise ValueError(f"{path!r} must lie in the file, got a link")
            found = found[part]
        return found, path

    def group(self, name: str) -> "SafeGroup":
        """Return a group inside this one."""
        found, path = self._find(name)
        if not isinstance(found, h5py_module().Group):
            raise ValueError(f"{path!r} must be a group, got another object")
        return SafeGroup(found, self._budget, path)

    # Attributes ------------------------------------------------------------------

    def _attribute(self, name: str) -> Any:
        """Return the value of an attribute that is text or a list of texts."""
        h5py = h5py_module()
        attribute = h5py.h5a.open(self._group.id, name.encode("utf-8"))
        shape, dtype = attribute.shape, attribute.dtype
        label = f"attribute {name!r} of {self._path or '/'!r}"
        if len(shape) > 1 or math.prod(shape) > MAX_NAMES:
            raise ValueError(f"{label} must be a text or a list of texts, got {shape}")
        is_text = h5py.check_string_dtype(dtype) is not None
        if not is_text and math.prod(shape) != 0:
            raise ValueError(f"{label} must hold texts, got dtype {dtype}")
        if math.prod(shape) * dtype.itemsize > self._budget.size:
            raise ValueError(
                f"{label} must fit into the file, claims {shape} of {dtype}"
            )
        return self._group.attrs[name]

    def text(self, name: str) -> str | None:
        """Return an attribute that is one text, or None if there is none."""
        if name not in self._group.attrs:
            return None
        value = self._attribute(name)
        if isinstance(value, np.ndarray):
            if value.size != 1:
                raise ValueError(
                    f"attribute {name!r} must be one text, got {value.size}"
                )
            value = value.reshape(-1)[0]
        if len(value) > bounded_json.MAX_BYTES:
            raise ValueError(
                f"attribute {name!r} must have at most {bounded_json.MAX_BYTES} bytes"
            )
        return _decoded(value)

    def texts(self, name: str) -> list[str]:
        """Return an attribute that is a list of texts, also one cut into pieces."""
        if name in self._group.attrs:
            return self._some_texts(name)
        found: list[str] = []
        piece = 0
        # Keras cuts a list that is too long for one attribute: layer_names0, ...
        while f"{name}{piece}" in self._group.attrs:
            found += self._some_texts(f"{name}{piece}")
            piece += 1
        if piece == 0:
            raise ValueError(f"{self._path or '/'!r} must have an attribute {name!r}")
        return found

    def _some_texts(self, name: str) -> list[str]:
        value = self._attribute(name)
        if not isinstance(value, np.ndarray):  # h5py's empty attribute, or one text
            return [] if not isinstance(value, (str, bytes)) else [_decoded(value)]
        self._budget.names += value.size
        if self._budget.names > MAX_NAMES:
            raise ValueError(f"the file must hold at most {MAX_NAMES} names")
        return [_decoded(item) for item in value.reshape(-1)]

    # Arrays ----------------------------------------------------------------------

    def array(self, name: str) -> Stored:
        """Return an array of numbers, of which nothing has been read but the shape."""
        h5py = h5py_module()
        dataset, path = self._find(name)
        if not isinstance(dataset, h5py.Dataset):
            raise ValueError(f"{path!r} must be an array, got another object")
        dtype = dataset.dtype
        if dtype.kind not in "biuf" or dtype.itemsize > 8 or dtype.subdtype is not None:
            raise ValueError(f"array {path!r} must hold real numbers, got {dtype}")
        shape = dataset.shape
        if shape is None:
            raise ValueError(f"array {path!r} must have a shape, got an empty one")
        ratio = self._check_storage(dataset, path)
        nbytes = math.prod(shape) * dtype.itemsize
        self._budget.claim(path, dataset.id.get_storage_size(), nbytes, ratio)

        def read() -> Array:
            values: Array = np.asarray(dataset[()])
            return values

        return Stored(tuple(int(size) for size in shape), dtype, read)

    def _check_storage(self, dataset: Any, path: str) -> int:
        """Return by which factor an array may be larger than its bytes in the file."""
        h5py = h5py_module()
        properties = dataset.id.get_create_plist()
        layout = properties.get_layout()
        if layout not in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED):
            raise ValueError(f"array {path!r} must lie in the file, got a virtual one")
        if properties.get_external_count():
            raise ValueError(
                f"array {path!r} must lie in the file, got an external one"
            )
        if layout != h5py.h5d.CHUNKED:
            return 1
        nbytes = dataset.size * dataset.dtype.itemsize
        chunk = math.prod(properties.get_chunk()) * dataset.dtype.itemsize
        if chunk > nbytes + SPARE_CHUNK:
            raise ValueError(
                f"array {path!r} of {nbytes} bytes needs smaller chunks, got {chunk}"
            )
        ratio = 1
        for place in range(properties.get_nfilters()):
            number = properties.get_filter(place)[0]
            if number not in FILTERS:
                raise ValueError(
                    f"array {path!r} must be stored plainly or by deflate, got HDF5 "
                    f"filter {number}"
                )
            ratio *= FILTERS[number]
        if ratio > DEFLATE_RATIO:
            raise ValueError(f"array {path!r} must be deflated once, got more")
        return ratio


def _decoded(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, str):
        # h5py hands undecodable bytes on as lone surrogates.
        value.encode("utf-8")
        return str(value)
    raise ValueError(f"attribute must hold texts, got {type(value).__name__}")
