"""
The right answers of layers that are no sums of products alone, all of them exact.

Pooling, batch normalisation, two layers in a row, and layers in integers and in fixed
point: int64 and powers of two, so that nothing is rounded but where the layer rounds.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..._typing import Array, Config
from ..case import Case
from .answers import solve
from .wires import is_last, patch_cells

__all__ = [
    "OTHERS",
    "accumulated",
    "answers_of",
    "cast_fixed",
    "layers_of",
    "requantise",
    "wants_of",
]

OTHERS = {
    "pool": "The largest, or the mean, of every window of a channel.",
    "batch_norm": "Every channel less its mean, over its deviation, scaled, shifted.",
    "stack": "Two plain layers in a row.",
    "int8": "A plain layer of int8 with zero points: accumulators, or int8 again.",
    "fixed_point": "A plain layer of fixed point, cut off or rounded to fixed point.",
}


def answers_of(case: Case) -> dict[str, Array]:
    """
    Return the answers of a case.

    Parameters
    ----------
    case : Case
        Of a kind of `OTHERS`.

    Returns
    -------
    dict of str to ndarray
        Those that the case wants, exact, in float64.
    """
    make: dict[str, Callable[[Case], dict[str, Array]]] = {
        "pool": _pooled,
        "batch_norm": _normalised,
        "stack": _stacked,
        "int8": lambda case: {"y": requantise(accumulated(case), case.config)},
        "fixed_point": lambda case: {"y": cast_fixed(accumulated(case), case.config)},
    }
    found = make[case.kind](case)
    return {key: np.asarray(found[key], np.float64) for key in case.wants}


def _by_channel(array: Array, config: Config) -> Array:
    """Return x or y as (N, C, cells)."""
    if is_last(config):
        array = np.moveaxis(array, -1, 1)
    return array.reshape(*array.shape[:2], -1)


def _as_stored(array: Array, sizes: Any, config: Config) -> Array:
    """Return (N, C, cells) in the data format."""
    array = array.reshape(*array.shape[:2], *sizes)
    return np.moveaxis(array, 1, -1) if is_last(config) else array


def _pooled(case: Case) -> dict[str, Array]:
    c = case.config
    cells = patch_cells({**c, "channels": 1})
    x = _by_channel(case.x, c).astype(np.float64)
    inside = cells >= 0
    windows = x[:, :, np.maximum(cells, 0)]
    if c["pool"] == "max":
        windows = np.where(inside, windows, -np.inf)
        y, first = windows.max(-1), windows.argmax(-1)
        share = 1.0 * (np.arange(cells.shape[1]) == first[..., None])
        if "kink" not in case.flags and (windows == y[..., None]).sum(-1).max() > 1:
            raise ValueError(f"case {case.id} must have one largest number a window")
    else:
        within = inside.sum(-1)
        y = np.where(inside, windows, 0.0).sum(-1) / within
        share = np.broadcast_to(inside / within[:, None], windows.shape)
    found = {"y": _as_stored(y, c["output_sizes"], c)}
    if case.dy is not None:
        parts = share * _by_channel(case.dy, c)[..., None]
        dx = np.zeros(x.shape)
        for location, row in enumerate(cells):
            here = inside[location]
            dx[:, :, row[here]] += parts[:, :, location, here]
        found["dx"] = _as_stored(dx, c["input_sizes"], c)
    return found


def _normalised(case: Case) -> dict[str, Array]:
    c = case.config
    x = _by_channel(case.x, c).astype(np.float64)
    gamma, beta = (np.asarray(a, np.float64)[:, None] for a in (case.kernel, case.bias))
    if c["training"]:
        mean = x.mean((0, 2))
        variance = ((x - mean[:, None]) ** 2).mean((0, 2))
    else:
        mean, variance = np.asarray(case.mixture, np.float64)
    deviation = np.sqrt(variance + c["epsilon"])
    if not np.array_equal(np.frexp(deviation)[0], np.full(len(mean), 0.5)):
        raise ValueError(f"case {case.id} must have deviations that are powers of two")
    normal = (x - mean[:, None]) / deviation[:, None]
    found = {"y": _as_stored(gamma * normal + beta, c["input_sizes"], c)}
    if case.dy is not None:
        dy = _by_channel(case.dy, c).astype(np.float64)
        found["dkernel"], found["dbias"] = (dy * normal).sum((0, 2)), dy.sum((0, 2))
        dx = dy
        if c["training"]:
            members = x.shape[0] * x.shape[2]
            dx = dy - found["dbias"][:, None] / members
            dx = dx - normal * found["dkernel"][:, None] / members
        dx = dx * gamma / deviation[:, None]
        found["dx"] = _as_stored(dx, c["input_sizes"], c)
    return found


def layers_of(case: Case) -> tuple[Case, Case]:
    """
    Return the two plain layers of a stack.

    Parameters
    ----------
    case : Case
        Of kind "stack".

    Returns
    -------
    first : Case
        Without the upstream gradient, which is the second's dx.
    second : Case
        Without its input, which is the first's answer.
    """
    second = {**case.config["second"], "batch": case.config["batch"]}
    config = {key: value for key, value in case.config.items() if key != "second"}
    plain = replace(
        case,
        kind="layer",
        config=config,
        kernel2=None,
        bias2=None,
        dy=None,
        wants=("y",),
    )
    if case.kernel2 is None:
        raise ValueError(f"case {case.id} must have a second kernel")
    other = replace(plain, config=second, kernel=case.kernel2, bias=case.bias2)
    return plain, other


def _stacked(case: Case) -> dict[str, Array]:
    first, second = layers_of(case)
    second = replace(second, x=solve(first).rounded["y"])
    if case.dy is None:
        return {"y": solve(second).rounded["y"]}
    above = solve(replace(second, dy=case.dy, wants=wants_of(second))).rounded
    below = solve(replace(first, dy=above["dx"], wants=wants_of(first))).rounded
    found = {"y": above["y"], "dx": below["dx"]}
    for key in ("dkernel", "dbias"):
        for name, answers in ((key, below), (f"{key}2", above)):
            if key in answers:
                found[name] = answers[key]
    return found


def wants_of(layer: Case) -> tuple[str, ...]:
    """
    Return all answers of one of the layers of a stack.

    Parameters
    ----------
    layer : Case
        A plain one.

    Returns
    -------
    tuple of str
        With dbias if it has a bias.
    """
    wants = ("y", "dx", "dkernel", "dbias")
    return wants if layer.bias is not None else wants[:3]


def accumulated(case: Case) -> Array:
    """
    Return the sums of products of integers, in y's shape.

    Parameters
    ----------
    case : Case
        Of kind "int8" or "fixed_point".

    Returns
    -------
    ndarray of int64
        With the bias, before anything is rounded.
    """
    c = case.config
    x = case.x.astype(np.float64) - c.get("input_zero_point", 0)
    plain = replace(
        case,
        kind="layer",
        precision="float64",
        config={**c, "pad_value": 0.0, "activation": {"name": "linear"}},
        x=x,
        kernel=case.kernel.astype(np.float64) - c.get("kernel_zero_point", 0),
        bias=None if case.bias is None else case.bias.astype(np.float64),
        dy=None,
        wants=("y",),
    )
    return solve(plain).rounded["y"].astype(np.int64)


def requantise(total: Array, config: Config) -> Array:
    """
    Return accumulators as int8, by the rule of ONNX: ties to even, then saturated.

    Parameters
    ----------
    total : ndarray of int64
        In y's shape.
    config : dict
        With ``multiplier``, a list with one odd integer or one for each filter, and
        ``shift``: a sum is multiplied by ``multiplier * 2**-shift``. Without them the
        accumulators are the answer.

    Returns
    -------
    ndarray of int64
        The answer.
    """
    if "multiplier" not in config:
        return total
    multiplier = np.array(config["multiplier"], np.int64)
    if not is_last(config) and len(multiplier) > 1:
        multiplier = multiplier.reshape(-1, *[1] * len(config["output_sizes"]))
    shift = config["shift"]
    product = total * multiplier
    down = product >> shift
    rest = 2 * (product - (down << shift))
    up = (rest > 1 << shift) | ((rest == 1 << shift) & (down % 2 == 1))
    return np.asarray(np.clip(down + up + config["output_zero_point"], -128, 127))


def cast_fixed(total: Array, config: Config) -> Array:
    """
    Return sums in a format of fixed point.

    Parameters
    ----------
    total : ndarray of int64
        Multiples of ``2**-fraction_of_products``.
    config : dict
        With ``width`` and ``fraction``, bits of the answer and those behind its point,
        ``fraction_of_products``, ``rounding`` (truncate, nearest or even) and
        ``overflow`` (wrap or saturate).

    Returns
    -------
    ndarray of int64
        Multiples of ``2**-fraction``.
    """
    shift = config["fraction_of_products"] - config["fraction"]
    down = total >> shift
    rest = 2 * (total - (down << shift))
    if config["rounding"] == "nearest":  # ties upwards, as AP_RND has them
        down = down + (rest >= 1 << shift)
    elif config["rounding"] == "even":
        down = down + ((rest > 1 << shift) | ((rest == 1 << shift) & (down % 2 == 1)))
    least, most = -(1 << (config["width"] - 1)), (1 << (config["width"] - 1)) - 1
    if config["overflow"] == "saturate":
        return np.asarray(np.clip(down, least, most))
    return np.asarray((down - least) % (1 << config["width"]) + least)
