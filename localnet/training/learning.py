"""Which layers learn: those that were trainable when the model was compiled."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ..layers import Layer

__all__ = ["Learning"]


class Learning:
    """
    What `compile` saw of the flags `trainable`; all that trains goes by it.

    The rule is Keras's. Its training function is made with the first step after
    `compile`: a layer that is added later does not learn until the next one.

    Parameters
    ----------
    layers : iterable of Layer
        Of the model, as it is compiled.
    """

    def __init__(self, layers: Iterable[Layer] = ()) -> None:
        self.flags = {part: part.trainable for part in _with_inner(layers)}
        # The program whose layers are all known, from the first step on.
        self._met: Any = None

    @contextmanager
    def held(self, program: Any) -> Iterator[None]:
        """
        Let layers be trainable as `compile` saw them, and then as they were again.

        Parameters
        ----------
        program : Program
            Of the model as it is now.
        """
        if program is not self._met:
            first, self._met = self._met is None, program
            for part in _with_inner(program.layers.values()):
                self.flags.setdefault(part, first and part.trainable)
        former = {
            part: part.trainable
            for part, flag in self.flags.items()
            if part.trainable is not flag
        }
        if not former:
            yield
            return
        try:
            for part in former:
                part.trainable = self.flags[part]
            yield
        finally:
            for part, flag in former.items():
                part.trainable = flag


def _with_inner(layers: Iterable[Layer]) -> list[Layer]:
    """Return layers, each before those that it wraps."""
    return [part for layer in layers for part in layer.with_inner()]
