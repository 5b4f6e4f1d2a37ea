"""What steps with one kind of batch have in common, worked out once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .._typing import Array
from ..layers import Layer
from .network import Memory, Network, Tape
from .total_loss import Gradients

__all__ = ["Prepared", "kind_of", "undrawn_on_error"]


def kind_of(xs: Sequence[Array], training: bool) -> Any:
    """Return what a prepared step is for: shapes and dtypes of inputs, and the mode."""
    return training, *[(x.shape, x.dtype) for x in xs]


class Prepared:
    """
    A step for one kind of batch, prepared.

    Its first run is the checked one of the program; those after it are the flat list of
    calls that the program prepares, equal to it to the bit.

    Parameters
    ----------
    network : Network
        Built, with the flags `trainable` that the step goes by.
    training : bool
        Whether it trains.
    memory : Memory
        What a step leaves for the next one: memory, and no number.
    """

    def __init__(self, network: Network, training: bool, memory: Memory) -> None:
        self.program = network.program
        self.training = training
        self.memory = memory
        self.layers: list[Layer] = list(network.leaves.values())
        parts = [part for layer in self.layers for part in layer.with_inner()]
        self._flags = [(part, part.trainable, part.is_fixed) for part in parts]
        self._arrays = [
            (layer.params, name, value)
            for layer in self.layers
            for name, value in layer.params.items()
        ]
        self.trained = {
            f"{path}/{name}": value
            for path, layer in network.leaves.items()
            for name, value in layer.trainable_params.items()
        }
        self.names = list(self.trained)
        self.weights = list(self.trained.values())
        self._places = [
            (path, name)
            for path, layer in network.leaves.items()
            for name in layer.trainable_params
        ]
        self.constrained = [x for x in self.layers if x.trainable_params and _bounds(x)]
        self.may_fail = any(layer.constraints_may_fail for layer in self.layers)
        # Whether a whole step has been made, after which gradients need no checks:
        # those of our own layers fit, and are no parts of weights.
        self.is_checked = False
        self._is_ours = all(type(x).__module__.startswith("localnet.") for x in parts)
        self.moving = [layer for layer in self.layers if layer.state_names]
        # Those that may draw numbers, so that an error can bring them back.
        self.drawing = [x for x in parts if "rng" in x._asked_by_compute]
        self._flat: Any = None
        self._has_run = False

    def holds(self, network: Network) -> bool:
        """Return whether what it was prepared for is as it was."""
        if network.program is not self.program:
            return False
        for part, flag, fixed in self._flags:
            if part.trainable is not flag or part.is_fixed is not fixed:
                return False
        return all(params.get(name) is value for params, name, value in self._arrays)

    def run(self, xs: Sequence[Array]) -> tuple[Sequence[Array], Tape]:
        """Run forwards; outputs are valid until the next run."""
        if self._flat is not None:
            outputs, tape = self._flat.run(xs)
            return outputs, tape
        ys, tape = self.program.run(xs, self.training, memory=self.memory)
        if not self._has_run:
            self._has_run = True
            self._flat = self.program.prepared(self.training, self.memory)
        return ys, tape

    def completed(self) -> None:
        """Take note that a whole step was made."""
        self.is_checked = self._is_ours

    def run_back(self, gradients: Gradients, tape: Tape) -> list[Array]:
        """Return the gradients of the weights that learn."""
        if self._flat is not None:
            found = self._flat.run_back(gradients, tape)
        else:
            found = self.program.run_back(gradients, tape, memory=self.memory)
        return [found[path][name] for path, name in self._places]


def _bounds(layer: Layer) -> bool:
    return any(part.constraints for part in layer.with_inner())


@contextmanager
def undrawn_on_error(layers: Sequence[Layer]) -> Iterator[None]:
    """Let layers draw again what they drew in a block that fails."""
    before = [(layer, layer.noise_state) for layer in layers]
    try:
        yield
    except BaseException:
        for layer, state in before:
            layer.noise_state = state
        raise
