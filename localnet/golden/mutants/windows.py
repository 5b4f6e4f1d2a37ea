"""Windows in the wrong place: strides, dilation, padding, the order of things."""

import math
from collections.abc import Callable

import numpy as np

from ..._typing import Array, Config
from ..references.wires import patch_cells
from .base import is_padded, misplaced, mutant
from .model import Model

__all__ = ["StrideIgnored"]


@misplaced
class StrideIgnored(Model):
    """A replacement for the layer that has no strides: windows lie side by side."""

    def config(self, c: Config) -> Config:
        return {**c, "strides": [1] * len(c["strides"])}


@misplaced
class StrideOnFirstAxisOnly(Model):
    """The stride of the rows is applied, that of the columns is forgotten."""

    def config(self, c: Config) -> Config:
        return {**c, "strides": [c["strides"][0]] + [1] * (len(c["strides"]) - 1)}


@misplaced
class StrideOfRowsForAll(Model):
    """One stride for every axis: strides[0] is used throughout."""

    def config(self, c: Config) -> Config:
        return {**c, "strides": [c["strides"][0]] * len(c["strides"])}


@misplaced
class StridesSwapped(Model):
    """Rows and columns of strides exchanged."""

    def config(self, c: Config) -> Config:
        return {**c, "strides": c["strides"][::-1]}


@misplaced
class StrideOfKernelSize(Model):
    """Windows that never overlap: the kernel size is taken for the stride."""

    def config(self, c: Config) -> Config:
        return {**c, "strides": c["kernel_size"]}


@misplaced
class KernelSizeSwapped(Model):
    """Rows and columns of kernel_size exchanged; the number of weights agrees."""

    def config(self, c: Config) -> Config:
        return {**c, "kernel_size": c["kernel_size"][::-1]}


@misplaced
class DilationIgnored(Model):
    """dilation_rate is accepted and forgotten."""

    def config(self, c: Config) -> Config:
        return {**c, "dilation_rate": [1] * len(c["dilation_rate"])}


@misplaced
class DilationOfRowsForAll(Model):
    """One dilation for every axis: dilation_rate[0] is used throughout."""

    def config(self, c: Config) -> Config:
        return {**c, "dilation_rate": [c["dilation_rate"][0]] * len(c["strides"])}


@misplaced
class DilationMultipliesStride(Model):
    """Windows step by stride times dilation."""

    def config(self, c: Config) -> Config:
        pairs = zip(c["strides"], c["dilation_rate"], strict=True)
        return {**c, "strides": [s * d for s, d in pairs]}


@misplaced
class PadsIgnored(Model):
    """Windows start at the first cell though there is padding before it."""

    def config(self, c: Config) -> Config:
        return {**c, "pads": [[0, 0]] * len(c["pads"])}


@misplaced
class SameAsTensorflow(Model):
    """`same` placed as TensorFlow's convolutions place it, the larger pad after."""

    def config(self, c: Config) -> Config:
        totals = [before + after for before, after in c["pads"]]
        return {**c, "pads": [[total // 2, total - total // 2] for total in totals]}


@misplaced
class SameIgnoresStride(Model):
    """`same` whose pads are right and whose windows step by one."""

    def config(self, c: Config) -> Config:
        if not is_padded(self.case):
            return c
        return {**c, "strides": [1] * len(c["strides"])}


@misplaced
class PadsBeforeAndAfterSwapped(Model):
    """The pads of every axis in the order (after, before)."""

    def config(self, c: Config) -> Config:
        return {**c, "pads": [pair[::-1] for pair in c["pads"]]}


@misplaced
class PadsOfAxesSwapped(Model):
    """Pads of the first axis last, as torch.nn.functional.pad has them."""

    def config(self, c: Config) -> Config:
        return {**c, "pads": c["pads"][::-1]}


@misplaced
class PadsReadTheOtherEnd(Model):
    """A negative index that wraps: the cell before the first is the last."""

    def cells(self) -> Array:
        found = patch_cells(self.c)
        x = np.arange(self.case.x[0].size).reshape(self.case.x.shape[1:])
        last = self.c["data_format"] == "channels_last"
        pads = [*self.c["pads"], [0, 0]] if last else [[0, 0], *self.c["pads"]]
        around = np.pad(x, pads, mode="wrap").ravel()
        sizes = [
            n + before + after
            for n, (before, after) in zip(
                self.c["input_sizes"], self.c["pads"], strict=True
            )
        ]
        inner = {**self.c, "input_sizes": sizes, "pads": [[0, 0]] * len(sizes)}
        return np.where(found >= 0, found, around[patch_cells(inner)])


@mutant(lambda case: is_padded(case) and case.config["pad_value"] != 0)
class PadValueIgnored(Model):
    """Padding holds 0, whatever pad_value says."""

    def config(self, c: Config) -> Config:
        return {**c, "pad_value": 0.0}


@misplaced
class LastWindowDropped(Model):
    """A loop that ends one short: the last location of the last axis reads nothing."""

    def cells(self) -> Array:
        cells = super().cells().copy()
        *_, last = self.c["output_sizes"]
        cells.reshape(-1, last, cells.shape[1])[:, -1] = -1
        return cells


@misplaced
class WindowsFromTheEnd(Model):
    """Cells left over stand before the first window, not after the last."""

    def config(self, c: Config) -> Config:
        pads = []
        for axis, (before, after) in enumerate(c["pads"]):
            span = (c["output_sizes"][axis] - 1) * c["strides"][axis]
            span += (c["kernel_size"][axis] - 1) * c["dilation_rate"][axis] + 1
            left_over = c["input_sizes"][axis] + before + after - span
            pads.append([before - left_over, after])
        return {**c, "pads": pads}


@misplaced
class LocationsColumnMajor(Model):
    """Locations counted down the columns first, as Fortran and MATLAB do."""

    def cells(self) -> Array:
        cells, sizes = super().cells(), self.c["output_sizes"]
        order = np.arange(len(cells)).reshape(sizes[::-1]).T.ravel()
        turned = np.empty_like(cells)
        turned[order] = cells
        return turned


@misplaced
class TapsColumnMajor(Model):
    """The taps of a window counted down the columns first."""

    def cells(self) -> Array:
        return _by_taps(self, np.transpose)


@misplaced
class KernelFlipped(Model):
    """A convolution as mathematicians have it: the window runs backwards."""

    def cells(self) -> Array:
        return _by_taps(self, np.flip)


@misplaced
class PatchChannelFirst(Model):
    """Patches ordered (channel, rows, cols) where the weights are not."""

    def cells(self) -> Array:
        cells, taps = super().cells(), math.prod(self.c["kernel_size"])
        if self.c["data_format"] == "channels_first":
            return cells
        return cells.reshape(len(cells), taps, -1).swapaxes(1, 2).reshape(cells.shape)


@misplaced
class PatchChannelLast(Model):
    """Patches ordered (rows, cols, channel) where the weights are not."""

    def cells(self) -> Array:
        cells, taps = super().cells(), math.prod(self.c["kernel_size"])
        if self.c["data_format"] == "channels_last":
            return cells
        return cells.reshape(len(cells), -1, taps).swapaxes(1, 2).reshape(cells.shape)


@misplaced
class ChannelsFirstReadAsLast(Model):
    """The memory of a channels_first input taken for channels_last."""

    def cells(self) -> Array:
        cells, taps = super().cells(), math.prod(self.c["kernel_size"])
        if self.c["data_format"] == "channels_last":
            return cells
        right = patch_cells({**self.c, "data_format": "channels_last"})
        return right.reshape(len(cells), taps, -1).swapaxes(1, 2).reshape(cells.shape)


@misplaced
class FirstChannelOnly(Model):
    """A loop over channels that reads the first one each time."""

    def cells(self) -> Array:
        cells, channels = super().cells(), self.c["channels"]
        if self.c["data_format"] == "channels_last":
            return np.where(cells >= 0, cells - cells % channels, -1)
        size = math.prod(self.c["input_sizes"])
        return np.where(cells >= 0, cells % size, -1)


def _by_taps(model: Model, turn: Callable[[Array], Array]) -> Array:
    """Return the cells with the taps of every window in another order."""
    cells = Model.cells(model)
    sizes = model.c["kernel_size"]
    taps = math.prod(sizes)
    turned = turn(np.arange(taps).reshape(sizes)).ravel()
    if model.c["data_format"] == "channels_last":
        by_tap = cells.reshape(len(cells), taps, -1)[:, turned]
    else:
        by_tap = cells.reshape(len(cells), -1, taps)[:, :, turned]
    return by_tap.reshape(cells.shape)
