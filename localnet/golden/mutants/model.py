"""
A plain backend in float64, cut into steps, each of which can be got wrong.

It is right as it stands: the mutants of `localnet.golden.mutants` are made from it by
replacing one step.
"""

from typing import Any

import numpy as np

from ... import activations
from ..._typing import Array, Config
from ..case import Case
from ..references.wires import by_location, patch_cells, stored_bias, to_layout

__all__ = ["NARROWER", "Model", "rounded"]

# Formats that units of matrices round operands to, their bits, and where that shows.
NARROWER = (
    ("TF32", 11, "float32"),
    ("bfloat16", 8, "float32"),
    ("float32", 24, "float64"),
)


def rounded(values: Array, bits: int) -> Array:
    """
    Round to so many significant bits, to nearest, ties to even.

    Parameters
    ----------
    values : ndarray of float64
        Their exponents are kept, however large.
    bits : int
        Of a significand: 11 for TensorFloat-32 and float16, 8 for bfloat16.

    Returns
    -------
    ndarray of float64
        The rounded values.
    """
    fractions, exponents = np.frexp(values)
    result: Array = np.ldexp(np.rint(np.ldexp(fractions, bits)), exponents - bits)
    return result


class Model:
    """
    One case, computed step by step.

    Parameters
    ----------
    case : Case
        What to compute.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.c = self.config(dict(case.config))

    def answers(self) -> dict[str, Array]:
        """Return y and the gradients that are wanted, rounded to the precision once."""
        case = self.case
        patches, kernel = self.patches(), self.kernel()
        z = self.contract("nlk,lkf->nlf", patches, kernel)
        if case.bias is not None:
            z = self.add_bias(z, self.bias())
        y, cache = self.activate(z)
        found = {"y": y}
        if case.dy is not None:
            dz = self.dz(self.dy(), cache)
            dp = self.contract("nlf,lkf->nlk", dz, self.kernel_for_dx())
            dkernel = self.contract("nlk,nlf->lkf", self.patches_for_dkernel(), dz)
            found["dx"] = self.dx(dp)
            found["dkernel"] = self.dkernel(dkernel, dz)
            if case.bias is not None:
                found["dbias"] = self.dbias(dz)
        return {key: rounded(value, case.format.bits) for key, value in found.items()}

    # Where things lie ------------------------------------------------------------

    def config(self, c: Config) -> Config:
        """Return what the layer is taken to be."""
        return c

    def cells(self) -> Array:
        """Return which input value every patch element reads, (L, K); -1 outside."""
        return patch_cells(self.c)

    def x(self) -> Array:
        """Return the input."""
        return self.case.x.astype(np.float64)

    def patches(self) -> Array:
        """Return the receptive fields, (N, L, K)."""
        x, cells = self.x(), self.cells()
        patches = x.reshape(len(x), -1)[:, np.maximum(cells, 0)]
        return np.where(cells >= 0, patches, self.c.get("pad_value", 0.0))

    def patches_for_dkernel(self) -> Array:
        """Return the receptive fields that the gradient of the kernel sees."""
        return self.patches()

    def kernel(self) -> Array:
        """Return the weights, (L, K, F)."""
        return self.case.kernel.astype(np.float64)

    def kernel_for_dx(self) -> Array:
        """Return the weights that the gradient of the input sees."""
        return self.kernel()

    def bias(self) -> Array:
        """Return what is added at each location, (L, F)."""
        bias = np.asarray(self.case.bias_in_y, np.float64)
        return by_location(bias, self.case.config)

    # The sums --------------------------------------------------------------------

    def contract(self, subscripts: str, one: Array, other: Array) -> Array:
        """Return one of the three sums of products."""
        return np.asarray(np.einsum(subscripts, one, other))

    def add_bias(self, z: Array, bias: Array) -> Array:
        """Return z with the bias added."""
        return z + bias

    def activate(self, z: Array) -> tuple[Array, Any]:
        """Return y in the layout of the case, and what its gradient needs."""
        name, parameters = self.activation()
        forward, _ = activations.pair(name)
        with np.errstate(over="ignore", under="ignore"):
            y, cache = forward(to_layout(z, self.case.config), **parameters)
        return np.asarray(y), cache

    def activation(self) -> tuple[str, Config]:
        """Return name and parameters of the activation."""
        parameters = dict(self.c["activation"])
        return parameters.pop("name"), parameters

    # Gradients -------------------------------------------------------------------

    def dy(self) -> Array:
        """Return the upstream gradient."""
        return np.asarray(self.case.dy, np.float64)

    def dz(self, dy: Array, cache: Any) -> Array:
        """Return the gradient of z, (N, L, F)."""
        _, backward = activations.pair(self.activation()[0])
        with np.errstate(over="ignore", under="ignore"):
            return by_location(np.asarray(backward(dy, cache)), self.case.config)

    def dx(self, dp: Array) -> Array:
        """Return the gradient of the input from that of the patches."""
        cells = self.cells()
        dx = np.zeros((len(dp), self.case.x[0].size))
        inside = cells >= 0
        for sample, terms in zip(dx, dp, strict=True):
            np.add.at(sample, cells[inside], terms[inside])
        return dx.reshape(self.case.x.shape)

    def dkernel(self, dkernel: Array, dz: Array) -> Array:
        """Return the gradient of the kernel."""
        return dkernel

    def dbias(self, dz: Array) -> Array:
        """Return the gradient of the bias, as Keras stores it."""
        return stored_bias(dz.sum(0), self.case.config)
