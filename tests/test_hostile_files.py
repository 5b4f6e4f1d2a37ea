"""Files from strangers: what they claim costs nothing, and nothing of them is run."""

import contextlib
import errno
import io
import json
import os
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from localnet import Sequential, load_model
from localnet.files import native
from localnet.files.contents import explained
from localnet.files.safe import bounded_json, isolated
from localnet.layers import Dense, LocallyConnected1D

h5py = pytest.importorskip("h5py")

FUZZER = Path(__file__).parent / "fuzz" / "fuzz_files.py"
SMALL = 4 * 2**20


@contextlib.contextmanager
def refused(path, reason, error=ValueError):
    """Expect one sentence that names the file, and little memory for it."""
    tracemalloc.start()
    try:
        with pytest.raises(error) as caught:
            yield caught
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    [message] = caught.value.args
    assert message.startswith(f"{path} must ")
    assert reason in message
    assert peak < SMALL


def dense(units=2, **options):
    return Sequential([Dense(units, name="d", input_shape=(3,), **options)])


# Zip and .npz --------------------------------------------------------------------


def rewrite(path, change):
    """Write an archive again, every entry through `change(name, content)`."""
    with zipfile.ZipFile(path) as old:
        entries = [(name, old.read(name)) for name in old.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in entries:
            for pair in change(name, content):
                new.writestr(*pair)


@pytest.mark.parametrize("name", ["../x.npy", "/x.npy", "a/../../x.npy", "c:x.npy"])
def test_names_that_lead_out_of_the_archive(name, tmp_path):
    path = dense().save(tmp_path / "m.npz")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"")
    with refused(path, "must have a name inside the archive"):
        load_model(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_entries_that_occur_twice(tmp_path):
    path = dense().save(tmp_path / "m.npz")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.npy", b"")
    with refused(path, "'config.npy' must be there once only"):
        load_model(path)


def test_a_directory_that_lies_about_sizes(tmp_path):
    path = dense().save(tmp_path / "m.npz")
    raw = bytearray(path.read_bytes())
    place = raw.index(b"PK\x01\x02") + 24
    raw[place : place + 4] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(raw)
    with refused(path, "must fit into the file"):
        load_model(path)


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(3, 99)", "(-1,)"])
def test_a_header_that_lies_about_its_shape(shape, tmp_path):
    path = dense().save(tmp_path / "m.npz")

    def change(name, content):
        if name.startswith("weights/0000"):
            header = content[10:].split(b"\n")[0] + b"\n"
            new = header.replace(b"(3, 2)", shape.encode()).strip() + b"\n"
            content = content[:8] + struct.pack("<H", len(new)) + new + b"\0" * 24
        return [(name, content)]

    rewrite(path, change)
    with refused(path, "entry 'weights/0000.npy' must"):
        load_model(path)


def test_a_bomb_is_not_decompressed(tmp_path):
    path = dense().save(tmp_path / "m.npz")
    bomb = io.BytesIO()
    np.save(bomb, np.zeros(2**25, np.uint8))

    def change(name, content):
        return [(name, bomb.getvalue() if name.startswith("weights") else content)]

    rewrite(path, change)
    assert path.stat().st_size < 2**18
    with refused(path, "weight kernel must have shape (3, 2)"):
        load_model(path)


def test_a_bomb_in_a_keras_archive_is_not_decompressed(tmp_path):
    path = dense().save(tmp_path / "m.keras")

    def change(name, content):
        return [(name, content + bytes(2**26 if name.endswith("h5") else 0))]

    rewrite(path, change)
    with refused(path, "must have at most"):
        load_model(path)


def test_a_config_of_too_many_bytes_or_levels(tmp_path):
    path = dense().save(tmp_path / "m.keras")
    deep = b'{"a":' * 200 + b"1" + b"}" * 200
    for text, reason in (
        (b" " * (bounded_json.MAX_BYTES + 1), "at most"),
        (deep, "at most 100 levels"),
    ):

        def change(name, content, text=text):
            return [(name, text if name == "config.json" else content)]

        rewrite(path, change)
        with refused(path, reason):
            load_model(path)


# HDF5 ----------------------------------------------------------------------------

KERNEL = "d/d/kernel:0"


def huge(group):
    group.create_dataset(KERNEL, shape=(2**20, 2**20), dtype="f4", chunks=(1024, 64))


def deflated(group):
    zeros = np.zeros((2**10, 2**10), np.float32)
    group.create_dataset(KERNEL, data=zeros, compression="gzip")


def large_chunk(group):
    group.create_dataset(
        KERNEL,
        data=np.zeros((3, 2), np.float32),
        maxshape=(None, None),
        chunks=(2**12, 2**12),
        compression="gzip",
    )


def outside(group):
    group.create_dataset(KERNEL, (3, 2), "f4", external=[("/etc/hostname", 0, 24)])


def virtual(group):
    layout = h5py.VirtualLayout(shape=(3, 2), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape=(3, 2))
    group.create_virtual_dataset(KERNEL, layout)


def linked(link):
    def write(group):
        group[KERNEL] = link

    return write


def of_type(dtype, value):
    def write(group):
        group.create_dataset(KERNEL, data=np.full((3, 2), value, dtype=dtype))

    return write


H5_ATTACKS = {
    "huge": (huge, "must fit into the file"),
    "deflated": (deflated, "weight kernel must have shape (3, 2)"),
    "large-chunk": (large_chunk, "chunk"),
    "outside": (outside, "external"),
    "virtual": (virtual, "virtual"),
    "soft-link": (linked(h5py.SoftLink("/d")), "got a link"),
    "external-link": (linked(h5py.ExternalLink("/etc/passwd", "/x")), "got a link"),
    "texts": (of_type(h5py.string_dtype(), "x"), "must hold real numbers"),
    "complex": (of_type("c16", 1), "must hold real numbers"),
    "references": (of_type(h5py.ref_dtype, None), "must hold real numbers"),
    "group": (lambda group: group.create_group(KERNEL), "must be an array"),
    "nothing": (lambda group: None, "the file holds no"),
}


@pytest.mark.parametrize("isolated", [False, True])
@pytest.mark.parametrize("attack", H5_ATTACKS)
def test_arrays_that_are_not_what_they_should_be(attack, isolated, tmp_path):
    if isolated and attack not in ("huge", "outside"):
        pytest.skip("two are enough")
    write, reason = H5_ATTACKS[attack]
    path = dense().save(tmp_path / "m.h5")
    with h5py.File(path, "r+") as file:
        del file["model_weights"][KERNEL]
        write(file["model_weights"])
    with refused(path, reason):
        load_model(path, isolated=isolated)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("layer_names", np.zeros((2, 2)), "must be a text or a list of texts"),
        ("layer_names", np.array([b"../d"]), "must be a name inside the file"),
        ("layer_names", np.array([b"/d"]), "must be a name inside the file"),
        ("layer_names", np.array([b"d", b"d"]), "different from one another"),
        ("layer_names", 3.5, "must hold texts"),
        ("layer_names", np.array([b"\xff\xfe"]), "codec"),
        ("layer_names", None, "must have an attribute 'layer_names'"),
    ],
)
def test_names_in_hdf5(name, value, reason, tmp_path):
    path = dense().save(tmp_path / "m.h5")
    with h5py.File(path, "r+") as file:
        del file["model_weights"].attrs[name]
        if value is not None:
            file["model_weights"].attrs[name] = value
    with refused(path, reason):
        load_model(path)


# Configs that ask for more than the file holds ------------------------------------


def with_config(path, change):
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config["config"]["layers"][-1]["config"])
        file.attrs["model_config"] = json.dumps(config)


@pytest.mark.parametrize("key", ["units", "activation", "dtype", "x" * 5000])
def test_no_text_of_a_config_is_quoted_without_an_end(key, tmp_path):
    path = dense().save(tmp_path / "m.h5")
    with_config(path, lambda config: config.update({key: "x" * 5000}))
    with refused(path, "x" * 90) as caught:
        load_model(path)
    assert "x" * 201 not in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "changes", "reason"),
    [
        (Dense(2, name="d"), {"units": 10**12}, "must fit into the file"),
        (Dense(2, name="d"), {"units": 10**6}, "kernel must have shape (1, 1000000)"),
        (
            LocallyConnected1D(1, 2, name="d"),
            {"filters": 10**12},
            "must fit into the file",
        ),
        (
            LocallyConnected1D(1, 2, padding="same", implementation=3, name="d"),
            {"kernel_size": [10**11]},
            "must fit into the file",
        ),
        (
            LocallyConnected1D(1, 1, implementation=3, name="d"),
            {"batch_input_shape": [None, 10**12, 1], "strides": [10**12]},
            "must fit into the file",
        ),
        (Dense(2, name="d"), {"units": 10**400}, "units must be an integer >= 1"),
    ],
    ids=["units", "some-units", "filters", "kernel", "input", "beyond-floats"],
)
def test_configs_that_ask_for_much(layer, changes, reason, tmp_path):
    shape = (4, 1)
    model = Sequential([type(layer).from_config(layer.get_config())])
    model.build((None, *shape))
    path = model.save(tmp_path / "m.h5")
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        entries = config["config"]["layers"]
        entries[-1]["config"].update(changes)
        if "batch_input_shape" in changes:
            del entries[0]
        file.attrs["model_config"] = json.dumps(config)
    with refused(path, reason):
        load_model(path)


def test_code_is_never_run(tmp_path):
    path = dense().save(tmp_path / "m.h5")
    with_config(path, lambda config: config.update(activation={"value": ["x", 1, 2]}))
    with refused(path, "code from a file is never run"):
        load_model(path)


# Another process -----------------------------------------------------------------


def test_a_process_that_dies_is_an_error(tmp_path, monkeypatch):
    path = dense().save(tmp_path / "m.h5")
    monkeypatch.setattr(isolated, "CHILD", "import os; os.abort()")
    with refused(path, "the process that read it died"):
        load_model(path, isolated=True)


def test_modules_beside_a_file_are_not_run(beside, tmp_path):
    path = dense().save(tmp_path / "m.npz")
    with isolated.opened(path) as contents:
        assert contents.layers


def test_a_process_that_hangs_is_ended(tmp_path, monkeypatch):
    path = dense().save(tmp_path / "m.h5")
    monkeypatch.setattr(isolated, "CHILD", "import time; time.sleep(600)")
    monkeypatch.setattr(isolated, "SECONDS", 0.1)
    with refused(path, "the process that read it took longer than 0.1 s"):
        load_model(path, isolated=True)


@pytest.mark.parametrize(
    "answer",
    ["nonsense", "[" * 1000, "[]", '{"error": "SystemExit", "message": "x"}', "{}"],
)
def test_a_process_that_talks_nonsense_is_not_believed(answer, tmp_path, monkeypatch):
    path = dense().save(tmp_path / "m.h5")
    monkeypatch.setattr(isolated, "CHILD", f"print({answer!r})")
    with refused(path, ""):
        load_model(path, isolated=True)


@pytest.mark.skipif(sys.platform != "linux", reason="limits differ")
def test_memory_of_the_process_is_limited(tmp_path):
    weights = np.zeros((2**13, 2**13), np.float32)  # 256 MB, all that is allowed
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"d"]
        group = file.create_group("d")
        group.attrs["weight_names"] = [b"k"]
        group.create_dataset("k", data=weights, compression="gzip")
    assert path.stat().st_size < 2**20
    with refused(path, "memory"), isolated.opened(path, memory=2**28):
        pass


def test_errors_are_those_of_this_process(tmp_path):
    missing = tmp_path / "missing.h5"
    with pytest.raises(FileNotFoundError):
        load_model(missing, isolated=True)
    path = tmp_path / "text.h5"
    path.write_text("no model", encoding="utf-8")
    with refused(path, "it is none of .npz, .h5 and .keras"):
        load_model(path, isolated=True)


def test_sizes_alone_cost_no_values(tmp_path):
    path = dense().save(tmp_path / "m.h5")
    with isolated.opened(path, values=False) as contents:
        [kernel, bias] = contents.layers["d"]
        assert (kernel.shape, bias.shape) == ((3, 2), (2,))
        with pytest.raises(ValueError, match="not asked for"):
            kernel.read()


# Faults that fuzzing found -------------------------------------------------------


def test_an_offset_before_the_beginning(tmp_path):
    # zipfile seeks there, and the system says EINVAL without a name.
    path = dense().save(tmp_path / "m.npz")
    raw = bytearray(path.read_bytes())
    del raw[40:80]
    path.write_bytes(raw)
    with pytest.raises(ValueError, match="damaged or foreign"):
        load_model(path)


@pytest.mark.parametrize("place", ["shuffling", "noise"])
@pytest.mark.parametrize("number", [-1, 2**70, "x", None])
def test_states_of_generators_that_are_none(place, number, tmp_path):
    # NumPy has an OverflowError of its own for them.
    path = dense().save(tmp_path / "m.npz")
    config, arrays = native.read(path)
    state = config["random"][place]
    (state if place == "shuffling" else state["d"])["uinteger"] = number
    native.write(path, config, arrays)
    with refused(path, "random must hold the states of the generators"):
        load_model(path)


def test_a_disk_that_fails_stays_an_os_error(tmp_path):
    path = tmp_path / "m.npz"
    with pytest.raises(OSError, match=r"m\.npz") as caught, explained(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    assert caught.value.errno == errno.EIO


@pytest.mark.skipif(sys.platform != "linux", reason="limits differ")
def test_some_hundred_mutated_files():
    done = subprocess.run(
        [sys.executable, FUZZER, "--files", "250", "--seed", "7"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("250 files in ")
