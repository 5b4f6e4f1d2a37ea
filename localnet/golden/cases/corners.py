"""
Families of variants where a path of its own is taken: aligned, far, rounded, once more.

A plan for sizes that vectors or units divide may forget an option, and one that is kept
may belong to another layer; the rows of `spread` have no triples of these.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from ..references.activations import ROWS
from .arrays.spread import spec_of
from .axes import COMBINED, OWN, PIECEWISE, SIGNS
from .covering import Row
from .lehmer import WIDE
from .numbers import base_numbers, scaled
from .precisions import PRECISIONS
from .specs import Numbers, Spec, VariantSpec, real

__all__ = ["CORNERS"]

# What vectors, units of matrices, and threads over samples or locations divide.
UNITS: tuple[Row, ...] = (
    {"samples": 4, "channels": 8, "filters": 8},
    {"samples": 1, "channels": 16, "filters": 16},
    {"samples": 16},
    {"samples": 1, "size": 8, "kernel": "2"},
)
# All options at once, or all but one.
OPTIONS: Row = {"strides": "2", "dilation": "2", "pads": "first", "border": 2.0}
UNUSED: Row = {"strides": "1", "dilation": "1", "pads": "none", "border": 0.0}
WITHOUT = ("", "strides", "dilation", "pads")
PLACES: tuple[Row, ...] = (
    {"axes": 1, "first": False},
    {"axes": 2, "first": True, "long": 0},
    {"axes": 3, "first": True, "long": 1},
    {"axes": 3, "first": False, "long": 0},
)
OPERANDS: tuple[Row, ...] = (
    {"precision": "float64", "wide": "kernel"},
    *({"precision": "float32", "wide": wide} for wide in ("x", "kernel", "dy")),
)
ACTIVATIONS = ("linear", "relu with a slope", "leaky")
USUAL: Row = {"kernel": "pair", "across": 1, "samples": 2, "size": 2, **OPTIONS}
USUAL |= {"channels": 2, "filters": 3}
# Products with 1, 2 and 3 in the field of four elements, whose sum is ^: rows of
# orthogonal squares.
TIMES = ((0, 1, 2, 3), (0, 2, 3, 1), (0, 3, 1, 2))
# Beyond a byte, and with a tail of every tile up to 256, or to 128.
FAR = {"samples": 131, "channels": 131, "filters": 131, "size": 261}


def aligned_options() -> Iterator[Spec]:
    """Every option of every kind, where sizes are divided by 4, 8, 16 or 32."""
    for kind, own in OWN.items():
        for n, (i, j) in enumerate(product(range(len(own)), range(4))):
            unit, option, place = (times[i] ^ j for times in TIMES)
            without = WITHOUT[option]
            row = USUAL | UNITS[unit] | PLACES[place] | OPERANDS[j]
            row |= {name: UNUSED[name] for name in OPTIONS if name == without}
            row |= {"own": own[i], "activation": ACTIVATIONS[(i + 2 * j) % 3]}
            yield spec_of(row, f"{kind.replace('_', '-')}-options-{n}", kind)
        if kind in ("shared", "conv"):  # where it is not long
            row = {**USUAL, "axes": 1, "first": False, "own": own[0], "samples": 1}
            row |= {"channels": 32, "filters": 32, "activation": "relu of Keras"}
            yield spec_of(row, f"{kind.replace('_', '-')}-options-32", kind)


def far_counts() -> Iterator[Spec]:
    """One count of a variant beyond a byte, and a tail of every tile."""
    for (n, kind), (name, far) in product(enumerate(OWN), FAR.items()):
        row = {**USUAL, **UNUSED, "axes": 1, "first": n % 2 > 0, "own": OWN[kind][0]}
        row |= {
            "samples": 1,
            "channels": 1,
            "kernel": "1",
            "filters": 1 + (name == "channels"),
            name: far,
        }
        yield spec_of(row, f"{kind.replace('_', '-')}-far-{name}", kind)


def rows_of_locations() -> Iterator[Spec]:
    """Rows over the last location axis, which is the last of y in channels_first."""
    for kind, name in zip(OWN, itertools.cycle(ROWS)):
        base = VariantSpec("", "", (3, 5), (1, 2), kind=kind, first=True, filters=3)
        yield replace(
            base,
            id=f"{kind.replace('_', '-')}-{name.replace('_', '-')}-first",
            why=f"{COMBINED}{kind} behind {name}, over locations",
            activation={"name": name},
            bias=False,  # a tied one has no gradient there
            **real("float32"),
        )


def rounded() -> Iterator[Spec]:
    """One product for each number of y, rounded once, and below the normal numbers."""
    for kind, rare in (
        ("conv", ("float64", "float16")),
        ("shared", ()),
        ("transposed", ()),
    ):
        base = VariantSpec(
            "",
            "",
            (33,),
            (1,),
            kind=kind,
            batch=1,
            channels=1,
            filters=1,
            bias=False,
            gradients=False,
            share=(3,) if kind == "shared" else (),
        )
        for precision in ("bfloat16", *rare[1:]):
            yield replace(
                base,
                id=f"{kind}-single-{precision}",
                why=f"{COMBINED}one product for each number, rounded in {precision}",
                flags=("single",),
                **real(precision),
            )
        for precision in ("float32", *rare):
            form = PRECISIONS[precision]
            half, one = form.least // 2, base_numbers(form.bits)
            yield replace(
                base,
                id=f"{kind}-subnormal-{precision}",
                why=f"{COMBINED}products below the normal numbers of {precision}",
                flags=("single", "subnormal"),
                tier="bounded",
                precision=precision,
                data=scaled(one, x=half - 1, kernel=form.least - half - 1),
            )


def together() -> Iterator[Spec]:
    """Options of one kind that no covering array has together."""
    conv = VariantSpec("", "", (4,), (2,), kind="conv")
    for axes, first in ((1, True), (2, True), (2, False), (3, True)):
        yield replace(
            conv,
            id=f"conv-depthwise-untied-{axes}d-{'first' if first else 'last'}",
            why=f"{COMBINED}a group for every channel, and a bias for every location",
            sizes=(4, 2, 2)[:axes],
            kernel_size=(2, 1, 1)[:axes],
            channels=3,
            filters=6,
            groups=3,
            untied=True,
            first=first,
        )
    yield replace(
        conv,
        id="conv-wide-groups",
        why=f"{COMBINED}groups of 17 channels and 9 filters: tails in each",
        channels=34,
        filters=18,
        groups=2,
    )
    yield VariantSpec(
        "tiled-cube",
        f"{COMBINED}tiles of two in each of three axes: their order shows",
        (4, 3, 3),
        (2, 1, 1),
        kind="shared",
        tile=(2, 2, 2),
        channels=1,
    )
    yield VariantSpec(
        "low-rank-untied-3d-first",
        f"{COMBINED}three axes, channels_first, a bias for every location",
        (3, 2, 2),
        (2, 1, 1),
        kind="low_rank",
        first=True,
        filters=3,
        channels=1,
        untied=True,
        precision="float16",
    )
    yield VariantSpec(
        "low-rank-long",
        f"{COMBINED}a gradient of the mixture of more than 1,024 products",
        (3,),
        (2,),
        kind="low_rank",
        rank=1,
        channels=57,
        filters=9,
        precision="float32",
    )
    for precision, bits in (("float32", 12), ("float64", 30)):
        odd = Numbers(2 ** (bits - 1) + 1, 2, min(2 ** (bits - 2), WIDE - 1))
        yield VariantSpec(
            f"low-rank-eight-{precision}",
            f"{COMBINED}rank 8, a mixture of {bits} bits",
            (5,),
            (2,),
            kind="low_rank",
            rank=8,
            channels=1,
            precision=precision,
            data={**SIGNS, "mixture": odd},
            flags=("wide",),
        )


def one_thing() -> Iterator[Spec]:
    """Layers that differ from the one before in one thing only, on the same numbers."""
    relu = PIECEWISE["relu of Keras"]
    bent: list[dict[str, Any]] = [
        *({"activation": {**relu, name: 2.0}} for name in ("max_value", "threshold")),
        {"activation": {**relu, "alpha": 0.5}},
    ]
    base = VariantSpec(
        "", "", (4, 4), (2, 2), kind="conv", activation=relu, precision="float16"
    )
    for spec, changes in (
        (
            replace(base, untied=True, channels=4, filters=4, groups=2),
            [{"groups": 4}, {"untied": False}, *bent],
        ),
        (
            replace(base, kind="shared", sizes=(4, 7), tile=(2, 3), channels=1),
            [{"tile": (3, 2)}, {"tile": (1, 6)}, {"share": (1, 2)}, *bent],
        ),
        (
            replace(base, kind="low_rank", untied=True, filters=3),
            [{"turned": "mixture"}, {"untied": False}, *bent],
        ),
        (replace(base, kind="transposed", sizes=(3, 3)), bent),
    ):
        name = f"{spec.kind.replace('_', '-')}-alone"
        yield replace(spec, id=name, why=f"{COMBINED}what others differ from")
        for n, change in enumerate([{"turned": "bias"}, *changes]):
            words = ", ".join(f"{key} {value}" for key, value in change.items())
            if "turned" in change:
                words = f"one number in the middle of its {change['turned']}"
            why = f"{COMBINED}as {name}, but for {words}"
            yield replace(spec, id=f"{name}-{n}", why=why, alike=name, **change)


def many() -> Iterator[Spec]:
    """Yield counts beyond 10, 12 and 15 bits, and sums over all locations."""
    one = VariantSpec("", "", (1,), (1,), batch=1, channels=1, filters=1)
    one = replace(one, data=SIGNS, precision="float16")
    long = replace(one, sizes=(1030,), untied=True)
    for spec, words in (
        (replace(long, kind="low_rank", filters=4), "4,120 biases"),
        (replace(long, kind="conv", first=True), "1,030 locations with a bias each"),
        (replace(one, kind="transposed", sizes=(2,), channels=517), "517 channels"),
        (replace(one, kind="conv", channels=128, filters=257), "32,896 weights"),
        *(
            (replace(one, kind=kind, channels=131, batch=3), "131 channels of 3")
            for kind in OWN
        ),
    ):
        name = f"{spec.kind.replace('_', '-')}-many-{words.partition(' ')[0]}"
        yield replace(spec, id=name.replace(",", ""), why=f"{COMBINED}{words}")
    yield replace(
        one,
        id="transposed-many-100",
        why=f"{COMBINED}100 cells, every second of which nothing paints",
        kind="transposed",
        sizes=(50,),
        strides=(2,),
        output_padding=(1,),
    )
    mixed = replace(one, kind="low_rank", sizes=(2,), filters=3)
    odd = {**SIGNS, "mixture": Numbers(2**14 + 1, 2, 2**13)}
    for n, spec in enumerate(
        (
            replace(mixed, sizes=(3,), kernel_size=(2,), channels=16, data=odd),
            replace(mixed, batch=33, data=odd),
            replace(
                mixed,
                activation={"name": "relu"},
                filters=3,
                precision="float64",
                data={**SIGNS, "mixture": Numbers(2**35 + 1, 2, WIDE - 1)},
            ),
        )
    ):
        yield replace(
            spec,
            id=f"low-rank-mixed-{n}",
            why=f"{COMBINED}a mixture in all bits",
            precision=("float32", "float32", "float64")[n],
            flags=("wide",),
        )
    for kind, first, bias in product(("shared", "conv"), (False, True), (True, False)):
        if bias and first != (kind == "conv"):
            continue
        width = 8 if bias else 1
        yield replace(
            one,
            id=f"{kind}-many-terms-{'first' if first else 'last'}"
            f"{'' if bias else '-unbiased'}",
            why=f"{COMBINED}gradients of 160 terms or more, C and F of {width}",
            kind=kind,
            sizes=(20 if bias else 21,),
            share=(21,) if kind == "shared" else (),
            batch=8,
            channels=width,
            filters=width,
            first=first,
            bias=bias,
        )


CORNERS = (
    *(aligned_options, far_counts, rows_of_locations, rounded, together, one_thing),
    many,
)
