"""Homework grades right answers as right, and wrong ones as wrong."""

import runpy
import shutil
import sys
import types
from pathlib import Path

import pytest

from localnet import cli, homework
from localnet.homework.grading import CHECKS
from localnet.homework.student import fault

ROOT = Path(__file__).parent.parent
SOLUTIONS = ROOT / "teaching" / "solutions"
NAMES = {number: a.name for number, a in homework.ASSIGNMENTS.items()}


@pytest.fixture
def begun(tmp_path):
    """Return what makes the folder of an assignment with a text as homework.py."""

    def begin(number, text=None):
        folder = homework.start(number, tmp_path / f"homework-{number}")
        if text is not None:
            (folder / "homework.py").write_text(text, encoding="utf-8")
        return folder

    return begin


def solution(number):
    return (SOLUTIONS / f"{NAMES[number]}.py").read_text(encoding="utf-8")


def changed(number, old, new):
    text = solution(number)
    assert old in text
    return text.replace(old, new)


def faults(number, text):
    """Return what each check finds wrong with a homework, here and not elsewhere."""
    module = types.ModuleType("homework")
    exec(compile(text, "homework.py", "exec"), module.__dict__)
    return {c.title: fault(c, lambda: module) for c in CHECKS[number]}


@pytest.mark.parametrize("number", NAMES)
def test_solution_earns_all_points(number):
    assert set(faults(number, solution(number)).values()) == {""}
    assert sum(c.points for c in CHECKS[number]) >= 10


@pytest.mark.parametrize("number", NAMES)
def test_solution_passes_the_visible_tests(begun, number, monkeypatch):
    folder = begun(number, solution(number))
    module = types.ModuleType("homework")
    exec(solution(number), module.__dict__)
    monkeypatch.setitem(sys.modules, "homework", module)
    tests = runpy.run_path(str(folder / "test_homework.py"))
    called = [test() for name, test in tests.items() if name.startswith("test_")]
    assert len(called) >= 2


@pytest.mark.parametrize("number", NAMES)
def test_starter_earns_nothing_and_says_so(begun, number):
    starter = (begun(number) / "homework.py").read_text(encoding="utf-8")
    found = faults(number, starter)
    assert all(found.values())
    assert any("not written yet" in reason for reason in found.values())
    assert all(check.hint for check in CHECKS[number])


FORGETS_BIAS = changed(1, "return y + bias", "return y")
WRONG = {
    "bias forgotten": (1, FORGETS_BIAS, {"sequences", "images", "three axes"}),
    "writes into x": (
        1,
        changed(
            1, "sizes = x.shape", "x[:] = np.round(x)\n    x += 1\n    sizes = x.shape"
        ),
        {m.title for m in CHECKS[1]},
    ),
    "wrong shape": (
        1,
        changed(1, "return y + bias", "return (y + bias)[..., 0]"),
        {m.title for m in CHECKS[1]} - {"the inputs stay as they are"},
    ),
    "overwrites": (
        2,
        changed(2, "dx[cells] += ", "dx[cells] = "),
        {"windows that overlap", "dx", "the dot test"},
    ),
    "mean over samples": (
        2,
        changed(2, ".T @ here", ".T @ here / len(x)"),
        {"dkernel", "the dot test"},
    ),
    "two of three": (
        2,
        changed(2, "return dx, dkernel, dy.sum(axis=0)", "return dx, dkernel"),
        {m.title for m in CHECKS[2]},
    ),
    "pads of TensorFlow": (
        3,
        changed(3, "before = kernel_size // 2", "before = (kernel_size - 1) // 2"),
        {"where the pads lie", "padding, against loops"},
    ),
    "adds once": (
        4,
        changed(4, "np.add.at(dkernel, groups, dw)", "dkernel[groups] += dw"),
        {"a shared kernel, backward", "groups that are not neighbours"},
    ),
    "overflows": (
        5,
        changed(
            5, "moved = scores - scores.max(axis=1, keepdims=True)", "moved = scores"
        ),
        {"large scores"},
    ),
    "looks at y alone": (
        6,
        changed(6, "for name in expected)", 'for name in ["y"])'),
        {f"wrong backend {name} is found" for name in "abe"},
    ),
    "says yes": (
        6,
        "def is_right(backend):\n    return True\n",
        {f"wrong backend {name} is found" for name in "abcde"},
    ),
    "says no": (
        6,
        "def is_right(backend):\n    return False\n",
        {m.title for m in CHECKS[6]},
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answer_loses_its_points_and_no_others(name):
    number, text, lost = WRONG[name]
    found = faults(number, text)
    assert {title for title, reason in found.items() if reason} == lost, found


def test_endless_loop_is_stopped(begun):
    folder = begun(1, "while True:\n    pass\n")
    grade = homework.check(folder, limit=1.0)
    assert grade.points == 0
    assert "more than 1 seconds" in grade.marks[0].reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import os\nos._exit(3)\n", "ended Python, with exit status 3"),
        ("def local_forward(:\n", "SyntaxError"),
        ("import no_such_module_here\n", "ModuleNotFoundError"),
        ("\n\ndef local_forward(*a):\n    return a[9]\n", "line 4 of homework.py"),
        ("def local_forward(*a):\n    print('noise')\n", "has the function a return?"),
    ],
)
def test_broken_code_is_explained(begun, text, reason):
    grade = homework.check(begun(1, text), limit=30)
    assert reason in grade.marks[0].reason


def test_command_line(begun, tmp_path, capsys):
    assert cli.main(["homework", "list"]) == 0
    assert capsys.readouterr().out.count("points, after lesson") == 6
    folder = tmp_path / "one"
    assert cli.main(["homework", "start", "1", str(folder)]) == 0
    assert "localnet homework check" in capsys.readouterr().out
    shutil.copy(SOLUTIONS / "forward.py", folder / "homework.py")
    assert cli.main(["homework", "check", str(folder)]) == 0
    assert "10 of 10 points" in capsys.readouterr().out
    (folder / "homework.py").write_text(FORGETS_BIAS, encoding="utf-8")
    assert cli.main(["homework", "check", str(folder)]) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["start", "7", "{new}"], "number must be an integer >= 1 and <= 6, got 7"),
        (["start", "1", "{full}"], "folder must be new or empty"),
        (
            ["check", "{full}"],
            "folder must be one that `localnet homework start` wrote",
        ),
        (["check", "{new}"], "folder must be one that `localnet homework start` wrote"),
    ],
)
def test_what_is_refused(tmp_path, capsys, arguments, sentence):
    full = tmp_path / "full"
    full.mkdir()
    (full / "notes.txt").write_text("mine", encoding="utf-8")
    words = [w.format(new=tmp_path / "new", full=full) for w in arguments]
    assert cli.main(["homework", *words]) in (1, 2)
    assert sentence in capsys.readouterr().err
    assert [file.name for file in full.iterdir()] == ["notes.txt"]


def test_solutions_are_not_in_the_package():
    assert not list((ROOT / "localnet").rglob("*solution*"))
