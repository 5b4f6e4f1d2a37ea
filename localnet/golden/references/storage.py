"""
Stored weights, exactly: what every wire carries, and the gradient on the way back.

`StoredSums` is `Sums` for layers whose kernel is not simply one matrix per location.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..._typing import Array, Shape
from ..case import Case
from .connections import connections
from .exact import Exact
from .sums import Sums, patches_of, sums_of

__all__ = ["Table", "operands"]


def operands(case: Case) -> Sums:
    """Return the operands of a case of any kind as exact numbers."""
    return sums_of(case) if case.kind == "layer" else StoredSums.of(case)


def picked(stored: Exact, places: Array) -> Exact:
    """Return the stored numbers at some places, 0 where there is none (-1)."""
    found = stored.reshape(-1)[np.maximum(places, 0)]
    return found.where(places >= 0, Exact(np.array(0, np.int64)))


def collected(values: Exact, places: Array, shape: Shape) -> Exact:
    """Return for every stored number the sum of what belongs to it."""
    inside = places.ravel() >= 0
    wide = values.bits + places.size.bit_length() > 62
    integers = values.integers.astype(object) if wide else values.integers
    total = np.zeros(int(np.prod(shape)), integers.dtype)
    np.add.at(total, places.ravel()[inside], integers.ravel()[inside])
    return Exact(total.reshape(shape), values.exponent)


@dataclass(frozen=True, eq=False)
class Table:
    """
    Weights that a table of places spreads over the wires.

    Parameters
    ----------
    stored : Exact
        The kernel as the case has it.
    places : ndarray of shape (L, K, F)
        Of `Connections`.
    """

    stored: Exact
    places: Array

    def located(self) -> Exact:
        """Return the weights, (L, K, F)."""
        return picked(self.stored, self.places)

    def gradients(self, dkernel: Exact) -> dict[str, Exact]:
        """Return the gradient of what is stored from that of the weights."""
        return {"dkernel": collected(dkernel, self.places, self.stored.shape)}

    def magnitudes(self) -> "Table":
        """Return the absolute values."""
        return replace(self, stored=abs(self.stored))

    def terms(self) -> "Table":
        """Return ones."""
        return replace(self, stored=self.stored.ones())

    def alike(self) -> "Table | None":
        """Return the first kernel in the place of all, if there are others."""
        everywhere = np.broadcast_to(self.places[:1], self.places.shape)
        if self.stored.shape[0] == 1 or np.array_equal(self.places, everywhere):
            return None
        first = np.broadcast_to(self.stored.integers[:1], self.stored.shape)
        return replace(self, stored=Exact(first, self.stored.exponent))


@dataclass(frozen=True, eq=False)
class Mixture:
    """
    Weights that are sums over a few kernels: ``w[l] = sum_r mixture[l, r]*kernel[r]``.

    Parameters
    ----------
    mixture : Exact of shape (L, R)
        How much of each.
    kernel : Exact of shape (R, K, F)
        The few.
    """

    mixture: Exact
    kernel: Exact

    def located(self) -> Exact:
        """Return the weights, (L, K, F)."""
        locations, rank = self.mixture.shape
        return (self.mixture.reshape((locations, rank, 1, 1)) * self.kernel).sum(1)

    def gradients(self, dkernel: Exact) -> dict[str, Exact]:
        """Return the gradients of what is stored from that of the weights."""
        locations, rank = self.mixture.shape
        along = dkernel.reshape((locations, 1, *dkernel.shape[1:]))
        mixed = along * self.mixture.reshape((locations, rank, 1, 1))
        product = (along * self.kernel).reshape((locations, rank, -1))
        return {"dkernel": mixed.sum(0), "dmixture": product.sum(2)}

    def magnitudes(self) -> "Mixture":
        """Return the absolute values."""
        return Mixture(abs(self.mixture), abs(self.kernel))

    def terms(self) -> "Mixture":
        """Return ones."""
        return Mixture(self.mixture.ones(), self.kernel.ones())

    def alike(self) -> "Mixture | None":
        """Return the mixture of the first location in the place of all."""
        if self.mixture.shape[0] == 1:
            return None
        first = np.broadcast_to(self.mixture.integers[:1], self.mixture.shape)
        return replace(self, mixture=Exact(first, self.mixture.exponent))


@dataclass(frozen=True, eq=False)
class StoredSums(Sums):
    """
    The operands of one variant, gathered.

    Parameters
    ----------
    config, cells, patches, kernel, bias
        As for `Sums`: the weights and the bias of every location.
    weights : Table or Mixture
        What `kernel` comes from.
    biases : ndarray of shape (L, F)
        Of `Connections`.
    bias_shape : tuple of int
        Of the bias as it is stored.
    """

    weights: Table | Mixture
    biases: Array
    bias_shape: Shape

    @classmethod
    def of(cls, case: Case) -> "StoredSums":
        """Return the operands of a case."""
        wires, kernel = connections(case.config, case.kind), Exact.of(case.kernel)
        weights: Table | Mixture = Table(kernel, wires.weights)
        if case.mixture is not None:
            weights = Mixture(Exact.of(case.mixture), kernel)
        bias = None if case.bias is None else Exact.of(case.bias)
        return cls(
            case.config,
            wires.cells,
            patches_of(case, wires.cells),
            weights.located(),
            None if bias is None else picked(bias, wires.biases),
            weights,
            wires.biases,
            () if bias is None else bias.shape,
        )

    def gradients(self, dz: Exact) -> dict[str, Exact]:
        """Return the gradients of x and of all that is stored, from (N, L, F)."""
        found = self.located_gradients(dz)
        stored = {"dx": found["dx"], **self.weights.gradients(found["dkernel"])}
        if "dbias" in found:
            stored["dbias"] = collected(found["dbias"], self.biases, self.bias_shape)
        return stored

    def magnitudes(self) -> "StoredSums":
        """Return the same layer with the absolute value of every operand."""
        return self._with(super().magnitudes(), self.weights.magnitudes())

    def terms(self) -> "StoredSums":
        """Return the same layer with 1 for every operand that can bring in an error."""
        return self._with(super().terms(), self.weights.terms())

    def alike(self) -> "StoredSums | None":
        """Return the layer with the first kernel everywhere, if it has others."""
        weights = self.weights.alike()
        return None if weights is None else self._with(self, weights)

    def _with(self, sums: Sums, weights: Table | Mixture) -> "StoredSums":
        return StoredSums(
            sums.config,
            sums.cells,
            sums.patches,
            weights.located(),
            sums.bias,
            weights,
            self.biases,
            self.bias_shape,
        )
