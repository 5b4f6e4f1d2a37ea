"""
Families of exact cases: small integers, on which a right backend agrees bit for bit.

Every case says why it is there; the kill matrix (`localnet.golden.matrix`) proves it.
"""

from collections.abc import Iterator
from dataclasses import replace

from ..._typing import Config
from .axes import COMBINED, SIGNS
from .specs import Spec

__all__ = ["EXACT", "RELU", "sixteen_bits"]

RELU: Config = {"name": "relu"}
RELU6: Config = {"name": "relu6"}
LEAKY: Config = {"name": "leaky_relu", "alpha": 0.25}


def plain() -> Iterator[Spec]:
    """One, two and three spatial axes, in both data formats, with nothing special."""
    why = "the definition, {}: kernels that differ by location, order of K, bias, dy"
    for first in (False, True):
        name = "first" if first else "last"
        yield Spec(
            f"plain-1d-{name}", why.format("1D"), (7,), (3,), filters=3, first=first
        )
        yield Spec(
            f"plain-2d-{name}",
            why.format("2D"),
            (4, 5),
            (2, 3),
            filters=3,
            first=first,
        )
        yield Spec(
            f"plain-3d-{name}", why.format("3D"), (3, 4, 3), (2, 2, 2), first=first
        )


def steps() -> Iterator[Spec]:
    """Strides: even and uneven, beyond the window, and cells left over at the end."""
    for first in (False, True):
        name = "first" if first else "last"
        yield Spec(
            f"stride-1d-{name}",
            "stride 2 with overlap, and one column left over",
            (8,),
            (3,),
            strides=(2,),
            first=first,
        )
        yield Spec(
            f"stride-2d-{name}",
            "strides that differ by axis: rows and columns not exchanged",
            (6, 7),
            (2, 3),
            strides=(1, 2),
            first=first,
        )
        yield Spec(
            f"stride-3d-{name}",
            "three strides that differ by axis",
            (4, 5, 4),
            (2, 2, 1),
            strides=(1, 2, 3),
            channels=2,
            first=first,
        )
    yield Spec(
        "stride-rows",
        "a stride along the rows only",
        (7, 4),
        (3, 2),
        strides=(2, 1),
    )
    yield Spec(
        "stride-leftover",
        "rows and columns left over on both axes; their dx is 0",
        (6, 8),
        (2, 3),
        strides=(3, 4),
    )
    yield Spec(
        "stride-gap",
        "stride beyond the window: cells between windows that nothing reads",
        (11,),
        (2,),
        strides=(4,),
        channels=3,
    )


def uses() -> Iterator[Spec]:
    """Take the uses that people really have, where code likes to take a short cut."""
    yield Spec(
        "kernel-1-1d", "kernel_size 1: one matrix per position", (6,), (1,), channels=3
    )
    yield Spec(
        "kernel-1-2d",
        "kernel_size 1 in two dimensions",
        (3, 4),
        (1, 1),
        channels=3,
        filters=3,
        first=True,
    )
    yield Spec(
        "tiles",
        "strides equal to the kernel: tiles, as of patch embeddings",
        (4, 6),
        (2, 3),
        strides=(2, 3),
    )
    yield Spec(
        "whole-input",
        "kernel equal to the input: one location, a dense layer",
        (3, 2),
        (3, 2),
        filters=4,
    )
    yield Spec("batch-1", "one sample", (5, 4), (3, 2), batch=1)
    yield Spec("one-channel", "one channel", (5, 5), (3, 2), channels=1, filters=3)
    yield Spec("one-filter", "one filter", (5, 4), (2, 3), filters=1)
    yield Spec(
        "one-of-each",
        "one channel and one filter, channels_first: no axis to tell them apart by",
        (6,),
        (3,),
        channels=1,
        filters=1,
        first=True,
    )
    yield Spec(
        "many-filters",
        "more filters than values in a receptive field",
        (5,),
        (2,),
        channels=1,
        filters=7,
    )
    yield Spec(
        "big-batch",
        "more samples than locations: sums over the batch, not means",
        (4,),
        (2,),
        batch=9,
    )
    yield Spec("no-bias-1d", "no bias", (6,), (2,), bias=False)
    yield Spec(
        "no-bias-2d", "no bias, channels_first", (4, 4), (3, 2), bias=False, first=True
    )
    yield Spec(
        "rgb-3x3",
        "the usual layer: 3x3 over three channels",
        (6, 6),
        (3, 3),
        channels=3,
        filters=4,
        precision="float16",
        activation=RELU,
    )


def pads() -> Iterator[Spec]:
    """Pad, always by numbers: Keras's placement, TensorFlow's, uneven, nonzero."""
    for first in (False, True):
        name = "first" if first else "last"
        yield Spec(
            f"same-1d-{name}",
            "what Keras calls same, even window: the larger pad stands before",
            (6,),
            (4,),
            pads=((2, 1),),
            first=first,
        )
        yield Spec(
            f"same-2d-{name}",
            "same, odd and even window",
            (4, 5),
            (3, 2),
            pads=((1, 1), (1, 0)),
            first=first,
        )
    yield Spec(
        "same-3d",
        "same in three dimensions",
        (3, 3, 2),
        (3, 2, 1),
        pads=((1, 1), (1, 0), (0, 0)),
        channels=2,
    )
    yield Spec(
        "same-stride",
        "same with a stride, as Keras places it: windows start before the input",
        (7, 6),
        (3, 3),
        strides=(2, 2),
        pads=((1, 1), (1, 0)),
        channels=1,
    )
    yield Spec(
        "tensorflow-same",
        "same as TensorFlow's convolutions place it: the larger pad stands after",
        (6, 6),
        (4, 3),
        strides=(2, 2),
        pads=((1, 1), (0, 1)),
        channels=1,
    )
    yield Spec(
        "pads-uneven",
        "pads that differ on all sides, more before than after",
        (4, 3),
        (3, 2),
        pads=((2, 0), (0, 1)),
    )
    yield Spec(
        "pads-uneven-first",
        "the same, channels_first",
        (3, 4),
        (2, 3),
        pads=((0, 1), (2, 1)),
        first=True,
    )
    yield Spec(
        "pads-blind",
        "a window that lies on padding alone: its answer is the bias, its dkernel 0",
        (3,),
        (2,),
        pads=((3, 0),),
    )
    yield Spec(
        "pad-value",
        "a border of -1, as LeCun's network of 1989 has it",
        (4, 4),
        (3, 3),
        strides=(2, 2),
        pads=((1, 2), (2, 1)),
        pad_value=-1.0,
        channels=1,
    )
    yield Spec(
        "pad-value-first",
        "padding that holds 2, in one dimension",
        (5,),
        (3,),
        pads=((2, 1),),
        pad_value=2.0,
        first=True,
    )


def dilations() -> Iterator[Spec]:
    """Dilation, alone and together with strides and pads."""
    yield Spec("dilated-1d", "dilation 2", (8,), (3,), dilation_rate=(2,))
    yield Spec(
        "dilated-2d",
        "dilations that differ by axis",
        (7, 5),
        (3, 2),
        dilation_rate=(3, 2),
        first=True,
    )
    yield Spec(
        "dilated-pads",
        "dilation with stride and pads at once",
        (6, 5),
        (2, 3),
        strides=(2, 1),
        dilation_rate=(3, 2),
        pads=((1, 0), (2, 1)),
        channels=1,
    )


def activated() -> Iterator[Spec]:
    """Activations that keep integers exact, and their gradients."""
    for activation in (RELU, RELU6, LEAKY):
        name = activation["name"].replace("_", "-")
        yield Spec(
            f"{name}-1d",
            f"{name}: the gradient passes where z allows, not where y or x does",
            (7,),
            (3,),
            activation=activation,
        )
        yield Spec(
            f"{name}-2d-first",
            f"{name}, channels_first, two dimensions",
            (4, 4),
            (2, 3),
            activation=activation,
            first=True,
        )
    yield Spec(
        "relu-no-bias",
        "relu straight on the sum of products",
        (5, 3),
        (3, 1),
        channels=1,
        bias=False,
        activation=RELU,
        data="odd",
    )
    yield Spec(
        "relu-kink",
        "pre-activations of exactly 0: relu passes no gradient there",
        (8,),
        (2,),
        activation=RELU,
        data="whole bias",
        flags=("kink",),
    )


def wide() -> Iterator[Spec]:
    """Integers so wide that narrower arithmetic gives another exact-looking answer."""
    for precision in ("float64", "float32", "float16"):
        flags = ("wide",)
        common = {"precision": precision, "data": f"wide {precision}", "flags": flags}
        yield Spec(
            f"wide-{precision}",
            f"two products of integers that just fit {precision}: operands rounded to "
            "fewer bits show",
            (4, 2),
            (1, 2),
            channels=1,
            filters=2,
            bias=False,
            **common,  # type: ignore[arg-type]
        )
        yield Spec(
            f"wide-{precision}-bias",
            f"one product and a bias that just fit {precision}, channels_first",
            (6,),
            (1,),
            channels=1,
            filters=2,
            first=True,
            **common,  # type: ignore[arg-type]
        )


def sixteen_bits() -> Iterator[Spec]:
    """One number beyond 65,535, all others as small as can be: y alone."""
    one = Spec("", "", (1,), (1,), batch=1, channels=1, filters=1, gradients=False)
    many = 2**16 + 1
    for spec in (
        replace(one, id="locations", sizes=(many,)),
        replace(one, id="samples", batch=many),
        replace(one, id="filters", filters=many),
        replace(one, id="channels", channels=many, data=SIGNS, precision="float32"),
        replace(
            one,
            id="offsets",
            sizes=(259, 127),
            kernel_size=(1, 1),
            channels=2,
            strides=(86, 63),
            first=True,
        ),
    ):
        yield replace(
            spec,
            id=f"sixteen-bits-{spec.id}",
            why=f"{COMBINED}more {spec.id} than 16 bits count, all else small",
            precision=spec.precision if spec.data is SIGNS else "float16",
            bias=False,
        )


EXACT = (plain, steps, uses, pads, dilations, activated, wide)
