"""What the comparison with other libraries makes of its measurements."""

import importlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from localnet.ops import local_conv_backward, local_conv_forward

ROOT = Path(__file__).parent.parent


@pytest.fixture
def of(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module


def measured(workload="b32", threads=2, **seconds):
    """Return a slice whose contenders took these seconds, a list of turns each."""
    contenders = {
        name.replace("_", " "): {
            "versions": {},
            "forward": {"turns": [[t, t, 1] for t in turns]},
        }
        for name, turns in seconds.items()
    }
    return {"workload": workload, "threads": threads, "contenders": contenders}


def test_the_best_peer_has_the_least_median_and_is_not_ours(of):
    tables = of("comparison.tables")
    found = measured(localnet=[0.001], slow=[0.002, 0.002, 0.9], other=[0.003] * 3)
    assert tables.best_peer(found, "forward") == ("slow", 2.0)
    assert tables.best_peer(found, "step") is None


def test_a_contender_that_failed_has_no_time(of):
    tables = of("comparison.tables")
    found = measured(other=[0.5])
    found["contenders"]["other"]["forward"]["failed"] = "out of memory"
    assert tables.milliseconds(found, "other", "forward") is None


def test_a_ratio_is_the_time_of_the_peer_over_ours(of):
    tables = of("comparison.tables")
    found = measured(localnet=[0.002], localnet_workspace=[0.001], peer=[0.008])
    row = tables.ratios_table([found], "forward").splitlines()[3].split()
    assert row[-6:] == ["peer", "8", "2", "4", "1", "8"]


def test_slices_of_a_folder_come_in_the_order_of_the_workloads(of, tmp_path):
    slices = of("comparison.slices")
    for name, threads in (("b32", 1), ("a32", 2), ("b32", 2)):
        path = slices.slice_path(tmp_path, name, threads)
        path.write_text(json.dumps(measured(name, threads)))
    (tmp_path / "memory.json").write_text("{}")
    found = [(s["workload"], s["threads"]) for s in slices.read_slices(tmp_path)]
    assert found == [("a32", 2), ("b32", 2), ("b32", 1)]


@pytest.mark.parametrize("first", [False, True])
def test_the_judge_passes_the_layer_and_not_a_wrong_one(of, tmp_path, first):
    workloads, agreement = of("peers.workloads"), of("peers.agreement")
    small = workloads.Workload("s", 3, (5, 4), 2, 3, (2, 2), channels_first=first)
    x, kernel, bias, dy = small.draw()
    y, cache = local_conv_forward(
        x, kernel, bias, kernel_size=(2, 2), data_format=small.data_format
    )
    results = [y, *local_conv_backward(dy, cache)]
    agreement.write_judge(small, tmp_path)
    assert max(agreement.disagreement(results, tmp_path).values()) <= 1
    for place, name in enumerate(agreement.RESULTS):
        wrong = [np.array(result) for result in results]
        wrong[place].flat[0] += 0.01
        assert agreement.disagreement(wrong, tmp_path)[name] > 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="workers choose CPUs")
def test_whole_models_run_beside_the_step_written_by_hand(of, tmp_path, capsys):
    steps, modes = of("steps"), of("peers.model_contender").MODES
    options = ["--threads", "1", "--rounds", "1", "--budget", "0.01"]
    steps.main([str(tmp_path), "--model", "tiny", "genome", *options])
    measured = json.loads((tmp_path / "steps.json").read_text())
    assert [one["model"] for one in measured] == ["tiny", "genome"]
    for one in measured:
        assert set(one["contenders"]) == {"localnet", "by hand"}
        for record in one["contenders"].values():
            assert max(record["errors"].values()) <= 1
            assert all(record[mode][0][1] > 0 for mode in modes)
    shown = capsys.readouterr().out
    assert shown.count("training step") == 2
    assert shown.count("one sample") == 2


@pytest.mark.parametrize("model", ["digits", "lecun", "bnconv"])
def test_the_judge_of_whole_models_passes_them_and_no_other_step(of, tmp_path, model):
    models, contenders = of("peers.models"), of("peers.models_localnet").BUILDERS
    task = models.MODELS[model]._replace(batch=4)
    models.write_judge(task, tmp_path)
    names = ["localnet"] if model == "bnconv" else ["localnet", "by hand"]
    for name in names:
        results = contenders[name](task, task.draw()).results()
        assert max(models.disagreement(results, tmp_path).values()) <= 1
    # A step of another rate, and a weight that is off.
    wrong = models.ADAM | {"learning_rate": 2e-3}
    other = of("peers.models_keras")
    data = task.draw()
    data.weights[-1][0] += 0.01
    results = contenders["localnet"](task, data).results()
    assert models.disagreement(results, tmp_path)["predictions"] > 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(other, "ADAM", wrong)
        results = contenders["localnet"](task, task.draw()).results()
    assert models.disagreement(results, tmp_path)["losses"] > 1


def test_what_is_not_written_by_hand_says_so(of):
    models, contender = of("peers.models"), of("peers.contender")
    task = models.MODELS["mnist"]
    with pytest.raises(contender.Unsupported, match="conv, pool max"):
        of("peers.models_localnet").BUILDERS["by hand"](task, task.draw())
