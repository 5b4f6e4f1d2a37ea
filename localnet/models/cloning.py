"""A model once more, with fresh weights; and Keras's function for saving one."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import _validate
from .._registry import custom_object_scope
from .model import Model

__all__ = ["clone_model", "save_model"]


def clone_model(
    model: Model,
    input_tensors: None = None,
    clone_function: Callable[[Any], Any] | None = None,
) -> Model:
    """
    Make a model of the same layers, with fresh weights.

    Parameters
    ----------
    model : Model
        It stays as it is.
    input_tensors : None
        Keras's second argument; inputs are made anew.
    clone_function : None
        Keras's third argument; layers are made from their configs.

    Returns
    -------
    Model
        Not compiled.

    Raises
    ------
    ValueError
        If an argument but the first is given.

    Examples
    --------
    >>> from localnet import Sequential, layers
    >>> model = Sequential([layers.Dense(2, input_shape=(3,))])
    >>> clone_model(model).output_shape
    (None, 2)
    """
    if input_tensors is not None or clone_function is not None:
        raise ValueError(
            "input_tensors and clone_function must be None: call the clone, or change "
            "its layers"
        )
    classes = {type(part).__name__: type(part) for part in model.leaves.values()}
    own = {n: cls for n, cls in classes.items() if not cls.__module__.startswith(HOME)}
    with custom_object_scope(own):
        return type(model).from_config(model.get_config())


HOME = __name__.partition(".")[0] + "."


def save_model(
    model: Model,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    include_optimizer: bool = True,
    save_format: str | None = None,
) -> Path:
    """
    Write a model to a file; see its method ``save``.

    Parameters
    ----------
    model : Model
        Built.
    filepath, overwrite, include_optimizer, save_format
        As for ``model.save``.

    Returns
    -------
    pathlib.Path
        The file.
    """
    _validate.path("filepath", filepath)
    return model.save(filepath, overwrite, include_optimizer, save_format)
