"""
Stacks and integers as they are met: without a bias, narrow, aligned, with a tail.

Each of two biases may be missing; a window of 1 may have a stride; answers may have two
bits; and every count stands once where a kernel for vectors takes it, and once beyond.
"""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ...._typing import Config, Shape
from ...case import Case
from ..precisions import FORMATS
from ..specs import SMALL, STACKED, Numbers, Spec
from .corners import stack_config
from .integers import fixed_config, int8_config
from .making import ATTEMPTS, check_stack, made

__all__ = ["everyday_integers", "everyday_stacks", "narrow_answers", "sized_stacks"]

RELU: Config = {"name": "relu"}
LEAKY: Config = {"name": "leaky_relu", "alpha": -0.5}
# As many as few bits leave room for.
NARROW = {
    **dict.fromkeys(("x", "kernel", "kernel2", "dy"), Numbers(1, 1, 1)),
    **dict.fromkeys(("bias", "bias2"), Numbers(1, 1, 1, -1)),
}


def _stack(
    name: str,
    why: str,
    config: Config,
    precisions: tuple[str, ...],
    numbers: Mapping[str, Numbers] = STACKED,
    without: tuple[str, ...] = (),
) -> Case:
    """Return a stack that is exact, off the kinks, in the first precision that can."""
    kept = {key: one for key, one in numbers.items() if key not in without}
    for precision, attempt in itertools.product(precisions, range(ATTEMPTS)):
        with suppress(ValueError):  # on a kink, or too many bits
            case = made(name, why, "stack", config, precision, kept, None, attempt)
            check_stack(case)
            if all(case.expected[key].any() for key in case.wants):
                return case
    raise ValueError(f"case {name} must be exact, off the kinks")


def everyday_stacks() -> Iterator[Case]:
    """Yield biases that are missing, half precision, and all bits of a bias."""
    single = ("float32",)
    for n, without in enumerate((("bias",), ("bias2",), ("bias", "bias2"))):
        for first in (False, True):
            below = Spec("", "", (5, 4)[: 1 + n % 2], (2, 1)[: 1 + n % 2], first=first)
            config = stack_config(below, below.kernel_size)
            words = " and ".join(without)
            place = "first" if first else "last"
            why = f"two layers without {words}"
            name = f"stack-without-{n}-{place}"
            yield _stack(name, why, config, single, without=without)
    for n, (precision, axes) in enumerate(
        itertools.product(("float16", "bfloat16"), (1, 2, 3))
    ):
        below = Spec(
            "",
            "",
            (4, 2, 2)[:axes],
            (2, 1, 1)[:axes],
            batch=1,
            channels=1 if precision == "bfloat16" else 2,
            first=n % 2 > 0,
            activation=LEAKY if n % 4 > 1 else RELU,
        )
        config = stack_config(below, (2, 1, 1)[:axes])
        numbers = NARROW if precision == "bfloat16" else STACKED
        why = f"two layers in {precision}, {axes} axes"
        yield _stack(f"stack-{precision}-{axes}d", why, config, (precision,), numbers)
    for n, (axes, first) in enumerate(itertools.product((1, 2, 3), (False, True))):
        # A window of 1 that skips cells.
        below = Spec(
            "",
            "",
            (6, 3, 2)[:axes],
            (2, 1, 1)[:axes],
            first=first,
            activation=RELU,
            batch=1 + n % 2,
        )
        config = stack_config(
            below, (1,) * axes, strides=(2, 2, 1)[:axes], filters=1 + n % 3
        )
        name = f"stack-skipping-{axes}d-{'first' if first else 'last'}"
        yield _stack(
            name, "a second layer of windows of 1, strides of 2", config, single
        )
    for n, (precision, role) in enumerate(
        itertools.product(("float32", "float64"), ("bias", "bias2"))
    ):
        config = stack_config(Spec("", "", (5,), (2,), first=n % 2 > 0), (2,))
        yield _wide_bias(f"stack-wide-{role}-{precision}", config, precision, role)


def _wide_bias(name: str, config: Config, precision: str, role: str) -> Case:
    """Return a stack with a bias of the most bits that leave all sums exact."""
    for bits in range(FORMATS[precision].bits, 1, -1):
        odd = Numbers(2 ** (bits - 1) + 1, 2, min(2 ** (bits - 2), 2**30), -1)
        why = f"two layers, {role} of as many bits as {precision} leaves it"
        numbers = {**STACKED, "bias2": SMALL["bias"], role: odd}
        with suppress(ValueError):
            case = made(name, why, "stack", config, precision, numbers)
            check_stack(case)
            return case
    raise ValueError(f"case {name} must leave bits for {role}")


# N, sizes, a window, C, F, a second window, filters behind it.
STACKS: tuple[tuple[int, Shape, Shape, int, int, Shape, int], ...] = (
    (2, (3,), (1,), 20, 2, (1,), 2),  # K > 16
    (2, (5,), (3,), 6, 2, (2,), 1),  # C with a tail of 4, and K > 16
    (1, (4, 3), (2, 1), 7, 3, (1, 2), 2),
    (9, (4,), (1,), 8, 2, (2,), 2),  # K divided by 8, N > 8
    (1, (4,), (1,), 16, 5, (2,), 2),  # C divided by 16, F with a tail
    (1, (4, 2, 3), (2, 1, 2), 8, 2, (2, 1, 1), 2),  # C divided by 8, 3D
    (1, (16,), (1,), 1, 64, (2,), 1),  # F divided by 64, L by 16
    (1, (3,), (2,), 33, 33, (1,), 1),  # K > 64, F > 32
    (2, (33,), (2,), 1, 2, (2,), 1),  # L divided by 32
    (1, (8,), (1,), 8, 2, (1,), 2),  # C and L divided by 8
    (65, (3,), (2,), 1, 32, (1,), 1),  # F divided by 32, N > 64
    (1, (37,), (2,), 2, 5, (3,), 1),  # L and F with tails
    (33, (4,), (1,), 5, 2, (2,), 6),
    (32, (3,), (2,), 4, 4, (2,), 4),
    (1, (3,), (2,), 2, 4, (1,), 32),
)


def sized_stacks() -> Iterator[Case]:
    """Yield two layers whose counts are aligned, have tails, or are beyond others."""
    for n, (samples, sizes, window, channels, filters, above, others) in enumerate(
        STACKS
    ):
        below = Spec(
            "",
            "",
            sizes,
            window,
            batch=samples,
            channels=channels,
            filters=filters,
            first=n % 2 > 0,
            activation=RELU,
        )
        config = stack_config(
            below, above, filters=others, activation=LEAKY if n % 3 else RELU
        )
        words = f"N={samples} C={channels} F={filters}, and {others} behind them"
        name = f"stack-sized-{n}"
        yield _stack(name, f"two layers, {words}", config, ("float32", "float64"))


# Integers -----------------------------------------------------------------------------

OVERFLOWS = ("saturate", "wrap")
# Sizes, a window, strides, pads; N, C and F.
LAYERS: tuple[tuple[Any, ...], ...] = (
    ((3, 2, 4), (2, 2, 1), (1, 1, 1), ((1, 0), (0, 1), (0, 0)), 2, 2, 3),
    ((2, 3, 2), (1, 2, 2), (1, 2, 1), ((0, 0), (1, 1), (0, 1)), 1, 3, 2),
    ((3,), (1,), (1,), ((1, 0),), 2, 3, 64),
    ((2,), (1,), (1,), ((0, 0),), 16, 20, 5),  # K > 16
    ((4,), (2,), (1,), ((0, 1),), 33, 1, 2),
    ((262,), (2,), (1,), ((0, 0),), 1, 1, 17),  # L > 256
    ((1,), (1,), (1,), ((0, 0),), 65, 32, 1),  # K divided by 32
    ((9,), (1,), (1,), ((0, 0),), 1, 36, 3),
    ((7, 5), (2, 1), (2, 2), ((1, 0), (0, 0)), 2, 9, 5),
    ((2,), (1,), (1,), ((0, 0),), 1, 17, 132),  # F > 128
    ((2,), (2,), (1,), ((0, 0),), 64, 5, 2),
    ((33,), (2,), (1,), ((0, 0),), 1, 2, 4),  # L divided by 32
)


def _layer(n: int) -> Config:
    sizes, window, strides, pads, samples, channels, filters = LAYERS[n]
    spec = Spec(
        "",
        "",
        sizes,
        window,
        strides=strides,
        pads=pads,
        batch=samples,
        channels=channels,
        filters=filters,
        first=n % 2 > 0,
    )
    return spec.config


def everyday_integers() -> Iterator[Case]:
    """Yield pads that differ between axes, and counts that are aligned, or beyond."""
    roundings, few = ("truncate", "nearest", "even"), Numbers(0, 1, 8)
    for n in range(len(LAYERS)):
        layer = _layer(n)
        samples, channels, filters = LAYERS[n][-3:]
        words = f"N={samples} C={channels} F={filters}, pads {layer['pads']}"
        shift = 3 + len(layer["strides"]) + channels.bit_length() // 2
        # Few, so that many sums lie on a tie, and beyond the ends of fixed point.
        numbers = {"x": few, "kernel": few, "bias": Numbers(0, 1, 60)}
        more = int8_config(
            "each", filters, shift, (3, -5, 7)[n % 3], (2, 0, -3)[n % 3], -4
        )
        yield made(
            f"int8-everyday-{n}",
            f"int8, {words}",
            "int8",
            layer | more,
            "int32",
            numbers,
        )
        both = LAYERS[n][0][0] > 30
        for overflow in OVERFLOWS if both else OVERFLOWS[n % 2 :][:1]:
            more = fixed_config(4 - n % 2, 1 + n % 3, roundings[n // 2 % 3], overflow)
            yield made(
                f"fixed-everyday-{n}-{overflow}",
                f"fixed point, {words}: {overflow}",
                "fixed_point",
                layer | more,
                "int32",
                numbers,
            )


def narrow_answers() -> Iterator[Case]:
    """Yield answers of two and of three bits, over all that a rule tells apart."""
    names = itertools.product((2, 3), ("saturate", "wrap"))
    for n, (width, overflow) in enumerate(names):
        config = Spec("", "", (6,), (2,), filters=3, first=n % 2 > 0).config
        more = fixed_config(width, 2, ("nearest", "even")[n % 2], overflow)
        yield made(
            f"fixed-narrow-{width}-{overflow}",
            f"fixed point of {width} bits: {overflow}",
            "fixed_point",
            config | more,
            "int32",
            {
                "x": Numbers(0, 1, 4),
                "kernel": Numbers(0, 1, 4),
                "bias": Numbers(0, 1, 9),
            },
        )
