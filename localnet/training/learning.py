"""Which layers learn: those that were trainable when the model was compiled."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
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

    def held(self, program: Any) -> AbstractContextManager[None]:
        """
        Let layers be trainable as `compile` saw them, and then as they were again.

        Parameters
        ----------
        program : Program
            Of the model as it is now.

        Returns
        -------
        context manager
            In which it is so.
        """
        if program is not self._met:
            first, self._met = self._met is None, program
            for part in _with_inner(program.layers.values()):
                self.flags.setdefault(part, first and part.trainable)
        for part, flag in self.flags.items():
            if part.trainable is not flag:
                return _swapped(self.flags)
        return nullcontext()


@contextmanager
def _swapped(flags: dict[Layer, bool]) -> Iterator[None]:
    former = {
        part: part.trainable
        for part, flag in flags.items()
        if part.trainable is not flag
    }
    try:
        for part in former:
            part.trainable = flags[part]
        yield
    finally:
        for part, flag in former.items():
            part.trainable = flag


def _with_inner(layers: Iterable[Layer]) -> list[Layer]:
    """Return layers, each before those that it wraps."""
    return [part for layer in layers for part in layer.with_inner()]
