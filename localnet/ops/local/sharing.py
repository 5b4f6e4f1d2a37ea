"""
Weights shared between locations: which of them use one kernel, and what that does.

An axis of locations is cut into blocks of `share`, and the blocks repeat after `tile`
of them: location o belongs to group ``(o // share) % tile``. Without repeats there is
one group per block, the *shared tiles* of a picture; with blocks of one location the
kernels alternate, as in a *tiled convolution*.

              o =   0 1 2 3 4 5 6 7
    share=2         0 0 1 1 2 2 3 3     blocks
             tile=2 0 1 0 1 0 1 0 1     repeats
    share=2, tile=2 0 0 1 1 0 0 1 1     both
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ... import _arrays, _validate
from ..._typing import Array, ArrayLike, Shape
from ...geometry import Geometry
from ...geometry.remembered import remembered
from ..runtime.workspace import Workspace

__all__ = [
    "ExpandSharedCache",
    "Sharing",
    "collect",
    "expand",
    "expand_shared_backward",
    "expand_shared_forward",
    "taps_inside",
]

Index = tuple[slice, ...]


@dataclass(frozen=True)
class Sharing:
    """
    Which locations use one kernel, and so form a group.

    Build it with `Sharing.of`, which checks and normalises every argument.

    Parameters
    ----------
    output_sizes : tuple of int
        O, the locations along each spatial axis.
    share : tuple of int
        Neighbours that use one kernel, along each axis; the last block may be smaller.
    tile : tuple of int
        Blocks along each axis after which the kernels repeat.

    Examples
    --------
    >>> sharing = Sharing.of((5, 4), share=2)
    >>> sharing.sizes, sharing.count
    ((3, 2), 6)
    """

    output_sizes: Shape
    share: Shape
    tile: Shape

    @classmethod
    def of(cls, output_sizes: Shape, share: Any = 1, tile: Any = None) -> "Sharing":
        """
        Check and complete the arguments.

        Parameters
        ----------
        output_sizes : tuple of int
            O, the locations along each spatial axis.
        share : int or tuple of int
            Block sizes; one number serves every axis.
        tile : int, tuple of int or None
            Blocks after which the kernels repeat; ``None``: never.

        Returns
        -------
        Sharing
            The checked and completed description.

        Raises
        ------
        ValueError
            If an argument breaks its rule.
        """
        return cls._checked(output_sizes, share, tile)

    @classmethod
    @remembered
    def _checked(cls, output_sizes: Shape, share: Any, tile: Any) -> "Sharing":
        output_sizes = _validate.shape("output_sizes", output_sizes, minimum=1)
        rank = len(output_sizes)
        share = _validate.sizes("share", share, rank)
        if tile is not None:
            tile = _validate.sizes("tile", tile, rank)
        return cls(output_sizes, share, output_sizes if tile is None else tile)

    @cached_property
    def sizes(self) -> Shape:
        """G, the groups along each axis."""
        return tuple(
            min(t, -(-o // s))
            for o, s, t in zip(self.output_sizes, self.share, self.tile, strict=True)
        )

    @property
    def count(self) -> int:
        """How many kernels there are, prod(G)."""
        return math.prod(self.sizes)

    @cached_property
    def is_trivial(self) -> bool:
        """Whether every location is a group of its own."""
        return self.sizes == self.output_sizes

    def members(self) -> Iterator[tuple[Index, Index]]:
        """
        Yield locations that all belong to different groups, and those groups.

        Yields
        ------
        locations : tuple of slice
            One slice per axis of O; over all pairs every location comes up once.
        groups : tuple of slice
            One slice per axis of G, in the same order.
        """
        axes = zip(self.output_sizes, self.share, self.tile, strict=True)
        for pairs in itertools.product(*(list(axis_members(*axis)) for axis in axes)):
            locations, groups = zip(*pairs, strict=True)
            yield locations, groups


def axis_members(size: int, share: int, tile: int) -> Iterator[tuple[slice, slice]]:
    """Yield (locations, groups) along one axis: place by place of each repeat."""
    for first in range(0, size, share * tile):
        for start in range(first, min(first + share, size)):
            stop = min(first + share * tile, size)
            yield slice(start, stop, share), slice(0, -(-(stop - start) // share))


def expand(weight: Array, sharing: Sharing, out: Array) -> None:
    """Write to each location of `out`, axes (*O, ...), the weight of its group."""
    for locations, groups in sharing.members():
        out[locations] = weight[groups]


def collect(dy: Array, sharing: Sharing, out: Array) -> None:
    """Write to each group of `out`, axes (*G, ...), the sum over its locations."""
    out[...] = 0
    for locations, groups in sharing.members():
        out[groups] += dy[locations]


class ExpandSharedCache(NamedTuple):
    """What `expand_shared_backward` needs: the groups, and what y is like."""

    sharing: Sharing
    shape: Shape
    dtype: np.dtype


def expand_shared_forward(
    weight: ArrayLike,
    *,
    output_sizes: Shape,
    share: Any = 1,
    tile: Any = None,
    workspace: Workspace | None = None,
) -> tuple[Array, ExpandSharedCache]:
    r"""
    Give every location the weight of its group.

    Parameters
    ----------
    weight : array_like of shape (*G, ...)
        One item per group: a kernel, a bias, anything. Not modified.
    output_sizes : tuple of int
        O, the locations along each spatial axis.
    share : int or tuple of int
        Neighbours that use one weight. The last block of an axis may be smaller; a
        block as large as the axis, or larger, makes one group of it.
    tile : int, tuple of int or None
        Blocks after which the weights repeat; ``None``: never.
    workspace : Workspace, optional
        Memory kept between calls.

    Returns
    -------
    y : ndarray of shape (*O, ...)
        A copy, in the dtype of `weight`.
    cache : ExpandSharedCache
        For `expand_shared_backward`.

    Raises
    ------
    ValueError
        If an argument breaks its rule, or `weight` has not one item per group.

    See Also
    --------
    expand_shared_backward : The sum over each group.
    shared_conv_forward : The layer that uses it.

    Notes
    -----
    With g the map from locations to groups, along each axis,

    .. math:: g(o) = \lfloor o / \mathrm{share} \rfloor \bmod \mathrm{tile}, \quad
        y_o = w_{g(o)}

    Examples
    --------
    >>> y, _ = expand_shared_forward([1.0, 2.0, 3.0], output_sizes=(5,), share=2)
    >>> y
    array([1., 1., 2., 2., 3.])
    >>> y, _ = expand_shared_forward([1.0, 2.0, 3.0], output_sizes=(5,), tile=3)
    >>> y
    array([1., 2., 3., 1., 2.])
    """
    weight = _arrays.floats("weight", weight)
    sharing = Sharing.of(output_sizes, share, tile)
    rank = len(sharing.sizes)
    if weight.shape[:rank] != sharing.sizes:
        raise ValueError(
            f"weight must have shape (*G, ...) with G = {sharing.sizes}, "
            f"got {weight.shape}"
        )
    workspace = Workspace.of(workspace)
    shape = (*sharing.output_sizes, *weight.shape[rank:])
    y = workspace.result("expanded", shape, weight.dtype)
    expand(weight, sharing, y)
    return y, ExpandSharedCache(sharing, shape, y.dtype)


def expand_shared_backward(
    dy: ArrayLike, cache: ExpandSharedCache, *, workspace: Workspace | None = None
) -> Array:
    r"""
    Compute the gradient of `expand_shared_forward`: the sum over each group.

    Parameters
    ----------
    dy : array_like of shape (*O, ...)
        Upstream gradient. Not modified.
    cache : ExpandSharedCache
        What the forward call returned.
    workspace : Workspace, optional
        As for `expand_shared_forward`.

    Returns
    -------
    ndarray of shape (*G, ...)
        In the dtype of y, summed in the order of the locations.

    Raises
    ------
    ValueError
        If `dy` does not have the shape of y.

    See Also
    --------
    expand_shared_forward : The function that this differentiates.

    Notes
    -----
    .. math:: dw_j = \sum_{o:\ g(o) = j} dy_o

    Examples
    --------
    >>> _, cache = expand_shared_forward([0.0, 0.0, 0.0], output_sizes=(5,), share=2)
    >>> expand_shared_backward([1.0, 2.0, 4.0, 8.0, 16.0], cache)
    array([ 3., 12., 16.])
    """
    _validate.instance("cache", cache, ExpandSharedCache)
    sharing, y_shape, dtype = cache
    dy = _arrays.upstream(dy, y_shape, dtype)
    workspace = Workspace.of(workspace)
    shape = (*sharing.sizes, *y_shape[len(sharing.sizes) :])
    dweight = workspace.result("collected", shape, dtype)
    collect(dy, sharing, dweight)
    return dweight


def taps_inside(geometry: Geometry, share: Any = 1, tile: Any = None) -> Array | None:
    """
    Return which taps of each kernel read the input at some location of its group.

    Parameters
    ----------
    geometry : Geometry
        Gives the windows.
    share, tile
        As for `shared_conv_forward`.

    Returns
    -------
    ndarray of bool, shape (prod(G), K, 1), or None
        False for a tap that always falls on padding; None without padding.

    Examples
    --------
    >>> geometry = Geometry.of((4, 1), kernel_size=3, padding="same")
    >>> taps_inside(geometry)[:, :, 0]
    array([[False,  True,  True],
           [ True,  True,  True],
           [ True,  True,  True],
           [ True,  True, False]])
    >>> bool(taps_inside(geometry, share=2).all())
    True
    """
    _validate.instance("geometry", geometry, Geometry)
    if not geometry.has_pads:
        return None
    g, sharing = geometry, Sharing.of(geometry.output_sizes, share, tile)
    inside: Array = np.ones((1,) * (2 * g.rank), bool)
    for axis in range(g.rank):
        # A tap is inside if it is so along each axis, at whatever member of the group.
        by_axis = Sharing(
            *((sizes[axis],) for sizes in (g.output_sizes, sharing.share, sharing.tile))
        )
        start = np.arange(g.output_sizes[axis]) * g.strides[axis] - g.pads[axis][0]
        tap = np.arange(g.kernel_size[axis]) * g.dilation_rate[axis]
        cell = start[:, np.newaxis] + tap
        counts = np.zeros((by_axis.count, len(tap)), np.intp)
        collect((cell >= 0) & (cell < g.input_sizes[axis]), by_axis, counts)
        others = tuple(a for a in range(2 * g.rank) if a not in (axis, axis + g.rank))
        inside = inside & (np.expand_dims(counts, others) > 0)
    taps = inside.reshape(sharing.count, -1, 1)
    if g.channels_last:
        return np.repeat(taps, g.channels, axis=1)
    return np.tile(taps, (1, g.channels, 1))
