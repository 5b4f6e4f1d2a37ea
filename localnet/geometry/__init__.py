"""Where windows lie: integers, no arrays. Imports nothing but settings and checks."""

from .windows import Geometry

__all__ = ["Geometry"]


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])
