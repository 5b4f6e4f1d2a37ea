"""
Pools as everybody uses them, over numbers that are no whole ones.

The usual windows at odd and even sizes, of which the last location, and the cell that
no window reads, have paths of their own; counts that a kernel for vectors takes alone.
"""

import itertools
import math
from collections.abc import Iterator

import numpy as np

from ...._typing import Array, Config, Shape
from ...case import Case
from ...references.wires import patch_cells
from ..lehmer import states
from ..precisions import FORMATS
from ..specs import Numbers
from .layered import pool_config
from .making import made

__all__ = ["everyday_pools", "many_means", "many_ties"]

# Window, stride and pad of every axis; sizes that are odd, or even, in 1D, 2D and 3D.
Sizes = tuple[Shape, ...]
EVERYDAY: tuple[tuple[int, int, int, Sizes, Sizes], ...] = (
    (2, 2, 0, ((5,), (5, 7), (3, 5, 3)), ((6,), (4, 6), (2, 4, 2))),
    (3, 2, 1, ((7,), (5, 7), (3, 5, 3)), ((8,), (6, 4), (4, 2, 4))),
    (3, 1, 1, ((7,), (5, 3), (3, 3, 3)), ((6,), (4, 6), (2, 4, 2))),
    (2, 1, 0, ((7,), (5, 3), (3, 3, 3)), ((6,), (4, 6), (2, 4, 2))),
    (7, 7, 0, ((15,), (15, 9), (7, 7, 9)), ((14,), (14, 8), (8, 7, 8))),
    # One window, of all there is.
    (0, 1, 0, ((37,), (5, 9), (3, 7, 3)), ((40,), (8, 5), (4, 2, 6))),
)
PRECISIONS = ("float32", "bfloat16", "float64", "float16")
QUARTERS = Numbers(1, 2, 2, -2)


def everyday_pools() -> Iterator[Case]:
    """Yield the usual windows over fractions, in all ranks, at odd and even sizes."""
    for number, (window, stride, pad, *sizes) in enumerate(EVERYDAY):
        for n, (axis, even, pool) in enumerate(_rows(stride)):
            cells = sizes[even][axis]
            first = (even + axis + (pool == "max")) % 2 > 0
            config = _config(pool, cells, (window, stride, pad), 1 + n % 3, first=first)
            words = "all" if window == 0 else f"{window}, strides {stride}, pads {pad}"
            yield fractional(
                f"pool-everyday-{number}-{n}",
                f"{pool} over {list(cells)}, windows of {words}",
                config,
                number + n,
            )


def _rows(stride: int) -> Iterator[tuple[int, bool, str]]:
    """Yield axes less one, whether sizes are even, and a pool."""
    for axis, even in itertools.product(range(3), (False, True)):
        if stride > 1 or even == (axis == 1):  # no cell is left over otherwise
            yield from ((axis, even, pool) for pool in ("max", "average"))


def _config(
    pool: str, sizes: Shape, how: tuple[int, int, int], channels: int, *, first: bool
) -> Config:
    """Return the config of a pooling with one window, stride and pad for all axes."""
    window, stride, pad = how
    kernel = tuple(window or n for n in sizes)
    config = pool_config(
        pool, (sizes, kernel, (stride,) * len(sizes)), channels, first=first
    )
    outputs = [
        (n + 2 * pad - r) // stride + 1 for n, r in zip(sizes, kernel, strict=True)
    ]
    return {**config, "output_sizes": outputs, "pads": [[pad, pad] for _ in sizes]}


def fractional(name: str, why: str, config: Config, n: int) -> Case:
    """
    Return a pooling of numbers that are no whole ones.

    Parameters
    ----------
    name, why : str
        Of the case.
    config : dict
        Of the case.
    n : int
        What the draws follow from, and for a maximum the precision and the sign.

    Returns
    -------
    Case
        Of a maximum: of numbers that differ in the last bits of their precision. Of a
        mean: exact, whether sums are divided, or multiplied by an inverse.
    """
    if config["pool"] == "max":
        size = math.prod(config["input_sizes"])
        precision = PRECISIONS[n % 4]
        if size >= 2 ** (FORMATS[precision].bits - 1):
            precision = "float32"
        x = _close(config, n, FORMATS[precision].bits)
        given = {"kernel": np.zeros(0), "x": x}
        return made(name, why, "pool", config, precision, {"dy": QUARTERS}, given)
    cells = patch_cells({**config, "channels": 1})
    counts = (cells >= 0).sum(-1)
    if not np.any(counts & (counts - 1)):
        numbers, given = {"x": QUARTERS, "dy": QUARTERS}, {"kernel": np.zeros(0)}
        precision = ("bfloat16", "float16")[n % 2]
        return made(name, why, "pool", config, precision, numbers, given)
    x, dy = _divided(config, cells, n)
    given = {"kernel": np.zeros(0), "x": x, "dy": dy}
    return made(name, why, "pool", config, "float32", {}, given)


def _close(config: Config, n: int, bits: int) -> Array:
    """Return x in [1/2, 1), or below 0, whose channels differ in the last bits."""
    cells = math.prod(config["input_sizes"])
    rows = config["batch"] * config["channels"]
    order = np.stack(
        [np.argsort(states(n * 89 + row + 1, cells)) for row in range(rows)]
    )
    sign = (1, -1)[n // 2 % 2]
    # Every other row is largest where the last window ends, which has a slope there.
    last = patch_cells({**config, "channels": 1})[-1].max()
    for row in order[::2]:
        largest = (row * sign).argmax()
        row[[last, largest]] = row[[largest, last]]
    return _stored(sign * np.ldexp(2.0 ** (bits - 1) + order, -bits), config)


def _stored(values: Array, config: Config) -> Array:
    """Return (N*C, cells) in the data format."""
    shaped = values.reshape(config["batch"], config["channels"], -1)
    last = config["data_format"] == "channels_last"
    return np.moveaxis(shaped, 1, -1) if last else shaped


def _divided(config: Config, cells: Array, n: int) -> tuple[Array, Array]:
    """Return x and dy that windows of any count divide, by an inverse too."""
    inside = cells >= 0
    counts = inside.sum(-1)
    kinds = np.unique(counts)
    rows = config["batch"] * config["channels"]
    size = math.prod(config["input_sizes"])
    drawn = states(n * 53 + 1, rows * size).reshape(rows, size) >> 8
    means = states(n * 71 + 1, rows * len(cells)).reshape(rows, -1) >> 8
    parts = {int(count): _means_of(int(count)) for count in kinds}
    means = np.stack(
        [
            parts[int(count)][column % len(parts[int(count)])]
            for count, column in zip(counts, means.T, strict=True)
        ],
        -1,
    )
    unit = 4
    if np.bincount(cells[inside], minlength=size).max() > 1:
        # A multiple of every count in every cell, but for powers of two.
        least = math.lcm(*map(int, kinds))
        unit *= least & -least
        x = 1.0 * least * (drawn % 5 - 2)
    else:
        x = 1.0 * (drawn % 7 - 3)
        for location, row in enumerate(cells):
            here = row[inside[location]]
            x[:, here[0]] += counts[location] * means[:, location] - x[:, here].sum(1)
    # Of one sign in each channel: no share cancels what a product leaves of another.
    signs = (-1.0) ** np.arange(rows)[:, None]
    dy = counts * means * signs
    _check_means(x[:, np.maximum(cells, 0)] * inside, dy, counts)
    return _stored(x / unit, config), _stored(dy / 8, config)


def _means_of(count: int) -> Array:
    """Return numbers that a product with the inverse of a count gives exactly."""
    found = [
        m
        for m in range(1, 32)
        if all(
            kind(m * count) * (kind(1) / kind(count)) == m
            for kind in (np.float32, np.float64)
        )
    ]
    return np.array(found, np.float64)


def _check_means(windows: Array, dy: Array, counts: Array) -> None:
    """Refuse sums whose means differ if they are multiplied by 1/count, not divided."""
    for kind in (np.float32, np.float64):
        divisors = counts.astype(kind)
        for total in (windows.sum(-1), dy):
            one = total.astype(kind)
            inverse = np.reciprocal(divisors)
            if np.any(one * inverse != total / counts):
                raise ValueError("means must be exact by an inverse, too")


def many_means() -> Iterator[Case]:
    """Yield pads with many locations, samples and channels: aligned, and with tails."""
    rows: tuple[tuple[str, Shape, int, int], ...] = (
        ("average", (5, 8), 2, 1),  # L of 40
        ("average", (4, 8), 1, 2),  # and of 32
        ("average", (35,), 2, 2),
        ("average", (3,), 32, 1),
        ("max", (5, 8), 1, 2),
        ("max", (4,), 32, 1),
        ("max", (3,), 2, 32),
        ("average", (3,), 2, 32),
        ("max", (2, 3), 1, 6),
        ("average", (3, 2), 2, 6),
    )
    for n, (pool, sizes, samples, channels) in enumerate(rows):
        config = _config(pool, sizes, (3, 1, 1), channels, first=n % 3 > 0)
        config["batch"] = samples
        why = f"{pool} with pads, N={samples} C={channels}, {list(sizes)} windows"
        yield fractional(f"pool-padded-sizes-{n}", why, config, 2 + 4 * n)


def many_ties() -> Iterator[Case]:
    """Yield largest numbers that are equal, with samples and channels of all sorts."""
    for n, (samples, channels) in enumerate(
        ((8, 1), (16, 1), (1, 6), (32, 1), (1, 32))
    ):
        for first in (False, True):
            config = _config("max", (4,), (3, 1, 1), channels, first=first)
            config["batch"] = samples
            yield made(
                f"pool-equal-{n}-{'first' if first else 'last'}",
                f"largest numbers that are equal, N={samples} C={channels}",
                "pool",
                config,
                "bfloat16",
                {"x": Numbers(1, 2, 2, -2), "dy": QUARTERS},
                {"kernel": np.zeros(0)},
                flags=("kink",),
            )
