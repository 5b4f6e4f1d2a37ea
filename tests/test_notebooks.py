"""What must hold of the notebooks as they lie here; notebooks/run.py executes them."""

import ast
import base64
import contextlib
import copy
import doctest
import importlib.util
import io
import json
import re
import socket
import sys
import textwrap
from pathlib import Path

import pytest

from localnet import cli
from localnet.golden import Suite
from localnet.golden.cases.exact import EXACT
from localnet.golden.cases.generate import complete

FOLDER = Path(__file__).parents[1] / "notebooks"
FILES = sorted(FOLDER.glob("*.ipynb"))
# Paths of a machine, addresses in memory, colours of a traceback.
UNWANTED = re.compile(
    r"/(home|root|Users|tmp|var|opt|mnt|private|usr)/|[A-Z]:\\\\|0x[0-9a-f]{6,}|\x1b",
    re.ASCII,
)
DOWNLOADS = re.compile(r"https?:|urllib|requests|urlopen|ftp:|!\s*pip|%pip|wget|curl")


@pytest.fixture(scope="module")
def run():
    """Return the program that executes the notebooks, as a module."""
    spec = importlib.util.spec_from_file_location("run", FOLDER / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def notebook(request):
    return json.loads(request.param.read_text(encoding="utf-8"))


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell["outputs"]]


def texts(notebook):
    """Yield whatever can be read: sources and outputs other than pictures."""
    for cell in notebook["cells"]:
        yield "".join(cell["source"])
    for output in outputs(notebook):
        yield "".join(output.get("text", ""))
        for kind, data in output.get("data", {}).items():
            if not kind.startswith("image/"):
                yield "".join(data)


def test_there_are_notebooks():
    assert len(FILES) >= 5


def test_every_cell_was_executed_in_order(notebook):
    cells = code_cells(notebook)
    counts = [cell["execution_count"] for cell in cells]
    assert counts == list(range(1, len(cells) + 1))
    for cell in cells:
        for output in cell["outputs"]:
            assert output.get("execution_count", 1) in (1, cell["execution_count"])


def test_there_are_outputs_and_no_errors(notebook):
    kinds = {output["output_type"] for output in outputs(notebook)}
    assert kinds <= {"stream", "display_data", "execute_result"}
    assert "execute_result" in kinds
    assert all(output.get("name") != "stderr" for output in outputs(notebook))
    assert any("image/png" in output.get("data", {}) for output in outputs(notebook))


def test_nothing_of_the_machine_is_in_it(notebook):
    for text in texts(notebook):
        assert UNWANTED.search(text) is None, text
        assert str(FOLDER.parent) not in text
        assert str(Path.home()) not in text or len(str(Path.home())) < 5
        if len(socket.gethostname()) > 4:
            assert socket.gethostname() not in text


def test_no_cell_downloads(notebook):
    for cell in code_cells(notebook):
        assert DOWNLOADS.search("".join(cell["source"])) is None


def test_claims_are_asserted(notebook):
    assert sum("assert " in "".join(c["source"]) for c in code_cells(notebook)) >= 4


def test_outputs_hold_nothing_that_changes_from_run_to_run(notebook, run):
    pytest.importorskip("PIL")
    assert run.normalise(copy.deepcopy(notebook)) == notebook


def test_pictures_hold_nothing_but_the_picture(notebook):
    for output in outputs(notebook):
        for png in filter(None, [output.get("data", {}).get("image/png")]):
            data = base64.b64decode("".join(png))
            for chunk in (b"tEXt", b"iTXt", b"zTXt", b"tIME", b"eXIf"):
                assert chunk not in data


def test_normalise_removes_what_changes(run):
    raw = {
        "metadata": {
            "language_info": {"version": "3.11.2"},
            "kernelspec": {"name": "x"},
        },
        "nbformat": 4,
        "nbformat_minor": 4,
        "cells": [
            {"cell_type": "markdown", "id": "a", "metadata": {"y": 1}, "source": ""},
            {
                "cell_type": "code",
                "id": "b",
                "metadata": {"execution": {"iopub.execute_input": "2026"}},
                "execution_count": 1,
                "source": "",
                "outputs": [
                    {"output_type": "stream", "name": "stdout", "text": "one\n"},
                    {"output_type": "stream", "name": "stdout", "text": "two\n"},
                    {"output_type": "stream", "name": "stderr", "text": "three\n"},
                    {
                        "output_type": "execute_result",
                        "execution_count": 1,
                        "metadata": {"z": 1},
                        "data": {"text/plain": "4"},
                    },
                ],
            },
        ],
    }
    found = run.normalise(raw)
    assert "3.11.2" not in json.dumps(found)
    assert [cell["id"] for cell in found["cells"]] == ["cell-1", "cell-2"]
    assert [cell["metadata"] for cell in found["cells"]] == [{}, {}]
    printed = [output.get("text") for output in found["cells"][1]["outputs"]]
    assert printed == ["one\ntwo\n", "three\n", None]
    assert found["cells"][1]["outputs"][-1]["metadata"] == {}


def test_every_picture_has_words(notebook):
    for cell in code_cells(notebook):
        if any("image/png" in output.get("data", {}) for output in cell["outputs"]):
            assert len(cell["metadata"]["mystnb"]["image"]["alt"]) > 20


def test_every_lesson_has_aims_and_a_summary(notebook):
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    assert "**After this lesson you can**" in sources[0]
    assert "find_spec" in sources[1]  # it installs localnet where that is missing
    checks = len(exercise_cells(notebook))
    assert sources[-2 - checks].startswith("## Summary")
    assert sources[-1 - checks].startswith("## Exercises")


def exercises(text):
    """Return the numbers of the exercises or answers in a text."""
    return [int(number) for number in re.findall(r"^(\d+)\. ", text, re.MULTILINE)]


def exercise_cells(notebook):
    """Return the cells that check an answer, by the number of the exercise."""
    sources = ["".join(cell["source"]) for cell in code_cells(notebook)]
    found = [(re.match(r"# Exercise (\d)\.", source), source) for source in sources]
    return {int(match[1]): source for match, source in found if match}


def lesson_of(notebook):
    return int(re.search(r"^# (\d)", "".join(notebook["cells"][0]["source"]))[1])


def answers_of(lesson):
    """Return the page of answers: what comes before the lessons, and one lesson."""
    text = (FOLDER.parent / "teaching" / "answers.rst").read_text(encoding="utf-8")
    before, *rest = re.split(r"^Lesson (\d)\n-+\n", text, flags=re.MULTILINE)
    return before, dict(zip(map(int, rest[::2]), rest[1::2], strict=True))[lesson]


def test_every_exercise_has_an_answer(notebook):
    (asked,) = (
        exercises("".join(cell["source"]))
        for cell in notebook["cells"]
        if "".join(cell["source"]).startswith("## Exercises")
    )
    _, answers = answers_of(lesson_of(notebook))
    assert exercises(answers) == asked == list(range(1, len(asked) + 1))
    assert set(exercise_cells(notebook)) <= set(asked)


def code_of(text):
    """Return the code of a page: its examples, then its literal blocks."""
    yield from (
        example.source for example in doctest.DocTestParser().get_examples(text)
    )
    for block in re.findall(r"::\n((?:\n| {4}.*\n)+)", text):
        yield textwrap.dedent(block)


def definitions_of(notebook):
    """Return the imports and functions of a lesson, without what it computes."""
    lines = "\n".join("".join(cell["source"]) for cell in code_cells(notebook))
    code = re.sub("^%.*", "", lines, flags=re.MULTILINE)
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef)
    return "\n".join(
        ast.unparse(n) for n in ast.parse(code).body if isinstance(n, kinds)
    )


def is_dots(node):
    value = node.value if isinstance(node, ast.Assign) else None
    return isinstance(value, ast.Constant) and value.value is ...


def printed_by(code, names, **answers):
    """Run code with answers among the names, which are left as they were."""
    stream, before = io.StringIO(), dict(names)
    names.update(answers)
    try:
        with contextlib.redirect_stdout(stream):
            exec(code, names)
    finally:
        names.clear()
        names.update(before)
    return stream.getvalue()


def without_dots(source):
    """Return the code of a cell that takes the answers from where it is run."""
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not is_dots(node)]
    return compile(tree, "cell", "exec")


WRONG = {  # in place of these answers, code for a wrong one; else it is a little off
    "twin": "large",
    "forgets": "backward",
    "forgets_for_bias": "forgets",
    "small": "models['Net-3']",
    "free": "models['Net-4']",
    "shifted": "lambda x, rng: np.roll(x, rng.integers(40), axis=1)",
    "seen": "unseen",
    "unseen": "seen",
    "fails": "lambda case: False",
    "frozen": "model",
}


def a_little_off(answer):
    """Return an answer of the same kind that is wrong."""
    if isinstance(answer, bool):
        return not answer
    if isinstance(answer, (list, tuple)):
        return answer[:-1]
    return answer + 1


@pytest.fixture
def lesson_answers(notebook):
    """Return the cells that check, and the names of the page of answers."""
    lesson = lesson_of(notebook)
    names = {"old": FOLDER / "data" / "old-model.h5"}
    if lesson == 6:  # the whole suite takes long to load
        specs = [spec for family in EXACT for spec in family() if spec.tier == "exact"]
        names["suite"] = Suite([complete(spec) for spec in specs])
    if lesson == 7:
        pytest.importorskip("h5py")
    exec(definitions_of(notebook), names)
    for text in answers_of(lesson):
        for code in code_of(text):
            with contextlib.redirect_stdout(io.StringIO()):
                exec(code, names)
    return exercise_cells(notebook), names


def test_exercises_are_checked_where_they_can_be(notebook):
    checked = {1, 2} if lesson_of(notebook) in (5, 7) else {1, 2, 3}
    assert set(exercise_cells(notebook)) == checked


def test_checks_accept_the_answers_and_no_others(lesson_answers):
    cells, names = lesson_answers
    for number, source in cells.items():
        assert not printed_by(source, names)
        code = without_dots(source)
        assert f"exercise {number}: right" in printed_by(code, names)
        asked = [n.targets[0].id for n in ast.parse(source).body if is_dots(n)]
        assert asked
        for name in asked:
            if name in WRONG:
                wrong = eval(WRONG[name], names)
            else:
                wrong = a_little_off(names[name])
            with pytest.raises(AssertionError):
                printed_by(code, names, **{name: wrong})


def test_slides_begin_at_headings(notebook):
    spec = importlib.util.spec_from_file_location("slides", FOLDER / "slides.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    cells = program.cut(notebook)["cells"]
    assert len(cells) == len(notebook["cells"]) - 1
    for cell in cells:
        is_heading = cell["cell_type"] == "markdown" and cell["source"][0][0] == "#"
        kind = cell["metadata"]["slideshow"]["slide_type"]
        assert (kind == "slide") is is_heading


def test_the_page_lists_every_notebook():
    page = (FOLDER / "README.rst").read_text(encoding="utf-8")
    assert sorted(re.findall(r"<([^<>]+\.ipynb)>", page)) == [f.name for f in FILES]


def test_the_program_refuses_to_write_the_small_setting_back(run, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["run.py", "--quick"])
    with pytest.raises(SystemExit):
        run.main()
    assert "--check" in capsys.readouterr().err


def test_the_command_writes_the_lessons_with_their_data(tmp_path, capsys):
    folder = tmp_path / "lessons"
    assert cli.main(["notebooks", str(folder)]) == 0
    assert "jupyter lab" in capsys.readouterr().out
    for file in [*FILES, *FOLDER.glob("data/old-model.*")]:
        copied = folder / file.relative_to(FOLDER)
        assert copied.read_bytes() == file.read_bytes()
    assert cli.main(["notebooks", str(folder)]) == 1
    assert "folder must be new or empty" in capsys.readouterr().err
