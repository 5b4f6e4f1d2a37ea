"""
How the layers of a functional model are wired, as Keras 2 writes it into configs.

Every layer has a list of ``inbound_nodes``: for each of its calls, where its inputs
come from. Nothing is looked up here: layers are names, and their configs stay as they
are.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from ..._typing import Config
from ..._validate import shown

__all__ = ["FUNCTIONAL", "MAX_CALLS", "MODELS", "Source", "Wiring", "wired"]

# Names under which Keras writes functional models, and all models.
FUNCTIONAL = ("Functional", "Model")
MODELS = (*FUNCTIONAL, "Sequential")
# Of layers in one model: models within models can multiply them beyond any memory.
MAX_CALLS = 20_000

T = TypeVar("T")


class Source(NamedTuple):
    """One output of one call of a layer."""

    layer: str
    # Number of the call, from 0.
    call: int
    output: int

    def among(self, made: Mapping[tuple[str, int], Sequence[T]]) -> T:
        """Return this output, of the outputs of each layer and call."""
        outputs = made[self.layer, self.call]
        if self.output >= len(outputs):
            raise ValueError(
                f"{self.layer!r} must have an output {self.output}, has {len(outputs)}"
            )
        return outputs[self.output]


class WiredCall(NamedTuple):
    """A call of a layer, and where its inputs come from."""

    layer: str
    sources: tuple[Source, ...]
    training: bool | None


class Wiring(NamedTuple):
    """
    A functional model as its config describes it.

    Attributes
    ----------
    entries : dict of str to dict
        The config of every layer with its class, by name, in the order of the weights.
    calls : list of WiredCall
        Each after those that it needs; not those of inputs.
    inputs, outputs : tuple of Source
        Of the model.
    keys : tuple of str or None
        Keys of the inputs if they are given as a dict.
    """

    entries: dict[str, Config]
    calls: list[WiredCall]
    inputs: tuple[Source, ...]
    outputs: tuple[Source, ...]
    keys: tuple[str, ...] | None


def wired(config: Any) -> Wiring:
    """
    Read the wiring of a functional model, and put its calls in order.

    Parameters
    ----------
    config : dict
        With ``layers``, ``input_layers`` and ``output_layers``, out of JSON.

    Returns
    -------
    Wiring
        Every name in it is that of a layer.

    Raises
    ------
    ValueError
        If a part is missing or not understood, a name is used twice or unknown, calls
        wait for one another, or a layer leads nowhere.

    Examples
    --------
    >>> wired({
    ...     "layers": [
    ...         {"class_name": "InputLayer", "name": "a", "inbound_nodes": []},
    ...         {"class_name": "Dense", "name": "b",
    ...          "inbound_nodes": [[["a", 0, 0, {}]], [["b", 0, 0, {}]]]},
    ...     ],
    ...     "input_layers": [["a", 0, 0]],
    ...     "output_layers": [["b", 1, 0]],
    ... }).calls[1]
    WiredCall(layer='b', sources=(Source(layer='b', call=0, output=0),), training=None)
    """
    if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
        raise ValueError(
            f"config must be a dict with a list of layers, got {shown(config)}"
        )
    entries = _entries(config["layers"])
    nodes = {name: list(_nodes(name, entry)) for name, entry in entries.items()}
    counts = {
        name: 1 if entry["class_name"] == "InputLayer" else len(nodes[name])
        for name, entry in entries.items()
    }

    def resolved(place: Any) -> Source:
        return _resolved(place, entries, counts)

    waiting = {
        name: [
            WiredCall(name, tuple(resolved(place) for place in places), training)
            for places, training in calls
        ]
        for name, calls in nodes.items()
    }
    given = config.get("input_layers")
    keys = tuple(sorted(given)) if isinstance(given, dict) else None
    inputs = tuple(resolved(place) for place in _ports("input_layers", given))
    outputs = tuple(
        resolved(place)
        for place in _ports("output_layers", config.get("output_layers"))
    )
    for source in inputs:
        if entries[source.layer]["class_name"] != "InputLayer":
            raise ValueError(
                f"input_layers must name an InputLayer, got {shown(source.layer)}"
            )
    calls = _in_order(waiting)
    _check_all_lead_out(entries, calls, inputs, outputs)
    return Wiring(entries, calls, inputs, outputs, keys)


def _node_offset(entry: Mapping[str, Any]) -> int:
    """
    Return the number that Keras gives the first call of a layer.

    Parameters
    ----------
    entry : dict
        ``class_name`` and ``config``.

    Returns
    -------
    int
        1 for a model that begins with an input: Keras counts its making as a call.
    """
    if entry["class_name"] in FUNCTIONAL:
        return 1
    if entry["class_name"] != "Sequential":
        return 0
    config = entry.get("config")
    layers = config.get("layers") if isinstance(config, dict) else config
    first = layers[0] if isinstance(layers, list) and layers else None
    return int(isinstance(first, dict) and first.get("class_name") == "InputLayer")


def _entries(layers: Sequence[Any]) -> dict[str, Config]:
    entries: dict[str, Config] = {}
    for entry in layers:
        if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str):
            raise ValueError(f"a layer must have a class_name, got {shown(entry)}")
        config = entry.get("config")
        name = entry.get("name")
        if name is None and isinstance(config, dict):
            name = config.get("name")
        if not isinstance(name, str):
            raise ValueError(f"a layer must have a name, got {shown(name)}")
        if name in entries:
            raise ValueError(
                f"layers must have names of their own, got {shown(name)} twice"
            )
        entries[name] = entry
    return entries


def _nodes(name: str, entry: Config) -> Iterator[tuple[list[Any], bool | None]]:
    """Yield the places of the inputs of every call, and its ``training``."""
    nodes = entry.get("inbound_nodes", [])
    if not isinstance(nodes, list):
        raise ValueError(
            f"inbound_nodes of {name!r} must be a list, got {shown(nodes)}"
        )
    if entry["class_name"] == "InputLayer":
        if nodes:
            raise ValueError(f"inbound_nodes of the input {name!r} must be empty")
        return
    if not nodes:
        raise ValueError(f"{name!r} must be called, got no inbound_nodes")
    for node in nodes:
        places = list(_leaves(node))
        if not places:
            raise ValueError(f"{name!r} must be called on something, got {shown(node)}")
        flags = set()
        for place in places:
            options = place[3] if len(place) == 4 else {}
            if not isinstance(options, dict):
                raise ValueError(
                    f"a call of {name!r} must have a dict of arguments, "
                    f"got {shown(options)}"
                )
            for key, value in options.items():
                if key == "training" and value in (None, False, True):
                    flags.add(None if value is None else bool(value))
                elif value is not None:
                    raise ValueError(
                        f"a call of {name!r} must have no arguments but training, "
                        f"got {shown(key)}"
                    )
        known = flags - {None}
        yield places, known.pop() if len(known) == 1 else None


def _leaves(value: Any) -> Iterator[list[Any]]:
    """Yield what looks like [layer, call, output] or has arguments behind that."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    if not isinstance(value, list):
        raise ValueError(
            f"an input must be [layer, call, output], got {shown(value)}: "
            "only files of Keras 2 are read"
        )
    if value and isinstance(value[0], str):
        if len(value) not in (3, 4):
            raise ValueError(
                f"an input must be [layer, call, output], got {shown(value)}"
            )
        yield value
        return
    for item in value:
        yield from _leaves(item)


def _ports(argument: str, value: Any) -> list[list[Any]]:
    places = list(_leaves(value)) if isinstance(value, (list, dict)) else []
    if not places:
        raise ValueError(f"{argument} must be a list of layers, got {shown(value)}")
    return places


def _resolved(
    place: list[Any], entries: Mapping[str, Config], counts: Mapping[str, int]
) -> Source:
    name, *numbers = place[:3]
    if name not in entries:
        raise ValueError(
            f"inputs must come from layers of the model, got {shown(name)}"
        )
    if not all(type(number) is int for number in numbers):
        raise ValueError(f"an input must be [layer, call, output], got {shown(place)}")
    call, output = numbers
    number = call - _node_offset(entries[name])
    if not 0 <= number < counts[name]:
        raise ValueError(
            f"{name!r} must be called before what it gives is used, got number {call} "
            f"of {counts[name]} calls"
        )
    if output < 0:
        raise ValueError(f"an output must have a number >= 0, got {output}")
    return Source(name, number, output)


def _in_order(waiting: Mapping[str, list[WiredCall]]) -> list[WiredCall]:
    """Return all calls, each after its sources, and those of one layer in order."""
    needs: dict[tuple[str, int], int] = {}
    wanted_by: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for name, calls in waiting.items():
        for number, call in enumerate(calls):
            before = {(s.layer, s.call) for s in call.sources if waiting[s.layer]}
            if number:
                before.add((name, number - 1))
            needs[name, number] = len(before)
            for other in before:
                wanted_by.setdefault(other, []).append((name, number))
    ready = deque(key for key, count in needs.items() if not count)
    ordered = []
    while ready:
        key = ready.popleft()
        name, number = key
        ordered.append(waiting[name][number])
        for other in wanted_by.get(key, ()):
            needs[other] -= 1
            if not needs[other]:
                ready.append(other)
    if len(ordered) < len(needs):
        stuck = sorted({name for (name, _), count in needs.items() if count})
        raise ValueError(f"layers must not wait for one another, got {shown(stuck)}")
    return ordered


def _check_all_lead_out(
    entries: Mapping[str, Config],
    calls: Sequence[WiredCall],
    inputs: Sequence[Source],
    outputs: Sequence[Source],
) -> None:
    """Refuse what no output depends on: its weights would be missing."""
    needed = {(source.layer, source.call) for source in outputs}
    numbers: dict[str, int] = {}
    numbered = []
    for call in calls:
        number = numbers[call.layer] = numbers.get(call.layer, -1) + 1
        numbered.append(((call.layer, number), call))
    for key, call in reversed(numbered):
        if key in needed:
            needed |= {(source.layer, source.call) for source in call.sources}
    used = {name for name, _ in needed} | {source.layer for source in inputs}
    for name in entries:
        if name not in used:
            raise ValueError(f"{name!r} must lead to an output")
    for name, entry in entries.items():
        given = any(source.layer == name for source in inputs)
        if entry["class_name"] == "InputLayer" and not given:
            raise ValueError(f"input_layers must hold the input {name!r}")
