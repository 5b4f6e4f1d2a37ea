"""Stable formulas against SciPy where they must work, and beyond where others fail."""

import numpy as np
import pytest
import scipy.special
from numpy.testing import assert_allclose, assert_array_equal

from localnet.ops import stable

ALONG = {"softmax": scipy.special.softmax, "log_softmax": scipy.special.log_softmax}
DTYPES = ["float16", "float32", "float64"]


def test_sigmoid_is_expit_to_the_last_digits_even_far_below_zero():
    x = np.linspace(-700.0, 700.0, 1401)
    assert_allclose(stable.sigmoid(x), scipy.special.expit(x), rtol=1e-15)


@pytest.mark.parametrize("axis", [0, -1, (0, 2)], ids=str)
@pytest.mark.parametrize("name", ALONG)
def test_softmax_along_any_axes(name, axis, rng):
    x = rng.normal(size=(2, 3, 4), scale=30.0)
    assert_allclose(getattr(stable, name)(x, axis), ALONG[name](x, axis), rtol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "expected"),
    [("sigmoid", [0, 0.5, 1]), ("softmax", [0, 0, 1]), ("log_softmax", None)],
)
def test_the_largest_numbers_do_not_overflow(name, expected, dtype):
    top = np.finfo(dtype).max / 4
    x = np.array([-top, 0, top], dtype)
    along = () if name == "sigmoid" else (0,)
    y = getattr(stable, name)(x, *along)
    assert y.dtype == dtype
    assert_array_equal(y, [-2 * top, -top, 0] if expected is None else expected)


def test_log_softmax_keeps_what_softmax_rounds_to_zero():
    x = np.array([0.0, -2000.0])
    assert_array_equal(stable.softmax(x, 0), [1.0, 0.0])
    assert_array_equal(stable.log_softmax(x, 0), [0.0, -2000.0])


def test_softmax_over_an_axis_without_entries():
    assert stable.softmax(np.zeros((3, 0)), -1).shape == (3, 0)


@pytest.mark.parametrize("name", ALONG)
def test_a_batch_of_no_samples(name):
    assert getattr(stable, name)(np.zeros((0, 3)), -1).shape == (0, 3)


@pytest.mark.parametrize("name", ["sigmoid", *ALONG])
def test_the_argument_is_left_alone(name, rng):
    x = rng.normal(size=(2, 3))
    x.flags.writeable = False
    along = () if name == "sigmoid" else (-1,)
    y = getattr(stable, name)(x, *along)
    assert not np.shares_memory(x, y)


def test_sigmoid_passes_a_complex_step():
    x, h = np.array([-3.0, -0.5, 0.5, 40.0]), 1e-200
    slope = stable.sigmoid(x + 1j * h).imag / h
    expected = scipy.special.expit(x) * scipy.special.expit(-x)
    assert_allclose(slope, expected, rtol=1e-14)
