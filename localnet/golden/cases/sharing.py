"""
Families of layers that share kernels: by blocks, by tiles, by all locations.

Every case says why it is there; the kill matrix (`localnet.golden.matrix`) proves it.
"""

from collections.abc import Iterator
from dataclasses import replace

from .exact import RELU
from .specs import Spec, VariantSpec, real

__all__ = ["SHARING"]


def shared() -> Iterator[Spec]:
    """One kernel for each block of neighbours; the last block may be smaller."""
    base = VariantSpec("", "", (), (), kind="shared")
    yield replace(
        base,
        id="shared-1d-last",
        why="blocks of two, the last one of one",
        sizes=(7,),
        kernel_size=(3,),
        share=(2,),
    )
    yield replace(
        base,
        id="shared-2d-first",
        why="blocks that differ by axis, channels_first: the bias is reshaped, smaller "
        "blocks on both edges",
        sizes=(4, 6),
        kernel_size=(2, 2),
        share=(2, 3),
        filters=3,
        first=True,
    )
    yield replace(
        base,
        id="shared-3d-last",
        why="blocks in three dimensions",
        sizes=(4, 2, 3),
        kernel_size=(2, 1, 2),
        share=(2, 2, 1),
        channels=1,
    )
    yield replace(
        base,
        id="shared-pads",
        why="blocks with strides, uneven pads and a border of -1",
        sizes=(6, 5),
        kernel_size=(3, 2),
        strides=(2, 1),
        pads=((2, 0), (0, 1)),
        pad_value=-1.0,
        share=(1, 2),
        channels=1,
    )
    yield replace(
        base,
        id="shared-dilated",
        why="blocks of dilated windows, no bias, channels_first",
        sizes=(9,),
        kernel_size=(2,),
        dilation_rate=(3,),
        share=(4,),
        bias=False,
        first=True,
    )
    yield replace(
        base,
        id="shared-all",
        why="a block larger than the axes: a convolution",
        sizes=(5, 4),
        kernel_size=(2, 3),
        share=(9, 9),
    )
    yield replace(
        base,
        id="shared-relu",
        why="relu, one sample, three blocks of three",
        sizes=(9,),
        kernel_size=(2,),
        share=(3,),
        batch=1,
        activation=RELU,
    )
    for precision in ("float64", "float32", "float16", "bfloat16"):
        yield replace(
            base,
            id=f"shared-{precision}",
            why=f"real numbers, gradients summed over blocks, in {precision}",
            sizes=(5, 4),
            kernel_size=(2, 2),
            share=(2, 2),
            **real(precision),
        )


def tiled() -> Iterator[Spec]:
    """Tiled convolution: kernels that differ by neighbour and repeat."""
    base = VariantSpec("", "", (), (), kind="shared")
    yield replace(
        base,
        id="tiled-1d-last",
        why="three kernels that repeat, the last round cut short",
        sizes=(9,),
        kernel_size=(3,),
        tile=(3,),
    )
    yield replace(
        base,
        id="tiled-2d-first",
        why="tiles that differ by axis, channels_first",
        sizes=(4, 6),
        kernel_size=(2, 2),
        tile=(2, 3),
        filters=3,
        first=True,
    )
    yield replace(
        base,
        id="tiled-blocks",
        why="blocks of two that repeat after three: block and tile not exchanged",
        sizes=(15,),
        kernel_size=(2,),
        share=(2,),
        tile=(3,),
        channels=1,
    )
    yield replace(
        base,
        id="tiled-pads",
        why="tiles with stride, pads and a border of 2: dkernel sees the border",
        sizes=(9,),
        kernel_size=(3,),
        strides=(2,),
        pads=((1, 2),),
        pad_value=2.0,
        tile=(2,),
        first=True,
    )
    yield replace(
        base,
        id="tiled-relu",
        why="tiles along the columns only, relu",
        sizes=(3, 6),
        kernel_size=(2, 2),
        share=(1, 2),
        tile=(2, 2),
        channels=1,
        activation=RELU,
    )
    yield replace(
        base,
        id="tiled-float32",
        why="real numbers, gradients summed over repeats, in float32",
        sizes=(8,),
        kernel_size=(3,),
        tile=(2,),
        **real("float32"),
    )


def conv() -> Iterator[Spec]:
    """Convolution, the limit of one kernel for all locations."""
    base = VariantSpec("", "", (), (), kind="conv")
    yield replace(
        base,
        id="conv-1d-last",
        why="one kernel and one bias for all locations",
        sizes=(6,),
        kernel_size=(3,),
        filters=3,
    )
    yield replace(
        base,
        id="conv-2d-first",
        why="channels_first, while the kernel stays (*R, C, F); a stride leaves cells "
        "over",
        sizes=(5, 6),
        kernel_size=(2, 3),
        strides=(2, 2),
        channels=3,
        first=True,
    )
    yield replace(
        base,
        id="conv-3d-last",
        why="three dimensions",
        sizes=(3, 2, 3),
        kernel_size=(2, 1, 2),
    )
    yield replace(
        base,
        id="conv-causal",
        why="causal: all pads stand before, with dilation",
        sizes=(6,),
        kernel_size=(3,),
        dilation_rate=(2,),
        pads=((4, 0),),
        channels=1,
    )
    yield replace(
        base,
        id="conv-same",
        why="same as TensorFlow places it: an even window, a stride, one sample",
        sizes=(5, 6),
        kernel_size=(4, 3),
        strides=(1, 2),
        pads=((1, 2), (0, 1)),
        channels=1,
        batch=1,
    )
    yield replace(
        base,
        id="conv-groups-last",
        why="two groups of channels, each with its filters",
        sizes=(5,),
        kernel_size=(2,),
        channels=4,
        filters=6,
        groups=2,
    )
    yield replace(
        base,
        id="conv-groups-first",
        why="a group for every channel, channels_first, no bias",
        sizes=(4, 4),
        kernel_size=(2, 3),
        channels=3,
        filters=6,
        groups=3,
        bias=False,
        first=True,
    )
    yield replace(
        base,
        id="conv-untied",
        why="one kernel and a bias for every location, as in LeCun's networks of 1989, "
        "behind a border of -1",
        sizes=(4, 3),
        kernel_size=(3, 2),
        strides=(1, 2),
        pads=((1, 1), (1, 0)),
        pad_value=-1.0,
        channels=1,
        untied=True,
        first=True,
    )
    yield replace(
        base,
        id="conv-relu",
        why="relu behind a convolution",
        sizes=(7,),
        kernel_size=(2,),
        activation=RELU,
    )
    for precision in ("float64", "float32", "float16", "bfloat16"):
        yield replace(
            base,
            id=f"conv-{precision}",
            why=f"real numbers, gradients summed over all locations, in {precision}",
            sizes=(4, 4),
            kernel_size=(2, 2),
            channels=3,
            filters=3,
            **real(precision),
        )


SHARING = (shared, tiled, conv)
