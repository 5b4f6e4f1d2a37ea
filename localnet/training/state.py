"""All that changes in a training, taken out and put back."""

from typing import Any

import numpy as np

from .._validate import shown
from .trainer import Trainer

__all__ = ["check_kind", "check_state", "get_state", "set_state"]


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
    check_state(trainer, state)
    for name, number in state["numbers"].items():
        setattr(optimizer, name, number)
    trainer.updated = list(trained) if state["updated"] else None
    trainer.shuffle_rng.bit_generator.state = state["shuffling"]
    for layer, noise in zip(network.leaves.values(), state["noise"], strict=True):
        layer.noise.bit_generator.state = noise
    trainer.objective.sums = state["means"]


def check_kind(name: str, value: Any, like: Any) -> None:
    """
    Refuse a part of a state that is of another kind than the one it replaces.

    Parameters
    ----------
    name : str
        What an error calls it.
    value : object
        From a file.
    like : object
        What stands there now. None may become anything but a text or a dict.

    Raises
    ------
    ValueError
        If a number would become a list, a list a dict, and so on.
    """
    if isinstance(like, dict):
        kind, fits = "a dict", isinstance(value, dict)
        for key in like.keys() & value.keys() if fits else ():
            check_kind(f"{key} of {name}", value[key], like[key])
    elif isinstance(like, str):
        kind, fits = "a string", isinstance(value, str)
    elif isinstance(like, (bool, np.bool)):
        kind, fits = "True or False", isinstance(value, (bool, np.bool))
    elif isinstance(like, (list, tuple, np.ndarray)):
        kind = "a list or an array"
        fits = value is None or isinstance(value, (list, tuple, np.ndarray))
    else:
        kind = "a number" if like is not None else "a number or an array"
        others = () if like is not None else (list, tuple, np.ndarray)
        number = isinstance(value, (int, float, np.number))
        fits = value is None or isinstance(value, others) or number
        # inf is a number, but a whole one that no float holds exactly is none of ours.
        huge = isinstance(value, int) and abs(value) >= 2**63
        fits = fits and not isinstance(value, bool) and not huge
    if not fits:
        raise ValueError(f"{name} must be {kind}, got {shown(value)}")


def check_state(trainer: Trainer, state: dict[str, Any]) -> None:
    """
    Refuse a state whose numbers are of another kind; nothing changes.

    Parameters
    ----------
    trainer : Trainer
        Whose state it is to become.
    state : dict
        As `set_state` takes it.

    Raises
    ------
    ValueError
        If a part is of another kind, or a number is unknown.
    """
    known = _numbers(trainer.need_optimizer())
    for name, number in dict(state["numbers"]).items():
        if name not in known:
            raise ValueError(f"optimizer must have a number {name!r}, got none")
        check_kind(name, number, known[name])


def _numbers(optimizer: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(optimizer).items()
        if value is None or isinstance(value, (bool, int, float, np.generic))
    }
