"""Models: layers wired together, trained by the loop of `localnet.training`."""

from .functional import Model
from .loading import load_model
from .sequential import Sequential

__all__ = ["Model", "Sequential", "load_model"]
