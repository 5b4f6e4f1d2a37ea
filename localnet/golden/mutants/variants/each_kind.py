"""
What can go wrong in every variant alike: each kind has to be seen by cases of its own.

A mutant of the plain layer says nothing of a variant, whose code is another one.
"""

from typing import Any

import numpy as np

from ...._typing import Array, Config
from ...case import Case
from ...references.connections import VARIANTS
from ..arithmetic import Accumulating, Narrowing, made_for
from ..base import has_activation, has_bias, mutant, several, wants_gradients
from ..variant_model import VariantModel
from .sharing import miswired

__all__ = ["StrideForgotten"]


class StrideForgotten(VariantModel):
    """Windows that lie side by side, whatever the strides."""

    def config(self, c: Config) -> Config:
        return {**c, "strides": [1] * len(c["strides"])}


class DilationForgotten(VariantModel):
    """dilation_rate is accepted and forgotten."""

    def config(self, c: Config) -> Config:
        return {**c, "dilation_rate": [1] * len(c["dilation_rate"])}


class PadsForgotten(VariantModel):
    """Windows start at the first cell, whatever the pads."""

    def config(self, c: Config) -> Config:
        return {**c, "pads": [[0, 0]] * len(c["pads"])}


class PadsSwapped(VariantModel):
    """The pads of every axis in the order (after, before)."""

    def config(self, c: Config) -> Config:
        return {**c, "pads": [pair[::-1] for pair in c["pads"]]}


class WindowFlipped(VariantModel):
    """A window that runs backwards, as of the other convention of convolution."""

    def config(self, c: Config) -> Config:
        span = [
            (r - 1) * d
            for r, d in zip(c["kernel_size"], c["dilation_rate"], strict=True)
        ]
        pads = zip(c["pads"], span, strict=True)
        return {
            **c,
            "dilation_rate": [-d for d in c["dilation_rate"]],
            "pads": [[before - s, after] for (before, after), s in pads],
        }


WIRED = (StrideForgotten, DilationForgotten, PadsForgotten, PadsSwapped, WindowFlipped)


class BorderForgotten(VariantModel):
    """Padding holds 0, whatever pad_value says."""

    def patches(self) -> Array:
        return np.where(self.cells() >= 0, super().patches(), 0.0)


class BiasForgotten(VariantModel):
    """No bias is added."""

    def add_bias(self, z: Array, bias: Array) -> Array:
        return z


class ActivationForgotten(VariantModel):
    """The activation is left out, forwards and backwards."""

    def activation(self) -> tuple[str, Config]:
        return "linear", {}


class BatchAveraged(VariantModel):
    """Gradients of the weights as means over the samples."""

    def dkernel(self, dkernel: Array, dz: Array) -> Array:
        return super().dkernel(dkernel, dz) / len(dz)


class UpstreamForgotten(VariantModel):
    """The gradient of the sum of y, whatever dy is."""

    def dy(self) -> Array:
        return np.ones_like(super().dy())


def _has_border(case: Case) -> bool:
    wires_outside = bool(np.any(VariantModel(case).cells() < 0))
    return wires_outside and case.config.get("pad_value", 0.0) != 0


SEEN: dict[type[VariantModel], tuple[Any, ...]] = {
    BorderForgotten: (_has_border,),
    BiasForgotten: (has_bias,),
    ActivationForgotten: (has_activation,),
    BatchAveraged: (wants_gradients, several("samples")),
    UpstreamForgotten: (wants_gradients,),
}


class AccumulatingInFloat16(Accumulating, VariantModel):
    """Products summed in float16."""

    bits = 11


class OperandsInTf32(Narrowing, VariantModel):
    """TensorFloat-32: operands of float32 products cut to 11 bits."""

    bits = 11


NUMERICAL = (AccumulatingInFloat16, OperandsInTf32)


def _of(kind: str, model: type[VariantModel]) -> type[VariantModel]:
    """Return the same error as a model of this kind, with a name of its own."""
    name = "".join(word.capitalize() for word in kind.split("_")) + model.__name__
    members = {"__doc__": f"{model.__doc__}", "__module__": __name__}
    return type(name, (model,), members)


def _register(kind: str) -> None:
    models: tuple[type[VariantModel], ...] = WIRED
    for model in models:
        miswired(kind)(_of(kind, model))
    for model, sees in SEEN.items():
        if kind != "transposed" or model is not BorderForgotten:
            mutant(*sees, kinds=(kind,))(_of(kind, model))
    models = NUMERICAL
    for model in models:
        if kind != "low_rank":  # has no bounded cases
            seen = made_for("float32", "float64")
            mutant(seen, numerical=True, kinds=(kind,))(_of(kind, model))


for kind in VARIANTS:
    _register(kind)
