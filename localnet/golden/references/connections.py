"""
Which stored weight stands on which wire, for the layers that share or exchange them.

A plain layer has a weight of its own on every wire; a variant has a table that says
which stored number it is. Like `wires`, this is index arithmetic of the suite's own.
Everything else about a variant follows from its table.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..._typing import Array, Config
from .wires import Keyed, is_last, patch_cells

__all__ = ["VARIANTS", "Connections", "connections", "forward_layer"]

VARIANTS = {
    "shared": "One kernel for each block of locations, or blocks that repeat.",
    "low_rank": "The kernel of every location is a mixture of a few.",
    "conv": "One kernel for all locations, perhaps in groups of channels.",
    "transposed": "The layer run backwards: every input cell paints a window.",
}


class Connections(NamedTuple):
    """
    The wires of a variant, by location and filter of its output.

    Parameters
    ----------
    cells : ndarray of int64, shape (L, K)
        Place in one flattened input sample; -1 for none, a cell of the padding.
    weights : ndarray of int64, shape (L, K, F)
        Place in the flattened kernel; -1 where there is no wire. Of low rank: in the
        flattened mixed kernel.
    biases : ndarray of int64, shape (L, F)
        Place in the flattened bias.
    """

    cells: Array
    weights: Array
    biases: Array


def connections(config: Config, kind: str) -> Connections:
    """
    Return the wires of a variant.

    Parameters
    ----------
    config : dict
        Of a case.
    kind : str
        A key of `VARIANTS`.

    Returns
    -------
    Connections
        Tables of places, not to be written to.
    """
    return _connections(Keyed.by(config), kind)


@lru_cache(maxsize=16)
def _connections(keyed: Keyed, kind: str) -> Connections:
    make = {
        "shared": _shared,
        "low_rank": _low_rank,
        "conv": _conv,
        "transposed": _transposed,
    }
    found = make[kind](keyed.config)
    for table in found:
        table.flags.writeable = False
    return found


def _blocks_of(config: Config) -> Array:
    """Return which kernel each location of a shared layer uses, (L,)."""
    block: Array = np.zeros((1,) * len(config["output_sizes"]), np.int64)
    axes = zip(config["output_sizes"], config["share"], config["tile"], strict=True)
    for axis, (size, share, tile) in enumerate(axes):
        along = [1] * block.ndim
        along[axis] = -1
        block = block * tile + (np.arange(size) // share % tile).reshape(along)
    return block.ravel()


def forward_layer(config: Config) -> Config:
    """Return the plain layer that a transposed one runs backwards."""
    return {
        **config,
        "input_sizes": config["output_sizes"],
        "output_sizes": config["input_sizes"],
        "channels": config["filters"],
        "filters": config["channels"],
    }


def _places(items: Array, count: int, filters: int, *, last: bool) -> Array:
    """Return where in a bias stored as Keras does the number of (item, f) stands."""
    f = np.arange(filters)
    return items[:, None] * filters + f if last else f * count + items[:, None]


def _biases(config: Config) -> Array:
    """Return the places of a bias that each filter, or each location, has its own."""
    filters, locations = config["filters"], math.prod(config["output_sizes"])
    if config["bias_per"] == "filter":
        return np.broadcast_to(np.arange(filters), (locations, filters))
    return _places(np.arange(locations), locations, filters, last=is_last(config))


def _shared(config: Config) -> Connections:
    cells, filters = patch_cells(config), config["filters"]
    block, patch = _blocks_of(config), cells.shape[1]
    k, f = np.arange(patch)[:, None], np.arange(filters)
    weights = (block[:, None, None] * patch + k) * filters + f
    count = math.prod(config["tile"])
    biases = _places(block, count, filters, last=is_last(config))
    return Connections(cells, weights, biases)


def _low_rank(config: Config) -> Connections:
    cells, filters = patch_cells(config), config["filters"]
    shape = (*cells.shape, filters)
    weights = np.arange(math.prod(shape)).reshape(shape)
    return Connections(cells, weights, _biases(config))


def _conv(config: Config) -> Connections:
    cells, filters = patch_cells(config), config["filters"]
    channels, groups = config["channels"], config["groups"]
    taps, k = math.prod(config["kernel_size"]), np.arange(cells.shape[1])[:, None]
    tap, channel = (
        (k // channels, k % channels) if is_last(config) else (k % taps, k // taps)
    )
    # Keras's layout, (*R, C/groups, F) in both data formats.
    part, f = channels // groups, np.arange(filters)
    place = (tap * part + channel % part) * filters + f
    weights = np.where(channel // part == f // (filters // groups), place, -1)
    weights = np.broadcast_to(weights, (len(cells), *weights.shape))
    return Connections(cells, weights, _biases(config))


def _met(painted: Array, cells: int) -> Array:
    """Return for every cell the (location, tap) that paint it, -1 behind the last."""
    flat = painted.ravel()
    order = np.argsort(flat, kind="stable")
    order = order[flat[order] >= 0]
    counts = np.bincount(flat[order], minlength=cells)
    first = np.cumsum(counts) - counts
    pairs = np.full((cells, max(1, int(counts.max(initial=0))), 2), -1)
    place = np.arange(len(order)) - first[flat[order]]
    pairs[flat[order], place] = np.stack(np.divmod(order, painted.shape[1]), axis=-1)
    return pairs


def _transposed(config: Config) -> Connections:
    forward, last = forward_layer(config), is_last(config)
    taps, channels = math.prod(config["kernel_size"]), config["channels"]
    filters, locations = config["filters"], math.prod(config["input_sizes"])
    painted = patch_cells({**forward, "channels": 1})  # (locations, taps)
    outputs = math.prod(config["output_sizes"])
    pairs = _met(painted, outputs)
    here, tap = pairs[..., None, 0], pairs[..., None, 1]  # (outputs, most, 1)
    c, f = np.arange(channels), np.arange(filters)
    cells = here * channels + c if last else c * locations + here
    cells = np.where(here >= 0, cells, -1)
    k = tap[..., None] * filters + f if last else f * taps + tap[..., None]
    place = (here[..., None] * (taps * filters) + k) * channels + c[:, None]
    weights = np.where(here[..., None] >= 0, place, -1)
    return Connections(
        cells.reshape(outputs, -1),
        weights.reshape(outputs, -1, filters),
        _biases(config),
    )
