"""Images on their way in and out: pads around them, and the order of their axes."""

import numpy as np

from .._typing import Array
from ..geometry import Geometry
from .runtime.workspace import Workspace

__all__ = [
    "batch_after_locations",
    "batch_first_view",
    "batch_last_view",
    "by_location",
    "channels_last_view",
    "crop",
    "from_locations",
    "pad",
]


def pad(x: Array, geometry: Geometry, workspace: Workspace | None = None) -> Array:
    """
    Return `x` with the pads of the geometry around its spatial axes.

    Parameters
    ----------
    x : ndarray of shape (N, *S, C) or (N, C, *S)
        Images in the data format of the geometry. Not modified.
    geometry : Geometry
        Gives the pads and what they hold.
    workspace : Workspace, optional
        Where the result is kept.

    Returns
    -------
    ndarray
        A new array, or `x` itself when there is nothing to add.
    """
    if not geometry.has_pads:
        return x
    workspace = Workspace.of(workspace)
    sizes = geometry.sample_shape(geometry.padded_sizes, geometry.channels)
    padded = workspace.result("padded", (len(x), *sizes), x.dtype)
    padded[...] = geometry.pad_value
    padded[_inside(geometry)] = x
    return padded


def crop(padded: Array, geometry: Geometry) -> Array:
    """Return the view of a padded image that `pad` was given."""
    return padded[_inside(geometry)]


def _inside(geometry: Geometry) -> tuple[slice, ...]:
    spatial = tuple(
        slice(before, before + n)
        for n, (before, _) in zip(geometry.input_sizes, geometry.pads, strict=True)
    )
    if geometry.channels_last:
        return (slice(None), *spatial)
    return (slice(None), slice(None), *spatial)


def channels_last_view(x: Array, geometry: Geometry) -> Array:
    """Return a view of `x` with its channel axis moved last."""
    return x if geometry.channels_last else np.moveaxis(x, 1, -1)


def batch_after_locations(a: Array) -> Array:
    """Return a view of `a`, axes (N, *O, K), with the axes (*O, N, K)."""
    return a.transpose(*range(1, a.ndim - 1), 0, a.ndim - 1)


def batch_last_view(a: Array) -> Array:
    """Return a view of `a` with its first axis moved last."""
    return a.transpose(*range(1, a.ndim), 0)


def batch_first_view(a: Array) -> Array:
    """Return a view of `a` with its last axis moved first."""
    return a.transpose(a.ndim - 1, *range(a.ndim - 1))


def by_location(y: Array, geometry: Geometry) -> Array:
    """Return `y`, shape (N, *O, F) or (N, F, *O), with the axes (N, L, F)."""
    filters = y.shape[-1 if geometry.channels_last else 1]
    flat = geometry.sample_shape((geometry.locations,), filters)
    return channels_last_view(y.reshape(len(y), *flat), geometry)


def from_locations(z: Array, geometry: Geometry) -> Array:
    """Return `z`, shape (N, L, F), as y in the data format; undoes `by_location`."""
    n, _, filters = z.shape
    if not geometry.channels_last:
        z = np.ascontiguousarray(z.swapaxes(1, 2))
    return z.reshape(n, *geometry.sample_shape(geometry.output_sizes, filters))
