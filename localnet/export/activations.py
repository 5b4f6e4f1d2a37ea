"""Activations as nodes of a graph."""

from collections.abc import Callable
from functools import partial
from typing import Any

from .. import activations, layers
from .graph import Graph, Value

__all__ = ["LAYERS", "Unsupported", "activation"]


class Unsupported(Exception):
    """What a layer has that no target can say; the message names it."""


def activation(graph: Graph, x: Value, function: Any) -> Value:
    """
    Add an activation to a graph.

    Parameters
    ----------
    graph : Graph
        Gets the nodes.
    x : Value
        Pre-activation.
    function : callable or Layer
        What the attribute `activation` of a layer holds, or an activation layer.

    Returns
    -------
    Value
        Of the same shape.

    Raises
    ------
    Unsupported
        If it is not one of localnet's own.
    """
    if isinstance(function, layers.Layer):
        known = LAYERS.get(type(function))
        if known is not None:
            return known(graph, x, function)
    else:
        for ours, add in FUNCTIONS:
            if function is ours:
                return add(graph, x)
    name = getattr(function, "__name__", type(function).__name__)
    raise Unsupported(f"the activation {name!r}")


def _rectified(
    graph: Graph,
    x: Value,
    slope: float = 0.0,
    ceiling: float | None = None,
    threshold: float = 0.0,
) -> Value:
    """Add `localnet.activations.relu` with its parameters."""
    if threshold == 0.0 and ceiling is None:
        if slope == 0.0:
            return graph.unary("relu", x)
        return graph.unary("leaky_relu", x, alpha=slope)
    if threshold == 0.0:
        y = graph.unary("relu", x)
    else:
        y = graph.unary("threshold", x, theta=threshold)
    if ceiling is not None:
        y = graph.unary("at_most", y, bound=ceiling)
    if slope != 0.0:
        below = graph.unary("affine", x, scale=1.0, shift=-threshold)
        below = graph.unary("at_most", below, bound=0.0)
        below = graph.unary("affine", below, scale=slope, shift=0.0)
        y = graph.binary("add", y, below)
    return y


def _softmax(op: str, graph: Graph, x: Value, axis: Any = -1) -> Value:
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    if any(a % len(x.shape) == 0 for a in axes):
        raise Unsupported("a softmax over the batch axis")
    if len(axes) == 1:
        return graph.softmax(op, x, axes[0])
    top = graph.reduce("max", x, axes, keepdims=True)
    powers = graph.unary("exponential", graph.binary("subtract", x, top))
    total = graph.reduce("sum", powers, axes, keepdims=True)
    return graph.binary("divide", powers, total)


def _plain(op: str, **parameters: float) -> Callable[[Graph, Value], Value]:
    return lambda graph, x: graph.unary(op, x, **parameters)


Adds = Callable[[Graph, Value], Value]
FUNCTIONS: list[tuple[Any, Adds]] = [
    (activations.linear, lambda graph, x: x),
    (activations.relu, _rectified),
    (activations.relu6, partial(_rectified, ceiling=6.0)),
    (activations.leaky_relu, partial(_rectified, slope=0.2)),
    (activations.elu, _plain("elu", alpha=1.0)),
    (activations.selu, _plain("selu")),
    (activations.softplus, _plain("softplus")),
    (activations.softsign, _plain("softsign")),
    (activations.tanh, _plain("tanh")),
    (activations.sigmoid, _plain("sigmoid")),
    (activations.exponential, _plain("exponential")),
    (activations.hard_sigmoid, _plain("hard_sigmoid")),
    (activations.swish, _plain("swish")),
    (activations.gelu, _plain("gelu")),
    (activations.mish, _plain("mish")),
    (activations.softmax, partial(_softmax, "softmax")),
    (activations.log_softmax, partial(_softmax, "log_softmax")),
]

LAYERS: dict[type, Callable[[Graph, Value, Any], Value]] = {
    layers.Activation: lambda g, x, layer: activation(g, x, layer.activation),
    layers.LeakyReLU: lambda g, x, layer: _rectified(g, x, layer.alpha),
    layers.ELU: lambda g, x, layer: g.unary("elu", x, alpha=layer.alpha),
    layers.ReLU: lambda g, x, layer: _rectified(
        g, x, layer.negative_slope, layer.max_value, layer.threshold
    ),
    layers.Softmax: lambda g, x, layer: _softmax("softmax", g, x, layer.axis),
    layers.ThresholdedReLU: lambda g, x, layer: _rectified(g, x, threshold=layer.theta),
}
