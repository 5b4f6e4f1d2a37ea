"""Zip archives that may be hostile: every claim is checked before it costs anything."""

import io
import math
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO

import numpy as np

from ..._typing import Array, Shape
from ..contents import DEFLATE_RATIO, Stored

__all__ = ["opened", "stored_array"]

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MAX_HEADER = 10_000  # NumPy's own bound for the text before an array
ENCRYPTED = 0x1
LOCAL_HEADER = 30
# The 12-bit version of a header: NumPy writes 1.0 unless that is too short.
HEADERS: dict[tuple[int, int], Callable[..., tuple[Shape, bool, np.dtype]]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


# Bytes that are read at a time where nothing is to be kept.
PIECE = 1 << 16


class Section(io.RawIOBase):
    """A part of a file, as a file of its own that takes no memory."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        super().__init__()
        self._stream, self._start, self._size = stream, start, size
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place in the part."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place in the part."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read as much as the part still has."""
        count = max(0, min(len(buffer), self._size - self._at))
        self._stream.seek(self._start + self._at)
        data = self._stream.read(count)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class SafeZip:
    """The entries of an archive, whose sizes and names have been checked."""

    def __init__(
        self,
        archive: zipfile.ZipFile,
        entries: dict[str, zipfile.ZipInfo],
        stream: BinaryIO,
    ) -> None:
        self._archive = archive
        self._entries = entries
        self._stream = stream

    @property
    def names(self) -> list[str]:
        """Names of the entries, in the order of the archive."""
        return list(self._entries)

    def size(self, name: str) -> int:
        """Return how many bytes an entry holds once it is decompressed."""
        return self._entries[name].file_size

    def compressed(self, name: str) -> bool:
        """Return whether an entry takes more memory than it has in the file."""
        return self._entries[name].compress_type != zipfile.ZIP_STORED

    def open(self, name: str) -> IO[bytes]:
        """Open an entry; its check sum is compared at its end."""
        return self._archive.open(self._entries[name])

    def seekable(self, name: str, limit: int) -> Any:
        """Return an entry of at most `limit` bytes as a file that can seek."""
        if self.compressed(name):
            return io.BytesIO(self.read(name, limit))
        with self.open(name) as whole:
            while whole.read(PIECE):  # compares the check sum
                pass
        info = self._entries[name]
        self._stream.seek(info.header_offset)
        header = self._stream.read(LOCAL_HEADER)
        # Behind it lie the name and what else was said, each as long as it says here.
        more = sum(int.from_bytes(header[i : i + 2], "little") for i in (26, 28))
        start = info.header_offset + LOCAL_HEADER + more
        return Section(self._stream, start, info.file_size)

    def read(self, name: str, limit: int) -> bytes:
        """Return an entry that has at most `limit` bytes."""
        size = self.size(name)
        if size > limit:
            raise ValueError(
                f"entry {name!r} must have at most {limit} bytes, has {size}"
            )
        with self.open(name) as stream:
            data = stream.read()
        if len(data) != size:
            raise ValueError(f"entry {name!r} must have {size} bytes, has {len(data)}")
        return data


@contextmanager
def opened(stream: BinaryIO) -> Iterator[SafeZip]:
    """
    Open an archive and check what its directory claims.

    Parameters
    ----------
    stream : binary file
        It can seek.

    Yields
    ------
    SafeZip
        Valid inside the block.

    Raises
    ------
    ValueError
        If a name leads out of the archive or occurs twice, an entry is encrypted or
        compressed by another method than deflate, or the sizes are more than the
        archive can hold.
    """
    total = stream.seek(0, 2)
    with zipfile.ZipFile(stream) as archive:
        entries: dict[str, zipfile.ZipInfo] = {}
        claimed = 0
        for info in archive.infolist():
            _check_name(info.orig_filename)
            if info.filename in entries:
                raise ValueError(f"entry {info.filename!r} must be there once only")
            if info.compress_type not in METHODS or info.flag_bits & ENCRYPTED:
                raise ValueError(
                    f"entry {info.filename!r} must be stored or deflated, and not "
                    f"encrypted"
                )
            ratio = 1 if info.compress_type == zipfile.ZIP_STORED else DEFLATE_RATIO
            claimed += info.compress_size
            if claimed > total or info.file_size > ratio * info.compress_size:
                raise ValueError(
                    f"entry {info.filename!r} must fit into the file of {total} bytes, "
                    f"claims {info.compress_size} that become {info.file_size}"
                )
            entries[info.filename] = info
        yield SafeZip(archive, entries, stream)


def _check_name(name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in name or "\0" in name:
        raise ValueError(f"entry {name!r} must have a name inside the archive")


def stored_array(archive: SafeZip, name: str) -> Stored:
    """
    Return an entry in NumPy's format, of which only the header has been read.

    Parameters
    ----------
    archive : SafeZip
        Must stay open for as long as the array may be read.
    name : str
        Of the entry.

    Returns
    -------
    Stored
        An array of numbers.

    Raises
    ------
    ValueError
        If it is none, or the header promises more or less than the entry holds.
    """
    with archive.open(name) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in HEADERS:
            raise ValueError(f"entry {name!r} must be of NumPy format 1.0 or 2.0")
        shape, _, dtype = HEADERS[version](stream, max_header_size=MAX_HEADER)
        header = stream.tell()
    if dtype.kind not in "biufc":
        raise ValueError(f"entry {name!r} must hold numbers, got dtype {dtype}")
    if any(size < 0 for size in shape):
        raise ValueError(f"entry {name!r} must have sizes >= 0, got {shape}")
    held = archive.size(name) - header
    if math.prod(shape) * dtype.itemsize != held:
        raise ValueError(
            f"entry {name!r} must hold what its shape {shape} and dtype {dtype} say, "
            f"holds {held} bytes"
        )

    def read() -> Array:
        with archive.open(name) as stream:
            array = np.lib.format.read_array(
                stream, allow_pickle=False, max_header_size=MAX_HEADER
            )
            if stream.read(1):  # also compares the check sum
                raise ValueError(f"entry {name!r} must end after its array")
        values: Array = array
        return values

    return Stored(tuple(shape), dtype, read)
