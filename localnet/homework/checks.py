"""What the checks of all assignments share."""

import contextlib
import dataclasses
import functools
import math
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
    "FORGETS",
    "Check",
    "Draw",
    "Failure",
    "expect",
    "golden",
    "is_plain",
    "kind_of",
    "numbers",
    "one_of",
    "same",
    "twice",
]

LIMIT = 20.0  # seconds


Draw = Callable[..., Array]


class Failure(Exception):
    """
    What is wrong with an answer, in a sentence for the student.

    Parameters
    ----------
    sentence : str
        What is wrong.
    hint : str, optional
        Shown instead of the check's own, which is about wrong numbers and shapes.
    """

    def __init__(self, sentence: str, hint: str | None = None) -> None:
        super().__init__(sentence)
        self.hint = hint


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
        Shown after wrong numbers or shapes, unless the failure has one of its own.
    limit : float
        Seconds that it may take.
    """

    title: str
    points: int
    run: Callable[[ModuleType], None]
    hint: str
    limit: float = LIMIT


def expect(holds: Any, sentence: str, hint: str | None = None) -> None:
    """Fail with a sentence if something does not hold."""
    if not holds:
        raise Failure(sentence, hint)


KINDS: dict[str, tuple[type, ...]] = {
    "an array of real numbers": (np.ndarray,),
    "a real number": (int, float, np.ndarray),
    "a tuple of real numbers": (tuple, list, np.ndarray),
}


def numbers(what: str, found: Any, kind: str = "an array of real numbers") -> Array:
    """Return an answer as an array if it is of a kind."""
    expect(found is not None, f"{what} is None: has the function a return?", "")
    array = None
    if isinstance(found, KINDS[kind]):
        with contextlib.suppress(ValueError):  # rows that differ
            array = np.asarray(found)
    if array is None or array.dtype.kind not in "biuf":
        advice = ""
        if kind.startswith("an array") and isinstance(found, list):
            advice = ": np.array makes an array of it"
        elif kind.startswith("an array") and isinstance(found, tuple):
            advice = f" of {len(found)}: return the array alone"
        raise Failure(f"{what} must be {kind}, got {kind_of(found)}{advice}", "")
    return array


def kind_of(found: Any) -> str:
    """Say in words what an answer is."""
    if isinstance(found, Other):
        return str(found)
    if isinstance(found, np.ndarray):
        return f"an array of dtype {found.dtype}"
    name = "function" if callable(found) else type(found).__name__
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


FORGETS = (
    "Does it keep something from the first call, cut numbers to integers, or begin with"
    " np.empty?"
)
NOT_FINITE = (
    "nan and inf come from a division by 0, a log of 0, or an array that begins with"
    " np.empty."
)


def same(
    what: str,
    found: Any,
    expected: Any,
    *,
    close: bool = False,
    hint: str | None = None,
) -> None:
    """Compare an answer with what it must be, exactly unless `close`."""
    right = np.asarray(expected)
    if isinstance(expected, tuple):
        answer = numbers(what, found, "a tuple of real numbers")
    elif right.ndim:
        answer = numbers(what, found)
    else:
        answer = numbers(what, found, "a real number")
    expect(
        answer.shape == right.shape,
        f"{what} must have shape {right.shape}, got {answer.shape}",
        hint,
    )
    off = ~np.isclose(answer, right) if close else answer != right
    if off.any():
        index = tuple(map(int, np.argwhere(off)[0]))
        place = list(index) if index else ""
        wanted, got = right[index].item(), answer[index].item()
        if hint is None and not math.isfinite(got):
            hint = NOT_FINITE
        raise Failure(f"{what}{place} must be {wanted}, got {got}", hint)


def one_of(names: str, what: str, found: Any) -> tuple[Any, ...]:
    """Return the answers of a function that must return so many, named in order."""
    count = len(names.split(", "))
    rule = f"{what} must return {count} arrays ({names})"
    expect(found is not None, f"{rule}, got None: has it a return?", "")
    got = kind_of(found)
    if isinstance(found, (tuple, list)):
        got = f"{len(found)}"
    elif isinstance(found, np.ndarray):
        got = "one array"
    expect(got == str(count), f"{rule}, got {got}", "")
    # None has another reason here than a return that is missing.
    return tuple(Other("None") if part is None else part for part in found)


def twice(run: Callable[[ModuleType, Draw], None]) -> Callable[[ModuleType], None]:
    """
    Return a check that is run again with other numbers in the same shapes.

    What it draws are arrays of quarters: no answer can be learned by heart or cut to
    whole numbers, and all sums of products are exact in float32.
    """

    def both(homework: ModuleType) -> None:
        for seed in (1, 2):
            rng = np.random.default_rng(seed)

            def draw(*shape: int, rng: np.random.Generator = rng) -> Array:
                return (rng.integers(-12, 13, shape) / 4).astype(np.float32)

            run(homework, draw)

    return both


def is_plain(case: Case, *, strides: bool = False) -> bool:
    """Whether a case is the layer alone: last channels, no dilation, no activation."""
    c = case.config
    return (
        c["data_format"] == "channels_last"
        and c["activation"]["name"] == "linear"
        and all(rate == 1 for rate in c["dilation_rate"])
        and case.precision in ("bfloat16", "float16", "float32", "float64")
        and case.bias is not None
        and (strides or all(step == 1 for step in c["strides"]))
        and not any(map(any, c["pads"]))
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


# What is scaled when these arrays are: the layer is linear in each of them.
SCALES = {
    ("x", "bias"): ("y", "dkernel", "dmixture"),
    ("kernel", "bias"): ("y", "dx", "dmixture"),
    ("mixture", "bias"): ("y", "dx", "dkernel"),
    ("dy",): ("dx", "dkernel", "dbias", "dmixture"),
}
SCALE = -0.25  # the cases hold whole numbers, and nothing may be cut to these


def _depends_on_numbers(
    answer: Callable[[Case], Mapping[str, Array]], case: Case, found: Mapping[str, Any]
) -> None:
    """Ask again with other numbers in the same shapes: nothing may be remembered."""
    for given, scaled in SCALES.items():
        arrays = {name: getattr(case, name) for name in given}
        if arrays[given[0]] is None:
            continue
        other = dataclasses.replace(
            case,
            **{n: SCALE * array for n, array in arrays.items() if array is not None},
        )
        for name, array in answer(other).items():
            right = SCALE * found[name] if name in scaled else found[name]
            if not np.array_equal(numbers(name, array), right):
                raise Failure(
                    f"{name} is wrong when the function is called again with other "
                    "numbers in the same shapes",
                    FORGETS,
                )
