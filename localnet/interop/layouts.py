"""
Kernel and bias layouts met in the field: pure permutations and masks.

Every kernel passes through one canonical layout, (L, K, F), which is Keras 2's at
``implementation=1``. Where a layout only orders the axes differently, one letter per
axis says how: ``l`` locations, ``c`` channels, ``r`` taps of the window, ``f`` filters.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import _arrays, _validate
from .._typing import Array, ArrayLike, Shape
from ..geometry import Geometry
from .connections import cells_of_units, connections, count_connections, unit_order

__all__ = ["LAYOUTS", "convert_bias", "convert_kernel", "kernel_shape"]

LAYOUTS = ("keras1", "keras2", "keras3", "jax", "torch", "6d")


class KernelLayout(NamedTuple):
    """How one framework stores a kernel, and the way to and from (L, K, F)."""

    shape: Callable[[Geometry, int], Shape]
    to_canonical: Callable[[Array, Geometry, int], Array]
    from_canonical: Callable[[Array, Geometry, int], Array]


def convert_kernel(
    kernel: ArrayLike,
    source: str,
    target: str,
    *,
    input_shape: Shape,
    kernel_size: Any,
    filters: int | None = None,
    strides: Any = 1,
    padding: Any = "valid",
    dilation_rate: Any = 1,
    data_format: str = "channels_last",
) -> Array:
    r"""
    Rewrite a locally connected kernel in another framework's layout.

    Parameters
    ----------
    kernel : array_like
        Weights in the layout `source`; see Notes for the shapes. Not modified.
    source, target : {"keras1", "keras2", "keras3", "jax", "torch", "6d"}
        Layouts: Keras 2 at implementation 1, 2 or 3,
        ``jax.lax.conv_general_dilated_local``, PyTorch's unfold idiom, and the readable
        one.
    input_shape : tuple of int
        Shape of one sample, (*S, C) or (C, *S), without the batch axis.
    kernel_size : int or tuple of int
        R, the window.
    filters : int, optional
        F. Worked out from the size of `kernel` when not given, checked when given.
    strides : int or tuple of int
        Steps between windows.
    padding : {"valid", "same"} or sequence of (int, int)
        As for `localnet.ops.local_conv_forward`.
    dilation_rate : int or tuple of int
        Steps between the taps of a window.
    data_format : {"channels_last", "channels_first"}
        Of the layer's input and output, in either layout.

    Returns
    -------
    ndarray
        The kernel in the layout `target`: a new C-contiguous array of the same dtype.

    Raises
    ------
    ValueError
        If a name is unknown, an argument breaks its rule, or the kernel's shape is not
        that of `source`.

    See Also
    --------
    convert_bias : The same for the bias.
    localnet.interop.kernel_mask : Which cells each location reads.
    localnet.interop.kernel_indices : The connections in the order of keras3.

    Notes
    -----
    ======  ========================================  ==================================
    layout  shape                                     order of the values
    ======  ========================================  ==================================
    keras1  ``(L, K, F)``                             K is (taps, channel) for
                                                      channels_last, (channel, taps) for
                                                      channels_first
    keras2  ``(*S, C, *O, F)`` or ``(C, *S, F, *O)``  a dense layer's matrix, 0 where
                                                      nothing is connected
    keras3  ``(connections,)``                        by output, then by input: C-order
                                                      indices in the layer's data format
    jax     ``(*O, C*prod(R), F)``                    channel slowest
    torch   ``(1, F, C, *O, prod(R))``                taps fastest
    6d      ``(*O, *R, C, F)``                        4 axes in 1D, 6 in 2D, 8 in 3D
    ======  ========================================  ==================================

    The last three are the same in both data formats. What keras2 holds off the mask is
    ignored. With pads, keras2 and keras3 have no place for the taps that fall outside
    the input: they are dropped on the way there, and are 0 on the way back.

    References
    ----------
    .. [1] Keras 2, ``LocallyConnected1D`` and ``LocallyConnected2D``:
       https://github.com/keras-team/tf-keras
    .. [2] JAX:
       https://docs.jax.dev/en/latest/_autosummary/jax.lax.conv_general_dilated_local.html
    .. [3] PyTorch: https://discuss.pytorch.org/t/locally-connected-layers/26979/2

    Examples
    --------
    Two locations, each with its own two weights, over an input of three cells:

    >>> kernel = [[[1], [2]], [[3], [4]]]
    >>> dense = convert_kernel(
    ...     kernel, "keras1", "keras2", input_shape=(3, 1), kernel_size=2
    ... )
    >>> dense.shape, dense.reshape(3, 2)
    ((3, 1, 2, 1), array([[1, 0],
           [2, 3],
           [0, 4]]))
    """
    source = _validate.choice("source", source, LAYOUTS)
    target = _validate.choice("target", target, LAYOUTS)
    before, after = KERNEL_LAYOUTS[source], KERNEL_LAYOUTS[target]
    geometry = Geometry.of(
        input_shape,
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        dilation_rate=dilation_rate,
        data_format=data_format,
    )
    kernel = _arrays.numbers("kernel", kernel)
    filters = _check_shape(
        "kernel", kernel, source, partial(before.shape, geometry), filters
    )
    canonical = before.to_canonical(kernel, geometry, filters)
    converted = after.from_canonical(canonical, geometry, filters)
    return _fresh(converted.reshape(after.shape(geometry, filters)), kernel)


def convert_bias(
    bias: ArrayLike,
    source: str,
    target: str,
    *,
    input_shape: Shape,
    kernel_size: Any,
    filters: int | None = None,
    strides: Any = 1,
    padding: Any = "valid",
    dilation_rate: Any = 1,
    data_format: str = "channels_last",
) -> Array:
    r"""
    Rewrite a locally connected bias in another framework's layout.

    Parameters
    ----------
    bias : array_like
        Of shape (1, F, *O) for torch and (*O, F) for the others. Not modified.
    source, target : {"keras1", "keras2", "keras3", "jax", "torch", "6d"}
        Layouts, as for `convert_kernel`.
    input_shape : tuple of int
        Shape of one sample, without the batch axis.
    kernel_size : int or tuple of int
        As for `convert_kernel`.
    filters : int, optional
        F. Worked out from the size of `bias` when not given, checked when given.
    strides : int or tuple of int
        As for `convert_kernel`.
    padding : {"valid", "same"} or sequence of (int, int)
        As for `convert_kernel`.
    dilation_rate : int or tuple of int
        As for `convert_kernel`.
    data_format : {"channels_last", "channels_first"}
        As for `convert_kernel`.

    Returns
    -------
    ndarray
        The bias in the layout `target`: a new C-contiguous array of the same dtype.

    Raises
    ------
    ValueError
        If a name is unknown, an argument breaks its rule, or the bias's shape is not
        that of `source`.

    See Also
    --------
    convert_kernel : The same for the kernel.

    Notes
    -----
    In jax and 6d ``bias[o, f]`` is what filter f adds at location o. Keras also stores
    (*O, F), in both data formats, but for channels_first it *reshapes* the array to
    (F, *O) before it adds it: the index that its shape suggests is not the one used.

    References
    ----------
    .. [1] Keras 2, ``bias_add``: https://github.com/keras-team/tf-keras

    Examples
    --------
    Two locations and two filters, channels_first:

    >>> convert_bias(
    ...     [[1, 2], [3, 4]],
    ...     "keras1",
    ...     "6d",
    ...     input_shape=(1, 3),
    ...     kernel_size=2,
    ...     data_format="channels_first",
    ... )
    array([[1, 3],
           [2, 4]])
    """
    source = _validate.choice("source", source, LAYOUTS)
    target = _validate.choice("target", target, LAYOUTS)
    geometry = Geometry.of(
        input_shape,
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        dilation_rate=dilation_rate,
        data_format=data_format,
    )
    bias = _arrays.numbers("bias", bias)
    filters = _check_shape(
        "bias", bias, source, partial(_bias_shape, source, geometry), filters
    )
    converted = _rearrange(
        bias,
        _bias_order(source, geometry),
        _bias_order(target, geometry),
        geometry,
        filters,
    )
    return _fresh(converted.reshape(_bias_shape(target, geometry, filters)), bias)


def _check_shape(
    name: str,
    array: Array,
    layout: str,
    shape: Callable[[int], Shape],
    filters: int | None,
) -> int:
    """Return F, if the array has the shape that its layout gives it."""
    if filters is None:
        per_filter = math.prod(shape(1))
        if per_filter == 0:
            raise ValueError(
                f"filters must be given for a {layout} {name} without connections, "
                "got None"
            )
        filters = max(1, array.size // per_filter)
    filters = _validate.integer("filters", filters, minimum=1)
    expected = shape(filters)
    if array.shape != expected:
        raise ValueError(
            f"{name} must have shape {expected} in layout {layout!r} with "
            f"filters={filters}, got {array.shape}"
        )
    return filters


def _fresh(converted: Array, given: Array) -> Array:
    """Return `converted` as a C-contiguous array that shares nothing with `given`."""
    shared = np.may_share_memory(converted, given)
    return np.array(converted, order="C", copy=True if shared else None)


def _rearrange(
    array: Array, before: str, after: str, geometry: Geometry, filters: int
) -> Array:
    """Read an array as the axes `before`, and reorder these to `after`."""
    sizes = {
        "l": geometry.locations,
        "c": geometry.channels,
        "r": math.prod(geometry.kernel_size),
        "f": filters,
    }
    axes = array.reshape([sizes[letter] for letter in before])
    moved: Array = np.einsum(f"{before}->{after}", axes)
    return moved


def _canonical_order(geometry: Geometry) -> str:
    return "lrcf" if geometry.channels_last else "lcrf"


def _bias_shape(layout: str, geometry: Geometry, filters: int) -> Shape:
    if layout == "torch":
        return (1, filters, *geometry.output_sizes)
    return geometry.bias_shape(filters)


def _bias_order(layout: str, geometry: Geometry) -> str:
    """Return the axes as which the memory of a bias is read when it is added."""
    if layout == "torch":
        return "fl"
    return unit_order(geometry) if layout.startswith("keras") else "lf"


def _permuted(shape: Callable[[Geometry, int], Shape], order: str) -> KernelLayout:
    """Describe a layout that holds the values of (L, K, F) with its axes reordered."""

    def to_canonical(kernel: Array, geometry: Geometry, filters: int) -> Array:
        moved = _rearrange(kernel, order, _canonical_order(geometry), geometry, filters)
        return moved.reshape(geometry.kernel_shape(filters))

    def from_canonical(kernel: Array, geometry: Geometry, filters: int) -> Array:
        return _rearrange(kernel, _canonical_order(geometry), order, geometry, filters)

    return KernelLayout(shape, to_canonical, from_canonical)


def _from_sparse(weights: Array, geometry: Geometry, filters: int) -> Array:
    cells = cells_of_units(geometry, filters)
    rows = np.zeros(cells.shape, weights.dtype)
    rows[cells >= 0] = weights
    canonical: Array = np.einsum(f"{unit_order(geometry)}k->lkf", rows)
    return canonical


def _to_sparse(kernel: Array, geometry: Geometry, filters: int) -> Array:
    rows: Array = np.einsum(f"lkf->{unit_order(geometry)}k", kernel)
    return rows[cells_of_units(geometry, filters) >= 0]


def _from_dense(kernel: Array, geometry: Geometry, filters: int) -> Array:
    unit, cell = connections(geometry, filters)
    matrix = kernel.reshape(-1, geometry.locations * filters)
    return _from_sparse(matrix[cell, unit], geometry, filters)


def _to_dense(kernel: Array, geometry: Geometry, filters: int) -> Array:
    unit, cell = connections(geometry, filters)
    cells, units = math.prod(geometry.input_shape), geometry.locations * filters
    matrix = np.zeros((cells, units), kernel.dtype)
    matrix[cell, unit] = _to_sparse(kernel, geometry, filters)
    return matrix


def kernel_shape(layout: str, geometry: Geometry, filters: int) -> Shape:
    """
    Return the shape of a kernel in a layout.

    Parameters
    ----------
    layout : {"keras1", "keras2", "keras3", "jax", "torch", "6d"}
        As for `convert_kernel`.
    geometry : Geometry
        The windows. For keras3 their connections are counted, which takes memory for
        one index per patch element; for the others nothing is created.
    filters : int
        F.

    Returns
    -------
    tuple of int
        The shape.

    Examples
    --------
    >>> g = Geometry.of((4, 1), kernel_size=2)
    >>> kernel_shape("keras2", g, 3), kernel_shape("keras3", g, 3)
    ((4, 1, 3, 3), (18,))
    """
    return KERNEL_LAYOUTS[layout].shape(geometry, filters)


def _as_given(kernel: Array, geometry: Geometry, filters: int) -> Array:
    return kernel


KERNEL_LAYOUTS: dict[str, KernelLayout] = {
    "keras1": KernelLayout(Geometry.kernel_shape, _as_given, _as_given),
    "keras2": KernelLayout(
        lambda g, f: (*g.input_shape, *g.sample_shape(g.output_sizes, f)),
        _from_dense,
        _to_dense,
    ),
    "keras3": KernelLayout(
        lambda g, f: (count_connections(g, f),),
        _from_sparse,
        _to_sparse,
    ),
    "jax": _permuted(lambda g, f: (*g.output_sizes, g.patch_size, f), "lcrf"),
    "torch": _permuted(
        lambda g, f: (1, f, g.channels, *g.output_sizes, math.prod(g.kernel_size)),
        "fclr",
    ),
    "6d": _permuted(
        lambda g, f: (*g.output_sizes, *g.kernel_size, g.channels, f), "lrcf"
    ),
}
