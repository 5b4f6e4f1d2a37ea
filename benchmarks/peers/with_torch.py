"""PyTorch, which has no such layer: `F.unfold` and bmm, views and bmm, and compiled."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from peers.contender import Builder, Contender
from peers.workloads import Data, Workload

LIBRARIES = ("torch",)

Layer = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
Results = Callable[..., tuple[torch.Tensor, ...]]


def _contender(
    layer: Layer, tensors: list[torch.Tensor], dy: torch.Tensor, own_layout: Results
) -> Contender:
    """Bind a layer to (x, kernel, bias); `own_layout` brings results to localnet's."""
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]

    def forward():
        with torch.no_grad():
            return layer(*tensors)

    def step():
        y = layer(*leaves)
        return y.detach(), *torch.autograd.grad(y, leaves, dy)

    def results():
        return [t.contiguous().numpy() for t in own_layout(*step())]

    return Contender(forward, step, results)


def _unfold(workload: Workload, data: Data) -> Contender:
    """What people write: images in PyTorch's order, one product per location."""
    n, f, c = workload.batch, workload.filters, workload.channels
    locations, taps = workload.locations, workload.taps
    # A signal is an image of one row.
    window = (1, *workload.kernel_size)[-2:]
    stride = (1, *(workload.stride,) * len(workload.sizes))[-2:]
    image, outputs = (1, *workload.sizes)[-2:], (1, *workload.output_sizes)[-2:]

    def layer(x, kernel, bias):
        columns = F.unfold(x, window, stride=stride)  # (N, K, L)
        y = torch.bmm(columns.permute(2, 0, 1), kernel)  # (L, N, F)
        return y.permute(1, 2, 0).reshape(n, f, *outputs) + bias

    x, kernel, bias, dy = map(torch.from_numpy, data)
    if workload.channels_first:
        tensors = [x.view(n, c, *image), kernel, bias.reshape(f, *outputs)]
        dy = dy.view(n, f, *outputs)
    else:
        tensors = [
            x.view(n, *image, c).permute(0, 3, 1, 2),
            kernel.view(locations, taps, c, f).transpose(1, 2).reshape(kernel.shape),
            bias.view(*outputs, f).permute(2, 0, 1),
        ]
        dy = dy.view(n, *outputs, f).permute(0, 3, 1, 2).contiguous()
    tensors = [tensor.contiguous() for tensor in tensors]

    def own_layout(y, dx, dkernel, dbias):
        if not workload.channels_first:
            y, dx = y.permute(0, 2, 3, 1), dx.permute(0, 2, 3, 1)
            dkernel = dkernel.view(locations, c, taps, f).transpose(1, 2)
            dbias = dbias.permute(1, 2, 0)
        arrays = (y, dx, dkernel, dbias)
        shapes = (data.dy, data.x, data.kernel, data.bias)
        return tuple(a.reshape(s.shape) for a, s in zip(arrays, shapes, strict=True))

    return _contender(layer, tensors, dy, own_layout)


def _strided_layer(workload: Workload) -> Layer:
    """Return the fastest idiom known: patches as views, copied once, then bmm."""
    rank, first = len(workload.sizes), workload.channels_first
    places = range(2, 2 + rank) if first else range(1, 1 + rank)
    taps = range(2 + rank, 2 + 2 * rank)
    channel = 1 if first else 1 + rank
    order = (*places, 0, channel, *taps) if first else (*places, 0, *taps, channel)
    back = (rank, rank + 1, *range(rank)) if first else (rank, *range(rank), rank + 1)

    def layer(x, kernel, bias):
        for axis, size in zip(places, workload.kernel_size, strict=True):
            x = x.unfold(axis, size, workload.stride)
        patches = x.permute(order).reshape(-1, workload.batch, workload.patch_size)
        y = torch.bmm(patches, kernel)
        y = y.view(*workload.output_sizes, workload.batch, workload.filters)
        return y.permute(back) + bias

    return layer


def _strided(workload: Workload, data: Data) -> Contender:
    x, kernel, bias, dy = map(torch.from_numpy, data)
    tensors = [x, kernel, bias.reshape(workload.output_shape[1:])]

    def own_layout(y, dx, dkernel, dbias):
        return y, dx, dkernel, dbias.reshape(data.bias.shape)

    return _contender(_strided_layer(workload), tensors, dy, own_layout)


def _compiled(workload: Workload, data: Data) -> Contender:
    """Forward only: the compiled backward pass of this idiom corrupts the heap."""
    torch._dynamo.reset()
    layer = torch.compile(_strided_layer(workload), dynamic=False)
    x, kernel, bias, _ = map(torch.from_numpy, data)
    bias = bias.reshape(workload.output_shape[1:])

    def forward():
        with torch.no_grad():
            return layer(x, kernel, bias)

    def results() -> list[np.ndarray]:
        return [forward().contiguous().numpy()]

    return Contender(forward, None, results)


BUILDERS: dict[str, Builder] = {
    "PyTorch unfold": _unfold,
    "PyTorch strided": _strided,
    "PyTorch compiled": _compiled,
}
