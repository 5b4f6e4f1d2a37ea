"""Predictions that know their logits, from which Keras computes every crossentropy."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .._typing import Array, ArrayLike

__all__ = ["WithLogits", "known_logits"]


class WithLogits(np.ndarray):
    """
    The output of a softmax or sigmoid, and what went into it.

    What is computed of it is a plain array, as tensors of Keras forget their logits.

    Attributes
    ----------
    logits : ndarray or None
        None for a part of the output.
    activate : callable
        From logits to the output.
    """

    logits: Array | None = None
    activate: Callable[[Array], Array]

    @classmethod
    def of(
        cls, y: Array, logits: Array, activate: Callable[[Array], Array]
    ) -> "WithLogits":
        """Return an output that knows its logits, in the memory of `y`."""
        found = y.view(cls)
        found.logits, found.activate = logits, activate
        return found

    def at(self, logits: Array) -> "WithLogits":
        """Return what the activation makes of other logits."""
        return self.of(self.activate(logits), logits, self.activate)

    def copy(self, order: Any = "C") -> Any:
        """Return the same once more; own functions are handed copies."""
        plain = np.array(self, order=order, subok=False)
        if self.logits is None:
            return plain
        return self.of(plain, self.logits.copy(), self.activate)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write numbers, which then are no longer those of the logits."""
        super().__setitem__(key, value)
        self.logits = None

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **how: Any
    ) -> Any:
        """Return plain arrays; ``p /= p.sum()`` makes ``p`` one, too."""
        plain = [np.asarray(x) if isinstance(x, WithLogits) else x for x in inputs]
        if out is not None:
            for x in out:
                if isinstance(x, WithLogits):
                    x.logits = None
            how["out"] = tuple(np.asarray(x) if x is not None else None for x in out)
        return getattr(ufunc, method)(*plain, **how)


def known_logits(y_pred: ArrayLike, from_logits: Any) -> tuple[ArrayLike, Any]:
    """Return what a crossentropy is computed of, and whether that is logits."""
    logits = y_pred.logits if isinstance(y_pred, WithLogits) else None
    return (y_pred, from_logits) if logits is None else (logits, True)
