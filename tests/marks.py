"""Marks that several test files use."""

import os

import pytest

# Too slow for every change: run by ``.ci/long suite``.
long = pytest.mark.skipif(
    os.environ.get("HYPOTHESIS_PROFILE") != "long", reason="run by .ci/long suite"
)
