"""Seeds of layers: each has a child of its model's."""

import numpy as np

__all__ = ["child_seed"]


def child_seed(seed: np.random.SeedSequence, number: int) -> np.random.SeedSequence:
    """Return what ``seed.spawn`` gives as child `number`, without counting it there."""
    return np.random.SeedSequence(
        seed.entropy, spawn_key=(*seed.spawn_key, number), pool_size=seed.pool_size
    )
