"""
Variants that forget an option, or narrow a kernel, on one path alone.

Paths are taken where sizes are divided by what vectors and units of matrices take, in
one rank and order of axes, or where a layer has groups.
"""

import itertools
import math
from collections.abc import Iterator, Mapping

from ..._typing import Array
from ..case import Case
from ..references.connections import VARIANTS
from .base import Mutant, Sees, has_bias, is_first
from .drawn import OPTIONS, SUMS, first, ignored, no_bias, uses, without
from .model import rounded
from .operands import seen_only
from .variant_model import VariantModel

__all__ = ["VARIANT_PATHS"]


def _by(unit: int, *names: str) -> Sees:
    return lambda case: all(case.config[name] % unit == 0 for name in names)


def _ranked(axes: int, first: bool) -> Sees:
    return lambda case: len(case.config["strides"]) == axes and is_first(case) == first


def _grouped(axes: int) -> Sees:
    return lambda case: (
        case.config["groups"] > 1 and len(case.config["strides"]) == axes
    )


PLACES: Mapping[str, Sees] = {
    **{f"C and F divided by {n}": _by(n, "channels", "filters") for n in (8, 16)},
    **{f"C divided by {n}": _by(n, "channels") for n in (8, 16)},
    **{f"F divided by {n}": _by(n, "filters") for n in (8, 16)},
    **{f"N divided by {n}": _by(n, "batch") for n in (4, 16)},
    "L divided by 8": lambda case: math.prod(case.config["output_sizes"]) % 8 == 0,
    **{
        f"{axes} axes, channels_{'first' if first else 'last'}": _ranked(axes, first)
        for axes, first in itertools.product((1, 2, 3), (False, True))
    },
}
GROUPED: Mapping[str, Sees] = {
    "groups": lambda case: case.config["groups"] > 1,
    "a group for every channel": lambda case: (
        case.config["groups"] == case.config["channels"] > 1
    ),
    **{f"groups in {axes} axes": _grouped(axes) for axes in (1, 2, 3)},
}
# By the letter of the sum: numbers beyond these are left out.
LIMITS = {"n": (64, 128), "f": (32, 64, 128), "k": (64, 128), "l": (128, 256)}


def _forgotten() -> Iterator[Mutant]:
    for kind in VARIANTS:
        places = {**PLACES, **(GROUPED if kind == "conv" else {})}
        for option, (place, fits) in itertools.product(OPTIONS, places.items()):
            if kind == "transposed" and option == "border":
                continue
            used = uses(option)

            def see(case: Case, used: Sees = used, fits: Sees = fits) -> bool:
                return used(case) and fits(case)

            wrong = ignored(option, fits, VariantModel)
            name = f"{kind}: {option} ignored, {place}"
            error = f"{option} is forgotten on a path for {place}."
            yield Mutant(name, error, False, see, wrong, (kind,))
        for place, fits in places.items():

            def biased(case: Case, fits: Sees = fits) -> bool:
                return has_bias(case) and fits(case)

            wrong = no_bias(fits, VariantModel)
            name, error = f"{kind}: no bias, {place}", f"No bias is added for {place}."
            yield Mutant(name, error, False, biased, wrong, (kind,))


def _limited() -> Iterator[Mutant]:
    for kind, output, (letter, limits) in itertools.product(
        VARIANTS, SUMS, LIMITS.items()
    ):
        if kind == "transposed" and letter == "k":
            continue  # of which another layer's is meant
        for limit in limits:

            def wanted(case: Case, output: str = output) -> bool:
                return output in case.wants

            wrong = without(letter, first(limit), output, VariantModel)
            name = f"{kind}: {letter} beyond {limit} left out of {output}"
            error = f"A loop for {output} ends at {limit}."
            yield Mutant(name, error, False, wanted, wrong, (kind,))


def _narrow() -> Iterator[Mutant]:
    for (place, fits), (words, bits, precision) in itertools.product(
        GROUPED.items(), (("TF32", 11, "float32"), ("float32", 24, "float64"))
    ):
        if place[-4:] == "axes":
            continue

        def kernel(self: VariantModel, bits: int = bits) -> Array:
            return rounded(VariantModel.stored_kernel(self), bits)

        def see(case: Case, fits: Sees = fits, precision: str = precision) -> bool:
            return fits(case) and case.precision == precision

        wrong = type("Narrow", (VariantModel,), {"stored_kernel": kernel})
        name = f"conv: kernel in {words}, {place}"
        error = f"Weights are loaded as {words} with {place}."
        yield Mutant(name, error, True, see, seen_only(see, wrong), ("conv",))


VARIANT_PATHS = {
    mutant.name: mutant
    for family in (_forgotten, _limited, _narrow)
    for mutant in family()
}
