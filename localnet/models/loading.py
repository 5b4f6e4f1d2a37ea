"""From a file to a model."""

import os
from collections.abc import Mapping
from typing import Any

from .. import _validate
from .._registry import custom_object_scope
from .._typing import Config
from ..files.safe.bounded_json import loads
from ..layers._nesting import deserialize
from .model import Model

__all__ = ["load_model", "model_from_json"]


def load_model(
    path: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool | None = None,
    *,
    isolated: bool = False,
    max_bytes: int | None = None,
) -> Model:
    """
    Read a model that its ``save``, Keras 2 or tf_keras wrote.

    Parameters
    ----------
    path : str or path-like
        localnet's ``.npz``, or Keras's legacy ``.h5`` or ``.keras``; the bytes of the
        file tell which. A path without a suffix, as it was given to ``save``, finds the
        ``.npz``.
    custom_objects : mapping of str to object, optional
        Classes and functions of your own by name.
    compile : bool, optional
        Whether to restore loss, metrics and the optimizer with its state. Default: yes,
        but a file of Keras that needs an optimizer, loss or metric that localnet lacks
        gives a warning and a model that is not compiled, instead of an error.
    isolated : bool
        Read the file in a process of its own, with limits on time and memory: the HDF5
        library can crash or hang on damaged bytes. For files from strangers.
    max_bytes : int, optional
        Refuse the file, before memory is taken, if its arrays would take more bytes as
        the model holds them: weights, and what the optimizer remembers. A file of some
        hundred kilobytes can hold gigabytes of zeros.

    Returns
    -------
    Sequential or Model
        It predicts, and goes on training, as the saved one would.

    Raises
    ------
    ValueError
        If the file is none of these, is damaged, asks for more than `max_bytes`, or
        holds what localnet has no counterpart for; then all such layers are named.
    ImportError
        If the file is HDF5 and h5py is not installed.
    OSError
        If the file cannot be opened.

    Warns
    -----
    UserWarning
        See `compile`.

    Notes
    -----
    Nothing in a file is ever run: no pickle, no code of a Lambda layer. Shapes are
    compared with those that the config implies before memory is taken for them.
    """
    from ..files.reading import read_model  # see `localnet.models.saving`

    return read_model(
        _made,
        path,
        _validate.named("custom_objects", custom_objects),
        compile=compile,
        isolated=isolated,
        max_bytes=max_bytes,
    )


def model_from_json(
    json_string: str, custom_objects: Mapping[str, Any] | None = None
) -> Model:
    """
    Make a model from the text that its ``to_json``, or that of Keras 2, returned.

    Parameters
    ----------
    json_string : str
        Class name and config.
    custom_objects : mapping of str to object, optional
        Classes and functions of your own by name.

    Returns
    -------
    Sequential or Model
        With fresh weights, and not compiled.

    Raises
    ------
    ValueError
        If the text is not JSON, or describes no model that localnet has layers for.

    Examples
    --------
    >>> from localnet import Sequential
    >>> from localnet.layers import Dense
    >>> text = Sequential([Dense(2, input_shape=(3,))]).to_json()
    >>> model_from_json(text).count_params()
    8
    """
    with custom_object_scope(custom_objects):
        return _made(loads("json_string", json_string))


def _made(config: Config) -> Model:
    """Return the model that ``class_name`` and ``config`` describe."""
    model = deserialize(config)
    if not isinstance(model, Model):
        raise ValueError(f"config must describe a model, got {_validate.shown(config)}")
    return model
