"""
The layer's four sums, exactly: pre-activation, dx, dkernel and dbias of one case.

The same sums over magnitudes give what error bounds are made of, and over ones they
count how many terms an answer has.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..._typing import Array, Config
from ..case import Case
from .exact import Exact
from .wires import by_location, patch_cells, stored_bias, to_layout

__all__ = [
    "Sums",
    "over_row",
    "patches_of",
    "shaped_like_y",
    "sums_of",
    "upstream",
]


@dataclass(frozen=True, eq=False)
class Sums:
    """
    The operands of one layer, gathered.

    Parameters
    ----------
    config : dict
        Of the case.
    cells : ndarray of shape (L, K)
        What every patch element reads; -1 on padding.
    patches : Exact of shape (N, L, K)
        Receptive fields.
    kernel : Exact of shape (L, K, F)
        Weights.
    bias : Exact of shape (L, F), or None
        What is added at each location.
    """

    config: Config
    cells: Array
    patches: Exact
    kernel: Exact
    bias: Exact | None

    def z(self) -> Exact:
        """Return the pre-activation, (N, L, F): sum_k p w + b."""
        z = (self.patches.reshape((*self.patches.shape, 1)) * self.kernel).sum(2)
        return z if self.bias is None else z + self.bias

    def gradients(self, dz: Exact) -> dict[str, Exact]:
        """Return dx, dkernel and dbias in the shapes of the case, from (N, L, F)."""
        found = self.located_gradients(dz)
        if "dbias" in found:
            found["dbias"] = stored_bias(found["dbias"], self.config)
        return found

    def located_gradients(self, dz: Exact) -> dict[str, Exact]:
        """Return dx in its shape, dkernel as (L, K, F) and dbias as (L, F)."""
        n, locations, filters = dz.shape
        # dp[n,l,k] = sum_f dz[n,l,f] w[l,k,f]
        dp = (dz.reshape((n, locations, 1, filters)) * self.kernel).sum(3)
        # dw[l,k,f] = sum_n p[n,l,k] dz[n,l,f]
        dkernel = (
            self.patches.reshape((*self.patches.shape, 1))
            * dz.reshape((n, locations, 1, filters))
        ).sum(0)
        found = {"dx": self._scattered(dp), "dkernel": dkernel}
        if self.bias is not None:
            found["dbias"] = dz.sum(0)
        return found

    def _scattered(self, dp: Exact) -> Exact:
        """Return dx: every cell gets the sum over the patch elements that read it."""
        g = self.config
        cells = int(np.prod(g["input_sizes"])) * g["channels"]
        # No more terms meet in a cell than there are patch elements.
        wide = dp.bits + self.cells.size.bit_length() > 62
        integers = dp.integers.astype(object) if wide else dp.integers
        dx = np.zeros((len(integers), cells), integers.dtype)
        # What one cell gets stands side by side, behind what padding gets.
        order = np.argsort(self.cells, axis=None, kind="stable")
        read = self.cells.ravel()[order]
        order, read = order[read >= 0], read[read >= 0]
        if read.size:
            starts = np.flatnonzero(np.diff(read, prepend=-1))
            parts = integers.reshape(len(dx), -1)[:, order]
            dx[:, read[starts]] = np.add.reduceat(parts, starts, axis=1)
        sizes = (*g["input_sizes"], g["channels"])
        if g["data_format"] == "channels_first":
            sizes = (g["channels"], *g["input_sizes"])
        return Exact(dx.reshape((len(dx), *sizes)), dp.exponent)

    def magnitudes(self) -> "Sums":
        """Return the same layer with the absolute value of every operand."""
        bias = None if self.bias is None else abs(self.bias)
        return Sums(self.config, self.cells, abs(self.patches), abs(self.kernel), bias)

    def terms(self) -> "Sums":
        """Return the same layer with 1 for every operand that can bring in an error."""
        inside = self.cells >= 0
        if self.config.get("pad_value", 0.0) != 0:
            inside = np.ones_like(inside)
        patches = np.broadcast_to(inside.astype(np.int64), self.patches.shape)
        ones = Exact(np.ones(self.kernel.shape, np.int64))
        bias = None
        if self.bias is not None:
            bias = Exact(np.ones(self.bias.shape, np.int64))
        return Sums(self.config, self.cells, Exact(patches), ones, bias)

    def alike(self) -> "Sums | None":
        """Return the layer with the first kernel everywhere, if it has others."""
        if self.kernel.shape[0] == 1:
            return None
        first = np.broadcast_to(self.kernel.integers[:1], self.kernel.shape)
        return replace(self, kernel=Exact(first, self.kernel.exponent))


def sums_of(case: Case) -> Sums:
    """Return the operands of a plain layer as exact numbers."""
    cells, bias = patch_cells(case.config), None
    if case.bias_in_y is not None:
        bias = by_location(Exact.of(case.bias_in_y), case.config)
    patches = patches_of(case, cells)
    return Sums(case.config, cells, patches, Exact.of(case.kernel), bias)


def patches_of(case: Case, cells: Array) -> Exact:
    """Return what the wires read, (N, L, K)."""
    flat = Exact.of(case.x).reshape((len(case.x), -1))
    return flat[:, np.maximum(cells, 0)].where(
        np.broadcast_to(cells >= 0, (len(case.x), *cells.shape)),
        Exact.of(np.full((1, 1, 1), case.config.get("pad_value", 0.0))),
    )


def upstream(case: Case) -> Exact | None:
    """Return dy of a case as (N, L, F)."""
    if case.dy is None:
        return None
    return by_location(Exact.of(case.dy), case.config)


def shaped_like_y(values: Exact, case: Case) -> Exact:
    """Return (N, L, F) in the shape of y."""
    return to_layout(values, case.config)


def over_row(values: Exact) -> Exact:
    """Return the sums over the last axis, which is kept."""
    axis = len(values.shape) - 1
    return values.sum(axis).reshape((*values.shape[:-1], 1))
