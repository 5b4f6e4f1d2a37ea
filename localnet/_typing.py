"""
Type aliases shared by every module.

Type checkers see the types. At run time an alias is its name and nothing more, so that
``help`` shows ``x: ArrayLike`` and not the union that it stands for.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

__all__ = ["Array", "ArrayLike", "Config", "DTypeLike", "Pair", "Seed", "Shape"]

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    Array: TypeAlias = NDArray[Any]
    Seed: TypeAlias = int | np.random.SeedSequence | np.random.Generator | None
else:

    class Alias:
        """A name for a type; ``|`` joins names as it joins types."""

        def __init__(self, name):
            self.name = name

        def __repr__(self):
            return self.name

        def __or__(self, other):
            return Alias(f"{self} | {shown(other)}")

        def __ror__(self, other):
            return Alias(f"{shown(other)} | {self}")

    def shown(other):
        return other.__name__ if isinstance(other, type) else repr(other)

    Array, ArrayLike = Alias("Array"), Alias("ArrayLike")
    DTypeLike, Seed = Alias("DTypeLike"), Alias("Seed")

Shape: TypeAlias = tuple[int, ...]
# A JSON-ready description of an object, as ``get_config`` returns it.
Config: TypeAlias = dict[str, Any]
# (forward, backward): forward(...) -> (y, cache), backward(dy, cache) -> gradients.
Pair: TypeAlias = tuple[Callable[..., Any], Callable[..., Any]]
