"""
The covering arrays of the plain layer: where fast paths of real kernels begin and end.

All triples of what places windows; windows that reach far; sizes that units divide,
with every option that a path for them may forget; tiles of which two or three axes
leave a tail at once; one number beyond a limit, for every rank and format; every smooth
activation at all of these; and the pairs of all axes that are left.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from typing import NamedTuple

from ..references.activations import ROWS
from .axes import COMBINED, CURVES, FREE, SIZES, STEPS, WINDOWS
from .covering import Axes, Row, covering
from .specs import Numbers, Spec
from .spread import fits_within, spec_of, weight_of

__all__ = ["SPREADS", "UNITS", "spread"]

# Channels and filters that vectors, or matrix units, divide; and one of them alone.
UNITS: Mapping[str, tuple[int, int]] = {
    "none": (3, 5),
    "C by 4": (4, 3),
    "F by 4": (3, 4),
    "both by 4": (4, 4),
    "both by 8": (8, 8),
    "both by 16": (16, 16),
    "C by 64": (64, 1),
    "F by 64": (1, 64),
}
LARGE_UNITS: Mapping[str, tuple[int, int]] = {
    "both by 32": (32, 32),
    "both by 64": (64, 64),
    "C by 16, F by 32": (16, 32),
}
UNITS_MEANT, LARGE_MEANT = (
    {name: {"channels": c, "filters": f} for name, (c, f) in units.items()}
    for units in (UNITS, LARGE_UNITS)
)
BASE: Axes = {"axes": (1, 2, 3), "first": (False, True)}
OPERANDS: Axes = {
    "precision": ("float32", "float64", "float16", "bfloat16"),
    "wide": ("x", "kernel", "dy", "border"),
}
PIECES: Axes = {"activation": ("linear", "relu", "leaky"), "bias": (True, False)}
REACH: Axes = {
    **BASE,
    "kernel": ("2", "3", "wide", "long", "longer"),
    "strides": ("1", "2", "farther", "farthest"),
    "dilation": ("1", "2", "farther", "farthest"),
    "pads": ("none", "both", "uneven", "deep", "deeper"),
    "channels": (1, 2, 4),
    "samples": (1, 3),
    "filters": (1, 2, 3),
    "size": (3, 5, 9, 17),
    "across": (1, 2),
    "long": (0, 1, 2),
    "left over": (False, True),
    **PIECES,
    **OPERANDS,
}
ALIGNED_OPTIONS: Axes = {
    **BASE,
    "units": tuple(UNITS),
    "kernel": ("1", "2", "square", "mixed"),
    "strides": ("1", "2", "mixed"),
    "dilation": ("1", "2", "mixed"),
    "pads": ("none", "both", "uneven"),
    "samples": (2, 8),
    "size": (2, 3, 8),
    "across": (1, 2),
    **PIECES,
    **OPERANDS,
}
LARGE_ALIGNED: Axes = {
    **ALIGNED_OPTIONS,
    "units": ("both by 32", "both by 64"),
    "kernel": ("1",),
    "dilation": ("1",),
    "pads": ("none",),
    "precision": ("float32", "float64"),
    "wide": ("x", "kernel", "dy"),
    "bias": (True,),
    "size": (1, 2),
    "across": (1,),
}
# A special path for windows of three, which no option leads away from.
SQUARES: Axes = {
    **BASE,
    "units": tuple(UNITS),
    "kernel": ("square",),
    "pads": ("none", "both", "uneven"),
    "size": (2, 3),
    "across": (1,),
    **PIECES,
    "precision": ("float32", "float64"),
    "wide": ("x", "kernel", "dy", "border"),
}
# The same of one axis, whose windows take values enough for the units of matrices.
MATRIX_OPTIONS: Axes = {
    **ALIGNED_OPTIONS,
    "axes": (1,),
    "units": ("C by 16, F by 32",),
    "kernel": ("2",),
    "samples": (2,),
    "size": (2,),
    "across": (1,),
    "bias": (True,),
    "precision": ("float32", "float64"),
}
COUNTED = (3, 9, 17)
TILES: Axes = {
    **BASE,
    "samples": COUNTED,
    "channels": COUNTED,
    "filters": COUNTED,
    "size": (3, 9, 17),
    "across": (1, 2, 9),
    "long": (0, 1, 2),
    "kernel": ("1", "2"),
    "strides": ("1", "2"),
    **PIECES,
    "precision": ("float32",),
    "wide": ("x", "kernel", "dy"),
}
# Two axes that leave tails of tiles up to 64 in one corner.
CORNERS: Mapping[str, Row] = {
    "K and F": {"channels": 74, "filters": 67},
    "N and F": {"samples": 67, "filters": 69, "channels": 1},
    "N and K": {"samples": 67, "channels": 69, "filters": 1},
    "L and F": {"size": 67, "filters": 69, "channels": 1, "samples": 1},
    "L and K": {"size": 67, "channels": 69, "filters": 1, "samples": 1},
    "L and N": {"size": 67, "samples": 69, "channels": 1, "filters": 1},
}
SMALLEST: Row = {
    **dict.fromkeys(("samples", "channels", "filters", "size"), 2),
    "across": 1,
    "kernel": "1",
}
CORNERED: Axes = {
    **BASE,
    "axes": (1, 2),  # of three, tiles up to 16 are among `TILES`
    "corner": tuple(CORNERS),
    "bias": (False, True),
    "precision": ("float32",),
    "wide": ("x", "kernel", "dy"),
}
# One number beyond the limits of a loop, a block of threads or a byte.
BEYOND: Mapping[str, Row] = {
    "samples": {"samples": 129},
    "channels": {"channels": 129, "filters": 1},
    "filters": {"filters": 129, "channels": 1},
    "first axis": {"size": 129, "long": 0},
    "middle axis": {"size": 129, "long": 1},
    "last axis": {"size": 129, "long": 2},
    "taps": {"kernel": "most", "channels": 1},
    "taps in a row": {"kernel": "longer"},
    "locations": {"size": 9, "across": 9, "kernel": "1", "channels": 1},
}
LIMITS: Axes = {
    **BASE,
    "beyond": tuple(BEYOND),
    "kernel": ("2",),
    "activation": ("linear", "relu", "leaky"),
    "precision": ("float32", "float64", "float16"),
}
CURVED: Axes = {
    **BASE,
    "activation": tuple(CURVES),
    "lanes": ("3", "9", "39", "64"),
    "samples": (1, 9),
    "size": (3, 9, 33),
    "across": (1, 2),
    "kernel": ("1", "2"),
    "strides": ("1", "2", "mixed"),
    "dilation": ("1", "2"),
    "pads": ("none", "both"),
    "bias": (True, False),
    "precision": ("float32", "float64", "float16"),
}
LANES: Mapping[str, Row] = {
    "3": {"filters": 3, "channels": 2},
    "9": {"filters": 9, "channels": 1},
    "39": {"filters": 39, "channels": 1},
    "64": {"filters": 64, "channels": 4},
}
# Of a row both ends of which a warp may miss, in every rank.
ROWED: Axes = {**CURVED, "activation": ROWS}
# Few values, so that few logarithms have to be enclosed; an odd number of sixteenths
# keeps arguments off kinks.
CURVED_NUMBERS = {
    "x": Numbers(1, 1, 2, -1),
    "kernel": Numbers(1, 1, 3, -2),
    "bias": Numbers(1, 2, 2, -4),
    "dy": Numbers(1, 1, 2),
}
# The slopes of a row sum to 0: equal weights would make its gradient vanish.
ROW_NUMBERS = {
    **CURVED_NUMBERS,
    "kernel": Numbers(17, 2, 24, -6),
    "dy": Numbers(5, 2, 8, -2),
}


# What a row that says nothing of an axis means.
USUAL: Row = {
    "strides": "1",
    "dilation": "1",
    "pads": "none",
    "border": 0.0,
    "across": 2,
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
        For the axis ``units``, ``corner``, ``beyond`` or ``lanes``: the counts that a
        value means.
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
            found |= SMALLEST if axis in ("corner", "beyond") else {}
            found |= row | table[row[axis]]
        return found or row

    def fits(self, row: Row) -> bool:
        """Return whether a row is a layer, small enough, and says nothing twice."""
        row = self.meant(row)
        axes = row["axes"]
        if row.get("wide") == "border" and row["pads"] == "none":
            return False
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
        found = covering(
            self.axes,
            2,
            also=self.also,
            fits=self.fits,
            weight=self.weight,
        )
        return [self.meant(row) for row in found]


SIZED = ("size", "samples", "channels", "filters")
PLACES = ("strides", "dilation", "pads")
SHAPES = ("axes", "first", "kernel", *PLACES, "precision", "wide")
SPREADS: Mapping[str, Spread] = {
    "reach": Spread(
        REACH,
        [
            *(("axes", "first", name) for name in ("kernel", *PLACES)),
            *(("axes", *two) for two in combinations(PLACES, 2)),
            ("axes", "pads", "wide"),
            ("axes", "precision", "wide"),
        ],
    ),
    "options": Spread(
        ALIGNED_OPTIONS,
        [("units", *two) for two in combinations(SHAPES, 2)],
        {"units": UNITS_MEANT},
        factor=0.6,
    ),
    "matrix": Spread(
        LARGE_ALIGNED,
        [("units", "precision", "wide"), ("units", "first"), ("units", "axes")],
        {"units": LARGE_MEANT},
        long_axes=2,
        factor=1.5,
    ),
    "window": Spread(
        MATRIX_OPTIONS,
        [("precision", "wide", "pads")],
        {"units": LARGE_MEANT},
        factor=1.2,
    ),
    "squares": Spread(
        SQUARES,
        [
            ("units", "axes", "first"),
            ("units", "axes", "pads"),
            ("units", "precision", "wide"),
        ],
        {"units": UNITS_MEANT},
        factor=1.2,
    ),
    "tiles": Spread(
        TILES,
        [*combinations(SIZED, 3)],
    ),
    "corner": Spread(
        CORNERED,
        [],
        {"corner": CORNERS},
        long_axes=2,
        factor=1.5,
    ),
    "limit": Spread(
        LIMITS, [("axes", "first", "beyond")], {"beyond": BEYOND}, long_axes=2
    ),
    "curve": Spread(
        CURVED,
        [
            ("activation", "first", name)
            for name in ("axes", "lanes", "size", "samples", "strides", "dilation")
        ],
        {"lanes": LANES},
        factor=0.25,
        cost=6.0,
    ),
    "row": Spread(
        ROWED,
        [("activation", "axes", "first", "lanes"), ("activation", "axes", "size")],
        {"lanes": LANES},
        factor=0.25,
        cost=6.0,
    ),
}


def spread() -> Iterator[Spec]:
    """Every row of the covering arrays of the plain layer."""
    found = {"windows": _windows()}
    found |= {name: array.rows() for name, array in SPREADS.items()}
    made: list[Row] = []
    for name, rows in found.items():
        mean = curved if name in ("curve", "row") else spec_of
        for number, row in enumerate(rows):
            spec = mean(row, f"{name}-{number}")
            # Sums that are too long for a precision, and pad values, are as they are.
            made.append(USUAL | row | {"precision": spec.precision})
            if row.get("wide") == "border":
                made[-1]["border"] = spec.pad_value
            yield spec
    yield from _vast()
    sizes = covering(
        SIZES,
        2,
        fits=_one_is_long,
        weight=weight_of("layer"),
        given=[*made, *_both_long()],
    )
    for number, row in enumerate(sizes):
        yield spec_of(row, f"sizes-{number}")


def _vast() -> Iterator[Spec]:
    """More numbers than 16 bits count, of a kernel and of one sample."""
    one = Spec("", "", (), (), batch=1, channels=1, precision="float32", bias=False)
    why = f"{COMBINED}a kernel of 66,048 numbers"
    yield replace(
        one,
        id="vast-kernel",
        why=why,
        sizes=(2, 5),
        kernel_size=(1, 2),
        channels=64,
        strides=(1, 2),
        filters=129,
    )
    yield replace(
        one,
        id="vast-sample",
        why=f"{COMBINED}34,848 numbers of x in one sample",
        sizes=(33, 32, 33),
        kernel_size=(2, 2, 2),
        strides=(16, 15, 16),
        filters=1,
        first=True,
    )


def _one_is_long(row: Row) -> bool:
    """Return whether a row fits, and no other count is long beside a longer one."""
    *_, second, longest = sorted(row[name] for name in SIZED)
    return (longest <= 32 or second <= 8) and fits_within("layer")(row)


def _both_long() -> Iterator[Row]:
    """Yield the pairs of counts that `CORNERS` have in the place of `SIZES`."""
    for two in combinations(SIZED, 2):
        for values in product(*(SIZES[name] for name in two)):
            if max(values) > 32 and min(values) > 8:
                yield dict(zip(two, values, strict=True))


def _windows() -> list[Row]:
    """Return all triples of what places windows; other axes take values in turn."""
    rows = covering(
        {**WINDOWS, "kernel": ("2", "3", "mixed"), "size": (3, 5, 9, 17)},
        3,
        fits=fits_within("layer"),
        weight=weight_of("layer"),
    )
    return [
        {name: values[n * STEPS[name] % len(values)] for name, values in FREE.items()}
        | row
        for n, row in enumerate(rows)
    ]


def curved(row: Row, name: str) -> Spec:
    """Return the spec of a row with a smooth activation, which is never exact."""
    activation = CURVES[row["activation"]]
    # Its gradient has none on a kink, where z may be without a bias.
    kinked = activation["name"] == "selu" or activation.get("alpha", 1.0) != 1
    layer = spec_of(
        {**row, "activation": "linear", "bias": row["bias"] or kinked}, name
    )
    words = " ".join(map(str, activation.values()))
    return replace(
        layer,
        why=f"{layer.why}, {words} in {row['precision']}",
        activation=activation,
        tier="bounded",
        precision=row["precision"],
        data=ROW_NUMBERS if activation["name"] in ROWS else CURVED_NUMBERS,
        flags=(),
    )
