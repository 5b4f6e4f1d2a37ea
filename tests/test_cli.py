"""The command line, as it is typed: what it prints, what it leaves, how it ends."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from localnet import Sequential, __version__, cli, config, datasets, load_model
from localnet.cli import main

ROOT = Path(__file__).parent.parent
# One epoch of large batches, which is enough to be far from guessing.
QUICK = ("train", "digits", "--epochs", "1", "--batch-size", "256")
RESULT = re.compile(
    r"seed (\d+): (\d+\.\d)% of (\d+) held-out digits right \((\d+)\), "
    r"trained on (\d+) in \d+ s"
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Run every command in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def results(text):
    """Return (seed, percent, held out, right, trained on) of every network."""
    return [tuple(map(float, match)) for match in RESULT.findall(text)]


def right_answers(path, split="classes"):
    images, labels = datasets.load_digits(split)[1]
    x = (images / np.float32(16))[..., np.newaxis]
    answers = load_model(path).predict(x, verbose=0).argmax(axis=-1)
    return int(np.sum(answers == labels))


def ends_with(code, arguments):
    """Run what argparse ends by itself."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == code


# Training ------------------------------------------------------------------------


def test_quiet_training_prints_its_results_and_saves_a_model(folder, capsys):
    assert main([*QUICK, "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert [p.name for p in folder.iterdir()] == ["localnet-digits.npz"]
    [(seed, percent, held_out, right, trained)] = results(out)
    assert (seed, held_out, trained) == (0, 355, 1442)
    assert right == right_answers("localnet-digits.npz") > 0.6 * held_out
    assert percent == round(100 * right / held_out, 1)
    assert out.splitlines()[1:] == [
        "parameters: 99,530",
        "saved: localnet-digits.npz",
    ]


def test_training_shows_the_table_and_its_progress(capsys):
    assert main([*QUICK]) == 0
    out = capsys.readouterr().out
    assert out.startswith('Model: "digits"\n')
    assert out.count("Total params: 99530") == 1
    assert "loss: " in out
    assert len(results(out)) == 1


def test_same_seed_same_result(capsys):
    for seed in ("7", "7", "8"):
        assert main([*QUICK, "--seed", seed, "--quiet", "--save", f"m{seed}"]) == 0
    first, second, other = results(capsys.readouterr().out)
    assert first == second
    assert other != (8, *first[1:])


def test_several_seeds_and_the_last_one_saved(folder, capsys):
    command = [*QUICK, "--seed", "3", "--quiet", "--save", "last"]
    assert main([*command, "--seeds", "2"]) == 0
    several = capsys.readouterr().out
    assert main([*command, "--save", "alone"]) == 0
    [alone] = results(capsys.readouterr().out)
    first, last = results(several)
    assert first == alone
    assert last[0] == 4
    assert right_answers(folder / "last.npz") == last[3]
    shares = np.array([first[3], last[3]]) / 355
    assert (
        f"mean of 2 seeds: {shares.mean():.2%}, "
        f"standard deviation {np.std(shares, ddof=1):.2%}\n"
    ) in several


def test_table_is_shown_once_for_several_seeds(capsys):
    assert main([*QUICK, "--seeds", "2"]) == 0
    assert capsys.readouterr().out.count("Total params") == 1


def test_writers_are_held_out(capsys):
    assert main([*QUICK, "--split", "writers", "--quiet", "--save", "w"]) == 0
    [(_, _, held_out, right, trained)] = results(capsys.readouterr().out)
    assert (held_out, trained) == (359, 1438)
    assert right == right_answers("w.npz", "writers")


def test_engines_give_the_same_answers(capsys):
    for engine in ("einsum", "blocked"):
        assert main([*QUICK, "--engine", engine, "--quiet"]) == 0
        assert config.get_engine() == engine
    einsum, blocked = results(capsys.readouterr().out)
    assert einsum == blocked


def test_threads(capsys):
    assert main([*QUICK, "--threads", "1", "--quiet"]) == 0
    assert config.get_num_threads() == 1
    assert main([*QUICK, "--threads", "3", "--quiet"]) == 0
    assert config.get_num_threads() == 3
    one, three = results(capsys.readouterr().out)
    assert one == three


# Where the model goes ------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("m", "m.npz"),
        ("m.npz", "m.npz"),
        ("M.NPZ", "M.NPZ"),
        ("model v1.2", "model v1.2.npz"),
        (os.path.join("runs", "m"), os.path.join("runs", "m.npz")),  # noqa: PTH118
    ],
)
def test_save_has_the_suffix_rule_of_the_models(given, written, folder, capsys):
    (folder / "runs").mkdir()
    assert main([*QUICK, "--quiet", "--save", given]) == 0
    assert f"\nsaved: {written}\n" in capsys.readouterr().out
    assert right_answers(written) > 0


def test_save_replaces_an_old_file(folder):
    (folder / "m.npz").write_bytes(b"old")
    assert main([*QUICK, "--quiet", "--save", "m.npz"]) == 0
    assert right_answers("m.npz") > 0


def no_training(*args, **kwargs):
    raise AssertionError("training has begun")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("", "--save must name a file, got ''"),
        (".", "--save must name a file, got '.'"),
        ("..", "--save must name a file, got '..'"),
        ("runs/", "--save must name a file, got 'runs/'"),
        (
            "m.json",
            "--save must end in one of .npz, .h5, .hdf5, .keras to hold a model, got "
            "'m.json'",
        ),
        ("runs", "--save must be a regular file, got 'runs'"),
        ("taken", "--save must be a regular file, got 'taken.npz'"),
        (
            "nowhere/m",
            "--save must be a file that can be written, got 'nowhere/m': "
            f"{os.strerror(errno.ENOENT)}",
        ),
        (
            "file/m",
            "--save must be a file that can be written, got 'file/m': "
            f"{os.strerror(errno.ENOTDIR)}",
        ),
        pytest.param(
            os.devnull,
            f"--save must be a regular file, got {os.devnull!r}",
            marks=pytest.mark.skipif(os.name == "nt", reason="no such path"),
        ),
    ],
)
def test_save_is_refused_before_training(given, sentence, folder, monkeypatch, capsys):
    monkeypatch.setattr(Sequential, "fit", no_training)
    (folder / "runs").mkdir()
    (folder / "taken.npz").mkdir()
    (folder / "file").touch()
    ends_with(2, [*QUICK, "--save", given])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1] == f"localnet train: error: {sentence}"
    assert {p.name for p in folder.iterdir()} == {"runs", "taken.npz", "file"}


def test_folder_that_cannot_be_written_is_refused_before_training(monkeypatch, capsys):
    # Asked for instead of made: the superuser may write to any folder.
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    monkeypatch.setattr(Sequential, "fit", no_training)
    ends_with(2, [*QUICK, "--save", "m"])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1] == (
        "localnet train: error: --save must be a file that can be written, got 'm': "
        f"{os.strerror(errno.EACCES)}"
    )


# Help and wrong arguments --------------------------------------------------------


def test_version(capsys):
    ends_with(0, ["--version"])
    assert capsys.readouterr().out == f"localnet {__version__}\n"


def test_module_is_the_command():
    result = subprocess.run(
        [sys.executable, "-m", "localnet", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert result.stdout == f"localnet {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "count"), [(["--help"], 1), (["train", "--help"], 4)]
)
def test_examples_of_the_help_run(arguments, count, monkeypatch, capsys):
    ends_with(0, arguments)
    examples = re.findall(
        r"\blocalnet (train digits.*?)(?:  |\n)", capsys.readouterr().out
    )
    assert len(examples) == count
    runs = []
    monkeypatch.setattr(
        cli.train, "train_digits", lambda options: runs.append(options) or 0
    )
    for example in examples:
        assert main(example.split()) == 0
    assert len(runs) == count


@pytest.mark.parametrize("text", ["0", "-3", "2.5", "many", "", "1e3"])
@pytest.mark.parametrize("option", ["--epochs", "--batch-size", "--seeds", "--threads"])
def test_numbers_from_1(option, text, capsys):
    refused_number(option, text, 1, capsys)


@pytest.mark.parametrize("text", ["-1", "0.5", "none"])
def test_seed_is_from_0(text, capsys):
    refused_number("--seed", text, 0, capsys)


def refused_number(option, text, minimum, capsys):
    ends_with(2, ["train", "digits", f"{option}={text}"])
    out, err = capsys.readouterr()
    got = text if re.fullmatch(r"-?\d+", text) else repr(text)
    assert out == ""
    assert err.splitlines()[-1] == (
        f"localnet train: error: {option} must be an integer >= {minimum}, got {got}"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["train"],
        ["train", "letters"],
        ["train", "digits", "--split", "none"],
        ["train", "digits", "--engine", "gpu"],
        ["train", "digits", "--epoch-count", "3"],
    ],
    ids=" ".join,
)
def test_wrong_arguments(arguments, capsys):
    ends_with(2, arguments)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: localnet ")


# Ends ----------------------------------------------------------------------------


def test_setting_that_is_wrong_is_one_sentence(folder, monkeypatch, capsys):
    monkeypatch.setenv("LOCALNET_NUM_THREADS", "many")
    assert main([*QUICK, "--quiet"]) == 1
    assert capsys.readouterr().err == (
        "localnet: LOCALNET_NUM_THREADS must be an integer >= 1, got 'many'\n"
    )
    assert list(folder.iterdir()) == []


def test_full_disk_is_one_sentence_that_names_the_file(folder, monkeypatch, capsys):
    def fill_the_disk(stream, array, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np.lib.format, "write_array", fill_the_disk)
    (folder / "m.npz").write_bytes(b"old")
    assert main([*QUICK, "--quiet", "--save", "m"]) == 1
    assert capsys.readouterr().err == (
        f"localnet: [Errno {errno.ENOSPC}] {os.strerror(errno.ENOSPC)}: 'm.npz'\n"
    )
    assert [p.read_bytes() for p in folder.iterdir()] == [b"old"]


@pytest.mark.parametrize("old", [None, b"old"], ids=["new-file", "old-file"])
def test_interrupt_leaves_no_half_file(old, folder, monkeypatch, capsys):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Sequential, "fit", interrupted)
    if old is not None:
        (folder / "m.npz").write_bytes(old)
    assert main([*QUICK, "--save", "m"]) == 130
    assert capsys.readouterr().err == "\nlocalnet: interrupted, no model was saved\n"
    assert [p.read_bytes() for p in folder.iterdir()] == ([old] if old else [])


@pytest.mark.parametrize(
    "command", ["", "train", "golden", "golden check", "homework start"]
)
def test_every_command_says_the_version(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([*command.split(), "--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"localnet {__version__}\n"


# How it is started ------------------------------------------------------------------


@pytest.mark.parametrize("module", ["localnet", "localnet.cli"])
def test_modules_are_the_command(module):
    found = subprocess.run(
        [sys.executable, "-m", module, "--version"], capture_output=True, text=True
    )
    assert (found.returncode, found.stdout) == (0, f"localnet {__version__}\n")


def test_ctrl_c_while_it_is_loaded_is_quiet():
    code = """
import sys

class Pressed:
    def find_spec(self, name, path=None, target=None):
        if name == "localnet.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Pressed())
from localnet.__main__ import main
sys.exit(main())
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (found.returncode, found.stdout, found.stderr) == (130, "", "")
