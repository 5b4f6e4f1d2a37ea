"""
Pools, norms and stacks where a path of its own is taken: aligned, far, all options.

What has sizes that vectors divide, counts beyond a byte, or all that a layer can be
asked for, in the second of two as in the first.
"""

import itertools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from ...._typing import Config, Shape
from ...case import Case
from ..axes import PIECEWISE
from ..specs import SMALL, Numbers, Spec
from .layered import SAME, SCALES, centred, norm_config, pool_config, unique
from .making import ATTEMPTS, check_stack, made

__all__ = [
    "all_of_stacks",
    "far_pools",
    "far_stacks",
    "many_norms",
    "many_pools",
    "stack_config",
    "stacked",
    "wide_pools",
]

# Beyond a byte, and with a tail of every tile up to 256; or up to 128.
FAR, MANY = 261, 131


def many_pools() -> Iterator[Case]:
    """Yield poolings with pads, of channels or samples that vectors divide; ties."""
    for pool, windows in SAME.items():
        orders = itertools.product((windows[1], windows[4]), (False, True))
        for n, (window, first) in enumerate(orders):
            samples, channels = (1, 8) if n in (0, 3) else (8, 1)
            config = pool_config(pool, window, channels, first=first)
            config["batch"] = samples
            why = f"{pool}, N={samples}, C={channels}, pads {config['pads']}"
            yield unique(f"pool-many-{pool}-{n}", why, config, below=True)
    for first in (False, True):
        yield made(
            f"pool-many-tied-{'first' if first else 'last'}",
            "largest numbers that are equal, 8 channels of 4 samples",
            "pool",
            {**pool_config("max", ((5,), (3,), (2,)), 8, first=first), "batch": 4},
            "float16",
            {"x": Numbers(1, 1, 2), "dy": Numbers(1, 1, 4)},
            {"kernel": np.zeros(0)},
            flags=("kink",),
        )


def far_pools() -> Iterator[Case]:
    """Yield windows of more cells than a byte counts, and a count beyond a byte."""
    mean = _inside("average", (17, 18), (16, 16), 1, True)
    yield unique("pool-of-256", "average of windows of 256 cells", mean, below=False)
    rising = np.arange(304.0)
    yield made(
        "pool-of-300",
        "max of windows of 300 cells, of which the last is the largest, or the first",
        "pool",
        _inside("max", (304,), (300,), 1, False),
        "float32",
        {"dy": SMALL["dy"]},
        {"kernel": np.zeros(0), "x": np.stack([rising, -rising])},
    )
    for n, (pool, name, size) in enumerate(
        (
            ("max", "samples", 2),
            ("max", "channels", 2),
            ("average", "channels", 2),
            ("max", "cells", FAR + 1),
        )
    ):
        channels = MANY if name == "channels" else 1
        config = _inside(pool, (size,), (2,), channels, n % 2 > 0)
        config["batch"] = MANY if name == "samples" else 1
        why = f"{pool}, one count beyond all others: {name}"
        yield unique(f"pool-far-{pool}-{name}", why, config, below=True)


def _inside(
    pool: str, sizes: Shape, kernel: Shape, channels: int, first: bool
) -> Config:
    """Return the config of a pooling without pads, of strides 1."""
    ones = (1,) * len(sizes)
    outputs = [n - r + 1 for n, r in zip(sizes, kernel, strict=True)]
    config = pool_config(pool, (sizes, kernel, ones), channels, first=first)
    return {**config, "output_sizes": outputs, "pads": [[0, 0]] * len(sizes)}


def wide_pools() -> Iterator[Case]:
    """Yield means of numbers that use the bits of their precision, both ways."""
    for (precision, bits), (channels, first) in itertools.product(
        (("float32", 20), ("float64", 48)), ((3, False), (8, True))
    ):
        odd = Numbers(2 ** (bits - 1) + 1, 2, min(2 ** (bits - 2), 2**30))
        config = pool_config("average", SAME["average"][1], channels, first=first)
        yield made(
            f"pool-wide-{channels}-{'first' if first else 'last'}-{precision}",
            f"means of numbers that use the bits of {precision}, C={channels}",
            "pool",
            config,
            precision,
            {"x": odd, "dy": odd},
            {"kernel": np.zeros(0)},
        )


def many_norms() -> Iterator[Case]:
    """Yield channels that vectors divide, with far means; many; and scales of 0."""
    wide = (("float32", 10_007), ("float64", 2**27 + 1001))
    for (precision, far), training in itertools.product(wide, (True, False)):
        channels, first = 8, training == (precision == "float32")
        config = norm_config(4, (4,), channels, first=first, training=training)
        given = centred(config, far)
        yield made(
            f"norm-many-{channels}-{'batch' if training else 'given'}-{precision}",
            f"{channels} channels, means of {far}",
            "batch_norm",
            config,
            precision,
            SCALES,
            given,
        )
    for training in (True, False):
        config = norm_config(1, (4,), MANY, first=training, training=training)
        name = f"norm-many-{MANY}-{'batch' if training else 'given'}"
        why = f"{MANY} channels, scales of 0 among them"
        scales = {**SCALES, "kernel": Numbers(0, 1, 4)}
        given = centred(config, 3)
        yield made(name, why, "batch_norm", config, "float32", scales, given)


# Stacks -------------------------------------------------------------------------------

BENT: tuple[tuple[Config, Config], ...] = (
    ({"name": "relu6"}, PIECEWISE["relu of Keras"]),
    ({"name": "relu", "max_value": 3.0, "threshold": 1.0}, {"name": "relu6"}),
)


def stack_config(below: Spec, kernel: Shape, **more: Any) -> Config:
    """
    Return the config of a layer, and of one behind it.

    Parameters
    ----------
    below : Spec
        The first.
    kernel : tuple of int
        R of the second.
    **more
        Other fields of the second.

    Returns
    -------
    dict
        As a stack has it.
    """
    config = below.config
    sizes = tuple(config["output_sizes"])
    fields = {"channels": below.filters, "first": below.first, **more}
    second = Spec("", "", sizes, kernel, **fields).config
    del second["batch"]
    return {**config, "second": second}


def stacked(name: str, why: str, config: Config) -> Case:
    """
    Return a stack whose sums are exact, off the kinks.

    Parameters
    ----------
    name, why : str
        Of the case.
    config : dict
        Of the case.

    Returns
    -------
    Case
        The first draw that is.

    Raises
    ------
    ValueError
        If no draw is.
    """
    # Odd sixteenths keep the second pre-activation off the kinks.
    numbers = {**SMALL, "kernel2": SMALL["kernel"], "bias2": Numbers(1, 2, 4, -4)}
    for attempt in range(ATTEMPTS):
        with suppress(ValueError):  # on a kink
            found = made(name, why, "stack", config, "float32", numbers, None, attempt)
            check_stack(found)
            return found
    raise ValueError(f"case {name} must be exact, off the kinks")


def all_of_stacks() -> Iterator[Case]:
    """Yield both layers with strides, dilation, borders of their own and a ceiling."""
    for n, (axes, first) in enumerate(itertools.product((1, 2, 3), (False, True))):
        one, other = BENT[(axes + first) % 2]
        window = (2, 1, 1)[:axes]
        padded = ((1, 0), (0, 1), (0, 0))[:axes]
        below = Spec(
            "",
            "",
            (8, 2, 1)[:axes],
            window,
            strides=(2, 1, 1)[:axes],
            dilation_rate=(2, 1, 1)[:axes],
            pads=padded,
            pad_value=-1.0,
            batch=4,
            filters=4,
            first=first,
            activation=one,
        )
        config = stack_config(
            below,
            window,
            filters=4,
            strides=(2, 2, 1)[:axes],
            dilation_rate=(2, 1, 1)[:axes],
            pads=((2, 1), (0, 1), (1, 0))[:axes],
            pad_value=2.0,
            activation=other,
        )
        why = f"two layers with all options, {one['name']} and {other['name']}"
        yield stacked(f"stack-all-{n}", why, config)


def far_stacks() -> Iterator[Case]:
    """Yield two layers with one count beyond a byte, and tails of every tile."""
    small: dict[str, Any] = {"sizes": (3,), "batch": 1, "channels": 1}
    for name, more, filters in (
        ("samples", {"batch": MANY, "filters": 1}, 1),
        ("hidden", {"filters": MANY}, 1),
        ("filters", {"filters": 1}, MANY),
        ("cells", {"sizes": (MANY + 2,), "filters": 1}, 1),
    ):
        below = Spec("", "", kernel_size=(2,), **{**small, **more})
        config = stack_config(below, (2,), filters=filters)
        yield stacked(
            f"stack-far-{name}",
            f"two layers, one count beyond all others: {name}",
            config,
        )
