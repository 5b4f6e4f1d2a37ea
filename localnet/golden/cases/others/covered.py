"""Every other kind over pairs of sizes and options, with small numbers."""

import math
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...._typing import Array, Config, Shape
from ...case import Case
from ..axes import KERNELS
from ..configs import shapes_of
from ..covering import Axes, Row, covering
from ..lehmer import MODULUS, states
from ..specs import SMALL, Numbers, Spec
from .making import ATTEMPTS, check_stack, config_of, made

__all__ = ["fixed", "int8", "norms", "pools", "stacks"]

AXES: Axes = {
    "axes": (1, 2, 3),
    "first": (False, True),
    "size": (3, 9, 17, 33),
    "samples": (2, 1, 9),
    "channels": (3, 1, 9, 17),
    "strides": ("1", "2"),
    "left over": (False, True),
}
WINDOWS: Mapping[int, Shape] = {1: (4,), 2: (2, 4), 3: (2, 1, 2)}


def _is_small(row: Row) -> bool:
    """Return whether all of a row's counts together are few."""
    return bool(
        row["size"] * row["channels"] * row.get("filters", 2) * row["samples"] <= 800
        and row["size"] * row["axes"] <= 40
    )


def pools() -> Iterator[Case]:
    """Yield windows that overlap or lie apart, cells left over, numbers below 0."""
    axes = {"pool": ("max", "average"), **AXES}
    for n, row in enumerate(covering(axes, 2, fits=_is_small)):
        largest = row["pool"] == "max"
        kernel = KERNELS["3"][row["axes"]] if largest else WINDOWS[row["axes"]]
        config = {**config_of(row, kernel), "pool": row["pool"]}
        # So many numbers that no two of a window are equal.
        x = Numbers(1, 1, 2**20) if largest else SMALL["x"]
        numbers = {"x": x, "dy": SMALL["dy"]}
        given = {"kernel": np.zeros(0)}
        why = f"{row['pool']} of windows {list(kernel)}, strides {config['strides']}"
        precision = "float32" if largest else "float16"
        for attempt in range(ATTEMPTS):
            try:
                yield made(
                    f"pool-{n}", why, "pool", config, precision, numbers, given, attempt
                )
            except ValueError:  # two of a window are equal
                continue
            break
        else:
            raise ValueError(f"case pool-{n} must have one largest number a window")


def norms() -> Iterator[Case]:
    """Yield deviations that are powers of two, of the batch or given."""
    axes = {
        "training": (True, False),
        "axes": (1, 2, 3),
        "first": (False, True),
        "samples": (2, 1, 8),
        "size": (8, 4, 32),
        "channels": (3, 1, 9, 17),
    }
    for n, row in enumerate(covering(axes, 2)):
        sizes = [row["size"], 2, 2][: row["axes"]]
        rank, channels = row["axes"], row["channels"]
        config = {
            **config_of({**row, "size": 1}, (1,) * rank),
            "input_sizes": sizes,
            "output_sizes": sizes,
            "training": row["training"],
            "epsilon": 1.5 if row["training"] else 0.25,
        }
        numbers = {
            "x": Numbers(1, 1, 7, -1),
            "kernel": Numbers(1, 1, 3),
            "bias": Numbers(1, 2, 2, -1),
            "dy": Numbers(1, 1, 2),
        }
        given = {}
        if row["training"]:
            given["x"] = _spaced(config, seed=n + 1)
            why = "means and deviations of the batch"
        else:
            means = np.arange(channels) % 5 - 2.0
            deviations = 2.0 ** (np.arange(channels) % 3)
            given["mixture"] = np.stack([means, deviations**2 - 0.25])
            why = "given means and variances"
        why = f"{why}, {channels} channels of {math.prod(sizes) * row['samples']}"
        yield made(f"norm-{n}", why, "batch_norm", config, "float32", numbers, given)


def _spaced(config: Config, seed: int) -> Array:
    """Return x whose channels have the variances 2.5 and 14.5 about other means."""
    members = config["batch"] * math.prod(config["input_sizes"])
    channels = config["channels"]
    x = np.empty((channels, members))
    for channel in range(channels):
        near, far = ((1.0, 2.0), (2.0, 5.0))[channel % 2]
        pattern = np.resize([near, -near, far, -far], members)
        order = np.argsort(states(seed + 97 * channel, members), kind="stable")
        x[channel] = pattern[order] + channel % 7 - 3
    x = x.reshape(channels, config["batch"], *config["input_sizes"])
    first = config["data_format"] == "channels_first"
    return np.moveaxis(x, 0, 1 if first else -1)


def stacks() -> Iterator[Case]:
    """Yield two layers in a row: what one gives, the other takes, there and back."""
    relu, leaky = {"name": "relu"}, {"name": "leaky_relu", "alpha": 0.25}
    pairs: tuple[tuple[Spec, dict[str, Any]], ...] = (
        (Spec("", "", (9,), (3,), filters=3, activation=relu), {"kernel": (2,)}),
        (
            Spec("", "", (7, 6), (3, 2), first=True, activation=relu),
            {"kernel": (2, 3), "pads": ((1, 0), (0, 2)), "activation": leaky},
        ),
        (
            Spec("", "", (4, 3, 4), (2, 2, 2), activation=leaky, filters=3),
            {"kernel": (1, 2, 3), "pads": ((0, 0), (1, 0), (0, 1))},
        ),
        (
            Spec("", "", (67,), (2,), strides=(2,), channels=1, filters=2),
            {"kernel": (5,), "strides": (2,), "activation": relu},
        ),
        (
            Spec("", "", (18, 3), (2, 2), pads=((0, 0), (1, 1)), first=True),
            {"kernel": (3, 1), "dilation": (2, 1), "filters": 9},
        ),
    )
    for n, (below, above) in enumerate(pairs):
        config = below.config
        second = Spec(
            "",
            "",
            tuple(config["output_sizes"]),
            above["kernel"],
            strides=above.get("strides", ()),
            pads=above.get("pads", ()),
            dilation_rate=above.get("dilation", ()),
            channels=below.filters,
            filters=above.get("filters", 2),
            first=below.first,
            activation=above.get("activation", {"name": "linear"}),
        ).config
        del second["batch"]
        # Odd quarters keep the second pre-activation off the kink.
        quarters = Numbers(1, 2, 4, -4)
        numbers = {**SMALL, "kernel2": SMALL["kernel"], "bias2": quarters}
        case = made(
            f"stack-{n}",
            "two layers in a row, and the gradient through both",
            "stack",
            {**config, "second": second},
            "float32",
            numbers,
        )
        check_stack(case)
        yield case


INTEGERS: Axes = {
    **AXES,
    "filters": (3, 1, 9, 17),
    "bias": (True, False),
    "pads": ((0, 0), (2, 1)),
    "numbers": ("few", "all"),
}


def int8() -> Iterator[Case]:
    """Yield zero points, ties, sums that saturate, one scale or one for each filter."""
    axes: Axes = {
        "scale": ("none", "one", "each"),
        "zero": (0, 3, -128),
        "output zero": (0, -7, 12),
        **INTEGERS,
    }
    for n, row in enumerate(covering(axes, 2, fits=_is_small)):
        config = config_of(row, KERNELS["2"][row["axes"]], row["pads"])
        zero = row["zero"] if row["numbers"] == "all" else row["zero"] % 5
        config |= {"input_zero_point": zero, "kernel_zero_point": 0}
        if row["scale"] != "none":
            count = 1 if row["scale"] == "one" else row["filters"]
            terms = math.prod(config["kernel_size"]) * row["channels"]
            shift = 2 if row["numbers"] == "few" else 7 + terms.bit_length() // 2
            config |= {
                "multiplier": [(1, 3, 5, 1)[f % 4] for f in range(count)],
                "shift": shift,
                "output_zero_point": row["output zero"],
            }
        words = {"none": "int32 accumulators", "one": "one scale"}
        why = words.get(row["scale"], "a scale for each filter")
        yield _of_integers(
            f"int8-{n}", f"int8, {why}, zero point {zero}", "int8", config, row
        )


def fixed() -> Iterator[Case]:
    """Yield every rounding and every overflow of fixed point, in narrow formats."""
    axes: Axes = {
        "rounding": ("truncate", "nearest", "even"),
        "overflow": ("wrap", "saturate"),
        "width": (8, 16, 12),
        "cut": (3, 5, 1),
        **INTEGERS,
    }
    for n, row in enumerate(covering(axes, 2, fits=_is_small)):
        config = config_of(row, KERNELS["2"][row["axes"]], row["pads"])
        config |= {
            "width": row["width"],
            "fraction": 8 - row["cut"],
            "fraction_of_products": 8,
            "rounding": row["rounding"],
            "overflow": row["overflow"],
        }
        why = (
            f"{row['width']} bits, {8 - row['cut']} behind the point: "
            f"{row['rounding']}, {row['overflow']}"
        )
        yield _of_integers(f"fixed-{n}", why, "fixed_point", config, row)


def _of_integers(name: str, why: str, kind: str, config: Config, row: Row) -> Case:
    """Return a case of integers: all that int8 holds, or few, for ties."""
    shapes = shapes_of(config)
    given = {}
    if row["numbers"] == "all":
        numbers: dict[str, Numbers] = {
            "kernel": Numbers(0, 1, 128),
            "bias": Numbers(0, 1, 4000),
        }
        seed = zlib.crc32(f"{name}/x".encode()) % (MODULUS - 1) + 1
        values = states(seed, math.prod(shapes["x"])) % 256 - 128
        given["x"] = values.reshape(shapes["x"])
    else:
        numbers = {
            "x": Numbers(0, 1, 4),
            "kernel": Numbers(0, 1, 5),
            "bias": Numbers(0, 1, 30),
        }
    if not row["bias"]:
        del numbers["bias"]
    return made(name, why, kind, config, "int32", numbers, given)
