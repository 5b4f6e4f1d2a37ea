"""
Shared weights as free ones, and the nearest shared ones of free ones.

Shared weights are a linear subspace of the free ones: `free_kernel` and `free_bias` go
into it exactly; `shared_kernel` and `shared_bias` are the least squares on the way
back, which are means over the locations.
"""

import math

import numpy as np

from ... import _arrays, _validate
from ..._typing import Array, ArrayLike
from ...geometry import Geometry
from ..conv.groups import checked_groups, split_filters
from ..conv.kernel import kernel_as_matrix, matrix_as_kernel
from .bias import bias_in_y
from .sharing import taps_inside

__all__ = [
    "free_bias",
    "free_kernel",
    "shared_bias",
    "shared_kernel",
]


def free_kernel(kernel: ArrayLike, geometry: Geometry, *, groups: int = 1) -> Array:
    """
    Give every location the kernel of a convolution.

    Parameters
    ----------
    kernel : array_like of shape (*R, C/groups, F)
        As for `localnet.ops.conv_forward`. Not modified.
    geometry : Geometry
        The windows.
    groups : int
        Parts of the channels; the weights between parts are 0.

    Returns
    -------
    ndarray of shape (L, K, F)
        For `localnet.ops.local_conv_forward`; 0 where a tap meets zeros of the pads.

    Raises
    ------
    ValueError
        If the kernel does not fit the geometry.

    See Also
    --------
    shared_kernel : The way back.

    Examples
    --------
    >>> g = Geometry.of((4, 1), kernel_size=2)
    >>> free_kernel([[[1.0]], [[2.0]]], g)[:, :, 0]
    array([[1., 2.],
           [1., 2.],
           [1., 2.]])
    """
    _validate.instance("geometry", geometry, Geometry)
    kernel = _arrays.floats("kernel", kernel)
    channels = geometry.channels
    groups = _validate.integer("groups", groups, minimum=1)
    window = (*geometry.kernel_size, channels // groups)
    if kernel.ndim != geometry.rank + 2 or kernel.shape[:-1] != window:
        raise ValueError(
            f"kernel must have shape (*R, C/groups, F) = ({str(window)[1:-1]}, F), "
            f"got {kernel.shape}"
        )
    groups = checked_groups(groups, channels, kernel.shape[-1])
    whole = kernel
    if groups > 1:
        whole = np.zeros(
            (*geometry.kernel_size, channels, kernel.shape[-1]), kernel.dtype
        )
        parts = zip(
            split_filters(whole, groups), split_filters(kernel, groups), strict=True
        )
        for group, (target, source) in enumerate(parts):
            np.split(target, groups, axis=-2)[group][...] = source
    free = np.empty(geometry.kernel_shape(whole.shape[-1]), kernel.dtype)
    free[...] = kernel_as_matrix(whole, geometry)
    counts = _counting_taps(geometry)
    if counts is not None:
        np.copyto(free, 0, where=~counts)
    return free


def shared_kernel(kernel: ArrayLike, geometry: Geometry) -> tuple[Array, float]:
    r"""
    Find the convolution's kernel that is nearest to free ones.

    Parameters
    ----------
    kernel : array_like of shape (L, K, F)
        As for `localnet.ops.local_conv_forward`. Not modified.
    geometry : Geometry
        The windows.

    Returns
    -------
    shared : ndarray of shape (*R, C, F)
        The mean over the locations where a tap does not meet zeros of the pads; 0 where
        there is none. Exact, to the bit, if the kernels there are equal.
    residual : float
        The Euclidean norm of what is lost, divided by that of the kernel.

    Raises
    ------
    ValueError
        If the kernel does not fit the geometry.

    See Also
    --------
    free_kernel : The way back.

    Notes
    -----
    It minimises, with m the taps that count,

    .. math:: \sum_{lkf} m_{lk} (w_{lkf} - v_{kf})^2

    Examples
    --------
    >>> g = Geometry.of((3, 1), kernel_size=2)
    >>> shared, residual = shared_kernel([[[3.0], [0.0]], [[3.0], [2.0]]], g)
    >>> shared[:, 0, 0], residual == (2 / 22) ** 0.5
    (array([3., 1.]), True)
    """
    _validate.instance("geometry", geometry, Geometry)
    kernel = _arrays.floats("kernel", kernel)
    geometry.check_kernel(kernel.shape)
    counts = _counting_taps(geometry)
    if counts is None:
        counts = np.ones((1, 1, 1), bool)
    shared, residual = _nearest(kernel, counts)
    return np.ascontiguousarray(matrix_as_kernel(shared, geometry)), residual


def free_bias(bias: ArrayLike, geometry: Geometry) -> Array:
    """
    Give every location the bias of a convolution.

    Parameters
    ----------
    bias : array_like of shape (F,)
        One number per filter. Not modified.
    geometry : Geometry
        The windows.

    Returns
    -------
    ndarray of shape (*O, F)
        As `localnet.ops.local_conv_forward` stores it, in either data format.

    See Also
    --------
    shared_bias : The way back.
    """
    _validate.instance("geometry", geometry, Geometry)
    bias = _arrays.floats("bias", bias)
    if bias.ndim != 1:
        raise ValueError(f"bias must have shape (F,), got {bias.shape}")
    free = np.empty(geometry.bias_shape(len(bias)), bias.dtype)
    bias_in_y(free, geometry)[...] = bias_in_y(bias, geometry)
    return free


def shared_bias(bias: ArrayLike, geometry: Geometry) -> tuple[Array, float]:
    """
    Find the bias per filter that is nearest to an untied one.

    Parameters
    ----------
    bias : array_like of shape (*O, F)
        As for `localnet.ops.local_conv_forward`. Not modified.
    geometry : Geometry
        The windows.

    Returns
    -------
    shared : ndarray of shape (F,)
        The mean over the locations; exact, to the bit, if all are equal.
    residual : float
        The Euclidean norm of what is lost, divided by that of the bias.

    Raises
    ------
    ValueError
        If the bias does not fit the geometry.

    See Also
    --------
    free_bias : The way back.
    """
    _validate.instance("geometry", geometry, Geometry)
    bias = _arrays.floats("bias", bias)
    filters = bias.shape[-1] if bias.ndim else 0
    if bias.shape != geometry.bias_shape(filters):
        raise ValueError(
            f"bias must have shape (*O, F) = {geometry.bias_shape(filters)}, "
            f"got {bias.shape}"
        )
    read = bias_in_y(bias, geometry)
    if not geometry.channels_last:
        read = np.moveaxis(read, 0, -1)
    return _nearest(read.reshape(geometry.locations, filters), np.ones((1, 1), bool))


def _counting_taps(geometry: Geometry) -> Array | None:
    """Return where, (L, K, 1), a weight meets anything but zeros; None: everywhere."""
    return taps_inside(geometry) if geometry.pad_value == 0 else None


def _nearest(free: Array, counts: Array) -> tuple[Array, float]:
    """Return the mean over axis 0 where it counts, and the relative residual."""
    everywhere = np.broadcast_to(counts, (len(free), *counts.shape[1:]))
    # Equal numbers have no differences, so that their mean has no rounding.
    first = everywhere.argmax(axis=0)[np.newaxis]
    start = np.take_along_axis(free, np.broadcast_to(first, (1, *free.shape[1:])), 0)[0]
    apart = np.where(counts, free - start, 0)
    number = np.maximum(1, everywhere.sum(axis=0))
    shared = start + (apart.sum(axis=0, dtype=np.float64) / number).astype(free.dtype)
    shared = np.where(everywhere.any(axis=0), shared, 0).astype(free.dtype)
    lost = _norm(np.where(counts, free - shared, 0))
    whole = _norm(np.where(counts, free, 0))
    return shared, lost / whole if whole else 0.0


def _norm(a: Array) -> float:
    return math.sqrt(np.square(a, dtype=np.float64).sum())
