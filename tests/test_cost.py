"""Costs by shape, against counting in the nested loops and against real arrays."""

import math
import tracemalloc
from collections import Counter
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from raising import refuses
from strategies import local_conv_problems

from localnet.geometry import Geometry
from localnet.geometry.windows import count_taps_inside
from localnet.ops import (
    Cost,
    Workspace,
    dense_backward,
    dense_cost,
    dense_forward,
    elementwise_cost,
    extract_patches,
    local_conv_backward,
    local_conv_cost,
    local_conv_forward,
    patch_indices,
    view_cost,
)
from localnet.ops.images import pad
from localnet.ops.local import naive
from localnet.roofline import Machine, Work


class Counted(np.ndarray):
    """An array that counts how often a number is taken out of it."""

    def __array_finalize__(self, obj):
        self.taken = Counter()

    def __getitem__(self, key):
        self.taken["items"] += 1
        return super().__getitem__(key)

    @property
    def flat(self):
        self.taken["items"] += 1
        return super().flat


def counted(array):
    return None if array is None else array.view(Counted)


def taken(array):
    return 0 if array is None else array.taken["items"]


def cost_of(problem, **kwargs):
    return local_conv_cost(
        problem.input_shape,
        problem.filters,
        **problem.options,
        batch_size=problem.batch,
        dtype=problem.dtype,
        use_bias=problem.use_bias,
        **kwargs,
    )


@given(local_conv_problems())
def test_operations_are_those_of_the_nested_loops(problem):
    x, kernel, bias, dy = problem.arrays
    g, workspace, cost = problem.geometry, Workspace(), cost_of(problem)
    # Every multiply-add of y takes one number out of the kernel.
    w, b = counted(kernel), counted(bias)
    naive.forward(pad(x, g), w, b, g, workspace)
    assert cost.forward.flops == 2 * taken(w) + taken(b)
    # Every multiply-add of dx takes one out of the kernel; each of dx, dkernel and
    # dbias takes one out of dy.
    w, d = counted(kernel), counted(dy)
    naive.backward(
        d, pad(x, g), w, g, need_dx=True, need_dbias=True, workspace=workspace
    )
    additions = problem.batch * g.locations * problem.filters
    assert cost.dx.flops == 2 * taken(w)
    assert cost.dkernel.flops == 2 * (taken(d) - taken(w) - additions)
    assert cost.dbias.flops == (additions if problem.use_bias else 0)
    assert cost.backward.flops == sum(
        work.flops for work in (cost.dx, cost.dkernel, cost.dbias)
    )


@given(local_conv_problems())
def test_bytes_are_those_of_the_arrays(problem):
    x, kernel, bias, dy = problem.arrays
    cost = cost_of(problem)
    y, cache = local_conv_forward(x, kernel, bias, **problem.options)
    grads = local_conv_backward(dy, cache)
    weights = [kernel] if bias is None else [kernel, bias]
    dweights = [grads.dkernel] if bias is None else [grads.dkernel, grads.dbias]
    copied = cache.padded.nbytes if problem.geometry.has_pads else 0

    def nbytes(*arrays):
        return sum(array.nbytes for array in arrays)

    assert cost.parameters == sum(weight.size for weight in weights)
    assert cost.parameter_bytes == nbytes(*weights)
    assert cost.input_bytes == x.nbytes
    assert cost.output_bytes == y.nbytes
    assert cost.cache_bytes == copied
    assert cost.gradient_bytes == nbytes(grads.dx, *dweights)
    assert cost.patch_bytes == extract_patches(x, problem.geometry).nbytes
    assert cost.forward.nbytes == nbytes(x, *weights, y) + copied
    assert cost.dx.nbytes == nbytes(dy, kernel, grads.dx)
    assert cost.dkernel.nbytes == nbytes(dy, cache.padded, grads.dkernel)
    assert cost.dbias.nbytes == (0 if bias is None else nbytes(dy, grads.dbias))
    assert cost.backward.nbytes == nbytes(dy, cache.padded, kernel, grads.dx, *dweights)
    assert cost.forward_memory == nbytes(x, *weights, y) + copied
    assert cost.step_memory == (cost.forward_memory + nbytes(dy, grads.dx, *dweights))


@given(local_conv_problems())
def test_without_dx_only_dx_is_missing(problem):
    whole, part = cost_of(problem), cost_of(problem, need_dx=False)
    _, kernel, _, _ = problem.arrays
    assert part.dx == Work(0, 0)
    assert whole.backward.flops - part.backward.flops == whole.dx.flops
    assert whole.backward.nbytes - part.backward.nbytes == (
        kernel.nbytes + whole.input_bytes
    )
    assert whole.gradient_bytes - part.gradient_bytes == whole.input_bytes
    for name in {field.name for field in fields(whole)} - {
        *("dx", "backward", "dx_bytes"),
    }:
        assert getattr(whole, name) == getattr(part, name)


@given(local_conv_problems())
def test_connections_are_the_taps_off_the_pads(problem):
    inside = np.count_nonzero(patch_indices(problem.geometry) >= 0)
    assert problem.geometry.connections == cost_of(problem).connections == inside


@given(*[st.integers(1, 9)] * 5, st.integers(0, 9))
def test_taps_inside_are_counted(length, windows, size, stride, dilation, before):
    cells = [
        o * stride + t * dilation - before for o in range(windows) for t in range(size)
    ]
    expected = sum(0 <= cell < length for cell in cells)
    assert (
        count_taps_inside(length, windows, size, stride, dilation, before) == expected
    )


def test_memory_of_a_call_is_what_it_allocates(rng):
    """Beside y, the cache and the gradients, a call leaves nothing behind."""
    shape, n, filters = (24, 24, 8), 16, 8
    options = {"kernel_size": 3, "padding": "same"}
    cost = local_conv_cost(
        shape, filters, **options, batch_size=n, dtype="float32", use_bias=False
    )
    g = Geometry.of(shape, **options)
    x = rng.random((n, *shape), dtype=np.float32)
    kernel = rng.random(g.kernel_shape(filters), dtype=np.float32)
    dy = rng.random((n, *g.output_sizes, filters), dtype=np.float32)
    local_conv_backward(dy, local_conv_forward(x, kernel, **options)[1])  # warm
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        y, cache = local_conv_forward(x, kernel, **options)
        between, _ = tracemalloc.get_traced_memory()
        grads = local_conv_backward(dy, cache)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert y.nbytes + cache.padded.nbytes == cost.output_bytes + cost.cache_bytes
    assert sum(a.nbytes for a in grads if a is not None) == cost.gradient_bytes
    assert between - before == pytest.approx(
        cost.output_bytes + cost.cache_bytes, abs=50_000
    )
    assert after - between == pytest.approx(cost.gradient_bytes, abs=50_000)


def test_the_example_of_the_keras_page():
    cost = local_conv_cost(
        (32, 32, 3), 64, kernel_size=3, batch_size=32, dtype="float32"
    )
    locations, patch = 30 * 30, 3 * 3 * 3
    assert cost.parameters == locations * patch * 64 + locations * 64 == 1_612_800
    assert cost.forward.flops == 32 * locations * 64 * (2 * patch + 1)
    assert cost.patch_bytes == 4 * 32 * locations * patch


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_numbers_of_any_size_are_exact(rank):
    sizes, channels, filters, n = (10**9,) * rank, 10**6, 10**7, 10**5
    cost = local_conv_cost(
        (*sizes, channels), filters, kernel_size=3, batch_size=n, dtype="float64"
    )
    locations, patch = (10**9 - 2) ** rank, 3**rank * channels
    assert cost.parameters == locations * filters * (patch + 1)
    assert cost.forward.flops == n * locations * filters * (2 * patch + 1)
    assert cost.patch_bytes == 8 * n * locations * patch
    assert cost.connections == locations * patch


def test_a_batch_of_any_size_has_a_cost():
    assert dense_cost((2,), 3, batch_size=10**30).forward.flops == 15 * 10**30


def test_numpy_integers_do_not_overflow():
    big = np.int32(2**30)
    cost = local_conv_cost((big, np.int8(100)), np.int16(1000), kernel_size=1)
    assert cost.parameters == 2**30 * (100 + 1) * 1000


def test_padding_of_a_long_axis_is_counted_at_once():
    cost = local_conv_cost((10**12, 1), 1, kernel_size=5, padding="same")
    assert cost.connections == 5 * 10**12 - 2 * (1 + 2)


def test_default_dtype_is_floatx():
    assert local_conv_cost((4, 1), 1, kernel_size=2, use_bias=False) == (
        local_conv_cost((4, 1), 1, kernel_size=2, use_bias=False, dtype="float32")
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"input_shape": (4,)},
            "input_shape must have 1 to 3 spatial axes and a channel axis, got (4,)",
        ),
        (
            {"input_shape": (4, 4, 4, 4, 1)},
            "input_shape must have 1 to 3 spatial axes and a channel axis, "
            "got (4, 4, 4, 4, 1)",
        ),
        (
            {"input_shape": (None, 1)},
            "input_shape must be a tuple of integers >= 0, got (None, 1)",
        ),
        ({"filters": 0}, "filters must be an integer >= 1, got 0"),
        ({"filters": 1.5}, "filters must be an integer >= 1, got 1.5"),
        ({"batch_size": -1}, "batch_size must be an integer >= 0, got -1"),
        (
            {"dtype": "bool"},
            "dtype must be one of 'float16', 'float32', 'float64', got 'bool'",
        ),
        (
            {"kernel_size": 5},
            "kernel_size must fit into the padded input, got (5,): kernel_size 5 over "
            "length 4 with padding 'valid' leaves no output location",
        ),
    ],
)
def test_refusals(arguments, sentence):
    call = {"input_shape": (4, 1), "filters": 1, "kernel_size": 2, **arguments}
    with refuses(sentence):
        local_conv_cost(**call)


# Other operations ------------------------------------------------------------------


@given(
    free=st.lists(st.integers(1, 3), max_size=2),
    channels=st.integers(1, 4),
    units=st.integers(1, 4),
    n=st.integers(0, 3),
    use_bias=st.booleans(),
)
def test_dense_against_its_arrays(free, channels, units, n, use_bias):
    rng = np.random.default_rng(0)
    x, kernel = rng.random((n, *free, channels)), rng.random((channels, units))
    bias = rng.random(units) if use_bias else None
    y, cache = dense_forward(x, kernel, bias)
    grads = dense_backward(y, cache)
    cost = dense_cost(
        (*free, channels), units, batch_size=n, dtype="float64", use_bias=use_bias
    )
    rows = n * math.prod(free)
    product = 2 * rows * channels * units
    addition = rows * units if use_bias else 0
    moved = sum(a.nbytes for a in (x, kernel, bias, y) if a is not None)
    assert cost.forward == Work(product + addition, moved)
    gradients = sum(a.nbytes for a in grads if a is not None)
    assert cost.gradient_bytes == gradients
    assert cost.backward == Work(
        2 * product + addition, y.nbytes + x.nbytes + kernel.nbytes + gradients
    )
    assert cost.parameters == kernel.size + (0 if bias is None else bias.size)
    part = dense_cost(
        (*free, channels),
        units,
        batch_size=n,
        dtype="float64",
        use_bias=use_bias,
        need_dx=False,
    )
    assert cost.backward.flops - part.backward.flops == product
    assert cost.backward.nbytes - part.backward.nbytes == kernel.nbytes + x.nbytes


def test_a_kernel_that_covers_the_input_costs_what_a_dense_layer_does():
    local = local_conv_cost((3, 4, 5), 7, kernel_size=(3, 4), batch_size=2)
    dense = dense_cost((60,), 7, batch_size=2)
    for field in fields(dense):
        assert getattr(local, field.name) == getattr(dense, field.name), field.name


def test_dense_refuses_a_sample_without_axes():
    with refuses("input_shape must have an axis to connect, got ()"):
        dense_cost((), 1)


def test_an_activation_keeps_what_it_was_given():
    dense = dense_cost((3,), 5, batch_size=2, dtype="float32")
    cost = dense.then(elementwise_cost((5,), batch_size=2, dtype="float32"))
    assert cost.forward == dense.forward + Work(10, 80)
    assert cost.backward == dense.backward + Work(10, 120)
    assert cost.cache_bytes == 40
    assert cost.output_bytes == dense.output_bytes == 40
    assert cost.parameters == dense.parameters
    assert cost.gradient_bytes == dense.gradient_bytes + 40  # dz


def test_both_caches_are_kept():
    first, last = Cost(cache_bytes=1, output_bytes=20), Cost(cache_bytes=300)
    assert first.then(last).cache_bytes == 321


def test_a_view_costs_nothing_but_its_input():
    cost = view_cost((2, 3), batch_size=4, dtype="float64")
    assert (cost.forward, cost.backward) == (Work(0, 0), Work(0, 0))
    assert cost.step_memory == cost.input_bytes == 4 * 2 * 3 * 8


# Roofline --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("work", "seconds"),
    [
        (Work(flops=400, nbytes=10), 4.0),
        (Work(flops=400, nbytes=100), 10.0),
        (Work(flops=0, nbytes=0), 0.0),
        (Work(flops=10**22, nbytes=0), 1e20),
    ],
)
def test_the_slower_of_the_two_sets_the_time(work, seconds):
    assert Machine(100, 10).seconds(work) == seconds


def test_work_in_turn_is_added_up():
    machine = Machine(100, 10)
    assert machine.seconds(Work(400, 10), Work(100, 100)) == 14.0
    assert machine.seconds(Work(400, 10) + Work(100, 100)) == 11.0


@pytest.mark.parametrize("value", [0, -1.0, math.inf, "fast"])
def test_a_machine_has_a_speed(value):
    with refuses(f"flops_per_second must be a finite number > 0, got {value!r}"):
        Machine(value, 1)
    with refuses(f"bytes_per_second must be a finite number > 0, got {value!r}"):
        Machine(1, value)


def test_batch_size_at_which_arithmetic_takes_over():
    """Each weight gives 2*N operations and is read once: the page's rule of thumb."""
    machine = Machine(320e9, 32e9)
    for n, bound in ((1, "memory"), (16, "memory"), (64, "arithmetic")):
        work = local_conv_cost(
            (30, 30, 64), 32, kernel_size=3, batch_size=n, dtype="float32"
        ).forward
        slower = work.flops / work.nbytes > machine.balance
        assert ("arithmetic" if slower else "memory") == bound


def test_costs_and_geometry_stay_integers():
    cost = local_conv_cost((5, 5, 2), 3, kernel_size=2, batch_size=np.int64(3))
    for field in fields(cost):
        value = getattr(cost, field.name)
        numbers = [value.flops, value.nbytes] if isinstance(value, Work) else [value]
        assert [type(number) for number in numbers] == [int] * len(numbers)
    assert cost.parameters == 16 * (2 * 2 * 2 + 1) * 3
