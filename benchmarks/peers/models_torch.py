"""Whole models in PyTorch, eager; locally connected layers in the strided idiom."""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from peers.model_contender import ModelContender
from peers.models import ADAM, Task, TaskData

LIBRARIES = ("torch",)


class Local(nn.Module):
    """A locally connected layer: patches as views, copied once, then bmm."""

    def __init__(self, kernel, bias, window, stride):
        super().__init__()
        self.kernel, self.bias = nn.Parameter(kernel), nn.Parameter(bias)
        self.window, self.stride = window, stride

    def forward(self, x):
        n, rank = len(x), x.ndim - 2
        for axis in range(1, 1 + rank):
            x = x.unfold(axis, self.window, self.stride)
        order = (*range(1, 1 + rank), 0, *range(2 + rank, 2 + 2 * rank), 1 + rank)
        patches = x.permute(order).reshape(-1, n, self.kernel.shape[1])
        y = torch.bmm(patches, self.kernel).view(*self.bias.shape[:-1], n, -1)
        return y.permute(rank, *range(rank), rank + 1) + self.bias


class ChannelsFirst(nn.Module):
    """A layer of PyTorch's order on images whose channels lie last in memory."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class GlobalMean(nn.Module):
    """The mean over all cells."""

    def forward(self, x):
        return x.mean((1, 2))


def _layer(layer, own):
    kind, *numbers = layer
    if kind == "dense":
        kernel, bias = next(own), next(own)
        made = nn.Linear(*kernel.shape)
        made.weight.data, made.bias.data = kernel.T.contiguous(), bias
        return made
    if kind == "local":
        return Local(next(own), next(own), *numbers[1:])
    if kind == "conv":
        kernel, bias = next(own), next(own)
        made = nn.Conv2d(kernel.shape[2], *numbers)
        weight = kernel.permute(3, 2, 0, 1)
        made.weight.data = weight.contiguous(memory_format=torch.channels_last)
        made.bias.data = bias
        return ChannelsFirst(made)
    if kind == "norm":
        gamma, beta, mean, variance = (next(own) for _ in range(4))
        made = nn.BatchNorm2d(len(gamma), eps=1e-3, momentum=0.01)
        made.weight.data, made.bias.data = gamma, beta
        made.running_mean, made.running_var = mean, variance
        return ChannelsFirst(made)
    if kind in ("pool max", "pool mean"):
        pool = nn.MaxPool2d if kind == "pool max" else nn.AvgPool2d
        return ChannelsFirst(pool(*numbers))
    return {"relu": nn.ReLU, "flatten": nn.Flatten, "global mean": GlobalMean}[kind]()


def _eager(task: Task, data: TaskData) -> ModelContender:
    own = iter([torch.from_numpy(w.copy()) for w in data.weights])
    model = nn.Sequential(*(_layer(layer, own) for layer in task.layers))
    optimizer = torch.optim.Adam(
        model.parameters(),
        ADAM["learning_rate"],
        (ADAM["beta_1"], ADAM["beta_2"]),
        ADAM["epsilon"],
    )
    x, classes = torch.from_numpy(data.x), torch.from_numpy(data.classes)

    def step() -> float:
        model.train()
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(x), classes)
        loss.backward()
        optimizer.step()
        return float(loss)

    def predict(x: torch.Tensor) -> np.ndarray:
        model.eval()
        with torch.no_grad():
            return torch.softmax(model(x), 1).numpy()

    return ModelContender(step, partial(predict, x), partial(predict, x[:1]))


BUILDERS = {"PyTorch": _eager}
