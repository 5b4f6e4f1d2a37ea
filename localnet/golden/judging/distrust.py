"""
What is asked of a backend beside the answer to a case.

A kernel on a GPU can be right in a first call with fresh arrays and wrong in use: it
writes to its input, gives out a buffer that the next call overwrites, adds gradients up,
or keeps weights and plans of the call before.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, NamedTuple

import numpy as np

from ..._typing import Array
from ..case import Case
from ..references.activations import piecewise_of
from ..references.answers import solve
from ..references.bounds import kinks_near
from ..references.connections import VARIANTS
from .arrays import as_array
from .siblings import Sibling

__all__ = ["Standard", "cross_examine", "fresh", "taken", "written_to"]

ODD = ("linear", "tanh", "softsign")
# Whose sign turns with that of the kernel and the bias.
TURNED = ("y", "dx", "dmixture")


class Standard(NamedTuple):
    """
    What answers are held to.

    Parameters
    ----------
    wants : tuple of str
        Which are judged.
    expected, bound : mapping of str to ndarray
        As those of a case.
    """

    wants: tuple[str, ...]
    expected: Mapping[str, Array]
    bound: Mapping[str, Array]


# Runs a backend on a case as it is, and says what is wrong with its answers.
Ask = Callable[[Any, Standard], tuple[Mapping[str, Any], str]]


def fresh(case: Any) -> Any:
    """Return a case on copies of its input arrays: writable, and in C order."""
    copies = {
        name: np.array(array, order="C") for name, array in _inputs(case).items()
    }
    return replace(case, **copies)


def _inputs(case: Any) -> dict[str, Array]:
    found = {field.name: getattr(case, field.name) for field in fields(case)}
    return {name: a for name, a in found.items() if isinstance(a, np.ndarray)}


def written_to(given: Any, case: Any) -> list[str]:
    """Return the names of the input arrays that are no longer those of a case."""
    pairs = zip(_inputs(given).items(), _inputs(case).values(), strict=True)
    return [name for (name, a), b in pairs if a.tobytes() != b.tobytes()]


def taken(answers: Mapping[str, Any]) -> dict[str, bytes]:
    """Return what arrays hold now, to be compared later."""
    return {key: as_array(answers[key]).tobytes() for key in answers}


def cross_examine(
    ask: Ask,
    case: Any,
    given: Any,
    answers: Mapping[str, Any],
    standard: Standard,
    siblings: Iterable[Sibling] = (),
) -> str:
    """
    Ask a backend that gave right answers once more, in ways that show what it keeps.

    Parameters
    ----------
    ask : callable
        Of a case and its standard: the answers, and what is wrong with them.
    case : Case or Trace
        What it was asked.
    given : Case or Trace
        The same on the arrays that it got.
    answers : mapping of str to object
        What it returned.
    standard : Standard
        What they were held to.
    siblings : iterable of Sibling
        Cases to ask for after this one.

    Returns
    -------
    str
        One sentence about the first thing that is wrong; empty if there is none.
    """
    if changed := written_to(given, case):
        return f"{', '.join(changed)} must not be written to by the backend"
    before = taken(answers)
    other, other_standard, words = _other(case, standard)
    again = fresh(other)
    for question, asked, held_to in (
        (f"called again {words}", again, other_standard),
        ("called a third time, in the arrays of the second call", again, standard),
    ):
        if held_to is standard:
            for name, array in _inputs(case).items():
                np.copyto(getattr(again, name), array)
        _, wrong = ask(asked, held_to)
        if wrong:
            return f"{question}: {wrong}"
        after = taken(answers)
        if moved := [key for key in before if before[key] != after[key]]:
            return f"{', '.join(moved)} of the first call must stay when {question}"
    for sibling in siblings:
        for other in sibling.cases:
            held_to = Standard(other.wants, other.expected, other.bound)
            _, wrong = ask(fresh(other), held_to)
            if wrong:
                return f"called again with {sibling.words}: {wrong}"
    return ""


def _other(case: Any, standard: Standard) -> tuple[Any, Standard, str]:
    """Return a case with other answers in the same shapes, and what they are."""
    if case.kind == "trace":
        return case, standard, "with the same arrays"
    if case.kind in ("layer", *VARIANTS):
        negated = replace(
            case,
            kernel=-case.kernel,
            bias=None if case.bias is None else -case.bias,
        )
        words = "with kernel and bias negated"
        activation = case.config["activation"]
        if activation["name"] in ODD:
            expected = {
                key: -value if key in TURNED else value
                for key, value in standard.expected.items()
            }
            return negated, standard._replace(expected=expected), words
        if piecewise_of(activation) is not None and case.tier == "exact":
            return negated, _solved(negated, standard), words
    return _reversed(case, standard)


def _solved(case: Case, standard: Standard) -> Standard:
    """Return what is expected of a case whose sums are as exact as another's."""
    solution = solve(case)
    off = case.dy is None or not kinks_near(case, solution).any()
    wants = standard.wants if off else ("y",)
    return Standard(wants, solution.rounded, {})


def _reversed(case: Any, standard: Standard) -> tuple[Any, Standard, str]:
    """Return a case with its samples in reverse order: sums over them stay."""

    def turned(arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {k: a[::-1] if k in ("y", "dx") else a for k, a in arrays.items()}

    other = replace(
        case, x=case.x[::-1], dy=None if case.dy is None else case.dy[::-1]
    )
    standard = Standard(
        standard.wants, turned(standard.expected), turned(standard.bound)
    )
    return other, standard, "with the samples in reverse order"
