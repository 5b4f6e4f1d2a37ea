"""A graph as lines of Python, which PyTorch's and JAX's files have in common."""

import keyword
import re
from collections.abc import Callable, Mapping, Sequence

from .._typing import Array
from .graph import BATCH, Graph, Node

__all__ = [
    "Lines",
    "gathered",
    "order",
    "parameter",
    "said",
    "shape_text",
    "sizes",
    "tuple_text",
]


def said(text: str) -> str:
    r"""
    Return a name from a file as it may stand in a comment.

    Parameters
    ----------
    text : str
        Whatever a file has for a name.

    Returns
    -------
    str
        One line, without quotes and backslashes.

    Examples
    --------
    >>> said('a\nimport os  # "b"')
    'a_import os  _ _b_'
    """
    return re.sub(r"[^\w ./()-]", "_", text)[:80]


class Lines:
    """
    The body of a function that computes a graph.

    Parameters
    ----------
    graph : Graph
        Of a model.
    phrases : mapping of str to callable
        Returns, for an operation, the expression for a node, from the node and the
        names of its inputs.
    weight : callable
        Returns the expression of a weight, from its name in `arrays`.

    Attributes
    ----------
    arrays : dict of str to ndarray
        Every weight and table, by a name that is an identifier.
    trainable : list of str
        Names of the weights that learn.
    inputs, outputs : list of str
        Names of variables.
    body : list of str
        Lines without indentation.
    """

    def __init__(
        self,
        graph: Graph,
        phrases: Mapping[str, Callable[..., str]],
        weight: Callable[[str], str],
    ) -> None:
        self.arrays: dict[str, Array] = {}
        self.trainable: list[str] = []
        self.body: list[str] = []
        several = len(graph.inputs) > 1
        self.inputs: list[str] = []
        names: list[str] = []
        layer, count = "", 0
        for number, node in enumerate(graph.nodes):
            if node.op == "input":
                name = f"x{len(self.inputs)}" if several else "x"
                self.inputs.append(name)
                names.append(name)
                continue
            if node.op == "weight":
                kept = graph.weights[number]
                name = self._identifier(kept.name)
                self.arrays[name] = kept.array
                if kept.trainable:
                    self.trainable.append(name)
                names.append(weight(name))
                continue
            if node.layer != layer:
                layer = node.layer
                self.body.append(f"# {said(layer)}: {said(graph.kinds[layer])}")
            count += 1
            name = f"v{count}"
            expression = phrases[node.op](node, *(names[i] for i in node.inputs))
            self.body.append(f"{name} = {expression}")
            names.append(name)
        self.outputs = [names[value.number] for value in graph.outputs]

    def _identifier(self, name: str) -> str:
        """Return an identifier that no other array has."""
        word = re.sub(r"\W", "_", name, flags=re.ASCII)
        if not word.isidentifier() or keyword.iskeyword(word):
            word = f"w_{word}"
        while word in self.arrays:
            word += "_"
        return word


def sizes(node: Node) -> str:
    """Return the shape of a node's value as arguments, the batch as -1."""
    return ", ".join("-1" if n is BATCH else str(n) for n in node.shape)


def order(node: Node) -> str:
    """Return the order of axes of a transposition as arguments."""
    return ", ".join(map(str, node.attributes["order"]))


def parameter(node: Node, name: str) -> str:
    """Return a number that a node has, as an expression, infinities included."""
    text = repr(float(node.attributes[name]))
    return text if text[-1].isdigit() else f'float("{text}")'


def gathered(node: Node, x: str, table: str) -> str:
    """Return the call of ``gather`` for a node."""
    if node.attributes["padded"]:
        x = f"filled({x}, {parameter(node, 'fill')})"
    return f"gather({x}, {table})"


def shape_text(shape: Sequence[int | None]) -> str:
    """Return a shape for readers, the batch as N."""
    return "(" + ", ".join("N" if n is BATCH else str(n) for n in shape) + ")"


def tuple_text(names: Sequence[str], indent: int) -> str:
    """Return names as a tuple, one a line."""
    if not names:
        return "()"
    rows = "".join(f"{' ' * indent}    {name!r},\n" for name in names)
    return f"(\n{rows}{' ' * indent})"
