"""
A kernel as a GPU runs it, in blocks of threads, with an error in its last tile.

    localnet golden check tiled:backend --explain

Every block has TILE threads, one for each location, and a thread beyond the last one
does nothing. The number of blocks is rounded down where it must be rounded up:
``repaired`` is right.
"""

import numpy as np

TILE = 8


def launch(case, blocks):
    """Run so many blocks, each of TILE threads, and return y as (N, L, F)."""
    c = case.config
    reads = table(c)
    x = case.x.reshape(len(case.x), -1)
    y = np.zeros((len(x), len(reads), c["filters"]), case.x.dtype)
    for block in range(blocks):
        for thread in range(TILE):
            location = block * TILE + thread
            if location >= len(reads):
                continue
            cells = reads[location]
            window = np.where(cells < 0, x.dtype.type(c["pad_value"]), x[:, cells])
            y[:, location] = window @ case.kernel[location]
    return y


def table(c):
    """Return which value of a flat sample every window reads, (L, K); -1 is padding."""
    axes = len(c["kernel_size"])
    places, inside = 0, True
    for axis in range(axes):
        o = np.arange(c["output_sizes"][axis]) * c["strides"][axis]
        r = np.arange(c["kernel_size"][axis]) * c["dilation_rate"][axis]
        at = o[:, None] + r - c["pads"][axis][0]
        shape = [1] * (2 * axes)
        shape[axis], shape[axes + axis] = at.shape
        size = c["input_sizes"][axis]
        at = at.reshape(shape)
        inside = inside & (at >= 0) & (at < size)
        places = places * size + at
    locations = int(np.prod(c["output_sizes"]))
    cells = np.where(inside, places, -1).reshape(locations, -1)
    channel = np.arange(c["channels"])
    if c["data_format"] == "channels_last":  # K is (taps, channel)
        found = cells[:, :, None] * c["channels"] + channel
        known = cells[:, :, None] >= 0
    else:  # K is (channel, taps)
        found = cells[:, None] + channel[:, None] * int(np.prod(c["input_sizes"]))
        known = cells[:, None] >= 0
    return np.where(known, found, -1).reshape(locations, -1)


def compute(case, blocks):
    """Return the answers of a case; there are no gradients, and two activations."""
    c = case.config
    if c["activation"] not in ({"name": "linear"}, {"name": "relu"}):
        raise NotImplementedError(f"no {c['activation']}")
    y = launch(case, blocks)
    y = y.reshape(len(y), *c["output_sizes"], c["filters"])
    if c["data_format"] == "channels_first":
        y = np.moveaxis(y, -1, 1)
    if case.bias is not None:
        y = y + case.bias_in_y
    return {"y": np.maximum(y, 0) if c["activation"]["name"] == "relu" else y}


def backend(case):
    """Compute a case with too few blocks."""
    return compute(case, max(1, len(case.kernel) // TILE))


def repaired(case):
    """Compute a case with enough blocks."""
    return compute(case, -(-len(case.kernel) // TILE))
