"""
Hold one backend to the golden suite, in the Python that has its library.

Run: python benchmarks/peers/hold.py MODULE:FUNCTION [PACKAGE ...]

Prints one JSON object: the versions of the packages, and a line for every case. Exact
cases are run in the precision that they are stored in and in every wider one, bounded
cases in their own.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from localnet.golden import Case, Suite, check, load_suite
from localnet.golden.backends import from_name
from localnet.golden.precisions import PRECISIONS
from localnet.golden.report import Result


def in_every_precision(case: Case) -> Iterator[Case]:
    """Yield a case, and an exact one in every wider precision too."""
    yield case
    if case.tier == "bounded":
        return
    for name, form in PRECISIONS.items():
        if form.bits > case.format.bits:
            arrays = {
                key: None if array is None else array.astype(form.dtype)
                for key, array in vars(case).items()
                if key in ("x", "kernel", "bias", "dy")
            }
            yield replace(case, id=f"{case.id}@{name}", precision=name, **arrays)


def line(result: Result) -> dict[str, Any]:
    """Return what the table needs of one case."""
    judged = [j for j in result.answers.values() if j.worst is not None]
    return {
        "id": result.id,
        "tier": result.tier,
        "precision": result.precision,
        "status": result.status,
        "reason": result.reason,
        "worst": max((j.worst.ratio for j in judged if j.worst), default=0.0),
        "mean": [j.mean for j in judged],
        "digits": min((j.digits for j in judged), default=0.0),
    }


def main(backend: str, *packages: str) -> None:
    """Hold the backend, and print."""
    cases = [wider for case in load_suite() for wider in in_every_precision(case)]
    report = check(from_name(backend), Suite(cases))
    found = {
        "versions": {package: version(package) for package in packages},
        "cases": [line(result) for result in report],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
