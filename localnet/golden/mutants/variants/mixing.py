"""Kernels of low rank, mixed wrongly."""

from collections.abc import Callable

import numpy as np

from ...._typing import Array
from ...case import Case
from ..base import has_activation, mutant, several, wants_gradients
from ..model import rounded
from ..variant_model import VariantModel

__all__ = ["FirstOfTheMixture"]

LOW_RANK = ("low_rank",)


def mixes(*, ranks: int = 1, locations: int = 1) -> Callable[[Case], bool]:
    """Return whether at least so many kernels are mixed at so many locations."""

    def see(case: Case) -> bool:
        size, rank = np.asarray(case.mixture).shape
        return bool(size >= locations and rank >= ranks)

    return see


def mixes_otherwise(model: type[VariantModel]) -> type[VariantModel]:
    """Register a model with another mixture; it shows wherever it differs."""

    def see(case: Case) -> bool:
        return not np.array_equal(model(case).mixture(), np.asarray(case.mixture))

    return mutant(see, kinds=LOW_RANK)(model)


@mixes_otherwise
class FirstOfTheMixture(VariantModel):
    """A loop over the ranks that keeps the first one only."""

    def mixture(self) -> Array:
        found = super().mixture().copy()
        found[:, 1:] = 0
        return found


@mixes_otherwise
class MixtureOfTheFirstLocation(VariantModel):
    """One mixture for all locations: a convolution."""

    def mixture(self) -> Array:
        found = super().mixture()
        return np.broadcast_to(found[:1], found.shape)


@mixes_otherwise
class MixtureTransposed(VariantModel):
    """The memory of the mixture read as (ranks, locations)."""

    def mixture(self) -> Array:
        found = super().mixture()
        return found.reshape(found.shape[::-1]).T


@mixes_otherwise
class MixtureNormalised(VariantModel):
    """A softmax over the ranks that nobody asked for."""

    def mixture(self) -> Array:
        with np.errstate(all="ignore"):
            exps = np.exp(super().mixture())
            return np.asarray(exps / exps.sum(1, keepdims=True))


@mixes_otherwise
class MixtureColumnMajor(VariantModel):
    """Locations of the mixture counted down the columns first."""

    def mixture(self) -> Array:
        sizes = self.c["output_sizes"]
        order = np.arange(len(super().mixture())).reshape(sizes[::-1]).T.ravel()
        return super().mixture()[order]


@mutant(mixes(ranks=2), has_activation, kinds=LOW_RANK)
class RanksSummedAfterActivation(VariantModel):
    """The activation of each rank's answer, then the sum."""

    def answers(self) -> dict[str, Array]:
        found, patches = super().answers(), self.patches()
        bias = self.bias() if self.case.bias is not None else np.zeros(1)
        total = np.zeros(1)
        for rank, kernel in enumerate(self.stored_kernel()):
            share = self.mixture()[:, rank, None]
            y, _ = self.activate(share * (patches @ kernel) + bias)
            total, bias = total + y, np.zeros(1)
        return {**found, "y": rounded(total, self.case.format.bits)}


@mutant(wants_gradients, mixes(locations=2), kinds=LOW_RANK)
class DkernelOfTheLastMixture(VariantModel):
    """dkernel assigned from location to location, not summed."""

    def dkernel(self, dkernel: Array, dz: Array) -> Array:
        super().dkernel(dkernel, dz)
        return np.asarray(self.mixture()[-1, :, None, None] * dkernel[-1])


@mutant(wants_gradients, mixes(), kinds=LOW_RANK)
class DkernelWithoutMixture(VariantModel):
    """dkernel summed over the locations without the mixture."""

    def dkernel(self, dkernel: Array, dz: Array) -> Array:
        found = super().dkernel(dkernel, dz)
        return np.broadcast_to(dkernel.sum(0), found.shape)


@mutant(wants_gradients, mixes(), several("filters"), kinds=LOW_RANK)
class DmixtureOfOneFilter(VariantModel):
    """dmixture that forgets to sum over the filters."""

    def dmixture(self, dkernel: Array) -> Array:
        kernel = self.stored_kernel()[:, :, 0]
        return np.asarray(dkernel[:, :, 0] @ kernel.T)


@mutant(wants_gradients, mixes(ranks=2), kinds=LOW_RANK)
class DmixtureOfTheFirstKernel(VariantModel):
    """dmixture by the first kernel for every rank."""

    def dmixture(self, dkernel: Array) -> Array:
        first = np.einsum("lkf,kf->l", dkernel, self.stored_kernel()[0])
        return np.repeat(first[:, None], self.c["rank"], axis=1)


@mutant(wants_gradients, mixes(locations=2), kinds=LOW_RANK)
class DmixtureSummedOverLocations(VariantModel):
    """dmixture as if all locations had one mixture."""

    def dmixture(self, dkernel: Array) -> Array:
        found = super().dmixture(dkernel)
        return np.broadcast_to(found.sum(0), found.shape)


@mutant(wants_gradients, mixes(ranks=2), kinds=LOW_RANK)
class DxOfTheFirstOfTheMixture(VariantModel):
    """dx by one kernel of the mixture alone."""

    def kernel_for_dx(self) -> Array:
        share = self.mixture()[:, :1]
        return np.tensordot(share, self.stored_kernel()[:1], 1)
