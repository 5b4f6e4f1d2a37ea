"""
Mutants that are wrong for some numbers alone, by families with parameters.

Arguments at which an exponential overflows, in a value or in a slope; the largest of a
row, sought in a part of it; a parameter of an activation, operands and results narrowed
where sizes are aligned or large.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..._typing import Array, Config
from ..case import Case
from ..cases.axes import CURVES
from ..references.activations import ROWS
from ..references.wires import by_location, to_layout
from .base import Mutant
from .drawn import SUMS, narrowed
from .model import Model, rounded
from .paths import Taken, facts, on_path, used_here

__all__ = ["EXTREMES"]

# Where exp leaves the range of a precision.
OVERFLOWS = {"float64": 709.8, "float32": 88.8, "float16": 11.1}
NARROWER = (
    ("TF32", 11, "float32"),
    ("bfloat16", 8, "float32"),
    ("float32", 24, "float64"),
)


def _all(*taken: Taken) -> Taken:
    return lambda f: all(one(f) for one in taken)


def _by(unit: int, *letters: str) -> Taken:
    return lambda f: all(f[letter] % unit == 0 for letter in letters)


def _above(limit: int, letter: str) -> Taken:
    return lambda f: bool(f[letter] > limit)


def _is(name: str, value: Any) -> Taken:
    return lambda f: bool(f[name] == value)


def _wants(output: str) -> Taken:
    return lambda f: output in f["wants"]


def _named(activation: str) -> Taken:
    return lambda f: bool(f["activation"]["name"] == activation)


def _has(parameter: str) -> Taken:
    return lambda f: parameter in f["activation"]


def _made(
    name: str, error: str, taken: Taken, wrong: type[Model], *, numerical: bool = False
) -> Mutant:
    def sees(case: Case) -> bool:
        return taken(facts(case))

    return Mutant(name, error, numerical, sees, on_path(taken, wrong))


# Arguments far from 0 -----------------------------------------------------------------


def _lost(side: int, *, slope: bool, value: float = np.nan) -> type[Model]:
    """Return a model whose activation is not a number where exp overflows."""

    class Lost(Model):
        def activate(self, z: Array) -> tuple[Array, Any]:
            y, cache = super().activate(z)
            limit = OVERFLOWS[self.case.precision]
            self.far = to_layout(side * z > limit, self.c)
            return (y if slope else np.where(self.far, value, y)), cache

        def dz(self, dy: Array, cache: Any) -> Array:
            dz = super().dz(dy, cache)
            if not slope:
                return dz
            return np.where(by_location(self.far, self.c), value, dz)

    return Lost


def _clamped(share: float) -> type[Model]:
    """Return a model that takes exp of no more than a share of what it can."""

    class Clamped(Model):
        def activate(self, z: Array) -> tuple[Array, Any]:
            return super().activate(
                np.minimum(z, share * OVERFLOWS[self.case.precision])
            )

    return Clamped


def _overflows() -> Iterator[Mutant]:
    for precision in OVERFLOWS:
        in_it = _is("precision", precision)
        for name, activation in CURVES.items():
            if name in ROWS:
                continue
            here = _all(in_it, used_here(activation))
            for side, words in ((1, "above"), (-1, "below")):
                if name == "exponential":
                    continue  # above, nothing else is right; below it is 0 by itself
                for slope in (False, True):
                    what = "slope" if slope else "value"
                    yield _made(
                        f"{what} of {name} nan {words} exp's range, {precision}",
                        f"A formula of {name} that overflows far from 0.",
                        _all(here, _wants("dx")),
                        _lost(side, slope=slope),
                    )
        for share in (0.25, 0.5):
            yield _made(
                f"exponential clamped at {share:g} of its range, {precision}",
                "An argument kept far below the end of the range.",
                _all(in_it, _named("exponential")),
                _clamped(share),
            )


# Rows ---------------------------------------------------------------------------------


def _short_maximum(entries: int) -> type[Model]:
    class Short(Model):
        def activate(self, z: Array) -> tuple[Array, Any]:
            _, cache = super().activate(z)
            row = to_layout(z, self.c)
            off = row - row[..., :entries].max(-1, keepdims=True)
            with np.errstate(all="ignore"):
                one = np.where(
                    off > OVERFLOWS[self.case.precision], np.inf, np.exp(off)
                )
                total = one.sum(-1, keepdims=True)
                logarithm = self.activation()[0] == "log_softmax"
                return (off - np.log(total) if logarithm else one / total), cache

    return Short


class Lone(Model):
    """A softmax of one entry as the sigmoid of two."""

    def activate(self, z: Array) -> tuple[Array, Any]:
        y, cache = super().activate(z)
        one = 1 / (1 + np.exp(-to_layout(z, self.c)))
        return (
            one if self.activation()[0] == "softmax" else np.log(one)
        ) + 0 * y, cache


def _rows() -> Iterator[Mutant]:
    for name in ROWS:
        for precision in OVERFLOWS:
            here = _all(_named(name), _is("precision", precision))
            for first in (False, True):
                placed = _all(here, _is("first", first))
                words = f"{precision}, channels_{'first' if first else 'last'}"
                for entries in (1, 4, 8):
                    if (name, precision) == ("softmax", "float64"):
                        continue  # all entries but the largest would be 0
                    yield _made(
                        f"{name}: maximum of the first {entries} entries, {words}",
                        "The largest of a row is sought in a part of it.",
                        _all(placed, _above(entries, "row")),
                        _short_maximum(entries),
                    )
                yield _made(
                    f"{name}: sigmoid of a lone entry, {words}",
                    Lone.__doc__ or "",
                    _all(placed, _is("row", 1)),
                    Lone,
                )


# Parameters ---------------------------------------------------------------------------


def _without(parameter: str) -> type[Model]:
    class Without(Model):
        def config(self, c: Config) -> Config:
            kept = {k: v for k, v in c["activation"].items() if k != parameter}
            return {**c, "activation": kept}

    return Without


def _parameters() -> Iterator[Mutant]:
    for parameter in ("alpha", "max_value", "threshold"):
        for unit in (4, 8, 16, 64):
            for letters in (("F",), ("C", "F")):
                if unit == 64 and len(letters) > 1:
                    continue
                words = f"{' and '.join(letters)} divided by {unit}"
                yield _made(
                    f"{parameter} of relu ignored: {words}",
                    "An epilogue that knows relu, and not its parameters.",
                    _all(_named("relu"), _has(parameter), _by(unit, *letters)),
                    _without(parameter),
                )


# Narrow numbers -----------------------------------------------------------------------

PLACES: dict[str, Taken] = {
    **{f"K and N divided by {unit}": _by(unit, "K", "N") for unit in (8, 16, 32)},
    "K divided by 32, N of 32 and more": _all(_by(32, "K"), _above(31, "N")),
    "F divided by 128": _by(128, "F"),
    "C divided by 256": _by(256, "C"),
    "F above 1,024": _above(1024, "F"),
    "N above 1,024": _above(1024, "N"),
    "L above 1,024": _above(1024, "L"),
    "L above 4,096": _above(4096, "L"),
}


def _stored(bits: int, output: str) -> type[Model]:
    class Stored(Model):
        def answers(self) -> dict[str, Array]:
            found = super().answers()
            return {**found, output: rounded(found[output], bits)}

    return Stored


def _narrow() -> Iterator[Mutant]:
    for words, bits, precision in NARROWER:
        for place, taken in PLACES.items():
            for output in SUMS:
                here = _all(taken, _wants(output), _is("precision", precision))
                yield _made(
                    f"{words} for {output}: {place}",
                    f"Operands are narrowed with {place}.",
                    here,
                    narrowed(bits, (output,)),
                    numerical=True,
                )
                if bits < 11:
                    yield _made(
                        f"{output} stored in {words}: {place}",
                        f"A result is narrowed with {place}.",
                        here,
                        _stored(bits, output),
                        numerical=True,
                    )
        for name, activation in CURVES.items():
            for unit in (4, 8, 16, 32):
                here = _all(
                    used_here(activation),
                    _by(unit, "K", "F"),
                    _is("precision", precision),
                )
                yield _made(
                    f"{words} behind {name}: K and F divided by {unit}",
                    f"Operands are narrowed where {name} is fused.",
                    here,
                    narrowed(bits, ("y",)),
                    numerical=True,
                )


EXTREMES = {
    mutant.name: mutant
    for family in (_overflows, _rows, _parameters, _narrow)
    for mutant in family()
}
