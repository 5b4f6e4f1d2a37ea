"""
Which value meets which weight: index arithmetic of the suite's own, in integers.

A reference has to be independent of what it judges, so nothing of `localnet.ops` is
used here. Window o of an axis covers the cells ``o*stride - before + tap*dilation``.
"""

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar, cast

import numpy as np

from ..._typing import Array, Config, Shape
from .exact import Exact

__all__ = ["Keyed", "by_location", "is_last", "patch_cells", "stored_bias", "to_layout"]

Numbers = TypeVar("Numbers", bound="Array | Exact")


@dataclass(frozen=True)
class Keyed:
    """
    A config that tables can be kept by: of one case they are asked for many times.

    Parameters
    ----------
    key : tuple
        All that stands in it.
    config : dict
        The config itself.
    """

    key: tuple[Any, ...]
    config: Config = field(compare=False)

    @classmethod
    def by(cls, config: Config) -> "Keyed":
        """Return a config with its key."""
        return cls(_frozen(config), config)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple((name, _frozen(one)) for name, one in value.items())
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


def is_last(config: Config) -> bool:
    """Return whether the channels are the last axis."""
    return bool(config["data_format"] == "channels_last")


def patch_cells(config: Config) -> Array:
    """
    Return which input value every element of every patch reads.

    Parameters
    ----------
    config : dict
        Of a case.

    Returns
    -------
    ndarray of int64, shape (L, K)
        Place in one flattened input sample; -1 for a cell of the padding. K is ordered
        (taps, channel) for channels_last and (channel, taps) for channels_first.
        Not to be written to.
    """
    return _patch_cells(Keyed.by(config))


@lru_cache(maxsize=16)
def _patch_cells(keyed: Keyed) -> Array:
    config = keyed.config
    sizes, windows = config["input_sizes"], config["output_sizes"]
    rank, channels = len(sizes), config["channels"]
    cell: Any = 0
    inside: Any = True
    for a in range(rank):
        along = [1] * (2 * rank)
        along[a] = -1
        o = np.arange(windows[a]).reshape(along)
        along[a], along[rank + a] = 1, -1
        tap = np.arange(config["kernel_size"][a]).reshape(along)
        at = o * config["strides"][a] - config["pads"][a][0]
        at = at + tap * config["dilation_rate"][a]
        inside = inside & (at >= 0) & (at < sizes[a])
        cell = cell * sizes[a] + at
    taps = (math.prod(windows), math.prod(config["kernel_size"]))
    cell, inside = cell.reshape(taps), inside.reshape(taps)
    channel = np.arange(channels)
    if is_last(config):
        found = cell[:, :, None] * channels + channel
        found = np.where(inside[:, :, None], found, -1)
    else:
        found = channel[:, None] * math.prod(sizes) + cell[:, None, :]
        found = np.where(inside[:, None, :], found, -1)
    found = np.asarray(found.reshape(taps[0], -1), np.int64)
    found.flags.writeable = False
    return found


def by_location(array: Numbers, config: Config) -> Numbers:
    """Return an array like y, or one sample of it, as (N, L, F) or (L, F)."""
    locations = math.prod(config["output_sizes"])
    batch = array.shape[: len(array.shape) - len(config["output_sizes"]) - 1]
    if is_last(config):
        return _reshaped(array, (*batch, locations, -1))
    return _exchanged(_reshaped(array, (*batch, -1, locations)))


def to_layout(array: Numbers, config: Config) -> Numbers:
    """Return (N, L, F) or (L, F) in the shape of y, or of one sample of it."""
    *batch, _, filters = array.shape
    if is_last(config):
        return _reshaped(array, (*batch, *config["output_sizes"], filters))
    sample = (filters, *config["output_sizes"])
    return _reshaped(_exchanged(array), (*batch, *sample))


def stored_bias(array: Numbers, config: Config) -> Numbers:
    """Return (L, F) as Keras stores a bias, (*O, F) in both data formats."""
    shape = (*config["output_sizes"], array.shape[-1])
    return _reshaped(to_layout(array, config), shape)


def _reshaped(array: Numbers, shape: Shape) -> Numbers:
    result: Any = array.reshape(shape)
    return cast(Numbers, result)


def _exchanged(array: Numbers) -> Numbers:
    result: Any = array.swapaxes(-1, -2)
    return cast(Numbers, result)
