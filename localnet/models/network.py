"""What a model is made of: layers, other models among them, and how they are wired."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import config
from .._typing import Array, ArrayLike, Config
from ..layers import Handle, Layer
from ..layers._base.handles import Node
from ..layers._base.shapes import BatchShape
from ..layers._base.weights import as_weights
from .program import Program

__all__ = ["Network", "parts_of"]


class Network:
    """
    Base of a chain and of a graph.

    Parameters
    ----------
    name : str
        Of the model, for errors.

    Attributes
    ----------
    layers : list
        What the model is made of, in order: layers and models.
    stack : list
        The same with an InputLayer, if there is one.
    inputs, outputs : tuple of Handle
        Where arrays come in and go out; empty as long as shapes are missing.
    """

    layers: list[Any]
    stack: list[Any]
    inputs: tuple[Handle, ...]
    outputs: tuple[Handle, ...]

    def __init__(self, name: str) -> None:
        self.name = name

    # What differs ----------------------------------------------------------------

    @property
    def program(self) -> Program:
        """The calls of the layers, in order."""
        raise NotImplementedError

    @property
    def nodes(self) -> Sequence[Node]:
        """The calls on handles, each after those that it hangs on."""
        raise NotImplementedError

    @property
    def built(self) -> bool:
        """Whether every layer has its weights."""
        raise NotImplementedError

    @property
    def input_shape(self) -> Any:
        """Shape of the input, batch axis first; a list if there are several."""
        raise NotImplementedError

    @property
    def output_shape(self) -> Any:
        """Shape of the output, batch axis first; a list if there are several."""
        raise NotImplementedError

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        raise NotImplementedError

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs."""
        raise NotImplementedError

    @property
    def data_names(self) -> list[str]:
        """Under which names data in a dict belong to the inputs."""
        return self.input_names

    def build(self, input_shape: Any = None) -> None:
        """Create the weights that are missing, or refuse a shape that does not fit."""
        raise NotImplementedError

    def build_for(self, xs: Sequence[Array]) -> None:
        """Build for inputs of these shapes."""
        raise NotImplementedError

    def known_input_shapes(self, input_shape: Any) -> list[BatchShape]:
        """Return the shapes for which costs are worked out."""
        raise NotImplementedError

    def get_config(self) -> Config:
        """Return layers and wiring as Keras writes them."""
        raise NotImplementedError

    def connections(self) -> list[list[str]] | None:
        """Return what each layer is called on, for the summary; None for a chain."""
        return None

    def wiring(self) -> Config:
        """Return how the layers are wired, without names; ready for JSON."""
        return {}

    def conformed(self, shapes: Sequence[BatchShape]) -> Sequence[BatchShape]:
        """Return shapes of the inputs as the layers take them, or refuse them."""
        return shapes

    # What does not ---------------------------------------------------------------

    @property
    def leaves(self) -> dict[str, Layer]:
        """Every layer once, also those in models within, by its path."""
        return self.program.layers

    @property
    def dtype(self) -> np.dtype:
        """Float type of what goes out."""
        for layer in reversed(self.leaves.values()):
            return layer.dtype
        return config.float_dtype(None)

    def parts(self) -> list[Any]:
        """Return all that a call may change, so that a failed one can be undone."""
        return [self, *(inner for part in self.stack for inner in parts_of(part))]

    def traced(self, shapes: Sequence[BatchShape]) -> list[tuple[BatchShape, np.dtype]]:
        """Return shape and dtype of every output, or refuse what comes in."""
        program = self.program
        shapes = self.conformed(shapes)
        if len(shapes) != program.inputs:
            raise ValueError(
                f"{self.name}: inputs must be {program.inputs} handles, "
                f"got {len(shapes)}"
            )
        found = program.shapes(shapes)
        dtypes = [handle.dtype for handle in self.inputs] or [self.dtype]
        dtypes += [step.layer.dtype for step in program.steps]
        return [(found[place], dtypes[place]) for place in program.outputs]

    def get_weights(self) -> list[Array]:
        """Return copies of all weights."""
        return [
            value for layer in self.leaves.values() for value in layer.get_weights()
        ]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Replace the values of all weights, or none."""
        former = self.get_weights()
        weights = as_weights(weights)
        if len(weights) != len(former):
            raise ValueError(
                f"weights must be a list of {len(former)} arrays, got {len(weights)}"
            )
        try:
            self._load(weights)
        except BaseException:
            self._load(former)
            raise

    def _load(self, weights: Sequence[ArrayLike]) -> None:
        start = 0
        for layer in self.leaves.values():
            stop = start + len(layer.params)
            layer.set_weights(weights[start:stop])
            start = stop


def parts_of(part: Any) -> list[Any]:
    """
    Return a layer, or a model with everything in it.

    Parameters
    ----------
    part : Layer or Model
        The layer or model.

    Returns
    -------
    list
        Models before what they are made of.
    """
    return list(part.with_inner()) if isinstance(part, Layer) else part.parts()
