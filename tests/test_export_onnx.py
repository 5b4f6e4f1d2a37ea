"""Exports to ONNX, run by the evaluator of onnx, and by onnxruntime if it is there."""

import exporting
import numpy as np
import pytest
from exporting import close, outputs_of

from localnet import Sequential, layers
from localnet.cli import main
from localnet.export import targets, to_onnx
from localnet.golden import check, load_suite
from localnet.golden.adapters import exported
from localnet.golden.render import as_text

onnx = pytest.importorskip("onnx")
pytestmark = pytest.mark.filterwarnings("ignore")

MODELS = dict(exporting.each_layer())


@pytest.mark.parametrize("name", MODELS)
def test_every_layer_in_both_layouts(name):
    model = MODELS[name]
    for options in ({}, {"layout": "single", "opset": 18}):
        made, agreement = targets.export_onnx(model, **options)
        assert agreement.digits > 5
        for value in (*made.graph.input, *made.graph.output):
            assert value.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_old_files_give_the_numbers_of_keras():
    from onnx.reference import ReferenceEvaluator

    for _, model, xs, ys in exporting.old_files():
        made = to_onnx(model, float64=True, verify=False)
        dtype = exporting.dtype_of(model)
        names = [value.name for value in made.graph.input]
        fed = {k: x.astype(dtype) for k, x in zip(names, xs, strict=True)}
        for got, want in zip(ReferenceEvaluator(made).run(None, fed), ys, strict=True):
            close(got, want)


@pytest.mark.parametrize("seed", range(8))
def test_drawn_models_agree(seed):
    assert targets.export_onnx(exporting.drawn(seed))[1].digits > 4.5


def test_tiles_need_no_gather():
    model = Sequential([layers.LocallyConnected1D(2, 4, 4, input_shape=(12, 3))])
    kinds = {node.op_type for node in to_onnx(model).graph.node}
    assert "Gather" not in kinds
    assert "MatMul" in kinds


def test_the_command_writes_a_file_that_runs(tmp_path, capsys):
    model = exporting.drawn(1)
    model.save(tmp_path / "old.npz")
    out = tmp_path / "net.onnx"
    words = ["export", str(tmp_path / "old.npz"), str(out), "--in-process"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert said.startswith("PASS onnx")
    assert " digits on 15 samples\nonnx model of " in said
    first = out.read_bytes()
    assert main(words) == 0
    assert out.read_bytes() == first
    from onnx.reference import ReferenceEvaluator

    xs = exporting.batch_for(model, 7)
    (got,) = ReferenceEvaluator(onnx.load(out)).run(None, {"x": xs[0]})
    close(got, outputs_of(model, xs)[0])


def test_a_target_that_disagrees_leaves_no_file(tmp_path, monkeypatch):
    real = targets.build_onnx

    def planted(graph, **options):
        made = real(graph, **options)
        weight = made.graph.initializer[0]
        array = onnx.numpy_helper.to_array(weight) * np.float32(1.01)
        weight.CopyFrom(onnx.numpy_helper.from_array(array, weight.name))
        return made

    monkeypatch.setattr(targets, "build_onnx", planted)
    model = Sequential([layers.Dense(2, use_bias=False, input_shape=(3,))], seed=0)
    with pytest.raises(ValueError, match=r"agree .* nothing was written"):
        to_onnx(model, tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []
    to_onnx(model, tmp_path / "net.onnx", verify=False)


def test_doubles_are_kept_if_they_are_wanted():
    model = Sequential([layers.Dense(2, "tanh", dtype="float64", input_shape=(3,))])
    with pytest.raises(ValueError, match="got float64"):
        to_onnx(model)
    made, agreement = targets.export_onnx(model, float64=True)
    assert made.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.DOUBLE
    assert agreement.digits > 13


@pytest.mark.parametrize("backend", [exported.onnx, exported.onnx_single])
def test_an_exported_layer_passes_the_golden_suite(backend):
    pytest.importorskip("onnxruntime")
    ids = [outline.id for outline in load_suite().outlines[::17]]
    report = check(backend, cases=ids, distrust=False)
    assert report.passed, as_text(report)
    assert report.count("PASS") > 20
