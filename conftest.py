"""What examples may rely on: NumPy's name in docstrings, and a folder to write to."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _docstrings_know_numpy(request, doctest_namespace):
    # A page is pasted into an empty session, and must import what it uses.
    if request.node.path.suffix != ".rst":
        doctest_namespace["np"] = np


@pytest.fixture(autouse=True)
def _pages_write_elsewhere(request, monkeypatch):
    if request.node.path.suffix == ".rst":
        monkeypatch.chdir(request.getfixturevalue("tmp_path"))
