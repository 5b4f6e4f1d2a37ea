"""What cases have in common: properties in words, the plainest first."""

import math
from collections.abc import Iterable, Iterator

import numpy as np

from .._typing import Array, Config
from .case import Case

__all__ = ["counts_of", "features"]

TILES = (4, 8, 16, 32, 64, 128)
COUNTS = (1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 1023)
NUMBERS = (64, 256, 1024, 4096)


def counts_of(config: Config) -> dict[str, int]:
    """
    Return the sizes of a case by their letters.

    Parameters
    ----------
    config : dict
        Of a case of any kind.

    Returns
    -------
    dict of str to int
        N samples, L locations, K values under a window, F filters, C channels.
    """
    return {
        "N": config["batch"],
        "L": math.prod(config["output_sizes"]),
        "K": math.prod(config.get("kernel_size", ())) * config["channels"],
        "F": config.get("filters", config["channels"]),
        "C": config["channels"],
    }


def features(cases: Iterable[Case]) -> dict[str, Array]:
    """
    Return which cases have which property.

    Parameters
    ----------
    cases : iterable of Case
        Of any kind.

    Returns
    -------
    dict of str to ndarray of bool
        By the words for the property, the plainest first; only those that some case
        has and some has not.

    Examples
    --------
    >>> from localnet.golden import load_suite
    >>> suite = load_suite()
    >>> found = features([suite["plain-1d-last"], suite["plain-1d-first"]])
    >>> found["channels_first"]
    array([False,  True])
    """
    each = [dict(_properties(case)) for case in cases]
    found: dict[str, Array] = {}
    for words in dict.fromkeys(words for one in each for words in one):
        column = np.array([one.get(words, False) for one in each], bool)
        if column.any() and not column.all():
            found[words] = column
    return found


def _properties(case: Case) -> Iterator[tuple[str, bool]]:
    """Yield every property, and whether a case has it."""
    c, counts = case.config, counts_of(case.config)
    pads, strides = c.get("pads", ()), c.get("strides", (1,))
    window, dilation = c.get("kernel_size", (1,)), c.get("dilation_rate", (1,))
    name, outputs = c["activation"]["name"], c["output_sizes"]
    yield "channels_first", c["data_format"] == "channels_first"
    for axes in (1, 2, 3):
        yield f"{axes} axes", len(c["input_sizes"]) == axes
    yield "a bias", case.bias is not None
    yield "gradients", case.dy is not None
    yield "pads", any(map(any, pads))
    yield "uneven pads", any(before != after for before, after in pads)
    yield "a pad_value", c.get("pad_value", 0.0) != 0
    yield "strides above 1", max(strides) > 1
    yield "strides that differ", len(set(strides)) > 1
    yield "dilation", max(dilation) > 1
    yield "cells left over", _leaves_cells(case)
    yield "windows that overlap", any(map(int.__gt__, window, strides))
    yield f"activation {name}", True
    yield "an activation", name != "linear"
    yield f"kind {case.kind}", True
    yield f"precision {case.precision}", True
    yield "integers", case.tier == "exact"
    for flag in case.flags:
        yield f"flag {flag}", True
    for letter in "LFNKC":
        for tile in TILES:
            yield f"{letter} not a multiple of {tile}", counts[letter] % tile != 0
        for count in COUNTS:
            yield f"{letter} above {count}", counts[letter] > count
    for tile in TILES:
        yield f"a last output axis not a multiple of {tile}", outputs[-1] % tile != 0
        aligned = counts["K"] % tile == counts["F"] % tile == 0
        yield f"K and F multiples of {tile}", aligned
    for count in COUNTS[3:]:
        yield f"an output axis above {count}", max(outputs) > count
    for count in (2, 3, 4, 5):
        yield f"a window axis above {count}", max(window) > count
        yield f"strides above {count}", max(strides) > count
        yield f"dilation above {count}", max(dilation) > count
    for count in NUMBERS:
        numbers = math.prod(counts[letter] for letter in "NLF")
        yield f"y of more than {count} numbers", numbers > count
        weights = math.prod(counts[letter] for letter in "LKF")
        yield f"a kernel of more than {count} numbers", weights > count


def _leaves_cells(case: Case) -> bool:
    """Return whether windows end before the padded input does."""
    c = case.config
    names = ("input_sizes", "kernel_size", "strides", "dilation_rate", "pads")
    if case.kind == "transposed" or any(name not in c for name in names):
        return False
    axes = zip(*(c[name] for name in names), strict=True)
    return any((n + sum(p) - (r - 1) * d - 1) % s for n, r, s, d, p in axes)
