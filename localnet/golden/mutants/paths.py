"""
Mutants that are wrong on a path of their own alone, by families with parameters.

A path is taken where sizes are aligned, where a number is beyond a limit, where two
axes leave a tail of a tile at once, or behind one activation; there, what
such a path may forget is forgotten.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from ..._typing import Array, Config
from ..cases.axes import CURVES
from ..references.activations import ROWS
from ..references.wires import to_layout
from .base import Mutant, Sees
from .drawn import OPTIONS, OUTPUT_OF, RUNS, SUMS, ignored, narrowed, no_bias, no_slope
from .facts import (
    Taken,
    above,
    divided,
    every,
    is_,
    made,
    named,
    tailed,
    used_here,
    wants,
)
from .model import NARROWER, Model, rounded

__all__ = ["PATHS"]

# Where a path is taken ----------------------------------------------------------------

UNITS: Mapping[str, Taken] = {
    **{
        f"{' and '.join(letters)} divided by {unit}": divided(unit, *letters)
        for unit in (4, 8)
        for letters in (("C",), ("F",), ("C", "F"), ("K", "F"))
    },
    "C and F divided by 16": divided(16, "C", "F"),
    "C divided by 64": divided(64, "C"),
    "F divided by 64": divided(64, "F"),
    "K and F divided by 32": divided(32, "K", "F"),
}
# Sizes that fit together with few of the options below.
HEAVY: Mapping[str, tuple[str, ...]] = {
    "C and F divided by 16": ("", "strides", "dilation", "pads", "channels_first"),
    "K and F divided by 32": ("", "strides", "dilation", "pads", "channels_first"),
}
# With windows of one tap, so that only these can be forgotten.
LARGE: Mapping[str, Taken] = {"K and F divided by 64": divided(64, "K", "F")}
WITH: Mapping[str, Taken] = {
    "": lambda f: True,
    "strides": above(1, "stride"),
    "dilation": above(1, "dilation"),
    "strides and dilation": every(above(1, "stride"), above(1, "dilation")),
    "pads": above(0, "pad"),
    "windows of 3 and nothing else": lambda f: f["square"] and f["plain"],
    "one axis": is_("axes", 1),
    "two axes": is_("axes", 2),
    "three axes": is_("axes", 3),
    "channels_first": is_("first", True),
    "channels_last": is_("first", False),
}


def _paths(*, narrow: bool = False) -> Iterator[tuple[str, Taken]]:
    for unit, aligned in UNITS.items():
        for option, used in WITH.items():
            if option not in HEAVY.get(unit, WITH):
                continue
            if unit == "C divided by 64" and option == "three axes":
                continue  # no cells are left between pads on both sides
            if narrow and "64" in unit and option:
                continue  # sums that leave no bits for wide operands
            words = f"{unit}, {option}" if option else unit
            yield words, every(aligned, used)
    if narrow:
        yield from LARGE.items()


# What is forgotten there --------------------------------------------------------------


def _off(output: str) -> type[Model]:
    class Off(Model):
        def answers(self) -> dict[str, Array]:
            found = super().answers()
            if output in found and found[output].size:
                one = found[output] = found[output].copy()
                one.reshape(-1)[-1] += max(1.0, abs(float(one.reshape(-1)[-1])))
            return found

    return Off


class Rolled(Model):
    """Loads of four numbers that begin one too late."""

    def patches(self) -> Array:
        return np.roll(super().patches(), 1, axis=2)


class Truncated(Model):
    """A pad value that is an integer somewhere on its way."""

    def config(self, c: Config) -> Config:
        return {**c, "pad_value": float(math.trunc(c["pad_value"]))}


class Narrow(Model):
    """A pad value in half precision, whatever the others have."""

    def config(self, c: Config) -> Config:
        border = np.array(c["pad_value"])
        return {**c, "pad_value": float(rounded(border, 11))}


class Swapped(Model):
    """Pads before an axis behind it."""

    def config(self, c: Config) -> Config:
        return {**c, "pads": [[after, before] for before, after in c["pads"]]}


def _faults() -> Iterator[tuple[str, type[Model], Taken]]:
    """Yield what a path may get wrong, and where it shows."""
    always: Sees = lambda case: True  # noqa: E731
    for output in SUMS:
        yield f"{output} off", _off(output), wants(output)
    yield "patches rolled", Rolled, above(1, "K")
    yield "pad value of integers", Truncated, lambda f: f["border"] % 1 != 0
    yield (
        "pad value of half precision",
        Narrow,
        lambda f: float(rounded(np.array(f["border"]), 11)) != f["border"],
    )
    yield "pads swapped", Swapped, above(0, "pads differ")
    curved: Taken = lambda f: f["activation"]["name"] != "linear"  # noqa: E731
    shows: dict[str, Taken] = {
        "strides": WITH["strides"],
        "dilation": WITH["dilation"],
        "pads": WITH["pads"],
        "border": lambda f: f["border"] != 0,
        "activation": curved,
    }
    for option in OPTIONS:
        yield f"{option} ignored", ignored(option, always), shows[option]
    yield "bias ignored", no_bias(always), is_("bias", True)
    yield "slope ignored", no_slope(always), every(curved, wants("dx"))


def _forgotten() -> Iterator[Mutant]:
    for name, wrong, shows in _faults():
        for words, taken in _paths():
            if "windows of 3" in words and name in (
                "strides ignored",
                "dilation ignored",
            ):
                continue
            error = f"What a path taken with {words} forgets."
            yield made(f"{name}: {words}", error, taken, wrong, shows)


def _narrow_units() -> Iterator[Mutant]:
    for name, bits, precision in NARROWER:
        for words, taken in _paths(narrow=True):
            for output in SUMS:
                yield made(
                    f"{name} for {output}: {words}",
                    f"A matrix unit that switches on with {words}.",
                    taken,
                    narrowed(bits, (output,)),
                    wants(output),
                    is_("precision", precision),
                    numerical=True,
                )


# Sizes that are divided by more, in which one option at a time is forgotten.
DIVISORS: Mapping[str, Taken] = {
    **{
        f"{letter} divided by {unit}": divided(unit, letter)
        for letter, units in (("N", (16, 128)), ("C", (128,)), ("F", (128,)))
        for unit in units
    },
    "C and F divided by 32": divided(32, "C", "F"),
    "C divided by 16, F by 8": every(divided(16, "C"), divided(8, "F")),
    "L divided by 64": divided(64, "L"),
    "first axis of y divided by 16": divided(16, "first axis of y"),
    "last axis of y divided by 16": divided(16, "last axis of y"),
}


def _only(output: str, wrong: type[Model]) -> type[Model]:
    """Return a model that gives one answer of a wrong one."""

    class Only(Model):
        def answers(self) -> dict[str, Array]:
            found = super().answers()
            if output in found:
                found[output] = wrong(self.case).answers()[output]
            return found

    return Only


def _divided() -> Iterator[Mutant]:
    faults = {name: (wrong, shows) for name, wrong, shows in _faults()}
    for option in OPTIONS:
        wrong, shows = faults[f"{option} ignored"]
        for words, aligned in DIVISORS.items():
            for place in (*SOMEWHERE, "strides", "dilation", "pads"):
                taken = every(aligned, WITH[place])
                yield made(
                    f"{option} forgotten: {words}{place and ', ' + place}",
                    f"What a path taken with {words} forgets.",
                    taken,
                    wrong,
                    shows,
                )
            for output in ("dx", "dkernel"):
                if (option, output) == ("border", "dx"):
                    continue  # on which it has no effect by itself
                yield made(
                    f"{option} forgotten for {output}: {words}",
                    f"What a path for {output}, taken with {words}, forgets.",
                    aligned,
                    _only(output, wrong),
                    shows,
                    wants(output),
                )


# Limits -------------------------------------------------------------------------------

LIMITS: Mapping[str, tuple[int, ...]] = {
    "N": (8, 16, 32, 64, 128),
    "C": (8, 16, 32, 64, 128),
    "F": (8, 16, 32, 64, 128),
    "L": (16, 64, 128, 256, 512),
    "taps": (8, 16, 18, 27, 32),
    "taps of an axis": (4, 7, 8, 15, 16),
    "first axis of y": (8, 16, 32, 64, 128),
    "last axis of y": (8, 16, 32, 64, 128),
    "least axis of y": (2, 3, 8),
    "stride": (3, 4, 8),
    "dilation": (3, 4, 7),
    "pad": (2, 3, 7),
    "pads differ": (1, 2, 7),
}
FEW: Mapping[str, tuple[int, ...]] = {
    "taps": (64, 128, 255),
    "taps of an axis": (32,),
    "stride": (16,),
    "dilation": (8, 16),
    "pad": (8,),
    "numbers of kernel": (32_767, 65_535),
    "numbers of a sample of x": (4_095, 32_767),
    "numbers of a sample of y": (4_095,),
}
ANYWHERE = ("",)
SOMEWHERE = (
    "",
    "one axis",
    "two axes",
    "three axes",
    "channels_first",
    "channels_last",
)


def _limits() -> Iterator[Mutant]:
    for table, places in ((LIMITS, SOMEWHERE), (FEW, ANYWHERE)):
        for measure, limits in table.items():
            for limit in limits:
                for place in places:
                    if place == "one axis" and limit in (18, 27):
                        continue
                    for output in RUNS:
                        if output == "dbias" and table is FEW and limit > 4_000:
                            continue
                        words = f"{measure} above {limit}{place and ', ' + place}"
                        yield made(
                            f"{output} off: {words}",
                            f"A limit of a loop or a table: {words}.",
                            every(above(limit, measure), WITH[place]),
                            _off(output),
                            wants(output),
                        )


# Corners of tiles ---------------------------------------------------------------------


def _corner(output: str, letters: str, tile: int) -> type[Model]:
    """Return a model that leaves out what is in the tails of two axes."""

    class Cornered(Model):
        def contract(self, subscripts: str, one: Array, other: Array) -> Array:
            if OUTPUT_OF[subscripts] != output:
                return super().contract(subscripts, one, other)
            whole = super().contract(subscripts, one, other)
            operands, _, _ = subscripts.partition("->")
            first, _, second = operands.partition(",")
            sizes = dict(zip(first, one.shape, strict=True))
            sizes |= dict(zip(second, other.shape, strict=True))
            # What is summed in the corner, taken off again.
            for letter in letters:
                keep = np.arange(sizes[letter]) >= sizes[letter] // tile * tile
                if letter in first:
                    one = one * _along(keep, first, letter)
                else:
                    other = other * _along(keep, second, letter)
            return np.asarray(whole - np.einsum(subscripts, one, other))

    return Cornered


def _along(keep: Array, letters: str, letter: str) -> Array:
    shape = [1] * len(letters)
    shape[letters.index(letter)] = -1
    return keep.reshape(shape)


LETTERS = {"samples": "n", "locations": "l", "patch": "k", "filters": "f"}


def _corners() -> Iterator[Mutant]:
    for output in SUMS:
        for one, other in combinations(LETTERS, 2):
            letters = LETTERS[one] + LETTERS[other]
            for tile in (4, 8, 16, 32, 64):
                for place in SOMEWHERE:
                    if place == "three axes" and tile > 8:
                        continue
                    words = f"{one} and {other} by {tile}{place and ', ' + place}"
                    yield made(
                        f"corner of {output}: {words}",
                        f"Two tails of {tile} at once, {one} and {other}, left out.",
                        every(tailed(tile, *letters.upper()), WITH[place]),
                        _corner(output, letters, tile),
                        wants(output),
                    )


# Behind one activation ----------------------------------------------------------------


def _whole_tiles(tile: int, count: int) -> int:
    return count // tile * tile


def _flat_behind(start: Callable[[int], int]) -> type[Model]:
    """Return a model that leaves the activation out from one filter on."""

    class Flat(Model):
        def activate(self, z: Array) -> tuple[Array, Any]:
            y, cache = super().activate(z)
            axis = 1 if self.c["data_format"] == "channels_first" else y.ndim - 1
            wrong = np.arange(y.shape[axis]) >= start(y.shape[axis])
            shape = [1] * y.ndim
            shape[axis] = -1
            return np.where(wrong.reshape(shape), to_layout(z, self.c), y), cache

    return Flat


class ShortRow(Model):
    """A softmax of which the sum runs over the first 32 of its row alone."""

    def activate(self, z: Array) -> tuple[Array, Any]:
        y, cache = super().activate(z)
        logarithm = self.activation()[0] == "log_softmax"
        p = np.exp(y) if logarithm else y
        y = p / p[..., :32].sum(-1, keepdims=True)
        return (np.log(y) if logarithm else y), cache


def _curves() -> Iterator[Mutant]:
    places: dict[str, Taken] = {
        **{place: WITH[place] for place in SOMEWHERE if place},
        "strides": WITH["strides"],
        "dilation": WITH["dilation"],
        "pads": WITH["pads"],
        "N above 8": above(8, "N"),
        "L above 16": above(16, "L"),
        "F above 32": above(32, "F"),
        "F divided by 64": UNITS["F divided by 64"],
        "C and F divided by 4": UNITS["C and F divided by 4"],
    }
    for name, activation in CURVES.items():
        here = used_here(activation)
        for place, used in places.items():
            for output in ("y", "dx", "dkernel"):
                yield made(
                    f"{output} off: {name}, {place}",
                    f"{name} on a path that is taken with {place}.",
                    every(here, used),
                    _off(output),
                    wants(output),
                )
        for tile in (4, 8, 16, 32):
            for place in ("", "channels_first", "channels_last"):
                yield made(
                    f"{name} left out behind tiles of {tile}{place and ', ' + place}",
                    f"The last filters that fill no tile of {tile} without {name}.",
                    every(here, tailed(tile, "F"), WITH[place]),
                    _flat_behind(partial(_whole_tiles, tile)),
                )
    for name in ROWS:
        for place in SOMEWHERE:
            yield made(
                f"{name} of 32 lanes{place and ', ' + place}",
                "A sum over a warp for rows that are longer.",
                every(named(name), above(32, "row"), WITH[place]),
                ShortRow,
            )


PATHS = {
    mutant.name: mutant
    for family in (_forgotten, _narrow_units, _divided, _limits, _corners, _curves)
    for mutant in family()
}
