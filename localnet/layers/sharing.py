"""
From shared weights to free ones and back: a convolution as a locally connected layer.

A convolution is the locally connected layer whose kernels are all equal. So each has a
twin: exactly on the one way, and by least squares on the other.
"""

from typing import Any, NamedTuple

import numpy as np

from .._typing import Array, Config
from ..geometry import Geometry
from ..ops import patch_indices
from ..padding import PLACEMENTS, Pads, resolve_pads
from . import conv, local
from .conv import Conv
from .local import LocallyConnected
from .shapes import BatchShape, checked_shape
from .windowed import WindowedLayer

__all__ = ["SharedWeights", "conv_to_local", "local_to_conv"]

# What acts on shared weights does something else on free ones.
RULES = (
    "kernel_regularizer",
    "bias_regularizer",
    "kernel_constraint",
    "bias_constraint",
)


class SharedWeights(NamedTuple):
    """
    A convolution, and how far it is from the locally connected layer it came from.

    Parameters
    ----------
    layer : Conv1D, Conv2D or Conv3D
        Built, with weights.
    residuals : dict of str to float
        For "kernel" and "bias" the Euclidean norm of what sharing takes away, divided
        by that of the weight: 0 if nothing is lost, 1 if everything is.
    """

    layer: Conv
    residuals: dict[str, float]
