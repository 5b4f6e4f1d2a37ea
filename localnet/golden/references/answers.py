"""
The right answers: computed exactly, rounded to float64 once.

Sums of products are exact integers. Where an activation is a transcendental function,
an interval encloses it, and grows narrower until both its ends round to one number.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..._typing import Array
from ..case import Case
from .activations import ROWS, piecewise_of, smooth_of
from .exact import Exact
from .intervals import Interval
from .storage import operands
from .sums import Sums, over_row, shaped_like_y, upstream
from .wires import by_location

__all__ = ["Enclosed", "Solution", "enclose", "solve"]

FIRST_BITS = 192
# More than the exponents of float64 can need: what is left has underflowed.
MOST_BITS = 4096


@dataclass(frozen=True, eq=False)
class Enclosed:
    """
    Numbers known to within a radius; a radius of None means exactly.

    Parameters
    ----------
    middle : Exact
        Centres.
    radius : Exact or None
        Half widths.
    """

    middle: Exact
    radius: Exact | None = None

    def rounded(self) -> Array | None:
        """Return the nearest float64 of each, or None where the width leaves two."""
        if self.radius is None:
            return self.middle.nearest()
        low = (self.middle - self.radius).nearest()
        high = (self.middle + self.radius).nearest()
        return low if np.array_equal(low, high) else None

    def upper(self) -> Exact:
        """Return bounds on the magnitudes."""
        size = abs(self.middle)
        return size if self.radius is None else size + self.radius


@dataclass(frozen=True, eq=False)
class Solution:
    """
    All that is known of one case, in exact numbers.

    Parameters
    ----------
    sums : Sums
        The operands.
    z : Exact of shape (N, L, F)
        Pre-activation.
    slope : Enclosed of shape (N, L, F), or None
        Slope of the activation at z; of softmax and its logarithm, softmax of z.
    dz : Enclosed of shape (N, L, F), or None
        Gradient of z.
    answers : dict of str to Enclosed
        y, dx, dkernel, dbias in the shapes of the case.
    rounded : dict of str to ndarray
        The same as float64; of a case of single products, in its own precision.
    """

    sums: Sums
    z: Exact
    slope: Enclosed | None
    dz: Enclosed | None
    answers: dict[str, Enclosed]
    rounded: dict[str, Array]

    @cached_property
    def sizes(self) -> dict[str, Exact]:
        """Sums over the magnitudes of the terms: of z, and of every gradient."""
        magnitudes = self.sums.magnitudes()
        sizes = {"y": magnitudes.z()}
        if self.dz is not None:
            sizes |= magnitudes.gradients(self.dz.upper())
        return sizes


def solve(case: Case) -> Solution:
    """
    Compute what a case expects.

    Parameters
    ----------
    case : Case
        With its inputs; what it may already expect is not looked at.

    Returns
    -------
    Solution
        The exact answers, and their roundings.
    """
    sums = operands(case)
    z, bits = sums.z(), FIRST_BITS
    while True:
        found = _attempt(case, sums, z, max(bits, 32 - z.exponent))
        if found is not None:
            return found
        bits *= 2
        if bits > MOST_BITS:
            raise ValueError(f"case {case.id} must have answers that float64 can hold")


def _attempt(case: Case, sums: Sums, z: Exact, bits: int) -> Solution | None:
    """Return the solution, if so many bits are enough to round it."""
    y, slope = _activated(case, z, bits)
    answers = {"y": Enclosed(shaped_like_y(y.middle, case), y.radius)}
    if y.radius is not None:
        answers["y"] = Enclosed(
            shaped_like_y(y.middle, case), shaped_like_y(y.radius, case)
        )
    dy, dz = upstream(case), None
    if dy is not None and slope is not None:
        dz = _passed(case, dy, slope)
        middles = sums.gradients(dz.middle)
        radii: dict[str, Exact] = {}
        if dz.radius is not None:
            radii = sums.magnitudes().gradients(dz.radius)
        answers |= {key: Enclosed(middles[key], radii.get(key)) for key in middles}
    wanted = {key: answers[key] for key in case.wants}
    rounded: dict[str, Array | None]
    if "single" in case.flags:  # the one number that a good backend gives
        form = case.format
        rounded = {
            key: value.middle.rounded_to(form.bits, form.least)
            for key, value in wanted.items()
        }
    else:
        rounded = {key: value.rounded() for key, value in wanted.items()}
    if any(value is None for value in rounded.values()):
        return None
    floats = {key: value for key, value in rounded.items() if value is not None}
    return Solution(sums, z, slope, dz, wanted, floats)


def _passed(case: Case, dy: Exact, slope: Enclosed) -> Enclosed:
    """Return the gradient of z."""
    name = case.config["activation"]["name"]
    if name not in ROWS:
        radius = None if slope.radius is None else slope.radius * abs(dy)
        return Enclosed(slope.middle * dy, radius)
    # p*(dy - sum(dy*p)) for softmax, dy - p*sum(dy) for its logarithm, in each row.
    p, width = (shaped_like_y(part, case) for part in (slope.middle, slope.upper()))
    dy = shaped_like_y(dy, case)
    radius = width - p
    total = over_row(dy * p if name == "softmax" else dy)
    middle = p * (dy - total) if name == "softmax" else dy - p * total
    size = over_row(abs(dy))
    # No p exceeds 1, by more than its radius.
    spread = radius * (size + size) + (over_row(abs(dy) * radius) * width)
    return Enclosed(by_location(middle, case.config), by_location(spread, case.config))


def _activated(case: Case, z: Exact, bits: int) -> tuple[Enclosed, Enclosed]:
    """Return the activation of z and its slope there."""
    activation = case.config["activation"]
    name = activation["name"]
    piecewise = piecewise_of(activation)
    if piecewise is not None:
        return Enclosed(piecewise.value(z)), Enclosed(piecewise.slope(z))
    if name in ROWS:
        # Over the last axis of y, whichever that is in the data format.
        row = shaped_like_y(z, case)
        found = _rows(row, bits, logarithm=name == "log_softmax")
        y, p = (_located(part, case) for part in found)
        return y, p
    smooth = smooth_of(activation)
    if smooth is None:
        raise ValueError(f"activation of case {case.id} must be known, got {name!r}")
    return enclose(smooth.value, z, bits), enclose(smooth.slope, z, bits)


def _located(values: Enclosed, case: Case) -> Enclosed:
    """Return numbers like y as (N, L, F)."""
    radius = None if values.radius is None else by_location(values.radius, case.config)
    return Enclosed(by_location(values.middle, case.config), radius)


def enclose(function: Callable[[Interval], Interval], z: Exact, bits: int) -> Enclosed:
    """Return a function of every number, to so many places."""
    numbers = [int(value) for value in z.integers.flat]
    found = {
        n: function(Interval.of(n, z.exponent, bits)) for n in dict.fromkeys(numbers)
    }
    return _enclosed([found[n] for n in numbers], z, bits)


def _rows(z: Exact, bits: int, *, logarithm: bool) -> tuple[Enclosed, Enclosed]:
    """Return softmax over the last axis, or its logarithm, and softmax itself."""
    logarithms, found = [], []
    for row in z.integers.reshape(-1, z.shape[-1]):
        largest = int(row.max())  # taken off, for no sum may underflow
        points = [Interval.of(int(v) - largest, z.exponent, bits) for v in row]
        # Of one entry alone softmax is exactly 1.
        exps = [p.exp() if len(row) > 1 else p.number(1) for p in points]
        total = sum(exps[1:], exps[0])
        found += [one / total for one in exps]
        if logarithm:
            shift = total.log() if len(row) > 1 else total - 1
            logarithms += [point - shift for point in points]
    softmax = _enclosed(found, z, bits)
    return (_enclosed(logarithms, z, bits) if logarithm else softmax), softmax


def _enclosed(intervals: list[Interval], like: Exact, bits: int) -> Enclosed:
    middles = np.empty(len(intervals), object)
    radii = np.empty(len(intervals), object)
    for place, interval in enumerate(intervals):
        middles[place] = interval.low + interval.high
        radii[place] = interval.high - interval.low
    return Enclosed(
        Exact(middles.reshape(like.shape), -bits - 1),
        Exact(radii.reshape(like.shape), -bits - 1),
    )
