"""
PyTorch as a backend: three ways to write the layer that it does not have.

``unfold`` is ``torch.nn.functional.unfold`` and a batched product, ``strided`` the
idiom of the PyTorch forum on ``Tensor.unfold``, ``einsum`` the same windows contracted
by ``torch.einsum``. PyTorch is channels_first: for channels_last the channel axis is
moved before and after. Names that end in ``_cuda`` compute on a GPU, with
TensorFloat-32 off, and on in those that end in ``_cuda_tf32``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from ..._typing import Array
from ...geometry import Geometry
from ..case import Case
from .torch_tensors import from_torch, functions, to_torch
from .translation import Translation, activation_of

__all__ = [
    "einsum",
    "einsum_cuda",
    "einsum_cuda_tf32",
    "strided",
    "strided_cuda",
    "unfold",
    "unfold_cuda",
    "unfold_cuda_tf32",
]

Linear = Callable[[Any, Any, Geometry], Any]


def unfold(case: Case, *, device: str = "cpu", tf32: bool = False) -> dict[str, Array]:
    """
    Compute a case with ``torch.nn.functional.unfold`` and ``torch.bmm``.

    Parameters
    ----------
    case : Case
        A case of the golden suite.
    device : str
        Where PyTorch computes, such as "cuda".
    tf32 : bool
        Whether float32 products may round their operands to TensorFloat-32.

    Returns
    -------
    dict of str to ndarray
        `y`, and `dx`, `dkernel` and `dbias` for a case with an upstream gradient.

    Raises
    ------
    NotImplementedError
        If the case has three spatial axes, which ``unfold`` does not know.
    ImportError
        If PyTorch is not installed.

    See Also
    --------
    strided, einsum : Other ways to the same layer, in three dimensions too.
    """
    if len(case.config["kernel_size"]) == 3:
        raise NotImplementedError("torch.nn.functional.unfold has two spatial axes")
    return _compute(case, _unfolded, device, tf32)


def strided(case: Case, *, device: str = "cpu", tf32: bool = False) -> dict[str, Array]:
    """
    Compute a case as the PyTorch forum does: windows, times the weights, summed.

    Parameters
    ----------
    case : Case
        A case of the golden suite.
    device : str
        Where PyTorch computes, such as "cuda".
    tf32 : bool
        Without effect, for there is no matrix product in it.

    Returns
    -------
    dict of str to ndarray
        `y`, and `dx`, `dkernel` and `dbias` for a case with an upstream gradient.

    Raises
    ------
    ImportError
        If PyTorch is not installed.

    See Also
    --------
    unfold, einsum : Other ways to the same layer.
    """
    return _compute(case, _multiplied_and_summed, device, tf32)


def einsum(case: Case, *, device: str = "cpu", tf32: bool = False) -> dict[str, Array]:
    """
    Compute a case with ``torch.einsum`` on strided windows.

    Parameters
    ----------
    case : Case
        A case of the golden suite.
    device : str
        Where PyTorch computes, such as "cuda".
    tf32 : bool
        Whether float32 products may round their operands to TensorFloat-32.

    Returns
    -------
    dict of str to ndarray
        `y`, and `dx`, `dkernel` and `dbias` for a case with an upstream gradient.

    Raises
    ------
    ImportError
        If PyTorch is not installed.

    See Also
    --------
    unfold, strided : Other ways to the same layer.
    """
    return _compute(case, _contracted, device, tf32)


unfold_cuda = partial(unfold, device="cuda")
unfold_cuda_tf32 = partial(unfold, device="cuda", tf32=True)
strided_cuda = partial(strided, device="cuda")
einsum_cuda = partial(einsum, device="cuda")
einsum_cuda_tf32 = partial(einsum, device="cuda", tf32=True)


def _compute(case: Case, linear: Linear, device: str, tf32: bool) -> dict[str, Array]:
    """Run one of the ways below, and PyTorch's gradients of it."""
    import torch

    layer = Translation(case, "torch")
    g = layer.geometry
    activation = activation_of(case.config["activation"], functions())
    # The pairs of the last axis come first.
    pads = [cells for pair in reversed(g.pads) for cells in pair]

    given = partial(to_torch, precision=case.precision, device=device)
    x, kernel = given(case.x), given(layer.kernel)
    bias = None if layer.bias is None else given(layer.bias)
    with _float32_products("high" if tf32 else "highest"):
        cells = x.movedim(-1, 1) if g.channels_last else x
        if g.has_pads:
            cells = torch.nn.functional.pad(cells, pads, value=g.pad_value)
        z = linear(cells, kernel, g)
        if bias is not None:
            z = z + bias
        y = activation(z.movedim(1, -1) if g.channels_last else z)
        if case.dy is None:
            return {"y": from_torch(y)}
        y.backward(given(case.dy, requires_grad=False))
        return layer.answers(
            from_torch(y),
            from_torch(x.grad),
            from_torch(kernel.grad),
            None if bias is None else from_torch(bias.grad),
        )


def _unfolded(x: Any, kernel: Any, g: Geometry) -> Any:
    """``F.unfold`` knows two axes; in one dimension the other has one cell."""
    import torch

    def two(sizes: tuple[int, ...]) -> tuple[int, ...]:
        return (1, *sizes)[-2:]

    if g.rank == 1:
        x = x.unsqueeze(2)
    patches = torch.nn.functional.unfold(
        x, two(g.kernel_size), dilation=two(g.dilation_rate), stride=two(g.strides)
    )
    # (L, N, K) @ (L, K, F), K being (channel, taps)
    rows = patches.permute(2, 0, 1)
    filters = kernel.shape[1]
    columns = kernel.reshape(filters, g.channels, g.locations, -1).permute(2, 1, 3, 0)
    z = torch.bmm(rows, columns.reshape(g.locations, g.patch_size, filters))
    return z.permute(1, 2, 0).reshape(-1, filters, *g.output_sizes)


def _multiplied_and_summed(x: Any, kernel: Any, g: Geometry) -> Any:
    return (_windows(x, g).unsqueeze(1) * kernel).sum([2, -1])


def _contracted(x: Any, kernel: Any, g: Geometry) -> Any:
    import torch

    o = "xyz"[: g.rank]
    return torch.einsum(f"nc{o}r,fc{o}r->nf{o}", _windows(x, g), kernel[0])


def _windows(x: Any, g: Geometry) -> Any:
    """Return the windows of x as (N, C, *O, prod(R)), axis by axis."""
    for axis, (r, s, d) in enumerate(
        zip(g.kernel_size, g.strides, g.dilation_rate, strict=True), start=2
    ):
        x = x.unfold(axis, (r - 1) * d + 1, s)[..., ::d]
    return x.flatten(2 + g.rank)


@contextmanager
def _float32_products(precision: str) -> Iterator[None]:
    """Set how float32 matrices are multiplied on a GPU, and set it back."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
