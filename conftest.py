"""What every example may rely on: NumPy's name, and a folder to write to."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _examples_know_numpy(doctest_namespace):
    doctest_namespace["np"] = np


@pytest.fixture(autouse=True)
def _pages_write_elsewhere(request, monkeypatch):
    if request.node.path.suffix == ".rst":
        monkeypatch.chdir(request.getfixturevalue("tmp_path"))
