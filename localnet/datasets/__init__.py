"""Data that needs no download: they are part of the package."""

from .digits import load_digits

__all__ = ["load_digits"]
