"""A model that is applied to every time step, each step like a sample of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._registry import custom_object_scope
from .._typing import Array, Config, Shape
from ..layers import Layer
from ..layers._base.several import MultiInputLayer
from ..layers._base.shapes import BatchShape, checked_shape, step_shape
from ..layers._nesting import around_models, deserialize, serialize
from ..training.network import Network
from ..training.trainer import one_or_list
from .model import Model
from .program import Program

__all__ = ["Fold", "TimeDistributed", "Unfold"]


class Fold(Layer):
    """Take the steps of all samples for samples: (N, T, ...) to (N*T, ...)."""

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return the shape of a step, with as many samples as there are steps."""
        samples, *rest = step_shape(input_shape)
        steps = input_shape[1]
        both = None if samples is None or steps is None else samples * steps
        return (both, *rest)

    def compute(self, x: Array, *, training: bool, rng: Any) -> tuple[Array, Shape]:
        """Merge the first two axes; see `Layer`."""
        return x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]), x.shape

    def gradients(self, dy: Array, cache: Shape) -> tuple[Array, dict[str, Array]]:
        """Part them again; see `Layer`."""
        return dy.reshape(cache), {}


class Unfold(MultiInputLayer):
    """Give what came of steps, (N*T, ...), the axes of their origin, (N, T, ...)."""

    input_count = 2

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        """Return the shape of a result behind the first axes of the origin."""
        (_, *rest), (samples, steps, *_) = input_shape
        return (samples, steps, *rest)

    def compute(
        self, x: tuple[Array, Array], *, training: bool, rng: np.random.Generator
    ) -> tuple[Array, Shape]:
        """Part the first axis as it is in the origin; see `Layer`."""
        result, origin = x
        return result.reshape(*origin.shape[:2], *result.shape[1:]), result.shape

    def gradients(
        self, dy: Array, cache: Shape
    ) -> tuple[tuple[Array, None], dict[str, Array]]:
        """Merge its parts again; the origin gets no gradient; see `Layer`."""
        return (dy.reshape(cache), None), {}


class EachStep(Network):
    """
    A model between two layers without weights: steps are made samples, and steps again.

    Parameters
    ----------
    name : str
        Of the whole.
    seed : numpy.random.SeedSequence
        Not needed: a model within keeps its own.
    model : Model
        What is applied.
    arguments : Layer
        It holds the arguments that all layers have.
    """

    def __init__(self, name: str, seed: Any, model: Any, arguments: Layer) -> None:
        super().__init__(name)
        self.model, self.seed = model, seed
        self.layers = self.stack = [model]
        self.inputs = self.outputs = self.nodes = ()
        self.arguments = arguments
        self.declared: list[BatchShape] = []
        if arguments.batch_input_shape is not None:
            self.declared = [arguments.batch_input_shape]
        self.fold = Fold(name="fold", dtype=arguments.dtype)
        self.unfold = Unfold(
            name="unfold",
            dtype=arguments.dtype,
            activity_regularizer=arguments.activity_regularizer,
        )
        self._inner: Program | None = None

    @property
    def program(self) -> Program:
        """The calls of the layers, in order."""
        inner = self.model.program
        if inner is not self._inner:  # a model may have grown since
            self._program = Program.of_steps(self.fold, self.model, self.unfold)
            self._inner = inner
        return self._program

    @property
    def dtype(self) -> Any:
        """Float type of what goes out."""
        return self.arguments.dtype

    @property
    def built(self) -> bool:
        """Whether every layer has its weights."""
        return all(layer.built for layer in self.leaves.values())

    @property
    def input_shape(self) -> Any:
        """Shape of the input, batch axis first; a list if there are several."""
        return one_or_list(self.declared) if self.declared else None

    @property
    def told_shape(self) -> BatchShape | None:
        """Shape of the only input that the user named, batch axis first."""
        return self.arguments.batch_input_shape

    @property
    def output_shape(self) -> Any:
        """Shape of the output, batch axis first; a list if there are several."""
        if not self.declared:
            return None
        shapes = self.program.shapes(self.declared)
        return one_or_list([shapes[place] for place in self.program.outputs])

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return list(self.model.input_names)

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs."""
        return list(self.model.output_names)

    def weights_in_order(self) -> list[tuple[Layer, str]]:
        """Return every weight once: to Keras this is a layer, and what learns first."""
        found = super().weights_in_order()
        return sorted(found, key=lambda weight: not weight[0].learns(weight[1]))

    def build(self, input_shape: Any = None) -> None:
        """Create the weights that are missing, or refuse a shape that does not fit."""
        shapes = self.known_input_shapes(input_shape)
        if not self.model.built:
            self.model.build(one_or_list([step_shape(shape) for shape in shapes]))
        self.program.build(shapes)
        self.declared = self.declared or shapes

    def build_for(self, xs: Sequence[Array]) -> None:
        """Build for inputs of these shapes."""
        self.build(one_or_list([(None, *x.shape[1:]) for x in xs]))

    def known_input_shapes(self, input_shape: Any) -> list[BatchShape]:
        """Return the shapes for which costs are worked out."""
        if input_shape is None:
            if not self.declared:
                raise ValueError(f"{self.name}: input_shape must be given to build")
            return self.declared
        several = any(isinstance(size, (list, tuple)) for size in input_shape)
        listed = input_shape if several else [input_shape]
        return [checked_shape(shape, None) for shape in listed]

    def get_config(self) -> Config:
        """Return the arguments of the layer that it is to Keras, and the model."""
        found = Layer.get_config(self.arguments)
        now = {"name": self.name, "trainable": self.trainable}
        return {**found, **now, "layer": serialize(self.model)}


class TimeDistributed(Model):
    """
    What `localnet.layers.TimeDistributed` makes of a model.

    Parameters
    ----------
    model : Model
        What is applied to every step.
    arguments : Layer
        It holds the arguments that all layers have.

    Attributes
    ----------
    layer : Model
        What is applied to every step.
    """

    class_name = "TimeDistributed"
    _network: EachStep  # type: ignore[assignment]

    def __init__(self, model: Model, arguments: Layer) -> None:
        self._start(EachStep, arguments.name, None, model, arguments)
        if arguments._initial_weights is not None:
            raise ValueError(
                f"{self.name}: weights must be given to the layers of the model"
            )
        if not arguments.trainable:
            self.trainable = False

    @property
    def layer(self) -> Any:
        """What is applied to every step."""
        return self._network.model

    @property
    def batch_input_shape(self) -> BatchShape | None:
        """Shape of the input, if it is known and there is one."""
        shapes = self._network.declared
        return shapes[0] if len(shapes) == 1 else None

    def connect(self, inputs: Any, training: bool | None = None) -> Any:
        """Note a call on handles, and the shapes of the first; see `Connectable`."""
        result = super().connect(inputs, training)
        if not self._network.declared:
            (node, *_) = self._nodes
            self._network.declared = [handle.shape for handle in node.inputs]
        return result

    @classmethod
    def from_config(cls, config: Config, custom_objects: Any = None) -> Any:
        """Make a layer around a model from what `get_config` returned; see `Model`."""
        with custom_object_scope(custom_objects or {}):
            return deserialize({"class_name": cls.class_name, "config": config})


around_models["TimeDistributed"] = TimeDistributed
