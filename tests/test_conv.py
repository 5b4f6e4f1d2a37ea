"""Convolution: its engines, SciPy, and the locally connected layer that equals it."""

import tracemalloc
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from raising import refuses
from scipy import ndimage
from scipy.signal import correlate
from strategies import ConvProblem, conv_problems, integers

from localnet import config
from localnet.ops import (
    ConvGrads,
    Geometry,
    Workspace,
    conv_backward,
    conv_forward,
    fold_patches,
    free_bias,
    free_kernel,
    local_conv_backward,
    local_conv_forward,
    shared_bias,
    shared_kernel,
)
from localnet.ops.conv.conv import blocked as fast
from localnet.ops.conv.definition import DKERNEL, DPATCHES, FORWARD


def run(problem, **options):
    """Return y, dx, dkernel and dbias."""
    x, kernel, bias, dy = problem.arrays
    y, cache = conv_forward(x, kernel, bias, **problem.options, **options)
    return y, *conv_backward(dy, cache, **options)


def assert_all_equal(results, expected):
    for got, wanted in zip(results, expected, strict=True):
        if wanted is None:
            assert got is None
        else:
            assert_array_equal(got, wanted)
            assert got.shape == wanted.shape
            assert got.dtype == wanted.dtype


@contextmanager
def pieces_of(nbytes):
    """Let the fast engine cut a problem as if caches were small."""
    before, fast.PIECE_BYTES = fast.PIECE_BYTES, nbytes
    try:
        yield
    finally:
        fast.PIECE_BYTES = before


# --- engines --------------------------------------------------------------------------


@given(conv_problems(), st.sampled_from([1, 100, 400, 1 << 20]))
def test_engines_agree_bit_for_bit(problem, nbytes):
    with config.engine("naive"):
        expected = run(problem)
    with config.engine("einsum"):
        assert_all_equal(run(problem), expected)
    workspace = Workspace()
    with config.engine("blocked"), pieces_of(nbytes):
        assert_all_equal(run(problem), expected)
        for _ in range(2):  # the second time in memory that is used already
            assert_all_equal(run(problem, workspace=workspace), expected)


def swapped(string, operand):
    """Exchange an operand of an einsum with the result."""
    inputs, result = string.split("->")
    parts = inputs.split(",")
    parts[operand], result = result, parts[operand]
    return sorted(parts), result


def test_the_backward_strings_are_the_forward_string_with_subscripts_exchanged():
    for string, operand in ((DPATCHES, 0), (DKERNEL, 1)):
        inputs, result = string.split("->")
        assert (sorted(inputs.split(",")), result) == swapped(FORWARD, operand)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_sums_in_pieces_stay_within_the_bound(data_format, dtype, rng):
    """|error| <= n*u*A, with n roundings and A the sum of the terms' magnitudes."""
    last = data_format == "channels_last"
    problem = ConvProblem(
        3,
        (9, 8, 4) if last else (4, 9, 8),
        6,
        (3, 2),
        padding="same",
        data_format=data_format,
        groups=2,
    )
    arrays = [rng.uniform(0.5, 2, a.shape).astype(dtype) for a in problem.arrays]
    g = problem.geometry
    taps = g.patch_size // 2
    counts = (taps + 1, 3 * g.patch_size, 3 * g.locations, 3 * g.locations)
    with pieces_of(500):
        results = run(replace_arrays(problem, arrays))
    wide = [a.astype(np.float64) for a in arrays]  # all positive: the sum of magnitudes
    exact = run(replace_arrays(problem, wide))
    unit = float(np.finfo(dtype).eps) / 2
    slack = 1.01 if dtype == "float16" else 2.0  # float64 is held to itself
    for got, value, count in zip(results, exact, counts, strict=True):
        assert got.dtype == dtype
        assert (abs(got - value) <= slack * count * unit * value).all()


def replace_arrays(problem, arrays):
    copy = replace(problem)
    copy.__dict__["arrays"] = tuple(arrays)
    return copy


def test_memory_stays_near_a_piece():
    x, kernel = np.zeros((16, 64, 64, 8), "f4"), np.zeros((5, 5, 8, 8), "f4")
    y, cache = conv_forward(x, kernel)
    patches = 16 * 60 * 60 * 25 * 8 * 4
    tracemalloc.start()
    y, cache = conv_forward(x, kernel)
    grads = conv_backward(y, cache)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < y.nbytes + grads.dx.nbytes + 4 * fast.PIECE_BYTES < patches / 3


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_windows_of_one_cell_are_not_copied(data_format):
    last = data_format == "channels_last"
    x = np.zeros((8, 40, 40, 16) if last else (8, 16, 40, 40))
    kernel = np.zeros((1, 1, 16, 1))
    tracemalloc.start()
    y, _ = conv_forward(x, kernel, data_format=data_format)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < y.nbytes + 50_000 < x.nbytes / 10


# --- laws -----------------------------------------------------------------------------


@given(conv_problems())
def test_a_convolution_is_the_local_layer_with_equal_kernels(problem):
    g, groups = problem.geometry, problem.groups
    x, kernel, bias, dy = problem.arrays
    free = free_kernel(kernel, g, groups=groups)
    untied = bias
    if bias is not None and problem.tied:
        untied = free_bias(bias, g)
    options = {**problem.options, "kernel_size": g.kernel_size, "padding": g.pads}
    del options["groups"]
    y, dx, dkernel, dbias = run(problem)
    local_y, cache = local_conv_forward(x, free, untied, **options)
    assert_array_equal(local_y, y)
    local = local_conv_backward(dy, cache)
    assert_array_equal(local.dx, dx)
    # Gradients of shared weights are sums over all that share them.
    taps = (*g.kernel_size, g.channels, problem.filters)
    if g.channels_last:
        summed = local.dkernel.sum(axis=0).reshape(taps)
    else:
        channels_first = (g.channels, *g.kernel_size, problem.filters)
        summed = np.moveaxis(local.dkernel.sum(axis=0).reshape(channels_first), 0, -2)
    c, f = g.channels // groups, problem.filters // groups
    for group in range(groups):
        assert_array_equal(
            summed[..., group * c : (group + 1) * c, group * f : (group + 1) * f],
            dkernel[..., group * f : (group + 1) * f],
        )
    if bias is None:
        assert dbias is None
    elif not problem.tied:
        assert_array_equal(local.dbias, dbias)
    else:
        last = dy if g.channels_last else np.moveaxis(dy, 1, -1)
        assert_array_equal(last.sum(axis=tuple(range(last.ndim - 1))), dbias)
    back, residual = shared_kernel(free, g)
    if groups == 1 and (problem.pad_value or not g.has_pads):
        assert_array_equal(back, kernel)
        assert residual == 0
    if bias is not None and problem.tied:
        assert_all_equal(shared_bias(untied, g)[:1], (bias,))


@given(conv_problems(data_formats=("channels_last",)))
def test_a_convolution_is_a_sum_of_correlations_of_scipy(problem):
    g, groups = problem.geometry, problem.groups
    x, kernel, *_ = problem.arrays
    y, _ = conv_forward(x, kernel, **problem.options)
    pads = []
    for n, r, s, d in zip(
        x.shape[1:-1], kernel.shape[:-2], g.strides, g.dilation_rate, strict=True
    ):
        span = (r - 1) * d + 1
        total = max(0, (-(-n // s) - 1) * s + span - n)
        pads.append(
            {
                "valid": (0, 0),
                "same": (total // 2, -(-total // 2)),
                "causal": (span - 1, 0),
            }.get(problem.padding)
        )
    if not isinstance(problem.padding, str):
        pads = problem.padding
    padded = np.pad(
        x.astype(float), ((0, 0), *pads, (0, 0)), constant_values=problem.pad_value
    )
    spans = [
        (r - 1) * d + 1 for r, d in zip(g.kernel_size, g.dilation_rate, strict=True)
    ]
    dilated = np.zeros((*spans, *kernel.shape[-2:]))
    dilated[tuple(slice(None, None, d) for d in g.dilation_rate)] = kernel
    steps = tuple(slice(None, None, s) for s in g.strides)
    c, f = g.channels // groups, problem.filters // groups
    for n, filt in np.ndindex(problem.batch, problem.filters):
        first = filt // f * c
        expected = sum(
            correlate(
                padded[n, ..., first + i], dilated[..., i, filt], "valid", "direct"
            )[steps]
            for i in range(c)
        )
        assert_array_equal(y[n, ..., filt], expected)


@pytest.mark.parametrize("sizes", [(9,), (6, 7), (4, 5, 3)])
def test_same_is_the_constant_mode_of_ndimage(sizes, rng):
    x, kernel = integers(rng, *sizes), integers(rng, *(3,) * len(sizes))
    y, _ = conv_forward(
        x[None, ..., None], kernel[..., None, None], padding="same", pad_value=2.0
    )
    expected = ndimage.correlate(x, kernel, mode="constant", cval=2.0)
    assert_array_equal(y[0, ..., 0], expected)


def test_causal_outputs_do_not_see_what_comes_later(rng):
    x, kernel = integers(rng, 2, 9, 3), integers(rng, 3, 3, 2)
    options = {"padding": "causal", "dilation_rate": 2}
    y, _ = conv_forward(x, kernel, **options)
    for time in range(9):
        changed = x.copy()
        changed[:, time] += 1 + integers(rng, 2, 3) ** 2
        later, _ = conv_forward(changed, kernel, **options)
        assert_array_equal(later[:, :time], y[:, :time])
        assert (later[:, time] != y[:, time]).any()


def test_groups_are_convolutions_side_by_side(rng):
    x, kernel, bias = (
        integers(rng, 2, 6, 5, 6),
        integers(rng, 2, 3, 2, 9),
        integers(rng, 9),
    )
    y, _ = conv_forward(x, kernel, bias, groups=3)
    parts = [
        conv_forward(
            x[..., 2 * i : 2 * i + 2],
            kernel[..., 3 * i : 3 * i + 3],
            bias[3 * i : 3 * i + 3],
        )[0]
        for i in range(3)
    ]
    assert_array_equal(y, np.concatenate(parts, axis=-1))


def test_the_input_gradient_is_the_adjoint_of_the_patches(rng):
    x, kernel, dy = (
        integers(rng, 2, 7, 2),
        integers(rng, 3, 2, 4),
        integers(rng, 2, 4, 4),
    )
    _, cache = conv_forward(x, kernel, strides=2, padding="same")
    g = Geometry.of((7, 2), kernel_size=3, strides=2, padding="same", placement="conv")
    expected = fold_patches(dy @ kernel.reshape(6, 4).T, g)
    assert_array_equal(conv_backward(dy, cache).dx, expected)


# --- results and refusals -------------------------------------------------------------


def test_what_is_not_needed_is_none(rng):
    x, kernel = integers(rng, 2, 5, 3), integers(rng, 2, 3, 2)
    y, cache = conv_forward(x, kernel)
    grads = conv_backward(y, cache, need_dx=False)
    assert isinstance(grads, ConvGrads)
    assert grads.dx is None
    assert grads.dbias is None
    assert_array_equal(grads.dkernel, conv_backward(y, cache).dkernel)


def test_complex_numbers_pass_for_the_complex_step(rng):
    x, kernel = integers(rng, 1, 5, 4, 2), integers(rng, 2, 2, 2, 3)
    step = 1e-200j
    y, _ = conv_forward(x, kernel + step, padding="same")
    ones, _ = conv_forward(x, np.ones_like(kernel), padding="same")
    np.testing.assert_allclose(y.imag / 1e-200, ones, rtol=1e-15)


SAMPLE = np.zeros((2, 5, 5, 4))
PAIRS = (
    "padding must be 'valid', 'same', 'causal' or one (before, after) pair of integers "
    ">= 0 for each of 2 spatial axes, got "
)


@pytest.mark.parametrize(
    ("x", "kernel", "options", "sentence"),
    [
        (
            np.zeros((5, 4)),
            np.zeros((3, 4)),
            {},
            "x must have a sample axis, 1 to 3 spatial axes and a channel axis, got "
            "shape (5, 4)",
        ),
        (
            SAMPLE,
            np.zeros((3, 4, 2)),
            {},
            "kernel must have 4 axes, (*R, C/groups, F), for x of shape (2, 5, 5, 4), "
            "got shape (3, 4, 2)",
        ),
        (
            SAMPLE,
            np.zeros((3, 3, 3, 2)),
            {},
            "kernel must have shape (*R, C/groups, F) with C/groups = 4, got "
            "(3, 3, 3, 2)",
        ),
        (
            SAMPLE,
            np.zeros((3, 3, 4, 2)),
            {"groups": 2},
            "kernel must have shape (*R, C/groups, F) with C/groups = 2, got "
            "(3, 3, 4, 2)",
        ),
        (
            SAMPLE,
            np.zeros((3, 3, 2, 3)),
            {"groups": 2},
            "groups must divide C = 4 and F = 3, got 2",
        ),
        (
            SAMPLE,
            np.zeros((3, 3, 4, 2)),
            {"groups": 0},
            "groups must be an integer >= 1, got 0",
        ),
        (
            SAMPLE,
            np.zeros((6, 3, 4, 2)),
            {},
            "kernel_size must fit into the padded input, got (6, 3): kernel_size 6 "
            "over length 5 with padding 'valid' leaves no output location",
        ),
        (
            SAMPLE,
            np.zeros((3, 3, 4, 2)),
            {"padding": "full"},
            "padding must be one of 'valid', 'same', 'causal', got 'full'",
        ),
        (SAMPLE, np.zeros((3, 3, 4, 2)), {"padding": 1}, PAIRS + "1"),
        (
            SAMPLE,
            np.zeros((3, 3, 4, 2)),
            {"bias": np.zeros(3)},
            "bias must have shape (F,) = (2,) or (*O, F) = (3, 3, 2), got (3,)",
        ),
    ],
)
def test_bad_arguments_are_refused(x, kernel, options, sentence):
    with refuses(sentence):
        conv_forward(x, kernel, **options)


def test_a_wrong_dy_is_refused():
    _, cache = conv_forward(SAMPLE, np.zeros((3, 3, 4, 2)))
    with refuses("dy must have the shape of y, (2, 3, 3, 2), got (2, 3, 3, 1)"):
        conv_backward(np.zeros((2, 3, 3, 1)), cache)
