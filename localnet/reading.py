"""From a file to a model, in this process or with the reading in another."""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from ._registry import custom_object_scope
from .counterparts import check_counterparts
from .interop import files
from .interop import isolated as isolation
from .interop.contents import Contents
from .loading import restore_training, sources
from .plans import file_bytes, plan_config

__all__ = ["opened", "read_model"]

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
        As `localnet.interop.files.opened`.
    """
    if isolated:
        return isolation.opened(path, values=values)
    return files.opened(path, file_bytes)


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
        From the config of a Sequential to the model, as ``Sequential.from_config``.
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
    with (
        opened(path, isolated=isolated) as contents,
        custom_object_scope(custom_objects),
    ):
        config = contents.config
        if config is None:
            raise ValueError(
                f"{path} must hold a model, got weights alone: make the model, and "
                "call its load_weights"
            )
        try:
            check_counterparts(config)
            found = sources(contents, plan_config(config["config"]))
            model: Any = make(config["config"])
            model.set_weights([weight for source in found for weight in source.read()])
            if contents.random is not None:
                _set_random_state(model, contents.random)
            if compile is not False:
                restore_training(model, contents, found, strict=bool(compile))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} must describe a model: {error}") from error
    whole: M = model
    return whole


def _set_random_state(model: Any, state: Any) -> None:
    model._shuffle_rng.bit_generator.state = state["shuffling"]
    for layer in model.layers:
        layer.noise_state = state["noise"][layer.name]
