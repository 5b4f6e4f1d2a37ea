"""The small parts of ops: dense, dropout, matmul, matrix, workspace, threads."""

import copy
import os
import pickle
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import reference
from hypothesis import given
from numpy.testing import assert_array_equal
from raising import refuses
from strategies import LocalConvProblem, integers, local_conv_problems
from test_laws import CALLS

from localnet import config
from localnet.geometry import Geometry
from localnet.ops import (
    PAIRS,
    Workspace,
    dense_backward,
    dense_forward,
    dropout_backward,
    dropout_forward,
    dropout_mask,
    local_conv_backward,
    local_conv_forward,
    local_conv_matrix,
    local_matmul_backward,
    local_matmul_forward,
    patch_indices,
)
from localnet.ops.local import definition, local_conv
from localnet.ops.local.bias import bias_in_y
from localnet.ops.local.definition import DKERNEL, DPATCHES, FORWARD
from localnet.ops.runtime import threads
from localnet.ops.runtime.transpose import copy_batch_last

# --- the definition -------------------------------------------------------------------


def test_the_definition_is_one_page():
    source = Path(definition.__file__).read_text(encoding="utf-8")
    lines = re.sub(r'"""(?s:.*?)"""', "", source).splitlines()
    code = [line for line in lines if line.strip() and line.strip()[0] != "#"]
    assert 40 < len(code) < 80
    assert local_conv.ENGINES["einsum"] is definition


def test_fold_is_the_adjoint_of_patches():
    g = Geometry.of((7, 6, 3), kernel_size=(3, 2), strides=(2, 1), dilation_rate=(1, 2))
    rng = np.random.default_rng(0)
    x, dp = integers(rng, 2, 7, 6, 3), integers(rng, 2, g.locations, g.patch_size)
    p, dx = definition.patches(x, g), definition.fold(dp, g)
    assert np.sum(p * dp) == np.sum(x * dx)


def test_windows_are_for_reading():
    g = Geometry.of((4, 1), kernel_size=3)
    x = np.zeros((1, 4, 1))
    assert not definition.windows(x, g).flags.writeable
    assert np.shares_memory(definition.windows(x, g), x)


def exchange(subscripts, operand):
    """Let one operand of an einsum and its result change places."""
    operands, result = subscripts.split("->")
    operands = operands.split(",")
    operands[operand], result = result, operands[operand]
    return f"{','.join(operands)}->{result}"


def test_backward_strings_are_the_forward_string_with_subscripts_exchanged():
    assert exchange(FORWARD, 0) == DPATCHES
    assert exchange(FORWARD, 1) == DKERNEL


def test_local_matmul_is_one_matrix_product_per_location(rng):
    patches, kernel = integers(rng, 5, 3, 4), integers(rng, 3, 4, 2)
    bias, dy = integers(rng, 3, 2), integers(rng, 5, 3, 2)
    y, cache = local_matmul_forward(patches, kernel, bias)
    dpatches, dkernel, dbias = local_matmul_backward(dy, cache)
    for at in range(3):
        p, w, d = patches[:, at], kernel[at], dy[:, at]
        assert_array_equal(y[:, at], p @ w + bias[at])
        assert_array_equal(dpatches[:, at], d @ w.T)
        assert_array_equal(dkernel[at], p.T @ d)
        assert_array_equal(dbias[at], d.sum(axis=0))


def test_local_matmul_without_bias():
    y, cache = local_matmul_forward(np.ones((1, 2, 3)), np.ones((2, 3, 1)))
    assert_array_equal(y, np.full((1, 2, 1), 3.0))
    assert local_matmul_backward(y, cache).dbias is None


KERNEL_OF_MATMUL = "kernel must have shape (L, K, F) for patches of shape (N, L, K), "


@pytest.mark.parametrize(
    ("shapes", "sentence"),
    [
        (
            [(5, 3, 4), (3, 5, 2)],
            KERNEL_OF_MATMUL + "got (3, 5, 2) for (5, 3, 4)",
        ),
        ([(3, 4), (3, 4, 2)], KERNEL_OF_MATMUL + "got (3, 4, 2) for (3, 4)"),
        ([(5, 3, 4), (3, 4)], KERNEL_OF_MATMUL + "got (3, 4) for (5, 3, 4)"),
        (
            [(5, 3, 4), (3, 4, 2), (2,)],
            "bias must have shape (L, F) = (3, 2), got (2,)",
        ),
    ],
    ids=["patch-size", "patches-rank", "kernel-rank", "bias"],
)
def test_local_matmul_refuses(shapes, sentence):
    with refuses(sentence):
        local_matmul_forward(*map(np.zeros, shapes))


def test_local_matmul_refuses_a_dy_that_would_broadcast():
    _, cache = local_matmul_forward(np.zeros((5, 3, 4)), np.zeros((3, 4, 2)))
    with refuses("dy must have the shape of y, (5, 3, 2), got (1, 3, 2)"):
        local_matmul_backward(np.zeros((1, 3, 2)), cache)


# --- dense ----------------------------------------------------------------------------


def test_dense_by_hand():
    y, cache = dense_forward([[1.0, 2.0]], [[1.0, 0.0], [10.0, 1.0]], [0.5, -0.5])
    assert_array_equal(y, [[21.5, 1.5]])
    dx, dkernel, dbias = dense_backward([[3.0, 5.0]], cache)
    assert_array_equal(dx, [[3.0, 35.0]])
    assert_array_equal(dkernel, [[3.0, 5.0], [6.0, 10.0]])
    assert_array_equal(dbias, [3.0, 5.0])


def test_dense_acts_on_the_last_axis_of_any_number(rng):
    x, kernel = integers(rng, 2, 3, 4), integers(rng, 4, 5)
    bias, dy = integers(rng, 5), integers(rng, 2, 3, 5)
    y, cache = dense_forward(x, kernel, bias)
    grads = dense_backward(dy, cache)
    flat_y, flat_cache = dense_forward(x.reshape(6, 4), kernel, bias)
    flat = dense_backward(dy.reshape(6, 5), flat_cache)
    assert_array_equal(y.reshape(6, 5), flat_y)
    assert_array_equal(grads.dx.reshape(6, 4), flat.dx)
    assert_array_equal(grads.dkernel, flat.dkernel)
    assert_array_equal(grads.dbias, flat.dbias)


def test_dense_leaves_out_what_is_not_needed():
    _, cache = dense_forward(np.ones((2, 3)), np.ones((3, 4)))
    grads = dense_backward(np.ones((2, 4)), cache, need_dx=False)
    assert grads.dx is None
    assert grads.dbias is None
    assert_array_equal(grads.dkernel, np.full((3, 4), 2.0))


def test_dense_without_samples():
    y, cache = dense_forward(np.ones((0, 3)), np.ones((3, 4)), np.ones(4))
    dx, dkernel, dbias = dense_backward(y, cache)
    assert (y.shape, dx.shape) == ((0, 4), (0, 3))
    assert_array_equal(dkernel, np.zeros((3, 4)))
    assert_array_equal(dbias, np.zeros(4))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64"])
def test_dense_keeps_the_dtype_whatever_dy_is(dtype):
    x, kernel, bias = (np.ones(s, dtype) for s in [(2, 3), (3, 4), (4,)])
    y, cache = dense_forward(x, kernel, bias)
    grads = dense_backward(np.ones((2, 4), int), cache)
    assert {a.dtype for a in (y, *grads)} == {np.dtype(dtype)}


def test_dense_of_integers_is_floatx():
    config.set_floatx("float16")
    y, cache = dense_forward([[1, 2]], [[3], [4]], [5])
    assert_array_equal(y, np.array([[16]], "float16"), strict=True)
    grads = dense_backward([[1]], cache)
    assert {a.dtype for a in grads} == {np.dtype("float16")}


def test_dense_of_two_widths_is_of_the_wider_one():
    wide, narrow = np.float64, np.float32
    for types in [
        (wide, narrow, narrow),
        (narrow, wide, narrow),
        (narrow, narrow, wide),
    ]:
        shapes = [(2, 3), (3, 4), (4,)]
        arguments = [np.ones(s, t) for s, t in zip(shapes, types, strict=True)]
        y, cache = dense_forward(*arguments)
        grads = dense_backward(np.ones((2, 4), narrow), cache)
        assert {a.dtype for a in (y, *grads)} == {np.dtype(wide)}


KERNEL_OF_DENSE = "kernel must have shape (C, F) for x of shape (N, ..., C), "


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            (np.zeros((2, 3)), np.zeros((4, 5))),
            KERNEL_OF_DENSE + "got (4, 5) for (2, 3)",
        ),
        ((np.zeros(3), np.zeros((3, 5))), KERNEL_OF_DENSE + "got (3, 5) for (3,)"),
        ((np.zeros((2, 3)), np.zeros(3)), KERNEL_OF_DENSE + "got (3,) for (2, 3)"),
        (
            (np.zeros((2, 3)), np.zeros((3, 4)), np.zeros(3)),
            "bias must have shape (F,) = (4,), got (3,)",
        ),
        (("x", np.zeros((3, 4))), "x must hold numbers, got dtype <U1"),
    ],
    ids=["channels", "rank-of-x", "rank-of-kernel", "bias", "text"],
)
def test_dense_refuses(arguments, sentence):
    with refuses(sentence):
        dense_forward(*arguments)


def test_dense_refuses_a_dy_that_would_broadcast():
    _, cache = dense_forward(np.zeros((2, 3)), np.zeros((3, 4)))
    with refuses("dy must have the shape of y, (2, 4), got (1, 4)"):
        dense_backward(np.zeros((1, 4)), cache)


# --- dropout --------------------------------------------------------------------------


def test_dropout_scales_by_the_mask_both_ways():
    mask = np.array([2.0, 0.0, 2.0])
    y, cache = dropout_forward(np.array([1.0, 2.0, 3.0]), mask)
    assert_array_equal(y, [2.0, 0.0, 6.0])
    assert_array_equal(dropout_backward(np.array([5.0, 7.0, 11.0]), cache), [10, 0, 22])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dropout_mask_holds_two_values(dtype, rng):
    mask = dropout_mask((1000, 3), 0.25, rng, np.dtype(dtype))
    assert mask.dtype == dtype
    kept = np.ones((), dtype) / np.array(0.75, dtype)
    assert_array_equal(np.unique(mask), [0, kept])


def test_dropout_mask_drops_at_the_rate(rng):
    n, rate = 100_000, 0.3
    dropped = np.count_nonzero(dropout_mask((n,), rate, rng, np.dtype("f8")) == 0)
    assert abs(dropped - n * rate) < 5 * np.sqrt(n * rate * (1 - rate))


def test_dropout_of_rate_0_keeps_everything(rng):
    assert_array_equal(dropout_mask((50,), 0.0, rng, np.dtype("f4")), np.ones(50))


def test_dropout_mask_follows_its_generator():
    masks = [
        dropout_mask((64,), 0.5, np.random.default_rng(seed), np.dtype("f4")).tobytes()
        for seed in (1, 1, 2)
    ]
    assert masks[0] == masks[1] != masks[2]


# --- matrix ---------------------------------------------------------------------------

FILES = sorted(path.stem for path in (reference.ROOT / "lc").glob("*.npz"))
CASES = {name: reference.load(f"lc/{name}.npz") for name in FILES}


def matrix_of_ones(case):
    layer = case["layer_config"]
    options = {
        name: layer[name]
        for name in ("kernel_size", "strides", "padding", "data_format")
    }
    input_shape = case["x"].shape[1:]
    geometry = Geometry.of(input_shape, **options)
    ones = np.ones(geometry.kernel_shape(layer["filters"]))
    return local_conv_matrix(ones, input_shape, **options)


@pytest.mark.parametrize("name", [n for n in FILES if "kernel_mask" in CASES[n]])
def test_the_band_is_the_mask_of_keras(name):
    case = CASES[name]
    mask = np.broadcast_to(case["kernel_mask"], case["kernel"].shape)
    inputs = np.prod(case["x"].shape[1:])
    band = matrix_of_ones(case).toarray()
    assert_array_equal(band.T, mask.reshape(inputs, -1))


@pytest.mark.parametrize("name", [n for n in FILES if "kernel_idxs" in CASES[n]])
def test_the_connections_are_those_of_keras(name):
    case = CASES[name]
    matrix = matrix_of_ones(case)
    matrix.sort_indices()
    pairs = np.column_stack(matrix.tocoo().coords)
    assert_array_equal(pairs, case["kernel_idxs"])


@given(local_conv_problems())
def test_matrix_times_x_is_forward_and_its_transpose_backward(problem):
    options = {**problem.options, "pad_value": 0.0}
    x, kernel, bias, dy = problem.arrays
    y, cache = local_conv_forward(x, kernel, bias, **options)
    dx = local_conv_backward(dy, cache).dx
    del options["pad_value"]
    matrix = local_conv_matrix(kernel, problem.input_shape, **options)
    added = 0 if bias is None else bias_in_y(bias, problem.geometry).ravel()
    assert matrix.dtype == problem.dtype
    for sample in range(problem.batch):
        assert_array_equal(matrix @ x[sample].ravel() + added, y[sample].ravel())
        assert_array_equal(matrix.T @ dy[sample].ravel(), dx[sample].ravel())


def test_matrix_stores_every_connection_also_zeros_and_no_pads():
    matrix = local_conv_matrix(
        np.zeros((3, 2, 4)), (3, 1), kernel_size=2, padding="same"
    )
    assert matrix.shape == (12, 3)
    assert matrix.nnz == 5 * 4
    assert not matrix.toarray().any()


@pytest.mark.parametrize(
    ("kernel", "sentence"),
    [
        (
            np.zeros((4, 3, 1)),
            "kernel must have shape (L, K, F) = (4, 2, F), got (4, 3, 1)",
        ),
        (1.0, "kernel must have shape (L, K, F) = (4, 2, F), got ()"),
        (
            np.zeros((4, 2, 1), "f2"),
            "kernel must be of a dtype that scipy.sparse stores, got dtype float16",
        ),
        ("w", "kernel must hold numbers, got dtype <U1"),
    ],
    ids=["shape", "scalar", "float16", "text"],
)
def test_matrix_refuses(kernel, sentence):
    with refuses(sentence):
        local_conv_matrix(kernel, (5, 1), kernel_size=2)


def test_matrix_takes_any_sequence_as_input_shape():
    matrix = local_conv_matrix([[[2]], [[3]]], [2, 1], kernel_size=1)
    assert_array_equal(matrix.toarray(), np.array([[2, 0], [0, 3]], "f4"), strict=True)


def test_patch_indices_of_channels_first_count_channels_first():
    geometry = Geometry.of((2, 3), kernel_size=2, data_format="channels_first")
    assert_array_equal(patch_indices(geometry), [[0, 1, 3, 4], [1, 2, 4, 5]])


# --- workspace ------------------------------------------------------------------------


def test_a_workspace_hands_out_the_same_memory_until_it_must_grow():
    workspace = Workspace()
    first = workspace.take("a", (2, 3), "f4")
    smaller = workspace.take("a", (5,), "f4")
    larger = workspace.take("a", (7,), "f4")
    assert (first.shape, smaller.shape, larger.shape) == ((2, 3), (5,), (7,))
    assert np.shares_memory(first, smaller)
    assert not np.shares_memory(first, larger)
    assert np.shares_memory(larger, workspace.take("a", (2, 3), "f4"))


def test_a_workspace_keeps_names_and_dtypes_apart():
    workspace = Workspace()
    taken = [
        workspace.take(name, (4,), dtype) for name in ("a", ("a", 1)) for dtype in "fd"
    ]
    assert [a.dtype.char for a in taken] == ["f", "d", "f", "d"]
    for i, array in enumerate(taken):
        assert array.flags.c_contiguous
        assert not any(np.shares_memory(array, other) for other in taken[:i])


def test_a_workspace_keeps_scratch_and_results_apart():
    workspace = Workspace()
    result, scratch = workspace.result("a", (4,), "f4"), workspace.take("a", (4,), "f4")
    assert not np.shares_memory(result, scratch)
    assert np.shares_memory(result, workspace.result("a", (2,), "f4"))


def test_a_copied_workspace_is_empty():
    workspace = Workspace(keep_results=False)
    array = workspace.take("a", (4,), "f4")
    for again in (copy.deepcopy(workspace), pickle.loads(pickle.dumps(workspace))):
        assert not again.keep_results
        assert not np.shares_memory(array, again.take("a", (4,), "f4"))


def test_a_workspace_hands_out_nothing_for_a_size_of_zero():
    assert Workspace().take("a", (0, 3), "f4").shape == (0, 3)


# --- threads --------------------------------------------------------------------------


def threads_used(count, parts, *, worthwhile=True):
    """Return the names of the threads that ran, all of them at the same time."""
    config.set_num_threads(count)
    together = threading.Barrier(min(count, parts) if worthwhile else 1)
    names = []

    def work(part):
        together.wait(timeout=30)
        names.append(threading.current_thread().name)

    threads.run_all(work, range(parts), worthwhile=worthwhile)
    assert len(names) == parts
    return set(names)


def test_parts_run_in_as_many_threads_as_are_set():
    names = threads_used(3, 3)
    assert len(names) == 3
    helpers = names - {threading.current_thread().name}
    assert len(helpers) == 2
    assert all(name.startswith("localnet") for name in helpers)


@pytest.mark.parametrize(
    ("count", "parts", "worthwhile"),
    [(1, 3, True), (4, 1, True), (2, 2, False)],
    ids=["one-thread", "one-part", "not-worthwhile"],
)
def test_parts_run_here_when_threads_do_not_pay(count, parts, worthwhile):
    names = threads_used(count, parts, worthwhile=worthwhile)
    assert names == {threading.current_thread().name}


def test_no_parts_are_no_work():
    threads.run_all(pytest.fail, [], worthwhile=True)


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_in_a_part_reaches_the_caller(count):
    config.set_num_threads(count)

    def work(part):
        if part == 1:
            raise KeyError(part)

    with pytest.raises(KeyError):
        threads.run_all(work, range(4), worthwhile=True)


def test_the_floating_point_settings_of_the_caller_hold_in_every_thread():
    config.set_num_threads(2)
    together = threading.Barrier(2)

    def work(part):
        together.wait(timeout=30)
        np.float32(1e38) * np.float32(10)

    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        threads.run_all(work, range(2), worthwhile=True)


def test_no_part_runs_any_more_once_an_error_is_raised():
    config.set_num_threads(2)
    together, running = threading.Barrier(2), []

    def work(part):
        running.append(part)
        together.wait(timeout=30)
        if part == 0:
            raise KeyError(part)
        time.sleep(0.05)
        running.remove(part)

    with pytest.raises(KeyError):
        threads.run_all(work, range(2), worthwhile=True)
    assert running == [0]


def test_two_threads_may_call_at_once(small_cuts):
    small_cuts(THREAD_LIMIT=0, BLOCK_BYTES=1, BAND_BLOCK_BYTES=1)
    config.set_num_threads(2)
    problems = [
        LocalConvProblem(9, (7, 6, 3), 4, (3, 2), strides=(2, 1), padding="same"),
        LocalConvProblem(16, (2, 40), 3, (5,), data_format="channels_first", seed=1),
    ]

    def run(problem):
        x, kernel, bias, dy = problem.arrays
        y, cache = local_conv_forward(x, kernel, bias, **problem.options)
        return y, *local_conv_backward(dy, cache)

    with config.engine("naive"):
        expected = [run(problem) for problem in problems]
    together = threading.Barrier(2)

    def again_and_again(problem):
        together.wait(timeout=30)
        return [run(problem) for _ in range(20)]

    with ThreadPoolExecutor(2) as callers:
        for rounds, want in zip(
            callers.map(again_and_again, problems), expected, strict=True
        ):
            for got in rounds:
                for a, b in zip(got, want, strict=True):
                    assert_array_equal(a, b)


FORK = """
import os, signal
import numpy as np
from localnet import config
from localnet.ops import local_conv_backward, local_conv_forward
from localnet.ops.runtime import cuts, threads

cuts.THREAD_LIMIT = 0
cuts.BLOCK_BYTES = 1
config.set_num_threads(2)
rng = np.random.default_rng(0)
x, kernel = rng.random((9, 8, 7, 3)), rng.random((42, 12, 4))

def run():
    y, cache = local_conv_forward(x, kernel, kernel_size=2)
    dx, dkernel, _ = local_conv_backward(y, cache)
    return [a.tobytes() for a in (y, dx, dkernel)]

expected = run()
assert threads._helpers
child = os.fork()
if child == 0:
    signal.alarm(30)  # tasks without helpers would wait for ever
    started = not threads._helpers and run() == expected and threads._helpers
    os._exit(0 if started else 1)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert run() == expected
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_makes_threads_of_its_own():
    # Python 3.12 and later warn at any fork beside threads; that is what is tested.
    subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK],
        cwd=Path(__file__).parent.parent,
        check=True,
        timeout=60,
    )


# --- the upstream gradient ------------------------------------------------------------


def output_of(op, dtype):
    """Return backward, y and cache of an op on float arrays of one dtype."""
    forward, backward = PAIRS[op]
    shapes, options = CALLS[op]
    options = {
        name: value.astype(dtype) if isinstance(value, np.ndarray) else value
        for name, value in options.items()
    }
    return backward, *forward(*(np.ones(s, dtype) for s in shapes), **options)


@pytest.mark.parametrize("op", sorted(PAIRS))
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("upstream", ["int64", "float16", "float64"])
def test_gradients_have_the_dtype_of_y(op, dtype, upstream):
    backward, y, cache = output_of(op, dtype)
    grads = backward(np.ones(y.shape, upstream), cache)
    for grad in [grads] if isinstance(grads, np.ndarray) else grads:
        assert grad is None or grad.dtype == y.dtype == dtype


@pytest.mark.parametrize("op", sorted(PAIRS))
def test_upstream_gradients_of_another_shape_or_kind_are_refused(op):
    backward, y, cache = output_of(op, "float32")
    with refuses(f"dy must have the shape of y, {y.shape}, got {(1, *y.shape)}"):
        backward(y[np.newaxis], cache)
    with refuses("dy must hold real numbers, got dtype complex128"):
        backward(np.ones(y.shape, complex), cache)


# --- transposed copies ----------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 16, 17, 100])
@pytest.mark.parametrize("size", [256, 255])  # 1024 bytes apart, and not
def test_a_copy_with_the_batch_last(n, size):
    first = np.arange(n * size, dtype="f4").reshape(n, size)
    target = np.full((size, n), -1.0, "f4")
    copy_batch_last(target, first.T)
    assert_array_equal(target, first.T)
