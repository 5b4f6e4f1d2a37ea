"""The locally connected layer: three engines, threads, purity, dtypes, refusals."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from raising import refuses
from strategies import LAYOUTS, LocalConvProblem, local_conv_problems

from localnet import config
from localnet.ops import (
    LocalConvGrads,
    Workspace,
    local_conv_backward,
    local_conv_forward,
)
from localnet.ops.local import blocked, definition, naive
from localnet.ops.local.gather import patch_source
from localnet.ops.runtime import cuts

# More than `cuts.THREAD_LIMIT` multiply-adds, and several blocks.
LARGE = LocalConvProblem(
    batch=96, input_shape=(32, 32, 3), filters=16, kernel_size=(3, 3), dtype="float32"
)
PROBLEMS = {
    "1d": LocalConvProblem(2, (6, 2), 3, kernel_size=(3,)),
    "1d-strided-past-the-window": LocalConvProblem(2, (9, 2), 2, (2,), strides=(3,)),
    "2d-same": LocalConvProblem(
        2, (4, 3, 2), 2, (3, 2), strides=(2, 1), padding="same"
    ),
    "2d-channels-first": LocalConvProblem(
        2, (2, 4, 3), 2, (2, 2), data_format="channels_first"
    ),
    "2d-dilated": LocalConvProblem(1, (5, 4, 2), 2, (2, 2), dilation_rate=(2, 1)),
    "2d-pads-of-minus-one": LocalConvProblem(
        2, (3, 3, 1), 2, (2, 2), padding=((1, 0), (0, 2)), pad_value=-1.0
    ),
    "3d": LocalConvProblem(1, (3, 2, 3, 2), 2, (2, 1, 2)),
}
problems = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
engines = pytest.mark.parametrize("engine", config.ENGINES)


def run(problem, engine="blocked", **options):
    """Return y, dx, dkernel and dbias of one problem."""
    return run_arrays(problem, engine, *problem.arrays, **options)


def run_arrays(problem, engine, x, kernel, bias, dy, *, need_dx=True, workspace=None):
    """Return the same for other arrays in the geometry of the problem."""
    with config.engine(engine):
        y, cache = local_conv_forward(
            x, kernel, bias, **problem.options, workspace=workspace
        )
        grads = local_conv_backward(dy, cache, need_dx=need_dx, workspace=workspace)
    return y, *grads


def random_reals(problem, rng):
    """Return x, kernel, bias and dy of a problem with values off any grid."""
    return [rng.standard_normal(a.shape).astype(a.dtype) for a in problem.arrays]


# --- engines --------------------------------------------------------------------------


@given(local_conv_problems())
def test_engines_agree_bit_for_bit_on_integers(problem):
    naive, einsum, fast = (run(problem, engine) for engine in config.ENGINES)
    for expected, *others in zip(naive, einsum, fast, strict=True):
        for got in others:
            if expected is None:
                assert got is None
                continue
            assert_array_equal(got, expected, strict=True)
            assert got.dtype == problem.dtype
            assert got.flags.c_contiguous


@engines
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_results_are_c_contiguous_whatever_the_memory_layout(
    layout, data_format, engine
):
    problem = LocalConvProblem(
        3, (4, 5, 4), 3, (2, 2), data_format=data_format, layouts=(layout,) * 4
    )
    contiguous = [np.ascontiguousarray(a) for a in problem.arrays]
    for got, expected in zip(
        run(problem, engine), run_arrays(problem, engine, *contiguous), strict=True
    ):
        assert got.flags.c_contiguous
        assert_array_equal(got, expected)


@given(local_conv_problems(), st.sampled_from(config.ENGINES))
def test_pure_whatever_the_memory_layout(problem, engine):
    arguments = [a for a in problem.arrays if a is not None]
    before = [a.copy() for a in arguments]
    results = [a for a in run(problem, engine) if a is not None]
    for array, copy in zip(arguments, before, strict=True):
        assert_array_equal(array, copy)
        assert not any(np.shares_memory(array, result) for result in results)
    for i, result in enumerate(results):
        assert result.flags.writeable
        assert not any(np.shares_memory(result, other) for other in results[:i])


@given(local_conv_problems())
def test_a_problem_prints_as_code_that_makes_it_again(problem):
    again = eval(repr(problem))
    for ours, theirs in zip(problem.arrays, again.arrays, strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            assert_array_equal(ours, theirs, strict=True)
            assert ours.strides == theirs.strides


@pytest.mark.parametrize(
    ("engine", "module"),
    [("naive", naive), ("einsum", definition), ("blocked", blocked)],
    ids=config.ENGINES,
)
def test_each_name_reaches_its_engine(engine, module, monkeypatch):
    x, kernel, bias, dy = PROBLEMS["1d"].arrays
    y, grads = np.ones(1), LocalConvGrads(np.ones(1), np.ones(1), None)
    monkeypatch.setattr(module, "forward", lambda *_: y)
    monkeypatch.setattr(module, "backward", lambda *_, **__: grads)
    config.set_engine(engine)
    got, cache = local_conv_forward(x, kernel, bias, kernel_size=3)
    assert got is y
    assert local_conv_backward(dy, cache).dx is grads.dx


@engines
@problems
def test_what_is_not_needed_is_none_and_changes_nothing_else(problem, engine):
    _, dx, dkernel, dbias = run(problem, engine)
    _, no_dx, same_dkernel, same_dbias = run(problem, engine, need_dx=False)
    assert no_dx is None
    assert_array_equal(same_dkernel, dkernel)
    assert_array_equal(same_dbias, dbias)
    _, same_dx, same_dkernel, no_dbias = run(replace(problem, use_bias=False), engine)
    assert no_dbias is None
    assert_array_equal(same_dx, dx)
    assert_array_equal(same_dkernel, dkernel)


def cut_of(problem):
    g = problem.geometry
    itemsize = np.dtype(problem.dtype).itemsize
    return cuts.cuts(g, problem.batch, problem.filters, itemsize)


# Every path of the engine: blocks of one location and of all, products of one sample,
# tiles with a remainder, one band and as many as fit, strips and windows.
CONSTANTS = st.fixed_dictionaries(
    {
        "BLOCK_BYTES": st.sampled_from([1, 100, 400, 1 << 20]),
        "BAND_BLOCK_BYTES": st.sampled_from([1, 100, 400, 1 << 20]),
        "GEMM_LIMIT": st.sampled_from([1, 12, 50, 1_000_000]),
        "LINE": st.sampled_from([1, 2, 16]),
        "THREAD_LIMIT": st.sampled_from([0, 1 << 60]),
        "PARTS": st.integers(1, 9),
        "BANDS": st.integers(1, 4),
        "RUN": st.sampled_from([0, 1000]),
    }
)


@given(local_conv_problems(), CONSTANTS, st.integers(1, 4))
def test_every_path_of_the_fast_engine_gives_the_same_integers(
    problem, constants, threads
):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in constants.items():
            patch.setattr(cuts, name, value)
        cuts.cuts.cache_clear()
        config.set_num_threads(threads)
        workspace = Workspace()
        got = run(problem, workspace=workspace)
        again = run(problem)
    cuts.cuts.cache_clear()
    for ours, same, want in zip(got, again, run(problem, "naive"), strict=True):
        assert_array_equal(ours, want)
        assert_array_equal(same, want)


TILES = {
    "a sequence": LocalConvProblem(3, (12, 2), 4, (3,), (3,)),
    "a sequence and a rest": LocalConvProblem(3, (14, 2), 4, (3,), (3,)),
    "gaps": LocalConvProblem(3, (11, 2), 4, (2,), (3,)),
    "kernel 1": LocalConvProblem(3, (5, 2), 4, (1,), (1,)),
    "kernel 1 in steps": LocalConvProblem(3, (7, 2), 4, (1,), (2,)),
    "kernel 1 on images": LocalConvProblem(3, (5, 4, 2), 4, (1, 1), (1, 1)),
    "rows": LocalConvProblem(3, (5, 8, 2), 4, (1, 2), (1, 2)),
    "rows that overlap": LocalConvProblem(3, (5, 8, 2), 4, (1, 3), (1, 2)),
    "images": LocalConvProblem(3, (4, 6, 2), 4, (2, 3), (2, 3)),
    "images and a rest": LocalConvProblem(3, (5, 8, 2), 4, (2, 3), (2, 3)),
    "kernel 1 on volumes": LocalConvProblem(3, (3, 4, 2, 2), 4, (1, 1, 1), (1, 1, 1)),
    "volumes": LocalConvProblem(3, (4, 4, 5, 1), 4, (2, 2, 2), (2, 2, 3)),
}


@pytest.mark.parametrize("name", TILES)
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("threads", [1, 3])
def test_windows_that_do_not_overlap_give_the_same_integers(
    name, batch, threads, small_cuts
):
    problem = replace(TILES[name], batch=batch)
    assert cut_of(problem).is_tiled is (name != "rows that overlap")
    want = run(problem, "naive")
    for changed in ({}, {"THREAD_LIMIT": 0, "BLOCK_BYTES": 1}, {"GEMM_LIMIT": 1}):
        small_cuts(**changed)
        config.set_num_threads(threads)
        for workspace in (None, Workspace()):
            for ours, exact in zip(
                run(problem, workspace=workspace), want, strict=True
            ):
                assert_array_equal(ours, exact)


@pytest.mark.parametrize("name", TILES)
def test_patches_that_are_runs_are_no_copies(name, rng):
    problem = TILES[name]
    x, *_ = random_reals(problem, rng)
    cut = cut_of(problem)
    patches = patch_source(x, cut, Workspace())(cut.parts[0][0], cut.tiles[0])
    assert np.shares_memory(patches, x) is cut.in_runs
    assert not (cut.in_runs and patches.flags.writeable)
    assert cut.in_runs is not (name in ("images", "images and a rest", "volumes"))


def test_numbers_off_any_grid_agree_within_the_proven_bound(rng):
    # |got - exact| <= count*u*sum|a||b| for each engine, so twice that apart.
    problem = replace(LARGE, dtype="float64")
    x, kernel, bias, dy = random_reals(problem, rng)
    results = [
        run_arrays(problem, engine, x, kernel, bias, dy)
        for engine in ("einsum", "blocked")
    ]
    sizes = run_arrays(problem, "einsum", *map(np.abs, (x, kernel, bias, dy)))
    u = np.finfo("float64").eps / 2
    counts = (9 * 3 + 1, 9 * 16, 96, 95)
    for ours, theirs, size, count in zip(*results, sizes, counts, strict=True):
        assert np.all(np.abs(ours - theirs) <= 2 * count * u * size)


# --- threads --------------------------------------------------------------------------


def bits(problem, arrays):
    return [a.tobytes() for a in run_arrays(problem, "blocked", *arrays)]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_same_bits_for_any_number_of_threads_and_every_run(data_format, rng):
    last = data_format == "channels_last"
    problem = replace(
        LARGE,
        input_shape=LARGE.input_shape if last else (3, 32, 32),
        data_format=data_format,
    )
    arrays = random_reals(problem, rng)
    assert cut_of(problem).threaded
    results = []
    for threads in (1, 2, 4, 2):
        config.set_num_threads(threads)
        results.append(bits(problem, arrays))
    assert results[0] == results[1] == results[2] == results[3]


@problems
def test_same_bits_for_any_number_of_threads_on_small_problems(
    problem, small_cuts, rng
):
    problem = replace(problem, batch=65)
    arrays = random_reals(problem, rng)
    small_cuts(THREAD_LIMIT=0, BLOCK_BYTES=1, BAND_BLOCK_BYTES=1)
    assert len(cut_of(problem).parts) > 1
    config.set_num_threads(1)
    expected = bits(problem, arrays)
    for threads in (2, 4, 50):
        config.set_num_threads(threads)
        assert bits(problem, arrays) == expected


# --- gradients ------------------------------------------------------------------------


@engines
@problems
def test_gradients_equal_central_differences_exactly(problem, engine):
    x, kernel, bias, dy = problem.arrays
    _, *grads = run(problem, engine)
    arguments = [x, kernel, bias]

    def loss():
        with config.engine("einsum"):
            y, _ = local_conv_forward(*arguments, **problem.options)
        return np.sum(dy * y)

    # y is linear in each argument and all values are integers: the step may be 1.
    for position, grad in enumerate(grads):
        original = arguments[position]
        for index in np.ndindex(original.shape):
            slopes = []
            for step in (1.0, -1.0):
                arguments[position] = original.copy()
                arguments[position][index] += step
                slopes.append(loss())
            assert (slopes[0] - slopes[1]) / 2 == grad[index], index
        arguments[position] = original


@engines
def test_cells_that_no_window_reads_have_gradient_zero(engine):
    problem = LocalConvProblem(2, (9, 1), 1, kernel_size=(2,), strides=(3,))
    dx = run(problem, engine)[1]
    assert_array_equal(dx[:, 2::3], 0)


# --- workspace ------------------------------------------------------------------------


def test_a_workspace_changes_no_bit():
    workspace = Workspace()
    for _ in range(2):  # the second round meets buffers of other sizes, full of numbers
        for problem in PROBLEMS.values():
            got = run(problem, workspace=workspace)
            for ours, theirs in zip(got, run(problem), strict=True):
                assert_array_equal(ours, theirs, strict=True)


@pytest.mark.parametrize("keep", [True, False])
def test_results_in_a_workspace_are_reused_or_not_as_it_says(keep):
    workspace = Workspace(keep_results=keep)
    first = run(PROBLEMS["2d-same"], workspace=workspace)
    second = run(PROBLEMS["2d-same"], workspace=workspace)
    for one, other in zip(first, second, strict=True):
        assert np.shares_memory(one, other) == keep


def test_a_warm_call_with_a_workspace_takes_no_memory(rng):
    arrays = random_reals(LARGE, rng)
    config.set_num_threads(1)
    workspace = Workspace()
    sizes = (LARGE.batch, 20)  # the last batch of an epoch is smaller
    peaks = []
    for _ in range(2):
        for n in sizes:
            batch = [a[:n] if a.ndim == 4 else a for a in arrays]
            tracemalloc.start()
            run_arrays(LARGE, "blocked", *batch, workspace=workspace)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[0] > 4_000_000
    assert max(peaks[2:]) < 120_000  # NumPy 2.0 takes 106 kB, 2.4 less


def test_the_cache_refers_to_x_and_holds_no_patches():
    x, kernel, bias, _ = PROBLEMS["1d"].arrays
    _, cache = local_conv_forward(x, kernel, bias, kernel_size=3)
    assert np.shares_memory(cache.padded, x)
    assert cache.kernel is kernel
    assert cache.padded.shape == x.shape


# --- dtypes ---------------------------------------------------------------------------


@engines
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex128"])
def test_dtype_is_kept(dtype, engine):
    for result in run(replace(PROBLEMS["2d-same"], dtype=dtype), engine):
        assert result.dtype == dtype


@engines
@pytest.mark.parametrize("floatx", config.FLOATS)
def test_integers_and_booleans_become_floatx(floatx, engine):
    config.set_floatx(floatx)
    config.set_engine(engine)
    kernel = np.array([[[2], [3]], [[5], [7]]])
    y, cache = local_conv_forward([[[True], [False], [True]]], kernel, kernel_size=2)
    assert_array_equal(y, np.array([[[2], [7]]], floatx), strict=True)
    grads = local_conv_backward([[[1], [1]]], cache)
    assert grads.dx.dtype == grads.dkernel.dtype == floatx


def test_floats_of_two_widths_give_the_wider_one():
    x, kernel, bias, dy = PROBLEMS["1d"].arrays
    narrow = np.float32
    for arguments in [
        (x, kernel.astype(narrow), bias.astype(narrow)),
        (x.astype(narrow), kernel, bias.astype(narrow)),
        (x.astype(narrow), kernel.astype(narrow), bias),
    ]:
        y, cache = local_conv_forward(*arguments, kernel_size=3)
        grads = local_conv_backward(dy.astype(narrow), cache)
        assert {a.dtype for a in (y, *grads)} == {np.dtype("float64")}


def test_a_wider_dy_does_not_widen_the_gradients():
    x, kernel, bias, dy = replace(PROBLEMS["1d"], dtype="float32").arrays
    _, cache = local_conv_forward(x, kernel, bias, kernel_size=3)
    grads = local_conv_backward(dy.astype("float64"), cache)
    assert {a.dtype for a in grads} == {np.dtype("float32")}


@engines
def test_complex_step_gives_the_gradient(engine, rng):
    problem = PROBLEMS["2d-same"]
    x, kernel, bias, dy = random_reals(problem, rng)
    direction = rng.standard_normal(kernel.shape)
    config.set_engine(engine)
    _, cache = local_conv_forward(x, kernel, bias, **problem.options)
    y, _ = local_conv_forward(x, kernel + 1e-200j * direction, bias, **problem.options)
    slope = np.sum(dy * y.imag) / 1e-200
    dkernel = local_conv_backward(dy, cache).dkernel
    assert_allclose(slope, np.sum(dkernel * direction), rtol=1e-13)


# --- sizes of zero --------------------------------------------------------------------


@engines
@pytest.mark.parametrize(
    ("batch", "channels", "filters"),
    [(0, 2, 3), (2, 0, 3), (2, 2, 0)],
    ids=["no-samples", "no-channels", "no-filters"],
)
def test_an_empty_sum_is_zero(batch, channels, filters, engine):
    problem = LocalConvProblem(batch, (4, 3, channels), filters, (2, 2))
    _, _, bias, dy = problem.arrays
    y, dx, dkernel, dbias = run(problem, engine)
    assert_array_equal(y, np.broadcast_to(bias, (batch, 3, 2, filters)))
    assert_array_equal(dx, np.zeros((batch, 4, 3, channels)))
    assert_array_equal(dkernel, np.zeros((6, 4 * channels, filters)))
    assert_array_equal(dbias, dy.sum(axis=0))


# --- refusals -------------------------------------------------------------------------

X, KERNEL = np.zeros((2, 5, 3)), np.zeros((4, 6, 2))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            (np.zeros((5, 3)), KERNEL),
            "x must have a sample axis, 1 to 3 spatial axes and a channel axis, "
            "got shape (5, 3)",
        ),
        (
            (np.zeros((1, 1, 1, 1, 1, 1)), KERNEL),
            "x must have a sample axis, 1 to 3 spatial axes and a channel axis, "
            "got shape (1, 1, 1, 1, 1, 1)",
        ),
        (
            (X, np.zeros((4, 5, 2))),
            "kernel must have shape (L, K, F) = (4, 6, F), got (4, 5, 2)",
        ),
        (
            (X, np.zeros((4, 6))),
            "kernel must have shape (L, K, F) = (4, 6, F), got (4, 6)",
        ),
        ((X, 1.0), "kernel must have shape (L, K, F) = (4, 6, F), got ()"),
        (
            (X, KERNEL, np.zeros(2)),
            "bias must have shape (*O, F) = (4, 2), got (2,)",
        ),
        (([[["a"]]], KERNEL), "x must hold numbers, got dtype <U1"),
        ((X, None), "kernel must hold numbers, got dtype object"),
        ((X, KERNEL, "b"), "bias must hold numbers, got dtype <U1"),
        (
            ([[1.0, 2.0], [3.0]], KERNEL),
            "x must be a rectangular array of numbers, got rows of unequal length",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_forward_refuses(arguments, sentence):
    with refuses(sentence):
        local_conv_forward(*arguments, kernel_size=2)


def test_a_bias_of_channels_first_has_the_shape_of_channels_last():
    x, kernel = np.zeros((2, 1, 3, 4)), np.zeros((6, 4, 5))
    with refuses("bias must have shape (*O, F) = (2, 3, 5), got (5, 2, 3)"):
        local_conv_forward(
            x,
            kernel,
            np.zeros((5, 2, 3)),
            kernel_size=2,
            data_format="channels_first",
        )


def test_forward_refuses_what_geometry_refuses():
    with refuses(
        "kernel_size must fit into the padded input, got (6,): "
        "kernel_size 6 over length 5 with padding 'valid' leaves no output location"
    ):
        local_conv_forward(X, KERNEL, kernel_size=6)


@engines
@pytest.mark.parametrize(
    ("dy", "sentence"),
    [
        (np.zeros((2, 4, 3)), "dy must have the shape of y, (2, 4, 2), got (2, 4, 3)"),
        (np.zeros((1, 4, 2)), "dy must have the shape of y, (2, 4, 2), got (1, 4, 2)"),
        (1.0, "dy must have the shape of y, (2, 4, 2), got ()"),
        ("dy", "dy must hold numbers, got dtype <U2"),
    ],
    ids=["filters", "batch", "scalar", "text"],
)
def test_backward_refuses(dy, sentence, engine):
    config.set_engine(engine)
    _, cache = local_conv_forward(X, KERNEL, kernel_size=2)
    with refuses(sentence):
        local_conv_backward(dy, cache)
