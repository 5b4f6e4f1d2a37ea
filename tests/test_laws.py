"""
Laws: what must hold between an operation and others, or its own gradient.

On small integers nothing is rounded, so that these laws hold exactly; on real numbers
the engines stay within the proven bound n*u*A of a sum of n products.
"""

import importlib
import inspect
import math
import pkgutil
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from raising import refuses
from scipy.signal import correlate
from strategies import LocalConvProblem, integers, local_conv_problems

from localnet import config, ops
from localnet.ops import (
    PAIRS,
    dense_backward,
    dense_forward,
    fold_patches,
    local_conv_backward,
    local_conv_forward,
    local_matmul_backward,
    local_matmul_forward,
    patch_indices,
)
from localnet.ops.images import channels_last_view
from localnet.ops.local.bias import bias_in_y


def apart(rng, *shapes):
    """Draw numbers so far from each other that no step of the laws changes an order."""
    sizes = [math.prod(shape) for shape in shapes]
    pieces = np.split(32.0 * rng.permutation(sum(sizes)), np.cumsum(sizes)[:-1])
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]


def run(problem, *arrays):
    """Return y, dx, dkernel and dbias for a problem, or for other arrays of it."""
    x, kernel, bias, dy = arrays or problem.arrays
    y, cache = local_conv_forward(x, kernel, bias, **problem.options)
    return y, *local_conv_backward(dy, cache)


# --- every pair -----------------------------------------------------------------------

# One call per pair: the arguments that it has gradients for, the others by name.
CALLS = {
    "local_conv": (
        [(2, 4, 3, 2), (6, 12, 3), (2, 3, 3)],
        {"kernel_size": (3, 2), "strides": (2, 1), "padding": "same"},
    ),
    "conv": (
        [(2, 5, 4, 2), (3, 2, 2, 3), (3,)],
        {"strides": (2, 1), "padding": "same"},
    ),
    "local_matmul": ([(2, 3, 4), (3, 4, 2), (3, 2)], {}),
    "local_conv_transpose": (
        [(2, 2, 3, 2), (6, 12, 2), (4, 3, 2)],
        {"kernel_size": (3, 2), "strides": (2, 1), "padding": "same"},
    ),
    "shared_conv": (
        [(2, 5, 3, 2), (4, 12, 3), (2, 2, 3)],
        {
            "share": (2, 1),
            "tile": (9, 2),
            "kernel_size": (3, 2),
            "strides": (2, 1),
            "padding": "same",
        },
    ),
    "expand_shared": (
        [(2, 2, 3)],
        {"output_sizes": (7, 3), "share": (2, 1), "tile": 2},
    ),
    "mix_kernels": ([(4, 2), (2, 3, 2)], {}),
    "located_bias": (
        [(2,), (3,), (4,)],
        {
            "geometry": ops.Geometry.of(
                (1, 3, 4), kernel_size=1, data_format="channels_first"
            )
        },
    ),
    "outer_sum": ([(3, 2), (4, 2), (2, 2)], {}),
    "dense": ([(3, 2, 4), (4, 5), (5,)], {}),
    "dropout": ([(3, 4)], {"mask": np.array([2.0, 0.0, 2.0, 2.0])}),
    "add": ([(3, 2, 4), (3, 4), (3, 1, 1)], {}),
    "subtract": ([(3, 1, 4), (3, 2, 1)], {}),
    "multiply": ([(3, 2, 4), (3, 4), (3, 2, 1)], {}),
    "average": ([(3, 2, 4), (3, 4)], {}),
    "maximum": ([(3, 2, 4), (3, 4), (3, 2, 1)], {}),
    "minimum": ([(3, 2, 4), (3, 4), (3, 2, 1)], {}),
    "concatenate": ([(3, 2, 4), (3, 1, 4), (3, 3, 4)], {"axis": 1}),
    "max_pool": (
        [(2, 5, 4, 2)],
        {"pool_size": (3, 2), "strides": (2, 1), "padding": "same"},
    ),
    # Windows of 1, 2 and 4 cells, so that all means are exact.
    "average_pool": (
        [(2, 5, 3, 2)],
        {"pool_size": 2, "strides": (2, 1), "padding": "same"},
    ),
    "global_max_pool": ([(2, 3, 4, 2)], {"keepdims": True}),
    "global_average_pool": ([(2, 2, 4, 2)], {"data_format": "channels_first"}),
    "constant_pad": ([(2, 3, 2, 2)], {"padding": ((1, 0), 2), "value": -1.0}),
    "crop": ([(2, 4, 5, 2)], {"cropping": ((1, 0), 2)}),
    "upsample": ([(2, 3, 2, 2)], {"size": (2, 4), "interpolation": "bilinear"}),
    "add_noise": ([(3, 4)], {"noise": np.arange(12.0).reshape(3, 4)}),
    "repeat_vector": ([(3, 4)], {"n": 3}),
    "batch_norm": ([(4, 3, 2), (3,), (3,)], {"axis": 1}),
    "prelu": ([(3, 2, 4), (2, 1)], {}),
}
# Linear only where what is compared stays apart.
SELECTING = ("max_pool", "global_max_pool", "maximum", "minimum")
# Not linear in every argument: slopes are gradients only in the limit.
CURVED = ("batch_norm", "prelu")
pairs = pytest.mark.parametrize("name", PAIRS)
linear_pairs = pytest.mark.parametrize("name", [n for n in PAIRS if n not in CURVED])
MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(ops.__path__, "localnet.ops.")
    if not module.ispkg
]


def draw(name, rng):
    """Return the arguments of a pair's call, and its options."""
    shapes, options = CALLS[name]
    if name in SELECTING:
        return apart(rng, *shapes), options
    return [integers(rng, *shape) for shape in shapes], options


def gradients(backward, dy, cache):
    result = backward(dy, cache)
    return result if isinstance(result, tuple) else (result,)


def test_every_forward_function_is_in_the_table():
    found = {
        name.removesuffix("_forward")
        for module in MODULES
        for name in module.__all__
        if name.endswith("_forward")
    }
    assert found == set(PAIRS) == set(CALLS)


@pairs
def test_a_pair_stands_in_one_file_and_each_refers_to_the_other(name):
    forward, backward = PAIRS[name]
    assert forward.__name__ == f"{name}_forward"
    assert backward.__name__ == f"{name}_backward"
    assert forward.__module__ == backward.__module__
    for function, other in ((forward, backward), (backward, forward)):
        see_also = re.search(r"See Also\n\s*-+\n(.*?)\n\n", function.__doc__, re.DOTALL)
        assert f"{other.__name__} :" in see_also[1]
        assert getattr(ops, function.__name__) is function
        assert function.__name__ in ops.__all__


@pairs
def test_what_is_no_workspace_is_refused_in_both_directions(name, rng):
    forward, backward = PAIRS[name]
    arguments, options = draw(name, rng)
    y, cache = forward(*arguments, **options)
    for function, (called, named) in (
        (forward, (arguments, options)),
        (backward, ((y, cache), {})),
    ):
        if "workspace" in inspect.signature(function).parameters:
            for value in (5, 0, "x", np.ones(3)):
                with refuses(
                    f"workspace must be of type Workspace, got {type(value).__name__}"
                ):
                    function(*called, **named, workspace=value)


@pytest.mark.parametrize("name", CURVED)
def test_gradients_equal_central_differences_in_the_limit(name, rng):
    forward, backward = PAIRS[name]
    shapes, options = CALLS[name]
    # Far enough from 0, where a rectifier has its kink.
    arguments = [
        rng.uniform(0.1, 2, shape) * rng.choice([-1, 1], shape) for shape in shapes
    ]
    y, cache = forward(*arguments, **options)
    dy = rng.normal(size=y.shape)
    grads = gradients(backward, dy, cache)
    for position, (argument, grad) in enumerate(zip(arguments, grads, strict=True)):
        assert grad.shape == argument.shape
        slopes = np.empty(argument.shape)
        for index in np.ndindex(argument.shape):
            values = []
            for step in (6e-6, -6e-6):
                moved = [a.copy() for a in arguments]
                moved[position][index] += step
                values.append(np.sum(dy * forward(*moved, **options)[0]))
            slopes[index] = (values[0] - values[1]) / 12e-6
        np.testing.assert_allclose(grad, slopes, rtol=1e-8, atol=1e-8)


@linear_pairs
def test_gradients_equal_central_differences_exactly(name, rng):
    forward, backward = PAIRS[name]
    arguments, options = draw(name, rng)
    y, cache = forward(*arguments, **options)
    dy = integers(rng, *y.shape)
    grads = gradients(backward, dy, cache)
    for position, (argument, grad) in enumerate(zip(arguments, grads, strict=True)):
        assert grad.shape == argument.shape
        for index in np.ndindex(argument.shape):
            slopes = []
            for step in (1.0, -1.0):
                moved = [a.copy() for a in arguments]
                moved[position][index] += step
                slopes.append(np.sum(dy * forward(*moved, **options)[0]))
            assert (slopes[0] - slopes[1]) / 2 == grad[index], (position, index)


@linear_pairs
def test_dot_test(name, rng):
    """<dy, A u> == <A^T dy, u> in each argument, the others held still."""
    forward, backward = PAIRS[name]
    arguments, options = draw(name, rng)
    y, cache = forward(*arguments, **options)
    dy = integers(rng, *y.shape)
    for position, grad in enumerate(gradients(backward, dy, cache)):
        u = integers(rng, *arguments[position].shape)
        moved = [*arguments]
        moved[position] = arguments[position] + u
        change = forward(*moved, **options)[0] - y
        assert np.sum(dy * change) == np.sum(grad * u)


@pairs
def test_a_pair_writes_into_nothing_and_returns_nothing_of_its_callers(name, rng):
    forward, backward = PAIRS[name]
    arguments, options = draw(name, rng)
    y, cache = forward(*arguments, **options)
    dy = integers(rng, *y.shape)
    inputs = [*arguments, dy]
    copies = [a.copy() for a in inputs]
    for array in inputs:
        array.flags.writeable = False
    y, cache = forward(*arguments, **options)
    results = [y, *gradients(backward, dy, cache)]
    for array, copy in zip(inputs, copies, strict=True):
        assert_array_equal(array, copy)
        assert not any(np.shares_memory(array, result) for result in results)


# --- the a-priori bound ---------------------------------------------------------------

REAL = {
    "1d": LocalConvProblem(3, (7, 3), 4, (3,), strides=2),
    "2d-same": LocalConvProblem(2, (4, 4, 3), 2, (3, 3), padding="same"),
    "2d-channels-first-padded": LocalConvProblem(
        2,
        (2, 3, 4),
        3,
        (2, 2),
        padding=((1, 1), (0, 2)),
        pad_value=0.7,
        data_format="channels_first",
    ),
    "3d-dilated": LocalConvProblem(
        2, (3, 3, 3, 2), 2, (2, 2, 2), dilation_rate=(2, 1, 2)
    ),
    "many-channels": LocalConvProblem(4, (2, 48), 12, (1,)),
}

exactly = np.vectorize(Fraction, otypes=[object])


def definition(x, kernel, bias, dy, geometry, pad_value):
    """Return y, dx, dkernel and dbias by broadcast sums over axes n, l, k, f."""
    cells, samples = patch_indices(geometry), len(x)
    patches = np.where(cells >= 0, x.reshape(samples, -1)[:, cells], pad_value)
    dz = channels_last_view(dy, geometry).reshape(samples, geometry.locations, -1)
    z = (patches[..., None] * kernel[None]).sum(axis=2)
    dpatches = (dz[:, :, None] * kernel[None]).sum(axis=3)
    dkernel = (patches[..., None] * dz[:, :, None]).sum(axis=0)
    if not geometry.channels_last:
        z = z.swapaxes(1, 2)
    dx = np.full((samples, x[0].size), Fraction(0))
    for (location, k), cell in np.ndenumerate(cells):
        if cell >= 0:
            dx[:, cell] += dpatches[:, location, k]
    return (
        z.reshape(dy.shape) + bias_in_y(bias, geometry),
        dx.reshape(x.shape),
        dkernel,
        dy.sum(axis=0).reshape(bias.shape),
    )


def with_bounds(problem, arrays, dtype):
    """
    Return (exact value, bound) for y, dx, dkernel and dbias.

    The bound is n*u*A: n roundings on the way to a sum, and A the sum of the magnitudes
    of its terms.
    """
    g, filters, samples = problem.geometry, problem.filters, problem.batch
    exact = [exactly(a) for a in arrays]
    pad_value = Fraction(float(np.array(g.pad_value, dtype)))
    values = definition(*exact, g, pad_value)
    magnitudes = definition(*map(abs, exact), g, abs(pad_value))
    # How many windows read a cell.
    cover = fold_patches(np.ones((1, g.locations, g.patch_size)), g)
    counts = (g.patch_size + 1, cover * filters, samples, samples - 1)
    unit = Fraction(float(np.finfo(dtype).eps)) / 2
    bounds = [exactly(n) * unit * a for n, a in zip(counts, magnitudes, strict=True)]
    return list(zip(values, bounds, strict=True))


@pytest.mark.parametrize("engine", config.ENGINES)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("problem", REAL.values(), ids=REAL)
def test_engines_stay_within_the_proven_bound(problem, dtype, engine, rng):
    # Magnitudes near 1: no product underflows, in float16 either.
    arrays = [
        (rng.uniform(0.5, 2, a.shape) * rng.choice([-1, 1], a.shape)).astype(dtype)
        for a in problem.arrays
    ]
    with config.engine(engine):
        results = run(problem, *arrays)
    for got, (value, bound) in zip(
        results, with_bounds(problem, arrays, dtype), strict=True
    ):
        assert got.dtype == dtype
        assert (abs(exactly(got) - value) <= bound).all()


def test_the_bound_is_tight_enough_to_see_a_narrower_sum(rng):
    problem = REAL["1d"]
    arrays = [rng.uniform(0.5, 2, a.shape).astype("float32") for a in problem.arrays]
    narrow = run(problem, *(a.astype("float16") for a in arrays))
    for got, (value, bound) in zip(
        narrow, with_bounds(problem, arrays, "float32"), strict=True
    ):
        assert (abs(exactly(got) - value) > bound).any()


# --- convolution, dense and other dimensions ------------------------------------------


@given(local_conv_problems(data_formats=("channels_last",)))
def test_a_kernel_shared_by_all_locations_is_a_convolution(problem):
    g = problem.geometry
    rng = np.random.default_rng(problem.seed)
    x, filters = problem.arrays[0], problem.filters
    shared = integers(rng, *g.kernel_size, g.channels, filters)
    kernel = np.broadcast_to(
        shared.reshape(1, g.patch_size, filters), g.kernel_shape(filters)
    )
    y, _ = local_conv_forward(x, kernel, **problem.options)

    padded = np.pad(
        x.astype(float), ((0, 0), *g.pads, (0, 0)), constant_values=g.pad_value
    )
    spans = [
        (r - 1) * d + 1 for r, d in zip(g.kernel_size, g.dilation_rate, strict=True)
    ]
    dilated = np.zeros((*spans, g.channels, filters))
    dilated[tuple(slice(None, None, d) for d in g.dilation_rate)] = shared
    steps = tuple(slice(None, None, s) for s in g.strides)
    for n, f in np.ndindex(problem.batch, filters):
        expected = sum(
            correlate(padded[n, ..., c], dilated[..., c, f], "valid", "direct")[steps]
            for c in range(g.channels)
        )
        assert_array_equal(y[n, ..., f], expected)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("sizes", [(5,), (3, 4), (2, 3, 2)], ids=["1d", "2d", "3d"])
def test_a_kernel_that_covers_the_input_is_a_dense_layer(sizes, data_format):
    shape = (*sizes, 2) if data_format == "channels_last" else (2, *sizes)
    problem = LocalConvProblem(3, shape, 4, sizes, data_format=data_format)
    x, kernel, bias, dy = problem.arrays
    y, dx, dkernel, dbias = run(problem)
    dense_y, cache = dense_forward(x.reshape(3, -1), kernel[0], bias.ravel())
    grads = dense_backward(dy.reshape(3, 4), cache)
    assert_array_equal(y.reshape(3, 4), dense_y)
    assert_array_equal(dx.reshape(3, -1), grads.dx)
    assert_array_equal(dkernel[0], grads.dkernel)
    assert_array_equal(dbias.ravel(), grads.dbias)


@given(local_conv_problems(ranks=(1, 2)))
def test_an_axis_of_length_1_more_changes_nothing(problem):
    last = problem.data_format == "channels_last"
    shape, axis = problem.input_shape, 1 if last else 2
    word = isinstance(problem.padding, str)
    more = replace(
        problem,
        input_shape=(1, *shape) if last else (shape[0], 1, *shape[1:]),
        kernel_size=(1, *problem.kernel_size),
        strides=(1, *problem.strides),
        dilation_rate=(1, *problem.dilation_rate),
        padding=problem.padding if word else ((0, 0), *problem.padding),
    )
    x, kernel, bias, dy = problem.arrays
    y, dx, dkernel, dbias = run(problem)
    more_y, more_dx, more_dkernel, more_dbias = run(
        more,
        np.expand_dims(x, axis),
        kernel,
        None if bias is None else bias[None],
        np.expand_dims(dy, axis),
    )
    assert_array_equal(more_y, np.expand_dims(y, axis))
    assert_array_equal(more_dx, np.expand_dims(dx, axis))
    assert_array_equal(more_dkernel, dkernel)
    if bias is not None:
        assert_array_equal(more_dbias, dbias[None])


# --- symmetries -----------------------------------------------------------------------


@given(local_conv_problems(data_formats=("channels_first",)))
def test_channels_first_is_channels_last_transposed_and_reordered(problem):
    g, filters = problem.geometry, problem.filters

    def last(array):
        return np.moveaxis(array, 1, -1)

    def reorder(kernel):  # (channel, taps) to (taps, channel)
        by_channel = kernel.reshape(g.locations, g.channels, -1, filters)
        return by_channel.swapaxes(1, 2).reshape(kernel.shape)

    def reread(bias):  # stored as (*O, F), read as (F, *O)
        return np.moveaxis(bias.reshape(filters, *g.output_sizes), 0, -1)

    x, kernel, bias, dy = problem.arrays
    y, dx, dkernel, dbias = run(problem)
    twin = replace(
        problem, data_format="channels_last", input_shape=(*g.input_sizes, g.channels)
    )
    twin_y, twin_dx, twin_dkernel, twin_dbias = run(
        twin, last(x), reorder(kernel), None if bias is None else reread(bias), last(dy)
    )
    assert_array_equal(twin_y, last(y))
    assert_array_equal(twin_dx, last(dx))
    assert_array_equal(twin_dkernel, reorder(dkernel))
    if bias is not None:
        assert_array_equal(twin_dbias, reread(dbias))


@given(st.integers(0, 2**32 - 1))
def test_permuting_locations_permutes_the_product(seed):
    rng = np.random.default_rng(seed)
    patches, kernel = integers(rng, 3, 6, 4), integers(rng, 6, 4, 2)
    bias, dy = integers(rng, 6, 2), integers(rng, 3, 6, 2)
    order = rng.permutation(6)
    y, cache = local_matmul_forward(patches, kernel, bias)
    grads = local_matmul_backward(dy, cache)
    moved_y, cache = local_matmul_forward(patches[:, order], kernel[order], bias[order])
    moved = local_matmul_backward(dy[:, order], cache)
    assert_array_equal(moved_y, y[:, order])
    assert_array_equal(moved.dpatches, grads.dpatches[:, order])
    assert_array_equal(moved.dkernel, grads.dkernel[order])
    assert_array_equal(moved.dbias, grads.dbias[order])


def test_permuting_locations_of_kernel_and_bias_permutes_y_on_a_uniform_image(rng):
    x = np.broadcast_to(integers(rng, 2, 1, 1, 3), (2, 4, 5, 3))
    kernel, bias = integers(rng, 12, 12, 2), integers(rng, 3, 4, 2)
    order = rng.permutation(12)
    y, _ = local_conv_forward(x, kernel, bias, kernel_size=2)
    moved, _ = local_conv_forward(
        x, kernel[order], bias.reshape(12, 2)[order].reshape(3, 4, 2), kernel_size=2
    )
    assert_array_equal(moved.reshape(2, 12, 2), y.reshape(2, 12, 2)[:, order])


def test_samples_do_not_see_each_other(rng):
    problem = LocalConvProblem(5, (6, 5, 2), 3, (3, 2), strides=(2, 1), padding="same")
    x, kernel, bias, dy = problem.arrays
    y, dx, *_ = run(problem)
    order = rng.permutation(5)
    moved_y, moved_dx, *_ = run(problem, x[order], kernel, bias, dy[order])
    assert_array_equal(moved_y, y[order])
    assert_array_equal(moved_dx, dx[order])
