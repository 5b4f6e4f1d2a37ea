"""
One test for every case: ``pytest --pyargs localnet.golden --backend module:function``.

Without ``--backend`` the default engine of localnet is held to the suite.
"""

from functools import cache
from typing import Any

from localnet.golden import Report, Suite, load_suite
from localnet.golden.adapters import engines
from localnet.golden.check import Conditions, check_case
from localnet.golden.judging.backends import from_name
from localnet.golden.judging.kinds import KINDS, kinds_of
from localnet.golden.render import as_text
from localnet.golden.suite import at_precision

__all__: list[str] = []


def pytest_generate_tests(metafunc: Any) -> None:
    """Make a test of every case."""
    suite = _suite_of(metafunc.config)
    metafunc.parametrize("case_id", [outline.id for outline in suite.outlines])


def test_case(case_id: str, request: Any) -> None:
    """Hold the backend to one case."""
    import pytest

    option = request.config.getoption
    case = _suite_of(request.config)[case_id]
    name = option("--backend", None)
    backend = from_name(name) if name else engines.blocked
    kinds = option("--golden-kind", None) or kinds_of(backend)
    if case.kind not in (KINDS if "all" in kinds else kinds):
        pytest.skip(f"the backend does not say that it has {case.kind}")
    result = check_case(backend, case, Conditions(distrust=True))
    if result.status == "SKIP":
        pytest.skip(result.reason or "not implemented")
    if result.status != "PASS":
        pytest.fail(as_text(Report(name or "blocked", [result])), pytrace=False)


def _suite_of(config: Any) -> Suite:
    option = config.getoption
    return _suite(option("--golden-suite", None), option("--golden-precision", None))


@cache
def _suite(path: str | None, precision: str | None) -> Suite:
    suite = load_suite(path)
    return at_precision(suite, precision) if precision else suite
