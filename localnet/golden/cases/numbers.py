"""
Families of cases whose numbers are the point: how they round, and how far they go.

Every case says why it is there; the kill matrix (`localnet.golden.matrix`) proves it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from ..references.activations import ROWS
from .axes import ACTIVATIONS, CURVES, SIGNS
from .exact import RELU
from .precisions import PRECISIONS
from .specs import SMALL, Numbers, Spec, binades, full, real

__all__ = ["NUMBERS"]


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


def parameters() -> Iterator[Spec]:
    """Activations with other parameters than the usual ones, and softmax's gradient."""
    for precision in ("float64", "float32", "float16"):
        for name, activation in (
            ("elu-half", {"name": "elu", "alpha": 0.5}),
            ("elu-two", {"name": "elu", "alpha": 2.0}),
            ("gelu-by-tanh", {"name": "gelu", "approximate": True}),
            ("softmax-slope", {"name": "softmax"}),
            ("log-softmax-slope", {"name": "log_softmax"}),
        ):
            words = ", ".join(f"{k} {v}" for k, v in activation.items())
            yield Spec(
                f"{name}-{precision}",
                f"{words}, with its gradients, in {precision}",
                (4,),
                (2,),
                channels=2,
                filters=4 if name.endswith("slope") else 2,
                activation=activation,
                first=precision == "float32",
                **real(precision),
            )
    exact: dict[str, dict[str, Any]] = {
        "relu-slope": {"alpha": 0.25},
        "relu-ceiling": {"max_value": 4.0},
        "relu-threshold": {"threshold": 2.0},
        "relu-all": {"alpha": 0.5, "max_value": 5.0, "threshold": 1.0},
        "leaky-steep": {"alpha": 2.0},
        "leaky-opposite": {"alpha": -0.5},
    }
    for name, more in exact.items():
        yield Spec(
            name,
            f"{name.partition('-')[0]} with {more}",
            (9,),
            (3,),
            filters=3,
            first=name == "relu-threshold",
            activation={"name": "leaky_relu" if "leaky" in name else "relu", **more},
            precision="float16",
        )


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


# Powers of two: of sums of two products, and of what a bias adds.
FAR = {"float64": (10, 2), "float32": (7, 2), "float16": (6, 0)}
TOP = {"float64": (9, 5), "float32": (6, 2), "float16": (3, -2)}


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


def units() -> Iterator[Spec]:
    """Real numbers in sizes that matrix units take, with short sums."""
    for precision in PRECISIONS:
        for n, (channels, filters, batch) in enumerate(((4, 4, 4), (8, 8, 8))):
            yield Spec(
                f"units-{filters}-{precision}",
                f"K, F and N divided by {filters}: real numbers in {precision}",
                (2, 1) if n else (3,),
                (1, 1) if n else (2,),
                channels=channels,
                filters=filters,
                batch=batch,
                first=bool(n),
                **real(precision),
            )
        if precision in ("float32", "float64"):
            yield Spec(
                f"units-16-{precision}",
                f"K, F and N divided by 16: real numbers in {precision}",
                (2,),
                (1,),
                channels=16,
                filters=16,
                batch=32,
                **real(precision),
            )
    yield Spec(
        "units-wide-float16",
        "K and F divided by 8, of which padding leaves two terms: operands rounded to "
        "bfloat16 show",
        (2,),
        (8,),
        pads=((7, 7),),
        channels=1,
        filters=8,
        precision="float16",
        data={**SIGNS, "x": Numbers(2**8 + 1, 2, 2**7)},
        bias=False,
        flags=("wide",),
    )


def beyond() -> Iterator[Spec]:
    """One number far larger than the others: counters of 8 bits, offsets of 16."""
    one = Spec("", "", (1,), (1,), batch=1, channels=1, filters=1, data=SIGNS)
    small = replace(one, data="small")
    for spec in (
        replace(small, id="beyond-rows", sizes=(261, 3), kernel_size=(1, 2)),
        replace(small, id="beyond-some-samples", sizes=(5,), batch=261, first=True),
        replace(one, id="beyond-channels", sizes=(2,), channels=261, filters=3),
        replace(one, id="beyond-patch", sizes=(5, 5), kernel_size=(5, 5), channels=43),
        replace(
            one,
            id="beyond-kernel",
            sizes=(35,),
            kernel_size=(3,),
            channels=11,
            filters=31,
        ),
        replace(
            small, id="beyond-input", sizes=(1031,), strides=(5,), batch=11, channels=3
        ),
        replace(small, id="beyond-output", sizes=(131,), batch=17, filters=17),
    ):
        yield replace(
            spec,
            why="sizes beyond a byte, a block of threads, or an offset of 16 bits",
            precision="float32",
        )


def narrow() -> Iterator[Spec]:
    """One long axis in bfloat16, whose sums have room for signs alone."""
    one = Spec("", "", (1,), (1,), batch=1, channels=1, filters=1, data=SIGNS)
    for spec in (
        replace(one, id="long-locations", sizes=(131,), kernel_size=(2,)),
        replace(one, id="long-rows", sizes=(130, 2), kernel_size=(1, 2), first=True),
        replace(one, id="long-columns", sizes=(2, 67), kernel_size=(2, 1), filters=2),
        replace(one, id="some-rows", sizes=(18, 17), kernel_size=(2, 1), filters=9),
        replace(one, id="long-filters", sizes=(3,), filters=65),
        replace(one, id="long-samples", sizes=(3,), batch=65, first=True),
        replace(one, id="longer-samples", sizes=(3,), batch=129, filters=2),
        replace(one, id="long-channels", sizes=(3,), channels=65),
        replace(one, id="longer-channels", sizes=(2,), channels=123, first=True),
        replace(one, id="longest-channels", sizes=(2,), channels=129, bias=False),
        replace(one, id="some-filters", sizes=(3,), filters=17),
        replace(one, id="more-filters", sizes=(3,), filters=33),
        replace(one, id="longest-filters", sizes=(3,), filters=129, first=True),
        replace(one, id="some-samples", sizes=(3,), batch=33),
        replace(one, id="some-channels", sizes=(3,), channels=17, first=True),
        replace(one, id="more-channels", sizes=(3,), channels=33),
        replace(one, id="long-taps", sizes=(19,), kernel_size=(7,), filters=3),
    ):
        yield replace(spec, why="one long axis in bfloat16")


def corners() -> Iterator[Spec]:
    """Large windows of few channels, deep rows, pads on one side by one."""
    base = Spec("", "", (1,), (1,), batch=2, channels=1, filters=2, precision="float16")
    for spec in (
        replace(base, id="window-65", sizes=(6, 14), kernel_size=(5, 13)),
        replace(
            base, id="window-143", sizes=(12, 13), kernel_size=(11, 13), first=True
        ),
        replace(base, id="window-147", sizes=(8, 7), kernel_size=(7, 7), channels=3),
        replace(
            base,
            id="window-uneven",
            sizes=(6, 5),
            kernel_size=(5, 5),
            channels=3,
            pads=((1, 2), (3, 0)),
        ),
        replace(base, id="point-of-three", sizes=(5,), batch=3),
        replace(base, id="columns-65", sizes=(2, 65), kernel_size=(2, 1), first=True),
        replace(
            base,
            id="columns-66",
            sizes=(66,),
            kernel_size=(2,),
            activation={"name": "leaky_relu", "alpha": 0.25},
        ),
        replace(base, id="columns-33", sizes=(2, 1, 34), kernel_size=(1, 1, 2)),
        replace(base, id="columns-67", sizes=(1, 2, 67), kernel_size=(1, 2, 1)),
        replace(
            base, id="columns-129", sizes=(2, 2, 130), kernel_size=(2, 2, 2), first=True
        ),
        replace(base, id="samples-17", sizes=(18,), kernel_size=(2,), batch=17),
        replace(base, id="pads-before", sizes=(6,), kernel_size=(3,), pads=((1, 0),)),
        replace(base, id="pads-after", sizes=(6,), kernel_size=(3,), pads=((0, 1),)),
        replace(
            base, id="rows-33", sizes=(34, 1, 2), kernel_size=(2, 1, 1), activation=RELU
        ),
        replace(
            base,
            id="columns-66-padded",
            sizes=(2, 67),
            kernel_size=(1, 4),
            pads=((0, 0), (1, 1)),
            pad_value=2.0,
            activation={"name": "relu6"},
        ),
        replace(
            base,
            id="rows-130",
            sizes=(136,),
            kernel_size=(7,),
            activation={"name": "relu6"},
        ),
        replace(base, id="columns-130", sizes=(2, 134), kernel_size=(1, 5)),
        replace(base, id="samples-65", sizes=(6,), kernel_size=(4,), batch=65),
        replace(base, id="channels-129", sizes=(3,), channels=129, data=SIGNS),
        replace(
            base,
            id="patch-66",
            sizes=(4,),
            kernel_size=(3,),
            channels=22,
            pads=((2, 0),),
            data=SIGNS,
        ),
        replace(
            base,
            id="patch-67",
            sizes=(4,),
            kernel_size=(3,),
            channels=22,
            pads=((0, 2),),
            data=SIGNS,
        ),
        replace(
            base,
            id="rows-35",
            sizes=(38,),
            kernel_size=(4,),
            activation=ACTIVATIONS["leaky"],
        ),
        replace(
            base,
            id="channels-17",
            sizes=(6,),
            kernel_size=(4,),
            channels=17,
            filters=17,
            data=SIGNS,
        ),
        replace(base, id="filters-65", sizes=(6,), kernel_size=(4,), filters=65),
        replace(base, id="samples-129", sizes=(3,), batch=129, data=SIGNS),
        replace(base, id="rows-9", sizes=(14,), kernel_size=(5,)),
        replace(
            base, id="rows-34", sizes=(34,), activation=ACTIVATIONS["relu of Keras"]
        ),
        replace(base, id="rows-33-of-two", sizes=(35, 2), kernel_size=(3, 1)),
        replace(base, id="rows-65", sizes=(131,), kernel_size=(3,), strides=(2,)),
        replace(base, id="columns-68", sizes=(72,), kernel_size=(5,)),
        replace(
            base,
            id="columns-69",
            sizes=(75,),
            kernel_size=(7,),
            activation=ACTIVATIONS["slope"],
        ),
        replace(base, id="units-of-filters", sizes=(5,), kernel_size=(3,), filters=8),
    ):
        narrow = spec.id not in ("window-143", "window-147", "window-uneven")
        yield replace(
            spec,
            why="a combination that the covering arrays leave out",
            precision="float16" if narrow else "float32",
        )


def kinked() -> Iterator[Spec]:
    """Every location above the kink, or below it: a mask that is all of one kind."""
    yield Spec(
        "relu-asleep",
        "relu where nothing passes but what the bias lifts",
        (7,),
        (2,),
        activation=RELU,
        data={
            **SMALL,
            "x": Numbers(1, 1, 2, positive=True),
            "bias": Numbers(9, 2, 3, -1),
        },
    )


NUMBERS = (
    single,
    ranges,
    parameters,
    far,
    steep,
    units,
    beyond,
    narrow,
    corners,
    kinked,
)
