"""
Batch normalisation in half precision, of operands in all bits, and of odd sizes.

Every number on the way is proven to be one of the precision, by several roads: x less
its mean or scaled first, the sums of dy or those of gamma*dy.
"""

import itertools
import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from ...._typing import Array, Config
from ...case import Case
from ..lehmer import states
from ..precisions import FORMATS
from ..specs import Numbers
from .layered import SCALES, centred, norm_config, tailed
from .making import ATTEMPTS, made

__all__ = ["check_norm", "everyday_norms", "far_norms", "precise_norms"]

SIZES = ((4,), (2, 2), (2, 1, 2))
# Powers of two, of which a product needs no more bits.
FEW = {"kernel": Numbers(1, 1, 2), "bias": Numbers(1, 2, 2, -1), "dy": Numbers(1, 1, 2)}
# Four squares of a sum of 65535, so that the variance is 2**14 - 1/4.
FAR = (255.0, 22.0, 5.0, 1.0)


def check_norm(case: Case, *, folds: bool = True) -> None:
    """
    Refuse a normalisation of which a number on the way is rounded.

    Parameters
    ----------
    case : Case
        Of kind "batch_norm", of a power of two of numbers a channel.
    folds : bool
        Whether ``x*(gamma/d) + (beta - mean*gamma/d)`` has to be exact, too.

    Raises
    ------
    ValueError
        If a sum needs more bits than the precision has, or leaves its range.
    """
    c, form = case.config, case.format
    axis = 1 if c["data_format"] == "channels_first" else -1
    x, dy = (
        np.moveaxis(np.asarray(a, np.float64), axis, 0).reshape(c["channels"], -1)
        for a in (case.x, case.dy)
    )
    gamma, beta = (np.asarray(a, np.float64)[:, None] for a in (case.kernel, case.bias))
    members = x.shape[1]
    terms: dict[str, list[Array]] = {}
    if c["training"]:
        mean = x.mean(1, keepdims=True)
        off = x - mean
        variance = (off**2).mean(1, keepdims=True)
        terms |= {"mean": [*x.T], "variance": [*(off**2).T]}
    else:
        mean, variance = (np.asarray(case.mixture, np.float64))[..., None]
        off = x - mean
    terms["d"] = [variance, variance + c["epsilon"]]
    scale = gamma / np.sqrt(variance + c["epsilon"])
    h = off * scale / gamma
    terms |= {"x": [x, mean], "y": [gamma * h, beta], "scaled": [off * gamma, 0 * off]}
    if folds:
        terms |= {"folded": [x * scale, mean * scale, beta]}
    for words, up, over in (
        ("dy", dy, scale),
        ("gamma*dy", gamma * dy, scale / gamma),
    ):
        total, along = up.sum(1, keepdims=True), (up * h).sum(1, keepdims=True)
        if words == "dy" or c["training"]:
            terms |= {f"sum({words})": [*up.T], f"sum({words}*h)": [*(up * h).T]}
            terms |= {f"sum({words}*(x - mean))": [*(up * off).T]}
        if c["training"]:
            down = [up, total / members, h * along, h * along / members]
            terms |= {f"dx of {words}": down}
            terms |= {f"dx of M*{words}": [members * up, total, h * along]}
            terms |= {f"dx of {words}/d": [part * over for part in down]}
        else:
            terms |= {f"dx of {words}/d": [up * over]}
    for words, parts in terms.items():
        _check_sum(f"{words} of case {case.id}", parts, form.name)


def _check_sum(words: str, parts: list[Array], precision: str) -> None:
    """Refuse terms whose sum, in any order, is no sum of numbers of the precision."""
    form = FORMATS[precision]
    most: Array = np.sum([abs(part) + 0 * parts[0] for part in parts], 0)
    unit = np.full(most.shape, np.inf)
    for part in parts:
        integer, exponent = np.frexp(part + 0 * most)
        integer = np.ldexp(integer, 53).astype(np.int64)
        lowest = np.ldexp(1.0 * (integer & -integer), exponent - 53)
        unit = np.minimum(unit, np.where(integer == 0, np.inf, lowest))
    used = np.isfinite(unit)
    wide = most[used] > np.ldexp(unit[used], form.bits)
    least, greatest = 2.0**form.least, np.ldexp(1.0, form.greatest - 1)
    if wide.any() or (unit < least).any() or (most >= greatest).any():
        raise ValueError(f"{words} must be exact in {precision}")


def _proven(
    name: str,
    why: str,
    config: Config,
    precision: str,
    numbers: dict[str, Numbers],
    given: dict[str, Array],
    attempts: int = ATTEMPTS,
    **asked: Any,
) -> Case:
    """Return a normalisation that is exact on all roads, of the first draw that is."""
    for attempt in range(attempts):
        case = made(name, why, "batch_norm", config, precision, numbers, given, attempt)
        with suppress(ValueError):
            check_norm(case, **asked)
            return case
    raise ValueError(f"case {name} must be exact in {precision}")


def everyday_norms() -> Iterator[Case]:
    """Yield half precision, moments that are given, and one cell a channel."""
    names = itertools.product(SIZES, (True, False), (False, True))
    for n, (sizes, training, first) in enumerate(names):
        half = ("bfloat16", "float16")[(n + n // 2 + n // 4) % 2]
        for precision in (half,) if training else (half, "float32"):
            config = norm_config(2, sizes, 3, first=first, training=training)
            place = f"{len(sizes)}d-{'first' if first else 'last'}"
            words = "batch" if training else "given"
            yield _proven(
                f"norm-{words}-{place}-{precision}",
                f"{len(sizes)} axes in {precision}, moments: {words}",
                config,
                precision,
                FEW if precision == "bfloat16" else SCALES,
                centred(config, 1),
            )
    for n, (samples, axes) in enumerate(((8, 1), (32, 2), (16, 3))):
        config = norm_config(samples, (1,) * axes, 3, first=n % 2 > 0)
        why = f"one cell a channel, of {samples} samples"
        given = centred(config, 3)
        yield _proven(f"norm-cell-{n}", why, config, "float32", SCALES, given)
    for n, (samples, length) in enumerate(((16, 4), (32, 2), (64, 1))):
        config = norm_config(samples, (length,), 2, first=n % 2 > 0)
        why = f"moments of {samples} samples of {length} cells"
        given = centred(config, 3)
        yield _proven(f"norm-samples-{n}", why, config, "float32", SCALES, given)
    for n, sizes in enumerate(((16, 16), (514,))):
        config = norm_config(8 if n == 0 else 2, sizes, 1 + n, first=n > 0)
        yield tailed(f"norm-beyond-{n}", config, n + 1)


def far_norms() -> Iterator[Case]:
    """Yield variances, deviations and means beyond what short formats hold."""
    for training in (True, False):
        words = "batch" if training else "given"
        config = norm_config(2, (4,), 4, first=training, training=training)
        signs = np.array([-1.0, 1.0])
        x = np.stack(
            [
                np.outer(signs, np.roll(FAR, c)).ravel()[
                    np.argsort(states(c + 5, 8), kind="stable")
                ]
                for c in range(4)
            ]
        )
        means = np.array([3.0, -2.0, 0.0, 5.0])
        given = _placed(x + means[:, None], config)
        if not training:
            given["mixture"] = np.stack([means, [2.0**14 - 0.25, 2.0**20 - 0.25] * 2])
        yield _proven(
            f"norm-large-{words}",
            "variances of more than 10,000",
            {**config, "epsilon": 0.25},
            "float32",
            FEW,
            given,
        )
        for precision, power in (("float32", -20), ("float64", -80)):
            config = norm_config(2, (4,), 3, first=not training, training=training)
            given = centred(config, 0)
            x = np.ldexp(given["x"], power)
            if not training:
                mean, variance = given["mixture"]
                given["mixture"] = np.stack(
                    [np.ldexp(mean, power), np.ldexp(variance, 2 * power)]
                )
            yield _proven(
                f"norm-small-{words}-{precision}",
                f"deviations of about 2**{power}",
                {**config, "epsilon": math.ldexp(config["epsilon"], 2 * power)},
                precision,
                FEW,
                {**given, "x": x},
            )
        config = norm_config(1, (4,), 3, first=training, training=training)
        yield _proven(
            f"norm-half-{words}",
            "means whose squares float16 does not hold",
            config,
            "float16",
            FEW,
            centred(config, 300),
        )
    for n, (precision, far) in enumerate((("float32", 2**21), ("float64", 2**50))):
        config = norm_config(1, (4,), 3, first=n > 0)
        # By sum(dy*x) - mean*sum(dy), dgamma loses its last digits.
        yield _proven(
            f"norm-apart-{precision}",
            f"sums of dy*x that cancel, of means of {far + 1001}",
            config,
            precision,
            {**FEW, "dy": Numbers(1, 2, 16)},
            centred(config, far + 1001),
            folds=False,
        )


def _placed(values: Array, config: Config) -> dict[str, Array]:
    """Return x of (C, members) in the data format."""
    shaped = values.reshape(len(values), config["batch"], *config["input_sizes"])
    first = config["data_format"] == "channels_first"
    return {"x": np.moveaxis(shaped, 0, 1 if first else -1)}


def precise_norms() -> Iterator[Case]:
    """Yield gamma, beta and dy of as many bits as their precision leaves them."""
    names = itertools.product(
        ("float32", "float64"), (True, False), ("kernel", "bias", "dy")
    )
    for n, (precision, training, role) in enumerate(names):
        config = norm_config(2, (4,), 3, first=n % 2 > 0, training=training)
        given = {**centred(config, 0), **_placed(_even(config), config)}
        if training:
            config["epsilon"] = 3.0  # beside a variance of 1
        else:
            given["mixture"] = np.stack([np.zeros(3), [3.75, 15.75, 0.75]])
        if role == "kernel":
            given["bias"] = np.zeros(3)
        word = {"kernel": "gamma", "bias": "beta"}.get(role, role)
        yield _widest(
            f"norm-wide-{word}-{'batch' if training else 'given'}-{precision}",
            f"{word} of as many bits as {precision} leaves it",
            config,
            precision,
            role,
            given,
        )


def _even(config: Config) -> Array:
    """Return channels of 1 and -1, in orders of their own."""
    members = config["batch"] * math.prod(config["input_sizes"])
    return np.stack(
        [
            np.resize([1.0, -1.0], members)[np.argsort(states(c + 3, members))]
            for c in range(config["channels"])
        ]
    )


def _widest(
    name: str,
    why: str,
    config: Config,
    precision: str,
    role: str,
    given: dict[str, Array],
) -> Case:
    """Return a case with an operand of the most bits that leave all sums exact."""
    least = {"float32": 12, "float64": 26}[precision]  # beyond a narrower format
    for bits in range(FORMATS[precision].bits, least - 1, -2):
        odd = Numbers(2 ** (bits - 1) + 1, 2, min(2 ** (bits - 2), 2**30))
        numbers = {**FEW, role: odd}
        with suppress(ValueError):
            return _proven(name, why, config, precision, numbers, given, attempts=8)
    raise ValueError(f"case {name} must leave bits for {role}")
