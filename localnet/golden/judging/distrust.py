"""
What is asked of a backend beside the answer to a case.

A kernel on a GPU can be right in a first call with fresh arrays and wrong in use: it
writes to its input, gives out a buffer that the next call overwrites, adds gradients
up, or keeps weights and plans of the call before.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
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
from .siblings import Sibling, turned

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
    copies = {name: np.array(array, order="C") for name, array in _inputs(case).items()}
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
    first, held = _Held("of the first call", answers), []
    for words, asked, held_to in _questions(case, standard):
        later, wrong = ask(asked, held_to)
        if wrong:
            return f"called again {words}: {wrong}"
        if moved := first.moved():
            return f"{moved} must stay when it is called again {words}"
        held.append(_Held(f"of the call {words}", later))
    for sibling in siblings:
        for other in sibling.cases:
            held_to = Standard(other.wants, other.expected, other.bound)
            _, wrong = ask(fresh(other), held_to)
            if wrong:
                return f"called again with {sibling.words}: {wrong}"
        if moved := first.moved():
            return f"{moved} must stay when it is called again with {sibling.words}"
    for array in _inputs(given).values():
        np.negative(array, out=array)
    if moved := first.moved():
        return f"{moved} must not share memory with what the backend was given"
    for one in held:
        if moved := one.moved():
            return f"{moved} must stay when it is called again"
    return ""


class _Held:
    """Answers of a call, and what they held then."""

    def __init__(self, words: str, answers: Mapping[str, Any]) -> None:
        self.words, self.answers, self.before = words, answers, taken(answers)

    def moved(self) -> str:
        """Return what no longer holds that, in words; empty if all does."""
        now = taken(self.answers)
        names = [key for key, value in self.before.items() if value != now[key]]
        return f"{', '.join(names)} {self.words}" if names else ""


def _questions(case: Any, standard: Standard) -> Iterator[tuple[str, Any, Standard]]:
    """Yield cases with other answers in the same shapes, and then the case itself."""
    if case.kind == "trace":
        yield "with the same arrays", fresh(case), standard
        return
    other, held_to = _reversed(case, standard)
    again = fresh(other)
    yield "with the samples in reverse order and dy negated", again, held_to
    if turned := _negated(case, standard):
        again = fresh(turned[0])
        yield "with kernel and bias negated", again, turned[1]
    for name, array in _inputs(case).items():
        np.copyto(getattr(again, name), array)
    yield "as at first, in the arrays of the call before", again, standard


def _negated(case: Case, standard: Standard) -> tuple[Case, Standard] | None:
    """Return a case with the opposite kernel and bias, if its answers are known."""
    if case.kind not in ("layer", *VARIANTS):
        return None
    bias = None if case.bias is None else -case.bias
    other = replace(case, kernel=-case.kernel, bias=bias)
    activation = case.config["activation"]
    if activation["name"] in ODD:
        expected = {
            key: -value if key in TURNED else value
            for key, value in standard.expected.items()
        }
        return other, standard._replace(expected=expected)
    if piecewise_of(activation) is not None and case.tier == "exact":
        return other, _solved(other, standard)
    return None


def _solved(case: Case, standard: Standard) -> Standard:
    """Return what is expected of a case whose sums are as exact as another's."""
    solution = solve(case)
    off = case.dy is None or not kinks_near(case, solution).any()
    wants = standard.wants if off else ("y",)
    return Standard(wants, solution.rounded, {})


def _reversed(case: Any, standard: Standard) -> tuple[Any, Standard]:
    """Return a case with its samples in reverse order, and the opposite of dy."""
    other = turned(replace(case, expected=standard.expected, bound=standard.bound))
    return other, Standard(standard.wants, other.expected, other.bound)
