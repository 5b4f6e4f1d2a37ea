"""A covering array of the plain layer, and axes that several of them have."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...references.activations import ROWS
from ..covering import Axes, Row, covering
from .spread import fits_within, weight_of

__all__ = ["BASE", "OPERANDS", "PIECES", "PLACES", "USUAL", "Spread"]

BASE: Axes = {"axes": (1, 2, 3), "first": (False, True)}
OPERANDS: Axes = {
    "precision": ("float32", "float64", "float16", "bfloat16"),
    "wide": ("x", "kernel", "dy", "border"),
}
PIECES: Axes = {"activation": ("linear", "relu", "leaky"), "bias": (True, False)}
PLACES = ("strides", "dilation", "pads")
# What a row that says nothing of an axis means.
USUAL: Row = {
    "strides": "1",
    "dilation": "1",
    "pads": "none",
    "border": 0.0,
    "across": 2,
}
# What is named stands alone: all other counts are the smallest.
LONE = ("corner", "beyond", "vast", "divided")
SMALLEST: Row = {
    **dict.fromkeys(("samples", "channels", "filters", "size"), 2),
    "across": 1,
    "kernel": "1",
}


class Spread(NamedTuple):
    """
    A covering array, and what its rows mean.

    Parameters
    ----------
    axes : mapping
        The values of every axis, all pairs of which stand.
    also : sequence of sequence of str
        Axes of which all combinations stand.
    named : mapping of str to mapping
        For an axis like ``units`` or ``corner``: the counts that a value means.
    long_axes : int
        So many counts of a row may be long.
    factor : float
        Multiplies what a row may weigh.
    cost : float
        Multiplies what it counts against the combinations that it brings.
    """

    axes: Axes
    also: Sequence[Sequence[str]]
    named: Mapping[str, Mapping[str, Row]] = {}
    long_axes: int = 1
    factor: float = 1.0
    cost: float = 2.0

    def meant(self, row: Row) -> Row:
        """Return a row with the counts that its names mean."""
        found: Row = {}
        for axis, table in self.named.items():
            found |= SMALLEST if axis in LONE else {}
            found |= row | table[row[axis]]
        return found or row

    def fits(self, row: Row) -> bool:
        """Return whether a row is a layer, small enough, and says nothing twice."""
        row = self.meant(row)
        axes = row["axes"]
        if row.get("wide") == "border" and row["pads"] == "none":
            return False
        halves = row.get("bias") and row.get("wide") != "border"
        if "divided" in row and not halves and row["activation"] != "linear":
            return False  # z may lie on a kink, and no gradient is asked for
        if row.get("vast") == "rows and columns" and row["wide"] == "dy":
            return False  # so many numbers: a wide x and kernel are enough
        if row.get("activation") in ROWS and row["first"] and row["size"] < 3:
            return False
        if axes < {"middle axis": 3, "last axis": 2}.get(row.get("beyond", ""), 1):
            return False
        return fits_within("layer", long_axes=self.long_axes, factor=self.factor)(row)

    def weight(self, row: Row) -> float:
        """Return what a row costs."""
        return self.cost * weight_of("layer")(self.meant(row))

    def rows(self) -> list[Row]:
        """Return the rows, as they are meant."""
        return [self.meant(row) for row in self.named_rows()]

    def named_rows(self) -> list[Row]:
        """Return the rows, with the names of their sizes."""
        return covering(
            self.axes,
            2,
            also=self.also,
            fits=self.fits,
            weight=self.weight,
        )
