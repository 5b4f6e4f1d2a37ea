"""Checks of the first three assignments: forward, backward, strides and padding."""

import itertools
from types import ModuleType
from typing import Any

import numpy as np

from .._typing import Array
from ..geometry import Geometry
from ..golden import Case
from ..ops import local_conv_backward, local_conv_forward
from .checks import (
    FORGETS,
    Check,
    Draw,
    expect,
    golden,
    is_plain,
    numbers,
    one_of,
    same,
    twice,
)

__all__ = ["BACKWARD", "FORWARD", "WINDOWS"]


GRADIENTS = "dx, dkernel, dbias"


def _rank(case: Case) -> int:
    return len(case.config["kernel_size"])


def _bias(case: Case) -> Array:
    assert case.bias is not None
    return case.bias


def _size(case: Case) -> tuple[int, ...]:
    return tuple(case.config["kernel_size"])


def _by_hand(homework: ModuleType) -> None:
    x = np.array([1, 2, 4], np.float32).reshape(1, 3, 1)
    kernel = np.array([[3, 5], [7, 11]], np.float32).reshape(2, 2, 1)
    _two_windows(homework, x, kernel)
    _two_windows_again(homework)


def _two_windows(
    homework: ModuleType, x: Array, kernel: Array, *, again: bool = False
) -> None:
    y = homework.local_forward(x, kernel, np.zeros((2, 1), np.float32), (2,))
    _same("y", y, local_conv_forward(x, kernel, kernel_size=2)[0], again=again)


def _same(what: str, found: Any, expected: Any, *, again: bool) -> None:
    """Compare the answer to an example, or to other numbers in its place."""
    if again:
        same(f"called again with other numbers, {what}", found, expected, hint=FORGETS)
    else:
        same(what, found, expected)


@twice
def _two_windows_again(homework: ModuleType, draw: Draw) -> None:
    _two_windows(homework, draw(1, 3, 1), draw(2, 2, 1), again=True)


def _forward(rank: int) -> Any:
    def run(homework: ModuleType) -> None:
        def answer(case: Case) -> dict[str, Array]:
            y = homework.local_forward(case.x, case.kernel, _bias(case), _size(case))
            return {"y": y}

        golden(answer, lambda case: is_plain(case) and _rank(case) == rank)

    return run


@twice
def _leaves_inputs(homework: ModuleType, draw: Draw) -> None:
    # What writes into an argument cannot: the student's process holds it over bytes.
    x, kernel, bias = draw(2, 5, 2), draw(3, 6, 2), np.zeros((3, 2), np.float32)
    for given, what, hint in (
        (x, "y", "This point needs a right y, too: look at the checks above."),
        (draw(2, 5, 2), "called again with another x, y", FORGETS),
        (x, "called again with the first x, y", None),
    ):
        right, _ = local_conv_forward(given, kernel, kernel_size=3)
        same(what, homework.local_forward(given, kernel, bias, (3,)), right, hint=hint)


FORWARD = (
    Check(
        "two windows, done by hand",
        1,
        _by_hand,
        "The window at location l begins at cell l; its weights are kernel[l].",
    ),
    Check(
        "sequences",
        3,
        _forward(1),
        "K counts the values of a window: cells first, channels within. Is"
        " x[n, l : l + R] flattened in that order? Did you add bias[l]?",
    ),
    Check(
        "images",
        3,
        _forward(2),
        "Locations are numbered row by row, l = i * columns + j, and the values of a"
        " window as x[n, i : i + R, j : j + R].ravel() gives them, channels last. y has"
        " the shape (N, rows, columns, F), and so has the bias without N.",
    ),
    Check(
        "three axes",
        2,
        _forward(3),
        "np.ndindex(*output_sizes) gives the locations of any number of axes, and"
        " sliding_window_view the windows; it puts the channels before the cells.",
    ),
    Check(
        "the inputs stay as they are",
        1,
        _leaves_inputs,
        "Make a new array for y; do not write into an argument.",
    ),
)


def _gradient(position: int) -> Any:
    name = ("dx", "dkernel", "dbias")[position]

    def run(homework: ModuleType) -> None:
        def answer(case: Case) -> dict[str, Array]:
            found = homework.local_backward(case.dy, case.x, case.kernel, _size(case))
            return {name: one_of(GRADIENTS, "local_backward", found)[position]}

        golden(answer, lambda case: is_plain(case) and name in case.wants)

    return run


def _adds_windows(homework: ModuleType) -> None:
    dy, kernel = np.ones((1, 5, 1), np.float32), np.ones((5, 3, 1), np.float32)
    _three_windows(homework, dy, kernel)
    _three_windows_again(homework)


def _three_windows(
    homework: ModuleType, dy: Array, kernel: Array, *, again: bool = False
) -> None:
    x = np.zeros((1, 7, 1), np.float32)
    found = one_of(
        GRADIENTS, "local_backward", homework.local_backward(dy, x, kernel, (3,))
    )
    _, cache = local_conv_forward(x, kernel, kernel_size=3)
    _same("dx", found[0], local_conv_backward(dy, cache).dx, again=again)


@twice
def _three_windows_again(homework: ModuleType, draw: Draw) -> None:
    _three_windows(homework, draw(1, 5, 1), draw(5, 3, 1), again=True)


@twice
def _is_adjoint(homework: ModuleType, draw: Draw) -> None:
    x, kernel, dy = draw(2, 4, 5, 2), draw(12, 8, 3), draw(2, 3, 4, 3)
    y, _ = local_conv_forward(x, kernel, kernel_size=2)
    right = np.sum(dy * y)
    found = one_of(
        GRADIENTS, "local_backward", homework.local_backward(dy, x, kernel, (2, 2))
    )
    dx, dkernel = numbers("dx", found[0]), numbers("dkernel", found[1])
    for name, array, like in (("x", dx, x), ("kernel", dkernel, kernel)):
        expect(
            array.shape == like.shape,
            f"d{name} must have shape {like.shape}, got {array.shape}",
        )
        same(f"sum(d{name} * {name})", float(np.sum(array * like)), right)


BACKWARD = (
    Check(
        "dbias",
        2,
        _gradient(2),
        "Every sample adds the same bias: sum dy over the samples, and no other axis.",
    ),
    Check(
        "dkernel",
        3,
        _gradient(1),
        "In einsum letters: nlk,nlf->lkf. Do not divide by the number of samples.",
    ),
    Check(
        "windows that overlap",
        2,
        _adds_windows,
        "A cell that three windows read gets three terms. Add, do not overwrite; and"
        " dx[:, cells] += ... adds only once to a cell that stands in it twice.",
    ),
    Check(
        "dx",
        3,
        _gradient(0),
        "First the gradient of the patches, nlf,lkf->nlk; then add each value to the"
        " cell that it was copied from.",
    ),
    Check(
        "the dot test",
        2,
        _is_adjoint,
        "y is linear in x and in kernel: sum(dx * x) and sum(dkernel * kernel) are"
        " sum(dy * y), for a y without bias.",
    ),
)


def _count(homework: ModuleType) -> None:
    for size, width, step in itertools.product((5, 6, 9, 28), (1, 2, 3, 5), (1, 2, 3)):
        for padding in ("valid", "same"):
            right = Geometry.of(
                (size, 1), kernel_size=width, strides=step, padding=padding
            ).output_sizes[0]
            found = homework.output_size(size, width, step, padding)
            same(f"output_size({size}, {width}, {step}, {padding!r})", found, right)


def _pads(homework: ModuleType) -> None:
    for size, width, step in itertools.product((5, 6, 9, 28), (2, 3, 4, 5), (1, 2, 3)):
        right = Geometry.of(
            (size, 1), kernel_size=width, strides=step, padding="same"
        ).pads[0]
        found = homework.same_pads(size, width, step)
        same(f"same_pads({size}, {width}, {step})", found, right)


def _strided(homework: ModuleType) -> None:
    def answer(case: Case) -> dict[str, Array]:
        y = homework.local_forward(
            case.x, case.kernel, _bias(case), _size(case), tuple(case.config["strides"])
        )
        return {"y": y}

    def wanted(case: Case) -> bool:
        return is_plain(case, strides=True) and max(case.config["strides"]) > 1

    golden(answer, wanted)


@twice
def _padded(homework: ModuleType, draw: Draw) -> None:
    for size, width, step in ((7, 3, 1), (7, 3, 2), (8, 2, 1), (9, 4, 3), (6, 5, 2)):
        windows = Geometry.of(
            (size, 2), kernel_size=width, strides=step, padding="same"
        )
        x, kernel = draw(2, size, 2), draw(windows.locations, 2 * width, 3)
        padded = np.pad(x, ((0, 0), *windows.pads, (0, 0)))
        right = np.zeros((2, windows.locations, 3), np.float32)
        for number in range(windows.locations):
            patch = padded[:, number * step : number * step + width].reshape(2, -1)
            right[:, number] = patch @ kernel[number]
        found = homework.local_forward(
            x, kernel, np.zeros_like(right[0]), (width,), (step,), "same"
        )
        what = f"{size} cells, kernel_size {width}, stride {step}, padding same: y"
        same(what, found, right)


WINDOWS = (
    Check(
        "how many locations",
        2,
        _count,
        "valid: the last window must end inside. same: ceil(size / stride), whatever"
        " the window.",
    ),
    Check(
        "where the pads lie",
        3,
        _pads,
        "Keras's locally connected layers begin window l at l * stride -"
        " kernel_size // 2: that many cells come before. After: what the last window"
        " still reads.",
    ),
    Check(
        "strides, held to the golden suite",
        3,
        _strided,
        "Window l begins at cell l * stride, on each axis with its own stride.",
    ),
    Check(
        "padding, against loops",
        2,
        _padded,
        "Pad with zeros on both sides by same_pads, then go on as for valid.",
    ),
)
