"""What a case is made from, and how its inputs are drawn."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ..._typing import Config, Shape
from ..case import Case
from ..references.exact import Exact
from .lehmer import WIDE
from .precisions import PRECISIONS

__all__ = [
    "DATA",
    "SMALL",
    "STACKED",
    "Numbers",
    "Spec",
    "VariantSpec",
    "binades",
    "full",
    "once",
    "real",
]


@dataclass(frozen=True)
class Numbers:
    """
    What one input array holds, apart from the seed; see `Draw`.

    Parameters
    ----------
    low, step, count, exponent : int
        Magnitudes.
    positive, alternating : bool
        Signs.
    """

    low: int
    step: int
    count: int
    exponent: int = 0
    positive: bool = False
    alternating: bool = False


def binades(bits: int, exponent: int) -> Numbers:
    """Return full significands over three binades below ``2**exponent``."""
    low = 2 ** (bits - 3)
    return Numbers(low, 1, 2**bits - low, exponent - bits)


def full(bits: int, exponent: int, count: int = 1) -> Numbers:
    """Return 2/3 of ``2**exponent``, and multiples, in bits that alternate."""
    low = 2 ** (bits + 2 - count.bit_length()) // 3 | 1
    return Numbers(low, low, count, exponent - bits - 1 + count.bit_length())


def _reals(bits: int) -> dict[str, Numbers]:
    return {
        "mixture": binades(bits, 0),
        "x": binades(bits, 1),
        "kernel": binades(bits, 0),
        "bias": binades(bits, 0),
        "dy": binades(bits, 0),
    }


def _cancelling(bits: int) -> dict[str, Numbers]:
    """Return neighbours that agree in half of their bits, times opposite weights."""
    half = bits // 2
    near = Numbers(2 ** (bits - 1), 1, 2**half, -bits, positive=True)
    return {
        **_reals(bits),
        "x": near,
        "dy": near,
        "kernel": Numbers(
            2 ** (bits - 3), 1, 2**bits - 2 ** (bits - 3), -bits, alternating=True
        ),
    }


def _large(bits: int, x: int, kernel: int) -> dict[str, Numbers]:
    """Return operands below powers of two whose products make exp overflow."""
    return {**_reals(bits), "x": binades(bits, x), "kernel": binades(bits, kernel)}


def _wide(bits: int, bias: Numbers) -> dict[str, Numbers]:
    """Return odd integers that need all of so many bits."""
    top = Numbers(2 ** (bits - 1) + 1, 2, min(2 ** (bits - 2), WIDE - 1))
    return {"x": top, "kernel": top, "bias": bias, "dy": top}


# Halves in the bias keep the pre-activation off every kink, which are integers.
SMALL = {
    "x": Numbers(1, 1, 2),
    "kernel": Numbers(1, 1, 3),
    "bias": Numbers(1, 2, 2, -1),
    "dy": Numbers(1, 1, 2),
    "mixture": Numbers(1, 1, 2),
}
# Odd quarters and sixteenths do so for both layers of a stack.
STACKED = {**SMALL, "kernel2": SMALL["kernel"], "bias2": Numbers(1, 2, 4, -4)}
# Two products of odd integers from 2049 to 2895 just fit into 24 bits.
TWELVE = Numbers(2049, 2, 424)

DATA: dict[str, dict[str, Numbers]] = {
    "small": SMALL,
    # A sum of an odd number of odd products is not 0.
    "odd": {**SMALL, "x": Numbers(1, 2, 2), "kernel": Numbers(1, 2, 2)},
    "whole bias": {**SMALL, "bias": Numbers(1, 1, 2)},
    "wide float64": _wide(26, Numbers(2**50 + 1, 2, 2**50)),
    "wide float32": {
        "x": TWELVE,
        "kernel": TWELVE,
        "bias": Numbers(2**21 + 1, 2, 2**21),
        "dy": TWELVE,
    },
    "wide float16": _wide(5, Numbers(513, 2, 256)),
    **{f"real {f.name}": _reals(f.bits) for f in PRECISIONS.values()},
    "large float64": _large(53, 4, 1),
    "large float32": _large(24, 5, 2),
    "large float16": _large(11, 2, 2),
    **{f"cancelling {f.name}": _cancelling(f.bits) for f in PRECISIONS.values()},
}


@dataclass(frozen=True)
class Spec:
    """
    A case before its numbers are drawn.

    Parameters
    ----------
    id, why : str
        Of the case.
    sizes, kernel_size : tuple of int
        S and R.
    strides, dilation_rate : tuple of int, optional
        Default: 1 on every axis.
    pads : tuple of (int, int), optional
        Default: none.
    pad_value : float
        What padding holds.
    batch, channels, filters : int
        N, C and F.
    first : bool
        Whether the data format is channels_first.
    activation : dict
        Name and parameters.
    bias, gradients : bool
        Whether there is a bias, and whether gradients are wanted.
    tier, precision : str
        Of the case.
    data : str or mapping of str to Numbers
        A key of `DATA`, or the numbers themselves.
    flags : tuple of str
        Of the case.
    kind : str
        Of the case.
    alike : str
        The id of a case whose numbers it has, where the shapes are the same.
    turned : str
        An input whose number in the middle has the opposite sign.
    refuses : callable, optional
        Returns what speaks against a draw beside all else, by the case and its z.
    """

    id: str
    why: str
    sizes: Shape
    kernel_size: Shape
    strides: Shape = ()
    pads: tuple[tuple[int, int], ...] = ()
    pad_value: float = 0.0
    dilation_rate: Shape = ()
    batch: int = 2
    channels: int = 2
    filters: int = 2
    first: bool = False
    activation: Config = field(default_factory=lambda: {"name": "linear"})
    bias: bool = True
    gradients: bool = True
    tier: str = "exact"
    precision: str = "bfloat16"
    data: str | Mapping[str, Numbers] = "small"
    flags: tuple[str, ...] = ()
    kind: str = "layer"
    alike: str = ""
    turned: str = ""
    refuses: Callable[[Case, Exact], list[str]] | None = None

    @property
    def numbers(self) -> Mapping[str, Numbers]:
        """What each input holds."""
        return DATA[self.data] if isinstance(self.data, str) else self.data

    @property
    def config(self) -> Config:
        """The configuration that a backend gets: all numbers, nothing left out."""
        ones = (1,) * len(self.sizes)
        strides, dilations = self.strides or ones, self.dilation_rate or ones
        pads = self.pads or ((0, 0),) * len(self.sizes)
        outputs = [
            (n + before + after - (r - 1) * d - 1) // s + 1
            for n, r, s, d, (before, after) in zip(
                self.sizes, self.kernel_size, strides, dilations, pads, strict=True
            )
        ]
        found: dict[str, Any] = {
            "batch": self.batch,
            "input_sizes": list(self.sizes),
            "channels": self.channels,
            "output_sizes": outputs,
            "filters": self.filters,
            "kernel_size": list(self.kernel_size),
            "strides": list(strides),
            "pads": [list(pair) for pair in pads],
            "pad_value": float(self.pad_value),
            "dilation_rate": list(dilations),
            "data_format": "channels_first" if self.first else "channels_last",
            "activation": dict(self.activation),
        }
        return found


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


def real(precision: str) -> dict[str, Any]:
    """Return the fields of a spec that make it a bounded one of real numbers."""
    return {"tier": "bounded", "precision": precision, "data": f"real {precision}"}


def once(family: Callable[[], Iterable[Spec]]) -> Callable[[], tuple[Spec, ...]]:
    """Return what makes the specs of a family when it is first asked for them."""
    return cache(lambda: tuple(family()))
