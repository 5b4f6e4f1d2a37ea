"""
Families of the variants, which only backends that say so are given.

Every case says why it is there; the kill matrix (`localnet.golden.matrix`) proves it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import product

from ..references.activations import ROWS
from .arrays.precise import precise_variants
from .arrays.spread import spec_of, spread
from .axes import COMBINED, CURVES, OWN, SIGNS, VARIED
from .corners import CORNERS
from .covering import Axes, Row, covering
from .exact import RELU
from .lehmer import WIDE
from .sharing import SHARING
from .specs import Numbers, Spec, VariantSpec, once, real
from .usual import everyday_variants, variant_lengths, variant_practice

__all__ = ["VARIANT_FAMILIES", "variant_specs"]


def transposed() -> Iterator[Spec]:
    """Layers run backwards: strides, what is cut off, cells that nothing paints."""
    base = VariantSpec("", "", (), (), kind="transposed")
    yield replace(
        base,
        id="transposed-1d-last",
        why="the adjoint in 1D: every input cell paints with a kernel of its own",
        sizes=(4,),
        kernel_size=(3,),
        channels=3,
    )
    yield replace(
        base,
        id="transposed-2d-first",
        why="2D, channels_first: K is (filter, taps), the bias is reshaped",
        sizes=(2, 3),
        kernel_size=(2, 3),
        strides=(1, 2),
        filters=3,
        first=True,
    )
    yield replace(
        base,
        id="transposed-3d-last",
        why="3D, strides that differ by axis",
        sizes=(2, 1, 2),
        kernel_size=(2, 2, 1),
        strides=(1, 1, 2),
    )
    yield replace(
        base,
        id="transposed-gap",
        why="stride beyond the window: cells that nothing paints hold the bias",
        sizes=(4,),
        kernel_size=(2,),
        strides=(3,),
        first=True,
    )
    yield replace(
        base,
        id="transposed-output-padding",
        why="cells added by output_padding stand at the end of each axis",
        sizes=(3, 2),
        kernel_size=(3, 4),
        strides=(2, 3),
        output_padding=(1, 2),
        channels=1,
    )
    yield replace(
        base,
        id="transposed-pads",
        why="cut by pads that differ on all sides, one sample",
        sizes=(4, 3),
        kernel_size=(3, 3),
        strides=(2, 2),
        pads=((2, 1), (0, 1)),
        output_padding=(1, 0),
        batch=1,
        channels=1,
        first=True,
    )
    yield replace(
        base,
        id="transposed-dilated",
        why="dilated windows, no bias",
        sizes=(4,),
        kernel_size=(3,),
        dilation_rate=(2,),
        pads=((1, 2),),
        bias=False,
    )
    yield replace(
        base,
        id="transposed-relu",
        why="relu behind the adjoint",
        sizes=(5,),
        kernel_size=(3,),
        strides=(2,),
        pads=((1, 0),),
        activation=RELU,
    )
    for precision in ("float64", "float32", "float16", "bfloat16"):
        yield replace(
            base,
            id=f"transposed-{precision}",
            why=f"real numbers, windows that overlap, in {precision}",
            sizes=(3, 3),
            kernel_size=(3, 2),
            strides=(2, 1),
            pads=((1, 1), (0, 1)),
            channels=3,
            **real(precision),
        )


def low_rank() -> Iterator[Spec]:
    """Kernels that are mixtures of a few; the sums are of products of three."""
    base = VariantSpec("", "", (), (), kind="low_rank")
    yield replace(
        base,
        id="low-rank-1d-last",
        why="two kernels, mixed at each location, and the gradient of both factors",
        sizes=(7,),
        kernel_size=(3,),
    )
    yield replace(
        base,
        id="low-rank-2d-first",
        why="three kernels, channels_first, a bias for every location",
        sizes=(3, 4),
        kernel_size=(2, 2),
        rank=3,
        filters=3,
        first=True,
        untied=True,
        precision="float16",
    )
    yield replace(
        base,
        id="low-rank-3d-last",
        why="three dimensions, a stride",
        sizes=(3, 2, 3),
        kernel_size=(2, 2, 1),
        strides=(1, 1, 2),
        channels=1,
    )
    yield replace(
        base,
        id="low-rank-one",
        why="rank 1: one kernel, scaled by the location; one sample",
        sizes=(6,),
        kernel_size=(2,),
        rank=1,
        batch=1,
        channels=3,
    )
    yield replace(
        base,
        id="low-rank-pads",
        why="stride, dilation, uneven pads and a border of -1, no bias",
        sizes=(8,),
        kernel_size=(3,),
        strides=(2,),
        dilation_rate=(2,),
        pads=((2, 1),),
        pad_value=-1.0,
        bias=False,
        first=True,
    )
    yield replace(
        base,
        id="low-rank-relu",
        why="relu after the sum over the ranks, not before it",
        sizes=(6,),
        kernel_size=(2,),
        activation=RELU,
    )


def mixtures() -> Iterator[Spec]:
    """Mixtures that use the bits of their precision, where vectors take filters."""
    base = VariantSpec("", "", (5,), (2,), kind="low_rank", filters=4, flags=("wide",))
    for precision, bits in (("float32", 15), ("float64", 36)):
        for filters, first in product((3, 4, 8), (False, True)):
            odd = Numbers(2 ** (bits - 1) + 1, 2, min(2 ** (bits - 2), WIDE - 1))
            yield replace(
                base,
                id=f"low-rank-mixture-{filters}-{'first' if first else 'last'}-"
                f"{precision}",
                why=f"{COMBINED}F={filters}, a mixture of {bits} bits",
                filters=filters,
                first=first,
                precision=precision,
                data={**SIGNS, "mixture": odd},
            )


def combined() -> Iterator[Spec]:
    """Every kind over the axes of the problem, as the plain layer is."""
    for kind in VARIED:
        yield from spread(kind)


def bent() -> Iterator[Spec]:
    """Every kind behind every smooth activation, with its gradients."""
    activations = {**CURVES, "linear": {"name": "linear"}}
    axes: Axes = {
        "kind": tuple(VARIED),
        "activation": tuple(activations),
        "precision": ("float32", "float64", "bfloat16", "float16"),
        "axes": (1, 2),
        "first": (False, True),
        "bias": (True, False),
        "strides": ("1", "2"),
        "pads": ("none", "both"),
    }

    def fits(row: Row) -> bool:
        # Over an axis of locations the slopes of softmax sum to 0, as a tied bias does.
        if row["activation"] in ROWS and row["first"]:
            return False
        # Products of three numbers leave the range of float16, their sums bfloat16.
        narrow = row["precision"] in ("float16", "bfloat16")
        return row["kind"] != "low_rank" or not narrow

    for number, row in enumerate(covering(axes, 2, fits=fits)):
        kind, activation = row["kind"], activations[row["activation"]]
        size = {"kernel": "3", "size": 3, "across": 1, "channels": 2, "filters": 2}
        layer = spec_of(
            {**row, **size, "activation": "linear", "own": OWN[kind][0]}, "bent", kind
        )
        yield replace(
            layer,
            id=f"{kind.replace('_', '-')}-bent-{number}",
            why=f"{COMBINED}{kind} behind {row['activation']}, in {row['precision']}",
            activation=activation,
            flags=(),
            **{**real(row["precision"]), "gradients": True},
        )


VARIANT_FAMILIES: dict[str, Callable[[], Iterable[Spec]]] = {
    family.__name__: once(family)
    for family in (
        *(transposed, *SHARING, low_rank, combined, bent, mixtures),
        *(*CORNERS, precise_variants, everyday_variants, variant_lengths),
        variant_practice,
    )
}


def variant_specs() -> list[Spec]:
    """
    Return what the variants of the default suite are made of.

    Returns
    -------
    list of Spec
        In the order of the manifest.
    """
    return [spec for family in VARIANT_FAMILIES.values() for spec in family()]
