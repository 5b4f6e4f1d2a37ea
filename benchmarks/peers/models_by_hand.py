"""
A training step as one writes it by hand in NumPy, for the models without convolution.

Nothing is checked, and nothing is general: the numbers of the layers are bound once.
"""

import itertools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from peers.contender import Unsupported
from peers.model_contender import ModelContender
from peers.models import ADAM, Task, TaskData

__all__ = ["by_hand"]

KINDS = {"dense", "relu", "local", "flatten"}


def by_hand(task: Task, data: TaskData) -> ModelContender:
    """Bind a step and a forward pass to data."""
    if others := {kind for kind, *_ in task.layers} - KINDS:
        raise Unsupported(f"not written by hand: {', '.join(sorted(others))}")
    weights = [w.copy() for w in data.weights]
    means = [np.zeros_like(w) for w in weights]
    squares = [np.zeros_like(w) for w in weights]
    rate, beta_1, beta_2 = (ADAM[k] for k in ("learning_rate", "beta_1", "beta_2"))
    x, classes, rows, n = data.x, data.classes, np.arange(task.batch), task.batch
    passed = [0]

    def forward(x, kept=None):
        own = iter(weights)
        for kind, *numbers in task.layers:
            held = x
            if kind == "dense":
                x = x @ next(own)
                x += next(own)
            elif kind == "relu":
                x = np.maximum(x, 0)
            elif kind == "flatten":
                x = x.reshape(len(x), -1)
            else:
                held = patches_of(x, *numbers[1:])
                y, bias = np.matmul(held, next(own)), next(own)
                x = y.swapaxes(0, 1).reshape(-1, *bias.shape) + bias
            if kept is not None:
                kept.append(held)
        x = x - x.max(axis=1, keepdims=True)
        np.exp(x, out=x)
        x /= x.sum(axis=1, keepdims=True)
        return x

    def step():
        kept = []
        dy = forward(x, kept)
        loss = -np.log(dy[rows, classes]).mean()
        dy[rows, classes] -= 1
        dy /= n
        gradients, left = [], len(weights)
        for place in reversed(range(len(task.layers))):
            (kind, *numbers), held = task.layers[place], kept[place]
            if kind == "relu":
                dy = dy * (held > 0)
            elif kind == "flatten":
                dy = dy.reshape(held.shape)
            elif kind == "dense":
                left -= 2
                gradients += [dy.sum(axis=0), held.T @ dy]
                dy = dy @ weights[left].T if place else None
            else:
                left -= 2
                dz = dy.reshape(n, -1, dy.shape[-1]).swapaxes(0, 1)
                gradients += [dy.sum(axis=0), held.swapaxes(1, 2) @ dz]
                if place:
                    dpatches = dz @ weights[left].swapaxes(1, 2)
                    dy = folded(dpatches, dy.shape, kept[place - 1].shape, *numbers[1:])
        passed[0] += 1
        t = passed[0]
        step_size = np.float32(rate * (1 - beta_2**t) ** 0.5 / (1 - beta_1**t))
        for w, m, v, g in zip(weights, means, squares, gradients[::-1], strict=True):
            m += (g - m) * np.float32(1 - beta_1)
            v += (g * g - v) * np.float32(1 - beta_2)
            w -= step_size * m / (np.sqrt(v) + np.float32(ADAM["epsilon"]))
        return loss

    return ModelContender(step, lambda: forward(x), lambda: forward(x[:1]))


def patches_of(x, window, stride):
    """Return the patches, (L, N, K)."""
    axes = tuple(range(1, x.ndim - 1))
    view = sliding_window_view(x, (window,) * len(axes), axis=axes)
    view = view[(slice(None), *(slice(None, None, stride) for _ in axes))]
    # (N, *O, C, *R) to (*O, N, *R, C)
    rank = len(axes)
    order = (*range(1, 1 + rank), 0, *range(2 + rank, 2 + 2 * rank), 1 + rank)
    patches = view.transpose(order)
    return patches.reshape(-1, len(x), window**rank * x.shape[-1])


def folded(dpatches, y_shape, x_shape, window, stride):
    """Return dx: every tap of all windows is added to the cells that it read."""
    n, *outputs, _ = y_shape
    rank, dx = len(outputs), np.zeros(x_shape, dpatches.dtype)
    taps = dpatches.reshape(*outputs, n, *(window,) * rank, x_shape[-1])
    for tap in itertools.product(range(window), repeat=rank):
        cells = tuple(
            slice(t, t + stride * (size - 1) + 1, stride)
            for t, size in zip(tap, outputs, strict=True)
        )
        part = taps[(*(slice(None),) * (rank + 1), *tap)]
        dx[(slice(None), *cells)] += np.moveaxis(part, rank, 0)
    return dx
