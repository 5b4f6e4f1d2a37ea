"""
How layers are wired, and run in both directions; trained by `training`.

Imports `training` and below.
"""

from .loading import load_model, model_from_json
from .model import Model
from .sequential import Sequential

__all__ = ["Model", "Sequential", "load_model", "model_from_json"]


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])
