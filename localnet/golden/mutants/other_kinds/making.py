"""How a mutant of another kind is made: the right model, with other steps."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...._typing import Array
from ...case import Case
from ..base import Mutant, Sees
from ..model import rounded
from ..other_models import OtherModel

__all__ = [
    "NARROW",
    "Answers",
    "after",
    "all_of",
    "axes_of",
    "before",
    "changed",
    "counted",
    "divided",
    "has",
    "in_precision",
    "locations",
    "made",
    "narrowed",
    "where",
    "without_last",
]

Answers = dict[str, Array]
NARROW = (("TF32", 11, "float32"), ("float32", 24, "float64"))


def made(
    kind: str, name: str, error: str, model: type[OtherModel], *sees: Sees
) -> Mutant:
    """Return a mutant of one kind, seen where all of these hold."""
    return Mutant(
        f"{kind}: {name}",
        error,
        False,
        lambda case: all(see(case) for see in sees),
        model,
        (kind,),
    )


def changed(base: type[OtherModel], **steps: Any) -> type[OtherModel]:
    """Return a model with some of its steps replaced."""
    return type("Wrong", (base,), steps)


def where(fits: Sees, wrong: type[OtherModel]) -> type[OtherModel]:
    """Return a model that is wrong where a path is taken alone."""
    right = wrong.__mro__[1]

    class Path(wrong):  # type: ignore[misc,valid-type]
        def answers(self) -> dict[str, Array]:
            model = wrong if fits(self.case) else right
            return dict(model(self.case).answers())

    return Path


def has(**wanted: Any) -> Sees:
    """Return whether a config has these values."""
    return lambda case: all(case.config.get(k) == v for k, v in wanted.items())


def divided(unit: int, name: str) -> Sees:
    """Return whether a unit divides what a config has by this name."""
    return lambda case: bool(case.config[name] % unit == 0)


def in_precision(precision: str) -> Sees:
    """Return whether a case is in this precision."""
    return lambda case: bool(case.precision == precision)


def after(
    base: type[OtherModel], change: Callable[[Case, Answers], Answers]
) -> type[OtherModel]:
    """Return a model whose answers are changed in the end."""
    return changed(base, answers=lambda self: change(self.case, base.answers(self)))


def before(base: type[OtherModel], change: Callable[[Case], Case]) -> Any:
    """Return a model of a case that is changed at first."""
    return changed(base, answers=lambda self: base(change(self.case)).answers())


def narrowed(name: str, bits: int) -> Callable[[Case], Case]:
    """Return what holds an input in fewer bits."""

    def change(case: Case) -> Case:
        changes: dict[str, Any] = {name: rounded(getattr(case, name), bits)}
        return replace(case, **changes)

    return change


def without_last(key: str, *, channel: bool = False) -> Any:
    """Return what leaves out the last location, or channel, of an answer."""

    def change(case: Case, answers: Answers) -> Answers:
        found = answers[key].copy()
        first = case.config["data_format"] == "channels_first"
        at_end = np.moveaxis(found, 1, -1) if first else found
        place: Any = (..., -1) if channel else (slice(None), *[-1] * (found.ndim - 2))
        at_end[place] = 0
        return {**answers, key: found}

    return change


def axes_of(count: int) -> Sees:
    """Return whether there are so many axes."""
    return lambda case: len(case.config["input_sizes"]) == count


def locations(test: Callable[[int], bool]) -> Sees:
    """Return whether L is such a number."""
    return lambda case: test(math.prod(case.config["output_sizes"]))


def counted(name: str, test: Callable[[int], bool]) -> Sees:
    """Return whether what a config has by this name is such a number."""
    return lambda case: test(case.config[name])


def all_of(*sees: Sees) -> Sees:
    """Return whether all of these hold."""
    return lambda case: all(see(case) for see in sees)
