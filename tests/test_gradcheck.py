"""
The checker is checked: right gradients pass, planted bugs do not.

The pairs under test are small stand-ins with plain loops; only the last section puts
the project's own pairs and layers through it.
"""

import copy
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from raising import refuses
from strategies import local_conv_problems

from localnet import activations, layers, models, ops
from localnet.geometry import Geometry
from localnet.gradcheck import (
    ArgumentCheck,
    Entry,
    GradientReport,
    check_layer,
    check_model,
    check_op,
    dot_test,
    v_curve,
)
from localnet.ops import local_conv_backward, local_conv_forward

SEEDS = st.integers(0, 2**32 - 1)
REFUSAL = (
    "method must be 'central' for a map that refuses complex numbers, got 'complex': "
)


class ConvCache(NamedTuple):
    padded: np.ndarray
    kernel: np.ndarray
    stride: int
    before: int
    length: int


class ConvGrads(NamedTuple):
    dx: np.ndarray
    dkernel: np.ndarray
    dbias: np.ndarray


def conv_forward(x, kernel, bias, *, stride=2, before=1):
    """Convolve x (N, W) with an unshared kernel (L, R, F) and bias (L, F)."""
    padded = np.pad(x, ((0, 0), (before, before)))
    locations, taps, _ = kernel.shape
    fields = [padded[:, p * stride : p * stride + taps] for p in range(locations)]
    y = np.stack([f @ k for f, k in zip(fields, kernel, strict=True)], axis=1) + bias
    return y, ConvCache(padded, kernel, stride, before, x.shape[1])


def conv_backward(dy, cache):
    padded, kernel, stride, before, length = cache
    locations, taps, _ = kernel.shape
    dpadded, dkernel = np.zeros_like(padded), np.zeros_like(kernel)
    for p in range(locations):
        field = slice(p * stride, p * stride + taps)
        dpadded[:, field] += dy[:, p] @ kernel[p].T
        dkernel[p] = padded[:, field].T @ dy[:, p]
    return ConvGrads(dpadded[:, before : before + length], dkernel, dy.sum(axis=0))


def conv_arguments(seed=0, dtype=float):
    """N = L = 4 and R = F = 3, so that most mistakes keep every shape."""
    rng = np.random.default_rng(seed)
    shapes = (4, 7), (4, 3, 3), (4, 3)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def rows(report):
    return {check.name: check for check in report.checks}


def failing(report):
    return {check.name for check in report.checks if check.verdict.startswith("FAIL")}


def with_cache(**changes):
    return lambda dy, cache: conv_backward(dy, cache._replace(**changes))


def with_dy(change):
    return lambda dy, cache: conv_backward(change(dy), cache)


def with_grads(**changes):
    def backward(dy, cache):
        grads = conv_backward(dy, cache)
        return grads._replace(
            **{name: change(getattr(grads, name)) for name, change in changes.items()}
        )

    return backward


def transposed_kernel(dy, cache):
    return conv_backward(dy, cache)._replace(
        dx=conv_backward(dy, cache._replace(kernel=cache.kernel.swapaxes(1, 2))).dx
    )


def spoil(index, factor):
    def change(gradient):
        spoiled = gradient.copy()
        spoiled[index] *= factor
        return spoiled

    return change


def shared(dkernel):
    return np.broadcast_to(dkernel.sum(axis=0), dkernel.shape)


ALL = {"x", "kernel", "bias"}
BUGS = {
    "transposed kernel": (transposed_kernel, {"x"}),
    "wrong stride": (with_cache(stride=1), {"x", "kernel"}),
    "missing pad crop": (with_cache(before=0), {"x"}),
    "crop off by one": (with_cache(before=2), {"x"}),
    "flipped dy": (with_dy(lambda dy: dy[:, ::-1]), ALL),
    "dy of another sample": (with_dy(lambda dy: dy[::-1]), {"x", "kernel"}),
    "dy replaced by ones": (with_dy(np.ones_like), ALL),
    "dy replaced by its mean": (with_dy(lambda dy: np.full_like(dy, dy.mean())), ALL),
    "bias over the wrong axis": (
        lambda dy, cache: conv_backward(dy, cache)._replace(dbias=dy.sum(axis=1)),
        {"bias"},
    ),
    "bias summed over locations": (
        lambda dy, cache: conv_backward(dy, cache)._replace(dbias=dy.sum(axis=(0, 1))),
        {"bias"},
    ),
    "bias without the last sample": (
        lambda dy, cache: conv_backward(dy, cache)._replace(dbias=dy[:-1].sum(axis=0)),
        {"bias"},
    ),
    "scaled by batch": (with_dy(lambda dy: dy / len(dy)), ALL),
    "dkernel shared over positions": (with_grads(dkernel=shared), {"kernel"}),
    "sign error": (with_grads(dx=np.negative), {"x"}),
    "off-by-one tap": (with_grads(dkernel=lambda d: np.roll(d, 1, axis=1)), {"kernel"}),
    "off-by-one location": (
        with_grads(dkernel=lambda d: np.roll(d, 1, axis=0)),
        {"kernel"},
    ),
    "zero gradient": (with_grads(dbias=np.zeros_like), {"bias"}),
    "one entry wrong by a millionth": (
        with_grads(dkernel=spoil((2, 1, 0), 1 + 1e-6)),
        {"kernel"},
    ),
    "not a number": (with_grads(dx=lambda d: d * np.nan), {"x"}),
    "infinite": (with_grads(dx=spoil((1, 2), np.inf)), {"x"}),
    "stale input": (
        lambda dy, cache: conv_backward(dy, cache._replace(padded=2 * cache.padded)),
        {"kernel"},
    ),
}


# Planted bugs ------------------------------------------------------------------------


@pytest.mark.parametrize(("backward", "guilty"), BUGS.values(), ids=BUGS)
@pytest.mark.parametrize(
    "settings", [{}, {"step": 1.0}, {"method": "complex"}], ids=str
)
def test_a_planted_bug_is_rejected_and_pinned_on_its_argument(
    backward, guilty, settings
):
    report = check_op(conv_forward, backward, conv_arguments(), **settings)
    assert not report
    assert failing(report) == guilty
    assert {check.name for check in report.checks if check.passed} == ALL - guilty


def test_flipped_dy_is_invisible_under_ones_and_rejected_here():
    y, cache = conv_forward(*conv_arguments())
    flipped, guilty = BUGS["flipped dy"]
    ones = np.ones_like(y)
    for wrong, right in zip(
        flipped(ones, cache), conv_backward(ones, cache), strict=True
    ):
        assert_array_equal(wrong, right)
    assert failing(check_op(conv_forward, flipped, conv_arguments())) == guilty


@given(seed=SEEDS, bug=st.sampled_from(sorted(BUGS)))
def test_no_seed_lets_a_bug_through(seed, bug):
    backward, guilty = BUGS[bug]
    report = check_op(conv_forward, backward, conv_arguments(seed), rng=seed)
    assert failing(report) == guilty


@pytest.mark.parametrize("index", [(0, 0), (7, 31), (49, 99)], ids=str)
def test_one_wrong_entry_of_five_thousand_is_named(index):
    x = np.random.default_rng(1).normal(size=(50, 100))

    def backward(dy, x):
        return spoil(index, -1.0)(np.cos(x) * dy)

    report = check_op(lambda x: (np.sin(x), x), backward, [x])
    [check] = report.checks
    assert (check.entries, check.size, check.verdict) == (32, 5000, "FAIL")
    assert check.worst.index == index
    assert check.worst.numeric == pytest.approx(-check.worst.analytic, rel=1e-8)


def test_a_small_wrong_entry_beside_large_ones_is_found():
    x = np.array([-7.0, 0.0, 7.0])
    report = check_op(
        lambda x: (np.exp(x), np.exp(x)), lambda dy, y: spoil(0, 1.001)(dy * y), [x]
    )
    assert report.checks[0].verdict == "FAIL"
    assert report.checks[0].worst.index == (0,)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda d: d[:, :2], "gradient has shape (4, 2), must be (4, 3)"),
        (lambda d: d.astype("f4"), "gradient has dtype float32, must be float64"),
    ],
    ids=["shape", "dtype"],
)
def test_a_gradient_that_cannot_be_compared_fails_with_a_note(change, note):
    report = check_op(conv_forward, with_grads(dbias=change), conv_arguments())
    bias = rows(report)["bias"]
    assert (bias.error, bias.worst, bias.verdict) == (np.inf, None, f"FAIL: {note}")
    assert failing(report) == {"bias"}


# Right gradients ---------------------------------------------------------------------


def softmax_forward(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True).real)
    y = e / e.sum(axis=-1, keepdims=True)
    return y, y


def softmax_backward(dy, y):
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


SMOOTH = {
    "conv": (conv_forward, conv_backward, [(4, 7), (4, 3, 3), (4, 3)]),
    "tanh": (
        lambda x: (np.tanh(x), x),
        lambda dy, x: dy * (1 - np.tanh(x) ** 2),
        [(3, 5)],
    ),
    "softmax": (softmax_forward, softmax_backward, [(3, 5)]),
    "exp": (lambda x: (np.exp(x), x), lambda dy, x: dy * np.exp(x), [(3, 5)]),
    "cube": (lambda x: (x**3, x), lambda dy, x: dy * 3 * x**2, [()]),
    "product": (
        lambda a, b: (a * b, (a, b)),
        lambda dy, c: (dy * c[1], dy * c[0]),
        [3] * 2,
    ),
}


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("method", ["central", "complex"])
@given(seed=SEEDS)
def test_a_right_pair_passes_for_every_seed(name, method, seed):
    forward, backward, shapes = SMOOTH[name]
    rng = np.random.default_rng(seed)
    args = [rng.normal(size=shape) for shape in shapes]
    check_op(forward, backward, args, method=method, rng=seed).raise_if_failed()


@given(seed=SEEDS)
def test_step_one_is_exact_for_what_is_linear_in_each_argument(seed):
    rng = np.random.default_rng(seed)
    args = [rng.integers(-4, 5, size=a.shape).astype(float) for a in conv_arguments()]
    report = check_op(conv_forward, conv_backward, args, step=1, rng=seed)
    assert [check.error for check in report.checks] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("step", [1.0, 10.0, 1e-2, 1e-3])
def test_a_step_too_long_for_the_curve_is_shortened(step):
    forward, backward, _ = SMOOTH["tanh"]
    x = np.random.default_rng(8).uniform(0.2, 1.0, size=(3, 5))
    check_op(forward, backward, [x], step=step).raise_if_failed()
    nearly = check_op(
        forward, lambda dy, x: backward(dy, x) * (1 + 1e-6), [x], step=step
    )
    assert nearly.checks[0].verdict == "FAIL"


@pytest.mark.parametrize(("method", "close"), [("central", 1e-8), ("complex", 1e-10)])
def test_a_factor_beyond_the_default_tolerance_is_noticed(method, close):
    for factor, passed in [(1 + close / 2, True), (1 + close * 2, False)]:
        report = check_op(
            lambda x: (np.exp(x), np.exp(x)),
            lambda dy, y, factor=factor: dy * y * factor,
            [np.array([1.0])],
            method=method,
        )
        assert report.passed is passed
        assert report.checks[0].tolerance == close


@pytest.mark.parametrize("x", [[0.0], [1e-4], [0.0, 1.0], [0.0] * 300], ids=str)
def test_a_smooth_map_that_is_flat_here_is_not_a_kink(x):
    forward, backward, _ = SMOOTH["cube"]
    check_op(forward, backward, [np.array(x)]).raise_if_failed()


def test_a_true_zero_gradient_passes():
    report = check_op(
        lambda x: (np.sum(0 * x) + 3.0, x), lambda dy, x: 0 * x, [np.ones(4)]
    )
    assert report.checks[0].error == 0.0
    # Here rounding makes the numeric slope differ from zero.
    forward = lambda x: (np.cos(x) ** 2 + np.sin(x) ** 2, x)  # noqa: E731
    assert check_op(forward, lambda dy, x: 0 * x, [np.linspace(0, 5, 50)])


@pytest.mark.parametrize("method", ["central", "complex"])
def test_a_saturated_map_is_not_held_to_digits_it_has_not(method):
    # The gradients are of order 1e-13 among outputs of order 1.
    x = np.array([[-15.5, 5.3, 12.7, -8.6, -4.5], [0.0, 30.0, 1.0, -1.0, 2.0]])
    check_op(softmax_forward, softmax_backward, [x], method=method).raise_if_failed()


def test_many_outputs_at_rest_do_not_blur_the_one_that_moves():
    x = np.concatenate([[1.0], np.full(150, 1e4)])
    report = check_op(
        lambda x: (x, x), lambda dy, x: spoil(0, 1 + 1e-4)(dy), [x], step=6e-6
    )
    assert report.checks[0].worst.index == (0,)
    assert report.checks[0].verdict == "FAIL"


def test_an_empty_batch_has_nothing_wrong():
    x, kernel, bias = conv_arguments()
    report = check_op(conv_forward, conv_backward, [x[:0], kernel, bias])
    assert report.passed
    assert rows(report)["x"].worst is None
    assert rows(report)["kernel"].error == 0.0


def test_float32_arguments_are_cast_up_and_left_alone():
    args = conv_arguments(dtype="f4")
    before = copy.deepcopy(args)
    for array in args:
        array.flags.writeable = False
    report = check_op(conv_forward, conv_backward, args)
    assert max(check.error for check in report.checks) < 1e-8
    for array, copied in zip(args, before, strict=True):
        assert_array_equal(array, copied)


def test_the_same_seed_gives_the_same_report():
    x = np.random.default_rng(2).normal(size=(20, 20))
    forward, backward, _ = SMOOTH["tanh"]
    default, zero, generator, other = (
        check_op(forward, backward, [x], **rng)
        for rng in ({}, {"rng": 0}, {"rng": np.random.default_rng(0)}, {"rng": 1})
    )
    assert default == zero == generator
    assert default != other


# Kinks -------------------------------------------------------------------------------


def relu_forward(x):
    return np.maximum(x, 0.0), x


def relu_backward(dy, x):
    return dy * (x > 0)


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        (relu_forward, relu_backward),
        (lambda x: (np.abs(x), x), lambda dy, x: dy * np.sign(x)),
        (lambda x: (np.floor(x), x), lambda dy, x: 0 * dy),
    ],
    ids=["relu", "abs", "floor"],
)
def test_a_point_on_a_kink_is_reported_as_one(forward, backward):
    report = check_op(forward, backward, [np.array([-1.5, 0.0, 2.5])])
    [check] = report.checks
    assert check.kink
    assert not report.passed
    assert check.worst.index == (1,)
    assert check.verdict == "kink: not smooth here, move the point"


def test_a_scalar_on_a_kink_has_no_error():
    [check] = check_op(relu_forward, relu_backward, [np.array(0.0)]).checks
    assert check.kink
    assert np.isnan(check.error)


def test_a_kink_is_named_among_thousands_of_entries():
    x = np.random.default_rng(3).normal(size=(40, 50))
    x[np.abs(x) < 1e-3] = 0.5
    x[17, 33] = 0.0
    [check] = check_op(relu_forward, relu_backward, [x]).checks
    assert check.kink
    assert check.worst.index == (17, 33)


@pytest.mark.parametrize("part", [0.1, 1 / 3, 0.5, 0.9])
def test_a_kink_beside_the_point_is_stepped_around(part):
    h = float(np.cbrt(np.finfo(float).eps))
    report = check_op(relu_forward, relu_backward, [np.array([part * h, 1.0])])
    report.raise_if_failed()


def test_a_wrong_entry_outweighs_a_kink_elsewhere():
    x = np.array([0.0, 1.0, 2.0])
    report = check_op(relu_forward, lambda dy, x: spoil(2, 3.0)(dy * (x > 0)), [x])
    [check] = report.checks
    assert (check.verdict, check.worst.index) == ("FAIL", (2,))


def test_the_edge_of_the_domain_is_no_place_for_a_slope():
    def forward(x):
        with np.errstate(invalid="ignore"):
            return np.sqrt(x), x

    def backward(dy, x):
        with np.errstate(divide="ignore"):
            return dy / (2 * np.sqrt(x))

    report = check_op(forward, backward, [np.array([1.0, 0.0])])
    assert not report.passed


# What check_op takes and refuses -----------------------------------------------------


def scale_forward(x, factor, mode="plain"):
    return x * factor, (x, factor)


def scale_backward(dy, cache):
    return dy * cache[1], np.sum(dy * cache[0])


def lone_backward(dy, cache):
    return dy * cache[1]


def test_gradients_of_a_plain_tuple_come_in_the_order_of_the_arguments():
    report = check_op(scale_forward, scale_backward, [np.ones(3), 2.5, "plain"])
    report.raise_if_failed()
    assert list(rows(report)) == ["x", "factor"]


def test_integers_and_none_go_through_unchecked():
    def forward(x, table, bias):
        assert bias is None
        assert x.dtype == np.int64
        return table[x], (x, table.shape)

    class Grads(NamedTuple):
        dtable: np.ndarray

    def backward(dy, cache):
        dtable = np.zeros(cache[1])
        np.add.at(dtable, cache[0], dy)
        return Grads(dtable)

    args = [np.array([2, 0, 2]), np.ones((3, 2)), None]
    report = check_op(forward, backward, args)
    report.raise_if_failed()
    assert list(rows(report)) == ["table"]


def test_fields_named_for_other_arguments_are_taken_in_order():
    report = check_op(
        lambda *args: conv_forward(*args), conv_backward, conv_arguments()
    )
    report.raise_if_failed()
    assert list(rows(report)) == ["argument0", "argument1", "argument2"]


def test_wrt_gives_a_lone_gradient_its_argument():
    args = [np.ones(3), np.array(2.0)]
    check_op(scale_forward, lone_backward, args, wrt="x").raise_if_failed()
    with refuses(
        "wrt must name the argument that the one gradient belongs to, "
        "got None for 'x', 'factor'"
    ):
        check_op(scale_forward, lone_backward, args)


def test_wrt_limits_the_check():
    wrong_bias = BUGS["zero gradient"][0]
    check_op(
        conv_forward, wrong_bias, conv_arguments(), wrt=("kernel", "x")
    ).raise_if_failed()
    with refuses("wrt must name arguments that hold floats, 'x', 'factor', got 'mode'"):
        check_op(scale_forward, scale_backward, [np.ones(3), 2.0, "plain"], wrt="mode")


def test_kwargs_reach_forward():
    args = conv_arguments()
    args[0] = args[0][:, :6]
    report = check_op(conv_forward, conv_backward, args, {"stride": 1, "before": 0})
    report.raise_if_failed()


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        (
            {"method": "centre"},
            "method must be one of 'central', 'complex', got 'centre'; "
            "did you mean 'central'?",
        ),
        ({"step": 0}, "step must be a finite number >= 2.22507e-308, got 0"),
        ({"tolerance": -1.0}, "tolerance must be a finite number > 0, got -1.0"),
    ],
    ids=["method", "step", "tolerance"],
)
def test_settings_are_checked_before_anything_runs(keywords, sentence):
    def never(*args):
        pytest.fail("forward ran")

    with refuses(sentence):
        check_op(never, never, [1.0], **keywords)
    with refuses(sentence):
        check_layer(None, [1.0], **keywords)


def test_there_must_be_something_to_check():
    with refuses("args must have an array of floats to check, got none"):
        check_op(scale_forward, scale_backward, [3, 4])


def test_a_missing_gradient_is_not_a_pass():
    with refuses("dbias must be an array, since bias is checked, got None"):
        check_op(conv_forward, with_grads(dbias=lambda _: None), conv_arguments())


def test_single_precision_inside_is_refused():
    with refuses("y must be float64 when the input is, got float32"):
        check_op(lambda x: (x.astype("f4"), x), lambda dy, x: dy, [1.0])


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_point_without_a_value_is_refused():
    with refuses("y must be finite at the point to check, got nan or inf"):
        check_op(lambda x: (np.log(x), x), lambda dy, x: dy / x, [np.array([1.0, 0.0])])


def test_a_map_that_rolls_dice_is_refused():
    rng = np.random.default_rng(0)

    def forward(x):
        mask = rng.random(x.shape) > 0.5
        return x * mask, mask

    with refuses("y must be the same in every run, got two that differ"):
        check_op(forward, lambda dy, mask: dy * mask, [np.ones(9)])


def test_a_map_that_refuses_complex_numbers_names_the_method():
    with pytest.raises(ValueError, match=f"^{REFUSAL}") as caught:
        check_op(
            lambda x: (np.floor(x) * x, x),
            lambda dy, x: dy * np.floor(x),
            [np.array([1.5])],
            method="complex",
        )
    [message] = caught.value.args
    assert message.startswith(REFUSAL)
    assert isinstance(caught.value.__cause__, TypeError)


def test_a_map_that_drops_imaginary_parts_names_the_method():
    with refuses(
        "method must be 'central' for a map that drops imaginary parts, got 'complex'"
    ):
        check_op(
            lambda x: (np.abs(x), x),
            lambda dy, x: dy * np.sign(x),
            [1.5],
            method="complex",
        )


def test_a_silent_cast_to_real_is_a_refusal_too():
    with pytest.raises(ValueError, match=f"^{REFUSAL}"):
        check_op(
            lambda x: (x.astype(float), x), lambda dy, x: dy, [1.5], method="complex"
        )


# The report --------------------------------------------------------------------------


def test_the_table_names_what_was_checked_and_the_worst_entry():
    report = GradientReport(
        (
            ArgumentCheck(
                "x", "central", 6e-6, 3e-11, 1e-8, 2, 2, Entry((1,), 0.5, 0.5)
            ),
            ArgumentCheck("kernel", "central", 1, 2, 1e-8, 1, 1, Entry((0, 0), -1, 1)),
            ArgumentCheck("b", "central", 1, np.inf, 1e-8, 0, 3, None, note="no."),
        )
    )
    assert str(report).split("\n") == [
        "gradient check FAILED",
        "argument  method   step     entries  error    tolerance  worst   numeric  "
        "analytic  verdict",
        "x         central  6.0e-06  2 of 2   3.0e-11  1.0e-08    (1,)    0.5      "
        "0.5       ok",
        "kernel    central  1.0e+00  1 of 1   2.0e+00  1.0e-08    (0, 0)  -1       "
        "1         FAIL",
        "b         central  1.0e+00  0 of 3   inf      1.0e-08    -       -        "
        "-         FAIL: no.",
    ]
    assert repr(report) == str(report)


def test_raise_if_failed_raises_the_table():
    good = check_op(conv_forward, conv_backward, conv_arguments())
    good.raise_if_failed()
    assert good.passed
    assert str(good).startswith("gradient check passed\n")
    bad = check_op(conv_forward, BUGS["sign error"][0], conv_arguments())
    with refuses(str(bad), AssertionError):
        bad.raise_if_failed()


# The dot test ------------------------------------------------------------------------

MATRIX = np.random.default_rng(4).normal(size=(6, 5))


@given(seed=SEEDS)
def test_a_matrix_and_its_transpose_pass_the_dot_test(seed):
    report = dot_test(lambda u: MATRIX @ u, lambda v: MATRIX.T @ v, 5, rng=seed)
    report.raise_if_failed()
    [check] = report.checks
    assert (check.name, check.method, check.size) == ("u", "dot", 5)


@pytest.mark.parametrize(
    ("forward", "adjoint", "shape"),
    [
        (lambda u: MATRIX @ u, lambda v: -MATRIX.T @ v, 5),
        (lambda u: MATRIX[:5] @ u, lambda v: MATRIX[:5] @ v, 5),
        (lambda u: MATRIX @ u + 1, lambda v: MATRIX.T @ v, 5),
        (lambda u: np.pad(u, 1), lambda v: v[:-2], 4),
        (lambda u: u[:, ::2], lambda v: np.repeat(v, 2, axis=1), (2, 6)),
        (lambda u: MATRIX @ u, lambda v: 0 * v[:5], 5),
    ],
    ids=["sign", "not transposed", "offset", "crop", "upsampling", "zero"],
)
def test_a_wrong_adjoint_fails_the_dot_test(forward, adjoint, shape):
    assert dot_test(forward, adjoint, shape).checks[0].verdict == "FAIL"


def test_an_adjoint_of_another_shape_fails_the_dot_test():
    [check] = dot_test(lambda u: MATRIX @ u, lambda v: v, 5).checks
    assert check.verdict == "FAIL: gradient has shape (6,), must be (5,)"


# The V-curve -------------------------------------------------------------------------


def test_the_v_curve_has_its_bottom_near_the_cube_root_of_eps():
    forward, backward, _ = SMOOTH["exp"]
    steps, errors = v_curve(forward, backward, [np.linspace(-1, 1, 9)])
    assert steps.shape == errors.shape == (25,)
    assert 1e-7 < steps[np.argmin(errors)] < 1e-4
    assert errors.min() < 1e-9
    # Slope 2 on the left arm of the V: 100 times the step, 10 000 times the error.
    assert errors[0] / errors[4] == pytest.approx(1e4, rel=0.05)
    assert errors[-1] > 1e3 * errors.min()


def test_the_complex_step_has_no_right_arm():
    forward, backward, _ = SMOOTH["exp"]
    steps = [1e-2, 1e-8, 1e-100, 1e-300]
    curve = v_curve(forward, backward, [np.ones(3)], method="complex", steps=steps)
    assert_array_equal(curve.steps, steps)
    assert curve.errors[0] > 1e-6
    assert np.all(curve.errors[1:] < 1e-15)


def test_the_v_curve_of_one_argument_among_several():
    curve = v_curve(
        conv_forward, conv_backward, conv_arguments(), wrt="kernel", steps=[1.0, 1e-8]
    )
    assert curve.errors[0] < 1e-12 < curve.errors[1]
    with refuses("wrt must name one argument, got None for 'x', 'kernel', 'bias'"):
        v_curve(conv_forward, conv_backward, conv_arguments())


@pytest.mark.parametrize("steps", [[0.1, 0.0], [-1.0], 0.5, [np.inf]], ids=str)
def test_steps_must_be_positive(steps):
    forward, backward, _ = SMOOTH["exp"]
    with refuses(f"steps must be a list of positive numbers, got {steps!r}"):
        v_curve(forward, backward, [1.0], steps=steps)


def test_steps_must_be_numbers():
    forward, backward, _ = SMOOTH["exp"]
    with refuses("steps must hold numbers, got dtype <U4"):
        v_curve(forward, backward, [1.0], steps=["tiny"])


# Layers and models by their interface ------------------------------------------------


class DenseTanh:
    """A stand-in with a weight penalty, a penalty on its output, and a random mask."""

    def __init__(self, name="dense", wrong=1.0, noise=0.0, trainable=True):
        rng = np.random.default_rng(6)
        self.name, self.wrong, self.noise = name, wrong, noise
        self.params = {
            "kernel": rng.normal(size=(3, 3)).astype("f4"),
            "bias": rng.normal(size=3).astype("f4"),
        }
        self.grads, self.losses = {}, []
        self.trainable_params = self.params if trainable else {}
        self.rng = np.random.default_rng(7)

    def forward(self, x, training=False):
        mask = self.rng.random(3) >= self.noise if training else np.ones(3)
        y = np.tanh(x @ self.params["kernel"] + self.params["bias"]) * mask
        self.cache = x, y, mask
        self.losses = [
            float(0.1 * np.sum(self.params["kernel"] ** 2)),
            float(np.sum(y**2) / len(y)),
        ]
        return y

    def backward(self, dy):
        x, y, mask = self.cache
        dz = (dy + 2 * y / len(y)) * mask * (1 - y**2)
        kernel = self.params["kernel"]
        self.grads = {
            "kernel": x.T @ dz * self.wrong + 0.2 * kernel,
            "bias": dz.sum(axis=0),
        }
        return dz @ kernel.T


class Model:
    """Mean squared error behind a stack of layers."""

    def __init__(self, *layers):
        self.layers = layers

    def loss_and_gradients(self, x, y):
        for layer in self.layers:
            x = layer.forward(x, training=True)
        loss = np.mean((x - y) ** 2) + sum(sum(layer.losses) for layer in self.layers)
        dy = 2 * (x - y) / x.size
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return float(loss), [
            layer.grads[key] for layer in self.layers for key in layer.trainable_params
        ]


def snapshot(layer):
    return {key: (id(value), value.tobytes()) for key, value in layer.params.items()}


@pytest.fixture
def x(rng):
    return rng.normal(size=(4, 3)).astype("f4")


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_a_layer_is_checked_with_its_penalties_and_left_as_it_was(x, training):
    layer = DenseTanh(noise=0.5)
    before, state = snapshot(layer), layer.rng.bit_generator.state
    report = check_layer(layer, x, training=training)
    report.raise_if_failed()
    assert list(rows(report)) == ["x", "kernel", "bias"]
    assert snapshot(layer) == before
    assert (layer.grads, layer.losses) == ({}, [])
    assert layer.rng.bit_generator.state == state


def test_a_wrong_layer_is_rejected(x):
    report = check_layer(DenseTanh(wrong=0.5), x)
    assert failing(report) == {"kernel"}


def test_a_forgotten_penalty_is_rejected(x):
    layer = DenseTanh()
    backward = DenseTanh.backward

    class Forgetful(DenseTanh):
        def backward(self, dy):
            dx = backward(self, dy)
            self.grads["kernel"] = self.grads["kernel"] - 0.2 * self.params["kernel"]
            return dx

    check_layer(layer, x).raise_if_failed()
    assert failing(check_layer(Forgetful(), x)) == {"kernel"}


def test_a_layer_without_a_gradient_is_refused(x):
    layer = DenseTanh()
    layer.params["scale"] = np.ones(1)
    with refuses("dscale must be an array, since scale is checked, got None"):
        check_layer(layer, x)


def test_a_layer_survives_an_error_of_its_own(x):
    class Failing(DenseTanh):
        def backward(self, dy):
            raise RuntimeError("no gradient today")

    layer = Failing()
    before = snapshot(layer)
    with pytest.raises(RuntimeError, match="no gradient today"):
        check_layer(layer, x)
    assert snapshot(layer) == before


def test_the_complex_step_refuses_a_layer_whose_penalties_are_real(x):
    with pytest.raises(ValueError, match=f"^{REFUSAL}"):
        check_layer(DenseTanh(), x, method="complex")


def test_a_model_is_checked_weight_by_weight_and_left_as_it_was(x):
    model = Model(DenseTanh("a", noise=0.3), DenseTanh("b"))
    before = [snapshot(layer) for layer in model.layers]
    report = check_model(model, x, np.zeros((4, 3)))
    report.raise_if_failed()
    assert list(rows(report)) == ["a/kernel", "a/bias", "b/kernel", "b/bias"]
    assert [snapshot(layer) for layer in model.layers] == before


def test_a_wrong_layer_of_a_model_is_named(x):
    model = Model(DenseTanh("a"), DenseTanh("b", wrong=1.001))
    assert failing(check_model(model, x, np.zeros((4, 3)))) == {"b/kernel"}


def test_frozen_layers_of_a_model_are_left_out(x):
    model = Model(DenseTanh("a", trainable=False), DenseTanh("b"))
    report = check_model(model, x, np.zeros((4, 3)))
    report.raise_if_failed()
    assert list(rows(report)) == ["b/kernel", "b/bias"]


def test_a_model_must_give_one_gradient_for_each_weight(x):
    class Short(Model):
        def loss_and_gradients(self, x, y):
            loss, gradients = super().loss_and_gradients(x, y)
            return loss, gradients[:-1]

    with refuses("gradients must be one for each of 2 trainable weights, got 1"):
        check_model(Short(DenseTanh()), x, np.zeros((4, 3)))


# The project's own pairs and layers --------------------------------------------------


@given(problem=local_conv_problems())
def test_local_conv_is_exact_on_integers(problem):
    *args, _ = problem.arrays
    report = check_op(
        local_conv_forward,
        local_conv_backward,
        args,
        problem.options,
        step=1,
        rng=problem.seed,
    )
    assert [check.error for check in report.checks] == [0.0] * len(report.checks)
    assert len(report.checks) == 2 + problem.use_bias


@pytest.mark.parametrize("name", activations.PAIRS)
def test_every_activation_passes_away_from_its_kinks(name, rng):
    x = rng.choice([-1.0, 1.0], size=(5, 7)) * rng.uniform(0.1, 2.4, size=(5, 7))
    check_op(*activations.PAIRS[name], [x]).raise_if_failed()


def test_extract_and_fold_patches_are_adjoint():
    g = Geometry.of((5, 6, 2), kernel_size=(2, 3), strides=(2, 1), padding="same")
    dot_test(
        lambda x: ops.extract_patches(x, g),
        lambda dpatches: ops.fold_patches(dpatches, g),
        (2, 5, 6, 2),
    ).raise_if_failed()


def test_a_layer_of_the_project_with_every_penalty(rng):
    layer = layers.LocallyConnected2D(
        3,
        (2, 3),
        activation="tanh",
        kernel_regularizer="l2",
        bias_regularizer="l2",
        activity_regularizer="l2",
    )
    check_layer(layer, rng.normal(size=(2, 4, 5, 2))).raise_if_failed()
    assert not layer.built


def test_a_model_of_the_project_in_single_precision(rng):
    model = models.Sequential(
        [
            layers.LocallyConnected1D(
                2, 3, activation="relu", kernel_regularizer="l2", input_shape=(8, 2)
            ),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax"),
        ],
        seed=1,
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = model.get_weights()
    report = check_model(model, rng.normal(size=(4, 8, 2)), np.array([0, 1, 2, 1]))
    report.raise_if_failed()
    assert len(report.checks) == 4
    for weight, copied in zip(model.get_weights(), before, strict=True):
        assert weight.dtype == np.float32
        assert_array_equal(weight, copied)
