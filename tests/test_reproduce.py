"""Published experiments done again: their networks, their numbers, their command."""

import json
import math
import os
import re
import sys

import numpy as np
import pytest
from raising import refuses

from localnet import reproduce
from localnet.cli import main
from localnet.reproduce import EXPERIMENTS, Results, Trial
from localnet.reproduce.experiment import in_words, ranking
from localnet.reproduce.lecun1989 import PAPER, count_links, scaled_tanh
from localnet.reproduce.picture import points
from localnet.trials import processes

LECUN, MNIST1D = EXPERIMENTS["lecun1989"], EXPERIMENTS["mnist1d"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Run every command in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture(scope="module")
def results():
    """One short training of each network."""
    return reproduce.run(LECUN, seeds=[3], epochs=1, jobs=2, verbose=False)


# Networks ------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAPER)
def test_links_and_free_weights_are_those_of_the_report(name):
    model = LECUN.net(name).make(0)
    _, links, weights = PAPER[name]
    assert count_links(model) == links
    assert model.count_params() == weights


def test_units_of_1989_answer_one_to_one_and_have_its_slope():
    forward, backward = scaled_tanh
    x = np.array([-1.0, 0.0, 1.0, 2.0])
    y, cache = forward(x)
    np.testing.assert_allclose(y[[0, 2]], [-1, 1], atol=1e-4)
    h = 1e-6
    slope = (forward(x + h)[0] - forward(x - h)[0]) / (2 * h)
    np.testing.assert_allclose(backward(np.ones(4), cache), slope, rtol=1e-9)


@pytest.mark.parametrize("name", PAPER)
def test_start_weights_lie_within_their_limit(name):
    model = LECUN.net(name).make(5)
    for layer in (layer for layer in model.layers if layer.params):
        kernel = layer.params["kernel"]
        if kernel.ndim == 3:  # (L, K, F)
            fan_in = kernel.shape[1]
        else:
            fan_in = math.prod(kernel.shape[:-1])
        limit = 2.4 / (fan_in + 1)
        for weight in layer.params.values():
            assert np.abs(weight).max() <= limit
        assert np.abs(kernel).max() > 0.8 * limit


def test_what_lies_around_an_image_of_1989_is_paper():
    model = LECUN.net("Net-5").make(0)
    x = np.full((1, 16, 16, 1), 5.0)
    padded = model.layers[0](x)
    assert padded.shape == (1, 17, 17, 1)
    assert (padded[0, 0] == -1).all()
    assert (padded[0, :, 0] == -1).all()
    assert (padded[0, 1:, 1:] == 5).all()


def test_networks_of_mnist1d_have_the_shapes_they_say():
    counts = {net.name: net.make(0).count_params() for net in MNIST1D.nets}
    assert counts["logistic"] == 40 * 10 + 10
    assert counts["dense, 100-100"] == 41 * 100 + 101 * 100 + 101 * 10
    # 19, 10 and 5 places; windows of 5, 3 and 3.
    f = 25
    local = 19 * (5 + 1) * f + 10 * (3 * f + 1) * f + 5 * (3 * f + 1) * f
    assert counts["local, 25 filters"] == local + (5 * f + 1) * 10
    shared = (5 + 1) * f + 2 * (3 * f + 1) * f
    assert counts["convolution, 25 filters"] == shared + (5 * f + 1) * 10


# Results -------------------------------------------------------------------------


def test_the_answers_do_not_depend_on_the_number_of_jobs(results):
    alone = reproduce.run(LECUN, seeds=[3], epochs=1, jobs=1, verbose=False)
    assert alone == results
    assert list(alone.values) == LECUN.trials([3])


def test_training_is_measured_and_learns():
    net = MNIST1D.net("convolution, 8 filters")
    short, long = (MNIST1D.train(net, "plain", 0, epochs) for epochs in (1, 4))
    assert set(short) == {"test", "train"}
    assert 10 < short["test"] < long["test"] <= 100


def test_best_is_the_best_of_all_epochs():
    found = LECUN.train(LECUN.net("Net-1"), "images", 0, 5)
    assert found["best"] >= found["last"]
    assert found["best"] * 1.6 == pytest.approx(round(found["best"] * 1.6))  # of 160


def test_results_are_read_as_they_were_saved(results, folder):
    path = results.save(folder / "some.json")
    assert Results.load(path) == results
    assert Results.load(path).save(folder / "again.json").read_bytes() == (
        path.read_bytes()
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"trials": [3]}', '{"trials": 3}'])
def test_other_files_are_refused(folder, text):
    path = folder / "other.json"
    path.write_text(text)
    with refuses(f"results must be a file of localnet reproduce, got {str(path)!r}"):
        Results.load(path)


def test_ranking_says_what_clearly_differs():
    a = np.array([10.0, 12.0, 11.0])
    assert (
        ranking({"b": a + 5, "a": a, "c": a + np.array([-9.0, 10.0, 15.0])})
        == "a < b ~ c"
    )
    assert ranking({"b": a[:1] + 5, "a": a[:1]}) == "a ~ b"
    assert ranking({"a": a, "b": a}) == "a ~ b"
    assert in_words(a) == " 11.0 +- 1.0"
    assert in_words(a[:1]) == " 10.0"


def test_points_of_the_picture_are_the_results(results):
    found = points(LECUN, results, "drawings")
    assert [kind.partition(":")[0] for kind in found] == list(PAPER)
    for (_, [(weights, values)]), name in zip(found.items(), PAPER, strict=True):
        assert weights == PAPER[name][2]
        assert values == [results.values[Trial(name, "drawings", 3)]["last"] / 100]


def test_wrong_arguments_are_named():
    with refuses("seeds must be different integers, got [1, 1]"):
        reproduce.run(LECUN, seeds=[1, 1])
    with refuses("seeds must be different integers, got []"):
        reproduce.run(LECUN, seeds=[])
    with refuses("seeds must be an integer >= 0, got -1"):
        reproduce.run(LECUN, seeds=[-1])
    with refuses("jobs must be an integer >= 1, got 0"):
        reproduce.run(LECUN, jobs=0)
    with refuses("epochs must be an integer >= 1, got 0"):
        reproduce.run(LECUN, epochs=0)
    names = list(PAPER)
    with refuses(f"net must be one of {names}, got 'Net-6'; did you mean 'Net-5'?"):
        LECUN.net("Net-6")


@pytest.mark.skipif(
    os.environ.get("HYPOTHESIS_PROFILE") != "long", reason="takes a minute"
)
@pytest.mark.parametrize("experiment", [LECUN, MNIST1D], ids=lambda e: e.name)
def test_the_saved_results_come_back(experiment):
    saved = experiment.published()
    assert saved.epochs == experiment.epochs
    assert saved.seeds == list(range(experiment.seeds))
    again = reproduce.run(experiment, seeds=[0], jobs=2, verbose=False)
    # Equal where BLAS adds up as it did there; a training goes its own way elsewhere.
    differences = [
        abs(again.values[trial][measure] - value)
        for trial, values in saved.values.items()
        if trial.seed == 0
        for measure, value in values.items()
    ]
    assert np.mean(differences) < 2


# The command ---------------------------------------------------------------------


def numbers(text):
    """Return the lines of the table, by network."""
    rows = re.findall(r"^(Net-\d) +(\d+) +(\d+) +([\d.]+) +(.*)$", text, re.MULTILINE)
    return {row[0]: row[1:] for row in rows}


def test_the_command_prints_the_table_beside_the_report(folder, capsys, results):
    results.save("saved.json")
    assert main(["reproduce", "lecun1989", "--from", "saved.json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    table = numbers(out)
    assert list(table) == list(PAPER)
    for name, (accuracy, links, weights) in PAPER.items():
        assert table[name][:3] == (str(links), str(weights), f"{accuracy:.1f}")
        cells = [float(cell) for cell in table[name][3].split()]
        assert cells == [
            round(results.values[Trial(name, split, 3)][measure], 1)
            for split in ("images", "drawings")
            for measure in ("best", "last")
        ]
    assert "order in 1989:          Net-1 < Net-2 < Net-3 < Net-4 < Net-5" in out


def test_the_command_trains_saves_and_draws(folder, capsys):
    pytest.importorskip("matplotlib")
    command = ["reproduce", "lecun1989", "--seeds", "1", "--seed", "3", "--epochs", "1"]
    assert main([*command, "--quiet", "--jobs", "2"]) == 0
    out = capsys.readouterr().out
    assert "10 trainings in" in out
    names = {path.name for path in folder.iterdir()}
    assert names == {"localnet-lecun1989.json", "localnet-lecun1989.png"}
    assert json.loads((folder / "localnet-lecun1989.json").read_text())["epochs"] == 1
    assert Results.load("localnet-lecun1989.json").seeds == [3]


def test_the_table_of_mnist1d(folder, capsys):
    values = {
        trial: {"test": 50.0 + place, "train": 90.0}
        for place, trial in enumerate(MNIST1D.trials([0, 1]))
    }
    Results("mnist1d", 60, values).save("saved.json")
    assert main(["reproduce", "mnist1d", "--from", "saved.json"]) == 0
    out = capsys.readouterr().out
    first = values[Trial("logistic", "plain", 0)]["test"]
    second = values[Trial("logistic", "plain", 1)]["test"]
    spread = abs(second - first) / math.sqrt(2)
    row = next(line for line in out.splitlines() if line.startswith("logistic"))
    assert f"{(first + second) / 2:5.1f} +- {spread:3.1f}" in row
    assert "over 2 seeds, 60 epochs" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--results", "no/such/folder.json"], "No such file or directory"),
        (
            ["--picture", "x.gif"],
            "--picture must end in .png, .svg or .pdf, got 'x.gif'",
        ),
        (["--from", "missing.json"], "No such file or directory"),
    ],
)
def test_what_cannot_end_well_is_refused_at_once(folder, capsys, arguments, sentence):
    assert main(["reproduce", "lecun1989", *arguments]) == 1
    err = capsys.readouterr().err
    assert sentence in err
    assert list(folder.iterdir()) == []


def test_a_killed_process_ends_the_command_in_words(folder, capsys, monkeypatch):
    monkeypatch.setattr(processes, "_begin", sys.exit)
    command = ["reproduce", "lecun1989", "--seeds", "1", "--quiet"]
    assert main(command) == 1
    assert "a training ended without an answer" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_results_of_another_experiment_are_refused(folder, capsys):
    values = {trial: {"test": 1.0} for trial in MNIST1D.trials([0])}
    Results("mnist1d", 1, values).save("saved.json")
    assert main(["reproduce", "lecun1989", "--from", "saved.json"]) == 1
    assert "--from must be a file of lecun1989, got one of mnist1d" in (
        capsys.readouterr().err
    )
