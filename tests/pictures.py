"""Pictures held against each other as a reader sees them, not pixel by pixel."""

import itertools

import numpy as np

# A picture is cut into cells, and a cell differs if its mean colour does, wherever the
# other picture is shifted by a few pixels: fonts of another version move parts so far.
CELL, STEP, FAR = 12, 0.06, 5


def difference(path, other):
    """Return the share of cells that differ; 1 if the pictures differ in size."""
    one, two = _pixels(path), _pixels(other)
    if one.shape != two.shape:
        return 1.0
    return max(_unmatched(one, two), _unmatched(two, one))


def _pixels(path):
    """Return the colours of a picture from 0 to 1, cut to whole cells."""
    from matplotlib.image import imread

    image = imread(path)[..., :3].astype(np.float64)
    height, width = (size // CELL * CELL for size in image.shape[:2])
    return image[:height, :width]


def _unmatched(fixed, moved):
    """Return the share of cells of one picture that the other has nowhere near."""
    cells = _cells(fixed, 0)[0, 0]
    around = _cells(moved, FAR)
    least = np.full(cells.shape[:2], np.inf)
    for shift in itertools.product(range(2 * FAR + 1), repeat=2):
        least = np.minimum(least, np.abs(cells - around[shift]).max(axis=-1))
    return float(np.mean(least > STEP))


def _cells(image, far):
    """Return the mean colours of all cells, for every shift up to `far` pixels."""
    padded = np.pad(image, ((far, far), (far, far), (0, 0)), mode="edge")
    sums = np.cumsum(np.cumsum(np.pad(padded, ((1, 0), (1, 0), (0, 0))), 0), 1)
    shifts = range(2 * far + 1)
    edges = [np.arange(0, size + 1, CELL) for size in image.shape[:2]]
    found = {}
    for i, j in itertools.product(shifts, repeat=2):
        corners = sums[np.ix_(edges[0] + i, edges[1] + j)]
        found[i, j] = np.diff(np.diff(corners, axis=0), axis=1) / CELL**2
    return found
