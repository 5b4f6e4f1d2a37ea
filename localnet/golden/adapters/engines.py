"""The engines of localnet as backends: the same functions behind three settings."""

from functools import partial

from ... import activations, config
from ..._typing import Array
from ...ops import local_conv_backward, local_conv_forward
from ..case import Case

__all__ = ["blocked", "einsum", "naive"]


def _engine(case: Case, *, engine: str) -> dict[str, Array]:
    """Compute a case with one engine, in the type of its arrays."""
    c = case.config
    parameters = dict(c["activation"])
    forward, backward = activations.pair(parameters.pop("name"))
    with config.engine(engine):
        z, cache = local_conv_forward(
            case.x,
            case.kernel,
            case.bias,
            kernel_size=c["kernel_size"],
            strides=c["strides"],
            padding=c["pads"],
            pad_value=c["pad_value"],
            dilation_rate=c["dilation_rate"],
            data_format=c["data_format"],
        )
        y, activated = forward(z, **parameters)
        if case.dy is None:
            return {"y": y}
        grads = local_conv_backward(backward(case.dy, activated), cache)
    answers = {"y": y, "dx": grads.dx, "dkernel": grads.dkernel, "dbias": grads.dbias}
    return {key: value for key, value in answers.items() if value is not None}


naive = partial(_engine, engine="naive")
einsum = partial(_engine, engine="einsum")
blocked = partial(_engine, engine="blocked")
