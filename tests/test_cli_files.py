"""``localnet show`` and ``localnet convert``, as they are typed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from reference import ROOT, load

from localnet import Sequential, load_model, optimizers
from localnet.cli import main, show
from localnet.files import native
from localnet.layers import Dense, Layer, LocallyConnected1D

h5py = pytest.importorskip("h5py")

CHECKOUT = Path(__file__).parent.parent
MODELS, FILES = ROOT / "models", ROOT / "files"


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    return (code, *capsys.readouterr())


def test_show_tells_layers_shapes_numbers_and_training(capsys):
    path = MODELS / "full_model.h5"
    code, out, err = run(capsys, "show", path)
    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[:3] == [
        f"file: {path}, 31,280 bytes",
        "format: Keras HDF5 model (keras_version 2.21.0, backend tensorflow)",
        "model: 'full_public' (Sequential)",
    ]
    assert (
        "lc_a (LocallyConnected2D) (None, 4, 4, 3) (16, 12, 3) float32, "
        "(4, 4, 3) float32 624"
    ) in lines
    assert "numbers in all weights: 820" in lines
    assert lines[-3].startswith("optimizer: SGD(")
    assert lines[-3].endswith("momentum=0.9), remembers 6 arrays")
    assert lines[-2:] == ["loss: categorical_crossentropy", "metrics: accuracy"]


@pytest.mark.parametrize("name", ["lacking.h5", "lacking.keras"])
def test_show_knows_layers_that_localnet_lacks(name, capsys):
    code, out, _ = run(capsys, "show", FILES / name, "--in-process")
    assert code == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "conv (Conv1D) (2, 1, 2) float32, (2,) float32 6" in lines
    assert "code (Lambda) 0" in lines
    assert lines[-1] == "not compiled"


@pytest.mark.parametrize("suffix", [".npz", ".keras", ".h5"])
def test_show_agrees_with_the_model(suffix, tmp_path, capsys):
    model = Sequential(
        [LocallyConnected1D(2, 2, input_shape=(4, 1), name="x"), Dense(3)]
    )
    model.compile("sgd", "mse")
    path = model.save(tmp_path / f"m{suffix}")
    _, out, _ = run(capsys, "show", path, "--in-process")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert (
        "x (LocallyConnected1D) (None, 3, 2) (3, 2, 2) float32, (3, 2) float32 18"
        in lines
    )
    assert f"numbers in all weights: {model.count_params()}" in lines


def test_show_of_weights_alone(capsys):
    code, out, _ = run(capsys, "show", MODELS / "v3.weights.h5", "--in-process")
    assert code == 0
    assert "locally_connected1d_1" in out
    assert out.endswith("numbers in all weights: 121\n")


def test_show_does_not_let_names_steer_the_terminal(tmp_path, capsys):
    model = Sequential([Dense(1, input_shape=(1,), name="red\x1b[31m")])
    path = model.save(tmp_path / "m.npz")
    _, out, _ = run(capsys, "show", path, "--in-process")
    assert "\x1b" not in out
    assert "red" in out


def test_errors_do_not_let_names_steer_the_terminal(tmp_path, capsys):
    name = "\x1b]0;title\x07\x1b[2J"
    model = Sequential([Dense(1, input_shape=(1,), name=name)])
    path = model.save(tmp_path / "m.npz")
    with np.load(path) as file:
        arrays = {
            key: file[key][:0] if file[key].dtype.kind == "f" else file[key]
            for key in file.files
        }
    np.savez(path, **arrays)
    code, _, err = run(capsys, "convert", path, tmp_path / "o.npz", "--in-process")
    assert code == 1
    assert "title" in err
    assert not set(err) & {"\x1b", "\x07"}


def test_a_table_does_not_let_names_steer_the_terminal(capsys):
    Sequential([Dense(1, input_shape=(1,), name="red\x1b[31m")], name="\x07").summary()
    out = capsys.readouterr().out
    assert "red" in out
    assert not set(out) & {"\x1b", "\x07"}


def test_a_terminal_without_the_letters_of_a_name_gets_others(tmp_path):
    path = Sequential([Dense(1, input_shape=(1,), name="größe\x1b")]).save(
        tmp_path / "m.npz"
    )
    shown = subprocess.run(
        [sys.executable, "-m", "localnet", "show", path, "--in-process"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=120,
        cwd=CHECKOUT,
    )
    assert shown.returncode == 0
    assert b"gr??e?" in shown.stdout


@pytest.mark.skipif(os.name == "nt", reason="pipes as POSIX has them")
def test_a_reader_that_is_gone_ends_a_command_without_a_word(tmp_path):
    path = Sequential([Dense(1, input_shape=(1,))]).save(tmp_path / "m.npz")
    read, write = os.pipe()
    os.close(read)
    shown = subprocess.run(
        [sys.executable, "-m", "localnet", "show", path, "--in-process"],
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=120,
        cwd=CHECKOUT,
    )
    os.close(write)
    assert (shown.returncode, shown.stderr) == (141, b"")


@pytest.mark.skipif(os.name == "nt", reason="descriptors as POSIX has them")
def test_a_closed_output_stops_no_command(tmp_path):
    model = Sequential([Dense(1, input_shape=(1,))])
    model.save(tmp_path / "m.npz")
    for arguments, code in {
        f"show --in-process {tmp_path}/m.npz": 0,
        f"convert {tmp_path}/m.npz {tmp_path}/n.npz": 0,
        f"show {tmp_path}/none.npz": 1,
        "homework list": 0,
    }.items():
        line = f"exec {sys.executable} -m localnet {arguments} >&-"
        done = subprocess.run(
            line, shell=True, stderr=subprocess.PIPE, timeout=120, cwd=CHECKOUT
        )
        assert done.returncode == code
        assert b"Traceback" not in done.stderr
    assert (tmp_path / "n.npz").exists()


def test_training_and_summary_do_without_an_output(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    model = Sequential([Dense(1, input_shape=(1,))])
    model.summary()
    model.compile("sgd", "mse")
    for verbose in (1, 2):
        model.fit([[1.0]], [[1.0]], verbose=verbose)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--help"], ["show", "--help"], ["--version"]])
def test_help_that_cannot_be_written_is_an_error(arguments, unbuffered):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "localnet", *arguments],
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=120,
            cwd=CHECKOUT,
        )
    assert done.returncode != 0
    assert b"No space left on device" in done.stderr


@pytest.mark.parametrize("how", [[], ["--in-process"]])
def test_no_name_is_no_file(how, capsys):
    assert main(["show", "", *how]) == 1
    assert capsys.readouterr().err == "localnet: path must name a file, got ''\n"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_a_file_that_cannot_be_read_is_named():
    with pytest.raises(OSError, match="/proc/self/mem"):
        load_model("/proc/self/mem")


@pytest.mark.parametrize("command", ["show", "convert"])
def test_damaged_files_are_one_sentence(command, tmp_path, capsys):
    path = tmp_path / "m.h5"
    path.write_bytes((MODELS / "full_model.h5").read_bytes()[:3000])
    more = [tmp_path / "out.npz"] if command == "convert" else []
    code, out, err = run(capsys, command, path, *more)
    assert (code, out) == (1, "")
    assert err.startswith(f"localnet: {path} must be a model or weights file, got ")
    assert err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["m.h5"]


@pytest.mark.parametrize("suffix", [".npz", ".keras", ".h5"])
@pytest.mark.parametrize("name", ["full_model.h5", "model_v3.keras"])
def test_convert_keeps_outputs_and_training(name, suffix, tmp_path, capsys):
    path = tmp_path / f"new{suffix}"
    code, out, err = run(capsys, "convert", MODELS / name, path, "--in-process")
    assert (code, err) == (0, "")
    data = load(f"models/{name.replace('.', '_')}.npz")
    model = load_model(path)
    assert out == f"model of {model.count_params():,} numbers: {path}\n"
    np.testing.assert_allclose(
        model.predict(data["x"], verbose=0), data["y"], atol=1e-5
    )
    before, after = (
        m.optimizer.get_state() for m in (load_model(MODELS / name), model)
    )
    for key, value in before.items():
        np.testing.assert_array_equal(after[key], value)


def test_convert_to_weights_and_back(tmp_path, capsys):
    weights, model = tmp_path / "w.weights.h5", MODELS / "model_v3.keras"
    assert run(capsys, "convert", model, weights)[0] == 0
    out = tmp_path / "m.npz"
    assert run(capsys, "convert", weights, out, "--model", model)[0] == 0
    for a, b in zip(
        load_model(out).get_weights(), load_model(model).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    alone = tmp_path / "w.h5"
    code, text, _ = run(capsys, "convert", model, alone, "--weights-only")
    assert (code, text.split()[0]) == (0, "weights")


def test_convert_takes_the_model_from_json(tmp_path, capsys):
    model = load_model(MODELS / "model_v3.keras")
    weights, config = tmp_path / "w.h5", tmp_path / "m.json"
    model.save_weights(weights)
    config.write_text(model.to_json(), encoding="utf-8")
    out = tmp_path / "m.npz"
    assert run(capsys, "convert", weights, out, "--model", config)[0] == 0
    for a, b in zip(load_model(out).get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    code, _, err = run(capsys, "show", config)
    assert (code, err) == (
        1,
        f"localnet: {config} must be a model or weights file, got JSON: the config of "
        "a model is read by model_from_json, its weights by load_weights\n",
    )
    config.write_text("[", encoding="utf-8")
    code, _, err = run(capsys, "convert", weights, out, "--model", config)
    assert code == 1
    assert err.startswith(f"localnet: {config}: json_string must be JSON: ")


def test_convert_says_what_it_needs_and_loses(tmp_path, capsys):
    weights = MODELS / "weights_only.h5"
    code, _, err = run(capsys, "convert", weights, tmp_path / "m.npz", "--in-process")
    assert code == 1
    assert err == (
        f"localnet: {weights} must hold a model, got weights alone: name the file of "
        "the model with --model\n"
    )
    adam = FILES / "adam.h5"
    code, _, err = run(capsys, "convert", adam, tmp_path / "m.npz", "--in-process")
    assert (code, err) == (0, "")
    other = tmp_path / "other.h5"
    shutil.copyfile(adam, other)
    with h5py.File(other, "r+") as file:  # a number that no memory has
        del file["optimizer_weights/iteration:0"]
        file["optimizer_weights/iteration:0"] = np.zeros(2)
    code, _, err = run(capsys, "convert", other, tmp_path / "m.npz", "--in-process")
    assert code == 0
    assert err.startswith("localnet: the optimizer starts anew, since")
    code, _, err = run(capsys, "convert", adam, tmp_path / "m.onnx", "--in-process")
    assert code == 1
    assert err.startswith("localnet: OUT must end in one of ")


# Layers of one's own ----------------------------------------------------------------


class Own(Layer):
    """A layer that no command knows."""

    def build(self, input_shape):
        self.add_weight("scale", shape=(input_shape[-1],), initializer="ones")
        super().build(input_shape)

    def compute(self, x, training=False):
        return x * self.scale, x

    def gradients(self, dy, x):
        axes = tuple(range(dy.ndim - 1))
        return dy * self.scale, {"scale": (dy * x).sum(axes)}


@pytest.fixture
def own():
    inner = Sequential([Own(name="in"), Dense(2, name="d")], name="inner")
    model = Sequential(
        [LocallyConnected1D(3, 2, input_shape=(4, 1), name="x"), Own(name="own"), inner]
    )
    model.compile("sgd", "mse")
    return model


def rows_of(out):
    lines = [" ".join(line.split()) for line in out.splitlines()]
    rules = [i for i, line in enumerate(lines) if line.startswith("---")]
    return lines[rules[1] + 1 : rules[2]]


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".keras"])
@pytest.mark.parametrize("how", ["--in-process", "--max-bytes=100000"])
def test_show_lists_the_weights_of_every_layer_beside_one_of_its_own(
    own, suffix, how, tmp_path, capsys
):
    path = own.save(tmp_path / f"m{suffix}")
    code, out, err = run(capsys, "show", path, how)
    assert (code, err) == (0, "")
    own_row, dense = "(3,) float32", "(3, 2) float32, (2,) float32"
    # Keras's third format has the layers of a model by the alphabet.
    inner = f"{dense}, {own_row}" if suffix == ".keras" else f"{own_row}, {dense}"
    assert rows_of(out) == [
        "x (LocallyConnected1D) (3, 2, 3) float32, (3, 3) float32 27",
        "own (Own) (3,) float32 3",
        f"inner (Sequential) {inner} 11",
    ]
    assert f"numbers in all weights: {own.count_params()}" in out


def test_show_lists_weights_of_which_no_file_says_whose_they_are(own, tmp_path, capsys):
    path = own.save(tmp_path / "m.npz")
    config, arrays = native.read(path)
    for counts in (None, {"x": 2}, {"x": -1, "y": 7}, {"x": True}, [6], {"x": "6"}):
        native.write(path, {**config, "weights": counts}, arrays)
        code, out, _ = run(capsys, "show", path, "--in-process")
        assert code == 0
        assert rows_of(out) == [
            "x (LocallyConnected1D) ?",
            "own (Own) ?",
            "inner (Sequential) ?",
            "weights/0000 (3, 2, 3) float32 18",
            "weights/0001 (3, 3) float32 9",
            "weights/0002 (3,) float32 3",
            "weights/0003 (3,) float32 3",
            "weights/0004 (3, 2) float32 6",
            "weights/0005 (2,) float32 2",
        ]
        loaded = load_model(path, {"Own": Own})
        np.testing.assert_array_equal(loaded.get_weights()[0], own.get_weights()[0])


def test_show_of_weights_alone_names_the_layers_of_an_npz(own, tmp_path, capsys):
    path = own.save_weights(tmp_path / "w.npz")
    _, out, _ = run(capsys, "show", path, "--in-process")
    assert rows_of(out)[:2] == [
        "x (3, 2, 3) float32, (3, 3) float32 27",
        "own (3,) float32 3",
    ]
    assert "inner/in (3,) float32 3" in rows_of(out)


@pytest.mark.parametrize(
    ("suffix", "advice"),
    [
        (".npz", "in its place, and load this file with load_weights"),
        (".h5", "under their names, and load them with load_weights(path, by_name="),
        (".keras", "or write a .h5 with save_weights of tf_keras, build the layers"),
    ],
)
def test_advice_for_a_layer_of_ones_own_fits_the_file(
    own, suffix, advice, tmp_path, capsys
):
    path = own.save(tmp_path / f"m{suffix}")
    with pytest.raises(ValueError, match=r"custom_objects; or ") as caught:
        load_model(path)
    assert advice in str(caught.value)
    assert "a command" not in str(caught.value)
    for verb in ("convert", "export"):
        code, _, err = run(capsys, verb, path, tmp_path / "new.keras", "--in-process")
        assert code == 1
        assert advice in err
        assert "a command has no custom_objects: call localnet.load_model(path, " in err


def test_advice_for_an_npz_can_be_followed(own, tmp_path):
    path = own.save(tmp_path / "m.npz")

    class Other(Own):
        pass

    anew = Sequential(
        [
            LocallyConnected1D(3, 2, input_shape=(4, 1)),
            Other(),
            Other(),
            Dense(2),
        ]
    )
    anew.load_weights(path)
    for found, wanted in zip(anew.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


# How a training is told -------------------------------------------------------------


def test_an_optimizer_is_told_in_one_style(tmp_path, capsys):
    model = Sequential([Dense(1, input_shape=(1,))])
    told = set()
    for given in ("sgd", optimizers.SGD(0.01), optimizers.SGD(np.float32(0.01))):
        model.compile(given, "mse")
        for suffix in (".npz", ".h5", ".keras"):
            path = model.save(tmp_path / f"m{suffix}")
            _, out, _ = run(capsys, "show", path, "--in-process")
            told.add(re.search(r"optimizer: (.*), remembers", out)[1])
    assert told == {"SGD(learning_rate=0.01)"}
    assert show._optimizer("sgd") == "SGD(learning_rate=0.01)"
    config = {"learning_rate": 0.009999999776482582, "momentum": 0.0, "name": "SGD"}
    assert show._optimizer({"class_name": "SGD", "config": config}) in told
    lacking = {"class_name": "Ftrl", "config": {"learning_rate": 0.10000000149011612}}
    assert show._optimizer(lacking) == "Ftrl(learning_rate=0.1)"
    assert show._optimizer(None) == "None"
    for value in (0.1, 0.123456789, 1e300, 1e-07):
        assert show._described(value) == str(value)


def test_one_array_is_one(tmp_path, capsys):
    model = Sequential([Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    _, out, _ = run(capsys, "show", model.save(tmp_path / "m.npz"), "--in-process")
    assert "remembers 1 array\n" in out
