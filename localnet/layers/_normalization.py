"""Batch normalisation as a layer: with the moving statistics that inference uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from .. import _validate
from .._typing import Array, Config, Shape
from ..ops import (
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_shape,
    moving_statistics,
)
from ._base.arguments import LayerArguments, serialized, take_rules
from ._base.layer import Layer
from ._base.pure import Computed, Gradients, Space
from ._base.shapes import BatchShape, checked_shape

__all__ = [
    "BatchNormalization",
    "UnitNormalization",
    "normalized",
    "normalized_backward",
]


class BatchNormalization(Layer):
    """
    Give every channel mean 0 and variance 1, then scale and shift it by weights.

    In training by the statistics of the batch, which moving averages follow; otherwise
    by these averages.

    Parameters
    ----------
    axis : int or list of int
        The channels: axes that are kept apart, while all others are averaged over.
    momentum : float
        The part of the moving averages that a batch leaves as it is, in [0, 1].
    epsilon : float
        Added to the variance, not negative.
    center, scale : bool
        Whether there are a shift, beta, and a scale, gamma.
    beta_initializer, gamma_initializer : initializer
        How these weights are born.
    moving_mean_initializer, moving_variance_initializer : initializer
        How the averages are born.
    beta_regularizer, gamma_regularizer : regularizer or None
        Penalties on the weights.
    beta_constraint, gamma_constraint : constraint or None
        Applied after every update by an optimizer.
    fused : bool, optional
        Whether the moving variance follows an unbiased estimate, M / (M - 1) times the
        variance of the M values in a batch. Default: as Keras does, see the Notes.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If an argument breaks its rule, or later if the input lacks the axis, or if
        `fused` is true where Keras has no fused kernel.

    See Also
    --------
    localnet.ops.batch_norm_forward : The function behind it.

    Notes
    -----
    Weights in order: gamma, beta, moving_mean, moving_variance, each (C,); no optimizer
    changes the last two. With float16 they are float32, and so is the arithmetic.

    What is normalised by is the biased variance, always. Keras has a fused kernel for
    float16 and float32, inputs of 4 or 5 axes, and channels on the last axis or the
    first after the batch axis; it is taken where it can be, and there the moving
    variance follows the unbiased variance. In float64, or with 2 or 3 axes, it follows
    the biased one.

    With ``trainable=False`` the layer uses the averages in training too, and leaves
    them as they are, as in TensorFlow 2. A batch without samples moves nothing.

    Examples
    --------
    >>> layer = BatchNormalization(epsilon=0.0, momentum=0.5)
    >>> layer([[1.0], [3.0]], training=True)
    array([[-1.],
           [ 1.]], dtype=float32)
    >>> layer.params["moving_mean"]
    array([1.], dtype=float32)
    """

    state_names = ("moving_mean", "moving_variance")
    beta_initializer: Any
    gamma_initializer: Any
    moving_mean_initializer: Any
    moving_variance_initializer: Any
    beta_regularizer: Any
    gamma_regularizer: Any
    beta_constraint: Any
    gamma_constraint: Any

    momentum = _validate.Checked(_validate.number, minimum=0.0, maximum=1.0)
    epsilon = _validate.Checked(_validate.number, minimum=0.0)

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        *,
        fused: bool | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        arguments = locals()
        super().__init__(**kwargs)
        with self._named():
            several = isinstance(axis, (list, tuple))
            axes = [_validate.any_axis(a) for a in (axis if several else [axis])]
            self.axis: Any = axes if several else axes[0]
            self.momentum = momentum
            self.epsilon = epsilon
            self.center = _validate.flag("center", center)
            self.scale = _validate.flag("scale", scale)
            self.fused = None if fused is None else _validate.flag("fused", fused)
            take_rules(self, arguments)

    @property
    def weight_dtype(self) -> np.dtype:
        return np.result_type(self.dtype, "float32")

    # Building --------------------------------------------------------------------

    def weight_shapes(self, input_shape: Sequence[int | None]) -> dict[str, Shape]:
        """Return the shapes of weights and averages; see `Layer.weight_shapes`."""
        with self._named():
            shape = checked_shape(input_shape, self.input_rank)
            # An axis that is not known is -1 for a moment.
            sizes = [-1 if size is None else size for size in shape]
            each = batch_norm_shape(sizes, self.axis)
            if -1 in each:
                raise ValueError(
                    f"input_shape must have a known axis {self.axis}, got {shape}"
                )
        names = [*(["gamma"] if self.scale else []), *(["beta"] if self.center else [])]
        return dict.fromkeys([*names, *self.state_names], each)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create weights and averages; see `Layer.build`."""
        if self.fused and not self._has_kernel(len(input_shape)):
            raise ValueError(
                "fused must be False but for float16 and float32, 4 or 5 axes, and "
                f"channels on axis 1 or -1, got True for {self.dtype}, axis "
                f"{self.axis} of {input_shape}"
            )
        super().build(input_shape)

    def _has_kernel(self, rank: int) -> bool:
        """Return whether Keras has a fused kernel for an input of so many axes."""
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        return (
            self.dtype.itemsize < 8
            and rank in (4, 5)
            and len(axes) == 1
            and axes[0] % rank in (1, rank - 1)
        )

    def _check_input(self, shape: BatchShape) -> None:
        sizes = [-1 if size is None else size for size in shape]
        built = self.params["moving_mean"].shape
        if self.input_shape is not None and len(shape) != len(self.input_shape):
            raise ValueError(
                f"input must have {len(self.input_shape)} axes, got shape {shape}"
            )
        if batch_norm_shape(sizes, self.axis) != built:
            raise ValueError(
                f"input must have the sizes {built} on axis {self.axis}, "
                f"got shape {shape}"
            )

    # Forward and backward --------------------------------------------------------

    def _statistics(self) -> tuple[Array, Array]:
        return self.params["moving_mean"], self.params["moving_variance"]

    def compute(
        self, x: Array, *, training: bool, workspace: Space = None, **_: Any
    ) -> Computed:
        return batch_norm_forward(
            x,
            self.params.get("gamma"),
            self.params.get("beta"),
            axis=self.axis,
            epsilon=self.epsilon,
            statistics=None if training and self.trainable else self._statistics(),
            workspace=workspace,
        )

    def gradients(self, dy: Array, cache: Any, **lent: Any) -> Gradients:
        dx, *grads = batch_norm_backward(dy, cache, **lent)
        named = zip(("gamma", "beta"), grads, strict=True)
        return dx, {name: grad for name, grad in named if grad is not None}

    def _absorbed(self, state: dict[str, Array], cache: Any) -> dict[str, Array]:
        fused = self._has_kernel(cache.x.ndim) if self.fused is None else self.fused
        mean, variance = moving_statistics(
            (state["moving_mean"], state["moving_variance"]),
            cache,
            momentum=self.momentum,
            unbiased=fused,
        )
        return {"moving_mean": mean, "moving_variance": variance}

    # Config ----------------------------------------------------------------------

    def get_config(self) -> Config:
        """Return the arguments that make an equal layer; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            **serialized(
                self,
                *("beta_initializer", "gamma_initializer"),
                *("moving_mean_initializer", "moving_variance_initializer"),
                *("beta_regularizer", "gamma_regularizer"),
                *("beta_constraint", "gamma_constraint"),
            ),
            **({} if self.fused is None else {"fused": self.fused}),
        }


# Under this sum of squares a vector counts as one of this length, as in TensorFlow.
SMALLEST = 1e-12


class UnitNormalization(Layer):
    """
    Divide vectors by their lengths.

    Parameters
    ----------
    axis : int or list of int, default -1
        The axes that the vectors run along.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If `axis` is not made of integers, or is the batch axis.

    Examples
    --------
    >>> UnitNormalization()([[3.0, 4.0]])
    array([[0.6, 0.8]], dtype=float32)
    """

    config_names = ("axis",)

    def __init__(self, axis: Any = -1, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        with self._named():
            listed = axis if isinstance(axis, (list, tuple)) else [axis]
            for number in listed:
                if _validate.integer("axis", number, minimum=-64, maximum=63) == 0:
                    raise ValueError(f"axis must not be that of the batch, got {axis}")
            self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis

    def compute(self, x: Array, **_: Any) -> Computed:
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        return normalized(x, tuple(axes))

    def gradients(self, dy: Array, cache: Any) -> Gradients:
        return normalized_backward(dy, cache), {}


def normalized(x: Array, axes: tuple[int, ...]) -> Computed:
    """Return unit vectors, and what `normalized_backward` needs."""
    squares = np.sum(np.square(x), axis=axes, keepdims=True)
    factor = 1 / np.sqrt(np.maximum(squares, SMALLEST))
    y = (x * factor).astype(x.dtype, copy=False)
    return y, (y, factor, squares > SMALLEST, axes)


def normalized_backward(dy: Array, cache: Any) -> Array:
    """Return the gradient: what is along the unit vector does not count."""
    y, factor, is_long, axes = cache
    along = np.sum(dy * y, axis=axes, keepdims=True)
    dx: Array = factor * (dy - np.where(is_long, y * along, 0))
    return dx.astype(dy.dtype, copy=False)
