"""Functions of a Keras backend that go along axes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import _validate
from .._typing import Array, ArrayLike
from . import arguments

__all__ = [
    "all",
    "any",
    "argmax",
    "argmin",
    "cumprod",
    "cumsum",
    "l2_normalize",
    "max",
    "mean",
    "min",
    "prod",
    "std",
    "sum",
    "var",
]

Axis = int | Sequence[int] | None


def _along(axis: Axis, array: Array) -> tuple[int, ...] | None:
    return None if axis is None else arguments.axes("axis", axis, array.ndim)


def _reduce(
    function: Callable[..., Any], x: Array, axis: Axis, keepdims: bool, **named: Any
) -> Array:
    """Let a function of NumPy reduce axes that may be given as a list."""
    kept = _validate.flag("keepdims", keepdims)
    return np.asarray(function(x, axis=_along(axis, x), keepdims=kept, **named))


def _filled(array: Array, axis: Axis) -> Array:
    """Return an array that has numbers along axes; among none there is no largest."""
    along = _along(axis, array)
    if 0 in (array.shape if along is None else [array.shape[each] for each in along]):
        raise ValueError(f"x must hold numbers along axis, got shape {array.shape}")
    return array


def _place(function: Callable[..., Any], x: ArrayLike, axis: int) -> Array:
    array = arguments.ordered("x", x)
    along = arguments.axis("axis", axis, array.ndim)
    return np.asarray(function(_filled(array, along), axis=along))


def _accumulate(function: Callable[..., Any], x: ArrayLike, axis: int) -> Array:
    array = arguments.countable("x", x)
    along = arguments.axis("axis", axis, array.ndim)
    return np.asarray(function(array, axis=along, dtype=array.dtype))


def sum(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Add up along one axis, several, or all."""
    array = arguments.countable("x", x)
    return _reduce(np.sum, array, axis, keepdims, dtype=array.dtype)


def prod(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Multiply along one axis, several, or all."""
    array = arguments.countable("x", x)
    return _reduce(np.prod, array, axis, keepdims, dtype=array.dtype)


def mean(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Average along one axis, several, or all; of whole numbers, without fractions."""
    array = arguments.tensor("x", x)
    if array.dtype.kind not in "iu":
        return _reduce(np.mean, arguments.floats("x", array), axis, keepdims)
    whole = np.trunc(_reduce(np.mean, _filled(array, axis), axis, keepdims))
    return np.asarray(whole).astype(array.dtype)


def var(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the mean squared distance from the mean."""
    return _reduce(np.var, arguments.floats("x", x), axis, keepdims)


def std(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the root of the mean squared distance from the mean."""
    return _reduce(np.std, arguments.floats("x", x), axis, keepdims)


def max(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the largest number along one axis, several, or all."""
    return _reduce(np.max, _filled(arguments.ordered("x", x), axis), axis, keepdims)


def min(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the smallest number along one axis, several, or all."""
    return _reduce(np.min, _filled(arguments.ordered("x", x), axis), axis, keepdims)


def any(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Say whether one is not 0."""
    return _reduce(np.any, arguments.tensor("x", x), axis, keepdims)


def all(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Say whether none is 0."""
    return _reduce(np.all, arguments.tensor("x", x), axis, keepdims)


def argmax(x: ArrayLike, axis: int = -1) -> Array:
    """Return where the largest number stands."""
    return _place(np.argmax, x, axis)


def argmin(x: ArrayLike, axis: int = -1) -> Array:
    """Return where the smallest number stands."""
    return _place(np.argmin, x, axis)


def cumsum(x: ArrayLike, axis: int = 0) -> Array:
    """Add up as one goes along an axis."""
    return _accumulate(np.cumsum, x, axis)


def cumprod(x: ArrayLike, axis: int = 0) -> Array:
    """Multiply as one goes along an axis."""
    return _accumulate(np.cumprod, x, axis)


def l2_normalize(x: ArrayLike, axis: Axis = None) -> Array:
    """Divide vectors by their length; one of length 0 stays as it is."""
    array = arguments.floats("x", x)
    squares = np.sum(array * array, axis=_along(axis, array), keepdims=True)
    return np.asarray(array / np.sqrt(np.maximum(squares, array.dtype.type(1e-12))))
