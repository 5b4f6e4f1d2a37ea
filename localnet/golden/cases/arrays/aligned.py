"""
The covering arrays of sizes that vectors, or units of matrices, divide.

With every option that a path for them may forget, and every parameter of activations.
"""

from collections.abc import Mapping
from itertools import combinations

from ..axes import PIECEWISE
from ..covering import Axes
from .array import BASE, OPERANDS, PIECES, PLACES, Spread

__all__ = ["ALIGNED", "LARGE_MEANT", "UNITS_MEANT"]

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
# Of the other parameters, those that cut nothing off leave room for wide operands.
BOUNDED = tuple(
    name
    for name, activation in PIECEWISE.items()
    if activation["name"] == "relu6" or "max_value" in activation
)
UNBOUNDED = tuple(name for name in PIECEWISE if name not in BOUNDED)
ALIGNED_OPTIONS: Axes = {
    **BASE,
    "units": tuple(UNITS)[:6],
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
SHAPES = ("axes", "first", "kernel", *PLACES, "precision", "wide")
ALIGNED: Mapping[str, Spread] = {
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
}
