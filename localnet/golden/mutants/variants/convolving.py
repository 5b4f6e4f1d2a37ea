"""Convolutions that are wrong: groups, the layout of kernels, untied biases."""

import math

import numpy as np

from ...._typing import Array, Config
from ...references.connections import Connections, connections
from ..variant_model import VariantModel
from .sharing import miswired

__all__ = ["GroupsIgnored"]


class Grouped(VariantModel):
    """Channels in other groups, or elsewhere in them."""

    def group(self, channel: Array) -> Array:
        """Return the group of each channel."""
        return np.asarray(channel // (self.c["channels"] // self.c["groups"]))

    def inner(self, channel: Array) -> Array:
        """Return the place of each channel in its group."""
        return np.asarray(channel % (self.c["channels"] // self.c["groups"]))

    def connections(self) -> Connections:
        right, c = super().connections(), self.c
        filters, channels, taps = (
            c["filters"],
            c["channels"],
            math.prod(c["kernel_size"]),
        )
        k, f = np.arange(right.weights.shape[1])[:, None], np.arange(filters)
        last = c["data_format"] == "channels_last"
        tap, channel = divmod(k, channels) if last else divmod(k, taps)[::-1]
        part = channels // c["groups"]
        place = (tap * part + self.inner(channel)) * filters + f
        here = self.group(channel) == f // (filters // c["groups"])
        weights = np.where(here, place, -1)
        return right._replace(weights=np.broadcast_to(weights, right.weights.shape))


@miswired("conv")
class GroupsIgnored(Grouped):
    """All filters read the channels of the first group."""

    def connections(self) -> Connections:
        right = super().connections()
        part = self.c["channels"] // self.c["groups"]
        cells = right.cells
        if self.c["data_format"] == "channels_last":
            by = cells.reshape(len(cells), -1, self.c["channels"])
            by = by[:, :, np.arange(self.c["channels"]) % part]
        else:
            by = cells.reshape(len(cells), self.c["channels"], -1)
            by = by[:, np.arange(self.c["channels"]) % part]
        return right._replace(cells=by.reshape(cells.shape))


@miswired("conv")
class GroupsInterleaved(Grouped):
    """Every n-th channel in a group, not neighbours."""

    def group(self, channel: Array) -> Array:
        return np.asarray(channel % self.c["groups"])

    def inner(self, channel: Array) -> Array:
        return np.asarray(channel // self.c["groups"])


@miswired("conv")
class GroupsReversed(Grouped):
    """The last channels for the first filters."""

    def group(self, channel: Array) -> Array:
        return np.asarray(self.c["groups"] - 1 - super().group(channel))


@miswired("conv")
class ConvKernelFiltersFirst(VariantModel):
    """A kernel (*R, C, F) read from memory as (*R, F, C)."""

    def connections(self) -> Connections:
        right, filters = super().connections(), self.c["filters"]
        part = self.c["channels"] // self.c["groups"]
        row, f = np.divmod(right.weights, filters)
        tap, channel = np.divmod(row, part)
        place = (tap * filters + f) * part + channel
        return right._replace(weights=np.where(right.weights >= 0, place, -1))


@miswired("conv")
class ConvKernelAsKeras1(VariantModel):
    """channels_first: the kernel taken for (C, *R, F)."""

    def connections(self) -> Connections:
        right, filters = super().connections(), self.c["filters"]
        if self.c["data_format"] == "channels_last":
            return right
        part = self.c["channels"] // self.c["groups"]
        row, f = np.divmod(right.weights, filters)
        tap, channel = np.divmod(row, part)
        place = (channel * math.prod(self.c["kernel_size"]) + tap) * filters + f
        return right._replace(weights=np.where(right.weights >= 0, place, -1))


@miswired("conv")
class SameAsKerasLocal(VariantModel):
    """`same` as Keras's locally connected layers place it, the larger pad before."""

    def config(self, c: Config) -> Config:
        totals = [before + after for before, after in c["pads"]]
        return {**c, "pads": [[total - total // 2, total // 2] for total in totals]}


@miswired("conv")
class CausalAsSame(VariantModel):
    """Causal pads spread over both sides: a look into the future."""

    def config(self, c: Config) -> Config:
        totals = [before + after for before, after in c["pads"]]
        return {**c, "pads": [[total // 2, total - total // 2] for total in totals]}


@miswired("conv", "low_rank")
class UntiedBiasTransposed(VariantModel):
    """channels_first: an untied bias transposed, where it is to be reshaped."""

    def connections(self) -> Connections:
        last = {**self.c, "data_format": "channels_last"}
        right = super().connections()
        return right._replace(biases=connections(last, self.case.kind).biases)


@miswired("conv", "low_rank")
class UntiedBiasOfOneLocation(VariantModel):
    """The bias of the first location everywhere."""

    def connections(self) -> Connections:
        right = super().connections()
        first = np.broadcast_to(right.biases[:1], right.biases.shape)
        return right._replace(biases=first)
