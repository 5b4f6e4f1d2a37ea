"""
Cases that differ from another in one number only: of the config, or of one array.

A backend that remembers a plan by the shapes of its arrays meets the same shapes with
another layer behind them, and one that knows weights by where they begin, weights that
end otherwise.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..._typing import Array, Shape
from ..case import Case
from ..cases.configs import shapes_of
from ..cases.specs import Spec, VariantSpec
from ..problems import problem
from ..references.connections import VARIANTS
from .answered import answered
from .operands import OPERANDS, negated, nudged, odd, swapped
from .pairs import pairs_of

__all__ = ["Sibling", "Siblings", "spec_of", "turned"]

# Siblings of one field for each kind and number of axes: more find nothing new.
ENOUGH = 2
NEAR = (1, -1, 2, -2)
# More than there are buffers in a ring; and in the largest, once for each kind.
CALLS, MANY_CALLS = 9, 259
# Arrays of so many numbers begin alike, and are told apart behind their middle: behind
# a few numbers, a page of them, and more than 16 bits count.
LONG_ENOUGH = (34, 2**12, 2**16)
PLACES = (("kernel", "end"), ("kernel", "middle"), ("bias", "end"), ("mixture", "end"))


# Layers with the same shapes, and the same numbers in another order, or with pad values
# that have one whole part, or none that a byte holds.
BESIDE: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"sizes": (8, 8), "strides": (4, 5)}, {"strides": (5, 4)}),
    (
        {"sizes": (9, 9), "strides": 4, "dilation_rate": (1, 2)},
        {"dilation_rate": (2, 1)},
    ),
    ({"sizes": 4, "pads": ((1, 1),), "pad_value": 0.25}, {"pad_value": 0.75}),
    ({"sizes": 4, "pads": ((1, 1),), "pad_value": -128.0}, {"pad_value": 300.0}),
)


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
        self._made: Counter[Hashable] = Counter()

    def of(self, case: Case) -> list[Sibling]:
        """Return the siblings of a case that are still wanted."""
        if case.kind == "trace" or case.tier != "exact":
            return []
        return list(itertools.chain(self._calls(case), self._changed(case)))

    def _calls(self, case: Case) -> Iterator[Sibling]:
        """Yield many calls of the same shapes, none of which gives the first answer."""
        sort = tuple(case.config["activation"])
        for calls, wanted in (
            (CALLS, {_rank(case): ENOUGH, sort: 1}),
            (MANY_CALLS, {"": 1}),
        ):
            keys = {(case.kind, calls, key): n for key, n in wanted.items()}
            if all(self._made[key] >= enough for key, enough in keys.items()):
                continue
            other = turned(case)
            if not np.array_equal(other.expected["y"], case.expected["y"]):
                self._made.update(list(keys))
                yield Sibling(f"{calls} other calls", (other,) * calls)

    def _changed(self, case: Case) -> Iterator[Sibling]:
        """Yield cases with one thing changed: an option, or an operand."""
        if not self._made["pairs", case.kind]:
            self._made["pairs", case.kind] += 1
            yield from _pairs(case.kind)
        rank, name = _rank(case), case.config["activation"]["name"]
        for field in OPERANDS:
            yield from self._wanted(1, name, _negated, case, field)
            yield from self._wanted(ENOUGH, "", _swapped, case, field)
            yield from self._wanted(ENOUGH, "", _odd, case, field)
            yield from self._wanted(1, "", _nudged, case, field)
        if case.kind not in ("layer", *VARIANTS):
            return
        for field in FIELDS:
            yield from self._wanted(ENOUGH, rank, _first, case, field)
        for field in PARAMETERS:
            yield from self._wanted(1, "", _first, case, field)
        for field, place in PLACES:
            array = getattr(case, field)
            size = 0 if array is None else array.size
            if long := sum(size >= least for least in LONG_ENOUGH):
                where = (long, rank if long == 1 else 0)
                yield from self._wanted(ENOUGH, where, _touched, case, field, place)

    def _wanted(
        self,
        enough: int,
        where: Hashable,
        make: Callable[..., Sibling | None],
        case: Case,
        *names: str,
    ) -> Iterator[Sibling]:
        """Yield what is made of a case by names, so often for each sort of case."""
        key = (case.kind, where, make, names)
        if self._made[key] < enough and (found := make(case, *names)):
            self._made[key] += 1
            yield found


def _rank(case: Case) -> int:
    return len(case.config["input_sizes"])


def turned(case: Any) -> Any:
    """
    Return a case with its samples in reverse order, and the opposite of dy.

    Parameters
    ----------
    case : Case
        With its answers.

    Returns
    -------
    Case
        With answers that follow from those.
    """

    def back(key: str, array: Array) -> Array:
        return array[::-1] if key in ("y", "dx") else array

    expected = {
        key: back(key, -value if key.startswith("d") else value)
        for key, value in case.expected.items()
    }
    bound = {key: back(key, value) for key, value in case.bound.items()}
    dy = None if case.dy is None else -case.dy[::-1]
    return replace(case, x=case.x[::-1], dy=dy, expected=expected, bound=bound)


def _touched(case: Case, name: str, place: str) -> Sibling | None:
    """Return a case in which one number of an array has the other sign."""
    array = getattr(case, name)
    flat = array.ravel().copy()
    end = flat.size if place == "end" else flat.size // 2 + 1
    at = int(np.flatnonzero(flat[:end]).max(initial=-1))
    if at < LONG_ENOUGH[0] // 2:
        return None
    flat[at] = -flat[at]
    words = f"another number at the {place} of {name}"
    return _with_array(case, name, flat.reshape(array.shape), words)


def _negated(case: Case, name: str) -> Sibling | None:
    """Return a case in which one operand has the other sign, and no other."""
    other = negated(case, name)
    return _beside(f"{name} negated, and nothing else", other)


def _swapped(case: Case, name: str) -> Sibling | None:
    """Return a case in which an operand has the same numbers in other places."""
    other = swapped(case, name)
    return _beside(f"two numbers of {name} in each other's place", other)


def _odd(case: Case, name: str) -> Sibling | None:
    """Return a case with another number at an odd place of an operand."""
    other = odd(case, name)
    return _beside(f"another number at an odd place of {name}", other)


def _nudged(case: Case, name: str) -> Sibling | None:
    """Return a case in which a number of an operand is another by very little."""
    other = nudged(case, name)
    return _beside(f"another number by 2**-12 at the middle of {name}", other)


def _beside(words: str, other: Case | None) -> Sibling | None:
    return None if other is None else Sibling(words, (other,))


def _with_array(case: Case, name: str, array: Array, words: str) -> Sibling | None:
    """Return a case with another array in the place of one, if it is exact."""
    changed: dict[str, Any] = {name: array}
    with suppress(ValueError):
        return Sibling(words, (answered(replace(case, **changed)),))
    return None


def _pairs(kind: str) -> Iterator[Sibling]:
    """Yield problems with a sibling, where cases of a suite need not have one."""
    if kind not in ("layer", *VARIANTS):
        for one, words, other in pairs_of(kind):
            yield Sibling(words, (one, other))
        return
    for field, one in (
        ("strides", problem(9, 1, strides=3, kind=kind)),
        ("first", problem(4, 1, channels=4, filters=4, kind=kind)),
        ("first", problem((2, 2), 1, kind=kind)),
    ):
        if sibling := _first(one, field):
            yield replace(sibling, cases=(one, *sibling.cases))
    for given, changed in BESIDE:
        with suppress(ValueError):  # not every kind has such a layer
            one = problem(**{"kernel_size": 2, "kind": kind, **given})
            spec, (field,) = spec_of(one), changed
            changed_spec = replace(spec, **changed)
            if (found := _with(one, changed_spec)) is not None:
                yield Sibling(_words(field, spec, changed_spec), (one, found))
    if kind != "transposed":  # whose outputs would differ
        sizes = ((4, 3), (3, 4))
        one, other = (problem(n, 1, strides=2, kind=kind) for n in sizes)
        yield Sibling("input_sizes [3, 4] in the place of [4, 3]", (one, other))


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
                return Sibling(_words(field, spec, other), (found,))
    return None


def _words(field: str, spec: Spec, other: Spec) -> str:
    """Say what is different, by the key and the values of a config."""
    if field == "bias":
        return "no bias in the place of one"
    key = "data_format" if field == "first" else field
    old, new = (
        {**vars(one), **one.config, **one.activation}[key] for one in (spec, other)
    )
    if field == "activation":
        old, new = old["name"], new["name"]
    return f"{key} {new} in the place of {old}"


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
    elif field in spec.activation:
        value = spec.activation[field]
        for other in (2 * value, value + 1, value / 2):
            yield replace(spec, activation={**spec.activation, field: other})
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
PARAMETERS = ("alpha", "max_value", "threshold")


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
    )
    return answered(found)


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
