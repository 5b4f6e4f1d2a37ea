"""
Weights in the layouts of other frameworks.

Nothing here knows a model or a layer class: `layouts` permutes arrays, `connections`
lists what is connected to what.

Imports `ops` and `geometry`.
"""

from .connections import kernel_indices, kernel_mask
from .layouts import convert_bias, convert_kernel

__all__ = ["convert_bias", "convert_kernel", "kernel_indices", "kernel_mask"]


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])
