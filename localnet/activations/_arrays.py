"""What every activation does to its arguments before the formula."""

from .. import _validate, config
from .._typing import Array, ArrayLike, Shape

__all__ = ["as_input", "as_upstream"]


def as_input(x: ArrayLike) -> Array:
    """Return `x` as an inexact array; floats keep their dtype."""
    return _validate.as_float_array("x", x, config.floatx())


def as_upstream(dy: ArrayLike, shape: Shape) -> Array:
    """Return `dy` as an inexact array if it has the shape of y, else refuse it."""
    array = _validate.as_float_array("dy", dy, config.floatx())
    if array.shape != shape:
        raise ValueError(f"dy must have the shape of y, {shape}, got {array.shape}")
    return array
