"""
Families of what architectures really use: windows that are the same on every axis.

Covering arrays have every value and few whole configurations: none of them has a kernel
of 3 with a stride of 2 and pads of 1 on all axes, which most networks begin with.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from ..arrays.bits import numbers_of
from ..axes import ACTIVATIONS, COMBINED
from ..specs import Spec, VariantSpec

__all__ = [
    "AXES",
    "CAUSAL",
    "NARROWEST_FIRST",
    "TRANSPOSED",
    "WINDOWS",
    "Window",
    "everyday",
    "everyday_variants",
    "exactly",
    "of_kind",
]

NARROWEST_FIRST = ("bfloat16", "float16", "float32", "float64")
AXES = ("one axis", "two axes", "three axes")


class Window(NamedTuple):
    """
    What is the same on every axis.

    Parameters
    ----------
    kernel, stride, before, after, dilation, extra : int
        Taps, and so on; `extra` is the output padding of a transposed layer.
    small : bool
        Whether three axes of 3 or 4 cells are enough.
    """

    kernel: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1
    extra: int = 0
    small: bool = False


WINDOWS = {
    "k3s1p1": Window(3, 1, 1, 1, small=True),
    "k3s2p1": Window(3, 2, 1, 1),
    "k3s2-same": Window(3, 2, 0, 1),  # of an even size, as TensorFlow places it
    "k5s1p2": Window(5, 1, 2, 2, small=True),
    "k7s2p3": Window(7, 2, 3, 3, small=True),
    "k1s2": Window(1, 2),
    "k2s2": Window(2, 2),
    "k4s2p1": Window(4, 2, 1, 1),
    "k3d2p2": Window(3, 1, 2, 2, 2, small=True),
    "k3d4p4": Window(3, 1, 4, 4, 4),
}
CAUSAL = {
    f"causal-k{taps}d{step}": Window(taps, 1, (taps - 1) * step, 0, step)
    for taps, step in ((3, 1), (3, 4), (3, 8), (2, 8))
}
TRANSPOSED = {
    "k4s2p1": Window(4, 2, 1, 1),
    "k5s2p2": Window(5, 2, 2, 2),
    "k3s2p1-more": Window(3, 2, 1, 1, extra=1),
    "k2s2": Window(2, 2),
    "k3s1p1": Window(3, 1, 1, 1),
}
FEW = ("k3s1p1", "k3s2p1", "k2s2")
# Of two axes: a window of one tap on one of them, and pads on one of them.
UNEVEN = tuple((window, pads) for window in ((3, 1), (1, 3)) for pads in (0, 1))


def exactly(spec: Spec, words: str, precision: str, wide: str = "") -> Spec:
    """Return a spec whose sums are exact, in a precision or the next wider one."""
    row = {"precision": precision, **({"wide": wide} if wide else {})}
    precision, numbers, is_wide = numbers_of(spec, row)
    return replace(
        spec,
        why=f"{COMBINED}{words}",
        precision=precision,
        data=numbers,
        flags=("wide",) if is_wide else (),
    )


def of_kind(kind: str, **fields: Any) -> Spec:
    """Return a spec of a kind, in one axis."""
    made = Spec if kind == "layer" else VariantSpec
    usual = {"id": "", "why": "", "sizes": (1,), "kernel_size": (1,)}
    given: dict[str, Any] = {**usual, "kind": kind, **fields}
    return made(**given)


def _named(kind: str, name: str) -> str:
    return f"everyday-{name}" if kind == "layer" else f"{_dashed(kind)}-everyday-{name}"


def _dashed(kind: str) -> str:
    return kind.replace("_", "-")


def _windowed(
    kind: str, name: str, window: Window, axes: int, odd: bool, number: int, **own: Any
) -> Spec:
    """Return a square layer of a window that is the same on every axis."""
    if kind == "transposed":
        size = (5, 3, 2)[axes - 1] + (not odd) * (axes < 3 or window.kernel < 5)
    elif name in CAUSAL:
        size = 17 + (not odd)
    elif axes == 3:
        size = (3 if window.small else 5) if odd else 2 if window.kernel == 5 else 4
    else:
        size = (7 if window.dilation > 2 else 5) + 4 * (axes == 1)
        size += (1, -1)[window.dilation > 2] * (not odd)
    parity = "odd" if size % 2 else "even"
    first = bool(number % 2)
    if kind == "transposed":
        own |= {"output_padding": (window.extra,) * axes}
        own |= {"channels": 2} if window.kernel == 2 else {}
    if kind == "shared":
        own["share" if number % 2 else "tile"] = (2,) * axes
    spec = of_kind(
        kind,
        id=_named(
            kind,
            f"{name}-{axes}d-{parity}-{'first' if first else 'last'}",
        ),
        sizes=(size,) * axes,
        kernel_size=(window.kernel,) * axes,
        strides=(window.stride,) * axes,
        pads=((window.before, window.after),) * axes,
        dilation_rate=(window.dilation,) * axes,
        activation=ACTIVATIONS["leaky" if number % 3 == 1 else "linear"],
        first=first,
        **{"channels": 1 if axes == 3 else 2, "filters": 2 if axes == 3 else 3, **own},
    )
    words = f"{name} of {AXES[axes - 1]}, {parity} sizes, as built"
    return exactly(spec, words, NARROWEST_FIRST[number // 2 % 4])


def _parities(name: str, *wanted: bool) -> tuple[bool, ...]:
    """Return of which sizes a window is: odd ones, or even ones."""
    return (False,) * len(wanted) if name == "k3s2-same" else wanted


def _squares(kind: str, names: Iterable[str], ranks: tuple[int, ...]) -> Iterator[Spec]:
    """Yield every window in these ranks; in two axes in both data formats."""
    number, names = 0, tuple(names)
    table = TRANSPOSED if kind == "transposed" else WINDOWS
    for name in names:
        for axes in ranks:
            both = axes == 2 and len(names) > len(FEW)
            both = both or (axes == 1 and kind == "layer")
            odds = (True, False) if both else (number % 4 < 2,)
            for odd in _parities(name, *odds):
                yield _windowed(kind, name, table[name], axes, odd, number)
                number += 1
        number += len(names) % 2 == 0  # so that ranks change data format


def _uneven(kind: str) -> Iterator[Spec]:
    """Windows of one tap on an axis, with pads on one axis alone."""
    for n, (window, padded) in enumerate(UNEVEN):
        for axes in (2, 3) if kind == "layer" and padded == window[0] % 3 else (2,):
            more = (1,) * (axes - 2)
            pads = [(0, 0)] * axes
            pads[padded * (axes - 1)] = (1, 1)
            kernel = (window[0], *more, window[1])
            words = "x".join(map(str, kernel))
            spec = of_kind(
                kind,
                id=_named(kind, f"uneven-{words}-{padded}"),
                sizes=(4, 5) if axes == 2 else (3, 2, 4),
                kernel_size=kernel,
                pads=tuple(pads),
                pad_value=(0.0, 2.0)[n % 2],
                filters=3,
                first=n in (1, 2),
            )
            words = f"a window of {words}, pads on one axis alone"
            yield exactly(spec, words, NARROWEST_FIRST[n])


def _causal(kind: str) -> Iterator[Spec]:
    """Windows that see nothing that lies ahead, in both data formats."""
    for n, (name, window) in enumerate(CAUSAL.items()):
        for first in (False, True) if kind == "layer" else (n % 2,):
            yield _windowed(kind, name, window, 1, n % 2 == 0, 2 * n + first)


def everyday() -> Iterator[Spec]:
    """Yield what architectures have, for plain layers."""
    yield from _squares("layer", WINDOWS, (1, 2, 3))
    yield from _causal("layer")
    yield from _uneven("layer")


def _depthwise() -> Iterator[Spec]:
    """Convolutions with a group for every channel, and with two."""
    named = {n: WINDOWS[n] for n in ("k3s1p1", "k3s2p1", "k5s1p2")}
    number = 0
    for name, window in named.items():
        for axes in (1, 2, 3) if name == "k3s1p1" else (2,):
            for twice in (1, 2) if axes == 2 else (1,):
                groups = 2 if axes == 3 else 3
                own = {"channels": groups, "filters": groups * twice, "groups": groups}
                spec = _windowed("conv", name, window, axes, axes == 2, number, **own)
                words = f"-depthwise{'-twice' if twice > 1 else ''}"
                yield replace(
                    spec,
                    id=spec.id.replace("everyday", f"everyday{words}"),
                    why=f"{spec.why}, a group for every channel",
                )
                number += 1
    wide = of_kind(
        "conv",
        id="conv-everyday-depthwise-36",
        sizes=(5, 5),
        kernel_size=(3, 3),
        pads=((1, 1), (1, 1)),
        batch=1,
        channels=36,
        filters=36,
        groups=36,
    )
    yield exactly(wide, "36 channels, each a group", "bfloat16")
    for first, strides in ((True, (1, 2)), (True, (2, 1)), (False, (1, 2))):
        order = "first" if first else "last"
        spec = of_kind(
            "conv",
            id=f"conv-everyday-groups-{strides[0]}x{strides[1]}-{order}",
            sizes=(5, 6),
            kernel_size=(3, 3),
            strides=strides,
            pads=((1, 1), (1, 1)),
            channels=4,
            filters=6,
            groups=2,
            first=first,
        )
        yield exactly(spec, f"two groups, strides of {strides}", "float16")


def everyday_variants() -> Iterator[Spec]:
    """Yield what architectures have, for variants."""
    yield from _squares("conv", WINDOWS, (1, 2))
    for n, name in enumerate(FEW):
        yield _windowed("conv", name, WINDOWS[name], 3, n == 0, n)
    yield from _causal("conv")
    yield from _uneven("conv")
    yield from _depthwise()
    yield from _squares("transposed", TRANSPOSED, (1, 2, 3))
    for kind in ("low_rank", "shared"):
        yield from _squares(kind, FEW, (1, 2, 3))
    for axes, taps in ((1, 11), (2, 4), (3, 3)):
        name = f"painted-{taps**axes}"
        spec = _windowed("transposed", name, Window(taps), axes, False, axes)
        many = replace(spec, sizes=((12,), (5, 4), (3, 3, 3))[axes - 1], channels=1)
        words = f"cells that {taps**axes} windows paint, {AXES[axes - 1]}"
        yield exactly(many, words, "bfloat16")
