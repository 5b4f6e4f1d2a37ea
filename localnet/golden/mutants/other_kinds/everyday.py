"""Other kinds, got wrong where everybody uses them, and for numbers not whole."""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ...._typing import Array
from ...case import Case
from ..base import Mutant, Sees
from ..model import rounded
from ..other_models import Integers, Norm, OtherModel, Pool, Stack
from .making import NARROW, changed, divided, has, in_precision, made, where

__all__ = ["usual_integers", "usual_norms", "usual_pools", "usual_stacks"]

Answers = dict[str, Array]


def _after(
    base: type[OtherModel], change: Callable[[Case, Answers], Answers]
) -> type[OtherModel]:
    """Return a model whose answers are changed in the end."""
    return changed(base, answers=lambda self: change(self.case, base.answers(self)))


def _before(base: type[OtherModel], change: Callable[[Case], Case]) -> Any:
    """Return a model of a case that is changed at first."""
    return changed(base, answers=lambda self: base(change(self.case)).answers())


def _narrow(name: str, bits: int) -> Callable[[Case], Case]:
    def change(case: Case) -> Case:
        changes: dict[str, Any] = {name: rounded(getattr(case, name), bits)}
        return replace(case, **changes)

    return change


def _without_last(key: str, *, channel: bool = False) -> Any:
    """Return what leaves out the last location, or channel, of an answer."""

    def change(case: Case, answers: Answers) -> Answers:
        found = answers[key].copy()
        first = case.config["data_format"] == "channels_first"
        if channel:
            found[(slice(None), -1) if first else (..., -1)] = 0
        else:
            last = (-1,) * len(case.config["input_sizes"])
            found[(..., *last) if first else (slice(None), *last)] = 0
        return {**answers, key: found}

    return change


def _axes(count: int) -> Sees:
    return lambda case: len(case.config["input_sizes"]) == count


def _locations(test: Callable[[int], bool]) -> Sees:
    return lambda case: test(math.prod(case.config["output_sizes"]))


def _count(name: str, test: Callable[[int], bool]) -> Sees:
    return lambda case: test(case.config[name])


def _all(*sees: Sees) -> Sees:
    return lambda case: all(see(case) for see in sees)


USUAL = ((2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 1, 0), (7, 7, 0))


# What cases of other families hold.
SEEN = (
    "1D windows of 3, strides 2, pads 1",
    "1D windows of 3, strides 1, pads 1",
    "1D windows of 2, strides 1, pads 0",
    "average, 1D windows of 7, strides 7, pads 0",
    "2D windows of 2, strides 2, pads 0",
    "one 1D window",
)


def _without_last_window(case: Case, answers: Answers) -> Answers:
    """Leave the last window out of dx."""
    given = {"dy": np.asarray(case.dy)}
    dy = _without_last("dy")(case, given)["dy"]
    return {**answers, "dx": Pool(replace(case, dy=dy)).answers()["dx"]}


def _is_usual(window: int, stride: int, pad: int) -> Sees:
    def see(case: Case) -> bool:
        c = case.config
        return (
            set(c["kernel_size"]) == {window}
            and set(c["strides"]) == {stride}
            and set(map(tuple, c["pads"])) == {(pad, pad)}
        )

    return see


def _is_whole(case: Case) -> bool:
    c = case.config
    return bool(c["kernel_size"] == c["input_sizes"])


def usual_pools() -> Iterator[Mutant]:
    """Yield usual windows with a path of their own, fractions cut off, aligned pads."""
    windows = [
        (f"{axes}D windows of {k}, strides {s}, pads {p}", _axes(axes), (k, s, p))
        for axes, (k, s, p) in itertools.product((1, 2, 3), USUAL)
    ]
    places = [(words, _all(a, _is_usual(*how))) for words, a, how in windows]
    places += [(f"one {n}D window", _all(_axes(n), _is_whole)) for n in (1, 2, 3)]
    for (words, place), pool in itertools.product(places, ("max", "average")):
        fits = _all(place, has(pool=pool))
        for key, change in (("y", _without_last("y")), ("dx", _without_last_window)):
            if words in SEEN or f"{pool}, {words}" in SEEN:
                continue
            wrong = where(fits, _after(Pool, change))
            error = f"The last of {key} is not written, of a path for {words}."
            yield made("pool", f"{key} of {pool}, {words}", error, wrong, fits)
    for words, cut in (("cut off", np.trunc), ("rounded", np.rint)):
        for pool in ("max", "average"):
            wrong = changed(Pool, read=lambda self, x, f=cut: f(x))
            error = f"Numbers are integers: {words}."
            fits = has(pool=pool)
            yield made("pool", f"x {words} under a {pool}", error, wrong, fits)
    counts: dict[str, Sees] = {
        "more than 32 locations": _locations(lambda n: n > 32),
        "locations divided by 32": _locations(lambda n: n % 32 == 0),
        "a tail of 32 locations": _locations(lambda n: n > 32 and n % 32 > 0),
        "N divided by 32": divided(32, "batch"),
        "C divided by 32": divided(32, "channels"),
    }
    step = {"counts": lambda self, i: np.full(len(i), i.shape[1])}
    for place, at in counts.items():
        fits = _all(at, has(pool="average"))
        wrong = where(fits, changed(Pool, **step))
        error = f"Pads are counted in a mean with {place}."
        yield made("pool", f"pads counted with {place}", error, wrong, fits)
    sizes: dict[str, Sees] = {
        f"{name} divided by {unit}": divided(unit, key)
        for name, key, unit in (
            ("N", "batch", 8),
            ("N", "batch", 16),
            ("N", "batch", 32),
            ("C", "channels", 32),
        )
    }
    sizes["one sample, C with a tail of 4"] = _all(
        has(batch=1), _count("channels", lambda n: n > 4 and n % 4 > 0)
    )
    orders = ("channels_last", "channels_first")
    for (place, at), order in itertools.product(sizes.items(), orders):

        def takes(self: Pool, windows: Array) -> Array:
            last = windows.shape[-1] - 1 - windows[..., ::-1].argmax(-1)
            return np.asarray(np.arange(windows.shape[-1]) == last[..., None])

        fits = _all(at, has(data_format=order, pool="max"))
        wrong = where(fits, changed(Pool, takes=takes))
        name = f"ties to the last with {place}, {order}"
        error = "The gradient of equal maxima goes to the last of them."
        yield made("pool", name, error, wrong, fits)


def _unbiased(self: Norm, x: Array) -> tuple[Array, Array]:
    mean, variance = Norm.moments(self, x)
    return mean, variance * x.shape[1] / max(x.shape[1] - 1, 1)


def _limited(most: float) -> Any:
    def moments(self: Norm, x: Array) -> tuple[Array, Array]:
        mean, variance = Norm.moments(self, x)
        return mean, np.minimum(variance, most)

    return moments


def _in_half(self: Norm, x: Array) -> tuple[Array, Array]:
    """Return moments in one pass, whose squares overflow float16."""
    mean, variance = Norm.moments(self, x)
    return mean, np.where((x * x).max(1) > 65504, 0.0, variance)


def _one_pass(bits: int) -> Callable[[Case, Answers], Answers]:
    """Return what takes dgamma from sums of dy*x, which cancel."""

    def change(case: Case, answers: Answers) -> Answers:
        axis = 1 if case.config["data_format"] == "channels_first" else -1
        x, dy = (
            np.moveaxis(np.asarray(a, np.float64), axis, 0).reshape(
                case.config["channels"], -1
            )
            for a in (case.x, case.dy)
        )
        exact = (dy * (x - x.mean(1, keepdims=True))).sum(1)
        along = np.cumsum(rounded(dy * x, bits), 1)
        along = rounded(along, bits)[:, -1]
        found = along - rounded(x.mean(1) * dy.sum(1), bits)
        off = np.where(exact == 0, 1.0, exact)
        return {**answers, "dkernel": answers["dkernel"] * found / off}

    return change


def usual_norms() -> Iterator[Mutant]:
    """Yield norms in half precision, of one cell, of many, and of narrow operands."""
    training = has(training=True)

    def last_gamma(case: Case) -> Case:
        gamma = case.kernel.copy()
        gamma[-1] += 1
        return replace(case, kernel=gamma)

    wrong = _before(Norm, last_gamma)
    halves = [(p, in_precision(p)) for p in ("float16", "bfloat16")]
    for (words, half), is_training in itertools.product(halves, (True, False)):
        for axes in (1, 2, 3):
            fits = _all(half, has(training=is_training), _axes(axes))
            name = f"last gamma in {words}, {axes} axes, training {is_training}"
            error = "The last gamma is another."
            yield made("batch_norm", name, error, where(fits, wrong), fits)
    for role, (words, bits, precision) in itertools.product(
        ("kernel", "bias", "dy"), (*NARROW, ("bfloat16", 8, "float32"))
    ):
        for is_training in (True, False):
            fits = _all(in_precision(precision), has(training=is_training))
            name = f"{role} in {words}, {precision}, training {is_training}"
            narrow = where(fits, _before(Norm, _narrow(role, bits)))
            error = f"{role} is loaded as {words}."
            yield made("batch_norm", name, error, narrow, fits)

    one: Sees = lambda case: set(case.config["input_sizes"]) == {1}  # noqa: E731
    for place, at in (
        ("one cell", one),
        ("N divided by 16", divided(16, "batch")),
        ("N divided by 32", divided(32, "batch")),
    ):
        fits = _all(training, at)
        biased = where(fits, changed(Norm, moments=_unbiased))
        error = "The variance is over M - 1."
        yield made("batch_norm", f"unbiased with {place}", error, biased, fits)
    for most in (768, 1024):
        cut = changed(Norm, total=lambda s, t, m=most: Norm.total(s, t[:, :m]))
        error = f"Gradients are sums of the first {most} numbers."
        yield made("batch_norm", f"sums of {most} numbers", error, cut, training)
    for limit in (1e3, 1e4):
        clipped = changed(Norm, moments=_limited(limit))
        error = f"Variances are at most {limit:g}."
        name = f"variance of at most {limit:g}"
        yield made("batch_norm", name, error, clipped, training)
    half = _all(training, in_precision("float16"))
    overflows = where(half, changed(Norm, moments=_in_half))
    error = "Squares in one pass leave float16."
    yield made("batch_norm", "squares beyond float16", error, overflows, half)
    for floor in (1e-12, 1e-7):
        raised = changed(
            Norm, config=lambda s, c, f=floor: {**c, "epsilon": max(c["epsilon"], f)}
        )
        fits = lambda case, f=floor: 0 < case.config["epsilon"] < f  # noqa: E731
        error = f"epsilon is {floor} or more."
        name = f"epsilon of at least {floor}"
        yield made("batch_norm", name, error, where(fits, raised), fits)
    for precision, bits in (("float32", 24), ("float64", 53)):
        fits = _all(training, in_precision(precision))
        apart = where(fits, _after(Norm, _one_pass(bits)))
        error = "dgamma by sum(dy*x) - mean*sum(dy), which cancels."
        yield made("batch_norm", f"dgamma in one pass, {precision}", error, apart, fits)


# N, C and F of the first layer, K, L: what a path is taken for.
COUNTS: dict[str, Sees] = {
    "K beyond 16": lambda case: _taken(case) > 16,
    "C with a tail of 4": _count("channels", lambda n: n > 4 and n % 4 > 0),
    "K divided by 8, N beyond 8": lambda case: (
        _taken(case) % 8 == 0 and case.config["batch"] > 8
    ),
    "C divided by 16": divided(16, "channels"),
    "C divided by 8, three axes": _all(divided(8, "channels"), _axes(3)),
    "F divided by 64": divided(64, "filters"),
    "F divided by 32, N beyond 64": _all(
        divided(32, "filters"), _count("batch", lambda n: n > 64)
    ),
    "K beyond 64, F beyond 32": lambda case: (
        _taken(case) > 64 and case.config["filters"] > 32
    ),
    "C and L divided by 8": _all(
        divided(8, "channels"), _locations(lambda n: n % 8 == 0)
    ),
    "a tail of L and F": _all(
        _locations(lambda n: n > 32 and n % 32 > 0),
        _count("filters", lambda n: n > 4 and n % 4 > 0),
    ),
}


def _taken(case: Case) -> int:
    """Return K."""
    return int(math.prod(case.config["kernel_size"]) * case.config["channels"])


def usual_stacks() -> Iterator[Mutant]:
    """Yield stacks without a bias, in half precision, of narrow biases, by sizes."""
    keys = ("dkernel", "dbias", "dkernel2", "dbias2")
    for missing, key in itertools.product(
        (("bias",), ("bias2",), ("bias", "bias2")), keys
    ):
        if key[1:] in missing:
            continue

        def lacks(case: Case, missing: tuple[str, ...] = missing) -> bool:
            biases = ("bias", "bias2")
            return all((getattr(case, b) is None) == (b in missing) for b in biases)

        def halved(case: Case, answers: Answers, key: str = key) -> Answers:
            return {**answers, key: answers[key] / 2}

        name = f"{key} without {' and '.join(missing)}"
        error = f"{key} is another where a bias is missing."
        yield made("stack", name, error, where(lacks, _after(Stack, halved)), lacks)
    lost = _without_last("y", channel=True)
    for precision, axes in itertools.product(("float16", "bfloat16"), (1, 2, 3)):
        fits = _all(in_precision(precision), _axes(axes))
        for key in ("y", "dx"):
            wrong = where(fits, _after(Stack, _without_last(key, channel=True)))
            name = f"last of {key} in {precision}, {axes} axes"
            error = f"The last channel of {key} is not written."
            yield made("stack", name, error, wrong, fits)
    for axes in (1, 2, 3):

        def skips(case: Case) -> bool:
            c = case.config["second"]
            return set(c["kernel_size"]) == {1} and max(c["strides"]) > 1

        fits = _all(skips, _axes(axes))
        steps = {"second": lambda self, c: {**c, "strides": [1] * len(c["strides"])}}
        wrong = where(fits, changed(Stack, **steps))
        name = f"second of windows of 1 without strides, {axes} axes"
        yield made("stack", name, "Windows of 1 lie side by side.", wrong, fits)
    for role, (words, bits, precision) in itertools.product(
        ("bias", "bias2"), (*NARROW, ("bfloat16", 8, "float32"))
    ):
        fits = _all(in_precision(precision), lambda case: case.bias is not None)
        wrong = where(fits, _before(Stack, _narrow(role, bits)))
        error = f"{role} is loaded as {words}."
        yield made("stack", f"{role} in {words}, {precision}", error, wrong, fits)
    for (place, fits), key in itertools.product(COUNTS.items(), ("y", "dx")):
        lost = _without_last(key, channel=True)
        error = f"The last channel of {key} is not written."
        wrong = where(fits, _after(Stack, lost))
        yield made("stack", f"last of {key} with {place}", error, wrong, fits)


def usual_integers() -> Iterator[Mutant]:
    """Yield pads of another axis, and rules forgotten for widths and counts."""
    for kind, (one, other) in itertools.product(
        ("int8", "fixed_point"), ((1, 2), (2, 1))
    ):

        def swapped(
            self: Integers, c: dict[str, Any], one: int = one, other: int = other
        ) -> dict[str, Any]:
            pads = list(c["pads"])
            pads[one] = pads[other]
            return {**c, "pads": pads}

        fits = _axes(3)
        wrong = where(fits, changed(Integers, config=swapped))
        error = f"Axis {one} has the pads of axis {other}."
        yield made(kind, f"pads of axis {other} for {one}", error, wrong, fits)
    for unit, key, name in (
        (64, "filters", "F"),
        (32, "batch", "N"),
        (64, "batch", "N"),
    ):
        fits = divided(unit, key)
        zero = {"config": lambda self, c: {**c, "input_zero_point": 0}}
        wrong = where(fits, changed(Integers, **zero))
        name = f"zero point of x with {name} divided by {unit}"
        yield made("int8", name, "It is taken as 0.", wrong, fits)
    for width, overflow in itertools.product((2, 3), ("saturate", "wrap")):
        least = -(1 << (width - 1))
        wider = changed(
            Integers,
            fitted=lambda s, v, w, o: Integers.fitted(s, v, max(w, 4), o),
        )
        even = changed(
            Integers,
            fitted=lambda s, v, w, o, a=least: np.maximum(
                Integers.fitted(s, v, w, o), a + 1
            ),
        )
        fits = has(width=width, overflow=overflow)
        for words, wrong in (("as 4", wider), ("without the least", even)):
            name = f"{width} bits of {overflow} {words}"
            yield made("fixed_point", name, name, where(fits, wrong), fits)
    places: dict[str, Sees] = {
        "more than 256 locations": _locations(lambda n: n > 256),
        "locations divided by 32": _locations(lambda n: n % 32 == 0),
    }
    for (place, at), overflow in itertools.product(
        places.items(), ("saturate", "wrap")
    ):
        other_word = {"wrap": "saturate", "saturate": "wrap"}[overflow]
        held = changed(
            Integers,
            fitted=lambda s, v, w, o, n=other_word: Integers.fitted(s, v, w, n),
        )
        fits = _all(at, has(overflow=overflow))
        name = f"{overflow} as {other_word} with {place}"
        yield made("fixed_point", name, name, where(fits, held), fits)
    counts: dict[str, Sees] = {
        "N divided by 64": divided(64, "batch"),
        "F beyond 128, K beyond 16": lambda case: (
            case.config["filters"] > 128 and _taken(case) > 16
        ),
        "K beyond 16, N divided by 16": lambda case: (
            _taken(case) > 16 and case.config["batch"] % 16 == 0
        ),
    }
    for kind, (place, fits) in itertools.product(
        ("int8", "fixed_point"), counts.items()
    ):
        wrong = where(fits, _after(Integers, _without_last("y", channel=True)))
        error = "The last filter is not written."
        yield made(kind, f"last filter with {place}", error, wrong, fits)
