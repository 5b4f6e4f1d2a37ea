"""Settings: their defaults, their scope, keras.json, and every refusal."""

import contextvars
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from raising import refuses

from localnet import config


@pytest.fixture
def keras_json(tmp_path, monkeypatch):
    """Write a keras.json into a KERAS_HOME of its own."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    path = tmp_path / "keras.json"

    def write(content: bytes) -> Path:
        path.write_bytes(content)
        return path

    return write


def test_defaults():
    assert config.floatx() == "float32"
    assert config.epsilon() == 1e-7
    assert config.image_data_format() == "channels_last"
    assert config.get_engine() == "blocked"


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "Float64"])
def test_floatx(name):
    config.set_floatx(name)
    assert config.floatx() == name.lower()


def test_epsilon():
    config.set_epsilon(1)
    assert config.epsilon() == 1.0
    assert isinstance(config.epsilon(), float)
    config.set_epsilon(0)
    assert config.epsilon() == 0.0


@pytest.mark.parametrize("name", ["channels_first", "CHANNELS_LAST"])
def test_image_data_format(name):
    config.set_image_data_format(name)
    assert config.image_data_format() == name.lower()


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("float16", "float16"),
        ("d", "float64"),
        (np.float32, "float32"),
        (np.dtype(">f8"), "float64"),
        (float, "float64"),
    ],
    ids=str,
)
def test_float_dtype(value, name):
    dtype = config.float_dtype(value)
    assert dtype == np.dtype(name)
    assert dtype.isnative


def test_float_dtype_is_floatx_by_default():
    config.set_floatx("float16")
    assert config.float_dtype() == config.float_dtype(None) == np.float16


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ("int32", "'int32'"),
        (complex, "'complex128'"),
        ("flaot32", "'flaot32'; did you mean 'float32'?"),
        (3, "3"),
    ],
    ids=repr,
)
def test_float_dtype_refuses(value, got):
    with refuses(f"dtype must be one of 'float16', 'float32', 'float64', got {got}"):
        config.float_dtype(value)


def test_resolve_data_format():
    config.set_image_data_format("channels_first")
    assert config.resolve_data_format() == "channels_first"
    assert config.resolve_data_format(None) == "channels_first"
    assert config.resolve_data_format("Channels_Last") == "channels_last"
    with refuses(
        "data_format must be one of 'channels_last', 'channels_first', got 'NHWC'"
    ):
        config.resolve_data_format("NHWC")


# --- keras.json -----------------------------------------------------------------------


def test_keras_json_gives_the_default(keras_json):
    keras_json(b'{"image_data_format": "channels_first", "backend": "theano"}')
    assert config.image_data_format() == "channels_first"


def test_keras_json_is_read_anew_and_never_written(keras_json):
    path = keras_json(b'{"image_data_format": "channels_first"}')
    assert config.image_data_format() == "channels_first"
    config.set_image_data_format("channels_last")
    assert config.image_data_format() == "channels_last"
    assert path.read_bytes() == b'{"image_data_format": "channels_first"}'


def test_keras_json_may_leave_it_out(keras_json):
    keras_json(b'{"floatx": "float64"}')
    assert config.image_data_format() == "channels_last"
    assert config.floatx() == "float32"


def test_keras_json_stands_in_the_home_directory_by_default(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(
        '{"image_data_format": "channels_first"}', encoding="utf-8"
    )
    assert config.image_data_format() == "channels_first"


def test_keras_json_of_another_format_is_refused(keras_json):
    path = keras_json(b'{"image_data_format": "th"}')
    with refuses(
        f"image_data_format in {path} must be one of 'channels_last', "
        "'channels_first', got 'th'"
    ):
        config.image_data_format()


def test_keras_json_must_be_an_object(keras_json):
    path = keras_json(b"[1]")
    with refuses(f"{path} must hold a JSON object, got [1]"):
        config.image_data_format()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2"),
        (b"\xff{}", "'utf-8' codec can't decode byte 0xff in position 0"),
    ],
    ids=["syntax", "encoding"],
)
def test_keras_json_must_be_json(content, reason, keras_json):
    path = keras_json(content)
    with pytest.raises(ValueError, match=r"must be a JSON file") as caught:
        config.image_data_format()
    (sentence,) = caught.value.args
    assert sentence.startswith(f"{path} must be a JSON file: {reason}")


# --- engine ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["naive", "einsum", "blocked"])
def test_set_engine(name):
    config.set_engine(name.upper())
    assert config.get_engine() == name


def test_engine_blocks_nest_and_end():
    config.set_engine("einsum")
    with config.engine("naive"):
        with config.engine("blocked"):
            assert config.get_engine() == "blocked"
        assert config.get_engine() == "naive"
        config.set_engine("blocked")
        assert config.get_engine() == "naive"
    assert config.get_engine() == "blocked"


def test_an_engine_block_ends_with_an_exception_too():
    with pytest.raises(KeyError), config.engine("naive"):
        raise KeyError
    assert config.get_engine() == "blocked"


def test_an_engine_block_is_of_one_thread():
    seen = []
    # A context of its own, as every thread has before Python 3.14.
    context = contextvars.Context()
    with config.engine("naive"):
        thread = threading.Thread(
            target=context.run, args=(lambda: seen.append(config.get_engine()),)
        )
        thread.start()
        thread.join()
    assert seen == ["blocked"]


# --- threads --------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch):
    """Return a function that sets what limits the threads of this process."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    counter = "process_cpu_count" if hasattr(os, "process_cpu_count") else "cpu_count"

    def set_limits(*, count=64, affinity=None, omp=None):
        monkeypatch.setattr(os, counter, lambda: count)
        if affinity is None:
            monkeypatch.delattr(os, "sched_getaffinity", raising=False)
        else:
            monkeypatch.setattr(
                os, "sched_getaffinity", lambda pid: affinity, raising=False
            )
        if omp is not None:
            monkeypatch.setenv("OMP_NUM_THREADS", omp)

    return set_limits


def test_num_threads_defaults_to_the_cpus_of_this_process(machine):
    machine(affinity={0, 3, 5})
    assert config.get_num_threads() == 3


def test_num_threads_where_affinity_is_unknown(machine):
    machine(count=6)
    assert config.get_num_threads() == 6
    machine(count=None)
    assert config.get_num_threads() == 1


def test_num_threads_is_the_least_of_its_limits(machine):
    machine(count=2, affinity=set(range(8)), omp="4")
    assert config.get_num_threads() == 2
    machine(count=16, affinity=set(range(8)), omp="4")
    assert config.get_num_threads() == 4
    machine(count=16, affinity={1}, omp="4")
    assert config.get_num_threads() == 1


@pytest.mark.parametrize(
    ("text", "threads"),
    [
        *[("1", 1), (" 4 ", 4), ("3,2,1", 3), ("2 , 7", 2), ("800", 6)],
        *[(text, 6) for text in ("", "0", "-1", "2.5", "many", ",2", "1e0", "0x2")],
    ],
)
def test_what_is_read_of_omp_num_threads(machine, text, threads):
    machine(count=6, omp=text)
    assert config.get_num_threads() == threads


def test_num_threads_of_localnet_win_over_the_limits(machine, monkeypatch):
    machine(count=2, omp="1")
    monkeypatch.setenv("LOCALNET_NUM_THREADS", "5")
    assert config.get_num_threads() == 5


@pytest.mark.skipif(
    not hasattr(os, "process_cpu_count"), reason="Python 3.13 reads PYTHON_CPU_COUNT"
)
def test_num_threads_obeys_the_interpreters_own_count():
    code = "from localnet import config; print(config.get_num_threads())"
    printed = subprocess.run(
        [sys.executable, "-X", "cpu_count=1", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert printed.stdout == "1\n"


def test_num_threads_from_the_environment_and_by_call(monkeypatch):
    default = config.get_num_threads()
    monkeypatch.setenv("LOCALNET_NUM_THREADS", " 5 ")
    assert config.get_num_threads() == 5
    config.set_num_threads(2)
    assert config.get_num_threads() == 2
    config.set_num_threads(None)
    config.set_num_threads(None)
    assert config.get_num_threads() == 5
    monkeypatch.setenv("LOCALNET_NUM_THREADS", "")
    assert config.get_num_threads() == default


@pytest.mark.parametrize("text", ["0", "-1", "2.0", "many", " "])
def test_num_threads_of_the_environment_is_checked(text, monkeypatch):
    monkeypatch.setenv("LOCALNET_NUM_THREADS", text)
    with refuses(f"LOCALNET_NUM_THREADS must be an integer >= 1, got {text!r}"):
        config.get_num_threads()


# --- refusals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setter", "value", "sentence"),
    [
        (
            config.set_floatx,
            "float63",
            "floatx must be one of 'float16', 'float32', 'float64', got 'float63'; "
            "did you mean 'float64'?",
        ),
        (
            config.set_floatx,
            float,
            "floatx must be one of 'float16', 'float32', 'float64', "
            "got <class 'float'>",
        ),
        (config.set_epsilon, -1, "epsilon must be a finite number >= 0, got -1"),
        (config.set_epsilon, "1", "epsilon must be a finite number >= 0, got '1'"),
        (
            config.set_image_data_format,
            None,
            "data_format must be one of 'channels_last', 'channels_first', got None",
        ),
        (
            config.set_engine,
            "block",
            "engine must be one of 'naive', 'einsum', 'blocked', got 'block'; "
            "did you mean 'blocked'?",
        ),
        (config.set_num_threads, 0, "num_threads must be an integer >= 1, got 0"),
        (config.set_num_threads, 2.0, "num_threads must be an integer >= 1, got 2.0"),
    ],
)
def test_a_refused_setting_changes_nothing(setter, value, sentence):
    before = dict(config._process)
    with refuses(sentence):
        setter(value)
    assert config._process == before


def test_an_unknown_engine_block_is_refused():
    with (
        refuses("engine must be one of 'naive', 'einsum', 'blocked', got 'gpu'"),
        config.engine("gpu"),
    ):
        pass
    assert config.get_engine() == "blocked"
