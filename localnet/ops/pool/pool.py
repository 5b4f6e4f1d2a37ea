"""Pooling: the maximum or the mean of every window, channel by channel."""

import operator
from typing import Any, NamedTuple

import numpy as np

from ... import _arrays, _validate
from ..._typing import Array, ArrayLike, Shape
from ...geometry import Geometry
from ..runtime.pieces import row_pieces
from ..runtime.workspace import Workspace
from .windows import (
    Index,
    add_to_windows,
    cells_in_windows,
    pool_geometry,
    split_shape,
    sum_windows,
    taps_on_cells,
)

__all__ = [
    "AveragePoolCache",
    "MaxPoolCache",
    "average_pool_backward",
    "average_pool_forward",
    "max_pool_backward",
    "max_pool_forward",
]


class MaxPoolCache(NamedTuple):
    """What `max_pool_backward` needs: references, not copies."""

    x: Array
    y: Array
    geometry: Geometry


class AveragePoolCache(NamedTuple):
    """What `average_pool_backward` needs."""

    shape: Shape
    dtype: np.dtype
    geometry: Geometry


def max_pool_forward(
    x: ArrayLike,
    *,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str = "channels_last",
    workspace: Workspace | None = None,
) -> tuple[Array, MaxPoolCache]:
    r"""
    Take the maximum of every window.

    Parameters
    ----------
    x : array_like of shape (N, *S, C) or (N, C, *S)
        Real images, with one spatial axis or more. Not modified.
    pool_size : int or tuple of int
        R, the window; one number serves every spatial axis.
    strides : int or tuple of int, optional
        Step between windows; default: `pool_size`.
    padding : {"valid", "same"}
        ``same``: ``ceil(S / strides)`` windows, placed as by TensorFlow; what they have
        outside the image does not count.
    data_format : {"channels_last", "channels_first"}
        Where the channel axis stands.
    workspace : Workspace, optional
        Memory kept between calls; y and cache are then valid until the next one.

    Returns
    -------
    y : ndarray of shape (N, *O, C) or (N, C, *O)
        Maxima, in the dtype of `x`.
    cache : MaxPoolCache
        For `max_pool_backward`.

    Raises
    ------
    ValueError
        If an argument breaks its rule, or no window fits into an axis.

    See Also
    --------
    max_pool_backward : The gradient of this function.

    Notes
    -----
    .. math:: y_{noc} = \max_t x_{n,\,o s - \mathrm{before} + t,\,c}

    As TensorFlow does on a CPU, NaN is passed over, and where a window holds nothing
    but NaN or minus infinity the result is the lowest finite number.

    Examples
    --------
    >>> y, _ = max_pool_forward([[[1.0], [3.0], [2.0], [0.0]]], pool_size=2)
    >>> y[0, :, 0]
    array([3., 2.])
    """
    x = _arrays.reals("x", x)
    split_shape(x, data_format)
    g = pool_geometry(
        x.shape[1:],
        pool_size=pool_size,
        strides=strides,
        padding=padding,
        data_format=data_format,
    )
    workspace = Workspace.of(workspace)
    y = workspace.result("y", _result_shape(x, g), x.dtype)
    taps = list(taps_on_cells(g))
    for samples in row_pieces(x.shape):
        image, top = x[samples], y[samples]
        top.fill(np.finfo(x.dtype).min)
        for windows, cells in taps:
            np.fmax(top[windows], image[cells], out=top[windows])
    return y, MaxPoolCache(x, y, g)


def max_pool_backward(
    dy: ArrayLike, cache: MaxPoolCache, *, workspace: Workspace | None = None
) -> Array:
    r"""
    Compute the gradient of `max_pool_forward`: it goes where the maximum was found.

    See Also
    --------
    max_pool_forward : The function that this differentiates.

    Notes
    -----
    .. math::
        dx_{nic} = \sum_{o:\ t^*_{noc} = i - o s + \mathrm{before}} dy_{noc}

    Here :math:`t^*` is the tap at which a walk through the window in row-major order
    ends that starts at its first cell and goes on only to greater values: the first
    maximum, or the first cell if that is NaN. TensorFlow's CPU does so in 1D and 2D; in
    3D it gives the whole of dy to every maximum, which is no derivative, so that is not
    followed.
    """
    _validate.instance("cache", cache, MaxPoolCache)
    x, y, g = cache
    dy = _arrays.upstream(dy, y.shape, y.dtype)
    workspace = Workspace.of(workspace)
    dx = workspace.result("dx", x.shape, x.dtype)
    taps = list(taps_on_cells(g))
    # A cell that no other window has gets its gradient, and others have to be added.
    apart = all(map(operator.le, g.kernel_size, g.strides))
    for samples in row_pieces(x.shape):
        image, dimage, dy_piece = x[samples], dx[samples], dy[samples]
        dimage.fill(0)
        if not image.size:
            continue
        is_odd = not np.isfinite(image.min())
        found = _where_walks_end(image, g, taps) if is_odd else y[samples]
        searching = workspace.take("searching", found.shape, "bool")
        hits = workspace.take("hits", found.shape, "bool")
        part = workspace.take("part", found.shape, y.dtype)
        searching.fill(True)
        for windows, cells in taps:
            hit, left = hits[windows], searching[windows]
            np.equal(image[cells], found[windows], out=hit)
            if is_odd:
                hit |= np.isnan(image[cells]) & np.isnan(found[windows])
            hit &= left
            left ^= hit
            met = dimage[cells]
            if apart:
                _select(hit, dy_piece[windows], met)
            else:
                _select(hit, dy_piece[windows], part[windows])
                np.add(met, part[windows], out=met)
    return dx


def _where_walks_end(x: Array, g: Geometry, taps: list[tuple[Index, Index]]) -> Array:
    """Return the value of each window's cell that gets the gradient."""
    found = x
    axes = range(1, 1 + g.rank) if g.channels_last else range(2, 2 + g.rank)
    for axis, o, s, (before, _) in zip(
        axes, g.output_sizes, g.strides, g.pads, strict=True
    ):
        first = np.maximum(0, np.arange(o) * s - before)
        found = found.take(first, axis=axis)
    for windows, cells in taps:
        np.copyto(found[windows], x[cells], where=x[cells] > found[windows])
    return found


def _select(mask: Array, values: Array, out: Array) -> None:
    """Write `values` where `mask` holds and 0 elsewhere."""
    if values.itemsize > 8:
        out[...] = np.where(mask, values, 0)
        return
    # Bits times 0 or 1: much faster than a choice, and exact for infinities as well.
    bits = f"u{values.itemsize}"
    np.multiply(mask, values.view(bits), out=out.view(bits))


def average_pool_forward(
    x: ArrayLike,
    *,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str = "channels_last",
    workspace: Workspace | None = None,
) -> tuple[Array, AveragePoolCache]:
    r"""
    Take the mean of every window.

    Parameters
    ----------
    x : array_like of shape (N, *S, C) or (N, C, *S)
        Images, with one spatial axis or more. Not modified.
    pool_size : int or tuple of int
        R, the window; one number serves every spatial axis.
    strides : int or tuple of int, optional
        Step between windows; default: `pool_size`.
    padding : {"valid", "same"}
        ``same``: ``ceil(S / strides)`` windows, placed as by TensorFlow; the mean is
        that of the cells inside the image.
    data_format : {"channels_last", "channels_first"}
        Where the channel axis stands.
    workspace : Workspace, optional
        Memory kept between calls; y is then valid until the next one.

    Returns
    -------
    y : ndarray of shape (N, *O, C) or (N, C, *O)
        Means, in the dtype of `x`; float16 is summed in float32.
    cache : AveragePoolCache
        For `average_pool_backward`.

    Raises
    ------
    ValueError
        If an argument breaks its rule, or no window fits into an axis.

    See Also
    --------
    average_pool_backward : The gradient of this function.

    Notes
    -----
    With m the number of taps of window o that lie inside the image,

    .. math:: y_{noc} = \frac{1}{m_o} \sum_t x_{n,\,o s - \mathrm{before} + t,\,c}

    Examples
    --------
    >>> x = [[[1.0], [3.0], [2.0]]]
    >>> y, _ = average_pool_forward(x, pool_size=2, padding="same")
    >>> y[0, :, 0]
    array([2., 2.])
    """
    x = _arrays.floats("x", x)
    split_shape(x, data_format)
    g = pool_geometry(
        x.shape[1:],
        pool_size=pool_size,
        strides=strides,
        padding=padding,
        data_format=data_format,
    )
    workspace = Workspace.of(workspace)
    y = workspace.result("y", _result_shape(x, g), x.dtype)
    total = _accumulator(y, workspace)
    sum_windows(x, g, total)
    total /= _divisors(g, total.dtype)
    if total is not y:
        y[...] = total
    return y, AveragePoolCache(x.shape, x.dtype, g)


def average_pool_backward(
    dy: ArrayLike, cache: AveragePoolCache, *, workspace: Workspace | None = None
) -> Array:
    r"""
    Compute the gradient of `average_pool_forward`.

    See Also
    --------
    average_pool_forward : The function that this differentiates.

    Notes
    -----
    .. math:: dx_{nic} = \sum_{o,t:\ o s - \mathrm{before} + t = i} dy_{noc} / m_o
    """
    _validate.instance("cache", cache, AveragePoolCache)
    shape, dtype, g = cache
    y_shape = (shape[0], *g.sample_shape(g.output_sizes, g.channels))
    dy = _arrays.upstream(dy, y_shape, dtype)
    workspace = Workspace.of(workspace)
    dx = workspace.result("dx", shape, dtype)
    total = _accumulator(dx, workspace)
    share = workspace.take("share", y_shape, total.dtype)
    np.divide(dy, _divisors(g, total.dtype), out=share)
    add_to_windows(share, g, total)
    if total is not dx:
        dx[...] = total
    return dx


def _result_shape(x: Array, g: Geometry) -> Shape:
    return (len(x), *g.sample_shape(g.output_sizes, g.channels))


def _divisors(g: Geometry, dtype: np.dtype) -> Array:
    real = np.empty(0, dtype).real.dtype
    return cells_in_windows(g).astype(real)


def _accumulator(result: Array, workspace: Workspace) -> Array:
    """Return where sums are made: the result itself, or float32 for float16."""
    wide = np.result_type(result.dtype, np.float32)
    if wide == result.dtype:
        return result
    return workspace.take("sums", result.shape, wide)
