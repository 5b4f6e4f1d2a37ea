"""The variants as `localnet.ops` has them: one linear function, and its gradient."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..._typing import Array
from ...geometry import Geometry
from ...ops import (
    conv_backward,
    conv_forward,
    local_conv_backward,
    local_conv_forward,
    local_conv_transpose_backward,
    local_conv_transpose_forward,
    located_bias_backward,
    located_bias_forward,
    mix_kernels_backward,
    mix_kernels_forward,
    shared_conv_backward,
    shared_conv_forward,
)
from ..case import Case

__all__ = ["linear"]

Gradients = dict[str, Array | None]
Linear = tuple[Array, Callable[[Array], Gradients]]


def linear(case: Case) -> Linear:
    """
    Return the pre-activation of a case, and a function of its gradient.

    Parameters
    ----------
    case : Case
        Of any kind but a trace.

    Returns
    -------
    z : ndarray, shape of y
        Pre-activation.
    backward : callable
        Takes the gradient of z and returns those of the inputs, by the names of the
        answers.
    """
    return LINEAR[case.kind](case)


def _window(case: Case, **more: Any) -> dict[str, Any]:
    c = case.config
    found = {
        "strides": c["strides"],
        "padding": c["pads"],
        "dilation_rate": c["dilation_rate"],
        "data_format": c["data_format"],
    }
    if "pad_value" in c:
        found["pad_value"] = c["pad_value"]
    return found | more


def _named(grads: Any) -> Gradients:
    return {"dx": grads.dx, "dkernel": grads.dkernel, "dbias": grads.dbias}


def _layer(case: Case) -> Linear:
    window = _window(case, kernel_size=case.config["kernel_size"])
    z, cache = local_conv_forward(case.x, case.kernel, case.bias, **window)
    return z, lambda dz: _named(local_conv_backward(dz, cache))


def _shared(case: Case) -> Linear:
    c = case.config
    window = _window(
        case, kernel_size=c["kernel_size"], share=c["share"], tile=c["tile"]
    )
    z, cache = shared_conv_forward(case.x, case.kernel, case.bias, **window)
    return z, lambda dz: _named(shared_conv_backward(dz, cache))


def _conv(case: Case) -> Linear:
    window = _window(case, groups=case.config["groups"])
    z, cache = conv_forward(case.x, case.kernel, case.bias, **window)
    return z, lambda dz: _named(conv_backward(dz, cache))


def _transposed(case: Case) -> Linear:
    c = case.config
    window = _window(
        case, kernel_size=c["kernel_size"], output_padding=tuple(c["output_padding"])
    )
    z, cache = local_conv_transpose_forward(case.x, case.kernel, case.bias, **window)
    return z, lambda dz: _named(local_conv_transpose_backward(dz, cache))


def _low_rank(case: Case) -> Linear:
    window = _window(case, kernel_size=case.config["kernel_size"])
    kernel, mixing = mix_kernels_forward(np.asarray(case.mixture), case.kernel)
    bias, spreading = case.bias, None
    if bias is not None and bias.ndim == 1:
        geometry = Geometry.of(case.x.shape[1:], **window)
        bias, spreading = located_bias_forward(bias, geometry=geometry)
    z, cache = local_conv_forward(case.x, kernel, bias, **window)

    def backward(dz: Array) -> Gradients:
        grads = local_conv_backward(dz, cache)
        dmixture, dkernel = mix_kernels_backward(grads.dkernel, mixing)
        dbias = grads.dbias
        if spreading is not None and dbias is not None:
            (dbias,) = located_bias_backward(dbias, spreading)
        found = {"dx": grads.dx, "dkernel": dkernel, "dbias": dbias}
        return {**found, "dmixture": dmixture}

    return z, backward


LINEAR: dict[str, Callable[[Case], Linear]] = {
    "layer": _layer,
    "shared": _shared,
    "conv": _conv,
    "transposed": _transposed,
    "low_rank": _low_rank,
}
