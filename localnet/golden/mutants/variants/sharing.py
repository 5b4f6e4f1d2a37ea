"""Kernels shared by the wrong locations, and gradients that do not know of it."""

import math
from collections.abc import Callable

import numpy as np

from ...._typing import Array, Config
from ...case import Case
from ...references.connections import Connections, connections
from ..base import has_bias, is_first, mutant, wants_gradients
from ..variant_model import VariantModel

__all__ = ["BlocksFromTheEnd", "miswired"]


def miswired(*kinds: str) -> Callable[[type[VariantModel]], type[VariantModel]]:
    """Register a model whose wires are others; it shows wherever they differ."""

    def register(model: type[VariantModel]) -> type[VariantModel]:
        def see(case: Case) -> bool:
            wrong: Connections = model(case).connections()
            right = connections(case.config, case.kind)
            names = ("cells", "weights", *(["biases"] if has_bias(case) else []))
            return any(
                not np.array_equal(getattr(wrong, name), getattr(right, name))
                for name in names
            )

        return mutant(see, kinds=kinds)(model)

    return register


def _members(case: Case) -> Array:
    """Return how many locations use each stored weight."""
    places = connections(case.config, case.kind).weights
    return np.bincount(places[places >= 0], minlength=case.kernel.size)


def _is_shared(case: Case) -> bool:
    """Whether a weight stands on more than one wire, and gradients are wanted."""
    return wants_gradients(case) and bool(_members(case).max() > 1)


class Blocks(VariantModel):
    """Each location in another block along every axis."""

    def block(self, o: Array, size: int, share: int, tile: int) -> Array:
        """Return the block of the places along one axis."""
        return np.asarray(o // share % tile)

    def connections(self) -> Connections:
        sizes, tiles = self.c["output_sizes"], self.c["tile"]
        found: Array = np.zeros(1, np.int64)
        for size, share, tile in zip(sizes, self.c["share"], tiles, strict=True):
            along = self.block(np.arange(size), size, share, tile)
            found = (found[:, None] * tile + along % tile).ravel()
        right = super().connections()
        stored = right.weights.shape[1] * self.c["filters"]
        weights = right.weights % stored + found[:, None, None] * stored
        f, count = np.arange(self.c["filters"]), math.prod(tiles)
        if is_first(self.case):
            return right._replace(weights=weights, biases=f * count + found[:, None])
        return right._replace(weights=weights, biases=found[:, None] * len(f) + f)


@miswired("shared")
class BlocksFromTheEnd(Blocks):
    """Blocks counted from the wrong end: the smaller one comes first."""

    def block(self, o: Array, size: int, share: int, tile: int) -> Array:
        return np.asarray((o + -size % share) // share % tile)


@miswired("shared")
class BlocksOfEvenSize(Blocks):
    """An axis cut into as many equal parts as there are blocks."""

    def block(self, o: Array, size: int, share: int, tile: int) -> Array:
        even = o * -(-size // share) // size
        return np.asarray(o if share == 1 else even)


@miswired("shared")
class BlocksIgnored(Blocks):
    """Neighbours that should share a kernel get the next ones."""

    def block(self, o: Array, size: int, share: int, tile: int) -> Array:
        return np.asarray(o % tile)


@miswired("shared")
class BlocksOfRowsForAll(Blocks):
    """share[0] taken for every axis."""

    def config(self, c: Config) -> Config:
        return {**c, "share": [c["share"][0]] * len(c["share"])}


@miswired("shared")
class TileForBlock(Blocks):
    """Tile taken for the block size: neighbours share, where they should differ."""

    def block(self, o: Array, size: int, share: int, tile: int) -> Array:
        return np.asarray(o // tile)


@miswired("shared")
class TileOneTooShort(Blocks):
    """A period that is off by one: the last kernel of a tile is never used."""

    def block(self, o: Array, size: int, share: int, tile: int) -> Array:
        return np.asarray(o // share % max(tile - 1, 1))


@miswired("shared")
class TileNotRepeated(Blocks):
    """After one round all that is left uses the last kernel."""

    def block(self, o: Array, size: int, share: int, tile: int) -> Array:
        return np.asarray(np.minimum(o // share, tile - 1))


@miswired("shared")
class TileMirrored(Blocks):
    """Tiles that run back and forth."""

    def block(self, o: Array, size: int, share: int, tile: int) -> Array:
        turn, place = np.divmod(o // share, tile)
        return np.where(turn % 2 == 1, tile - 1 - place, place)


@mutant(_is_shared, kinds=("shared", "conv"))
class SharedGradientAveraged(VariantModel):
    """dkernel as a mean over the locations that share a kernel."""

    def dkernel(self, dkernel: Array, dz: Array) -> Array:
        found = super().dkernel(dkernel, dz)
        return found / np.maximum(_members(self.case), 1).reshape(found.shape)


@mutant(_is_shared, kinds=("shared", "conv"))
class SharedGradientOverwritten(VariantModel):
    """dkernel assigned in the loop over locations: the last one of a block wins."""

    def dkernel(self, dkernel: Array, dz: Array) -> Array:
        places, found = self.connections().weights, np.zeros(self.case.kernel.size)
        for row, values in zip(places, dkernel, strict=True):
            found[row[row >= 0]] = values[row >= 0]
        return found.reshape(self.case.kernel.shape)


def _bias_is_shared(case: Case) -> bool:
    if not (has_bias(case) and wants_gradients(case)):
        return False
    return bool(
        np.bincount(connections(case.config, case.kind).biases.ravel()).max() > 1
    )


@mutant(_bias_is_shared, kinds=("shared", "low_rank", "conv"))
class SharedDbiasAveraged(VariantModel):
    """dbias as a mean over the locations that share it."""

    def dbias(self, dz: Array) -> Array:
        found = super().dbias(dz)
        members = np.bincount(self.connections().biases.ravel(), minlength=found.size)
        return found / members.reshape(found.shape)


@mutant(_bias_is_shared, kinds=("shared", "low_rank", "conv"))
class SharedDbiasOverwritten(VariantModel):
    """dbias of the last location that shares it."""

    def dbias(self, dz: Array) -> Array:
        found = np.zeros(self.stored_bias().shape)
        for row, values in zip(self.connections().biases, dz.sum(0), strict=True):
            found.ravel()[row] = values
        return found


@miswired("shared")
class SharedBiasPerLocation(VariantModel):
    """The kernel is shared, but the bias is read as if each location had its own."""

    def connections(self) -> Connections:
        right = super().connections()
        own = np.arange(right.biases.size).reshape(right.biases.shape)
        return right._replace(biases=own % self.stored_bias().size)


@miswired("shared")
class SharedBiasTransposed(VariantModel):
    """channels_first: the bias of the blocks transposed, where Keras reshapes."""

    def connections(self) -> Connections:
        last = {**self.c, "data_format": "channels_last"}
        right = super().connections()
        return right._replace(biases=connections(last, "shared").biases)


def _has_blocks(case: Case) -> bool:
    """Whether there is more than one block, and gradients are wanted."""
    return wants_gradients(case) and math.prod(case.config["tile"]) > 1


@mutant(_has_blocks, kinds=("shared",))
class DxOfTheFirstBlock(VariantModel):
    """dx by the kernel of the first block, whichever a location uses."""

    def kernel_for_dx(self) -> Array:
        kernel = super().kernel_for_dx()
        return np.broadcast_to(kernel[:1], kernel.shape)
