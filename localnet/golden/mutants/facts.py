"""
What a path of a backend can depend on, and mutants that are wrong on one path alone.

A path is taken where some facts of a case hold: `made` is wrong there, and right
everywhere else.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from ..._typing import Config
from ..case import Case
from .base import Mutant
from .model import Model

__all__ = [
    "Facts",
    "Taken",
    "above",
    "divided",
    "every",
    "is_",
    "made",
    "named",
    "tailed",
    "used_here",
    "wants",
]

Facts = Mapping[str, Any]
Taken = Callable[[Facts], bool]


@cache
def facts(case: Case) -> Facts:
    """Return what a path can depend on."""
    c = case.config
    pads = np.array(c["pads"])
    window, outputs = c["kernel_size"], c["output_sizes"]
    return {
        "axes": len(window),
        "first": c["data_format"] == "channels_first",
        "N": c["batch"],
        "C": c["channels"],
        "F": c["filters"],
        "K": math.prod(window) * c["channels"],
        "L": math.prod(outputs),
        "taps": math.prod(window),
        "taps of an axis": max(window),
        "first axis of y": outputs[0],
        "last axis of y": outputs[-1],
        "least axis of y": min(outputs),
        "stride": max(c["strides"]),
        "dilation": max(c["dilation_rate"]),
        "pad": int(pads.max()),
        "pads differ": int(np.where(pads[:, 0] != pads[:, 1], pads.max(1), 0).max()),
        "border": c["pad_value"] if pads.any() else 0.0,
        "square": set(window) == {3},
        "plain": max(*c["strides"], *c["dilation_rate"]) == 1,
        "activation": c["activation"],
        "precision": case.precision,
        "numbers of kernel": case.kernel.size,
        "numbers of patches": math.prod((c["batch"], *outputs, *window, c["channels"])),
        "numbers of a sample of x": case.x[0].size,
        "numbers of a sample of y": math.prod(outputs) * c["filters"],
        "row": c["filters"] if c["data_format"] == "channels_last" else outputs[-1],
        "bias": case.bias is not None,
        "wants": case.wants,
        "flags": case.flags,
    }


def made(
    name: str,
    error: str,
    taken: Taken,
    wrong: type[Model],
    *shows: Taken,
    numerical: bool = False,
) -> Mutant:
    """Return what is wrong where a path is taken, and seen where it shows as well."""

    class OnPath(Model):
        def __new__(cls, case: Case) -> Any:
            return wrong(case) if taken(facts(case)) else Model(case)

    seen = every(taken, *shows)
    return Mutant(name, error, numerical, lambda case: seen(facts(case)), OnPath)


# Where a path is taken.


def every(*taken: Taken) -> Taken:
    """Return whether all of these hold."""
    return lambda f: all(one(f) for one in taken)


def divided(unit: int, *measures: str) -> Taken:
    """Return whether a unit divides some numbers, such as those of "C" and "F"."""
    return lambda f: all(f[measure] % unit == 0 for measure in measures)


def tailed(tile: int, *measures: str) -> Taken:
    """Return whether numbers fill at least a tile, and leave a tail of another."""
    return lambda f: all(f[m] > tile and f[m] % tile > 0 for m in measures)


def above(limit: int, measure: str) -> Taken:
    """Return whether a number is beyond a limit."""
    return lambda f: bool(f[measure] > limit)


def is_(name: str, value: Any) -> Taken:
    """Return whether a fact is this one."""
    return lambda f: bool(f[name] == value)


def wants(output: str) -> Taken:
    """Return whether an answer is asked for."""
    return lambda f: output in f["wants"]


def named(activation: str) -> Taken:
    """Return whether the activation has this name."""
    return lambda f: bool(f["activation"]["name"] == activation)


def used_here(activation: Config) -> Taken:
    """Return whether a case has an activation, whose usual values may be left out."""
    usual = activation.get("alpha", 1.0) == 1 and not activation.get(
        "approximate", False
    )

    def here(f: Facts) -> bool:
        plain = {"name": activation["name"]} == f["activation"]
        return f["activation"] == activation or (plain and usual)

    return here
