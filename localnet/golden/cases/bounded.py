"""
Families of bounded cases: real numbers, each answer with a proven bound.

Every case says why it is there; the kill matrix (`localnet.golden.matrix`) proves it.
"""

from collections.abc import Iterator
from dataclasses import replace

from ..._typing import Config
from ..references.activations import ROWS, SMOOTH
from .exact import RELU
from .specs import Spec

__all__ = ["BOUNDED"]

PRECISION_WHY = "{} terms in a sum, in {}: a bound proven for every order of summation"


def linear() -> Iterator[Spec]:
    """Real numbers in every precision, without an activation."""
    for precision in ("float64", "float32", "float16", "bfloat16"):
        data = {"tier": "bounded", "precision": precision, "data": f"real {precision}"}
        base = Spec("", "", (5, 5), (3, 3), channels=3, **data)  # type: ignore[arg-type]
        yield replace(
            base,
            id=f"linear-27-{precision}",
            why=PRECISION_WHY.format(27, precision),
            batch=3,
            sizes=(5, 4),
        )
        yield replace(
            base,
            id=f"linear-1d-{precision}",
            why=f"strided, padded and channels_first, in {precision}",
            sizes=(9,),
            kernel_size=(4,),
            strides=(2,),
            pads=((2, 1),),
            channels=2,
            filters=3,
            first=True,
        )
        yield replace(
            base,
            id=f"linear-batch-{precision}",
            why=f"sums over 24 samples for dkernel and dbias, in {precision}",
            sizes=(4, 3),
            kernel_size=(2, 2),
            channels=1,
            filters=2,
            batch=24,
        )
        yield replace(
            base,
            id=f"relu-{precision}",
            why=f"relu on real numbers that stay off its kink, in {precision}",
            sizes=(5,),
            kernel_size=(2,),
            channels=1,
            batch=2,
            activation=RELU,
        )
        yield replace(
            base,
            id=f"cancellation-{precision}",
            why=f"terms that cancel to a small part of their size, in {precision}",
            sizes=(7,),
            kernel_size=(4,),
            channels=2,
            batch=2,
            filters=2,
            data=f"cancelling {precision}",
            flags=("cancellation",),
        )


def long() -> Iterator[Spec]:
    """Long sums in float32 and float16, where errors of accumulation show."""
    real: dict[str, str] = {
        "tier": "bounded",
        "precision": "float32",
        "data": "real float32",
    }
    yield Spec(
        "linear-144-float32",
        PRECISION_WHY.format(144, "float32"),
        (4, 4),
        (3, 3),
        channels=16,
        filters=3,
        **real,  # type: ignore[arg-type]
    )
    yield Spec(
        "linear-576-float32",
        PRECISION_WHY.format(576, "float32"),
        (3, 4),
        (3, 3),
        channels=64,
        filters=2,
        **real,  # type: ignore[arg-type]
    )
    yield Spec(
        "linear-dx-float32",
        "dx that sums over 48 wires per cell, in float32",
        (6,),
        (3,),
        channels=2,
        filters=16,
        **real,  # type: ignore[arg-type]
    )
    yield Spec(
        "linear-144-float16",
        PRECISION_WHY.format(144, "float16"),
        (3, 4),
        (3, 3),
        channels=16,
        filters=2,
        tier="bounded",
        precision="float16",
        data="real float16",
    )


def smooth() -> Iterator[Spec]:
    """Every smooth activation in float64, float32 and float16, with its gradients."""
    for precision in ("float64", "float32", "float16"):
        for name in SMOOTH:
            yield Spec(
                f"{name}-{precision}",
                f"{name} and its slope, in {precision}",
                (5,),
                (2,),
                channels=2,
                filters=2,
                activation={"name": name, **PARAMETERS.get(name, {})},
                first=precision == "float64",
                tier="bounded",
                precision=precision,
                data=f"real {precision}",
            )


# What has another default elsewhere is said.
PARAMETERS: dict[str, Config] = {"gelu": {"approximate": False}, "elu": {"alpha": 1.0}}


def rows() -> Iterator[Spec]:
    """Softmax and its logarithm over the last axis, forward only."""
    for name in ("softmax", "log_softmax"):
        for precision in ("float64", "float32", "float16"):
            yield Spec(
                f"{name.replace('_', '-')}-{precision}",
                f"{name} over the filters, in {precision}",
                (5,),
                (3,),
                channels=2,
                filters=5,
                activation={"name": name},
                gradients=False,
                tier="bounded",
                precision=precision,
                data=f"real {precision}",
            )
    yield Spec(
        "softmax-first",
        "softmax over the last axis of channels_first, a location axis, as in Keras",
        (4, 3),
        (2, 1),
        filters=2,
        first=True,
        activation={"name": "softmax"},
        gradients=False,
        tier="bounded",
        precision="float32",
        data="real float32",
    )


def large() -> Iterator[Spec]:
    """Take arguments so large that a careless formula overflows or loses all digits."""
    names = ("sigmoid", "tanh", "softplus", "swish", "mish", *ROWS)
    for precision in ("float64", "float32", "float16"):
        for name in names:
            yield Spec(
                f"{name.replace('_', '-')}-large-{precision}",
                f"{name} far from 0, where exp overflows or 1 + exp rounds to 1, "
                f"in {precision}",
                (7,),
                (2,),
                channels=1,
                filters=4,
                activation={"name": name, **PARAMETERS.get(name, {})},
                gradients=False,
                tier="bounded",
                precision=precision,
                data=f"large {precision}",
            )


BOUNDED = (linear, long, smooth, rows, large)
