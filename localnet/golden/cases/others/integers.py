"""Sums of integers that need more than a few bits, zero points, and ends of formats."""

import itertools
import math
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...._typing import Array, Config, Shape
from ...case import Case
from ...references.others import accumulated
from ..axes import KERNELS
from ..configs import shapes_of
from ..lehmer import MODULUS, states
from ..specs import Numbers
from .making import config_of, made

__all__ = ["at_ends", "drawn", "far_sums", "fixed_config", "int8_config", "zeros"]

# Odd multipliers with a period that no block of filters has.
MULTIPLIERS = (1, 9, 3, 13, 7, 11, 5)
# K; the largest products of int8 sum to more than 19, 21, 22, 23 and 24 bits.
SUMS = (33, 132, 264, 1056, 33, 132, 264, 1536)
# Of the answers in fixed point.
WRAPPED, SATURATED = (16, "wrap"), (16, "saturate")
NARROW = (12, "wrap")
FORMATS_OF_SUMS = (
    *(WRAPPED, NARROW, WRAPPED, SATURATED),
    *(WRAPPED, NARROW, SATURATED, WRAPPED),
)


def drawn(name: str, shape: Shape, low: int, count: int) -> Array:
    """
    Return drawn integers.

    Parameters
    ----------
    name : str
        What the draw follows from.
    shape : tuple of int
        Of the array.
    low, count : int
        From `low` on, so many.

    Returns
    -------
    ndarray of int64
        One for each place.
    """
    seed = zlib.crc32(name.encode()) % (MODULUS - 1) + 1
    return low + (states(seed, math.prod(shape)) >> 8).reshape(shape) % count


def int8_config(scale: str, filters: int, shift: int, *zeros: int) -> Config:
    """
    Return what an int8 layer has beside its windows.

    Parameters
    ----------
    scale : {"none", "one", "each"}
        Whether there are multipliers, and how many.
    filters : int
        F.
    shift : int
        Of all of them.
    *zeros : int
        The zero points of x, the kernel and y.

    Returns
    -------
    dict
        Keys of a config.
    """
    x, kernel, y = zeros
    found: Config = {"input_zero_point": x, "kernel_zero_point": kernel}
    if scale == "none":
        return found
    count = 1 if scale == "one" else filters
    multiplier = [MULTIPLIERS[f % len(MULTIPLIERS)] for f in range(count)]
    return {
        **found,
        "multiplier": [3] if scale == "one" else multiplier,
        "shift": shift,
        "output_zero_point": y,
    }


def fixed_config(
    width: int, cut: int, rounding: str, overflow: str, fraction: int = 8
) -> Config:
    """
    Return what a layer of fixed point has beside its windows.

    Parameters
    ----------
    width, cut : int
        Bits of an answer, and those of a sum that are cut off.
    rounding, overflow : str
        As a config has them.
    fraction : int
        Bits of a product behind the point.

    Returns
    -------
    dict
        Keys of a config.
    """
    return {
        "width": width,
        "fraction": fraction - cut,
        "fraction_of_products": fraction,
        "rounding": rounding,
        "overflow": overflow,
    }


def far_sums() -> Iterator[Case]:
    """Yield sums of products that are all large, of one sign for each filter."""
    roundings = itertools.cycle(("truncate", "nearest", "even"))
    for n, terms in enumerate(SUMS):
        filters = {33: 17, 1056: 3, 1536: 3}.get(terms, 9)
        row = {"axes": 1 + n % 2, "size": 2, "samples": 2, "first": n > 3}
        row |= {"channels": terms // (4 if terms > 33 else 1), "filters": filters}
        window = (1,) if terms == SUMS[0] else (4,)
        kernel = window if row["axes"] == 1 else (1, *window)
        layer = config_of(row, kernel)
        shapes = shapes_of(layer)
        sides = np.where(np.arange(filters) % 2, -1, 1)
        weights = drawn(f"far-{n}/kernel", shapes["kernel"], 97, 32)
        given = {
            "x": drawn(f"far-{n}/x", shapes["x"], 96, 32),
            # From -128 to -97, and from 96 to 127.
            "kernel": np.where(sides < 0, -weights, weights - 1),
        }
        numbers = {"bias": Numbers(0, 1, 4000)}
        shift = (terms * 3000).bit_length()
        scale = ("none", "each", "one", "each")[(n + n // 4) % 4]
        for kind, more in (
            ("int8", int8_config(scale, filters, shift, -n, 0, n - 4)),
            (
                "fixed_point",
                fixed_config(*_far_format(FORMATS_OF_SUMS[n], next(roundings), n)),
            ),
        ):
            name = f"{kind.split('_')[0]}-far-{n}"
            why = f"K = {terms}, sums of products as large as they get"
            config = {**layer, **more}
            yield made(name, why, kind, config, "int32", numbers, given)


def _far_format(
    form: tuple[int, str], rounding: str, n: int
) -> tuple[int, int, str, str]:
    width, overflow = form
    return width, (5, 3, 7)[n % 3], rounding, overflow


def zeros() -> Iterator[Case]:
    """Yield zero points of the kernel, and of x, with all numbers that int8 holds."""
    rows = itertools.product((1, 2, 3), (False, True))
    for n, (axes, first) in enumerate(rows):
        row = {"axes": axes, "size": 5, "samples": 2, "first": first, "filters": 9}
        kernel = KERNELS["2"][axes]
        layer = config_of(row | {"channels": 3}, kernel, (1, 1) if n % 2 else (0, 0))
        scale = ("none", "each", "one")[n // 2]
        point = (5, -128, 127, -7)[n % 4]
        config = {**layer, **int8_config(scale, 9, 13, (0, -128, 3)[n % 3], point, 2)}
        shapes = shapes_of(layer)
        given = {
            key: drawn(f"zero-{n}/{key}", shapes[key], -128, 256)
            for key in ("x", "kernel")
        }
        why = f"int8, zero points {config['input_zero_point']} and {point}"
        numbers = {"bias": Numbers(0, 1, 4000)}
        yield made(f"int8-zero-{n}", why, "int8", config, "int32", numbers, given)


def at_ends() -> Iterator[Case]:
    """Yield sums on a tie, and on both sides of the ends of what the answer holds."""
    formats = (
        *((w, o, r) for w in (8, 16, 12) for o in ("wrap", "saturate") for r in "ten"),
    )
    names = {"t": "truncate", "e": "even", "n": "nearest"}
    scales = itertools.product(("one", "each"), (0, -7, 12))
    for n, (width, overflow, letter) in enumerate(formats):
        rounding, cut = names[letter], (5, 1, 3)[n % 3]
        more = fixed_config(width, cut, rounding, overflow)
        half, top = 1 << cut >> 1, 1 << (width - 1)
        tops = (top - 1, -top, -top - 1, 0, -1, 1, -2, top, 3 * top - 1, -3 * top)
        ends = [(q << cut) + half + near for q in tops for near in (0, -1, 1, -half)]
        why = f"fixed point, {width} bits, {rounding}, {overflow}: at its ends"
        yield _ended(f"fixed-ends-{n}", why, "fixed_point", more, n, [ends])
    for n, (scale, point) in enumerate(scales):
        more = int8_config(scale, 17, 7, 0, 0, point)
        lists = []
        for multiplier in more["multiplier"]:
            whole = [
                round((edge - point) * 2**7 / multiplier) + near
                for edge in (127.5, -128.5, 126.5, -127.5)
                for near in (0, -1, 1)
            ]
            lists.append(whole + [(2 * k + 1) * 2**6 for k in (-3, -2, -1, 0, 1, 2)])
        why = f"int8, ties to even and both ends, output zero point {point}"
        yield _ended(f"int8-ends-{n}", why, "int8", more, n, lists)


def _ended(
    name: str, why: str, kind: str, more: Config, n: int, ends: list[list[int]]
) -> Case:
    """Return a case whose bias lifts the first sample to these sums, by filter."""
    row = {"axes": 1 + n % 2, "size": 5, "samples": 2, "first": n % 4 > 1}
    row |= {"channels": 2, "filters": 17}
    config = {**config_of(row, KERNELS["2"][row["axes"]]), **more}
    numbers: dict[str, Any] = {"x": Numbers(0, 1, 4), "kernel": Numbers(0, 1, 5)}
    total = accumulated(made(name, why, kind, config, "int32", numbers))[0]
    first = config["data_format"] == "channels_first"
    rows = total.reshape(17, -1) if first else total.reshape(-1, 17).T
    wanted = np.array(
        [np.resize(ends[f % len(ends)], rows.shape[1]) for f in range(17)]
    )
    if len(ends) == 1:  # all of them in turn, over all filters
        wanted = np.resize(ends[0], rows.shape)
    lifted = wanted if first else wanted.T
    bias = lifted.reshape(total.shape) - total
    return made(name, why, kind, config, "int32", numbers, {"bias": bias})
