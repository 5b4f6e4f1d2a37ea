"""
The covering arrays of counts: long batches, tails of tiles, and limits.

One number beyond all others, or beyond the limit of a loop, for every rank and format;
one size that is divided by much; tiles of which two or three axes leave a tail at once.
"""

from collections.abc import Mapping
from itertools import combinations

from ..axes import PIECEWISE
from ..covering import Axes, Row
from .array import BASE, PIECES, PLACES, Spread

__all__ = ["COUNTED", "DIVIDED", "SIZED"]

SIZED = ("size", "samples", "channels", "filters")
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
# One size that vectors, warps and blocks divide, all others tiny, with every option.
DIVIDED: Mapping[str, Row] = {
    "N by 128": {"samples": 128, "channels": 1, "filters": 1},
    "C by 128": {"channels": 128, "filters": 1, "samples": 1},
    "F by 128": {"filters": 128, "channels": 1, "samples": 1},
    "C by 16, F by 8": {"channels": 16, "filters": 8},
    "both by 32": {"channels": 32, "filters": 32, "samples": 1},
    "first axis by 64": {"size": 64, "long": 0, "channels": 1},
    "last axis by 64": {"size": 64, "long": 2, "channels": 1},
    "all axes by 8": {"size": 8, "across": 8, "channels": 1, "filters": 1},
}
DIVIDED_OPTIONS: Axes = {
    **BASE,
    "divided": tuple(DIVIDED),
    "kernel": ("rows", "columns", "frames"),
    "strides": ("1", "2"),
    "dilation": ("1", "2"),
    "pads": ("none", "tapped"),
    "activation": tuple(PIECEWISE),
    "bias": (True, False),
    "long": (0, 1, 2),
    "precision": ("float16", "float32", "float64", "bfloat16"),
    "wide": ("kernel", "border"),
}
TILES: Axes = {
    **BASE,
    **dict.fromkeys(("samples", "channels", "filters", "size"), (3, 9, 17)),
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
    # Where all but one of a last tile, of any width, are there.
    "samples but one": {"samples": 127},
    "channels but one": {"channels": 127, "filters": 1},
    "filters but one": {"filters": 127, "channels": 1},
    "locations but one": {"size": 127, "long": 2},
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
COUNTED: Mapping[str, Spread] = {
    "batches": Spread(
        BATCHES,
        [("batches", "precision", "wide")],
        {"batches": BATCHED},
        long_axes=2,
    ),
    "vastly": Spread(
        VASTLY, [("vast", "precision", "wide")], {"vast": VAST}, long_axes=2, factor=2.0
    ),
    "divided": Spread(
        DIVIDED_OPTIONS,
        [
            ("divided", *two)
            for two in combinations(("axes", "first", "kernel", *PLACES, "wide"), 2)
        ],
        {"divided": DIVIDED},
        long_axes=2,
        factor=1.5,
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
        LIMITS,
        [("axes", "first", "beyond")],
        {"beyond": BEYOND},
        long_axes=2,
        cost=6.0,
    ),
}
