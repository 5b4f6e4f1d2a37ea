"""Trials on every engine give the same numbers; a sweep is kept and gone on with."""

import csv
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import small_trials
from raising import refuses

from localnet.cli import main
from localnet.trials import processes, run_trials
from localnet.trials.sweep import parse_grid

SWEEP = ["sweep", "small_trials:local", "--data", "small_trials:digits", "--quiet"]
SMALL = [*SWEEP, "--grid", "filters=1,2", "rate=0.01,0.1", "--epochs", "1"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Run every command in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes, with the thread rule of Dask."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def threads():
    """Two threads of this process."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0"
    ) as cluster:
        yield cluster


# Engines --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def alone():
    return [small_trials.weights(seed) for seed in range(4)]


@pytest.mark.parametrize("jobs", [1, 2, 9])
def test_processes_give_the_numbers_of_this_one(alone, jobs):
    found = run_trials(small_trials.weights, range(4), jobs=jobs, verbose=False)
    assert found == alone


@pytest.mark.parametrize("kind", ["cluster", "threads"])
def test_a_cluster_gives_the_numbers_of_this_process(alone, kind, request):
    address = request.getfixturevalue(kind).scheduler_address
    found = run_trials(small_trials.weights, range(4), dask=address, verbose=False)
    assert found == alone


def test_a_lost_worker_changes_no_number(alone, cluster, folder):
    trials = [(seed, str(folder / "killed")) for seed in range(4)]
    found = run_trials(
        small_trials.weights_after_a_kill,
        trials,
        dask=cluster.scheduler_address,
        verbose=False,
    )
    assert (folder / "killed").exists()
    assert found == alone


def test_a_trial_that_kills_every_worker_is_given_up(cluster):
    with pytest.raises(ChildProcessError, match="it lost several workers"):
        run_trials(
            small_trials.always_killed,
            [0],
            dask=cluster.scheduler_address,
            verbose=False,
        )


def test_what_a_trial_raises_is_passed_on(cluster):
    for where in ({"jobs": 2}, {"dask": cluster.scheduler_address}):
        with refuses("no 5"):
            run_trials(small_trials.fails, [5], verbose=False, **where)
    assert "OMP_NUM_THREADS" not in os.environ or os.environ["OMP_NUM_THREADS"]


def test_answers_are_kept_as_they_come_and_shown(capsys):
    kept = {}
    run_trials(small_trials.weights, range(3), jobs=2, keep=kept.__setitem__)
    assert sorted(kept) == [0, 1, 2]
    assert "3/3" in capsys.readouterr().out


def test_nothing_to_do_needs_no_workers():
    assert run_trials(small_trials.weights, [], dask="tcp://nowhere:1") == []
    with refuses("jobs must be an integer >= 1, got 0"):
        run_trials(small_trials.weights, [1], jobs=0)


def test_modules_of_the_current_folder_are_not_run(alone, beside):
    assert run_trials(small_trials.weights, range(4), jobs=2, verbose=False) == alone


def test_a_killed_process_is_said_in_words():
    with pytest.raises(ChildProcessError, match="a training ended without an answer"):
        run_trials(small_trials.always_killed, [0, 1], jobs=2, verbose=False)


@pytest.mark.parametrize("kind", ["nobody", "somebody else", "no address"])
def test_an_address_without_scheduler_is_refused_soon(kind):
    started = time.perf_counter()
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        if kind == "nobody":
            server.close()
        elif kind == "no address":
            address = "what is this?"
        with pytest.raises(ConnectionError) as caught:
            run_trials(small_trials.weights, [0], dask=address, verbose=False)
    assert caught.value.args == (
        f"dask must be the address of a Dask scheduler, got {address!r}: no scheduler "
        f"answered within 5 s",
    )
    assert time.perf_counter() - started < 15


def test_without_dask_the_extra_is_named(folder):
    code = "import sys; sys.modules['distributed'] = None; from localnet.cli import *; "
    code += f"sys.exit(main({[*SWEEP, '--dask', 'tcp://127.0.0.1:1']!r}))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 1
    assert result.stderr == (
        "localnet: a Dask cluster needs distributed: pip install distributed, or pip "
        'install ".[dask]" from a checkout\n'
    )


# The command ----------------------------------------------------------------------


def rows(path):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_sweep_is_a_table_and_a_file(capsys):
    assert main([*SMALL, "--seeds", "2", "--out", "table.csv", "--jobs", "2"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    found = rows("table.csv")
    assert len(found) == 8
    assert list(found[0]) == [
        *("build", "data", "epochs", "batch_size", "filters", "rate", "seed"),
        *("loss", "accuracy"),
    ]
    model = small_trials.local(filters=2, rate=0.01, seed=1)
    train, test = small_trials.digits()
    model.fit(*train, verbose=0)
    loss, accuracy = model.evaluate(*test, verbose=0)
    (row,) = [
        r for r in found if (r["filters"], r["rate"], r["seed"]) == ("2", "0.01", "1")
    ]
    assert float(row["loss"]) == loss
    assert float(row["accuracy"]) == accuracy
    pair = [float(r["loss"]) for r in found if list(r.values())[4:6] == ["1", "0.1"]]
    mean, spread = sum(pair) / 2, abs(pair[0] - pair[1]) / 2**0.5
    (line,) = [
        line for line in out.splitlines() if line.split()[:3] == ["1", "0.1", "2"]
    ]
    assert f"{mean:.4f} +- {spread:.4f}" in line
    assert "8 trainings in" in out


def test_the_file_is_the_same_whatever_trained(cluster):
    main([*SMALL, "--out", "one.csv"])
    main([*SMALL, "--out", "two.csv", "--jobs", "2"])
    main([*SMALL, "--out", "dask.csv", "--dask", cluster.scheduler_address])
    one = Path("one.csv").read_bytes()
    assert one.count(b"\n") == 5
    assert Path("two.csv").read_bytes() == one
    assert Path("dask.csv").read_bytes() == one


def test_a_sweep_goes_on_where_it_was(capsys):
    main([*SMALL, "--out", "whole.csv", "--seeds", "2"])
    main([*SMALL, "--out", "table.csv"])
    lines = Path("table.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    Path("table.csv").write_text("".join(lines[:3]), encoding="utf-8")
    main([*SMALL, "--out", "table.csv", "--seeds", "2"])
    assert "6 trainings" in capsys.readouterr().out
    assert Path("table.csv").read_bytes() == Path("whole.csv").read_bytes()
    # Nothing is left to do, so that no worker is needed.
    assert main([*SMALL, "--out", "table.csv", "--dask", "tcp://nowhere:1"]) == 0
    assert "0 trainings in 0 s, 4 found in table.csv" in capsys.readouterr().out
    # Other epochs are other trainings, and the same file has room for them.
    main(
        [
            *SWEEP,
            "--grid",
            "filters=1",
            "rate=0.1",
            "--epochs",
            "2",
            "--out",
            "table.csv",
        ]
    )
    assert [row["epochs"] for row in rows("table.csv")] == ["1"] * 8 + ["2"]


def test_a_failing_setting_is_named_and_the_others_are_kept(capsys):
    command = ["sweep", "small_trials:fails_at_3", "--data", "small_trials:digits"]
    command += ["--grid", "rate=0.1,0.2,3", "--epochs", "1", "--out", "table.csv"]
    assert main([*command, "--quiet"]) == 1
    assert capsys.readouterr().err == (
        "localnet: rate=3, seed=0: RuntimeError: three is too much\n"
    )
    assert [row["rate"] for row in rows("table.csv")] == ["0.1", "0.2"]


def test_modules_of_the_folder_travel_to_a_cluster(folder, cluster, capsys):
    (folder / "helping.py").write_text("def scale(x):\n    return x[..., None] / 16\n")
    (folder / "own_nets.py").write_text(
        "import small_trials\n"
        "from helping import scale\n"
        "from localnet.datasets import load_digits\n"
        "def data():\n"
        "    (x, y), (x_test, y_test) = load_digits()\n"
        "    return (scale(x[:300]), y[:300]), (scale(x_test), y_test)\n"
        "def net(seed):\n"
        "    return small_trials.local(seed=seed)\n"
    )
    command = ["sweep", "own_nets:net", "--data", "own_nets:data", "--epochs", "1"]
    address = cluster.scheduler_address
    assert main([*command, "--quiet", "--dask", address, "--out", "t.csv"]) == 0
    capsys.readouterr()
    main([*SWEEP, "--epochs", "1", "--out", "here.csv"])
    assert rows("t.csv")[0]["loss"] == rows("here.csv")[0]["loss"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["small_trials", "--data", "small_trials:digits"],
            "build must be MODULE:FUNCTION that can be imported, got 'small_trials': "
            "module 'small_trials' has no attribute ''",
        ),
        (
            ["..nowhere:net", "--data", "small_trials:digits"],
            "build must be MODULE:FUNCTION that can be imported, got '..nowhere:net': "
            "the 'package' argument is required to perform a relative import for "
            "'..nowhere'",
        ),
        (
            ["small_trials:exits", "--data", "small_trials:digits"],
            "seed=0: SystemExit: 3",
        ),
        (
            ["nowhere:net", "--data", "small_trials:digits"],
            "build must be MODULE:FUNCTION that can be imported, got 'nowhere:net': No "
            "module named 'nowhere'",
        ),
        (
            ["small_trials:local", "--data", "small_trials:os"],
            f"--data must be a function, got {os!r}",
        ),
        (
            ["small_trials:local", "--data", "small_trials:no_pairs"],
            "seed=0: ValueError: data must return (x, y), (x_test, y_test), got "
            "ndarray of shape (3,)",
        ),
        (
            [
                "small_trials:local",
                "--data",
                "small_trials:digits",
                "--grid",
                "width=3",
            ],
            "build must be a function of width, seed, got local: got an unexpected "
            "keyword argument 'width'",
        ),
        (
            [*SWEEP[1:4], "--grid", "rate"],
            "--grid must be NAME=VALUE,VALUE with a name but seed, got 'rate'",
        ),
        (
            [*SWEEP[1:4], "--grid", "seed=1"],
            "--grid must be NAME=VALUE,VALUE with a name but seed, got 'seed=1'",
        ),
        (
            [
                "small_trials:local",
                "--data",
                "small_trials:digits",
                "--grid",
                "epochs=1",
            ],
            "--grid must name arguments of build, got the option epochs",
        ),
        (
            [
                "small_trials:local",
                "--data",
                "small_trials:digits",
                "--out",
                "no/t.csv",
            ],
            "--out must be in a folder that exists, got 'no/t.csv'",
        ),
    ],
)
def test_what_cannot_be_swept_is_refused(arguments, sentence, folder, capsys):
    assert main(["sweep", *arguments, "--quiet"]) == 1
    assert capsys.readouterr().err == f"localnet: {sentence}\n"
    assert list(folder.iterdir()) == []


def test_a_model_that_is_not_compiled_is_refused(capsys):
    command = ["sweep", "small_trials:not_compiled", "--data", "small_trials:digits"]
    assert main([*command, "--quiet"]) == 1
    assert "build must return a compiled model, got <Sequential" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ((b"0.", b"xx"), "--out must hold numbers, got 'xx"),
        ((b"seed", b"se\xffd"), "--out must be a .csv file in UTF-8, got 'table.csv'"),
    ],
)
def test_a_damaged_table_is_named_and_left(damage, sentence, folder, capsys):
    table, command = folder / "table.csv", [*SMALL, "--out", "table.csv"]
    assert main(command) == 0
    damaged = table.read_bytes().replace(*damage)
    table.write_bytes(damaged)
    assert main(command) == 1
    assert sentence in capsys.readouterr().err
    assert table.read_bytes() == damaged


def test_another_file_is_refused_and_left(folder, capsys):
    (folder / "table.csv").write_text("a,b\n1,2\n")
    assert main([*SMALL, "--out", "table.csv"]) == 1
    assert "--out must be a new file or one of the same grid" in capsys.readouterr().err
    assert (folder / "table.csv").read_text() == "a,b\n1,2\n"


def test_a_last_line_that_may_be_cut_is_done_again(folder, capsys):
    main([*SMALL, "--out", "table.csv"])
    whole = (folder / "table.csv").read_bytes()
    for cut in (1, 3, 30):
        (folder / "table.csv").write_bytes(whole[:-cut])
        capsys.readouterr()
        assert main([*SMALL, "--out", "table.csv"]) == 0
        assert "1 trainings" in capsys.readouterr().out
        assert (folder / "table.csv").read_bytes() == whole


def test_another_kind_of_file_is_refused_before_work(folder, capsys):
    assert main([*SMALL, "--out", "table.txt"]) == 1
    assert capsys.readouterr().err == (
        "localnet: --out must be a .csv file, got 'table.txt'\n"
    )


def test_what_a_grid_means():
    assert parse_grid(["a=1,2.5,1e-3", "b=relu,tanh", "c=None", "d=(3,3),(5,5)"]) == {
        "a": [1, 2.5, 1e-3],
        "b": ["relu", "tanh"],
        "c": [None],
        "d": [(3, 3), (5, 5)],
    }
    assert parse_grid(["a=3,same", "b='1',1", "c=a=b"]) == {
        "a": [3, "same"],
        "b": ["1", 1],
        "c": ["a=b"],
    }
    with refuses("--grid must name each setting once, got a twice"):
        parse_grid(["a=1", "a=2"])
    with refuses("--grid must hold different values, got 'a=1,1'"):
        parse_grid(["a=1,1"])


# train digits and reproduce -------------------------------------------------------


def test_digits_side_by_side_are_the_digits_alone(cluster, capsys):
    command = ["train", "digits", "--epochs", "1", "--seeds", "2", "--quiet"]
    lines = []
    for where in ([], ["--jobs", "2"], ["--dask", cluster.scheduler_address]):
        assert main([*command, *where, "--save", f"{len(lines)}.npz"]) == 0
        out = capsys.readouterr().out
        lines.append([line.partition(", trained")[0] for line in out.splitlines()[:3]])
    assert lines[0] == lines[1] == lines[2]
    assert lines[0][2].startswith("mean of 2 seeds")


def test_digits_in_workers_have_one_thread_each(capsys):
    command = ["train", "digits", "--seeds", "2", "--jobs", "2", "--threads", "2"]
    assert main(command) == 1
    assert capsys.readouterr().err == (
        "localnet: --threads must be left out where workers train, each with one "
        "thread, got 2\n"
    )


def test_reproduce_on_a_cluster(cluster):
    command = ["reproduce", "lecun1989", "--seeds", "1", "--epochs", "1", "--quiet"]
    command += ["--picture", "p.svg"]
    assert main([*command, "--results", "here.json"]) == 0
    where = ["--dask", cluster.scheduler_address]
    assert main([*command, *where, "--results", "there.json"]) == 0
    assert Path("here.json").read_bytes() == Path("there.json").read_bytes()


def test_jobs_and_dask_exclude_each_other(capsys):
    with pytest.raises(SystemExit):
        main([*SMALL, "--jobs", "2", "--dask", "tcp://127.0.0.1:1"])
    assert "not allowed with argument" in capsys.readouterr().err


# Threads --------------------------------------------------------------------------


def test_workers_of_dask_use_one_thread(cluster):
    from distributed import Client

    from localnet import config

    with Client(cluster.scheduler_address, set_as_default=False) as client:
        assert set(client.run(config.get_num_threads).values()) == {1}


def test_the_environment_is_as_it_was(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    before = dict(os.environ)
    with processes.in_processes(1):
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert dict(os.environ) == before


# Last, since workers of Dask do not drop what they are at.
@pytest.mark.parametrize("number", ["SIGTERM", "SIGKILL"])
def test_workers_end_with_their_parent(folder, number):
    (folder / "waits.py").write_text(
        "import os, time, pathlib\n"
        "from localnet.trials import run_trials\n"
        "def wait(trial):\n"
        "    pathlib.Path('half').write_text(str(os.getpid()))\n"
        "    os.replace('half', 'pid')\n"
        "    time.sleep(100)\n"
        "if __name__ == '__main__':\n"
        "    import waits\n"
        "    run_trials(waits.wait, [0], verbose=False)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "waits.py"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not (folder / "pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    worker = int((folder / "pid").read_text())
    process.send_signal(getattr(signal, number))
    # Until all of them have ended.
    assert process.communicate(timeout=30)[1] == b""
    deadline = time.monotonic() + 10
    while _runs(worker):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid):
    """Whether a process is there, and no zombie that nobody asked after."""
    answer = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True
    )
    return answer.stdout.strip()[:1] not in ("", "Z")


@pytest.mark.parametrize("workers", ["jobs", "dask"])
def test_ctrl_c_ends_at_once_and_keeps_what_is_done(folder, workers, request):
    where = ["--jobs", "2"]
    if workers == "dask":
        where = ["--dask", request.getfixturevalue("cluster").scheduler_address]
    (folder / "slow.py").write_text(
        "import time, small_trials\n"
        "def net(pause, seed):\n"
        "    time.sleep(pause)\n"
        "    return small_trials.local(seed=seed)\n"
    )
    command = ["sweep", "slow:net", "--data", "small_trials:digits", *where]
    command += ["--grid", "pause=0,0.01,100,101", "--epochs", "1", "--out", "t.csv"]
    process = subprocess.Popen(
        [sys.executable, "-m", "localnet", *command, "--quiet"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not Path("t.csv").exists() or len(rows("t.csv")) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=15)
    assert process.returncode == 130
    assert err == (
        "\nlocalnet: interrupted; t.csv holds what is done, and the same command goes "
        "on from there\n"
    )
    assert [row["pause"] for row in rows("t.csv")] == ["0", "0.01"]
