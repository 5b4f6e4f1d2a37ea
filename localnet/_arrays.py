"""
Arrays that callers hand in, checked and brought to one normal form.

The dtype rule of the whole project: floats keep their type, integers become
``localnet.config.floatx()``, and a gradient has the type of what it belongs to.
"""

from typing import Any

import numpy as np

from . import config
from ._typing import Array, Shape

__all__ = ["floats", "numbers", "real_numbers", "reals", "upstream"]


def numbers(name: str, value: Any) -> Array:
    """Return `value` as an array of numbers: bool, integer, float or complex."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{name} must be a rectangular array of numbers, got rows of unequal length"
        ) from error
    if array.dtype.kind not in "biufc":
        raise ValueError(f"{name} must hold numbers, got dtype {array.dtype}")
    return array


def real_numbers(name: str, value: Any) -> Array:
    """Return `value` as an array of real numbers: bool, integer or float."""
    array = numbers(name, value)
    if array.dtype.kind == "c":
        raise ValueError(f"{name} must hold real numbers, got dtype {array.dtype}")
    return array


def floats(name: str, value: Any) -> Array:
    """Return `value` as an array of floats; complex stays, for the complex step."""
    array = numbers(name, value)
    return array if array.dtype.kind in "fc" else array.astype(config.floatx())


def reals(name: str, value: Any) -> Array:
    """Return `value` as an array of real floats."""
    return floats(name, real_numbers(name, value))


def upstream(dy: Any, shape: Shape, dtype: np.dtype, *, of: str = "y") -> Array:
    """Return the gradient that flows back into `of`, in its dtype, if it fits."""
    array = numbers("dy", dy) if dtype.kind == "c" else real_numbers("dy", dy)
    if array.shape != shape:
        raise ValueError(f"dy must have the shape of {of}, {shape}, got {array.shape}")
    return array.astype(dtype, copy=False)
