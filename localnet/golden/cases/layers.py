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
from .axes import COMBINED, CURVES, FREE, PIECEWISE, SIZES, STEPS, WINDOWS
from .covering import Axes, Row, covering
from .precisions import PRECISIONS
from .specs import Spec, binades, full
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
# Of the other parameters, those that cut nothing off leave room for wide operands.
BOUNDED = tuple(
    name
    for name, activation in PIECEWISE.items()
    if activation["name"] == "relu6" or "max_value" in activation
)
UNBOUNDED = tuple(name for name in PIECEWISE if name not in BOUNDED)
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
    "activation": UNBOUNDED,
    "bias": (True, False),
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
    "activation": PIECES["activation"],
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
    "activation": PIECES["activation"],
    "bias": (True,),
    "precision": ("float32", "float64"),
}
# Parameters that cut off, where vectors, or units, take the filters.
PARAMETERS: Axes = {
    **BASE,
    "units": ("both by 4", "both by 8", "both by 16", "F by 64"),
    "activation": BOUNDED,
    "kernel": ("1", "2"),
    "strides": ("1", "2"),
    "pads": ("none", "both"),
    "samples": (1, 4),
    "size": (1, 2),
    "across": (1,),
    "precision": ("float32", "float64", "float16", "bfloat16"),
}
# Sums over a batch as matrix units take them.
BATCHES: Axes = {
    **BASE,
    "batches": ("32", "128"),
    "kernel": ("1", "2"),
    "size": (1, 2),
    "across": (1,),
    **PIECES,
    "precision": ("float32", "float64"),
    "wide": ("x", "kernel", "dy"),
}
BATCHED: Mapping[str, Row] = {
    "32": {"samples": 32, "channels": 32, "filters": 4},
    "128": {"samples": 128, "channels": 32, "filters": 1},
}
ALONE: Row = {"samples": 1, "channels": 1, "filters": 1}
# One number beyond all others, which units divide or not; of two axes, one that a
# reciprocal in float32 does not divide rightly.
VAST: Mapping[str, Row] = {
    "channels": {**ALONE, "channels": 256},
    "filters": {**ALONE, "filters": 256},
    "more filters": {**ALONE, "filters": 1061},
    "samples": {**ALONE, "samples": 1061},
    "locations": {"axes": 1, "size": 1101, **ALONE},
    "rows and columns": {"axes": 2, "size": 88, "across": 46, "long": 0, **ALONE},
}
VASTLY: Axes = {
    **BASE,
    "vast": tuple(VAST),
    "kernel": ("1",),
    "activation": ("linear", "relu"),
    "precision": ("float32", "float64"),
    "wide": ("x", "kernel", "dy"),
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
    "lanes": ("9", "39", "64"),
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
    "9": {"filters": 9, "channels": 1},
    "39": {"filters": 39, "channels": 1},
    "64": {"filters": 64, "channels": 4},
}
# As matrix units take them.
CURVED_UNITS: Axes = {
    **BASE,
    "activation": tuple(CURVES),
    "units": ("both by 8", "both by 32"),
    "samples": (1, 4),
    "size": (1, 3),
    "across": (1,),
    "kernel": ("1", "2"),
    "bias": (True, False),
    "precision": ("float32", "float64"),
}
# Of a row both ends of which a warp may miss, in every rank.
ROWED: Axes = {**CURVED, "activation": ROWS}
# Operands that use all bits, for units may narrow them. Sums have few values, so that
# few logarithms have to be enclosed; those of gradients have many, and do not cancel.
CURVED_NUMBERS = {
    form.name: {
        "x": full(form.bits, 0, 2),
        "kernel": full(form.bits, -2, 2),
        "bias": full(form.bits, -4),
        "dy": binades(form.bits, 2),
    }
    for form in PRECISIONS.values()
}
# The slopes of a row sum to 0: equal weights would make its gradient vanish.
ROW_NUMBERS = {
    form.name: {**CURVED_NUMBERS[form.name], "kernel": full(form.bits, -1, 8)}
    for form in PRECISIONS.values()
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
            found |= SMALLEST if axis in ("corner", "beyond", "vast") else {}
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
    "parameter": Spread(
        PARAMETERS,
        [("units", "first", "activation")],
        {"units": UNITS_MEANT},
        factor=0.6,
    ),
    "batches": Spread(
        BATCHES,
        [("batches", "precision", "wide")],
        {"batches": BATCHED},
        long_axes=2,
    ),
    "vastly": Spread(
        VASTLY, [("vast", "precision", "wide")], {"vast": VAST}, long_axes=2, factor=2.0
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
    "curved-units": Spread(
        CURVED_UNITS,
        [("activation", "units", "precision")],
        {"units": UNITS_MEANT | LARGE_MEANT},
        factor=0.6,
    ),
    "curve": Spread(
        CURVED,
        [
            ("activation", "first", name)
            for name in ("axes", "lanes", "size", "samples", "strides", "dilation")
        ],
        {"lanes": LANES},
        factor=0.25,
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
        mean = curved if name in ("curved-units", "curve", "row") else spec_of
        for number, row in enumerate(rows):
            spec = mean(row, f"{name}-{number}")
            # Sums that are too long for a precision, and pad values, are as they are.
            made.append(USUAL | row | {"precision": spec.precision})
            if row.get("wide") == "border":
                made[-1]["border"] = spec.pad_value
            yield spec
    yield from _many()
    sizes = covering(
        SIZES,
        2,
        fits=_one_is_long,
        weight=weight_of("layer"),
        given=[*made, *_both_long()],
    )
    for number, row in enumerate(sizes):
        yield spec_of(row, f"sizes-{number}")


def _many() -> Iterator[Spec]:
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
    data = ROW_NUMBERS if activation["name"] in ROWS else CURVED_NUMBERS
    return replace(
        layer,
        why=f"{layer.why}, {words} in {row['precision']}",
        activation=activation,
        tier="bounded",
        precision=row["precision"],
        data=data[row["precision"]],
        flags=(),
    )
