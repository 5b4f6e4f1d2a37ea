"""How a mutant of another kind is made: the right model, with other steps."""

from typing import Any

from ...._typing import Array
from ..base import Mutant, Sees
from ..other_models import OtherModel

__all__ = ["NARROW", "changed", "divided", "has", "in_precision", "made", "where"]

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
