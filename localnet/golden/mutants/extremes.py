"""
Mutants that are wrong for some numbers alone, by families with parameters.

Arguments at which an exponential overflows, in a value or in a slope; the largest of a
row, sought in a part of it; the parameters of activations; operands and results
narrowed where sizes are aligned or large; more numbers than 16 bits count.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..._typing import Array
from ..cases.axes import CURVES
from ..references.activations import ROWS
from ..references.wires import by_location, to_layout
from .base import Mutant
from .drawn import OUTPUT_OF, SUMS, narrowed
from .facts import (
    Taken,
    above,
    divided,
    every,
    is_,
    made,
    named,
    used_here,
    wants,
)
from .model import NARROWER, Model, rounded
from .parameters import PARAMETERS

__all__ = ["EXTREMES"]

# Where exp leaves the range of a precision.
OVERFLOWS = {"float64": 709.8, "float32": 88.8, "float16": 11.1}


# Arguments far from 0 -----------------------------------------------------------------


def _lost(side: int, *, slope: bool) -> type[Model]:
    """Return a model whose activation is not a number where exp overflows."""

    class Lost(Model):
        def activate(self, z: Array) -> tuple[Array, Any]:
            y, cache = super().activate(z)
            limit = OVERFLOWS[self.case.precision]
            self.far = to_layout(side * z > limit, self.c)
            return (y if slope else np.where(self.far, np.nan, y)), cache

        def dz(self, dy: Array, cache: Any) -> Array:
            dz = super().dz(dy, cache)
            if not slope:
                return dz
            return np.where(by_location(self.far, self.c), np.nan, dz)

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
        in_it = is_("precision", precision)
        for name, activation in CURVES.items():
            if name in ROWS:
                continue
            here = every(in_it, used_here(activation))
            for side, words in ((1, "above"), (-1, "below")):
                if name == "exponential":
                    continue  # above, nothing else is right; below it is 0 by itself
                for slope in (False, True):
                    what = "slope" if slope else "value"
                    yield made(
                        f"{what} of {name} nan {words} exp's range, {precision}",
                        f"A formula of {name} that overflows far from 0.",
                        every(here, wants("dx")),
                        _lost(side, slope=slope),
                    )
        for share in (0.25, 0.5, 0.98):
            yield made(
                f"exponential clamped at {share:g} of its range, {precision}",
                "An argument kept far below the end of the range.",
                every(in_it, named("exponential")),
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
            here = every(named(name), is_("precision", precision))
            for first in (False, True):
                placed = every(here, is_("first", first))
                words = f"{precision}, channels_{'first' if first else 'last'}"
                for entries in (1, 4, 8, 16, 32, 64, 128, 256):
                    if (name, precision) == ("softmax", "float64"):
                        continue  # all entries but the largest would be 0
                    if precision == "float16" and entries > 32:
                        continue  # sums so long have no bound
                    yield made(
                        f"{name}: maximum of the first {entries} entries, {words}",
                        "The largest of a row is sought in a part of it.",
                        every(placed, above(entries, "row")),
                        _short_maximum(entries),
                    )
                yield made(
                    f"{name}: sigmoid of a lone entry, {words}",
                    Lone.__doc__ or "",
                    every(placed, is_("row", 1)),
                    Lone,
                )


# Many numbers -------------------------------------------------------------------------


def _wrapped(limit: int) -> type[Model]:
    """Return a model whose offsets into a sample have too few bits."""

    class Wrapped(Model):
        def cells(self) -> Array:
            cells = super().cells()
            return np.where(cells < 0, cells, cells % limit)

    return Wrapped


def _ending(limit: int, letter: str) -> type[Model]:
    """Return a model that computes so many of what a letter counts."""

    class Ending(Model):
        def contract(self, subscripts: str, one: Array, other: Array) -> Array:
            if letter == "K":
                one, other = one[..., :limit], other[:, :limit]
            found = np.array(super().contract(subscripts, one, other))
            if letter != "K":
                found.swapaxes(0, "NLF".index(letter))[limit:] = 0
            return found

    return Ending


def _beyond() -> Iterator[Mutant]:
    for limit in (2**15, 2**16):
        for letter in "NLFK":
            yield made(
                f"{letter} ends at {limit:,}",
                "A grid, or a counter, that ends.",
                every(above(limit, letter), lambda f: f["wants"] == ("y",)),
                _ending(limit, letter),
            )
        for first in (False, True):
            yield made(
                f"offsets into x wrap at {limit:,}"
                f", channels_{'first' if first else 'last'}",
                "Offsets of 16 bits, or of 15 and a sign.",
                every(above(limit, "numbers of a sample of x"), is_("first", first)),
                _wrapped(limit),
            )


def _cut_off(output: str, limit: int) -> type[Model]:
    """Return a model whose offsets into an operand of a gradient end."""

    class Lost(Model):
        def contract(self, subscripts: str, one: Array, other: Array) -> Array:
            found = super().contract(subscripts, one, other)
            if OUTPUT_OF[subscripts] != output:
                return found
            if output == "dkernel":
                return super().contract(subscripts, _ended(one, limit), other)
            return _ended(found, limit)

        def dbias(self, dz: Array) -> Array:
            found = super().dbias(dz)
            return _ended(found, limit) if output == "dbias" else found

    return Lost


def _ended(values: Array, limit: int) -> Array:
    """Return numbers with 0 from one offset on."""
    kept = np.arange(values.size) < limit
    return np.where(kept.reshape(values.shape), values, 0.0)


def _offsets() -> Iterator[Mutant]:
    for output, limit, counted in (
        *(("dx", 2**15, "patches"), ("dx", 2**16, "patches")),
        *(("dkernel", 2**15, "patches"), ("dkernel", 2**16, "patches")),
        ("dbias", 2**15, "a sample of y"),  # one for each of them
    ):
        yield made(
            f"offsets for {output} end at {limit:,}",
            "Offsets of 16 bits, or of 15 and a sign, in a gradient.",
            every(wants(output), above(limit, f"numbers of {counted}")),
            _cut_off(output, limit),
        )


# Narrow numbers -----------------------------------------------------------------------

PLACES: dict[str, Taken] = {
    **{f"K and N divided by {unit}": divided(unit, "K", "N") for unit in (8, 16, 32)},
    "K divided by 32, N of 32 and more": every(divided(32, "K"), above(31, "N")),
    "F divided by 128": divided(128, "F"),
    "C divided by 256": divided(256, "C"),
    "F above 1,024": above(1024, "F"),
    "N above 1,024": above(1024, "N"),
    "L above 1,024": above(1024, "L"),
    "L above 4,096": above(4096, "L"),
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
                here = every(taken, wants(output), is_("precision", precision))
                yield made(
                    f"{words} for {output}: {place}",
                    f"Operands are narrowed with {place}.",
                    here,
                    narrowed(bits, (output,)),
                    numerical=True,
                )
                if bits < 11:
                    yield made(
                        f"{output} stored in {words}: {place}",
                        f"A result is narrowed with {place}.",
                        here,
                        _stored(bits, output),
                        numerical=True,
                    )
        for name, activation in CURVES.items():
            for unit in (4, 8, 16, 32):
                here = every(
                    used_here(activation),
                    divided(unit, "K", "F"),
                    is_("precision", precision),
                )
                yield made(
                    f"{words} behind {name}: K and F divided by {unit}",
                    f"Operands are narrowed where {name} is fused.",
                    here,
                    narrowed(bits, ("y",)),
                    numerical=True,
                )


EXTREMES = {
    mutant.name: mutant
    for family in (_overflows, _rows, *PARAMETERS, _narrow, _beyond, _offsets)
    for mutant in family()
}
