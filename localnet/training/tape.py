"""What a forward pass of a model leaves for the way back."""

from collections.abc import Sequence
from typing import NamedTuple

from .._typing import Array
from ..layers import Layer, LayerCache

__all__ = ["Call", "Tape"]


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

    def logits(self, output: int) -> Array | None:
        """Return what a crossentropy of an output is computed from, if not from it."""
        end = self.ends[output]
        return None if end is None or not end.layer.has_logits else end.cache.logits

    def caches(self, layer: Layer) -> list[LayerCache]:
        """Return what each call of a layer left, in Keras's order."""
        calls = (self.calls[number] for number in self.as_keras)
        return [call.cache for call in calls if call.layer is layer]

    def activity_losses(self) -> list[float]:
        """Return the penalties on outputs of layers: one for each call, as in Keras."""
        losses = (call.cache.activity_loss for call in self.calls)
        return [loss for loss in losses if loss is not None]
