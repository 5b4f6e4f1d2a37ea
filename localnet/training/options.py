"""The options of `fit`, `evaluate` and `predict`, checked."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import _validate
from .._keras.words import new_word

__all__ = [
    "execution",
    "is_due",
    "queues",
    "shuffling",
    "steps_of",
    "unknown_option",
    "validation_freq",
    "verbosity",
]


def unknown_option(name: str, known: Iterable[str], method: str = "fit") -> TypeError:
    """Return the error for an unknown keyword of a method, with the name to use."""
    hint = new_word(name) or _validate.suggestion(name, known)
    return TypeError(
        f"{method} must be given known arguments, got {_validate.shown(name)}{hint}"
    )


def steps_of(steps: Any) -> Any:
    """Return a number of steps; a script may have divided whole numbers for it."""
    whole = isinstance(steps, float) and steps.is_integer()
    return int(steps) if whole else steps


def shuffling(shuffle: Any) -> bool | str:
    """Return `shuffle` if it is one of its values."""
    if isinstance(shuffle, bool):
        return shuffle
    if _validate.is_word(shuffle, "batch"):
        return "batch"
    raise ValueError(
        f"shuffle must be True, False or 'batch', got {_validate.shown(shuffle)}"
    )


def verbosity(verbose: Any) -> int:
    """Return 0, 1 or 2."""
    if _validate.is_word(verbose, "auto"):
        return 1
    if isinstance(verbose, (int, np.integer)) and verbose in (0, 1, 2):
        return int(verbose)
    raise ValueError(
        f"verbose must be 'auto', 0, 1 or 2, got {_validate.shown(verbose)}"
    )


def queues(max_queue_size: Any, workers: Any, use_multiprocessing: Any) -> None:
    """Refuse what cannot be how Keras fetches batches, which means nothing here."""
    _validate.integer("max_queue_size", max_queue_size, minimum=0)
    _validate.integer("workers", workers, minimum=0)
    _validate.flag("use_multiprocessing", use_multiprocessing)


def execution(
    run_eagerly: Any, steps_per_execution: Any, jit_compile: Any, mode: Any
) -> None:
    """Refuse what cannot be how Keras runs a model, which means nothing here."""
    for name, value in (("run_eagerly", run_eagerly), ("jit_compile", jit_compile)):
        if value is not None and not _validate.is_word(value, "auto"):
            _validate.flag(name, value)
    if not _validate.is_word(steps_per_execution, "auto"):
        _validate.optional_integer(
            "steps_per_execution", steps_per_execution, minimum=1
        )
    if not isinstance(mode, (str, list, dict, type(None))):
        raise ValueError(
            f"sample_weight_mode must be a word or None, got {_validate.shown(mode)}"
        )


def validation_freq(freq: Any) -> int | list[int]:
    """Return how often, or after which epochs, to validate."""
    if isinstance(freq, (list, tuple, set)):
        return sorted(
            {_validate.integer("validation_freq", n, minimum=1) for n in freq}
        )
    return _validate.integer("validation_freq", freq, minimum=1)


def is_due(number: int, frequency: int | list[int]) -> bool:
    """Return whether the epoch of this number, from 1, is validated."""
    if isinstance(frequency, list):
        return number in frequency
    return number % frequency == 0
