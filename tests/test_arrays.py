"""The front door of arrays: what comes in, in which dtype, and what is refused."""

import numpy as np
import pytest
import scipy.sparse
from raising import refuses

from localnet import _arrays, config

CHECKS = {
    "numbers": _arrays.numbers,
    "real_numbers": _arrays.real_numbers,
    "floats": _arrays.floats,
    "reals": _arrays.reals,
    "upstream": lambda name, value: _arrays.upstream(value, (2,), np.dtype("float32")),
}
every_check = pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))


@every_check
def test_text_is_no_number(check):
    with refuses("dy must hold numbers, got dtype <U1"):
        check("dy", ["a", "b"])


@every_check
def test_rows_of_unequal_length_are_no_array(check):
    with refuses(
        "dy must be a rectangular array of numbers, got rows of unequal length"
    ):
        check("dy", [[1.0], [1.0, 2.0]])


@pytest.mark.parametrize("name", ["real_numbers", "reals", "upstream"])
def test_complex_numbers_where_real_ones_are_needed(name):
    with refuses("dy must hold real numbers, got dtype complex128"):
        CHECKS[name]("dy", [1j, 2.0])


@pytest.mark.parametrize("name", ["numbers", "floats"])
def test_complex_numbers_pass_for_the_complex_step(name):
    assert CHECKS[name]("x", [1j, 2.0]).dtype == "complex128"


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@every_check
def test_floats_come_back_as_they_are_or_in_the_dtype_of_y(check, dtype):
    given = np.array([1.5, -2.0], dtype)
    given.flags.writeable = False
    array = check("x", given)
    np.testing.assert_array_equal(array, given)
    if check is CHECKS["upstream"]:
        assert array.dtype == "float32"
    else:
        assert array is given


@pytest.mark.parametrize("floatx", ["float16", "float32", "float64"])
@pytest.mark.parametrize("values", [[1, 2], [True, False]], ids=["int", "bool"])
@pytest.mark.parametrize("name", ["floats", "reals"])
def test_integers_become_floatx(name, values, floatx):
    config.set_floatx(floatx)
    array = CHECKS[name]("x", values)
    assert array.dtype == floatx
    np.testing.assert_array_equal(array, values)


@pytest.mark.parametrize("name", ["numbers", "real_numbers"])
def test_numbers_of_any_kind_keep_it(name):
    big = 2**24 + 1
    array = CHECKS[name]("labels", [big, 0])
    assert array.dtype.kind == "i"
    assert array[0] == big


class TestCast:
    @pytest.mark.parametrize("values", [[1.5, np.inf], [np.nan, -np.inf], [1e-300, 3]])
    def test_keeps_what_the_dtype_can_hold(self, values):
        given = np.array(values)
        found = _arrays.cast("x", given, np.dtype("float32"))
        np.testing.assert_array_equal(found, given.astype("float32"))
        assert found.dtype == "float32"

    def test_copies_nothing_in_vain(self):
        given = np.ones(3)
        assert _arrays.cast("x", given, given.dtype) is given

    @pytest.mark.parametrize(
        ("given", "dtype", "lost"),
        [
            (np.array([np.inf, 1e300]), "float32", "1e+300"),
            (np.array([[1.0], [-7e4]]), "float16", "-70000.0"),
            (np.array([2, 70000]), "float16", "70000"),
        ],
    )
    def test_refuses_to_make_a_number_infinite(self, given, dtype, lost):
        rule = f"x must hold numbers within the range of {dtype}, got {lost}"
        with refuses(rule):
            _arrays.cast("x", given, np.dtype(dtype))


class TestUpstream:
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    @pytest.mark.parametrize("given", ["int64", "float16", "float32", "float64"])
    def test_takes_the_dtype_of_y(self, given, dtype):
        dy = np.array([1, -2], given)
        array = _arrays.upstream(dy, (2,), np.dtype(dtype))
        assert array.dtype == dtype
        np.testing.assert_array_equal(array, dy)

    def test_complex_flows_back_into_complex(self):
        array = _arrays.upstream([1j], (1,), np.dtype("complex128"))
        np.testing.assert_array_equal(array, [1j])

    def test_another_shape(self):
        with refuses("dy must have the shape of y, (2,), got (2, 1)"):
            _arrays.upstream([[1.0], [2.0]], (2,), np.dtype("float32"))

    def test_another_name(self):
        with refuses("dy must have the shape of the values, (), got (1,)"):
            _arrays.upstream([1.0], (), np.dtype("float32"), of="the values")


# Whose array it is ----------------------------------------------------------------


class Tensor:
    """Hands its numbers over by ``__dlpack__`` alone."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **kwargs):
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class Failing:
    """An array whose library refuses to hand it over."""

    def __init__(self, error):
        self.error = error

    def __array__(self, dtype=None, copy=None):
        raise self.error


def test_a_masked_value_is_not_taken_for_a_number():
    masked = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, True])
    with refuses("x must have no masked values, got 2: fill them first"):
        _arrays.numbers("x", masked)
    np.testing.assert_array_equal(_arrays.numbers("x", np.ma.array([1.0])), [1.0])


def test_dlpack_alone_is_enough():
    array = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(_arrays.numbers("x", Tensor(array)), array)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Can't call numpy() on Tensor that requires grad.\nmore"),
        TypeError("Got unsupported ScalarType BFloat16"),
        ValueError("no"),
    ],
    ids=["runtime", "type", "value"],
)
def test_what_a_library_refuses_to_hand_over_is_said(error):
    first = str(error).splitlines()[0]
    with refuses(f"x must be an array of numbers, got a {__name__}.Failing: {first}"):
        _arrays.numbers("x", Failing(error))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({1, 2}, "builtins.set"),
        ({"a": 1}, "builtins.dict"),
        ((i for i in "ab"), "builtins.generator"),
        (scipy.sparse.eye_array(2, format="csr"), "scipy.sparse._csr.csr_array"),
    ],
    ids=["set", "dict", "generator", "sparse"],
)
def test_what_is_no_array_is_named_by_its_type(value, kind):
    with refuses(f"x must be an array of numbers, got a {kind}"):
        _arrays.numbers("x", value)
