"""The rectifier that learns its slope on the negative side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from .. import _validate
from .._typing import Array, Config, Shape
from ..ops import prelu_backward, prelu_forward
from ._base.arguments import LayerArguments, resolve, serialized
from ._base.layer import Layer
from ._base.pure import Computed, Gradients, Space
from ._base.shapes import BatchShape, checked_shape

__all__ = ["PReLU"]


class PReLU(Layer):
    """
    Let a learned part of the negative values through: ``x if x > 0 else alpha*x``.

    Parameters
    ----------
    alpha_initializer : initializer
        How the slopes are born.
    alpha_regularizer : regularizer or None
        Penalty on the slopes.
    alpha_constraint : constraint or None
        Applied after every update by an optimizer.
    shared_axes : int or list of int, optional
        Axes of the input, from 1 on, along which one slope is shared; default: every
        value of a sample has its own.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If an argument breaks its rule, or later if the input lacks a shared axis.

    See Also
    --------
    localnet.ops.prelu_forward : The function behind it.
    LeakyReLU : With one slope that is not learned.

    Examples
    --------
    >>> PReLU(alpha_initializer="ones")([[-2.0, 2.0]])
    array([[-2.,  2.]], dtype=float32)
    """

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        with self._named():
            self.alpha_initializer = resolve("alpha_initializer", alpha_initializer)
            self.alpha_regularizer = resolve("alpha_regularizer", alpha_regularizer)
            self.alpha_constraint = resolve("alpha_constraint", alpha_constraint)
            self.shared_axes = None
            if shared_axes is not None:
                several = isinstance(shared_axes, (list, tuple))
                self.shared_axes = [
                    _validate.integer("shared_axes", axis, minimum=1)
                    for axis in (shared_axes if several else [shared_axes])
                ]

    def weight_shapes(self, input_shape: Sequence[int | None]) -> dict[str, Shape]:
        """Return the shape of the slopes; see `Layer.weight_shapes`."""
        with self._named():
            shape = checked_shape(input_shape, self.input_rank)
            shared = self.shared_axes or []
            if shared and max(shared) >= len(shape):
                raise ValueError(
                    f"shared_axes must be axes of the input, {shape}, got {shared}"
                )
            sizes = [1 if a in shared else size for a, size in enumerate(shape)][1:]
            known = tuple(size for size in sizes if size is not None)
            if not sizes or len(known) < len(sizes):
                raise ValueError(
                    f"input_shape must be known on axes without one slope, got {shape}"
                )
        return {"alpha": known}

    def _check_input(self, shape: BatchShape) -> None:
        alpha, shared = self.params["alpha"].shape, self.shared_axes or []
        sizes = tuple(1 if a in shared else size for a, size in enumerate(shape))[1:]
        if sizes != alpha:
            raise ValueError(
                f"input must be made of samples for slopes of shape {alpha}, "
                f"got shape {shape}"
            )

    def compute(self, x: Array, *, workspace: Space = None, **_: Any) -> Computed:
        return prelu_forward(x, self.params["alpha"], workspace=workspace)

    def gradients(self, dy: Array, cache: Any, *, workspace: Space = None) -> Gradients:
        dx, dalpha = prelu_backward(dy, cache, workspace=workspace)
        return dx, {"alpha": dalpha}

    def get_config(self) -> Config:
        """Return the arguments that make an equal layer; see `Layer.get_config`."""
        return {
            **super().get_config(),
            **serialized(
                self, "alpha_initializer", "alpha_regularizer", "alpha_constraint"
            ),
            "shared_axes": self.shared_axes,
        }
