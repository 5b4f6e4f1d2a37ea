"""
Stateless functions on arrays: every ``<op>_forward`` with its ``<op>_backward``.

A forward function returns ``(y, cache)``; its backward takes ``(dy, cache)`` and gives
the gradients in the order of the forward's arguments. `PAIRS` names them all.

Imports `geometry`.
"""

from .._typing import Pair
from ..geometry import Geometry
from .batch_norm import (
    BatchNormGrads,
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_shape,
    moving_statistics,
)
from .conv.conv import ConvCache, ConvGrads, conv_backward, conv_forward
from .cost.conv import conv_cost
from .cost.count import Cost, copy_cost, dense_cost, elementwise_cost, view_cost
from .cost.local import LocalConvCost, local_conv_cost
from .cost.spatial import pool_cost, resize_cost, upsample_cost
from .cost.variants import local_conv_transpose_cost, low_rank_conv_cost
from .dense import DenseGrads, dense_backward, dense_forward
from .dropout import dropout_backward, dropout_forward, dropout_mask
from .local.local_conv import (
    LocalConvCache,
    LocalConvGrads,
    local_conv_backward,
    local_conv_forward,
)
from .local.local_conv_transpose import (
    LocalConvTransposeCache,
    LocalConvTransposeGrads,
    local_conv_transpose_backward,
    local_conv_transpose_forward,
)
from .local.local_matmul import (
    LocalMatmulGrads,
    local_matmul_backward,
    local_matmul_forward,
)
from .local.low_rank import (
    MixKernelsGrads,
    located_bias_backward,
    located_bias_forward,
    mix_kernels_backward,
    mix_kernels_forward,
    outer_sum_backward,
    outer_sum_forward,
)
from .local.matrix import local_conv_matrix
from .local.shared_conv import (
    SharedConvCache,
    located_weights,
    shared_conv_backward,
    shared_conv_forward,
)
from .local.sharing import (
    Sharing,
    expand_shared_backward,
    expand_shared_forward,
    taps_inside,
)
from .local.twins import free_bias, free_kernel, shared_bias, shared_kernel
from .merge.concatenate import concatenate_backward, concatenate_forward
from .merge.extremes import (
    maximum_backward,
    maximum_forward,
    minimum_backward,
    minimum_forward,
)
from .merge.merging import aligned_shapes
from .merge.product import multiply_backward, multiply_forward
from .merge.sums import (
    add_backward,
    add_forward,
    average_backward,
    average_forward,
    subtract_backward,
    subtract_forward,
)
from .noise import add_noise_backward, add_noise_forward, gaussian_noise
from .patches import extract_patches, fold_patches, patch_indices
from .pool.global_pool import (
    global_average_pool_backward,
    global_average_pool_forward,
    global_max_pool_backward,
    global_max_pool_forward,
)
from .pool.margins import (
    constant_pad_backward,
    constant_pad_forward,
    crop_backward,
    crop_forward,
)
from .pool.pool import (
    average_pool_backward,
    average_pool_forward,
    max_pool_backward,
    max_pool_forward,
)
from .pool.upsample import upsample_backward, upsample_forward
from .prelu import PReLUGrads, prelu_backward, prelu_forward
from .repeat import repeat_vector_backward, repeat_vector_forward
from .runtime.workspace import Workspace

__all__ = [
    "PAIRS",
    "BatchNormGrads",
    "ConvCache",
    "ConvGrads",
    "Cost",
    "DenseGrads",
    "Geometry",
    "LocalConvCache",
    "LocalConvCost",
    "LocalConvGrads",
    "LocalConvTransposeCache",
    "LocalConvTransposeGrads",
    "LocalMatmulGrads",
    "MixKernelsGrads",
    "PReLUGrads",
    "SharedConvCache",
    "Sharing",
    "Workspace",
    "add_backward",
    "add_forward",
    "add_noise_backward",
    "add_noise_forward",
    "aligned_shapes",
    "average_backward",
    "average_forward",
    "average_pool_backward",
    "average_pool_forward",
    "batch_norm_backward",
    "batch_norm_forward",
    "batch_norm_shape",
    "concatenate_backward",
    "concatenate_forward",
    "constant_pad_backward",
    "constant_pad_forward",
    "conv_backward",
    "conv_cost",
    "conv_forward",
    "copy_cost",
    "crop_backward",
    "crop_forward",
    "dense_backward",
    "dense_cost",
    "dense_forward",
    "dropout_backward",
    "dropout_forward",
    "dropout_mask",
    "elementwise_cost",
    "expand_shared_backward",
    "expand_shared_forward",
    "extract_patches",
    "fold_patches",
    "free_bias",
    "free_kernel",
    "gaussian_noise",
    "global_average_pool_backward",
    "global_average_pool_forward",
    "global_max_pool_backward",
    "global_max_pool_forward",
    "local_conv_backward",
    "local_conv_cost",
    "local_conv_forward",
    "local_conv_matrix",
    "local_conv_transpose_backward",
    "local_conv_transpose_cost",
    "local_conv_transpose_forward",
    "local_matmul_backward",
    "local_matmul_forward",
    "located_bias_backward",
    "located_bias_forward",
    "located_weights",
    "low_rank_conv_cost",
    "max_pool_backward",
    "max_pool_forward",
    "maximum_backward",
    "maximum_forward",
    "minimum_backward",
    "minimum_forward",
    "mix_kernels_backward",
    "mix_kernels_forward",
    "moving_statistics",
    "multiply_backward",
    "multiply_forward",
    "outer_sum_backward",
    "outer_sum_forward",
    "patch_indices",
    "pool_cost",
    "prelu_backward",
    "prelu_forward",
    "repeat_vector_backward",
    "repeat_vector_forward",
    "resize_cost",
    "shared_bias",
    "shared_conv_backward",
    "shared_conv_forward",
    "shared_kernel",
    "subtract_backward",
    "subtract_forward",
    "taps_inside",
    "upsample_backward",
    "upsample_cost",
    "upsample_forward",
    "view_cost",
]

PAIRS: dict[str, Pair] = {
    "local_conv": (local_conv_forward, local_conv_backward),
    "local_matmul": (local_matmul_forward, local_matmul_backward),
    "conv": (conv_forward, conv_backward),
    "local_conv_transpose": (
        local_conv_transpose_forward,
        local_conv_transpose_backward,
    ),
    "shared_conv": (shared_conv_forward, shared_conv_backward),
    "expand_shared": (expand_shared_forward, expand_shared_backward),
    "mix_kernels": (mix_kernels_forward, mix_kernels_backward),
    "located_bias": (located_bias_forward, located_bias_backward),
    "outer_sum": (outer_sum_forward, outer_sum_backward),
    "dense": (dense_forward, dense_backward),
    "dropout": (dropout_forward, dropout_backward),
    "add": (add_forward, add_backward),
    "subtract": (subtract_forward, subtract_backward),
    "multiply": (multiply_forward, multiply_backward),
    "average": (average_forward, average_backward),
    "maximum": (maximum_forward, maximum_backward),
    "minimum": (minimum_forward, minimum_backward),
    "concatenate": (concatenate_forward, concatenate_backward),
    "max_pool": (max_pool_forward, max_pool_backward),
    "average_pool": (average_pool_forward, average_pool_backward),
    "global_max_pool": (global_max_pool_forward, global_max_pool_backward),
    "global_average_pool": (global_average_pool_forward, global_average_pool_backward),
    "constant_pad": (constant_pad_forward, constant_pad_backward),
    "crop": (crop_forward, crop_backward),
    "upsample": (upsample_forward, upsample_backward),
    "batch_norm": (batch_norm_forward, batch_norm_backward),
    "add_noise": (add_noise_forward, add_noise_backward),
    "repeat_vector": (repeat_vector_forward, repeat_vector_backward),
    "prelu": (prelu_forward, prelu_backward),
}


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])
