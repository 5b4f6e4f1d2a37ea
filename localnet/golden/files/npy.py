"""
Arrays as ``.npy`` files: format 1.0, little-endian, C order, never a pickle.

Written here and not by NumPy, so that the bytes are the same under every version of it.
"""

import io
import math
import os
from pathlib import Path

import numpy as np

from ..._typing import Array, Shape

__all__ = ["decode", "encode", "read_array"]

MAGIC = b"\x93NUMPY\x01\x00"
# A header of ours has 128 bytes; others may be longer, but not without end.
LONGEST_HEADER = 4096


def encode(array: Array) -> bytes:
    """
    Return the bytes of a file that holds an array of floats.

    Parameters
    ----------
    array : ndarray
        Of any float type.

    Returns
    -------
    bytes
        The header, a multiple of 64 bytes long, and the numbers.

    Examples
    --------
    >>> encode(np.zeros(2, np.float32))[10:68]
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } "
    """
    little = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
    shape = f"({', '.join(map(str, array.shape))}{',' * (array.ndim == 1)})"
    header = (
        f"{{'descr': '{little.dtype.str}', 'fortran_order': False, 'shape': {shape}, }}"
    )
    header += " " * (-(len(MAGIC) + 2 + len(header) + 1) % 64) + "\n"
    return (
        MAGIC + len(header).to_bytes(2, "little") + header.encode() + little.tobytes()
    )


def decode(data: bytes) -> Array:
    """
    Return the array that a file holds.

    Parameters
    ----------
    data : bytes
        The file; any version of the format.

    Returns
    -------
    ndarray
        In memory order C.

    Raises
    ------
    ValueError
        If it is not a ``.npy`` file of plain numbers, or not as long as it says.
    """
    stream = io.BytesIO(data)
    try:
        array: Array = np.lib.format.read_array(stream, allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError, OverflowError) as error:
        raise ValueError(f"must be a .npy file of numbers: {error}") from None
    if stream.read(1):
        raise ValueError("must be a .npy file of numbers: it is longer than it says")
    return np.asarray(array, order="C")


def read_array(path: Path, shape: Shape) -> bytes:
    """
    Return the bytes of a file that may hold an array of this shape.

    Parameters
    ----------
    path : Path
        The file.
    shape : tuple of int
        What it should hold; a file far longer than that is not read.

    Returns
    -------
    bytes
        All of it.

    Raises
    ------
    ValueError
        If it is too long.
    OSError
        If it cannot be read.
    """
    longest = LONGEST_HEADER + 16 * math.prod(shape)
    with path.open("rb") as stream:
        # Python makes room for all that is asked for, however short the file is.
        held = os.fstat(stream.fileno()).st_size
        data = stream.read(min(longest, held) + 1)
    if len(data) > longest:
        raise ValueError(f"must hold shape {shape}, got more than {longest} bytes")
    return data
