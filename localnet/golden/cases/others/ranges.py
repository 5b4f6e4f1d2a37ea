"""Integers over the whole range of their types: bias, sums, multipliers and shifts."""

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from ...._typing import Array, Config
from ...case import Case
from ...references.others import accumulated
from ..axes import KERNELS
from ..configs import shapes_of
from ..covering import Axes, covering
from ..specs import Numbers
from .integers import drawn, fixed_config, int8_config
from .making import config_of, made

__all__ = ["all_cuts", "all_scales", "many_integers", "wide_operands"]

LEAST, MOST = -(2**31), 2**31 - 1
FEW: dict[str, Numbers] = {"x": Numbers(0, 1, 4), "kernel": Numbers(0, 1, 5)}
# Beyond what float32, and types of 8 and of 16 bits hold.
FAR_MULTIPLIERS = [1, 3, 301, 40_001, 70_001, 2**20 + 1, 2**24 + 1, 2**30 + 1]
# Beyond a byte, and with a tail of every tile up to 256.
FAR = 261


def _lifted(name: str, why: str, kind: str, config: Config, wanted: Array) -> Case:
    """Return a case whose bias lifts the sums to these, by (L, F), or close to them."""
    total = accumulated(made(name, why, kind, config, "int32", FEW))
    shape, filters = total.shape[1:], config["filters"]
    first = config["data_format"] == "channels_first"
    values = np.resize(wanted, (total[0].size // filters, filters))
    values = (values.T if first else values).reshape(shape)
    low, high = total.min(0), total.max(0)
    # Every sample's sum fits into 32 bits, and so does the bias.
    bias = np.clip(
        values - total[0], LEAST - np.minimum(low, 0), MOST - np.maximum(high, 0)
    )
    return made(name, why, kind, config, "int32", FEW, {"bias": bias})


def all_scales() -> Iterator[Case]:
    """Yield sums of int8 up to the ends of 32 bits, and every multiplier and shift."""
    near = (-1, 0, 1)
    sums = [v + n for v in (0, 2**15, 2**16, 2**24, 2**30, -(2**24)) for n in near]
    scales: list[tuple[str, Config, Any]] = [
        ("none", int8_config("none", 8, 0, 3, -2, 0), [*sums, LEAST, MOST]),
    ]
    for shift in (0, 1, 24, 30):
        half = (1 << shift) >> 1
        ties = [
            tie + n
            for q in (0, -1, 1, -2, 2, 5, -126, 126)
            if LEAST < (tie := (q << shift) + half) < MOST
            for n in near
        ]
        ends = [LEAST, MOST, LEAST + half, MOST - half, MOST - half + 1]
        config = int8_config("one", 8, shift, 3, -2, 2) | {"multiplier": [1]}
        scales.append((f"by {2.0**-shift}", config, ties + ends))
    config = int8_config("one", 8, 25, -5, 7, -3) | {"multiplier": FAR_MULTIPLIERS}
    nearest = [
        [round((q + 0.5) * 2**25 / m) for m in FAR_MULTIPLIERS]
        for q in (-63, -38, -2, -1, 0, 1, 2, 62)
    ]
    scales.append(("by multipliers of up to 31 bits", config, np.array(nearest)))
    for n, (words, more, wanted) in enumerate(scales):
        first = n % 3 > 0
        row = {"axes": 1 + n % 2, "size": 7, "samples": 1, "channels": 4, "filters": 8}
        layer = config_of(row | {"first": first}, KERNELS["2"][row["axes"]])
        name = f"int8-scale-{n}"
        why = f"int8, sums up to the ends of 32 bits, {words}"
        wanted = np.array(wanted)
        if wanted.ndim == 1:  # all of them in turn, over all filters
            wanted = np.resize(wanted, (math.prod(layer["output_sizes"]), 8))
        yield _lifted(name, why, "int8", layer | more, wanted)


CUTS: Axes = {
    "cut": (0, 9, 24, 30),
    "width": (4, 24, 32),
    "rounding": ("truncate", "nearest", "even"),
    "overflow": ("wrap", "saturate"),
    "axes": (1, 2, 3),
    "first": (False, True),
    "samples": (1, 4),
    "channels": (1, 8),
    "filters": (3, 8),
}


def all_cuts() -> Iterator[Case]:
    """Yield every cut and width of fixed point, with sums up to the ends of 32 bits."""
    for n, row in enumerate(covering(CUTS, 2, also=[("rounding", "first", "axes")])):
        cut, width = row["cut"], row["width"]
        half, top = (1 << cut) >> 1, 1 << (width - 1)
        places = (0, 1, -1, 2, -2, top - 1, -top, 3 * top, 2**14 + 1, 2**23)
        ends = [LEAST, MOST, MOST - half, MOST - half + 1, 2**30, -(2**30) - 1]
        ends += [2**24 + 1, -(2**24) - 1, 2**25 - 1]
        ends += [
            value
            for q in places
            for near in (0, -1, 1, -half, half - 1)
            if LEAST < (value := (q << cut) + half + near) < MOST
        ]
        more = fixed_config(width, cut, row["rounding"], row["overflow"], max(8, cut))
        row["size"] = (9, 5, 2)[row["axes"] - 1]
        config = config_of(row, (2, 1, 1)[: row["axes"]]) | more
        why = f"fixed point, {cut} bits cut, {width} left, {row['rounding']}"
        wanted = np.resize(
            np.roll(ends, 11 * n), (math.prod(config["output_sizes"]), row["filters"])
        )
        yield _lifted(f"fixed-cut-{n}", why, "fixed_point", config, wanted)


def wide_operands() -> Iterator[Case]:
    """Yield x and kernels of fixed point beyond 8 and 16 bits."""
    for (n, bits), first in product(
        enumerate(((24, 3), (3, 24), (13, 13))), (False, True)
    ):
        row = {"axes": 1, "size": 5, "samples": 2, "channels": 4, "filters": 8}
        config = config_of(row | {"first": first}, (2,))
        config |= fixed_config(32, 3 * n, ("even", "nearest", "truncate")[n], "wrap")
        x, kernel = (Numbers(2 ** (b - 1) + 1, 2, 2 ** (b - 2)) for b in bits)
        yield made(
            f"fixed-wide-{n}-{'first' if first else 'last'}",
            f"fixed point, x of {bits[0]} bits, a kernel of {bits[1]}",
            "fixed_point",
            config,
            "int32",
            {"x": x, "kernel": kernel, "bias": Numbers(0, 1, 2**20)},
        )


def many_integers() -> Iterator[Case]:
    """Yield counts that vectors divide, and one beyond a byte, with all zero points."""
    aligned = ((1, 8, 4), (4, 16, 8), (8, 8, 16), (1, 32, 1), (16, 1, 1))
    sizes = [(2, *counts) for counts in aligned]
    far = ((2, FAR, 1, 1), (2, 1, FAR, 1), (2, 1, 1, FAR), (FAR, 1, 1, 1))
    for n, (size, samples, filters, channels) in enumerate((*sizes, *far)):
        axes = 1 if max(size, samples, filters, channels) == FAR else 1 + n % 2
        row = {"axes": axes, "size": size, "samples": samples, "first": n % 2 > 0}
        row |= {"filters": filters, "channels": channels}
        kernel = (2, 1, 1)[:axes]
        layer = config_of(row, kernel, (1, 1) if size == 2 else (0, 0))
        shapes = shapes_of(layer)
        terms = 2 * channels
        shift = 10 + terms.bit_length()
        given = {
            # Pairs of whose products leave 16 bits, with a zero point of -128.
            "x": drawn(f"many-{n}/x", shapes["x"], 90, 38),
            "kernel": drawn(f"many-{n}/kernel", shapes["kernel"], 90, 38)
            * np.where(np.arange(filters) % 2, -1, 1),
        }
        kinds = {"int8": int8_config("each", filters, shift, -128, 5, 3)}
        if FAR not in (size, samples, filters, channels):
            rounding = ("even", "nearest")[n % 2]
            kinds["fixed_point"] = fixed_config(16, 5, rounding, "wrap")
        for kind, more in kinds.items():
            name = f"{kind.split('_')[0]}-many-{n}"
            why = f"{kind}, N={samples} C={channels} F={filters}"
            numbers = {"bias": Numbers(0, 1, 4000)}
            yield made(name, why, kind, layer | more, "int32", numbers, given)
