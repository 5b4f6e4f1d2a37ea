"""What a case must fulfil so that its answers are exact, or its bounds proven."""

import numpy as np

from ..case import Case, Span
from ..references.activations import piecewise_of
from ..references.answers import Begun, Solution
from ..references.exact import Exact

__all__ = ["check_products", "check_range", "exact_spans"]

# Largest n*u for which the bound n*u*A is used.
LARGEST_LOSS = 8


def exact_spans(case: Case, solution: Solution) -> dict[str, Span]:
    """
    Prove that every partial sum of a case is representable, in any order.

    Parameters
    ----------
    case : Case
        Of the exact tier.
    solution : Solution
        What `localnet.golden.references.answers.solve` returned for it.

    Returns
    -------
    dict of str to Span
        One for every answer that is wanted.

    Raises
    ------
    ValueError
        If a sum needs more bits than the precision has, or leaves its range.
    """
    found = {}
    # A kernel that is itself a sum, too, must be representable, but is no answer.
    mixed = {"kernel": solution.magnitudes.kernel}
    for key, size in (mixed | _sizes(case, solution)).items():
        largest = int(size.integers.max(initial=0))
        span = Span(size.exponent, max(largest - 1, 0).bit_length())
        form = case.format
        least = form.least
        if "subnormal" in case.flags:
            least += 1 - form.bits
        if span.bits > form.bits:
            raise ValueError(
                f"{key} of case {case.id} must need at most {form.bits} bits to be "
                f"exact in {form.name}, got {span.bits}"
            )
        if span.quantum < least or span.quantum + span.bits >= form.greatest:
            raise ValueError(
                f"{key} of case {case.id} must stay in the range of {form.name}, got "
                f"multiples of 2**{span.quantum} of {span.bits} bits"
            )
        found[key] = span
    _check_activation(case, solution)
    return {key: found[key] for key in case.wants}


def _check_activation(case: Case, solution: Solution) -> None:
    """Refuse parameters, and what they make of sums, that a precision rounds."""
    parameters = [v for k, v in case.config["activation"].items() if k != "name"]
    if not parameters:
        return
    given = np.array([v or 0.0 for v in parameters], np.float64)
    for words, values in (
        ("parameters", given),
        ("y", solution.rounded.get("y", given)),
    ):
        fractions, _ = np.frexp(values)
        if np.any(np.ldexp(fractions, case.format.bits) % 1):
            raise ValueError(
                f"{words} of case {case.id} must be numbers of {case.format.name}"
            )


def check_range(case: Case, solution: Solution) -> None:
    """
    Refuse a bounded case whose bound would not be proven.

    Parameters
    ----------
    case : Case
        Of the bounded tier.
    solution : Solution
        What `localnet.golden.references.answers.solve` returned for it.

    Raises
    ------
    ValueError
        If a product may underflow, a sum overflow, or a sum has so many terms that
        n*u exceeds 1/8.
    """
    form = case.format
    check_products(case, solution.begun)
    for key, size in _sizes(case, solution).items():
        n = int(solution.counts[key].integers.max(initial=0))
        if n * LARGEST_LOSS > 2**form.bits:
            raise ValueError(
                f"{key} of case {case.id} must have n*u <= 1/8, got n = {n} in "
                f"{form.name}"
            )
        if size.bits + size.exponent + 1 >= form.greatest:
            raise ValueError(
                f"{key} of case {case.id} must stay below 2**{form.greatest}"
            )


def check_products(case: Case, begun: Begun) -> None:
    """
    Refuse a bounded case with products that may underflow.

    Parameters
    ----------
    case : Case
        Of the bounded tier.
    begun : Begun
        What `localnet.golden.references.answers.begin` returned for it.

    Raises
    ------
    ValueError
        If the least factors of a sum have a product below the smallest normal number.
    """
    form, sums = case.format, begun.sums
    factors = {"y": (sums.patches, sums.kernel)}
    if begun.dz is not None:
        dz = begun.dz.middle
        if piecewise_of(case.config["activation"]) is None:
            # What a slope may be off anyhow exceeds any product that underflows.
            slack = Exact.of(case.dy).times_power(-form.bits)
            dz = slack if _least(dz) < _least(slack) else dz
        factors["dx"] = (dz, sums.kernel)
        factors["dkernel"] = (dz, sums.patches)
    for key, (one, other) in factors.items():
        least = _least(one) + _least(other)
        if least < form.least and "subnormal" not in case.flags:
            raise ValueError(
                f"products for {key} of case {case.id} must be at least "
                f"2**{form.least}, got 2**{least}"
            )


def _sizes(case: Case, solution: Solution) -> dict[str, Exact]:
    """Return the sum over the magnitudes of the terms, of every answer."""
    return {key: solution.sizes[key] for key in case.wants}


def _least(values: Exact) -> int:
    """Return the exponent of the power of two below the least nonzero magnitude."""
    magnitudes = abs(values).integers
    nonzero = magnitudes[magnitudes != 0]
    least = int(nonzero.min()).bit_length() - 1 if nonzero.size else 0
    return least + values.exponent
