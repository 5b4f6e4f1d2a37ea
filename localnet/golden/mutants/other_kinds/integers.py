"""int8 and fixed point, got wrong: accumulators, roundings, and types too narrow."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...._typing import Array
from ...case import Case
from ..base import Mutant, Sees
from ..model import rounded
from ..other_models import Integers
from .making import changed, divided, has, made, where

__all__ = ["accumulators", "fixed", "int8", "ranges"]


def _wrapped(bits: int) -> Callable[[Any, Array], Array]:
    return lambda self, a: Integers.fitted(self, a, bits, "wrap")


def _clipped(bits: int) -> Callable[[Any, Array], Array]:
    return lambda self, a: Integers.fitted(self, a, bits, "saturate")


def _round_as(rounding: str, *only: str) -> Any:
    """Return a step that rounds by another rule."""

    def step(self: Integers, total: Array, shift: int, asked: str) -> Array:
        if asked not in only:
            return Integers.rounded(self, total, shift, asked)
        if rounding == "away":
            size: Array = abs(total) + (1 << shift >> 1)
            return np.asarray(np.sign(total) * (size >> shift))
        if rounding == "to 0":
            size = abs(total)
            return np.asarray(np.sign(total) * (size >> shift))
        return Integers.rounded(self, total, shift, rounding)

    return step


def accumulators() -> Iterator[Mutant]:
    """Yield sums in fewer bits, which wrap or saturate."""
    for kind in ("int8", "fixed_point"):
        for bits, (words, step) in itertools.product(
            (16, 18, 20, 22, 24, 31), (("wraps", _wrapped), ("saturates", _clipped))
        ):
            error = f"The accumulator {words} at {bits} bits."
            wrong = changed(Integers, accumulated=step(bits))
            yield made(kind, f"accumulator {words} at {bits} bits", error, wrong)
    single = changed(
        Integers, accumulated=lambda self, a: rounded(1.0 * a, 24).astype(np.int64)
    )
    error = "Sums beyond 24 bits in float32."
    yield made("int8", "accumulator in float32", error, single)


def int8() -> Iterator[Mutant]:
    """Yield int8 with other multipliers, zero points, roundings and ends."""
    scaled: Sees = lambda case: "multiplier" in case.config  # noqa: E731
    for bits in (16, 20, 24):
        error = f"The sum times its multiplier wraps at {bits} bits."
        wrong = changed(Integers, scaled=_wrapped(bits))
        yield made("int8", f"product wraps at {bits} bits", error, wrong, scaled)
    for lanes in (1, 4, 8, 16):
        wrong = changed(
            Integers,
            multipliers=lambda self, n=lanes: Integers.multipliers(self)[
                np.arange(self.c["filters"]) % n
            ],
        )
        error = f"Multipliers are loaded in {lanes} lanes, the first ones again."
        yield made("int8", f"multiplier of f % {lanes}", error, wrong, scaled)
    for point in ("input_zero_point", "kernel_zero_point", "output_zero_point"):
        wrong = changed(Integers, config=lambda self, c, p=point: {**c, p: 0})

        def used(case: Case, point: str = point) -> bool:
            return bool(case.config.get(point, 0) != 0)

        yield made("int8", f"{point} ignored", f"{point} is taken as 0.", wrong, used)
    least = changed(
        Integers, weights=lambda self: np.maximum(Integers.weights(self), -127)
    )
    yield made("int8", "weight -128 as -127", "Weights are symmetric.", least)
    for rounding in ("nearest", "truncate", "away", "to 0"):
        wrong = changed(Integers, rounded=_round_as(rounding, "even"))
        error = f"Ties, or all, are rounded {rounding}."
        yield made("int8", f"rounded {rounding}", error, wrong, scaled)
    for least_of, most in ((-127, 127), (-128, 126)):
        wrong = changed(
            Integers, fitted=lambda self, v, w, o, a=least_of, b=most: np.clip(v, a, b)
        )
        error = f"Saturation at {least_of} and {most}."
        yield made("int8", f"ends {least_of} and {most}", error, wrong, scaled)


def fixed() -> Iterator[Mutant]:
    """Yield fixed point that overflows or rounds by another rule."""
    for width, overflow in itertools.product((8, 12, 16), ("wrap", "saturate")):
        other = {"wrap": "saturate", "saturate": "wrap"}[overflow]
        here = has(width=width, overflow=overflow)

        def early(self: Integers, total: Array) -> Array:
            c = self.c
            cut = c["fraction_of_products"] - c["fraction"]
            held = self.fitted(total, c["width"] + cut, c["overflow"])
            return self.rounded(held, cut, c["rounding"])

        for words, steps in (
            (
                f"{other}s",
                {"fitted": lambda s, v, w, o, n=other: Integers.fitted(s, v, w, n)},
            ),
            (f"{overflow}s before it rounds", {"cast": early}),
        ):
            rounds: Sees = (
                (lambda case: case.config["rounding"] != "truncate")
                if "cast" in steps
                else (lambda case: True)
            )
            name = f"{width} bits of {overflow}: {words}"
            error = f"A sum beyond {width} bits is held otherwise: {words}."
            wrong = changed(Integers, **steps)
            yield made("fixed_point", name, error, wrong, here, rounds)
    roundings = ("truncate", "nearest", "even", "away", "to 0")
    for asked, rounding in itertools.product(roundings[:3], roundings):
        if asked != rounding:
            wrong = changed(Integers, rounded=_round_as(rounding, asked))
            name = f"{asked} as {rounding}"
            error = f"{asked} is taken for {rounding}."
            here = has(rounding=asked)
            yield made("fixed_point", name, error, wrong, here)


def _held(bits: int, *, signed: bool = True) -> Callable[[Array], Array]:
    """Return what a type of so many bits holds of integers."""
    low = 1 << (bits - 1) if signed else 0
    return lambda a: np.asarray((a + low) % (1 << bits) - low)


def _single(a: Array) -> Array:
    return np.asarray(rounded(1.0 * a, 24)).astype(np.int64)


def _halved(self: Integers, total: Array, shift: int, asked: str) -> Array:
    """Round by adding a half, in 32 bits."""
    sound = Integers.rounded(self, total, shift, asked)
    beyond = total + (1 << shift >> 1) >= 1 << 31
    wraps = asked != "truncate" and shift > 0
    return np.where(beyond & wraps, -(1 << (31 - shift)) if shift else 0, sound)


def _unasked(self: Integers, total: Array, shift: int, asked: str) -> Array:
    """Round where nothing is cut."""
    found = Integers.rounded(self, total, shift, asked)
    return found + (shift == 0 and asked != "truncate")


def _in_float(self: Integers, total: Array, shift: int, asked: str) -> Array:
    return Integers.rounded(self, _single(total), shift, asked)


def ranges() -> Iterator[Mutant]:
    """Yield integers in types that are too narrow for them."""
    types = {
        "int16": _held(16),
        "uint16": _held(16, signed=False),
        "uint8": _held(8, signed=False),
        "float32": _single,
    }
    for words, held in types.items():
        wrong = changed(
            Integers, multipliers=lambda self, h=held: h(Integers.multipliers(self))
        )
        error = f"Multipliers are kept as {words}."
        yield made("int8", f"multipliers in {words}", error, wrong)
    for kind, words in itertools.product(("int8", "fixed_point"), ("int16", "float32")):
        held = types[words]
        wrong = changed(Integers, bias=lambda self, h=held: h(Integers.bias(self)))
        yield made(kind, f"bias in {words}", f"The bias is kept as {words}.", wrong)
    for step, name in (("cells", "x"), ("weights", "kernel")):
        for bits in (8, 16):
            held = _held(bits)
            wrong = changed(
                Integers,
                **{step: lambda self, s=step, h=held: h(getattr(Integers, s)(self))},
            )
            error = f"Fixed point reads {name} in {bits} bits."
            yield made("fixed_point", f"{name} in {bits} bits", error, wrong)
    for words, rounds, error in (
        ("a half added in 32 bits", _halved, "A half is added in 32 bits."),
        ("a unit added where nothing is cut", _unasked, "A half of nothing is a unit."),
        ("in float32", _in_float, "What is rounded is held in float32."),
    ):
        for kind in ("int8", "fixed_point"):
            wrong = changed(Integers, rounded=rounds)
            yield made(kind, f"rounded with {words}", error, wrong)
    places: dict[str, Sees] = {
        "one sample": lambda case: case.config["batch"] == 1,
        "N divided by 4": divided(4, "batch"),
        "F divided by 8": divided(8, "filters"),
        "F divided by 16": divided(16, "filters"),
    }
    for place, fits in places.items():
        for point in ("input_zero_point", "kernel_zero_point"):
            wrong = changed(Integers, config=lambda self, c, p=point: {**c, p: 0})
            name = f"{point} ignored with {place}"
            yield made(
                "int8", name, f"{point} is taken as 0.", where(fits, wrong), fits
            )
        lone = changed(
            Integers,
            multipliers=lambda self: np.full_like(
                Integers.multipliers(self), self.c["multiplier"][0]
            ),
        )
        error = "The first multiplier is taken for all."
        yield made(
            "int8", f"one multiplier with {place}", error, where(fits, lone), fits
        )
        if place == "F divided by 16":
            continue
        for rounding, other in (("nearest", "truncate"), ("even", "nearest")):
            wrong = changed(Integers, rounded=_round_as(other, rounding))
            name = f"{rounding} as {other} with {place}"
            here = has(rounding=rounding)
            error = f"{rounding} is taken for {other}."
            yield made("fixed_point", name, error, where(fits, wrong), here, fits)
    for least, taken in ((16, 16), (24, 16), (32, 24)):
        wrong = changed(
            Integers,
            fitted=lambda s, v, w, o, n=least, t=taken: Integers.fitted(
                s, v, t if w > n or w == n != t else w, o
            ),
        )
        name = f"{least} bits and more held in {taken}"
        yield made("fixed_point", name, f"Answers have {taken} bits at most.", wrong)
    wrong = changed(
        Integers, fitted=lambda s, v, w, o: Integers.fitted(s, v, max(w, 8), o)
    )
    yield made("fixed_point", "at least 8 bits", "Answers have 8 bits or more.", wrong)
