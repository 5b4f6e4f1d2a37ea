"""A graph computed by ``keras.ops``, on whichever backend Keras 3 runs."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..._typing import Array
from ..graph import BATCH, Graph, Node

__all__ = ["local_product", "run_graph"]


def _with_zero(table: Array, size: int) -> Array:
    """
    Return a table whose -1 is the index of what is put behind `size` cells.

    Parameters
    ----------
    table : ndarray of int
        -1 stands for a pad.
    size : int
        Cells of a sample.

    Returns
    -------
    ndarray of int32
        Of the same shape.
    """
    return np.where(table < 0, size, table).astype(np.int32)


def local_product(x: Any, kernel: Any, table: Array | None) -> Any:
    """
    Compute (N, L, F): the cells of each location times its kernel.

    Parameters
    ----------
    x : tensor
        Samples; without a table the fields (N, L, K) themselves.
    kernel : tensor, shape (L, K, F)
        One matrix for each location.
    table : ndarray of int, shape (L, K), or None
        Which cells each location reads; -1 on a pad.

    Returns
    -------
    tensor
        Pre-activation without bias.
    """
    from keras import ops

    if table is None:
        fields = ops.transpose(x, (1, 0, 2))
    else:
        size = math.prod(x.shape[1:])
        rows = ops.transpose(ops.reshape(x, (-1, size)))
        if (table < 0).any():
            rows = ops.pad(rows, ((0, 1), (0, 0)))
        # Rows of the whole batch are copied, which is faster than cells.
        fields = ops.take(rows, _with_zero(table, size), axis=0)  # (L, K, N)
        fields = ops.transpose(fields, (0, 2, 1))
    return ops.transpose(ops.matmul(fields, kernel), (1, 0, 2))


def run_graph(
    graph: Graph,
    inputs: Sequence[Any],
    variables: Mapping[str, Any],
    noise: Callable[[Node, Any], Any],
    training: bool,
) -> list[Any]:
    """
    Compute the outputs of a graph.

    Parameters
    ----------
    graph : Graph
        Of a layer.
    inputs : sequence of tensor
        One for each input.
    variables : mapping of str to Variable
        Of the weights that are variables, by name.
    noise : callable
        Disturbs a tensor as a node says; called while training.
    training : bool
        Whether statistics are those of the batch, and running ones are updated.

    Returns
    -------
    list of tensor
        One for each output.
    """
    from keras import ops

    values: list[Any] = []
    sources: dict[int, Any] = {}
    for number, node in enumerate(graph.nodes):
        if node.op == "input":
            values.append(inputs[node.attributes["place"]])
            continue
        if node.op == "weight":
            weight = graph.weights[number]
            values.append(variables.get(weight.name, weight.array))
            sources[number] = variables.get(weight.name)
            continue
        taken = [values[place] for place in node.inputs]
        if node.op == "normalise" and training and node.attributes["learns"]:
            kept = [_variable(graph, sources, place) for place in node.inputs[1:]]
            values.append(_normalised(node, taken[0], kept))
        elif node.op in ("dropout", "gaussian_noise", "gaussian_dropout"):
            values.append(noise(node, taken[0]) if training else taken[0])
        else:
            values.append(_OPERATIONS[node.op](ops, node, *taken))
    return [values[value.number] for value in graph.outputs]


def _variable(graph: Graph, sources: Mapping[int, Any], place: int) -> Any:
    """Return the variable that a value was reshaped from."""
    while place not in sources:
        (place,) = graph.nodes[place].inputs
    return sources[place]


def _normalised(node: Node, x: Any, kept: list[Any]) -> Any:
    """Normalise by the batch, and let the running statistics follow."""
    from keras import ops

    a = node.attributes
    of_batch = ops.mean(x, a["axes"], keepdims=True)
    spread = ops.mean(ops.square(x - of_batch), a["axes"], keepdims=True)
    estimate = spread
    if a["unbiased"]:
        members = ops.cast(ops.size(x), spread.dtype) / math.prod(kept[0].shape)
        estimate = spread * (members / ops.maximum(members - 1, 1))
    for variable, found in zip(kept, (of_batch, estimate), strict=True):
        found = ops.stop_gradient(ops.reshape(found, variable.shape))
        momentum = a["momentum"]
        variable.assign(momentum * variable + (1 - momentum) * found)
    return (x - of_batch) / ops.sqrt(spread + a["epsilon"])


def _shape(node: Node) -> list[int]:
    return [-1 if n is BATCH else n for n in node.shape]


def _gather(ops: Any, node: Node, x: Any, table: Array) -> Any:
    size = math.prod(x.shape[1:])
    x = ops.reshape(x, (-1, size))
    if node.attributes["padded"]:
        fill = node.attributes["fill"]
        x = ops.pad(x, ((0, 0), (0, 1)), constant_values=fill)
    return ops.take(x, _with_zero(table, size), axis=1)


def _local(ops: Any, node: Node, x: Any, kernel: Any, table: Any = None) -> Any:
    return local_product(x, kernel, table)


def _conv(ops: Any, node: Node, x: Any, kernel: Any) -> Any:
    a = node.attributes
    rank = len(a["strides"])
    # Every backend convolves channels_last on a CPU.
    x = ops.transpose(x, (0, *range(2, rank + 2), 1))
    x = ops.pad(x, ((0, 0), *a["pads"], (0, 0)))
    y = ops.conv(
        x,
        ops.transpose(kernel, (*range(2, rank + 2), 1, 0)),
        strides=a["strides"],
        padding="valid",
        data_format="channels_last",
        dilation_rate=a["dilation"],
    )
    return ops.transpose(y, (0, rank + 1, *range(1, rank + 1)))


def _reduced(op: str, ops: Any, node: Node, x: Any) -> Any:
    a = node.attributes
    return getattr(ops, op)(x, axis=a["axes"], keepdims=a["keepdims"])


def _normalise(ops: Any, node: Node, x: Any, mean: Any, variance: Any) -> Any:
    return (x - mean) / ops.sqrt(variance + node.attributes["epsilon"])


def _add(ops: Any, node: Node, x: Any, y: Any) -> Any:
    """On TensorFlow ``ops.add`` takes (3, 1) beside (N, 3, 3) for a bias (3,)."""
    return ops.convert_to_tensor(x) + ops.convert_to_tensor(y)


def _same(op: str, ops: Any, node: Node, *xs: Any) -> Any:
    return getattr(ops, op)(*xs)


def _bent(ops: Any, x: Any, alpha: float) -> Any:
    return ops.relu(x) + alpha * ops.expm1(ops.minimum(x, 0.0))


_OPERATIONS: dict[str, Callable[..., Any]] = {
    **{
        op: partial(_same, op)
        for op in (
            *("subtract", "multiply", "divide", "maximum", "minimum"),
            *("matmul", "relu", "softplus", "softsign", "tanh", "sigmoid"),
        )
    },
    **{op: partial(_reduced, op) for op in ("sum", "mean", "max")},
    "add": _add,
    "reshape": lambda ops, n, x: ops.reshape(x, _shape(n)),
    "transpose": lambda ops, n, x: ops.transpose(x, n.attributes["order"]),
    "gather": _gather,
    "take": lambda ops, n, x, table: ops.take(x, table, axis=0),
    "concatenate": lambda ops, n, *xs: ops.concatenate(xs, n.attributes["axis"]),
    "local": _local,
    "conv": _conv,
    "normalise": _normalise,
    "softmax": lambda ops, n, x: ops.softmax(x, axis=n.attributes["axis"]),
    "log_softmax": lambda ops, n, x: ops.log_softmax(x, axis=n.attributes["axis"]),
    # TensorFlow's own rounds the slope to float32.
    "leaky_relu": lambda ops, n, x: ops.where(x > 0.0, x, n.attributes["alpha"] * x),
    "threshold": lambda ops, n, x: ops.where(
        x > n.attributes["theta"], x, ops.zeros_like(x)
    ),
    "at_most": lambda ops, n, x: ops.minimum(x, n.attributes["bound"]),
    "affine": lambda ops, n, x: n.attributes["scale"] * x + n.attributes["shift"],
    "elu": lambda ops, n, x: _bent(ops, x, n.attributes["alpha"]),
    "selu": lambda ops, n, x: ops.selu(x),
    "exponential": lambda ops, n, x: ops.exp(x),
    "hard_sigmoid": lambda ops, n, x: ops.clip(0.2 * x + 0.5, 0.0, 1.0),
    "swish": lambda ops, n, x: ops.silu(x),
    "gelu": lambda ops, n, x: 0.5 * x * (1.0 + ops.erf(x * math.sqrt(0.5))),
    "mish": lambda ops, n, x: x * ops.tanh(ops.softplus(x)),
}
