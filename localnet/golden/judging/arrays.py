"""Answers of any framework as arrays of NumPy, or a sentence on why they are none."""

from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from ..._typing import Array

__all__ = ["as_array"]


def as_array(value: Any) -> Array:
    """
    Return an answer as an array of real numbers.

    Parameters
    ----------
    value : object
        An array; a tensor of PyTorch, on any device, in bfloat16 or requiring a
        gradient; one of JAX or TensorFlow; an object with ``__array__`` or
        ``__dlpack__``; numbers, or nested sequences of any of these.

    Returns
    -------
    ndarray
        Of a type of NumPy that holds every number; it may share memory with `value`.

    Raises
    ------
    ValueError
        If it is none of these; one sentence that names the type.

    Examples
    --------
    >>> as_array([[1, 2], [3, 4]]).shape
    (2, 2)
    >>> as_array([[1, 2], [3]])
    Traceback (most recent call last):
    ...
    ValueError: must be an array of numbers, got a list whose parts differ in shape
    """
    name = _name(value)
    try:
        array = _converted(value)
    except Exception as error:
        text = " ".join(str(error).split())
        raise ValueError(f"must be an array of numbers, got {name}: {text}") from None
    if array is None:
        raise ValueError(
            f"must be an array of numbers, got {name} whose parts differ in shape"
        )
    if isinstance(array, np.ma.MaskedArray) and np.ma.getmaskarray(array).any():
        raise ValueError(f"must be an array of numbers, got {name} with masked ones")
    if array.dtype.kind in "biuf":
        return np.asarray(array)
    if array.dtype.kind == "O" and array.size:
        if all(isinstance(item, (Real, Decimal)) for item in array.flat):
            return array.astype(np.float64)
        raise ValueError(f"must be an array of numbers, got {name}")
    if _is_small_float(array):
        return array.astype(np.float64)
    raise ValueError(f"must hold real numbers, got {name} of dtype {array.dtype}")


def _name(value: Any) -> str:
    kind = type(value)
    home = kind.__module__.partition(".")[0]
    return f"a {kind.__name__}" if home == "builtins" else f"a {home} {kind.__name__}"


def _converted(value: Any) -> Array | None:
    """Return whatever NumPy makes of a value; None for a ragged sequence."""
    if isinstance(value, (list, tuple)):
        parts = [_converted(part) for part in value]
        shapes = {None if part is None else part.shape for part in parts}
        if None in shapes or len(shapes) > 1:
            return None
        return np.array(parts) if parts else np.zeros(0)
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # PyTorch
        return _from_torch(value)
    if hasattr(value, "__array__") or not hasattr(value, "__dlpack__"):
        found: Array = np.asanyarray(value)
        return found
    return np.from_dlpack(value)


def _from_torch(tensor: Any) -> Array:
    """Return a tensor, in float32 if NumPy has no such type."""
    tensor = tensor.detach().cpu()
    if str(tensor.layout) != "torch.strided":
        tensor = tensor.to_dense()
    tensor = tensor.resolve_conj().resolve_neg()
    try:
        return np.asarray(tensor.numpy())
    except TypeError:
        return np.asarray(tensor.float().numpy())


def _is_small_float(array: Array) -> bool:
    """Return whether a type is one that ml_dtypes adds, such as bfloat16."""
    return array.dtype.kind == "V" and array.dtype.type.__module__ == "ml_dtypes"
