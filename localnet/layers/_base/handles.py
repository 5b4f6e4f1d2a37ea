"""
Handles: what stands for the output of a layer before there are any values.

A handle knows its shape and the call that makes it. Calls, linked by their handles, are
a graph; a model walks it forwards and backwards. Nothing is recorded while it runs.
"""

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from ..._keras.absent import absent
from ..._validate import flag, shown
from . import variables as listed
from .shapes import BatchShape

__all__ = [
    "MEANINGS",
    "Connectable",
    "Handle",
    "Node",
    "holds_handles",
    "restore_calls",
]


class HandleShape(tuple[int | None, ...]):
    """The shape of a handle: a tuple that TensorFlow's scripts find their way in."""

    __slots__ = ()

    def as_list(self) -> list[int | None]:
        """Return the sizes as a list."""
        return list(self)


class Handle:
    """
    The output of one call, without values.

    Parameters
    ----------
    node : Node
        The call that makes it.
    place : int
        Which of the outputs of that call it is.
    shape : tuple of int or None
        Batch axis first; None is a size that is not known.
    dtype : dtype
        Float type of the values.

    Examples
    --------
    >>> from localnet.layers import Dense, Input
    >>> x = Input((3,), name="x")
    >>> Dense(2, name="y")(x)
    <Handle 'y' (None, 2) float32>
    """

    __slots__ = ("dtype", "node", "place", "shape")

    def __init__(
        self, node: "Node", place: int, shape: BatchShape, dtype: np.dtype
    ) -> None:
        self.node = node
        self.place = place
        self.shape = HandleShape(shape)
        self.dtype = dtype

    @property
    def name(self) -> str:
        """Name of the layer that was called."""
        return self.node.layer.name

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any
    ) -> Any:
        """Leave arithmetic with NumPy's numbers to the operators, refuse the rest."""
        operation = OPERATIONS.get(ufunc)
        numbers = [x.item() if isinstance(x, np.generic) else x for x in inputs]
        has_array = any(isinstance(x, np.ndarray) for x in numbers)
        if operation is None or method != "__call__" or options or has_array:
            raise self._no_values(ufunc.__name__)
        return operation(*numbers)

    def __add__(self, other: Any) -> Any:
        return combined("add", self, other)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        return combined("multiply", self, other)

    __rmul__ = __mul__

    def __sub__(self, other: Any) -> Any:
        return combined("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return combined("add", -self, other)

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Handle):
            raise self._no_values("division by a handle")
        return self * (1 / other)

    def __neg__(self) -> Any:
        return self * -1.0

    def __getitem__(self, key: Any) -> Any:
        return combined("slice", self, key)

    def _refused(self, *others: Any) -> NoReturn:
        """Refuse an operator that is no layer here."""
        raise self._no_values("this operator")

    __pow__ = __rpow__ = __rtruediv__ = __matmul__ = __rmatmul__ = __abs__ = _refused
    __mod__ = __floordiv__ = __lt__ = __le__ = __gt__ = __ge__ = _refused

    # Without it, Python would try every number in turn.
    __iter__ = None

    def get_shape(self) -> HandleShape:
        """Return the shape, as Keras's handles do."""
        return self.shape

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to be taken for an array."""
        raise self._no_values("what takes an array")

    def _no_values(self, what: str) -> TypeError:
        """Return the error for all that needs values; it says what to do instead."""
        return TypeError(
            f"a handle has no values for {what}, got {shown(self)}: put the "
            "computation in "
            "a function of arrays, and call a layer of it, Lambda(function)(handle), "
            "with backward='differences' where layers before it learn; of a loss, "
            "losses.Differentiated(function). Values come from a Model that is called"
        )

    def __repr__(self) -> str:
        return f"<Handle {self.name!r} {self.shape} {self.dtype.name}>"


# What arithmetic becomes: the layers, which stand above, say which of them.
MEANINGS: dict[str, Any] = {}


def combined(how: str, handle: Handle, other: Any) -> Any:
    """Return what arithmetic on handles means: a merge layer, a scale or a slice."""
    if how == "slice":
        return MEANINGS[how](other)(handle)
    if isinstance(other, Handle):
        if len(handle.shape) != len(other.shape):
            raise ValueError(
                "handles must have equally many axes for arithmetic, got shapes "
                f"{handle.shape} and {other.shape}; see localnet.layers.{how}"
            )
        return MEANINGS[how]([handle, other])
    if not isinstance(other, (int, float, np.integer, np.floating)):
        return NotImplemented
    if how == "multiply":
        return MEANINGS["affine"](float(other))(handle)
    number = float(other)
    return MEANINGS["affine"](1.0, number if how == "add" else -number)(handle)


OPERATIONS: dict[Any, Any] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.true_divide: operator.truediv,
    np.negative: operator.neg,
}


class Node:
    """
    One call of a layer, or of a model, on handles.

    Parameters
    ----------
    layer : Connectable
        What was called.
    inputs : tuple of Handle
        What it was called on; empty for an input of a model.
    outputs : sequence of (shape, dtype)
        What it gives.
    training : bool or None
        As it was given with the call; None follows the model that runs it.
    """

    __slots__ = ("inputs", "layer", "outputs", "training")

    def __init__(
        self,
        layer: "Connectable",
        inputs: tuple[Handle, ...],
        outputs: Sequence[tuple[BatchShape, np.dtype]],
        training: bool | None = None,
    ) -> None:
        self.layer = layer
        self.inputs = inputs
        self.training = training
        self.outputs = tuple(
            Handle(self, place, *output) for place, output in enumerate(outputs)
        )


class Connectable:
    """
    What can be called on handles: a layer, or a model within another one.

    Attributes
    ----------
    name : str
        Its own within a model.
    """

    name: str
    # What Keras has and nothing here can have; it says why, and what to do.
    add_loss: Any = absent("add_loss")
    add_metric: Any = absent("add_metric")
    # Its calls on handles so far.
    _nodes: tuple[Node, ...] = ()

    @property
    def _name(self) -> str:
        """The name; scripts of tf.keras, whose names are read-only, set this one."""
        return self.name

    @_name.setter
    def _name(self, name: str) -> None:
        self.name = name

    # The weights as Keras lists them, and what it calls them since 2.3.
    weights = variables = property(listed.weights)
    trainable_weights = trainable_variables = property(listed.trainable_weights)
    non_trainable_weights = property(listed.non_trainable_weights)
    non_trainable_variables = non_trainable_weights

    def _variables(self) -> list[listed.Variable]:
        """Return the weights with their names, in the order of `get_weights`."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        """Copy without calls: they lead to a whole graph. A model restores them."""
        return {**vars(self), "_nodes": ()}

    def _traced(
        self, shapes: tuple[BatchShape, ...]
    ) -> Sequence[tuple[BatchShape, np.dtype]]:
        """Return shape and dtype of every output, or refuse what comes in."""
        raise NotImplementedError

    def _handles_in(self, inputs: Any) -> tuple[Handle, ...]:
        """Return what it is called on as a tuple."""
        if isinstance(inputs, Mapping):
            raise ValueError(
                f"{self.name}: inputs must be a list of handles, got a dict"
            )
        listed = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        for item in listed:
            if not isinstance(item, Handle):
                raise ValueError(
                    f"{self.name}: inputs must all be handles, got "
                    f"{type(item).__name__}; a model takes arrays at its Inputs"
                )
        return tuple(listed)

    def connect(self, inputs: Any, training: bool | None = None) -> Any:
        """
        Call it on handles, which is what ``layer(handle)`` does.

        Parameters
        ----------
        inputs : Handle or list of Handle
            What comes in.
        training : bool, optional
            Holds for this call, whatever the model does that runs it.

        Returns
        -------
        Handle or list of Handle
            What goes out; a list if there are several.

        Raises
        ------
        ValueError
            If the number of inputs or a shape does not fit, or one is not a handle.
        """
        handles = self._handles_in(inputs)
        outputs = self._traced(tuple(handle.shape for handle in handles))
        mode = None if training is None else flag("training", training)
        node = Node(self, handles, outputs, mode)
        self._nodes = (*self._nodes, node)
        return _one_or_list(node.outputs)

    @property
    def input(self) -> Any:
        """Handle that it was first called on; a list if there are several."""
        return _one_or_list(self._first_node("input").inputs)

    @property
    def output(self) -> Any:
        """Handle that its first call gave; a list if there are several."""
        return _one_or_list(self._first_node("output").outputs)

    def get_input_at(self, node_index: int) -> Any:
        """
        Return what one of several calls was made on.

        Parameters
        ----------
        node_index : int
            Number of the call, from 0.

        Returns
        -------
        Handle or list of Handle
            As `input`.

        Raises
        ------
        ValueError
            If there was no such call.
        """
        return _one_or_list(self._node_at(node_index).inputs)

    def get_output_at(self, node_index: int) -> Any:
        """
        Return what one of several calls gave.

        Parameters
        ----------
        node_index : int
            Number of the call, from 0.

        Returns
        -------
        Handle or list of Handle
            As `output`.

        Raises
        ------
        ValueError
            If there was no such call.
        """
        return _one_or_list(self._node_at(node_index).outputs)

    def get_input_shape_at(self, node_index: int) -> Any:
        """Return the shape of what one of several calls was made on."""
        return _one_or_list([h.shape for h in self._node_at(node_index).inputs])

    def get_output_shape_at(self, node_index: int) -> Any:
        """Return the shape of what one of several calls gave."""
        return _one_or_list([h.shape for h in self._node_at(node_index).outputs])

    def _node_at(self, index: int) -> Node:
        try:
            return self._nodes[operator.index(index)]
        except (IndexError, TypeError):
            raise ValueError(
                f"{self.name}: node_index must be the number of one of "
                f"{len(self._nodes)} calls on handles, got {shown(index)}"
            ) from None

    def _first_node(self, wanted: str) -> Node:
        # An AttributeError, as Keras has it, so that hasattr works.
        if not self._nodes:
            raise AttributeError(
                f"{self.name}: {wanted} needs a call on a handle, got none"
            )
        return self._nodes[0]


def restore_calls(nodes: Iterable[Node]) -> None:
    """
    Let layers that were copied with their graph know of their calls in it.

    Parameters
    ----------
    nodes : iterable of Node
        Of the graph, each after those that it hangs on.
    """
    for node in nodes:
        layer = node.layer
        if not node.inputs:
            layer._nodes = (node,)
        elif node not in layer._nodes:
            layer._nodes = (*layer._nodes, node)


def holds_handles(value: Any) -> bool:
    """
    Return whether something is a handle, or a list, tuple or dict with one in it.

    Parameters
    ----------
    value : object
        What a layer was called on.

    Returns
    -------
    bool
        False for arrays and lists of numbers.
    """
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return any(isinstance(item, Handle) for item in value)
    return isinstance(value, Handle)


def _one_or_list(handles: Sequence[Any]) -> Any:
    return list(handles) if len(handles) != 1 else handles[0]
