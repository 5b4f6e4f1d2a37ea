"""
How far a right backend can be from the exact answer, element by element.

``|error| <= n*u*A`` holds for a sum of n terms in every order, with and without fused
multiply-add (Jeannerod and Rump, SIAM J. Matrix Anal. Appl. 34, 2013): u is the unit
roundoff and A the sum over the magnitudes of the terms. All bounds are computed exactly
and rounded up.
"""

from dataclasses import dataclass

import numpy as np

from ..._typing import Array
from ..case import Case
from ..cases.precisions import Precision
from .activations import ROWS, Smooth, piecewise_of, smooth_of
from .answers import Solution
from .exact import Exact
from .sums import over_row, shaped_like_y
from .wires import by_location

__all__ = [
    "ALLOWANCE",
    "EXP_ERRORS",
    "NEAREST",
    "Model",
    "bounds_of",
    "kinks_near",
    "rounding_errors",
]

ALLOWANCE = 8  # unit roundoffs of an activation, twice as many of its slope
EXP_ERRORS = 8  # unit roundoffs of two exponentials and a few more, in a softmax


@dataclass(frozen=True)
class Model:
    """
    What is assumed of a backend's arithmetic.

    Parameters
    ----------
    directed : bool
        Whether it rounds other than to nearest, which doubles the unit roundoff.
    flushing : bool
        Whether results below the smallest normal number may become 0.
    """

    directed: bool = False
    flushing: bool = False


NEAREST = Model()


def rounding_errors(
    terms: Exact, magnitude: Exact, form: Precision, model: Model
) -> Exact:
    """Return n*u*A, and n times the smallest normal number if flushing is allowed."""
    error = (terms * magnitude).times_power(model.directed - form.bits)
    if model.flushing:
        lost = terms.times_power(form.least)
        some = Exact(np.zeros(1, np.int64)).below(magnitude)
        error = error + lost.where(some, _number(0))
    return error


def bounds_of(
    case: Case, solution: Solution, model: Model = NEAREST
) -> dict[str, Array]:
    """
    Return the bound of every element of every answer that is wanted.

    Parameters
    ----------
    case : Case
        With its inputs.
    solution : Solution
        What `localnet.golden.references.answers.solve` returned for it.
    model : Model
        What is assumed of the backend.

    Returns
    -------
    dict of str to ndarray
        Rounded up, float64; 0 where the answer must be exact.

    See Also
    --------
    localnet.golden.references.answers.solve : The answers themselves.
    """
    form = case.format
    once: dict[str, Array] = {}
    if {"single", "subnormal"} & set(case.flags):
        once = _of_one_rounding(case, solution, model)
        if not model.directed:
            return once
    error = _of_z(case, solution, model)
    found = {"y": shaped_like_y(_of_y(case, solution, error, model), case)}
    if case.dy is not None and solution.dz is not None:
        extra = _of_dz(case, solution, error, model)
        inherited = None if extra is None else solution.magnitudes.gradients(extra)
        for key, count in _counts(case, solution.counts).items():
            size = solution.sizes[key]
            if inherited is None:
                found[key] = rounding_errors(count, size, form, model)
            else:
                own = rounding_errors(count, size + inherited[key], form, model)
                found[key] = own + inherited[key]
    bounds = {key: _with_reference(found[key], solution, key) for key in case.wants}
    return {key: bound + once.get(key, 0.0) for key, bound in bounds.items()}


def kinks_near(case: Case, solution: Solution, model: Model = NEAREST) -> Array:
    """Return where z may lie on the other side of a kink, or on it, in a backend."""
    error = _number(0)
    if case.tier == "bounded":
        error = _of_z(case, solution, model)
    activation = case.config["activation"]
    piecewise = piecewise_of(activation)
    if piecewise is not None:
        return piecewise.on_kink(solution.z, error)
    near = np.zeros(solution.z.shape, bool)
    smooth = smooth_of(activation)
    for kink in () if smooth is None else smooth.kinks:
        near |= ~error.below(abs(solution.z - _number(kink)))
    return near


def _of_z(case: Case, solution: Solution, model: Model) -> Exact:
    """Return the error of the pre-activation."""
    terms = _more(case, solution.counts["y"])
    return rounding_errors(terms, solution.sizes["y"], case.format, model)


def _more(case: Case, terms: Exact) -> Exact:
    """
    Return the number of roundings of sums of products.

    Of low rank, a sum of m products inside one of n has at most (1 + m*u)*(1 + n*u) - 1
    of error, and m + n + m*n*u <= m*n + 2.
    """
    return terms + _number(2) if case.kind == "low_rank" else terms


def _counts(case: Case, terms: dict[str, Exact]) -> dict[str, Exact]:
    """Return the roundings of every gradient: a sum without products has one less."""
    found = {key: _more(case, count) for key, count in terms.items() if key != "y"}
    if "dbias" in terms:
        found["dbias"] = terms["dbias"] - _number(1)
    return found


def _of_one_rounding(case: Case, solution: Solution, model: Model) -> dict[str, Array]:
    """Return how far the nearest number of the format is from the exact one."""
    found, form = {}, case.format
    # What a flushed factor is multiplied by.
    operands = (case.x, case.kernel, case.dy)
    largest = max(1.0, *(float(abs(a).max()) for a in operands if a is not None))
    for key in case.wants:
        rounded = solution.rounded[key]
        off = abs(solution.answers[key].middle - Exact.of(rounded)).upper()
        # Where a wider exponent keeps bits that a subnormal number has no place for.
        below = np.abs(rounded) < 2.0**form.least
        off = off + np.where(below, np.ldexp(np.abs(rounded), -form.bits), 0.0)
        if model.directed:
            off = off + np.where(below, 2.0 ** (form.least + 1 - form.bits), 0.0)
        if model.flushing:
            terms = solution.sums.cells.size + 1.0
            least = np.ldexp(terms * largest, form.least)
            off = off + np.where(rounded == 0, 0.0, least)
        found[key] = off + np.spacing(np.abs(rounded))
    return found


def _of_y(case: Case, solution: Solution, error: Exact, model: Model) -> Exact:
    """Return the error of y from that of z."""
    activation, z = case.config["activation"], solution.z
    name, form = activation["name"], case.format
    piecewise = piecewise_of(activation)
    if piecewise is not None:
        return piecewise.steepest(z, error) * error
    if name in ROWS:
        return _of_rows(case, solution, error, model)
    smooth = _smooth(case)
    ref = _located(solution.answers["y"].upper(), case)
    scale = abs(z) if smooth.gated else z.ones()
    own = ref.where(scale.below(ref), scale).times_power(model.directed - form.bits)
    slope = _slope(solution)
    steepest = slope + _curvature(case, slope, error) * error
    return steepest * error + own * _number(ALLOWANCE)


def _of_rows(case: Case, solution: Solution, error: Exact, model: Model) -> Exact:
    """Return the error of softmax or log_softmax over the last axis."""
    form, z = case.format, shaped_like_y(solution.z, case)
    unit = _number(1).times_power(model.directed - form.bits)
    entries = z.shape[-1]
    twice = shaped_like_y(error, case).max(-1) * _number(2)
    ref = solution.answers["y"].upper()
    if case.config["activation"]["name"] == "log_softmax":
        own = (ref + _number(entries)) * unit * _number(2)
        return _located(twice + own, case)
    span = z.max(-1) + (-z).max(-1)
    # expm1(t) <= t + t**2 for t <= 1; the two relative errors compound.
    inherited = twice + twice * twice
    own = (span * _number(2) + _number(entries + EXP_ERRORS)) * unit
    relative = inherited + own + inherited * own
    return _located(ref * relative + _number(1).times_power(form.least), case)


def _of_dz(case: Case, solution: Solution, error: Exact, model: Model) -> Exact | None:
    """Return the error of dz; None if dz is exact, as straight pieces have it."""
    if case.config["activation"]["name"] in ROWS:
        return _of_dz_in_rows(case, solution, error, model)
    if smooth_of(case.config["activation"]) is None:
        return None
    dy = abs(_located(Exact.of(case.dy), case))
    slope = _slope(solution)
    one = slope.ones()
    own = slope.where(one.below(slope), one) * _number(2 * ALLOWANCE)
    own = own.times_power(model.directed - case.format.bits)
    return dy * (_curvature(case, slope, error) * error + own)


def _of_dz_in_rows(case: Case, solution: Solution, error: Exact, model: Model) -> Exact:
    """Return the error of dz behind softmax, or its logarithm, over the last axis."""
    name, form = case.config["activation"]["name"], case.format
    unit = _number(1).times_power(model.directed - form.bits)
    p, dy = shaped_like_y(_slope(solution), case), abs(Exact.of(case.dy))
    width = shaped_like_y(_of_rows(case, solution, error, model), case)
    entries = _number(p.shape[-1] + 2 * ALLOWANCE)
    if name == "softmax":
        # p*(dy - sum(dy*p)), where p is y and off by no more than `width`.
        total = over_row(dy * (p + width))
        lost = over_row(dy * width) + total * entries * unit
        own = (dy + total) * unit * _number(2 * ALLOWANCE)
        return _located(width * (dy + total) + (p + width) * (lost + own), case)
    # dy - exp(y)*sum(dy): exp turns the error of y into a relative one.
    width = p * (width + width * width + unit * _number(ALLOWANCE))
    total = over_row(dy)
    lost = width + (p + width) * entries * unit
    return _located(total * lost + dy * unit * _number(2), case)


def _smooth(case: Case) -> Smooth:
    """Return the smooth activation of a case."""
    smooth = smooth_of(case.config["activation"])
    if smooth is None:
        raise ValueError(f"activation of case {case.id} must be smooth")
    return smooth


def _curvature(case: Case, slope: Exact, error: Exact) -> Exact:
    """Return a bound on the second derivative within `error` of z."""
    curvature = _smooth(case).curvature
    if curvature is not None:
        return Exact.of(np.array(curvature))
    # exp(z + E) <= exp(z) (1 + 2E) for E <= 1
    return slope * (_number(1) + error * _number(2))


def _slope(solution: Solution) -> Exact:
    """Return bounds on the slope of a smooth activation."""
    return solution.slope.upper()


def _with_reference(bound: Exact, solution: Solution, key: str) -> Array:
    """Add what the rounding of the reference and of the comparison can amount to."""
    answer, rounded = solution.answers[key], solution.rounded[key]
    inexact = np.zeros(rounded.shape, bool)
    if answer.radius is not None:
        inexact = np.asarray(answer.radius.integers != 0, bool)
    if not inexact.all():
        difference = answer.middle - Exact.of(rounded)
        inexact |= np.asarray(difference.integers != 0, bool)
    spacing = np.where(inexact, np.spacing(np.abs(rounded)), 1.0)
    half = Exact.of(spacing).times_power(-1).where(inexact, _number(0))
    upper = (bound + half).upper()
    # The comparison subtracts in float64, and rounds once.
    wider = np.nextafter(np.nextafter(upper, np.inf), np.inf)
    return np.where(upper > 0, wider, 0.0)


def _located(values: Exact, case: Case) -> Exact:
    """Return an array like y as (N, L, F)."""
    return by_location(values, case.config)


def _number(value: int) -> Exact:
    return Exact(np.array(value, np.int64))
