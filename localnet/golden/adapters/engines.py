"""The engines of localnet as backends: the same functions behind three settings."""

from functools import partial
from typing import Any

import numpy as np

from ... import activations, config, layers, regularizers
from ..._typing import Array
from ...models import Sequential
from ...optimizers import SGD
from ..judging.kinds import KINDS, computes
from ..references.others import OTHERS
from .engine_others import other
from .engine_variants import linear

__all__ = ["blocked", "einsum", "naive"]


@computes(*KINDS)
def _engine(case: Any, *, engine: str) -> dict[str, Array]:
    """Compute a case with one engine, in the type of its arrays."""
    if case.kind == "trace":
        return _train(case, engine)
    if case.kind in OTHERS:
        with config.engine(engine):
            found = other(case)
        return {key: value for key, value in found.items() if value is not None}
    parameters = dict(case.config["activation"])
    forward, backward = activations.pair(parameters.pop("name"))
    with config.engine(engine):
        z, gradients = linear(case)
        y, activated = forward(z, **parameters)
        if case.dy is None:
            return {"y": y}
        answers = {"y": y, **gradients(backward(case.dy, activated))}
    return {key: value for key, value in answers.items() if value is not None}


def _train(trace: Any, engine: str) -> dict[str, Array]:
    """Train a model of one layer as a trace says."""
    c = trace.config
    make = {1: layers.LocallyConnected1D, 2: layers.LocallyConnected2D}
    layer = make[len(c["kernel_size"])](
        c["filters"],
        tuple(c["kernel_size"]),
        data_format=c["data_format"],
        activation=c["activation"]["name"],
        kernel_regularizer=regularizers.L2(c["l2"]) if c["l2"] else None,
        kernel_constraint="non_neg" if c["nonnegative"] else None,
        dtype="float64",
    )
    model = Sequential([layer])
    model.build(trace.x.shape)
    model.set_weights([trace.kernel, trace.bias])
    model.compile(SGD(c["learning_rate"], momentum=c["momentum"]), loss="mse")
    with config.engine(engine):
        losses = [
            model.train_on_batch(trace.x, trace.targets) for _ in range(c["steps"])
        ]
    kernel, bias = model.get_weights()
    return {"losses": np.array(losses), "kernel": kernel, "bias": bias}


naive = partial(_engine, engine="naive")
einsum = partial(_engine, engine="einsum")
blocked = partial(_engine, engine="blocked")
