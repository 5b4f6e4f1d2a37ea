"""Handwritten digits, 8x8, with fixed splits."""

from importlib import resources

import numpy as np

from .. import _validate
from .._typing import Array

__all__ = ["load_digits"]

SPLITS = ("classes", "writers")


def load_digits(
    split: str = "classes",
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """
    Load 1797 handwritten digits, one fifth of them held out.

    Parameters
    ----------
    split : {"classes", "writers"}
        ``classes``: a fifth of every class is held out, chosen by a fixed permutation
        of the class; the two parts share their writers. ``writers``: the last fifth of
        the file is held out, which other people wrote, so that it is harder.

    Returns
    -------
    train : tuple of (ndarray, ndarray)
        Images (N, 8, 8) of uint8 from 0 to 16 and labels (N,) of int64 from 0 to 9, in
        the order of the file.
    test : tuple of (ndarray, ndarray)
        The held-out fifth, likewise.

    Raises
    ------
    ValueError
        If `split` is neither of the two.

    Notes
    -----
    The permutations come from one ``default_rng(1989)``, class by class from 0 to 9;
    the first fifth of each, rounded down, is held out.

    References
    ----------
    .. [1] E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI
       Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49, CC BY 4.0.

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = load_digits()
    >>> x_train.shape, x_test.shape
    ((1442, 8, 8), (355, 8, 8))
    """
    split = _validate.choice("split", split, SPLITS)
    file = resources.files(__package__).joinpath("digits.npz")
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
        images, labels = data["images"], data["labels"].astype(np.int64)
    held_out = np.zeros(len(labels), dtype=bool)
    if split == "writers":
        held_out[len(labels) - len(labels) // 5 :] = True
    else:
        rng = np.random.default_rng(1989)
        for digit in range(10):
            members = rng.permutation(np.flatnonzero(labels == digit))
            held_out[members[: len(members) // 5]] = True
    return (images[~held_out], labels[~held_out]), (images[held_out], labels[held_out])
