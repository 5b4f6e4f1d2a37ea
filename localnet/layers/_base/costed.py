"""The layers that know what they cost."""

from abc import ABC
from typing import Any

from .layer import Layer

__all__ = ["CostedLayer"]


class CostedLayer(Layer, ABC):
    """
    A layer that works out its cost from shapes: any that has the hook `_cost`.

    Parameters
    ----------
    **kwargs
        Arguments of `Layer`.

    See Also
    --------
    Layer.cost : What it answers.
    """

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        """Hold for each class with the hook, whether it derives from this or not."""
        if cls is not CostedLayer:
            return NotImplemented
        return issubclass(other, Layer) and other._cost is not Layer._cost
