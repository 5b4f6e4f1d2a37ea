"""All that changes in a training, taken out and put back."""

from typing import Any

import numpy as np

from .trainer import Trainer

__all__ = ["get_state", "set_state"]


def get_state(trainer: Trainer) -> dict[str, Any]:
    """
    Return what `set_state` needs to bring an equal training to where this one is.

    Parameters
    ----------
    trainer : Trainer
        Compiled; its network is built.

    Returns
    -------
    dict
        Copies: weights, generators, the optimizer's memory and numbers, running means.
    """
    network, optimizer = trainer.network, trainer.need_optimizer()
    return {
        "weights": network.get_weights(),
        "optimizer": optimizer.get_state(),
        "numbers": _numbers(optimizer),
        "updated": trainer.updated is not None,
        "shuffling": trainer.shuffle_rng.bit_generator.state,
        "noise": [layer.noise.bit_generator.state for layer in network.leaves.values()],
        "means": trainer.objective.sums,
    }


def set_state(trainer: Trainer, state: dict[str, Any]) -> None:
    """
    Bring a training to where another one was.

    Parameters
    ----------
    trainer : Trainer
        Equal to the one that the state is from.
    state : dict
        From `get_state`.

    Raises
    ------
    ValueError
        If something does not fit, like KeyError or TypeError if it is of another kind.
        The training may be half way then: keep its own state to go back to.
    """
    network, optimizer = trainer.network, trainer.need_optimizer()
    network.set_weights(state["weights"])
    optimizer.set_state(state["optimizer"])
    trained = trainer.trained()
    for name, slots in optimizer.slots.items():
        if [slot.shape for slot in slots] != [w.shape for w in trained.values()]:
            raise ValueError(f"slots {name} must have the shapes of the weights")
    # Callbacks may change the learning rate, or a momentum.
    known = _numbers(optimizer)
    for name, number in state["numbers"].items():
        if name not in known:
            raise ValueError(f"optimizer must have a number {name!r}, got none")
        setattr(optimizer, name, number)
    trainer.updated = list(trained) if state["updated"] else None
    trainer.shuffle_rng.bit_generator.state = state["shuffling"]
    for layer, noise in zip(network.leaves.values(), state["noise"], strict=True):
        layer.noise.bit_generator.state = noise
    trainer.objective.sums = state["means"]


def _numbers(optimizer: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(optimizer).items()
        if value is None or isinstance(value, (bool, int, float, np.generic))
    }
