"""All that changes in a model while it is trained, taken out and put back."""

from typing import Any

import numpy as np

from .._typing import Array

__all__ = ["get_model_state", "set_model_state"]


def get_model_state(model: Any) -> dict[str, Any]:
    """
    Return what `set_model_state` needs to bring an equal model to where this one is.

    Parameters
    ----------
    model : Sequential
        Built and compiled.

    Returns
    -------
    dict
        Copies: weights, generators, the optimizer's memory and numbers, running means.
    """
    return {
        "weights": model.get_weights(),
        "optimizer": model.optimizer.get_state(),
        "numbers": _numbers(model.optimizer),
        "updated": model._updated is not None,
        "shuffling": model._shuffle_rng.bit_generator.state,
        "noise": [layer.noise.bit_generator.state for layer in model.leaves.values()],
        "means": model._objective.sums,
    }


def set_model_state(model: Any, state: dict[str, Any]) -> None:
    """
    Bring a model to where another one was.

    Parameters
    ----------
    model : Sequential
        Equal to the one that the state is from, built and compiled.
    state : dict
        From `get_model_state`.

    Raises
    ------
    ValueError
        If something does not fit, like KeyError or TypeError if it is of another kind.
        The model may be half way then: keep its own state to go back to.
    """
    model.set_weights(state["weights"])
    model.optimizer.set_state(state["optimizer"])
    trained = model._trainable()
    for name, slots in model.optimizer.slots.items():
        if not _same_shapes(slots, list(trained.values())):
            raise ValueError(f"slots {name} must have the shapes of the weights")
    # Callbacks may change the learning rate, or a momentum.
    known = _numbers(model.optimizer)
    for name, number in state["numbers"].items():
        if name not in known:
            raise ValueError(f"optimizer must have a number {name!r}, got none")
        setattr(model.optimizer, name, number)
    model._updated = list(trained) if state["updated"] else None
    model._shuffle_rng.bit_generator.state = state["shuffling"]
    for layer, noise in zip(model.leaves.values(), state["noise"], strict=True):
        layer.noise.bit_generator.state = noise
    model._objective.sums = state["means"]


def _numbers(optimizer: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(optimizer).items()
        if value is None or isinstance(value, (bool, int, float, np.generic))
    }


def _same_shapes(left: list[Array], right: list[Array]) -> bool:
    return [array.shape for array in left] == [array.shape for array in right]
