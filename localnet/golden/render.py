"""A report as text, as JSON and as JUnit XML."""

import json
import math
import re
import shlex
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree

from .judging.judge import Judgement, root_mean_square
from .report import STATUSES, Report, Result

__all__ = ["as_json", "as_junit", "as_text"]

# Statuses whose cases are printed, in this order.
SHOWN = ("FAIL", "XPASS", "MISTRUSTED", "XFAIL", "SKIP")


def as_text(report: Report, *, verbose: bool = False) -> str:
    """
    Return a report to read.

    Parameters
    ----------
    report : Report
        What a check found.
    verbose : bool
        Whether cases that passed are listed too.

    Returns
    -------
    str
        Lines.
    """
    lines: list[str] = []
    for status in (*SHOWN, *(["PASS"] if verbose else [])):
        for result in report:
            if result.status == status and result.asked:
                lines += _lines_of(report, result, verbose=verbose)
    lines += [
        f"SKIP {count} cases of kind {kind}: the backend does not say that it has it"
        for kind, count in report.not_asked().items()
    ]
    counts = [
        f"{report.count(status)} {status}"
        for status in STATUSES
        if report.count(status)
    ]
    lines.append(f"{report.backend}: {', '.join(counts) or 'no case was run'}")
    lines += _digest(report)
    return "\n".join(lines)


def _lines_of(report: Report, result: Result, *, verbose: bool) -> Iterator[str]:
    reason = f": {result.reason}" if result.reason else ""
    missing = f" ({', '.join(result.missing)} not given)" if result.missing else ""
    yield f"{result.status} {result.id}{reason}{missing}"
    for key, judgement in result.answers.items():
        if judgement.reason or verbose:
            yield f"  {key}: {_worst(judgement)}"
    if result.status in ("FAIL", "XPASS") and (again := _again(report, result)):
        yield f"  again: {again}"


def _again(report: Report, result: Result) -> str:
    """Return what runs one case again: a command, or a line of Python."""
    if not result.again:
        return report.reproduce.replace("{id}", result.id)
    if report.reproduce:
        command = report.reproduce.removesuffix(" --case {id}")
        return f"{command} --problem {shlex.quote(result.again)}"
    return f"check(backend, Suite([problem({result.again})]))"


def _worst(judgement: Judgement) -> str:
    worst = judgement.worst
    if worst is None:
        return judgement.reason or "no elements"
    index = ", ".join(map(str, worst.index))
    if worst.bound > 0:
        within = f"bound {worst.bound:.3g}, error/bound {worst.ratio:.3g}"
    else:
        within = "must be equal"
    return (
        f"worst at [{index}]: got {worst.got!r}, want {worst.want!r}, {within}, "
        f"{judgement.digits:.1f} digits"
    )


def _digest(report: Report) -> Iterator[str]:
    """Yield how far inside the bounds the answers are, and what was not given."""
    found = report.worst()
    if found is not None:
        result, key, judgement = found
        ratio = judgement.worst.ratio if judgement.worst else math.nan
        yield f"largest error/bound: {ratio:.4g} ({key} of {result.id})"
        rms = [j.rms for r in report for j in r.answers.values() if _is_bounded(j)]
        yield f"root mean square of error/bound: {root_mean_square(rms):.3g}"
    missing = sum(len(result.missing) for result in report if result.status == "PASS")
    if missing:
        yield f"answers that were not given by cases that pass: {missing}"


def _is_bounded(judgement: Judgement) -> bool:
    return judgement.worst is not None and judgement.worst.bound > 0


def as_json(report: Report) -> str:
    """
    Return a report for a program.

    Parameters
    ----------
    report : Report
        What a check found.

    Returns
    -------
    str
        JSON: ``backend``, ``passed``, ``totals`` by status, and for each of ``cases``
        id, tier, precision, kind, asked, status, reason, missing, seconds, by_state,
        again and ``answers``, with wrong, size, digits, mean, rms and worst (index,
        got, want, bound, ratio).
        Numbers that are not finite are given as the words inf, -inf and nan.
    """
    found = {
        "backend": report.backend,
        "passed": report.passed,
        "totals": {status: report.count(status) for status in STATUSES},
        "cases": [asdict(result) for result in report],
    }
    return json.dumps(_finite(found), indent=1, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def as_junit(report: Report) -> str:
    """
    Return a report for a server that runs tests.

    Parameters
    ----------
    report : Report
        What a check found.

    Returns
    -------
    str
        XML: a ``testsuite`` with one ``testcase`` for every case.
    """
    failures = report.count("FAIL") + report.count("XPASS")
    skipped = sum(report.count(s) for s in ("SKIP", "XFAIL", "MISTRUSTED"))
    suite = ElementTree.Element(
        "testsuite",
        name="localnet golden",
        tests=str(len(report.results)),
        failures=str(failures),
        errors="0",
        skipped=str(skipped),
        time=f"{sum(result.seconds for result in report):.3f}",
    )
    for result in report:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=_printable(report.backend),
            name=result.id,
            time=f"{result.seconds:.3f}",
        )
        text = "\n".join(_lines_of(report, result, verbose=False))
        if result.status in ("FAIL", "XPASS"):
            detail = ElementTree.SubElement(
                case, "failure", message=_printable(result.reason), type=result.status
            )
            detail.text = _printable(text)
        elif result.status != "PASS":
            message = f"{result.status} {result.reason}".strip()
            ElementTree.SubElement(case, "skipped", message=_printable(message))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _printable(text: str) -> str:
    """Return text without the control characters that XML has no place for."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)
