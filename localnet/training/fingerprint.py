"""What a training is made of, in a form by which another one can be told from it."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._typing import Array, Config
from .batches import Data

__all__ = [
    "first_difference",
    "identity_of_data",
    "identity_of_optimizer",
    "identity_of_start",
    "identity_of_trainer",
]

# Bytes that are looked at: all of a small array, rows of a larger one.
LOOKED_AT = 1 << 24
# Bytes of them that are copied at a time.
PIECE = 1 << 18


def identity_of_trainer(trainer: Any) -> Config:
    """
    Describe a compiled model and its training without their state.

    Parameters
    ----------
    trainer : Trainer
        Compiled; its network is built.

    Returns
    -------
    dict
        Ready for JSON. Names are left out, since they are numbered within a process.
        None stands for what cannot be described, such as a function of the user's.
    """
    identity: Config = _plain(
        {
            "layers": [
                {
                    "class_name": type(layer).__name__,
                    "config": _without_names(_described(layer.get_config)),
                    "weights": [f"{w.dtype} {w.shape}" for w in layer.params.values()],
                }
                for layer in trainer.network.leaves.values()
            ],
            **trainer.network.wiring(),
            "optimizer": trainer.identity,
            "metrics_names": trainer.objective.names,
            "objective": _described(trainer.objective.get_config),
        }
    )
    return identity


def identity_of_optimizer(optimizer: Any) -> Config:
    """
    Describe an optimizer as it is compiled; later, callbacks may change its numbers.

    Parameters
    ----------
    optimizer : Optimizer
        Its state does not matter.

    Returns
    -------
    dict
        Ready for JSON.
    """
    return {
        "class_name": type(optimizer).__name__,
        "config": _described(optimizer.get_config),
    }


def identity_of_start(trainer: Any) -> Config:
    """
    Describe where a training starts from, as far as that can be told again.

    Parameters
    ----------
    trainer : Trainer
        Compiled; its network is built.

    Returns
    -------
    dict
        The model's seed, if it was given, and a fingerprint of the weights, if they
        follow from it or were set since the last training; None stands for the rest.
    """
    network = trainer.network
    # What was broken off in this process, or kept, is gone on with by the same model.
    known: Config | None = trainer.start
    if known is not None and not network.weights_were_set:
        return known
    weights = None
    if trainer.seed is not None or network.weights_were_set:
        fingerprint = hashlib.blake2b(digest_size=8)
        for layer in network.leaves.values():
            for value in layer.params.values():
                fingerprint.update(value.tobytes())
        weights = fingerprint.hexdigest()
    start: Config = {"model_seed": trainer.seed, "initial_weights": weights}
    trainer.start = start
    return start


def _described(get_config: Callable[[], Config]) -> Config | None:
    """Return a config as a file gives it back, without the name."""
    try:
        config = _plain(get_config())
    except (TypeError, ValueError):
        return None
    return {key: value for key, value in config.items() if key != "name"}


def _without_names(config: Config | None) -> Config | None:
    """Leave out the name of a layer, and of those that it wraps."""
    if config is None:
        return None
    kept = {key: value for key, value in config.items() if key != "name"}
    inner = kept.get("layer")
    if isinstance(inner, dict) and isinstance(inner.get("config"), dict):
        kept["layer"] = {**inner, "config": _without_names(inner["config"])}
    return kept


def _plain(config: Any) -> Any:
    return json.loads(json.dumps(config))


def identity_of_data(data: Data) -> Config:
    """
    Describe arrays by their shapes, dtypes and fingerprints.

    Parameters
    ----------
    data : Data
        Of a training or a validation.

    Returns
    -------
    dict
        Ready for JSON; None for what is not there.
    """
    return {
        "x": _identity_of_arrays(data.xs),
        "y": _identity_of_arrays(data.ys),
        "sample_weight": _identity_of_arrays(data.sample_weights),
    }


def _identity_of_arrays(arrays: Sequence[Array | None]) -> Any:
    identities = [_identity_of_array(array) for array in arrays]
    return identities[0] if len(identities) == 1 else identities


def _identity_of_array(array: Array | None) -> Config | None:
    if array is None:
        return None
    share = max(1, -(-array.nbytes // LOOKED_AT))
    fingerprint = hashlib.blake2b(digest_size=8)
    rows = np.arange(len(array))
    if share > 1:  # by chance, since what is evenly spread meets a pattern or misses it
        chance = np.random.default_rng(len(array))
        rows = np.sort(chance.choice(rows, -(-len(rows) // share), replace=False))
    count = max(1, PIECE * len(array) // max(1, array.nbytes))
    for start in range(0, len(rows), count):  # a file may be larger than the memory
        some = array[rows[start : start + count]]
        fingerprint.update(some.tobytes())
    return {
        "shape": list(array.shape),
        "dtype": array.dtype.str,
        "fingerprint": fingerprint.hexdigest(),
    }


def first_difference(old: Any, new: Any, name: str = "") -> tuple[str, str, str] | None:
    """
    Return where two descriptions differ first.

    Parameters
    ----------
    old, new : object
        As JSON gives them back.
    name : str
        What they are called.

    Returns
    -------
    (str, str, str) or None
        The name of the first part that differs, and how each describes it.

    Examples
    --------
    >>> old = {"batch_size": 4, "layers": [{"units": 2}]}
    >>> first_difference(old, {"batch_size": 4, "layers": [{"units": 3}]})
    ('layers[0].units', '2', '3')
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            inside = f"{name}.{key}" if name else key
            found = first_difference(old.get(key), new.get(key), inside)
            if found:
                return found
        return None
    if isinstance(old, list) and isinstance(new, list):
        nested = any(isinstance(item, (dict, list)) for item in old + new)
        if nested and len(old) != len(new):
            return f"number of {name}", str(len(old)), str(len(new))
        if nested:
            for number, items in enumerate(zip(old, new, strict=True)):
                found = first_difference(*items, f"{name}[{number}]")
                if found:
                    return found
            return None
    # 1, 1.0 and True are equal, but do not compute alike.
    if (type(old), old) == (type(new), new):
        return None
    return name, repr(old), repr(new)
