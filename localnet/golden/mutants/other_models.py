"""Right backends of the other kinds, in steps that can be got wrong one by one."""

from dataclasses import replace
from typing import Any

import numpy as np

from ..._typing import Array, Config
from ..references.others import layers_of
from ..references.wires import patch_cells
from .model import Model

__all__ = ["Integers", "Norm", "OtherModel", "Pool", "Stack"]


class OtherModel(Model):
    """
    One case of another kind, computed step by step.

    Parameters
    ----------
    case : Case
        What to compute.
    """

    def is_first(self) -> bool:
        """Return whether x is taken for channels_first."""
        return bool(self.c["data_format"] == "channels_first")

    def by_channel(self, array: Any) -> Array:
        """Return an array like x or y as (N, C, cells), in float64."""
        moved = np.asarray(array, np.float64)
        if not self.is_first():
            moved = np.moveaxis(moved, -1, 1)
        return moved.reshape(*moved.shape[:2], -1)

    def stored(self, array: Array, like: Array) -> Array:
        """Return (N, C, cells) in the shape of an array of the data format."""
        if self.is_first():
            return array.reshape(like.shape)
        return np.moveaxis(array, 1, -1).reshape(like.shape)


class Pool(OtherModel):
    """Pooling."""

    def cells(self) -> Array:
        """Return which cell each window reads, (L, taps); -1 for pads."""
        return patch_cells({**self.c, "channels": 1})

    def border(self) -> float:
        """Return what pads hold where the largest is sought."""
        return -np.inf

    def counts(self, inside: Array) -> Array:
        """Return by how much the sum of every window is divided."""
        return np.asarray(inside.sum(-1))

    def read(self, x: Array) -> Array:
        """Return the numbers that windows are made of."""
        return x

    def takes(self, windows: Array) -> Array:
        """Return which numbers of a window take the gradient."""
        first = windows.argmax(-1)[..., None]
        return np.asarray(np.arange(windows.shape[-1]) == first)

    def answers(self) -> dict[str, Array]:
        """Return y and dx."""
        case, cells = self.case, self.cells()
        inside, x = cells >= 0, self.by_channel(case.x)
        windows = self.read(x)[:, :, np.maximum(cells, 0)]
        share: Array
        if self.c["pool"] == "max":
            windows = np.where(inside, windows, self.border())
            y, share = windows.max(-1), self.takes(windows) & inside
        else:
            count = self.counts(inside)
            y = np.where(inside, windows, 0.0).sum(-1) / count
            share = inside / count[:, None]
        parts = share * self.by_channel(case.dy)[..., None]
        dx = np.zeros_like(x)
        for location, row in enumerate(cells):
            here = inside[location]
            dx[:, :, row[here]] += parts[:, :, location, here]
        return {
            "y": self.stored(y, case.expected["y"]),
            "dx": self.stored(dx, case.x),
        }


class Norm(OtherModel):
    """Batch normalisation."""

    def moments(self, x: Array) -> tuple[Array, Array]:
        """Return mean and variance of (C, members)."""
        mean = x.mean(1)
        return mean, ((x - mean[:, None]) ** 2).mean(1)

    def given(self) -> tuple[Array, Array]:
        """Return mean and variance that are given."""
        mean, variance = np.asarray(self.case.mixture, np.float64)
        return mean, variance

    def total(self, terms: Array) -> Array:
        """Return the sums of (C, members) for the gradients of scale and shift."""
        return np.asarray(terms.sum(1))

    def normal(self, x: Array, mean: Array, variance: Array) -> Array:
        """Return x less its mean, over its deviation."""
        deviation = np.sqrt(variance + self.c["epsilon"])
        return np.asarray((x - mean[:, None]) / deviation[:, None])

    def answers(self) -> dict[str, Array]:
        """Return y and the three gradients."""
        case, training = self.case, self.c["training"]
        shape = self.by_channel(case.x).shape
        x, dy = (
            np.swapaxes(self.by_channel(a), 0, 1).reshape(shape[1], -1)
            for a in (case.x, case.dy)
        )
        mean, variance = self.moments(x) if training else self.given()
        normal = self.normal(x, mean, variance)
        gamma, beta = np.asarray(case.kernel), np.asarray(case.bias)
        found = {"dkernel": self.total(dy * normal), "dbias": self.total(dy)}
        dx = dy
        if training:
            mixed = found["dbias"][:, None] + normal * found["dkernel"][:, None]
            dx = dy - mixed / dy.shape[1]
        scale = gamma / np.sqrt(variance + self.c["epsilon"])
        for key, value in (
            ("y", gamma[:, None] * normal + beta[:, None]),
            ("dx", scale[:, None] * dx),
        ):
            parted = value.reshape(shape[1], shape[0], -1)
            found[key] = self.stored(np.swapaxes(parted, 0, 1), case.x)
        return found


class Stack(OtherModel):
    """Two plain layers in a row."""

    def second(self, c: Config) -> Config:
        """Return the config of the second layer."""
        return c

    def hidden(self, y: Array) -> Array:
        """Return what the second layer takes from the first."""
        return y

    def hidden_gradient(self, dx: Array) -> Array:
        """Return what the first layer takes from the second, backwards."""
        return dx

    def answers(self) -> dict[str, Array]:
        """Return y and the gradients of both layers."""
        first, second = layers_of(self.case)
        second = replace(second, config=self.second(second.config))
        middle = self.hidden(Model(first).answers()["y"])
        above = Model(replace(second, x=middle, dy=self.case.dy)).answers()
        dy = self.hidden_gradient(above["dx"])
        below = Model(replace(first, dy=dy)).answers()
        found = {**below, "y": above["y"]}
        return found | {f"{key}2": above[key] for key in above.keys() - {"y", "dx"}}


class Integers(OtherModel):
    """A layer of int8, or of fixed point."""

    def cells(self) -> Array:
        """Return x as it is stored."""
        return self.case.x

    def kernel(self) -> Array:
        """Return the weights, less their zero point."""
        return self.weights() - float(self.c.get("kernel_zero_point", 0))

    def weights(self) -> Array:
        """Return the weights as they are stored."""
        return self.case.kernel.astype(np.float64)

    def accumulated(self, total: Array) -> Array:
        """Return what the accumulators hold of the sums with their bias, (N, L, F)."""
        return total

    def scaled(self, product: Array) -> Array:
        """Return what is held of the sums times their multipliers."""
        return product

    def multipliers(self) -> Array:
        """Return one for each filter."""
        return np.resize(np.array(self.c["multiplier"], np.int64), self.c["filters"])

    def rounded(self, total: Array, shift: int, rounding: str) -> Array:
        """Return integers over ``2**shift``."""
        down = total >> shift
        rest = 2 * (total - (down << shift))
        if rounding == "truncate":
            return down
        if rounding == "nearest":
            return np.asarray(down + (rest >= 1 << shift))
        tie = (rest == 1 << shift) & (down % 2 == 1)
        return np.asarray(down + ((rest > 1 << shift) | tie))

    def fitted(self, values: Array, width: int, overflow: str) -> Array:
        """Return what a number of so many bits holds."""
        most = 1 << (width - 1)
        if overflow == "saturate":
            return np.clip(values, -most, most - 1)
        return np.asarray((values + most) % (2 * most) - most)

    def cast(self, total: Array) -> Array:
        """Return sums in the format of fixed point."""
        c = self.c
        cut = c["fraction_of_products"] - c["fraction"]
        values = self.rounded(total, cut, c["rounding"])
        return self.fitted(values, c["width"], c["overflow"])

    def answers(self) -> dict[str, Array]:
        """Return y."""
        c = self.c
        cells, zero = patch_cells(c), c.get("input_zero_point", 0)
        x = self.cells().reshape(len(self.case.x), -1) - float(zero)
        patches = np.where(cells >= 0, x[:, np.maximum(cells, 0)], 0.0)
        sums = np.einsum("nlk,lkf->nlf", patches, self.kernel())
        if self.case.bias is not None:
            sums = sums + self.bias()
        total = self.accumulated(sums.astype(np.int64))
        if self.case.kind == "fixed_point":
            total = self.cast(total)
        elif "multiplier" in c:
            product = self.scaled(total * self.multipliers())
            y = self.rounded(product, c["shift"], "even") + c["output_zero_point"]
            total = self.fitted(y, 8, "saturate")
        return {"y": self.stored(np.swapaxes(total, 1, 2), self.case.expected["y"])}
