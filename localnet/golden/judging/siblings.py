"""
Cases that differ from another in one number only, on the same input and kernel.

A backend that remembers a plan by the shapes of its arrays meets the same shapes with
another layer behind them.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..._typing import Array, Shape
from ..case import Case
from ..cases.exactness import exact_spans
from ..cases.shapes import shapes_of
from ..cases.specs import Spec
from ..cases.variant_specs import VariantSpec
from ..problems import problem
from ..references.answers import solve
from ..references.bounds import kinks_near
from ..references.connections import VARIANTS

__all__ = ["Sibling", "Siblings", "spec_of"]

# Siblings of one field for each kind and number of axes: more find nothing new.
ENOUGH = 2
NEAR = (1, -1, 2, -2)


@dataclass(frozen=True)
class Sibling:
    """
    A case beside another.

    Parameters
    ----------
    words : str
        What is different.
    cases : tuple of Case
        With their answers, to be asked for in this order.
    """

    words: str
    cases: tuple[Case, ...]


class Siblings:
    """The siblings of the cases of one check: a few for each field, no more."""

    def __init__(self) -> None:
        self._made: Counter[tuple[str, int, str]] = Counter()
        self._paired = False

    def of(self, case: Case) -> list[Sibling]:
        """Return the siblings of a case that are still wanted."""
        if case.kind not in ("layer", *VARIANTS) or case.tier != "exact":
            return []
        found = []
        if case.kind == "layer" and not self._paired:
            self._paired = True
            found += [
                replace(sibling, cases=(one, *sibling.cases))
                for one, sibling in _pairs()
            ]
        for field in FIELDS:
            key = (case.kind, len(case.config["input_sizes"]), field)
            if self._made[key] < ENOUGH and (sibling := _first(case, field)):
                self._made[key] += 1
                found.append(sibling)
        return found


def _pairs() -> Iterator[tuple[Case, Sibling]]:
    """Yield problems with a sibling, where cases of a suite need not have one."""
    for field, one in (
        ("strides", problem(9, 1, strides=3)),
        ("first", problem(4, 1, channels=4, filters=4)),
        ("first", problem((2, 2), 1)),
    ):
        if sibling := _first(one, field):
            yield one, sibling


def spec_of(case: Case) -> Spec:
    """Return the spec that a plain layer or a variant could have been made from."""
    c = case.config
    found: dict[str, Any] = {
        "sizes": tuple(c["input_sizes"]),
        "kernel_size": tuple(c["kernel_size"]),
        "strides": tuple(c["strides"]),
        "pads": tuple(tuple(pair) for pair in c["pads"]),
        "pad_value": c.get("pad_value", 0.0),
        "dilation_rate": tuple(c["dilation_rate"]),
        "batch": c["batch"],
        "channels": c["channels"],
        "filters": c["filters"],
        "first": c["data_format"] == "channels_first",
        "activation": c["activation"],
        "bias": case.bias is not None,
        "gradients": case.dy is not None,
        "tier": case.tier,
        "precision": case.precision,
        "kind": case.kind,
    }
    if case.kind == "layer":
        return Spec(case.id, case.why, **found)
    for name in ("share", "tile", "output_padding"):
        if name in c:
            found[name] = tuple(c[name])
    for name in ("groups", "rank"):
        if name in c:
            found[name] = c[name]
    untied = c["bias_per"] == "location" and case.kind in ("conv", "low_rank")
    return VariantSpec(case.id, case.why, **found, untied=untied)


def _first(case: Case, field: str) -> Sibling | None:
    """Return the first sibling by a field that is a case of its own."""
    spec = spec_of(case)
    for other in _changed(spec, field):
        with suppress(ValueError):
            if (found := _with(case, other)) is not None:
                old, new = getattr(spec, field), getattr(other, field)
                return Sibling(f"{field} {new} in the place of {old}", (found,))
    return None


def _changed(spec: Spec, field: str) -> Iterator[Spec]:
    """Yield specs in which a field is another."""
    old = getattr(spec, field, None)
    if field == "pads":
        for axis, (before, after) in enumerate(spec.pads):
            for b, a in ((1, -1), (-1, 1), (0, 1), (1, 0), (0, -1), (-1, 0)):
                pair = (before + b, after + a)
                if min(pair) >= 0:
                    yield _placed(spec, field, axis, pair)
    elif field in ("strides", "dilation_rate", "share", "output_padding"):
        least = 0 if field == "output_padding" else 1
        for axis, value in enumerate(old or ()):
            for step in NEAR:
                if value + step >= least:
                    yield _placed(spec, field, axis, value + step)
    elif field == "kernel_size" and len(spec.kernel_size) > 1:
        yield replace(spec, kernel_size=spec.kernel_size[::-1])
    elif field == "pad_value" and any(map(any, spec.pads)):
        yield replace(spec, pad_value=spec.pad_value + 1.0)
    elif field == "activation":
        relu = spec.activation["name"] == "relu"
        yield replace(spec, activation={"name": "linear" if relu else "relu"})
    elif field == "first":
        yield replace(spec, first=not spec.first)
    elif field == "bias" and spec.bias:
        yield replace(spec, bias=False)


def _placed(spec: Spec, field: str, axis: int, value: Any) -> Spec:
    values = list(getattr(spec, field))
    values[axis] = value
    changed: dict[str, Any] = {field: tuple(values)}
    return replace(spec, **changed)


FIELDS = (
    "pads",
    "strides",
    "dilation_rate",
    "kernel_size",
    "pad_value",
    "first",
    "share",
    "output_padding",
    "activation",
    "bias",
)


def _with(case: Case, spec: Spec) -> Case | None:
    """Return the case of a spec on the arrays of another, if they fit and are exact."""
    config = spec.config
    if config == case.config and spec.bias == (case.bias is not None):
        return None
    if min(config["output_sizes"]) < 1 or _overhangs(config):
        return None
    shapes = shapes_of(config, case.kind)
    for name in ("x", "kernel", "mixture"):
        array = getattr(case, name)
        if array is not None and array.shape != shapes[name]:
            return None
    wants = tuple(key for key in case.wants if spec.bias or key != "dbias")
    found = replace(
        case,
        config=config,
        wants=wants,
        bias=_resized(case.bias, shapes["bias"]) if spec.bias else None,
        dy=_resized(case.dy, shapes["dy"]),
        expected={},
        bound={},
        spans={},
    )
    solution = solve(found)
    exact_spans(found, solution)
    if found.dy is not None and kinks_near(found, solution).any():
        found = replace(found, wants=("y",), dy=None)
        solution = solve(found)
    return replace(found, expected=solution.rounded)


def _overhangs(config: dict[str, Any]) -> bool:
    """Return whether numbers of a transposed layer or of sharing no longer fit."""
    if "output_padding" in config:
        pairs = zip(config["output_padding"], config["strides"], strict=True)
        return any(extra >= stride for extra, stride in pairs)
    if "tile" in config:
        axes = zip(*(config[n] for n in ("output_sizes", "share", "tile")), strict=True)
        return any(tile > -(-o // share) for o, share, tile in axes)
    return False


def _resized(array: Array | None, shape: Shape) -> Array | None:
    return None if array is None else np.resize(array, shape)
