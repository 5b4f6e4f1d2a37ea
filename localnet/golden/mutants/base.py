"""What a mutant is, and the register that all of them are in."""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

from ..._typing import Array
from ..case import Case
from ..references.wires import patch_cells
from .model import Model

__all__ = [
    "REGISTER",
    "Mutant",
    "Sees",
    "has_activation",
    "has_bias",
    "is_first",
    "is_last",
    "is_padded",
    "misplaced",
    "mutant",
    "named",
    "several",
    "wants_gradients",
]

Sees = Callable[[Case], bool]
AnyModel = TypeVar("AnyModel", bound=type[Model])


class Mutant(NamedTuple):
    """
    A backend that is wrong on purpose.

    Parameters
    ----------
    name : str
        In short.
    error : str
        The error met in real code, or easy to make, that it stands for.
    numerical : bool
        Whether only its arithmetic is wrong: it dies by a bounded or a wide case, all
        others by an exact one.
    sees : callable
        Of a case: whether the error can show there at all. Where it cannot, the mutant
        is right.
    model : type
        The steps.
    kinds : tuple of str
        Kinds of cases that it computes; it is not run on others.
    """

    name: str
    error: str
    numerical: bool
    sees: Sees
    model: type[Model]
    kinds: tuple[str, ...] = ("layer",)

    def __call__(self, case: Case) -> dict[str, Array]:
        """Compute a case, wrongly."""
        return self.model(case).answers()


REGISTER: dict[str, Mutant] = {}


def mutant(
    *sees: Sees, numerical: bool = False, kinds: tuple[str, ...] = ("layer",)
) -> Callable[[AnyModel], AnyModel]:
    """Register a model, of which the docstring is the error that it stands for."""

    def register(model: AnyModel) -> AnyModel:
        words = "".join(f" {c.lower()}" if c.isupper() else c for c in model.__name__)
        name = words.strip()
        error = " ".join((model.__doc__ or "").split())
        REGISTER[name] = Mutant(
            name,
            error,
            numerical,
            lambda case: all(see(case) for see in sees),
            model,
            kinds,
        )
        return model

    return register


def misplaced(model: AnyModel) -> AnyModel:
    """Register a model that gathers other cells; it shows wherever they differ."""

    def see(case: Case) -> bool:
        return not np.array_equal(model(case).cells(), patch_cells(case.config))

    return mutant(see)(model)


# Cases, by what is in them.


def several(*names: str) -> Sees:
    """Return whether there is more than one of each: "channels", "locations", ..."""

    def see(case: Case) -> bool:
        c = case.config
        numbers = {
            "samples": c["batch"],
            "channels": c["channels"],
            "filters": c["filters"],
            "locations": math.prod(c["output_sizes"]),
            "taps": math.prod(c["kernel_size"]),
            "cells": math.prod(c["input_sizes"]),
            "axes": len(c["input_sizes"]),
        }
        return all(numbers[name] > 1 for name in names)

    return see


def named(*names: str) -> Sees:
    """Return whether the activation has one of these names."""
    return lambda case: case.config["activation"]["name"] in names


def wants_gradients(case: Case) -> bool:
    """Return whether gradients are judged."""
    return case.dy is not None


def has_bias(case: Case) -> bool:
    """Return whether there is a bias."""
    return case.bias is not None


def has_activation(case: Case) -> bool:
    """Return whether there is an activation other than linear."""
    return bool(case.config["activation"]["name"] != "linear")


def is_padded(case: Case) -> bool:
    """Return whether cells are added to the input."""
    return any(before or after for before, after in case.config["pads"])


def is_first(case: Case) -> bool:
    """Return whether the data format is channels_first."""
    return bool(case.config["data_format"] == "channels_first")


def is_last(case: Case) -> bool:
    """Return whether the data format is channels_last."""
    return not is_first(case)
