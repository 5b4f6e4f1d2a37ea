"""
Pooling, margins and upsampling by nested loops: the oracle of `test_spatial_ops`.

Each function takes a batch for channels_last and returns, for every result, the list of
(cell of the input, weight) that it is the sum of, so that values and gradients follow
from one definition. Nothing is shared with the code under test.
"""

import math
from fractions import Fraction

import numpy as np

__all__ = ["apply", "apply_adjoint", "crop", "global_pool", "pad", "pool", "upsample"]


def windows(sizes, pool_size, strides, padding):
    """Yield (o, cells of window o that lie inside), both row-major."""
    starts = []
    for n, r, s in zip(sizes, pool_size, strides, strict=True):
        if padding == "valid":
            starts.append([i for i in range(0, n, s) if i + r <= n])
        else:  # TensorFlow's placement: as few cells as needed, the odd one after
            count = math.ceil(n / s)
            needed = max(0, (count - 1) * s + r - n)
            starts.append([o * s - needed // 2 for o in range(count)])
    for o in np.ndindex(*(len(axis) for axis in starts)):
        cells = []
        for tap in np.ndindex(*pool_size):
            cell = tuple(starts[a][o[a]] + tap[a] for a in range(len(sizes)))
            if all(0 <= cell[a] < sizes[a] for a in range(len(sizes))):
                cells.append(cell)
        yield o, cells


def pool(kind, image, pool_size, strides, padding):
    """Return {o: [(cell, weight)]} for one channel of one sample."""
    wires = {}
    for o, cells in windows(image.shape, pool_size, strides, padding):
        if kind == "average":
            wires[o] = [(cell, Fraction(1, len(cells))) for cell in cells]
            continue
        best = cells[0]
        for cell in cells:
            if image[cell] > image[best]:
                best = cell
        wires[o] = [(best, 1)]
    return wires


def global_pool(kind, image):
    cells = list(np.ndindex(image.shape))
    if kind == "max":
        cells = [cell for cell in cells if image[cell] == image.max()]
    return {(): [(cell, Fraction(1, len(cells))) for cell in cells]}


def pad(image, margins):
    lengths = [b + n + a for n, (b, a) in zip(image.shape, margins, strict=True)]
    wires = {}
    for o in np.ndindex(*lengths):
        cell = tuple(i - b for i, (b, _) in zip(o, margins, strict=True))
        inside = all(0 <= c < n for c, n in zip(cell, image.shape, strict=True))
        wires[o] = [(cell, 1)] if inside else []
    return wires


def crop(image, margins):
    wires = {}
    for cell in np.ndindex(image.shape):
        o = tuple(c - b for c, (b, _) in zip(cell, margins, strict=True))
        lengths = [n - b - a for n, (b, a) in zip(image.shape, margins, strict=True)]
        if all(0 <= i < n for i, n in zip(o, lengths, strict=True)):
            wires[o] = [(cell, 1)]
    return wires


def upsample(image, size, interpolation):
    wires = {}
    for o in np.ndindex(*(n * s for n, s in zip(image.shape, size, strict=True))):
        if interpolation == "nearest":
            wires[o] = [(tuple(i // s for i, s in zip(o, size, strict=True)), 1)]
            continue
        ends = [()]
        weights = [Fraction(1)]
        for i, s, n in zip(o, size, image.shape, strict=True):
            place = Fraction(2 * i + 1, 2 * s) - Fraction(1, 2)
            below = math.floor(place)
            part = place - below
            pairs = [(below, 1 - part), (below + 1, part)]
            ends, weights = (
                [(*e, min(max(c, 0), n - 1)) for e in ends for c, _ in pairs],
                [w * f for w in weights for _, f in pairs],
            )
        wires[o] = list(zip(ends, weights, strict=True))
    return wires


def apply(find, x, value=0.0):
    """Return y for a batch (N, *S, C); `find(image)` gives the wires of one image."""
    results = []
    for n in range(len(x)):
        for c in range(x.shape[-1]):
            image = x[n, ..., c]
            wires = find(image)
            y = np.empty([1 + max(axis) for axis in zip(*wires, strict=True)])
            for o, terms in wires.items():
                exact = sum(w * Fraction(float(image[cell])) for cell, w in terms)
                y[o] = float(exact) if terms else value
            results.append(y)
    return gathered(results, x)


def apply_adjoint(find, x, dy):
    """Return dx for a batch (N, *S, C) and the upstream gradient of its results."""
    results = []
    for n in range(len(x)):
        for c in range(x.shape[-1]):
            image = x[n, ..., c]
            dx = np.full(image.shape, Fraction(0))
            for o, terms in find(image).items():
                for cell, weight in terms:
                    dx[cell] += weight * Fraction(float(dy[(n, *o, c)]))
            results.append(dx.astype(float))
    return gathered(results, x)


def gathered(results, x):
    """Stack images of all samples and channels to a batch (N, *O, C)."""
    samples, channels = len(x), x.shape[-1]
    stacked = np.array(results).reshape(samples, channels, *results[0].shape)
    return np.moveaxis(stacked, 1, -1)
