"""
Settings of the process, where Keras 2 has them.

The tensor functions of a backend have no counterparts: arrays are those of NumPy, and
the weights and rates of a model plain attributes.
"""

from .config import (
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from .layers import clear_session

__all__ = [
    "clear_session",
    "epsilon",
    "floatx",
    "image_data_format",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]
