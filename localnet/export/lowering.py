"""From a model to a graph: every layer that a target can say, or all that it cannot."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import layers
from .._typing import Shape
from ..models import each_step
from . import local, spatial
from .activations import LAYERS as ACTIVATIONS
from .activations import Unsupported, activation
from .graph import BATCH, Graph, Value
from .local import Adds, WeightOf
from .reading import Call, Calls, read

__all__ = ["float_type", "lacks", "lower", "lower_layer", "refuse"]


def float_type(calls: Calls, *, float64: bool) -> np.dtype:
    """
    Return the float type of what is exported.

    Parameters
    ----------
    calls : Calls
        Of a model.
    float64 : bool
        Whether double precision is wanted where the model has it.

    Returns
    -------
    dtype
        One for the whole.

    Raises
    ------
    ValueError
        If the model has another one, or float64 that was not asked for.
    """
    names = {call.layer.dtype.name for call in calls.calls} or {"float32"}
    others = sorted(names - {"float32", "float64"})
    if others:
        raise ValueError(
            f"model must have layers of float32 or float64, got {others[0]}"
        )
    if "float64" in names and not float64:
        raise ValueError(
            "model must have layers of float32, got float64: ask for float64 "
            "(float64=True, or --float64), or build the model in float32"
        )
    return np.dtype("float64" if "float64" in names else "float32")


def refuse(target: str, lacking: list[str]) -> None:
    """
    Refuse a model with layers that a target cannot say; all of them are named.

    Parameters
    ----------
    target : str
        As a user calls it.
    lacking : list of str
        Layers, and why.

    Raises
    ------
    ValueError
        If there are any.
    """
    if lacking:
        raise ValueError(
            f"model must be made of what {target} can say, got {'; '.join(lacking)}: "
            "export the part without them, such as Model(model.inputs, an earlier "
            "output), and write the rest there"
        )


def lower(model: Any, target: str, *, float64: bool = False) -> Graph:
    """
    Return a model as a graph.

    Parameters
    ----------
    model : Sequential or Model
        Built.
    target : str
        What errors call the target.
    float64 : bool
        Whether a model of float64 is wanted.

    Returns
    -------
    Graph
        With copies of the weights.

    Raises
    ------
    ValueError
        If the model is none, is not built, or has layers or a float type that are not
        exported; all such layers are named.
    """
    calls = read(model)
    graph = Graph(float_type(calls, float64=float64))
    values = [graph.input(shape) for shape in calls.inputs]
    lacking: list[str] = []
    for call in calls.calls:
        kind = type(call.layer).__name__
        graph.layer = call.path
        graph.kinds[call.path] = kind
        xs = [values[place] for place in call.inputs]
        try:
            y = _add(graph, xs, call.layer, call.shapes, call.path)
        except Unsupported as reason:
            lacking.append(f"{call.path} ({kind}): {reason}")
            (shape,) = (call.layer.compute_output_shape(_shapes(call)),)
            y = Value(-1, (BATCH, *shape[1:]))
        values.append(y)
    refuse(target, list(dict.fromkeys(lacking)))
    graph.outputs = [values[place] for place in calls.outputs]
    return graph


def lower_layer(layer: layers.Layer, shapes: Sequence[Shape]) -> Graph:
    """
    Return one layer as a graph.

    Parameters
    ----------
    layer : Layer
        Built here, if it is not.
    shapes : sequence of tuple of int
        Of the samples of each input.

    Returns
    -------
    Graph
        Its weights are named ``layer/kernel`` and so on; the name of anything else
        starts with a slash.

    Raises
    ------
    ValueError
        If it is a layer that is not exported.
    """
    graph = Graph(layer.dtype)
    xs = [graph.input(tuple(shape)) for shape in shapes]
    if not layer.built:
        several: Any = [(None, *shape) for shape in shapes]
        multi = isinstance(layer, layers.MultiInputLayer)
        layer.build(tuple(several) if multi else several[0])
    try:
        graph.outputs = [_add(graph, xs, layer, tuple(map(tuple, shapes)), "layer")]
    except Unsupported as reason:
        refuse("Keras 3", [f"{layer.name}: {reason}"])
    return graph


def lacks(layer: layers.Layer, shapes: Sequence[Shape]) -> str:
    """
    Return why a layer cannot be exported; an empty string if it can.

    Parameters
    ----------
    layer : Layer
        Built.
    shapes : sequence of tuple of int
        Of the samples of each input.

    Returns
    -------
    str
        What it has that no target can say.
    """
    graph = Graph(layer.dtype)
    xs = [graph.input(tuple(shape)) for shape in shapes]
    try:
        _add(graph, xs, layer, tuple(map(tuple, shapes)), "layer")
    except Unsupported as reason:
        return str(reason)
    return ""


def _shapes(call: Call) -> Any:
    shapes = tuple((None, *shape) for shape in call.shapes)
    several = isinstance(call.layer, layers.MultiInputLayer)
    return shapes if several else shapes[0]


def _add(
    graph: Graph, xs: list[Value], layer: Any, shapes: tuple[Shape, ...], path: str
) -> Value:
    adds = LAYERS.get(type(layer))
    if adds is None:
        raise Unsupported("a layer that is not exported")

    def weight(name: str) -> Value:
        trainable = layer.learns(name)
        return graph.weight(f"{path}/{name}", layer.params[name], trainable)

    return adds(graph, xs, layer, shapes[0], weight)


def _dense(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    y = graph.matmul(xs[0], weight("kernel"))
    if layer.use_bias:
        y = graph.binary("add", y, weight("bias"))
    return activation(graph, y, layer.activation)


def _flatten(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    x = xs[0]
    if layer.data_format == "channels_first" and len(shape) > 1:
        x = graph.transpose(x, [0, *range(2, len(shape) + 1), 1])
    return graph.reshape(x, (BATCH, int(np.prod(shape))))


def _reshape(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    sizes = layer.compute_output_shape((None, *shape))[1:]
    return graph.reshape(xs[0], (BATCH, *sizes))


def _permute(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    return graph.transpose(xs[0], [0, *layer.dims])


def _repeat(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    return graph.gather(xs[0], np.tile(np.arange(shape[0]), (layer.n, 1)))


def _activation(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    return activation(graph, xs[0], layer)


def _prelu(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    below = graph.unary("at_most", xs[0], bound=0.0)
    below = graph.binary("multiply", below, weight("alpha"))
    return graph.binary("add", graph.unary("relu", xs[0]), below)


def _normalisation(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    rank = len(shape) + 1
    several = isinstance(layer.axis, (list, tuple))
    axes = [axis % rank for axis in (layer.axis if several else [layer.axis])]
    if 0 in axes:
        raise Unsupported("statistics of each sample of a batch")
    sizes = tuple(n if axis in axes else 1 for axis, n in enumerate(shape, 1))

    def spread(name: str) -> Value:
        return graph.reshape(weight(name), sizes)

    # Keras's fused kernel, where it has one, corrects the variance that it keeps.
    fused = layer.fused
    if fused is None:
        fused = (
            layer.dtype.itemsize < 8
            and rank in (4, 5)
            and len(axes) == 1
            and axes[0] in (1, rank - 1)
        )
    y = graph.normalise(
        xs[0],
        spread("moving_mean"),
        spread("moving_variance"),
        axes=tuple(axis for axis in range(rank) if axis not in axes),
        epsilon=layer.epsilon,
        momentum=layer.momentum,
        unbiased=bool(fused),
        learns=bool(layer.trainable),
    )
    if layer.scale:
        y = graph.binary("multiply", y, spread("gamma"))
    if layer.center:
        y = graph.binary("add", y, spread("beta"))
    return y


def _noise(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    if isinstance(layer, layers.GaussianNoise):
        return graph.noise("gaussian_noise", xs[0], stddev=layer.stddev)
    if isinstance(layer, layers.GaussianDropout):
        stddev = float(np.sqrt(layer.rate / (1 - layer.rate)))
        return graph.noise("gaussian_dropout", xs[0], stddev=stddev)
    sizes: tuple[int | None, ...] = (None, *shape)
    ones: tuple[int, ...] = ()
    if isinstance(layer, SPATIAL):
        first = getattr(layer, "data_format", "channels_last") == "channels_first"
        ones = tuple(range(2, len(sizes)) if first else range(1, len(sizes) - 1))
    elif layer.noise_shape is not None:
        wanted = enumerate(layer.noise_shape)
        ones = tuple(axis for axis, size in wanted if size == 1 and sizes[axis] != 1)
    return graph.noise("dropout", xs[0], rate=layer.rate, ones=ones)


def _merge(op: str) -> Adds:
    def add(
        graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
    ) -> Value:
        rank = max(len(x.shape) for x in xs)
        aligned = [
            graph.reshape(x, (BATCH, *(1,) * (rank - len(x.shape)), *x.shape[1:]))
            for x in xs
        ]
        y = functools.reduce(functools.partial(graph.binary, op), aligned)
        if isinstance(layer, layers.Average):
            y = graph.unary("affine", y, scale=1 / len(xs), shift=0.0)
        return y

    return add


def _concatenate(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    return graph.concatenate(xs, layer.axis % (len(shape) + 1))


def _each_step(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    steps, *rest = shape
    inner = layer.layer
    x = graph.reshape(xs[0], (BATCH, *rest))
    adds = LAYERS.get(type(inner))
    if adds is None:
        raise Unsupported(f"the inner layer {type(inner).__name__}")
    y = adds(graph, [x], inner, tuple(rest), weight)
    return graph.reshape(y, (BATCH, steps, *y.shape[1:]))


def _fold(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    return graph.reshape(xs[0], (BATCH, *shape[1:]))


def _unfold(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    result, origin = xs
    return graph.reshape(result, (BATCH, origin.shape[1], *result.shape[1:]))


SPATIAL = (
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
    layers.SpatialDropout3D,
)
LAYERS: dict[type, Adds] = {
    **local.LAYERS,
    **spatial.LAYERS,
    **dict.fromkeys(ACTIVATIONS, _activation),
    layers.InputLayer: lambda graph, xs, layer, shape, weight: xs[0],
    layers.Dense: _dense,
    layers.Flatten: _flatten,
    layers.Reshape: _reshape,
    layers.Permute: _permute,
    layers.RepeatVector: _repeat,
    layers.PReLU: _prelu,
    layers.BatchNormalization: _normalisation,
    **dict.fromkeys(
        (layers.Dropout, layers.GaussianNoise, layers.GaussianDropout, *SPATIAL),
        _noise,
    ),
    layers.Add: _merge("add"),
    layers.Average: _merge("add"),
    layers.Subtract: _merge("subtract"),
    layers.Multiply: _merge("multiply"),
    layers.Maximum: _merge("maximum"),
    layers.Minimum: _merge("minimum"),
    layers.Concatenate: _concatenate,
    layers.TimeDistributed: _each_step,
    each_step.Fold: _fold,
    each_step.Unfold: _unfold,
}
