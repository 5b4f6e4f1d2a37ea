"""What an export says, without any of the targets: graphs, bytes, refusals."""

import ast
import builtins
import hashlib
import itertools
import os
import subprocess
import sys
import types
from pathlib import Path

import exporting
import numpy as np
import pytest
import reference
from exporting import close, each_layer, outputs_of
from hypothesis import given
from numpy.testing import assert_array_equal
from strategies import local_conv_problems

import localnet
from localnet import layers
from localnet.cli import main
from localnet.export import (
    keras3,
    lowering,
    tables,
    targets,
    to_jax,
    to_keras3,
    to_onnx,
    to_torch,
    verify,
)
from localnet.export.jax import jax_source
from localnet.export.lowering import lower
from localnet.export.torch import torch_source
from localnet.export.writing import npz_bytes, place
from localnet.geometry import Geometry
from localnet.geometry.transposed import transposed_geometry
from localnet.models import Sequential

SIZELESS = localnet.load_model(reference.ROOT / "files" / "sizeless.h5", compile=False)
MODELS = list(each_layer())
every_model = pytest.mark.parametrize(
    "model", [model for _, model in MODELS], ids=[name for name, _ in MODELS]
)
WRITERS = {"torch": to_torch, "jax": to_jax}
every_writer = pytest.mark.parametrize("writer", WRITERS)


def small(**options):
    return Sequential(
        [layers.LocallyConnected1D(2, 3, input_shape=(5, 1), **options)], seed=1
    )


# Tables -----------------------------------------------------------------------------


def cell(g, location, k):
    """Return the flat index that a tap of a window reads, by the definition."""
    sizes = g.kernel_size
    if g.channels_last:
        *tap, channel = np.unravel_index(k, (*sizes, g.channels))
    else:
        channel, *tap = np.unravel_index(k, (g.channels, *sizes))
    place = [
        o * s + t * d - before
        for o, s, t, d, (before, _) in zip(
            np.unravel_index(location, g.output_sizes),
            g.strides,
            tap,
            g.dilation_rate,
            g.pads,
            strict=True,
        )
    ]
    if any(not 0 <= p < n for p, n in zip(place, g.input_sizes, strict=True)):
        return -1
    index = (*place, channel) if g.channels_last else (channel, *place)
    return np.ravel_multi_index(index, g.input_shape)


@given(local_conv_problems())
def test_a_table_of_windows_is_the_definition(problem):
    g = problem.geometry
    wanted = [
        [cell(g, location, k) for k in range(g.patch_size)]
        for location in range(g.locations)
    ]
    assert_array_equal(tables.windows(g), wanted)


@given(local_conv_problems())
def test_tiles_are_windows_that_read_every_cell_once_in_order(problem):
    g = problem.geometry
    cells = np.sort(tables.windows(g).ravel())
    whole = cells.tolist() == list(range(len(cells))) and len(cells) == np.prod(
        g.input_shape
    )
    if tables.tiles(g):
        assert whole
    elif g.strides == g.kernel_size:
        assert not whole or max(g.dilation_rate) > 1 or g.has_pads


@pytest.mark.parametrize("data_format", exporting.FORMATS)
@pytest.mark.parametrize(
    ("size", "stride", "padding"), [(3, 2, "same"), (2, 3, "valid")]
)
def test_a_table_of_sums_names_the_products_of_each_cell(
    data_format, size, stride, padding
):
    shape = (3, 4, 2) if data_format == "channels_last" else (2, 3, 4)
    g = transposed_geometry(
        shape,
        3,
        kernel_size=size,
        strides=stride,
        padding=padding,
        data_format=data_format,
    )
    wanted = {}
    for location, k in itertools.product(range(g.locations), range(g.patch_size)):
        wanted.setdefault(cell(g, location, k), []).append(location * g.patch_size + k)
    wanted.pop(-1, None)
    found = tables.transposed(g)
    assert len(found) == np.prod(g.input_shape)
    for output, row in enumerate(found.tolist()):
        assert [n for n in row if n >= 0] == wanted.get(output, [])


# The graph --------------------------------------------------------------------------


@every_model
@pytest.mark.parametrize("count", [1, 7])
def test_a_graph_computes_what_the_model_does(model, count):
    graph = lower(model, "a target")
    xs = exporting.batch_for(model, count)
    for got, want in zip(
        exporting.run_in_numpy(graph, xs), outputs_of(model, xs), strict=True
    ):
        close(got, want)


@pytest.mark.parametrize("seed", range(40))
def test_a_graph_of_a_drawn_model_computes_what_it_does(seed):
    model = exporting.drawn(seed)
    xs = exporting.batch_for(model, 1 + seed % 7)
    (got,) = exporting.run_in_numpy(lower(model, "a target"), xs)
    close(got, outputs_of(model, xs)[0])


def test_graphs_of_recorded_layers_give_the_numbers_of_keras():
    count = 0
    for _, model, data in exporting.recorded_layers():
        graph = lower(model, "a target", float64=True)
        (got,) = exporting.run_in_numpy(graph, [data["x"]])
        close(got, data["y"], 7 if graph.dtype == np.float64 else 5)
        count += 1
    assert count >= 60


def test_graphs_of_old_files_give_the_numbers_of_keras():
    count = 0
    for _, model, xs, ys in exporting.old_files():
        graph = lower(model, "a target", float64=True)
        found = exporting.run_in_numpy(graph, [x.astype(graph.dtype) for x in xs])
        for got, want in zip(found, ys, strict=True):
            close(got, want, 4.5)
        count += 1
    assert count >= 30


# Layers that no target says yet; whoever exports one is told so by its name.
NOT_SAID = {
    layers.ActivityRegularization,
    layers.Affine,
    layers.Dot,
    layers.Lambda,
    layers.Slice,
    layers.UnitNormalization,
}


@every_writer
def test_a_layer_that_no_target_says_is_refused_by_its_name(writer, tmp_path):
    model = Sequential([layers.UnitNormalization(input_shape=(3,), name="unit")])
    with pytest.raises(ValueError, match="unit"):
        WRITERS[writer](model, tmp_path / "net.py", verify=False)
    assert list(tmp_path.iterdir()) == []


def test_every_layer_stands_in_one_of_the_models():
    used = {
        type(inner)
        for _, model in MODELS
        for layer in model.program.layers.values()
        for inner in layer.with_inner()
    }
    named = {
        value
        for value in vars(layers).values()
        if isinstance(value, type) and issubclass(value, layers.Layer)
    }
    bases = {
        layers.Layer,
        layers.CostedLayer,
        layers.MultiInputLayer,
        layers.InputLayer,
    }
    assert named - used - bases == NOT_SAID
    assert named - bases - NOT_SAID <= set(lowering.LAYERS)
    assert not NOT_SAID & set(lowering.LAYERS)


def test_a_layer_that_is_called_twice_keeps_one_set_of_weights():
    model = dict(exporting.graphs())["nested"]
    names = [w.name for w in lower(model, "a target").weights.values() if w.trainable]
    assert len(names) == 2


# Bytes ------------------------------------------------------------------------------


def test_the_same_model_gives_the_same_bytes(tmp_path):
    def hashes(seed):
        code = (
            "import sys; sys.path.insert(0, 'tests')\n"
            "import exporting\n"
            "from localnet.export import to_jax, to_torch\n"
            "model = exporting.drawn(3)\n"
            f"to_torch(model, r'{tmp_path}/t{seed}.py', verify=False)\n"
            f"to_jax(model, r'{tmp_path}/j{seed}.py', verify=False)\n"
        )
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            cwd=Path(__file__).parent.parent,
            check=True,
            timeout=120,
        )
        return [
            hashlib.sha256(
                (tmp_path / f"{name}{seed}{suffix}").read_bytes()
            ).hexdigest()
            for name in "tj"
            for suffix in (".py", ".npz")
        ]

    assert hashes(1) == hashes(2)


def test_names_in_a_file_never_become_code():
    evil = 'a"""\nimport os\nos.system("echo")\n'
    model = Sequential(
        [layers.Dense(2, name=evil, input_shape=(3,)), layers.Dense(2, name="a\\")],
        name=evil,
    )
    for source in (torch_source, jax_source):
        text, arrays = source(lower(model, "a target"), model.name)
        imported = {
            alias.name
            for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
        }
        assert "os" not in imported
        assert all(name.isidentifier() for name in arrays)


def test_weights_are_in_arrays_and_not_in_the_source():
    model = small(kernel_initializer=localnet.initializers.Constant(0.123456789))
    for source in (torch_source, jax_source):
        text, arrays = source(lower(model, "a target"), model.name)
        assert "0.12345" not in text
        assert any(np.allclose(a, 0.123456789) for a in arrays.values())


def test_generated_lines_need_no_module_of_localnet():
    for source in (torch_source, jax_source):
        for _, model in MODELS:
            tree = ast.parse(source(lower(model, "a target"), model.name)[0])
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom):
                    assert not (node.module or "").startswith("localnet")
                if isinstance(node, ast.Import):
                    assert all(a.name != "localnet" for a in node.names)


# Refusals ---------------------------------------------------------------------------


class Custom(layers.Layer):
    """Twice the input, by a rule that no target knows."""

    def compute(self, x, *, training, rng):
        return 2 * x, None

    def gradients(self, dy, cache):
        return 2 * dy, {}


@every_writer
def test_all_layers_that_cannot_be_said_are_named(writer, tmp_path):
    cubed = (lambda x: (x**3, x), lambda dy, x: 3 * x**2 * dy)
    model = Sequential(
        [
            layers.Dense(3, cubed, name="first", input_shape=(2,)),
            layers.Dense(3, name="fine"),
            Custom(name="own"),
            layers.Activation(cubed, name="second"),
        ]
    )
    with pytest.raises(
        ValueError, match=r"first .*; own .*; second .*: export the part"
    ) as info:
        WRITERS[writer](model, tmp_path / "net.py", verify=False)
    assert "fine" not in str(info.value)
    assert len(info.value.args) == 1
    assert list(tmp_path.iterdir()) == []


@every_writer
def test_float64_is_refused_unless_it_is_wanted(writer, tmp_path):
    model = small(dtype="float64")
    with pytest.raises(ValueError, match="layers of float32, got float64: ask"):
        WRITERS[writer](model, tmp_path / "net.py", verify=False)
    assert list(tmp_path.iterdir()) == []
    WRITERS[writer](model, tmp_path / "net.py", float64=True, verify=False)
    with np.load(tmp_path / "net.npz") as arrays:
        found = [arrays[name] for name in arrays.files]
        assert {a.dtype.kind for a in found} == {"f", "i"}
        assert {a.dtype.name for a in found} == {"float64", "int32"}


def test_float16_is_refused():
    with pytest.raises(ValueError, match="float32 or float64, got float16"):
        lower(small(dtype="float16"), "a target")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (3, "a Sequential or a Model, got int"),
        (Sequential([layers.Dense(2)]), "must be built"),
        (SIZELESS, "known sizes but for the batch"),
    ],
)
def test_what_is_no_whole_model_is_refused(model, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        to_torch(model, tmp_path / "net.py", verify=False)
    assert list(tmp_path.iterdir()) == []


@every_writer
def test_paths_that_cannot_be_written_are_refused(writer, tmp_path):
    write = WRITERS[writer]
    with pytest.raises(ValueError, match=r"path must end in '.py', got"):
        write(small(), tmp_path / "net.txt", verify=False)
    with pytest.raises(OSError, match="No such file"):
        write(small(), tmp_path / "none" / "net.py", verify=False)
    (tmp_path / "net.npz").mkdir()
    with pytest.raises(ValueError, match="must be a regular file"):
        write(small(), tmp_path / "net.py", verify=False)
    assert [path.name for path in tmp_path.iterdir()] == ["net.npz"]


@every_writer
@pytest.mark.parametrize("name", ["class.py", "numpy.py", "torch.py", "json.py"])
def test_names_that_hide_another_module_are_refused(writer, name, tmp_path):
    with pytest.raises(
        ValueError, match="path must be the name of a module that hides"
    ):
        WRITERS[writer](small(), tmp_path / name, verify=False)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def without_peers(monkeypatch):
    """Hide every target, whether it is installed or not."""
    real = builtins.__import__
    hidden = {"onnx", "onnxruntime", "keras", "torch", "jax"}

    def hiding(name, globals=None, locals=None, fromlist=(), level=0):
        if level == 0 and name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, globals, locals, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", hiding)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    keras3.classes.cache_clear()
    yield
    keras3.classes.cache_clear()


@pytest.mark.usefixtures("without_peers")
def test_a_missing_target_is_one_sentence_that_names_the_way_out(tmp_path, capsys):
    path = tmp_path / "old.npz"
    small().save(path)
    for words, out in [
        (["--to", "torch"], "net.py"),
        (["--to", "jax"], "net.py"),
        ([], "net.onnx"),
        ([], "net.keras"),
    ]:
        status = main(
            ["export", str(path), str(tmp_path / out), "--in-process", *words]
        )
        error = capsys.readouterr().err
        assert status == 1
        assert "--no-verify" in error
        assert error.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["old.npz"]
    for function in (to_onnx, to_keras3):
        with pytest.raises(ImportError, match="must be installed"):
            function(small())


@pytest.mark.usefixtures("without_peers")
@every_writer
def test_unverified_source_needs_no_target(writer, tmp_path, capsys):
    path = tmp_path / "old.npz"
    small().save(path)
    out = tmp_path / "net.py"
    words = ["export", str(path), str(out), "--to", writer, "--no-verify"]
    assert main([*words, "--in-process"]) == 0
    assert (
        capsys.readouterr().out == f"{writer} model of 24 numbers in float32: {out}\n"
    )
    assert {p.name for p in tmp_path.iterdir()} == {"old.npz", "net.py", "net.npz"}


# The command ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["net.py"], "--to must be torch or jax"),
        (["net.txt"], "OUT must end in .onnx, .keras or .py"),
        (["net.onnx", "--to", "torch"], "OUT must end in .py for torch"),
        (
            ["net.py", "--to", "jax", "--opset", "17"],
            "--opset must be left out for jax",
        ),
        (["net.py", "--to", "jax", "--layout", "single"], "--layout must be left out"),
        (["net.onnx", "--opset", "9"], "opset must be an integer"),
    ],
)
def test_wrong_words_are_one_sentence(words, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small().save("old.npz")
    assert main(["export", "old.npz", *words, "--in-process"]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["old.npz"]


def test_weights_alone_need_the_model(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = small()
    model.save("model.npz")
    model.save_weights("weights.npz")
    words = ["--to", "torch", "--no-verify", "--in-process"]
    assert main(["export", "weights.npz", "net.py", *words]) == 1
    assert "--model" in capsys.readouterr().err
    assert (
        main(["export", "weights.npz", "net.py", *words, "--model", "model.npz"]) == 0
    )


# Verification -----------------------------------------------------------------------


def run_right(model):
    return lambda xs: outputs_of(model, xs)


def test_what_agrees_is_said_in_digits():
    found = verify.compare(small(), "a target", np.float32, run_right(small()))
    assert str(found) == "PASS a target: 7.2 digits on 15 samples"


@pytest.mark.parametrize("package", ["torch", "jax"])
def test_what_ran_is_said_with_its_version(package, monkeypatch):
    there = types.ModuleType(package)
    there.__version__ = "9.8.7"
    monkeypatch.setitem(sys.modules, package, there)
    assert targets._judge(package) == f"{package} 9.8.7"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda y: y * np.float32(1.001),
        lambda y: y + np.float32(0.01),
        lambda y: y[..., ::-1],
        lambda y: y.astype(np.float64),
        lambda y: y[:, :1],
        lambda y: y * np.float32("nan"),
    ],
)
def test_what_disagrees_is_refused(wrong):
    model = small(bias_initializer="normal")

    def run(xs):
        return [wrong(y) for y in outputs_of(model, xs)]

    with pytest.raises(ValueError, match=r"a target must .*; nothing was written"):
        verify.compare(model, "a target", np.float32, run)


def test_what_fails_verification_leaves_the_old_files_alone(tmp_path):
    path = tmp_path / "net.py"
    path.write_text("old")

    def write(at):
        at.write_text("new")
        at.with_suffix(".npz").write_bytes(npz_bytes({}))

    def refuse(at):
        assert at.read_text() == "new"
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        place(path, write, refuse, beside=".npz")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["net.py"]
    place(path, write, None, beside=".npz")
    assert path.read_text() == "new"
    assert {p.name for p in tmp_path.iterdir()} == {"net.py", "net.npz"}


@pytest.mark.parametrize("other", ["model", "foreign"])
def test_weights_do_not_replace_a_file_that_no_export_made(other, tmp_path):
    model = localnet.Sequential([layers.Dense(2, input_shape=(3,))])
    kept = tmp_path / "net.npz"
    if other == "model":
        model.save(kept)
        (tmp_path / "net.py").touch()  # even beside source
    else:
        kept.write_bytes(b"mine")
    before = kept.read_bytes()
    for export in (localnet.export.to_torch, localnet.export.to_jax):
        with pytest.raises(ValueError, match=r"weights would replace net\.npz"):
            export(model, tmp_path / "net.py", verify=False)
    assert kept.read_bytes() == before
    localnet.export.to_jax(model, tmp_path / "other.py", verify=False)
    localnet.export.to_jax(model, tmp_path / "other.py", verify=False)


def test_samples_have_zeros_and_large_values():
    _, _, (edges,) = verify.samples([(3, 2)], np.float32)
    assert edges.dtype == np.float32
    assert (edges[0] == 0).all()
    assert edges.max() == 255
    assert 0 < np.abs(edges[5]).max() < 1e-28


def test_geometry_is_checked_before_anything_is_made():
    with pytest.raises(ValueError, match="kernel_size"):
        tables.windows(Geometry.of((2, 1), kernel_size=3))
