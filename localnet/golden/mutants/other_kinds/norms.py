"""Batch normalisation, got wrong: moments, means far from 0, and epsilon."""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from ...._typing import Array
from ...case import Case
from ..base import Mutant, Sees
from ..model import rounded
from ..other_models import Norm, OtherModel
from . import making
from .making import NARROW, changed, divided, has, in_precision, where

__all__ = ["norms"]

made = partial(making.made, "batch_norm")


def _whole(tile: int, terms: Array) -> Array:
    """Return what fills tiles, or all of a first one."""
    count = terms.shape[1]
    return terms[:, : max(count // tile * tile, min(count, tile))]


def _one_pass(bits: int) -> Any:
    def moments(self: Norm, x: Array) -> tuple[Array, Array]:
        mean = x.mean(1)
        squares = rounded(rounded(x * x, bits).mean(1), bits)
        return mean, rounded(np.maximum(squares - rounded(mean * mean, bits), 0), bits)

    return moments


def _narrow_mean(bits: int) -> dict[str, Any]:
    def normal(self: Norm, x: Array, mean: Array, variance: Array) -> Array:
        return Norm.normal(self, x, rounded(mean, bits), variance)

    return {"normal": normal}


def norms() -> Iterator[Mutant]:
    """Yield norms with tails left out, sums that cancel, and no epsilon or beta."""
    training = has(training=True)
    for tile in (8, 16, 32, 64, 128, 256):

        def tail(case: Case, tile: int = tile) -> bool:
            return _members(case) > tile and _members(case) % tile > 0

        for words, steps in (
            (
                "moments",
                {"moments": lambda s, x, t=tile: Norm.moments(s, _whole(t, x))},
            ),
            (
                "gradients",
                {"total": lambda s, terms, t=tile: Norm.total(s, _whole(t, terms))},
            ),
        ):
            error = f"What does not fill blocks of {tile} is left out of {words}."
            wrong = changed(Norm, **steps)
            name = f"tail of {tile} in {words}"
            yield made(name, error, wrong, training, tail)
    for precision, bits in (("float32", 24), ("float64", 53)):
        here, far = in_precision(precision), _is_far
        yield made(
            f"variance in one pass, {precision}",
            "The mean of squares less the square of the mean cancels.",
            changed(Norm, moments=_one_pass(bits)),
            training,
            here,
            far,
        )
        for words, fewer in (("bfloat16", 8), ("TF32", 11), ("float32", 24)):
            if fewer >= bits:
                continue
            for is_training in (True, False):
                yield made(
                    f"mean in {words}, {precision}, training {is_training}",
                    f"The mean is rounded to {words} before it is subtracted.",
                    changed(Norm, **_narrow_mean(fewer)),
                    has(training=is_training),
                    here,
                    far,
                )

    def nothing(self: Norm, x: Array, mean: Array, variance: Array) -> Array:
        # Where nothing varies, beta is lost: gamma*normal + beta = 0.
        gamma, beta = np.asarray(self.case.kernel), np.asarray(self.case.bias)
        lost = np.where(variance == 0, -beta / gamma, 0.0)
        return np.asarray(Norm.normal(self, x, mean, variance) + lost[:, None])

    def read(self: Norm, array: Any, bits: int) -> Array:
        return rounded(OtherModel.by_channel(self, array), bits)

    for words, fewer, precision in NARROW:
        for unit in (4, 8):
            narrow = changed(Norm, by_channel=lambda s, a, b=fewer: read(s, a, b))
            four, here = divided(unit, "channels"), in_precision(precision)
            error = f"Numbers are loaded as {words} where {unit} divides C."
            name = f"numbers in {words}, {precision}, C divided by {unit}"
            yield made(name, error, where(four, narrow), four, here, _is_far)
    for unit in (4, 8):
        four = divided(unit, "channels")
        wrong = where(four, changed(Norm, config=lambda self, c: {**c, "epsilon": 0.0}))
        error = f"epsilon is forgotten where {unit} divides C."
        yield made(f"no epsilon, C divided by {unit}", error, wrong, four)

    still: Sees = lambda case: "equal numbers" in case.why  # noqa: E731
    error = "A channel of equal numbers gives 0, and not beta."
    yield made("constant channel", error, changed(Norm, normal=nothing), still)


def _members(case: Case) -> int:
    return int(case.config["batch"] * math.prod(case.config["input_sizes"]))


def _is_far(case: Case) -> bool:
    return bool(abs(case.x).max() > 5000)
