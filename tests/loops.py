"""
Nested loops for the variants: what they mean, one multiplication at a time.

Each window, each group and each position on padding is worked out here from the
arguments alone. Sums are of integers, so that they are exact in any order.
"""

import itertools

import numpy as np

__all__ = ["mixed_kernels", "shared", "transposed"]


def wires(g):
    """Yield (l, o, k, cell, c, inside): value k of window o is cell and channel c."""
    last = g.data_format == "channels_last"
    taps = list(itertools.product(*map(range, g.kernel_size)))
    pairs = [(t, c) for t in taps for c in range(g.channels)]
    if not last:
        pairs = [(t, c) for c in range(g.channels) for t in taps]
    for location, o in enumerate(itertools.product(*map(range, g.output_sizes))):
        for k, (tap, c) in enumerate(pairs):
            cell = tuple(
                o[a] * g.strides[a] + tap[a] * g.dilation_rate[a] - g.pads[a][0]
                for a in range(len(o))
            )
            inside = all(0 <= i < n for i, n in zip(cell, g.input_sizes, strict=True))
            yield location, o, k, cell, c, inside


def at(n, place, channel, g):
    return (n, *place, channel) if g.channels_last else (n, channel, *place)


def bias_number(place, f, sizes, filters, g):
    """Return where in the flat storage the bias of a place and filter stands."""
    number = 0
    for i, size in zip(place, sizes, strict=True):
        number = number * size + i
    return number * filters + f if g.channels_last else f * int(np.prod(sizes)) + number


def group_of(o, share, tile):
    return tuple(
        (i // s) % t if t else i // s for i, s, t in zip(o, share, tile, strict=True)
    )


def shared(x, kernel, bias, dy, g, share, tile):
    """Return y, dx, dkernel and dbias of a layer with shared kernels."""
    groups = sorted({group_of(o, share, tile) for o in np.ndindex(*g.output_sizes)})
    sizes = [max(axis) + 1 for axis in zip(*groups, strict=True)]
    filters = kernel.shape[-1]
    y, dx, dkernel = np.zeros(dy.shape), np.zeros(x.shape), np.zeros(kernel.shape)
    dbias = np.zeros((*sizes, filters))
    for n, f in itertools.product(range(len(x)), range(filters)):
        for _, o, k, cell, c, inside in wires(g):
            j = groups.index(group_of(o, share, tile))
            value = x[at(n, cell, c, g)] if inside else g.pad_value
            y[at(n, o, f, g)] += value * kernel[j, k, f]
            dkernel[j, k, f] += value * dy[at(n, o, f, g)]
            if inside:
                dx[at(n, cell, c, g)] += kernel[j, k, f] * dy[at(n, o, f, g)]
        for o in np.ndindex(*g.output_sizes):
            b = bias_number(group_of(o, share, tile), f, sizes, filters, g)
            dbias.flat[b] += dy[at(n, o, f, g)]
            if bias is not None:
                y[at(n, o, f, g)] += np.ravel(bias)[b]
    return y, dx, dkernel, dbias


def transposed(x, kernel, bias, dy, g):
    """Return y, dx, dkernel and dbias of the layer that runs `g` backwards."""
    y, dx, dkernel = np.zeros(dy.shape), np.zeros(x.shape), np.zeros(kernel.shape)
    dbias = np.zeros((*g.input_sizes, g.channels))
    for n, c in itertools.product(range(len(x)), range(kernel.shape[-1])):
        for location, o, k, cell, f, inside in wires(g):
            if inside:
                y[at(n, cell, f, g)] += x[at(n, o, c, g)] * kernel[location, k, c]
                dx[at(n, o, c, g)] += dy[at(n, cell, f, g)] * kernel[location, k, c]
                dkernel[location, k, c] += dy[at(n, cell, f, g)] * x[at(n, o, c, g)]
    for n, f in itertools.product(range(len(x)), range(g.channels)):
        for cell in np.ndindex(*g.input_sizes):
            b = bias_number(cell, f, g.input_sizes, g.channels, g)
            dbias.flat[b] += dy[at(n, cell, f, g)]
            if bias is not None:
                y[at(n, cell, f, g)] += np.ravel(bias)[b]
    return y, dx, dkernel, dbias


def mixed_kernels(mixture, basis):
    """Return the kernel (L, K, F) of rank `len(basis)`."""
    kernel = np.zeros((len(mixture), *basis.shape[1:]))
    for l, r, k, f in np.ndindex(*mixture.shape, *basis.shape[1:]):  # noqa: E741
        kernel[l, k, f] += mixture[l, r] * basis[r, k, f]
    return kernel
