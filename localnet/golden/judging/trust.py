"""Whether a case can tell a right backend from a wrong one at all."""

import numpy as np

from ..case import Case
from ..references.answers import Solution
from ..references.exact import Exact
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
    live = {
        key: np.asarray(size.integers > 0, bool) for key, size in solution.sizes.items()
    }
    # Where the activation is flat, 0 is no accident.
    slope = solution.slope.upper()
    live["y"] &= np.asarray(slope.integers > 0, bool)
    if case.config["activation"]["name"] == "log_softmax":
        live["y"] &= slope.below(Exact(np.array(1)))  # nor if a row has no other
    answers = dict(solution.rounded)
    if "y" in answers:
        answers["y"] = by_location(answers["y"], case.config)
    return [
        (key, int(np.count_nonzero((answer == 0) & live[key])), int(live[key].sum()))
        for key, answer in answers.items()
    ]


def _same(one: Exact, other: Exact) -> bool:
    return not bool(np.any((one - other).integers != 0))
