"""What every library offers to the comparison of whole models."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from peers.models import STEPS

__all__ = ["MODES", "ModelContender"]

MODES = ("step", "batch", "one")


class ModelContender(NamedTuple):
    """One model in one library, its data bound; calls return numbers of NumPy."""

    # Makes a training step, and returns the loss before it.
    step: Callable[[], Any]
    # The probabilities of the batch, and of its first sample.
    batch: Callable[[], Any]
    one: Callable[[], Any]

    def results(self) -> dict[str, np.ndarray]:
        """Return what is compared, from the first weights on; the model then learns."""
        predictions, one = np.array(self.batch()), np.array(self.one())
        predictions = np.concatenate([predictions, one])
        losses = np.array([float(self.step()) for _ in range(STEPS)])
        return {"predictions": predictions, "losses": losses}
