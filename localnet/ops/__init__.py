"""
Stateless functions on arrays: every ``<op>_forward`` with its ``<op>_backward``.

A forward function returns ``(y, cache)``; its backward takes ``(dy, cache)`` and gives
the gradients in the order of the forward's arguments. `PAIRS` names them all.
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
from .contract import LocalMatmulGrads, local_matmul_backward, local_matmul_forward
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
from .noise import add_noise_backward, add_noise_forward, gaussian_noise
from .patches import extract_patches, fold_patches, patch_indices
from .prelu import PReLUGrads, prelu_backward, prelu_forward
from .repeat import repeat_vector_backward, repeat_vector_forward
from .workspace import Workspace

__all__ = [
    "PAIRS",
    "BatchNormGrads",
    "Cost",
    "DenseGrads",
    "Geometry",
    "LocalConvCache",
    "LocalConvCost",
    "LocalConvGrads",
    "LocalMatmulGrads",
    "PReLUGrads",
    "Workspace",
    "add_noise_backward",
    "add_noise_forward",
    "batch_norm_backward",
    "batch_norm_forward",
    "batch_norm_shape",
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
    "gaussian_noise",
    "local_conv_backward",
    "local_conv_cost",
    "local_conv_forward",
    "local_conv_matrix",
    "local_matmul_backward",
    "local_matmul_forward",
    "moving_statistics",
    "patch_indices",
    "prelu_backward",
    "prelu_forward",
    "repeat_vector_backward",
    "repeat_vector_forward",
    "view_cost",
]

PAIRS: dict[str, Pair] = {
    "local_conv": (local_conv_forward, local_conv_backward),
    "local_matmul": (local_matmul_forward, local_matmul_backward),
    "dense": (dense_forward, dense_backward),
    "dropout": (dropout_forward, dropout_backward),
    "batch_norm": (batch_norm_forward, batch_norm_backward),
    "add_noise": (add_noise_forward, add_noise_backward),
    "repeat_vector": (repeat_vector_forward, repeat_vector_backward),
    "prelu": (prelu_forward, prelu_backward),
}
