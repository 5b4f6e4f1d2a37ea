"""
Other kinds where a path for sizes is taken, with all that may be forgotten on it.

Means over windows whose count has no exact inverse; stacks whose second layer has
options of its own; integers to be rounded: aligned, or with a tail everywhere.
"""

import itertools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from ...._typing import Array, Config, Shape
from ...case import Case
from ..lehmer import states
from ..precisions import FORMATS
from ..specs import SMALL, Numbers, Spec
from .corners import stack_config
from .integers import fixed_config, int8_config
from .layered import SCALES, centred, norm_config, pool_config, tailed, unique
from .making import ATTEMPTS, check_stack, made

__all__ = ["aligned_integers", "aligned_stacks", "means", "more_norms", "overlapping"]

# Windows of 3, 5, 7, 6 and 9 cells, side by side.
WINDOWS: tuple[Shape, ...] = ((3,), (5,), (7,), (2, 3), (3, 3))
PRECISIONS = ("float32", "float64", "float16", "bfloat16")


def means() -> Iterator[Case]:
    """Yield means over counts whose inverses are rounded, and are off if narrowed."""
    for n, (window, precision) in enumerate(itertools.product(WINDOWS, PRECISIONS)):
        count, first = int(np.prod(window)), n % 2 > 0
        sizes = (
            window[0] * (4 if len(window) == 1 else 2),
            *(2 * w for w in window[1:]),
        )
        channels = (2, 1, 4)[n % 3]
        config = pool_config("average", (sizes, window, window), channels, first=first)
        whole = _divided(count, precision)
        outputs = (2, *config["output_sizes"], channels)
        taken = states(n + 1, int(np.prod(outputs))) >> 8
        mean = whole[taken % len(whole)].reshape(outputs) * (-1) ** (taken % 5).reshape(
            outputs
        )
        x = mean
        for axis, taps in enumerate(window):
            x = np.repeat(x, taps, 1 + axis)
        dy = count * mean[::-1]
        x = x + _balanced(x.shape, window)
        if first:
            x, dy = (np.moveaxis(array, -1, 1) for array in (x, dy))
        yield made(
            f"pool-mean-{count}-{precision}",
            f"means of {count}, whose inverse {precision} rounds",
            "pool",
            config,
            precision,
            {},
            {"kernel": np.zeros(0), "x": x, "dy": dy},
        )


def overlapping() -> Iterator[Case]:
    """Yield windows that overlap, eight of them."""
    for pool, window in (("max", (3,)), ("average", (2,))):
        config = pool_config(pool, ((8,), window, (1,)), 1, first=False)
        yield unique(f"pool-eight-{pool}", f"8 windows, {pool}", config, below=False)


def _balanced(shape: Shape, window: Shape) -> Array:
    """Return 1, -1 and 0 for the cells of x, which add up to 0 in every window."""
    pattern = np.zeros(window)
    pattern.flat[0], pattern.flat[-1] = 1, -1
    tiles = [n // r for n, r in zip(shape[1:-1], window, strict=True)]
    return np.tile(pattern, tiles)[None, ..., None] * np.ones(shape)


def _divided(count: int, precision: str) -> Array:
    """Return numbers that a product with the inverse gives as exactly as a division."""
    bits = [f.bits for f in FORMATS.values() if f.bits >= FORMATS[precision].bits]
    found = [
        m
        for m in range(4, 16)
        if m * count < 2**7
        and all(_rounded(m * count * _rounded(1 / count, b), b) == m for b in bits)
    ]
    return np.array(found, np.float64)


def _rounded(value: float, bits: int) -> float:
    if bits > 52:
        return value
    fraction, exponent = np.frexp(value)
    return float(np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits))


def more_norms() -> Iterator[Case]:
    """Yield many channels, and samples or channels that leave a tail everywhere."""
    config = norm_config(1, (1,), 320, first=True, training=False)
    given = centred(config, 3)
    why = "320 channels of one number"
    yield made("norm-many-320", why, "batch_norm", config, "float32", SCALES, given)
    for n, (samples, channels) in enumerate(((3, 35), (33, 3))):
        config = norm_config(samples, (4,), channels, first=n > 0)
        yield tailed(f"norm-tail-{samples}-of-{channels}", config, n)


# Stacks -------------------------------------------------------------------------------

FINE = 10923 / 2**14  # 0.666..., in 14 bits
PAIRS: tuple[tuple[Config, Config], ...] = (
    ({"name": "relu"}, {"name": "leaky_relu", "alpha": -FINE}),
    ({"name": "leaky_relu", "alpha": FINE}, {"name": "linear"}),
    ({"name": "linear"}, {"name": "relu", "alpha": 2 * FINE, "max_value": 2.0}),
)
# N, L, C, F and the filters behind them.
SIZES = (
    (16, 8, 1, 1, 1),
    (2, 32, 1, 1, 1),
    (17, 3, 3, 1, 3),
    (2, 2, 8, 8, 4),
    (1, 3, 1, 17, 1),
)


def aligned_stacks() -> Iterator[Case]:
    """Yield a second layer with a stride, dilation and pads, at sizes of all sorts."""
    for n, (size, axes) in enumerate(itertools.product(SIZES, (1, 2))):
        samples, length, channels, filters, above = size
        if channels == 8 and axes == 1:
            continue
        wide = n % 2 == 0  # one axis, dilated in both layers
        one, other = PAIRS[(n + 1) % 3]
        below = Spec(
            "",
            "",
            (2 * length + wide, 1)[:axes],
            (2, 1)[:axes],
            strides=(2, 1)[:axes],
            dilation_rate=(1 + wide, 1)[:axes],
            pads=((0, 0), (1, 0))[:axes],
            pad_value=-1.0,
            batch=samples,
            channels=channels,
            filters=filters,
            first=n % 4 in (1, 2),
            activation=one,
        )
        config = stack_config(
            below,
            (2, 1)[:axes],
            filters=above,
            strides=(1, 2)[:axes] if axes == 2 else (2,),
            dilation_rate=(2, 1)[:axes],
            pads=((2, 1), (0, 1))[:axes],
            pad_value=2.0,
            activation=other,
        )
        words = f"N={samples} L={length} C={channels} F={filters}"
        yield _fine(f"stack-aligned-{n}", f"two layers, {words}", config)


def _fine(name: str, why: str, config: Config) -> Case:
    """Return a stack that is exact in the first of two precisions that holds it."""
    numbers = {**SMALL, "kernel2": SMALL["kernel"], "bias2": Numbers(1, 2, 4, -4)}
    for precision in ("float32", "float64"):
        for attempt in range(ATTEMPTS):
            with suppress(ValueError):  # on a kink, or too many bits
                case = made(
                    name, why, "stack", config, precision, numbers, None, attempt
                )
                check_stack(case)
                return case
    raise ValueError(f"case {name} must be exact, off the kinks")


# Integers -----------------------------------------------------------------------------

# Sizes, a window, strides, pads; N, C and F.
LAYERS: tuple[tuple[Any, ...], ...] = (
    ((16,), (1,), (1,), ((0, 0),), 16, 1, 1),
    ((2, 2, 9), (1, 1, 2), (1, 1, 1), ((0, 0),) * 3, 1, 4, 4),
    ((3, 9), (1, 1), (1, 2), ((0, 1), (1, 0)), 8, 4, 1),
    ((5,), (1,), (2,), ((1, 2),), 33, 5, 1),
    ((3, 4), (2, 2), (1, 2), ((1, 0), (0, 0)), 2, 1, 37),
    ((1,), (1,), (1,), ((0, 0),), 2, 5, 3),
    ((35,), (3,), (3,), ((1, 0),), 16, 1, 2),
)
ROUNDINGS = ("truncate", "nearest", "even")


def aligned_integers() -> Iterator[Case]:
    """Yield sums to be rounded, with a bias and without, at sizes of all sorts."""
    for n, (layer, bias) in enumerate(itertools.product(LAYERS, (True, False))):
        sizes, window, strides, pads, samples, channels, filters = layer
        config = Spec(
            "",
            "",
            sizes,
            window,
            strides=strides,
            pads=pads,
            batch=samples,
            channels=channels,
            filters=filters,
            first=n % 4 in (1, 2),
        ).config
        numbers = {"x": Numbers(0, 1, 128), "kernel": Numbers(0, 1, 128)}
        small = {"x": Numbers(0, 1, 8), "kernel": Numbers(0, 1, 8)}
        if bias:
            numbers["bias"], small["bias"] = Numbers(0, 1, 2**17), Numbers(0, 1, 60)
        zero, scale = (
            ((-128, 9), (17, 0), (-128, 0))[n % 3],
            ("each", "one")[n // 2 % 2],
        )
        few = filters == 37 or samples == 8  # ties, and a shift of 0
        shift = (2, 0)[samples == 8] if few else (5, 9, 7, 8)[n % 4]
        more = int8_config(scale, filters, shift, *zero, (5, -128, 5, -7)[n // 2 % 4])
        words = f"N={samples} C={channels} F={filters}, strides {strides}"
        yield made(
            f"int8-sized-{n}",
            f"int8, {words}",
            "int8",
            config | more,
            "int32",
            small if few else numbers,
        )
        overflow = ("saturate", "wrap")[n // 3 % 2]
        width, cut = ((8, 4), (24, 1), (4, 3), (32, 1))[(n + n // 2) % 4]
        more = fixed_config(width, cut, ROUNDINGS[n % 3], overflow)
        yield made(
            f"fixed-sized-{n}",
            f"fixed point, {words}",
            "fixed_point",
            config | more,
            "int32",
            small if width < 24 else numbers,
        )
