"""From a file to a model, in this process or with the reading in another."""

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from .. import _validate
from .._registry import custom_object_scope
from ..layers._base.weights import give_weights, undrawn
from . import formats
from .contents import Contents, shortened
from .loading import Source, restore_training, sources
from .model_weights import config_bytes, plan_config
from .safe import isolated as isolation
from .unsupported import check_counterparts

__all__ = ["check_bytes", "model_of", "opened", "read_model"]

M = TypeVar("M")

# Of what an error says: all layers that localnet lacks, but no text without an end.
LONGEST = 2000


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
    max_bytes: int | None = None,
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
    isolated, max_bytes
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
    isolated = _validate.flag("isolated", isolated)
    compile = compile if compile is None else _validate.flag("compile", compile)
    path = formats.saved_path(path)
    if isolated and max_bytes is not None:
        # The other process would read all arrays before this one could count them.
        with opened(path, isolated=True, values=False) as contents:
            check_bytes(path, contents, max_bytes, custom_objects, compile=compile)
    with opened(path, isolated=isolated) as contents:
        check_bytes(path, contents, max_bytes, custom_objects, compile=compile)
        return model_of(make, path, contents, custom_objects, compile=compile)


def check_bytes(
    path: str | os.PathLike[str],
    contents: Contents,
    max_bytes: int | None,
    custom_objects: Mapping[str, Any] | None = None,
    *,
    compile: bool | None = None,
) -> None:
    """
    Refuse a file whose arrays would take more memory than somebody has.

    Parameters
    ----------
    path : str or path-like
        What errors name.
    contents : Contents
        Of the open file.
    max_bytes : int or None
        The bytes that the arrays may take; None for any number.
    custom_objects : mapping of str to object, optional
        As for `read_model`.
    compile : bool or None
        Whether the memory of the optimizer is read too.

    Raises
    ------
    ValueError
        If the arrays take more, in the file or as a model holds them.
    """
    limit = _validate.optional_integer("max_bytes", max_bytes, minimum=0)
    if limit is None:
        return
    layers = [stored for group in contents.layers.values() for stored in group]
    held = sum(stored.nbytes for stored in layers)
    width = 0
    if contents.config is not None:
        with _explained(path), custom_object_scope(custom_objects), undrawn():
            check_counterparts(contents.config, contents.keyed_by)
            plans = plan_config(contents.config)
        sizes = [
            (plan.layer.weight_dtype.itemsize, math.prod(shape))
            for plan in plans
            for shape in plan.shapes.values()
        ]
        held = sum(itemsize * size for itemsize, size in sizes)
        width = max((itemsize for itemsize, _ in sizes), default=0)
    if compile is not False:
        remembered = contents.optimizer.values()
        held += sum(x.size * max(width, x.dtype.itemsize) for x in remembered)
    if held > limit:
        raise ValueError(
            f"{path} must hold arrays of at most {limit} bytes (max_bytes), got {held}"
        )


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
        check_counterparts(config, contents.keyed_by)
        with undrawn():  # all weights are in the file
            found = sources(contents, plan_config(config))
            model: Any = make(config)
            if not model.built:  # for inputs of any size, weights do not wait for one
                model.build()
        _check_order(model, found)
        _give_weights(model, found)
        if contents.random is not None:
            _set_random_state(model, contents.random)
        if compile is not False:
            restore_training(model, contents, found, strict=compile is True)
    whole: M = model
    return whole


@contextmanager
def _explained(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        if str(error).startswith(f"{path} "):  # it was the bytes
            raise
        reason = f"no entry {error}" if isinstance(error, KeyError) else str(error)
        reason = shortened(reason, LONGEST)
        raise ValueError(f"{path} must describe a model: {reason}") from error


def _check_order(model: Any, found: Sequence[Source]) -> None:
    """Refuse to give weights to other layers than those that they were found for."""
    wanted = [layer.name for layer in model.leaves.values() if layer.params]
    if [source.plan.names[-1] for source in found] != wanted:
        raise ValueError(f"layers must stand in the order of their graph, {wanted}")


def _give_weights(model: Any, found: Sequence[Source]) -> None:
    """Read one array after the other into a model that nobody has seen yet."""
    layers = [layer for layer in model.leaves.values() if layer.params]
    for layer, source in zip(layers, found, strict=True):
        give_weights(layer, source.read())
    model._network.weights_were_set = True


def _set_random_state(model: Any, state: Any) -> None:
    try:
        model._trainer.shuffle_rng.bit_generator.state = state["shuffling"]
        # In their order: a layer may have been renamed since the model was made.
        states = state["noise"].values()
        for layer, noise in zip(model.leaves.values(), states, strict=True):
            layer.noise_state = noise
    except (
        *(AttributeError, KeyError, TypeError),
        *(ValueError, OverflowError),
    ) as error:
        raise ValueError(
            f"random must hold the states of the generators: {error}"
        ) from error
