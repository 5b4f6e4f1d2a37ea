"""
Families of cases whose sizes are the point: those that a plan for others forgets.

Units that divide them, one far larger than all others, one long axis in the narrowest
precision, and combinations that the covering arrays leave out.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from ..._typing import Shape
from .axes import ACTIVATIONS, SIGNS
from .exact import RELU
from .precisions import PRECISIONS
from .specs import Numbers, Spec, real

__all__ = ["beyond", "corners", "narrow", "units"]


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
        replace(one, id="beyond-channels", sizes=(2,), channels=1061),
        replace(one, id="beyond-patch", sizes=(5, 5), kernel_size=(5, 5), channels=43),
        replace(
            small, id="beyond-input", sizes=(1031,), strides=(5,), batch=11, channels=3
        ),
    ):
        yield replace(
            spec,
            why="sizes beyond a byte, a block of threads, or an offset of 16 bits",
            precision="float32",
        )


def _sized(
    base: Spec, name: str, sizes: Shape, kernel_size: Shape = (1,), **more: Any
) -> Spec:
    """Return a case of its own, of these sizes."""
    return replace(base, id=name, sizes=sizes, kernel_size=kernel_size, **more)


def narrow() -> Iterator[Spec]:
    """One long axis in bfloat16, whose sums have room for signs alone."""
    one = Spec("", "", (1,), (1,), batch=1, channels=1, filters=1, data=SIGNS)
    of = partial(_sized, one)
    for spec in (
        of("long-locations", (131,), (2,)),
        of("long-rows", (130, 2), (1, 2), first=True),
        of("long-columns", (2, 67), (2, 1), filters=2),
        of("long-filters", (3,), filters=65),
        of("long-samples", (3,), batch=65, first=True),
        of("longer-samples", (3,), batch=129, filters=2),
        of("long-channels", (3,), channels=65),
        of("longer-channels", (2,), channels=123, first=True),
        of("longest-channels", (2,), channels=129, bias=False),
        of("some-filters", (3,), filters=17),
        of("more-filters", (3,), filters=33),
        of("longest-filters", (3,), filters=129, first=True),
        of("some-samples", (3,), batch=33),
        of("some-channels", (3,), channels=17, first=True),
        of("more-channels", (3,), channels=33),
        of("long-taps", (19,), (7,), filters=3),
    ):
        yield replace(spec, why="one long axis in bfloat16")


def corners() -> Iterator[Spec]:
    """Large windows of few channels, deep rows, pads on one side by one."""
    base = Spec("", "", (1,), (1,), batch=2, channels=1, filters=2, precision="float16")
    of = partial(_sized, base)
    for spec in (
        of("window-65", (6, 14), (5, 13)),
        of("window-143", (12, 13), (11, 13), first=True),
        of("window-147", (8, 7), (7, 7), channels=3),
        of("window-uneven", (6, 5), (5, 5), channels=3, pads=((1, 2), (3, 0))),
        of("point-of-three", (5,), batch=3),
        of("columns-65", (2, 65), (2, 1), first=True),
        of("columns-66", (66,), (2,), activation={"name": "leaky_relu", "alpha": 0.25}),
        of("columns-33", (2, 1, 34), (1, 1, 2)),
        of("columns-67", (1, 2, 67), (1, 2, 1)),
        of("columns-129", (2, 2, 130), (2, 2, 2), first=True),
        of("samples-17", (18,), (2,), batch=17),
        of("pads-before", (6,), (3,), pads=((1, 0),)),
        of("pads-after", (6,), (3,), pads=((0, 1),)),
        of("rows-33", (34, 1, 2), (2, 1, 1), activation=RELU),
        of(
            "columns-66-padded",
            (2, 67),
            (1, 4),
            pads=((0, 0), (1, 1)),
            pad_value=2.0,
            activation={"name": "relu6"},
        ),
        of("rows-130", (136,), (7,), activation={"name": "relu6"}),
        of("columns-130", (2, 134), (1, 5)),
        of("samples-65", (6,), (4,), batch=65),
        of("channels-129", (3,), channels=129, data=SIGNS),
        of("patch-66", (4,), (3,), channels=22, pads=((2, 0),), data=SIGNS),
        of("patch-67", (4,), (3,), channels=22, pads=((0, 2),), data=SIGNS),
        of("rows-35", (38,), (4,), activation=ACTIVATIONS["leaky"]),
        of("channels-17", (6,), (4,), channels=17, filters=17, data=SIGNS),
        of("filters-65", (6,), (4,), filters=65),
        of("samples-129", (3,), batch=129, data=SIGNS),
        of("rows-9", (14,), (5,)),
        of("rows-34", (34,), activation=ACTIVATIONS["relu of Keras"]),
        of("rows-33-of-two", (35, 2), (3, 1)),
        of("rows-65", (131,), (3,), strides=(2,)),
        of("columns-68", (72,), (5,)),
        of("columns-69", (75,), (7,), activation=ACTIVATIONS["slope"]),
        of("units-of-filters", (5,), (3,), filters=8),
        of("rows-65-padded", (66,), (4,), pads=((1, 1),)),
        of("rows-65-of-three", (66, 1, 1), (2, 1, 1)),
        of("columns-129-apart", (1, 257), (1, 1), strides=(1, 2), batch=3),
        of("columns-65-dilated", (70,), (2,), dilation_rate=(5,)),
        of("filters-33", (6,), (4,), filters=33),
        of("patch-516", (5,), (4,), channels=129, filters=1, data=SIGNS),
        of("rows-901", (901,), filters=1, activation=ACTIVATIONS["leaky"]),
    ):
        narrow = spec.id not in ("window-143", "window-147", "window-uneven")
        yield replace(
            spec,
            why="a combination that the covering arrays leave out",
            precision="float16" if narrow else "float32",
        )
