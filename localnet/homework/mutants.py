"""Checks of the sixth assignment, and the wrong backends that it hands out."""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from .. import config
from .._typing import Array
from ..geometry import Geometry
from ..ops import local_conv_backward, local_conv_forward, patch_indices
from .checks import Check, Failure, expect, kind_of
from .student import Broken

__all__ = ["MUTANTS", "MUTANT_CHECKS", "right"]

Answers = Mapping[str, Array]


def right(x: Array, kernel: Array, bias: Array, dy: Array, size: Any) -> Answers:
    """Compute the layer and its gradients as they should be."""
    y, cache = local_conv_forward(x, kernel, bias, kernel_size=size)
    dx, dkernel, dbias = local_conv_backward(dy, cache)
    assert dx is not None
    assert dbias is not None
    return {"y": y, "dx": dx, "dkernel": dkernel, "dbias": dbias}


def _by_loops(*arguments: Any) -> Answers:
    with config.engine("naive"):
        return right(*arguments)


def _mean_over_samples(x: Array, *rest: Any) -> Answers:
    answers = right(x, *rest)
    return {**answers, "dkernel": answers["dkernel"] / len(x)}


def _overwrites(x: Array, kernel: Array, bias: Array, dy: Array, size: Any) -> Answers:
    """Let the last window that reads a cell decide about its gradient."""
    answers = right(x, kernel, bias, dy, size)
    windows = Geometry.of(x.shape[1:], kernel_size=size)
    flat = dy.reshape(len(x), windows.locations, -1)
    dp = np.einsum("nlf,lkf->nlk", flat, kernel)
    dx = np.zeros((len(x), x[0].size))
    for number, cells in enumerate(patch_indices(windows)):
        dx[:, cells] = dp[:, number]
    return {**answers, "dx": dx.reshape(x.shape)}


def _channels_first(
    x: Array, kernel: Array, bias: Array, dy: Array, size: Any
) -> Answers:
    """Read the values of a window channel by channel, forward and backward."""
    channels = x.shape[-1]
    shape = (len(kernel), channels, -1, kernel.shape[-1])
    turned = kernel.reshape(shape).swapaxes(1, 2).reshape(kernel.shape)
    answers = right(x, turned, bias, dy, size)
    back = (len(kernel), -1, channels, kernel.shape[-1])
    dkernel = answers["dkernel"].reshape(back).swapaxes(1, 2).reshape(kernel.shape)
    return {**answers, "dkernel": dkernel}


def _one_kernel(x: Array, kernel: Array, *rest: Any) -> Answers:
    """Use the kernel of the first location everywhere: a convolution."""
    answers = right(x, np.broadcast_to(kernel[:1], kernel.shape), *rest)
    total = answers["dkernel"].sum(axis=0, keepdims=True)
    first = np.zeros(kernel.shape)
    first[:1] = total
    return {**answers, "dkernel": first}


def _shared_bias(*arguments: Any) -> Answers:
    """Give every location the mean of what the bias of all should get."""
    answers = right(*arguments)
    dbias = answers["dbias"]
    mean = dbias.mean(axis=tuple(range(dbias.ndim - 1)), keepdims=True)
    return {**answers, "dbias": np.broadcast_to(mean, dbias.shape)}


def _zeros(x: Array, kernel: Array, bias: Array, dy: Array, size: Any) -> Answers:
    """Answer nothing but zeros, in the right shapes: a test that misses it is none."""
    names = {"y": dy, "dx": x, "dkernel": kernel, "dbias": bias}
    return {name: np.zeros_like(like) for name, like in names.items()}


MUTANTS: dict[str, Callable[..., Answers]] = {
    "a": _mean_over_samples,
    "b": _overwrites,
    "c": _channels_first,
    "d": _one_kernel,
    "e": _shared_bias,
}
ORDERS = (0b01001, 0b10010, 0b00101, 0b11000, 0b01010)
EXACT = (
    "Integers as inputs make every sum exact, so that right backends agree bit for bit;"
    " with other numbers leave room for rounding."
)
HINTS = {
    "a": "Its y is right, and with one sample so is everything else.",
    "b": "Its y is right. Do your windows overlap?",
    "c": "Its gradients agree with its y. With one channel, or one cell in a window,"
    " there is nothing to see.",
    "d": "It is a convolution. Do the kernels of your locations differ?",
    "e": "Its y is right, and a dy of ones shows nothing.",
}


def _says(homework: ModuleType, backend: Callable[..., Answers]) -> bool:
    try:
        found = homework.is_right(backend)
    except Broken as broken:
        if str(broken).startswith("AssertionError"):
            raise Failure(str(broken), "Return False; do not raise.") from None
        raise
    expect(
        isinstance(found, bool),
        f"is_right must return True or False, got {kind_of(found)}",
        "",
    )
    return bool(found)


def _accepts(homework: ModuleType) -> None:
    for backend in (right, _by_loops):
        expect(
            _says(homework, backend),
            "is_right must return True for a backend that is right",
            EXACT,
        )


def _tells_apart(homework: ModuleType) -> None:
    for _ in range(2):
        expect(
            not _says(homework, _zeros),
            "is_right must return False for a backend whose answers are all 0",
            "",
        )
        _accepts(homework)


def _finds(name: str) -> Callable[[ModuleType], None]:
    # Each check has an order of its own, so that counting calls tells nothing.
    order = format(ORDERS[sorted(MUTANTS).index(name)], "05b")

    def run(homework: ModuleType) -> None:
        for wrong in order:
            if wrong == "0":
                _accepts(homework)
            else:
                expect(
                    not _says(homework, MUTANTS[name]),
                    f"is_right must return False for wrong backend {name}",
                )

    return run


MUTANT_CHECKS = (
    Check(
        "two right backends pass, and zeros do not",
        2,
        _tells_apart,
        EXACT,
    ),
    *(Check(f"wrong backend {n} is found", 2, _finds(n), HINTS[n]) for n in MUTANTS),
)
