"""
Variants with one operand narrowed where sizes are aligned, by families.

A kernel that loads one of its arrays in another format does so on a path of its own,
and each kind and each operand has another.
"""

import itertools
from collections.abc import Iterator

import numpy as np

from ..._typing import Array
from ..case import Case
from ..references.connections import VARIANTS
from .base import Mutant, Sees
from .model import NARROWER, rounded
from .variant_model import VariantModel

__all__ = ["OPERANDS", "seen_only"]

# Sizes that are divided by so much.
PLACES = {
    "F divided by 4": (1, 4),
    "F divided by 8": (1, 8),
    "C and F divided by 4": (4, 4),
    "C and F divided by 8": (8, 8),
}
# The step of the model that reads an operand.
STEPS = {
    "x": "x",
    "kernel": "stored_kernel",
    "bias": "stored_bias",
    "mixture": "mixture",
    "dy": "dy",
}


def _reading(step: str, bits: int) -> type[VariantModel]:
    """Return a model that reads one operand in so many bits."""

    def read(self: VariantModel) -> Array:
        found: Array = getattr(VariantModel, step)(self)
        return rounded(np.asarray(found), bits)

    return type("Narrow", (VariantModel,), {step: read})


def _operands() -> Iterator[Mutant]:
    families = itertools.product(VARIANTS, STEPS, NARROWER, PLACES.items())
    for kind, operand, (words, bits, precision), (place, units) in families:
        if operand == "mixture" and kind != "low_rank":
            continue

        def see(
            case: Case,
            operand: str = operand,
            precision: str = precision,
            units: tuple[int, int] = units,
        ) -> bool:
            sizes = (case.config["channels"], case.config["filters"])
            aligned = all(n % unit == 0 for n, unit in zip(sizes, units, strict=True))
            fits = aligned and case.precision == precision
            return fits and getattr(case, operand) is not None

        yield Mutant(
            f"{kind}: {operand} in {words}: {place}",
            f"{operand} is loaded as {words} with {place}.",
            True,
            see,
            seen_only(see, _reading(STEPS[operand], bits)),
            (kind,),
        )


def seen_only(see: Sees, wrong: type[VariantModel]) -> type[VariantModel]:
    """Return a model that is right where the path is not taken."""

    class Seen(wrong):  # type: ignore[misc,valid-type]
        def answers(self) -> dict[str, Array]:
            if see(self.case):
                return dict(super().answers())
            return VariantModel(self.case).answers()

    return Seen


OPERANDS = {mutant.name: mutant for mutant in _operands()}
