"""Functions of a Keras backend that make arrays: filled, of another type, drawn."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _arrays, _validate, config
from .._typing import Array, ArrayLike, Shape
from . import arguments

__all__ = [
    "arange",
    "cast",
    "cast_to_floatx",
    "constant",
    "eye",
    "one_hot",
    "ones",
    "ones_like",
    "random_binomial",
    "random_normal",
    "random_uniform",
    "truncated_normal",
    "zeros",
    "zeros_like",
]


def _kind(dtype: Any, name: Any, otherwise: Any = None) -> np.dtype:
    """Return the type of a new array, whose name is text or None."""
    _validate.optional_text("name", name)
    return arguments.kind(dtype, otherwise or config.floatx())


def zeros(shape: Shape, dtype: Any = None, name: str | None = None) -> Array:
    """Return an array of zeros; the name is Keras's and means nothing."""
    return np.zeros(arguments.shape(shape), _kind(dtype, name))


def ones(shape: Shape, dtype: Any = None, name: str | None = None) -> Array:
    """Return an array of ones; the name is Keras's and means nothing."""
    return np.ones(arguments.shape(shape), _kind(dtype, name))


def eye(size: int, dtype: Any = None, name: str | None = None) -> Array:
    """Return a unit matrix; the name is Keras's and means nothing."""
    n = arguments.count("size", size)
    arguments.room("size", size, (n, n))
    return np.eye(n, dtype=_kind(dtype, name))


def zeros_like(x: ArrayLike, dtype: Any = None, name: str | None = None) -> Array:
    """Return zeros in the shape of another array."""
    array = arguments.tensor("x", x)
    return np.zeros_like(array, dtype=_kind(dtype, name, array.dtype))


def ones_like(x: ArrayLike, dtype: Any = None, name: str | None = None) -> Array:
    """Return ones in the shape of another array."""
    array = arguments.tensor("x", x)
    return np.ones_like(array, dtype=_kind(dtype, name, array.dtype))


def constant(
    value: Any, dtype: Any = None, shape: Shape | None = None, name: str | None = None
) -> Array:
    """Return an array of one value or of given ones."""
    given = _arrays.numbers("value", value)
    array = arguments.held("value", given, _kind(dtype, name))
    if shape is None:
        return array.copy()
    sizes = arguments.shape(shape)
    if array.size == math.prod(sizes):
        return array.reshape(sizes).copy()
    try:
        return np.broadcast_to(array, sizes).copy()
    except ValueError:
        raise ValueError(
            f"shape must be one that value of shape {array.shape} can fill, got {sizes}"
        ) from None


def arange(
    start: float, stop: float | None = None, step: float = 1, dtype: Any = "int32"
) -> Array:
    """Return numbers in a row; by default in the type of those that are given."""
    ends = {"start": start, "stop": stop}
    if stop is None:
        ends = {"stop": 0, "start": start}
    given: Any = [each[()] for each in arguments.one_type({**ends, "step": step})]
    first, end, pace = map(_validate.number, (*ends, "step"), given)
    if not pace:
        raise ValueError(f"step must not be 0, got {_validate.shown(step)}")
    length = min(max((end - first) / pace, 0.0), 2.0 * _validate.LARGEST)
    arguments.room("step", step, (math.ceil(length),))
    row: Array = np.arange(*given, dtype=given[0].dtype)
    is_default = isinstance(dtype, str) and dtype == "int32"
    return row if is_default else row.astype(arguments.kind(dtype))


def one_hot(indices: ArrayLike, num_classes: int) -> Array:
    """Return vectors with a 1 at the index; zeros for an index outside."""
    labels = arguments.whole("indices", indices)[..., np.newaxis]
    n = arguments.count("num_classes", num_classes)
    arguments.room("num_classes", num_classes, (*labels.shape, n))
    found: Array = labels == np.arange(n)
    return found.astype(config.floatx())


def cast(x: ArrayLike, dtype: Any) -> Array:
    """Return numbers of another type."""
    return _arrays.numbers("x", x).astype(arguments.kind(dtype))


def cast_to_floatx(x: ArrayLike) -> Array:
    """Return numbers of the float type of the settings."""
    return cast(x, config.floatx())


# Drawn arrays: by a seed, or anew each time -----------------------------------------


def _drawn(draw: Callable[..., Any], seed: Any, dtype: Any) -> Array:
    drawn = draw(_validate.generator_of("seed", seed))
    return np.asarray(drawn).astype(arguments.kind(dtype, config.floatx()))


def _spread(mean: Any, stddev: Any) -> tuple[float, float]:
    return (
        _validate.number("mean", mean),
        _validate.number("stddev", stddev, minimum=0.0),
    )


def random_normal(
    shape: Shape,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = None,
    seed: int | None = None,
) -> Array:
    """Draw from a normal distribution; without a seed, from fresh entropy."""
    sizes, (mean, stddev) = arguments.shape(shape), _spread(mean, stddev)
    return _drawn(lambda rng: rng.normal(mean, stddev, sizes), seed, dtype)


def random_uniform(
    shape: Shape,
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: Any = None,
    seed: int | None = None,
) -> Array:
    """Draw evenly from an interval; without a seed, from fresh entropy."""
    sizes, low = arguments.shape(shape), _validate.number("minval", minval)
    high = _validate.number("maxval", maxval, minimum=low)
    _validate.number("maxval - minval", high - low)
    return _drawn(lambda rng: rng.uniform(low, high, sizes), seed, dtype)


def random_binomial(
    shape: Shape, p: float = 0.0, dtype: Any = None, seed: int | None = None
) -> Array:
    """Draw ones with a probability, and zeros; without a seed, from fresh entropy."""
    sizes, chance = (
        arguments.shape(shape),
        _validate.number("p", p, minimum=0, maximum=1),
    )
    return _drawn(lambda rng: rng.random(sizes) < chance, seed, dtype)


def truncated_normal(
    shape: Shape,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = None,
    seed: int | None = None,
) -> Array:
    """Draw as `random_normal`, and anew what is two deviations off or more."""
    sizes, (mean, stddev) = arguments.shape(shape), _spread(mean, stddev)

    def draw(rng: np.random.Generator) -> Array:
        values = rng.normal(size=sizes)
        while (far := np.abs(values) >= 2).any():
            values[far] = rng.normal(size=int(far.sum()))
        return mean + stddev * values

    return _drawn(draw, seed, dtype)
