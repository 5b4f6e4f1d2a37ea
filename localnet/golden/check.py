"""Holding a backend to the suite."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .. import _validate
from .._typing import Array
from .case import OUTPUTS, Case, Suite
from .files.layouts import in_layout_of
from .judging.judge import judge
from .judging.kinds import kinds_of, known_kinds
from .judging.trust import doubts
from .references.answers import solve
from .references.bounds import NEAREST, Model, bounds_of, kinks_near
from .report import Report, Result
from .suite import at_precision, load_suite

__all__ = ["Backend", "Conditions", "check", "check_case"]

Backend = Callable[[Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Conditions:
    """
    What a backend is judged by.

    Parameters
    ----------
    model : Model
        What is assumed of its arithmetic.
    scale : float
        Multiplies the bounds, for algorithms outside the theorem.
    foreign : bool
        Whether cases are doubted before they are used.
    """

    model: Model = NEAREST
    scale: float = 1.0
    foreign: bool = False


USUAL = Conditions()


def check(
    backend: Backend,
    suite: Suite | None = None,
    *,
    cases: Collection[str] = (),
    xfail: Collection[str] = (),
    traces: bool = False,
    kinds: Collection[str] | None = None,
    precision: str | None = None,
    directed: bool = False,
    flushing: bool = False,
    scale: float = 1.0,
    name: str = "",
    reproduce: str = "",
) -> Report:
    """
    Hold a backend to a suite.

    Parameters
    ----------
    backend : callable
        ``backend(case)`` returns a dict with any of ``y``, ``dx``, ``dkernel`` and
        ``dbias``, in the shapes of the case. It raises NotImplementedError for a layer
        that it does not have; any other exception is a failure.
    suite : Suite, optional
        Default: that of `load_suite`.
    cases : collection of str
        Ids of the cases to run; default: all.
    xfail : collection of str
        Ids of the cases that are known to fail.
    traces : bool
        Whether the backend also gets the training traces, objects of another kind.
    kinds : collection of str, optional
        Kinds of layers that the backend has, "layer" for the plain one; the cases of
        others are skipped without asking it. Default: what it says by `computes`, and
        the plain layer if it says nothing.
    precision : {"float64", "float32", "float16", "bfloat16"}, optional
        Run all cases that hold in this precision, made for it: bounded cases of it, and
        exact cases of it and of narrower ones. Default: every case as it is.
    directed : bool
        Whether it rounds in another way than to nearest, which doubles the bounds.
    flushing : bool
        Whether it may flush results below the smallest normal number to zero.
    scale : float
        Multiplies the bounds: for FFT, Winograd and the like, whose error is not that
        of a sum of products.
    name : str
        Of the backend, for the report; default: the name of the function.
    reproduce : str
        A command with ``{id}`` in it, for the report.

    Returns
    -------
    Report
        ``report.passed``, and a result for every case.

    Raises
    ------
    ValueError
        If `cases` or `xfail` names a case that the suite does not have, or `kinds` a
        kind that there is not.

    See Also
    --------
    load_suite : The cases.
    computes : Says of a backend which kinds it has.

    Examples
    --------
    >>> from localnet.golden.adapters import engines
    >>> report = check(engines.blocked, cases=["plain-1d-last", "stride-2d-first"])
    >>> report.passed, report.count("PASS")
    (True, 2)
    """
    suite = load_suite() if suite is None else suite
    if precision is not None:
        suite = at_precision(suite, precision)
    scale = _validate.number("scale", scale, minimum=0.0, open_minimum=True)
    layers = [*suite.cases, *suite.variants]
    every: list[Any] = [*layers, *(suite.traces if traces else ())]
    known = {case.id for case in (*layers, *suite.traces)}
    _need_known("cases", cases, known)
    _need_known("xfail", xfail, known)
    conditions = Conditions(Model(directed, flushing), scale, suite.foreign)
    has = {*(kinds_of(backend) if kinds is None else known_kinds(kinds)), "trace"}
    results = []
    for case in every:
        if cases and case.id not in cases:
            continue
        if case.kind not in has:
            results.append(_not_asked(case))
            continue
        result = check_case(backend, case, conditions)
        results.append(_as_expected(result) if case.id in xfail else result)
    return Report(name or _name_of(backend), results, reproduce)


def _not_asked(case: Case) -> Result:
    reason = f"the backend does not say that it has {case.kind}"
    return Result(
        case.id, case.tier, case.precision, "SKIP", reason, kind=case.kind, asked=False
    )


def check_case(backend: Backend, case: Any, conditions: Conditions = USUAL) -> Result:
    """
    Hold a backend to one case.

    Parameters
    ----------
    backend : callable
        As for `check`.
    case : Case or Trace
        What it has to compute.
    conditions : Conditions
        What it is judged by.

    Returns
    -------
    Result
        One of PASS, FAIL, SKIP and MISTRUSTED.
    """
    result = Result(case.id, case.tier, case.precision, "PASS", kind=case.kind)
    wants, bound = tuple(case.wants), case.bound
    if case.kind != "trace" and (conditions.foreign or conditions.model != NEAREST):
        solution = solve(case)
        reasons = doubts(case, solution) if conditions.foreign else []
        if reasons:
            return replace(result, status="MISTRUSTED", reason="; ".join(reasons))
        if conditions.model != NEAREST and case.tier == "bounded":
            bound = bounds_of(case, solution, conditions.model)
            if (
                case.dy is not None
                and kinks_near(case, solution, conditions.model).any()
            ):
                wants = ("y",)
    started = time.perf_counter()
    try:
        answers = dict(backend(case))
        if case.kind != "trace":
            answers = in_layout_of(case, answers)
    except NotImplementedError as error:
        return replace(result, status="SKIP", reason=_in_one_line(error))
    except Exception as error:
        return replace(result, status="FAIL", reason=_in_one_line(error))
    seconds = time.perf_counter() - started
    return replace(
        _judged(result, case, answers, wants, bound, conditions.scale), seconds=seconds
    )


def _judged(
    result: Result,
    case: Case,
    answers: Mapping[str, Any],
    wants: tuple[str, ...],
    bound: Mapping[str, Array],
    scale: float,
) -> Result:
    given = {key: answers[key] for key in wants if answers.get(key) is not None}
    strange = sorted(set(map(str, answers)) - {*OUTPUTS, *case.wants})
    if strange or not given:
        reason = (
            f"must give any of {', '.join(wants)}, got {', '.join(strange) or 'none'}"
        )
        return replace(result, status="FAIL", reason=reason, missing=wants)
    judged = {
        key: judge(value, case.expected[key], bound.get(key), case.format, scale)
        for key, value in given.items()
    }
    wrong = [f"{key}: {j.reason}" for key, j in judged.items() if j.reason]
    return replace(
        result,
        status="FAIL" if wrong else "PASS",
        reason="; ".join(wrong),
        answers=judged,
        missing=tuple(key for key in wants if key not in given),
    )


def _as_expected(result: Result) -> Result:
    if result.status == "FAIL":
        return replace(result, status="XFAIL")
    if result.status == "PASS":
        return replace(result, status="XPASS", reason="was expected to fail")
    return result


def _in_one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, NotImplementedError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _need_known(argument: str, ids: Iterable[str], known: Collection[str]) -> None:
    for case_id in ids:
        if case_id not in known:
            near = _validate.suggestion(case_id, known)
            raise ValueError(
                f"{argument} must name cases of the suite, got {case_id!r}{near}"
            )


def _name_of(backend: Backend) -> str:
    while hasattr(backend, "func"):  # functools.partial
        backend = backend.func
    return getattr(backend, "__qualname__", type(backend).__name__)
