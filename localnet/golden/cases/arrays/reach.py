"""The covering array of windows that reach far."""

from collections.abc import Mapping
from itertools import combinations

from ..covering import Axes
from .array import BASE, OPERANDS, PIECES, PLACES, Spread

__all__ = ["REACHING"]

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
REACHING: Mapping[str, Spread] = {
    "reach": Spread(
        REACH,
        [
            *(("axes", "first", name) for name in ("kernel", *PLACES)),
            *(("axes", *two) for two in combinations(PLACES, 2)),
            ("axes", "pads", "wide"),
            ("axes", "precision", "wide"),
        ],
    ),
}
