"""A graph as a file of Python for PyTorch: one module, its weights in arrays."""

from collections.abc import Callable

from .. import __version__
from .._typing import Array
from .graph import Graph, Node
from .source import (
    Lines,
    gathered,
    order,
    parameter,
    said,
    shape_text,
    sizes,
    tuple_text,
)

__all__ = ["torch_source"]

HEAD = '''"""
{title}, exported by localnet {version}.

Needs torch and numpy only; the weights ({dtype}) lie in the .npz beside this file. A
window of a locally connected layer is a row of a table of flat indices, and -1 in a
table is the cell that is put behind each sample.

    net = load()              # an nn.Module in evaluation mode
    y = net({arguments})              # {shapes}
"""

from pathlib import Path
from typing import List

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def filled(x: torch.Tensor, fill: float) -> torch.Tensor:
    """Return samples as vectors, with one more cell, which -1 finds."""
    return F.pad(x.flatten(1), [0, 1], value=fill)


def gather(x: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Return the cells of each sample that a table names."""
    return x.flatten(1)[:, table]


def local(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Return (N, L, F) of fields (L, K, N): one product for each location."""
    return torch.bmm(x.transpose(1, 2), kernel).transpose(0, 1)


def fields(x: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Return the fields of a locally connected layer, (L, K, N)."""
    return x.flatten(1).t()[table]


def dropout(
    x: torch.Tensor, rate: float, ones: List[int], training: bool
) -> torch.Tensor:
    """Drop cells while training; along the axes `ones` they share their fate."""
    if not training:
        return x
    shape = list(x.shape)
    for axis in ones:
        shape[axis] = 1
    return x * F.dropout(torch.ones(shape, dtype=x.dtype, device=x.device), rate, True)


def normalise(
    x: torch.Tensor,
    mean: torch.Tensor,
    variance: torch.Tensor,
    axes: List[int],
    epsilon: float,
    momentum: float,
    unbiased: bool,
    training: bool,
) -> torch.Tensor:
    """Normalise by the batch while training, else by the running statistics."""
    if training:
        of_batch = x.mean(axes, keepdim=True)
        spread = (x - of_batch).square().mean(axes, keepdim=True)
        with torch.no_grad():
            members = x.numel() // spread.numel()
            kept = spread * (members / max(members - 1, 1)) if unbiased else spread
            mean.copy_(momentum * mean + (1 - momentum) * of_batch.reshape(mean.shape))
            variance.copy_(
                momentum * variance + (1 - momentum) * kept.reshape(mean.shape)
            )
        mean, variance = of_batch, spread
    return (x - mean) / torch.sqrt(variance + epsilon)


class Net(nn.Module):
    """The model; `arrays` are its weights and tables by name."""

    LEARNS = {trainable}

    def __init__(self, arrays):
        super().__init__()
        for name, array in arrays.items():
            tensor = torch.from_numpy(array)
            if name in self.LEARNS:
                self.register_parameter(name, nn.Parameter(tensor))
            else:
                table = tensor.dtype == torch.int32
                self.register_buffer(name, tensor.long() if table else tensor)

    def forward(self, {signature}):
{body}
        return {returns}


def load(path=None):
    """Return the module with its weights; `path` names the .npz, if it has moved."""
    with np.load(path or Path(__file__).with_suffix(".npz")) as arrays:
        return Net({{name: arrays[name] for name in arrays.files}}).eval()
'''


def torch_source(graph: Graph, title: str) -> tuple[str, dict[str, Array]]:
    """
    Return a graph as the text of a module for PyTorch, and its arrays.

    Parameters
    ----------
    graph : Graph
        Of a model.
    title : str
        Its name.

    Returns
    -------
    text : str
        Of a file of Python.
    arrays : dict of str to ndarray
        What the .npz beside it is to hold.
    """
    lines = Lines(graph, PHRASES, lambda name: f"self.{name}")
    text = HEAD.format(
        title=said(title),
        version=__version__,
        dtype=graph.dtype.name,
        arguments=", ".join(lines.inputs),
        shapes=", ".join(shape_text(value.shape) for value in graph.outputs),
        trainable=tuple_text(lines.trainable, 4),
        signature=", ".join(lines.inputs),
        body="\n".join(f"        {line}" for line in lines.body),
        returns=", ".join(lines.outputs),
    )
    return text.replace("\n        \n", "\n"), lines.arrays


def _axes(node: Node) -> str:
    return str(list(node.attributes["axes"]))


def _local(node: Node, x: str, kernel: str, table: str = "") -> str:
    if not table:
        return f"local({x}.permute(1, 2, 0), {kernel})"
    if node.attributes["padded"]:
        x = f"filled({x}, 0.0)"
    return f"local(fields({x}, {table}), {kernel})"


def _conv(node: Node, x: str, kernel: str) -> str:
    a = node.attributes
    rank = len(a["strides"])
    # The pairs of the last axis come first.
    pads = [cells for pair in reversed(a["pads"]) for cells in pair]
    if any(pads):
        x = f"F.pad({x}, {pads})"
    strides, dilation = list(a["strides"]), list(a["dilation"])
    return (
        f"F.conv{rank}d({x}, {kernel}, None, {strides}, 0, {dilation}, {a['groups']})"
    )


def _max(node: Node, x: str) -> str:
    axes, keep = node.attributes["axes"], node.attributes["keepdims"]
    if len(axes) == 1 and not keep:
        return f"{x}.max({axes[0]})[0]"
    return f"{x}.amax({list(axes)}, keepdim={keep})"


def _normalise(node: Node, x: str, mean: str, variance: str) -> str:
    a = node.attributes
    training = "self.training" if a["learns"] else "False"
    return (
        f"normalise({x}, {mean}, {variance}, {_axes(node)}, {a['epsilon']!r}, "
        f"{a['momentum']!r}, {a['unbiased']}, {training})"
    )


PHRASES: dict[str, Callable[..., str]] = {
    "reshape": lambda n, x: f"{x}.reshape({sizes(n)})",
    "transpose": lambda n, x: f"{x}.permute({order(n)})",
    "gather": gathered,
    "take": lambda n, x, table: f"{x}[{table}]",
    "concatenate": lambda n, *xs: (
        f"torch.cat([{', '.join(xs)}], {n.attributes['axis']})"
    ),
    "local": _local,
    "matmul": lambda n, x, y: f"torch.matmul({x}, {y})",
    "conv": _conv,
    "add": lambda n, x, y: f"{x} + {y}",
    "subtract": lambda n, x, y: f"{x} - {y}",
    "multiply": lambda n, x, y: f"{x} * {y}",
    "divide": lambda n, x, y: f"{x} / {y}",
    "maximum": lambda n, x, y: f"torch.maximum({x}, {y})",
    "minimum": lambda n, x, y: f"torch.minimum({x}, {y})",
    "sum": lambda n, x: f"{x}.sum({_axes(n)}, keepdim={n.attributes['keepdims']})",
    "mean": lambda n, x: f"{x}.mean({_axes(n)}, keepdim={n.attributes['keepdims']})",
    "max": _max,
    "softmax": lambda n, x: f"torch.softmax({x}, {n.attributes['axis']})",
    "log_softmax": lambda n, x: f"torch.log_softmax({x}, {n.attributes['axis']})",
    "normalise": _normalise,
    "dropout": lambda n, x: (
        f"dropout({x}, {parameter(n, 'rate')}, "
        f"{list(n.attributes['ones'])}, self.training)"
    ),
    "gaussian_noise": lambda n, x: (
        f"{x} + {parameter(n, 'stddev')} * torch.randn_like({x}) "
        f"if self.training else {x}"
    ),
    "gaussian_dropout": lambda n, x: (
        f"{x} * (1 + {parameter(n, 'stddev')} * torch.randn_like({x})) "
        f"if self.training else {x}"
    ),
    "relu": lambda n, x: f"torch.relu({x})",
    "leaky_relu": lambda n, x: f"F.leaky_relu({x}, {parameter(n, 'alpha')})",
    "threshold": lambda n, x: f"F.threshold({x}, {parameter(n, 'theta')}, 0.0)",
    "at_most": lambda n, x: f"torch.clamp({x}, max={parameter(n, 'bound')})",
    "affine": lambda n, x: f"{parameter(n, 'scale')} * {x} + {parameter(n, 'shift')}",
    "elu": lambda n, x: f"F.elu({x}, {parameter(n, 'alpha')})",
    "selu": lambda n, x: f"F.selu({x})",
    "softplus": lambda n, x: f"F.softplus({x}, 1.0, 40.0)",
    "softsign": lambda n, x: f"F.softsign({x})",
    "tanh": lambda n, x: f"torch.tanh({x})",
    "sigmoid": lambda n, x: f"torch.sigmoid({x})",
    "exponential": lambda n, x: f"torch.exp({x})",
    # PyTorch's own hardsigmoid has the slope 1/6.
    "hard_sigmoid": lambda n, x: f"torch.clamp(0.2 * {x} + 0.5, 0.0, 1.0)",
    "swish": lambda n, x: f"F.silu({x})",
    "gelu": lambda n, x: f"F.gelu({x})",
    "mish": lambda n, x: f"F.mish({x})",
}
