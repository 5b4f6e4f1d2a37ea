"""Convolutions, pooling, margins and upsampling as nodes of a graph."""

from typing import Any

import numpy as np

from .. import layers
from .._typing import Shape
from ..geometry.channels import split_sample
from ..ops.pool.windows import pool_geometry
from . import tables
from .activations import activation
from .graph import BATCH, Graph, Value
from .local import Adds, WeightOf, add_located_bias

__all__ = ["LAYERS"]


def _conv(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    g = layer.geometry((None, *shape))
    kernel = graph.transpose(
        weight("kernel"), [g.rank + 1, g.rank, *range(g.rank)]
    )  # (F, C/groups, *R)
    x = xs[0]
    if g.channels_last:
        x = graph.transpose(x, [0, g.rank + 1, *range(1, g.rank + 1)])
    y = graph.conv(x, kernel, g, layer.groups)
    if g.channels_last:
        y = graph.transpose(y, [0, *range(2, g.rank + 2), 1])
    if layer.use_bias:
        bias = weight("bias")
        if layer.untied_bias:
            y = add_located_bias(graph, y, bias, g)
        else:
            ones = g.sample_shape((1,) * g.rank, layer.filters)
            y = graph.binary("add", y, graph.reshape(bias, ones))
    return activation(graph, y, layer.activation)


def _pool(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    g = pool_geometry(
        shape,
        pool_size=layer.pool_size,
        strides=layer.strides,
        padding=layer.padding,
        data_format=layer.data_format,
    )
    cells = tables.windows(g)
    if g.channels_last:
        cells = cells.reshape(g.locations, -1, g.channels).swapaxes(1, 2)
    else:
        cells = cells.reshape(g.locations, g.channels, -1).swapaxes(0, 1)
    # Now (*sample of the output, taps), locations flat.
    largest = isinstance(layer, MAXIMA)
    x = graph.gather(xs[0], cells, fill=-np.inf if largest else 0.0)
    if largest:
        y = graph.reduce("max", x, [-1])
    elif (cells >= 0).all():
        y = graph.reduce("mean", x, [-1])
    else:
        inside = np.count_nonzero(cells >= 0, axis=-1)
        counts = graph.weight(f"{graph.layer}/cells in windows", inside)
        y = graph.binary("divide", graph.reduce("sum", x, [-1]), counts)
    return graph.reshape(y, (BATCH, *g.sample_shape(g.output_sizes, g.channels)))


def _global_pool(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    first = 1 if layer.data_format == "channels_last" else 2
    op = "max" if isinstance(layer, MAXIMA) else "mean"
    axes = range(first, first + len(shape) - 1)
    return graph.reduce(op, xs[0], list(axes), keepdims=layer.keepdims)


def _moved(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    value = getattr(layer, "value", 0.0)
    plain = {"value": 0.0} if value else {}
    cells = tables.cells_of_layer(layer, shape, **plain)
    return graph.gather(xs[0], cells, fill=value)


def _upsample(
    graph: Graph, xs: list[Value], layer: Any, shape: Shape, weight: WeightOf
) -> Value:
    if getattr(layer, "interpolation", "nearest") == "nearest":
        return _moved(graph, xs, layer, shape, weight)
    sizes, channels = split_sample(shape, layer.data_format)
    cells, shares = tables.bilinear(sizes, tuple(layer.size))
    if layer.data_format == "channels_last":
        cells = cells[..., None, :] * channels + np.arange(channels)[:, None]
        shares = shares[..., None, :]
    else:
        area = int(np.prod(sizes))
        cells = cells + np.arange(channels).reshape(-1, *(1,) * cells.ndim) * area
    share = graph.weight(f"{graph.layer}/shares of cells", shares)
    mixed = graph.binary("multiply", graph.gather(xs[0], cells), share)
    return graph.reduce("sum", mixed, [-1])


MAXIMA = (
    layers.MaxPooling1D,
    layers.MaxPooling2D,
    layers.MaxPooling3D,
    layers.GlobalMaxPooling1D,
    layers.GlobalMaxPooling2D,
    layers.GlobalMaxPooling3D,
)


def _ranks(adds: Adds, *names: str) -> dict[type, Adds]:
    """Return one entry for each number of axes that there is a layer of."""
    found = [
        getattr(layers, f"{name}{rank}D", None) for name in names for rank in "123"
    ]
    return {kind: adds for kind in found if kind is not None}


LAYERS: dict[type, Adds] = {
    **_ranks(_conv, "Conv"),
    **_ranks(_pool, "MaxPooling", "AveragePooling"),
    **_ranks(_global_pool, "GlobalMaxPooling", "GlobalAveragePooling"),
    **_ranks(_moved, "Padding", "ZeroPadding", "Cropping"),
    **_ranks(_upsample, "UpSampling"),
}
