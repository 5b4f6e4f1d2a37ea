"""Holding a backend to the suite."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from .. import _validate
from .case import OUTPUTS, Case, Suite
from .drawn import Drawn
from .files.layouts import in_layout_of
from .judging.distrust import Standard, cross_examine, fresh, written_to
from .judging.isolation import Isolated
from .judging.judge import judge
from .judging.kinds import kinds_of, known_kinds
from .judging.siblings import Sibling, Siblings
from .judging.trust import doubts
from .references.answers import solve
from .references.bounds import NEAREST, Model, bounds_of, kinks_near
from .references.connections import VARIANTS
from .rejects import Reject
from .rejects import rejects as refused_cases
from .report import Report, Result
from .stress import stress_cases
from .suite import at_precision, load_suite

# Seconds that a system can wait, in milliseconds of 31 bits.
LONGEST = 2e6

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
    distrust : bool
        Whether the backend gets copies, which are compared afterwards, and is called
        again in ways that show what it keeps between calls.
    """

    model: Model = NEAREST
    scale: float = 1.0
    foreign: bool = False
    distrust: bool = False


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
    stress: bool = False,
    random: int | str | None = None,
    rejects: bool = False,
    distrust: bool = True,
    isolated: bool = False,
    timeout: float | None = None,
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
        Ids of the cases to run; default: all. Those that `stress` and `rejects` add are
        run whole unless some of them are named.
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
    stress : bool
        Whether to ask for what is large or laid out strangely, too: see
        ``localnet.golden.stress``.
    random : int or str, optional
        Draw problems beside the suite: a seed, or "SEED:COUNT"; default of the count:
        100. A failing one is shrunk; its result says how to make it again.
    rejects : bool
        Whether to ask for what a backend has to refuse, too: see
        ``localnet.golden.rejects``.
    distrust : bool
        Whether to look at what the backend keeps: see
        ``localnet.golden.judging.distrust``.
    isolated : bool
        Whether the backend runs in a process of its own, so that a crash costs one case
        and not the report.
    timeout : float, optional
        Seconds for one case, all calls of it together; it takes a process, too.
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
    TypeError
        If `backend` is no function, `suite` none, or `cases` or `xfail` hold no ids.
    ValueError
        If `cases` or `xfail` names a case that the suite does not have, or `cases` one
        that does not hold in `precision`, `kinds` a kind
        that there is not, or `random` is no seed and count; if a backend that must run
        in a process of its own cannot be handed to one.

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
    if not callable(backend):
        raise TypeError(
            f"backend must be a function of a case, got {type(backend).__name__}"
        )
    cases, xfail = _ids("cases", cases), _ids("xfail", xfail)
    suite = load_suite() if suite is None else suite
    if not isinstance(suite, Suite):
        raise TypeError(f"suite must be a Suite, got {type(suite).__name__}")
    scale = _validate.number("scale", scale, minimum=0.0, open_minimum=True)
    has = {*(kinds_of(backend) if kinds is None else known_kinds(kinds)), "trace"}
    more: list[Case] = [*stress_cases(has, precision)] if stress else []
    if rejects:
        more += refused_cases(has)
    known = {case.id for case in (*suite.outlines, *suite.traces, *more)}
    _need_known("cases", cases, known)
    _need_known("xfail", xfail, known)
    if cases:
        suite = suite.only(cases)
        # Those of the suite that are named do not leave out what else is asked for.
        more = [case for case in more if case.id in cases] or more
    if precision is not None:
        suite = at_precision(suite, precision)
    every: list[Any] = [*suite.every, *(suite.traces if traces else ())]
    held = {case.id for case in (*every, *suite.traces, *more)}
    if lost := [case_id for case_id in cases if case_id not in held]:
        raise ValueError(
            f"cases must hold in {precision}, got {_validate.shown(lost[0])}"
        )
    conditions = Conditions(Model(directed, flushing), scale, suite.foreign, distrust)
    drawn = None if random is None else Drawn.of(random, has, precision)
    siblings, results, ours = Siblings(), [], replace(conditions, foreign=False)
    if getattr(backend, "golden_once", False):
        conditions = replace(conditions, distrust=False)
    with _held_to(backend, isolated, timeout) as hold:
        for case in every:
            if case.kind not in has:
                results.append(_not_asked(case))
                continue
            beside = siblings.of(case) if conditions.distrust else []
            results.append(hold(case, conditions, beside))
        for case in more:
            results.append(hold(case, replace(ours, distrust=False)))
        results = [_as_expected(r) if r.id in xfail else r for r in results]
        if drawn is not None:
            results += drawn.results(lambda case: hold(case, ours))
    asked = {case.id: case for case in (*every, *more)}
    return Report(name or _name_of(backend), results, reproduce, asked)


def _held_to(
    backend: Backend, isolated: bool, timeout: float | None
) -> AbstractContextManager[Callable[..., Result]]:
    """Return what holds a backend to one case, here or in a process of its own."""
    if isolated or timeout is not None:
        if timeout is not None:
            timeout = _validate.number(
                "timeout",
                timeout,
                minimum=0.0,
                open_minimum=True,
                maximum=LONGEST,
            )
        return Isolated(check_case, backend, timeout)
    return nullcontext(partial(check_case, backend))


def _not_asked(case: Case) -> Result:
    reason = f"the backend does not say that it has {case.kind}"
    return Result(
        case.id, case.tier, case.precision, "SKIP", reason, kind=case.kind, asked=False
    )


def check_case(
    backend: Backend,
    case: Any,
    conditions: Conditions = USUAL,
    siblings: Iterable[Sibling] = (),
) -> Result:
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
    siblings : iterable of Sibling
        Cases to ask for after it, if the backend is distrusted.

    Returns
    -------
    Result
        One of PASS, FAIL, SKIP and MISTRUSTED.
    """
    result = Result(case.id, case.tier, case.precision, "PASS", kind=case.kind)
    reasons, standard = _standard(case, conditions)
    if reasons:
        return replace(result, status="MISTRUSTED", reason="; ".join(reasons))
    # What is laid out strangely stays so for a backend that is not distrusted further.
    given, kept = (fresh(case), case) if conditions.distrust else (case, fresh(case))
    started = time.perf_counter()
    try:
        answers = _asked(backend, given)
    except NotImplementedError as error:
        return replace(result, status="SKIP", reason=_in_one_line(error))
    except (Exception, SystemExit) as error:
        status = "PASS" if isinstance(case, Reject) else "FAIL"
        return replace(result, status=status, reason=_in_one_line(error))
    if isinstance(case, Reject):
        return replace(result, status="FAIL", reason=f"must be refused: {case.why}")
    result = replace(result, seconds=time.perf_counter() - started)
    result = _judged(result, case, answers, standard, conditions)
    if result.status != "PASS":
        return result
    if changed := written_to(given, kept):
        reason = f"{', '.join(changed)} must not be written to by the backend"
        return replace(result, status="FAIL", reason=reason, by_state=True)
    if not conditions.distrust:
        return result

    def ask(case: Any, standard: Standard) -> tuple[Mapping[str, Any], str]:
        try:
            found = _asked(backend, case)
        except NotImplementedError:
            return {}, ""
        except (Exception, SystemExit) as error:
            return {}, _in_one_line(error)
        return found, _judged(result, case, found, standard, conditions).reason

    wrong = cross_examine(ask, case, given, answers, standard, siblings)
    if not wrong:
        return result
    return replace(result, status="FAIL", reason=wrong, by_state=True)


def _standard(case: Any, conditions: Conditions) -> tuple[list[str], Standard]:
    """Return why a case is not to be trusted, and what its answers are held to."""
    standard = Standard(tuple(case.wants), case.expected, case.bound)
    model = conditions.model
    if case.kind not in ("layer", *VARIANTS) or not (
        conditions.foreign or model != NEAREST
    ):
        return [], standard
    solution = solve(case)
    if conditions.foreign and (reasons := doubts(case, solution)):
        return reasons, standard
    if model != NEAREST and case.tier == "bounded":
        standard = standard._replace(bound=bounds_of(case, solution, model))
        if case.dy is not None and kinks_near(case, solution, model).any():
            standard = standard._replace(wants=("y",))
    return [], standard


def _asked(backend: Backend, case: Any) -> dict[str, Any]:
    """Return what a backend gives, without what it left out."""
    answers = backend(case)
    if not isinstance(answers, Mapping):
        raise TypeError(f"must return a dict of arrays, got {type(answers).__name__}")
    return {str(key): value for key, value in answers.items() if value is not None}


def _judged(
    result: Result,
    case: Case,
    answers: Mapping[str, Any],
    standard: Standard,
    conditions: Conditions,
) -> Result:
    wants = standard.wants
    if case.kind != "trace":
        try:
            answers = in_layout_of(case, answers)
        except Exception as error:  # whatever a strange answer leads to
            return replace(result, status="FAIL", reason=_in_one_line(error))
    given = {key: answers[key] for key in wants if key in answers}
    strange = sorted(set(answers) - {*OUTPUTS, *case.wants})
    if strange or not given:
        reason = (
            f"must give any of {', '.join(wants)}, got {', '.join(strange) or 'none'}"
        )
        return replace(result, status="FAIL", reason=reason, missing=wants)
    judged = {
        key: judge(
            value,
            standard.expected[key],
            standard.bound.get(key),
            case.format,
            conditions.scale,
        )
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


def _in_one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, NotImplementedError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _ids(argument: str, ids: Any) -> Collection[str]:
    """Return ids that were given, one of them alone as well."""
    if isinstance(ids, str):
        return (ids,)
    try:
        known = isinstance(ids, Collection) and all(isinstance(i, str) for i in ids)
    except TypeError:  # an array of no axis
        known = False
    if not known:
        raise TypeError(f"{argument} must be ids of cases, got {_validate.shown(ids)}")
    found: Collection[str] = ids
    return found


def _need_known(argument: str, ids: Iterable[str], known: Collection[str]) -> None:
    for case_id in ids:
        if case_id not in known:
            near = _validate.suggestion(case_id, known)
            raise ValueError(
                f"{argument} must name cases of the suite, got "
                f"{_validate.shown(case_id)}{near}"
            )


def _name_of(backend: Backend) -> str:
    while hasattr(backend, "func"):  # functools.partial
        backend = backend.func
    return getattr(backend, "__qualname__", type(backend).__name__)
