"""Families of what layers in use are like: their windows, and their counts."""

from .counts import lengths, variant_lengths
from .curves import variant_practice
from .practice import LAID, OFTEN, PLACES, practice
from .windows import CAUSAL, TRANSPOSED, WINDOWS, Window, everyday, everyday_variants

__all__ = [
    "CAUSAL",
    "LAID",
    "OFTEN",
    "PLACES",
    "TRANSPOSED",
    "WINDOWS",
    "Window",
    "everyday",
    "everyday_variants",
    "lengths",
    "practice",
    "variant_lengths",
    "variant_practice",
]
