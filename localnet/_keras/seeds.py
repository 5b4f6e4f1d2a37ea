"""Keras's global seed, for what is left of it here."""

import random
import warnings

import numpy as np

__all__ = ["set_random_seed"]


def set_random_seed(seed: int) -> None:
    """
    Seed the global generators of Python and NumPy, as far as a script draws from them.

    Parameters
    ----------
    seed : int
        From 0 to 2**32 - 1.

    Warns
    -----
    UserWarning
        Since no model draws from a global generator.
    """
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    warnings.warn(
        "models draw from no global generator: give them seed=, as in "
        f"Sequential(seed={seed!r})",
        stacklevel=2,
    )
