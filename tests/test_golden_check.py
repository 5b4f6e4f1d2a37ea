"""Judging, reporting, and the command: what a backend author sees."""

import json
import math
import re
import sys
from dataclasses import replace
from functools import cache
from xml.etree import ElementTree

import numpy as np
import pytest
from marks import long, once

from localnet import cli
from localnet.golden import Suite, check, export, load_suite
from localnet.golden.adapters import engines
from localnet.golden.case import Cases
from localnet.golden.cases.exactness import exact_spans
from localnet.golden.cases.generate import complete, draw_case, refusals
from localnet.golden.cases.precisions import PRECISIONS
from localnet.golden.cases.specs import Spec
from localnet.golden.judging.backends import from_command, from_name, from_results
from localnet.golden.judging.judge import judge
from localnet.golden.judging.kinds import KINDS
from localnet.golden.judging.trust import doubts
from localnet.golden.matrix import by_hand, kill_matrix, table
from localnet.golden.mutants import MUTANTS
from localnet.golden.references.answers import solve
from localnet.golden.references.connections import VARIANTS
from localnet.golden.references.others import OTHERS
from localnet.golden.render import as_json, as_junit, as_text
from localnet.golden.suite import at_precision
from localnet.interop import convert_kernel

SUITE = load_suite()
FORM = PRECISIONS["float32"]
FEW = ["plain-1d-last", "relu-1d", "sigmoid-float32", "pad-value"]


@cache
def at(precision):
    return SUITE if precision is None else at_precision(SUITE, precision)


@pytest.mark.parametrize(
    "engine", [pytest.param("naive", marks=long), "einsum", "blocked"]
)
@pytest.mark.parametrize("precision", [None, *PRECISIONS])
def test_engines_pass_in_every_precision(engine, precision):
    """And keep nothing between calls: asked of all cases as they are."""
    suite, as_they_are = at(precision), precision is None
    report = check(
        getattr(engines, engine),
        suite,
        precision=precision,
        traces=as_they_are,
        distrust=as_they_are,
    )
    kinds = {case.kind for case in suite.every}
    assert kinds >= ({"layer", *VARIANTS} if precision else set(KINDS))
    assert {r.kind for r in report if r.asked} >= kinds
    skipped = {r.id for r in report if r.status == "SKIP"}
    # Their pads are none of "same".
    odd = {name for name in skipped if not name.startswith("pool-everyday-1-")}
    assert odd <= {"pool-alone-0"}
    assert report.passed, as_text(report)
    assert not any(r.missing for r in report if r.id not in skipped)


def test_precision_casts_what_is_exact_there():
    for precision, form in PRECISIONS.items():
        cases = at(precision).cases
        assert {case.precision for case in cases} == {precision}
        assert {case.x.dtype for case in cases} == {form.holds}
    ids = [{c.id for c in at(p) if c.tier == "exact"} for p in PRECISIONS]
    assert ids[0] > ids[1] > ids[2]
    assert ids[1] > ids[3]
    # bfloat16 has fewer bits than float16, and a wider range.
    assert all(case_id.startswith("range-") for case_id in ids[3] - ids[2])


def test_right_answers():
    verdict = judge([[1.0, -0.0]], np.array([[1.0, 0.0]]), None, FORM)
    assert (verdict.wrong, verdict.reason) == (0, "")
    assert verdict.digits == 24 * math.log10(2)


def test_worst_element():
    want, bound = np.array([1.0, 2.0, 0.0]), np.array([0.5, 0.01, 0.0])
    verdict = judge([1.25, 2.03, 0.0], want, bound, FORM)
    worst = verdict.worst
    assert (worst.index, worst.got, worst.want) == ((1,), 2.03, 2.0)
    assert worst.ratio == pytest.approx(3)
    assert verdict.wrong == 1
    assert verdict.mean == pytest.approx((0.5 + 3) / 2)
    assert verdict.rms == pytest.approx(math.sqrt((0.25 + 9) / 2))
    assert judge([1.25, 2.03, 0.0], want, bound, FORM, scale=4).reason == ""
    assert judge([1.0, 2.0, 1e-30], want, bound, FORM).worst.index == (2,)
    assert verdict.digits == pytest.approx(-math.log10(0.25))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite_is_wrong(value):
    for bound in (None, np.ones(2)):
        verdict = judge([1.0, value], np.ones(2), bound, FORM)
        assert verdict.wrong == 1
        assert verdict.worst.index == (1,)
        assert verdict.digits == 0


def test_shape_and_type():
    assert (
        judge([1.0], np.ones(2), None, FORM).reason == "must have shape (2,), got (1,)"
    )
    assert "real numbers" in judge(["a"], np.ones(1), None, FORM).reason


def raising(error):
    def backend(case):
        raise error

    return backend


@pytest.mark.parametrize(
    ("backend", "status", "reason"),
    [
        (raising(NotImplementedError("no such layer")), "SKIP", "no such layer"),
        (raising(ZeroDivisionError("a\nb")), "FAIL", "ZeroDivisionError: a b"),
        (lambda case: {}, "FAIL", "must give any of y, dx, dkernel, dbias, got none"),
        (
            lambda case: {"dw": 1},
            "FAIL",
            "must give any of y, dx, dkernel, dbias, got dw",
        ),
        (
            lambda case: {"y": None},
            "FAIL",
            "must give any of y, dx, dkernel, dbias, got none",
        ),
    ],
)
def test_statuses(backend, status, reason):
    report = check(backend, cases=["relu-1d"])
    assert [(r.status, r.reason) for r in report] == [(status, reason)]
    assert report.exit_status() == 1  # nothing passed


def forward_only(case):
    return {"y": engines.blocked(case)["y"]}


def test_partial_answers_are_counted():
    report = check(forward_only, cases=FEW)
    assert report.exit_status() == 0
    assert report.exit_status(require_all=True) == 1
    assert "not given by cases that pass: 12" in as_text(report)


def skipping(case):
    if case.id == "relu-1d":
        raise NotImplementedError("no relu")
    return engines.blocked(case)


def test_skips_and_expected_failures():
    report = check(skipping, cases=FEW)
    assert report.exit_status() == 0
    assert report.exit_status(require_all=True) == 1
    assert "SKIP relu-1d: no relu" in as_text(report)

    report = check(MUTANTS["bias ignored"].__call__, cases=FEW, xfail=FEW)
    assert report.count("XFAIL") == 4
    assert report.exit_status() == 1  # nothing passed
    report = check(engines.blocked, cases=FEW, xfail=["relu-1d"])
    assert (report.count("XPASS"), report.exit_status()) == (1, 1)
    with pytest.raises(ValueError, match="did you mean 'relu-1d'"):
        check(engines.blocked, xfail=["relu-1"])


def test_gradients_in_other_layouts():
    def backend(case):
        answers = engines.blocked(case)
        c = case.config
        answers["dkernel_torch"] = convert_kernel(
            answers.pop("dkernel"),
            "keras1",
            "torch",
            input_shape=case.x.shape[1:],
            kernel_size=c["kernel_size"],
            strides=c["strides"],
            padding=c["pads"],
            dilation_rate=c["dilation_rate"],
            data_format=c["data_format"],
        )
        return answers

    report = check(backend, cases=[*FEW, "plain-2d-first", "dilated-pads"])
    assert report.exit_status(require_all=True) == 0


def test_reports_for_machines():
    report = check(MUTANTS["bias ignored"].__call__, cases=FEW, reproduce="again {id}")
    found = json.loads(as_json(report))
    assert found["totals"]["FAIL"] == 4
    assert found["cases"][0]["answers"]["y"]["worst"]["ratio"] == "inf"
    root = ElementTree.fromstring(as_junit(report))
    assert (root.get("tests"), root.get("failures")) == ("4", "4")
    assert "again relu-1d" in as_text(report)
    nasty = check(raising(ValueError("<\x00>&\ud800")), cases=["relu-1d"])
    ElementTree.fromstring(as_junit(nasty))


# What the generator refuses, and what is found in a suite of others -------------------


def planted(**changes):
    case = replace(SUITE["plain-2d-last"], **changes)
    solution = solve(case)
    return [*doubts(case, solution), *refusals(case, solution)]


def test_cases_that_prove_nothing_are_refused():
    case = SUITE["plain-2d-last"]
    assert planted() == []
    shared = np.broadcast_to(case.kernel[:1], case.kernel.shape)
    assert any("shared by all" in reason for reason in planted(kernel=shared))
    assert any(
        "dy is constant" in reason for reason in planted(dy=np.ones_like(case.dy))
    )
    opposed = np.repeat(case.kernel[:, ::2], 2, axis=1)
    opposed[:, 1::2] *= -1
    nothing = {"x": np.ones_like(case.x), "kernel": opposed, "bias": case.bias * 0}
    assert any("are zero" in reason for reason in planted(**nothing))
    assert any("at most 8 bits" in reason for reason in planted(x=case.x * 1001))
    one = SUITE["kernel-1-1d"]
    eye = np.broadcast_to(np.eye(3, dtype="f4"), (6, 3, 3))
    same = replace(one, kernel=eye, bias=one.bias[..., :3] * 0)
    same = replace(same, config={**one.config, "filters": 3}, dy=None, wants=("y",))
    if one.config["filters"] != 3:
        same = replace(same, bias=np.zeros((6, 3), "f4"))
    assert any("y equals x" in reason for reason in doubts(same, solve(same)))


def test_kinks_are_refused():
    kink = SUITE["relu-kink"]
    assert any("on a kink" in r for r in refusals(replace(kink, flags=()), solve(kink)))
    spec = Spec("x", "", (8,), (2,), activation={"name": "relu"}, data="whole bias")
    assert any("kink" in r for r in refusals(draw_case(spec), solve(draw_case(spec))))


def test_a_case_that_cannot_be_exact_is_an_error():
    with pytest.raises(ValueError, match=r"case y must be trustworthy: .* 8 bits"):
        complete(Spec("y", "", (9,), (9,), channels=40))


def test_mistrusted_cases_of_others():
    case = SUITE["plain-1d-last"]
    bad = replace(case, dy=np.ones_like(case.dy))
    report = check(engines.blocked, Suite([bad, SUITE["relu-1d"]], foreign=True))
    assert [r.status for r in report] == ["MISTRUSTED", "PASS"]


def test_only_cases_that_are_asked_for_are_made():
    made = []
    specs = [Spec(name, "", (8,), (2,)) for name in "abc"]
    suite = Suite(Cases(lambda: specs, lambda s: made.append(s.id) or complete(s)))
    assert [outline.id for outline in suite.outlines] == ["a", "b", "c"]
    assert suite["b"] is suite.cases[1] is suite.cases[-2]
    assert made == ["b"]
    report = check(engines.blocked, suite, cases=["c"], precision="float64")
    assert (report.passed, [r.id for r in report], made) == (True, ["c"], ["b", "c"])
    assert [case.id for case in suite] == ["a", "b", "c"]
    assert made == ["b", "c", "a"]


def test_a_case_that_does_not_hold_in_the_precision_is_refused():
    with pytest.raises(ValueError, match="cases must hold in float32, got 'wide-f"):
        check(engines.blocked, cases=["wide-float64"], precision="float32")


def test_exactness_is_recorded():
    for case in SUITE:
        assert bool(case.spans) == (case.tier == "exact")
        if case.spans:
            assert case.spans == exact_spans(case, solve(case))


# The kill matrix ----------------------------------------------------------------------


@once
@pytest.mark.parametrize(
    "part",
    [
        pytest.param(by_hand, id="by hand"),
        # Those that a covering array combined kill no fewer, and take long.
        pytest.param(lambda suite: suite, id="all", marks=long),
    ],
)
def test_every_wrong_backend_is_caught(part):
    precise = ("softmax-first", "linear-27-float64", "linear-27-float16")
    matrix = kill_matrix(
        Suite(
            [
                case
                for case in part(SUITE)
                if case.tier == "exact" or "float32" in case.id or case.id in precise
            ]
        )
    )
    assert len(matrix.mutants) >= 40
    assert [mutant.name for mutant in matrix.survivors()] == []
    assert matrix.accidents == []
    assert all(len(mutant.error) > 20 for mutant in matrix.mutants)
    assert len(list(table(matrix))) == len(matrix.mutants)
    idle = [
        case.id
        for case, column in zip(matrix.cases, matrix.cells.T, strict=True)
        if not np.any(column == 2)
    ]
    assert idle == []


# Commands and folders -----------------------------------------------------------------

PROGRAM = """
import json, pathlib, sys
import numpy as np
case, out = map(pathlib.Path, sys.argv[1:])
config = json.loads((case / "config.json").read_text())
if config["id"] == "relu-1d":
    sys.exit(77)
if config["id"] == "pad-value":
    sys.exit("no such border")
x, w = np.load(case / "x.npy"), np.load(case / "kernel_6d.npy")
y = np.einsum("nokc,okcf->nof", np.stack([x[:, i:i + 3] for i in range(5)], 1), w)
np.save(out / "y.npy", y + np.load(case / "bias_in_y.npy"))
"""


def test_a_program_for_each_case(tmp_path, capsys):
    (tmp_path / "my program.py").write_text(PROGRAM)
    command = f"{sys.executable} '{tmp_path / 'my program.py'}' {{case}} {{out}}"
    words = ["golden", "check", "--command", command]
    for case_id in ("plain-1d-last", "relu-1d", "pad-value"):
        words += ["--case", case_id]
    assert cli.main(words) == 1
    out = capsys.readouterr().out
    assert "SKIP relu-1d" in out
    assert "FAIL pad-value: RuntimeError: exit status 1: no such border" in out
    assert "1 PASS, 1 FAIL, 1 SKIP" in out


def test_command_without_places(tmp_path):
    with pytest.raises(ValueError, match=r"command must have \{out\} in it"):
        from_command("run {case}", tmp_path)


def test_a_folder_of_results(tmp_path):
    for case_id in ("plain-1d-last", "stride-1d-last"):
        (tmp_path / case_id).mkdir()
        for key, value in engines.blocked(SUITE[case_id]).items():
            np.save(tmp_path / case_id / f"{key}.npy", value)
    (tmp_path / "relu-1d").mkdir()
    (tmp_path / "relu-1d" / "SKIP").write_text("later")
    (tmp_path / "stride-1d-last" / "y.npy").write_bytes(b"nonsense")
    cases = ["plain-1d-last", "stride-1d-last", "relu-1d", "pad-value"]
    report = check(from_results(tmp_path), cases=cases)
    assert [r.status for r in report] == ["PASS", "FAIL", "FAIL", "SKIP"]
    assert "y.npy must be a .npy file" in report.results[1].reason


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"backend": 5}, "backend must be a function of a case, got int"),
        ({"suite": 5}, "suite must be a Suite, got int"),
        ({"cases": 5}, "cases must be ids of cases, got 5"),
        ({"cases": [5]}, "cases must be ids of cases"),
        ({"xfail": 5}, "xfail must be ids of cases, got 5"),
        ({"xfail": np.array(2)}, "xfail must be ids of cases, got array(2)"),
    ],
)
def test_arguments_of_other_types_are_named(arguments, words):
    with pytest.raises(TypeError, match=re.escape(words)):
        check(**{"backend": engines.blocked, **arguments})


def test_one_id_alone_is_one_case():
    assert check(engines.blocked, cases="relu-1d").count("PASS") == 1


def test_names_of_backends(tmp_path, monkeypatch):
    (tmp_path / "my_backend_module.py").write_text("class A:\n    f = print\n")
    monkeypatch.chdir(tmp_path)
    assert from_name("my_backend_module:A.f") is print
    for name, words in {
        "nothing": "must be MODULE:FUNCTION",
        "no_such_module_x:f": "can be imported",
        "my_backend_module:g": "must be a function",
    }.items():
        with pytest.raises(ValueError, match=words):
            from_name(name)


BLOCKED = "localnet.golden.adapters.engines:blocked"


def test_command_line(tmp_path, capsys):
    suite = Suite([SUITE[case_id] for case_id in FEW])
    folder = str(export(tmp_path / "suite", suite))
    (tmp_path / "xfail").write_text("relu-1d  # not yet\n\n")
    words = ["golden", "check", BLOCKED, "--suite", folder]
    files = ["--json", str(tmp_path / "j"), "--junit", str(tmp_path / "x")]
    assert cli.main([*words, *files]) == 0
    assert json.loads((tmp_path / "j").read_text())["passed"]
    assert cli.main([*words, "--xfail", str(tmp_path / "xfail")]) == 1
    again = f"again: localnet golden check {BLOCKED} --suite {folder} --case relu-1d"
    assert again in capsys.readouterr().out
    assert cli.main(["golden", "verify", "--suite", folder]) == 0
    assert "4 cases, no answers that differ" in capsys.readouterr().out
    one = ["--case", "relu-1d"]
    assert cli.main(["golden", "verify", "--suite", folder, *one]) == 0
    assert "1 cases, no answers that differ" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["check", "nets"], "backend must be MODULE:FUNCTION, got 'nets'"),
        (["check", "..nets:net"], "backend must be in a module that can be imported"),
        (["check", "json:nope"], "backend must be a function, got 'json:nope'"),
        (["check", "--results", "nope"], "results must be a folder, got 'nope'"),
        (["check", "--command", "x"], "command must have {case} in it, got 'x'"),
        (["check", BLOCKED, "--random", "x"], "random must be a seed >= 0"),
        (["check", BLOCKED, "--xfail", "nope"], "No such file or directory: 'nope'"),
        (["export", "."], "DIR must be a new or empty folder, got '.'"),
        (["export", ".", "--onnx"], "DIR must be a new or empty folder, got '.'"),
    ],
)
def test_wrong_arguments_are_refused_before_any_case_is_made(
    words, sentence, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    loading = "localnet.golden.load_suite"
    monkeypatch.setattr(loading, lambda *_: pytest.fail("it was loaded"))
    assert cli.main(["golden", *words]) == (2 if words[0] == "check" else 1)
    assert sentence in capsys.readouterr().err


def test_other_verbs(tmp_path, capsys):
    assert cli.main(["golden", "list", "--tier", "exact"]) == 0
    lines = capsys.readouterr().out.splitlines()
    every = SUITE.every
    assert len(lines) == sum(case.tier == "exact" for case in every)
    assert cli.main(["golden", "show", "relu-1d"]) == 0
    assert "strides: [1]" in capsys.readouterr().out
    for kind in OTHERS:
        one = next(case.id for case in SUITE.others if case.kind == kind)
        assert cli.main(["golden", "show", one]) == 0
        assert kind in capsys.readouterr().out
    assert cli.main(["golden", "show", "relu-1"]) == 1
    assert "did you mean" in capsys.readouterr().err
    assert cli.main(["golden", "verify", "--case", "relu-1"]) == 1
    assert "--case must be one of the suite, got 'relu-1'" in capsys.readouterr().err
    folder = str(tmp_path / "part")
    assert cli.main(["golden", "export", folder, "--precision", "float16"]) == 0
    assert {case.precision for case in load_suite(folder)} == {"float16"}


@pytest.mark.parametrize(
    "words",
    [
        ["golden"],
        ["golden", "check"],
        ["golden", "check", "a:b", "--results", "x"],
        ["golden", "check", "a:b", "--scale", "0"],
        ["golden", "export", "x", "--layout", "chainer"],
    ],
)
def test_wrong_use(words):
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["no_such_module_x:f"],
        ["localnet.golden.adapters.engines:no_such_function"],
        ["localnet.golden.adapters.engines:blocked", "--suite", "no-such-folder"],
        ["localnet.golden.adapters.engines:blocked", "--case", "no-such-case"],
    ],
    ids=["module", "function", "suite", "case"],
)
def test_wrong_use_is_told_apart_from_a_failing_backend(words, capsys):
    assert cli.main(["golden", "check", *words]) == 2
    assert capsys.readouterr().err.startswith("localnet: ")
