"""
Every wire of a layer, by nested loops: the second road to the references.

Nothing of `wires` and `connections` is used here. A wire says which number of y gets
which product: a value of x, or of the padding, times its weights.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..._typing import Shape
from ..case import Case

__all__ = ["Wire", "bias_at", "wires"]


class Wire(NamedTuple):
    """
    One product of a sum.

    Parameters
    ----------
    y : tuple of int
        Where it goes.
    x : tuple of int or None
        What it reads; None on padding.
    weights : tuple of (str, tuple of int)
        The factors: an array of the case, and a place in it.
    """

    y: Shape
    x: Shape | None
    weights: tuple[tuple[str, Shape], ...]


def wires(case: Case) -> Iterator[Wire]:
    """
    Yield all wires of a case.

    Parameters
    ----------
    case : Case
        Of any kind.

    Yields
    ------
    Wire
        In no order that matters.
    """
    c = case.config
    if case.kind == "transposed":
        yield from _painted(case)
        return
    for n, f in itertools.product(range(c["batch"]), range(c["filters"])):
        for location, o in enumerate(_grid(c["output_sizes"])):
            for tap in _grid(c["kernel_size"]):
                cell = _cell(case, o, tap)
                if not _inside(cell, c["input_sizes"]):
                    cell = ()
                for channel in range(c["channels"]):
                    source = _at(case, n, cell, channel) if cell else None
                    for weights in _weights(case, location, o, tap, channel, f):
                        yield Wire(_at(case, n, o, f), source, weights)


def bias_at(case: Case, y: Shape) -> Shape:
    """
    Return which number of the bias is added to a number of y.

    Parameters
    ----------
    case : Case
        With a bias.
    y : tuple of int
        A place in y.

    Returns
    -------
    tuple of int
        A place in the bias, as it is stored.
    """
    c = case.config
    last = c["data_format"] == "channels_last"
    o, f = (y[1:-1], y[-1]) if last else (y[2:], y[1])
    if c.get("bias_per") == "filter":
        return (f,)
    sizes = c["output_sizes"]
    if case.kind == "shared":
        sizes, o = c["tile"], _block(case, o)
    place = _number(o, sizes)
    flat = place * c["filters"] + f if last else f * math.prod(sizes) + place
    # The place in an array of shape (*sizes, filters) that has this number.
    found = []
    for size in reversed((*sizes, c["filters"])):
        flat, index = divmod(flat, size)
        found.append(index)
    return tuple(reversed(found))


def _grid(sizes: Any) -> Iterator[Shape]:
    return itertools.product(*(range(size) for size in sizes))


def _cell(case: Case, o: Shape, tap: Shape) -> Shape:
    """Return where a tap of a window lies, of the layer or of its adjoint."""
    c = case.config
    return tuple(
        o[a] * c["strides"][a] - c["pads"][a][0] + tap[a] * c["dilation_rate"][a]
        for a in range(len(o))
    )


def _inside(cell: Shape, sizes: Any) -> bool:
    return all(0 <= i < size for i, size in zip(cell, sizes, strict=True))


def _at(case: Case, n: int, place: Shape, channel: int) -> Shape:
    if case.config["data_format"] == "channels_last":
        return (n, *place, channel)
    return (n, channel, *place)


def _number(place: Shape, sizes: Any) -> int:
    number = 0
    for index, size in zip(place, sizes, strict=True):
        number = number * size + index
    return number


def _block(case: Case, o: Shape) -> Shape:
    c = case.config
    return tuple(
        (i // share) % tile
        for i, share, tile in zip(o, c["share"], c["tile"], strict=True)
    )


def _row(case: Case, tap: Shape, channel: int, channels: int) -> int:
    """Return k, of (taps, channel) or (channel, taps)."""
    sizes = case.config["kernel_size"]
    if case.config["data_format"] == "channels_last":
        return _number(tap, sizes) * channels + channel
    return channel * math.prod(sizes) + _number(tap, sizes)


def _weights(
    case: Case, location: int, o: Shape, tap: Shape, channel: int, f: int
) -> Iterator[tuple[tuple[str, Shape], ...]]:
    """Yield the factors of every product on one wire: none, one, or one for a rank."""
    c = case.config
    k = _row(case, tap, channel, c["channels"])
    if case.kind == "layer":
        yield (("kernel", (location, k, f)),)
    elif case.kind == "shared":
        yield (("kernel", (_number(_block(case, o), c["tile"]), k, f)),)
    elif case.kind == "low_rank":
        for rank in range(c["rank"]):
            yield (("mixture", (location, rank)), ("kernel", (rank, k, f)))
    else:
        part = c["channels"] // c["groups"]
        group, inner = divmod(channel, part)
        if group == f * c["groups"] // c["filters"]:
            yield (("kernel", (*tap, inner, f)),)


def _painted(case: Case) -> Iterator[Wire]:
    """Yield the wires of a transposed layer, from every input cell outwards."""
    c = case.config
    channels_and_filters = itertools.product(range(c["channels"]), range(c["filters"]))
    for n, (channel, f) in itertools.product(
        range(c["batch"]), list(channels_and_filters)
    ):
        for location, o in enumerate(_grid(c["input_sizes"])):
            for tap in _grid(c["kernel_size"]):
                cell = _cell(case, o, tap)
                if _inside(cell, c["output_sizes"]):
                    k = _row(case, tap, f, c["filters"])
                    weight = ("kernel", (location, k, channel))
                    source = _at(case, n, o, channel)
                    yield Wire(_at(case, n, cell, f), source, (weight,))
