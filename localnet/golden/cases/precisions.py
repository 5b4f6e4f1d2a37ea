"""The number formats that a case can be made for."""

from typing import NamedTuple

import numpy as np

from ... import _validate

__all__ = ["FORMATS", "PRECISIONS", "Precision", "precision"]


class Precision(NamedTuple):
    """
    A binary floating-point format.

    Parameters
    ----------
    name : str
        As cases have it.
    bits : int
        p, the bits of a significand; the unit roundoff is ``2**-bits``.
    least : int
        The smallest normal number is ``2**least``.
    greatest : int
        Finite numbers are below ``2**greatest``.
    dtype : str
        NumPy type of the arrays. NumPy has no bfloat16: float32 holds its values.
    """

    name: str
    bits: int
    least: int
    greatest: int
    dtype: str

    @property
    def holds(self) -> np.dtype:
        """NumPy type of the arrays, little-endian."""
        return np.dtype(self.dtype).newbyteorder("<")


PRECISIONS = {
    format.name: format
    for format in (
        Precision("float64", 53, -1022, 1024, "float64"),
        Precision("float32", 24, -126, 128, "float32"),
        Precision("float16", 11, -14, 16, "float16"),
        Precision("bfloat16", 8, -126, 128, "float32"),
    )
}
# Integers of 32 bits: also the arrays that hold int8, as float32 holds bfloat16.
FORMATS = {**PRECISIONS, "int32": Precision("int32", 31, 0, 31, "int32")}


def precision(name: object) -> Precision:
    """Return the format of this name, or refuse it."""
    return PRECISIONS[_validate.choice("precision", name, tuple(PRECISIONS))]
