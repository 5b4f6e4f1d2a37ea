"""Settings that every test shares."""

import os
import signal

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import localnet.config as config
from localnet.ops.runtime import cuts

# Programs of their own, some for environments with other packages.
collect_ignore = ["data", "fuzz", "peers"]

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=50)
settings.register_profile(
    "long",
    deadline=None,
    max_examples=2000,
    suppress_health_check=[HealthCheck.too_slow],
)
# Shells let what they start in the background ignore Ctrl-C, which tests press.
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def _isolated_settings(tmp_path_factory, monkeypatch):
    """Give each test an empty KERAS_HOME and the default settings."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras_home")))
    monkeypatch.delenv("LOCALNET_NUM_THREADS", raising=False)
    monkeypatch.setattr(
        config, "_process", {"floatx": "float32", "epsilon": 1e-7, "engine": "blocked"}
    )


@pytest.fixture
def rng():
    """Give the test its own seeded generator."""
    return np.random.default_rng(20260)


@pytest.fixture
def in_float64():
    """Make float64 the type of what is made in this test."""
    config.set_floatx("float64")


@pytest.fixture
def small_cuts(monkeypatch):
    """Return a function that sets constants of `ops.runtime.cuts` for this test."""

    def set_constants(**constants):
        for name, value in constants.items():
            monkeypatch.setattr(cuts, name, value)
        cuts.cuts.cache_clear()

    yield set_constants
    cuts.cuts.cache_clear()


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """Be in a folder whose modules are named as what Python imports when it starts."""
    folder = tmp_path / "beside"
    folder.mkdir()
    for name in ("json", "re", "types", "copyreg", "pickle", "multiprocessing"):
        told = f"raise SystemExit('{name}.py was run')\n"
        (folder / f"{name}.py").write_text(told)
    monkeypatch.chdir(folder)
