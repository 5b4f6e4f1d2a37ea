"""How layers are wired, and run in both directions; trained by `localnet.training`."""

from .loading import load_model, model_from_json
from .model import Model
from .sequential import Sequential

__all__ = ["Model", "Sequential", "load_model", "model_from_json"]
