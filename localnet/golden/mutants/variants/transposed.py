"""The layer run backwards, wrongly: what is painted where, and what is cut off."""

import math

import numpy as np

from ...._typing import Array, Config
from ...case import Case
from ...references.connections import Connections, connections
from ..base import mutant, several, wants_gradients
from ..variant_model import VariantModel
from .sharing import miswired

__all__ = ["TransposedOverwritten"]


@miswired("transposed")
class TransposedOverwritten(VariantModel):
    """Windows painted, not added, where they overlap: the last one wins."""

    def connections(self) -> Connections:
        right, channels = super().connections(), self.c["channels"]
        cells = right.cells.reshape(len(right.cells), -1, channels)
        there = cells[:, :, 0] >= 0
        last = there & (np.cumsum(there, 1) == there.sum(1, keepdims=True))
        kept = np.repeat(last, channels, axis=1)
        return right._replace(
            cells=np.where(kept, right.cells, -1),
            weights=np.where(kept[:, :, None], right.weights, -1),
        )


@miswired("transposed")
class OutputPaddingBefore(VariantModel):
    """The cells that output_padding adds stand before the first, not after the last."""

    def config(self, c: Config) -> Config:
        pairs = zip(c["pads"], c["output_padding"], strict=True)
        return {**c, "pads": [[b + p, a - p] for (b, a), p in pairs]}


@miswired("transposed")
class OutputPaddingCentred(VariantModel):
    """Half of the cells of output_padding before, as for `same`."""

    def config(self, c: Config) -> Config:
        pairs = zip(c["pads"], c["output_padding"], strict=True)
        return {**c, "pads": [[b + p // 2, a - p // 2] for (b, a), p in pairs]}


@miswired("transposed")
class TransposedPadsAdded(VariantModel):
    """Pads move the output the wrong way: added in front, not cut off."""

    def config(self, c: Config) -> Config:
        return {**c, "pads": [[-before, after] for before, after in c["pads"]]}


@miswired("transposed")
class TransposedKernelByFilter(VariantModel):
    """Kernel axes as of the layer forwards: channels and filters exchanged."""

    def connections(self) -> Connections:
        right, channels = super().connections(), self.c["channels"]
        filters, taps = self.c["filters"], math.prod(self.c["kernel_size"])
        row, c = np.divmod(right.weights, channels)
        here, k = np.divmod(row, taps * filters)
        if self.c["data_format"] == "channels_last":
            tap, f = np.divmod(k, filters)
            k = tap * channels + c
        else:
            f, tap = np.divmod(k, taps)
            k = c * taps + tap
        place = (here * taps * channels + k) * filters + f
        return right._replace(weights=np.where(right.weights >= 0, place, -1))


@miswired("transposed")
class TransposedKernelShared(VariantModel):
    """The transposed convolution of every library: one kernel for all locations."""

    def connections(self) -> Connections:
        right = super().connections()
        size = self.case.kernel[0].size
        weights = np.where(right.weights >= 0, right.weights % size, -1)
        return right._replace(weights=weights)


@miswired("transposed")
class TransposedKernelOfNextLocation(VariantModel):
    """Each input cell paints with the kernel of its neighbour."""

    def connections(self) -> Connections:
        right, size = super().connections(), self.case.kernel[0].size
        moved = (right.weights + size) % self.case.kernel.size
        return right._replace(weights=np.where(right.weights >= 0, moved, -1))


@miswired("transposed")
class TransposedPatchesOtherOrder(VariantModel):
    """K read as (filter, taps) for channels_last, (taps, filter) for channels_first."""

    def connections(self) -> Connections:
        right, channels = super().connections(), self.c["channels"]
        filters, taps = self.c["filters"], math.prod(self.c["kernel_size"])
        row, c = np.divmod(right.weights, channels)
        here, k = np.divmod(row, taps * filters)
        last = self.c["data_format"] == "channels_last"
        order = (taps, filters) if last else (filters, taps)
        turned = np.arange(taps * filters).reshape(order[::-1]).T.ravel()
        place = (here * taps * filters + turned[k]) * channels + c
        return right._replace(weights=np.where(right.weights >= 0, place, -1))


@miswired("transposed")
class TransposedBiasTransposed(VariantModel):
    """channels_first: the bias transposed to (F, *S), where Keras reshapes."""

    def connections(self) -> Connections:
        right = super().connections()
        last = {**self.c, "data_format": "channels_last"}
        return right._replace(biases=connections(last, "transposed").biases)


@miswired("transposed")
class TransposedBiasPerFilter(VariantModel):
    """One bias for each filter, that of the first cell."""

    def connections(self) -> Connections:
        right = super().connections()
        biases = np.broadcast_to(right.biases[:1], right.biases.shape)
        return right._replace(biases=biases)


def _paints_more_than_one(case: Case) -> bool:
    """Whether an input cell paints several cells, and gradients are wanted."""
    cells = connections(case.config, case.kind).cells
    return wants_gradients(case) and bool(np.bincount(cells[cells >= 0]).max() > 1)


@mutant(_paints_more_than_one, kinds=("transposed",))
class TransposedDxOfOneTap(VariantModel):
    """dx assigned from tap to tap, not added up over the window."""

    def dx(self, dp: Array) -> Array:
        cells, dx = self.cells(), np.zeros((len(dp), self.case.x[0].size))
        for location, row in enumerate(cells):
            dx[:, row[row >= 0]] = dp[:, location, row >= 0]
        return dx.reshape(self.case.x.shape)


@mutant(wants_gradients, several("cells"), kinds=("transposed",))
class TransposedDxOfASharedKernel(VariantModel):
    """dx by the first kernel everywhere, behind a right forward pass."""

    def kernel_for_dx(self) -> Array:
        places = self.connections().weights
        stored = self.stored_kernel()[0].ravel()
        return np.where(places >= 0, stored[places % stored.size], 0.0)
