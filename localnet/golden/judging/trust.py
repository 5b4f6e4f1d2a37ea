"""Whether a case can tell a right backend from a wrong one at all."""

import numpy as np

from ..._typing import Array
from ..case import Case
from ..references.answers import Solution
from ..references.exact import Exact
from ..references.sums import Sums, upstream
from ..references.wires import by_location

__all__ = ["doubts"]


def doubts(case: Case, solution: Solution) -> list[str]:
    """
    Return why a case is not to be trusted.

    Parameters
    ----------
    case : Case
        With its inputs.
    solution : Solution
        What `localnet.golden.references.answers.solve` returned for it.

    Returns
    -------
    list of str
        One sentence for every reason; empty for a good case.
    """
    sums = solution.sums
    found = []
    for key, zero, counted in _zeros(case, solution):
        if counted and 2 * zero > counted:
            found.append(f"{zero} of {counted} entries of {key} are zero")
    shared = sums.alike()
    if shared is not None and _same(shared.z(), solution.z):
        found.append("a kernel shared by all locations gives the same answer")
    x = np.asarray(case.x)
    expected = solution.rounded.get("y")
    if expected is not None and np.array_equal(x, expected):
        found.append("y equals x")
    if case.dy is not None and case.dy.size > 1 and np.ptp(case.dy) == 0:
        found.append("dy is constant")
    return found


def _zeros(case: Case, solution: Solution) -> list[tuple[str, int, int]]:
    """Return how many entries are zero, and out of how many that need not be."""
    sums: Sums = solution.sums
    live: dict[str, Array] = {}
    y = np.asarray(sums.magnitudes().z().integers > 0, bool)
    if solution.slope is not None:  # where the activation is flat, 0 is no accident
        y &= np.asarray(solution.slope.upper().integers > 0, bool)
    answers = dict(solution.rounded)
    if "y" in answers:
        answers["y"] = by_location(answers["y"], case.config)
    live["y"] = y
    if solution.dz is not None and upstream(case) is not None:
        sizes = sums.magnitudes().gradients(solution.dz.upper())
        live |= {key: np.asarray(size.integers > 0) for key, size in sizes.items()}
    return [
        (key, int(np.count_nonzero((answer == 0) & live[key])), int(live[key].sum()))
        for key, answer in answers.items()
    ]


def _same(one: Exact, other: Exact) -> bool:
    return not bool(np.any((one - other).integers != 0))
