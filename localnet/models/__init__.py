"""
How layers are wired, and run in both directions; trained by `training`.

Imports `training` and below.
"""

from .._keras.names import old_names
from . import each_step  # noqa: F401, known to the layers by this
from .cloning import clone_model, save_model
from .loading import load_model, model_from_json
from .model import Model
from .sequential import Sequential

__all__ = [
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]


def __dir__() -> list[str]:
    return sorted(["__all__", *__all__])


__getattr__ = old_names(__name__)
