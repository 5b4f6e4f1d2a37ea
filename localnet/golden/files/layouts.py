"""Kernels, biases and their gradients in the layouts of other frameworks."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..._typing import Array
from ...interop import convert_bias, convert_kernel
from ..case import INPUTS, Case
from ..judging.arrays import as_array

__all__ = ["LAYOUTS", "bfloat16_bits", "in_layout", "in_layout_of", "in_uint16"]

# Layouts of `localnet.interop` that the kernel of a case can be stored in, too.
LAYOUTS = ("6d", "keras2", "keras3", "jax", "torch")
CONVERTERS = {"dkernel": convert_kernel, "dbias": convert_bias}


def _arguments(case: Case) -> dict[str, Any]:
    """Return what `localnet.interop.convert_kernel` needs to know of a case."""
    c = case.config
    return {
        "input_shape": case.x.shape[1:],
        "kernel_size": c["kernel_size"],
        "filters": c["filters"],
        "strides": c["strides"],
        "padding": c["pads"],
        "dilation_rate": c["dilation_rate"],
        "data_format": c["data_format"],
    }


def in_layout(case: Case, layout: str) -> dict[str, Array]:
    """Return kernel and bias in a layout, if it has a place for all of the kernel."""
    if layout in ("keras2", "keras3") and case.config["pad_value"] != 0:
        return {}  # they drop the weights of padding, which matter here
    arguments = _arguments(case)
    found = {
        f"kernel_{layout}": convert_kernel(case.kernel, "keras1", layout, **arguments)
    }
    if case.bias is not None:
        found[f"bias_{layout}"] = convert_bias(case.bias, "keras1", layout, **arguments)
    return found


def in_layout_of(case: Case, answers: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return answers with ``dkernel_torch`` and the like converted to ``dkernel``.

    Parameters
    ----------
    case : Case
        What the answers are to.
    answers : dict of str to ndarray
        By name.

    Returns
    -------
    dict of str to ndarray
        By the names of the case.
    """
    if case.kind != "layer":
        return dict(answers)  # the layouts are of a kernel for each location
    found = {}
    for key, value in answers.items():
        name, _, layout = str(key).partition("_")
        if name in CONVERTERS and layout in LAYOUTS:
            value = CONVERTERS[name](
                as_array(value), layout, "keras1", **_arguments(case)
            )
            key = name
        found[key] = value
    return found


def in_uint16(case: Case) -> dict[str, Array]:
    """Return the inputs of a case in bfloat16 as their bits; of another, none."""
    if case.precision != "bfloat16":
        return {}
    found = {name: getattr(case, name) for name in INPUTS}
    return {f"{n}_uint16": bfloat16_bits(a) for n, a in found.items() if a is not None}


def bfloat16_bits(array: Array) -> Array:
    """
    Return numbers as the 16 bits of their bfloat16, to nearest, ties to even.

    Parameters
    ----------
    array : ndarray
        Finite numbers.

    Returns
    -------
    ndarray of uint16
        Little-endian, in C order.

    Examples
    --------
    >>> bfloat16_bits(np.array([1.0, -2.0])).tolist()
    [16256, 49152]
    """
    bits = np.ascontiguousarray(array, "<f4").view("<u4").astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2")
