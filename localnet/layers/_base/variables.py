"""Weights as Keras 2 lists them: live arrays with a name."""

from typing import Any

from ..._variable import Variable

__all__ = ["Variable", "non_trainable_weights", "trainable_weights", "weights"]


def trainable_weights(self: Any) -> list[Variable]:
    """Return the weights that an optimizer may change, by the flags of the moment."""
    return [variable for variable in self._variables() if variable.trainable]


def non_trainable_weights(self: Any) -> list[Variable]:
    """Return the weights that no optimizer changes, by the flags of the moment."""
    return [variable for variable in self._variables() if not variable.trainable]


def weights(self: Any) -> list[Variable]:
    """Return all weights as live arrays with names, in the order of `get_weights`."""
    found: list[Variable] = self._variables()
    return found
