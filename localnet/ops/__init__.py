"""
Stateless functions on arrays: every ``<op>_forward`` with its ``<op>_backward``.

A forward function returns ``(y, cache)``; its backward takes ``(dy, cache)`` and gives
the gradients in the order of the forward's arguments. `PAIRS` names them all.
"""

from .._typing import Pair
from ..geometry import Geometry
from .contract import LocalMatmulGrads, local_matmul_backward, local_matmul_forward
from .conv import ConvCache, ConvGrads, conv_backward, conv_forward
from .conv_cost import conv_cost
from .cost import Cost, copy_cost, dense_cost, elementwise_cost, view_cost
from .dense import DenseGrads, dense_backward, dense_forward
from .dropout import dropout_backward, dropout_forward, dropout_mask
from .local_conv import (
    LocalConvCache,
    LocalConvGrads,
    local_conv_backward,
    local_conv_forward,
)
from .local_cost import LocalConvCost, local_conv_cost
from .matrix import local_conv_matrix
from .patches import extract_patches, fold_patches, patch_indices
from .sharing import free_bias, free_kernel, shared_bias, shared_kernel
from .workspace import Workspace

__all__ = [
    "PAIRS",
    "ConvCache",
    "ConvGrads",
    "Cost",
    "DenseGrads",
    "Geometry",
    "LocalConvCache",
    "LocalConvCost",
    "LocalConvGrads",
    "LocalMatmulGrads",
    "Workspace",
    "conv_backward",
    "conv_cost",
    "conv_forward",
    "copy_cost",
    "dense_backward",
    "dense_cost",
    "dense_forward",
    "dropout_backward",
    "dropout_forward",
    "dropout_mask",
    "elementwise_cost",
    "extract_patches",
    "fold_patches",
    "free_bias",
    "free_kernel",
    "local_conv_backward",
    "local_conv_cost",
    "local_conv_forward",
    "local_conv_matrix",
    "local_matmul_backward",
    "local_matmul_forward",
    "patch_indices",
    "shared_bias",
    "shared_kernel",
    "view_cost",
]

PAIRS: dict[str, Pair] = {
    "local_conv": (local_conv_forward, local_conv_backward),
    "conv": (conv_forward, conv_backward),
    "local_matmul": (local_matmul_forward, local_matmul_backward),
    "dense": (dense_forward, dense_backward),
    "dropout": (dropout_forward, dropout_backward),
}
