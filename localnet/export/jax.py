"""A graph as a file of Python for JAX: a pure function and its weights."""

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

__all__ = ["jax_source"]

HEAD = '''"""
{title}, exported by localnet {version}.

Needs jax and numpy only; the weights ({dtype}) lie in the .npz beside this file. A
window of a locally connected layer is a row of a table of flat indices, and -1 in a
table is the cell that is put behind each sample.

    apply, params = load()
    y = apply(params, {arguments})    # {shapes}; jit, grad and vmap work

It computes what the model does once trained: dropout lets everything through, and
running statistics stay as they are.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

LEARNS = {trainable}


def filled(x, fill):
    """Return samples as vectors, with one more cell, which -1 finds."""
    x = x.reshape(x.shape[0], -1)
    return jnp.pad(x, ((0, 0), (0, 1)), constant_values=fill)


def gather(x, table):
    """Return the cells of each sample that a table names."""
    return x.reshape(x.shape[0], -1)[:, table]


def local(fields, kernel):
    """Return (N, L, F) of fields (L, K, N): one product for each location."""
    return jnp.einsum("lkn,lkf->nlf", fields, kernel)


def fields(x, table):
    """Return the fields of a locally connected layer, (L, K, N)."""
    return x.reshape(x.shape[0], -1).T[table]


def forward(w, {signature}):
    """Return the outputs of the model with the weights and tables `w`."""
{body}
    return {returns}


def load(path=None):
    """Return (apply, params); `path` names the .npz, if it has moved."""
    with np.load(path or Path(__file__).with_suffix(".npz")) as arrays:
        found = {{name: arrays[name] for name in arrays.files}}
    if any(array.dtype == np.float64 for array in found.values()):
        jax.config.update("jax_enable_x64", True)
    params = {{name: jnp.asarray(found.pop(name)) for name in LEARNS}}

    def apply(params, {signature}):
        return forward({{**found, **params}}, {converted})

    return apply, params
'''


def jax_source(graph: Graph, title: str) -> tuple[str, dict[str, Array]]:
    """
    Return a graph as the text of a module for JAX, and its arrays.

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
    lines = Lines(graph, PHRASES, lambda name: f'w["{name}"]')
    text = HEAD.format(
        title=said(title),
        version=__version__,
        dtype=graph.dtype.name,
        arguments=", ".join(lines.inputs),
        shapes=", ".join(shape_text(value.shape) for value in graph.outputs),
        trainable=tuple_text(lines.trainable, 0),
        signature=", ".join(lines.inputs),
        converted=", ".join(
            f"jnp.asarray({name}, jnp.{graph.dtype.name})" for name in lines.inputs
        ),
        body="\n".join(f"    {line}" for line in lines.body),
        returns=", ".join(lines.outputs),
    )
    return text, lines.arrays


def _local(node: Node, x: str, kernel: str, table: str = "") -> str:
    if not table:
        return f"local({x}.transpose(1, 2, 0), {kernel})"
    if node.attributes["padded"]:
        x = f"filled({x}, 0.0)"
    return f"local(fields({x}, {table}), {kernel})"


def _conv(node: Node, x: str, kernel: str) -> str:
    a = node.attributes
    return (
        f"jax.lax.conv_general_dilated({x}, {kernel}, {a['strides']}, {a['pads']}, "
        f"rhs_dilation={a['dilation']}, feature_group_count={a['groups']})"
    )


def _reduced(op: str) -> Callable[..., str]:
    def phrase(node: Node, x: str) -> str:
        axes, keep = node.attributes["axes"], node.attributes["keepdims"]
        return f"{x}.{op}({axes}, keepdims={keep})"

    return phrase


def _normalise(node: Node, x: str, mean: str, variance: str) -> str:
    return f"({x} - {mean}) / jnp.sqrt({variance} + {node.attributes['epsilon']!r})"


def _same(node: Node, x: str) -> str:
    return x


PHRASES: dict[str, Callable[..., str]] = {
    "reshape": lambda n, x: f"{x}.reshape({sizes(n)})",
    "transpose": lambda n, x: f"{x}.transpose({order(n)})",
    "gather": gathered,
    "take": lambda n, x, table: f"{x}[{table}]",
    "concatenate": lambda n, *xs: (
        f"jnp.concatenate([{', '.join(xs)}], {n.attributes['axis']})"
    ),
    "local": _local,
    "matmul": lambda n, x, y: f"jnp.matmul({x}, {y})",
    "conv": _conv,
    "add": lambda n, x, y: f"{x} + {y}",
    "subtract": lambda n, x, y: f"{x} - {y}",
    "multiply": lambda n, x, y: f"{x} * {y}",
    "divide": lambda n, x, y: f"{x} / {y}",
    "maximum": lambda n, x, y: f"jnp.maximum({x}, {y})",
    "minimum": lambda n, x, y: f"jnp.minimum({x}, {y})",
    "sum": _reduced("sum"),
    "mean": _reduced("mean"),
    "max": _reduced("max"),
    "softmax": lambda n, x: f"jax.nn.softmax({x}, {n.attributes['axis']})",
    "log_softmax": lambda n, x: f"jax.nn.log_softmax({x}, {n.attributes['axis']})",
    "normalise": _normalise,
    "dropout": _same,
    "gaussian_noise": _same,
    "gaussian_dropout": _same,
    "relu": lambda n, x: f"jax.nn.relu({x})",
    "leaky_relu": lambda n, x: f"jax.nn.leaky_relu({x}, {parameter(n, 'alpha')})",
    "threshold": lambda n, x: f"jnp.where({x} > {parameter(n, 'theta')}, {x}, 0.0)",
    "at_most": lambda n, x: f"jnp.minimum({x}, {parameter(n, 'bound')})",
    "affine": lambda n, x: f"{parameter(n, 'scale')} * {x} + {parameter(n, 'shift')}",
    "elu": lambda n, x: f"jax.nn.elu({x}, {parameter(n, 'alpha')})",
    "selu": lambda n, x: f"jax.nn.selu({x})",
    "softplus": lambda n, x: f"jax.nn.softplus({x})",
    "softsign": lambda n, x: f"jax.nn.soft_sign({x})",
    "tanh": lambda n, x: f"jnp.tanh({x})",
    "sigmoid": lambda n, x: f"jax.nn.sigmoid({x})",
    "exponential": lambda n, x: f"jnp.exp({x})",
    "hard_sigmoid": lambda n, x: f"jnp.clip(0.2 * {x} + 0.5, 0.0, 1.0)",
    "swish": lambda n, x: f"jax.nn.silu({x})",
    "gelu": lambda n, x: f"jax.nn.gelu({x}, approximate=False)",
    "mish": lambda n, x: f"jax.nn.mish({x})",
}
