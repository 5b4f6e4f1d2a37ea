"""Checks of the fourth assignment: shared kernels, and kernels of low rank."""

from types import ModuleType

import numpy as np

from .._typing import Array
from ..golden import Case
from ..ops import local_conv_backward, local_conv_forward
from .checks import Check, Draw, expect, golden, is_plain, numbers, one_of, same, twice

__all__ = ["SHARING"]

COPIES = "One line: an array of integers as an index copies."


def _is_blocks(case: Case) -> bool:
    """Whether blocks of neighbours of a sequence share, and nothing else does."""
    c = case.config
    return (
        is_plain(case)
        and len(c["kernel_size"]) == 1
        and c["bias_per"] == "block"
        and c["share"][0] * c["tile"][0] >= c["output_sizes"][0]
    )


def _groups(homework: ModuleType) -> None:
    for count, share in ((5, 2), (6, 3), (4, 1), (7, 9)):
        what, found = f"groups({count}, {share})", homework.groups(count, share)
        dtype = numbers(what, found).dtype
        expect(dtype.kind in "iu", f"{what} must hold integers, got dtype {dtype}", "")
        same(what, found, np.arange(count) // share)


def _shared(homework: ModuleType) -> None:
    def answer(case: Case) -> dict[str, Array]:
        assert case.bias is not None
        assert case.dy is not None
        locations, share = case.config["output_sizes"][0], case.config["share"][0]
        of = np.arange(locations) // share
        kernel = homework.share_forward(case.kernel, of)
        bias = homework.share_forward(case.bias, of)
        for found, given in ((kernel, case.kernel), (bias, case.bias)):
            same(f"case {case.id}: w", found, given[of])
        size = case.config["kernel_size"][0]
        y, cache = local_conv_forward(case.x, kernel, bias, kernel_size=size)
        dx = local_conv_backward(case.dy, cache).dx
        assert dx is not None
        return {"y": y, "dx": dx}

    golden(answer, _is_blocks, kind="shared")


def _shared_gradient(homework: ModuleType) -> None:
    def answer(case: Case) -> dict[str, Array]:
        assert case.bias is not None
        assert case.dy is not None
        locations, share = case.config["output_sizes"][0], case.config["share"][0]
        of, count = np.arange(locations) // share, len(case.kernel)
        size = case.config["kernel_size"][0]
        _, cache = local_conv_forward(
            case.x, case.kernel[of], case.bias[of], kernel_size=size
        )
        _, dkernel, dbias = local_conv_backward(case.dy, cache)
        return {
            "dkernel": homework.share_backward(dkernel, of, count),
            "dbias": homework.share_backward(dbias, of, count),
        }

    golden(answer, _is_blocks, kind="shared")


@twice
def _scattered(homework: ModuleType, draw: Draw) -> None:
    of, count = np.array([0, 2, 0, 2, 2, 0]), 4  # groups 1 and 3 are empty
    kernel, dw = draw(count, 4, 2), draw(6, 4, 2)
    where = f"groups {of.tolist()} of {count}: "
    same(f"{where}w", homework.share_forward(kernel, of), kernel[of], hint=COPIES)
    right = np.zeros_like(kernel)
    for location, group in enumerate(of):
        right[group] += dw[location]
    same(f"{where}the gradient", homework.share_backward(dw, of, count), right)


@twice
def _low_rank(homework: ModuleType, draw: Draw) -> None:
    kernel, mixture = draw(2, 6, 3), draw(5, 2)
    right = np.zeros((5, 6, 3), np.float32)
    for number in range(5):
        for r in range(2):
            right[number] += mixture[number, r] * kernel[r]
    same("low_rank_forward", homework.low_rank_forward(kernel, mixture), right)


def _low_rank_gradients(homework: ModuleType) -> None:
    def answer(case: Case) -> dict[str, Array]:
        assert case.dy is not None
        assert case.mixture is not None
        whole = np.einsum("lr,rkf->lkf", case.mixture, case.kernel)
        size = case.config["kernel_size"][0]
        _, cache = local_conv_forward(case.x, whole, kernel_size=size)
        dw = local_conv_backward(case.dy, cache).dkernel
        found = homework.low_rank_backward(dw, case.kernel, case.mixture)
        dkernel, dmixture = one_of("dkernel, dmixture", "low_rank_backward", found)
        return {"dkernel": dkernel, "dmixture": dmixture}

    def wanted(case: Case) -> bool:
        return is_plain(case) and len(case.config["kernel_size"]) == 1

    golden(answer, wanted, kind="low_rank")


SHARING = (
    Check(
        "who shares with whom",
        1,
        _groups,
        "The first `share` locations are group 0, the next ones group 1.",
    ),
    Check(
        "a shared kernel, forward",
        2,
        _shared,
        COPIES,
    ),
    Check(
        "a shared kernel, backward",
        3,
        _shared_gradient,
        "Copying forward is adding backward: the gradient of a group is the sum over"
        " its members.",
    ),
    Check(
        "groups that are not neighbours",
        1,
        _scattered,
        "np.add.at(result, groups, dw) adds every time; result[groups] += dw does not."
        " A group without members gets 0.",
    ),
    Check(
        "a kernel of low rank, forward",
        2,
        _low_rank,
        "w[l] is a sum of a few kernels, each times a number: lr,rkf->lkf.",
    ),
    Check(
        "a kernel of low rank, backward",
        3,
        _low_rank_gradients,
        "Swap the letters of an operand and of the result, once for each operand.",
    ),
)
