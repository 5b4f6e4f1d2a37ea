"""The kill matrix: every mutant against every case."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from .._typing import Array
from .case import Case, Suite
from .cases.axes import COMBINED
from .check import check_case
from .mutants import MUTANTS, Mutant
from .mutants.variant_model import model_of
from .references.connections import VARIANTS
from .suite import load_suite

__all__ = [
    "KILLED",
    "SURVIVED",
    "Matrix",
    "by_hand",
    "first_killers",
    "kill_matrix",
    "table",
]

KILLED, SURVIVED, UNSEEN = 2, 1, 0


@dataclass(frozen=True, eq=False)
class Matrix:
    """
    Which case kills which mutant.

    Parameters
    ----------
    cases : list of Case
        Columns.
    mutants : list of Mutant
        Rows.
    cells : ndarray of int
        2 where the case kills the mutant, 1 where the error could show and does not, 0
        where it cannot show and the mutant is right.
    accidents : list of str
        Where a mutant died of something else: an exception, a wrong shape, a case that
        its error cannot show in. It should be empty.
    """

    cases: list[Case]
    mutants: list[Mutant]
    cells: Array
    accidents: list[str]

    def killers(self, mutant: Mutant) -> list[Case]:
        """Return the cases that kill a mutant."""
        row = self.cells[[other.name for other in self.mutants].index(mutant.name)]
        return [
            case for case, cell in zip(self.cases, row, strict=True) if cell == KILLED
        ]

    def proper_killers(self, mutant: Mutant) -> list[Case]:
        """Return the killers that count: exact ones, for arithmetic bounded or wide."""
        if mutant.numerical:
            return [
                case
                for case in self.killers(mutant)
                if case.tier == "bounded" or "wide" in case.flags
            ]
        return [case for case in self.killers(mutant) if case.tier == "exact"]

    def survivors(self) -> list[Mutant]:
        """Return the mutants that no proper case kills."""
        return [mutant for mutant in self.mutants if not self.proper_killers(mutant)]

    def needed(self) -> dict[str, list[str]]:
        """Return for every case the mutants that at most one other case kills."""
        found: dict[str, list[str]] = {case.id: [] for case in self.cases}
        for mutant in self.mutants:
            killers = self.killers(mutant)
            if len(killers) <= 2:
                for case in killers:
                    found[case.id].append(mutant.name)
        return found


def by_hand(suite: Suite) -> Suite:
    """
    Return a suite without the cases that were combined by a covering array.

    Parameters
    ----------
    suite : Suite
        Any suite.

    Returns
    -------
    Suite
        Plain layers and variants that stand there for one reason each.
    """
    ids = {
        outline.id
        for outline in suite.outlines
        if not outline.why.startswith(COMBINED) and outline.kind in ("layer", *VARIANTS)
    }
    found = suite.only(ids)
    return Suite(found.cases, variants=found.variants)


def first_killers(
    suite: Suite, mutants: Mapping[str, Mutant]
) -> dict[str, Case | None]:
    """
    Return for every mutant the first case that kills it.

    Parameters
    ----------
    suite : Suite
        Any suite.
    mutants : mapping of str to Mutant
        By name.

    Returns
    -------
    dict of str to Case or None
        None for a mutant that survives.
    """
    found: dict[str, Case | None] = {}
    cases = sorted(suite.every, key=lambda case: case.kernel.size * len(case.x))
    for name, mutant in mutants.items():
        found[name] = next(
            (
                case
                for case in cases
                if case.kind in mutant.kinds
                and mutant.sees(case)
                and _meet(mutant, case, []) == KILLED
            ),
            None,
        )
    return found


def kill_matrix(
    suite: Suite | None = None, mutants: Mapping[str, Mutant] | None = None
) -> Matrix:
    """
    Run every mutant against every case.

    Parameters
    ----------
    suite : Suite, optional
        Default: what `by_hand` leaves of that of `localnet.golden.load_suite`.
    mutants : mapping of str to Mutant, optional
        Default: all of the kinds that the suite has cases of.

    Returns
    -------
    Matrix
        What killed what.

    Raises
    ------
    ValueError
        If the right backend that mutants are made from does not pass.
    """
    suite = by_hand(load_suite()) if suite is None else suite
    cases = [*suite.cases, *suite.variants]
    kinds = {case.kind for case in cases}
    if mutants is None:
        mutants = {n: m for n, m in MUTANTS.items() if kinds.intersection(m.kinds)}
    rows = list(mutants.values())
    for case in cases:
        result = check_case(lambda case: model_of(case).answers(), case)
        if result.status != "PASS":
            raise ValueError(f"model must pass case {case.id}, got {result.reason}")
    cells = np.zeros((len(rows), len(cases)), np.int64)
    accidents: list[str] = []
    for i, mutant in enumerate(rows):
        for j, case in enumerate(cases):
            cells[i, j] = _meet(mutant, case, accidents)
    return Matrix(cases, rows, cells, accidents)


def _meet(mutant: Mutant, case: Case, accidents: list[str]) -> int:
    """Return what a case makes of a mutant, if it can compute such a case at all."""
    if case.kind not in mutant.kinds:
        return UNSEEN
    with np.errstate(all="ignore"):  # what is wrong may overflow
        result = check_case(mutant.__call__, case)
    seen = mutant.sees(case)
    if result.status == "PASS":
        return SURVIVED if seen else UNSEEN
    by_value = any(
        judgement.worst is not None and judgement.wrong
        for judgement in result.answers.values()
    )
    if not (by_value and seen):
        accidents.append(f"{mutant.name} in {case.id}: {result.reason}")
    return KILLED


def table(matrix: Matrix) -> Iterable[str]:
    """
    Yield one line for every mutant: how many cases kill it, and one that does.

    Parameters
    ----------
    matrix : Matrix
        What `kill_matrix` returned.

    Yields
    ------
    str
        A line.
    """
    for mutant in matrix.mutants:
        killers = matrix.proper_killers(mutant)
        first = killers[0].id if killers else "survives"
        yield f"{mutant.name:<32} {len(killers):>4}  {first:<24} {mutant.error}"
