"""Where the random numbers of a layer come from: first weights, then noise."""

from typing import Any

import numpy as np

__all__ = ["Seeded", "child_seed"]


def child_seed(seed: np.random.SeedSequence, number: int) -> np.random.SeedSequence:
    """Return what ``seed.spawn`` gives as child `number`, without counting it there."""
    return np.random.SeedSequence(
        seed.entropy, spawn_key=(*seed.spawn_key, number), pool_size=seed.pool_size
    )


class Seeded:
    """The part of a layer that has a seed, and draws its training noise from it."""

    _seed: np.random.SeedSequence
    _noise: np.random.Generator | None

    def set_seed(self, seed: np.random.SeedSequence) -> None:
        """
        Set the source of the layer's random numbers: first weights, then noise.

        Parameters
        ----------
        seed : numpy.random.SeedSequence
            A model gives each layer a child of its own seed. An initializer with a
            ``seed`` of its own ignores it.
        """
        self._seed = seed
        self._noise = None

    @property
    def noise(self) -> np.random.Generator:
        """Generator of the layer's training noise, such as dropout masks."""
        if self._noise is None:
            self._noise = np.random.default_rng(child_seed(self._seed, 0))
        return self._noise

    @property
    def noise_state(self) -> Any:
        """How far the training noise is; None before any was drawn."""
        return None if self._noise is None else self._noise.bit_generator.state

    @noise_state.setter
    def noise_state(self, state: Any) -> None:
        if state is not None:
            self.noise.bit_generator.state = state
