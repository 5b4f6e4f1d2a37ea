"""Checks of the fifth assignment: a training loop."""

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import numpy as np

from .._typing import Array
from ..datasets import load_digits
from .checks import Check, Draw, expect, kind_of, numbers, one_of, same, twice

__all__ = ["TRAINING"]

OVERFLOWS = (
    "Subtract the largest score of a row before exp, and do not take the log of a"
    " share: log(exp(a) / s) is a - log(s)."
)
FINITE = "Nothing overflows. Is softmax and crossentropy right for small scores?"


def _crossentropy(scores: Array, labels: Array) -> tuple[float, Array]:
    """Return what loss_and_gradient must."""
    rows = np.arange(len(scores))
    moved = scores - scores.max(axis=1, keepdims=True)
    log_shares = moved - np.log(np.exp(moved).sum(axis=1, keepdims=True))
    gradient = np.exp(log_shares)
    gradient[rows, labels] -= 1
    return float(-log_shares[rows, labels].mean()), gradient / len(scores)


def _answers(homework: ModuleType, scores: Array, labels: Array) -> tuple[Any, Any]:
    found = homework.loss_and_gradient(scores, labels)
    loss, gradient = one_of("loss, gradient", "loss_and_gradient", found)
    return loss, gradient


@twice
def _loss(homework: ModuleType, draw: Draw) -> None:
    scores, labels = draw(6, 4).astype(float), np.array([0, 3, 1, 2, 2, 0])
    loss, gradient = _answers(homework, scores, labels)
    right_loss, right_gradient = _crossentropy(scores, labels)
    same("the loss", loss, right_loss, close=True)
    same("its gradient", gradient, right_gradient, close=True)


@twice
def _large_scores(homework: ModuleType, draw: Draw) -> None:
    scores, labels = 1000 * draw(5, 3).astype(float), np.array([0, 2, 1, 1, 0])
    for name, found, right in zip(
        ("the loss", "its gradient"),
        _answers(homework, scores, labels),
        _crossentropy(scores, labels),
        strict=True,
    ):
        # Whoever's numbers are finite has done what this check's hint says.
        finite = isinstance(found, (float, np.ndarray)) and np.isfinite(found).all()
        same(name, found, right, close=True, hint=FINITE if finite else OVERFLOWS)


def _batches(homework: ModuleType) -> None:
    first, second = (_order(homework, np.random.default_rng(seed)) for seed in (6, 7))
    expect(
        not np.array_equal(first, second),
        "the order must be another one in the next epoch",
    )


def _order(homework: ModuleType, rng: np.random.Generator) -> Array:
    found = homework.batches(23, 5, rng)
    expect(
        isinstance(found, Iterable) and not isinstance(found, (str, dict)),
        f"batches must yield arrays of indices, got {kind_of(found)}",
        "",
    )
    batches = [numbers("a batch", batch) for batch in found]
    expect(
        all(batch.ndim == 1 and batch.dtype.kind in "iu" for batch in batches),
        "a batch must be an array of integers with one axis",
    )
    sizes = [len(batch) for batch in batches]
    expect(
        bool(sizes) and max(sizes) <= 5 and sum(sizes) == 23,
        f"23 samples in batches of up to 5 must be 23 indices, got sizes {sizes}",
    )
    order = np.concatenate(batches)
    expect(sorted(order) == list(range(23)), "every sample must come once in an epoch")
    return order


@twice
def _step(homework: ModuleType, draw: Draw) -> None:
    weights = {"kernel": draw(2, 3).astype(float), "bias": draw(3).astype(float)}
    gradients = {name: draw(*array.shape) for name, array in weights.items()}
    found = homework.step(weights, gradients, 0.1)
    expect(found is not None, "step returns None: has it a return?", "")
    expect(
        isinstance(found, dict),
        f"step must return a dict of arrays by name, got {kind_of(found)}",
        "",
    )
    for name, array in weights.items():
        expect(name in found, f"step must return all weights, {name!r} is missing", "")
        same(name, found[name], array - 0.1 * gradients[name], close=True)


def _trained(
    homework: ModuleType, *data: Array, **named: int
) -> Callable[[Array], Any]:
    predict: Callable[[Array], Any] = homework.train(*data, **named)
    expect(
        callable(predict),
        f"train must return a function from images to labels, got {kind_of(predict)}",
        "",
    )
    return predict


def _learns(homework: ModuleType) -> None:
    (x, y), (x_test, y_test) = load_digits()
    predict = _trained(homework, x / 16, y, epochs=15, seed=0)
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
        predict = _trained(homework, x[:200] / 16, y[:200], epochs=2, seed=seed)
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
        OVERFLOWS,
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
