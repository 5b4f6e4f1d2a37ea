"""Help texts read as one hand's, and every command that is shown is one."""

import argparse
import configparser
import re
import shlex
from pathlib import Path

import pytest

from localnet.cli import _parser, main

ROOT = Path(__file__).parent.parent
ENDS = re.compile(r"\n\nexit status: 0\b[^.]*\.\n$")


def parsers(parser, name="localnet"):
    """Give every command, with its parser."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, inner in action.choices.items():
                yield from parsers(inner, f"{name} {verb}")


COMMANDS = dict(parsers(_parser()))
TOPS = [name.split()[1] for name in COMMANDS if name.count(" ") == 1]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Be in an empty folder."""
    monkeypatch.chdir(tmp_path)


def options(parser):
    return [a for a in parser._actions if a.dest not in ("help", "version")]


def helps(parser):
    """Give the phrases beside options, arguments and commands."""
    for action in options(parser):
        if isinstance(action, argparse._SubParsersAction):
            yield from (choice.help for choice in action._choices_actions)
        else:
            yield action.help


def examples(parser):
    """Return the lines under examples, without what is said of them."""
    text = parser.epilog.partition("\n\n")[0].replace("\\\n", "")
    return [re.split(r"\s{3,}", line.strip())[0] for line in text.splitlines()[1:]]


def commands_in(text):
    """Return the lines of a page that call localnet, as they would be typed."""
    joined = text.replace("\\\n", "")
    return [
        re.split(r"\s{3,}|\s+#", line)[0]
        for line in re.findall(r"^    (localnet .*)$", joined, re.MULTILINE)
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_one_form(name):
    parser = COMMANDS[name]
    assert re.search(r"\.\n$", parser.description), parser.description
    assert parser.description[0].isupper()
    assert parser.epilog.startswith("examples:\n  localnet ")
    assert ENDS.search(parser.epilog)
    text = f"{parser.description}\n{parser.epilog}"
    assert max(map(len, text.splitlines())) <= 88
    for phrase in helps(parser):
        assert phrase, name
        assert not phrase.endswith("."), phrase
        assert not phrase[0].isupper() or phrase.split()[0].isupper(), phrase
        assert not re.search(r"[;,] default", phrase), phrase


@pytest.mark.parametrize("name", COMMANDS)
def test_extras_are_worded_alike(name):
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = set(setup["options.extras_require"])
    parser = COMMANDS[name]
    text = " ".join([parser.description, *helps(parser)])
    assert not re.search("matplotlib|h5py|distributed", text)
    named = re.findall(r"\bextras?\s+(\w+)", text)
    assert set(named) <= extras
    assert text.count("extra") == len(re.findall(r"\bneeds? the\s+extra\b", text)) + (
        len(re.findall(r"\bthe extra \w+\.$", text, re.MULTILINE))
        if name == "localnet notebooks"
        else 0
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_are_commands(name):
    found = examples(COMMANDS[name])
    assert found
    for line in found:
        assert line.strip().startswith(name if name.count(" ") else "localnet ")
        _parser().parse_args(shlex.split(line)[1:])


def test_every_command_is_in_the_lists_of_the_pages():
    guide = (ROOT / "docs" / "guide.rst").read_text(encoding="utf-8")
    listed = guide.partition("The command line\n")[2]
    listed = [line.split()[1] for line in commands_in(listed)]
    assert sorted(listed) == sorted([*TOPS, "COMMAND"])
    sheet = (ROOT / "docs" / "cheat-sheet.rst").read_text(encoding="utf-8")
    listed = re.findall(r"``localnet\s+([a-z]+)", sheet.partition("**Commands.**")[2])
    assert set(listed) == set(TOPS)
    readme = (ROOT / "README.rst").read_text(encoding="utf-8")
    assert {line.split()[1] for line in commands_in(readme)} == set(TOPS)


@pytest.mark.parametrize(
    "page",
    [*sorted(ROOT.glob("docs/*.rst")), ROOT / "README.rst"],
    ids=lambda p: p.stem,
)
def test_commands_of_the_pages_are_understood(page, capsys):
    for line in commands_in(page.read_text(encoding="utf-8")):
        if re.search(r"\.\.\.|COMMAND", line):
            continue
        try:
            _parser().parse_args(shlex.split(line)[1:])
        except SystemExit as end:
            pytest.fail(f"{line}: {end.code}, {capsys.readouterr().err}")


SHOWN = [
    *(
        ("readme", line)
        for line in commands_in((ROOT / "README.rst").read_text("utf-8"))
    ),
    *(
        ("sweeps", line)
        for line in commands_in((ROOT / "docs" / "sweeps.rst").read_text("utf-8"))
    ),
    *(("help", line.strip()) for line in examples(COMMANDS["localnet sweep"])),
]
SWEEPS = [(place, line) for place, line in SHOWN if "localnet sweep" in line]


def test_sweeps_are_found():
    assert {place for place, _ in SWEEPS} == {"readme", "sweeps", "help"}


@pytest.mark.parametrize(("place", "line"), SWEEPS, ids=[line for _, line in SWEEPS])
def test_a_sweep_that_is_shown_runs_with_the_file_of_its_page(
    place, line, folder, capsys
):
    page = (ROOT / "docs" / "sweeps.rst").read_text(encoding="utf-8")
    block = page.partition("``nets.py``:\n\n.. code-block:: python\n\n")[2]
    block = re.split(r"^(?=\S)", block, maxsplit=1, flags=re.MULTILINE)[0]
    name = f"nets_{abs(hash(line))}"  # a module of its own each time
    Path(f"{name}.py").write_text(
        "\n".join(row[4:] for row in block.splitlines()), encoding="utf-8"
    )
    words = shlex.split(line.replace("nets:", f"{name}:"))[1:]
    # One short training of each setting tells whether the command is right.
    words += ["--seeds", "1", "--epochs", "1", "--batch-size", "512", "--quiet"]
    assert main([*words, "--jobs", "1"]) == 0, capsys.readouterr().err
