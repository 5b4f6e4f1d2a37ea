"""What must hold of the notebooks as they lie here; notebooks/run.py executes them."""

import base64
import copy
import importlib.util
import json
import re
import socket
import sys
from pathlib import Path

import pytest

from localnet import cli

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
    assert sources[-2].startswith("## Summary")
    assert sources[-1].startswith("## Exercises")


def exercises(text):
    """Return the numbers of the exercises or answers in a text."""
    return [int(number) for number in re.findall(r"^(\d+)\. ", text, re.MULTILINE)]


def test_every_exercise_has_an_answer(notebook):
    lesson = int(re.search(r"^# (\d)", "".join(notebook["cells"][0]["source"]))[1])
    asked = exercises("".join(notebook["cells"][-1]["source"]))
    text = (FOLDER.parent / "teaching" / "answers.rst").read_text(encoding="utf-8")
    (answers,) = re.findall(
        rf"^Lesson {lesson}\n-+\n(.*?)(?=^Lesson|\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert exercises(answers) == asked == list(range(1, len(asked) + 1))


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
