"""What functions of the backend do with their arguments, by one rule each."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import _arrays, _validate, config
from .._typing import Array, Shape

__all__ = [
    "axes",
    "axis",
    "broadcast",
    "count",
    "countable",
    "fitting",
    "floats",
    "held",
    "kind",
    "listed",
    "one_type",
    "ordered",
    "room",
    "shape",
    "sizes",
    "tensor",
    "whole",
]

# Kinds of dtypes, each of which holds the numbers of those before it.
KINDS = "biufc"

# Arrays --------------------------------------------------------------------------


def tensor(
    name: str, x: Any, *, least: int = 0, most: int = _validate.MOST_AXES
) -> Array:
    """
    Return an array as it is, and what Python holds in the type it has in Keras.

    It must have at least and at most so many axes.
    """
    array = _arrays.numbers(name, x)
    if not least <= array.ndim <= most:
        rule = f"{least} axes" if least == most else f"{least} or more axes"
        raise ValueError(f"{name} must have {rule}, got shape {array.shape}")
    first = x
    while isinstance(first, (list, tuple)) and len(first):
        first = first[0]
    if hasattr(first, "dtype") or array.dtype.kind not in "if":
        return array
    if array.dtype.kind == "f":
        return array.astype(config.floatx())
    small = array.astype(np.int32)
    return small if np.array_equal(small, array) else array


def ordered(name: str, x: Any) -> Array:
    """Return an array of real numbers, which alone have an order; see `tensor`."""
    return _arrays.real_numbers(name, tensor(name, x))


def countable(name: str, x: Any) -> Array:
    """Return numbers; truth values as 0 and 1, in the type of whole numbers."""
    array = tensor(name, x)
    return array.astype(np.int32) if array.dtype.kind == "b" else array


def floats(name: str, x: Any) -> Array:
    """Return an array as it is if it holds floats, else as floats of the settings."""
    return _arrays.floats(name, tensor(name, x))


def held(name: str, array: Array, dtype: np.dtype) -> Array:
    """Return numbers in another type; refuse what integers of that type are not."""
    with np.errstate(all="ignore"):
        found = array.astype(dtype, copy=False)
    if found.dtype.kind in "iu" and (lost := np.asarray(found != array)).any():
        raise ValueError(
            f"{name} must hold numbers that {dtype} has, got {array[lost][0]}"
        )
    return found


def one_type(
    values: Mapping[str, Any], make: Callable[[str, Any], Array] = tensor
) -> list[Array]:
    """Return named arrays in one type, which Python's numbers take from the arrays."""
    arrays = {name: make(name, value) for name, value in values.items()}
    typed = [arrays[name].dtype for name in arrays if hasattr(values[name], "dtype")]
    dtype = np.result_type(np.bool_, *typed)
    for array in arrays.values():
        if KINDS.index(array.dtype.kind) > KINDS.index(dtype.kind):
            dtype = array.dtype
    return [held(name, array, dtype) for name, array in arrays.items()]


def broadcast(make: Callable[[str, Any], Array], **values: Any) -> list[Array]:
    """Return arrays in one type whose shapes broadcast; see `one_type`."""
    arrays = one_type(values, make)
    fitting(**dict(zip(values, arrays, strict=True)))
    return arrays


def fitting(**arrays: Array) -> None:
    """Refuse arrays whose shapes do not broadcast."""
    shapes = [array.shape for array in arrays.values()]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(
            f"{', '.join(arrays)} must have shapes that broadcast to one, got "
            f"{', '.join(map(str, shapes))}"
        ) from None


def listed(name: str, values: Any) -> list[Array]:
    """Return the arrays of a list, at least one, in one type; see `one_type`."""
    rule = "a list of one array or more"
    given = _validate.items(name, values, rule)
    if not given:
        raise ValueError(f"{name} must be {rule}, got {_validate.shown(values)}")
    return one_type({f"{name}[{place}]": each for place, each in enumerate(given)})


def whole(name: str, value: Any, below: int | None = None) -> Array:
    """Return whole numbers, which may have to be indices of so many entries."""
    given = _arrays.real_numbers(name, value)
    with np.errstate(invalid="ignore"):
        found = given.astype(np.int64)
    wrong = (found != given) | (given.dtype.kind == "b")
    rule = "whole numbers"
    if below is not None:
        wrong |= (found < 0) | (found >= below)
        rule += f" >= 0 and < {below}"
    if wrong.any():
        raise ValueError(f"{name} must hold {rule}, got {given[wrong][0]}")
    return found


# Axes, sizes and types ------------------------------------------------------------


def axis(name: str, value: Any, ndim: int) -> int:
    """Return one axis of an array that has so many."""
    if not ndim:
        raise ValueError(
            f"{name} must be that of an array, and a single number has none, got "
            f"{_validate.shown(value)}"
        )
    return _validate.integer(name, value, minimum=-ndim, maximum=ndim - 1)


def axes(name: str, value: Any, ndim: int) -> tuple[int, ...]:
    """Return one axis or several as a tuple that has none of them twice."""
    if isinstance(value, (list, tuple)) or (
        isinstance(value, np.ndarray) and value.ndim
    ):
        found = tuple(axis(name, each, ndim) for each in value)
        if len({each % ndim for each in found}) == len(found):
            return found
        shown = _validate.shown(value)
        raise ValueError(f"{name} must hold no axis twice, got {shown}")
    return (axis(name, value, ndim),)


def count(name: str, value: Any) -> int:
    """Return how many there shall be of something."""
    return _validate.integer(name, value, minimum=0)


def room(name: str, value: Any, sizes: Shape) -> Shape:
    """Return sizes that an argument asks for; refuse what no memory has room for."""
    most = _validate.LARGEST
    if (
        len(sizes) > _validate.MOST_AXES
        or math.prod(max(1, size) for size in sizes) > most
    ):
        raise ValueError(
            f"{name} must ask for at most {most} numbers and "
            f"{_validate.MOST_AXES} axes, got {_validate.shown(value)}"
        )
    return sizes


def sizes(name: str, value: Any, *, minimum: int = 0) -> Shape:
    """Return sizes, one for each axis; one number is that of a vector."""
    is_number = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    given = (value,) if is_number else value
    return room(name, value, _validate.shape(name, given, minimum=minimum))


def shape(value: Any, *, minimum: int = 0) -> Shape:
    """Return the shape that an array shall have; see `sizes`."""
    return sizes("shape", value, minimum=minimum)


def kind(value: Any, otherwise: Any = None) -> np.dtype:
    """Return a type of numbers, another one for None if there is another."""
    given = otherwise if value is None else value
    dtype = _validate.dtype("dtype", given)
    if dtype.kind not in KINDS:
        shown = _validate.shown(value)
        raise ValueError(f"dtype must be a type of numbers, got {shown}")
    return dtype
