"""Families of what layers in use are like: their windows, and their counts."""

from .counts import lengths, variant_lengths
from .windows import CAUSAL, TRANSPOSED, WINDOWS, Window, everyday, everyday_variants

__all__ = [
    "CAUSAL",
    "TRANSPOSED",
    "WINDOWS",
    "Window",
    "everyday",
    "everyday_variants",
    "lengths",
    "variant_lengths",
]
