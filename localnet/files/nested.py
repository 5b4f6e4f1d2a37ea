"""Nested lists and dicts of numbers and arrays, taken apart for a file and rebuilt."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._typing import Array
from .._validate import shown

__all__ = ["join", "separate"]

# The key of what stands in the JSON for an array.
MARK = "__array__"


def separate(value: Any) -> tuple[Any, dict[str, Array]]:
    """
    Take the arrays out of a nested value, so that JSON can hold the rest.

    Parameters
    ----------
    value : object
        Dicts with strings as keys, lists, tuples, strings, numbers, booleans, None,
        arrays and NumPy numbers, nested in any way.

    Returns
    -------
    rest : object
        Ready for JSON.
    arrays : dict of str to ndarray
        By their places, such as ``"weights/0002"``; references, no copies.

    Raises
    ------
    ValueError
        If there is anything else in it.

    See Also
    --------
    join : The way back.

    Examples
    --------
    >>> rest, arrays = separate({"best": 0.5, "kept": [np.arange(3)]})
    >>> rest
    {'best': 0.5, 'kept': [{'__array__': 'kept/0000'}]}
    >>> arrays
    {'kept/0000': array([0, 1, 2])}
    """
    arrays: dict[str, Array] = {}
    return _separate(value, "state", (), arrays), arrays


def _separate(
    value: Any, name: str, place: tuple[str, ...], arrays: dict[str, Array]
) -> Any:
    # The reader takes arrays of numbers alone.
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufc":
        key = "/".join(place)
        while key in arrays:
            key += "_"
        arrays[key] = np.asarray(value)
        return {MARK: key}
    if isinstance(value, dict) and MARK not in value and _are_words(value):
        return {
            key: _separate(item, f"{name}[{key!r}]", (*place, _plain(key)), arrays)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [
            _separate(item, f"{name}[{number}]", (*place, f"{number:04d}"), arrays)
            for number, item in enumerate(value)
        ]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(
        f"{name} must be made of numbers, strings, arrays, lists and dicts with "
        f"strings as keys, got {shown(value)}"
    )


def _are_words(keys: Any) -> bool:
    return all(isinstance(key, str) for key in keys)


def _plain(key: str) -> str:
    """Return a key as a part of a name inside a zip file."""
    return re.sub(r"[^\w-]", "_", key, flags=re.ASCII)


def join(rest: Any, arrays: Mapping[str, Array]) -> Any:
    """
    Put the arrays back into what `separate` took them out of.

    Parameters
    ----------
    rest : object
        As JSON gives it back.
    arrays : mapping of str to ndarray
        By their places.

    Returns
    -------
    object
        As it was; only tuples have become lists, and arrays without an axis numbers.

    Raises
    ------
    ValueError
        If an array is missing.

    Examples
    --------
    >>> join(*separate({"best": np.float32(0.5), "sizes": (2, 3)}))
    {'best': np.float32(0.5), 'sizes': [2, 3]}
    """
    if isinstance(rest, list):
        return [join(item, arrays) for item in rest]
    if not isinstance(rest, dict):
        return rest
    if MARK not in rest:
        return {key: join(item, arrays) for key, item in rest.items()}
    name = rest[MARK]
    if not isinstance(name, str) or name not in arrays:
        raise ValueError(f"state must come with all its arrays, got none for {name!r}")
    array = arrays[name]
    return array[()] if array.ndim == 0 else array
