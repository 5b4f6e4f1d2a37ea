"""
Prove a gradient derived by hand against numbers that do not come from it.

`check_op` takes a forward/backward pair, `check_layer` a layer, `check_model` a whole
model; `dot_test` is for linear maps and `v_curve` shows how the step decides the error.

All of them compare slopes of ``sum(dy * y)`` for a random upstream gradient ``dy``: an
all-ones ``dy`` hides every mistake that merely permutes it. Arrays of floats are cast
up to float64, and the arrays, layers and models handed in stay as they are.

Imports nothing but checks.
"""

from .checks import check_layer, check_model, check_op, dot_test
from .report import ArgumentCheck, Entry, GradientReport
from .vcurve import VCurve, v_curve

__all__ = [
    "ArgumentCheck",
    "Entry",
    "GradientReport",
    "VCurve",
    "check_layer",
    "check_model",
    "check_op",
    "dot_test",
    "v_curve",
]


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])
