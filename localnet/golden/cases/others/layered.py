"""
Pools, norms and stacks where a short cut shows: pads, ties, tails, far means, all bits.

A plain row of sizes and small numbers passes a kernel that forgets what does not fill a
block, or that rounds on the way; these do not.
"""

import itertools
import math
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress

import numpy as np

from ...._typing import Array, Config, Shape
from ...case import Case
from ..configs import shapes_of
from ..lehmer import MODULUS, states
from ..specs import SMALL, Numbers, Spec
from .making import ATTEMPTS, check_stack, config_of, made

__all__ = [
    "SAME",
    "SCALES",
    "centred",
    "constant",
    "epsilons",
    "far_means",
    "norm_config",
    "padded",
    "pool_config",
    "tailed",
    "tails",
    "tied",
    "unique",
    "wide_stacks",
]

LINEAR: Config = {"name": "linear"}
# Sizes, windows and strides with TensorFlow's "same". Windows of a mean keep a power of
# two of cells everywhere, so that it is exact.
SAME: Mapping[str, tuple[tuple[Shape, Shape, Shape], ...]] = {
    "max": (
        ((9,), (3,), (1,)),
        ((10,), (3,), (2,)),
        ((4, 6), (3, 3), (1, 2)),
        ((5, 4), (2, 3), (2, 1)),
        ((3, 4, 5), (3, 2, 3), (2, 1, 1)),
    ),
    "average": (
        ((3,), (3,), (2,)),
        ((9,), (2,), (2,)),
        ((4, 3), (3, 3), (3, 2)),
        ((6, 4), (5, 2), (3, 2)),
        ((3, 4, 5), (3, 3, 2), (2, 3, 2)),
    ),
}
# Axes as long as there are channels and samples: nothing tells them apart.
CUBES: tuple[tuple[Shape, Shape, Shape], ...] = (
    ((4,), (2,), (1,)),
    ((4, 4), (2, 2), (2, 2)),
)


def pool_config(
    pool: str, window: tuple[Shape, Shape, Shape], channels: int, *, first: bool
) -> Config:
    """
    Return the config of a pooling with the pads of "same".

    Parameters
    ----------
    pool : {"max", "average"}
        Which.
    window : tuple of tuple of int
        S, R and strides.
    channels : int
        C.
    first : bool
        Whether the data format is channels_first.

    Returns
    -------
    dict
        With two samples.
    """
    sizes, kernel, strides = window
    outputs = [-(-n // s) for n, s in zip(sizes, strides, strict=True)]
    pads = []
    for n, o, r, s in zip(sizes, outputs, kernel, strides, strict=True):
        more = max(0, (o - 1) * s + r - n)
        pads.append([more // 2, more - more // 2])
    return {
        **config_of(
            {"axes": len(sizes), "size": 1, "samples": 2, "channels": channels}
            | {"first": first},
            kernel,
        ),
        "input_sizes": list(sizes),
        "output_sizes": outputs,
        "strides": list(strides),
        "pads": pads,
        "pool": pool,
    }


def padded() -> Iterator[Case]:
    """Yield poolings with pads, which are no cells: all numbers are below 0, or any."""
    for pool, windows in SAME.items():
        for n, (window, first) in enumerate(itertools.product(windows, (False, True))):
            config = pool_config(pool, window, (3, 9)[n // 2 % 2], first=first)
            below = n % 4 in (0, 3)
            why = f"{pool}, pads {config['pads']}{', below 0' * below}"
            yield unique(f"pool-padded-{pool}-{n}", why, config, below=below)
        for n, window in enumerate(CUBES):
            sizes, kernel, strides = window
            outputs = [
                (i - r) // s + 1 for i, r, s in zip(sizes, kernel, strides, strict=True)
            ]
            config = {
                **pool_config(pool, window, sizes[0], first=True),
                "batch": sizes[0],
                "output_sizes": outputs,
                "pads": [[0, 0]] * len(sizes),
            }
            why = f"{pool}, channels_first, N = C = S: no axis to tell apart by"
            yield unique(f"pool-cube-{pool}-{n}", why, config, below=False)


def unique(name: str, why: str, config: Config, *, below: bool) -> Case:
    """
    Return a pooling whose windows have one largest number each.

    Parameters
    ----------
    name, why : str
        Of the case.
    config : dict
        Of the case.
    below : bool
        Whether all numbers of a maximum are below 0.

    Returns
    -------
    Case
        The first draw that has no two equal.

    Raises
    ------
    ValueError
        If no draw has.
    """
    largest = config["pool"] == "max"
    shape = shapes_of(config, "pool")["x"]
    for attempt in range(ATTEMPTS):
        given = {"kernel": np.zeros(0)}
        numbers = {"x": SMALL["x"], "dy": SMALL["dy"]}
        if largest:
            seed = (zlib.crc32(f"{name}/x".encode()) + attempt) % (MODULUS - 1) + 1
            values = 1.0 + states(seed, math.prod(shape)).reshape(shape) % 2**20
            given["x"] = -values if below else values - 2**19
        with suppress(ValueError):  # two of a window are equal
            precision = "float32" if largest else "float16"
            return made(name, why, "pool", config, precision, numbers, given, attempt)
    raise ValueError(f"case {name} must have one largest number a window")


def tied() -> Iterator[Case]:
    """Yield windows with several largest numbers: the first of them has the slope."""
    windows = [((2,), (2,), (1,)), ((9,), (3,), (1,)), *SAME["max"][1:]]
    for n, (window, first) in enumerate(itertools.product(windows, (False, True))):
        config = pool_config("max", window, 3, first=first)
        if window[0] == (2,):
            config |= {"output_sizes": [1], "pads": [[0, 0]]}
        yield made(
            f"pool-tied-{n}",
            f"largest numbers that are equal, windows {list(window[1])}",
            "pool",
            config,
            "float16",
            {"x": Numbers(1, 1, 2), "dy": Numbers(1, 1, 4)},
            {"kernel": np.zeros(0)},
            flags=("kink",),
        )


# Batch normalisation ------------------------------------------------------------------

# Samples and sizes: none of these products fills blocks of 8, 16, 32, ...
MEMBERS: tuple[tuple[int, Shape], ...] = (
    (2, (20,)),
    (3, (4,)),
    (1, (6, 6)),
    (5, (2, 4)),
    (9, (2, 2, 2)),
    (17, (8,)),
    (33, (8,)),
    (65, (4, 2)),
)
# Patterns of four numbers, and weights whose sum, plain and times them, is 0.
PATTERNS = (
    ((1.0, -1.0, 2.0, -2.0), (-1.0, 3.0, 0.0, -2.0)),
    ((2.0, -2.0, 5.0, -5.0), (-4.0, 6.0, 1.0, -3.0)),
)


def norm_config(
    samples: int, sizes: Shape, channels: int, *, first: bool, training: bool = True
) -> Config:
    """
    Return the config of a normalisation.

    Parameters
    ----------
    samples : int
        N.
    sizes : tuple of int
        S.
    channels : int
        C.
    first : bool
        Whether the data format is channels_first.
    training : bool
        Whether the moments are those of the batch.

    Returns
    -------
    dict
        With an epsilon that fits the variances of `PATTERNS`, or those that are given.
    """
    row = {"axes": len(sizes), "size": 1, "samples": samples, "channels": channels}
    return {
        **config_of(row | {"first": first}, (1,) * len(sizes)),
        "input_sizes": list(sizes),
        "output_sizes": list(sizes),
        "training": training,
        "epsilon": 1.5 if training else 0.25,
    }


def _in_layout(values: Array, config: Config) -> Array:
    """Return (C, members) as x is stored."""
    shaped = values.reshape(len(values), config["batch"], *config["input_sizes"])
    first = config["data_format"] == "channels_first"
    return np.moveaxis(shaped, 0, 1 if first else -1)


def centred(config: Config, far: int) -> dict[str, Array]:
    """
    Return channels about means of their own, and moments, where those are given.

    Parameters
    ----------
    config : dict
        Of a normalisation.
    far : int
        About how far the means are from 0.

    Returns
    -------
    dict of str to ndarray
        ``x``, and ``mixture`` if the config does not train.
    """
    channels = config["channels"]
    members = config["batch"] * math.prod(config["input_sizes"])
    x = np.stack(
        [
            np.resize(PATTERNS[c % 2][0], members)[
                np.argsort(states(31 * c + 7, members), kind="stable")
            ]
            for c in range(channels)
        ]
    )
    means = far * (-1.0) ** np.arange(channels) + 2 * np.arange(channels)
    found = {"x": _in_layout(x + means[:, None], config)}
    if not config["training"]:
        found["mixture"] = np.stack([means, np.resize([3.75, 15.75], channels)])
    return found


SCALES = {
    "kernel": Numbers(1, 1, 3),
    "bias": Numbers(1, 2, 2, -1),
    "dy": Numbers(1, 1, 2),
}


def tails() -> Iterator[Case]:
    """Yield counts that fill no block, with sums that any mean gets exactly."""
    for n, (samples, sizes) in enumerate(MEMBERS):
        config = norm_config(samples, sizes, (3, 9)[n % 2], first=n % 4 > 1)
        yield tailed(f"norm-tail-{n}", config, n)


def tailed(name: str, config: Config, n: int) -> Case:
    """
    Return a normalisation by the moments of a batch, with sums that any mean gets.

    Parameters
    ----------
    name : str
        Of the case.
    config : dict
        As `norm_config` gives it.
    n : int
        What the draws follow from.

    Returns
    -------
    Case
        Exact, whether sums are divided, or multiplied by an inverse.
    """
    members = config["batch"] * math.prod(config["input_sizes"])
    x = np.empty((config["channels"], members))
    dy = np.empty_like(x)
    for channel in range(len(x)):
        pattern, weights = PATTERNS[channel % 2]
        order = np.argsort(states(97 * channel + n + 1, members), kind="stable")
        signs = np.repeat(states(n + 1, members // 4) % 5 - 2.0, 4)
        x[channel] = np.resize(pattern, members)[order]
        dy[channel] = (np.resize(weights, members) * signs)[order] + x[channel] + 2
    _check_means(x, dy)
    given = {"x": _in_layout(x, config), "dy": _in_layout(dy, config)}
    why = f"{members} numbers a channel, which fill no block"
    return made(name, why, "batch_norm", config, "float32", SCALES, given)


def _check_means(x: Array, dy: Array) -> None:
    """Refuse sums whose means differ if they are multiplied by 1/M, not divided."""
    for kind in ("float32", "float64"):
        members = np.full(1, x.shape[1], kind)
        for total in (x.sum(1), (x * x).sum(1), dy.sum(1), (x * dy).sum(1)):
            one: Array = total.astype(kind)
            if not np.array_equal(one * (1 / members), one / members):
                raise ValueError(f"means of {x.shape[1]} numbers must be exact")


def far_means() -> Iterator[Case]:
    """Yield means far beyond the deviation, where the mean of squares cancels."""
    places = (("float32", 10_007, (4, (8,))), ("float64", 2**27 + 1001, (2, (4, 4))))
    for n, ((precision, far, (samples, sizes)), training) in enumerate(
        itertools.product(places, (True, False))
    ):
        config = norm_config(samples, sizes, 9, first=n % 2 > 0, training=training)
        given = centred(config, far)
        why = f"means of {far} beside deviations of 2 and 4"
        yield made(f"norm-far-{n}", why, "batch_norm", config, precision, SCALES, given)


def constant() -> Iterator[Case]:
    """Yield channels of one value each: y is beta there, with no division by 0."""
    pattern = (1.0, -1.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0)  # of variance 3.75
    for n, (channels, first) in enumerate(itertools.product((1, 3), (False, True))):
        config = {**norm_config(2, (8,), channels, first=first), "epsilon": 0.25}
        x = np.stack([np.resize(pattern, 16) + c for c in range(channels)])
        x[0] = 3.0
        given = {"x": _in_layout(x, config)}
        why = "a channel of equal numbers"
        yield made(
            f"norm-constant-{n}", why, "batch_norm", config, "float32", SCALES, given
        )


# Stacks -------------------------------------------------------------------------------


def wide_stacks() -> Iterator[Case]:
    """Yield hidden layers that need all bits of the precision, there and back."""
    relu = {"name": "relu"}
    sizes = ({"channels": 4, "filters": 8, "above": 4}, {"channels": 1, "filters": 3})
    roles = ("x", "kernel", "kernel2", "dy")
    for n, (precision, size, role) in enumerate(
        itertools.product(("float32", "float64"), sizes, roles)
    ):
        aligned, first = "above" in size, n % 3 == 1
        below = Spec(
            "",
            "",
            (9 if aligned else 17,),
            (2,),
            channels=size["channels"],
            filters=size["filters"],
            first=first,
            activation=relu if n % 2 else LINEAR,
        ).config
        above = Spec(
            "",
            "",
            tuple(below["output_sizes"]),
            (1,) if aligned else (2,),
            channels=below["filters"],
            filters=size.get("above", 2),
            first=first,
        ).config
        del above["batch"]
        config = {**below, "second": above}
        why = f"two layers, {role} with as many bits as {precision} leaves it"
        yield _widest(f"stack-wide-{n}", why, config, precision, role)


def _widest(name: str, why: str, config: Config, precision: str, role: str) -> Case:
    """Return a stack with an operand of as many bits as its sums leave room for."""
    numbers = {**SMALL, "kernel2": Numbers(1, 1, 2), "bias2": Numbers(1, 2, 4, -4)}
    least = {"float32": 12, "float64": 26}[precision]  # beyond a narrower format

    def with_bits(bits: int, attempt: int) -> tuple[Case, int]:
        odd = Numbers(2 ** (bits - 1) + 1, 2, 2 ** (bits - 2))
        wide = {**numbers, role: odd}
        case = made(name, why, "stack", config, precision, wide, None, attempt)
        return case, check_stack(case)

    for attempt in range(ATTEMPTS):
        with suppress(ValueError):  # on a kink
            _, free = with_bits(least, attempt)
            return with_bits(min(least + free, 44), attempt)[0]
    raise ValueError(f"case {name} must leave bits for {role}")


# Integers -----------------------------------------------------------------------------


def epsilons() -> Iterator[Case]:
    """Yield given variances with no epsilon, and with one of many bits."""
    fine = (2**18 // 3 | 1) / 2**20  # 0.083...: no number of fewer bits
    for first, epsilon in itertools.product((False, True), (0.0, fine)):
        row = {"axes": 1, "first": first, "samples": 2, "channels": 5, "size": 8}
        variances = 4.0 ** (np.arange(5) % 3) - epsilon
        yield made(
            f"norm-{'fine' if epsilon else 'given'}-{'first' if first else 'last'}",
            f"given variances, an epsilon of {'many bits' if epsilon else '0'}",
            "batch_norm",
            {**config_of(row, (1,)), "training": False, "epsilon": epsilon},
            "float32",
            {
                "x": Numbers(1, 1, 7, -1),
                "kernel": Numbers(1, 1, 3),
                "bias": Numbers(1, 2, 2, -1),
                "dy": Numbers(1, 1, 2),
            },
            {"mixture": np.stack([np.arange(5.0) - 2, variances])},
        )
