"""
Reference numbers that any backend can be held to, and the means to do it.

A `Case` is one layer on one input, with the exact answer or the nearest float64 to it,
and a proven bound on how far a right backend can be from that. `load_suite` gives the
cases, `check` holds a function to them, `export` writes them to files for programs in
other languages.

Imports `export` and below.
"""

from .case import Case, Suite
from .check import check
from .files.writing import export
from .judging.kinds import computes
from .problems import problem
from .report import Report
from .suite import load_suite

__all__ = [
    "Case",
    "Report",
    "Suite",
    "check",
    "computes",
    "export",
    "load_suite",
    "problem",
]


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])
