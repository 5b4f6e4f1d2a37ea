"""From a file to a model, in this process or with the reading in another."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from .._registry import custom_object_scope
from . import formats
from .contents import Contents
from .loading import Source, restore_training, sources
from .model_weights import config_bytes, plan_config
from .safe import isolated as isolation
from .unsupported import check_counterparts

__all__ = ["model_of", "opened", "read_model"]

M = TypeVar("M")


def opened(
    path: str | os.PathLike[str], *, isolated: bool, values: bool = True
) -> AbstractContextManager[Contents]:
    """
    Open a file, its HDF5 in a process of its own if that is wanted.

    Parameters
    ----------
    path : str or path-like
        The file.
    isolated : bool
        Whether another process reads it, with limits on time and memory.
    values : bool
        Whether arrays are wanted, and not only their shapes.

    Returns
    -------
    context manager of Contents
        As `localnet.files.formats.opened`.
    """
    if isolated:
        return isolation.opened(path, values=values)
    return formats.opened(path, config_bytes)


def read_model(
    make: Callable[[Any], M],
    path: str | os.PathLike[str],
    custom_objects: Mapping[str, Any],
    *,
    compile: bool | None,
    isolated: bool,
) -> M:
    """
    Read a whole model.

    Parameters
    ----------
    make : callable
        From ``class_name`` and ``config`` to the model.
    path : str or path-like
        The file.
    custom_objects : mapping of str to object
        Classes and functions of the caller's own by name.
    compile : bool or None
        As for `localnet.load_model`.
    isolated : bool
        As for `localnet.load_model`.

    Returns
    -------
    Sequential
        What `make` made, with the weights and the training of the file.

    Raises
    ------
    ValueError
        If the file does not describe a model that localnet has.
    OSError
        If it cannot be opened.
    """
    with opened(path, isolated=isolated) as contents:
        return model_of(make, path, contents, custom_objects, compile=compile)


def model_of(
    make: Callable[[Any], M],
    path: str | os.PathLike[str],
    contents: Contents,
    custom_objects: Mapping[str, Any],
    *,
    compile: bool | None,
) -> M:
    """
    Make the model that an open file describes.

    Parameters
    ----------
    make : callable
        As for `read_model`.
    path : str or path-like
        What errors name.
    contents : Contents
        Of the open file.
    custom_objects : mapping of str to object
        As for `read_model`.
    compile : bool or None
        As for `localnet.load_model`.

    Returns
    -------
    Sequential
        As for `read_model`.

    Raises
    ------
    ValueError
        If the file does not describe a model that localnet has.
    """
    config = contents.config
    if config is None:
        raise ValueError(
            f"{path} must hold a model, got weights alone: make the model, and call "
            "its load_weights"
        )
    with _explained(path), custom_object_scope(custom_objects):
        check_counterparts(config)
        found = sources(contents, plan_config(config))
        model: Any = make(config)
        if not model.built:  # for inputs of any size, its weights do not wait for one
            model.build()
        _check_order(model, found)
        model.set_weights([weight for source in found for weight in source.read()])
        if contents.random is not None:
            _set_random_state(model, contents.random)
        if compile is not False:
            restore_training(model, contents, found, strict=bool(compile))
    whole: M = model
    return whole


@contextmanager
def _explained(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        if str(error).startswith(f"{path} "):  # it was the bytes
            raise
        reason = f"no entry {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{path} must describe a model: {reason}") from error


def _check_order(model: Any, found: Sequence[Source]) -> None:
    """Refuse to give weights to other layers than those that they were found for."""
    wanted = [layer.name for layer in model.leaves.values() if layer.params]
    if [source.plan.names[-1] for source in found] != wanted:
        raise ValueError(f"layers must stand in the order of their graph, {wanted}")


def _set_random_state(model: Any, state: Any) -> None:
    try:
        model._trainer.shuffle_rng.bit_generator.state = state["shuffling"]
        for path, layer in model.leaves.items():
            layer.noise_state = state["noise"][path]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"random must hold the states of the generators: {error}"
        ) from error
