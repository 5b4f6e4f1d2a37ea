"""The right windows and the wrong numbers: kernels, biases, activations."""

from typing import ClassVar

import numpy as np

from ..._typing import Array, Config
from ..case import Case
from ..references.wires import by_location
from .base import (
    has_activation,
    has_bias,
    is_first,
    is_last,
    mutant,
    named,
    several,
    wants_gradients,
)
from .model import Model

__all__ = ["KernelShared"]


@mutant(several("locations"))
class KernelShared(Model):
    """The layer replaced by a convolution: one kernel for all locations."""

    def kernel(self) -> Array:
        kernel = super().kernel()
        return np.broadcast_to(kernel[:1], kernel.shape)


@mutant(several("locations"))
class KernelOfTheNextLocation(Model):
    """An index off by one: each location uses the kernel of its neighbour."""

    def kernel(self) -> Array:
        return np.roll(super().kernel(), -1, axis=0)


@mutant(several("filters"))
class KernelOfTheFirstFilter(Model):
    """A loop over filters that uses the first one each time."""

    def kernel(self) -> Array:
        kernel = super().kernel()
        return np.broadcast_to(kernel[:, :, :1], kernel.shape)


@mutant(several("samples"))
class FirstSampleOnly(Model):
    """The first sample computed for all of a batch."""

    def x(self) -> Array:
        x = super().x()
        return np.broadcast_to(x[:1], x.shape)


@mutant()
class Identity(Model):
    """An identity layer patched in so that an old model loads."""

    def answers(self) -> dict[str, Array]:
        x = super().x()
        found = {"y": np.resize(x, self.case.expected["y"].shape)}
        if self.case.dy is not None:
            found["dx"] = np.resize(self.dy(), x.shape)
        return found


@mutant(has_bias)
class BiasIgnored(Model):
    """The bias is loaded and never added."""

    def add_bias(self, z: Array, bias: Array) -> Array:
        return z


@mutant(has_bias)
class BiasTwice(Model):
    """The bias is added by the product and again by the layer."""

    def add_bias(self, z: Array, bias: Array) -> Array:
        return z + bias + bias


@mutant(has_bias, has_activation)
class BiasAfterActivation(Model):
    """The bias is added after the activation."""

    def answers(self) -> dict[str, Array]:
        bias = self.case.bias_in_y
        self.add_bias = lambda z, bias: z  # type: ignore[method-assign]
        found = super().answers()
        return found if bias is None else {**found, "y": found["y"] + bias}


@mutant(has_bias, several("locations"))
class BiasPerFilterOnly(Model):
    """A bias of shape (F,), as a convolution has it, filled from the first location."""

    def bias(self) -> Array:
        bias = super().bias()
        return np.broadcast_to(bias[:1], bias.shape)


@mutant(has_bias, several("filters"))
class BiasPerLocationOnly(Model):
    """One bias for all filters of a location."""

    def bias(self) -> Array:
        bias = super().bias()
        return np.broadcast_to(bias[:, :1], bias.shape)


@mutant(is_last, has_bias, several("locations", "filters"))
class BiasFiltersFirst(Model):
    """The memory of the bias (*O, F) taken for (F, *O)."""

    def bias(self) -> Array:
        right = super().bias()
        if is_first(self.case):
            return right
        return right.reshape(right.shape[::-1]).T


@mutant(is_first, has_bias, several("locations", "filters"))
class BiasTransposed(Model):
    """channels_first: the bias (*O, F) transposed, where Keras reshapes it."""

    def bias(self) -> Array:
        stored = np.asarray(self.case.bias, np.float64)
        return stored.reshape(-1, self.c["filters"])


@mutant(is_last, several("locations", "filters"))
class OutputFiltersFirst(Model):
    """channels_last: y written as (F, *O) into memory that is read as (*O, F)."""

    def answers(self) -> dict[str, Array]:
        found = super().answers()
        z = by_location(found["y"], self.case.config)
        return {**found, "y": z.swapaxes(1, 2).reshape(found["y"].shape)}


@mutant(has_activation)
class ActivationIgnored(Model):
    """The activation is accepted and never applied."""

    def activation(self) -> tuple[str, Config]:
        return "linear", {}


@mutant(has_activation, wants_gradients)
class ActivationGradientIgnored(Model):
    """The gradient passes the activation unchanged."""

    def dz(self, dy: Array, cache: object) -> Array:
        return by_location(dy, self.case.config)


class OtherActivation(Model):
    """One activation taken for another."""

    of = ""
    name = "relu"
    parameters: ClassVar[Config] = {}

    def activation(self) -> tuple[str, Config]:
        name, parameters = super().activation()
        return (self.name, self.parameters) if name == self.of else (name, parameters)


@mutant(named("relu6"))
class Relu6WithoutSix(OtherActivation):
    """relu6 without its upper bound."""

    of = "relu6"


@mutant(named("leaky_relu"))
class LeakySlopeIgnored(OtherActivation):
    """leaky_relu without its slope."""

    of = "leaky_relu"


@mutant(named("leaky_relu"))
class LeakySlopeDefault(OtherActivation):
    """leaky_relu with a framework's default slope, not the one of the layer."""

    of, name = "leaky_relu", "leaky_relu"
    parameters: ClassVar[Config] = {"alpha": 0.3}


@mutant(wants_gradients, named("relu", "relu6"))
class GradientMaskedByUpstream(Model):
    """relu's gradient passes where the upstream gradient is positive."""

    def dz(self, dy: Array, cache: object) -> Array:
        if self.activation()[0] not in ("relu", "relu6"):
            return super().dz(dy, cache)
        return by_location(np.maximum(dy, 0.0), self.case.config)


@mutant(lambda case: "kink" in case.flags)
class GradientOfReluAtZero(Model):
    """relu's gradient taken as 1 at 0."""

    def activate(self, z: Array) -> tuple[Array, object]:
        y, cache = super().activate(z)
        if self.activation()[0] != "relu":
            return y, cache
        # The cache of relu is z; a hair above 0 the slope is 1.
        return y, super().activate(np.where(z == 0, 1.0, z))[1]


def _over_the_channels(case: Case) -> bool:
    return is_first(case) and named("softmax")(case)


@mutant(_over_the_channels, numerical=True)
class SoftmaxOverChannels(Model):
    """softmax over the channels of channels_first, where Keras takes the last axis."""

    def activation(self) -> tuple[str, Config]:
        name, parameters = super().activation()
        if name == "softmax" and self.c["data_format"] == "channels_first":
            parameters["axis"] = 1
        return name, parameters
