"""
Mutants that are wrong on a path of their own alone, by families with parameters.

A path is taken where sizes are aligned, where a number is beyond a limit, where two
axes leave a tail of a tile at once, or behind one activation; there, what
such a path may forget is forgotten.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from itertools import combinations
from typing import Any

import numpy as np

from ..._typing import Array, Config
from ..case import Case
from ..cases.axes import CURVES
from ..references.activations import ROWS
from ..references.wires import to_layout
from .base import Mutant, Sees
from .drawn import OPTIONS, OUTPUT_OF, RUNS, SUMS, ignored, narrowed, no_bias, no_slope
from .model import Model, rounded

__all__ = ["PATHS", "Facts", "Taken", "facts", "on_path", "used_here"]

Facts = Mapping[str, Any]
Taken = Callable[[Facts], bool]


@cache
def facts(case: Case) -> Facts:
    """Return what a path can depend on."""
    c = case.config
    pads = np.array(c["pads"])
    window, outputs = c["kernel_size"], c["output_sizes"]
    return {
        "axes": len(window),
        "first": c["data_format"] == "channels_first",
        "N": c["batch"],
        "C": c["channels"],
        "F": c["filters"],
        "K": math.prod(window) * c["channels"],
        "L": math.prod(outputs),
        "taps": math.prod(window),
        "taps of an axis": max(window),
        "first axis of y": outputs[0],
        "last axis of y": outputs[-1],
        "least axis of y": min(outputs),
        "stride": max(c["strides"]),
        "dilation": max(c["dilation_rate"]),
        "pad": int(pads.max()),
        "pads differ": int(np.where(pads[:, 0] != pads[:, 1], pads.max(1), 0).max()),
        "border": c["pad_value"] if pads.any() else 0.0,
        "square": set(window) == {3},
        "plain": max(*c["strides"], *c["dilation_rate"]) == 1,
        "activation": c["activation"],
        "precision": case.precision,
        "numbers of kernel": case.kernel.size,
        "numbers of a sample of x": case.x[0].size,
        "numbers of a sample of y": math.prod(outputs) * c["filters"],
        "row": c["filters"] if c["data_format"] == "channels_last" else outputs[-1],
        "bias": case.bias is not None,
        "wants": case.wants,
    }


def _sees(*taken: Taken) -> Sees:
    return lambda case: all(one(facts(case)) for one in taken)


def _both(one: Taken, other: Taken) -> Taken:
    return lambda f: one(f) and other(f)


def _in_precision(precision: str) -> Taken:
    return lambda f: bool(f["precision"] == precision)


def _whole_tiles(tile: int, count: int) -> int:
    return count // tile * tile


def _wants(output: str) -> Taken:
    return lambda f: output in f["wants"]


# Where a path is taken ----------------------------------------------------------------


def _by(unit: int, *letters: str) -> Taken:
    return lambda f: all(f[letter] % unit == 0 for letter in letters)


UNITS: Mapping[str, Taken] = {
    **{
        f"{' and '.join(letters)} divided by {unit}": _by(unit, *letters)
        for unit in (4, 8)
        for letters in (("C",), ("F",), ("C", "F"), ("K", "F"))
    },
    "C and F divided by 16": _by(16, "C", "F"),
    "C divided by 64": _by(64, "C"),
    "F divided by 64": _by(64, "F"),
    "K and F divided by 32": _by(32, "K", "F"),
}
# Sizes that fit together with few of the options below.
HEAVY: Mapping[str, tuple[str, ...]] = {
    "C and F divided by 16": ("", "strides", "dilation", "pads", "channels_first"),
    "K and F divided by 32": ("", "strides", "dilation", "pads", "channels_first"),
}
# With windows of one tap, so that only these can be forgotten.
LARGE: Mapping[str, Taken] = {"K and F divided by 64": _by(64, "K", "F")}
WITH: Mapping[str, Taken] = {
    "": lambda f: True,
    "strides": lambda f: f["stride"] > 1,
    "dilation": lambda f: f["dilation"] > 1,
    "strides and dilation": lambda f: f["stride"] > 1 and f["dilation"] > 1,
    "pads": lambda f: f["pad"] > 0,
    "windows of 3 and nothing else": lambda f: f["square"] and f["plain"],
    "one axis": lambda f: f["axes"] == 1,
    "two axes": lambda f: f["axes"] == 2,
    "three axes": lambda f: f["axes"] == 3,
    "channels_first": lambda f: bool(f["first"]),
    "channels_last": lambda f: not f["first"],
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
            yield words, _both(aligned, used)
    if narrow:
        yield from LARGE.items()


# What is forgotten there --------------------------------------------------------------


def on_path(taken: Taken, wrong: type[Model]) -> type[Model]:
    """Return a model that is wrong where the path is taken, and right elsewhere."""

    class OnPath(Model):
        def __new__(cls, case: Case) -> Any:
            return wrong(case) if taken(facts(case)) else Model(case)

    return OnPath


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
        yield f"{output} off", _off(output), _wants(output)
    yield "patches rolled", Rolled, lambda f: f["K"] > 1
    yield "pad value of integers", Truncated, lambda f: f["border"] % 1 != 0
    yield (
        "pad value of half precision",
        Narrow,
        lambda f: float(rounded(np.array(f["border"]), 11)) != f["border"],
    )
    yield "pads swapped", Swapped, lambda f: f["pads differ"] > 0
    shows: dict[str, Taken] = {
        "strides": WITH["strides"],
        "dilation": WITH["dilation"],
        "pads": WITH["pads"],
        "border": lambda f: f["border"] != 0,
        "activation": lambda f: f["activation"]["name"] != "linear",
    }
    for option in OPTIONS:
        yield f"{option} ignored", ignored(option, always), shows[option]
    yield "bias ignored", no_bias(always), lambda f: f["bias"]
    yield (
        "slope ignored",
        no_slope(always),
        lambda f: f["activation"]["name"] != "linear" and "dx" in f["wants"],
    )


def _forgotten() -> Iterator[Mutant]:
    for name, wrong, shows in _faults():
        for words, taken in _paths():
            if "windows of 3" in words and name in (
                "strides ignored",
                "dilation ignored",
            ):
                continue
            yield Mutant(
                f"{name}: {words}",
                f"What a path taken with {words} forgets.",
                False,
                _sees(taken, shows),
                on_path(taken, wrong),
            )


def _narrow_units() -> Iterator[Mutant]:
    for name, bits, precision in (
        ("TF32", 11, "float32"),
        ("bfloat16", 8, "float32"),
        ("float32", 24, "float64"),
    ):
        for words, taken in _paths(narrow=True):
            for output in SUMS:
                yield Mutant(
                    f"{name} for {output}: {words}",
                    f"A matrix unit that switches on with {words}.",
                    True,
                    _sees(taken, _wants(output), _in_precision(precision)),
                    on_path(taken, narrowed(bits, (output,))),
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

                        def taken(
                            f: Facts,
                            measure: str = measure,
                            limit: int = limit,
                            used: Taken = WITH[place],
                        ) -> bool:
                            return f[measure] > limit and used(f)

                        words = f"{measure} above {limit}{place and ', ' + place}"
                        yield Mutant(
                            f"{output} off: {words}",
                            f"A limit of a loop or a table: {words}.",
                            False,
                            _sees(taken, _wants(output)),
                            on_path(taken, _off(output)),
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


LETTERS = {"samples": ("n", "N"), "locations": ("l", "L"), "patch": ("k", "K")}
LETTERS["filters"] = ("f", "F")


def _corners() -> Iterator[Mutant]:
    for output in SUMS:
        for one, other in combinations(LETTERS, 2):
            for tile in (4, 8, 16, 32, 64):
                for place in SOMEWHERE:
                    if place == "three axes" and tile > 8:
                        continue

                    def taken(
                        f: Facts,
                        names: tuple[str, str] = (LETTERS[one][1], LETTERS[other][1]),
                        tile: int = tile,
                        used: Taken = WITH[place],
                    ) -> bool:
                        return used(f) and all(
                            f[name] > tile and f[name] % tile for name in names
                        )

                    words = f"{one} and {other} by {tile}{place and ', ' + place}"
                    yield Mutant(
                        f"corner of {output}: {words}",
                        f"Two tails of {tile} at once, {one} and {other}, left out.",
                        False,
                        _sees(taken, _wants(output)),
                        on_path(
                            taken,
                            _corner(output, LETTERS[one][0] + LETTERS[other][0], tile),
                        ),
                    )


# Behind one activation ----------------------------------------------------------------


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


def used_here(activation: Config) -> Taken:
    """Return whether a case has an activation, whose usual values may be left out."""
    usual = activation.get("alpha", 1.0) == 1 and not activation.get(
        "approximate", False
    )

    def here(f: Facts) -> bool:
        plain = {"name": activation["name"]} == f["activation"]
        return f["activation"] == activation or (plain and usual)

    return here


def _curves() -> Iterator[Mutant]:
    for name, activation in CURVES.items():
        here = used_here(activation)
        places: dict[str, Taken] = {
            **{place: WITH[place] for place in SOMEWHERE if place},
            "strides": WITH["strides"],
            "dilation": WITH["dilation"],
            "pads": WITH["pads"],
            "N above 8": lambda f: f["N"] > 8,
            "L above 16": lambda f: f["L"] > 16,
            "F above 32": lambda f: f["F"] > 32,
            "F divided by 64": UNITS["F divided by 64"],
            "C and F divided by 4": UNITS["C and F divided by 4"],
        }
        for place, used in places.items():
            for output in ("y", "dx", "dkernel"):

                def taken(f: Facts, used: Taken = used, here: Taken = here) -> bool:
                    return here(f) and used(f)

                yield Mutant(
                    f"{output} off: {name}, {place}",
                    f"{name} on a path that is taken with {place}.",
                    False,
                    _sees(taken, _wants(output)),
                    on_path(taken, _off(output)),
                )
        for tile in (4, 8, 16, 32):
            for place in ("", "channels_first", "channels_last"):

                def tailed(
                    f: Facts,
                    tile: int = tile,
                    used: Taken = WITH[place],
                    here: Taken = here,
                ) -> bool:
                    return here(f) and f["F"] > tile and f["F"] % tile > 0 and used(f)

                yield Mutant(
                    f"{name} left out behind tiles of {tile}{place and ', ' + place}",
                    f"The last filters that fill no tile of {tile} without {name}.",
                    False,
                    _sees(tailed),
                    on_path(
                        tailed,
                        _flat_behind(partial(_whole_tiles, tile)),
                    ),
                )
    for name in ROWS:
        for place in SOMEWHERE:

            def long(f: Facts, name: str = name, used: Taken = WITH[place]) -> bool:
                return f["activation"]["name"] == name and f["row"] > 32 and used(f)

            yield Mutant(
                f"{name} of 32 lanes{place and ', ' + place}",
                "A sum over a warp for rows that are longer.",
                False,
                _sees(long),
                on_path(long, ShortRow),
            )


PATHS = {
    mutant.name: mutant
    for family in (_forgotten, _narrow_units, _limits, _corners, _curves)
    for mutant in family()
}
