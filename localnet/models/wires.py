"""The graph of a functional model as the config of one, and back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from .._typing import Config
from ..files.keras.wiring import Source, Wiring
from ..layers import Handle, InputLayer
from ..layers._base.handles import Node
from .graph import Graph
from .nesting import serialize
from .network import Network

__all__ = ["connected", "graph_config", "numbers_of"]


def numbers_of(graph: Graph) -> dict[Node, int]:
    """
    Return which call of its layer in a graph each one is.

    Parameters
    ----------
    graph : Graph
        Of a model.

    Returns
    -------
    dict of Node to int
        From 0.
    """
    calls: Counter[int] = Counter()
    numbers = {}
    for node in graph.nodes:
        numbers[node] = calls[id(node.layer)]
        calls[id(node.layer)] += 1
    return numbers


def graph_config(graph: Graph, keys: Sequence[str] | None) -> Config:
    """
    Return layers and wiring as Keras writes them.

    Parameters
    ----------
    graph : Graph
        Of a model.
    keys : sequence of str or None
        Those of the inputs, if they are a dict.

    Returns
    -------
    dict
        ``layers``, ``input_layers`` and ``output_layers``.
    """
    numbers = numbers_of(graph)
    calls: dict[int, list[Node]] = {id(layer): [] for layer in graph.layers}
    for node in graph.nodes:
        calls[id(node.layer)].append(node)

    def place(handle: Handle) -> list[Any]:
        # To Keras, the making of a model is its first call.
        made = isinstance(handle.node.layer, Network)
        return [handle.name, numbers[handle.node] + made, handle.place]

    entries = []
    for layer in graph.layers:
        entry = serialize(layer)
        entry["name"] = layer.name
        entry["inbound_nodes"] = [
            [[*place(handle), _options(node)] for handle in node.inputs]
            for node in calls[id(layer)]
            if node.inputs
        ]
        entries.append(entry)
    inputs: Any = [place(handle) for handle in graph.inputs]
    if keys is not None:
        inputs = dict(zip(keys, inputs, strict=True))
    return {
        "layers": entries,
        "input_layers": inputs,
        "output_layers": [place(handle) for handle in graph.outputs],
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

    def handle(source: Source) -> Handle:
        outputs = made[source.layer, source.call]
        if source.output >= len(outputs):
            raise ValueError(
                f"{source.layer!r} must have an output {source.output}, "
                f"has {len(outputs)}"
            )
        return outputs[source.output]

    calls: Counter[str] = Counter()
    for call in wiring.calls:
        layer = layers[call.layer]
        layer.connect([handle(source) for source in call.sources], call.training)
        made[call.layer, calls[call.layer]] = layer._nodes[-1].outputs
        calls[call.layer] += 1
    inputs: Any = [handle(source) for source in wiring.inputs]
    if wiring.keys is not None:
        inputs = dict(zip(wiring.keys, inputs, strict=True))
    return inputs, [handle(source) for source in wiring.outputs]
