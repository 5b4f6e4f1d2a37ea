"""Homework 5, one way to do it."""

import numpy as np

from localnet.ops import local_conv_backward, local_conv_forward


def loss_and_gradient(scores, labels):
    """Return the mean crossentropy of the softmax of scores, and its gradient."""
    rows = np.arange(len(scores))
    moved = scores - scores.max(axis=1, keepdims=True)
    log_shares = moved - np.log(np.exp(moved).sum(axis=1, keepdims=True))
    gradient = np.exp(log_shares)
    gradient[rows, labels] -= 1
    return -log_shares[rows, labels].mean(), gradient / len(scores)


def batches(count, size, rng):
    """Yield random indices, `size` at a time."""
    order = rng.permutation(count)
    for begin in range(0, count, size):
        yield order[begin : begin + size]


def step(weights, gradients, rate):
    """Go downhill."""
    return {name: array - rate * gradients[name] for name, array in weights.items()}


def forward(weights, x):
    """Return the scores, and what the way back needs."""
    z, cache = local_conv_forward(
        x[..., np.newaxis], weights["kernel"], weights["bias"], kernel_size=3
    )
    hidden = np.maximum(z, 0).reshape(len(x), -1)
    return hidden @ weights["head"] + weights["head bias"], (hidden, z, cache)


def backward(weights, dscores, kept):
    """Return the gradient of every weight."""
    hidden, z, cache = kept
    dz = (dscores @ weights["head"].T).reshape(z.shape) * (z > 0)
    _, dkernel, dbias = local_conv_backward(dz, cache)
    return {
        "kernel": dkernel,
        "bias": dbias,
        "head": hidden.T @ dscores,
        "head bias": dscores.sum(axis=0),
    }


def train(x, y, epochs, seed):
    """Train a network of one locally connected and one dense layer."""
    rng = np.random.default_rng(seed)
    filters = 8
    weights = {
        "kernel": rng.normal(0, np.sqrt(2 / 9), (36, 9, filters)),
        "bias": np.zeros((6, 6, filters)),
        "head": rng.normal(0, np.sqrt(1 / (36 * filters)), (36 * filters, 10)),
        "head bias": np.zeros(10),
    }
    for _ in range(epochs):
        for batch in batches(len(x), 32, rng):
            scores, kept = forward(weights, x[batch])
            _, dscores = loss_and_gradient(scores, y[batch])
            weights = step(weights, backward(weights, dscores, kept), 0.2)
    return lambda images: forward(weights, images)[0].argmax(axis=1)
