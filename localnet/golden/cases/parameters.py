"""
Families of activations by their parameters, and of pre-activations on every side.

A parameter of which a case has no value that it changes is not held to anything: what
`working` yields is refused where a straight piece, or a side of 0, is empty.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ..._typing import Config
from ..case import Case
from ..references.activations import ROWS, piecewise_of, untaken
from ..references.exact import Exact
from ..references.sums import shaped_like_y
from .axes import COMBINED, PIECEWISE, SIGNS
from .exact import RELU
from .precisions import PRECISIONS
from .specs import SMALL, Numbers, Spec, binades, full, real

__all__ = ["idle", "kinked", "late", "parameters", "working"]


def parameters() -> Iterator[Spec]:
    """Activations with other parameters than the usual ones, and softmax's gradient."""
    for precision in PRECISIONS:
        for name, activation in (
            ("elu-half", {"name": "elu", "alpha": 0.5}),
            ("elu-two", {"name": "elu", "alpha": 2.0}),
            ("gelu-by-tanh", {"name": "gelu", "approximate": True}),
            ("softmax-slope", {"name": "softmax"}),
            ("log-softmax-slope", {"name": "log_softmax"}),
        ):
            words = ", ".join(f"{k} {v}" for k, v in activation.items())
            yield Spec(
                f"{name}-{precision}",
                f"{words}, with its gradients, in {precision}",
                (4,),
                (2,),
                channels=2,
                filters=4 if name.endswith("slope") else 2,
                activation=activation,
                first=precision == "float32",
                **real(precision),
            )
    exact: dict[str, dict[str, Any]] = {
        "relu-slope": {"alpha": 0.25},
        "relu-ceiling": {"max_value": 4.0},
        "relu-threshold": {"threshold": 2.0},
        "relu-all": {"alpha": 0.5, "max_value": 5.0, "threshold": 1.0},
        "leaky-steep": {"alpha": 2.0},
        "leaky-opposite": {"alpha": -0.5},
    }
    for name, more in exact.items():
        yield Spec(
            name,
            f"{name.partition('-')[0]} with {more}",
            (9,),
            (3,),
            filters=3,
            first=name == "relu-threshold",
            activation={"name": "leaky_relu" if "leaky" in name else "relu", **more},
            precision="float16",
        )


def working() -> Iterator[Spec]:
    """Every parameter where it shows: aligned, with all bits, 0, and below 0."""
    for spec in (*_aligned(), *_precise(), *_unusual(), *_on_kinks()):
        words = ", ".join(f"{k} {v}" for k, v in spec.activation.items())
        yield replace(
            spec,
            why=f"{COMBINED}{words}: {spec.why}",
            refuses=spec.refuses or idle,
        )


def idle(case: Case, z: Exact) -> list[str]:
    """Return the sides of a kink, and of 0, on which there is no pre-activation."""
    return untaken(case.config["activation"], z)


# Slopes and thresholds below 0; a ceiling of 0. Keras's ceiling is none below the
# threshold.
UNUSUAL: Mapping[str, Config] = {
    "leaky-flat": {"name": "leaky_relu", "alpha": 0.0},
    "relu-zeros": {"name": "relu", "alpha": 0.0, "max_value": 3.0, "threshold": 0.0},
    "relu-lid": {"name": "relu", "alpha": 0.5, "max_value": 0.0},
    "relu-downwards": {"name": "relu", "alpha": -0.5},
    "relu-downwards-lid": {"name": "relu", "alpha": -2.0, "max_value": 2.0},
    "relu-early": {"name": "relu", "threshold": -2.0},
    "relu-early-slope": {"name": "relu", "alpha": 0.25, "threshold": -2.0},
    "relu-early-lid": {"name": "relu", "threshold": -2.0, "max_value": 2.0},
    "relu-early-all": {
        "name": "relu",
        "alpha": 0.25,
        "threshold": -2.0,
        "max_value": 2.0,
    },
    "relu-steep": {"name": "relu", "alpha": 2.0},
}


def _unusual() -> Iterator[Spec]:
    """Parameters that are 0, which is none, and below 0, which is no size."""
    base = Spec("", "0, or below it", (9,), (2,), filters=3, precision="float16")
    for name, activation in UNUSUAL.items():
        for first in (False, True):
            yield replace(
                base,
                id=f"{name}-{'first' if first else 'last'}",
                first=first,
                activation=activation,
            )
    yield replace(
        base,
        id="relu-high",
        activation={"name": "relu", "max_value": 1000.0},
        precision="float32",
        data={**SMALL, "x": replace(SMALL["x"], exponent=9)},
    )
    for precision, (name, alpha) in product(
        ("float64", "float32"), (("flat", 0.0), ("downwards", -0.5))
    ):
        yield replace(
            base,
            id=f"elu-{name}-{precision}",
            activation={"name": "elu", "alpha": alpha},
            **real(precision),
        )


def _aligned() -> Iterator[Spec]:
    """Locations and filters that a vector divides."""
    base = Spec("", "", (4,), (1,), channels=1, precision="float16")
    sizes = (
        replace(base, id="4-last", batch=4, channels=4, filters=4),
        replace(base, id="4-first", sizes=(4, 4), kernel_size=(1, 1), filters=4),
        replace(base, id="8-last", sizes=(8,), filters=8),
        replace(base, id="16-first", sizes=(16,), filters=16),
    )
    every = {k: v for k, v in PIECEWISE.items() if len(v) > 1 or k == "relu6"}
    del every["slope"]  # another alpha
    every |= {k: v for k, v in UNUSUAL.items() if "down" in k or "early" in k}
    for name, activation in every.items():
        for spec in sizes:
            yield replace(
                spec,
                id=f"fused-{name.replace(' ', '-').lower()}-{spec.id}",
                why="locations and filters divided by "
                f"{spec.filters}, values on all sides",
                activation=activation,
                first=spec.id.endswith("first"),
            )


def _precise() -> Iterator[Spec]:
    """Parameters that use the bits of their precision, and no fewer."""
    for precision, bits in (("float64", 44), ("float32", 17)):
        part = (2 ** (bits + 1) // 3 | 1) / 2**bits  # 0.1010...: no run of zeros
        given: dict[str, Config] = {
            "relu-alpha": {"name": "relu", "alpha": part},
            "relu-threshold": {"name": "relu", "alpha": 0.5, "threshold": part},
            "relu-ceiling": {"name": "relu", "max_value": 2 * part},
            "leaky-alpha": {"name": "leaky_relu", "alpha": part},
        }
        base = Spec(
            "", "all the bits of a parameter", (9,), (3,), channels=1, filters=8
        )
        for name, activation in given.items():
            yield replace(
                base,
                id=f"{name}-bits-{precision}",
                activation=activation,
                precision=precision,
                first=name == "leaky-alpha",
                data=SIGNS,
            )
        most = PRECISIONS[precision].bits
        yield replace(
            base,
            id=f"elu-alpha-bits-{precision}",
            activation={"name": "elu", "alpha": (2 ** (most + 1) // 3 | 1) / 2**most},
            **real(precision),
        )


def _on_kinks() -> Iterator[Spec]:
    """Exactly where a ceiling begins."""
    for first in (False, True):
        yield Spec(
            f"relu6-kink-{'first' if first else 'last'}",
            "pre-activations of exactly 0 and 6, where no gradient passes",
            (8,),
            (2,),
            first=first,
            activation={"name": "relu6"},
            data="whole bias",
            flags=("kink",),
            refuses=_off_kinks,
        )


def _off_kinks(case: Case, z: Exact) -> list[str]:
    """Return the kinks on which there is no pre-activation."""
    piecewise = piecewise_of(case.config["activation"])
    kinks = piecewise.kinks if piecewise else ()
    found = [k for k in kinks if (z - Exact.of(k)).integers.all()]
    return [f"no pre-activation is {kink:g}" for kink in found] + idle(case, z)


def late() -> Iterator[Spec]:
    """Rows whose largest entry stands late, where exp overflows without it."""
    for precision, bits in (("float32", 24), ("float64", 53), ("float16", 11)):
        for name, first, (row, part, channels) in product(
            ROWS, (False, True), ((40, 32, 5), (300, 256, 8))
        ):
            if precision == "float64" and name == "softmax":
                continue  # all other entries would be 0
            if precision == "float16" and row > 40:
                continue  # sums so long have no bound
            # An entry is the largest where all of its weights are the larger ones.
            power = OVERFLOWS[precision].bit_length()
            yield Spec(
                f"{name.replace('_', '-')}-late-{row}-"
                f"{'first' if first else 'last'}-{precision}",
                f"{COMBINED}{name} of {row} entries in {precision}, the largest behind "
                f"the first {part}",
                (row,) if first else (1,),
                (1,),
                batch=1,
                channels=channels,
                filters=1 if first else row,
                first=first,
                activation={"name": name},
                gradients=row < 100,
                tier="bounded",
                precision=precision,
                data={
                    "bias": full(bits, -1, 2),
                    "dy": binades(min(bits, 24), 2),
                    "x": replace(full(bits, power // 2), positive=True),
                    "kernel": replace(
                        full(bits, power - power // 2 + 1, 2), positive=True
                    ),
                },
                refuses=partial(_early, part),
            )


# Above these exp leaves the range of a precision.
OVERFLOWS = {"float64": 709, "float32": 88, "float16": 11}


def _early(entries: int, case: Case, z: Exact) -> list[str]:
    """Return whether exp holds what is left of a row without its first largest."""
    row = shaped_like_y(z, case)
    first = Exact(row.integers[..., :entries], row.exponent).max(-1)
    limit = Exact(np.array(OVERFLOWS[case.precision] + 1))
    held = ~limit.below(row.max(-1) - first)
    return [f"the largest is among the first {entries}"] if held.all() else []


def kinked() -> Iterator[Spec]:
    """Every location above the kink, or below it: a mask that is all of one kind."""
    yield Spec(
        "relu-asleep",
        "relu where nothing passes but what the bias lifts",
        (7,),
        (2,),
        activation=RELU,
        data={
            **SMALL,
            "x": Numbers(1, 1, 2, positive=True),
            "bias": Numbers(9, 2, 3, -1),
        },
    )
