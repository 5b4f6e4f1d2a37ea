"""MNIST-1D: short noisy sequences in which a digit-like stroke has to be found."""

from typing import NamedTuple

import numpy as np

from .. import _validate
from .._typing import Array

__all__ = ["make_mnist1d", "templates"]

# Heights of the ten strokes, as the authors of the data set chose them.
TEMPLATES = (
    (5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5),
    (5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5),
    (5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5),
    (5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5),
    (5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5),
    (5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5),
    (5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5),
    (5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5),
)
LENGTH = 40  # of a finished sequence
CANVAS = 72  # of the sequence that noise and shift act on
PAD = (36, 60)  # fewest and most zeros behind a stroke: how small it will be
SHIFTS = 48
SCALE, SHEAR = 0.4, 0.75
SMOOTH_NOISE, SMOOTHING, NOISE = 0.25, 2.0, 0.02


class Sequences(NamedTuple):
    """Sequences (N, 40) of float64, and their classes (N,) of int64."""

    x: Array
    y: Array


def templates() -> Array:
    """
    Return the ten strokes that the sequences are made from.

    Returns
    -------
    ndarray, shape (10, 12)
        Of equal spread, each beginning at 0.

    Examples
    --------
    >>> templates().shape
    (10, 12)
    """
    x = np.array(TEMPLATES, dtype=np.float64)
    x = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    strokes: Array = (x - x[:, :1]) / 6
    return strokes


def make_mnist1d(
    samples: int = 5000, *, seed: int = 42, shuffled: bool = False
) -> tuple[Sequences, Sequences]:
    """
    Make the MNIST-1D data, a fifth of them held out.

    A stroke of ten is made narrower or wider, taller or flatter, put somewhere, and
    surrounded by smooth noise; white noise and a slope are added.

    Parameters
    ----------
    samples : int
        N, of all sequences; a multiple of 10, since every class has equally many.
    seed : int
        Of everything drawn.
    shuffled : bool
        Whether the 40 cells change places, in all sequences alike: nothing is
        lost, but neighbours are no longer near.

    Returns
    -------
    train : tuple of (x, y)
        Sequences (N, 40) of float64, and classes (N,) of int64.
    test : tuple of (x, y)
        The held-out fifth, likewise; over both parts the mean is 0 and the standard
        deviation 1.

    Raises
    ------
    ValueError
        If `samples` is no positive multiple of 10, or `seed` no integer >= 0.

    Notes
    -----
    Made from the description of the data set and its constants, with a generator of
    NumPy's newer kind: the sequences are not those of the authors' file, number by
    number, but of the same distribution.

    References
    ----------
    .. [1] S. Greydanus and D. Kobak, "Scaling down deep learning with MNIST-1D", ICML
       2024, arXiv:2011.14439, https://github.com/greydanus/mnist1d (Apache-2.0).

    Examples
    --------
    >>> (x, y), (x_test, y_test) = make_mnist1d()
    >>> x.shape, x_test.shape, int(y.max())
    ((4000, 40), (1000, 40), 9)
    """
    samples = _validate.integer("samples", samples, minimum=10)
    if samples % 10:
        raise ValueError(f"samples must be a multiple of 10, got {samples}")
    seed = _validate.seed("seed", seed)
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(10), samples // 10)
    x = _deformed(labels, rng)
    order = rng.permutation(samples)
    x, labels = (x[order] - x.mean()) / x.std(), labels[order]
    if _validate.flag("shuffled", shuffled):
        x = x[:, rng.permutation(LENGTH)]
    cut = samples * 4 // 5
    return Sequences(x[:cut], labels[:cut]), Sequences(x[cut:], labels[cut:])


def _deformed(labels: Array, rng: np.random.Generator) -> Array:
    """Return one sequence for each label."""
    from scipy.ndimage import gaussian_filter1d

    count = len(labels)
    strokes = templates()[labels]
    width = strokes.shape[1]
    # Where each place of the canvas lies on the stroke and the zeros behind it.
    padded = width + rng.integers(PAD[0], PAD[1] + 1, size=(count, 1))
    source = np.linspace(0.0, 1.0, CANVAS) * (padded - 1)
    x = _at(np.pad(strokes, ((0, 0), (0, 1))), source)
    x *= 1 + SCALE * (rng.random((count, 1)) - 0.5)
    empty = source >= width

    shift = rng.integers(0, SHIFTS, size=(count, 1))
    places = (np.arange(CANVAS) - shift) % CANVAS
    x = np.take_along_axis(x, places, axis=1)
    empty = np.take_along_axis(empty, places, axis=1)

    noise = SMOOTH_NOISE * rng.standard_normal(x.shape)
    x = np.where(empty, gaussian_filter1d(noise, SMOOTHING, axis=1), x)
    x += NOISE * rng.standard_normal(x.shape)
    slope = SHEAR * (rng.random((count, 1)) - 0.5)
    x -= slope * np.linspace(-0.5, 0.5, CANVAS)
    return _at(x, np.broadcast_to(np.linspace(0, CANVAS - 1, LENGTH), (count, LENGTH)))


def _at(x: Array, places: Array) -> Array:
    """Return the rows of `x` at fractional places, linearly; the last value goes on."""
    last = x.shape[1] - 1
    left = np.minimum(places.astype(np.intp), last)
    right = np.minimum(left + 1, last)
    part = places - left
    below = np.take_along_axis(x, left, axis=1)
    values: Array = below + (np.take_along_axis(x, right, axis=1) - below) * part
    return values
