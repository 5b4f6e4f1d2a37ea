"""Initializers that draw random numbers."""

import math
import warnings
from typing import Any, TypeAlias

import numpy as np

from .. import _validate
from .._typing import Array, Shape
from .base import Initializer
from .draws import normal, stream, truncated_normal, uniform

__all__ = [
    "Orthogonal",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "Seed",
    "TruncatedNormal",
]

Seed: TypeAlias = int | np.random.SeedSequence | None


def _seed(value: Any) -> int | None:
    if isinstance(value, np.random.SeedSequence):
        # A config holds an integer, and 63 bits fit wherever an int64 is read.
        return int(value.generate_state(1, np.uint64)[0]) >> 1
    try:
        return None if value is None else _validate.seed("seed", value)
    except ValueError as error:
        raise ValueError(
            "seed must be None, an integer >= 0 or a SeedSequence, "
            f"got {_validate.shown(value)}"
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
        if rng is not None:
            _validate.generator("rng", rng)
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
                stacklevel=4,  # _generator, _draw, __call__, caller
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
    >>> w = RandomNormal(3.0, 0.5, seed=1)((100, 100))
    >>> print(f"{w.mean():.1f} {w.std():.1f}")
    3.0 0.5
    """

    def __init__(
        self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None
    ) -> None:
        super().__init__(seed)
        self.mean = _validate.number("mean", mean)
        self.stddev = _validate.number("stddev", stddev, minimum=0.0)

    def _draw(
        self, shape: Shape, dtype: np.dtype, rng: np.random.Generator | None
    ) -> Array:
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
    >>> w = RandomUniform(1.0, 3.0, seed=1)((100, 100))
    >>> print(f"{w.min():.1f} {w.max():.1f} {w.std():.2f}")  # 1 / sqrt(3) = 0.58
    1.0 3.0 0.58
    """

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None
    ) -> None:
        super().__init__(seed)
        self.minval = _validate.number("minval", minval)
        self.maxval = _validate.number("maxval", maxval)
        if self.minval > self.maxval:
            raise ValueError(f"minval must be <= maxval {maxval}, got {minval}")

    def _draw(
        self, shape: Shape, dtype: np.dtype, rng: np.random.Generator | None
    ) -> Array:
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
    >>> w = TruncatedNormal(stddev=0.5, seed=1)((400, 400))
    >>> print(f"{abs(w).max():.1f} {w.std() / 0.5:.2f}")
    1.0 0.88
    """

    def __init__(
        self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None
    ) -> None:
        super().__init__(seed)
        self.mean = _validate.number("mean", mean)
        self.stddev = _validate.number("stddev", stddev, minimum=0.0)

    def _draw(
        self, shape: Shape, dtype: np.dtype, rng: np.random.Generator | None
    ) -> Array:
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
    >>> w = Orthogonal(seed=1)((2, 3, 4), "float64").reshape(6, 4)
    >>> np.allclose(w.T @ w, np.eye(4))
    True
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        super().__init__(seed)
        self.gain = _validate.number("gain", gain)

    def _draw(
        self, shape: Shape, dtype: np.dtype, rng: np.random.Generator | None
    ) -> Array:
        if len(shape) < 2:
            raise ValueError(f"shape must have rank 2 or more, got {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        q, r = np.linalg.qr(normal(self._generator(rng), tall, stream(dtype), 0.0, 1.0))
        q *= self.gain * np.sign(np.diagonal(r))
        matrix = q if rows >= columns else q.T
        return matrix.reshape(shape).astype(dtype, order="C", copy=False)
