"""A graph as an ONNX model: plain operators of the default domain, opset 13 and on."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import __version__
from .._typing import Array
from .graph import BATCH, Graph, Node

__all__ = ["LAYOUTS", "OPSETS", "build_onnx"]

# How the batch lies while fields are gathered: innermost is fastest for batches, and
# one slice for each tap of a window for single samples.
LAYOUTS = ("batch", "single")
OPSETS = (13, 25)
# A file of protocol buffers has no room for more.
MAX_BYTES = 2**31 - 2**20

BINARY = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "Div",
    "maximum": "Max",
    "minimum": "Min",
}
UNARY = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "exponential": "Exp",
    "softplus": "Softplus",
    "softsign": "Softsign",
}
NOISES = ("dropout", "gaussian_dropout", "gaussian_noise")
# Keras's, with the digits of a double; the defaults of ONNX are rounded to float32.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def build_onnx(graph: Graph, *, layout: str, opset: int) -> Any:
    """
    Return a graph as an ONNX model.

    Parameters
    ----------
    graph : Graph
        Of a model.
    layout : {"batch", "single"}
        What it is to be fast for.
    opset : int
        Version of the operators.

    Returns
    -------
    onnx.ModelProto
        Checked by onnx; its bytes depend on the graph and the versions alone.

    Raises
    ------
    ImportError
        If onnx is not installed.
    ValueError
        If the weights are too many for a file of ONNX.
    """
    try:
        import onnx
    except ImportError:
        raise ImportError(
            "onnx must be installed to make an ONNX model, with --no-verify too: "
            'pip install onnx, or pip install ".[onnx]" from a checkout'
        ) from None
    return _Writer(graph, onnx, layout, opset).model()


class _Writer:
    """Nodes and initializers in the making; a value is its name."""

    def __init__(self, graph: Graph, onnx: Any, layout: str, opset: int) -> None:
        self.graph, self.onnx = graph, onnx
        self.layout, self.opset = layout, opset
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.arrays: dict[str, Array] = {}
        self.names: list[str] = []
        self._known: dict[Any, str] = {}

    # Building -------------------------------------------------------------------------

    def model(self) -> Any:
        helper = self.onnx.helper
        graph = self.graph
        kind = helper.np_dtype_to_tensor_dtype(graph.dtype)
        for number, node in enumerate(graph.nodes):
            self.layer = node.layer
            self.names.append(self._name_of(number, node))
        outputs = []
        for place, value in enumerate(graph.outputs):
            name = _numbered("y", place, len(graph.outputs))
            self._named("Identity", name, self.names[value.number])
            outputs.append(helper.make_tensor_value_info(name, kind, _open(value)))
        inputs = [
            helper.make_tensor_value_info(self.names[v.number], kind, _open(v))
            for v in graph.inputs
        ]
        used = {name for node in self.nodes for name in node.input}
        if sum(a.nbytes for n, a in self.arrays.items() if n in used) > MAX_BYTES:
            raise ValueError("model must have less than 2 GiB of weights for ONNX")
        self.initializers = [
            self.onnx.numpy_helper.from_array(array, name)
            for name, array in self.arrays.items()
            if name in used
        ]
        operators = [helper.make_opsetid("", self.opset)]
        model = helper.make_model(
            helper.make_graph(
                self.nodes, "localnet", inputs, outputs, self.initializers
            ),
            opset_imports=operators,
            ir_version=max(8, helper.find_min_ir_version_for(operators)),
            producer_name="localnet",
            producer_version=__version__,
        )
        self.onnx.checker.check_model(model, full_check=True)
        return model

    def _named(self, kind: str, name: str, *inputs: str, **attributes: Any) -> str:
        node = self.onnx.helper.make_node(
            kind, list(inputs), [name], name=name, **attributes
        )
        self.nodes.append(node)
        return name

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with a name of its own."""
        name = f"{self.layer}/{kind}_{len(self.nodes)}"
        return self._named(kind, name, *inputs, **attributes)

    def const(self, array: Array, name: str) -> str:
        self.arrays[name] = np.ascontiguousarray(array)
        return name

    def ints(self, *values: int) -> str:
        name = "ints/" + "_".join(map(str, values))
        return self.const(np.array(values, np.int64), name)

    def scalar(self, value: float) -> str:
        return self.const(np.array(value, self.graph.dtype), f"number/{value!r}")

    def reshape(self, x: str, sizes: Sequence[int | None]) -> str:
        shape = [-1 if n is BATCH else n for n in sizes]
        if x in self.arrays:
            return self.const(self.arrays[x].reshape(shape), f"{x}:{_joined(shape)}")
        return self.op("Reshape", x, self.ints(*shape))

    def transpose(self, x: str, order: Sequence[int]) -> str:
        if list(order) == list(range(len(order))):
            return x
        if x in self.arrays:
            name = f"{x}:by_{_joined(order)}"
            return self.const(self.arrays[x].transpose(order), name)
        return self.op("Transpose", x, perm=list(order))

    def pad(self, x: str, before: Sequence[int], after: Sequence[int], v: float) -> str:
        return self.op("Pad", x, self.ints(*before, *after), self.scalar(v))

    # One method for each kind of node -------------------------------------------------

    def _name_of(self, number: int, node: Node) -> str:
        graph = self.graph
        if node.op == "input":
            return _numbered("x", node.attributes["place"], len(graph.inputs))
        if node.op == "weight":
            weight = graph.weights[number]
            return self.const(weight.array, weight.name)
        names = [self.names[place] for place in node.inputs]
        if node.op in BINARY:
            return self.op(BINARY[node.op], *names)
        if node.op in UNARY:
            return self.op(UNARY[node.op], *names)
        if node.op in NOISES:
            return names[0]
        build: Callable[..., str] = getattr(self, f"_{node.op}")
        return build(node, *names)

    def _reshape(self, node: Node, x: str) -> str:
        return self.reshape(x, node.shape)

    def _transpose(self, node: Node, x: str) -> str:
        return self.transpose(x, node.attributes["order"])

    def _cells(self, table: str, size: int) -> str:
        """Return a table whose -1 is the index of what is put behind `size` cells."""
        cells = self.arrays[table]
        if (cells >= 0).all():
            return table
        return self.const(np.where(cells < 0, size, cells), f"{table}:of_{size}")

    def _flat(self, node: Node, x: str) -> tuple[str, int]:
        shape = self.graph.nodes[node.inputs[0]].shape
        size = math.prod(n for n in shape[1:] if n is not None)
        return self.reshape(x, (BATCH, size)), size

    def _gather(self, node: Node, x: str, table: str) -> str:
        x, size = self._flat(node, x)
        if node.attributes["padded"]:
            x = self.pad(x, (0, 0), (0, 1), node.attributes["fill"])
        return self.op("Gather", x, self._cells(table, size), axis=1)

    def _take(self, node: Node, x: str, table: str) -> str:
        return self.op("Gather", x, table, axis=0)

    def _concatenate(self, node: Node, *xs: str) -> str:
        return self.op("Concat", *xs, axis=node.attributes["axis"])

    def _local(self, node: Node, x: str, kernel: str, table: str = "") -> str:
        if table and self.layout == "batch":
            x, size = self._flat(node, x)
            rows = self.transpose(x, (1, 0))
            if node.attributes["padded"]:
                rows = self.pad(rows, (0, 0), (1, 0), 0.0)
            fields = self.op("Gather", rows, self._cells(table, size), axis=0)
            y = self.op("MatMul", self.transpose(kernel, (0, 2, 1)), fields)
            return self.transpose(y, (2, 0, 1))
        if table:
            x = self._sliced(x, node.attributes["windows"])
        fields = self.transpose(x, (1, 0, 2))
        return self.transpose(self.op("MatMul", fields, kernel), (1, 0, 2))

    def _sliced(self, x: str, g: Any) -> str:
        """Return the fields (N, L, K) by one slice for each tap of the windows."""
        first = 1 if g.channels_last else 2
        axes = range(first, first + g.rank)
        if g.has_pads:
            before, after = [0] * (g.rank + 2), [0] * (g.rank + 2)
            for axis, pair in zip(axes, g.pads, strict=True):
                before[axis], after[axis] = pair
            x = self.pad(x, before, after, 0.0)
        parts = []
        for tap in np.ndindex(*g.kernel_size):
            starts = [t * d for t, d in zip(tap, g.dilation_rate, strict=True)]
            ends = [
                start + (o - 1) * s + 1
                for start, o, s in zip(starts, g.output_sizes, g.strides, strict=True)
            ]
            limits = (self.ints(*starts), self.ints(*ends), self.ints(*axes))
            part = self.op("Slice", x, *limits, self.ints(*g.strides))
            if not g.channels_last:  # (N, C, *O) to (N, C, 1, *O)
                part = self.op("Unsqueeze", part, self.ints(2))
            parts.append(part)
        fields = self.op("Concat", *parts, axis=g.rank + 1 if g.channels_last else 2)
        if not g.channels_last:  # (N, C, R, *O) to (N, *O, C, R)
            fields = self.transpose(fields, (0, *range(3, g.rank + 3), 1, 2))
        return self.reshape(fields, (BATCH, g.locations, g.patch_size))

    def _matmul(self, node: Node, x: str, y: str) -> str:
        return self.op("MatMul", x, y)

    def _conv(self, node: Node, x: str, kernel: str) -> str:
        a = node.attributes
        pads = [before for before, _ in a["pads"]] + [after for _, after in a["pads"]]
        return self.op(
            "Conv",
            x,
            kernel,
            strides=list(a["strides"]),
            pads=pads,
            dilations=list(a["dilation"]),
            group=a["groups"],
        )

    def _reduced(self, kind: str, node: Node, x: str, since: int) -> str:
        """Add a reduction, whose axes are an input since some opset."""
        axes, keep = node.attributes["axes"], int(node.attributes["keepdims"])
        if self.opset >= since:
            return self.op(kind, x, self.ints(*axes), keepdims=keep)
        return self.op(kind, x, axes=list(axes), keepdims=keep)

    def _sum(self, node: Node, x: str) -> str:
        return self._reduced("ReduceSum", node, x, 13)

    def _mean(self, node: Node, x: str) -> str:
        return self._reduced("ReduceMean", node, x, 18)

    def _max(self, node: Node, x: str) -> str:
        return self._reduced("ReduceMax", node, x, 18)

    def _softmax(self, node: Node, x: str) -> str:
        return self.op("Softmax", x, axis=node.attributes["axis"])

    def _log_softmax(self, node: Node, x: str) -> str:
        return self.op("LogSoftmax", x, axis=node.attributes["axis"])

    def _normalise(self, node: Node, x: str, mean: str, variance: str) -> str:
        epsilon = self.scalar(node.attributes["epsilon"])
        deviation = self.op("Sqrt", self.op("Add", variance, epsilon))
        return self.op("Div", self.op("Sub", x, mean), deviation)

    def _leaky_relu(self, node: Node, x: str) -> str:
        below = self.op("Min", x, self.scalar(0.0))
        below = self.op("Mul", below, self.scalar(node.attributes["alpha"]))
        return self.op("Add", self.op("Relu", x), below)

    def _threshold(self, node: Node, x: str) -> str:
        theta = self.scalar(node.attributes["theta"])
        above = self.op("Greater", x, theta)
        return self.op("Where", above, x, self.scalar(0.0))

    def _at_most(self, node: Node, x: str) -> str:
        return self.op("Min", x, self.scalar(node.attributes["bound"]))

    def _affine(self, node: Node, x: str) -> str:
        scale, shift = node.attributes["scale"], node.attributes["shift"]
        if scale != 1.0:
            x = self.op("Mul", x, self.scalar(scale))
        return self.op("Add", x, self.scalar(shift)) if shift else x

    def _bent(self, x: str, alpha: float) -> str:
        """Add ``x if x > 0 else alpha*(exp(x) - 1)``."""
        below = self.op("Exp", self.op("Min", x, self.scalar(0.0)))
        below = self.op(
            "Mul", self.op("Sub", below, self.scalar(1.0)), self.scalar(alpha)
        )
        return self.op("Add", self.op("Relu", x), below)

    def _elu(self, node: Node, x: str) -> str:
        return self._bent(x, node.attributes["alpha"])

    def _selu(self, node: Node, x: str) -> str:
        return self.op("Mul", self._bent(x, SELU_ALPHA), self.scalar(SELU_SCALE))

    def _hard_sigmoid(self, node: Node, x: str) -> str:
        line = self.op("Mul", x, self.scalar(0.2))
        line = self.op("Add", line, self.scalar(0.5))
        return self.op("Clip", line, self.scalar(0.0), self.scalar(1.0))

    def _swish(self, node: Node, x: str) -> str:
        return self.op("Mul", x, self.op("Sigmoid", x))

    def _gelu(self, node: Node, x: str) -> str:
        error = self.op("Erf", self.op("Mul", x, self.scalar(math.sqrt(0.5))))
        gate = self.op("Add", error, self.scalar(1.0))
        return self.op("Mul", x, self.op("Mul", gate, self.scalar(0.5)))

    def _mish(self, node: Node, x: str) -> str:
        return self.op("Mul", x, self.op("Tanh", self.op("Softplus", x)))


def _numbered(letter: str, place: int, count: int) -> str:
    return letter if count == 1 else f"{letter}{place}"


def _joined(numbers: Sequence[int]) -> str:
    return "x".join(map(str, numbers))


def _open(value: Any) -> list[Any]:
    """Return a shape for ONNX, the batch by its name."""
    return ["batch" if n is BATCH else n for n in value.shape]
