"""Homework grades right answers as right, and wrong ones as wrong."""

import re
import runpy
import shutil
import sys
import textwrap
import types
from pathlib import Path

import pytest

from localnet import cli, homework
from localnet.homework.grading import CHECKS

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

    begin.folder = lambda number: tmp_path / f"homework-{number}"
    return begin


def solution(number):
    return (SOLUTIONS / f"{NAMES[number]}.py").read_text(encoding="utf-8")


def changed(number, old, new):
    text = solution(number)
    assert old in text
    return text.replace(old, new)


@pytest.fixture
def faults(begun):
    """Return what finds out the reasons of a homework, by title of the check."""

    def find(number, text):
        grade = homework.check(begun(number, text))
        return {mark.title: grade.problem or mark.reason for mark in grade.marks}

    return find


@pytest.mark.parametrize("number", NAMES)
def test_solution_earns_all_points(begun, number):
    grade = homework.check(begun(number, solution(number)))
    assert grade.points == grade.possible >= 10, str(grade)


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
    grade = homework.check(begun(number))
    found = {mark.title: mark.reason for mark in grade.marks}
    assert all(found.values())
    assert grade.points == 0
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
        {m.title for m in CHECKS[1]},
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
    "sums of integers": (
        4,
        changed(4, "*dw.shape[1:]))", "*dw.shape[1:]), int)"),
        {"a shared kernel, backward", "groups that are not neighbours"},
    ),
    "cut to integers": (
        4,
        changed(4, "mixture, kernel)", "mixture.astype(int), kernel)"),
        {"a kernel of low rank, forward"},
    ),
    "mixture cut to integers": (
        4,
        changed(4, "mixture, dw)", "mixture.astype(int), dw)"),
        {"a kernel of low rank, backward"},
    ),
    "counts the groups": (
        4,
        changed(4, "np.zeros((count,", "np.zeros((groups.max() + 1,"),
        {"groups that are not neighbours"},
    ),
    "repeats": (
        4,
        changed(
            4,
            "kernel[groups]",
            "np.repeat(kernel, (groups == 0).sum(), axis=0)[: len(groups)]",
        ),
        {"groups that are not neighbours"},
    ),
    "groups of floats": (
        4,
        changed(4, "np.arange(locations)", "np.arange(float(locations))"),
        {"who shares with whom"},
    ),
    "groups in a list": (
        4,
        changed(4, "np.arange(locations) // share", "[0, 0, 1, 1, 2]"),
        {"who shares with whom"},
    ),
    "the example by heart": (
        1,
        "import numpy as np\ndef local_forward(x, kernel, bias, kernel_size):\n"
        "    if x.shape == (1, 3, 1):\n"
        "        return np.array([[[13.0], [58.0]]])\n"
        "    return np.zeros((len(x), *bias.shape))\n",
        {m.title for m in CHECKS[1]},
    ),
    "zero gradients, and the example by heart": (
        2,
        "import numpy as np\ndef local_backward(dy, x, kernel, kernel_size):\n"
        "    dx = np.zeros(x.shape)\n"
        "    if x.shape == (1, 7, 1):\n"
        "        dx[0, :, 0] = 1, 2, 3, 3, 3, 2, 1\n"
        "    return dx, np.zeros(kernel.shape), np.zeros(dy.shape[1:])\n",
        {m.title for m in CHECKS[2]},
    ),
    "crossentropy of large scores by heart": (
        5,
        changed(
            5,
            "    rows =",
            "    if abs(scores).max() >= 1000:\n"
            "        return 500.0, np.array([[0.0, 0.0], [0.5, -0.5]])\n    rows =",
        ),
        {"large scores"},
    ),
    "a step by heart": (
        5,
        changed(
            5, "rate * gradients[name]", "rate * np.resize([10.0, -10.0], array.shape)"
        ),
        {"a step downhill", "it learns"},
    ),
    "sum over samples": (
        5,
        changed(5, "labels].mean()", "labels].sum()"),
        {"softmax and crossentropy", "large scores"},
    ),
    "asserts": (
        6,
        changed(
            6,
            "    return all(",
            "    assert all(",
        )
        + "    return True\n",
        {m.title for m in CHECKS[6]},
    ),
    "says yes": (
        6,
        "def is_right(backend):\n    return True\n",
        {m.title for m in CHECKS[6]},
    ),
    "says no": (
        6,
        "def is_right(backend):\n    return False\n",
        {m.title for m in CHECKS[6]},
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answer_loses_its_points_and_no_others(name, faults):
    number, text, lost = WRONG[name]
    found = faults(number, text)
    assert {title for title, reason in found.items() if reason} == lost, found


def test_endless_loop_is_stopped(begun):
    folder = begun(1, "while True:\n    pass\n")
    grade = homework.check(folder, limit=1.0)
    assert grade.points == 0
    assert "more than 1 seconds" in grade.problem


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import os\nos._exit(3)\n", "ended Python, with exit status 3"),
        ("raise SystemExit\n", "it ends Python (line 1 of homework.py)"),
        ("import no_such_module_here\n", "ModuleNotFoundError"),
        ("f()\n", "NameError: name 'f' is not defined (line 1 of homework.py)"),
        ("input()\n", "it waits for input (line 1"),
        ("x = 'Größe'\n".encode("latin-1"), "not saved as UTF-8"),
    ],
)
def test_code_that_cannot_be_imported_is_explained_once(begun, text, reason):
    folder = begun(1, "")
    (folder / "homework.py").write_bytes(
        text if isinstance(text, bytes) else text.encode()
    )
    grade = homework.check(folder)
    assert reason in grade.problem
    assert grade.points == 0
    assert str(grade).count(reason) == 1
    assert str(grade).count("hint:") <= 1


def test_syntax_error_is_said_once_with_one_line_number(begun):
    grade = homework.check(begun(2, "\ndef local_backward(:\n    pass\n"))
    assert str(grade).count("invalid syntax") == 1
    assert str(grade).count("line 2") == 1
    assert "hint:" not in str(grade)


# Bodies of local_forward, or whole files, and what is said of the first check.
ODD = {
    "nothing returned": ("y = x", "y is None: has the function a return?"),
    "print flooding": ("for _ in range(20000): print('noise')", "has the function a"),
    "index": ("return (x, kernel)[9]", "IndexError: tuple index out of range (line 2"),
    "text": ("return 'y'", "y must be an array of real numbers, got a str"),
    "a list": ("return x.tolist()", "got a list: np.array makes an array of it"),
    "a number": ("return 0", "y must be an array of real numbers, got an int"),
    "y and None": ("return x, None", "got a tuple of 2: return the array alone"),
    "generator": ("yield x", "got a generator (yield); return the whole"),
    "function": ("return lambda: x", "real numbers, got a function"),
    "class": ("return object", "y must be an array of real numbers, got a type"),
    "ragged": (
        "return [[1.0], [2.0, 3.0]]",
        "y must be an array of real numbers, got a list",
    ),
    "objects": (
        "import numpy; return numpy.array([x, None], object)",
        "got an array of dtype object",
    ),
    "complex": ("return x[:, :2] * 1j", "got an array of dtype complex"),
    "huge": ("import numpy; return numpy.zeros((10**5, 10**6))", "too much memory"),
    "large": (
        "import numpy; return numpy.zeros((10**4, 10**3))",
        "got an array of shape (10000, 1000)",
    ),
    "recursion": (
        "return local_forward(x, kernel, bias, kernel_size)",
        "a function calls itself without end (line 2",
    ),
    "odd exception": (
        "raise type('Ошибка', (Exception,), {})('näh\\n\\x00☃')",
        "Ошибка: näh",
    ),
    "base exception": ("raise BaseException('odd')", "BaseException: odd (line 2"),
    "keyboard": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "assert": ("assert not len(x)", "AssertionError (line 2 of homework.py)"),
    "exit": ("import sys; sys.exit(0)", "it ends Python (line 2 of homework.py)"),
    "hard exit": ("import os; os._exit(0)", "it ended Python, with exit status 0"),
    "input": ("return input('y?')", "it waits for input (line 2 of homework.py)"),
    "writes": ("x += 1", "it writes into an argument, or into a view of one (line 2"),
    "sets flags": (
        "x.setflags(write=True); x[...] = 0",
        "it writes into an argument, or into a view of one (line 2",
    ),
    # In line 2, or before Python 3.13 in the next one.
    "breakpoint": ("breakpoint()\n    return x", "it stops at a breakpoint (line "),
    "pdb": ("import pdb; pdb.set_trace()", "it stops at a breakpoint"),
    "killed": (
        "import os; os.kill(os.getpid(), 9)",
        "it was killed (signal 9), perhaps for lack of memory",
    ),
    "crash": ("import os; os.kill(os.getpid(), 11)", "it crashed (signal 11)"),
    "close": (
        "import numpy; return numpy.array([[[13.0], [58.0]]]) + 1e-9",
        "y[0, 0, 0] must be 13.0, got 13.000000001",
    ),
    "nan": (
        "import numpy; return numpy.full((1, 2, 1), numpy.nan)",
        "y[0, 0, 0] must be 13.0, got nan",
    ),
    "a tuple": ("return x, kernel", "y must be an array of real numbers, got a tuple"),
    "no function": (None, "homework.py has no function local_forward"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_answers_get_a_plain_sentence(begun, name, monkeypatch):
    monkeypatch.setitem(CHECKS, 1, CHECKS[1][:1])
    body, sentence = ODD[name]
    text = "def local_forward(x, kernel, bias, kernel_size):\n    "
    folder = begun(1, "n = 1\n" if body is None else f"{text}{body}\n")
    grade = homework.check(folder)
    assert sentence in grade.marks[0].reason
    assert grade.points == 0
    assert not grade.problem
    # What the check says about numbers does not help where there are none.
    assert (grade.marks[0].hint == CHECKS[1][0].hint) == (name == "close")
    assert ("nan and inf" in grade.marks[0].hint) == (name == "nan")


def test_signature_that_is_wrong_is_named(begun):
    grade = homework.check(begun(1, "def local_forward(x, kernel):\n    return x\n"))
    assert "takes 2 positional arguments but 4 were given" in grade.marks[0].reason


def test_unicode_names_are_fair(begun):
    text = changed(1, "return y + bias", "größe = y + bias\n    return größe")
    grade = homework.check(begun(1, text))
    assert grade.points == grade.possible, str(grade)


def test_writing_into_an_argument_has_its_own_hint(begun):
    text = changed(1, "sizes = x.shape", "x += 1\n    sizes = x.shape")
    (hint,) = {mark.hint for mark in homework.check(begun(1, text)).marks}
    assert hint.startswith("Do not write into an argument")


IMPORTS = {
    "plain": ("import localnet", "it imports localnet: write it yourself"),
    "from": (
        "from localnet.ops import local_conv_forward",
        "it imports localnet.ops: write it yourself",
    ),
    "importlib": (
        "import importlib; importlib.import_module('localnet.ops')",
        "it imports localnet: write it yourself",
    ),
    "builtin": ("__import__('local' + 'net')", "it imports localnet: write it"),
    "subprocess": (
        "import subprocess, sys; subprocess.run([sys.executable, '-V'])",
        "it starts another program (subprocess.Popen)",
    ),
    "system": ("import os; os.system('true')", "it starts another program (os.system)"),
    "file": ("open({source!r}).read()", "it reads __init__.py of localnet: write it"),
}


@pytest.mark.parametrize("name", IMPORTS)
@pytest.mark.parametrize("late", [False, True])
def test_localnet_cannot_be_imported(begun, name, late, monkeypatch):
    monkeypatch.setitem(CHECKS, 1, CHECKS[1][:1])
    source = str(Path(homework.__file__).parent.parent / "ops" / "__init__.py")
    line, sentence = IMPORTS[name]
    line = line.format(source=source)
    if late:
        text = changed(1, "sizes = x.shape", f"{line}\n    sizes = x.shape")
    else:
        text = f"{line}\n{solution(1)}"
    grade = homework.check(begun(1, text))
    assert grade.points == 0
    reason = grade.problem or grade.marks[0].reason
    assert "not allowed (line " in reason
    assert sentence in reason
    assert "Take that line out" in (grade.hint or grade.marks[0].hint)


def test_nothing_of_localnet_lies_in_the_students_process(begun):
    line = "import sys; assert not [m for m in sys.modules if 'localnet' in m]"
    grade = homework.check(begun(1, f"{line}\n{solution(1)}"))
    assert grade.points == grade.possible, str(grade)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import localnet.losses", "losses"),
        ("from localnet import losses", "losses"),
        ("from localnet.losses import *", "losses"),
        ("from localnet import Sequential", "models"),
        ("import importlib; importlib.import_module('localnet.layers')", "layers"),
    ],
)
def test_training_lends_the_layer_and_no_more(begun, line, name):
    grade = homework.check(begun(5, f"{line}\n{solution(5)}"))
    assert f"imports localnet.{name}: only localnet.ops is allowed" in grade.problem
    assert "(line 1 of homework.py)" in grade.problem


CACHES = {
    "shape of y": (
        1,
        "def local_forward(x, kernel, bias, kernel_size):",
        "kept = {}\ndef local_forward(x, kernel, bias, size):\n"
        "    key = x.shape, kernel.shape, bias.shape\n"
        "    if key not in kept:\n"
        "        kept[key] = really(x, kernel, bias, size)\n"
        "    return kept[key]\n"
        "def really(x, kernel, bias, kernel_size):",
    ),
    "kernel alone": (
        1,
        "def local_forward(x, kernel, bias, kernel_size):",
        "kept = {}\ndef local_forward(x, kernel, bias, size):\n"
        "    key = x.shape, kernel.tobytes()\n"
        "    if key not in kept:\n"
        "        kept[key] = really(x, kernel, bias, size)\n"
        "    return kept[key]\n"
        "def really(x, kernel, bias, kernel_size):",
    ),
    "zeros are reused": (
        2,
        "dx, dkernel = np.zeros(x.shape), np.zeros(kernel.shape)",
        "dx = kept.setdefault(x.shape, np.zeros(x.shape))\n"
        "    dkernel = np.zeros(kernel.shape)",
    ),
}


@pytest.mark.parametrize("name", CACHES)
def test_answers_that_are_remembered_are_found(begun, name):
    number, old, new = CACHES[name]
    text = changed(number, old, new)
    if number == 2:
        text = f"kept = {{}}\n{text}"
    grade = homework.check(begun(number, text))
    lost = [mark for mark in grade.marks if mark.reason]
    assert any("called again with other numbers" in mark.reason for mark in lost)
    assert all("keep something from" in mark.hint for mark in lost[:1])
    if number == 1:
        assert grade.points <= 1, str(grade)


def test_test_that_refuses_a_right_backend_is_told_so(begun):
    text = changed(
        6, "rng.integers(-4, 5, shape).astype(float)", "rng.normal(size=shape)"
    )
    for mark in homework.check(begun(6, text)).marks:
        assert "must return True for a backend that is right" in mark.reason
        assert mark.hint.startswith("Integers as inputs")


def test_test_that_raises_is_told_to_return(begun, monkeypatch):
    monkeypatch.setitem(CHECKS, 6, CHECKS[6][:2])
    text = "def is_right(backend):\n    raise AssertionError('y differs')\n"
    for mark in homework.check(begun(6, text)).marks:
        assert "AssertionError: y differs (line 2" in mark.reason
        assert mark.hint == "Return False; do not raise."


LOSSES = {
    "sum": ("labels].mean(), gradient", "labels].sum(), gradient", "the loss must be"),
    "yield": ("return -log", "yield -log", "got a generator (yield)"),
    "nothing in it": (
        "-log_shares[rows, labels].mean()",
        "None",
        "the loss must be a real number, got None",
    ),
    "a loss in a tuple": (
        "-log_shares[rows, labels].mean()",
        "(-log_shares[rows, labels].mean(), None)",
        "the loss must be a real number, got a tuple",
    ),
    "a loss that yields": (
        "-log_shares[rows, labels].mean()",
        "(part for part in log_shares)",
        "the loss must be a real number, got a generator (yield)",
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_wrong_loss_gets_a_plain_sentence(begun, name, monkeypatch):
    monkeypatch.setitem(CHECKS, 5, CHECKS[5][:2])
    old, new, sentence = LOSSES[name]
    first, large = homework.check(begun(5, changed(5, old, new))).marks
    assert sentence in first.reason
    assert (first.hint != "") == (name == "sum")
    # Its hint is about overflow, which none of these is.
    assert large.hint != CHECKS[5][1].hint


def test_batches_say_what_they_yield(begun, monkeypatch):
    monkeypatch.setitem(CHECKS, 5, CHECKS[5][2:3])
    text = changed(5, "yield order[begin : begin + size]", "yield order, None")
    (mark,) = homework.check(begun(5, text)).marks
    assert "a batch must be an array of real numbers, got a tuple of 2" in mark.reason


def test_counting_calls_finds_no_mutant(begun):
    for first in (True, False):
        text = f"""
calls = 0
def is_right(backend):
    global calls
    calls += 1
    return {"calls != 3" if first else "calls > 1"}
"""
        grade = homework.check(begun(6, text))
        assert grade.points <= 4, str(grade)
        shutil.rmtree(begun.folder(6))


def test_backends_carry_no_name(begun):
    text = "def is_right(backend):\n    return 'right' in backend.__name__\n"
    assert homework.check(begun(6, text)).points == 0


GRADIENTS = {
    "dx None": (
        "dx, dkernel, dy",
        "None, dkernel, dy",
        "dx must be an array of real numbers, got None",
    ),
    "swapped": ("dx, dkernel, dy", "dkernel, dx, dy", "dx must have shape"),
    "two": (
        "dx, dkernel, dy.sum(axis=0)",
        "dx, dkernel",
        "must return 3 arrays (dx, dkernel, dbias), got 2",
    ),
    "a dict": (
        "dx, dkernel, dy.sum(axis=0)",
        "dict(dx=dx)",
        "must return 3 arrays (dx, dkernel, dbias), got a dict",
    ),
    "nan": ("dx, dkernel, dy", "dx * np.nan, dkernel, dy", "must be 1.0, got nan"),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_wrong_gradients_get_a_plain_sentence(begun, name):
    old, new, sentence = GRADIENTS[name]
    grade = homework.check(begun(2, changed(2, f"return {old}", f"return {new}")))
    reasons = [mark.reason for mark in grade.marks if mark.reason]
    assert any(sentence in reason for reason in reasons), reasons
    assert not any("Error" in reason for reason in reasons), reasons
    if name == "dx None":
        assert grade.points == 5
    if name == "nan":
        hints = {mark.hint for mark in grade.marks if mark.reason}
        assert len(hints) == 1, "the dot test sees nan, too"


def test_sharing_of_neighbours_only_gets_the_hint_of_the_forward_pass(begun):
    _, text, _ = WRONG["repeats"]
    (mark,) = [mark for mark in homework.check(begun(4, text)).marks if mark.reason]
    assert mark.hint.startswith("One line")


@pytest.mark.parametrize("body", ["return None", "return 'odd'", "yield w", "pass; w"])
def test_odd_sharing_gets_a_plain_sentence(begun, body, monkeypatch):
    monkeypatch.setitem(CHECKS, 4, CHECKS[4][1:2])
    text = f"def share_forward(w, groups):\n    {body}\n"
    (mark,) = homework.check(begun(4, text)).marks
    assert mark.points == 0
    assert ": w is None" in mark.reason or ": w must be an array" in mark.reason
    assert not mark.hint


def test_only_the_students_own_work_counts_as_time(begun, monkeypatch, tmp_path):
    """A slow import of NumPy, or a machine at work, costs no points."""
    slow = tmp_path / "slow"
    slow.mkdir()
    line = "import time\nbegin = time.process_time()\n"
    line += "while time.process_time() < begin + 2.5: pass\n"
    (slow / "sitecustomize.py").write_text(line, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(slow))
    monkeypatch.setitem(CHECKS, 1, CHECKS[1][:1])
    text = f"import time\ntime.sleep(0.9)\n{solution(1)}"
    grade = homework.check(begun(1, text), limit=2.0)
    assert grade.points == grade.possible, str(grade)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("while True: pass", "it computed for more than 1 seconds"),
        ("sum(range(10**13))", "it computed for more than 1 seconds"),
        ("import time; time.sleep(1e6)", "it did nothing for 1 seconds"),
        ("import threading; threading.Event().wait()", "it did nothing for 1 seconds"),
    ],
)
def test_program_that_hangs_is_ended(begun, body, sentence, monkeypatch):
    monkeypatch.setitem(CHECKS, 1, CHECKS[1][:2])
    text = f"def local_forward(*a):\n    {body}\n"
    grade = homework.check(begun(1, text), limit=1.0)
    assert {mark.reason for mark in grade.marks} == {f"{sentence} and was stopped"}


def test_command_line(tmp_path, capsys):
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
        (["check", "{full}"], "without assignment.json"),
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


@pytest.mark.parametrize(
    "record", ["{homework: 1}", '{"homework": 7}', '{"homework": [1]}', "[]", b"\xff"]
)
def test_broken_record_is_named(begun, record):
    folder = begun(1)
    text = record if isinstance(record, bytes) else record.encode()
    (folder / "assignment.json").write_bytes(text)
    with pytest.raises(ValueError, match=r"with a broken assignment\.json"):
        homework.check(folder)


def test_missing_homework_is_named(begun):
    folder = begun(1)
    (folder / "homework.py").unlink()
    with pytest.raises(ValueError, match=r"without homework\.py"):
        homework.check(folder)


def test_page_shows_what_check_prints(begun):
    page = (ROOT / "docs" / "homework.rst").read_text(encoding="utf-8")
    shown = page.partition("hint where one helps::\n\n")[2].partition("\n\n")[0]
    pattern = re.escape(textwrap.dedent(shown)).replace(re.escape("..."), ".*")
    text = changed(2, "dx[cells] += ", "dx[cells] = ")
    printed = str(homework.check(begun(2, text)))
    assert re.fullmatch(pattern, printed, re.DOTALL), printed


def test_files_beside_the_homework_are_found(begun):
    folder = begun(1, f"from helper import *\n{solution(1)}")
    (folder / "helper.py").write_text(
        "from pathlib import Path\n"
        "assert Path(__file__).with_name('assignment.json').is_file()\n"
        "assert not list(Path().iterdir())\nprint('noise')\n",
        encoding="utf-8",
    )
    grade = homework.check(folder)
    assert grade.points == grade.possible, str(grade)
    assert "noise" not in str(grade)


def test_solutions_are_not_in_the_package():
    assert not list((ROOT / "localnet").rglob("*solution*"))
