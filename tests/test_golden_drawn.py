"""Problems of one's own and drawn ones, what failures have in common, and new doors."""

import importlib.util
import json
import math
import shlex
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from localnet import cli
from localnet.golden import Suite, check, export, load_suite, problem
from localnet.golden.adapters import engines
from localnet.golden.drawn import Drawn
from localnet.golden.explain import explain
from localnet.golden.features import features
from localnet.golden.files.layouts import bfloat16_bits
from localnet.golden.files.onnx_tests import export_onnx
from localnet.golden.judging.backends import from_results
from localnet.golden.mutants import MUTANTS
from localnet.golden.problems import problem_from
from localnet.golden.references.connections import VARIANTS
from localnet.golden.references.verify import differences
from localnet.golden.render import as_text

SUITE = load_suite()
KINDS = ("layer", *VARIANTS)
PLAIN = [f"plain-{n}d-{end}" for n in "123" for end in ("last", "first")]
EXAMPLE = Path(__file__).parent.parent / "docs" / "examples" / "golden" / "tiled.py"


def right(case):
    return dict(engines.blocked(case))


def tail_of_tiles(case, tile=8):
    """Leave out locations behind the last full tile."""
    answers = right(case)
    first = case.config["data_format"] == "channels_first"
    y = np.moveaxis(answers["y"], 1, -1) if first else answers["y"]
    flat = np.array(y).reshape(len(y), -1, y.shape[-1])
    if flat.shape[1] > tile:
        flat[:, flat.shape[1] // tile * tile :] = 0
    y = flat.reshape(y.shape)
    return {**answers, "y": np.moveaxis(y, -1, 1) if first else y}


# Problems -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"precision": "bfloat16"},
        {"tier": "bounded", "activation": "tanh", "precision": "float64"},
        {"activation": {"name": "leaky_relu", "alpha": 0.25}, "bias": False},
        {"kind": "shared", "share": 2},
        {"kind": "conv", "groups": 2},
        {"kind": "low_rank", "rank": 3, "untied": True},
        {"kind": "transposed", "strides": 2, "output_padding": 1},
        {"data_format": "channels_first", "pads": ((2, 1),), "pad_value": -1},
    ],
)
def test_a_problem_is_a_right_case(more):
    case = problem(7, 3, seed=5, **more)
    assert differences(case) == []
    assert check(engines.naive, Suite([case])).passed
    again = problem(7, 3, seed=5, **more)
    other = problem(7, 3, seed=6, **more)
    assert np.array_equal(case.x, again.x)
    assert not np.array_equal(case.x, other.x)
    assert again.id == case.id
    longer = problem(8, 3, seed=5, **more)
    assert len({case.id, other.id, longer.id}) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"sizes": 2, "kernel_size": 3}, "kernel_size must leave an output location"),
        ({"sizes": 0, "kernel_size": 1}, "sizes must"),
        ({"sizes": 4, "kernel_size": 2, "groups": 2}, "groups must not be given"),
        ({"sizes": 4, "kernel_size": 2, "kind": "conv", "share": 0}, "share must"),
        ({"sizes": 4, "kernel_size": 2, "kind": "pool"}, "kind must be one of"),
        ({"sizes": 4, "kernel_size": 2, "precision": "int8"}, "precision must be"),
        ({"sizes": 4, "kernel_size": 2, "seed": -1}, "seed must"),
        ({"sizes": 4, "kernel_size": 2, "channels": 2**31}, "at most 16777216 cells"),
        ({"sizes": 4, "kernel_size": 2, "pads": (2**31, 0)}, "at most 16777216 cells"),
        (
            {"sizes": 2**31, "kernel_size": 1, "strides": 2**30},
            "at most 16777216 cells",
        ),
        (
            {"sizes": 4, "kernel_size": 2, "kind": "low_rank", "rank": 2**31},
            "at most 1",
        ),
        ({"sizes": 90, "kernel_size": 90, "precision": "bfloat16"}, "at most 8 bits"),
    ],
)
def test_what_is_no_problem_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words) as caught:
        problem(**arguments)
    assert len(caught.value.args) == 1


@pytest.mark.parametrize(
    "text", ["4, 2", "sizes=(4,), kernel_size=2, x=open('a')", "sizes=(", "a b", "z=1"]
)
def test_lines_that_are_no_problem_run_nothing(text):
    with pytest.raises(ValueError, match="problem must be arguments by name"):
        problem_from(text)


def test_drawn_problems_are_exact_and_varied():
    cases = [problem_from(line) for line in _lines(Drawn.of("11:60", KINDS, "float32"))]
    again = list(_lines(Drawn.of("11:60", KINDS, "float32")))
    assert again == list(_lines(Drawn.of("11:60", KINDS, "float32")))
    assert {case.tier for case in cases} == {"exact"}
    assert {case.kind for case in cases} == set(KINDS)
    assert {len(case.config["input_sizes"]) for case in cases} == {1, 2, 3}
    assert {case.config["data_format"] for case in cases} == {
        "channels_first",
        "channels_last",
    }
    assert max(math.prod(case.config["output_sizes"]) for case in cases) > 32
    assert max(case.config["filters"] for case in cases) > 16


def _lines(drawn):
    from localnet.golden.drawn import _line

    return [_line(spec, drawn.seed) for spec in drawn.specs()]


@pytest.mark.parametrize("seed", ["x", "-1", "1:0", "1:x", ":", True, 1.5])
def test_seeds_are_checked_before_any_work(seed):
    with pytest.raises(ValueError, match="random must be a seed >= 0") as caught:
        check(right, cases=["plain-1d-last"], random=seed)
    assert len(caught.value.args) == 1


def test_the_first_failure_is_shrunk_and_can_be_made_again():
    report = check(tail_of_tiles, cases=["plain-1d-last"], random="3:40")
    failed = [r for r in report if r.status == "FAIL" and r.id.startswith("random")]
    small = [result for result in failed if result.id.endswith("shrunk")]
    assert len(failed) > 3
    assert len(small) == 1
    case = problem_from(small[0].again)
    sizes = case.config
    assert math.prod(sizes["output_sizes"]) == 9  # the least with a tail
    assert (sizes["batch"], sizes["channels"], sizes["filters"]) == (1, 1, 1)
    assert sizes["kernel_size"] == [1] * len(sizes["kernel_size"])
    assert case.dy is None
    assert not check(tail_of_tiles, Suite([case])).passed
    for result in failed:
        assert not check(tail_of_tiles, Suite([problem_from(result.again)])).passed
    assert f"problem({small[0].again})" in as_text(report)


# Explanations -------------------------------------------------------------------------


def explained(backend, cases=(), distrust=False):
    report = check(backend, Suite(SUITE.cases), cases=cases, distrust=distrust)
    return explain(report, mutants=False)


@cache
def known(case):
    """Return right answers to a case of the suite itself, which a check hands over."""
    return right(case)


def without_gradient_of_pads(case):
    answers = dict(known(case))
    if any(map(any, case.config["pads"])) and "dx" in answers:
        answers["dx"] = answers["dx"] * 2 + 1
    return answers


@pytest.mark.parametrize(
    ("has", "words"),
    [
        (lambda c: c.config["data_format"] == "channels_first", "channels_first"),
        (lambda c: len(c.config["input_sizes"]) == 3, "3 axes"),
        (lambda c: c.bias is None, "no bias"),
        (lambda c: max(c.config["dilation_rate"]) > 1, "dilation"),
        (lambda c: c.precision == "float16", "precision float16"),
        (lambda c: c.config["filters"] % 4 != 0, "F not a multiple of 4"),
    ],
)
def test_the_rule_is_found(has, words):
    def backend(case):
        answers = dict(known(case))
        return {**answers, "y": -1 - 2 * answers["y"]} if has(case) else answers

    rule = explained(backend)[1]
    count = sum(map(has, SUITE))
    assert rule == (
        f"fails: every case with {words} ({count}); "
        f"passes: every case without ({len(SUITE) - count})"
    )


def test_a_rule_of_two_properties():
    def backend(case):
        c, answers = case.config, dict(known(case))
        wrong = max(c["strides"]) > 1 and c["data_format"] == "channels_first"
        return {**answers, "y": 1 - answers["y"]} if wrong else answers

    rule = explained(backend)[1]
    assert "every case with channels_first and strides above 1" in rule


def test_which_answers_are_wrong_and_the_smallest_case():
    lines = explained(without_gradient_of_pads)
    assert lines[2] == "wrong: dx; always right: y, dkernel, dbias"
    failed = [case for case in SUITE if any(map(any, case.config["pads"]))]
    smallest = min(failed, key=lambda case: case.kernel.size * len(case.x))
    assert smallest.kernel.size * len(smallest.x) >= 1
    assert lines[0].startswith("smallest that fails: ")
    assert "dx" in lines[0]


def test_a_known_error_is_recognised():
    ids = [*PLAIN, "stride-2d-last", "stride-2d-first", "no-bias-1d", "relu-1d"]
    lines = explain(check(MUTANTS["bias ignored"].__call__, cases=ids))
    assert lines[3].startswith("looks like: bias ignored (100% alike)")


def test_an_error_that_is_half_alike_is_no_hint():
    """Rows of dkernel beyond the last whole block of 4 locations are 0."""

    def tail(case):
        answers = dict(right(case))
        if "dkernel" in answers:
            answers["dkernel"] = answers["dkernel"].copy()
            answers["dkernel"][len(case.kernel) // 4 * 4 :] = 0
        return answers

    ids = [outline.id for outline in load_suite().outlines[:120]]
    lines = explain(check(tail, cases=ids, distrust=False))
    assert not any(line.startswith("looks like") for line in lines)
    table = [line.rsplit(maxsplit=6) for line in lines if " of " in line[-30:]]
    for *_, hit, _, having, miss, _, lacking in table:
        if hit.isdigit() and miss.isdigit():
            assert int(hit) / int(having) > int(miss) / int(lacking)


def test_a_right_backend_has_its_limits_explained():
    lines = explained(engines.blocked, PLAIN)
    assert len(lines) == 2
    assert lines[0].startswith("passed up to: L ")
    assert "in bfloat16" in lines[0]
    assert lines[1].startswith("not shown: any larger size")
    forward = explained(lambda case: {"y": right(case)["y"]}, PLAIN)
    assert "dx where it was not given" in forward[-1]
    failing = explained(lambda case: {}, PLAIN)
    assert failing[1] == "fails: every case (6)"
    assert failing[-1] == "shown: nothing passed"


def test_state_is_explained_as_state():
    memory = {}

    def buffered(case):
        for key, value in right(case).items():
            memory.setdefault((key, value.shape, value.dtype), value.copy())[...] = (
                value
            )
        return {
            key: memory[key, value.shape, value.dtype]
            for key, value in right(case).items()
        }

    lines = explained(buffered, PLAIN, distrust=True)
    assert lines[2].startswith("wrong: what the backend keeps between calls")


def test_properties_are_those_of_some_cases_and_not_of_all():
    found = features(SUITE)
    assert all(column.any() and not column.all() for column in found.values())
    assert next(iter(found)) == "channels_first"


def tiled():
    spec = importlib.util.spec_from_file_location("tiled_example", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_has_its_error_found_in_three_lines():
    module = tiled()
    lines = explained(module.backend)[:3]
    assert f"L not a multiple of {module.TILE} and L above" in lines[1]
    assert lines[2] == "wrong: y"
    report = check(module.repaired, Suite(SUITE.cases))
    assert report.passed, as_text(report)
    assert report.count("PASS") > 100


# The command line ---------------------------------------------------------------------

BLOCKED = "localnet.golden.adapters.engines:blocked"


def test_options_of_the_command(capsys):
    words = ["golden", "check", BLOCKED, "--case", "plain-1d-last", "--random", "7:3"]
    assert cli.main([*words, "--explain", "--rejects", "--stress"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("passed up to: L ")
    assert "166 PASS" in out  # the case, three drawn ones, and those of the two options
    line = 'sizes=(4,), kernel_size=(2,), data_format="channels_first", seed=3'
    words = ["golden", "check", BLOCKED, "--problem", line]
    assert cli.main([*words, "--verbose"]) == 0
    assert "PASS problem-3" in capsys.readouterr().out


def test_a_command_that_runs_again_is_printed(tmp_path, monkeypatch, capsys):
    (tmp_path / "my_tiles.py").write_text(
        "from localnet.golden.adapters import engines\n"
        "def wrong(case):\n"
        "    answers = dict(engines.blocked(case))\n"
        "    if case.config['filters'] > 4: answers['y'] = answers['y'] + 1\n"
        "    return answers\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    words = ["golden", "check", "my_tiles:wrong", "--random", "2:30"]
    assert cli.main([*words, "--case", "plain-1d-last"]) == 1
    lines = capsys.readouterr().out.splitlines()
    at = next(i for i, line in enumerate(lines) if "-shrunk:" in line)
    again = next(line for line in lines[at:] if line.startswith("  again: localnet"))
    command = shlex.split(again.removeprefix("  again: localnet "))
    assert cli.main(command) == 1
    assert "1 FAIL" in capsys.readouterr().out
    sys.modules.pop("my_tiles", None)


PROGRAM = """
import json, pathlib, sys
import numpy as np
case, out = map(pathlib.Path, sys.argv[1:])
config = json.loads((case / "config.json").read_text())
if len(config["strides"]) > 1 or config["activation"]["name"] != "linear":
    sys.exit(77)
np.save(out / "y.npy", np.zeros(np.load(case / "x.npy").shape[0]))
"""


def test_programs_get_drawn_problems_too(tmp_path, capsys):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = f"{sys.executable} {tmp_path / 'program.py'} {{case}} {{out}}"
    words = ["golden", "check", "--command", command, "--random", "1:4"]
    assert cli.main([*words, "--case", "plain-2d-last"]) == 1
    out = capsys.readouterr().out
    assert "SKIP plain-2d-last" in out
    assert "must have shape" in out or "SKIP random-1-0" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--json", "no-such-folder/x"],
            "--json must be a file in a folder that exists",
        ),
        (["--junit", "."], "--junit must be a file in a folder that exists"),
        (["--xfail", "no-such-file"], "no-such-file"),
        (["--random", "x"], "random must be a seed >= 0"),
        (["--problem", "x=1"], "problem must be arguments by name"),
    ],
)
def test_words_are_checked_before_any_case_is_run(words, sentence, capsys):
    assert cli.main(["golden", "check", "golden_never:run", *words]) == 2
    error = capsys.readouterr().err
    assert sentence in error or "golden_never" in error
    assert cli.main(["golden", "check", BLOCKED, *words]) == 2
    assert sentence in capsys.readouterr().err


def test_results_can_be_asked_nothing_new(tmp_path, capsys):
    words = ["golden", "check", "--results", str(tmp_path)]
    for option in (["--stress"], ["--random", "1"], ["--rejects"]):
        assert cli.main([*words, *option]) == 2
        assert f"{option[0]} must be given without --results" in capsys.readouterr().err


# ONNX ---------------------------------------------------------------------------------


def test_bits_of_bfloat16():
    values = np.array([1.0, -2.0, 0.0, 3.140625, 1 + 2**-8, 1 + 3 * 2**-8], "f4")
    back = (bfloat16_bits(values).astype("u4") << 16).view("f4")
    assert back.tolist() == [1.0, -2.0, 0.0, 3.140625, 1.0, 1 + 2**-6]


def test_bfloat16_as_uint16_beside_float32(tmp_path):
    suite = Suite([SUITE["plain-1d-last"], SUITE["sigmoid-float32"]])
    folder = export(tmp_path / "suite", suite, layouts=["uint16"])
    case = SUITE["plain-1d-last"]
    for name in ("x", "kernel", "bias", "bias_in_y", "dy"):
        bits = np.load(folder / "cases" / case.id / f"{name}_uint16.npy")
        back = (bits.astype("u4") << 16).view("f4")
        assert np.array_equal(back, getattr(case, name))
    assert not list((folder / "cases" / "sigmoid-float32").glob("*uint16*"))
    assert [c.id for c in load_suite(folder)] == [c.id for c in suite]
    answers = tmp_path / "answers" / case.id
    answers.mkdir(parents=True)
    for key, value in right(case).items():
        np.save(answers / f"{key}_uint16.npy", bfloat16_bits(value))
    results = from_results(tmp_path / "answers")
    assert check(results, Suite([case])).exit_status(require_all=True) == 0
    np.save(answers / "y_uint16.npy", np.zeros(3))
    assert "must hold uint16" in check(results, Suite([case])).results[0].reason


def test_node_tests_hold_in_the_reference_of_onnx(tmp_path):
    onnx = pytest.importorskip("onnx")
    from onnx import numpy_helper
    from onnx.reference import ReferenceEvaluator

    ids = [*PLAIN, "pad-value", "relu-1d", "sigmoid-float32", "wide-float32"]
    suite = Suite([SUITE[name] for name in ids])
    folder, count = export_onnx(tmp_path / "onnx", suite)
    tests = sorted((folder / "localnet").iterdir())
    assert len(tests) == count == len(ids)
    for test in tests:
        model = onnx.load(test / "model.onnx")
        onnx.checker.check_model(model)
        data = test / "test_data_set_0"
        arrays = [
            numpy_helper.to_array(onnx.load_tensor(data / f"input_{i}.pb"))
            for i in range(len(model.graph.input))
        ]
        names = [entry.name for entry in model.graph.input]
        (y,) = ReferenceEvaluator(model).run(
            None, dict(zip(names, arrays, strict=True))
        )
        want = numpy_helper.to_array(onnx.load_tensor(data / "output_0.pb"))
        limits = json.loads((test / "data.json").read_text())
        np.testing.assert_allclose(y, want, **limits)
        assert limits["rtol"] == 0
        assert (limits["atol"] == 0) == ("sigmoid" not in test.name)


def test_node_tests_need_onnx(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match="pip install onnx"):
        export_onnx(tmp_path / "x")
    assert list(tmp_path.iterdir()) == []
