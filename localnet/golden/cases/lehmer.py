"""
The generator of all inputs: integers, so that any machine can make them again.

A 31-bit Lehmer generator: ``s <- 48271*s mod (2**31 - 1)``, which a microcontroller can
do, drives `Draw`, which turns the states into integers times a power of two.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from ..._typing import Array, Shape

__all__ = ["MODULUS", "MULTIPLIER", "RULE", "WIDE", "Draw", "states"]

MULTIPLIER = 48271
MODULUS = 2**31 - 1
# The rule of `Draw`, for the manifest.
RULE = (
    "s[0] = multiplier*seed mod modulus, s[i+1] = multiplier*s[i] mod modulus. Element "
    "i of an array in C order: d = s[i] mod 2*count, or (s[2i]*2**31 + s[2i+1]) mod "
    "2*count if count >= 2**24; value = (low + step*(d div 2)) * 2**exponent, negative "
    "if d is odd, unless positive. If alternating, odd places of the kernel's K axis "
    "then become minus the place before."
)
# From so many values on, one state has too few bits, and two make one number.
WIDE = 2**24


def states(seed: int, count: int) -> Array:
    """
    Return the first states that follow a seed.

    Parameters
    ----------
    seed : int
        From 1 to ``MODULUS - 1``.
    count : int
        How many.

    Returns
    -------
    ndarray of int64, shape (count,)
        ``s[0] = 48271*seed mod (2**31 - 1)``, and so on.

    Examples
    --------
    The C++ standard fixes the 10000th state of ``minstd_rand`` after seed 1:

    >>> int(states(1, 10000)[-1])
    399268537
    """
    return seed * _powers(max(count - 1, 0).bit_length())[:count] % MODULUS


@cache
def _powers(doublings: int) -> Array:
    """Return the first ``2**doublings`` powers of the multiplier, from the first on."""
    if doublings == 0:
        return np.array([MULTIPLIER], np.int64)
    half = _powers(doublings - 1)
    return np.concatenate([half, half * half[-1] % MODULUS])


@dataclass(frozen=True)
class Draw:
    """
    How one array follows from the states of the generator.

    With ``d`` the state modulo ``2*count``, the value is ``low + step*(d // 2)``,
    negative where ``d`` is odd, times ``2**exponent``. From ``count = 2**24`` on, ``d``
    is ``s[2*i]*2**31 + s[2*i + 1]`` modulo ``2*count``.

    Parameters
    ----------
    seed : int
        Where the generator starts.
    low, step, count : int
        Magnitudes ``low``, ``low + step``, ... before the power of two.
    exponent : int
        The power of two.
    positive : bool
        Whether the sign is dropped.
    alternating : bool
        For a kernel: odd places of its K axis repeat the one before with the sign
        turned, so that sums cancel.
    """

    seed: int
    low: int
    step: int
    count: int
    exponent: int
    positive: bool = False
    alternating: bool = False

    def integers(self, shape: Shape) -> Array:
        """Return the values of an array, before the power of two."""
        return self._drawn(shape)[0]

    def values(self, shape: Shape) -> Array:
        """Return the values of an array as float64; a negative 0 keeps its sign."""
        integers, negative = self._drawn(shape)
        floats = np.ldexp(integers.astype(np.float64), self.exponent)
        return np.where((integers == 0) & negative, -0.0, floats)

    def _drawn(self, shape: Shape) -> tuple[Array, Array]:
        """Return the integers, and which of them have a minus sign."""
        size = int(np.prod(shape, dtype=np.int64))
        if self.count < WIDE:
            d = states(self.seed, size)
        else:
            pairs = states(self.seed, 2 * size).reshape(size, 2)
            d = pairs[:, 0] * 2**31 + pairs[:, 1]
        d = (d % (2 * self.count)).reshape(shape)
        values = self.low + self.step * (d >> 1)
        negative = np.zeros(shape, bool) if self.positive else d & 1 == 1
        np.negative(values, out=values, where=negative)
        if self.alternating:
            odd = values[:, 1::2]
            odd[...] = -values[:, : 2 * odd.shape[1] : 2]
        return values, negative
