"""
Arrays that callers hand in, checked and brought to one normal form.

The dtype rule of the whole project: floats keep their type, integers become
``localnet.config.floatx()``, and a gradient has the type of what it belongs to.
"""

from typing import Any

import numpy as np

from . import config
from ._typing import Array, Shape

# What NumPy itself takes apart.
PLAIN = (
    *(np.ndarray, np.generic, list, tuple, str, bytes),
    *(int, float, complex, type(None)),
)

# How the name of the module begins that localnet's own functions are defined in.
OURS = f"{__package__}."

__all__ = [
    "OURS",
    "call",
    "cast",
    "floats",
    "numbers",
    "real_numbers",
    "reals",
    "upstream",
]


def call(function: Any, *arguments: Any, **named: Any) -> Any:
    """
    Call a function that may be the user's own, with arrays that it may write to.

    A loss, metric or Lambda that was written for tensors says ``p /= p.sum()``, and
    means a new array: it gets copies. What is defined in localnet writes to no argument
    and needs none.
    """
    home = getattr(function, "__module__", None)
    if not (isinstance(home, str) and home.startswith(OURS)):
        arguments = tuple(map(_own, arguments))
    return function(*arguments, **named)


def _own(value: Any) -> Any:
    if type(value) in (list, tuple):
        return type(value)(map(_own, value))
    return value.copy() if isinstance(value, np.ndarray) else value


def numbers(name: str, value: Any) -> Array:
    """Return `value` as an array of numbers: bool, integer, float or complex."""
    if type(value) is np.ndarray and value.dtype.kind in "biufc":
        return value
    # The first question is cheap, and its answer is almost always no.
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(
            f"{name} must have no masked values, got {int(np.sum(value.mask))}: fill "
            "them first"
        )
    try:
        array = _as_array(value)
    except ValueError as error:
        if not isinstance(value, PLAIN):
            raise ValueError(_not_an_array(name, value, error)) from error
        raise ValueError(
            f"{name} must be a rectangular array of numbers, got rows of unequal length"
        ) from error
    except (TypeError, RuntimeError, BufferError) as error:
        raise ValueError(_not_an_array(name, value, error)) from error
    if array.dtype.kind not in "biufc":
        if array.dtype.kind == "O" and not isinstance(value, PLAIN):
            raise ValueError(_not_an_array(name, value))
        raise ValueError(f"{name} must hold numbers, got dtype {array.dtype}")
    return array


def _as_array(value: Any) -> Array:
    """Return what NumPy makes of `value`; its protocol of 2018 or that of 2021."""
    if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
        return np.from_dlpack(value)
    return np.asarray(value)


def _not_an_array(name: str, value: Any, why: Exception | None = None) -> str:
    """Return the sentence for what is no array of numbers, however it calls itself."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    reason = f": {str(why).splitlines()[0]}" if why is not None and str(why) else ""
    return f"{name} must be an array of numbers, got a {kind}{reason}"


def real_numbers(name: str, value: Any) -> Array:
    """Return `value` as an array of real numbers: bool, integer or float."""
    array = numbers(name, value)
    if array.dtype.kind == "c":
        raise ValueError(f"{name} must hold real numbers, got dtype {array.dtype}")
    return array


def floats(name: str, value: Any) -> Array:
    """Return `value` as an array of floats; complex stays, for the complex step."""
    if type(value) is np.ndarray and value.dtype.kind == "f":
        return value
    array = numbers(name, value)
    return array if array.dtype.kind in "fc" else array.astype(config.floatx())


def reals(name: str, value: Any) -> Array:
    """Return `value` as an array of real floats."""
    if type(value) is np.ndarray and value.dtype.kind == "f":
        return value
    return floats(name, real_numbers(name, value))


def cast(name: str, array: Array, dtype: np.dtype, out: Array | None = None) -> Array:
    """
    Return an array in another dtype, in `out` if that is given.

    A finite number that would become infinite is refused: nobody means it, and of
    NumPy's warning one learns neither whose it is nor which.
    """
    if array.dtype == dtype and out is None:
        return array
    made = np.empty_like(array, dtype, subok=False) if out is None else out
    try:
        with np.errstate(over="raise"):
            made[...] = array
    except FloatingPointError:
        with np.errstate(over="ignore"):
            lost = np.isinf(array.astype(dtype)) & np.isfinite(array)
        raise ValueError(
            f"{name} must hold numbers within the range of {dtype}, got "
            f"{array[lost][0]}"
        ) from None
    return made


def upstream(dy: Any, shape: Shape, dtype: np.dtype, *, of: str = "y") -> Array:
    """Return the gradient that flows back into `of`, in its dtype, if it fits."""
    if type(dy) is np.ndarray and dy.dtype is dtype and dy.shape == shape:
        return dy
    array = numbers("dy", dy) if dtype.kind == "c" else real_numbers("dy", dy)
    if array.shape != shape:
        raise ValueError(f"dy must have the shape of {of}, {shape}, got {array.shape}")
    return array.astype(dtype, copy=False)
