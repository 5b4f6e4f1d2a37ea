"""The backends in C and JavaScript of the documentation, built and run as it says."""

import shutil
import subprocess
from pathlib import Path

import pytest
from marks import WHOLE, once

from localnet.golden import check, export, load_suite
from localnet.golden.judging import backends

pytestmark = once
EXAMPLES = Path(__file__).parent.parent / "docs" / "examples" / "golden"
# A process of Node takes a tenth of a second: one case for each thing to get wrong.
FEW = [
    "plain-1d-last",
    "plain-2d-first",
    "plain-3d-first",
    "stride-2d-last",
    "stride-gap",
    "same-2d-last",
    "pads-uneven-first",
    "pad-value-first",
    "dilated-pads",
    "no-bias-2d",
    "relu6-2d-first",
    "leaky-relu-1d",
    "wide-float16",
    "linear-27-float64",
    "linear-27-bfloat16",
    "selu-float32",
    "mish-float64",
    "gelu-float64",
    "relu-all",
    "elu-half-float32",
    "windows-13",
]


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """Write the suite once."""
    return export(tmp_path_factory.mktemp("golden") / "suite")


@pytest.fixture(scope="module", params=["double", "float"])
def in_c(request, tmp_path_factory):
    """Compile the C example, without a warning."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")
    program = tmp_path_factory.mktemp("c") / "backend"
    strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
    real = [f"-DREAL={request.param}"]
    source = str(EXAMPLES / "backend.c")
    subprocess.run(
        [compiler, *strict, "-O2", *real, "-o", str(program), source, "-lm"], check=True
    )
    return request.param, program


def ids(report, status):
    return {result.id for result in report if result.status == status}


def assert_all_but(report, expected):
    """Every answer of every plain layer is right, and only these are skipped."""
    every = load_suite()
    assert report.not_asked().total() == len(every.variants) + len(every.others)
    assert ids(report, "FAIL") == set()
    assert {r.id for r in report if r.status == "SKIP" and r.asked} == expected
    assert not any(r.missing for r in report if r.status == "PASS")
    assert report.passed


def with_activation(*names):
    return {c.id for c in load_suite() if c.config["activation"]["name"] in names}


def test_c_passes_every_case(in_c, suite):
    real, program = in_c
    backend = backends.from_command(f"{program} {{case}} {{out}}", suite)
    expected = with_activation("softmax", "log_softmax") | {
        c.id for c in load_suite() if c.config["activation"].get("approximate")
    }
    if real == "float":
        expected |= {case.id for case in load_suite() if case.precision == "float64"}
    assert_all_but(check(backend), expected)


def test_javascript_passes_every_case(suite):
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node")
    command = f"{node} {EXAMPLES / 'backend.mjs'} {{case}} {{out}}"
    backend = backends.from_command(command, suite)
    cases = {case.id for case in load_suite()} if WHOLE else set(FEW)
    expected = with_activation("gelu", "softmax", "log_softmax") & cases
    assert expected
    cases |= {case.id for case in load_suite().every if case.kind != "layer"}
    assert_all_but(check(backend, cases=cases), expected)
