"""
Mutants that are wrong at some levels of their numbers, by families with parameters.

Next to 0, where a series is cut short; where a slope levels off, too early; rows far
below 0, whose largest entry is sought from a number above it; and operands and results
below the smallest normal number, one of which becomes 0.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ..._typing import Array
from ..cases.axes import CURVES
from ..cases.precisions import PRECISIONS
from ..references.activations import ROWS
from ..references.wires import to_layout
from .base import Mutant
from .facts import Taken, every, is_, made, named, used_here, wants
from .model import Model

__all__ = ["LEVELS"]

# Behind these a curve is bent by less than half of what it is at the smaller ones.
STRAIGHT = (5, 8, 11)
SECOND_ORDER = ("exponential", "elu", "selu", "swish", "gelu", "gelu by tanh", "mish")
# Where slopes are nearly what they become, in float64; in float32 half as far out.
LEVEL = {"tanh": 8.0, "mish": 8.0, "gelu": 5.0, "gelu by tanh": 4.0}
USUALLY = 16.0
FAR = 40.0
SMOOTH = [n for n in CURVES if n not in (*ROWS, "softsign", "elu of 2")]
STARTS = {"float64": (0.0, -1e3, -1e6), "float32": (0.0, -1e2, -1e4), "float16": (0.0,)}

_made = partial(made, numerical=True)


def _used(name: str, precision: str) -> Taken:
    return every(used_here(CURVES[name]), is_("precision", precision), wants("dx"))


# Smooth activations -------------------------------------------------------------------


def _moved(move: Callable[[Array], Array], *, slope: bool) -> type[Model]:
    """Return a model that takes the value, or the slope, of other numbers."""

    class Moved(Model):
        def activate(self, z: Array) -> tuple[Array, Any]:
            y, cache = super().activate(z)
            other, moved = super().activate(move(z))
            return (y, moved) if slope else (other, cache)

    return Moved


def _straight(power: int) -> type[Model]:
    """Return a model with two straight pieces next to 0."""
    limit = 2.0**-power

    class Straight(Model):
        def activate(self, z: Array) -> tuple[Array, Any]:
            y, cache = super().activate(z)
            start, _ = super().activate(0 * z)
            step = np.copysign(2.0**-30, z)
            rise = (super().activate(step)[0] - start) / to_layout(step, self.c)
            z = to_layout(z, self.c)
            return np.where(abs(z) < limit, start + rise * z, y), cache

    return Straight


def _next_to_0() -> Iterator[Mutant]:
    for name in SMOOTH:
        for power in (*STRAIGHT, *((20,) if name in SECOND_ORDER else ())):
            words = f"{name} below 2**-{power}, float64"
            yield _made(
                f"value a line: {words}",
                "A series of one term.",
                _used(name, "float64"),
                _straight(power),
            )

            def move(z: Array, limit: float = 2.0**-power) -> Array:
                return np.where(abs(z) < limit, np.copysign(2.0**-60, z), z)

            yield _made(
                f"slope that of 0: {words}",
                "A slope that is taken for a number next to 0.",
                _used(name, "float64"),
                _moved(move, slope=True),
            )


def _level() -> Iterator[Mutant]:
    for precision, share in (("float64", 1.0), ("float32", 0.5)):
        for name in SMOOTH:
            for side in (1, -1):
                if side > 0 and name in ("exponential", "elu", "selu"):
                    continue  # which never level off there
                limit = share * LEVEL.get(name, USUALLY)

                def move(z: Array, side: int = side, limit: float = limit) -> Array:
                    return np.where(side * z > limit, side * FAR, z)

                flat = side < 0 or name in ("sigmoid", "tanh")
                for what in ("slope", "value")[: 1 + flat]:
                    yield _made(
                        f"{what} of {name} level from {side * limit:g}, {precision}",
                        f"A {what} that is taken for what it becomes.",
                        _used(name, precision),
                        _moved(move, slope=what == "slope"),
                    )


# Rows ---------------------------------------------------------------------------------


def _started(start: float) -> type[Model]:
    """Return a model whose search for the largest of a row starts from a number."""

    class Started(Model):
        def activate(self, z: Array) -> tuple[Array, Any]:
            _, cache = super().activate(z)
            row = to_layout(z, self.c)
            off = row - np.maximum(row.max(-1, keepdims=True), start)
            with np.errstate(all="ignore"):
                one = np.exp(off).astype(self.case.format.dtype).astype(np.float64)
                total = one.sum(-1, keepdims=True)
                logarithm = self.activation()[0] == "log_softmax"
                return (off - np.log(total) if logarithm else one / total), cache

    return Started


def _rows() -> Iterator[Mutant]:
    for name in ROWS:
        for precision, starts in STARTS.items():
            for start in starts:
                yield _made(
                    f"{name}: maximum from {start:g} on, {precision}",
                    "A running maximum that does not start below all numbers.",
                    every(named(name), is_("precision", precision)),
                    _started(start),
                )


# Subnormal numbers --------------------------------------------------------------------


def _flushed(role: str) -> type[Model]:
    """Return a model that takes one operand, or gives one answer, without them."""

    class Flushed(Model):
        def flush(self, values: Array) -> Array:
            return np.where(abs(values) < 2.0**self.case.format.least, 0.0, values)

        def answers(self) -> dict[str, Array]:
            found = super().answers()
            return {k: self.flush(v) if k == role else v for k, v in found.items()}

    if role in ("y", "dx", "dkernel", "dbias"):
        return Flushed

    def read(self: Any) -> Array:
        return np.asarray(self.flush(getattr(Model, role)(self)))

    return type("Read", (Flushed,), {role: read})


OPERANDS = ("x", "kernel", "dy", "patches_for_dkernel", "kernel_for_dx")
SUBNORMAL = every(lambda f: "subnormal" in f["flags"], wants("dx"))


def _subnormal() -> Iterator[Mutant]:
    for precision in PRECISIONS:
        if precision == "bfloat16":
            continue  # float32 holds it here, with numbers of its own below
        for role in (*OPERANDS, "y", "dx", "dkernel", "dbias"):
            for name in ("linear", "relu"):
                yield _made(
                    f"{role} flushed to 0, {precision}, {name}",
                    "Numbers below the smallest normal one become 0.",
                    every(is_("precision", precision), named(name), SUBNORMAL),
                    _flushed(role),
                )


LEVELS = {
    mutant.name: mutant
    for family in (_next_to_0, _level, _rows, _subnormal)
    for mutant in family()
}
