"""
The option ``--backend`` of pytest, for ``pytest --pyargs localnet.golden``.

pytest reads its options before it finds the package, so that a plugin has to bring this
one; `localnet.golden.test_backend` is what uses it. It stays out of every other run.
"""

import sys
from typing import Any

__all__ = ["pytest_addoption"]

PACKAGE = "localnet.golden"


def pytest_addoption(parser: Any) -> None:
    """Add the options, if the suite is asked for."""
    if not any(PACKAGE in word for word in sys.argv):
        return
    group = parser.getgroup("localnet golden suite")
    group.addoption(
        "--backend",
        metavar="MODULE:FUNCTION",
        help="the function that is held to the golden suite",
    )
    group.addoption(
        "--golden-precision",
        metavar="P",
        help="run all cases that hold in this precision, made for it",
    )
    group.addoption(
        "--golden-kind",
        action="append",
        metavar="KIND",
        help="the backend has layers of this kind, or all; may be repeated "
        "(default: what it says itself, else layer)",
    )
    group.addoption(
        "--golden-suite", metavar="DIR", help="an exported suite (default: in memory)"
    )
