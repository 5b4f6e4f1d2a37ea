"""
Exact arithmetic on arrays: integers, all times one power of two.

Every stored number is of this form, and so are sums and products of such numbers. The
integers are 64 bits wide where that is proven to be enough, and Python's own where not.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ..._typing import Array, Shape

__all__ = ["Exact"]

INT64_BITS = 62
# Powers of two of float64: the least of a normal number, and the least of all.
LEAST_NORMAL, SMALLEST = -1022, -1074


def _bits(integers: Array) -> int:
    """Return how many bits the largest magnitude has."""
    if integers.size == 0:
        return 0
    least, largest = np.minimum.reduce, np.maximum.reduce
    ends = int(least(integers, axis=None)), int(largest(integers, axis=None))
    return max(map(int.bit_length, ends))


def _fitting(integers: Array, bits: int) -> Array:
    """Return `integers` in a type that holds results of so many bits."""
    return integers if bits <= INT64_BITS else integers.astype(object)


@dataclass(frozen=True, eq=False)
class Exact:
    """
    An array of exact numbers, ``integers * 2**exponent``.

    Parameters
    ----------
    integers : ndarray of int64 or of Python integers
        One for each number.
    exponent : int
        Of the power of two that they share.
    bound : int, optional
        At least the bits of the largest magnitude, where they are 64 bits wide.
    """

    integers: Array
    exponent: int = 0
    bound: int | None = None

    @classmethod
    def of_integers(cls, integers: list[int], exponent: int) -> "Exact":
        """Return Python's integers times a power of two, in the type that they need."""
        bits = max(map(int.bit_length, integers), default=0)
        wide = bits > INT64_BITS
        return cls(np.array(integers, object if wide else np.int64), exponent, bits)

    @classmethod
    def of(cls, values: Any) -> "Exact":
        """Return finite floats as exact numbers, with the largest common power."""
        values = np.asarray(values, np.float64)
        largest = float(np.abs(values).max(initial=0.0))
        shift = 53 - math.frexp(largest)[1]
        # Most arrays have 53 bits between their first bit and their last.
        integers = np.ldexp(values, shift).astype(np.int64)
        if np.all(np.ldexp(integers.astype(np.float64), -shift) == values):
            every = int(np.bitwise_or.reduce(integers, axis=None))
            twos = (every & -every).bit_length() - 1 if every else shift
            return cls(np.asarray(integers >> twos), twos - shift, max(53 - twos, 0))
        return cls._of_any(values)

    @classmethod
    def _of_any(cls, values: Array) -> "Exact":
        """Return finite floats as exact numbers, however far they are apart."""
        fractions, exponents = np.frexp(values)
        odd = np.ldexp(fractions, 53).astype(np.int64)
        twos = np.log2(np.maximum(odd & -odd, 1)).astype(np.int64)
        odd >>= twos
        exponents = exponents.astype(np.int64) - 53 + twos
        used = exponents[odd != 0]
        lowest = int(used.min()) if used.size else 0
        shifts = np.where(odd != 0, exponents - lowest, 0)
        bits = 53 + int(shifts.max(initial=0))
        return cls(np.asarray(_fitting(odd, bits) << _fitting(shifts, bits)), lowest)

    @property
    def shape(self) -> Shape:
        """Shape of the array."""
        return self.integers.shape

    @cached_property
    def bits(self) -> int:
        """Bits of the largest magnitude."""
        return _bits(self.integers)

    def ones(self) -> "Exact":
        """Return as many ones."""
        return Exact(np.ones(self.shape, np.int64))

    def __getitem__(self, index: Any) -> "Exact":
        return Exact(self.integers[index], self.exponent, self.bound)

    def reshape(self, *shape: Any) -> "Exact":
        """Return the numbers in another shape."""
        return Exact(self.integers.reshape(*shape), self.exponent, self.bound)

    def swapaxes(self, one: int, other: int) -> "Exact":
        """Return the numbers with two axes exchanged."""
        return Exact(self.integers.swapaxes(one, other), self.exponent, self.bound)

    def times_power(self, exponent: int) -> "Exact":
        """Return the numbers times ``2**exponent``."""
        return Exact(self.integers, self.exponent + exponent, self.bound)

    def at(self, exponent: int) -> Array:
        """Return the integers that go with a lower exponent."""
        shift = self.exponent - exponent
        if shift <= 0:  # below 0 for zeros only
            return self.integers
        # NumPy makes a plain int of a 0-d array of Python integers.
        return np.asarray(_fitting(self.integers, self._most(shift)) << shift)

    def _most(self, more: int) -> int:
        """Return a bound on the bits with `more`, the least one if 64 have to do."""
        if self.integers.dtype == object:
            return INT64_BITS + 1  # whatever they are
        if self.bound is None or self.bound + more > INT64_BITS:
            return self.bits + more
        return self.bound + more

    def __mul__(self, other: "Exact") -> "Exact":
        bits = self._most(other._most(0))
        if bits > INT64_BITS:
            bits = self._most(other.bits)
        product = _fitting(self.integers, bits) * _fitting(other.integers, bits)
        return Exact(np.asarray(product), self.exponent + other.exponent, bits)

    def __add__(self, other: "Exact") -> "Exact":
        a, b, exponent = _aligned(self, other)
        bits = max(
            one._most(1 + max(one.exponent - exponent, 0)) for one in (self, other)
        )
        return Exact(np.asarray(_fitting(a, bits) + _fitting(b, bits)), exponent, bits)

    def __neg__(self) -> "Exact":
        return Exact(np.asarray(-self.integers), self.exponent, self.bound)

    def __sub__(self, other: "Exact") -> "Exact":
        return self + -other

    def __abs__(self) -> "Exact":
        return Exact(np.asarray(abs(self.integers)), self.exponent, self.bound)

    def sum(self, axis: int) -> "Exact":
        """Return the sums along an axis."""
        terms = max(self.shape[axis], 1)
        bits = self._most(terms.bit_length())
        integers = _fitting(self.integers, bits)
        total = integers.sum(axis=axis, dtype=integers.dtype)
        return Exact(np.asarray(total), self.exponent, bits)

    def max(self, axis: int) -> "Exact":
        """Return the largest number along an axis, which is kept."""
        largest = self.integers.max(axis=axis, keepdims=True)
        return Exact(largest, self.exponent, self.bound)

    def below(self, other: "Exact") -> Array:
        """Return where this is less than `other`."""
        a, b, _ = _aligned(self, other)
        return np.asarray(a < b, bool)

    def where(self, condition: Array, other: "Exact") -> "Exact":
        """Return this where a condition holds, `other` elsewhere."""
        a, b, exponent = _aligned(self, other)
        return Exact(np.where(condition, a, b), exponent)

    def nearest(self) -> Array:
        """Return the nearest float64 of every number, ties to even."""
        return self._rounded(up=False)

    def upper(self) -> Array:
        """Return the least float64 that is not below, for every number."""
        return self._rounded(up=True)

    def rounded_to(self, bits: int, least: int) -> Array:
        """Return the nearest numbers of a format, subnormal ones too, ties to even."""
        return self._each(bits, least, up=False)

    def _rounded(self, *, up: bool) -> Array:
        if not (self.bits < 1000 and SMALLEST <= self.exponent < 1000 - self.bits):
            return self._each(53, LEAST_NORMAL, up=up)
        # Python, too, rounds an integer correctly, and compares it exactly.
        found = self.integers.astype(np.float64)
        if up and self.bits > 53:
            less = found.astype(object) < self.integers.astype(object)
            found = np.where(less.astype(bool), np.nextafter(found, np.inf), found)
        return np.ldexp(found, self.exponent)

    def _each(self, bits: int, least: int, *, up: bool) -> Array:
        integers = map(int, self.integers.flat)
        values = [_in_format(m, self.exponent, bits, least, up=up) for m in integers]
        return np.array(values, np.float64).reshape(self.shape)


def _in_format(m: int, exponent: int, bits: int, least: int, *, up: bool) -> float:
    """Return ``m * 2**exponent`` as a multiple of what a format's last bit is worth."""
    place = max(exponent + m.bit_length() - bits, least - bits + 1)
    if place > exponent:
        exact = Fraction(m, 2 ** (place - exponent))
        # Python rounds a fraction to the nearest integer, ties to even.
        m, exponent = math.ceil(exact) if up else round(exact), place
    return math.ldexp(float(m), exponent)


def _aligned(one: Exact, other: Exact) -> tuple[Array, Array, int]:
    exponent = min(one.exponent, other.exponent)
    if one.exponent == other.exponent:
        return one.integers, other.integers, exponent
    # Zeros go with every exponent: they must not take bits from the other side.
    if _is_zero(one.integers):
        exponent = other.exponent
    elif _is_zero(other.integers):
        exponent = one.exponent
    return one.at(exponent), other.at(exponent), exponent


def _is_zero(integers: Array) -> bool:
    if integers.size and integers.item(0):
        return False  # as almost always, without a look at the others
    return not integers.any()
