"""
Weights that a layer sets itself, from what it sees in training.

Such as moving averages of the data. A forward pass leaves what it has found in its
cache and changes nothing; whoever asked for it says when the layer shall take that in.
"""

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..._typing import Array
from .weights import WeightHolder

__all__ = ["StatisticsHolder"]

# For a moment, while a layer takes in what two threads have found at once.
_absorbing = threading.Lock()


class StatisticsHolder(WeightHolder):
    """The part of a layer that keeps statistics; their names are `state_names`."""

    def _absorbed(self, state: dict[str, Array], cache: Any) -> dict[str, Array]:
        """Return the weights of `state_names` after one more training call."""
        return state

    def absorbed(self, caches: Iterable[Any]) -> dict[str, Array]:
        """
        Return what training calls make of the weights that no optimizer changes.

        Parameters
        ----------
        caches : iterable of LayerCache
            What `forward_with_cache` returned for them, in order.

        Returns
        -------
        dict of str to ndarray
            New values for `state_names`; the layer stays as it is.

        See Also
        --------
        absorb : Keeps them.
        """
        state = {name: self.params[name] for name in self.state_names}
        # Numbers that overflow are the business of who looks at them.
        with np.errstate(all="ignore"):
            for cache in caches:
                state = self._absorbed(state, cache.inner)
        return state

    def absorb(self, *caches: Any) -> None:
        """
        Take in what training calls have found out about the data.

        A forward pass changes nothing by itself; `forward` calls this, and so does a
        model with each training step that is completed.

        Parameters
        ----------
        *caches : LayerCache
            As for `absorbed`.
        """
        if self.state_names:
            with _absorbing:
                for name, value in self.absorbed(caches).items():
                    self.params[name][...] = value
