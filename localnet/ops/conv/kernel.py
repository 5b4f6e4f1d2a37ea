"""The kernel of a convolution as a matrix, whose rows stand as the patches do."""

import numpy as np

from ..._typing import Array
from ...geometry import Geometry

__all__ = ["kernel_as_matrix", "matrix_as_kernel"]


def kernel_as_matrix(kernel: Array, geometry: Geometry) -> Array:
    """Return a kernel (*R, C, F) as (K, F), its K in the order of the patches."""
    if not geometry.channels_last:
        kernel = np.moveaxis(kernel, -2, 0)
    return kernel.reshape(geometry.patch_size, kernel.shape[-1])


def matrix_as_kernel(matrix: Array, geometry: Geometry) -> Array:
    """Return a matrix (K, F) as a view of shape (*R, C, F)."""
    filters, channels = matrix.shape[1], geometry.channels
    if geometry.channels_last:
        return matrix.reshape(*geometry.kernel_size, channels, filters)
    by_channel = matrix.reshape(channels, *geometry.kernel_size, filters)
    return np.moveaxis(by_channel, 0, -2)
