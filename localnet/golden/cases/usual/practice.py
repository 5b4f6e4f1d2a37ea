"""
What layers in practice have beyond the windows of known networks and ordinary counts.

Windows that tile their input, as patches of transformers do, large ones with strides,
and dilated ones; counts of batches, channels, filters and locations, one at a time; pad
values and parameters that no byte and no short table holds.
"""

from collections.abc import Iterator
from typing import Any

from ...._typing import Config
from ..axes import COMBINED
from ..parameters import idle
from ..specs import SMALL, Numbers, Spec
from .windows import NARROWEST_FIRST, Window, exactly, of_kind

__all__ = ["LAID", "OFTEN", "PLACES", "borders", "practice"]

LAID = {
    f"k{kernel}s{stride}p{pad}": Window(kernel, stride, pad, pad)
    for kernel, stride, pad in (
        *((n, n, 0) for n in (3, 4, 5, 6, 7, 8, 16)),
        *((3, 2, 0), (4, 1, 0), (4, 2, 0), (5, 2, 0), (5, 3, 0), (6, 3, 0), (7, 2, 0)),
        *(
            (8, 1, 0),
            (8, 4, 0),
            (9, 1, 0),
            (10, 5, 0),
            (16, 8, 0),
            (5, 1, 0),
            (7, 1, 0),
        ),
        *((2, 1, 1), (3, 3, 1), (4, 1, 1), (3, 1, 2), (5, 2, 2), (6, 2, 2), (8, 4, 2)),
        *((7, 1, 3), (7, 4, 3), (5, 1, 4), (9, 1, 4), (11, 1, 5), (11, 4, 2)),
        *((3, 1, 1), (3, 2, 1), (5, 1, 2), (7, 2, 3)),  # with all bits
    )
} | {
    f"k{kernel}s{stride}d{step}p{pad}": Window(kernel, stride, pad, pad, step)
    for kernel, stride, step, pad in (
        *((3, 1, 3, 3), (2, 1, 4, 2), (5, 1, 2, 4), (7, 1, 2, 6)),
        *((3, 2, 2, 2), (3, 1, 2, 0), (5, 2, 2, 0)),
    )
}
# Of batches, channels and filters; locations have their own.
OFTEN = (7, 14, 15, 16, 18, 24, 25, 28, 40, 64, 80, 200, 256, 512)
PLACES = (28, 40, 50, 128, 196, 256, 784)
BORDERS = (-128.0, 300.0, -2048.0, 2.0**-17)
SLOPES: dict[str, Config] = {
    "leaky-3": {"name": "leaky_relu", "alpha": 3.0},
    "relu-3": {"name": "relu", "alpha": 3.0},
    "relu-from-16": {"name": "relu", "alpha": 0.25, "threshold": 16.0},
    "relu-from-8-below": {"name": "relu", "alpha": 0.25, "threshold": -16.0},
}


def practice() -> Iterator[Spec]:
    """Yield windows, counts, borders and parameters, for plain layers."""
    yield from _windows()
    yield from _counts()
    yield from _orders()
    yield from borders("layer")
    for n, (name, activation) in enumerate(SLOPES.items()):
        yield Spec(
            f"practice-{name}",
            f"{COMBINED}{name}, beyond small parameters",
            (9,),
            (2,),
            channels=2,
            filters=3,
            first=bool(n % 2),
            activation=activation,
            precision="float32",
            data={**SMALL, "x": Numbers(1, 4, 3), "kernel": Numbers(1, 2, 3)},
            refuses=idle,
        )


def _windows() -> Iterator[Spec]:
    """Every window in one axis and in two, with operands of many bits in float32."""
    for n, (name, window) in enumerate(LAID.items()):
        reach = (window.kernel - 1) * window.dilation + 1
        for axes in (1, 2):
            # Two windows, or one more, on every axis.
            size = max(3, reach - 2 * window.before) + (3 - axes) * window.stride
            first = bool((n + axes) % 2)
            spec = of_kind(
                "layer",
                id=f"practice-{name}-{axes}d-{'first' if first else 'last'}",
                sizes=(size,) * axes,
                kernel_size=(window.kernel,) * axes,
                strides=(window.stride,) * axes,
                pads=((window.before, window.after),) * axes,
                dilation_rate=(window.dilation,) * axes,
                channels=1 if axes == 2 else 2,
                filters=2 if axes == 2 else 3,
                batch=2,
                first=first,
            )
            wide = ("x", "kernel")[n % 2]
            yield exactly(spec, f"{name}, with all bits of {wide}", "float32", wide)


def _counts() -> Iterator[Spec]:
    """Yield counts that networks have, one at a time."""
    names = {"N": "batch", "C": "channels", "F": "filters"}
    for letter in "NCFL":
        for n, count in enumerate(PLACES if letter == "L" else OFTEN):
            given: dict[str, Any] = {"batch": 2, "channels": 1, "filters": 2}
            if letter == "L":
                given |= {"sizes": (count,)}
            else:
                given |= {"sizes": (2,), names[letter]: count}
            spec = of_kind(
                "layer",
                id=f"practice-{letter.lower()}{count}",
                kernel_size=(1,),
                first=bool(n % 2),
                **given,
            )
            yield exactly(spec, f"{letter} of {count}, alone", NARROWEST_FIRST[n % 2])


def _orders() -> Iterator[Spec]:
    """Large counts where taps and channels have an order, in channels_first."""
    for name, count in (("batch", 260), ("channels", 260), ("filters", 260)):
        given = {"batch": 1, "channels": 2, "filters": 1, name: count}
        yield exactly(
            of_kind(
                "layer",
                id=f"practice-order-{name}",
                sizes=(3,),
                kernel_size=(2,),
                first=True,
                **given,
            ),
            f"{name} of {count} where a window holds taps and channels",
            "bfloat16",
        )
    places = of_kind(
        "layer",
        id="practice-order-places",
        sizes=(1031,),
        kernel_size=(2,),
        batch=1,
        channels=2,
        filters=1,
        first=True,
    )
    yield exactly(places, "1,030 locations of taps and channels", "bfloat16")


def borders(kind: str) -> Iterator[Spec]:
    """Pad values that a byte or a short table does not hold, and one next to 0."""
    prefix = "" if kind == "layer" else f"{kind.replace('_', '-')}-"
    for n, value in enumerate(BORDERS):
        spec = of_kind(
            kind,
            id=f"{prefix}practice-pad-{n}",
            sizes=(6,),
            kernel_size=(3,),
            pads=((1, 2),),
            pad_value=value,
            channels=2,
            filters=3,
            first=bool(n % 2),
        )
        precision = "float64" if kind == "low_rank" else "float32"
        yield exactly(spec, f"a pad value of {value:g}", precision)
