"""Layers wired by hand, the wiring of a functional `Model`; its config, and back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._typing import Array, Config
from .._validate import shown
from ..files.keras.wiring import MODELS, Wiring
from ..layers import Handle, InputLayer, Layer
from ..layers._base.handles import Node
from ..layers._base.layer import unchanged_on_error
from ..layers._base.seeds import child_seed
from ..layers._base.shapes import BatchShape
from ..layers._nesting import serialize
from ..training.network import Network
from ..training.trainer import one_or_list
from .calls import calls_between, check_names
from .program import Program, fitting

__all__ = ["Graph", "connected"]


class Graph(Network):
    """
    What leads from some handles to others.

    Parameters
    ----------
    name : str
        Of the model.
    seed : numpy.random.SeedSequence
        Of the layers that have no weights yet.
    inputs : Handle, or list, tuple or dict of Handle
        Where arrays come in; the keys of a dict are those of the data.
    outputs : Handle or list of Handle
        What is computed.

    Raises
    ------
    ValueError
        If an output depends on an input that is not given, a layer does not fit, or two
        layers have one name.
    """

    def __init__(
        self, name: str, seed: np.random.SeedSequence, inputs: Any, outputs: Any
    ) -> None:
        super().__init__(name)
        self.keys = _keys_of(inputs)
        if isinstance(inputs, Mapping):
            inputs = [inputs[key] for key in self.keys or ()]
        calls = calls_between(
            _handles_of("inputs", inputs), _handles_of("outputs", outputs)
        )
        self.nodes, self.inputs, self.outputs = calls.nodes, calls.inputs, calls.outputs
        self.layers = self.stack = list(calls.layers)
        self._program = Program.of_graph(calls)
        with unchanged_on_error(*self.parts()):
            self._create_weights(seed)

    def _create_weights(self, seed: np.random.SeedSequence) -> None:
        number = 0
        for layer in self.layers:
            if isinstance(layer, InputLayer):
                continue
            if isinstance(layer, Layer) and not layer.built:
                layer.set_seed(child_seed(seed, number))
            number += 1
        for node in self.nodes:
            called: Any = node.layer
            if isinstance(called, InputLayer) or not (
                isinstance(called, Layer) or called.built
            ):
                called.build(_shape_of(node.inputs or node.outputs))
        self._program.build([handle.shape for handle in self.inputs])

    @property
    def program(self) -> Program:
        """The calls of the layers, in order."""
        return self._program

    @property
    def built(self) -> bool:
        """Whether every layer has its weights, also if there is no layer."""
        return all(layer.built for layer in self.leaves.values())

    @property
    def input_shape(self) -> Any:
        """Shape of the input, batch axis first; a list if there are several."""
        return _shape_of(self.inputs)

    @property
    def output_shape(self) -> Any:
        """Shape of the output, batch axis first; a list if there are several."""
        return _shape_of(self.outputs)

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return [handle.name for handle in self.inputs]

    @property
    def data_names(self) -> list[str]:
        """The keys of the inputs, or their names."""
        return list(self.keys or self.input_names)

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs: of their layers, numbered where one has several."""
        names: list[str] = []
        seen: Counter[str] = Counter()
        for handle in self.outputs:
            name = handle.name
            while name in names:
                seen[handle.name] += 1
                name = f"{handle.name}_{seen[handle.name]}"
            names.append(name)
        return names

    def connections(self) -> list[list[str]]:
        """Return what each layer is called on, for the summary."""
        numbers = self._numbers()
        found: dict[int, list[str]] = {id(layer): [] for layer in self.layers}
        for node in self.nodes:
            found[id(node.layer)] += [
                f"{handle.name}[{numbers[handle.node]}][{handle.place}]"
                for handle in node.inputs
            ]
        return list(found.values())

    @property
    def told_shape(self) -> BatchShape | None:
        """Shape of the only input, batch axis first."""
        return self.inputs[0].shape if len(self.inputs) == 1 else None

    def build(self, input_shape: Any = None) -> None:
        """Check shapes of the inputs; the weights exist since the graph was made."""
        if input_shape is not None:
            self.conformed(_as_shapes(input_shape))

    def build_for(self, xs: Sequence[Array]) -> None:
        """Check shapes of the inputs."""
        self.conformed([x.shape for x in xs])

    def known_input_shapes(self, input_shape: Any) -> list[BatchShape]:
        """Return the shapes for which costs are worked out."""
        if input_shape is None:
            return [handle.shape for handle in self.inputs]
        shapes = _as_shapes(input_shape)
        self.conformed(shapes)
        return shapes

    def conformed(self, shapes: Sequence[BatchShape]) -> list[BatchShape]:
        """Return shapes of the inputs as the layers take them, or refuse them."""
        if len(shapes) != len(self.inputs):
            raise ValueError(
                f"{self.name}: inputs must be {len(self.inputs)}, {self.data_names}, "
                f"got {len(shapes)}"
            )
        named = zip(shapes, self.inputs, self.data_names, strict=True)
        return [
            fitting(shape, handle.shape, self.name, name)
            for shape, handle, name in named
        ]

    def wiring(self) -> Config:
        """Return the calls by number."""
        order = {path: number for number, path in enumerate(self.leaves)}
        return {
            "calls": [
                [order[step.path], *step.inputs, step.training]
                for step in self._program.steps
            ],
            "outputs": list(self._program.outputs),
        }

    # Config ----------------------------------------------------------------------

    def _numbers(self) -> dict[Node, int]:
        """Return which call of its layer each one is, from 0."""
        calls: Counter[int] = Counter()
        numbers = {}
        for node in self.nodes:
            numbers[node] = calls[id(node.layer)]
            calls[id(node.layer)] += 1
        return numbers

    def get_config(self) -> Config:
        """Return the names, layers and wiring as Keras writes them."""
        check_names(self.layers)
        numbers = self._numbers()
        calls: dict[int, list[Node]] = {id(layer): [] for layer in self.layers}
        for node in self.nodes:
            calls[id(node.layer)].append(node)

        def place(handle: Handle) -> list[Any]:
            # To Keras, the making of a model is its first call.
            made = getattr(handle.node.layer, "class_name", None) in MODELS
            return [handle.name, numbers[handle.node] + made, handle.place]

        entries = []
        for layer in self.layers:
            entry = serialize(layer)
            entry["name"] = layer.name
            entry["inbound_nodes"] = [
                [[*place(handle), _options(node)] for handle in node.inputs]
                for node in calls[id(layer)]
                if node.inputs
            ]
            entries.append(entry)
        inputs: Any = [place(handle) for handle in self.inputs]
        if self.keys is not None:
            inputs = dict(zip(self.keys, inputs, strict=True))
        return {
            "name": self.name,
            "trainable": self.trainable,
            "layers": entries,
            "input_layers": inputs,
            "output_layers": [place(handle) for handle in self.outputs],
        }


def _options(node: Node) -> Config:
    return {} if node.training is None else {"training": node.training}


def connected(wiring: Wiring, layers: Mapping[str, Any]) -> tuple[Any, list[Handle]]:
    """
    Call layers on handles as a wiring says.

    Parameters
    ----------
    wiring : Wiring
        From a config.
    layers : mapping of str to Layer
        All that it names.

    Returns
    -------
    inputs : list or dict of Handle
        For a `Model`.
    outputs : list of Handle
        For a `Model`.

    Raises
    ------
    ValueError
        If a layer does not fit, or has no such output.
    """
    made: dict[tuple[str, int], tuple[Handle, ...]] = {}
    for name, layer in layers.items():
        if isinstance(layer, InputLayer):
            made[name, 0] = (layer.output,)

    calls: Counter[str] = Counter()
    for call in wiring.calls:
        layer = layers[call.layer]
        layer.connect([source.among(made) for source in call.sources], call.training)
        made[call.layer, calls[call.layer]] = layer._nodes[-1].outputs
        calls[call.layer] += 1
    inputs: Any = [source.among(made) for source in wiring.inputs]
    if wiring.keys is not None:
        inputs = dict(zip(wiring.keys, inputs, strict=True))
    return inputs, [source.among(made) for source in wiring.outputs]


def _keys_of(inputs: Any) -> tuple[str, ...] | None:
    if not isinstance(inputs, Mapping):
        return None
    if not inputs or not all(isinstance(key, str) for key in inputs):
        raise ValueError(f"inputs must have names as keys, got {shown(list(inputs))}")
    return tuple(sorted(inputs))


def _handles_of(argument: str, value: Any) -> list[Handle]:
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
