"""Shapes with a batch axis, as callers write them."""

from typing import Any

import numpy as np

from ... import _validate

__all__ = [
    "BatchShape",
    "checked_shape",
    "declared_shape",
    "known_or_not",
    "step_shape",
]

# Batch axis first; None is a size that is not known.
BatchShape = tuple[int | None, ...]


def checked_shape(input_shape: Any, rank: int | None) -> BatchShape:
    """Return a shape with batch axis as a tuple, of `rank` axes if that is given."""
    try:
        if isinstance(input_shape, (int, np.integer)):
            raise TypeError("a shape is more than one size")
        shape: BatchShape = tuple(
            size if size is None else _validate.integer("input_shape", size, minimum=0)
            for size in _as_tuple("input_shape", input_shape)
        )
        if not shape:
            raise ValueError("there is no batch axis")
    except (TypeError, ValueError) as error:
        raise ValueError(
            "input_shape must be a tuple of sizes, batch axis first, "
            f"got {_validate.shown(input_shape)}"
        ) from error
    if rank is not None and len(shape) != rank:
        raise ValueError(
            f"input_shape must have {rank} axes, batch axis included, got {shape}"
        )
    return shape


def declared_shape(kwargs: dict[str, Any]) -> BatchShape | None:
    """Take the four ways of naming the input's shape out of `kwargs`."""
    batch_size = _validate.optional_integer(
        "batch_size", kwargs.pop("batch_size", None), minimum=1
    )
    shape = kwargs.pop("input_shape", None)
    dim = kwargs.pop("input_dim", None)
    batch_shape = kwargs.pop("batch_input_shape", None)
    if batch_shape is None:
        name = "input_shape"
        if shape is None and dim is not None:
            name, shape = "input_dim", (dim,)
        if shape is None:
            return None
        sizes = (batch_size, *_as_tuple(name, shape))
    else:
        name, sizes = (
            "batch_input_shape",
            _as_tuple("batch_input_shape", batch_shape),
        )
    return known_or_not(name, sizes)


def known_or_not(name: str, value: Any) -> BatchShape:
    """Return sizes, which may be None, as a tuple; one number is one size."""
    return tuple(
        None if size is None else _validate.integer(name, size, minimum=0)
        for size in _as_tuple(name, value)
    )


def _as_tuple(name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, (int, np.integer)):
        return (value,)
    return tuple(_validate.items(name, value, "a tuple of sizes"))


def step_shape(shape: BatchShape) -> BatchShape:
    """
    Return the shape of one step.

    Parameters
    ----------
    shape : tuple of int or None
        Batch axis first, then the time steps.

    Returns
    -------
    tuple of int or None
        Without the axis of the steps.

    Raises
    ------
    ValueError
        If there is no axis behind that of the steps.
    """
    if len(shape) < 3:
        raise ValueError(
            f"input_shape must have at least 3 axes, (N, T, ...), got {shape}"
        )
    return (shape[0], *shape[2:])
