"""The script that holds other libraries to the golden suite, without the libraries."""

import importlib
from pathlib import Path

import pytest

from localnet.golden import load_suite
from localnet.golden.judging import backends

ROOT = Path(__file__).parent.parent


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("golden_peers")


def case(status, worst=0.5, mean=0.25, digits=6.0):
    answer = {"worst": {"ratio": worst}, "mean": mean, "digits": digits}
    return {
        "id": "linear-27-float32",
        "tier": "bounded",
        "precision": "float32",
        "status": status,
        "answers": {"y": answer},
    }


def test_every_backend_is_a_function(script):
    for peer in (*script.PEERS, *script.GPU_PEERS, *script.TF32_PEERS):
        assert callable(backends.from_name(f"{script.ADAPTERS}.{peer.backend}"))


def test_what_is_known_to_fail_is_a_case_of_one_precision(script):
    # An exact case is held in its own precision and wider ones, and there is none.
    one = {
        case.id
        for case in load_suite().outlines
        if case.tier == "bounded" or case.precision == "float64"
    }
    for peer in (*script.PEERS, *script.GPU_PEERS, *script.TF32_PEERS):
        assert one.issuperset((*peer.known_to_fail, *peer.may_fail))


def test_keras_is_known_to_fail_every_gelu_of_float64_that_it_has(script):
    suite = load_suite()
    has = {
        spec.id
        for spec in (*suite.cases.outlines, *suite.variants.outlines)
        if (spec.precision, spec.activation["name"]) == ("float64", "gelu")
        and spec.kind in ("layer", "conv")
        and len(spec.sizes) < 3
        and set(spec.dilation_rate) <= {1}
    }
    # Far below 0 the formula by tanh gives 0, whatever its constant.
    level = "gelu-by-tanh-below-6-float64"
    assert set(script.GELU) == has - {level, f"conv-{level}"}


def test_the_documentation_shows_every_backend(script):
    shown = (ROOT / "docs" / "golden-peers.inc").read_text()
    for peer in script.PEERS:
        # Once among the counts and once among the accuracies.
        assert shown.count(f"   * - {peer.name}\n") == 2


@pytest.mark.parametrize(
    ("statuses", "passes"),
    [
        (["PASS", "SKIP", "XFAIL"], True),
        (["PASS", "FAIL"], False),
        (["PASS", "XPASS"], False),
        (["PASS", "MISTRUSTED"], False),
    ],
)
def test_only_tf32_must_fail(script, statuses, passes):
    cases = [case(status) for status in statuses]
    assert script.Held(script.PEERS[0], "", cases).as_expected is passes
    assert script.Held(script.TF32_PEERS[0], "", cases).as_expected is not passes


def test_accuracy_is_that_of_what_passed(script):
    cases = [case("PASS", 0.99996), case("PASS", 0.2, 0.75, -0.0), case("FAIL", 9.0)]
    held = script.Held(script.PEERS[0], "numpy 2", cases)
    assert held.accuracy("float32") == "1.0000, 0.500, 0.0"
    assert held.accuracy("float16") == "none"


def test_tables(script):
    text = script.render([script.Held(script.PEERS[0], "numpy 2", [case("PASS")])])
    counts = ["localnet, blocked", "numpy 2", "1", "0", "0", "0"]
    accuracies = ["localnet, blocked", "none", "0.5000, 0.250, 6.0", "none", "none"]
    for row in (counts, accuracies):
        assert "   * - " + "\n     - ".join(row) + "\n" in text
    assert text.count(".. list-table:: ") == 2
