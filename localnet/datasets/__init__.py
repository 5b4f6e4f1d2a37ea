"""
Data that need no download: they are part of the package, or made by it.

Imports nothing but checks.
"""

from .._keras.names import old_names
from .digits import load_digits
from .mnist1d import make_mnist1d
from .shifted import make_shifted_digits

__all__ = ["load_digits", "make_mnist1d", "make_shifted_digits"]


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])


__getattr__ = old_names(__name__)
