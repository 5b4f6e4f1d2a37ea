"""Digits as a study of 1989 used them: few drawings, each shifted to four places."""

from typing import NamedTuple

import numpy as np

from .. import _validate
from .._typing import Array
from .digits import load_digits

__all__ = ["make_shifted_digits"]

ROWS, COLUMNS, SIZE = 16, 13, 16
DRAWINGS = 12  # of each digit; 8 of them, or two thirds of the images, to learn from
SPLITS = ("images", "drawings")


class Images(NamedTuple):
    """Images (N, 16, 16, 1) of float32, -1 or 1, and their digits (N,) of int64."""

    x: Array
    y: Array


def make_shifted_digits(
    split: str = "images", *, seed: int = 0
) -> tuple[Images, Images]:
    """
    Make 480 binary images of 16x16, 320 to learn from, as LeCun did in 1989.

    Twelve drawings of each digit, 16 rows by 13 columns, are each put at the four
    horizontal places of an image.

    Parameters
    ----------
    split : {"images", "drawings"}
        ``images``: 16 of the 48 images of each digit are held out, as in 1989; most of
        them show a drawing that is also learned from, a pixel away. ``drawings``: all
        images of 4 drawings of each digit are held out, so that nothing leaks.
    seed : int
        Of the choice of drawings and of what is held out.

    Returns
    -------
    train : tuple of (x, y)
        320 images (N, 16, 16, 1) of float32, ink 1 and paper -1, and digits (N,) of
        int64.
    test : tuple of (x, y)
        160 more, likewise.

    Raises
    ------
    ValueError
        If `split` is neither of the two, or `seed` no integer >= 0.

    See Also
    --------
    load_digits : Where the drawings come from.

    Notes
    -----
    The drawings of 1989 are lost; those here are digits of `load_digits` made larger
    linearly and then black or white.

    References
    ----------
    .. [1] Y. le Cun, "Generalization and network design strategies", University of
       Toronto, CRG-TR-89-4, 1989.

    Examples
    --------
    >>> (x, y), (x_test, y_test) = make_shifted_digits()
    >>> x.shape, x_test.shape
    ((320, 16, 16, 1), (160, 16, 16, 1))
    """
    split = _validate.choice("split", split, SPLITS)
    rng = np.random.default_rng(_validate.seed("seed", seed))
    learned: list[Array] = []
    held_out: list[Array] = []
    for drawings in _drawings(rng):
        images = _shifted(drawings)  # (drawing, place, row, column)
        places = images.shape[1]
        if split == "images":
            images = rng.permutation(images.reshape(-1, SIZE, SIZE))
        else:
            images = rng.permutation(images).reshape(-1, SIZE, SIZE)
        cut = DRAWINGS * places * 2 // 3
        learned.append(images[:cut])
        held_out.append(images[cut:])
    return _gathered(learned), _gathered(held_out)


def _drawings(rng: np.random.Generator) -> list[Array]:
    """Return some drawings (12, 16, 13) of each digit, 1 where there is ink."""
    from scipy.ndimage import zoom

    (x, y), (x_test, y_test) = load_digits()
    images, labels = np.concatenate([x, x_test]), np.concatenate([y, y_test])
    chosen = [
        images[rng.choice(np.flatnonzero(labels == digit), DRAWINGS, replace=False)]
        for digit in range(10)
    ]
    factors = (1, ROWS / images.shape[1], COLUMNS / images.shape[2])
    half = images.max() / 2
    return [zoom(some.astype(np.float64), factors, order=1) > half for some in chosen]


def _shifted(drawings: Array) -> Array:
    """Return every drawing at every horizontal place of an empty image."""
    places = SIZE - COLUMNS + 1
    images = np.zeros((len(drawings), places, SIZE, SIZE), dtype=bool)
    for place in range(places):
        images[:, place, :, place : place + COLUMNS] = drawings
    return images


def _gathered(images: list[Array]) -> Images:
    x = np.where(np.concatenate(images), np.float32(1), np.float32(-1))
    return Images(x[..., np.newaxis], np.repeat(np.arange(10), len(images[0])))
