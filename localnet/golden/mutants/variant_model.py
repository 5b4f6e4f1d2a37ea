"""The plain backend for variants, in steps that can be got wrong one by one."""

import numpy as np

from ..._typing import Array
from ..case import Case
from ..references.connections import Connections, connections
from .model import Model, rounded

__all__ = ["VariantModel", "model_of"]


class VariantModel(Model):
    """
    One case of a variant, computed step by step.

    Parameters
    ----------
    case : Case
        What to compute.
    """

    def answers(self) -> dict[str, Array]:
        """Return y and the gradients that are wanted, rounded to the precision once."""
        found = super().answers()
        if self.case.mixture is not None and self.case.dy is not None:
            dmixture = self.dmixture(self.located_dkernel)
            found["dmixture"] = rounded(dmixture, self.case.format.bits)
        return found

    # Where things lie ------------------------------------------------------------

    def connections(self) -> Connections:
        """Return the wires."""
        return connections(self.c, self.case.kind)

    def cells(self) -> Array:
        """Return which input value every wire reads, (L, K); -1 outside."""
        return self.connections().cells

    def mixture(self) -> Array:
        """Return how much of each kernel a location has."""
        return np.asarray(self.case.mixture, np.float64)

    def stored_kernel(self) -> Array:
        """Return the kernel as the case has it."""
        return self.case.kernel.astype(np.float64)

    def kernel(self) -> Array:
        """Return the weights, (L, K, F)."""
        stored = self.stored_kernel()
        if self.case.mixture is not None:
            return np.tensordot(self.mixture(), stored, 1)
        places = self.connections().weights
        return np.where(places >= 0, stored.ravel()[np.maximum(places, 0)], 0.0)

    def stored_bias(self) -> Array:
        """Return the bias as the case has it."""
        return np.asarray(self.case.bias, np.float64)

    def bias(self) -> Array:
        """Return what is added at each location, (L, F)."""
        return np.asarray(self.stored_bias().ravel()[self.connections().biases])

    # Gradients -------------------------------------------------------------------

    def dkernel(self, dkernel: Array, dz: Array) -> Array:
        """Return the gradient of what is stored from that of the weights."""
        self.located_dkernel = dkernel
        if self.case.mixture is not None:
            return np.tensordot(self.mixture().T, dkernel, 1)
        return self.gathered(
            dkernel, self.connections().weights, self.case.kernel.shape
        )

    def dmixture(self, dkernel: Array) -> Array:
        """Return the gradient of the mixture from that of the weights."""
        return np.asarray(np.einsum("lkf,rkf->lr", dkernel, self.stored_kernel()))

    def dbias(self, dz: Array) -> Array:
        """Return the gradient of the bias as it is stored."""
        shape = self.stored_bias().shape
        return self.gathered(dz.sum(0), self.connections().biases, shape)

    def gathered(self, values: Array, places: Array, shape: tuple[int, ...]) -> Array:
        """Return for every stored number the sum of what belongs to it."""
        total = np.zeros(int(np.prod(shape)))
        inside = places >= 0
        np.add.at(total, places[inside], values[inside])
        return total.reshape(shape)


def model_of(case: Case) -> Model:
    """Return the right backend for a case."""
    return Model(case) if case.kind == "layer" else VariantModel(case)
