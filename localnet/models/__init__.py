"""Models: layers wired together, trained by the loop of ``localnet/training.py``."""

from .functional import Model
from .loading import load_model, model_from_json
from .sequential import Sequential

__all__ = ["Model", "Sequential", "load_model", "model_from_json"]
