"""From a model to each target: made, verified, written."""

import importlib
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import _validate
from .._typing import Array
from .graph import Graph
from .jax import jax_source
from .keras3 import build_keras3
from .lowering import float_type, lower
from .onnx import LAYOUTS, OPSETS, build_onnx
from .reading import read
from .torch import torch_source
from .verify import Agreement, compare
from .writing import (
    check_beside,
    checked,
    load_source,
    npz_bytes,
    place,
    require,
    write_keras,
)

__all__ = ["export_jax", "export_keras3", "export_onnx", "export_torch"]

Written = tuple[Any, Agreement | None]


def export_onnx(
    model: Any,
    path: Any = None,
    *,
    layout: str = "batch",
    opset: int = 17,
    float64: bool = False,
    verify: bool = True,
) -> Written:
    """
    Make an ONNX model; see `localnet.export.to_onnx`.

    Parameters
    ----------
    model, path, layout, opset, float64, verify
        As there.

    Returns
    -------
    model : onnx.ModelProto
        Checked.
    agreement : Agreement or None
        What the verification found.
    """
    layout = _validate.choice("layout", layout, LAYOUTS)
    opset = _validate.integer("opset", opset, minimum=OPSETS[0], maximum=OPSETS[1])
    target = None if path is None else checked(path, ".onnx")
    graph = lower(model, "ONNX", float64=float64)
    made = build_onnx(graph, layout=layout, opset=opset)
    content = made.SerializeToString(deterministic=True)
    agreement = None
    if verify:
        judge, run = _onnx_runner(made, content)
        agreement = compare(model, judge, graph.dtype, run)
    if target is not None:
        place(target, lambda at: _write_bytes(at, content), None)
    return made, agreement


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _onnx_runner(
    made: Any, content: bytes
) -> tuple[str, Callable[[Sequence[Array]], Sequence[Array]]]:
    """Return what runs an ONNX model: onnxruntime, else the evaluator of onnx."""
    names = [value.name for value in made.graph.input]
    try:
        import onnxruntime

        quiet = onnxruntime.SessionOptions()
        quiet.log_severity_level = 4
        session = onnxruntime.InferenceSession(
            content, quiet, providers=["CPUExecutionProvider"]
        )
        judge = f"onnxruntime {onnxruntime.__version__}"
    except Exception as reason:
        if not _has_no_kernel(reason):
            raise
        import onnx
        from onnx.reference import ReferenceEvaluator

        session, judge = ReferenceEvaluator(made), f"onnx {onnx.__version__}"
    return judge, lambda xs: session.run(None, dict(zip(names, xs, strict=True)))


def _has_no_kernel(reason: Exception) -> bool:
    """Tell whether onnxruntime is not there, or lacks an operator of this type."""
    return isinstance(reason, ImportError) or type(reason).__name__ == "NotImplemented"


def export_torch(
    model: Any, path: Any, *, float64: bool = False, verify: bool = True
) -> Written:
    """
    Write a module for PyTorch; see `localnet.export.to_torch`.

    Parameters
    ----------
    model, path, float64, verify
        As there.

    Returns
    -------
    path : pathlib.Path
        Of the .py file.
    agreement : Agreement or None
        What the verification found.
    """
    return _export_source(
        model, path, "torch", torch_source, _run_torch, float64, verify
    )


def export_jax(
    model: Any, path: Any, *, float64: bool = False, verify: bool = True
) -> Written:
    """
    Write a function for JAX; see `localnet.export.to_jax`.

    Parameters
    ----------
    model, path, float64, verify
        As there.

    Returns
    -------
    path : pathlib.Path
        Of the .py file.
    agreement : Agreement or None
        What the verification found.
    """
    return _export_source(model, path, "jax", jax_source, _run_jax, float64, verify)


def _export_source(
    model: Any,
    path: Any,
    package: str,
    source: Callable[[Graph, str], tuple[str, dict[str, Array]]],
    run: Callable[[Any, Sequence[Array]], Any],
    float64: bool,
    verify: bool,
) -> Written:
    target = checked(path, ".py")
    check_beside(target)
    read(model)
    if verify:
        require(package, package)
    graph = lower(model, package, float64=float64)
    text, arrays = source(graph, model.name)

    def write(at: Path) -> None:
        at.write_text(text, "utf-8", newline="\n")
        at.with_suffix(".npz").write_bytes(npz_bytes(arrays))

    def agree(at: Path) -> Agreement:
        loaded, judge = load_source(at).load(), _judge(package)
        return compare(model, judge, graph.dtype, lambda xs: _listed(run(loaded, xs)))

    found = place(target, write, agree if verify else None, beside=".npz")
    return target, found


def _judge(package: str) -> str:
    """Return the name of a package that has been imported, and its version."""
    return f"{package} {importlib.import_module(package).__version__}"


def _run_torch(net: Any, xs: Sequence[Array]) -> Any:
    import torch

    with torch.no_grad():
        found = net(*(torch.from_numpy(x) for x in xs))
    several = isinstance(found, tuple)
    return [y.numpy() for y in (found if several else (found,))]


def _run_jax(loaded: Any, xs: Sequence[Array]) -> Any:
    apply, params = loaded
    found = apply(params, *xs)
    several = isinstance(found, tuple)
    return [np.asarray(y) for y in (found if several else (found,))]


def _listed(outputs: Any) -> Sequence[Array]:
    return list(outputs)


def export_keras3(
    model: Any, path: Any = None, *, float64: bool = False, verify: bool = True
) -> Written:
    """
    Make a model of Keras 3, and write it if there is a path.

    Parameters
    ----------
    model, float64, verify
        As for `localnet.export.to_keras3`.
    path : str or path-like, optional
        Of a file whose name ends in ``.keras``.

    Returns
    -------
    model : keras.Model
        On the backend that Keras runs.
    agreement : Agreement or None
        What the verification found; of the file, if there is one.
    """
    target = None if path is None else checked(path, ".keras")
    made = build_keras3(model, float64=float64)
    dtype = float_type(read(model), float64=float64)

    def agree(found: Any) -> Agreement | None:
        if not verify:
            return None
        return compare(model, _keras_name(), dtype, lambda xs: _run_keras(found, xs))

    if target is None:
        return made, agree(made)

    def reloaded(at: Path) -> Agreement | None:
        import keras

        if not verify:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = keras.models.load_model(at, compile=False)
        return agree(found)

    return made, place(target, lambda at: write_keras(made, at), reloaded)


def _keras_name() -> str:
    import keras

    return f"keras {keras.__version__} on {keras.backend.backend()}"


def _run_keras(found: Any, xs: Sequence[Array]) -> Sequence[Array]:
    import keras

    tensors = [keras.ops.convert_to_tensor(x) for x in xs]
    ys = found(tensors if len(tensors) > 1 else tensors[0], training=False)
    several = isinstance(ys, (list, tuple))
    return [keras.ops.convert_to_numpy(y) for y in (ys if several else [ys])]
