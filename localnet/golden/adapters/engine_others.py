"""Pooling, normalisation, two layers and integers, as `localnet.ops` has them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import activations
from ..._typing import Array
from ...ops import (
    average_pool_backward,
    average_pool_forward,
    batch_norm_backward,
    batch_norm_forward,
    local_conv_backward,
    local_conv_forward,
    max_pool_backward,
    max_pool_forward,
)
from ...ops.pool.windows import pool_geometry
from ..case import Case

__all__ = ["other"]


def other(case: Case) -> dict[str, Array | None]:
    """
    Compute a case that is no sum of products alone, with the engine that is set.

    Parameters
    ----------
    case : Case
        Of a kind of ``OTHERS``.

    Returns
    -------
    dict of str to ndarray
        Its answers.
    """
    return COMPUTED[case.kind](case)


def _dy(case: Case) -> Array:
    return np.asarray(case.dy)


def _pool(case: Case) -> dict[str, Array | None]:
    c = case.config
    window: dict[str, Any] = {
        "pool_size": tuple(c["kernel_size"]),
        "strides": tuple(c["strides"]),
        "padding": "same" if any(map(any, c["pads"])) else "valid",
        "data_format": c["data_format"],
    }
    if pool_geometry(case.x.shape[1:], **window).pads != tuple(map(tuple, c["pads"])):
        raise NotImplementedError("pads of pooling that are not those of same")
    if c["pool"] == "max":
        y, largest = max_pool_forward(case.x, **window)
        return {"y": y, "dx": max_pool_backward(_dy(case), largest)}
    y, cache = average_pool_forward(case.x, **window)
    return {"y": y, "dx": average_pool_backward(_dy(case), cache)}


def _batch_norm(case: Case) -> dict[str, Array | None]:
    c = case.config
    statistics = None
    if not c["training"]:
        mean, variance = np.asarray(case.mixture)
        statistics = mean, variance
    y, cache = batch_norm_forward(
        case.x,
        case.kernel,
        case.bias,
        axis=-1 if c["data_format"] == "channels_last" else 1,
        epsilon=c["epsilon"],
        statistics=statistics,
    )
    grads = batch_norm_backward(_dy(case), cache)
    return {"y": y, "dx": grads.dx, "dkernel": grads.dgamma, "dbias": grads.dbeta}


def _plain(c: Any, x: Array, kernel: Array, bias: Array | None) -> Any:
    """Return a plain layer's answer, and a function of its gradient."""
    z, cache = local_conv_forward(
        x,
        kernel,
        bias,
        kernel_size=c["kernel_size"],
        strides=c["strides"],
        padding=c["pads"],
        pad_value=c["pad_value"],
        dilation_rate=c["dilation_rate"],
        data_format=c["data_format"],
    )
    parameters = dict(c["activation"])
    forward, backward = activations.pair(parameters.pop("name"))
    y, activated = forward(z, **parameters)
    return y, lambda dy: local_conv_backward(backward(dy, activated), cache)


def _stack(case: Case) -> dict[str, Array | None]:
    second = case.config["second"]
    middle, below = _plain(case.config, case.x, case.kernel, case.bias)
    y, above = _plain(second, middle, np.asarray(case.kernel2), case.bias2)
    top = above(case.dy)
    bottom = below(top.dx)
    return {
        "y": y,
        "dx": bottom.dx,
        "dkernel": bottom.dkernel,
        "dbias": bottom.dbias,
        "dkernel2": top.dkernel,
        "dbias2": top.dbias,
    }


def _accumulators(case: Case) -> Array:
    """Return sums of products of integers, which float64 holds."""
    x = case.x.astype(np.float64) - case.config.get("input_zero_point", 0)
    kernel = case.kernel.astype(np.float64) - case.config.get("kernel_zero_point", 0)
    bias = None if case.bias is None else case.bias.astype(np.float64)
    return np.asarray(_plain(case.config, x, kernel, bias)[0])


def _int8(case: Case) -> dict[str, Array | None]:
    c, total = case.config, _accumulators(case)
    if "multiplier" in c:
        scale = np.ldexp(np.array(c["multiplier"], np.float64), -c["shift"])
        if len(scale) > 1 and c["data_format"] == "channels_first":
            scale = scale.reshape(-1, *[1] * len(c["output_sizes"]))
        total = np.clip(np.rint(total * scale) + c["output_zero_point"], -128, 127)
    return {"y": total.astype(np.int32)}


def _fixed_point(case: Case) -> dict[str, Array | None]:
    c = case.config
    value = np.ldexp(_accumulators(case), c["fraction"] - c["fraction_of_products"])
    if c["rounding"] == "even":
        value = np.rint(value)
    else:
        value = np.floor(value + 0.5 * (c["rounding"] == "nearest"))
    most = 2.0 ** (c["width"] - 1)
    if c["overflow"] == "saturate":
        value = np.clip(value, -most, most - 1)
    else:
        value = (value + most) % (2 * most) - most
    return {"y": value.astype(np.int32)}


COMPUTED: dict[str, Callable[[Case], dict[str, Array | None]]] = {
    "pool": _pool,
    "batch_norm": _batch_norm,
    "stack": _stack,
    "int8": _int8,
    "fixed_point": _fixed_point,
}
