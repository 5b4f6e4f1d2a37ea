"""What pictures show, and whether two look alike to a reader, not pixel by pixel."""

import itertools

import numpy as np

# A picture is cut into cells, and a cell differs if its mean colour does, wherever the
# other picture is shifted by a few pixels: fonts of another version move parts so far.
CELL, STEP, FAR = 12, 0.06, 5
SHIFTS = list(itertools.product(range(2 * FAR + 1), repeat=2))


def built(layer, input_shape, rng=None):
    """Return a layer with its weights, random ones if there is a generator."""
    layer.build((None, *input_shape))
    if rng is not None:
        layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def image_of(ax):
    """Return the numbers behind the last image of an Axes."""
    return ax.get_images()[-1].get_array()


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
    sums = np.pad(fixed, ((1, 0), (1, 0), (0, 0))).cumsum(0).cumsum(1)
    edges = [np.arange(0, size + 1, CELL) for size in fixed.shape[:2]]
    corners = sums[np.ix_(*edges)]
    cells = np.diff(np.diff(corners, axis=0), axis=1)
    # The sums of all boxes of the other one that are as large as a cell.
    around = np.pad(moved, ((FAR + 1, FAR), (FAR + 1, FAR), (0, 0)), mode="edge")
    around = around.cumsum(0).cumsum(1)
    boxes = around[CELL:] - around[:-CELL]
    boxes = boxes[:, CELL:] - boxes[:, :-CELL]
    lost = np.ones(cells.shape[:2], bool)
    for down, right in sorted(SHIFTS, key=lambda s: abs(s[0] - FAR) + abs(s[1] - FAR)):
        rows, columns = np.nonzero(lost)
        near = boxes[rows * CELL + down, columns * CELL + right]
        far = np.abs(cells[rows, columns] - near).max(axis=-1) > STEP * CELL**2
        lost[rows, columns] = far
    return float(np.mean(lost))
