"""Pools and norms, got wrong where everybody uses them, and for halves."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ...._typing import Array
from ...case import Case
from ..base import Mutant, Sees
from ..model import rounded
from ..other_models import Norm, Pool
from .making import (
    NARROW,
    Answers,
    after,
    all_of,
    axes_of,
    before,
    changed,
    counted,
    divided,
    has,
    in_precision,
    locations,
    made,
    narrowed,
    where,
    without_last,
)
from .pools import last_of_ties

__all__ = ["usual_norms", "usual_pools"]

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
    dy = without_last("dy")(case, given)["dy"]
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
        (f"{axes}D windows of {k}, strides {s}, pads {p}", axes_of(axes), (k, s, p))
        for axes, (k, s, p) in itertools.product((1, 2, 3), USUAL)
    ]
    places = [(words, all_of(a, _is_usual(*how))) for words, a, how in windows]
    places += [(f"one {n}D window", all_of(axes_of(n), _is_whole)) for n in (1, 2, 3)]
    for (words, place), pool in itertools.product(places, ("max", "average")):
        fits = all_of(place, has(pool=pool))
        for key, change in (("y", without_last("y")), ("dx", _without_last_window)):
            if words in SEEN or f"{pool}, {words}" in SEEN:
                continue
            wrong = where(fits, after(Pool, change))
            error = f"The last of {key} is not written, of a path for {words}."
            yield made("pool", f"{key} of {pool}, {words}", error, wrong, fits)
    for words, cut in (("cut off", np.trunc), ("rounded", np.rint)):
        for pool in ("max", "average"):
            wrong = changed(Pool, read=lambda self, x, f=cut: f(x))
            error = f"Numbers are integers: {words}."
            fits = has(pool=pool)
            yield made("pool", f"x {words} under a {pool}", error, wrong, fits)
    counts: dict[str, Sees] = {
        "more than 32 locations": locations(lambda n: n > 32),
        "locations divided by 32": locations(lambda n: n % 32 == 0),
        "a tail of 32 locations": locations(lambda n: n > 32 and n % 32 > 0),
        "N divided by 32": divided(32, "batch"),
        "C divided by 32": divided(32, "channels"),
    }
    step = {"counts": lambda self, i: np.full(len(i), i.shape[1])}
    for layer, at in counts.items():
        fits = all_of(at, has(pool="average"))
        wrong = where(fits, changed(Pool, **step))
        error = f"Pads are counted in a mean with {layer}."
        yield made("pool", f"pads counted with {layer}", error, wrong, fits)
    sizes: dict[str, Sees] = {
        f"{name} divided by {unit}": divided(unit, key)
        for name, key, unit in (
            ("N", "batch", 8),
            ("N", "batch", 16),
            ("N", "batch", 32),
            ("C", "channels", 32),
        )
    }
    sizes["one sample, C with a tail of 4"] = all_of(
        has(batch=1), counted("channels", lambda n: n > 4 and n % 4 > 0)
    )
    orders = ("channels_last", "channels_first")
    for (layer, at), order in itertools.product(sizes.items(), orders):
        fits = all_of(at, has(data_format=order, pool="max"))
        wrong = where(fits, changed(Pool, takes=last_of_ties))
        name = f"ties to the last with {layer}, {order}"
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

    wrong = before(Norm, last_gamma)
    halves = [(p, in_precision(p)) for p in ("float16", "bfloat16")]
    for (words, half), is_training in itertools.product(halves, (True, False)):
        for axes in (1, 2, 3):
            fits = all_of(half, has(training=is_training), axes_of(axes))
            name = f"last gamma in {words}, {axes} axes, training {is_training}"
            error = "The last gamma is another."
            yield made("batch_norm", name, error, where(fits, wrong), fits)
    for role, (words, bits, precision) in itertools.product(
        ("kernel", "bias", "dy"), (*NARROW, ("bfloat16", 8, "float32"))
    ):
        for is_training in (True, False):
            fits = all_of(in_precision(precision), has(training=is_training))
            name = f"{role} in {words}, {precision}, training {is_training}"
            narrow = where(fits, before(Norm, narrowed(role, bits)))
            error = f"{role} is loaded as {words}."
            yield made("batch_norm", name, error, narrow, fits)

    one: Sees = lambda case: set(case.config["input_sizes"]) == {1}  # noqa: E731
    for place, at in (
        ("one cell", one),
        ("N divided by 16", divided(16, "batch")),
        ("N divided by 32", divided(32, "batch")),
    ):
        fits = all_of(training, at)
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
    half = all_of(training, in_precision("float16"))
    overflows = where(half, changed(Norm, moments=_in_half))
    error = "Squares in one pass leave float16."
    yield made("batch_norm", "squares beyond float16", error, overflows, half)
    for floor in (1e-12, 1e-7):
        raised = changed(
            Norm, config=lambda s, c, f=floor: {**c, "epsilon": max(c["epsilon"], f)}
        )

        def below(case: Case, floor: float = floor) -> bool:
            return bool(0 < case.config["epsilon"] < floor)

        error = f"epsilon is {floor} or more."
        name = f"epsilon of at least {floor}"
        yield made("batch_norm", name, error, where(below, raised), below)
    for precision, bits in (("float32", 24), ("float64", 53)):
        fits = all_of(training, in_precision(precision))
        apart = where(fits, after(Norm, _one_pass(bits)))
        error = "dgamma by sum(dy*x) - mean*sum(dy), which cancels."
        yield made("batch_norm", f"dgamma in one pass, {precision}", error, apart, fits)
