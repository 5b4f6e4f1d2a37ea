"""
Kernels of low rank: those of all locations are mixtures of a few, the basis.

`mix_kernels` makes them, from the share that each basis kernel has at each location.
`outer_sum` makes such shares out of one small table per axis, and `located_bias` a bias
for every location out of one for every filter and one for every place on each axis.
"""

import functools
from typing import NamedTuple

import numpy as np

from ... import _arrays, _validate
from ..._typing import Array, ArrayLike, Shape
from ...geometry import Geometry
from ..runtime.workspace import Workspace
from .bias import bias_at_locations

__all__ = [
    "LocatedBiasCache",
    "MixKernelsCache",
    "MixKernelsGrads",
    "OuterSumCache",
    "located_bias_backward",
    "located_bias_forward",
    "mix_kernels_backward",
    "mix_kernels_forward",
    "outer_sum_backward",
    "outer_sum_forward",
]


class MixKernelsCache(NamedTuple):
    """What `mix_kernels_backward` needs: references, not copies."""

    mixture: Array
    basis: Array


class MixKernelsGrads(NamedTuple):
    """Gradients of `mix_kernels_forward`, in the order of its arguments."""

    dmixture: Array
    dbasis: Array


def mix_kernels_forward(
    mixture: ArrayLike, basis: ArrayLike, *, workspace: Workspace | None = None
) -> tuple[Array, MixKernelsCache]:
    r"""
    Make the kernel of every location out of a few.

    Parameters
    ----------
    mixture : array_like of shape (L, rank)
        How much of each basis kernel every location has. Not modified.
    basis : array_like of shape (rank, K, F)
        The basis. Not modified.
    workspace : Workspace, optional
        Memory kept between calls.

    Returns
    -------
    y : ndarray of shape (L, K, F)
        The kernel for `local_conv_forward`; dtype by ``np.result_type``.
    cache : MixKernelsCache
        For `mix_kernels_backward`; valid until an argument is written to.

    Raises
    ------
    ValueError
        If the shapes do not fit each other.

    See Also
    --------
    mix_kernels_backward : The gradient of this function.

    Notes
    -----
    .. math:: w_{lkf} = \sum_r a_{lr} v_{rkf}

    As a matrix with a row for each location the kernel has this rank at most.

    References
    ----------
    .. [1] G. F. Elsayed, P. Ramachandran, J. Shlens and S. Kornblith, "Revisiting
       spatial invariance with low-rank local connectivity", 2020, arXiv:2002.02959.

    Examples
    --------
    Three locations between a sum and a difference.

    >>> basis = [[[1.0], [1.0]], [[-1.0], [1.0]]]
    >>> kernel, _ = mix_kernels_forward([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]], basis)
    >>> kernel[:, :, 0]
    array([[ 1.,  1.],
           [ 0.,  1.],
           [-1.,  1.]])
    """
    mixture = _arrays.floats("mixture", mixture)
    basis = _arrays.floats("basis", basis)
    if mixture.ndim != 2 or basis.ndim != 3 or mixture.shape[1] != len(basis):
        raise ValueError(
            "mixture must have shape (L, rank) for a basis of shape (rank, K, F), "
            f"got {mixture.shape} for {basis.shape}"
        )
    dtype = np.result_type(mixture, basis)
    mixture, basis = mixture.astype(dtype, copy=False), basis.astype(dtype, copy=False)
    workspace = Workspace.of(workspace)
    shape = (len(mixture), *basis.shape[1:])
    kernel = workspace.result("mixed kernel", shape, dtype)
    # w[l,k,f] = sum_r a[l,r] v[r,k,f]
    np.matmul(mixture, flat(basis), out=flat(kernel))
    return kernel, MixKernelsCache(mixture, basis)


def mix_kernels_backward(
    dy: ArrayLike, cache: MixKernelsCache, *, workspace: Workspace | None = None
) -> MixKernelsGrads:
    r"""
    Compute the gradients of `mix_kernels_forward`.

    Parameters
    ----------
    dy : array_like of shape (L, K, F)
        Upstream gradient, that of the kernel. Not modified.
    cache : MixKernelsCache
        What the forward call returned.
    workspace : Workspace, optional
        As for `mix_kernels_forward`.

    Returns
    -------
    MixKernelsGrads
        ``(dmixture, dbasis)``.

    Raises
    ------
    ValueError
        If `dy` does not have the shape of y.

    See Also
    --------
    mix_kernels_forward : The function that this differentiates.

    Notes
    -----
    .. math::
        da_{lr} = \sum_{kf} dw_{lkf} v_{rkf}, \quad
        dv_{rkf} = \sum_l a_{lr} dw_{lkf}
    """
    _validate.instance("cache", cache, MixKernelsCache)
    mixture, basis = cache
    shape = (len(mixture), *basis.shape[1:])
    dy = _arrays.upstream(dy, shape, basis.dtype)
    workspace = Workspace.of(workspace)
    dmixture = workspace.result("dmixture", mixture.shape, dy.dtype)
    dbasis = workspace.result("dbasis", basis.shape, dy.dtype)
    # da[l,r] = sum_kf dw[l,k,f] v[r,k,f]
    np.matmul(flat(dy), flat(basis).T, out=dmixture)
    # dv[r,k,f] = sum_l a[l,r] dw[l,k,f]
    np.matmul(mixture.T, flat(dy), out=flat(dbasis))
    return MixKernelsGrads(dmixture, dbasis)


def flat(kernel: Array) -> Array:
    """Return kernels as rows, (L, K, F) as (L, K*F)."""
    locations, patch_size, filters = kernel.shape
    return kernel.reshape(locations, patch_size * filters)


class OuterSumCache(NamedTuple):
    """What `outer_sum_backward` needs: what the tables and y are like."""

    shapes: tuple[Shape, ...]
    dtype: np.dtype


def outer_sum_forward(*tables: ArrayLike) -> tuple[Array, OuterSumCache]:
    r"""
    Add up one table per axis, each spread over the other axes.

    Parameters
    ----------
    *tables : array_like of shape (O_a, M)
        M values for every place on axis a. Not modified.

    Returns
    -------
    y : ndarray of shape (*O, M)
        Dtype by ``np.result_type``.
    cache : OuterSumCache
        For `outer_sum_backward`.

    Raises
    ------
    ValueError
        If there is no table, or one has another M or other than two axes.

    See Also
    --------
    outer_sum_backward : The gradient of this function.

    Notes
    -----
    .. math:: y_{o_1 \ldots o_d m} = t^1_{o_1 m} + \ldots + t^d_{o_d m}

    Examples
    --------
    >>> y, _ = outer_sum_forward([[1.0], [2.0]], [[10.0], [20.0], [30.0]])
    >>> y[:, :, 0]
    array([[11., 21., 31.],
           [12., 22., 32.]])
    """
    arrays = [_arrays.floats("table", table) for table in tables]
    shapes = tuple(array.shape for array in arrays)
    if not shapes or any(len(s) != 2 or s[1] != shapes[0][-1] for s in shapes):
        raise ValueError(
            "tables must have shapes (O_a, M) with one M, got "
            f"{', '.join(map(str, shapes)) or 'none'}"
        )
    rank = len(arrays)
    spread = [
        np.expand_dims(array, tuple(a for a in range(rank) if a != axis))
        for axis, array in enumerate(arrays)
    ]
    y = functools.reduce(np.add, spread)
    return y.copy() if rank == 1 else y, OuterSumCache(shapes, y.dtype)


def outer_sum_backward(dy: ArrayLike, cache: OuterSumCache) -> tuple[Array, ...]:
    r"""
    Compute the gradients of `outer_sum_forward`.

    Parameters
    ----------
    dy : array_like of shape (*O, M)
        Upstream gradient. Not modified.
    cache : OuterSumCache
        What the forward call returned.

    Returns
    -------
    tuple of ndarray
        One for each table, in its shape: the sum of `dy` over the other axes.

    Raises
    ------
    ValueError
        If `dy` does not have the shape of y.

    See Also
    --------
    outer_sum_forward : The function that this differentiates.

    Notes
    -----
    .. math:: dt^a_{im} = \sum_{o:\ o_a = i} dy_{om}
    """
    _validate.instance("cache", cache, OuterSumCache)
    shapes, dtype = cache
    dy = _arrays.upstream(dy, (*(size for size, _ in shapes), shapes[0][1]), dtype)
    axes = range(len(shapes))
    return tuple(
        np.add.reduce(dy, axis=tuple(a for a in axes if a != axis))
        if len(shapes) > 1
        else dy.copy()
        for axis in axes
    )


class LocatedBiasCache(NamedTuple):
    """What `located_bias_backward` needs: shapes."""

    tables: OuterSumCache
    places: int
    geometry: Geometry


def located_bias_forward(
    bias: ArrayLike,
    *places: ArrayLike,
    geometry: Geometry,
    workspace: Workspace | None = None,
) -> tuple[Array, LocatedBiasCache]:
    r"""
    Make the bias of every location out of parts.

    Parameters
    ----------
    bias : array_like of shape (F,)
        One number for every filter.
    *places : array_like of shape (O_a,)
        Nothing, or one number for every place on each axis, or all in one of shape
        (L,).
    geometry : Geometry
        Gives the locations and the data format.
    workspace : Workspace, optional
        Memory kept between calls.

    Returns
    -------
    y : ndarray of shape (*O, F)
        As `local_conv_forward` takes it: for channels_first it is to be reshaped.
    cache : LocatedBiasCache
        For `located_bias_backward`.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    See Also
    --------
    located_bias_backward : The gradient of this function.

    Notes
    -----
    .. math:: y_{o_1 \ldots o_d f} = b_f + s^1_{o_1} + \ldots + s^d_{o_d}

    Examples
    --------
    >>> geometry = Geometry.of((3, 2, 1), kernel_size=1)
    >>> rows, columns = [1.0, 2.0, 3.0], [10.0, 20.0]
    >>> y, _ = located_bias_forward([0.5], rows, columns, geometry=geometry)
    >>> y[:, :, 0]
    array([[11.5, 21.5],
           [12.5, 22.5],
           [13.5, 23.5]])
    """
    _validate.instance("geometry", geometry, Geometry)
    parts = [
        _arrays.floats("bias", bias),
        *(_arrays.floats("places", p) for p in places),
    ]
    sizes = tuple(part.shape for part in parts[1:])
    fitting = ((), tuple((o,) for o in geometry.output_sizes), ((geometry.locations,),))
    if parts[0].ndim != 1 or sizes not in fitting:
        raise ValueError(
            "bias and places must have shapes (F,) and (O_a,) for the axes "
            f"{geometry.output_sizes}, got {', '.join(str(p.shape) for p in parts)}"
        )
    nowhere = np.zeros((geometry.locations, 1), parts[0].dtype)
    tables = [part[:, np.newaxis] for part in parts[1:]] or [nowhere]
    total, cache = outer_sum_forward(*tables, parts[0][:, np.newaxis])
    workspace = Workspace.of(workspace)
    shape = geometry.bias_shape(len(parts[0]))
    y = workspace.result("located bias", shape, total.dtype)
    bias_at_locations(y, geometry)[...] = total.reshape(shape)
    return y, LocatedBiasCache(cache, len(places), geometry)


def located_bias_backward(dy: ArrayLike, cache: LocatedBiasCache) -> tuple[Array, ...]:
    r"""
    Compute the gradients of `located_bias_forward`.

    Parameters
    ----------
    dy : array_like of shape (*O, F)
        Upstream gradient. Not modified.
    cache : LocatedBiasCache
        What the forward call returned.

    Returns
    -------
    tuple of ndarray
        ``(dbias, *dplaces)``.

    Raises
    ------
    ValueError
        If `dy` does not have the shape of y.

    See Also
    --------
    located_bias_forward : The function that this differentiates.

    Notes
    -----
    .. math::
        db_f = \sum_o dy_{of}, \quad ds^a_i = \sum_{o:\ o_a = i} \sum_f dy_{of}
    """
    _validate.instance("cache", cache, LocatedBiasCache)
    tables, places, geometry = cache
    sizes = [size for size, _ in tables.shapes]
    dy = _arrays.upstream(dy, geometry.bias_shape(sizes[-1]), tables.dtype)
    at_locations = bias_at_locations(dy, geometry).reshape(*sizes, 1)
    *dplaces, dbias = (
        table[:, 0] for table in outer_sum_backward(at_locations, tables)
    )
    return dbias, *dplaces[:places]
