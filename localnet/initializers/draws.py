"""Random numbers in any shape and float type, from a generator of NumPy."""

import math
from typing import Any

import numpy as np

from .._typing import Array, Shape
from ..ops.runtime.pieces import in_pieces

__all__ = ["normal", "stream", "truncated_normal", "uniform"]


def stream(dtype: np.dtype) -> Any:
    """Return the type to draw in: NumPy has no stream of float16 values."""
    return np.result_type(dtype, np.float32)


def uniform(
    rng: np.random.Generator, shape: Shape, dtype: np.dtype, low: float, high: float
) -> Array:
    """Draw evenly between `low` and `high`."""
    values = rng.random(shape, dtype=stream(dtype))
    in_pieces(lambda v: _stretch(v, high - low, low), values)
    return values.astype(dtype, copy=False)


def normal(
    rng: np.random.Generator, shape: Shape, dtype: np.dtype, mean: float, stddev: float
) -> Array:
    """Draw from a normal distribution."""
    values = rng.standard_normal(shape, dtype=stream(dtype))
    in_pieces(lambda v: _stretch(v, stddev, mean), values)
    return values.astype(dtype, copy=False)


def truncated_normal(
    rng: np.random.Generator, shape: Shape, dtype: np.dtype, mean: float, stddev: float
) -> Array:
    """Draw from a normal distribution; what lies beyond 2 `stddev` is drawn again."""
    values = rng.standard_normal(math.prod(shape), dtype=stream(dtype))
    outside = np.flatnonzero(np.abs(values) > 2)
    while outside.size:
        again = rng.standard_normal(outside.size, dtype=stream(dtype))
        values[outside] = again
        outside = outside[np.abs(again) > 2]
    in_pieces(lambda v: _stretch(v, stddev, mean), values)
    return values.reshape(shape).astype(dtype, copy=False)


def _stretch(values: Array, factor: float, shift: float) -> None:
    values *= factor
    values += shift
