"""
Weights in the layouts of other frameworks, and model files.

Nothing here knows a model or a layer class. `layouts` permutes arrays, `connections`
lists what is connected to what. `files` tells the formats of model files apart; their
codecs are `native`, `keras_h5` and `keras_v3`, which turn a file into `contents` and
back. `isolated` reads in another process.
"""

from .connections import kernel_indices, kernel_mask
from .layouts import convert_bias, convert_kernel

__all__ = ["convert_bias", "convert_kernel", "kernel_indices", "kernel_mask"]
