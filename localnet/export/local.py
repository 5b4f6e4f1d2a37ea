"""Locally connected layers as nodes of a graph: gather, batched product, bias."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import layers
from .._typing import Shape
from ..geometry import Geometry
from ..ops.local.sharing import Sharing, expand
from . import tables
from .activations import activation
from .graph import BATCH, Graph, Value

__all__ = ["LAYERS", "Adds", "WeightOf", "add_located_bias"]

# Adds a weight of a layer to a graph, by its name.
WeightOf = Callable[[str], Value]


def _products(graph: Graph, x: Value, kernel: Value, g: Geometry) -> Value:
    """Add (N, L, F): the cells of each location times its kernel."""
    if not tables.tiles(g):
        return graph.local(x, kernel, tables.windows(g), g)
    blocks: list[int] = []
    for outputs, size in zip(g.output_sizes, g.kernel_size, strict=True):
        blocks += [outputs, size]
    # Axes of the blocks, behind the batch and for channels_first the channels.
    first = 1 if g.channels_last else 2
    places = [first + 2 * axis for axis in range(g.rank)]
    taps = [first + 2 * axis + 1 for axis in range(g.rank)]
    channel = 1 if not g.channels_last else 1 + 2 * g.rank
    patch = [*taps, channel] if g.channels_last else [channel, *taps]
    x = graph.reshape(x, (BATCH, *g.sample_shape(tuple(blocks), g.channels)))
    x = graph.transpose(x, [0, *places, *patch])
    x = graph.reshape(x, (BATCH, g.locations, g.patch_size))
    return graph.local(x, kernel, None, g)


def add_located_bias(graph: Graph, y: Value, bias: Value, g: Geometry) -> Value:
    """
    Add a bias of shape (*O, F) as it is stored: for channels_first it is reshaped.

    Parameters
    ----------
    graph : Graph
        Gets the nodes.
    y : Value
        In the data format of `g`.
    bias : Value
        One number for each cell of a sample of y.
    g : Geometry
        Of the layer.

    Returns
    -------
    Value
        Of the shape of y.
    """
    sizes, filters = bias.shape[:-1], bias.shape[-1]
    if not g.channels_last:
        bias = graph.reshape(bias, (filters, *sizes))
    return graph.binary("add", y, bias)


def _in_format(graph: Graph, y: Value, g: Geometry) -> Value:
    """Give (N, L, F) the shape of the output."""
    filters = y.shape[-1] or 1
    if not g.channels_last:
        y = graph.transpose(y, [0, 2, 1])
    return graph.reshape(y, (BATCH, *g.sample_shape(g.output_sizes, filters)))


def _local(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    g = layer.geometry((None, *shape))
    kernel, bias = weight("kernel"), weight("bias") if layer.use_bias else None
    if layer.share != (1,) * g.rank or layer.tile is not None:
        sharing = Sharing.of(g.output_sizes, layer.share, layer.tile)
        group = np.empty(sharing.output_sizes, np.int64)
        expand(np.arange(sharing.count).reshape(sharing.sizes), sharing, group)
        kernel = graph.take(kernel, group.ravel())
        if bias is not None:
            bias = _shared_bias(graph, bias, group, g)
    y = _in_format(graph, _products(graph, xs[0], kernel, g), g)
    if bias is not None:
        y = add_located_bias(graph, y, bias, g)
    return activation(graph, y, layer.activation)


def _shared_bias(graph: Graph, bias: Value, group: Any, g: Geometry) -> Value:
    """Return the bias (*O, F), stored as that of a layer that shares nothing."""
    groups, filters = math.prod(n or 1 for n in bias.shape[:-1]), bias.shape[-1] or 1
    if g.channels_last:
        rows = graph.take(graph.reshape(bias, (groups, filters)), group.ravel())
        return graph.reshape(rows, (*g.output_sizes, filters))
    # Stored as (*G, F) it is read as (F, *G), and so is that of every location.
    cells = np.arange(filters)[:, None] * groups + group.ravel()
    flat = graph.reshape(bias, (groups * filters,))
    return graph.reshape(graph.take(flat, cells.ravel()), (*g.output_sizes, filters))


def _low_rank(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    g = layer.geometry((None, *shape))
    several = g.rank > 1 and layer.separable

    def numbered(name: str) -> list[str]:
        return [f"{name}_{axis}" for axis in range(g.rank)] if several else [name]

    def spread(value: Value, axis: int, rank: int, rest: Shape) -> Value:
        if not several:
            return value
        ones = [1] * rank
        ones[axis] = value.shape[0] or 1
        return graph.reshape(value, (*ones, *rest))

    rank = layer.spatial_rank
    each = [weight(name) for name in numbered("combining")]
    each = [spread(value, axis, g.rank, (rank,)) for axis, value in enumerate(each)]
    mixture = functools.reduce(functools.partial(graph.binary, "add"), each)
    mixture = graph.reshape(mixture, (g.locations, rank))
    if layer.normalize_weights is not None:
        mixture = graph.softmax("softmax", mixture, -1)
    basis = graph.reshape(weight("kernel"), (rank, g.patch_size * layer.filters))
    kernel = graph.reshape(graph.matmul(mixture, basis), g.kernel_shape(layer.filters))
    y = _in_format(graph, _products(graph, xs[0], kernel, g), g)
    if layer.use_bias:
        parts = [_tied(graph, weight("bias"), g)]
        if layer.use_spatial_bias:
            for axis, name in enumerate(numbered("spatial_bias")):
                sizes = list(g.output_sizes)
                if several:
                    sizes = [1] * g.rank
                    sizes[axis] = g.output_sizes[axis]
                ones = g.sample_shape(tuple(sizes), 1)
                parts.append(graph.reshape(weight(name), ones))
        for part in parts:
            y = graph.binary("add", y, part)
    return activation(graph, y, layer.activation)


def _tied(graph: Graph, bias: Value, g: Geometry) -> Value:
    """Return a bias (F,) as it is added in the data format."""
    if g.channels_last:
        return bias
    return graph.reshape(bias, (*bias.shape, *(1,) * g.rank))


def _transposed(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    g = layer.geometry((None, *shape))  # its input is this layer's output
    x = xs[0]
    if not g.channels_last:
        x = graph.transpose(x, [0, *range(2, g.rank + 2), 1])
    channels = x.shape[-1]
    x = graph.reshape(x, (BATCH, g.locations, channels))
    kernel = graph.transpose(weight("kernel"), [0, 2, 1])  # (L, C, K)
    brushes = graph.local(x, kernel, None)  # (N, L, K)
    cells = graph.gather(brushes, tables.transposed(g))
    y = graph.reshape(graph.reduce("sum", cells, [-1]), (BATCH, *g.input_shape))
    if layer.use_bias:
        y = add_located_bias(graph, y, weight("bias"), g)
    return activation(graph, y, layer.activation)


Adds = Callable[[Graph, list[Value], Any, Shape, WeightOf], Value]
LAYERS: dict[type, Adds] = {
    **dict.fromkeys(
        (
            layers.LocallyConnected1D,
            layers.LocallyConnected2D,
            layers.LocallyConnected3D,
        ),
        _local,
    ),
    **dict.fromkeys(
        (
            layers.LowRankLocallyConnected1D,
            layers.LowRankLocallyConnected2D,
            layers.LowRankLocallyConnected3D,
        ),
        _low_rank,
    ),
    **dict.fromkeys(
        (
            layers.LocallyConnected1DTranspose,
            layers.LocallyConnected2DTranspose,
            layers.LocallyConnected3DTranspose,
        ),
        _transposed,
    ),
}
