"""
Variants that get a pad value, or a parameter of an activation, wrong.

It is kept in a narrower format, taken for an integer, without its sign, or held between
0 and 1; gelu by tanh has the slope of the other one.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..._typing import Config
from ..case import Case
from ..references.connections import VARIANTS
from .base import Mutant, Sees, is_padded
from .model import rounded
from .variant_model import VariantModel

__all__ = ["VARIANT_VALUES"]

Change = Callable[[float], float]
GIVEN = (
    ("relu", "alpha"),
    ("relu", "threshold"),
    ("relu", "max_value"),
    ("leaky_relu", "alpha"),
    ("elu", "alpha"),
)
CHANGES: dict[str, Change] = {
    "in float16": lambda value: float(rounded(np.array(value), 11)),
    "without its sign": abs,
    "held between 0 and 1": lambda value: min(max(value, 0.0), 1.0),
}


def _changing(change: Callable[[Config], Config]) -> type[VariantModel]:
    class Changed(VariantModel):
        def config(self, c: Config) -> Config:
            return change(c)

    return Changed


def _seen(change: Callable[[Config], Config], *sees: Sees) -> Sees:
    """Return whether a config is changed, and all else holds."""
    return lambda case: (
        change(case.config) != case.config and all(see(case) for see in sees)
    )


def _borders() -> Iterator[Mutant]:
    for kind, (words, change) in itertools.product(
        ("shared", "low_rank", "conv"),
        (("in float16", CHANGES["in float16"]), ("as an integer", float.__trunc__)),
    ):

        def config(c: Config, change: Any = change) -> Config:
            return {**c, "pad_value": float(change(c["pad_value"]))}

        for place, fits in (
            ("C of 1", lambda case: case.config["channels"] == 1),
            ("C above 1", lambda case: case.config["channels"] > 1),
        ):
            yield Mutant(
                f"{kind}: pad value {words}, {place}",
                f"A border that is kept {words}.",
                False,
                _seen(config, is_padded, fits),
                _changing(config),
                (kind,),
            )


def _parameters() -> Iterator[Mutant]:
    for kind, (name, parameter), (words, change) in itertools.product(
        VARIANTS, GIVEN, CHANGES.items()
    ):
        if parameter == "max_value" and words == "without its sign":
            continue

        def config(
            c: Config,
            name: str = name,
            parameter: str = parameter,
            change: Change = change,
        ) -> Config:
            activation = c["activation"]
            value = activation.get(parameter)
            if activation["name"] != name or value is None:
                return c
            return {**c, "activation": {**activation, parameter: change(value)}}

        if (name, parameter, words[:4]) == ("relu", "max_value", "held"):
            continue  # no ceiling below its threshold
        yield Mutant(
            f"{kind}: {parameter} of {name} {words}",
            f"A parameter that is taken {words}.",
            name == "elu",
            _seen(config),
            _changing(config),
            (kind,),
        )


def _gelus() -> Iterator[Mutant]:
    def config(c: Config) -> Config:
        if not c["activation"].get("approximate"):
            return c
        return {**c, "activation": {"name": "gelu", "approximate": False}}

    class Slope(VariantModel):
        def dz(self, dy: Any, cache: Any) -> Any:
            other = _changing(config)(self.case)
            _, cache = other.activate(self.z)
            return other.dz(dy, cache)

        def activate(self, z: Any) -> Any:
            self.z = z
            return super().activate(z)

    for kind in VARIANTS:

        def sees(case: Case) -> bool:
            return config(case.config) != case.config and case.dy is not None

        error = "The slope of gelu by tanh is that of the other one."
        yield Mutant(
            f"{kind}: slope of another gelu", error, True, sees, Slope, (kind,)
        )


VARIANT_VALUES = {
    mutant.name: mutant
    for family in (_borders, _parameters, _gelus)
    for mutant in family()
}
