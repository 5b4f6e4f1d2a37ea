"""What a model lists of itself: layers by name, weights, penalties and metrics."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from .. import _validate
from .._keras.words import keras1_error
from ..training.network import at_the_moment

__all__ = [
    "get_layer",
    "losses",
    "metrics",
    "reset_metrics",
    "unknown_arguments",
    "variables_of",
]


def get_layer(self: Any, name: str | None = None, index: int | None = None) -> Any:
    """
    Return one layer.

    Parameters
    ----------
    name : str, optional
        Its name.
    index : int, optional
        Its place in `layers`, from 0, or from the end; give one of the two.

    Returns
    -------
    Layer
        The layer itself, or the model that lies in this one.

    Raises
    ------
    ValueError
        If there is no such layer, or not exactly one argument is given.
    """
    if (name is None) == (index is None):
        raise ValueError("get_layer must be given a name or an index, not both")
    layers, names = self.layers, [layer.name for layer in self.layers]
    if index is None and isinstance(name, str) and name in names:
        return layers[names.index(name)]
    if index is not None:
        with suppress(ValueError):
            last = len(layers) - 1
            place = _validate.integer("index", index, minimum=~last, maximum=last)
            return layers[place]
    wanted = name if index is None else index
    raise ValueError(
        f"layer must be one of {names}, got {_validate.shown(wanted)}"
        f"{_validate.suggestion(wanted, names)}"
    )


def metrics(self: Any) -> list[Any]:
    """Return the running means of loss and metrics, in the order of the logs."""
    found: list[Any] = self._trainer.objective.metrics
    return found


def losses(self: Any) -> list[float]:
    """Return the penalties on weights now, and on the outputs of layers run alone."""
    return [loss for layer in self.leaves.values() for loss in layer.losses]


def reset_metrics(self: Any) -> None:
    """Let the running means of loss and metrics begin anew."""
    self._trainer.objective.begin()


def variables_of(self: Any) -> list[Any]:
    """Return the weights with their names."""
    with at_the_moment(self._network):
        found: list[Any] = self._network.in_order(lambda layer: layer.weights)
    return found


def unknown_arguments(unknown: Mapping[str, Any]) -> TypeError:
    """Return the error for keywords that a model does not know."""
    known = ("inputs", "outputs", "name", "trainable", "seed")
    word = next(iter(unknown))
    return keras1_error("Model", unknown, known) or TypeError(
        f"Model must be given known arguments, got {_validate.shown(word)}"
        f"{_validate.suggestion(word, known)}"
    )
