"""What the checks of all assignments share."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from .._typing import Array
from ..golden import Case, Suite
from ..golden import check as hold_to
from ..golden.cases.exact import EXACT
from ..golden.cases.generate import complete
from ..golden.cases.variants import VARIANT_FAMILIES
from .student import Other

__all__ = [
    "Check",
    "Failure",
    "expect",
    "golden",
    "is_plain",
    "numbers",
    "one_of",
    "same",
]

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


def numbers(what: str, found: Any) -> Array:
    """Return an answer as an array if it is one of numbers."""
    expect(found is not None, f"{what} is None: has the function a return?")
    expect(
        not isinstance(found, (str, Mapping)) and not callable(found),
        f"{what} must be an array of numbers, got {_kind(found)}",
    )
    try:
        array = np.asarray(found)
    except ValueError:
        raise Failure(f"{what} must be an array, got rows that differ") from None
    expect(
        array.dtype.kind in "biuf",
        f"{what} must hold real numbers, got {_kind(found)} of dtype {array.dtype}",
    )
    return array


def _kind(found: Any) -> str:
    if isinstance(found, Other):
        return str(found)
    return "a function" if callable(found) else f"a {type(found).__name__}"


def same(what: str, found: Any, expected: Any, *, close: bool = False) -> None:
    """Compare an answer with what it must be, exactly unless `close`."""
    answer, right = numbers(what, found), np.asarray(expected)
    expect(
        answer.shape == right.shape,
        f"{what} must have shape {right.shape}, got {answer.shape}",
    )
    off = ~np.isclose(answer, right) if close else answer != right
    if off.any():
        index = tuple(map(int, np.argwhere(off)[0]))
        place = list(index) if index else ""
        raise Failure(
            f"{what}{place} must be {right[index].item()}, got {answer[index].item()}"
        )


def one_of(names: str, what: str, found: Any) -> tuple[Any, ...]:
    """Return the answers of a function that must return so many, named in order."""
    count = len(names.split(", "))
    rule = f"{what} must return {count} arrays ({names})"
    expect(found is not None, f"{rule}, got None: has it a return?")
    got = _kind(found)
    if isinstance(found, (tuple, list)):
        got = f"{len(found)}"
    elif isinstance(found, np.ndarray):
        got = "one array"
    expect(got == str(count), f"{rule}, got {got}")
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


@functools.cache
def _exact(kind: str) -> list[Case]:
    """Return the exact cases of a kind, without the layers drawn at random."""
    families = EXACT if kind == "layer" else VARIANT_FAMILIES.values()
    specs = [spec for family in families for spec in family()]
    return [complete(s) for s in specs if s.tier == "exact" and s.kind == kind]


def golden(
    answer: Callable[[Case], Mapping[str, Array]],
    wanted: Callable[[Case], bool],
    *,
    kind: str = "layer",
) -> None:
    """Hold answers to the exact cases of the golden suite that are wanted."""
    cases = [case for case in _exact(kind) if wanted(case)]
    if not cases:
        raise RuntimeError("the golden suite has no case for this check")
    for case in cases:
        found = {n: numbers(n, v) for n, v in answer(case).items()}
        # An answer need not know the strides of a neighbour case.
        (result,) = hold_to(
            functools.partial(_given, found),
            Suite([case]) if kind == "layer" else Suite([], variants=[case]),
            kinds=[kind],
            distrust=False,
        )
        if result.status != "PASS":
            where = f"case {case.id} ({case.why}): "
            for name, array in found.items():
                same(where + name, array, case.expected[name])
            raise Failure(where + str(result.reason))
        _depends_on_numbers(answer, case, found)


def _given(found: Mapping[str, Array], case: Case) -> Mapping[str, Array]:
    return found


# What changes its sign when these arrays do: the layer is linear in each of them.
SIGNS = {
    ("x", "bias"): ("y", "dkernel", "dmixture"),
    ("kernel", "bias"): ("y", "dx", "dmixture"),
    ("dy",): ("dx", "dkernel", "dbias", "dmixture"),
}


def _depends_on_numbers(
    answer: Callable[[Case], Mapping[str, Array]], case: Case, found: Mapping[str, Any]
) -> None:
    """Ask again with other numbers in the same shapes: nothing may be remembered."""
    for given, turned in SIGNS.items():
        arrays = {name: getattr(case, name) for name in given}
        other = dataclasses.replace(
            case, **{n: -array for n, array in arrays.items() if array is not None}
        )
        for name, array in answer(other).items():
            right = -found[name] if name in turned else found[name]
            if not np.array_equal(numbers(name, array), right):
                raise Failure(
                    f"{name} is wrong when the function is called again with other "
                    "numbers in the same shapes: does it keep something from the "
                    "first call, or begin with np.empty?"
                )
