"""
Weights and files of other frameworks, as plain arrays and dicts.

Nothing here knows a model or a layer class: `layouts` permutes arrays, and every file
codec reads a path into (config, arrays, state) and writes one back.
"""

from .connections import kernel_indices, kernel_mask
from .layouts import convert_bias, convert_kernel

__all__ = ["convert_bias", "convert_kernel", "kernel_indices", "kernel_mask"]
