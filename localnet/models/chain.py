"""Layers one after the other, the wiring of a `Sequential`."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from .._typing import Array, Config
from ..layers import Handle, InputLayer, Layer
from ..layers._base.handles import Node
from ..layers._base.layer import unchanged_on_error
from ..layers._base.seeds import child_seed
from ..layers._base.shapes import BatchShape, checked_shape
from ..layers._nesting import serialize
from ..training.network import Network, parts_of
from .calls import check_names
from .program import Program, conformed, fitting

__all__ = ["Chain"]


class Chain(Network):
    """
    Layers that each take the output of the one before.

    Parameters
    ----------
    name : str
        Of the model.
    seed : numpy.random.SeedSequence
        Of the layers, in their order.
    """

    def __init__(self, name: str, seed: np.random.SeedSequence) -> None:
        super().__init__(name)
        self.seed = seed
        # What stands in the stack, so that adding to it need not walk through it.
        self._names: dict[str, Any] = {}
        self._parts: set[Any] = set()
        self._models: list[Any] = []
        self._is_repeating = False
        self._set([], ())
        self._program = Program.of_chain([])
        self._in_program: list[Any] = []

    def __getstate__(self) -> dict[str, Any]:
        """Copy with notes of its own, as a copy may grow otherwise."""
        own = {"_names": {**self._names}, "_parts": {*self._parts}}
        return {**vars(self), **own, "_models": [*self._models]}

    def _set(self, stack: list[Any], handles: tuple[Handle, ...]) -> None:
        """Take layers, and the handles of the input and of what each of them gives."""
        self.stack, self._is_new = stack, True
        first = bool(stack) and isinstance(stack[0], InputLayer)  # and nowhere else
        self._may_grow = not all(isinstance(layer, Layer) for layer in stack)
        # What is called in turn; a layer that stands there twice is listed once.
        self.called = self.layers = stack[first:]
        if self._is_repeating:
            self.layers = list({id(layer): layer for layer in self.called}.values())
        linked = len(handles) == len(self.called) + 1
        self.handles, self.inputs = handles, handles[:1]
        self.outputs = handles[-1:] if linked else ()

    @property
    def program(self) -> Program:
        """The calls of the layers, in order."""
        if self._is_new or self._may_grow:
            # A model in the stack may have grown since.
            now = [x if isinstance(x, Layer) else x.program for x in self.called]
            if now != self._in_program:
                self._program, self._in_program = Program.of_chain(self.called), now
            self._program.input_shapes = [each.shape for each in self.inputs] or None
            self._is_new = False
        return self._program

    @property
    def nodes(self) -> Sequence[Node]:
        """The calls on handles."""
        return [handle.node for handle in self.handles]

    @property
    def built(self) -> bool:
        """Whether there is a layer, and every one has its weights."""
        leaves = self.leaves.values()
        return bool(leaves) and all(layer.built for layer in leaves)

    @property
    def input_shape(self) -> BatchShape | None:
        """Shape of the input, batch axis first; None if it is not known yet."""
        if not self.stack:
            return None
        first = self.stack[0]
        return _alone(first.input_shape or first.batch_input_shape)

    @property
    def told_shape(self) -> BatchShape | None:
        """Shape of the input that the first layer was given, which data must have."""
        if not self.stack:
            return None
        first = self.stack[0]
        if isinstance(first, Layer):
            return first.batch_input_shape
        told: BatchShape | None = first._network.told_shape
        return told

    @property
    def output_shape(self) -> BatchShape | None:
        """Shape of the output, batch axis first; None if it is not known yet."""
        return _alone(self.stack[-1].output_shape) if self.stack else None

    @property
    def input_names(self) -> list[str]:
        """The name of the input."""
        first = self.stack[0].name if self.stack else self.name
        is_input = bool(self.stack) and isinstance(self.stack[0], InputLayer)
        return [first if is_input else f"{first}_input"]

    @property
    def output_names(self) -> list[str]:
        """The name of the output, that of the last layer."""
        return [self.stack[-1].name if self.stack else self.name]

    # Growing ---------------------------------------------------------------------

    def add(self, layer: Any) -> None:
        """Put a layer on top, and build it if the shape of its input is known."""
        # An InputLayer draws nothing and must not shift the seeds of the others.
        again = self.has(layer)
        self._is_repeating |= again
        if isinstance(layer, Layer) and not (again or isinstance(layer, InputLayer)):
            layer.set_seed(child_seed(self.seed, len(self.layers)))
        below = self.output_shape if self.stack else layer.batch_input_shape
        self._set([*self.stack, layer], self.handles)
        if below is not None:
            _fit_to(layer, below)
            self._link(below)
        self._note(layer)

    def has_name(self, name: str) -> bool:
        """Return whether a layer in the stack is called so."""
        return name in self._names and self._names[name].name == name

    def has(self, layer: Any) -> bool:
        """Return whether a layer or model stands in the stack itself."""
        # Names first, so that this need not walk through the stack.
        return layer.name in self._names and any(layer is x for x in self.called)

    def holds(self, parts: Sequence[Any]) -> bool:
        """Return whether one of some parts stands in the stack, or in a model in it."""
        inner = {id(x) for model in self._models for x in parts_of(model)}
        return any(part in self._parts or id(part) in inner for part in parts)

    def _note(self, layer: Any) -> None:
        self._names[layer.name] = layer
        if isinstance(layer, Layer):
            self._parts.update(parts_of(layer))
        else:  # it may grow
            self._models.append(layer)

    def pop(self) -> None:
        """Take the top layer away."""
        (*stack, layer), handles = self.stack, self.handles
        if len(handles) == len(self.called) + 1:
            *kept, last = handles
            layer._nodes = tuple(node for node in layer._nodes if node is not last.node)
            handles = tuple(kept) if stack else ()
        self._is_repeating = len({id(other) for other in stack}) < len(stack)
        self._set(stack, handles)
        self._names, self._parts, self._models = {}, set(), []
        for other in stack:
            self._note(other)

    def build(self, input_shape: Any = None) -> None:
        """Create the weights that are missing, or refuse a shape that does not fit."""
        if not self.layers:
            raise ValueError(f"{self.name}: build needs a layer, the model has none")
        shape = self.input_shape if input_shape is None else input_shape
        if shape is None:
            raise ValueError(
                f"{self.name}: input_shape must be given to build or to the first layer"
            )
        # What is built already is only compared, in every step of a training.
        with nullcontext() if self.built else unchanged_on_error(*self.parts()):
            below = shape
            for layer in self.stack:
                _fit_to(layer, below)
                below = layer.compute_output_shape(tuple(below))
            self._link(checked_shape(shape, None))

    def build_for(self, xs: Sequence[Array]) -> None:
        """Build for inputs of these shapes."""
        (shape,) = self.conformed([x.shape for x in xs[:1]])
        self.build((None, *shape[1:]))

    def conformed(self, shapes: Sequence[BatchShape]) -> Sequence[BatchShape]:
        """Return the shape of the input as the layers take it, or refuse it."""
        if len(shapes) != len(self.inputs):
            return shapes
        told = self.told_shape
        if told is not None:
            return [fitting(shapes[0], told, self.name, self.input_names[0])]
        return [conformed(shapes[0], self.inputs[0].shape)]

    def known_input_shapes(self, input_shape: Any) -> list[BatchShape]:
        """Return the shape for which costs are worked out."""
        shape = self.input_shape if input_shape is None else input_shape
        return [checked_shape(shape, None)]

    def _link(self, input_shape: BatchShape) -> None:
        """Give every layer its handle, as in a functional model."""
        handles = self.handles
        if not handles:
            first = self.stack[0]
            if not isinstance(first, InputLayer):
                first = self._input_layer(input_shape)
            handles = (first.output,)
        for layer in self.called[len(handles) - 1 :]:
            handles = (*handles, layer.connect(handles[-1]))
        self._set(self.stack, handles)

    def _input_layer(self, input_shape: BatchShape) -> InputLayer:
        first = self.stack[0]
        return InputLayer(
            batch_input_shape=input_shape, dtype=first.dtype, name=f"{first.name}_input"
        )

    def get_config(self) -> Config:
        """Return the name and the layers as Keras writes them, each of them once."""
        if len(self.called) > len(self.layers):
            raise ValueError(
                f"{self.name}: a config must name every layer once, and one stands in "
                "this model twice: take Model(model.input, model.output), whose config "
                "holds both calls"
            )
        check_names(self.stack)
        entries = [serialize(layer) for layer in self.stack]
        shape = self.input_shape
        if shape is not None and not isinstance(self.stack[0], InputLayer):
            entries.insert(0, serialize(self._input_layer(shape)))
        return {"name": self.name, "layers": entries}


def _alone(shape: Any) -> BatchShape | None:
    """Return the shape that an InputLayer has in a list, or any other as it is."""
    found: BatchShape | None = shape[0] if isinstance(shape, list) else shape
    return found


def _fit_to(layer: Any, input_shape: Any) -> None:
    if layer.built:
        layer.check_fits(input_shape)
    else:
        layer.build(input_shape)
