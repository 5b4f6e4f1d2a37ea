"""Initializers that draw random numbers."""

import math
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import _validate
from .._typing import Array, DTypeLike
from ._base import Initializer, as_dtype, as_shape
from ._draws import normal, stream, truncated_normal, uniform

__all__ = [
    "Orthogonal",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
]

Seed = int | np.random.SeedSequence | None


def _seed(value: Any) -> int | None:
    if isinstance(value, np.random.SeedSequence):
        # A config holds an integer, and 63 bits fit wherever an int64 is read.
        return int(value.generate_state(1, np.uint64)[0]) >> 1
    try:
        return None if value is None else _validate.integer("seed", value, minimum=0)
    except ValueError as error:
        raise ValueError(
            f"seed must be None, an integer >= 0 or a SeedSequence, got {value!r}"
        ) from error


class RandomInitializer(Initializer):
    """
    Base of the initializers that draw random numbers.

    Parameters
    ----------
    seed : int, SeedSequence or None, default None
        Where the numbers come from. A SeedSequence is reduced to an integer, so that
        the config can be written as JSON.

    Raises
    ------
    ValueError
        If `seed` is of another kind; when called, if `rng` is not a Generator.

    Warns
    -----
    UserWarning
        When an object without a seed is called without `rng` for the second time.

    Notes
    -----
    The source of a call is, in this order: the `seed`, which gives the same numbers
    in every call; the `rng` of the call, which is advanced; entropy that the object
    draws once, so that it repeats itself as in Keras, and warns.
    """

    def __init__(self, seed: Seed = None) -> None:
        self.seed = _seed(seed)
        self._entropy: int | None = None

    def _generator(self, rng: np.random.Generator | None) -> np.random.Generator:
        if rng is not None and not isinstance(rng, np.random.Generator):
            raise ValueError(f"rng must be a numpy.random.Generator, got {rng!r}")
        if self.seed is not None:
            return np.random.default_rng(self.seed)
        if rng is not None:
            return rng
        if self._entropy is None:
            self._entropy = _seed(np.random.SeedSequence())
        else:
            warnings.warn(
                f"{type(self).__name__} has no seed and was called before: it repeats "
                "its values; give it a seed or make one initializer for each weight",
                stacklevel=3,
            )
        return np.random.default_rng(self._entropy)


class RandomNormal(RandomInitializer):
    """
    Draw from a normal distribution.

    Parameters
    ----------
    mean, stddev : float, default 0.0 and 0.05
        Of the distribution; `stddev` is not negative.
    seed : int, SeedSequence or None, default None
        Source of the numbers; without it, the ``rng`` of the call is used.

    Raises
    ------
    ValueError
        If an argument breaks these rules.

    See Also
    --------
    TruncatedNormal : Without the tails.

    Examples
    --------
    >>> RandomNormal(seed=1)((4, 3)).shape
    (4, 3)
    """

    def __init__(
        self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None
    ) -> None:
        super().__init__(seed)
        self.mean = _validate.number("mean", mean)
        self.stddev = _validate.number("stddev", stddev, minimum=0.0)

    def __call__(
        self,
        shape: Iterable[int],
        dtype: DTypeLike | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """Return an array of draws."""
        shape, dtype = as_shape(shape), as_dtype(dtype)
        return normal(self._generator(rng), shape, dtype, self.mean, self.stddev)


class RandomUniform(RandomInitializer):
    """
    Draw evenly between two numbers.

    Parameters
    ----------
    minval, maxval : float, default -0.05 and 0.05
        The ends of the interval.
    seed : int, SeedSequence or None, default None
        Source of the numbers; without it, the ``rng`` of the call is used.

    Raises
    ------
    ValueError
        If an argument breaks these rules.

    See Also
    --------
    RandomNormal : Draws with the same spread have ``stddev = maxval / sqrt(3)``.

    Examples
    --------
    >>> w = RandomUniform(0.0, 2.0, seed=1)((4, 3))
    >>> bool(w.min() >= 0 and w.max() <= 2)
    True
    """

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None
    ) -> None:
        super().__init__(seed)
        self.minval = _validate.number("minval", minval)
        self.maxval = _validate.number("maxval", maxval)

    def __call__(
        self,
        shape: Iterable[int],
        dtype: DTypeLike | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """Return an array of draws."""
        shape, dtype = as_shape(shape), as_dtype(dtype)
        return uniform(self._generator(rng), shape, dtype, self.minval, self.maxval)


class TruncatedNormal(RandomInitializer):
    """
    Draw from a normal distribution, again and again until within 2 `stddev`.

    Parameters
    ----------
    mean, stddev : float, default 0.0 and 0.05
        Of the distribution before it is cut; `stddev` is not negative.
    seed : int, SeedSequence or None, default None
        Source of the numbers; without it, the ``rng`` of the call is used.

    Raises
    ------
    ValueError
        If an argument breaks these rules.

    See Also
    --------
    RandomNormal : With the tails.
    VarianceScaling : Corrects for the cut.

    Notes
    -----
    Cutting the tails leaves a standard deviation of 0.8796 `stddev`. As in Keras, it is
    not corrected here, while `VarianceScaling` does correct it.

    Examples
    --------
    >>> w = TruncatedNormal(stddev=1.0, seed=1)((1000,))
    >>> bool(abs(w).max() <= 2)
    True
    """

    def __init__(
        self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None
    ) -> None:
        super().__init__(seed)
        self.mean = _validate.number("mean", mean)
        self.stddev = _validate.number("stddev", stddev, minimum=0.0)

    def __call__(
        self,
        shape: Iterable[int],
        dtype: DTypeLike | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """Return an array of draws."""
        shape, dtype = as_shape(shape), as_dtype(dtype)
        return truncated_normal(
            self._generator(rng), shape, dtype, self.mean, self.stddev
        )


class Orthogonal(RandomInitializer):
    """
    Draw a matrix with orthonormal columns, or rows if there are fewer of them.

    Parameters
    ----------
    gain : float, default 1.0
        Length of the vectors.
    seed : int, SeedSequence or None, default None
        Source of the numbers; without it, the ``rng`` of the call is used.

    Raises
    ------
    ValueError
        If an argument breaks these rules; when called, if the shape has a rank
        below 2.

    See Also
    --------
    Identity : The orthogonal matrix without chance.

    Notes
    -----
    The matrix has ``prod(shape[:-1])`` rows and ``shape[-1]`` columns. It is the Q of a
    normal matrix; with its columns multiplied by the signs of the diagonal of R, it is
    uniformly distributed over the orthogonal matrices [1]_.

    References
    ----------
    .. [1] F. Mezzadri, "How to generate random matrices from the classical compact
       groups", Notices of the AMS 54(5), 2007, arXiv:math-ph/0609050.

    Examples
    --------
    >>> import numpy as np
    >>> w = Orthogonal(seed=1)((2, 3, 4), "float64").reshape(6, 4)
    >>> np.allclose(w.T @ w, np.eye(4))
    True
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        super().__init__(seed)
        self.gain = _validate.number("gain", gain)

    def __call__(
        self,
        shape: Iterable[int],
        dtype: DTypeLike | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """Return an orthogonal matrix in the given shape."""
        shape, dtype = as_shape(shape), as_dtype(dtype)
        if len(shape) < 2:
            raise ValueError(f"shape must have rank 2 or more, got {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        q, r = np.linalg.qr(normal(self._generator(rng), tall, stream(dtype), 0.0, 1.0))
        q *= self.gain * np.sign(np.diagonal(r))
        matrix = q if rows >= columns else q.T
        return matrix.reshape(shape).astype(dtype, order="C", copy=False)
