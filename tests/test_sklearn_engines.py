"""One grid on every engine of joblib: the same scores, to the bit."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from localnet.datasets import load_digits
from localnet.sklearn import LocallyConnectedClassifier


def scores(**options):
    (x, y), _ = load_digits()
    X = x.reshape(len(x), -1)[:240] / 16
    grid = {"filters": [1, 3], "learning_rate": [0.003, 0.01]}
    estimator = LocallyConnectedClassifier((8, 8, 1), epochs=2, random_state=0)
    search = GridSearchCV(estimator, grid, cv=3, **options).fit(X, y[:240])
    return np.stack(
        [search.cv_results_[f"split{fold}_test_score"] for fold in range(3)]
    )


@pytest.fixture(scope="module")
def alone():
    return scores()


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_joblib(alone, backend):
    with joblib.parallel_config(backend):
        np.testing.assert_array_equal(scores(n_jobs=2), alone)


@pytest.mark.parametrize("processes", [True, False], ids=["processes", "threads"])
def test_dask(alone, processes):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2 if processes else 1,
            threads_per_worker=1 if processes else 2,
            processes=processes,
            dashboard_address=":0",
        ) as cluster,
        Client(cluster),
        joblib.parallel_config("dask"),
    ):
        np.testing.assert_array_equal(scores(), alone)


def test_workers_of_joblib_use_one_thread():
    code = (
        "import joblib; from localnet import config; "
        "print(joblib.Parallel(2)([joblib.delayed(config.get_num_threads)()]))"
    )
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("OMP_NUM_THREADS", "LOCALNET_NUM_THREADS")
    }
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "LOKY_MAX_CPU_COUNT": "2"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert result.stdout == "[1]\n"
