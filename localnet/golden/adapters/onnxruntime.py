"""
ONNX Runtime as a backend: ``Gather``, ``MatMul`` and its own activations, forward only.

ONNX has no layer of this kind. Its windows are gathered from the flattened input, and a
batched product with one matrix for each location follows, as exporters write it.
"""

from typing import Any

import numpy as np

from ..._typing import Array
from ..case import Case
from ..references.wires import patch_cells

__all__ = ["gather_matmul"]

OPSET = 18
OPERATORS = {
    "relu": "Relu",
    "leaky_relu": "LeakyRelu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "exponential": "Exp",
    "elu": "Elu",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
}


def gather_matmul(case: Case) -> dict[str, Array]:
    """
    Compute a case's answer with ONNX Runtime on the CPU.

    Parameters
    ----------
    case : Case
        A plain layer of the golden suite.

    Returns
    -------
    dict of str to ndarray
        `y`.

    Raises
    ------
    NotImplementedError
        If it is another kind, or bfloat16, or has an activation that ONNX lacks, or a
        parameter that is no float32.
    ImportError
        If onnx or onnxruntime is not installed.
    """
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    if case.kind != "layer":
        raise NotImplementedError(f"the adapter computes layers, not a {case.kind}")
    if case.precision == "bfloat16":
        raise NotImplementedError("ONNX Runtime has no bfloat16 on a CPU")
    c, x = case.config, case.x.reshape(len(case.x), -1)
    # One number more holds the border.
    border = np.full((len(x), 1), c["pad_value"], x.dtype)
    x = np.concatenate([x, border], axis=1)
    cells = patch_cells(c)
    cells = np.where(cells >= 0, cells, x.shape[1] - 1)
    last = c["data_format"] == "channels_last"
    sizes, n, f = c["output_sizes"], c["batch"], c["filters"]
    constants: dict[str, Any] = {
        "cells": cells.ravel(),
        "patches": np.array([n, *cells.shape]),
        "kernel": case.kernel,
        "shape": np.array([n, *sizes, f] if last else [n, f, *sizes]),
    }
    make = helper.make_node
    nodes = [
        make("Gather", ["x", "cells"], ["gathered"], axis=1),
        make("Reshape", ["gathered", "patches"], ["windows"]),
        make("Transpose", ["windows"], ["rows"], perm=[1, 0, 2]),
        make("MatMul", ["rows", "kernel"], ["products"]),
        # From (L, N, F).
        make(
            "Transpose", ["products"], ["moved"], perm=[1, 0, 2] if last else [1, 2, 0]
        ),
        make("Reshape", ["moved", "shape"], ["z0"]),
    ]
    if case.bias_in_y is not None:
        constants["bias"] = np.ascontiguousarray(case.bias_in_y)
        nodes.append(make("Add", ["z0", "bias"], ["z"]))
    else:
        nodes.append(make("Identity", ["z0"], ["z"]))
    nodes.append(_activation(make, c["activation"]))
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    graph = helper.make_graph(
        nodes,
        "layer",
        [helper.make_tensor_value_info("x", kind, x.shape)],
        [helper.make_tensor_value_info("y", kind, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    if kind not in (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16):
        raise NotImplementedError(f"the adapter does not compute {case.precision}")
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 9
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented as error:
        raise NotImplementedError(f"ONNX Runtime lacks a kernel: {error}") from None
    (y,) = session.run(["y"], {"x": x})
    return {"y": np.asarray(y)}


def _activation(make: Any, activation: Any) -> Any:
    """Return the node of an activation, or say that there is none."""
    parameters = dict(activation)
    name = parameters.pop("name")
    if name == "linear":
        return make("Identity", ["z"], ["y"])
    if name not in OPERATORS or (name == "relu" and parameters):
        raise NotImplementedError(f"the adapter has no activation {activation}")
    if any(float(np.float32(value)) != value for value in parameters.values()):
        raise NotImplementedError(f"ONNX has parameters of float32, not {activation}")
    if name in ("softmax", "log_softmax"):
        parameters["axis"] = -1
    return make(OPERATORS[name], ["z"], ["y"], **parameters)
