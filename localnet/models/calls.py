"""
The calls between the inputs and the outputs of a model, put in order.

The order of the layers, and so that of the weights, is Keras 2's: by their distance
from the outputs, the furthest first, and among equals by who is met first on the way
back from the outputs.
"""

from collections.abc import Sequence
from typing import NamedTuple

from .._validate import shown
from ..layers import Handle, InputLayer
from ..layers._base.handles import Connectable, Node

__all__ = ["Calls", "calls_between", "check_names", "source_inputs"]


class Calls(NamedTuple):
    """
    What a functional model is made of.

    Attributes
    ----------
    nodes : tuple of Node
        Every call, after those whose outputs it takes; those of inputs too.
    inputs, outputs : tuple of Handle
        As given; every input is that of an `InputLayer`.
    layers : tuple of Connectable
        Everything that is called, once each, in Keras's order.
    as_keras : tuple of Node
        The calls in the order in which Keras makes them. It differs among those that
        are equally far from the outputs, and decides nothing but where the moving
        statistics of a shared layer end.
    """

    # First, so that a copy meets every call after those that it hangs on.
    nodes: tuple[Node, ...]
    inputs: tuple[Handle, ...]
    outputs: tuple[Handle, ...]
    layers: tuple[Connectable, ...]
    as_keras: tuple[Node, ...]


def calls_between(inputs: Sequence[Handle], outputs: Sequence[Handle]) -> Calls:
    """
    Find the calls that lead from inputs to outputs.

    Parameters
    ----------
    inputs, outputs : sequence of Handle
        Of the model. An input may be the output of a layer: the model then begins
        behind it.

    Returns
    -------
    Calls
        Their layers are those of the handles, shared and not copied.

    Raises
    ------
    ValueError
        If an input is given twice, an output depends on an input that is not
        given, or two layers have one name.
    """
    if len({id(handle) for handle in inputs}) < len(inputs):
        raise ValueError(
            "inputs must be different from one another, "
            f"got {[handle.name for handle in inputs]}"
        )
    inputs, outputs = _cut(inputs, outputs)
    found, met = _found(outputs)
    _check_connected(found, inputs)
    depths, layer_depths = _depths(found)
    for handle in inputs:  # one that no output depends on
        if handle.node not in depths:
            depths[handle.node] = 0
            layer_depths[handle.node.layer] = 0
            met[handle.node.layer] = -1
    layers = sorted(layer_depths, key=lambda x: (-layer_depths[x], met[x]))
    check_names(layers)
    # An order that follows from the graph alone, whoever made the handles when.
    place = {node: number for number, node in enumerate(found)}
    nodes = sorted(depths, key=lambda node: (-depths[node], place.get(node, -1)))
    as_keras = sorted(depths, key=lambda node: -depths[node])
    return Calls(
        tuple(nodes), tuple(inputs), tuple(outputs), tuple(layers), tuple(as_keras)
    )


def _cut(
    inputs: Sequence[Handle], outputs: Sequence[Handle]
) -> tuple[list[Handle], list[Handle]]:
    """Begin at the inputs: calls behind one that is no input yet are copied."""
    new = {
        id(handle): InputLayer(
            batch_input_shape=handle.shape,
            dtype=handle.dtype,
            name=f"{handle.name}_output",
        ).output
        for handle in inputs
        if handle.node.inputs
    }
    if not new:
        return list(inputs), list(outputs)
    for node in _found(outputs, set(new))[0]:
        taken = tuple(new.get(id(handle), handle) for handle in node.inputs)
        if taken != node.inputs:
            described = [(handle.shape, handle.dtype) for handle in node.outputs]
            copy = Node(node.layer, taken, described, node.training)
            for handle, other in zip(node.outputs, copy.outputs, strict=True):
                new.setdefault(id(handle), other)
    return (
        [new.get(id(handle), handle) for handle in inputs],
        [new.get(id(handle), handle) for handle in outputs],
    )


def _found(
    outputs: Sequence[Handle], known: set[int] | None = None
) -> tuple[list[Node], dict[Connectable, int]]:
    """
    Return the calls that the outputs depend on, and when each layer was met first.

    As Keras does it, depth first, but without recursion: a graph may be deep.
    """
    known = known or set()
    done: dict[Node, bool] = {}
    found: list[Node] = []
    met: dict[Connectable, int] = {}
    for output in outputs:
        stack = [output.node] if id(output) not in known else []
        while stack:
            node = stack.pop()
            if node not in done:
                done[node] = False
                met.setdefault(node.layer, len(met))
                stack.append(node)
                # The first input is to be met first.
                stack += [
                    handle.node
                    for handle in reversed(node.inputs)
                    if id(handle) not in known and handle.node not in done
                ]
            elif not done[node]:
                done[node] = True
                found.append(node)
    return found, met


def _check_connected(found: Sequence[Node], inputs: Sequence[Handle]) -> None:
    given = {handle.node for handle in inputs}
    for node in found:
        if not node.inputs and node not in given:
            raise ValueError(
                f"inputs must hold all that the outputs depend on, got "
                f"{[handle.name for handle in inputs]} without {node.layer.name!r}"
            )


def _depths(
    found: Sequence[Node],
) -> tuple[dict[Node, int], dict[Connectable, int]]:
    """Return how far each call, and each layer, is from the outputs at most."""
    depths: dict[Node, int] = {}
    layer_depths: dict[Connectable, int] = {}
    for node in reversed(found):
        depth = max(depths.get(node, 0), layer_depths.get(node.layer, 0))
        depths[node] = layer_depths[node.layer] = depth
        for handle in node.inputs:
            depths[handle.node] = max(depth + 1, depths.get(handle.node, 0))
    return depths, layer_depths


def check_names(layers: Sequence[Connectable]) -> None:
    """Refuse layers of one model that have one name, which a file needs."""
    names = set()
    for layer in layers:
        if layer.name in names:
            raise ValueError(
                f"layers must have names of their own, got {shown(layer.name)} twice"
            )
        names.add(layer.name)


def source_inputs(tensor: Handle) -> list[Handle]:
    """
    Return the handles of inputs that a handle is computed from.

    Parameters
    ----------
    tensor : Handle
        As a layer gave it.

    Returns
    -------
    list of Handle
        Each once, in the order in which they are met on the way back.
    """
    found: list[Handle] = []
    seen: set[Node] = set()
    waiting = [tensor]
    while waiting:
        node = waiting.pop().node
        if node in seen:
            continue
        seen.add(node)
        waiting += reversed(node.inputs)
        if not node.inputs:
            found += node.outputs
    return found
