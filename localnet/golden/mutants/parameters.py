"""
Mutants that get a parameter of an activation wrong, by families.

It is ignored where sizes are aligned, rounded, taken as none where it is 0, or as a
size where it is below 0; or a piece of relu lies elsewhere than its parameters say.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..._typing import Array, Config
from ..references.wires import by_location, to_layout
from .base import Mutant
from .facts import Facts, Taken, divided, every, is_, made, named, wants
from .model import NARROWER, Model, rounded

__all__ = ["PARAMETERS"]

Change = Callable[[Config], Config]
GIVEN = (
    ("relu", "alpha"),
    ("relu", "max_value"),
    ("relu", "threshold"),
    ("leaky_relu", "alpha"),
)


def _has(parameter: str) -> Taken:
    return lambda f: parameter in f["activation"]


def _without(parameter: str) -> type[Model]:
    class Without(Model):
        def config(self, c: Config) -> Config:
            kept = {k: v for k, v in c["activation"].items() if k != parameter}
            return {**c, "activation": kept}

    return Without


def _parameters() -> Iterator[Mutant]:
    for parameter in ("alpha", "max_value", "threshold"):
        for unit in (4, 8, 16, 64):
            for letters in (("F",), ("C", "F")):
                if unit == 64 and len(letters) > 1:
                    continue
                words = f"{' and '.join(letters)} divided by {unit}"
                yield made(
                    f"{parameter} of relu ignored: {words}",
                    "An epilogue that knows relu, and not its parameters.",
                    every(named("relu"), _has(parameter), divided(unit, *letters)),
                    _without(parameter),
                )


def _with_parameters(change: Change) -> type[Model]:
    """Return a model of another activation, of the same name."""

    class Changed(Model):
        def config(self, c: Config) -> Config:
            return {**c, "activation": change(dict(c["activation"]))}

    return Changed


def _shows(change: Change, *names: str) -> Taken:
    """Return whether an activation of one of these names is changed."""
    return lambda f: (
        f["activation"]["name"] in names
        and change(dict(f["activation"])) != f["activation"]
    )


def _fused() -> Iterator[Mutant]:
    linear = _with_parameters(lambda _: {"name": "linear"})
    for name, parameter in GIVEN:
        for unit in (4, 8, 16):
            for axis in ("first", "last"):
                for form in (False, True):
                    words = f"F and the {axis} axis of y divided by {unit}"
                    placed = f"channels_{'first' if form else 'last'}"
                    if unit * form == 8 or (unit == 16 and not form):
                        continue  # no case is for it
                    yield made(
                        f"{parameter} of {name} ignored: {words}, {placed}",
                        "An epilogue of whole vectors that knows no parameters.",
                        every(
                            named(name),
                            _has(parameter),
                            is_("first", form),
                            divided(unit, "F", f"{axis} axis of y"),
                        ),
                        _without(parameter) if name == "relu" else linear,
                    )


def _in_bits(parameter: str, bits: int) -> Change:
    def change(activation: Config) -> Config:
        value = activation.get(parameter)
        if value is None:
            return activation
        return {**activation, parameter: float(rounded(np.array(value), bits))}

    return change


def _rounded_parameters() -> Iterator[Mutant]:
    for words, bits, precision in (*NARROWER, ("float16", 11, "float64")):
        for name, parameter in (*GIVEN, ("elu", "alpha")):
            change = _in_bits(parameter, bits)
            yield made(
                f"{parameter} of {name} in {words}, where all else is {precision}",
                "A parameter that is kept in a narrower precision.",
                every(is_("precision", precision), _shows(change, name)),
                _with_parameters(change),
                numerical=name == "elu",
            )


def _instead(parameter: str, value: float, other: Config) -> Change:
    """Return what takes one value of a parameter for another one, or for none."""

    def change(activation: Config) -> Config:
        if activation.get(parameter) != value:
            return activation
        kept = {k: v for k, v in activation.items() if k != parameter}
        return {**kept, **other}

    return change


def _turned(parameter: str, turn: Callable[[float], float]) -> Change:
    return lambda activation: {
        k: turn(v) if k == parameter else v for k, v in activation.items()
    }


def _misread() -> Iterator[Mutant]:
    clipped: Callable[[float], float] = lambda value: max(value, 0.0)  # noqa: E731
    capped: Callable[[float], float] = lambda value: min(value, 1.0)  # noqa: E731
    changes: dict[str, tuple[str, Change]] = {
        "alpha 0 is the usual one": (
            "leaky_relu",
            _instead("alpha", 0.0, {"alpha": 0.2}),
        ),
        "alpha of 0 is the usual one": ("elu", _instead("alpha", 0.0, {"alpha": 1.0})),
        "max_value 0 is none": ("relu", _instead("max_value", 0.0, {})),
        "alpha without its sign": ("relu", _turned("alpha", abs)),
        "alpha has no sign": ("leaky_relu", _turned("alpha", abs)),
        "alpha below 0 is 0": ("relu", _turned("alpha", clipped)),
        "alpha as a size": ("elu", _turned("alpha", abs)),
        "alpha above 1 is 1": ("relu", _turned("alpha", capped)),
        "threshold without its sign": ("relu", _turned("threshold", abs)),
        "threshold below 0 is 0": ("relu", _turned("threshold", clipped)),
    }
    for words, (name, change) in changes.items():
        yield made(
            f"{words}, {name}",
            "A value of a parameter that is taken for another, or for none.",
            _shows(change, name),
            _with_parameters(change),
            numerical=name == "elu",
        )


class FromY(Model):
    """A slope that passes where y is above 0, as if the threshold were."""

    def dz(self, dy: Array, cache: Any) -> Array:
        y, _ = super().activate(self.z)
        alpha = self.c["activation"].get("alpha", 0.0)
        slope = np.where(y > 0, 1.0, alpha)
        return np.asarray(by_location(dy * slope, self.case.config))

    def activate(self, z: Array) -> tuple[Array, Any]:
        self.z = z
        return super().activate(z)


class Lid(Model):
    """A ceiling of both pieces, where Keras has one above the threshold alone."""

    def activate(self, z: Array) -> tuple[Array, Any]:
        y, cache = super().activate(z)
        return np.minimum(y, self.c["activation"]["max_value"]), cache


class Floorless(Model):
    """What lies between a threshold below 0 and 0, as it is."""

    def activate(self, z: Array) -> tuple[Array, Any]:
        y, cache = super().activate(z)
        row = to_layout(z, self.c)
        between = (row > self.c["activation"]["threshold"]) & (row < 0)
        return np.where(between, row, y), cache


def _inclusive(kink: float) -> type[Model]:
    class Inclusive(Model):
        """A slope of 1 on a kink of relu6."""

        def activate(self, z: Array) -> tuple[Array, Any]:
            self.on_it = z == kink
            return super().activate(z)

        def dz(self, dy: Array, cache: Any) -> Array:
            found = super().dz(dy, cache)
            return np.where(self.on_it, by_location(dy, self.case.config), found)

    return Inclusive


def _pieces() -> Iterator[Mutant]:
    below = every(named("relu"), wants("dx"), lambda f: _value(f, "threshold") < 0)
    yield made("slope of relu by the sign of y", FromY.__doc__ or "", below, FromY)
    capped = every(named("relu"), _has("max_value"), lambda f: _value(f, "alpha") < 0)
    yield made("ceiling of relu on both pieces", Lid.__doc__ or "", capped, Lid)
    lidded = every(below, _has("max_value"))
    yield made("no floor of relu", Floorless.__doc__ or "", lidded, Floorless)
    for kink in (0.0, 6.0):
        yield made(
            f"slope of relu6 1 at {kink:g}",
            "A comparison that holds on the kink.",
            every(named("relu6"), wants("dx"), lambda f: "kink" in f["flags"]),
            _inclusive(kink),
        )


def _value(f: Facts, parameter: str) -> float:
    return float(f["activation"].get(parameter) or 0.0)


PARAMETERS = (_parameters, _fused, _rounded_parameters, _misread, _pieces)
