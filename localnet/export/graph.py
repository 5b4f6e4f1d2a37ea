"""
A model as a small neutral graph: what every target can say, and nothing else.

A value is made by a node; all arrays that flow have the batch on their first axis, and
weights have none. About thirty operations are enough, since windows, pads, formats and
patch orders are tables of indices: see `tables`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._typing import Array, Shape

__all__ = ["BATCH", "Graph", "Node", "Value", "Weight"]

# The size of the batch axis in shapes, which a target leaves open.
BATCH = None

Sizes = tuple[int | None, ...]


class Weight(NamedTuple):
    """
    An array that a target keeps beside its code.

    Attributes
    ----------
    name : str
        Path of the layer, a slash, and the name of the weight in it.
    array : ndarray
        Floats, or for a table int32.
    trainable : bool
        Whether a target may learn it.
    """

    name: str
    array: Array
    trainable: bool


class Node(NamedTuple):
    """
    One operation.

    Attributes
    ----------
    op : str
        Its name, which is that of the method of `Graph` that makes it.
    inputs : tuple of int
        Numbers of the nodes whose values it takes.
    attributes : dict
        The rest of what it needs.
    shape : tuple of int or None
        Of its value; None is the batch.
    layer : str
        Path of the layer that it is a part of.
    """

    op: str
    inputs: tuple[int, ...]
    attributes: dict[str, Any]
    shape: Sizes
    layer: str


class Value(NamedTuple):
    """What a node gives: its number and its shape."""

    number: int
    shape: Sizes


class Graph:
    """
    Nodes in an order in which they can be computed.

    Parameters
    ----------
    dtype : dtype
        Float type of everything that flows.

    Attributes
    ----------
    nodes : list of Node
        Each after those that it takes values of.
    inputs, outputs : list of Value
        What goes in and comes out.
    weights : dict of int to Weight
        By the number of the node that gives it.
    layer : str
        Path of the layer that nodes which are added are a part of.
    kinds : dict of str to str
        Class name of the layer at each path.
    """

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self.nodes: list[Node] = []
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.weights: dict[int, Weight] = {}
        self.layer = ""
        self.kinds: dict[str, str] = {}
        self._known: dict[Any, Value] = {}

    def _add(self, op: str, takes: Sequence[Value], shape: Sizes, **more: Any) -> Value:
        numbers = tuple(value.number for value in takes)
        self.nodes.append(Node(op, numbers, more, shape, self.layer))
        return Value(len(self.nodes) - 1, shape)

    # What there is before anything is computed --------------------------------------

    def input(self, shape: Shape) -> Value:
        """Add an input whose samples have this shape."""
        value = self._add("input", (), (BATCH, *shape), place=len(self.inputs))
        self.inputs.append(value)
        return value

    def weight(self, name: str, array: Array, trainable: bool = False) -> Value:
        """Add an array, once for each name."""
        if name not in self._known:
            kept = np.array(array, self.dtype, order="C")
            self._known[name] = self._keep(Weight(name, kept, trainable))
        return self._known[name]

    def table(self, indices: Array) -> Value:
        """Add a table of indices, once for each content."""
        kept = np.ascontiguousarray(indices, np.int32)
        key = (kept.shape, kept.tobytes())
        if key not in self._known:
            names = {weight.name for weight in self.weights.values()}
            name, count = f"{self.layer}/table", 1
            while name in names:
                count += 1
                name = f"{self.layer}/table_{count}"
            self._known[key] = self._keep(Weight(name, kept, False))
        return self._known[key]

    def _keep(self, weight: Weight) -> Value:
        value = self._add("weight", (), weight.array.shape)
        self.weights[value.number] = weight
        return value

    # Arrangement ----------------------------------------------------------------------

    def reshape(self, x: Value, shape: Sizes) -> Value:
        """Give a value another shape; where it has a batch, so has the new shape."""
        return x if shape == x.shape else self._add("reshape", [x], shape)

    def transpose(self, x: Value, order: Sequence[int]) -> Value:
        """Put the axes into another order."""
        shape = tuple(x.shape[axis] for axis in order)
        if list(order) == list(range(len(order))):
            return x
        return self._add("transpose", [x], shape, order=tuple(order))

    def gather(self, x: Value, indices: Array, fill: float = 0.0) -> Value:
        """Take cells of each sample by their flat indices; -1 takes `fill`."""
        table = self.table(indices)
        padded = bool((indices < 0).any())
        shape = (BATCH, *indices.shape)
        return self._add("gather", [x, table], shape, fill=fill, padded=padded)

    def take(self, weight: Value, indices: Array) -> Value:
        """Take rows of a weight."""
        shape = (*indices.shape, *weight.shape[1:])
        return self._add("take", [weight, self.table(indices)], shape)

    def concatenate(self, xs: Sequence[Value], axis: int) -> Value:
        """Put values end to end along an axis."""
        shape = list(xs[0].shape)
        shape[axis] = sum(x.shape[axis] or 0 for x in xs)
        return self._add("concatenate", xs, tuple(shape), axis=axis)

    # Products -------------------------------------------------------------------------

    def local(
        self, x: Value, kernel: Value, indices: Array | None, windows: Any = None
    ) -> Value:
        """
        Multiply the cells of each location by its kernel: (N, L, F).

        Without `indices` x has the shape (N, L, K) already. `windows` is the geometry
        that the table was made of, for targets that have a use for it.
        """
        locations, _, filters = kernel.shape
        takes = [x, kernel]
        padded = False
        if indices is not None:
            takes.append(self.table(indices))
            padded = bool((indices < 0).any())
        shape = (BATCH, locations, filters)
        return self._add("local", takes, shape, padded=padded, windows=windows)

    def matmul(self, x: Value, y: Value) -> Value:
        """Multiply matrices; one of them may have leading axes."""
        shape = (*x.shape[:-1], *y.shape[-1:])
        if len(y.shape) > 2:
            shape = (*y.shape[:-2], x.shape[-2], y.shape[-1])
        return self._add("matmul", [x, y], shape)

    def conv(self, x: Value, kernel: Value, geometry: Any, groups: int) -> Value:
        """Convolve x (N, C, *S) with a kernel (F, C/groups, *R)."""
        shape = (BATCH, kernel.shape[0], *geometry.output_sizes)
        return self._add(
            "conv",
            [x, kernel],
            shape,
            strides=geometry.strides,
            pads=geometry.pads,
            dilation=geometry.dilation_rate,
            groups=groups,
        )

    # Value by value -------------------------------------------------------------------

    def binary(self, op: str, x: Value, y: Value) -> Value:
        """Add, subtract, multiply, divide, maximum or minimum, as NumPy broadcasts."""
        pairs = [[1 if n is None else n for n in value.shape] for value in (x, y)]
        shape: Sizes = np.broadcast_shapes(*map(tuple, pairs))
        if BATCH in (*x.shape[:1], *y.shape[:1]):
            shape = (BATCH, *shape[1:])
        return self._add(op, [x, y], shape)

    def unary(self, op: str, x: Value, **parameters: float) -> Value:
        """Apply a function of one number, such as ``relu`` or ``exponential``."""
        return self._add(op, [x], x.shape, **parameters)

    def softmax(self, op: str, x: Value, axis: int) -> Value:
        """Take the softmax, or ``log_softmax``, along an axis."""
        return self._add(op, [x], x.shape, axis=axis % len(x.shape))

    def reduce(
        self, op: str, x: Value, axes: Sequence[int], *, keepdims: bool = False
    ) -> Value:
        """Take the sum, the mean or the max over axes."""
        each = sorted(axis % len(x.shape) for axis in axes)
        sizes = [1 if axis in each else n for axis, n in enumerate(x.shape)]
        kept = [n for axis, n in enumerate(sizes) if keepdims or axis not in each]
        return self._add(op, [x], tuple(kept), axes=tuple(each), keepdims=keepdims)

    # While training -------------------------------------------------------------------

    def noise(self, op: str, x: Value, **parameters: Any) -> Value:
        """Disturb what passes while training, in a target that knows the word."""
        return self._add(op, [x], x.shape, **parameters)

    def normalise(
        self, x: Value, mean: Value, variance: Value, **parameters: Any
    ) -> Value:
        """Give mean 0 and variance 1, by the batch where a target is training."""
        return self._add("normalise", [x, mean, variance], x.shape, **parameters)
