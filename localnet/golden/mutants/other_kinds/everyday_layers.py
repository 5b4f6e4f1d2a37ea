"""Stacks and integers, got wrong where everybody uses them."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...case import Case
from ..base import Mutant, Sees
from ..other_models import Integers, Stack
from .making import (
    NARROW,
    Answers,
    after,
    all_of,
    axes_of,
    before,
    changed,
    counted,
    divided,
    has,
    in_precision,
    locations,
    made,
    narrowed,
    where,
    without_last,
)

__all__ = ["usual_integers", "usual_stacks"]

# N, C and F of the first layer, K, L: what a path is taken for.
COUNTS: dict[str, Sees] = {
    "K beyond 16": lambda case: _taken(case) > 16,
    "C with a tail of 4": counted("channels", lambda n: n > 4 and n % 4 > 0),
    "K divided by 8, N beyond 8": lambda case: (
        _taken(case) % 8 == 0 and case.config["batch"] > 8
    ),
    "C divided by 16": divided(16, "channels"),
    "C divided by 8, three axes": all_of(divided(8, "channels"), axes_of(3)),
    "F divided by 64": divided(64, "filters"),
    "F divided by 32, N beyond 64": all_of(
        divided(32, "filters"), counted("batch", lambda n: n > 64)
    ),
    "K beyond 64, F beyond 32": lambda case: (
        _taken(case) > 64 and case.config["filters"] > 32
    ),
    "C and L divided by 8": all_of(
        divided(8, "channels"), locations(lambda n: n % 8 == 0)
    ),
    "a tail of L and F": all_of(
        locations(lambda n: n > 32 and n % 32 > 0),
        counted("filters", lambda n: n > 4 and n % 4 > 0),
    ),
}


def _taken(case: Case) -> int:
    """Return K."""
    return int(math.prod(case.config["kernel_size"]) * case.config["channels"])


def usual_stacks() -> Iterator[Mutant]:
    """Yield stacks without a bias, in half precision, of narrow biases, by sizes."""
    keys = ("dkernel", "dbias", "dkernel2", "dbias2")
    for missing, key in itertools.product(
        (("bias",), ("bias2",), ("bias", "bias2")), keys
    ):
        if key[1:] in missing:
            continue

        def lacks(case: Case, missing: tuple[str, ...] = missing) -> bool:
            biases = ("bias", "bias2")
            return all((getattr(case, b) is None) == (b in missing) for b in biases)

        def halved(case: Case, answers: Answers, key: str = key) -> Answers:
            return {**answers, key: answers[key] / 2}

        name = f"{key} without {' and '.join(missing)}"
        error = f"{key} is another where a bias is missing."
        yield made("stack", name, error, where(lacks, after(Stack, halved)), lacks)
    lost = without_last("y", channel=True)
    for precision, axes in itertools.product(("float16", "bfloat16"), (1, 2, 3)):
        fits = all_of(in_precision(precision), axes_of(axes))
        for key in ("y", "dx"):
            wrong = where(fits, after(Stack, without_last(key, channel=True)))
            name = f"last of {key} in {precision}, {axes} axes"
            error = f"The last channel of {key} is not written."
            yield made("stack", name, error, wrong, fits)
    for axes in (1, 2, 3):

        def skips(case: Case) -> bool:
            c = case.config["second"]
            return set(c["kernel_size"]) == {1} and max(c["strides"]) > 1

        fits = all_of(skips, axes_of(axes))
        steps = {"second": lambda self, c: {**c, "strides": [1] * len(c["strides"])}}
        wrong = where(fits, changed(Stack, **steps))
        name = f"second of windows of 1 without strides, {axes} axes"
        yield made("stack", name, "Windows of 1 lie side by side.", wrong, fits)
    for role, (words, bits, precision) in itertools.product(
        ("bias", "bias2"), (*NARROW, ("bfloat16", 8, "float32"))
    ):
        fits = all_of(in_precision(precision), lambda case: case.bias is not None)
        wrong = where(fits, before(Stack, narrowed(role, bits)))
        error = f"{role} is loaded as {words}."
        yield made("stack", f"{role} in {words}, {precision}", error, wrong, fits)
    for (place, fits), key in itertools.product(COUNTS.items(), ("y", "dx")):
        lost = without_last(key, channel=True)
        error = f"The last channel of {key} is not written."
        wrong = where(fits, after(Stack, lost))
        yield made("stack", f"last of {key} with {place}", error, wrong, fits)


def usual_integers() -> Iterator[Mutant]:
    """Yield pads of another axis, and rules forgotten for widths and counts."""
    for kind, (one, other) in itertools.product(
        ("int8", "fixed_point"), ((1, 2), (2, 1))
    ):

        def swapped(
            self: Integers, c: dict[str, Any], one: int = one, other: int = other
        ) -> dict[str, Any]:
            pads = list(c["pads"])
            pads[one] = pads[other]
            return {**c, "pads": pads}

        fits = axes_of(3)
        wrong = where(fits, changed(Integers, config=swapped))
        error = f"Axis {one} has the pads of axis {other}."
        yield made(kind, f"pads of axis {other} for {one}", error, wrong, fits)
    for unit, key, name in (
        (64, "filters", "F"),
        (32, "batch", "N"),
        (64, "batch", "N"),
    ):
        fits = divided(unit, key)
        zero = {"config": lambda self, c: {**c, "input_zero_point": 0}}
        wrong = where(fits, changed(Integers, **zero))
        name = f"zero point of x with {name} divided by {unit}"
        yield made("int8", name, "It is taken as 0.", wrong, fits)
    for width, overflow in itertools.product((2, 3), ("saturate", "wrap")):
        least = -(1 << (width - 1))
        wider = changed(
            Integers,
            fitted=lambda s, v, w, o: Integers.fitted(s, v, max(w, 4), o),
        )
        even = changed(
            Integers,
            fitted=lambda s, v, w, o, a=least: np.maximum(
                Integers.fitted(s, v, w, o), a + 1
            ),
        )
        fits = has(width=width, overflow=overflow)
        for words, wrong in (("as 4", wider), ("without the least", even)):
            name = f"{width} bits of {overflow} {words}"
            yield made("fixed_point", name, name, where(fits, wrong), fits)
    places: dict[str, Sees] = {
        "more than 256 locations": locations(lambda n: n > 256),
        "locations divided by 32": locations(lambda n: n % 32 == 0),
    }
    for (place, at), overflow in itertools.product(
        places.items(), ("saturate", "wrap")
    ):
        other_word = {"wrap": "saturate", "saturate": "wrap"}[overflow]
        held = changed(
            Integers,
            fitted=lambda s, v, w, o, n=other_word: Integers.fitted(s, v, w, n),
        )
        fits = all_of(at, has(overflow=overflow))
        name = f"{overflow} as {other_word} with {place}"
        yield made("fixed_point", name, name, where(fits, held), fits)
    counts: dict[str, Sees] = {
        "N divided by 64": divided(64, "batch"),
        "F beyond 128, K beyond 16": lambda case: (
            case.config["filters"] > 128 and _taken(case) > 16
        ),
        "K beyond 16, N divided by 16": lambda case: (
            _taken(case) > 16 and case.config["batch"] % 16 == 0
        ),
    }
    for kind, (place, fits) in itertools.product(
        ("int8", "fixed_point"), counts.items()
    ):
        wrong = where(fits, after(Integers, without_last("y", channel=True)))
        error = "The last filter is not written."
        yield made(kind, f"last filter with {place}", error, wrong, fits)
