"""Type aliases shared by every module."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = ["Array", "ArrayLike", "Config", "DTypeLike", "Pair", "Seed", "Shape"]

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
# Quoted, so that numpy.random is not loaded before it is needed.
Seed: TypeAlias = "int | np.random.SeedSequence | np.random.Generator | None"
# A JSON-ready description of an object, as ``get_config`` returns it.
Config: TypeAlias = dict[str, Any]
# (forward, backward): forward(...) -> (y, cache), backward(dy, cache) -> gradients.
Pair: TypeAlias = tuple[Callable[..., Any], Callable[..., Any]]
