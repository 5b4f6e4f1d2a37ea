"""
Mutants that are wrong in configurations that architectures use, by families.

A path is taken for one window and one rank alone, for ordinary counts, or behind a long
one; or a table of ranks, shares, slots or pad values ends where few cases go.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ..._typing import Array, Config
from ..case import Case
from ..cases.usual import CAUSAL, TRANSPOSED, WINDOWS, Window
from ..references.activations import ROWS
from ..references.connections import VARIANTS
from .base import Mutant, Sees, wants_gradients
from .drawn import OUTPUT_OF, SUMS, without
from .model import Model
from .variant_model import VariantModel

__all__ = ["EVERYDAY"]

KINDS = ("layer", *VARIANTS)
RANKS = ("one axis", "two axes", "three axes")


def _base(kind: str) -> type[Model]:
    return Model if kind == "layer" else VariantModel


def _mutant(
    kind: str, words: str, sees: Sees, wrong: type[Model], *, numerical: bool = False
) -> Mutant:
    """Return what is wrong where it is seen, and right everywhere else."""

    class OnPath(wrong):  # type: ignore[misc,valid-type]
        def __new__(cls, case: Case) -> Any:
            return wrong(case) if sees(case) else _base(kind)(case)

    error = f"A path of its own: {words}."
    return Mutant(f"{kind}: {words}", error, numerical, sees, OnPath, (kind,))


def _where(*tests: Callable[[Config], bool], wants: str = "y") -> Sees:
    """Return whether a config passes, and an answer is asked for."""
    return lambda case: (
        wants in case.wants and all(test(dict(case.config)) for test in tests)
    )


# One window ---------------------------------------------------------------------------


def _is(window: Window, axes: int, c: Config) -> bool:
    wanted = {
        "kernel_size": window.kernel,
        "strides": window.stride,
        "dilation_rate": window.dilation,
        "pads": [window.before, window.after],
    }
    rank = len(c["strides"])
    return rank == axes and all(list(c[k]) == [v] * rank for k, v in wanted.items())


def _lost(output: str, base: type[Model]) -> type[Model]:
    """Return a model that does nothing for the last location, in one sum."""

    class Lost(base):  # type: ignore[misc,valid-type]
        def contract(self, subscripts: str, one: Array, other: Array) -> Array:
            found = np.array(super().contract(subscripts, one, other))
            if OUTPUT_OF[subscripts] == output:
                found[-1 if output == "dkernel" else (slice(None), -1)] = 0
            return found

    return Lost


def _windows() -> Iterator[Mutant]:
    for kind in KINDS:
        table = {"transposed": TRANSPOSED}.get(kind, {**WINDOWS, **CAUSAL})
        for (name, window), axes in product(table.items(), (1, 2, 3)):
            few = kind in ("shared", "low_rank") or (kind == "conv" and axes == 3)
            if few and name not in ("k3s1p1", "k3s2p1", "k2s2"):
                continue
            if name in CAUSAL and axes > 1:
                continue
            for output in SUMS:
                words = f"last location of {output} lost, {name} of {RANKS[axes - 1]}"
                sees = _where(partial(_is, window, axes), wants=output)
                yield _mutant(kind, words, sees, _lost(output, _base(kind)))


def _groups() -> Iterator[Mutant]:
    def deep(c: Config) -> bool:
        return bool(c["groups"] == c["channels"] > 1)

    for name, axes in (("k3s1p1", 1), ("k3s1p1", 2), ("k3s1p1", 3), ("k3s2p1", 2)):
        for times in (1, 2) if axes == 2 else (1,):

            def multiplied(c: Config, times: int = times) -> bool:
                return bool(c["filters"] == times * c["channels"])

            window = partial(_is, WINDOWS[name], axes)
            for output in SUMS:
                words = f"last location of {output} lost, depthwise x{times} {name} "
                words += f"of {RANKS[axes - 1]}"
                sees = _where(deep, multiplied, window, wants=output)
                yield _mutant("conv", words, sees, _lost(output, VariantModel))
    sees = _where(deep, lambda c: c["channels"] > 32)
    wrong = without("f", lambda n: np.arange(n) < 32, "y", VariantModel)
    yield _mutant("conv", "filters of y beyond 32 lost, depthwise", sees, wrong)


# Counts -------------------------------------------------------------------------------

LETTERS = {"N": "n", "F": "f", "L": "l", "K": "k"}


def _count(letter: str, c: Config) -> int:
    counts = {"N": c["batch"], "F": c["filters"], "C": c["channels"]}
    counts["L"] = math.prod(c["output_sizes"])
    counts["K"] = math.prod(c["kernel_size"]) * c["channels"]
    return int(counts[letter])


def _has(letter: str, count: int, c: Config) -> bool:
    return _count(letter, c) == count


def _but_last(count: int) -> Array:
    return np.arange(count) < count - 1


def _counts() -> Iterator[Mutant]:
    for letter, output in product("NFCL", SUMS):
        for count in (6, 10, 12, 20, 48, 96, 100):
            words = f"last of {output} lost, {letter} of {count}"
            sees = _where(partial(_has, letter, count), wants=output)
            run = LETTERS.get(letter, "k")
            yield _mutant("layer", words, sees, without(run, _but_last, output))
    for kind, letter, output in product(KINDS, "NFL", SUMS):
        for unit in (16, 32, 64):

            def even(c: Config, letter: str = letter, unit: int = unit) -> bool:
                n = _count(letter, c)
                return n % unit == 0 and n & (n - 1) > 0

            words = f"last of {output} lost, {letter} divided by {unit}, no power of 2"
            wrong = without(LETTERS[letter], _but_last, output, _base(kind))
            yield _mutant(kind, words, _where(even, wants=output), wrong)


# What stands beside long counts -------------------------------------------------------


def _option(change: Callable[[Config], Config], base: type[Model]) -> type[Model]:
    class Changed(base):  # type: ignore[misc,valid-type]
        def config(self, c: Config) -> Config:
            return change(c)

    return Changed


def _without(parameter: str, c: Config) -> Config:
    kept = {k: v for k, v in c["activation"].items() if k != parameter}
    return {**c, "activation": kept}


def _given(parameter: str, c: Config) -> bool:
    return c["activation"]["name"] == "relu" and parameter in c["activation"]


def _from_zero(c: Config) -> Config:
    return {**c, "pads": [[0, before + after] for before, after in c["pads"]]}


LONG: Mapping[str, tuple[str, int]] = {
    "F above 128": ("F", 128),
    "C above 32": ("C", 32),
    "K above 128": ("K", 128),
    "N above 128": ("N", 128),
    "L above 256": ("L", 256),
}


def _beside() -> Iterator[Mutant]:
    for kind, (place, (letter, limit)) in product(KINDS, LONG.items()):

        def far(c: Config, letter: str = letter, limit: int = limit) -> bool:
            return _count(letter, c) > limit

        for parameter in ("alpha", "max_value", "threshold"):
            relu = _where(far, partial(_given, parameter))
            wrong = _option(partial(_without, parameter), _base(kind))
            yield _mutant(kind, f"{parameter} of relu ignored, {place}", relu, wrong)
        padded = _where(far, lambda c: any(before for before, _ in c["pads"]))
        wrong = _option(_from_zero, _base(kind))
        yield _mutant(kind, f"pads before taken for none, {place}", padded, wrong)


def _narrow() -> Iterator[Mutant]:
    for kind in KINDS:

        def strided(case: Case) -> bool:
            c = case.config
            fits = case.precision == "bfloat16" and c["channels"] % 8 == 0
            return fits and max(c["strides"]) > 1

        wrong = _lost("dkernel", _base(kind))
        words = "last location of dkernel lost, C divided by 8, strides, bfloat16"
        yield _mutant(kind, words, strided, wrong)

        def ceiling(case: Case) -> bool:
            fits = case.precision == "bfloat16" and case.config["batch"] > 32
            return fits and _given("max_value", dict(case.config))

        wrong = _option(partial(_without, "max_value"), _base(kind))
        words = "max_value of relu ignored, N above 32, bfloat16"
        yield _mutant(kind, words, ceiling, wrong)
    for parameter in ("alpha", "max_value", "threshold"):
        sees = _where(lambda c: _count("L", c) > 1024, partial(_given, parameter))
        wrong = _option(partial(_without, parameter), Model)
        words = f"{parameter} of relu ignored, L above 1024"
        yield _mutant("layer", words, sees, wrong)


# Tables that end ----------------------------------------------------------------------


class FewRanks(VariantModel):
    """A mixture of at most 8 kernels."""

    def mixture(self) -> Array:
        found = super().mixture().copy()
        found[:, 8:] = 0
        return found


class ShortRows(VariantModel):
    """The slope of softmax over 8 filters at a time."""

    def dz(self, dy: Array, cache: Any) -> Array:
        found = super().dz(dy, cache)
        part = np.asarray(dy).reshape(*found.shape)  # channels_last
        y = np.asarray(self.activate(self.z)[0]).reshape(*found.shape)
        logarithm = self.activation()[0] == "log_softmax"
        for n in range(0, found.shape[-1], 8):
            d, p = part[..., n : n + 8], y[..., n : n + 8]
            if logarithm:
                found[..., n : n + 8] = d - np.exp(p) * d.sum(-1, keepdims=True)
            else:
                found[..., n : n + 8] = p * (d - (d * p).sum(-1, keepdims=True))
        return found

    def activate(self, z: Array) -> tuple[Array, Any]:
        self.z = z
        return super().activate(z)


class FewSlots(VariantModel):
    """A cell of y takes what at most 8 windows paint."""

    def patches(self) -> Array:
        cells = self.cells()
        owners = (cells >= 0).reshape(len(cells), -1, self.case.config["channels"])
        late = np.repeat(
            np.cumsum(owners.any(-1), 1) > 8, self.case.config["channels"], 1
        )
        order = self.case.config["data_format"] == "channels_last"
        found = np.array(super().patches())
        return np.where(late[None] & order, 0.0, found)


class LowBorder(Model):
    """A pad value within 8 of 0."""

    def config(self, c: Config) -> Config:
        return {**c, "pad_value": float(np.clip(c["pad_value"], -8, 8))}


class Flushed(Model):
    """Upstream gradients of bfloat16 flushed to zero."""

    def dy(self) -> Array:
        found = super().dy()
        return np.where(abs(found) < 2.0**-126, 0.0, found)


def _clipped(base: type[Model]) -> type[Model]:
    class Clipped(base):  # type: ignore[misc,valid-type]
        def activate(self, z: Array) -> tuple[Array, Any]:
            found: tuple[Array, Any] = super().activate(
                np.minimum(z, self.c["activation"]["max_value"])
            )
            return found

    return Clipped


def _tables() -> Iterator[Mutant]:
    yield _mutant(
        "low_rank", "ranks beyond 8", _where(lambda c: c["rank"] > 8), FewRanks
    )

    def less(c: Config) -> Config:
        return {**c, "share": [min(n, 8) for n in c["share"]]}

    def large(c: Config) -> bool:
        return any(n > 8 and t > 1 for n, t in zip(c["share"], c["tile"], strict=True))

    wrong = _option(less, VariantModel)
    yield _mutant("shared", "shares beyond 8, several", _where(large), wrong)
    for name in ROWS:

        def rows(c: Config, name: str = name) -> bool:
            last = c["data_format"] == "channels_last"
            return bool(last and c["activation"]["name"] == name and c["filters"] > 8)

        seen = _where(rows, wants="dx")
        words = f"slope of {name} of 8 filters"
        yield _mutant("shared", words, seen, ShortRows, numerical=True)
    painted: Sees = lambda case: bool(  # noqa: E731
        np.any(FewSlots(case).patches() != VariantModel(case).patches())
    )
    yield _mutant("transposed", "cells painted by more than 8", painted, FewSlots)
    for precision in ("float16", "bfloat16"):

        def far(case: Case, precision: str = precision) -> bool:
            padded = any(map(any, case.config["pads"]))
            value = abs(case.config["pad_value"])
            return case.precision == precision and padded and value > 8

        yield _mutant("layer", f"pads within 8 of 0, {precision}", far, LowBorder)

    def below(case: Case) -> bool:
        tiny = wants_gradients(case) and case.precision == "bfloat16"
        return tiny and bool(np.any(Flushed(case).dy() != case.dy))

    yield _mutant("layer", "subnormal dy of bfloat16", below, Flushed)
    for kind in KINDS:

        def lid(c: Config) -> bool:
            a = c["activation"]
            limit = a.get("max_value")
            return limit is not None and limit <= a.get("threshold", 0) > 0

        words = "relu clipped before it meets its threshold"
        yield _mutant(kind, words, _where(lid), _clipped(_base(kind)))


EVERYDAY = {
    mutant.name: mutant
    for family in (_windows, _groups, _counts, _beside, _narrow, _tables)
    for mutant in family()
}
