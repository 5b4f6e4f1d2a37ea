"""The covering arrays of smooth activations, and numbers for them."""

from collections.abc import Mapping

from ...references.activations import ROWS
from ..axes import CURVES
from ..covering import Axes, Row
from ..precisions import PRECISIONS
from ..specs import binades, full
from .aligned import LARGE_MEANT, UNITS_MEANT
from .array import BASE, Spread

__all__ = ["BENT", "CURVED_NUMBERS", "ROW_NUMBERS"]

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
    "samples": (1, 8),
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
BENT: Mapping[str, Spread] = {
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
