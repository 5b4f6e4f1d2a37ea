"""Pooling, got wrong: pads, ties, and the places of maxima."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ...._typing import Array
from ...case import Case
from ..base import Mutant, Sees, is_padded
from ..model import rounded
from ..other_models import Pool
from . import making
from .making import NARROW, changed, divided, has, in_precision, where

__all__ = ["last_of_ties", "pools"]

made = partial(making.made, "pool")


def last_of_ties(self: Pool, windows: Array) -> Array:
    """Take the last of equal maxima."""
    last = windows.shape[-1] - 1 - windows[..., ::-1].argmax(-1)
    return np.asarray(np.arange(windows.shape[-1]) == last[..., None])


def _every(self: Pool, windows: Array) -> Array:
    return np.asarray(windows == windows.max(-1, keepdims=True))


def _byte(bits: int) -> Any:
    def takes(self: Pool, windows: Array) -> Array:
        place = windows.argmax(-1)[..., None] % (1 << bits)
        return np.asarray(np.arange(windows.shape[-1]) == place)

    return takes


def _inexact(case: Case) -> bool:
    """Return whether windows have counts without an exact inverse."""
    window = math.prod(case.config["kernel_size"])
    return bool(window & (window - 1))


Change = Callable[[list[int]], list[int]]


def _placed(change: Change) -> Any:
    """Return a step that takes pads for others."""

    def config(self: Pool, c: dict[str, Any]) -> dict[str, Any]:
        return {**c, "pads": [change(pair) for pair in c["pads"]]}

    return config


def pools() -> Iterator[Mutant]:
    """Yield pooling with pads and ties that count otherwise, or narrow numbers."""
    largest, mean = has(pool="max"), has(pool="average")
    ties: Sees = lambda case: "kink" in case.flags  # noqa: E731
    for words, takes in (("the last", last_of_ties), ("each", _every)):
        error = f"The gradient of equal maxima goes to {words} of them."
        wrong = changed(Pool, takes=takes)
        yield made(f"ties to {words}", error, wrong, largest, ties)
    below: Sees = lambda case: bool((case.x < 0).all())  # noqa: E731
    yield made(
        "pads of 0 under a maximum",
        "Pads of 0 are larger than numbers below it.",
        changed(Pool, border=lambda self: 0.0),
        largest,
        below,
        is_padded,
    )
    yield made(
        "pads counted in the mean",
        "The sum is divided by the whole window.",
        changed(Pool, counts=lambda self, i: np.full(len(i), i.shape[1])),
        mean,
        is_padded,
    )
    few: dict[str, Sees] = {
        "one sample": lambda case: case.config["batch"] == 1,
        "N divided by 8": divided(8, "batch"),
        "C divided by 8": divided(8, "channels"),
    }
    for place, fits in few.items():
        wrong = where(fits, changed(Pool, border=lambda self: 0.0))
        error = f"Pads are 0 under a maximum with {place}."
        yield made(
            f"pads of 0 with {place}", error, wrong, below, is_padded, largest, fits
        )
        step = {"counts": lambda self, i: np.full(len(i), i.shape[1])}
        wrong = where(fits, changed(Pool, **step))
        error = f"Pads are counted in a mean with {place}."
        yield made(f"pads counted with {place}", error, wrong, mean, is_padded, fits)
    eight = few["C divided by 8"]
    error = "The gradient of equal maxima goes to the last of them."
    wrong = where(eight, changed(Pool, takes=last_of_ties))
    yield made("ties to the last with C divided by 8", error, wrong, ties, eight)
    for bits in (7, 8):
        wrong = changed(Pool, takes=_byte(bits))
        error = f"The place of the largest number is kept in {bits} bits."
        yield made(f"place in {bits} bits", error, wrong, largest)
    for words, fewer, precision in NARROW:
        narrow = changed(Pool, read=lambda self, x, b=fewer: rounded(x, b))
        for name, pool in (("max", largest), ("mean", mean)):
            if (name, precision) != ("max", "float64"):
                error = f"Numbers are loaded as {words} under a {name}."
                name = f"numbers in {words}, {precision}, {name}"
                yield made(name, error, narrow, pool, in_precision(precision))
    for words, fewer in (("bfloat16", 8), ("float16", 11), ("12 bits", 12)):
        for precision in ("float32", "float64"):

            def inverse(self: Pool, inside: Array, fewer: int = fewer) -> Array:
                return np.asarray(1 / rounded(1 / inside.sum(-1), fewer))

            error = f"A mean is a product with an inverse of {words}."
            name = f"inverse in {words}, {precision}"
            wrong = changed(Pool, counts=inverse)
            yield made(name, error, wrong, mean, in_precision(precision), _inexact)
    for words, change in (
        ("pads before forgotten", lambda pair: [0, sum(pair)]),
        ("pads after stand before", lambda pair: [sum(pair), 0]),
    ):
        for name, pool in (("max", largest), ("mean", mean)):

            def uneven(case: Case, change: Change = change) -> bool:
                return any(change(list(p)) != list(p) for p in case.config["pads"])

            wrong = changed(Pool, config=_placed(change))
            error = f"Windows of pooling lie elsewhere: {words}."
            yield made(f"{words}, {name}", error, wrong, pool, uneven)
