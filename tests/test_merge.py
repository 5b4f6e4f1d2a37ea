"""Merging arrays, beside nested loops with index arithmetic of their own."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from raising import refuses

from localnet import layers as L
from localnet import ops
from localnet.ops import PAIRS, Workspace, aligned_shapes

NAMES = ("add", "multiply", "average", "maximum", "minimum")
FOLDS = {
    "add": lambda a, b: a + b,
    "average": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "maximum": lambda a, b: b if b > a else a,
    "minimum": lambda a, b: b if b < a else a,
}


@st.composite
def problems(draw):
    """Return a name, and integer arrays whose shapes broadcast as Keras has it."""
    name = draw(st.sampled_from((*NAMES, "subtract")))
    sizes = draw(st.lists(st.integers(1, 3), min_size=0, max_size=3))
    batch = draw(st.integers(0, 3))
    count = 2 if name == "subtract" else draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    xs = []
    for _ in range(count):
        rank = draw(st.integers(0, len(sizes)))
        kept = sizes[len(sizes) - rank :]
        shape = (batch, *(draw(st.sampled_from((1, size))) for size in kept))
        x = rng.integers(-2, 3, shape).astype(float)
        if draw(st.booleans()):
            x = np.asfortranarray(x)
        x.flags.writeable = False
        xs.append(x)
    return name, xs


def cell(x, place, ndim):
    """Return the index of what an array has at a place of the result."""
    batch, *rest = place
    rest = rest[ndim - x.ndim :]
    return (batch, *(i if n > 1 else 0 for i, n in zip(rest, x.shape[1:], strict=True)))


@given(problems())
def test_merging_is_what_the_loops_say(problem):
    name, xs = problem
    forward, backward = PAIRS[name]
    y, cache = forward(*xs)
    ndim = max(x.ndim for x in xs)
    rng = np.random.default_rng(0)
    dy = rng.integers(-3, 4, y.shape).astype(float)
    wanted, dxs = np.zeros(y.shape), [np.zeros(x.shape) for x in xs]
    for place in np.ndindex(y.shape):
        values = [x[cell(x, place, ndim)] for x in xs]
        total = values[0]
        for value in values[1:]:
            total = FOLDS[name](total, value)
        wanted[place] = total / len(xs) if name == "average" else total
        for i, x in enumerate(xs):
            others = values[:i] + values[i + 1 :]
            factor = {
                "add": 1.0,
                "average": 1 / len(xs),
                "subtract": 1.0 - 2 * i,
                "multiply": math.prod(others),
                "maximum": float(values.index(max(values)) == i),
                "minimum": float(values.index(min(values)) == i),
            }[name]
            dxs[i][cell(x, place, ndim)] += factor * dy[place]
    compare = assert_array_equal
    if name == "average":  # thirds are rounded
        compare = np.testing.assert_allclose
    compare(y, wanted)
    for got, want in zip(backward(dy, cache), dxs, strict=True):
        assert got.shape == want.shape
        compare(got, want)


@given(st.integers(0, 2**32 - 1), st.integers(-3, 2))
def test_concatenation_is_what_the_loops_say(seed, axis):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 4, rng.integers(1, 4))
    shape = list(rng.integers(1, 4, 3))
    xs = []
    for length in lengths:
        shape[axis] = int(length)
        xs.append(rng.normal(size=shape))
    y, cache = ops.concatenate_forward(*xs, axis=axis)
    dy = rng.normal(size=y.shape)
    dxs = ops.concatenate_backward(dy, cache)
    before = 0
    for x, dx in zip(xs, dxs, strict=True):
        for place in np.ndindex(x.shape):
            moved = list(place)
            moved[axis] += before
            assert y[tuple(moved)] == x[place]
            assert dy[tuple(moved)] == dx[place]
        before += x.shape[axis]
    assert y.shape[axis] == before


@pytest.mark.parametrize("name", [*NAMES, "subtract", "concatenate"])
def test_a_workspace_changes_nothing_and_is_reused(name, rng):
    forward, backward = PAIRS[name]
    workspace = Workspace()
    results = []
    for _ in range(2):
        xs = [rng.normal(size=(4, 3)) for _ in range(2)]
        y, cache = forward(*xs, workspace=workspace)
        dxs = backward(y, cache, workspace=workspace)
        alone, cache = forward(*xs)
        assert_array_equal(y, alone)
        for a, b in zip(dxs, backward(alone, cache), strict=True):
            assert_array_equal(a, b)
        results.append((y, *dxs))
    assert all(np.shares_memory(a, b) for a, b in zip(*results, strict=True))


def test_ranks_are_aligned_behind_the_batch_axis():
    assert aligned_shapes([(4, 5, 3), (4, 3), (None,)]) == [
        (4, 5, 3),
        (4, 1, 3),
        (None, 1, 1),
    ]
    assert aligned_shapes([]) == []


def test_a_nan_comes_through():
    y, _ = ops.maximum_forward([[np.nan, 1.0]], [[2.0, np.nan]])
    assert np.isnan(y).all()


def test_dtypes_are_kept():
    a, b = np.ones((1, 2), np.float32), np.ones((1, 2), np.float64)
    y, cache = ops.add_forward(a, b)
    assert y.dtype == np.float64
    assert [dx.dtype for dx in ops.add_backward(y, cache)] == [np.float32, np.float64]
    assert L.Add()([a, b]).dtype == np.float32
    assert ops.add_forward(np.ones((1, 2), np.float16))[0].dtype == np.float16


def test_what_is_refused():
    with refuses("xs must hold at least one array, got none"):
        ops.add_forward()
    with refuses("xs must hold at least one array, got none"):
        ops.concatenate_forward()
    with refuses("xs must have shapes that broadcast to one, got [(1, 2), (1, 3)]"):
        ops.multiply_forward(np.ones((1, 2)), np.ones((1, 3)))
    with refuses("axis must be one of the 2 axes, got 2"):
        ops.concatenate_forward(np.ones((1, 2)), axis=2)
    with refuses("xs must have equal shapes but for axis 1, got [(1, 2), (2, 2)]"):
        ops.concatenate_forward(np.ones((1, 2)), np.ones((2, 2)))
    with refuses("dy must have the shape of y, (1, 2), got (2,)"):
        ops.add_backward(np.ones(2), ops.add_forward(np.ones((1, 2)))[1])
    with refuses("xs must have equal shapes but for axis 0, got [(2,), (1, 2)]"):
        ops.concatenate_forward(np.ones(2), np.ones((1, 2)), axis=0)
