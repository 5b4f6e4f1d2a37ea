"""What is trained: layers, other models among them, their wiring, and who learns."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from .. import config
from .._typing import Array, ArrayLike, Config
from ..layers import Handle, Layer, LayerCache
from ..layers._base.shapes import BatchShape
from ..layers._base.weights import as_weights
from ..losses.logits import WithLogits
from ..ops import Workspace

__all__ = [
    "Call",
    "Learning",
    "Memory",
    "Network",
    "Program",
    "Tape",
    "at_the_moment",
    "parts_of",
]

# A workspace for each call of a layer, by a name that the program chooses.
Memory: TypeAlias = defaultdict[str, Workspace]


class Call(NamedTuple):
    """One call of a layer."""

    layer: Layer
    cache: LayerCache


class Tape(NamedTuple):
    """
    The calls of a forward pass, in their order.

    A layer that is shared stands in several of them.
    """

    calls: list[Call]
    # The call that made each output of the model; None for an input handed through.
    ends: Sequence[Call | None]

    # Numbers of the calls in Keras's order.
    as_keras: Sequence[int]

    def known(self, outputs: Sequence[Array]) -> list[Array]:
        """Return outputs, which know the logits that Keras's crossentropies read."""
        pairs = zip(outputs, self.ends, strict=True)
        return [y if end is None else _activated(y, end) for y, end in pairs]

    def caches(self, layer: Layer) -> list[LayerCache]:
        """Return what each call of a layer left, in Keras's order."""
        calls = (self.calls[number] for number in self.as_keras)
        return [call.cache for call in calls if call.layer is layer]

    def activity_losses(self) -> list[float]:
        """Return the penalties on outputs of layers: one for each call, as in Keras."""
        losses = (call.cache.activity_loss for call in self.calls)
        return [loss for loss in losses if loss is not None]


def _activated(y: Array, end: Call) -> Array:
    if not end.layer.has_logits:
        return y
    return WithLogits.of(y, end.cache.logits, end.layer.activate)


class Program(Protocol):
    """The calls of a network, run in both directions; `layers` by path, each once."""

    layers: dict[str, Layer]
    inputs: int

    def run(self, *args: Any, **how: Any) -> tuple[tuple[Array, ...], Tape]:
        """
        Return the outputs for inputs and a mode, and what each call of a layer left.

        `noise` replaces the layers' own generators, by path. With a `memory`
        everything that is returned is valid until the next call with it.
        """

    def check_gradients(self) -> None:
        """Refuse a layer that no gradient can pass, where one has to."""

    def prepared(self, training: bool, memory: Any) -> Any:
        """Return the same without checks, for inputs that it has run with; or None."""

    def run_back(self, *args: Any, **how: Any) -> dict[str, dict[str, Array]]:
        """
        Return the gradients of the trainable weights, by path and name.

        From the gradients of a loss and what the way forward left. The penalties of the
        layers are part of them: those on outputs for every call, those on weights once.
        """


class Network(Protocol):
    """
    What a chain and a graph have in common.

    Parameters
    ----------
    name : str
        Of the model.

    Attributes
    ----------
    trainable : bool
        What was last set for all layers at once.
    layers : list
        What the model is made of, in order: layers and models.
    stack : list
        The same with an InputLayer, if there is one.
    inputs, outputs : tuple of Handle
        Where arrays come in and go out; empty as long as shapes are missing.
    """

    name: str
    trainable: bool
    layers: list[Any]
    stack: list[Any]
    inputs: tuple[Handle, ...]
    outputs: tuple[Handle, ...]
    weights_were_set: bool

    def __init__(self, name: str) -> None:
        self.name = name
        self.trainable = True
        # Since they were drawn, or since the last training ended.
        self.weights_were_set = False

    # What differs ----------------------------------------------------------------

    @property
    def program(self) -> Program:
        """The calls of the layers, in order."""

    @property
    def built(self) -> bool:
        """Whether every layer has its weights."""

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs."""

    @property
    def data_names(self) -> list[str]:
        """Under which names data in a dict belong to the inputs."""
        return self.input_names

    @property
    def told_shape(self) -> BatchShape | None:
        """Shape of the only input that the user named, batch axis first."""
        return None

    def build_for(self, xs: Sequence[Array]) -> None:
        """Create the weights that are missing, for inputs of these shapes."""

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
        layers = self.leaves.values()
        found = (layer.dtype for layer in reversed(layers))
        dtype: np.dtype = next(found, config.float_dtype())
        return dtype

    def parts(self) -> list[Any]:
        """Return all that a call may change, so that a failed one can be undone."""
        return [self, *(inner for part in self.stack for inner in parts_of(part))]

    def weights_in_order(self) -> list[tuple[Layer, str]]:
        """Return every weight once, by its layer and name, in Keras's order."""
        found: list[tuple[Layer, str]] = []
        for part in self.layers:
            if isinstance(part, Layer):
                found += [(part, name) for name in part.params]
            else:
                found += part._network.weights_in_order()
        return list(dict.fromkeys(found))

    def in_order(self, of: Callable[[Layer], Iterable[Any]]) -> list[Any]:
        """Return what layers have for each of their weights, in Keras's order."""
        values = {layer: iter(of(layer)) for layer in self.leaves.values()}
        return [next(values[layer]) for layer, _ in self.weights_in_order()]

    def get_weights(self) -> list[Array]:
        """Return copies of all weights."""
        return self.in_order(lambda layer: layer.get_weights())

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
        self.weights_were_set = True

    def _load(self, weights: Sequence[ArrayLike]) -> None:
        values: dict[Layer, list[ArrayLike]] = {x: [] for x in self.leaves.values()}
        for (layer, _), value in zip(self.weights_in_order(), weights, strict=True):
            values[layer].append(value)
        for layer, found in values.items():
            layer.set_weights(found)


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
    if isinstance(part, Layer):
        return list(part.with_inner())
    return [part, part._trainer, *part._network.parts()]


def _fixed_by_models(network: Network) -> set[Layer]:
    """
    Return the layers that learn nothing, since all models around them are frozen.

    Parameters
    ----------
    network : Network
        Of the outermost model.

    Returns
    -------
    set of Layer
        Whatever their own flags `trainable` say; with the layers that they wrap.
    """
    return set(_with_inner(network.leaves.values())) - _reached(network)


def _reached(network: Network) -> set[Layer]:
    """Return the layers around which no model is frozen, on one way at least."""
    found: set[Layer] = set()
    if network.trainable:
        for part in network.layers:
            if isinstance(part, Layer):
                found.update(part.with_inner())
            else:
                found |= _reached(part._network)
    return found


class Learning:
    """
    What `compile` saw of the flags `trainable`; all that trains goes by it.

    The rule is Keras's. Its training function is made with the first step after
    `compile`: a layer that is added later does not learn until the next one. A frozen
    model fixes all that is in it, whatever the layers say of themselves.

    Parameters
    ----------
    network : Network, optional
        Of the model, as it is compiled.
    """

    def __init__(self, network: Network | None = None) -> None:
        self.flags: dict[Layer, bool] = {}
        self.fixed: set[Layer] = set()
        # The program whose layers are all known, from the first step on.
        self._met: Any = None
        if network is not None:
            self._meet(network, True)

    def _meet(self, network: Network, may_learn: bool) -> None:
        parts = _with_inner(network.leaves.values())
        new = [part for part in parts if part not in self.flags]
        self.flags |= {part: may_learn and part.trainable for part in new}
        self.fixed |= _fixed_by_models(network).intersection(new)

    def held(self, network: Network) -> AbstractContextManager[None]:
        """
        Let layers be trainable as `compile` saw them, and then as they were again.

        Parameters
        ----------
        network : Network
            Of the model as it is now.

        Returns
        -------
        context manager
            In which it is so.
        """
        if (program := network.program) is not self._met:
            first, self._met = self._met is None, program
            self._meet(network, first)
        if self.fixed:
            return _swapped(self.flags, self.fixed)
        for part, flag in self.flags.items():
            if part.trainable is not flag:
                return _swapped(self.flags, self.fixed)
        return nullcontext()


def at_the_moment(network: Network) -> AbstractContextManager[None]:
    """
    Let layers learn by the flags of the moment, those of the models around them too.

    Parameters
    ----------
    network : Network
        Of the outermost model.

    Returns
    -------
    context manager
        In which it is so.
    """
    return _swapped({}, _fixed_by_models(network))


@contextmanager
def _swapped(flags: dict[Layer, bool], fixed: set[Layer]) -> Iterator[None]:
    former = {
        part: part.trainable
        for part, flag in flags.items()
        if part.trainable is not flag
    }
    free = [part for part in fixed if not part.is_fixed]
    try:
        for part in former:
            part.trainable = flags[part]
        for part in free:
            part.is_fixed = True
        yield
    finally:
        for part, flag in former.items():
            part.trainable = flag
        for part in free:
            part.is_fixed = False


def _with_inner(layers: Iterable[Layer]) -> list[Layer]:
    """Return layers, each before those that it wraps."""
    return [part for layer in layers for part in layer.with_inner()]
