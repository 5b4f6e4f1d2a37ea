"""
The functions of a Keras backend that metrics of one's own use, on NumPy arrays.

Each is NumPy's under Keras's name and with Keras's arguments; none takes a handle.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import _arrays, activations, config, losses
from .._typing import Array, ArrayLike, Shape

__all__ = [
    "abs",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "batch_flatten",
    "bias_add",
    "binary_crossentropy",
    "cast",
    "cast_to_floatx",
    "categorical_crossentropy",
    "clip",
    "concatenate",
    "constant",
    "cos",
    "count_params",
    "cumprod",
    "cumsum",
    "dot",
    "dtype",
    "elu",
    "equal",
    "eval",
    "exp",
    "expand_dims",
    "eye",
    "flatten",
    "gather",
    "greater",
    "greater_equal",
    "hard_sigmoid",
    "in_top_k",
    "int_shape",
    "l2_normalize",
    "less",
    "less_equal",
    "log",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "ndim",
    "not_equal",
    "one_hot",
    "ones",
    "ones_like",
    "permute_dimensions",
    "pow",
    "prod",
    "random_binomial",
    "random_normal",
    "random_uniform",
    "relu",
    "repeat",
    "repeat_elements",
    "reshape",
    "reverse",
    "round",
    "shape",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "softplus",
    "softsign",
    "sparse_categorical_crossentropy",
    "spatial_2d_padding",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "sum",
    "switch",
    "tanh",
    "temporal_padding",
    "tile",
    "transpose",
    "truncated_normal",
    "var",
    "zeros",
    "zeros_like",
]

Axis = int | Sequence[int] | None

# Value by value ------------------------------------------------------------------

abs, sign, exp, log, sin, cos = np.abs, np.sign, np.exp, np.log, np.sin, np.cos
square, round, pow = np.square, np.round, np.power
maximum, minimum = np.maximum, np.minimum
equal, not_equal = np.equal, np.not_equal
greater, greater_equal = np.greater, np.greater_equal
less, less_equal = np.less, np.less_equal
sigmoid, hard_sigmoid = activations.sigmoid, activations.hard_sigmoid
elu, softplus, softsign = activations.elu, activations.softplus, activations.softsign
softmax, relu, tanh = activations.softmax, activations.relu, activations.tanh


def clip(x: ArrayLike, min_value: Any, max_value: Any) -> Array:
    """Hold numbers to bounds; a lower bound above the upper one counts for both."""
    low = -np.inf if min_value is None else min_value
    high = np.inf if max_value is None else np.maximum(low, max_value)
    return np.asarray(np.clip(_float_array(x), low, high))


def sqrt(x: ArrayLike) -> Array:
    """Take square roots; those of negative numbers are 0."""
    return np.asarray(np.sqrt(np.maximum(_float_array(x), 0)))


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Array:
    """Choose by a condition, as a whole or number by number; callables are called."""
    then, other = (
        branch() if callable(branch) else branch
        for branch in (then_expression, else_expression)
    )
    held = np.asarray(condition, bool)
    held = held.reshape(held.shape + (1,) * (np.ndim(then) - held.ndim))
    return np.asarray(np.where(held, then, other))


# Along axes ----------------------------------------------------------------------


def _axis(axis: Axis) -> Any:
    return tuple(axis) if isinstance(axis, (list, np.ndarray)) else axis


def _float_array(x: ArrayLike) -> Array:
    """Return an array as it is if it holds floats, else as floats of the settings."""
    return _arrays.floats("x", x)


def _reduce(
    function: Callable[..., Any], x: ArrayLike, axis: Axis, keepdims: bool
) -> Array:
    """Let a function of NumPy reduce axes that may be given as a list."""
    return np.asarray(function(x, axis=_axis(axis), keepdims=keepdims))


def sum(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Add up along one axis, several, or all."""
    return _reduce(np.sum, _numbers(x), axis, keepdims)


def prod(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Multiply along one axis, several, or all."""
    return _reduce(np.prod, _numbers(x), axis, keepdims)


def mean(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Average along one axis, several, or all; truth values count as 0 and 1."""
    return _reduce(np.mean, _float_array(x), axis, keepdims)


def var(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the mean squared distance from the mean."""
    return _reduce(np.var, _float_array(x), axis, keepdims)


def std(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the root of the mean squared distance from the mean."""
    return _reduce(np.std, _float_array(x), axis, keepdims)


def max(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the largest number along one axis, several, or all."""
    return _reduce(np.max, _numbers(x), axis, keepdims)


def min(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the smallest number along one axis, several, or all."""
    return _reduce(np.min, _numbers(x), axis, keepdims)


def any(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Say whether one is not 0."""
    return _reduce(np.any, x, axis, keepdims)


def all(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Say whether none is 0."""
    return _reduce(np.all, x, axis, keepdims)


def argmax(x: ArrayLike, axis: int = -1) -> Array:
    """Return where the largest number stands."""
    return np.asarray(np.argmax(x, axis=axis))


def argmin(x: ArrayLike, axis: int = -1) -> Array:
    """Return where the smallest number stands."""
    return np.asarray(np.argmin(x, axis=axis))


def cumsum(x: ArrayLike, axis: int = 0) -> Array:
    """Add up as one goes along an axis."""
    return np.cumsum(_numbers(x), axis=axis)


def cumprod(x: ArrayLike, axis: int = 0) -> Array:
    """Multiply as one goes along an axis."""
    return np.cumprod(_numbers(x), axis=axis)


def l2_normalize(x: ArrayLike, axis: Axis = None) -> Array:
    """Divide vectors by their length; one of length 0 stays as it is."""
    array = _float_array(x)
    squares = np.sum(array * array, axis=_axis(axis), keepdims=True)
    return np.asarray(array / np.sqrt(np.maximum(squares, array.dtype.type(1e-12))))


def _numbers(x: ArrayLike) -> Array:
    return _arrays.numbers("x", x)


# Shapes --------------------------------------------------------------------------

flatten = np.ravel
stack, squeeze, tile = np.stack, np.squeeze, np.tile


def transpose(x: ArrayLike) -> Array:
    """Reverse the order of the axes."""
    return np.transpose(x)


def permute_dimensions(x: ArrayLike, pattern: Sequence[int]) -> Array:
    """Put the axes into another order."""
    return np.transpose(x, pattern)


def reshape(x: ArrayLike, shape: Sequence[int]) -> Array:
    """Give an array another shape with as many numbers; -1 is worked out."""
    return np.reshape(x, tuple(shape))


def batch_flatten(x: ArrayLike) -> Array:
    """Make every sample a vector."""
    return np.reshape(x, (np.shape(x)[0], -1))


def expand_dims(x: ArrayLike, axis: int = -1) -> Array:
    """Insert an axis of size 1."""
    return np.expand_dims(x, axis)


def concatenate(tensors: Sequence[ArrayLike], axis: int = -1) -> Array:
    """Put arrays end to end."""
    return np.concatenate(list(tensors), axis=axis)


def gather(reference: ArrayLike, indices: ArrayLike) -> Array:
    """Take the entries of axis 0 that indices name."""
    return np.take(reference, np.asarray(indices, np.int64), axis=0)


def temporal_padding(x: ArrayLike, padding: Sequence[int] = (1, 1)) -> Array:
    """Put zeros before and after axis 1 of (N, T, C)."""
    return np.pad(x, ((0, 0), tuple(padding), (0, 0)))


def spatial_2d_padding(
    x: ArrayLike,
    padding: Sequence[Sequence[int]] = ((1, 1), (1, 1)),
    data_format: str | None = None,
) -> Array:
    """Put zeros around the two axes of images."""
    rows, columns = (tuple(pair) for pair in padding)
    last = (data_format or config.image_data_format()) == "channels_last"
    channels = (0, 0)
    inner = (rows, columns, channels) if last else (channels, rows, columns)
    return np.pad(x, ((0, 0), *inner))


def bias_add(x: ArrayLike, bias: ArrayLike, data_format: str | None = None) -> Array:
    """Add one number for each channel."""
    array = _numbers(x)
    last = (data_format or config.image_data_format()) == "channels_last"
    behind = 0 if last else array.ndim - 2
    return np.asarray(array + np.reshape(bias, np.shape(bias) + (1,) * behind))


def in_top_k(predictions: ArrayLike, targets: ArrayLike, k: int) -> Array:
    """Say of each sample whether fewer than k outputs are above that of its class."""
    p = _numbers(predictions)
    own = np.take_along_axis(p, np.asarray(targets, np.int64)[:, np.newaxis], axis=-1)
    return np.asarray(np.sum(p > own, axis=-1) < k)


def repeat(x: ArrayLike, n: int) -> Array:
    """Repeat each vector of (N, C) along a new axis: (N, n, C)."""
    return np.repeat(np.asarray(x)[:, np.newaxis], n, axis=1)


def repeat_elements(x: ArrayLike, rep: int, axis: int) -> Array:
    """Repeat each element along an axis."""
    return np.repeat(x, rep, axis=axis)


def reverse(x: ArrayLike, axes: int | Sequence[int]) -> Array:
    """Turn axes round."""
    return np.flip(x, axis=_axis(axes))


def dot(x: ArrayLike, y: ArrayLike) -> Array:
    """Multiply the last axis of one by the last but one of the other."""
    return np.asarray(np.dot(x, y))


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """Return the shape of an array or a handle."""
    found = getattr(x, "shape", None)
    return tuple(np.shape(x) if found is None else found)


def shape(x: Any) -> tuple[int | None, ...] | None:
    """Return the shape of an array or a handle."""
    return int_shape(x)


def ndim(x: Any) -> int:
    """Return the number of axes of an array or a handle."""
    return len(int_shape(x) or ())


def count_params(x: Any) -> int:
    """Return how many numbers a weight holds."""
    return int(np.prod(np.shape(x), dtype=np.int64))


def dtype(x: Any) -> str:
    """Return the name of the type of the numbers."""
    return str(np.dtype(getattr(x, "dtype", None) or np.asarray(x).dtype).name)


# New arrays ----------------------------------------------------------------------


def _filled(make: Callable[..., Array], shape: Shape, dtype: Any) -> Array:
    return make(shape, dtype or config.floatx())


def zeros(shape: Shape, dtype: Any = None, name: str | None = None) -> Array:
    """Return an array of zeros; the name is Keras's and means nothing."""
    return _filled(np.zeros, shape, dtype)


def ones(shape: Shape, dtype: Any = None, name: str | None = None) -> Array:
    """Return an array of ones; the name is Keras's and means nothing."""
    return _filled(np.ones, shape, dtype)


def eye(size: int, dtype: Any = None, name: str | None = None) -> Array:
    """Return a unit matrix; the name is Keras's and means nothing."""
    return np.eye(size, dtype=dtype or config.floatx())


def zeros_like(x: ArrayLike, dtype: Any = None, name: str | None = None) -> Array:
    """Return zeros in the shape of another array."""
    return np.zeros_like(np.asarray(x), dtype=dtype)


def ones_like(x: ArrayLike, dtype: Any = None, name: str | None = None) -> Array:
    """Return ones in the shape of another array."""
    return np.ones_like(np.asarray(x), dtype=dtype)


def constant(
    value: Any, dtype: Any = None, shape: Shape | None = None, name: str | None = None
) -> Array:
    """Return an array of one value or of given ones."""
    array = np.asarray(value, dtype or config.floatx())
    return array if shape is None else np.broadcast_to(array, shape).copy()


def arange(
    start: int, stop: int | None = None, step: int = 1, dtype: Any = "int32"
) -> Array:
    """Return integers in a row."""
    first, last = (0, start) if stop is None else (start, stop)
    return np.asarray(np.arange(first, last, step)).astype(dtype)


def one_hot(indices: ArrayLike, num_classes: int) -> Array:
    """Return vectors with a 1 at the index; zeros for an index outside."""
    labels = np.asarray(indices)[..., np.newaxis]
    found: Array = labels == np.arange(num_classes)
    return found.astype(config.floatx())


def cast(x: ArrayLike, dtype: Any) -> Array:
    """Return numbers of another type."""
    return np.asarray(x).astype(dtype)


def cast_to_floatx(x: ArrayLike) -> Array:
    """Return numbers of the float type of the settings."""
    return np.asarray(x).astype(config.floatx())


def eval(x: ArrayLike) -> Array:
    """Return the numbers, which an array holds already."""
    return np.asarray(x)


# Drawn arrays: by a seed, or anew each time -----------------------------------------


def _drawn(draw: Callable[..., Any], seed: Any, dtype: Any) -> Array:
    return np.asarray(draw(np.random.default_rng(seed))).astype(
        dtype or config.floatx()
    )


def random_normal(
    shape: Shape,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = None,
    seed: int | None = None,
) -> Array:
    """Draw from a normal distribution; without a seed, from fresh entropy."""
    return _drawn(lambda rng: rng.normal(mean, stddev, tuple(shape)), seed, dtype)


def random_uniform(
    shape: Shape,
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: Any = None,
    seed: int | None = None,
) -> Array:
    """Draw evenly from an interval; without a seed, from fresh entropy."""
    return _drawn(lambda rng: rng.uniform(minval, maxval, tuple(shape)), seed, dtype)


def random_binomial(
    shape: Shape, p: float = 0.0, dtype: Any = None, seed: int | None = None
) -> Array:
    """Draw ones with a probability, and zeros; without a seed, from fresh entropy."""
    return _drawn(lambda rng: rng.random(tuple(shape)) < p, seed, dtype)


def truncated_normal(
    shape: Shape,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = None,
    seed: int | None = None,
) -> Array:
    """Draw as `random_normal`, and anew what is two deviations off or more."""

    def draw(rng: np.random.Generator) -> Array:
        values = rng.normal(size=tuple(shape))
        while (far := np.abs(values) >= 2).any():
            values[far] = rng.normal(size=int(far.sum()))
        return mean + stddev * values

    return _drawn(draw, seed, dtype)


# Losses, with the target first ---------------------------------------------------


def categorical_crossentropy(
    target: ArrayLike, output: ArrayLike, from_logits: bool = False, axis: int = -1
) -> Array:
    """Return one crossentropy for each sample."""
    return losses.categorical_crossentropy(
        target, output, from_logits=from_logits, axis=axis
    )


def sparse_categorical_crossentropy(
    target: ArrayLike,
    output: ArrayLike,
    from_logits: bool = False,
    axis: int = -1,
    ignore_class: int | None = None,
) -> Array:
    """Return one crossentropy for each sample, from labels."""
    return losses.sparse_categorical_crossentropy(
        target, output, from_logits, axis, ignore_class
    )


def binary_crossentropy(
    target: ArrayLike, output: ArrayLike, from_logits: bool = False
) -> Array:
    """Return one crossentropy for each number."""
    t, p = np.asarray(target), np.asarray(output)
    return losses.binary_crossentropy(
        t[..., np.newaxis], p[..., np.newaxis], from_logits=from_logits
    )
