"""
Slopes of ``sum(dy * outputs)`` along a direction, and what they prove of a gradient.

A `Probe` is a map seen as a function of one of its arguments, together with the
gradient claimed for it; `check_argument` measures it and passes the verdict.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from .._typing import Array
from .report import ArgumentCheck, Entry

__all__ = [
    "METHODS",
    "Probe",
    "Slope",
    "check_argument",
    "draw",
    "rounding",
    "scalar_product",
]

METHODS = ("central", "complex")
EPS = float(np.finfo(np.float64).eps)
# Smaller arrays are checked entry by entry, larger ones in a random sample of entries.
EVERY_ENTRY_BELOW = 200
SAMPLED_ENTRIES = 32
# Rounding errors, in units of eps, that an output may carry.
ROUNDINGS = 32.0
# What is bent is looked at again with a step so many times shorter. A kink beside the
# point drops out of it, and the misfit of a smooth map shrinks by the square of that;
# on a kink it stays.
SHORTER = 64.0
SHRINKS = 8.0


def draw(rng: np.random.Generator, shape: int | Sequence[int]) -> Array:
    """
    Draw magnitudes in [0.5, 1.5) with random signs: never zero, never constant.

    They have ten binary places, so that a check on small integers is free of rounding.
    """
    signs = rng.choice([-1.0, 1.0], size=shape)
    return np.asarray(signs * rng.integers(512, 1536, size=shape) / 1024)


def scalar_product(a: Array, b: Array) -> float:
    """Compute ``sum(a * b)`` over the entries where `b` is not zero."""
    used = b != 0
    return float(a[used] @ b[used])


def rounding(products: Array) -> float:
    """Estimate what rounding may do to the sum of the products."""
    return ROUNDINGS * EPS * float(np.linalg.norm(products))


@dataclass(frozen=True, slots=True)
class Slope:
    """
    A slope measured and a slope claimed.

    ``misfit`` says how far five points along the direction are from a parabola and
    ``noise`` what rounding can do, both in the units of the slopes.
    """

    numeric: float
    analytic: float
    misfit: float
    noise: float

    @property
    def gap(self) -> float:
        """Distance between the two."""
        return abs(self.numeric - self.analytic)

    @property
    def size(self) -> float:
        """Magnitude of the larger one; 0 when one is not finite."""
        size = max(abs(self.numeric), abs(self.analytic))
        return size if math.isfinite(self.gap) else 0.0

    def bent(self, limit: float) -> bool:
        """Return whether five points are too far from a parabola to trust the slope."""
        return self.misfit > max(limit, self.noise)

    def error(self, tolerance: float = math.inf) -> float:
        """Compute the relative error; a gap within the doubt is within `tolerance`."""
        if self.gap == 0.0:
            return 0.0
        doubt = self.noise + 2.0 * self.misfit
        size = max(self.size, doubt / tolerance)
        return self.gap / size if math.isfinite(self.gap) else math.inf


@dataclass(frozen=True, slots=True)
class Probe:
    """A map of one argument to flat outputs, at one point, and a gradient claimed."""

    name: str
    outputs: Callable[[Array], Array]
    value: Array
    gradient: Array
    base: Array
    dy: Array

    @property
    def flaw(self) -> str:
        """Why the gradient cannot be compared at all, if so."""
        for rule in ("shape", "dtype"):
            got, must = getattr(self.gradient, rule), getattr(self.value, rule)
            if got != must:
                return f"gradient has {rule} {got}, must be {must}"
        return ""

    def default_step(self, method: str) -> float:
        """Return the step that suits the method at this point."""
        if method == "complex":
            return 1e-200
        return math.cbrt(EPS) * float(np.max(abs(self.value), initial=1.0))

    def slope(self, method: str, direction: Array, step: float) -> Slope:
        """Measure the slope along `direction`."""
        measure = (
            self._complex_step if method == "complex" else self._central_difference
        )
        return measure(direction, step)

    def _central_difference(self, direction: Array, h: float) -> Slope:
        dy, base = self.dy, self.base
        left, right = self.value - h * direction, self.value + h * direction
        low, high = self.outputs(left), self.outputs(right)
        near_low = self.outputs(self.value - h / 2 * direction)
        near_high = self.outputs(self.value + h / 2 * direction)
        # Near a pole or the edge of the domain, the outputs may not be finite.
        with np.errstate(invalid="ignore", over="ignore"):
            slope = dy @ (high - low) / (2 * h)
            near_slope = dy @ (near_high - near_low) / h
            # The bend of a parabola is proportional to h, that of a kink is not.
            bend = dy @ (high - 2 * base + low) / h
            near_bend = dy @ (near_high - 2 * base + near_low) / (h / 2)
            misfit = np.maximum(abs(slope - near_slope), abs(bend - 2 * near_bend))
        moved = (low != base) | (high != base)
        # An output that seems to rest may move by less than the last digit shows.
        noise = rounding((dy * base)[moved]) + rounding(dy * base) / ROUNDINGS
        # value + h is rounded, so this and not `direction` is the step taken.
        taken = (right - left) / (2 * h)
        return Slope(
            float(slope),
            scalar_product(self.gradient, taken),
            float(misfit) if np.isfinite(misfit) else math.inf,
            noise / h,
        )

    def _complex_step(self, direction: Array, h: float) -> Slope:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                outputs = self.outputs(self.value + 1j * h * direction)
        except (TypeError, ValueError, np.exceptions.ComplexWarning) as error:
            raise ValueError(
                "method must be 'central' for a map that refuses complex numbers, "
                f"got 'complex': {error}"
            ) from error
        if outputs.dtype.kind != "c":
            raise ValueError(
                "method must be 'central' for a map that drops imaginary parts, "
                "got 'complex'"
            )
        slopes = outputs.imag / h
        return Slope(
            float(self.dy @ slopes),
            scalar_product(self.gradient, direction),
            misfit=0.0,
            noise=rounding(self.dy * slopes) + rounding(self.dy * self.base),
        )


def check_argument(
    probe: Probe,
    method: str,
    step: float | None,
    tolerance: float,
    rng: np.random.Generator,
) -> ArgumentCheck:
    """Check one gradient along a random direction and entry by entry."""
    shape, size = probe.value.shape, probe.value.size
    h = probe.default_step(method) if step is None else step
    if probe.flaw:
        return ArgumentCheck(
            probe.name, method, h, math.inf, tolerance, 0, size, None, note=probe.flaw
        )
    everywhere = draw(rng, shape)
    entries = np.arange(size)
    if size >= EVERY_ENTRY_BELOW:
        entries = np.sort(rng.choice(size, SAMPLED_ENTRIES, replace=False))

    def measure(part: Array, h: float = h) -> Slope:
        direction = np.zeros(shape)
        direction.flat[part] = everywhere.flat[part] if part.size > 1 else 1.0
        return probe.slope(method, direction, h)

    parts = [np.arange(size), *entries[:, np.newaxis]]
    slopes = [measure(part) for part in parts]
    limit = tolerance * max(slope.size for slope in slopes)
    kinks = [False] * len(slopes)
    for k, part in enumerate(parts):
        slopes[k], kinks[k] = _settle(slopes[k], partial(measure, part), h, limit)
    errors = [slope.error(tolerance) for slope in slopes]
    error = max(
        (e for e, k in zip(errors, kinks, strict=True) if not k), default=math.nan
    )
    kink = any(kinks) and not error > tolerance

    def blame(slope: Slope) -> float:
        return slope.misfit if kink else slope.error(tolerance)

    worst = None
    if size:
        suspects = [k for k in range(1, len(parts)) if kinks[k] == kink]
        if error > tolerance:
            suspects = [k for k in suspects if errors[k] > tolerance]
        if suspects:
            k = max(suspects, key=lambda k: blame(slopes[k]))
            part, slope = parts[k], slopes[k]
        else:  # only the random direction tells
            part = _bisect(parts[0], lambda part: blame(measure(part)))
            slope = measure(part)
        index = np.unravel_index(int(part[0]), shape)
        worst = Entry(tuple(map(int, index)), slope.numeric, slope.analytic)
    return ArgumentCheck(
        probe.name, method, h, error, tolerance, len(entries), size, worst, kink
    )


def _settle(
    slope: Slope, measure: Callable[[float], Slope], h: float, limit: float
) -> tuple[Slope, bool]:
    """Shorten the step while that straightens the slope; tell if it stays on a kink."""
    while slope.bent(limit):
        h /= SHORTER
        before, slope = slope, measure(h)
        if slope.misfit * SHRINKS >= before.misfit:
            return slope, slope.bent(limit)
    return slope, False


def _bisect(part: Array, blame: Callable[[Array], float]) -> Array:
    """Return the entry that is left when the half less to blame goes each time."""
    while part.size > 1:
        part = max(np.array_split(part, 2), key=blame)
    return part
