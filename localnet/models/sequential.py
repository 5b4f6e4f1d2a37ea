"""A stack of layers, each fed with the output of the one before."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from .._registry import custom_object_scope
from .._typing import Array, Config
from ..layers import Handle, InputLayer, Layer
from ..layers._base.handles import Connectable, restore_calls
from ..layers._base.layer import unchanged_on_error
from ..layers._base.seeds import child_seed
from ..layers._base.shapes import BatchShape, checked_shape
from .nesting import deserialize, serialize
from .network import Network, parts_of
from .program import Nested, Program

__all__ = ["Sequential"]


class Sequential(Network):
    """
    A stack of layers, each fed with the output of the one before.

    Parameters
    ----------
    layers : Layer or list of Layer, optional
        Added in order; a model may stand for a layer.
    name : str, optional
        Default: ``"sequential"``, numbered within the process.
    seed : int or SeedSequence, optional
        Seed of everything random in the model: each layer's start values and noise, and
        the shuffling. Default: fresh entropy.

    Raises
    ------
    ValueError
        If a layer does not fit, or two have the same name.

    See Also
    --------
    localnet.layers : What can be stacked.

    Examples
    --------
    >>> from localnet.layers import LocallyConnected1D
    >>> model = Sequential()
    >>> model.add(LocallyConnected1D(64, 3, input_shape=(10, 32)))
    >>> model.output_shape
    (None, 8, 64)
    >>> model.add(LocallyConnected1D(32, 3))
    >>> model.output_shape
    (None, 6, 32)
    """

    class_name = "Sequential"

    def __init__(
        self,
        layers: Connectable | Sequence[Connectable] | None = None,
        name: str | None = None,
        *,
        seed: int | np.random.SeedSequence | None = None,
    ) -> None:
        super().__init__(name, seed)
        self._chain: list[Any] = []
        self._program = Program.of_chain([])
        self._in_program: list[Any] = []
        # The handle of the input, and of what each layer gives, once shapes are known.
        self._handles: tuple[Handle, ...] = ()
        for layer in [layers] if isinstance(layers, Connectable) else layers or ():
            self.add(layer)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the state of another model, and link its layers."""
        vars(self).update(state)
        restore_calls(handle.node for handle in self._handles)

    # Structure -------------------------------------------------------------------

    @property
    def layers(self) -> list[Any]:
        """The layers in order, without an InputLayer."""
        return [layer for layer in self._chain if not isinstance(layer, InputLayer)]

    @property
    def _stack(self) -> list[Any]:
        return self._chain

    @property
    def program(self) -> Program:
        """The calls of the layers, in order."""
        # A model in the stack may have grown since.
        now = [x.program if isinstance(x, Nested) else x for x in self.layers]
        if now != self._in_program:
            self._program, self._in_program = Program.of_chain(self.layers), now
        return self._program

    @property
    def input_shape(self) -> BatchShape | None:
        """Shape of the input, batch axis first; None if it is not known yet."""
        if not self._chain:
            return None
        first = self._chain[0]
        shape: BatchShape | None = first.input_shape or first.batch_input_shape
        return shape

    @property
    def output_shape(self) -> BatchShape | None:
        """Shape of the output, batch axis first; None if it is not known yet."""
        shape: BatchShape | None = self._chain[-1].output_shape if self._chain else None
        return shape

    def add(self, layer: Any) -> None:
        """
        Put a layer on top.

        Parameters
        ----------
        layer : Layer
            It is built at once if the shape of the model's input is known. What
            `localnet.Input` gives stands for an `InputLayer`.

        Raises
        ------
        ValueError
            If it is not a layer, its name is taken, or it does not fit the shape below.
            Model and layer stay as they were.
        """
        if isinstance(layer, Handle) and isinstance(layer.node.layer, InputLayer):
            layer = layer.node.layer
        if not isinstance(layer, (Layer, Network)):
            hint = "; make an instance of the class" if isinstance(layer, type) else ""
            raise ValueError(f"layer must be a Layer, got {layer!r}{hint}")
        self._check_free("add")
        inside = parts_of(layer)
        if any(part is other for other in parts_of(self) for part in inside):
            raise ValueError(
                f"layer must be added once, got {layer.name!r} a second time"
            )
        if any(other.name == layer.name for other in self._chain):
            raise ValueError(
                f"layer must have a name of its own, got {layer.name!r} a second time"
            )
        if isinstance(layer, Network):
            layer.check_is_chained()
        if isinstance(layer, InputLayer) and self._chain:
            raise ValueError("InputLayer must be the first layer of a model")
        with unchanged_on_error(self, *parts_of(layer)):
            # An InputLayer draws nothing and must not shift the seeds of the others.
            if isinstance(layer, Layer) and not isinstance(layer, InputLayer):
                layer.set_seed(child_seed(self._seed, len(self.layers)))
            below = self.output_shape if self._chain else layer.batch_input_shape
            self._chain = [*self._chain, layer]
            if below is not None and None not in below[1:]:
                _fit_to(layer, below)
                self._link(below)

    def pop(self) -> None:
        """
        Take the top layer away.

        Raises
        ------
        ValueError
            If there is none.
        """
        if not self.layers:
            raise ValueError(f"{self.name}: pop needs a layer, the model has none")
        self._check_free("pop")
        *self._chain, layer = self._chain
        if len(self._handles) > len(self.layers) + 1:
            *kept, last = self._handles
            layer._nodes = tuple(node for node in layer._nodes if node is not last.node)
            self._handles = tuple(kept) if self._chain else ()

    def _check_free(self, method: str) -> None:
        if self._nodes:
            raise ValueError(
                f"{self.name}: {method} must come before the model is a part of another"
            )

    def _link(self, input_shape: BatchShape) -> None:
        """Give every layer its handle, as in a functional model."""
        if not self._handles:
            first = self._chain[0]
            if not isinstance(first, InputLayer):
                first = self._input_layer(input_shape)
            self._handles = (first.output,)
        for layer in self.layers[len(self._handles) - 1 :]:
            self._handles = (*self._handles, layer.connect(self._handles[-1]))

    def _input_layer(self, input_shape: BatchShape) -> InputLayer:
        first = self._chain[0]
        return InputLayer(
            batch_input_shape=input_shape, dtype=first.dtype, name=f"{first.name}_input"
        )

    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        """
        Create the weights of all layers that have none.

        Parameters
        ----------
        input_shape : tuple of int or None, optional
            Batch axis first; needed if no layer names it.

        Raises
        ------
        ValueError
            If the shape is missing or does not fit a layer, built or not; the model
            stays as it was.
        """
        if not self.layers:
            raise ValueError(f"{self.name}: build needs a layer, the model has none")
        shape = self.input_shape if input_shape is None else input_shape
        if shape is None:
            raise ValueError(
                f"{self.name}: input_shape must be given to build or to the first layer"
            )
        # What is built already is only compared, in every step of a training.
        with nullcontext() if self.built else unchanged_on_error(*self._parts()):
            below = shape
            for layer in self._chain:
                _fit_to(layer, below)
                below = layer.compute_output_shape(tuple(below))
            self._link(checked_shape(shape, None))

    @property
    def _own_inputs(self) -> list[Handle]:
        return list(self._handles[:1])

    @property
    def _own_outputs(self) -> list[Handle]:
        linked = len(self._handles) == len(self.layers) + 1
        return list(self._handles[-1:]) if linked else []

    @property
    def input_names(self) -> list[str]:  # type: ignore[override]
        """The name of the input, for data in a dict."""
        first = self._chain[0].name if self._chain else self.name
        is_input = bool(self._chain) and isinstance(self._chain[0], InputLayer)
        return [first if is_input else f"{first}_input"]

    @property
    def output_names(self) -> list[str]:  # type: ignore[override]
        """The name of the output, that of the last layer."""
        return [self._chain[-1].name if self._chain else self.name]

    # Running ---------------------------------------------------------------------

    def _build_for(self, xs: tuple[Array, ...]) -> None:
        self.build((None, *xs[0].shape[1:]))

    def _known_input_shapes(self, input_shape: Any) -> list[BatchShape]:
        shape = self.input_shape if input_shape is None else input_shape
        return [checked_shape(shape, None)]

    # Config ----------------------------------------------------------------------

    def get_config(self) -> Config:
        """
        Return the names and arguments that make an equal model, as Keras does.

        Returns
        -------
        dict
            Ready for JSON.
        """
        stack = list(self._chain)
        entries = [serialize(layer) for layer in stack]
        shape = self.input_shape
        if shape is not None and stack and not isinstance(stack[0], InputLayer):
            entries.insert(0, serialize(self._input_layer(shape)))
        return {"name": self.name, "layers": entries}

    @classmethod
    def from_config(
        cls, config: Any, custom_objects: Mapping[str, Any] | None = None
    ) -> "Sequential":
        """
        Make a model from what `get_config` returned.

        Parameters
        ----------
        config : dict or list
            Also the list of layers that early Keras 2 wrote.
        custom_objects : mapping of str to object, optional
            Classes and functions of your own by name.

        Returns
        -------
        Sequential
            With fresh weights.

        Raises
        ------
        ValueError
            If a layer is unknown or its config does not fit.
        """
        if isinstance(config, list):
            config = {"layers": config}
        if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
            raise ValueError(
                f"config must be a dict with a list of layers, got {config!r}"
            )
        model = cls(name=config.get("name"))
        with custom_object_scope(custom_objects or {}):
            for entry in config["layers"]:
                layer = deserialize(entry)
                model.add(layer)
        shape = config.get("build_input_shape")
        if shape is not None and not model.built:
            model.build(shape)
        return model


Network.classes["Sequential"] = Sequential


def _fit_to(layer: Any, input_shape: Any) -> None:
    if layer.built:
        layer.check_fits(input_shape)
    else:
        layer.build(input_shape)
