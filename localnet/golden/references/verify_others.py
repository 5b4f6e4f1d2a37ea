"""
The references of other kinds once more, by loops over fractions.

Nothing of `localnet.golden.references.others` is used: windows by loops, rounding by
Python's own, and for two layers in a row the second road of a plain one, twice.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from ..._typing import Array, Config, Shape
from ..case import Case
from .verify_sums import recompute

__all__ = ["recompute_other"]

# Of a plain layer; the last of them if it has a bias.
WANTS = ("y", "dx", "dkernel", "dbias")


def recompute_other(case: Case) -> dict[str, Array]:
    """
    Return the answers of a case that is no sum of products alone.

    Parameters
    ----------
    case : Case
        With its inputs and the shapes of its answers.

    Returns
    -------
    dict of str to ndarray
        In float64.
    """
    make: dict[str, Callable[[Case], dict[str, Any]]] = {
        "pool": _pool,
        "batch_norm": _batch_norm,
        "stack": _stack,
        "int8": _integers,
        "fixed_point": _integers,
    }
    found = make[case.kind](case)
    return {key: np.array(found[key], np.float64) for key in case.wants}


def _split(case: Case, at: Shape) -> tuple[int, int, Shape]:
    """Return sample, channel and location of a place."""
    if case.config["data_format"] == "channels_last":
        return at[0], at[-1], at[1:-1]
    return at[0], at[1], at[2:]


def _join(case: Case, n: int, channel: int, place: Shape) -> Shape:
    if case.config["data_format"] == "channels_last":
        return (n, *place, channel)
    return (n, channel, *place)


def _window(config: Config, o: Shape) -> Iterator[Shape]:
    """Yield the cells of one window that are not pads."""
    names = ("strides", "pads", "input_sizes")
    for tap in itertools.product(*(range(r) for r in config["kernel_size"])):
        axes = zip(o, tap, *(config[name] for name in names), strict=True)
        cell, fits = [], True
        for i, t, s, (before, _), size in axes:
            cell.append(i * s - before + t)
            fits = fits and 0 <= cell[-1] < size
        if fits:
            yield tuple(cell)


def _number(value: Any) -> Fraction:
    return Fraction(float(value))


def _pool(case: Case) -> dict[str, Any]:
    y, dx = np.zeros(case.expected["y"].shape), np.zeros(case.x.shape)
    for at in np.ndindex(y.shape):
        n, channel, o = _split(case, at)
        places = [_join(case, n, channel, cell) for cell in _window(case.config, o)]
        values = [_number(case.x[place]) for place in places]
        if case.config["pool"] == "max":
            y[at] = max(values)
            first = values.index(max(values))
            shares = [Fraction(n == first) for n in range(len(values))]
        else:
            y[at] = sum(values) / len(values)
            shares = [Fraction(1, len(values))] * len(values)
        for place, share in zip(places, shares, strict=True):
            if case.dy is not None:
                dx[place] += float(share * _number(case.dy[at]))
    return {"y": y, "dx": dx}


def _root(value: Fraction) -> Fraction:
    """Return the square root of a fraction that has one."""
    return Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))


def _batch_norm(case: Case) -> dict[str, Any]:
    c, shape = case.config, case.x.shape
    bias, dy = np.asarray(case.bias), np.asarray(case.dy)
    y, dx = np.zeros(shape), np.zeros(shape)
    dkernel, dbias = np.zeros(c["channels"]), np.zeros(c["channels"])
    for channel in range(c["channels"]):
        places = [at for at in np.ndindex(shape) if _split(case, at)[1] == channel]
        x = [_number(case.x[at]) for at in places]
        if c["training"]:
            mean = sum(x) / Fraction(len(x))
            variance = sum((v - mean) ** 2 for v in x) / Fraction(len(x))
        else:
            mean, variance = map(_number, np.asarray(case.mixture)[:, channel])
        root = _root(variance + _number(c["epsilon"]))
        gamma, beta = _number(case.kernel[channel]), _number(bias[channel])
        normal = [(v - mean) / root for v in x]
        ups = [_number(dy[at]) for at in places]
        scaled = sum((up * v for up, v in zip(ups, normal, strict=True)), Fraction(0))
        total = sum(ups, Fraction(0))
        dkernel[channel], dbias[channel] = scaled, total
        for at, up, v in zip(places, ups, normal, strict=True):
            y[at] = gamma * v + beta
            if c["training"]:
                up = up - (total + v * scaled) / len(x)
            dx[at] = gamma * up / root
    return {"y": y, "dx": dx, "dkernel": dkernel, "dbias": dbias}


def _stack(case: Case) -> dict[str, Any]:
    c = {key: value for key, value in case.config.items() if key != "second"}
    below = replace(case, kind="layer", config=c, dy=None, wants=("y",))
    outputs = tuple(c["output_sizes"])
    last = c["data_format"] == "channels_last"
    shape = (*outputs, c["filters"]) if last else (c["filters"], *outputs)
    below = replace(below, expected={"y": np.zeros((c["batch"], *shape))})
    middle = recompute(below)["y"]
    above = replace(
        case,
        kind="layer",
        config={**case.config["second"], "batch": c["batch"]},
        x=middle,
        kernel=np.asarray(case.kernel2),
        bias=case.bias2,
        wants=WANTS[: 4 if case.bias2 is not None else 3],
        expected={
            "y": case.expected["y"],
            "dx": middle,
            "dkernel": np.asarray(case.kernel2),
            "dbias": np.asarray(case.bias2),
        },
    )
    found = recompute(above)
    wants = WANTS[: 4 if case.bias is not None else 3]
    expected = {**case.expected, "y": middle}
    below = replace(below, dy=found["dx"], wants=wants, expected=expected)
    second = {f"{key}2": found[key] for key in above.wants[2:]}
    return {**recompute(below), **second, "y": found["y"]}


def _integers(case: Case) -> dict[str, Any]:
    c = case.config
    plain = replace(
        case,
        kind="layer",
        x=case.x - np.int64(c.get("input_zero_point", 0)),
        kernel=case.kernel - np.int64(c.get("kernel_zero_point", 0)),
        wants=("y",),
    )
    y = recompute(plain)["y"]
    for at in np.ndindex(y.shape):
        total = Fraction(int(y[at]))
        if case.kind == "fixed_point":
            y[at] = _fixed(total, c)
        elif "multiplier" in c:
            scales = c["multiplier"]
            scale = scales[_split(case, at)[1] % len(scales)]
            rounded = round(total * scale / 2 ** c["shift"])  # ties to even
            y[at] = min(max(rounded + c["output_zero_point"], -128), 127)
    return {"y": y}


def _fixed(total: Fraction, c: Config) -> int:
    value = total * Fraction(2) ** (c["fraction"] - c["fraction_of_products"])
    if c["rounding"] == "even":
        number: int = round(value)
    else:
        half = Fraction(1, 2) if c["rounding"] == "nearest" else 0
        number = math.floor(value + half)
    width: int = c["width"]
    most = 1 << (width - 1)
    if c["overflow"] == "saturate":
        return min(max(number, -most), most - 1)
    while number >= most:
        number -= 2 * most
    while number < -most:
        number += 2 * most
    return number
