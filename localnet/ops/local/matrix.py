"""The layer as the band matrix that it is."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _arrays
from ..._typing import ArrayLike, Shape
from ...geometry import Geometry
from ..patches import patch_indices

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["local_conv_matrix"]


def local_conv_matrix(
    kernel: ArrayLike,
    input_shape: Shape,
    *,
    kernel_size: Any,
    strides: Any = 1,
    padding: Any = "valid",
    dilation_rate: Any = 1,
    data_format: str = "channels_last",
) -> "csr_array":
    r"""
    Write a locally connected layer as a sparse matrix.

    A dense layer is a full matrix, a convolution a band matrix whose numbers repeat,
    and a locally connected layer the same band with every number free.

    Parameters
    ----------
    kernel : array_like of shape (L, K, F)
        As for `local_conv_forward`.
    input_shape : tuple of int
        Shape of one sample, (*S, C) or (C, *S).
    kernel_size, strides, padding, dilation_rate, data_format
        As for `local_conv_forward`; the pads are zeros.

    Returns
    -------
    scipy.sparse.csr_array of shape (L*F, prod(S)*C)
        W with ``y.ravel() == W @ x.ravel() + b`` for one sample, in C order of the
        layer's own data format: rows are (*O, F) or (F, *O), columns the input values.
        Every connection is stored, also where the kernel is 0.

    Raises
    ------
    ValueError
        If an argument breaks its rule, the shapes do not fit, or the kernel is of
        float16, which SciPy does not store.

    See Also
    --------
    localnet.ops.local_conv_forward : The same map without the matrix.

    Examples
    --------
    >>> kernel = [[[1.0], [2.0]], [[3.0], [4.0]], [[5.0], [6.0]]]
    >>> local_conv_matrix(kernel, (4, 1), kernel_size=2).toarray()
    array([[1., 2., 0., 0.],
           [0., 3., 4., 0.],
           [0., 0., 5., 6.]])
    """
    from scipy.sparse import csr_array

    kernel = _arrays.floats("kernel", kernel)
    if kernel.dtype == np.float16:
        raise ValueError(
            "kernel must be of a dtype that scipy.sparse stores, got dtype float16"
        )
    geometry = Geometry.of(
        input_shape,
        kernel_size=kernel_size,
        strides=strides,
        padding=padding,
        dilation_rate=dilation_rate,
        data_format=data_format,
    )
    locations, filters = geometry.locations, geometry.check_kernel(kernel.shape)
    cells = patch_indices(geometry)
    location, k = np.nonzero(cells >= 0)
    rows = np.arange(locations * filters).reshape(
        (locations, filters) if geometry.channels_last else (filters, locations)
    )
    if not geometry.channels_last:
        rows = rows.T
    return csr_array(
        (
            kernel[location, k].ravel(),
            (rows[location].ravel(), np.repeat(cells[location, k], filters)),
        ),
        shape=(locations * filters, math.prod(geometry.input_shape)),
    )
