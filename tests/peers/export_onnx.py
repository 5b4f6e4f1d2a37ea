"""
Exports to ONNX, held to localnet and to the numbers of tf_keras.

Not part of the ordinary tests: run it where localnet, its extras h5 and onnx, and
hypothesis are installed, as ``.ci/long`` does::

    python tests/peers/export_onnx.py --models 100

Every layer, models drawn at random, and files of Keras 2; in onnxruntime, in the
evaluator of onnx, and in OpenVINO if that is installed; both layouts, several opsets,
batches of one and of seven by the same file.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

sys.path.insert(0, str(Path(__file__).parent.parent))

import exporting
from exporting_peers import main

from localnet.export import to_onnx

# For which onnxruntime lacks some functions.
DOUBLE = onnx.TensorProto.DOUBLE
VARIANTS = (
    {},
    {"layout": "single"},
    {"opset": 13},
    {"opset": 21},
    {"opset": 25, "layout": "single"},
)


def judges(made):
    """Yield what runs a model here: name, and outputs from inputs."""
    names = [value.name for value in made.graph.input]

    def fed(xs):
        return dict(zip(names, xs, strict=True))

    evaluator = ReferenceEvaluator(made)
    yield "onnx", lambda xs: evaluator.run(None, fed(xs))
    content = made.SerializeToString()
    if find_spec("onnxruntime") is not None:
        import onnxruntime

        quiet = onnxruntime.SessionOptions()
        quiet.log_severity_level = 4
        doubles = made.graph.input[0].type.tensor_type.elem_type == DOUBLE
        try:
            session = onnxruntime.InferenceSession(
                content, quiet, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            if not doubles or type(error).__name__ != "NotImplemented":
                raise
        else:
            yield "onnxruntime", lambda xs: session.run(None, fed(xs))
    if find_spec("openvino") is not None:
        import openvino

        core = openvino.Core()
        compiled = core.compile_model(
            core.read_model(content), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
        )
        yield "openvino", lambda xs: list(compiled(xs).values())


def check_model(model, name):
    for number, variant in enumerate(VARIANTS):
        made = to_onnx(model, **variant, float64=True, verify=False)
        onnx.checker.check_model(made, full_check=True)
        assert (
            made.SerializeToString()
            == to_onnx(model, **variant, float64=True, verify=False).SerializeToString()
        )
        for judge, run in judges(made):
            if number and judge == "openvino":
                continue
            for count in (1, 7):
                xs = exporting.batch_for(model, count)
                for got, want in zip(
                    run(xs), exporting.outputs_of(model, xs), strict=True
                ):
                    exporting.close(got, want)
                    assert got.dtype == want.dtype


def check_numbers(model, xs, ys, digits):
    made = to_onnx(model, float64=True, verify=False)
    dtype = exporting.dtype_of(model)
    for judge, run in judges(made):
        if judge == "openvino" and dtype == np.float64:
            continue  # it computes in float32
        found = run([x.astype(dtype) for x in xs])
        for got, want in zip(found, ys, strict=True):
            exporting.close(got, want, digits)


if __name__ == "__main__":
    sys.exit(main(check_model, check_numbers))
