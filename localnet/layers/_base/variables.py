"""Weights as Keras 2 lists them: live arrays with a name."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from ... import _validate
from ..._variable import Variable

__all__ = [
    "Variable",
    "count_params",
    "non_trainable_weights",
    "trainable_weights",
    "weights",
]


def count_params(weights: Iterable[Any]) -> int:
    """Return how many numbers some weights hold, each weight counted once."""
    sizes: dict[Any, int] = {}
    for weight in _validate.items("weights", weights, "a list of weights"):
        if not isinstance(weight, np.ndarray):
            raise ValueError(
                "weights must be a list of weights, got "
                f"{_validate.shown(weight)} in it"
            )
        sizes[weight.__array_interface__["data"]] = weight.size
    return sum(sizes.values())


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
