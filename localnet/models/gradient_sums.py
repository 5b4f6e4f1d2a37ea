"""Gradients that come from several sides, added up."""

from collections.abc import Hashable

import numpy as np

from .._typing import Array
from ..ops import Workspace

__all__ = ["Sums"]


class Sums:
    """
    Arrays that are added up by name.

    The first of a name is kept as it is, since others may hold it too; the sum gets
    memory of its own.

    Parameters
    ----------
    workspace : Workspace
        Where sums lie.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._values: dict[Hashable, Array] = {}
        self._own: set[Hashable] = set()

    def add(self, name: Hashable, value: Array | None) -> None:
        """Add an array to those of a name; None is nothing."""
        if value is None:
            return
        former = self._values.get(name)
        if former is None:
            self._values[name] = value
        elif name in self._own:
            former += value
        else:
            total = self._workspace.result(("sum", name), former.shape, former.dtype)
            self._values[name] = np.add(former, value, out=total, casting="same_kind")
            self._own.add(name)

    def take(self, name: Hashable) -> Array | None:
        """Return the sum of a name, and forget it; None if nothing came."""
        return self._values.pop(name, None)

    def taken(self, name: Hashable) -> Array:
        """Return a sum that there is."""
        return self._values[name]
