"""
localnet's engines alone, with pytest-benchmark: about a minute.

Run: python -m pytest benchmarks/bench_engines.py --import-mode=importlib

Before an engine is timed its results are held to the rounding bound of an exact judge.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from peers.agreement import disagreement, write_judge
from peers.with_localnet import BUILDERS
from peers.workloads import WORKLOADS

MODES = ("forward", "step")
NAMES = ("a32", "b32", "b1", "c1_32", "c2_256", "e128", "f64", "h32")
# The definition takes a second and more on the others.
SMALL = ("a32", "b1", "c1_32", "c2_256", "e128")
CASES = [
    pytest.param(name, engine, id=f"{WORKLOADS[name].title}-{engine}")
    for name in NAMES
    for engine in BUILDERS
    if name in SMALL or engine != "localnet einsum"
]


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Return a contender that agrees with the judge, each built once."""
    judges, contenders = {}, {}

    def contender(name, engine):
        workload = WORKLOADS[name]
        if name not in judges:
            judges[name] = tmp_path_factory.mktemp(name)
            write_judge(workload, judges[name])
        if (name, engine) not in contenders:
            bound = BUILDERS[engine](workload, workload.draw())
            errors = disagreement(bound.results(), judges[name])
            assert max(errors.values()) <= 1, errors
            contenders[name, engine] = bound
        return contenders[name, engine]

    return contender


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "engine"), CASES)
def test_engine(benchmark, judged, name, engine, mode):
    benchmark.group = f"{name} {mode}"
    call = getattr(judged(name, engine), mode)
    benchmark.pedantic(call, rounds=9, warmup_rounds=1)
