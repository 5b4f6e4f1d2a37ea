"""
Stateless functions on arrays: every ``<op>_forward`` with its ``<op>_backward``.

A forward function returns ``(y, cache)``; its backward takes ``(dy, cache)`` and gives
the gradients in the order of the forward's arguments. `PAIRS` names them all.
"""

from .._typing import Pair
from ..geometry import Geometry
from .concatenate import concatenate_backward, concatenate_forward
from .contract import LocalMatmulGrads, local_matmul_backward, local_matmul_forward
from .cost import Cost, copy_cost, dense_cost, elementwise_cost, view_cost
from .dense import DenseGrads, dense_backward, dense_forward
from .dropout import dropout_backward, dropout_forward, dropout_mask
from .extremes import (
    maximum_backward,
    maximum_forward,
    minimum_backward,
    minimum_forward,
)
from .local_conv import (
    LocalConvCache,
    LocalConvGrads,
    local_conv_backward,
    local_conv_forward,
)
from .local_cost import LocalConvCost, local_conv_cost
from .matrix import local_conv_matrix
from .merging import aligned_shapes
from .patches import extract_patches, fold_patches, patch_indices
from .product import multiply_backward, multiply_forward
from .sums import (
    add_backward,
    add_forward,
    average_backward,
    average_forward,
    subtract_backward,
    subtract_forward,
)
from .workspace import Workspace

__all__ = [
    "PAIRS",
    "Cost",
    "DenseGrads",
    "Geometry",
    "LocalConvCache",
    "LocalConvCost",
    "LocalConvGrads",
    "LocalMatmulGrads",
    "Workspace",
    "add_backward",
    "add_forward",
    "aligned_shapes",
    "average_backward",
    "average_forward",
    "concatenate_backward",
    "concatenate_forward",
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
    "local_conv_backward",
    "local_conv_cost",
    "local_conv_forward",
    "local_conv_matrix",
    "local_matmul_backward",
    "local_matmul_forward",
    "maximum_backward",
    "maximum_forward",
    "minimum_backward",
    "minimum_forward",
    "multiply_backward",
    "multiply_forward",
    "patch_indices",
    "subtract_backward",
    "subtract_forward",
    "view_cost",
]

PAIRS: dict[str, Pair] = {
    "local_conv": (local_conv_forward, local_conv_backward),
    "local_matmul": (local_matmul_forward, local_matmul_backward),
    "dense": (dense_forward, dense_backward),
    "dropout": (dropout_forward, dropout_backward),
    "add": (add_forward, add_backward),
    "subtract": (subtract_forward, subtract_backward),
    "multiply": (multiply_forward, multiply_backward),
    "average": (average_forward, average_backward),
    "maximum": (maximum_forward, maximum_backward),
    "minimum": (minimum_forward, minimum_backward),
    "concatenate": (concatenate_forward, concatenate_backward),
}
