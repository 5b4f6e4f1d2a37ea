"""A model as a model of Keras 3, and the layers that Keras 3 does not have."""

from .classes import Classes, classes
from .convert import build_keras3

__all__ = ["Classes", "build_keras3", "classes"]
