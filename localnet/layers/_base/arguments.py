"""Arguments of layers: names and configs into objects, and objects into configs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypedDict

from ... import _validate, constraints, initializers, regularizers
from ..._keras.words import NEW_WORDS, keras1_error
from ..._typing import Config

__all__ = [
    "CommonArguments",
    "LayerArguments",
    "handed_on",
    "known",
    "refuse_old_words",
    "resolve",
    "serialized",
    "take_rules",
    "unknown_argument",
]

# What an argument like ``kernel_initializer`` is, by its last word.
FAMILIES: dict[str, Any] = {
    "initializer": initializers,
    "regularizer": regularizers,
    "constraint": constraints,
}


class CommonArguments(TypedDict, total=False):
    """The keywords of every layer but ``activity_regularizer``."""

    name: str | None
    trainable: bool
    dtype: Any
    input_shape: Any
    batch_input_shape: Any
    input_dim: int | None
    batch_size: int | None
    weights: Any
    dynamic: bool
    autocast: bool


class LayerArguments(CommonArguments, total=False):
    """The keywords of every layer."""

    activity_regularizer: Any


def handed_on(scope: dict[str, Any], *kept: str) -> dict[str, Any]:
    """Return a constructor's arguments, its fresh `locals`, but for those it keeps."""
    kept = (*kept, "self", "kwargs", "__class__")
    named = {name: value for name, value in scope.items() if name not in kept}
    return {**named, **scope["kwargs"]}


def resolve(argument: str, identifier: Any) -> Any:
    """Return the object that is meant; an error calls its family by the argument."""
    family = argument.rpartition("_")[2]
    try:
        return FAMILIES[family].get(identifier)
    except ValueError as error:
        raise ValueError(str(error).replace(family, argument, 1)) from error


def take_rules(layer: Any, arguments: dict[str, Any]) -> None:
    """Set initializers, regularizers and constraints on a layer, of all arguments."""
    for name, value in arguments.items():
        if name.rpartition("_")[2] in FAMILIES and name != "activity_regularizer":
            setattr(layer, name, resolve(name, value))


def serialized(layer: Any, *arguments: str) -> Config:
    """Return the configs of what `resolve` gave a layer for these arguments."""
    return {
        argument: FAMILIES[argument.rpartition("_")[2]].serialize(
            getattr(layer, argument)
        )
        for argument in arguments
    }


def refuse_old_words(cls: type, given: Iterable[str]) -> None:
    """Refuse arguments of Keras 1, before Python misses those that they became."""
    if not NEW_WORDS.keys().isdisjoint(given):
        error = keras1_error(cls.__name__, given, known(cls))
        if error is not None:
            raise error


def unknown_argument(
    cls: Callable[..., Any], argument: str, given: Iterable[str] = ()
) -> TypeError:
    """Return the error for a keyword that a layer's class does not know."""
    words = known(cls)
    old = keras1_error(cls.__name__, [argument, *given], words)
    if old is not None:
        return old
    near = _validate.suggestion(argument, words)
    return TypeError(
        f"{cls.__name__} must be given known arguments, got "
        f"{_validate.shown(argument)}{near}"
    )


@lru_cache(maxsize=256)
def known(cls: Callable[..., Any]) -> tuple[str, ...]:
    """Return the keywords that a layer's class knows."""
    return (
        *inspect.signature(cls).parameters,
        *("name", "trainable", "dtype", "input_shape", "batch_input_shape"),
        *("input_dim", "batch_size", "weights", "activity_regularizer"),
    )
