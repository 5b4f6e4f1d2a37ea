"""
What is wrong with a backend, in a few lines: which cases fail, and which do not.

The rule is the simplest property of a case, or pair of properties, that separates what
failed from what passed.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .._typing import Array
from .case import OUTPUTS, Case
from .check import check_case
from .features import counts_of, features
from .mutants import MUTANTS
from .report import Report, Result

__all__ = ["explain"]

MOST_CASES = 24  # of each side, that mutants are run on
ALIKE = 0.75  # below it, another error is as likely
LEAST = 2  # failures that a rule is drawn from


class Seen(NamedTuple):
    """
    A case that was judged.

    Parameters
    ----------
    result : Result
        PASS or FAIL.
    case : Case
        What was asked.
    """

    result: Result
    case: Case


def explain(report: Report, *, mutants: bool = True) -> list[str]:
    """
    Return what failures have in common.

    Parameters
    ----------
    report : Report
        What `check` found.
    mutants : bool
        Whether to look for a known error whose failures look alike, which takes a few
        seconds.

    Returns
    -------
    list of str
        Lines: the smallest case that fails; what separates failures from passes; which
        answers are wrong; a known error with the same failures; a table of properties;
        how large the cases were that passed.

    Examples
    --------
    >>> from localnet.golden import check
    >>> from localnet.golden.adapters import engines
    >>> def first_is_last(case):
    ...     if case.config["data_format"] == "channels_first":
    ...         return {"y": case.expected["y"] + 1}
    ...     return engines.blocked(case)
    >>> names = [f"plain-{n}d-{end}" for n in "123" for end in ("last", "first")]
    >>> print(explain(check(first_is_last, cases=names), mutants=False)[1])
    fails: every case with channels_first (3); passes: every case without (3)
    """
    seen = [
        Seen(result, report.cases[result.id])
        for result in report
        if result.status in ("PASS", "FAIL") and result.id in report.cases
    ]
    seen = _by_value([one for one in seen if one.case.kind != "trace"])
    failed = sorted((s for s in seen if s.result.status == "FAIL"), key=_weight)
    lines = []
    if failed:
        lines.append(f"smallest that fails: {_described(failed[0])}")
        lines.append(_rule(seen))
        lines.append(_answers(failed))
        if mutants and (hint := _likeness(seen)):
            lines.append(hint)
        lines += _table(seen)
    return [*lines, *_reach(report, seen)]


def _by_value(seen: list[Seen]) -> list[Seen]:
    """Take cases for right whose first answers are, unless nothing else is wrong."""
    if all(one.result.by_state for one in seen if one.result.status == "FAIL"):
        return seen
    return [
        Seen(replace(one.result, status="PASS"), one.case)
        if one.result.by_state
        else one
        for one in seen
    ]


def _weight(one: Seen) -> tuple[int, int]:
    c = one.case.config
    return math.prod(counts_of(c)[name] for name in "NLKF"), len(c["input_sizes"])


def _described(one: Seen) -> str:
    c, result = one.case.config, one.result
    sizes = ", ".join(f"{n} {v:g}" for n, v in counts_of(c).items() if n in "NLKF")
    axes = len(c["input_sizes"])
    reason = result.reason.partition(";")[0]
    return f"{result.id} ({axes}D, {c['data_format']}, {sizes}): {reason}"


def _answers(failed: list[Seen]) -> str:
    """Say which answers are wrong, and which are not."""
    if all(one.result.by_state for one in failed):
        return "wrong: what the backend keeps between calls; first answers are right"
    wrong = {k for s in failed for k, j in s.result.answers.items() if j.reason}
    right = {k for s in failed for k in s.result.answers} - wrong
    if not wrong:
        return "wrong: no answer was given"
    words = f"wrong: {', '.join(k for k in OUTPUTS if k in wrong)}"
    if right:
        words += f"; always right: {', '.join(k for k in OUTPUTS if k in right)}"
    return words


# Rules --------------------------------------------------------------------------------


def _rule(seen: list[Seen]) -> str:
    """Return the simplest rule that tells failures from passes."""
    failed = np.array([one.result.status == "FAIL" for one in seen])
    if failed.all():
        return f"fails: every case ({len(seen)})"
    if failed.sum() < LEAST:
        return f"fails: this case only; passes: {int((~failed).sum())} others"
    names, table = _literals(seen)
    # How many cases each rule is wrong about, of one literal and of two.
    wrong = (table != failed).sum(1)
    best, words = int(wrong.min()), names[int(wrong.argmin())]
    column = table[int(wrong.argmin())]
    if best:
        ints = table.astype(np.float32)
        hits = (ints * failed) @ ints.T
        both = ints @ ints.T
        pairs = both - 2 * hits + failed.sum()
        i, j = np.unravel_index(int(pairs.argmin()), pairs.shape)
        # A second property must explain more than an odd case.
        if pairs[i, j] < best and (pairs[i, j] == 0 or pairs[i, j] < 0.7 * best):
            i, j = min(i, j), max(i, j)
            words, column = f"{names[i]} and {names[j]}", table[i] & table[j]
            best = int(pairs[i, j])
    inside, outside = int(column.sum()), int((~column).sum())
    if not best:
        return (
            f"fails: every case with {words} ({inside}); "
            f"passes: every case without ({outside})"
        )
    caught = int((column & failed).sum())
    stray = int((~column & failed).sum())
    return (
        f"fails: {caught} of {inside} cases with {words}; "
        f"passes: {outside - stray} of {outside} without"
    )


def _literals(seen: list[Seen]) -> tuple[list[str], Array]:
    """Return properties and their opposites, and which cases have them."""
    found = features(one.case for one in seen)
    bare = (words.removeprefix("a ").removeprefix("an ") for words in found)
    names = [*found, *(f"no {words}" for words in bare)]
    columns = list(found.values())
    return names, np.array([*columns, *(~column for column in columns)])


def _table(seen: list[Seen]) -> Iterator[str]:
    """Yield the properties that matter most, with how many fail with and without."""
    failed = np.array([one.result.status == "FAIL" for one in seen])
    if failed.all() or failed.sum() < LEAST:
        return
    found = features(one.case for one in seen)
    gaps = {
        words: gap
        for words, column in found.items()
        if (gap := failed[column].mean() - failed[~column].mean()) > 0
    }
    if not gaps:
        return
    yield f"{'property':<40} {'fail with it':>14} {'fail without':>14}"
    for words in sorted(gaps, key=lambda w: -gaps[w])[:8]:
        column = found[words]
        one = f"{failed[column].sum()} of {column.sum()}"
        other = f"{failed[~column].sum()} of {(~column).sum()}"
        yield f"{words:<40} {one:>14} {other:>14}"


# Known errors -------------------------------------------------------------------------


def _likeness(seen: list[Seen]) -> str:
    """Return the known error whose failures are most like these."""
    kinds = {one.case.kind for one in seen}
    sample = [s for s in seen if s.result.status == "FAIL" and not s.result.by_state]
    if not sample:
        return ""
    sample = sorted(sample, key=_weight)[:MOST_CASES]
    passed = [s for s in seen if s.result.status == "PASS"]
    sample += sorted(passed, key=_weight)[:MOST_CASES]
    ours = {(s.case.id, key) for s in sample for key in _wrong(s.result)}
    best, name = ALIKE, ""
    for mutant in MUTANTS.values():
        if not kinds.intersection(mutant.kinds):
            continue
        theirs = {
            (one.case.id, key)
            for one in sample
            if one.case.kind in mutant.kinds
            for key in _wrong(check_case(mutant.__call__, one.case))
        }
        union = len(ours | theirs)
        likeness = len(ours & theirs) / union if union else 0.0
        if likeness > best:
            best, name = likeness, mutant.name
    if not name:
        return ""
    return f"looks like: {name} ({best:.0%} alike): {MUTANTS[name].error}"


def _wrong(result: Result) -> list[str]:
    return [key for key, judgement in result.answers.items() if judgement.reason]


# What was not shown -------------------------------------------------------------------


def _reach(report: Report, seen: list[Seen]) -> Iterator[str]:
    """Yield how large the cases were that passed: beyond that nothing is shown."""
    passed = [one.case for one in seen if one.result.status == "PASS"]
    if not passed:
        yield "shown: nothing passed"
        return
    counts = [counts_of(case.config) for case in passed]
    sizes = ", ".join(f"{n} {max(c[n] for c in counts):g}" for n in "LFNK")
    words = ", ".join(dict.fromkeys(case.precision for case in passed))
    yield f"passed up to: {sizes}, each in a case of its own; in {words}"
    gradients = any(case.dy is not None for case in passed)
    missing = dict.fromkeys(
        key for result in report if result.status == "PASS" for key in result.missing
    )
    kinds = report.not_asked()
    lacking = [
        "any larger size",
        *(["gradients"] if not gradients else []),
        *(f"{key} where it was not given" for key in missing),
        *(f"kind {kind}" for kind in kinds),
    ]
    yield f"not shown: {', '.join(lacking)}, speed"
