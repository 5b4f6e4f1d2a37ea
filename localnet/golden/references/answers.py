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
from ..._validate import shown
from ..case import Case
from .activations import ROWS, piecewise_of, smooth_of
from .exact import Exact
from .intervals import Interval
from .storage import operands
from .sums import Sums, over_row, shaped_like_y, upstream
from .wires import by_location

__all__ = ["Begun", "Solution", "begin", "enclose", "solve"]

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
class Begun:
    """
    What is known of a case to so many places, before its gradients are summed.

    Parameters
    ----------
    bits : int
        Places behind the binary point of what an interval encloses.
    sums : Sums
        The operands.
    z : Exact of shape (N, L, F)
        Pre-activation.
    y : Enclosed of shape (N, L, F)
        Activation of z.
    slope : Enclosed of shape (N, L, F)
        Slope of the activation at z; of softmax and its logarithm, softmax of z.
    dz : Enclosed of shape (N, L, F), or None
        Gradient of z.
    """

    bits: int
    sums: Sums
    z: Exact
    y: Enclosed
    slope: Enclosed
    dz: Enclosed | None


@dataclass(frozen=True, eq=False)
class Solution:
    """
    All that is known of one case, in exact numbers.

    Parameters
    ----------
    begun : Begun
        The operands, and what goes into the gradients.
    answers : dict of str to Enclosed
        y, dx, dkernel, dbias in the shapes of the case.
    rounded : dict of str to ndarray
        The same as float64; of a case of single products, in its own precision.
    """

    begun: Begun
    answers: dict[str, Enclosed]
    rounded: dict[str, Array]

    @property
    def sums(self) -> Sums:
        """The operands."""
        return self.begun.sums

    @property
    def z(self) -> Exact:
        """The pre-activation, (N, L, F)."""
        return self.begun.z

    @property
    def slope(self) -> Enclosed:
        """The slope of the activation at z."""
        return self.begun.slope

    @property
    def dz(self) -> Enclosed | None:
        """The gradient of z, if there is one."""
        return self.begun.dz

    @cached_property
    def magnitudes(self) -> Sums:
        """The operands without their signs."""
        return self.sums.magnitudes()

    @cached_property
    def sizes(self) -> dict[str, Exact]:
        """Sums over the magnitudes of the terms: of z, and of every gradient."""
        sizes = {"y": self.magnitudes.z()}
        if self.dz is not None:
            sizes |= self.magnitudes.gradients(self.dz.upper())
        return sizes

    @cached_property
    def counts(self) -> dict[str, Exact]:
        """How many terms can bring in an error: of z, and of every gradient."""
        terms = self.sums.terms()
        counts = {"y": terms.z()}
        if self.dz is not None:
            counts |= terms.gradients(Exact(np.ones(self.z.shape, np.int64)))
        return counts


def begin(case: Case) -> Begun:
    """
    Compute what goes into the gradients of a case, to as many places as are usual.

    Parameters
    ----------
    case : Case
        With its inputs; what it may already expect is not looked at.

    Returns
    -------
    Begun
        To be refused, or handed to `solve`.
    """
    sums = operands(case)
    z = sums.z()
    return _to_places(max(FIRST_BITS, 32 - z.exponent), case, sums, z)


def solve(case: Case, begun: Begun | None = None) -> Solution:
    """
    Compute what a case expects.

    Parameters
    ----------
    case : Case
        With its inputs; what it may already expect is not looked at.
    begun : Begun, optional
        What `begin` returned for it.

    Returns
    -------
    Solution
        The exact answers, and their roundings.
    """
    begun, bits = begin(case) if begun is None else begun, FIRST_BITS
    while True:
        found = _finished(case, begun)
        if found is not None:
            return found
        bits *= 2
        if bits > MOST_BITS:
            raise ValueError(f"case {case.id} must have answers that float64 can hold")
        places = max(bits, 32 - begun.z.exponent)
        begun = _to_places(places, case, begun.sums, begun.z)


def _to_places(bits: int, case: Case, sums: Sums, z: Exact) -> Begun:
    """Return what precedes the gradients, to so many places."""
    y, slope = _activated(case, z, bits)
    dy = upstream(case)
    dz = None if dy is None else _passed(case, dy, slope)
    return Begun(bits, sums, z, y, slope, dz)


def _finished(case: Case, begun: Begun) -> Solution | None:
    """Return the solution, if there are places enough to round it."""
    y, dz, sums = begun.y, begun.dz, begun.sums
    answers = {"y": Enclosed(shaped_like_y(y.middle, case), y.radius)}
    if y.radius is not None:
        answers["y"] = Enclosed(
            shaped_like_y(y.middle, case), shaped_like_y(y.radius, case)
        )
    if dz is not None:
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
    return Solution(begun, wanted, floats)


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
        raise ValueError(
            f"activation of case {case.id} must be known, got {shown(name)}"
        )
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
    middles = [interval.low + interval.high for interval in intervals]
    radii = [interval.high - interval.low for interval in intervals]
    middle, radius = (
        Exact.of_integers(ends, -bits - 1).reshape(like.shape)
        for ends in (middles, radii)
    )
    return Enclosed(middle, radius)
