"""The exact core of the golden suite: integers, intervals, the generator."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localnet.golden.cases.lehmer import Draw, states
from localnet.golden.references.activations import SMOOTH
from localnet.golden.references.exact import Exact
from localnet.golden.references.intervals import Interval

mpmath = pytest.importorskip("mpmath")

dyadics = st.builds(
    lambda m, e: math.ldexp(m, e), st.integers(-(2**53), 2**53), st.integers(-200, 200)
)
wide_integers = st.integers(-(2**200), 2**200)


def fractions(exact):
    return [
        Fraction(int(m)) * Fraction(2) ** exact.exponent for m in exact.integers.flat
    ]


@given(st.lists(dyadics, min_size=1, max_size=5), st.lists(dyadics, min_size=1))
def test_exact_is_exact(a, b):
    b = (b * 5)[: len(a)]
    one, other = Exact.of(a), Exact.of(b)
    assert fractions(one) == [Fraction(v) for v in a]
    assert fractions(one + other) == [
        Fraction(v) + Fraction(w) for v, w in zip(a, b, strict=True)
    ]
    assert fractions(one * other) == [
        Fraction(v) * Fraction(w) for v, w in zip(a, b, strict=True)
    ]
    assert fractions(one.sum(0)) == [sum(map(Fraction, a))]
    assert list(one.below(other)) == [v < w for v, w in zip(a, b, strict=True)]


@given(wide_integers, st.integers(-300, 300) | st.integers(-1300, -1000))
def test_rounding_is_right(m, exponent):
    exact = Exact(np.array([m], object), exponent)
    value = Fraction(m) * Fraction(2) ** exponent
    [near], [up] = exact.nearest(), exact.upper()
    assert near == float(value)  # Python divides integers correctly rounded
    assert Fraction(up) >= value
    assert value == 0 or Fraction(math.nextafter(up, -math.inf)) < value


FUNCTIONS = {
    "exp": (Interval.exp, mpmath.exp, -50, 50),
    "log": (Interval.log, mpmath.log, 1e-9, 1e9),
    "density": (Interval.normal_density, mpmath.npdf, -20, 20),
    "distribution": (Interval.normal_distribution, mpmath.ncdf, -20, 20),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@given(data=st.data(), bits=st.sampled_from([96, 200]))
def test_intervals_hold_the_function_and_little_more(name, data, bits):
    ours, theirs, low, high = FUNCTIONS[name]
    x = data.draw(st.floats(low, high, allow_subnormal=False))
    number = Fraction(x)
    if number.denominator.bit_length() - 1 > bits:
        return  # has no place for all bits of the argument
    point = Interval.of(number.numerator, 1 - number.denominator.bit_length(), bits)
    found = ours(point)
    with mpmath.workdps(400):
        value = theirs(mpmath.mpf(x)) * mpmath.mpf(2) ** bits
        assert found.low <= value <= found.high
        assert found.high - found.low <= 8 + abs(value) * mpmath.mpf(2) ** -60


@given(st.lists(st.integers(-1000, 1000), min_size=4, max_size=4), st.integers(4, 30))
def test_interval_arithmetic_holds_every_result(ends, bits):
    a = Interval(min(ends[:2]), max(ends[:2]), bits)
    b = Interval(min(ends[2:]), max(ends[2:]), bits)
    unit = 2**bits
    for x in (a.low, a.high):
        for y in (b.low, b.high):
            x_, y_ = Fraction(x, unit), Fraction(y, unit)
            results = {a + b: x_ + y_, a - b: x_ - y_, a * b: x_ * y_, 3 - a: 3 - x_}
            if not b.low <= 0 <= b.high:
                results[a / b] = x_ / y_
            for interval, value in results.items():
                assert interval.low <= value * unit <= interval.high


def test_dividing_by_an_interval_around_zero_is_refused():
    with pytest.raises(ZeroDivisionError, match="with 0"):
        Interval(1, 1, 8) / Interval(-1, 1, 8)


@pytest.mark.parametrize("name", SMOOTH)
def test_value_slope_and_curvature(name):
    value, slope, curvature, _, _ = SMOOTH[name]
    bits, steps = 160, np.append(np.linspace(-12, 12, 97), [0.01, -0.01, 0.66])
    step = 2.0**-30
    slopes, values, middles = [], [], []
    for z in steps:
        if abs(z) < 1e-6:
            continue  # selu and the curvature of elu jump there
        points = [
            Interval.of(round(z * 2**40) + d, -40, bits) for d in (-1024, 0, 1024)
        ]
        slopes.append([slope(p).high / 2**bits for p in points])
        values.append([value(p).high / 2**bits for p in points])
        middles.append(z)
    slopes, values = np.array(slopes), np.array(values)
    scale = np.maximum(np.abs(values[:, 1]), 1)
    by_difference = (values[:, 2] - values[:, 0]) / (2 * step)
    # float64 differences: eps/step and step**2
    assert np.all(np.abs(by_difference - slopes[:, 1]) < 1e-6 * scale)
    seconds = np.abs(slopes[:, 2] - slopes[:, 0]) / (2 * step)
    if curvature is None:
        np.testing.assert_allclose(seconds, slopes[:, 1], rtol=1e-4, atol=1e-6)
    else:
        assert seconds.max() <= curvature + 2e-6
        assert seconds.max() > 0.85 * curvature  # and not for nothing


def test_generator_is_minimal_standard():
    values, s = [], 12345
    for _ in range(1000):
        s = 48271 * s % (2**31 - 1)
        values.append(s)
    assert states(12345, 1000).tolist() == values


def test_draw_follows_its_rule():
    draw = Draw(seed=7, low=3, step=2, count=5, exponent=-1)
    d = [s % 10 for s in states(7, 6).tolist()]
    expected = [(-1 if v % 2 else 1) * (3 + 2 * (v // 2)) for v in d]
    assert draw.integers((2, 3)).ravel().tolist() == expected

    wide = Draw(seed=7, low=0, step=1, count=2**52, exponent=0, positive=True)
    s = states(7, 4).tolist()
    assert wide.integers((2,)).tolist() == [
        (s[2 * i] * 2**31 + s[2 * i + 1]) % 2**53 // 2 for i in range(2)
    ]
    turned = Draw(7, 1, 1, 9, 0, alternating=True).integers((2, 5, 3))
    assert np.array_equal(turned[:, 1::2], -turned[:, :4:2])
