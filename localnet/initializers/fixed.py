"""Initializers without chance: constants and the identity."""

import math

import numpy as np

from .. import _arrays, _validate
from .._typing import Array, ArrayLike, Shape
from .base import Initializer

__all__ = ["Constant", "Identity", "Ones", "Zeros"]


class Zeros(Initializer):
    """
    Fill with 0, the default for biases.

    See Also
    --------
    Constant : Fill with another number.

    Examples
    --------
    >>> Zeros()((2,))
    array([0., 0.], dtype=float32)
    """

    def _draw(
        self, shape: Shape, dtype: np.dtype, rng: np.random.Generator | None
    ) -> Array:
        return np.zeros(shape, dtype)


class Ones(Initializer):
    """
    Fill with 1.

    See Also
    --------
    Constant : Fill with another number.

    Examples
    --------
    >>> Ones()((2,))
    array([1., 1.], dtype=float32)
    """

    def _draw(
        self, shape: Shape, dtype: np.dtype, rng: np.random.Generator | None
    ) -> Array:
        return np.ones(shape, dtype)


class Constant(Initializer):
    """
    Fill with one number, or with given numbers.

    Parameters
    ----------
    value : array_like, default 0
        A number for every entry, or as many numbers as the weight has entries, in C
        order.

    Raises
    ------
    ValueError
        If `value` does not hold numbers; when called, if their count does not fit.

    See Also
    --------
    Zeros : Fill with 0.

    Examples
    --------
    >>> Constant(0.5)((2,))
    array([0.5, 0.5], dtype=float32)
    >>> Constant([1, 2, 3, 4])((2, 2), "float64")
    array([[1., 2.],
           [3., 4.]])
    """

    def __init__(self, value: ArrayLike = 0) -> None:
        array = _arrays.real_numbers("value", value)
        if array.dtype.kind == "b":
            raise ValueError(f"value must hold numbers, got {_validate.shown(value)}")
        self.value = array.tolist()

    def _draw(
        self, shape: Shape, dtype: np.dtype, rng: np.random.Generator | None
    ) -> Array:
        values = np.array(self.value, dtype)
        count = math.prod(shape)
        if values.size == count:
            return values.reshape(shape)
        if values.size == 1:
            return np.full(shape, values.reshape(()))
        raise ValueError(
            f"value must hold 1 or {count} numbers for shape {shape}, got {values.size}"
        )


class Identity(Initializer):
    """
    Make a multiple of the identity matrix.

    Parameters
    ----------
    gain : float, default 1
        The diagonal.

    Raises
    ------
    ValueError
        If `gain` is not finite; when called, if the shape does not have rank 2. The
        kernel of a locally connected layer has rank 3.

    See Also
    --------
    Orthogonal : A random matrix that keeps lengths.

    Examples
    --------
    >>> Identity(2)((2, 3))
    array([[2., 0., 0.],
           [0., 2., 0.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = _validate.number("gain", gain)

    def _draw(
        self, shape: Shape, dtype: np.dtype, rng: np.random.Generator | None
    ) -> Array:
        if len(shape) != 2:
            raise ValueError(f"shape must have rank 2, got {shape}")
        return self.gain * np.eye(*shape, dtype=dtype)
