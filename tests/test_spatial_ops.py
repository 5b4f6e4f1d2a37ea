"""Pooling, margins and upsampling on arrays: against loops, and at their edges."""

from dataclasses import dataclass
from typing import Any

import naive_spatial as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from raising import refuses
from strategies import LAYOUTS, axes

from localnet import config
from localnet.ops import PAIRS, Workspace, average_pool_forward, max_pool_forward
from localnet.ops.pool import upsample
from localnet.ops.pool.windows import pool_geometry

FORMATS = ("channels_last", "channels_first")


@dataclass(frozen=True)
class SpatialProblem:
    """One call of a pair; small integers, so that ties abound and sums are exact."""

    op: str
    sizes: tuple[int, ...]
    options: dict[str, Any]
    batch: int = 2
    channels: int = 2
    data_format: str = "channels_last"
    dtype: str = "float64"
    layout: str = "contiguous"
    seed: int = 0

    def laid_out(self, array):
        """Return a batch for channels_last as the problem has it in memory."""
        if self.data_format == "channels_first" and array.ndim > 2:
            array = np.moveaxis(array, -1, 1)
        array = LAYOUTS[self.layout](array.astype(self.dtype))
        array.flags.writeable = False
        return array

    def last(self, array):
        """Return an array in the data format of the problem for channels_last."""
        first = self.data_format == "channels_first" and array.ndim > 2
        return np.moveaxis(array, 1, -1) if first else array

    @property
    def is_exact(self):
        """Whether nothing is divided."""
        return (
            self.op in ("max_pool", "constant_pad", "crop")
            or self.options.get("interpolation") == "nearest"
        )

    @property
    def find(self):
        """What the loops look at one image with."""
        options, rank = self.options, len(self.sizes)
        if self.op in ("max_pool", "average_pool"):
            return lambda image: naive.pool(
                self.op.removesuffix("_pool"),
                image,
                options["pool_size"],
                options["strides"],
                options["padding"],
            )
        if self.op in ("global_max_pool", "global_average_pool"):
            kind = self.op.removeprefix("global_").removesuffix("_pool")
            return lambda image: {
                (0,) * rank: naive.global_pool(kind, image)[()],
            }
        if self.op == "upsample":
            return lambda image: naive.upsample(image, **options)
        loops = {"constant_pad": naive.pad, "crop": naive.crop}[self.op]
        [margins] = {*options} & {"padding", "cropping"}
        # A single axis takes its pair as it is.
        pairs = (options[margins],) if rank == 1 else options[margins]
        return lambda image: loops(image, pairs)


def check(problem):
    """Hold values and gradient of one problem to the loops."""
    p = problem
    rng = np.random.default_rng(p.seed)
    shape = (p.batch, *p.sizes, p.channels)
    x = p.laid_out(rng.integers(-3, 4, shape))
    forward, backward = PAIRS[p.op]
    y, cache = forward(x, data_format=p.data_format, **p.options)
    dy = p.laid_out(rng.integers(-3, 4, p.last(y).shape))
    dx = backward(dy, cache)
    assert y.dtype == dx.dtype == p.dtype
    assert dx.shape == x.shape
    assert not np.shares_memory(y, x)
    assert not np.shares_memory(dx, dy)
    if not p.batch:
        assert y.size == dx.size == 0
        return
    last_x, last_dy = p.last(x).astype(float), p.last(dy).astype(float)
    value = p.options.get("value", 0.0)
    wanted_y = naive.apply(p.find, last_x, value)
    wanted_dx = naive.apply_adjoint(p.find, last_x, last_dy)
    if p.is_exact:
        assert_array_equal(p.last(y), wanted_y)
        assert_array_equal(p.last(dx), wanted_dx)
        return
    # No more than 32 roundings on the way to a sum, each of at most its terms' sizes.
    part = 32 * np.finfo(p.dtype).eps
    assert (abs(p.last(y) - wanted_y) <= part * abs(last_x).max()).all()
    sizes = naive.apply_adjoint(p.find, last_x, abs(last_dy))
    assert (abs(p.last(dx) - wanted_dx) <= part * sizes).all()


@st.composite
def problems(draw, op):
    rank = draw(st.integers(1, 3))
    longest = {1: 5, 2: 4, 3: 2}[rank]
    options = {}
    if op in ("max_pool", "average_pool"):
        padding = draw(st.sampled_from(["valid", "same"]))
        every = []
        for _ in range(rank):
            _, size, stride, _, _ = draw(axes(longest, "same"))
            low = size if padding == "valid" else 1
            every.append((draw(st.integers(low, low + 4)), size, stride))
        sizes, pool_size, strides = zip(*every, strict=True)
        options = {"pool_size": pool_size, "strides": strides, "padding": padding}
    else:
        sizes = tuple(draw(st.integers(1, longest)) for _ in range(rank))
    small = st.integers(0, 3)
    if op == "constant_pad":
        margins = tuple(draw(st.tuples(small, small)) for _ in range(rank))
        value = draw(st.sampled_from([0.0, -1.0, 2.5]))
        options = {"padding": margins if rank > 1 else margins[0], "value": value}
    elif op == "crop":
        margins = tuple(draw(st.tuples(small, small)) for _ in range(rank))
        sizes = tuple(n + b + a for n, (b, a) in zip(sizes, margins, strict=True))
        options = {"cropping": margins if rank > 1 else margins[0]}
    elif op == "upsample":
        options = {
            "size": tuple(draw(st.integers(1, 4)) for _ in range(rank)),
            "interpolation": draw(st.sampled_from(["nearest", "bilinear"])),
        }
    elif op.startswith("global"):
        options = {"keepdims": True}
    return SpatialProblem(
        op,
        sizes,
        options,
        batch=draw(st.integers(0, 2)),
        channels=draw(st.integers(1, 2)),
        data_format=draw(st.sampled_from(FORMATS)),
        dtype=draw(st.sampled_from(["float16", "float32", "float64"])),
        layout=draw(st.sampled_from(list(LAYOUTS))),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


# One call of each.
OPS = {
    "max_pool": {"pool_size": 2},
    "average_pool": {"pool_size": 2},
    "global_max_pool": {},
    "global_average_pool": {},
    "constant_pad": {"padding": 1},
    "crop": {"cropping": 1},
    "upsample": {"size": 2, "interpolation": "bilinear"},
}


def test_the_maximum_of_a_channel_in_memory_walked_backwards():
    x = np.array([[[0.0, -1.0], [2.0, 3.0]]])
    for layout in LAYOUTS.values():
        y, _ = PAIRS["global_max_pool"][0](layout(x))
        assert_array_equal(y, layout(x).copy().max(axis=1))


@pytest.mark.parametrize("op", OPS)
@given(data=st.data())
def test_every_operation_is_the_nested_loops(op, data):
    check(data.draw(problems(op)))


# --- windows --------------------------------------------------------------------------


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from(["valid", "same"]),
)
def test_every_window_has_a_cell_of_the_image(length, size, stride, padding):
    if padding == "valid":
        length += size - 1
    geometry = pool_geometry(
        (length, 1), pool_size=size, strides=stride, padding=padding
    )
    [(before, _)], [windows] = geometry.pads, geometry.output_sizes
    starts = np.arange(windows) * stride - before
    assert (starts + size > 0).all()
    assert (starts < length).all()


@pytest.mark.parametrize("op", ["max_pool", "average_pool"])
@pytest.mark.parametrize("strides", [1, 3, 10**12])
def test_windows_far_longer_than_the_image_take_no_longer(op, strides):
    x = np.arange(10.0).reshape(1, 5, 2)
    results = []
    for pool_size in (9, 10**12 + 9):
        # Five windows of one step are all the image, wherever they lie.
        options = {"pool_size": pool_size, "padding": "same", "strides": strides}
        y, cache = PAIRS[op][0](x, **options)
        results.append((y[:, :1], PAIRS[op][1](y, cache).sum()))
    (y, total), (long_y, long_total) = results
    assert_array_equal(y, long_y)
    assert total == pytest.approx(long_total)


# --- ties, NaN, infinities ------------------------------------------------------------


def test_a_tie_of_windows_gives_its_gradient_to_the_first_maximum():
    forward, backward = PAIRS["max_pool"]
    x = np.zeros((1, 4, 4, 1))
    y, cache = forward(x, pool_size=3, strides=1)
    dx = backward(np.array([1.0, 2.0, 3.0, 4.0]).reshape(y.shape), cache)
    assert_array_equal(
        dx[0, :, :, 0], [[1, 2, 0, 0], [3, 4, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    )


def test_a_tie_of_a_whole_channel_shares_its_gradient():
    forward, backward = PAIRS["global_max_pool"]
    y, cache = forward(np.array([2.0, 1.0, 2.0, 2.0, 2.0]).reshape(1, 5, 1))
    dx = backward(np.full(y.shape, 8.0), cache)
    assert_array_equal(dx.ravel(), [2, 0, 2, 2, 2])


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_gradient_of_ties_in_any_number_of_dimensions_adds_up(rank):
    forward, backward = PAIRS["max_pool"]
    y, cache = forward(np.zeros((1, *(3,) * rank, 1)), pool_size=2, strides=1)
    dy = np.arange(1.0, 1 + y.size).reshape(y.shape)
    dx = backward(dy, cache)
    assert_array_equal(dx[0, ..., 0][(slice(2),) * rank], dy[0, ..., 0])
    assert dx.sum() == dy.sum()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
def test_infinite_gradients_stay_where_they_belong(dtype):
    forward, backward = PAIRS["max_pool"]
    x = np.array([3, 1, 2, 5, 4, 4], dtype).reshape(1, 6, 1)
    y, cache = forward(x, pool_size=2)
    dx = backward(np.array([np.inf, np.nan, -np.inf], dtype).reshape(y.shape), cache)
    assert_array_equal(dx.ravel(), np.array([np.inf, 0, 0, np.nan, -np.inf, 0]))


@pytest.mark.parametrize("name", ["y", "dx"])
@pytest.mark.parametrize("op", OPS)
def test_results_live_in_the_workspace(op, name, rng):
    forward, backward = PAIRS[op]
    workspace, x = Workspace(), rng.random((2, 4, 5, 3))
    kept = []
    for _ in range(2):
        y, cache = forward(x, **OPS[op], workspace=workspace)
        wanted = y.copy()
        dx = backward(np.ones_like(y), cache, workspace=workspace)
        assert_array_equal(y, wanted)
        fresh, again = forward(x, **OPS[op])
        assert_array_equal(y, fresh)
        assert_array_equal(dx, backward(np.ones_like(fresh), again))
        kept.append({"y": y, "dx": dx}[name])
    assert np.shares_memory(*kept)


def test_pieces_of_a_batch_are_the_batch(rng, monkeypatch):
    forward, backward = PAIRS["upsample"]
    options = {"size": (2, 3), "interpolation": "bilinear"}
    x = rng.random((5, 4, 3, 2))
    results = []
    for nbytes in (1, 2 * x[0].nbytes, 1 << 30):
        monkeypatch.setattr(upsample, "PIECE", nbytes)
        y, cache = forward(x, **options)
        results.append((y, backward(np.sin(y), cache)))
    for y, dx in results[1:]:
        assert_array_equal(y, results[0][0])
        assert_array_equal(dx, results[0][1])


# --- types ----------------------------------------------------------------------------


@pytest.mark.parametrize("op", OPS)
def test_integers_become_floatx(op):
    forward, backward = PAIRS[op]
    x = np.arange(24).reshape(2, 4, 3)
    config.set_floatx("float16")
    y, cache = forward(x, **OPS[op])
    assert y.dtype == backward(np.ones(y.shape, int), cache).dtype == "float16"
    wanted, _ = forward(x.astype(float), **OPS[op])
    assert_array_equal(y, wanted)


def test_float16_is_summed_in_float32():
    x = np.full((1, 4096, 1), 100, "float16")
    for op, options in (
        ("average_pool", {"pool_size": 4096}),
        ("global_average_pool", {}),
    ):
        forward, backward = PAIRS[op]
        y, cache = forward(x, **options)
        assert y.ravel() == [100]
        assert_array_equal(backward(y, cache), np.full(x.shape, 100 / 4096))
    ones = np.ones((1, 1, 1, 1), "float16")
    y, cache = PAIRS["global_max_pool"][0](np.zeros((1, 300, 300, 1), "float16"))
    dx = PAIRS["global_max_pool"][1](ones[:, 0, 0], cache)
    assert_array_equal(dx, np.full(dx.shape, np.float16(1 / 90000)))


def test_means_take_the_complex_step(rng):
    x = rng.random((2, 5, 4, 3))
    u = rng.random(x.shape)
    for op in ("average_pool", "global_average_pool", "upsample", "crop"):
        forward, _ = PAIRS[op]
        y, _ = forward(x + 1e-200j * u, **OPS[op])
        np.testing.assert_allclose(
            y.imag * 1e200, forward(u, **OPS[op])[0], rtol=1e-14, atol=1e-15
        )
    for op in ("max_pool", "global_max_pool"):
        with refuses("x must hold real numbers, got dtype complex128"):
            PAIRS[op][0](x + 0j, **OPS[op])


# --- refusals -------------------------------------------------------------------------

IMAGE = np.zeros((2, 4, 5, 3))


@pytest.mark.parametrize(
    ("op", "options", "sentence"),
    [
        (
            "max_pool",
            {"pool_size": (2, 6)},
            "pool_size must fit into the input, got (2, 6): pool_size 6 over length 5 "
            "with padding 'valid' leaves no window",
        ),
        (
            "average_pool",
            {"pool_size": 0},
            "pool_size must be an integer or a tuple of 2 integers >= 1, got 0",
        ),
        (
            "max_pool",
            {"pool_size": 2, "strides": (1, 2, 3)},
            "strides must be an integer or a tuple of 2 integers >= 1, got (1, 2, 3)",
        ),
        (
            "max_pool",
            {"pool_size": 2, "padding": "causal"},
            "padding must be one of 'valid', 'same', got 'causal'",
        ),
        (
            "global_max_pool",
            {"data_format": "NHWC"},
            "data_format must be one of 'channels_last', 'channels_first', got 'NHWC'",
        ),
        (
            "constant_pad",
            {"padding": (1, -1)},
            "padding must be an integer or a pair of integers >= 0, or 2 of these, "
            "got (1, -1)",
        ),
        (
            "constant_pad",
            {"padding": 1, "value": float("nan")},
            "value must be a finite number, got nan",
        ),
        (
            "crop",
            {"cropping": ((2, 2), 0)},
            "cropping must leave at least one cell of (4, 5), got ((2, 2), (0, 0))",
        ),
        (
            "crop",
            {"cropping": "11"},
            "cropping must be an integer or a pair of integers >= 0, or 2 of these, "
            "got '11'",
        ),
        (
            "upsample",
            {"size": 2, "interpolation": "bicubic"},
            "interpolation must be one of 'nearest', 'bilinear', got 'bicubic'",
        ),
        (
            "upsample",
            {"size": (2, 0)},
            "size must be an integer or a tuple of 2 integers >= 1, got (2, 0)",
        ),
    ],
)
def test_refusals(op, options, sentence):
    with refuses(sentence):
        PAIRS[op][0](IMAGE, **options)


@pytest.mark.parametrize("op", ["max_pool", "global_average_pool", "crop"])
def test_arrays_without_a_spatial_axis_are_refused(op):
    with refuses(
        "x must have shape (N, *S, C) or (N, C, *S) with at least one spatial axis, "
        "got (2, 3)"
    ):
        PAIRS[op][0](np.zeros((2, 3)), **OPS[op])


def test_images_without_cells_have_no_maximum():
    for op in ("global_max_pool", "global_average_pool"):
        with refuses(
            "x must have at least one cell along every spatial axis, got (2, 0, 5, 3)"
        ):
            PAIRS[op][0](np.zeros((2, 0, 5, 3)))
    for forward in (max_pool_forward, average_pool_forward):
        with refuses(
            "pool_size must fit into the input, got (2, 2): pool_size 2 over length 0 "
            "with padding 'same' leaves no window"
        ):
            forward(np.zeros((2, 0, 5, 3)), pool_size=2, padding="same")


@pytest.mark.parametrize("op", OPS)
def test_no_channels_are_no_work(op):
    forward, backward = PAIRS[op]
    y, cache = forward(np.zeros((2, 4, 0)), **OPS[op])
    assert y.size == 0
    assert backward(y, cache).shape == (2, 4, 0)
