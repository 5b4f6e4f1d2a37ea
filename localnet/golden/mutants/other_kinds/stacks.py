"""Two layers in a row, got wrong: what lies between them, and the second one."""

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ...case import Case
from ..base import Mutant, Sees
from ..model import NARROWER, rounded
from ..other_models import Stack
from . import making
from .making import changed, in_precision, where

__all__ = ["seconds", "stacks"]

made = partial(making.made, "stack")


def stacks() -> Iterator[Mutant]:
    """Yield stacks that store what lies between two layers in fewer bits."""
    for words, bits, precision in NARROWER:
        for place, fits in (
            ("more than 32 numbers", lambda c: _hidden(c) > 32),
            (
                "filters divided by 4",
                lambda c: c.config["filters"] % 4 == 0 and _hidden(c) > 0,
            ),
            (
                "filters not divided by 2",
                lambda c: c.config["filters"] % 2 == 1 and _hidden(c) > 0,
            ),
        ):
            for step in ("hidden", "hidden_gradient"):
                wrong = changed(Stack, **{step: lambda self, a, b=bits: rounded(a, b)})
                yield made(
                    f"{step.replace('_', ' ')} in {words}: {place}",
                    f"What lies between two layers is stored in {words}.",
                    wrong,
                    in_precision(precision),
                    fits,
                )


SECOND: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "strides": lambda c: {"strides": [1] * len(c["strides"])},
    "dilation": lambda c: {"dilation_rate": [1] * len(c["strides"])},
    "pads": lambda c: {"pads": [pair[::-1] for pair in c["pads"]]},
    "border": lambda c: {"pad_value": 0.0},
    "border of the first": lambda c: {"pad_value": -1.0},
}


def seconds() -> Iterator[Mutant]:
    """Yield second layers that lack an option, in every rank and order."""
    orders = itertools.product((1, 2, 3), ("channels_last", "channels_first"))
    for (axes, order), words in itertools.product(orders, SECOND):

        def fits(
            case: Case, axes: int = axes, order: str = order, words: str = words
        ) -> bool:
            c = case.config["second"]
            if words.startswith("border") and not any(map(any, c["pads"])):
                return False
            here = len(c["strides"]) == axes and c["data_format"] == order
            return here and {**c, **SECOND[words](c)} != c

        name = f"second without its {words}, {axes} axes, {order}"
        yield _without(words, name, fits)
    for words in ("alpha", "max_value", "threshold"):

        def uses(case: Case, words: str = words) -> bool:
            return words in case.config["second"]["activation"]

        yield _without(words, f"second without its {words}", uses)


def _without(words: str, name: str, fits: Sees) -> Mutant:
    def second(self: Stack, c: dict[str, Any]) -> dict[str, Any]:
        if words in SECOND:
            return {**c, **SECOND[words](c)}
        kept = {k: v for k, v in c["activation"].items() if k != words}
        return {**c, "activation": kept}

    error = f"The second layer has other {words} than it is given."
    return made(name, error, where(fits, changed(Stack, second=second)), fits)


def _hidden(case: Case) -> int:
    """Return how many numbers a sample of the hidden layer has."""
    return int(math.prod(case.config["output_sizes"]) * case.config["filters"])
