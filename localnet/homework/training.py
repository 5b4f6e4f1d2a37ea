"""Checks of the fifth assignment: a training loop."""

from collections.abc import Iterable, Mapping
from types import ModuleType

import numpy as np

from ..datasets import load_digits
from .checks import Check, expect, numbers, one_of, same

__all__ = ["TRAINING"]


def _loss(homework: ModuleType) -> None:
    rng = np.random.default_rng(5)
    scores, labels = rng.normal(size=(6, 4)), np.array([0, 3, 1, 2, 2, 0])
    found = one_of(
        "loss, gradient",
        "loss_and_gradient",
        homework.loss_and_gradient(scores, labels),
    )
    loss, gradient = found
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    right = -np.log(shares[np.arange(6), labels]).mean()
    same("the loss", loss, right, close=True)
    shares[np.arange(6), labels] -= 1
    same("its gradient", gradient, shares / 6, close=True)


def _large_scores(homework: ModuleType) -> None:
    scores = np.array([[1000.0, 0.0], [0.0, -1000.0]])
    with np.errstate(all="ignore"):
        found = homework.loss_and_gradient(scores, np.array([0, 1]))
    loss, gradient = one_of("loss, gradient", "loss_and_gradient", found)
    same("the loss", loss, 500.0, close=True)
    same("its gradient", gradient, [[0.0, 0.0], [0.5, -0.5]], close=True)


def _batches(homework: ModuleType) -> None:
    found = homework.batches(23, 5, np.random.default_rng(6))
    expect(
        isinstance(found, Iterable) and not isinstance(found, (str, Mapping)),
        "batches must yield arrays of indices, got nothing that can be gone through",
    )
    first = [numbers("a batch", batch) for batch in found]
    expect(
        all(batch.ndim == 1 and batch.dtype.kind in "iu" for batch in first),
        "a batch must be an array of integers with one axis",
    )
    sizes = [len(batch) for batch in first]
    expect(
        bool(sizes) and max(sizes) <= 5 and sum(sizes) == 23,
        f"23 samples in batches of up to 5 must be 23 indices, got sizes {sizes}",
    )
    expect(
        sorted(np.concatenate(first)) == list(range(23)),
        "every sample must come once in an epoch",
    )
    later = homework.batches(23, 5, np.random.default_rng(7))
    second = np.concatenate([np.asarray(b) for b in later])
    expect(
        not np.array_equal(np.concatenate(first), second),
        "the order must be another one in the next epoch",
    )


def _step(homework: ModuleType) -> None:
    weights = {"kernel": np.array([1.0, 2.0]), "bias": np.array([3.0])}
    gradients = {"kernel": np.array([10.0, -10.0]), "bias": np.array([1.0])}
    found = homework.step(weights, gradients, 0.1)
    expect(found is not None, "step returns None: has it a return?")
    expect(isinstance(found, dict), "step must return a dict of arrays by name")
    for name, right in (("kernel", [0.0, 3.0]), ("bias", [2.9])):
        expect(name in found, f"step must return all weights, {name!r} is missing")
        same(name, found[name], right, close=True)


def _learns(homework: ModuleType) -> None:
    (x, y), (x_test, y_test) = load_digits()
    predict = homework.train(x / 16, y, epochs=15, seed=0)
    expect(callable(predict), "train must return a function from images to labels")
    labels = numbers("predict(x)", predict(x_test / 16))
    expect(
        labels.shape == y_test.shape,
        f"predict must return {y_test.shape} labels, got {labels.shape}",
    )
    share = float(np.mean(labels == y_test))
    expect(share >= 0.9, f"90 % of the digits held out must be right, got {share:.1%}")


def _repeats(homework: ModuleType) -> None:
    (x, y), (x_test, _) = load_digits()
    found = []
    for seed in (1, 1):
        predict = homework.train(x[:200] / 16, y[:200], epochs=2, seed=seed)
        expect(callable(predict), "train must return a function from images to labels")
        found.append(numbers("predict(x)", predict(x_test / 16)))
    expect(
        np.array_equal(found[0], found[1]),
        "the same seed must give the same answers again",
    )


TRAINING = (
    Check(
        "softmax and crossentropy",
        3,
        _loss,
        "The mean over the samples of -log(share of the right class); its gradient is"
        " (shares - one-hot) / N.",
    ),
    Check(
        "large scores",
        1,
        _large_scores,
        "Subtract the largest score of a row before exp, and do not take the log of a"
        " share: log(exp(a) / s) is a - log(s).",
    ),
    Check(
        "batches",
        2,
        _batches,
        "rng.permutation gives an order; cut it up. The last piece may be shorter.",
    ),
    Check(
        "a step downhill", 1, _step, "New weights: old ones minus rate times gradient."
    ),
    Check(
        "it learns",
        4,
        _learns,
        "Look at the loss after each epoch: does it fall? Draw the kernel with a"
        " standard deviation of sqrt(2 / K), not of 1 and not of 0; try a rate of 0.3.",
        limit=60.0,
    ),
    Check(
        "it can be repeated",
        1,
        _repeats,
        "One np.random.default_rng(seed) for start weights and order, and no other"
        " randomness.",
        limit=60.0,
    ),
)
