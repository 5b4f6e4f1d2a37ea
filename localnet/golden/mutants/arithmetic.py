"""The right formula in the wrong arithmetic."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..._typing import Array
from ..references.wires import by_location, to_layout
from .base import Sees, has_bias, mutant, named, wants_gradients
from .model import Model, rounded

__all__ = ["Accumulating", "Float16Accumulation", "Narrowing", "made_for"]


def made_for(*precisions: str) -> Sees:
    """Return whether a case was made for one of these precisions."""
    return lambda case: case.precision in precisions


def _summed(terms: Array, bits: int) -> Array:
    """Add along the last axis, one by one, rounding each sum."""
    total = np.zeros(terms.shape[:-1])
    for k in range(terms.shape[-1]):
        total = rounded(total + terms[..., k], bits)
    return total


# The terms of each of the three sums, the summed axis last.
TERMS = {
    "nlk,lkf->nlf": "nlk,lkf->nlfk",
    "nlf,lkf->nlk": "nlf,lkf->nlkf",
    "nlk,nlf->lkf": "nlk,nlf->lkfn",
}


class Accumulating(Model):
    """Sums one by one in a narrower format."""

    bits = 53

    def contract(self, subscripts: str, one: Array, other: Array) -> Array:
        return _summed(np.einsum(TERMS[subscripts], one, other), self.bits)

    def add_bias(self, z: Array, bias: Array) -> Array:
        return rounded(z + bias, self.bits)


# A product of two bfloat16 that is rounded twice may end beside the one rounded once.
@mutant(made_for("bfloat16", "float32", "float64"), numerical=True)
class Float16Accumulation(Accumulating):
    """Products summed in float16, as fast paths of GPUs and FPGAs do."""

    bits = 11


@mutant(made_for("float16", "float32", "float64"), numerical=True)
class Bfloat16Accumulation(Accumulating):
    """Products summed in bfloat16."""

    bits = 8


@mutant(made_for("float64"), numerical=True)
class Float32Accumulation(Accumulating):
    """Products of float64 summed in float32."""

    bits = 24


class Narrowing(Model):
    """Operands rounded to a narrower format, sums left alone."""

    bits = 53
    sums = tuple(TERMS)

    def contract(self, subscripts: str, one: Array, other: Array) -> Array:
        if subscripts in self.sums:
            one, other = rounded(one, self.bits), rounded(other, self.bits)
        return super().contract(subscripts, one, other)


@mutant(made_for("float32", "float64"), numerical=True)
class Tf32Inputs(Narrowing):
    """TensorFloat-32: operands of float32 products cut to 11 bits."""

    bits = 11


@mutant(made_for("float32", "float64"), wants_gradients, numerical=True)
class Tf32InputsForDx(Narrowing):
    """TensorFloat-32 in the gradient of the input alone."""

    bits, sums = 11, ("nlf,lkf->nlk",)


@mutant(made_for("float32", "float64"), wants_gradients, numerical=True)
class Tf32InputsForDkernel(Narrowing):
    """TensorFloat-32 in the gradient of the kernel alone."""

    bits, sums = 11, ("nlk,nlf->lkf",)


@mutant(made_for("float16", "float32", "float64"), numerical=True)
class Bfloat16Inputs(Narrowing):
    """Operands cut to bfloat16, as matrix units do by default."""

    bits = 8


@mutant(made_for("float64"), numerical=True)
class Float32Inputs(Narrowing):
    """float64 arrays that a library quietly converts to float32."""

    bits = 24


@mutant(made_for("float32", "float64"), wants_gradients, has_bias, numerical=True)
class DbiasInFloat16(Model):
    """The upstream gradient summed in float16 for the bias."""

    def dbias(self, dz: Array) -> Array:
        total = _summed(np.moveaxis(dz, 0, -1), 11)
        return super().dbias(total[None])


@mutant(made_for("float32", "float64"), numerical=True)
class Float16Output(Model):
    """Answers stored in float16 on their way."""

    def answers(self) -> dict[str, Array]:
        return {key: rounded(value, 11) for key, value in super().answers().items()}


# Activations -------------------------------------------------------------------------


class Formula(Model):
    """Another formula for an activation, in the arithmetic of the case."""

    names: tuple[str, ...] = ()

    def formula(self, z: Array) -> Array:
        raise NotImplementedError

    def activate(self, z: Array) -> tuple[Array, Any]:
        y, cache = super().activate(z)
        if self.case.config["activation"]["name"] not in self.names:
            return y, cache
        dtype = np.dtype(self.case.format.dtype)
        with np.errstate(all="ignore"):
            y = self.formula(to_layout(z, self.case.config).astype(dtype))
        return np.asarray(y, np.float64), cache


def formula(*names: str) -> Callable[[type[Formula]], type[Formula]]:
    """Register a formula for the activations of these names."""

    def register(model: type[Formula]) -> type[Formula]:
        model.names = names
        return mutant(named(*names), numerical=True)(model)

    return register


@formula("gelu")
class GeluByTanh(Formula):
    """gelu approximated by tanh, the default of some libraries."""

    def formula(self, z: Array) -> Array:
        inner = 0.7978845608028654 * (z + 0.044715 * z**3)
        return np.asarray(0.5 * z * (1 + np.tanh(inner)))


@formula("sigmoid")
class SigmoidHard(Formula):
    """hard_sigmoid where sigmoid is asked for."""

    def formula(self, z: Array) -> Array:
        return np.clip(0.2 * z + 0.5, 0, 1)


@formula("sigmoid")
class SigmoidOverflowing(Formula):
    """sigmoid as exp(z)/(1 + exp(z)), which is nan for large z."""

    def formula(self, z: Array) -> Array:
        return np.asarray(np.exp(z) / (1 + np.exp(z)))


@formula("softplus")
class SoftplusOverflowing(Formula):
    """softplus as log(1 + exp(z)): infinite for large z, 0 for very negative z."""

    def formula(self, z: Array) -> Array:
        return np.asarray(np.log(1 + np.exp(z)))


@formula("mish")
class MishOverflowing(Formula):
    """mish by a quotient of squares that overflow."""

    def formula(self, z: Array) -> Array:
        square = (1 + np.exp(z)) ** 2
        return np.asarray(z * (square - 1) / (square + 1))


@formula("softmax")
class SoftmaxOverflowing(Formula):
    """softmax without taking off the maximum."""

    def formula(self, z: Array) -> Array:
        exps = np.exp(z)
        return np.asarray(exps / exps.sum(-1, keepdims=True))


@formula("log_softmax")
class LogOfSoftmax(Formula):
    """log_softmax as the logarithm of softmax: -inf where that underflows."""

    def formula(self, z: Array) -> Array:
        exps = np.exp(z - z.max(-1, keepdims=True))
        return np.asarray(np.log(exps / exps.sum(-1, keepdims=True)))


@formula("tanh")
class TanhByFractions(Formula):
    """tanh by a fraction of polynomials, as fast libraries have it."""

    def formula(self, z: Array) -> Array:
        square = z * z
        return np.asarray(np.clip(z * (27 + square) / (27 + 9 * square), -1, 1))


@formula("elu", "selu")
class EluWithoutScale(Formula):
    """elu and selu mixed up: the other one's scale and alpha."""

    def formula(self, z: Array) -> Array:
        if self.case.config["activation"]["name"] == "selu":
            return np.where(z > 0, z, np.expm1(z))
        return np.where(z > 0, 1.0507 * z, 1.7581 * np.expm1(z))


@formula("swish")
class SwishHard(Formula):
    """hard_swish where swish is asked for."""

    def formula(self, z: Array) -> Array:
        return np.asarray(z * np.clip(z + 3, 0, 6) / 6)


@mutant(named("sigmoid", "tanh"), wants_gradients, numerical=True)
class SlopeOfTheOutput(Model):
    """The slope taken at y instead of z."""

    def dz(self, dy: Array, cache: Any) -> Array:
        if self.case.config["activation"]["name"] in ("sigmoid", "tanh"):
            _, cache = super().activate(by_location(self._y, self.case.config))
        return np.asarray(super().dz(dy, cache))

    def activate(self, z: Array) -> tuple[Array, Any]:
        y, cache = super().activate(z)
        self._y = y
        return y, cache
