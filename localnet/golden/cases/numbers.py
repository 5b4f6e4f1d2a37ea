"""
Families of cases whose numbers are the point: how they round, and how far they go.

Every case says why it is there; the kill matrix (`localnet.golden.matrix`) proves it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np

from ..case import Case
from ..references.activations import ROWS
from ..references.exact import Exact
from ..references.sums import shaped_like_y
from .axes import CURVES, SIGNS
from .exact import RELU, sixteen_bits
from .parameters import kinked, late, parameters, working
from .precisions import PRECISIONS
from .sizes import beyond, corners, narrow, units
from .specs import SMALL, Numbers, Spec, binades, full, real

__all__ = ["NUMBERS", "base_numbers", "far", "scaled", "scales", "steep", "sunk"]


def scaled(numbers: Mapping[str, Numbers], **powers: int) -> dict[str, Numbers]:
    """Return numbers times powers of two, by name."""
    return {
        name: replace(one, exponent=one.exponent + powers.get(name, 0))
        for name, one in numbers.items()
    }


def single() -> Iterator[Spec]:
    """One product for each number, so that its rounding is no matter of order."""
    base = Spec("", "", (67,), (1,), batch=1, channels=1, filters=1, bias=False)
    for precision, form in PRECISIONS.items():
        for first in (False, True):
            yield replace(
                base,
                id=f"single-{precision}{'-first' if first else ''}",
                why=f"one product for each number, rounded to nearest in {precision}",
                sizes=(8, 8) if first else (67,),
                kernel_size=(1, 1) if first else (1,),
                first=first,
                flags=("single",),
                **real(precision),
            )
        if precision != "bfloat16":  # float32 in its stead would round twice
            half = form.least // 2
            numbers = base_numbers(form.bits)
            yield replace(
                base,
                id=f"single-subnormal-{precision}",
                why=f"products below the smallest normal number of {precision}",
                flags=("single", "subnormal"),
                tier="bounded",
                precision=precision,
                data=scaled(
                    numbers, x=half - 1, kernel=form.least - half - 1, dy=half - 1
                ),
                gradients=False,
            )


def base_numbers(bits: int) -> dict[str, Numbers]:
    """Return full significands from 1 to 2."""
    one = Numbers(2 ** (bits - 1), 1, 2 ** (bits - 1), 1 - bits)
    return dict.fromkeys(("x", "kernel", "dy"), one)


def ranges() -> Iterator[Spec]:
    """Powers of two up to the ends of each precision; zeros, and numbers below."""
    base = Spec("", "", (5,), (2,), channels=1, filters=2)
    for precision, form in PRECISIONS.items():
        for name, power in (
            ("large", (form.greatest - 3) // 2),
            ("small", -((2 - form.least) // 2) + 2),
        ):
            yield replace(
                base,
                id=f"range-{name}-{precision}",
                why=f"numbers near the {name}st of {precision}: no narrower range will "
                "do",
                precision=precision,
                data=scaled(
                    SIGNS if name == "large" else SMALL,
                    x=power,
                    kernel=power,
                    dy=power,
                    bias=2 * power,
                ),
                bias=precision != "float16",
                batch=2,
            )
        if precision == "bfloat16":
            continue
        least = form.least - form.bits + 2
        yield replace(
            base,
            id=f"subnormal-{precision}",
            why=f"inputs below the smallest normal number of {precision}",
            flags=("subnormal",),
            tier="bounded",
            precision=precision,
            data=scaled(SMALL, x=least, bias=least),
            gradients=False,
        )
        for role, words in TINY.items():
            # z is so small, too, where a factor is: half of it is the smallest number.
            powers = {role: least, "bias": 0 if role == "dy" else least}
            for name, activation in (("linear", {"name": "linear"}), ("relu", RELU)):
                yield replace(
                    base,
                    id=f"subnormal-{role}-{name}-{precision}",
                    why=f"{words} below the smallest normal number of {precision}, "
                    f"{name}",
                    flags=("subnormal",),
                    tier="bounded",
                    precision=precision,
                    activation=activation,
                    data=scaled(SMALL, **powers),
                )
    zeros = {name: Numbers(0, 1, 3) for name in ("x", "kernel", "dy")}
    for first in (False, True):
        yield Spec(
            f"zeros-{'first' if first else 'last'}",
            "zeros of both signs among all inputs",
            (6, 3) if first else (9,),
            (2, 3) if first else (4,),
            channels=3,
            filters=3,
            first=first,
            data={**SMALL, **zeros},
        )


# What is so small besides, where one operand is.
TINY = {
    "x": "x, y and dkernel",
    "kernel": "the kernel, y and dx",
    "dy": "dy and all gradients",
}


def scales() -> Iterator[Spec]:
    """Values and slopes next to 0, where series begin, and where they level off."""
    for precision, powers in SCALES.items():
        bits = PRECISIONS[precision].bits
        for power, (name, activation) in product(powers, CURVES.items()):
            if name in (*ROWS, "softsign", "elu of 2"):
                continue  # no series, and no other one
            near = power < 0
            yield Spec(
                f"{name.replace(' ', '-')}-{'below' if near else 'above'}-"
                f"{abs(power)}-{precision}",
                f"{name} and its slope at up to 2**{power}, in {precision}",
                (4,) if near else (16,),
                (1,),
                channels=1,
                filters=4 if near else 1,
                first=not near,
                activation=activation,
                bias=not near,
                tier="bounded",
                precision=precision,
                data={
                    "x": steps(bits, power, 13, 2) if near else binades(bits, power),
                    "kernel": steps(bits, 0, 7, 4) if near else steps(bits, 0, 6, 16),
                    "bias": binades(bits, power - 2),
                    "dy": binades(bits, 0),
                },
                refuses=partial(_gaps, 2.0**power, NEAR if near else LEVEL),
            )


# Parts of the largest z between which there has to be one.
NEAR = (2.0**-27, 2.0**-19, 2.0**-12, 2.0**-6, 1)
LEVEL = (-1, -3 / 4, -1 / 2, -1 / 4, 0, 1 / 4, 1 / 2, 3 / 4, 1)
# Powers of two, the largest of z.
SCALES = {"float64": (-6, -2, 5), "float32": (-3, 4), "bfloat16": (1,)}


def _gaps(largest: float, parts: Sequence[float], case: Case, z: Exact) -> list[str]:
    """Return between which parts of the largest z there is none."""
    values = z.nearest() / largest
    values = abs(values) if parts[0] > 0 else values
    found, _ = np.histogram(values, parts)
    return [f"no z lies from {parts[n]:g}" for n in np.flatnonzero(found == 0).tolist()]


def steps(bits: int, exponent: int, binades: int, count: int) -> Numbers:
    """Return so many numbers up to ``2**exponent``, the first so many binades below."""
    low = 2 ** (bits - binades) // 3 | 1
    return Numbers(low, (2**bits - low) // count | 1, count, exponent - bits)


def sunk() -> Iterator[Spec]:
    """Rows whose largest entry is far below what a search for it may start from."""
    for precision, power in SUNK.items():
        for name, first in product(ROWS, (False, True)):
            yield Spec(
                f"{name.replace('_', '-')}-sunk-{'first' if first else 'last'}-"
                f"{precision}",
                f"{name} of rows next to -2**{power}, in {precision}",
                (2,) if first else (6,),
                (1,),
                channels=1,
                filters=6 if first else 5,
                first=first,
                activation={"name": name},
                bias=False,
                tier="bounded",
                precision=precision,
                data={
                    "x": replace(full(PRECISIONS[precision].bits, 0), positive=first),
                    "kernel": Numbers(2**power, 1, 5, positive=not first),
                    "dy": binades(min(PRECISIONS[precision].bits, 24), 2),
                },
                refuses=partial(_above, -(2 ** (power - 1))),
            )


SUNK = {"float64": 21, "float32": 15, "float16": 6}


def _above(limit: int, case: Case, z: Exact) -> list[str]:
    """Return whether the largest entry of every row is above a limit."""
    found = shaped_like_y(z, case).max(-1).below(Exact(np.array(limit)))
    return [] if found.any() else [f"no row lies below {limit}"]


def far() -> Iterator[Spec]:
    """Values and slopes far from 0, where a careless formula overflows or gives nan."""
    for precision, (power, small) in FAR.items():
        for name, activation in CURVES.items():
            top = name == "exponential"  # near the end of its range instead
            yield Spec(
                f"{name.replace(' ', '-').replace('_', '-')}-far-{precision}",
                f"{name} and its slope far from 0, in {precision}",
                (5,),
                (2,),
                channels=1,
                filters=4,
                batch=2,
                activation=activation,
                tier="bounded",
                precision=precision,
                data=away(precision, *TOP[precision] if top else (power, small)),
            )
        last, count = LAST[precision]
        yield Spec(
            f"exponential-end-{precision}",
            f"exponential of up to {last + count / 64:g}, in {precision}",
            (5,),
            (1,),
            channels=1,
            filters=4,
            activation={"name": "exponential"},
            gradients=False,
            tier="bounded",
            precision=precision,
            data={
                "x": Numbers(64 * last, 1, count, -6),
                "kernel": Numbers(2**10 - 1, 1, 2, -10),
                "bias": Numbers(1, 1, 1, -7),
            },
        )


# Powers of two: of sums of two products, and of what a bias adds.
FAR = {"float64": (10, 2), "float32": (7, 2), "float16": (6, 0)}
TOP = {"float64": (9, 5), "float32": (6, 2), "float16": (3, -2)}

# The end of the range of exp: a whole number, and so many parts of 64 above it.
LAST = {"float64": (709, 49), "float32": (88, 45), "float16": (11, 5)}


def away(precision: str, power: int, small: int) -> dict[str, Numbers]:
    """Return numbers whose sums of products are 0 or far from it, with all bits."""
    bits = PRECISIONS[precision].bits
    half = power // 2
    return {
        "x": full(bits, power - half),
        "kernel": full(bits, half),
        "bias": full(bits, small, 2),
        "dy": binades(min(bits, 24), 2),  # sums by slopes next to 1 are no ties
    }


def steep() -> Iterator[Spec]:
    """Rows whose largest entry is far above all before it; and lone entries."""
    for precision, power in (("float64", 11), ("float32", 8), ("float16", 5)):
        bits = PRECISIONS[precision].bits
        numbers = {
            **away(precision, power, -1),
            "x": replace(full(bits, power - power // 2), positive=True),
            "kernel": replace(full(bits, power // 2, 5), positive=True),
        }
        for name, first in product(ROWS, (False, True)):
            order = "first" if first else "last"
            base = Spec(
                f"{name.replace('_', '-')}-{{}}-{order}-{precision}",
                f"{name} in {precision}",
                (1,),
                (1,),
                channels=1,
                first=first,
                activation={"name": name},
                tier="bounded",
                precision=precision,
                data=numbers,
            )
            # Of a softmax in float64 all other entries would be 0.
            if (name, precision) != ("softmax", "float64"):
                yield replace(
                    base,
                    id=base.id.format("steep"),
                    why=f"{base.why}: the maximum of a long row is taken off",
                    sizes=(20,) if first else (16,),
                    filters=16 if first else 20,
                    batch=1,
                )
            yield replace(
                base,
                id=base.id.format("lone"),
                why=f"{base.why}: a row of one entry, whose softmax is 1",
                sizes=(1,) if first else (4,),
                filters=3 if first else 1,
                data=f"real {precision}",
            )


NUMBERS = (
    single,
    ranges,
    parameters,
    far,
    scales,
    steep,
    sunk,
    units,
    beyond,
    narrow,
    corners,
    kinked,
    working,
    late,
    sixteen_bits,
)
