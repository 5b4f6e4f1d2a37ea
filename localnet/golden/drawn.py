"""Problems that are drawn, and the smallest of those that fail."""

import math
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any, Self

from .._typing import Shape
from .._validate import shown
from .case import Case
from .cases.specs import Spec, VariantSpec
from .problems import made
from .references.connections import VARIANTS
from .report import Result

__all__ = ["Drawn"]

MOST_WIRES = 50_000
MOST_TRIALS = 500
COUNT = 100


def _line(spec: Spec, seed: int) -> str:
    """Return the arguments of `problem` that are not the usual ones."""
    usual = type(spec)("", "", spec.sizes, spec.kernel_size)
    words = [f"sizes={spec.sizes}", f"kernel_size={spec.kernel_size}"]
    ones, none = (1,) * len(spec.sizes), ((0, 0),) * len(spec.sizes)
    for field in fields(spec)[4:]:
        name, value = field.name, getattr(spec, field.name)
        if name in ("tier", "data", "flags") or value in ((), getattr(usual, name)):
            continue
        if name in ("strides", "dilation_rate") and value == ones:
            continue
        if name == "pads" and value == none:
            continue
        if name == "first":
            name, value = "data_format", "channels_first"
        if name == "precision" and value == "float32":
            continue
        words.append(f"{name}={value!r}")
    # Without apostrophes, it needs no care in a shell.
    return ", ".join([*words, f"seed={seed}"]).replace("'", '"')


@dataclass(frozen=True)
class Drawn:
    """
    Problems that are drawn.

    Parameters
    ----------
    seed, count : int
        Where to begin, and how many.
    kinds : tuple of str
        Of the layers.
    precision : str
        What they are made for.
    """

    seed: int
    count: int
    kinds: tuple[str, ...]
    precision: str

    @classmethod
    def of(cls, seed: int | str, kinds: Collection[str], precision: str | None) -> Self:
        """Return what ``SEED`` or ``SEED:COUNT`` means."""
        first, colon, second = str(seed).partition(":")
        try:
            numbers = int(first), int(second) if colon else COUNT
        except ValueError:
            numbers = (-1, 0)
        if isinstance(seed, bool) or numbers[0] < 0 or numbers[1] < 1:
            raise ValueError(
                f"random must be a seed >= 0, or SEED:COUNT with a count >= 1, "
                f"got {shown(seed)}"
            )
        kinds = tuple(kind for kind in ("layer", *VARIANTS) if kind in kinds)
        return cls(*numbers, kinds, precision or "float32")

    def specs(self) -> Iterator[Spec]:
        """Yield as many specs as are wanted, all of them layers."""
        draw = Random(self.seed)
        found = 0
        while self.kinds and found < self.count:
            spec = _draw(draw, self.kinds, self.precision)
            with suppress(ValueError):
                made(spec)
                found += 1
                yield spec

    def results(self, hold: Callable[[Case], Result]) -> Iterator[Result]:
        """Yield a result for each, and for the first that fails the smallest of it."""
        shrunk = False
        for number, spec in enumerate(self.specs()):
            result = hold(_named(spec, self.seed, f"random-{self.seed}-{number}"))
            failed = result.status == "FAIL"
            yield replace(result, again=_line(spec, self.seed)) if failed else result
            if failed and not shrunk:
                shrunk = True
                name = f"random-{self.seed}-{number}-shrunk"
                small = _shrunk(spec, self.seed, hold)
                result = hold(_named(small, self.seed, name))
                yield replace(result, again=_line(small, self.seed))


def _named(spec: Spec, seed: int, name: str) -> Case:
    """Return the problem of a spec and a seed under another name."""
    return replace(made(replace(spec, id=f"problem-{seed}")), id=name)


LENGTHS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 129)
FEW = (1, 2, 2, 3, 3, 4, 5)


def _draw(draw: Random, kinds: tuple[str, ...], precision: str) -> Spec:
    """Draw a spec; it may be none."""

    def one(of: Any) -> Any:
        return of[int(draw.random() * len(of))]

    def each(of: Any) -> Any:
        return tuple(one(of) for _ in range(axes))

    kind, axes = one(kinds), one((1, 1, 2, 2, 3))
    long = one(("outputs", "filters", "batch", "channels", ""))
    taps = each((1, 2, 3, 3, 5, 7) if axes == 1 else (1, 2, 3))
    strides, dilations = each((1, 1, 2, 3, 5)), each((1, 1, 1, 2, 4))
    pads = tuple((one((0, 0, 1, 2)), one((0, 0, 1, 3))) for _ in range(axes))
    outputs = list(each(FEW))
    if long == "outputs":
        outputs[one(range(axes))] = one(LENGTHS)
    counts = {
        name: one(LENGTHS) if name == long else one(FEW)
        for name in ("filters", "batch", "channels")
    }
    found: dict[str, Any] = {
        "kernel_size": taps,
        "strides": strides,
        "dilation_rate": dilations,
        "pads": pads,
        "pad_value": one((0.0, 0.0, -1.0, 2.0)) if any(map(any, pads)) else 0.0,
        "first": one((False, True)),
        "activation": dict(one(ACTIVATIONS)),
        "bias": one((True, True, False)),
        "precision": precision,
        "kind": kind,
        **counts,
    }
    axis = zip(outputs, taps, strides, dilations, pads, strict=True)
    spans = [((o - 1) * s + (r - 1) * d + 1, s, sum(p)) for o, r, s, d, p in axis]
    sizes = tuple(max(n - p + one(range(s)), 1) for n, s, p in spans)
    if kind == "transposed":
        sizes, found["pad_value"] = tuple(outputs), 0.0
        found["output_padding"] = tuple(one(range(s)) for s in strides)
    elif kind == "shared":
        found |= {"share": each((1, 2, 3)), "tile": each((1, 2, 3))}
    elif kind == "conv":
        groups = one((1, 1, 2, 3))
        found |= {"groups": groups, "untied": one((False, True))}
        for name in ("channels", "filters"):
            found[name] = -(-found[name] // groups) * groups
    elif kind == "low_rank":
        found |= {"rank": one((1, 2, 3)), "untied": one((False, True))}
    wires = math.prod(outputs) * math.prod(taps) * math.prod(counts.values())
    if wires > MOST_WIRES:
        return _draw(draw, kinds, precision)
    make = Spec if kind == "layer" else VariantSpec
    return make("", "a problem that was drawn", sizes, **found)


ACTIVATIONS: tuple[dict[str, Any], ...] = (
    {"name": "linear"},
    {"name": "linear"},
    {"name": "relu"},
    {"name": "relu6"},
    {"name": "leaky_relu", "alpha": 0.25},
)


def _shrunk(spec: Spec, seed: int, hold: Callable[[Case], Result]) -> Spec:
    """Return the smallest spec found that fails, too: greedily, step by step."""
    trials, again = 0, True
    while again:
        again = False
        for smaller in _smaller(spec):
            if trials == MOST_TRIALS:
                return spec
            with suppress(ValueError):
                case = _named(smaller, seed, "shrunk")
                trials += 1
                if hold(case).status == "FAIL":
                    spec, again = smaller, True
                    break
    return spec


PER_AXIS = (
    "sizes",
    "kernel_size",
    "strides",
    "pads",
    "dilation_rate",
    "share",
    "tile",
    "output_padding",
)
PLAIN: dict[str, Any] = {
    "gradients": False,
    "activation": {"name": "linear"},
    "pad_value": 0.0,
    "first": False,
    "bias": False,
    "untied": False,
}


def _smaller(spec: Spec) -> Iterator[Spec]:
    """Yield specs that are simpler in one respect, the boldest first."""

    def changed(**values: Any) -> Spec:
        return replace(spec, **values)

    per_axis = {n: getattr(spec, n) for n in PER_AXIS if getattr(spec, n, ())}
    for axis in range(len(spec.sizes) if len(spec.sizes) > 1 else 0):
        yield changed(**{n: v[:axis] + v[axis + 1 :] for n, v in per_axis.items()})
    for name, value in PLAIN.items():
        if getattr(spec, name, value) != value:
            yield changed(**{name: value})
    for name in ("batch", "channels", "filters", "rank", "groups"):
        for value in _less(getattr(spec, name, 1), 1):
            yield changed(**{name: value})
    for name, values in per_axis.items():
        for axis, old in enumerate(values):
            for value in _less_of(name, old):
                yield changed(**{name: (*values[:axis], value, *values[axis + 1 :])})


def _less(value: int, least: int) -> Iterator[int]:
    tried = {value}
    for other in (least, value // 2, value - 1):
        if least <= other and other not in tried:
            tried.add(other)
            yield other


def _less_of(name: str, value: Any) -> Iterator[int | Shape]:
    if name != "pads":
        yield from _less(value, 0 if name == "output_padding" else 1)
        return
    before, after = value
    yield from ((other, after) for other in _less(before, 0))
    yield from ((before, other) for other in _less(after, 0))
