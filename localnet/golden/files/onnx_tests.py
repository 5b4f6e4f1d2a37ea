"""The suite as node tests of ONNX: a runtime tests itself by ONNX's own runner."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..._typing import Array
from ..case import Case, Suite
from ..references.wires import patch_cells
from .layouts import bfloat16_bits
from .manifest import as_json
from .writing import new_folder

__all__ = ["export_onnx", "need_onnx"]

OPSET = 20
KIND = "localnet"  # ONNX's loader makes tests of the kind "node" itself
# Operators of ONNX for Keras's activations, and the attributes that they need.
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "exponential": ("Exp", {}),
    "elu": ("Elu", {}),
    "gelu": ("Gelu", {}),
    "mish": ("Mish", {}),
    "softmax": ("Softmax", {"axis": -1}),
    "log_softmax": ("LogSoftmax", {"axis": -1}),
}
PARAMETERS = {"alpha", "approximate"}


def export_onnx(
    path: str | os.PathLike[str],
    suite: Suite | None = None,
    *,
    precision: str | None = "float32",
) -> tuple[Path, int]:
    """
    Write the plain layers of a suite as node tests of ONNX.

    Parameters
    ----------
    path : str or path-like
        The folder; it must not exist, or be empty.
    suite : Suite, optional
        Default: that of `load_suite`.
    precision : {"float32", "float64", "float16", "bfloat16"}, optional
        Of all models, with the cases that hold in it; None leaves every case as it is.

    Returns
    -------
    folder : pathlib.Path
        With ``localnet/test_localnet_ID/model.onnx``, ``test_data_set_0/*.pb`` and
        ``data.json``, as ``onnx.backend.test.loader.load_model_tests(folder,
        "localnet")`` loads them.
    count : int
        How many tests there are.

    Raises
    ------
    ImportError
        If onnx is not installed.
    ValueError
        If the folder is not empty.
    OSError
        If it cannot be written; nothing is left of it then.

    See Also
    --------
    localnet.golden.export : The suite for any language, with gradients and bounds.

    Notes
    -----
    A model has the inputs x, kernel and bias and the output y, forward only: windows
    are gathered by ``Gather``, contracted by ``MatMul`` and moved into the data format.
    Cases whose activation ONNX does not have are left out. ``data.json`` gives ONNX's
    runner the tolerance: none for exact cases, for the others the largest bound.
    """
    need_onnx()
    from ..suite import at_precision, load_suite

    count = 0
    with new_folder("path", path) as (folder, partial):
        suite = load_suite() if suite is None else suite
        cases = suite if precision is None else at_precision(suite, precision)
        for case in cases:
            files = _onnx_files(case)
            count += bool(files)
            place = partial / KIND / f"test_localnet_{case.id.replace('-', '_')}"
            for name, data in files.items():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).write_bytes(data)
    return folder, count


def need_onnx() -> None:
    """
    Refuse what cannot be done without onnx.

    Raises
    ------
    ImportError
        If onnx is not installed.
    """
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise ImportError(
            "node tests of ONNX need the package onnx: pip install onnx, or "
            'pip install ".[onnx]" from a checkout'
        ) from None


def _onnx_files(case: Case) -> dict[str, bytes]:
    """
    Return the files of one node test, by their path.

    Parameters
    ----------
    case : Case
        A plain layer.

    Returns
    -------
    dict of str to bytes
        Empty if ONNX has no such activation.
    """
    from onnx import helper

    nodes = _activation(case)
    if nodes is None:
        return {}
    shapes = {"x": case.x, "kernel": case.kernel}
    if case.bias_in_y is not None:
        shapes["bias"] = _at_locations(case)
    kind = _type_of(case)
    inputs = [
        helper.make_tensor_value_info(name, kind, array.shape)
        for name, array in shapes.items()
    ]
    y = case.expected["y"]
    graph = helper.make_graph(
        [*_linear(case), *nodes],
        f"localnet_{case.id.replace('-', '_')}",
        inputs,
        [helper.make_tensor_value_info("y", kind, y.shape)],
        _constants(case),
        doc_string=case.why,
    )
    model = helper.make_model(
        graph,
        producer_name="localnet",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=9,
    )
    files = {"model.onnx": model.SerializeToString(deterministic=True)}
    for number, (name, array) in enumerate(shapes.items()):
        files[f"test_data_set_0/input_{number}.pb"] = _tensor(name, array, case)
    files["test_data_set_0/output_0.pb"] = _tensor("y", y, case)
    files["data.json"] = as_json({"rtol": 0.0, "atol": _tolerance(case)})
    return files


def _tolerance(case: Case) -> float:
    """Return the largest bound, and what rounding the reference to a tensor adds."""
    if "y" not in case.bound:
        return 0.0
    spacing = np.ldexp(np.abs(case.expected["y"]).max(), -case.format.bits)
    return float(case.bound["y"].max() + spacing + 2.0**case.format.least)


def _type_of(case: Case) -> int:
    from onnx import TensorProto

    words = {"float64": "DOUBLE", "float32": "FLOAT", "float16": "FLOAT16"}
    return int(getattr(TensorProto, words.get(case.precision, "BFLOAT16")))


def _raw(array: Array, case: Case) -> bytes:
    """Return numbers in the precision of a case, bfloat16 as the upper half."""
    if case.precision == "bfloat16":
        return bfloat16_bits(array).tobytes()
    return np.ascontiguousarray(array, case.format.holds).tobytes()


def _tensor(name: str, array: Array, case: Case) -> bytes:
    return bytes(_proto(name, array, case).SerializeToString(deterministic=True))


def _proto(name: str, array: Array, case: Case) -> Any:
    from onnx import helper

    data = _raw(array, case)
    return helper.make_tensor(name, _type_of(case), array.shape, data, raw=True)


def _integers(name: str, values: Iterable[int], shape: tuple[int, ...] = ()) -> Any:
    from onnx import TensorProto, helper

    array = np.array(list(values), "<i8")
    return helper.make_tensor(
        name, TensorProto.INT64, shape or array.shape, array.tobytes(), raw=True
    )


def _at_locations(case: Case) -> Array:
    """Return the bias as (L, 1, F)."""
    c = case.config
    bias = np.asarray(case.bias_in_y)
    if c["data_format"] == "channels_first":
        bias = np.moveaxis(bias, 0, -1)
    return np.ascontiguousarray(bias.reshape(-1, 1, c["filters"]))


def _constants(case: Case) -> list[Any]:
    """Return what is known beforehand: the table of cells, shapes, the border."""
    c = case.config
    cells = patch_cells(c)
    size = case.x[0].size
    rows = np.where(cells < 0, size, cells)  # padding is one more cell, the last
    found = [
        _integers("cells", rows.ravel(), cells.shape),
        _integers("flat", (c["batch"], size)),
        _integers("sizes", (*c["output_sizes"], c["batch"], c["filters"])),
    ]
    border = np.full((c["batch"], 1), c["pad_value"])
    return [*found, _proto("border", border, case)]


def _linear(case: Case) -> list[Any]:
    """Return the nodes from the inputs to z, in the data format."""
    from onnx import helper

    c = case.config
    axes = len(c["output_sizes"])
    spatial = list(range(axes))
    if c["data_format"] == "channels_last":
        order = [axes, *spatial, axes + 1]
    else:
        order = [axes, axes + 1, *spatial]
    node = helper.make_node
    product = "sums" if case.bias is not None else "moved"
    nodes = [
        node("Reshape", ["x", "flat"], ["rows"]),
        node("Concat", ["rows", "border"], ["values"], axis=1),
        node("Gather", ["values", "cells"], ["windows"], axis=1),  # (N, L, K)
        node("Transpose", ["windows"], ["patches"], perm=[1, 0, 2]),
        node("MatMul", ["patches", "kernel"], [product]),  # (L, N, F)
    ]
    if case.bias is not None:
        nodes.append(node("Add", ["sums", "bias"], ["moved"]))
    return [
        *nodes,
        node("Reshape", ["moved", "sizes"], ["located"]),
        node("Transpose", ["located"], ["z"], perm=order),
    ]


def _activation(case: Case) -> list[Any] | None:
    """Return the nodes from z to y, or None if ONNX has none."""
    from onnx import helper

    parameters = dict(case.config["activation"])
    name = parameters.pop("name")
    if name == "linear":
        return [helper.make_node("Identity", ["z"], ["y"])]
    if name not in ACTIVATIONS or set(parameters) - PARAMETERS:
        return None
    operator, attributes = ACTIVATIONS[name]
    if "approximate" in parameters:
        approximate = parameters.pop("approximate")
        attributes = {"approximate": "tanh" if approximate else "none"}
    if parameters and name not in ("leaky_relu", "elu"):
        return None
    if name == "leaky_relu":
        parameters.setdefault("alpha", 0.2)
    return [helper.make_node(operator, ["z"], ["y"], **attributes, **parameters)]
