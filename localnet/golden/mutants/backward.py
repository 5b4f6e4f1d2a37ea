"""A right forward pass and wrong gradients."""

from dataclasses import replace

import numpy as np

from ..._typing import Array, Config
from ..case import Case
from ..references.wires import patch_cells, stored_bias
from .base import has_bias, is_first, is_padded, mutant, several, wants_gradients
from .model import Model

__all__ = ["DxOverwritten"]


def _overlaps(case: Case) -> bool:
    """Whether a cell is read more than once."""
    cells = patch_cells(case.config)
    return wants_gradients(case) and bool(np.bincount(cells[cells >= 0]).max() > 1)


@mutant(_overlaps)
class DxOverwritten(Model):
    """dx written, not added, where windows overlap: the last window wins."""

    def dx(self, dp: Array) -> Array:
        cells = self.cells()
        dx = np.zeros((len(dp), self.case.x[0].size))
        for location, row in enumerate(cells):
            dx[:, row[row >= 0]] = dp[:, location, row >= 0]
        return dx.reshape(self.case.x.shape)


@mutant(_overlaps)
class DxAveraged(Model):
    """dx divided by the number of windows that read the cell."""

    def dx(self, dp: Array) -> Array:
        cells = self.cells()
        cover = np.bincount(cells[cells >= 0], minlength=self.case.x[0].size)
        shape = self.case.x.shape[1:]
        return super().dx(dp) / np.maximum(cover, 1).reshape(shape)


@mutant(wants_gradients, is_padded)
class DxShiftedByThePads(Model):
    """dx of the padded input, cropped at its start instead of at the pads."""

    def dx(self, dp: Array) -> Array:
        x_sizes = self.c["input_sizes"]
        sizes = [
            n + before + after
            for n, (before, after) in zip(x_sizes, self.c["pads"], strict=True)
        ]
        first = self.c["data_format"] == "channels_first"
        shape = (self.c["channels"], *sizes) if first else (*sizes, self.c["channels"])
        outer: Config = {**self.c, "input_sizes": sizes, "pads": [[0, 0]] * len(sizes)}
        x = np.zeros((len(dp), *shape), np.float32)
        padded = Model(replace(self.case, x=x, config=outer)).dx(dp)
        inside = tuple(slice(n) for n in x_sizes)
        if first:
            return padded[(slice(None), slice(None), *inside)]
        return padded[(slice(None), *inside)]


@mutant(wants_gradients, several("taps"))
class DxWithFlippedKernel(Model):
    """dx as of a convolution by the same kernel, not by the flipped one."""

    def kernel_for_dx(self) -> Array:
        kernel, channels = super().kernel_for_dx(), self.c["channels"]
        first = self.c["data_format"] == "channels_first"
        taps = (channels, -1) if first else (-1, channels)
        by_tap = kernel.reshape(len(kernel), *taps, self.c["filters"])
        return np.flip(by_tap, 2 if first else 1).reshape(kernel.shape)


@mutant(wants_gradients, several("filters"))
class DxOfTheFirstFilter(Model):
    """dx that forgets to sum over the filters."""

    def dx(self, dp: Array) -> Array:
        dz = self.dz(self.dy(), self._cache())
        return super().dx(dz[:, :, None, 0] * self.kernel_for_dx()[:, :, 0])

    def _cache(self) -> object:
        z = self.contract("nlk,lkf->nlf", self.patches(), self.kernel())
        if self.case.bias is not None:
            z = self.add_bias(z, self.bias())
        return self.activate(z)[1]


@mutant(wants_gradients, several("locations"))
class DxOfASharedKernel(Model):
    """The gradient of a convolution behind the forward pass of the layer."""

    def kernel_for_dx(self) -> Array:
        kernel = super().kernel_for_dx()
        return np.broadcast_to(kernel[:1], kernel.shape)


@mutant(wants_gradients, several("locations"))
class DkernelSummedOverPositions(Model):
    """dkernel of a convolution: summed over the positions, the same for all."""

    def dkernel(self, dkernel: Array, dz: Array) -> Array:
        return np.broadcast_to(dkernel.sum(0), dkernel.shape)


@mutant(wants_gradients, several("samples"))
class DkernelDividedByBatch(Model):
    """dkernel as a mean over the samples."""

    def dkernel(self, dkernel: Array, dz: Array) -> Array:
        return dkernel / len(dz)


@mutant(wants_gradients, several("samples"))
class DkernelOfTheLastSample(Model):
    """dkernel assigned in the loop over samples, not added."""

    def dkernel(self, dkernel: Array, dz: Array) -> Array:
        return np.asarray(self.patches()[-1][:, :, None] * dz[-1][:, None, :])


@mutant(wants_gradients, lambda case: is_padded(case) and case.config["pad_value"] != 0)
class DkernelWithoutPadValue(Model):
    """dkernel whose patches are padded with 0, whatever pad_value says."""

    def patches_for_dkernel(self) -> Array:
        return np.where(self.cells() >= 0, super().patches(), 0.0)


@mutant(wants_gradients, has_bias, several("samples"))
class DbiasAveraged(Model):
    """dbias as a mean over the samples."""

    def dbias(self, dz: Array) -> Array:
        return super().dbias(dz) / len(dz)


@mutant(wants_gradients, has_bias, several("samples"))
class DbiasOfTheFirstSample(Model):
    """dbias of one sample, for the sum was forgotten."""

    def dbias(self, dz: Array) -> Array:
        return super().dbias(dz[:1])


@mutant(wants_gradients, has_bias, several("locations"))
class DbiasSummedOverPositions(Model):
    """dbias of a convolution: summed over the positions."""

    def dbias(self, dz: Array) -> Array:
        total = dz.sum(1, keepdims=True)
        return super().dbias(np.broadcast_to(total, dz.shape))


@mutant(wants_gradients, has_bias, is_first, several("locations", "filters"))
class DbiasTransposed(Model):
    """channels_first: dbias transposed to (*O, F), where Keras reshapes."""

    def dbias(self, dz: Array) -> Array:
        last = {**self.case.config, "data_format": "channels_last"}
        return stored_bias(dz.sum(0), last)


@mutant(wants_gradients)
class UpstreamIgnored(Model):
    """The gradient of the sum of y, whatever dy is."""

    def dy(self) -> Array:
        return np.ones_like(super().dy())


@mutant(wants_gradients, several("locations"))
class UpstreamFlipped(Model):
    """dy read from the last location to the first: the test with all ones passes."""

    def dy(self) -> Array:
        axes = tuple(range(1, self.case.x.ndim - 1))
        if is_first(self.case):
            axes = tuple(axis + 1 for axis in axes)
        return np.flip(super().dy(), axes)


@mutant(wants_gradients)
class GradientDetached(Model):
    """No gradient for the input: zeros, as after a detached tensor."""

    def dx(self, dp: Array) -> Array:
        return np.zeros(self.case.x.shape)


@mutant(wants_gradients)
class GradientDescended(Model):
    """Gradients with the sign of the step that goes down them."""

    def dy(self) -> Array:
        return -super().dy()
