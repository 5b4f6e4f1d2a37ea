"""A model whose layers are wired by hand, as a graph of calls."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._registry import custom_object_scope
from .._typing import Array, Config
from ..files.keras.wiring import wired
from ..layers import Handle, InputLayer, Layer
from ..layers._base.handles import restore_calls
from ..layers._base.layer import unchanged_on_error
from ..layers._base.seeds import child_seed
from ..layers._base.shapes import BatchShape
from ..training.step import one_or_list
from .graph import Graph
from .nesting import deserialize
from .network import Network, parts_of
from .program import Program
from .wires import connected, graph_config, numbers_of

__all__ = ["Model"]


class Model(Network):
    """
    A model of any wiring: what leads from some handles to others.

    Layers are called on handles, the first of which come from `localnet.Input`; the
    model is what lies between. A layer that is called twice has one set of weights, and
    its gradients add up. A layer may be part of several models, which share it, and a
    model may be called like a layer.

    Parameters
    ----------
    inputs : Handle, or list, tuple or dict of Handle
        Where arrays come in; the keys of a dict are those of the data.
    outputs : Handle or list of Handle
        What is computed.
    name : str, optional
        Default: ``"model"``, numbered within the process.
    seed : int or SeedSequence, optional
        Seed of everything random in the model: start values and noise of each layer
        that has no weights yet, and the shuffling. A model within keeps its own.
        Default: fresh entropy.

    Raises
    ------
    ValueError
        If an output depends on an input that is not given, a layer does not fit, or two
        layers have one name.

    See Also
    --------
    localnet.Input : Makes the first handles.
    Sequential : For a chain of layers.

    Notes
    -----
    Weights are made here, not when a layer is called: the order of the layers, and the
    seed of each, depends on the whole graph. Both are as in Keras 2.

    Examples
    --------
    Two branches that share a layer:

    >>> from localnet import Input
    >>> from localnet.layers import Dense, subtract
    >>> left, right = Input((3,), name="left"), Input((3,), name="right")
    >>> shared = Dense(2, use_bias=False)
    >>> model = Model([left, right], subtract([shared(left), shared(right)]), seed=0)
    >>> model.output_shape, model.count_params()
    ((None, 2), 6)
    >>> x = np.ones((1, 3))
    >>> model([x, x])
    array([[0., 0.]], dtype=float32)
    """

    class_name = "Functional"

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        name: str | None = None,
        *,
        seed: int | np.random.SeedSequence | None = None,
    ) -> None:
        super().__init__(name, seed)
        self._keys = _keys(inputs)
        if isinstance(inputs, Mapping):
            inputs = [inputs[key] for key in self._keys or ()]
        graph = Graph.of(_handles("inputs", inputs), _handles("outputs", outputs))
        self._graph = graph
        self._program = Program.of_graph(graph)
        parts = [part for layer in graph.layers for part in parts_of(layer)]
        with unchanged_on_error(*parts):
            self._build()

    def _build(self) -> None:
        number = 0
        for layer in self._graph.layers:
            if isinstance(layer, InputLayer):
                continue
            if isinstance(layer, Layer) and not layer.built:
                layer.set_seed(child_seed(self._seed, number))
            number += 1
        for node in self._graph.nodes:
            shape = _shape_of(node.inputs or node.outputs)
            if isinstance(node.layer, InputLayer) or (
                isinstance(node.layer, Network) and not node.layer.built
            ):
                node.layer.build(shape)
        self._program.build([handle.shape for handle in self._graph.inputs])

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the state of another model, and link its layers."""
        vars(self).update(state)
        restore_calls(self._graph.nodes)

    # Structure -------------------------------------------------------------------

    @property
    def layers(self) -> list[Any]:
        """The layers in Keras's order: those furthest from the outputs first."""
        return list(self._graph.layers)

    @property
    def _stack(self) -> list[Any]:
        return self.layers

    @property
    def program(self) -> Program:
        """The calls of the layers, in order."""
        return self._program

    @property
    def built(self) -> bool:  # type: ignore[override]
        """Whether every layer has its weights, also if there is no layer."""
        return all(layer.built for layer in self.leaves.values())

    @property
    def _own_inputs(self) -> list[Handle]:
        return list(self._graph.inputs)

    @property
    def _own_outputs(self) -> list[Handle]:
        return list(self._graph.outputs)

    @property
    def input_shape(self) -> Any:
        """Shape of the input, batch axis first; a list if there are several."""
        return one_or_list([handle.shape for handle in self._graph.inputs])

    @property
    def output_shape(self) -> Any:
        """Shape of the output, batch axis first; a list if there are several."""
        return one_or_list([handle.shape for handle in self._graph.outputs])

    @property
    def input_names(self) -> list[str]:  # type: ignore[override]
        """Names of the inputs."""
        return [handle.name for handle in self._graph.inputs]

    @property
    def _data_names(self) -> list[str]:
        return list(self._keys or self.input_names)

    @property
    def output_names(self) -> list[str]:  # type: ignore[override]
        """Names of the outputs: of their layers, numbered where one has several."""
        names: list[str] = []
        seen: Counter[str] = Counter()
        for handle in self._graph.outputs:
            name = handle.name
            while name in names:
                seen[handle.name] += 1
                name = f"{handle.name}_{seen[handle.name]}"
            names.append(name)
        return names

    def _connections(self) -> list[list[str]]:
        numbers = numbers_of(self._graph)
        found: dict[int, list[str]] = {id(layer): [] for layer in self.layers}
        for node in self._graph.nodes:
            found[id(node.layer)] += [
                f"{handle.name}[{numbers[handle.node]}][{handle.place}]"
                for handle in node.inputs
            ]
        return list(found.values())

    def build(self, input_shape: Any = None) -> None:
        """
        Check shapes of the inputs; the weights exist since the model was made.

        Parameters
        ----------
        input_shape : tuple of int or None, or list of them, optional
            Batch axis first.

        Raises
        ------
        ValueError
            If a shape is not that of its input.
        """
        if input_shape is not None:
            self._check_shapes(_as_shapes(input_shape))

    def _build_for(self, xs: tuple[Array, ...]) -> None:
        self._check_shapes([x.shape for x in xs])

    def _known_input_shapes(self, input_shape: Any) -> list[BatchShape]:
        if input_shape is None:
            return [handle.shape for handle in self._graph.inputs]
        shapes = _as_shapes(input_shape)
        self._check_shapes(shapes)
        return shapes

    def _handles_in(self, inputs: Any) -> tuple[Handle, ...]:
        if isinstance(inputs, Mapping):
            names = self._data_names
            if set(inputs) != set(names):
                raise ValueError(
                    f"{self.name}: inputs must have the keys {names}, "
                    f"got {list(inputs)!r}"
                )
            inputs = [inputs[name] for name in names]
        return super()._handles_in(inputs)

    def _traced(
        self, shapes: tuple[BatchShape, ...]
    ) -> list[tuple[BatchShape, np.dtype]]:
        self._check_shapes(shapes)
        pairs = zip(shapes, self._graph.inputs, strict=True)
        return super()._traced(tuple(_conformed(s, h.shape) for s, h in pairs))

    # Running ---------------------------------------------------------------------

    def _check_shapes(self, shapes: Sequence[BatchShape]) -> None:
        inputs = self._graph.inputs
        if len(shapes) != len(inputs):
            raise ValueError(
                f"{self.name}: inputs must be {len(inputs)}, {self._data_names}, "
                f"got {len(shapes)}"
            )
        for shape, handle, name in zip(shapes, inputs, self._data_names, strict=True):
            if not _fits(_conformed(shape, handle.shape), handle.shape):
                raise ValueError(
                    f"{self.name}: input {name!r} must have shape {handle.shape}, "
                    f"got {tuple(shape)}"
                )

    def _run(
        self, xs: tuple[Array, ...], training: bool, **options: Any
    ) -> tuple[tuple[Array, ...], Any]:
        pairs = zip(xs, self._graph.inputs, strict=True)
        shaped = [x.reshape(_conformed(x.shape, handle.shape)) for x, handle in pairs]
        return self._program.run(shaped, training, **options)

    def wiring(self) -> Config:
        """Return the calls by number; see `Network.wiring`."""
        order = {path: number for number, path in enumerate(self.leaves)}
        return {
            "calls": [
                [order[step.path], *step.inputs, step.training]
                for step in self._program.steps
            ],
            "outputs": list(self._program.outputs),
        }

    # Config ----------------------------------------------------------------------

    def get_config(self) -> Config:
        """
        Return names, arguments and wiring that make an equal model, as Keras does.

        Returns
        -------
        dict
            Ready for JSON.
        """
        return {
            "name": self.name,
            "trainable": self.trainable,
            **graph_config(self._graph, self._keys),
        }

    @classmethod
    def from_config(
        cls, config: Any, custom_objects: Mapping[str, Any] | None = None
    ) -> "Model":
        """
        Make a model from what `get_config` returned.

        Parameters
        ----------
        config : dict
            Of this model, or of a functional one of Keras 2.
        custom_objects : mapping of str to object, optional
            Classes and functions of your own by name.

        Returns
        -------
        Model
            With fresh weights.

        Raises
        ------
        ValueError
            If a layer is unknown, or configs and wiring do not fit.
        """
        wiring = wired(config)
        with custom_object_scope(custom_objects or {}):
            layers = {n: deserialize(entry) for n, entry in wiring.entries.items()}
        inputs, outputs = connected(wiring, layers)
        model = cls(inputs, outputs, name=config.get("name"))
        if config.get("trainable") is False:
            model.trainable = False
        return model


Network.classes.update(Functional=Model, Model=Model)


def _keys(inputs: Any) -> tuple[str, ...] | None:
    if not isinstance(inputs, Mapping):
        return None
    if not inputs or not all(isinstance(key, str) for key in inputs):
        raise ValueError(f"inputs must have names as keys, got {list(inputs)!r}")
    return tuple(sorted(inputs))


def _handles(argument: str, value: Any) -> list[Handle]:
    listed = list(value) if isinstance(value, (list, tuple)) else [value]
    for item in listed:
        if not isinstance(item, Handle):
            raise ValueError(
                f"{argument} must be a handle or a list of handles, "
                f"got {type(item).__name__}"
            )
    if not listed:
        raise ValueError(f"{argument} must be a handle or a list of handles, got none")
    return listed


def _shape_of(handles: Sequence[Handle]) -> Any:
    return one_or_list([handle.shape for handle in handles])


def _as_shapes(value: Any) -> list[BatchShape]:
    several = isinstance(value, (list, tuple)) and any(
        isinstance(item, (list, tuple)) for item in value
    )
    return [tuple(shape) for shape in (value if several else [value])]


def _conformed(shape: BatchShape, wanted: BatchShape) -> Any:
    """Return a shape with or without a last axis of size 1, as it is wanted."""
    if len(shape) == len(wanted) + 1 and shape[-1] == 1:
        return tuple(shape[:-1])
    if len(shape) == len(wanted) - 1 and wanted[-1] == 1:
        return (*shape, 1)
    return tuple(shape)


def _fits(shape: BatchShape, wanted: BatchShape) -> bool:
    return len(shape) == len(wanted) and all(
        None in pair or pair[0] == pair[1]
        for pair in list(zip(shape, wanted, strict=True))[1:]
    )
