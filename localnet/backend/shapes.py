"""Functions of a Keras backend that look at shapes and change them."""

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _validate, config
from .._typing import Array, ArrayLike
from ..layers import Handle
from . import arguments

__all__ = [
    "batch_flatten",
    "bias_add",
    "concatenate",
    "count_params",
    "dot",
    "dtype",
    "expand_dims",
    "flatten",
    "gather",
    "int_shape",
    "ndim",
    "permute_dimensions",
    "repeat",
    "repeat_elements",
    "reshape",
    "reverse",
    "shape",
    "spatial_2d_padding",
    "squeeze",
    "stack",
    "temporal_padding",
    "tile",
    "transpose",
]


def flatten(x: ArrayLike) -> Array:
    """Make one vector of all numbers."""
    return np.ravel(arguments.tensor("x", x))


def stack(x: Sequence[ArrayLike], axis: int = 0) -> Array:
    """Put arrays side by side, along a new axis."""
    arrays = arguments.listed("x", x)
    if len({array.shape for array in arrays}) > 1:
        shapes = [array.shape for array in arrays]
        raise ValueError(
            f"x must hold arrays of one shape, got {_validate.shown(shapes)}"
        )
    return np.stack(arrays, arguments.axis("axis", axis, arrays[0].ndim + 1))


def squeeze(x: ArrayLike, axis: int) -> Array:
    """Remove an axis of size 1."""
    array = arguments.tensor("x", x)
    place = arguments.axis("axis", axis, array.ndim)
    if array.shape[place] != 1:
        raise ValueError(f"axis must be one of size 1 of {array.shape}, got {axis}")
    return np.squeeze(array, place)


def tile(x: ArrayLike, n: int | Sequence[int]) -> Array:
    """Repeat an array as a whole along its axes."""
    array = arguments.tensor("x", x)
    times = arguments.sizes("n", n)
    longer = (1,) * (array.ndim - len(times)) + times
    given = (1,) * (len(times) - array.ndim) + array.shape
    arguments.room("n", n, tuple(map(operator.mul, longer, given)))
    return np.tile(array, times)


def transpose(x: ArrayLike) -> Array:
    """Reverse the order of the axes."""
    return np.transpose(arguments.tensor("x", x))


def permute_dimensions(x: ArrayLike, pattern: Sequence[int]) -> Array:
    """Put the axes into another order."""
    array = arguments.tensor("x", x)
    order = arguments.axes("pattern", pattern, array.ndim)
    if len(order) != array.ndim:
        shown = _validate.shown(pattern)
        raise ValueError(f"pattern must hold all {array.ndim} axes, got {shown}")
    return np.transpose(array, order)


def reshape(x: ArrayLike, shape: Sequence[int]) -> Array:
    """Give an array another shape with as many numbers; -1 is worked out."""
    array, sizes = arguments.tensor("x", x), arguments.shape(shape, minimum=-1)
    try:
        return np.reshape(array, sizes)
    except ValueError:
        raise ValueError(
            f"shape must have room for the {array.size} numbers of x, got {sizes}"
        ) from None


def batch_flatten(x: ArrayLike) -> Array:
    """Make every sample a vector."""
    array = arguments.tensor("x", x, least=1)
    return np.reshape(array, (len(array), math.prod(array.shape[1:])))


def expand_dims(x: ArrayLike, axis: int = -1) -> Array:
    """Insert an axis of size 1."""
    array = arguments.tensor("x", x)
    return np.expand_dims(array, arguments.axis("axis", axis, array.ndim + 1))


def concatenate(tensors: Sequence[ArrayLike], axis: int = -1) -> Array:
    """Put arrays end to end."""
    arrays = arguments.listed("tensors", tensors)
    place = arguments.axis("axis", axis, arrays[0].ndim)
    try:
        return np.concatenate(arrays, axis=place)
    except ValueError:
        shapes = [array.shape for array in arrays]
        raise ValueError(
            f"tensors must have shapes that differ in axis {axis} alone, got "
            f"{_validate.shown(shapes)}"
        ) from None


def gather(reference: ArrayLike, indices: ArrayLike) -> Array:
    """Take the entries of axis 0 that indices name."""
    array = arguments.tensor("reference", reference, least=1)
    return np.take(array, arguments.whole("indices", indices, len(array)), axis=0)


def temporal_padding(x: ArrayLike, padding: Sequence[int] = (1, 1)) -> Array:
    """Put zeros before and after axis 1 of (N, T, C)."""
    [ends] = _validate.pairs("padding", padding, 1)
    return _padded(x, padding, ((0, 0), ends, (0, 0)))


def spatial_2d_padding(
    x: ArrayLike,
    padding: Sequence[Sequence[int]] = ((1, 1), (1, 1)),
    data_format: str | None = None,
) -> Array:
    """Put zeros around the two axes of images."""
    rows, columns = _validate.pairs("padding", padding, 2)
    last = config.resolve_data_format(data_format) == "channels_last"
    channels = (0, 0)
    inner = (rows, columns, channels) if last else (channels, rows, columns)
    return _padded(x, padding, ((0, 0), *inner))


def _padded(x: ArrayLike, padding: Any, ends: tuple[tuple[int, int], ...]) -> Array:
    array = arguments.tensor("x", x, least=len(ends), most=len(ends))
    arguments.room("padding", padding, tuple(map(sum, ends, array.shape)))
    return np.pad(array, ends)


def bias_add(x: ArrayLike, bias: ArrayLike, data_format: str | None = None) -> Array:
    """Add one number for each channel."""
    array, added = arguments.one_type({"x": x, "bias": bias})
    last = config.resolve_data_format(data_format) == "channels_last"
    sizes = array.shape[1:] if last else array.shape[2:] + array.shape[1:2]
    if not sizes or added.shape not in (sizes, sizes[-1:]):
        raise ValueError(
            f"bias must have shape {sizes[-1:]} or {sizes} for x of {array.shape}, got "
            f"{added.shape}"
        )
    if not last:
        behind = (1,) * (array.ndim - 1 - added.ndim)
        added = added.reshape(added.shape[-1:] + added.shape[:-1] + behind)
    return np.asarray(array + added)


def repeat(x: ArrayLike, n: int) -> Array:
    """Repeat each vector of (N, C) along a new axis: (N, n, C)."""
    array = arguments.tensor("x", x, least=2, most=2)[:, np.newaxis]
    arguments.room("n", n, (*array.shape, arguments.count("n", n)))
    return np.repeat(array, n, axis=1)


def repeat_elements(x: ArrayLike, rep: int, axis: int) -> Array:
    """Repeat each element along an axis."""
    array = arguments.tensor("x", x)
    place = arguments.axis("axis", axis, array.ndim)
    arguments.room("rep", rep, (*array.shape, arguments.count("rep", rep)))
    return np.repeat(array, rep, axis=place)


def reverse(x: ArrayLike, axes: int | Sequence[int]) -> Array:
    """Turn axes round."""
    array = arguments.tensor("x", x)
    return np.flip(array, axis=arguments.axes("axes", axes, array.ndim))


def dot(x: ArrayLike, y: ArrayLike) -> Array:
    """Multiply the last axis of one by the last but one of the other."""
    arrays = arguments.one_type({"x": x, "y": y})
    first, second = (array.shape for array in arrays)
    if not (first and second and first[-1] == second[-2:][0]):
        raise ValueError(
            f"x, y must have one size in the last axis of x and the last but one of y, "
            f"got shapes {first}, {second}"
        )
    return np.asarray(np.dot(*arrays))


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """Return the shape of an array or a handle."""
    return x.shape if isinstance(x, Handle) else arguments.tensor("x", x).shape


def shape(x: Any) -> tuple[int | None, ...] | None:
    """Return the shape of an array or a handle."""
    return int_shape(x)


def ndim(x: Any) -> int:
    """Return the number of axes of an array or a handle."""
    return len(int_shape(x) or ())


def count_params(x: Any) -> int:
    """Return how many numbers a weight holds."""
    return arguments.tensor("x", x).size


def dtype(x: Any) -> str:
    """Return the name of the type of the numbers."""
    typed = x if isinstance(x, Handle) else arguments.tensor("x", x)
    return str(np.dtype(typed.dtype).name)
