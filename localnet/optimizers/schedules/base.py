"""What a learning rate schedule is."""

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Schedule"]

# schedule(iterations) -> learning rate of the update that follows.
Schedule: TypeAlias = Callable[[int], float]
