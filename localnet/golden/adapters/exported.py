"""
The exported forms of the layer as backends: what `localnet.export` makes of a case.

A case becomes a layer of localnet, the layer what a target gets of it, and that runs on
the target: forwards for ``onnx``, with gradients for ``torch``, ``jax`` and ``keras3``,
the last on the backend that Keras 3 is set to. What a layer cannot say, such as pads of
another value than 0, and what is not exported, such as half precision, is skipped.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import layers
from ..._typing import Array
from ...export.graph import Graph
from ...export.jax import jax_source
from ...export.keras3 import build_keras3
from ...export.lowering import lower
from ...export.onnx import build_onnx
from ...export.torch import torch_source
from ...models import Sequential
from ..case import Case
from ..judging.kinds import KINDS, computes

__all__ = ["jax", "keras3", "onnx", "onnx_single", "torch"]

NAMES = {
    "layer": "LocallyConnected{}D",
    "shared": "LocallyConnected{}D",
    "low_rank": "LowRankLocallyConnected{}D",
    "conv": "Conv{}D",
    "transposed": "LocallyConnected{}DTranspose",
}

# Activations that are layers where they have parameters, and what these are called.
LAYERS: dict[str, tuple[Any, dict[str, str]]] = {
    "relu": (
        layers.ReLU,
        {
            "alpha": "negative_slope",
            "max_value": "max_value",
            "threshold": "threshold",
        },
    ),
    "leaky_relu": (layers.LeakyReLU, {"alpha": "alpha"}),
    "elu": (layers.ELU, {"alpha": "alpha"}),
}


@computes(*KINDS)
def onnx(case: Case) -> dict[str, Array]:
    """
    Compute a case by its ONNX model, in onnxruntime.

    Parameters
    ----------
    case : Case
        A case of the golden suite.

    Returns
    -------
    dict of str to ndarray
        `y` alone, since ONNX has no gradients.

    Raises
    ------
    NotImplementedError
        If the case is none of float32, or is not exported.
    ImportError
        If onnx or onnxruntime is not installed.

    See Also
    --------
    onnx_single : The layout for single samples.
    """
    return _by_onnx(case, "batch")


@computes(*KINDS)
def onnx_single(case: Case) -> dict[str, Array]:
    """
    Compute a case by its ONNX model for single samples; see `onnx`.

    Parameters
    ----------
    case : Case
        A case of the golden suite.

    Returns
    -------
    dict of str to ndarray
        `y` alone.

    See Also
    --------
    onnx : The layout for batches.
    """
    return _by_onnx(case, "single")


def _by_onnx(case: Case, layout: str) -> dict[str, Array]:
    import onnxruntime

    if case.precision != "float32":
        raise NotImplementedError(f"onnxruntime is asked in float32: {case.precision}")
    made = build_onnx(_graph(case), layout=layout, opset=17)
    session = onnxruntime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (y,) = session.run(None, {"x": np.asarray(case.x, "float32")})
    return {"y": y}


@computes(*KINDS)
def torch(case: Case) -> dict[str, Array]:
    """
    Compute a case by the module that is exported to PyTorch.

    Parameters
    ----------
    case : Case
        A case of the golden suite.

    Returns
    -------
    dict of str to ndarray
        `y`, and the gradients of a case with an upstream gradient.

    Raises
    ------
    NotImplementedError
        If the case is not exported.
    ImportError
        If PyTorch is not installed.

    See Also
    --------
    localnet.golden.adapters.torch.unfold : An idiom of PyTorch's users.
    """
    import torch as peer

    text, arrays = torch_source(_graph(case), case.id)
    net = _defined(text)["Net"](arrays)
    x = peer.from_numpy(np.array(case.x, case.precision)).requires_grad_(True)
    y = net(x)
    answers = {"y": y.detach().numpy()}
    if case.dy is None:
        return answers
    y.backward(peer.from_numpy(np.array(case.dy, case.precision)))
    answers["dx"] = x.grad.numpy()
    found = {name: weight.grad.numpy() for name, weight in net.named_parameters()}
    return answers | _named(found)


@computes(*KINDS)
def jax(case: Case) -> dict[str, Array]:
    """
    Compute a case by the function that is exported to JAX.

    Parameters
    ----------
    case : Case
        A case of the golden suite.

    Returns
    -------
    dict of str to ndarray
        `y`, and the gradients of a case with an upstream gradient.

    Raises
    ------
    NotImplementedError
        If the case is not exported.
    ImportError
        If JAX is not installed.

    See Also
    --------
    localnet.golden.adapters.jax.local_conv : JAX's own primitive.
    """
    import jax as peer

    peer.config.update("jax_enable_x64", True)
    text, arrays = jax_source(_graph(case), case.id)
    module = _defined(text)
    params = {name: arrays[name] for name in module["LEARNS"]}
    rest = {name: array for name, array in arrays.items() if name not in params}

    def compute(params: dict[str, Any], x: Any) -> Any:
        return module["forward"]({**rest, **params}, x)

    x = peer.numpy.asarray(np.array(case.x, case.precision))
    params = {name: peer.numpy.asarray(array) for name, array in params.items()}
    y, back = peer.vjp(compute, params, x)
    answers = {"y": np.asarray(y)}
    if case.dy is None:
        return answers
    grads, dx = back(peer.numpy.asarray(np.array(case.dy, case.precision)))
    found = {name: np.asarray(grad) for name, grad in grads.items()}
    return answers | {"dx": np.asarray(dx)} | _named(found)


@computes(*KINDS)
def keras3(case: Case) -> dict[str, Array]:
    """
    Compute a case by the layer that is exported to Keras 3.

    Parameters
    ----------
    case : Case
        A case of the golden suite.

    Returns
    -------
    dict of str to ndarray
        `y`, and the gradients where the backend of Keras has them.

    Raises
    ------
    NotImplementedError
        If the case is not exported, or is of float64 on a backend without it.
    ImportError
        If Keras 3 is not installed.
    """
    import keras

    backend = keras.backend.backend()
    if case.precision == "float64" and backend != "tensorflow":
        raise NotImplementedError(f"Keras rounds float64 to float32 on {backend}")
    layer = build_keras3(_model(case), float64=True).layers[-1]
    variables = layer.trainable_variables
    x = keras.ops.convert_to_tensor(case.x, dtype=case.precision)
    if case.dy is None or backend == "numpy":
        return {"y": keras.ops.convert_to_numpy(layer(x))}
    dy = keras.ops.convert_to_tensor(case.dy, dtype=case.precision)
    y, grads = BACKWARD[backend](layer, x, dy)
    dx, *rest = (keras.ops.convert_to_numpy(grad) for grad in grads)
    names = [variable.path.rpartition("/")[2] for variable in variables]
    found = dict(zip(names, rest, strict=True))
    return {"y": keras.ops.convert_to_numpy(y), "dx": dx} | _named(found)


def _by_tensorflow(layer: Any, x: Any, dy: Any) -> tuple[Any, list[Any]]:
    import tensorflow as tf

    values = [variable.value for variable in layer.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    return y, tape.gradient(y, [x, *values], output_gradients=dy)


def _by_torch(layer: Any, x: Any, dy: Any) -> tuple[Any, list[Any]]:
    x = x.clone().requires_grad_(True)
    y = layer(x)
    y.backward(dy)
    grads = [variable.value.grad for variable in layer.trainable_variables]
    return y, [x.grad, *grads]


def _by_jax(layer: Any, x: Any, dy: Any) -> tuple[Any, list[Any]]:
    import jax as peer

    rest = [variable.value for variable in layer.non_trainable_variables]

    def compute(values: list[Any], x: Any) -> Any:
        return layer.stateless_call(values, rest, x)[0]

    values = [variable.value for variable in layer.trainable_variables]
    y, back = peer.vjp(compute, values, x)
    grads, dx = back(dy)
    return y, [dx, *grads]


BACKWARD: dict[str, Callable[..., tuple[Any, list[Any]]]] = {
    "tensorflow": _by_tensorflow,
    "torch": _by_torch,
    "jax": _by_jax,
}


def _defined(text: str) -> dict[str, Any]:
    """Return what an exported file defines."""
    module: dict[str, Any] = {"__name__": "exported"}
    exec(compile(text, "<exported>", "exec"), module)
    return module


def _named(grads: dict[str, Array]) -> dict[str, Array]:
    """Return gradients by the names of answers."""
    names = {"kernel": "dkernel", "bias": "dbias", "combining": "dmixture"}
    found = {}
    for name, grad in grads.items():
        for ending, answer in names.items():
            if name.endswith(ending):
                found[answer] = grad
    return found


def _graph(case: Case) -> Graph:
    """Return the graph of a case's layer."""
    model = _model(case)
    try:
        return lower(model, "an export", float64=True)
    except ValueError as error:
        raise NotImplementedError(str(error)) from None


def _model(case: Case) -> Sequential:
    """Return a model of one layer that is the case."""
    c = case.config
    if case.kind not in NAMES:
        raise NotImplementedError(f"layers are exported, not a {case.kind}")
    if case.precision not in ("float32", "float64"):
        raise NotImplementedError(f"{case.precision} is not exported")
    if c.get("pad_value", 0.0) != 0.0:
        raise NotImplementedError("layers have pads of 0 only")
    rank = len(c["kernel_size"])
    options: dict[str, Any] = {
        "strides": tuple(c["strides"]),
        "dilation_rate": tuple(c["dilation_rate"]),
        "padding": tuple(map(tuple, c["pads"])),
        "data_format": c["data_format"],
        "use_bias": case.bias is not None,
        "activation": _activation(dict(c["activation"])),
        "dtype": case.precision,
        "name": "layer",
    }
    if case.kind == "shared":
        options |= {"share": tuple(c["share"])}
        options |= {"tile": None if c["tile"] is None else tuple(c["tile"])}
    elif case.kind == "conv":
        untied = case.bias is not None and c["bias_per"] != "filter"
        options |= {"groups": c["groups"], "untied_bias": untied}
    elif case.kind == "transposed":
        options |= {"output_padding": tuple(c["output_padding"])}
    elif case.kind == "low_rank":
        if case.bias is not None and case.bias.ndim > 1:
            raise NotImplementedError("a layer of low rank has no untied bias")
        options |= {
            "spatial_rank": len(case.kernel),
            "separable": False,
            "normalize_weights": None,
            "use_spatial_bias": False,
        }
    kind = getattr(layers, NAMES[case.kind].format(rank))
    try:
        layer = kind(c["filters"], tuple(c["kernel_size"]), **options)
        model = Sequential([layers.InputLayer(case.x.shape[1:]), layer])
    except ValueError as error:
        raise NotImplementedError(str(error)) from None
    weights = {"kernel": case.kernel, "bias": case.bias, "combining": case.mixture}
    layer.set_weights([np.asarray(weights[name]) for name in layer.params])
    return model


def _activation(config: dict[str, Any]) -> Any:
    """Return the activation of a case as a layer takes it."""
    name, options = config["name"], {k: v for k, v in config.items() if k != "name"}
    if not options or options == {"approximate": False}:
        return name
    if name not in LAYERS:
        raise NotImplementedError(f"{name} with {options} is no activation of a layer")
    kind, words = LAYERS[name]
    try:
        return kind(**{words[key]: value for key, value in options.items()})
    except ValueError as error:
        raise NotImplementedError(str(error)) from None
