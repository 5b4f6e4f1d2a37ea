"""What a case of a variant is made from."""

from dataclasses import dataclass
from typing import Any

from ..._typing import Config, Shape
from .specs import Spec

__all__ = ["VariantSpec"]


@dataclass(frozen=True)
class VariantSpec(Spec):
    """
    A case of a variant before its numbers are drawn.

    Parameters
    ----------
    share : tuple of int, optional
        Block sizes of shared kernels; default: 1 on every axis.
    tile : tuple of int, optional
        Blocks after which they repeat; default: never.
    groups : int
        Of the channels of a convolution.
    untied : bool
        Whether a convolution, or a layer of low rank, has a bias for every location.
    output_padding : tuple of int, optional
        Of a transposed layer; default: none. `pads` are those of the layer that it runs
        backwards, and `sizes` those of its own input.
    rank : int
        Kernels that are mixed.
    """

    share: Shape = ()
    tile: Shape = ()
    groups: int = 1
    untied: bool = False
    output_padding: Shape = ()
    rank: int = 2

    @property
    def config(self) -> Config:
        """The configuration that a backend gets: all numbers, nothing left out."""
        found: dict[str, Any] = super().config
        axes = len(self.sizes)
        if self.kind == "transposed":
            del found["pad_value"]
            extra = self.output_padding or (0,) * axes
            found["output_sizes"] = [
                (n - 1) * s + (r - 1) * d + 1 - before - after + p
                for n, s, r, d, (before, after), p in zip(
                    self.sizes,
                    found["strides"],
                    self.kernel_size,
                    found["dilation_rate"],
                    found["pads"],
                    extra,
                    strict=True,
                )
            ]
            return {**found, "output_padding": list(extra), "bias_per": "location"}
        if self.kind == "shared":
            share = self.share or (1,) * axes
            blocks = [
                -(-o // s) for o, s in zip(found["output_sizes"], share, strict=True)
            ]
            tile = self.tile or blocks
            found |= {"share": list(share), "bias_per": "block"}
            found["tile"] = [min(t, b) for t, b in zip(tile, blocks, strict=True)]
            return found
        found["bias_per"] = "location" if self.untied else "filter"
        if self.kind == "conv":
            return {**found, "groups": self.groups}
        return {**found, "rank": self.rank}
