"""Losses and one metric of a Keras backend: by number or by sample."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from .. import losses
from .._typing import Array, ArrayLike
from ..losses.logits import known_logits
from . import arguments

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "in_top_k",
    "sparse_categorical_crossentropy",
]


@contextmanager
def _named() -> Iterator[None]:
    """Let refusals of losses call the arguments what they are called here."""
    try:
        yield
    except ValueError as error:
        words = str(error).replace("y_true", "target").replace("y_pred", "output")
        raise ValueError(words) from None


def categorical_crossentropy(
    target: ArrayLike, output: ArrayLike, from_logits: bool = False, axis: int = -1
) -> Array:
    """Return one crossentropy for each sample."""
    output, from_logits = known_logits(output, from_logits)
    t, p = arguments.tensor("target", target), arguments.tensor("output", output)
    with _named():
        return losses.categorical_crossentropy(t, p, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(
    target: ArrayLike,
    output: ArrayLike,
    from_logits: bool = False,
    axis: int = -1,
    ignore_class: int | None = None,
) -> Array:
    """Return one crossentropy for each sample, from labels."""
    output, from_logits = known_logits(output, from_logits)
    p = arguments.tensor("output", output)
    with _named():
        return losses.sparse_categorical_crossentropy(
            target, p, from_logits, axis, ignore_class
        )


def binary_crossentropy(
    target: ArrayLike, output: ArrayLike, from_logits: bool = False
) -> Array:
    """Return one crossentropy for each number."""
    output, from_logits = known_logits(output, from_logits)
    t, p = arguments.tensor("target", target), arguments.tensor("output", output)
    with _named():
        return losses.binary_crossentropy(
            t[..., np.newaxis], p[..., np.newaxis], from_logits=from_logits
        )


def in_top_k(predictions: ArrayLike, targets: ArrayLike, k: int) -> Array:
    """Say of each sample whether fewer than k outputs are above that of its class."""
    p = arguments.tensor("predictions", predictions, least=2, most=2)
    classes = arguments.whole("targets", targets, p.shape[1])
    if classes.shape != p.shape[:1]:
        raise ValueError(f"targets must have shape {p.shape[:1]}, got {classes.shape}")
    own = np.take_along_axis(p, classes[:, np.newaxis], axis=-1)
    return np.asarray(np.sum(p > own, axis=-1) < arguments.count("k", k))
