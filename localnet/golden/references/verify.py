"""The references once more, by another road, and where the two disagree."""

import numpy as np

from ..._typing import Array
from ..case import Case
from .others import OTHERS
from .verify_others import recompute_other
from .verify_sums import recompute

__all__ = ["differences"]


def differences(case: Case) -> list[str]:
    """
    Return where a case disagrees with the second road.

    Parameters
    ----------
    case : Case
        With its answers.

    Returns
    -------
    list of str
        One sentence for each answer that is not right to the last bit.

    Raises
    ------
    ImportError
        If mpmath, of the extra ``golden``, is not installed and the case needs it.
    """
    found = []
    if case.kind in OTHERS:
        recomputed = recompute_other(case)
    else:
        recomputed = recompute(case)
    if "single" in case.flags:
        recomputed = _in_precision(case, recomputed)
    for key, want in recomputed.items():
        got = case.expected[key]
        wrong = int(np.count_nonzero(got != want))
        if wrong:
            found.append(f"{wrong} of {want.size} entries of {key} are not right")
    return found


def _in_precision(case: Case, answers: dict[str, Array]) -> dict[str, Array]:
    """Return products, which float64 holds or rounds once, in the format of a case."""
    form, found = case.format, {}
    if form.name == "float64":
        return answers
    for key, values in answers.items():
        _, exponents = np.frexp(values)
        unit = np.maximum(exponents - form.bits, form.least + 1 - form.bits)
        found[key] = np.ldexp(np.rint(np.ldexp(values, -unit)), unit)
    return found
