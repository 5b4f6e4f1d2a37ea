"""Time steps taken for samples, and back: what stands around a model at each step."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._typing import Array, Shape
from ._base.layer import Layer
from ._base.several import MultiInputLayer
from ._base.shapes import BatchShape

__all__ = ["Fold", "Unfold", "step_shape"]


def step_shape(shape: BatchShape) -> BatchShape:
    """
    Return the shape of one step.

    Parameters
    ----------
    shape : tuple of int or None
        Batch axis first, then the time steps.

    Returns
    -------
    tuple of int or None
        Without the axis of the steps.

    Raises
    ------
    ValueError
        If there is no axis behind that of the steps.
    """
    if len(shape) < 3:
        raise ValueError(
            f"input_shape must have at least 3 axes, (N, T, ...), got {shape}"
        )
    return (shape[0], *shape[2:])


class Fold(Layer):
    """Take the steps of all samples for samples: (N, T, ...) to (N*T, ...)."""

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return the shape of a step, with as many samples as there are steps."""
        samples, *rest = step_shape(input_shape)
        steps = input_shape[1]
        both = None if samples is None or steps is None else samples * steps
        return (both, *rest)

    def compute(self, x: Array, *, training: bool, rng: Any) -> tuple[Array, Shape]:
        return x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]), x.shape

    def gradients(self, dy: Array, cache: Shape) -> tuple[Array, dict[str, Array]]:
        return dy.reshape(cache), {}


class Unfold(MultiInputLayer):
    """Give what came of steps, (N*T, ...), the axes of their origin, (N, T, ...)."""

    input_count = 2

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        """Return the shape of a result behind the first axes of the origin."""
        (_, *rest), (samples, steps, *_) = input_shape
        return (samples, steps, *rest)

    def compute(
        self, x: tuple[Array, Array], *, training: bool, rng: np.random.Generator
    ) -> tuple[Array, Shape]:
        result, origin = x
        return result.reshape(*origin.shape[:2], *result.shape[1:]), result.shape

    def gradients(
        self, dy: Array, cache: Shape
    ) -> tuple[tuple[Array, None], dict[str, Array]]:
        return (dy.reshape(cache), None), {}
