"""
PyTorch as a backend for the variants: its own convolution, and idioms for the others.

``conv`` is ``torch.nn.functional.conv1d`` to ``conv3d``. For the rest PyTorch has no
operation: its transposed convolution, too, has one kernel for all locations. So
``idioms`` are what one would write: kernels picked by an index, or mixed, on unfolded
windows, and ``torch.nn.functional.fold`` for the layer run backwards. All gradients are
PyTorch's.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._typing import Array
from ..case import Case
from ..judging.kinds import computes
from .torch_tensors import from_torch, functions, to_torch
from .translation import activation_of

__all__ = ["conv", "idioms"]

Linear = Callable[..., Any]


@computes("conv")
def conv(case: Case) -> dict[str, Array]:
    """
    Compute a convolution with ``torch.nn.functional.conv1d``, ``conv2d`` or ``conv3d``.

    Parameters
    ----------
    case : Case
        A convolution of the golden suite.

    Returns
    -------
    dict of str to ndarray
        `y`, `dx`, `dkernel` and `dbias`.

    Raises
    ------
    ImportError
        If PyTorch is not installed.

    See Also
    --------
    idioms : The other variants.
    """
    return _compute(case, _conv)


@computes("shared", "low_rank", "transposed")
def idioms(case: Case) -> dict[str, Array]:
    """
    Compute what PyTorch has no operation for, as one would write it.

    Parameters
    ----------
    case : Case
        A case of the golden suite, shared, of low rank or transposed.

    Returns
    -------
    dict of str to ndarray
        `y`, `dx`, `dkernel`, `dbias` and, of low rank, `dmixture`.

    Raises
    ------
    NotImplementedError
        If a transposed layer has three axes, which ``torch.nn.functional.fold`` has
        not.
    ImportError
        If PyTorch is not installed.

    See Also
    --------
    conv : PyTorch's own convolution.
    """
    ways = {"shared": _shared, "low_rank": _low_rank, "transposed": _transposed}
    return _compute(case, ways[case.kind])


def _compute(case: Case, linear: Linear) -> dict[str, Array]:
    """Run one of the ways below, channels first, and PyTorch's gradients of it."""
    given = {
        name: to_torch(array, precision=case.precision)
        for name in ("x", "kernel", "bias", "mixture")
        if (array := getattr(case, name)) is not None
    }
    last = case.config["data_format"] == "channels_last"
    x = given["x"].movedim(-1, 1) if last else given["x"]
    others = {name: tensor for name, tensor in given.items() if name != "x"}
    z = linear(case, x, **others)
    if last:
        z = z.movedim(1, -1)
    y = activation_of(case.config["activation"], functions())(z)
    if case.dy is None:
        return {"y": from_torch(y)}
    y.backward(to_torch(case.dy, precision=case.precision, requires_grad=False))
    answers = {f"d{name}": from_torch(tensor.grad) for name, tensor in given.items()}
    return {"y": from_torch(y), **answers}


def _padded(case: Case, x: Any) -> Any:
    import torch

    # The pairs of the last axis come first.
    pads = [cells for pair in reversed(case.config["pads"]) for cells in pair]
    return torch.nn.functional.pad(x, pads, value=case.config["pad_value"])


def _windows(case: Case, x: Any) -> Any:
    """Return the windows as (N, L, K)."""
    c, x = case.config, _padded(case, x)
    axes = zip(c["kernel_size"], c["strides"], c["dilation_rate"], strict=True)
    for axis, (r, s, d) in enumerate(axes, start=2):
        x = x.unfold(axis, (r - 1) * d + 1, s)[..., ::d]
    rank = len(c["kernel_size"])
    x = x.flatten(2 + rank).flatten(2, 1 + rank)  # (N, C, L, taps)
    if c["data_format"] == "channels_last":
        return x.permute(0, 2, 3, 1).flatten(2)
    return x.permute(0, 2, 1, 3).flatten(2)


def _contracted(case: Case, x: Any, kernel: Any, bias: Any) -> Any:
    """Return z of kernels and biases at all locations, (L, K, F) and (L, F)."""
    import torch

    z = torch.einsum("nlk,lkf->nlf", _windows(case, x), kernel)
    z = z if bias is None else z + bias
    return z.movedim(-1, 1).unflatten(2, case.config["output_sizes"])


def _of_locations(case: Case, bias: Any) -> Any:
    """Return a bias stored by location, or by block, as (places, F)."""
    if case.config["data_format"] == "channels_last":
        return bias.reshape(-1, case.config["filters"])
    return bias.reshape(case.config["filters"], -1).T


def _conv(case: Case, x: Any, kernel: Any, bias: Any = None) -> Any:
    from torch.nn import functional as F

    c = case.config
    convolve = (F.conv1d, F.conv2d, F.conv3d)[len(c["kernel_size"]) - 1]
    weight = kernel.movedim((-1, -2), (0, 1))
    z = convolve(
        _padded(case, x),
        weight,
        bias if c["bias_per"] == "filter" else None,
        stride=tuple(c["strides"]),
        dilation=tuple(c["dilation_rate"]),
        groups=c["groups"],
    )
    if bias is not None and c["bias_per"] == "location":
        by_filter = _of_locations(case, bias).T
        z = z + by_filter.unflatten(1, c["output_sizes"])
    return z


def _shared(case: Case, x: Any, kernel: Any, bias: Any = None) -> Any:
    import torch

    c = case.config
    axes = zip(c["output_sizes"], c["share"], c["tile"], strict=True)
    along = [np.arange(o) // share % tile for o, share, tile in axes]
    grid = np.ravel_multi_index(np.meshgrid(*along, indexing="ij"), c["tile"])
    block = torch.from_numpy(grid.ravel())
    if bias is not None:
        bias = _of_locations(case, bias)[block]
    return _contracted(case, x, kernel[block], bias)


def _low_rank(
    case: Case, x: Any, kernel: Any, bias: Any = None, mixture: Any = None
) -> Any:
    import torch

    if bias is not None and case.config["bias_per"] == "location":
        bias = _of_locations(case, bias)
    kernels = torch.einsum("lr,rkf->lkf", mixture, kernel)
    return _contracted(case, x, kernels, bias)


def _transposed(case: Case, x: Any, kernel: Any, bias: Any = None) -> Any:
    """``fold`` knows two axes; in one dimension the other has one cell."""
    import torch
    from torch.nn import functional as F

    c = case.config
    rank, taps = len(c["kernel_size"]), math.prod(c["kernel_size"])
    if rank == 3:
        raise NotImplementedError("torch.nn.functional.fold has two spatial axes")

    def two(sizes: Any) -> tuple[int, ...]:
        return (1, *sizes)[-2:]

    painted = torch.einsum("ncl,lkc->nkl", x.flatten(2), kernel)
    if c["data_format"] == "channels_last":  # fold wants (filter, taps)
        painted = painted.unflatten(1, (taps, -1)).transpose(1, 2).flatten(1, 2)
    before = [pair[0] for pair in c["pads"]]
    whole = [
        max((n - 1) * s + (r - 1) * d + 1, first + size)
        for n, s, r, d, first, size in zip(
            c["input_sizes"],
            c["strides"],
            c["kernel_size"],
            c["dilation_rate"],
            before,
            c["output_sizes"],
            strict=True,
        )
    ]
    z = F.fold(
        painted,
        two(whole),
        two(c["kernel_size"]),
        dilation=two(c["dilation_rate"]),
        stride=two(c["strides"]),
    )
    z = z if rank == 2 else z.squeeze(2)
    for axis, (first, size) in enumerate(
        zip(before, c["output_sizes"], strict=True), start=2
    ):
        z = z.narrow(axis, first, size)
    if bias is not None:
        z = z + _of_locations(case, bias).T.unflatten(1, c["output_sizes"])
    return z
