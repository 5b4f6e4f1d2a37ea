"""What the checks of all assignments share."""

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from .._typing import Array
from ..golden import Case, Suite, load_suite
from ..golden import check as hold_to

__all__ = ["Check", "Failure", "expect", "golden", "is_plain", "one_of", "same"]

LIMIT = 20.0  # seconds


class Failure(Exception):
    """What is wrong with an answer, in a sentence for the student."""


class Check(NamedTuple):
    """
    One thing that is graded.

    Parameters
    ----------
    title : str
        What is looked at.
    points : int
        What it is worth.
    run : callable
        ``run(homework)`` gets the student's module and raises Failure.
    hint : str
        Shown after a failure.
    limit : float
        Seconds that it may take.
    """

    title: str
    points: int
    run: Callable[[ModuleType], None]
    hint: str
    limit: float = LIMIT


def expect(holds: Any, sentence: str) -> None:
    """Fail with a sentence if something does not hold."""
    if not holds:
        raise Failure(sentence)


def same(what: str, found: Any, expected: Any, *, close: bool = False) -> None:
    """Compare an answer with what it must be, exactly unless `close`."""
    expect(found is not None, f"{what} is None: has the function a return?")
    answer, right = np.asarray(found), np.asarray(expected)
    expect(
        answer.shape == right.shape,
        f"{what} must have shape {right.shape}, got {answer.shape}",
    )
    equal = np.allclose(answer, right) if close else np.array_equal(answer, right)
    if not equal:
        index = tuple(map(int, np.argwhere(~np.isclose(answer, right))[0]))
        raise Failure(
            f"{what}{list(index)} must be {right[index]}, got {answer[index]}"
        )


def one_of(count: int, what: str, found: Any) -> tuple[Any, ...]:
    """Return a tuple of answers if it is one of `count`."""
    expect(
        isinstance(found, (tuple, list)) and len(found) == count,
        f"{what} must return {count} arrays, got {type(found).__name__}",
    )
    return tuple(found)


def is_plain(case: Case, *, strides: bool = False, pads: bool = False) -> bool:
    """Whether a case is the layer alone: last channels, no dilation, no activation."""
    c = case.config
    return (
        c["data_format"] == "channels_last"
        and c["activation"]["name"] == "linear"
        and all(rate == 1 for rate in c["dilation_rate"])
        and case.precision in ("bfloat16", "float16", "float32", "float64")
        and case.bias is not None
        and (strides or all(step == 1 for step in c["strides"]))
        and (not any(map(any, c["pads"])) or (pads and c["pad_value"] == 0))
    )


def golden(
    answer: Callable[[Case], Mapping[str, Array]],
    wanted: Callable[[Case], bool],
    *,
    kind: str = "layer",
) -> None:
    """Hold answers to the exact cases of the golden suite that are wanted."""
    suite = load_suite()
    every: Iterable[Case] = suite.cases if kind == "layer" else suite.variants
    cases = [
        case
        for case in every
        if case.kind == kind and case.tier == "exact" and wanted(case)
    ]
    if not cases:
        raise RuntimeError("the golden suite has no case for this check")
    chosen = Suite(cases) if kind == "layer" else Suite([], variants=cases)
    # An answer need not know the strides of a neighbour case, or keep to its buffers.
    for result in hold_to(answer, chosen, kinds=[kind], distrust=False):
        if result.status != "PASS":
            case = next(case for case in cases if case.id == result.id)
            raise Failure(f"case {case.id} ({case.why}): {result.reason}")
