"""From a spec to a case: draw, solve, prove, and refuse what would prove nothing."""

import zlib
from dataclasses import replace

import numpy as np

from ..._typing import Array, Shape
from ..case import Case
from ..judging.trust import doubts
from ..references.activations import ROWS
from ..references.answers import Begun, Solution, begin, solve
from ..references.bounds import bounds_of, kinks_near
from ..references.storage import operands
from .configs import shapes_of
from .exactness import check_products, check_range, exact_spans
from .lehmer import MODULUS, Draw
from .precisions import precision
from .specs import Spec

__all__ = ["complete", "draw_case", "refusals"]

ATTEMPTS = 500


def complete(spec: Spec) -> Case:
    """
    Draw a case until nothing speaks against it, and solve it.

    Parameters
    ----------
    spec : Spec
        What to make.

    Returns
    -------
    Case
        With answers and bounds.

    Raises
    ------
    ValueError
        If no draw gives a case that can be trusted; it names the last reason.
    """
    reasons: list[str] = []
    for attempt in range(ATTEMPTS):
        case = draw_case(spec, attempt)
        if spec.refuses is not None:
            reasons = spec.refuses(case, operands(case).z())
            if reasons:
                continue
        begun = begin(case)
        reasons = _early_refusals(case, begun)
        if reasons:
            continue
        solution = solve(case, begun)
        reasons = refusals(case, solution)
        if not reasons:
            return _with_answers(case, solution)
    raise ValueError(f"case {spec.id} must be trustworthy: {'; '.join(reasons)}")


def draw_case(spec: Spec, attempt: int = 0) -> Case:
    """
    Return the case of a spec with its inputs and without its answers.

    Parameters
    ----------
    spec : Spec
        What to make.
    attempt : int
        Added to the seeds, which otherwise follow from the id.

    Returns
    -------
    Case
        Nothing of it is proven yet.
    """
    config, form = spec.config, precision(spec.precision)
    shapes = shapes_of(config, spec.kind)
    absent = {"bias": not spec.bias, "dy": not spec.gradients}
    draws: dict[str, Draw] = {}
    arrays: dict[str, Array] = {}
    for name in ("x", "kernel", "bias", "dy", "mixture"):
        if name not in shapes or absent.get(name):
            continue
        of = f"{spec.alike or spec.id}/{name}"
        seed = (zlib.crc32(of.encode()) + attempt) % (MODULUS - 1) + 1
        numbers = spec.numbers[name]
        draws[name] = draw = Draw(
            seed,
            numbers.low,
            numbers.step,
            numbers.count,
            numbers.exponent,
            numbers.positive,
            numbers.alternating,
        )
        arrays[name] = _stored(draw, shapes[name], form.holds)
    if spec.turned:
        arrays[spec.turned] = _turned(arrays[spec.turned])
        del draws[spec.turned]  # no rule gives it
    gradients = [f"d{name}" for name in ("x", "kernel", "bias", "mixture")]
    gradients = [key for key in gradients if key[1:] in arrays]
    return Case(
        spec.id,
        spec.why,
        spec.tier,
        spec.precision,
        ("y", *(gradients if spec.gradients else ())),
        config,
        arrays["x"],
        arrays["kernel"],
        arrays.get("bias"),
        arrays.get("dy"),
        flags=spec.flags,
        draws=draws,
        kind=spec.kind,
        mixture=arrays.get("mixture"),
    )


def _stored(draw: Draw, shape: Shape, dtype: np.dtype) -> Array:
    """Return what was drawn, exactly, in the type of the file."""
    values = draw.values(shape)
    array = values.astype(dtype)
    if not np.array_equal(array.astype(np.float64), values):
        raise ValueError(f"drawn numbers must be exact in {dtype}, got {draw}")
    array.flags.writeable = False
    return array


def _turned(array: Array) -> Array:
    """Return an array with the number in its middle negated."""
    found = array.copy()
    found.flat[found.size // 2] *= -1
    found.flags.writeable = False
    return found


def _early_refusals(case: Case, begun: Begun) -> list[str]:
    """Return why most draws are refused that are, before all the work is done."""
    try:
        if case.tier != "exact":
            check_products(case, begun)
    except ValueError as error:
        return [str(error)]
    return []


def refusals(case: Case, solution: Solution) -> list[str]:
    """
    Return why a case must not be in a suite.

    Parameters
    ----------
    case : Case
        With its inputs.
    solution : Solution
        What `localnet.golden.references.answers.solve` returned for it.

    Returns
    -------
    list of str
        Reasons; a sum that is not exact, or whose bound is not proven, among them.
    """
    found = doubts(case, solution)
    if _is_idle(case, solution):
        found.append("the activation lets no gradient through")
    if case.dy is not None and "kink" not in case.flags:
        near = int(np.count_nonzero(kinks_near(case, solution)))
        if near:
            found.append(f"{near} pre-activations lie on a kink, or may")
    try:
        if case.tier == "exact" or _is_exact(case):
            exact_spans(case, solution)
        if case.tier != "exact":
            check_range(case, solution)
    except ValueError as error:
        found.append(str(error))
    return found


def _is_idle(case: Case, solution: Solution) -> bool:
    """Return whether all gradients are 0, where that isn't what the case is about."""
    gradients = [a for key, a in solution.rounded.items() if key != "y"]
    about_rows = case.config["activation"]["name"] in ROWS
    return bool(gradients) and not about_rows and not any(map(np.any, gradients))


def _is_exact(case: Case) -> bool:
    """Return whether a bounded case is one only for those that flush to zero."""
    return "subnormal" in case.flags and "single" not in case.flags


def _with_answers(case: Case, solution: Solution) -> Case:
    exact = case.tier == "exact"
    bound = {} if exact else bounds_of(case, solution)
    for array in (*solution.rounded.values(), *bound.values()):
        array.flags.writeable = False
    return replace(
        case,
        expected=solution.rounded,
        bound=bound,
        spans=exact_spans(case, solution) if exact else {},
    )
