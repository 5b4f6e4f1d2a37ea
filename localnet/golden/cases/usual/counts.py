"""
Families of ordinary counts, and of long ones that an option stands beside.

Counts that 16, 32 or 64 divide and that are no power of two; every parameter of relu, a
rank, a share and a pad value beyond what tables, lanes and short integers hold.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..axes import ACTIVATIONS, OWN, SIGNS
from ..numbers import scaled
from ..parameters import idle
from ..precisions import PRECISIONS
from ..specs import SMALL, Numbers, Spec, real
from .windows import AXES, NARROWEST_FIRST, exactly, of_kind

__all__ = ["lengths", "variant_lengths"]

COUNTS = (6, 10, 12, 20, 48, 96, 100)
# Of one letter at a time: divided by 64, and no power of two; beyond a tile, a tail.
LONG = {"N": 192, "F": 192, "C": 192, "L": 320}
OPERANDS = ("x", "kernel", "dy")


def _counts() -> Iterator[Spec]:
    """Ordinary counts, most of them no power of two, one at a time."""
    for n, count in enumerate(COUNTS):
        for m, letter in enumerate("NFCL"):
            number = n + m
            spec = of_kind(
                "layer",
                id=f"count-{letter.lower()}{count}",
                sizes=(count + 1 if letter == "L" else 4,),
                kernel_size=(3,),
                pads=((1, 0),),
                batch=count if letter == "N" else 2,
                channels=count if letter == "C" else 2,
                filters=count if letter == "F" else 3,
                first=bool(number % 2),
                activation=ACTIVATIONS["leaky" if number % 3 == 1 else "linear"],
            )
            yield exactly(
                spec, f"{letter} of {count}, alone", NARROWEST_FIRST[number % 4]
            )
    for axes, first in ((1, False), (2, True)):
        for name, kernel, stride in (("stride-6", 2, 6), ("taps-11", 11, 2)):
            more = (2,) * (axes - 1)
            ones = (1,) * (axes - 1)
            spec = of_kind(
                "layer",
                id=f"{name}-{axes}d",
                sizes=(*more, 20),
                kernel_size=(*ones, kernel),
                strides=(*ones, stride),
                first=first,
                filters=3,
            )
            words = f"{name.replace('-', ' of ')}, {AXES[axes - 1]}"
            yield exactly(spec, words, NARROWEST_FIRST[axes - 1])


def _long(kind: str, turn: int) -> Iterator[Spec]:
    """Yield long counts with overlap and a wide operand, and with all options."""
    for n, (letter, count) in enumerate(LONG.items()):
        outputs = count if letter == "L" else 3
        overlapping: dict[str, Any] = {
            "sizes": (outputs - 1,),
            "kernel_size": (3,),
            "pads": ((2, 1),),
            "batch": 2 if letter == "L" else 5,
            "channels": 1 if letter in "LF" else 2,
            "filters": 4 if kind == "layer" or letter == "N" else 2,
            "activation": ACTIVATIONS["leaky"],
        }
        outputs += 1 if letter == "L" else -1  # a tail, or fewer
        with_options: dict[str, Any] = {
            "sizes": (2 * outputs - 2,),
            "kernel_size": (2,),
            "strides": (2,),
            "dilation_rate": (2,),
            "pads": ((1, 2),),
            "batch": 2 if letter == "L" else 8,
            "channels": 2 if letter == "F" else 1,
            "filters": 9 if letter == "N" else 2,
            "activation": ACTIVATIONS["relu of Keras"],
            "first": True,
            "refuses": idle,
        }
        for words, fields in (("overlap", overlapping), ("options", with_options)):
            one = {"N": "batch", "F": "filters", "C": "channels"}.get(letter)
            given = fields | ({one: count} if one else {}) | _own(kind, letter, words)
            name = f"long-{letter.lower()}-{words}"
            spec = of_kind(
                kind, **given, id=name if kind == "layer" else f"{_dashed(kind)}-{name}"
            )
            wide = OPERANDS[(n + turn) % 3] if words == "overlap" else ""
            why = f"{letter} of {count} or more, with {words}"
            # Sums of products of three have no room for more bits in float32.
            precision = "float64" if kind == "low_rank" else "float32"
            yield exactly(spec, why, precision if wide else "bfloat16", wide)


def _narrow(kind: str) -> Iterator[Spec]:
    """Yield sizes that 16 divides, and a tail of samples, in bfloat16."""
    base = of_kind(
        kind,
        sizes=(5,) if kind == "transposed" else (8,),
        kernel_size=(2,),
        strides=(2,),
        channels=8,
        filters=4,
        batch=1,
    )
    name = "" if kind == "layer" else f"{_dashed(kind)}-"
    more: dict[str, Any] = {"shared": {"share": (2,)}, "low_rank": {"rank": 1}}
    own: dict[str, Any] = more.get(kind, {})
    spec = replace(base, id=f"{name}narrow-c8", first=kind in ("shared", "layer"))
    yield exactly(replace(spec, **own), "C of 8, K of 16 in bfloat16", "bfloat16")
    lid: dict[str, Any] = {"name": "relu", "max_value": 1.0}
    one = replace(base, id=f"{name}narrow-n33", batch=33, channels=1, filters=1)
    one = replace(one, sizes=(2,), kernel_size=(1,), strides=(1,), activation=lid)
    yield replace(
        replace(one, **own | ({"share": (1,)} if kind == "shared" else {})),
        why="combined: 33 samples in bfloat16, relu up to 1",
        data={**SIGNS, "x": Numbers(1, 1, 2)},
        refuses=idle,
    )


def _own(kind: str, letter: str, words: str) -> dict[str, Any]:
    """Return what only one kind has."""
    if kind == "shared":
        # More than one block of more than 8 locations, where there are so many.
        return {"share": (9 if letter == "L" else 1 + (words == "overlap"),)}
    if kind == "transposed":
        # Its own cells are those of x; the windows paint about as many.
        return {"sizes": (LONG["L"] + 1 if letter == "L" else 2,)}
    if kind == "low_rank":
        return {"rank": 2, "untied": words == "options"}
    return {}


def _dashed(kind: str) -> str:
    return kind.replace("_", "-")


def _lids() -> Iterator[Spec]:
    """Ceilings at the threshold of relu, or below it: what is above is cut to them."""
    for n, kind in enumerate(("layer", *OWN)):
        for m, (ceiling, threshold) in enumerate(((1.0, 2.0), (2.0, 2.0), (0.0, 1.0))):
            if m != n % 3 and kind != "layer":
                continue
            name = f"lid-{ceiling:g}-below-{threshold:g}"
            spec = of_kind(
                kind,
                id=name if kind == "layer" else f"{_dashed(kind)}-{name}",
                sizes=(9,),
                kernel_size=(2,),
                filters=3,
                first=bool((n + m) % 2),
                activation={
                    "name": "relu",
                    "alpha": 0.5,
                    "max_value": ceiling,
                    "threshold": threshold,
                },
                refuses=idle,
                **({"share": (2,)} if kind == "shared" else {}),
            )
            yield exactly(
                spec, f"relu up to {ceiling:g} above {threshold:g}", "float16"
            )


def _borders() -> Iterator[Spec]:
    """Pad values that 4 bits and a sign do not hold, in the narrow formats."""
    for n, border in enumerate((21.0, -13.0, 85.0, -43.0)):
        precision = NARROWEST_FIRST[n // 2]
        spec = of_kind(
            "layer",
            id=f"border-{'minus-' if border < 0 else ''}{abs(border):g}",
            sizes=(5, 3)[: 1 + n % 2],
            kernel_size=(3, 1)[: 1 + n % 2],
            pads=((1, 1), (0, 1))[: 1 + n % 2],
            pad_value=border,
            channels=1,
            filters=3,
            batch=1 if precision == "bfloat16" else 2,
            first=n in (1, 2),
        )
        yield exactly(spec, f"pads of {border:g} in {precision}", precision)


def _below() -> Iterator[Spec]:
    """Yield an upstream gradient below the normal numbers of bfloat16."""
    form = PRECISIONS["bfloat16"]
    for name, first in (("linear", False), ("leaky", True)):
        spec = of_kind(
            "layer",
            id=f"subnormal-dy-{name}-bfloat16",
            why="dy and all gradients below the smallest normal number of bfloat16",
            sizes=(5,),
            kernel_size=(2,),
            channels=1,
            first=first,
            activation=ACTIVATIONS[name],
            flags=("subnormal",),
            tier="bounded",
            data=scaled(SMALL, dy=form.least - form.bits + 4),
        )
        yield replace(spec, why=f"combined: {spec.why}")


def lengths() -> Iterator[Spec]:
    """Yield counts of plain layers, and numbers beyond short formats."""
    yield from _counts()
    yield from _long("layer", 0)
    yield from (spec for spec in _lids() if spec.kind == "layer")
    yield from _borders()
    yield from _below()
    yield from _narrow("layer")
    many = of_kind("layer", id="lid-beyond-1024", sizes=(1030,), channels=1, filters=1)
    activation = ACTIVATIONS["relu of Keras"]
    many = replace(many, activation=activation, batch=1, refuses=idle)
    yield exactly(many, "1,030 locations behind every parameter of relu", "float16")


def _of_their_own() -> Iterator[Spec]:
    """Yield more ranks, larger shares and longer rows than 8."""
    for rank, filters, first in ((9, 4, False), (17, 3, True)):
        spec = of_kind(
            "low_rank",
            id=f"low-rank-of-{rank}",
            sizes=(6,),
            kernel_size=(2,),
            channels=1,
            filters=filters,
            rank=rank,
            first=first,
        )
        spec = exactly(spec, f"{rank} kernels that are mixed", "float16")
        yield replace(spec, data=SIGNS)
    for sizes, share, tile in (
        ((41,), (9,), (2,)),
        ((21, 2), (10, 1), (2, 2)),
        ((2, 37), (1, 12), ()),
    ):
        axes = len(sizes)
        spec = of_kind(
            "shared",
            id=f"shared-by-{max(share)}",
            sizes=sizes,
            kernel_size=((2,), (2, 1), (1, 2))[share.index(max(share)) + axes - 1],
            share=share,
            tile=tile,
            first=axes > 1,
        )
        yield exactly(spec, f"blocks of {max(share)}, several", "bfloat16")
    for n, filters in enumerate((12, 20)):
        name = ("softmax", "log_softmax")[n]
        yield of_kind(
            "shared",
            id=f"shared-rows-{filters}",
            why=f"combined: {name} of {filters} filters, with its gradients",
            sizes=(5,),
            kernel_size=(2,),
            filters=filters,
            share=(2,),
            activation={"name": name},
            **real(("float32", "float64")[n]),
        )


def variant_lengths() -> Iterator[Spec]:
    """Yield long counts of variants, and what only they have that is long."""
    for turn, kind in enumerate(OWN):
        yield from _long(kind, turn)
        yield from _narrow(kind)
    yield from (spec for spec in _lids() if spec.kind != "layer")
    yield from _of_their_own()
