"""The operations of the variants: against loops, against each other, their refusals."""

from dataclasses import replace

import loops
import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from raising import refuses
from strategies import LAYOUTS, LocalConvProblem, integers, local_conv_problems

from localnet import config
from localnet.geometry import Geometry
from localnet.geometry.transposed import transposed_length
from localnet.ops import (
    Sharing,
    Workspace,
    conv_backward,
    conv_forward,
    expand_shared_backward,
    expand_shared_forward,
    local_conv_backward,
    local_conv_forward,
    local_conv_matrix,
    local_conv_transpose_backward,
    local_conv_transpose_forward,
    located_bias_backward,
    located_bias_forward,
    mix_kernels_backward,
    mix_kernels_forward,
    outer_sum_backward,
    outer_sum_forward,
    shared_conv_backward,
    shared_conv_forward,
    taps_inside,
)

engines = st.sampled_from(config.ENGINES)


def laid_out(problem, arrays):
    """Lay arrays out in memory as the problem says, and freeze them."""
    result = []
    for values, layout in zip(arrays, problem.layouts, strict=True):
        array = LAYOUTS[layout](values.astype(problem.dtype))
        array.flags.writeable = False
        result.append(array)
    return result


def assert_fresh(results, arguments, before):
    """Expect results of their own, and arguments that nobody wrote to."""
    results = [r for r in results if r is not None]
    for array, copy in zip(arguments, before, strict=True):
        assert_array_equal(array, copy)
        assert not any(np.shares_memory(array, result) for result in results)
    for i, result in enumerate(results):
        assert result.flags.writeable
        assert result.flags.c_contiguous
        assert not any(np.shares_memory(result, other) for other in results[:i])


# --- shared and tiled -----------------------------------------------------------------

sharings = st.tuples(
    st.tuples(*[st.integers(1, 4)] * 3),
    st.none() | st.tuples(*[st.integers(1, 3)] * 3),
)


def shared_arrays(problem, share, tile):
    g, rng = problem.geometry, np.random.default_rng(problem.seed)
    sizes = Sharing.of(g.output_sizes, share, tile).sizes
    count = int(np.prod(sizes))
    x, _, _, dy = problem.arrays
    kernel = integers(rng, count, g.patch_size, problem.filters)
    bias = integers(rng, *sizes, problem.filters)
    _, kernel, bias, _ = laid_out(problem, (x, kernel, bias, dy))
    return x, kernel, bias if problem.use_bias else None, dy


def run_shared(problem, arrays, share, tile, engine="blocked", workspace=None):
    x, kernel, bias, dy = arrays
    with config.engine(engine):
        y, cache = shared_conv_forward(
            x,
            kernel,
            bias,
            share=share,
            tile=tile,
            **problem.options,
            workspace=workspace,
        )
        grads = shared_conv_backward(dy, cache, workspace=workspace)
    return y, *grads


@given(local_conv_problems(), sharings, engines)
def test_shared_kernels_are_those_of_the_loops(problem, sharing, engine):
    rank = problem.geometry.rank
    share, tile = sharing[0][:rank], sharing[1] and sharing[1][:rank]
    arrays = shared_arrays(problem, share, tile)
    arguments = [a for a in arrays if a is not None]
    before = [a.copy() for a in arguments]
    got = run_shared(problem, arrays, share, tile, engine)
    want = loops.shared(*arrays, problem.geometry, share, tile or (None,) * rank)
    for ours, theirs in zip(got, want, strict=True):
        if ours is None:
            assert arrays[2] is None
            continue
        assert_array_equal(ours, theirs)
        assert ours.dtype == problem.dtype
    assert_fresh(got, arguments, before)


@given(local_conv_problems(), engines)
def test_sharing_with_nobody_is_the_locally_connected_layer(problem, engine):
    x, kernel, bias, dy = problem.arrays
    with config.engine(engine):
        y, cache = local_conv_forward(x, kernel, bias, **problem.options)
        want = (y, *local_conv_backward(dy, cache))
    tiles = (None, problem.geometry.output_sizes, 100)
    for tile in tiles:
        got = run_shared(problem, problem.arrays, 1, tile, engine)
        for ours, theirs in zip(got, want, strict=True):
            assert (ours is None) == (theirs is None)
            if ours is not None:
                assert_array_equal(ours, theirs, strict=True)


@given(local_conv_problems(), engines, st.sampled_from(["share", "more", "tile"]))
def test_one_group_is_a_convolution(problem, engine, how):
    problem = replace(problem, padding=problem.geometry.pads)  # the words differ
    g, filters = problem.geometry, problem.filters
    share, tile = {
        "share": (g.output_sizes, None),
        "more": (10**9, None),
        "tile": (1, 1),
    }[how]
    arrays = shared_arrays(problem, share, tile)
    x, kernel, bias, dy = arrays
    got = run_shared(problem, arrays, share, tile, engine)

    def as_conv(kernel):
        if g.channels_last:
            return kernel.reshape(*g.kernel_size, g.channels, filters)
        by_channel = kernel.reshape(g.channels, *g.kernel_size, filters)
        return np.moveaxis(by_channel, 0, -2)

    options = {k: v for k, v in problem.options.items() if k != "kernel_size"}
    tied = None if bias is None else bias.reshape(filters)
    with config.engine(engine):
        y, cache = conv_forward(x, as_conv(kernel), tied, **options)
        dx, dkernel, dbias = conv_backward(dy, cache)
    assert_array_equal(got[0], y)
    assert_array_equal(got[1], dx)
    assert_array_equal(as_conv(got[2]), dkernel)
    if bias is not None:
        assert_array_equal(got[3].ravel(), dbias)


def test_gradients_add_up_over_a_block_and_over_repeats():
    every = np.arange(1.0, 8.0)  # o = 0 .. 6
    for options, want in {
        (3, None): [1 + 2 + 3, 4 + 5 + 6, 7],
        (1, 3): [1 + 4 + 7, 2 + 5, 3 + 6],
        (2, 2): [1 + 2 + 5 + 6, 3 + 4 + 7],
        (7, None): [28],
        (1, 7): every,
    }.items():
        share, tile = options
        weight = np.zeros(len(want))
        _, cache = expand_shared_forward(
            weight, output_sizes=(7,), share=share, tile=tile
        )
        assert_array_equal(expand_shared_backward(every, cache), want)


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=3),
    st.tuples(*[st.integers(1, 7)] * 3),
    st.none() | st.tuples(*[st.integers(1, 7)] * 3),
)
def test_every_location_is_of_the_group_that_the_formula_says(sizes, share, tile):
    rank = len(sizes)
    share, tile = share[:rank], tile and tile[:rank]
    sharing = Sharing.of(sizes, share, tile)
    numbers = np.arange(float(sharing.count)).reshape(sharing.sizes)
    y, cache = expand_shared_forward(
        numbers, output_sizes=sizes, share=share, tile=tile
    )
    assert cache.sharing == sharing
    met = set()
    for o in np.ndindex(*sizes):
        group = loops.group_of(o, share, tile or (None,) * rank)
        assert y[o] == numbers[group]
        met.add(group)
    assert len(met) == sharing.count  # no group is empty
    assert sharing.is_trivial == (met == set(np.ndindex(*sizes)))


@given(local_conv_problems(), sharings)
def test_a_tap_is_inside_if_it_is_at_one_location_of_its_group(problem, sharing):
    g = problem.geometry
    share, tile = sharing[0][: g.rank], sharing[1] and sharing[1][: g.rank]
    groups = [
        loops.group_of(o, share, tile or (None,) * g.rank)
        for o in np.ndindex(*g.output_sizes)
    ]
    known = sorted(set(groups))
    want = np.zeros((len(known), g.patch_size, 1), bool)
    for location, _, k, _, _, inside in loops.wires(g):
        want[known.index(groups[location]), k] |= inside
    got = taps_inside(g, share, tile)
    if g.has_pads:
        assert_array_equal(got, want)
    else:
        assert got is None
        assert want.all()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"share": 0}, "share must be an integer or a tuple of 1 integer >= 1, got 0"),
        (
            {"share": (2, 2)},
            "share must be an integer or a tuple of 1 integer >= 1, got (2, 2)",
        ),
        ({"tile": 0}, "tile must be an integer or a tuple of 1 integer >= 1, got 0"),
        (
            {"share": 2},
            "kernel must have shape (prod(G), K, F) = (2, 2, F), got (3, 2, 1)",
        ),
        (
            {"tile": 3, "bias": np.zeros((3, 2))},
            "bias must have shape (*O, F) = (3, 1), got (3, 2)",
        ),
    ],
)
def test_shared_refuses(options, sentence):
    with refuses(sentence):
        shared_conv_forward(
            np.zeros((1, 4, 1)), np.zeros((3, 2, 1)), kernel_size=2, **options
        )


def test_shared_refuses_a_bias_that_is_not_by_group():
    with refuses("bias must have shape (*G, F) = (2, 1), got (3, 1)"):
        shared_conv_forward(
            np.zeros((1, 4, 1)),
            np.zeros((2, 2, 1)),
            np.zeros((3, 1)),
            kernel_size=2,
            share=2,
        )
    with refuses("weight must have shape (*G, ...) with G = (2,), got (3,)"):
        expand_shared_forward(np.zeros(3), output_sizes=(4,), share=2)
    _, cache = expand_shared_forward(np.zeros(2), output_sizes=(4,), share=2)
    with refuses("dy must have the shape of y, (4,), got (2,)"):
        expand_shared_backward(np.zeros(2), cache)


# --- transposed -----------------------------------------------------------------------


def transpose_options(problem):
    """Return options whose output is the input of the problem's layer."""
    g = problem.geometry
    padding = [problem.padding] * g.rank
    if not isinstance(problem.padding, str):
        padding = problem.padding
    extra = []
    for n, o, r, s, d, p in zip(
        g.input_sizes,
        g.output_sizes,
        g.kernel_size,
        g.strides,
        g.dilation_rate,
        padding,
        strict=True,
    ):
        missing = n - transposed_length(o, r, s, p, d, 0)
        extra.append(missing if missing < s else None)
    options = {k: v for k, v in problem.options.items() if k != "pad_value"}
    return {**options, "output_padding": tuple(extra)}


def transposed_arrays(problem):
    g, rng = problem.geometry, np.random.default_rng(problem.seed)
    v, kernel, _, x = problem.arrays
    bias = integers(rng, *g.input_sizes, g.channels)
    _, _, bias, _ = laid_out(problem, (x, kernel, bias, v))
    return x, kernel, bias if problem.use_bias else None, v


def run_transposed(arrays, options, engine="blocked", workspace=None, need_dx=True):
    x, kernel, bias, dy = arrays
    with config.engine(engine):
        y, cache = local_conv_transpose_forward(
            x, kernel, bias, **options, workspace=workspace
        )
        grads = local_conv_transpose_backward(
            dy, cache, need_dx=need_dx, workspace=workspace
        )
    return y, *grads


@given(local_conv_problems(), engines)
def test_transposed_is_that_of_the_loops(problem, engine):
    options = transpose_options(problem)
    arrays = transposed_arrays(problem)
    arguments = [a for a in arrays if a is not None]
    before = [a.copy() for a in arguments]
    got = run_transposed(arrays, options, engine)
    assert got[0].shape[1:] == problem.input_shape  # each of them can be had
    want = loops.transposed(*arrays, problem.geometry)
    for ours, theirs in zip(got, want, strict=True):
        if ours is None:
            assert arrays[2] is None
            continue
        assert_array_equal(ours, theirs)
        assert ours.dtype == problem.dtype
    assert_fresh(got, arguments, before)
    assert run_transposed(arrays, options, engine, need_dx=False)[1] is None


@given(local_conv_problems(), engines)
def test_transposed_is_the_adjoint_of_the_layer_exactly(problem, engine):
    options = transpose_options(problem)
    x, kernel, _, v = transposed_arrays(problem)
    straight = replace(problem, pad_value=0.0).options
    with config.engine(engine):
        forward, _ = local_conv_forward(v, kernel, **straight)
        y, _ = local_conv_transpose_forward(x, kernel, **options)
    assert np.sum(forward * x) == np.sum(y * v)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same", ((1, 0), (2, 1))])
def test_transposed_is_the_matrix_transposed(padding, data_format):
    shape = (6, 5, 2) if data_format == "channels_last" else (2, 6, 5)
    problem = LocalConvProblem(
        3, shape, 4, (3, 2), (2, 3), padding, data_format=data_format
    )
    x, kernel, _, v = transposed_arrays(problem)
    options = transpose_options(problem)
    straight = {k: v for k, v in problem.options.items() if k != "pad_value"}
    matrix = local_conv_matrix(kernel, shape, **straight)
    y, _ = local_conv_transpose_forward(x, kernel, **options)
    assert_array_equal(y.reshape(3, -1), (matrix.T @ x.reshape(3, -1).T).T)
    assert y.shape == v.shape


def test_lengths_are_those_of_keras():
    cases = reference.load("transposed_lengths.npz")["cases"]
    assert len(cases) > 200
    for length, size, stride, same, dilation, extra, want in cases.tolist():
        got = transposed_length(
            length,
            size,
            stride,
            "same" if same else "valid",
            dilation,
            None if extra < 0 else extra,
        )
        assert got == want


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"output_padding": 2, "strides": 2},
            "output_padding must be less than strides (2,), got 2",
        ),
        (
            {"output_padding": -1},
            "output_padding must be None, an integer or a tuple of 1 of these >= 0, "
            "got -1",
        ),
        (
            {"strides": 2, "padding": "same", "output_padding": 0},
            "output_padding must give an output over which the forward layer has the "
            "locations of the input, (3,), got kernel_size (2,) with strides (2,), "
            "padding 'same', output_padding 0: over (4,) it has (2,)",
        ),
        (
            {"padding": ((3, 3),)},
            "kernel_size must leave at least one output location, got kernel_size (2,) "
            "with strides (1,), padding ((3, 3),) for an input of sizes (3,)",
        ),
        (
            {"kernel_size": 4},
            "kernel must have shape (L, K, C) with K a multiple of the 4 taps of a "
            "window, got (3, 6, 2)",
        ),
        (
            {"kernel_size": 1},
            None,
        ),
        (
            {"bias": np.zeros((3, 3))},
            "bias must have shape (*S, F) = (4, 3), got (3, 3)",
        ),
        (
            {"x": np.zeros((1, 4, 2))},
            "kernel must have shape (L, K, C) = (4, 6, 2) with "
            "K = prod(kernel_size)*F, got (3, 6, 2)",
        ),
        (
            {"x": np.zeros((1, 2))},
            "x must have a sample axis, 1 to 3 spatial axes and a channel axis, "
            "got shape (1, 2)",
        ),
        (
            {"data_format": "last"},
            "data_format must be one of 'channels_last', 'channels_first', got 'last'",
        ),
    ],
)
def test_transposed_refuses(options, sentence):
    arguments = {
        "x": np.zeros((1, 3, 2)),
        "kernel": np.zeros((3, 6, 2)),
        "kernel_size": 2,
        **options,
    }
    if sentence is None:
        local_conv_transpose_forward(**arguments)
        return
    with refuses(sentence):
        local_conv_transpose_forward(**arguments)


# --- low rank -------------------------------------------------------------------------


@given(
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from(list(LAYOUTS)),
    st.integers(0, 2**32 - 1),
)
def test_mixed_kernels_are_those_of_the_loops(
    locations, rank, patch_size, filters, layout, seed
):
    rng = np.random.default_rng(seed)
    mixture = LAYOUTS[layout](integers(rng, locations, rank))
    basis = LAYOUTS[layout](integers(rng, rank, patch_size, filters))
    dy = LAYOUTS[layout](integers(rng, locations, patch_size, filters))
    for array in (mixture, basis, dy):
        array.flags.writeable = False
    kernel, cache = mix_kernels_forward(mixture, basis)
    grads = mix_kernels_backward(dy, cache)
    assert_array_equal(kernel, loops.mixed_kernels(mixture, basis))
    assert_array_equal(grads.dmixture, np.tensordot(dy, basis, ((1, 2), (1, 2))))
    assert_array_equal(grads.dbasis, np.tensordot(mixture, dy, (0, 0)))
    assert np.linalg.matrix_rank(kernel.reshape(locations, -1)) <= rank
    assert not np.shares_memory(kernel, basis)


def test_one_number_per_location_and_basis_kernel_is_any_layer():
    problem = LocalConvProblem(2, (4, 3, 2), 3, (2, 2))
    x, kernel, *_ = problem.arrays
    mixed, _ = mix_kernels_forward(np.eye(len(kernel)), kernel)
    assert_array_equal(mixed, kernel)
    ones, _ = mix_kernels_forward(np.ones((len(kernel), 1)), kernel[:1])
    conv, _ = shared_conv_forward(x, kernel[:1], share=9, kernel_size=(2, 2))
    same, _ = local_conv_forward(x, ones, **problem.options)
    assert_array_equal(same, conv)


def test_an_outer_sum_is_that_of_the_loops(rng):
    tables = [integers(rng, size, 2) for size in (2, 3, 4)]
    for count in (1, 2, 3):
        y, cache = outer_sum_forward(*tables[:count])
        dy = integers(rng, *y.shape)
        dtables = outer_sum_backward(dy, cache)
        want = [np.zeros_like(table) for table in tables[:count]]
        for (*o, m), value in np.ndenumerate(y):
            assert value == sum(t[i, m] for t, i in zip(tables, o, strict=False))
            for axis, i in enumerate(o):
                want[axis][i, m] += dy[(*o, m)]
        for got, expected in zip(dtables, want, strict=True):
            assert_array_equal(got, expected)
            assert not np.shares_memory(got, dy)
        assert not np.shares_memory(y, tables[0])


def test_a_bias_without_places_is_that_of_the_filters(rng):
    for data_format, shape in {
        "channels_last": (3, 2, 1),
        "channels_first": (1, 3, 2),
    }.items():
        g = Geometry.of(shape, kernel_size=1, data_format=data_format)
        y, cache = located_bias_forward([1.0, 2.0], geometry=g)
        row = [1] * 6 + [2] * 6 if data_format == "channels_first" else [1, 2] * 6
        assert_array_equal(y.ravel(), row)
        dy = integers(rng, 3, 2, 2)
        [dbias] = located_bias_backward(dy, cache)
        assert_array_equal(dbias, [dy.ravel()[np.equal(row, f)].sum() for f in (1, 2)])
        all_in_one, _ = located_bias_forward([0.0], np.arange(6.0), geometry=g)
        assert_array_equal(all_in_one.ravel(), range(6))


def test_low_rank_refuses():
    with refuses(
        "bias and places must have shapes (F,) and (O_a,) for the axes (3, 2), "
        "got (1,), (3,)"
    ):
        g = Geometry.of((3, 2, 1), kernel_size=1)
        located_bias_forward([0.0], np.zeros(3), geometry=g)
    with refuses(
        "mixture must have shape (L, rank) for a basis of shape (rank, K, F), "
        "got (3, 2) for (3, 4, 5)"
    ):
        mix_kernels_forward(np.zeros((3, 2)), np.zeros((3, 4, 5)))
    with refuses("tables must have shapes (O_a, M) with one M, got (2, 1), (2, 2)"):
        outer_sum_forward(np.zeros((2, 1)), np.zeros((2, 2)))
    with refuses("tables must have shapes (O_a, M) with one M, got none"):
        outer_sum_forward()
    _, cache = outer_sum_forward(np.zeros((2, 1)))
    with refuses("dy must have the shape of y, (2, 1), got (3, 1)"):
        outer_sum_backward(np.zeros((3, 1)), cache)
    _, cache = mix_kernels_forward(np.zeros((2, 1)), np.zeros((1, 1, 1)))
    with refuses("dy must have the shape of y, (2, 1, 1), got (3, 1)"):
        mix_kernels_backward(np.zeros((3, 1)), cache)


# --- workspace and dtypes -------------------------------------------------------------


def test_a_workspace_changes_no_bit_and_keeps_what_is_needed():
    workspace = Workspace()
    for problem in (
        LocalConvProblem(2, (6, 5, 2), 3, (2, 3), strides=2, padding="same"),
        LocalConvProblem(3, (2, 7), 2, (3,), data_format="channels_first"),
        LocalConvProblem(2, (5, 5, 1), 2, (2, 2), dtype="float32"),
    ):
        for share, tile in ((2, None), (1, 2), (1, None)):
            arrays = shared_arrays(problem, share, tile)
            got = run_shared(problem, arrays, share, tile, workspace=workspace)
            want = run_shared(problem, arrays, share, tile)
            for ours, theirs in zip(got, want, strict=True):
                assert_array_equal(ours, theirs, strict=True)
        arrays, options = transposed_arrays(problem), transpose_options(problem)
        got = run_transposed(arrays, options, workspace=workspace)
        for ours, theirs in zip(got, run_transposed(arrays, options), strict=True):
            assert_array_equal(ours, theirs, strict=True)


def test_integers_become_floatx_and_half_precision_stays():
    x, kernel = np.ones((1, 4, 1), int), np.ones((2, 2, 1), int)
    y, cache = shared_conv_forward(x, kernel, kernel_size=2, share=2)
    assert y.dtype == "float32"
    half, cache = shared_conv_forward(
        x.astype("float16"), kernel.astype("float16"), kernel_size=2, share=2
    )
    grads = shared_conv_backward(np.ones_like(half), cache)
    assert {half.dtype, grads.dx.dtype, grads.dkernel.dtype} == {np.dtype("float16")}
    y, _ = local_conv_transpose_forward(
        x, np.ones((4, 2, 1), int), np.ones((5, 1)), kernel_size=2
    )
    assert y.dtype == "float64"
