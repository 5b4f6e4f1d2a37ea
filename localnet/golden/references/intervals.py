"""
Intervals that enclose a real number, in integer arithmetic.

An interval is ``[low, high] / 2**bits`` with integers; every operation rounds its lower
end down and its upper end up. The functions that activations need are built on that,
each from a series whose rest is bounded. Nothing here depends on a mathematical library
or on the machine.
"""

import math
from dataclasses import dataclass
from functools import cache, lru_cache

__all__ = ["Interval"]

PARTS = 64  # of 1, between which a logarithm is that of a part and a short series


@dataclass(frozen=True, slots=True)
class Interval:
    """
    All real numbers from ``low / 2**bits`` to ``high / 2**bits``.

    Parameters
    ----------
    low, high : int
        The ends.
    bits : int
        Places behind the binary point; those of both operands must agree.
    """

    low: int
    high: int
    bits: int

    @classmethod
    def of(cls, value: int, exponent: int, bits: int) -> "Interval":
        """Return ``value * 2**exponent``, which must have a place for every bit."""
        shift = exponent + bits
        if shift < 0:
            raise ValueError(f"bits must be >= {-exponent}, got {bits}")
        return cls(value << shift, value << shift, bits)

    def number(self, value: int) -> "Interval":
        """Return an integer in the precision of this interval."""
        return Interval(value << self.bits, value << self.bits, self.bits)

    def __neg__(self) -> "Interval":
        return Interval(-self.high, -self.low, self.bits)

    def __add__(self, other: "Interval | int") -> "Interval":
        b = self._operand(other)
        return Interval(self.low + b.low, self.high + b.high, self.bits)

    __radd__ = __add__

    def __sub__(self, other: "Interval | int") -> "Interval":
        return self + -self._operand(other)

    def __rsub__(self, other: int) -> "Interval":
        return -self + other

    def __mul__(self, other: "Interval | int") -> "Interval":
        b = self._operand(other)
        if self.low >= 0 <= b.low:  # by far the most frequent
            high = -(-self.high * b.high >> self.bits)
            return Interval(self.low * b.low >> self.bits, high, self.bits)
        products = (
            self.low * b.low,
            self.low * b.high,
            self.high * b.low,
            self.high * b.high,
        )
        low, high = min(products), max(products)
        return Interval(low >> self.bits, -(-high >> self.bits), self.bits)

    __rmul__ = __mul__

    def __truediv__(self, other: "Interval | int") -> "Interval":
        if isinstance(other, int) and other > 0:
            return Interval(self.low // other, -(-self.high // other), self.bits)
        b = self._operand(other)
        if b.low <= 0 <= b.high:
            raise ZeroDivisionError("an interval must not be divided by one with 0")
        low, high = self.low << self.bits, self.high << self.bits
        if b.low > 0:
            low //= b.high if low >= 0 else b.low
            high = -(-high // (b.low if high >= 0 else b.high))
            return Interval(low, high, self.bits)
        ends = (low, high)
        low = min(a // b_end for a in ends for b_end in (b.low, b.high))
        high = max(-(-a // b_end) for a in ends for b_end in (b.low, b.high))
        return Interval(low, high, self.bits)

    def __rtruediv__(self, other: int) -> "Interval":
        return self.number(other) / self

    def _operand(self, other: "Interval | int") -> "Interval":
        return self.number(other) if isinstance(other, int) else other

    def exp(self) -> "Interval":
        """Return the exponential function of all numbers of the interval."""
        low = _exp(self.low, self.bits)
        if self.low == self.high:
            return low
        return Interval(low.low, _exp(self.high, self.bits).high, self.bits)

    def log(self) -> "Interval":
        """Return the natural logarithm of all numbers of the interval, above 0."""
        found = _log(self.low, self.bits)
        # The curve lies below its tangent at the lower end.
        rise = -(-((self.high - self.low) << self.bits) // self.low)
        return Interval(found.low, found.high + rise, self.bits)

    def normal_density(self) -> "Interval":
        """Return the density of the standard normal distribution."""
        squares = self * self
        below_zero = max(squares.low, 0)
        half = Interval(below_zero, squares.high, self.bits) / 2
        return (-half).exp() / _root_of_two_pi(self.bits)

    def normal_distribution(self) -> "Interval":
        """Return the distribution function of the standard normal distribution."""
        low, high = (_phi(end, self.bits) for end in (self.low, self.high))
        return Interval(low.low, high.high, self.bits)


def _point(value: int, bits: int) -> Interval:
    return Interval(value, value, bits)


@lru_cache(maxsize=4096)  # value and slope of an activation take the same ones
def _exp(value: int, bits: int) -> Interval:
    """Return exp of one number: a Taylor series near 0, squared again and again."""
    if value == 0:
        return _point(1 << bits, bits)  # exactly, so that tanh of 0 is 0
    if value < -(bits << bits):
        return Interval(0, 1, bits)  # less than the last place, since e > 2
    if value < 0:
        # The reciprocal keeps all its places, since exp of the opposite exceeds 1.
        return 1 / _exp(-value, bits)
    # About as many squarings as terms of the series.
    halvings = max(0, value.bit_length() - bits + 2 + math.isqrt(bits) // 2)
    # Each squaring doubles the relative error, and the value itself may be large.
    work = bits + 2 * halvings + 2 * (value >> bits) + 16
    x = value << (work - bits)
    least, most = x >> halvings, -(-x >> halvings)
    low = high = term_low = term_high = 1 << work
    count = 0
    while term_high > 1:
        count += 1
        term_low = (term_low * least >> work) // count
        term_high = -((-term_high * most >> work) // count)
        low, high = low + term_low, high + term_high
    # x < 1, so that the terms left out sum to less than the last one, which is tiny.
    high += term_high + 1
    for _ in range(halvings):
        low, high = low * low >> work, -(-high * high >> work)
    return _narrowed(Interval(low, high, work), bits)


@lru_cache(maxsize=4096)
def _log(value: int, bits: int) -> Interval:
    """Return log of one number: log(m*2**k) = log(m/c) + log c + k*log 2, c near m."""
    if value <= 0:
        raise ValueError(f"value must be > 0, got {value}")
    k = value.bit_length() - 1 - bits
    work = (max(bits, value.bit_length()) + 32 | 63) + 1  # few, for what is kept
    m = Interval.of(value, -bits - k, work)
    part = (m.low * PARTS >> work) + 1  # c is that many parts of 1
    near = _log_near_one(m * PARTS / part) + _log_of_part(part, work)
    return _narrowed(near + _log_of_two(work) * k, bits)


def _log_near_one(m: Interval) -> Interval:
    """Return log m for 1/2 <= m <= 2, as 2 atanh((m - 1)/(m + 1))."""
    t = (m - 1) / (m + 1)
    return 2 * _odd_series(t, t * t)


@cache
def _log_of_two(bits: int) -> Interval:
    return _log_near_one(_point(2 << bits, bits))


@cache
def _log_of_part(part: int, bits: int) -> Interval:
    return _log_near_one(_point(part << bits, bits) / PARTS)


def _odd_series(t: Interval, square: Interval) -> Interval:
    """Return t + t square/3 + t square**2/5 + ... for |t|, |square| <= 1/4."""
    least, most = _sizes(t)
    factor_low, factor_high = _sizes(square)
    low, high, odd = least, most, 1
    while most > 1:
        least = least * factor_low >> t.bits
        most = -(-most * factor_high >> t.bits)
        odd += 2
        same = square.low >= 0 or odd % 4 == 1
        term_low, term_high = least // odd, -(-most // odd)
        low += term_low if same else -term_high
        high += term_high if same else -term_low
    rest = 2 * most + 1
    low, high = low - rest, high + rest
    return Interval(low, high, t.bits) if t.low >= 0 else Interval(-high, -low, t.bits)


def _sizes(one: Interval) -> tuple[int, int]:
    """Return the ends of the magnitudes of numbers that have one sign."""
    return (one.low, one.high) if one.low >= 0 else (-one.high, -one.low)


@cache
def _pi(bits: int) -> Interval:
    """Return pi by Machin's formula, 16 atan(1/5) - 4 atan(1/239)."""
    one = _point(1 << bits, bits)

    def atan_of_inverse(n: int) -> Interval:
        return _odd_series(one / n, -one / (n * n))

    return 16 * atan_of_inverse(5) - 4 * atan_of_inverse(239)


@cache
def _root_of_two_pi(bits: int) -> Interval:
    square = 2 * _pi(bits)
    return Interval(
        math.isqrt(square.low << bits), math.isqrt(square.high << bits) + 1, bits
    )


@lru_cache(maxsize=4096)
def _phi(value: int, bits: int) -> Interval:
    """Return the normal distribution function: 1/2 + density * (z + z**3/3 + ...)."""
    if value < 0:
        return 1 - _phi(-value, bits)
    if 7 * (value >> bits) ** 2 > 10 * bits:
        # 1 - phi < exp(-z**2/2) < 2**(-0.7 z**2), less than the last place.
        return Interval((1 << bits) - 1, 1 << bits, bits)
    # The series grows like exp(z**2/2), the density falls like it.
    work = bits + 32 + 2 * ((value >> bits) + 1) ** 2
    z = _point(value << (work - bits), work)
    square = z * z
    low = high = term_low = term_high = z.low
    odd = 1
    # The terms z**(2i+1)/(1*3*5...) fall by more than half once odd > 2*z**2.
    while term_high > 1 or odd << work <= 2 * square.high:
        odd += 2
        term_low = (term_low * square.low >> work) // odd
        term_high = -((-term_high * square.high >> work) // odd)
        low, high = low + term_low, high + term_high
    total = Interval(low, high + term_high + 1, work)
    return _narrowed(z.number(1) / 2 + z.normal_density() * total, bits)


def _narrowed(wide: Interval, bits: int) -> Interval:
    """Return an interval with fewer places around a wider one."""
    drop = wide.bits - bits
    return Interval(wide.low >> drop, -(-wide.high >> drop), bits)
