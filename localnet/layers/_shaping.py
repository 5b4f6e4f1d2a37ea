"""Layers that only give every sample another shape."""

from __future__ import annotations

import math
from typing import Any, Unpack

import numpy as np

from .. import _validate, config
from .._typing import Array, Shape
from ..ops import (
    Cost,
    copy_cost,
    repeat_vector_backward,
    repeat_vector_forward,
    view_cost,
)
from ._base.arguments import LayerArguments
from ._base.layer import Layer
from ._base.pure import Computed, Gradients, Space
from ._base.shapes import BatchShape

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape", "ShapeLayer"]


class ShapeLayer(Layer):
    """A layer that only rearranges: its backward restores the input's shape."""

    def _rearrange(self, x: Array) -> Array:
        raise NotImplementedError

    def _restore(self, dz: Array, input_shape: tuple[int, ...]) -> Array:
        return dz.reshape(input_shape)

    def compute(self, x: Array, **_: Any) -> Computed:
        return self._rearrange(x), x.shape

    def gradients(self, dy: Array, cache: Any) -> Gradients:
        return self._restore(dy, cache), {}

    def _cost(self, input_shape: Shape, *, batch_size: int, **_: Any) -> Cost:
        return view_cost(input_shape, batch_size=batch_size, dtype=self.dtype)


class Flatten(ShapeLayer):
    """
    Give every sample as one vector.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        For channels_first the channel axis is moved last before flattening, as Keras
        does. Default: ``localnet.config.image_data_format()``.
    **kwargs
        Arguments of `Layer`.

    Examples
    --------
    >>> Flatten()([[[1.0, 2.0], [3.0, 4.0]]])
    array([[1., 2., 3., 4.]], dtype=float32)
    """

    config_names = ("data_format",)

    def __init__(
        self, data_format: str | None = None, **kwargs: Unpack[LayerArguments]
    ) -> None:
        super().__init__(**kwargs)
        with self._named():
            self.data_format = config.resolve_data_format(data_format)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return (N, product of the rest); see `Layer.compute_output_shape`."""
        samples, *sizes = self._named_input_shape(input_shape)
        if None in sizes:
            return (samples, None)
        return (samples, math.prod(sizes))

    def _moves_channels(self, ndim: int) -> bool:
        return self.data_format == "channels_first" and ndim > 2

    def _rearrange(self, x: Array) -> Array:
        if self._moves_channels(x.ndim):
            x = np.moveaxis(x, 1, -1)
        return x.reshape(len(x), math.prod(x.shape[1:]))

    def _restore(self, dz: Array, input_shape: tuple[int, ...]) -> Array:
        if self._moves_channels(len(input_shape)):
            samples, channels, *sizes = input_shape
            return np.moveaxis(dz.reshape(samples, *sizes, channels), -1, 1)
        return dz.reshape(input_shape)

    def _cost(self, input_shape: Shape, *, batch_size: int, **_: Any) -> Cost:
        moves = self._moves_channels(len(input_shape) + 1)
        how = copy_cost if moves else view_cost
        return how(input_shape, batch_size=batch_size, dtype=self.dtype)


class Reshape(ShapeLayer):
    """
    Give every sample another shape.

    Parameters
    ----------
    target_shape : tuple of int
        Without the batch axis; one entry may be -1 and is worked out.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If the entries are not integers, or when the layer is built for a sample that
        has another number of values.

    Examples
    --------
    >>> Reshape((2, -1))([[1.0, 2.0, 3.0, 4.0]])
    array([[[1., 2.],
            [3., 4.]]], dtype=float32)
    """

    config_names = ("target_shape",)

    def __init__(self, target_shape: Any, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        with self._named():
            rule = "a tuple of sizes with at most one -1"
            target = tuple(
                _validate.integer("target_shape", size, minimum=-1)
                for size in _validate.items("target_shape", target_shape, rule)
            )
            if target.count(-1) > 1:
                raise ValueError(
                    f"target_shape must be {rule}, got {_validate.shown(target_shape)}"
                )
            self.target_shape = target

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return (N, *target_shape); see `Layer.compute_output_shape`."""
        samples, *sizes = self._named_input_shape(input_shape)
        if None in sizes:
            return (samples, *(None if s == -1 else s for s in self.target_shape))
        total = math.prod(sizes)
        known = math.prod(s for s in self.target_shape if s != -1)
        free = -1 in self.target_shape
        if (total % known if known else total) if free else total != known:
            raise ValueError(
                f"{self.name}: target_shape must hold as many values as one sample, "
                f"{total}, got {self.target_shape}"
            )
        rest = total // known if known else 0
        return (samples, *(rest if s == -1 else s for s in self.target_shape))

    def _rearrange(self, x: Array) -> Array:
        shape = self.compute_output_shape(x.shape)
        return x.reshape([len(x), *(s for s in shape[1:] if s is not None)])


class Permute(ShapeLayer):
    """
    Put the axes of every sample into another order.

    Parameters
    ----------
    dims : tuple of int
        The axes of the input in the order that the output has, counted from 1; the
        batch axis, 0, stays where it is.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If `dims` is not an order of the numbers from 1 on.

    Examples
    --------
    >>> Permute((2, 1))([[[1.0, 2.0], [3.0, 4.0]]])
    array([[[1., 3.],
            [2., 4.]]], dtype=float32)
    """

    config_names = ("dims",)

    def __init__(self, dims: Any, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        with self._named():
            try:
                order = _validate.shape("dims", dims, minimum=1)
            except ValueError:
                order = ()
            if not order or sorted(order) != list(range(1, len(order) + 1)):
                raise ValueError(
                    "dims must be the numbers of the axes from 1 on, in any order, "
                    f"got {_validate.shown(dims)}"
                )
        self.dims = order
        self.input_rank = len(order) + 1

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return the sizes in the new order; see `Layer.compute_output_shape`."""
        shape = self._named_input_shape(input_shape)
        return (shape[0], *(shape[axis] for axis in self.dims))

    _check_input = Layer._check_rank

    def _rearrange(self, x: Array) -> Array:
        return np.ascontiguousarray(x.transpose(0, *self.dims))

    def _restore(self, dz: Array, input_shape: tuple[int, ...]) -> Array:
        return dz.transpose(np.argsort((0, *self.dims)))

    def _cost(self, input_shape: Shape, *, batch_size: int, **_: Any) -> Cost:
        return copy_cost(input_shape, batch_size=batch_size, dtype=self.dtype)


class RepeatVector(Layer):
    """
    Give every sample `n` times, along a new axis behind the batch axis.

    Parameters
    ----------
    n : int
        How often.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If `n` is not an integer from 1 on.

    See Also
    --------
    localnet.ops.repeat_vector_forward : The function behind it.

    Examples
    --------
    >>> RepeatVector(2)([[1.0, 2.0]])
    array([[[1., 2.],
            [1., 2.]]], dtype=float32)
    """

    config_names = ("n",)

    input_rank = 2

    def __init__(self, n: int, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        with self._named():
            self.n = _validate.integer("n", n, minimum=1)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return (N, n, F) for (N, F); see `Layer.compute_output_shape`."""
        samples, features = self._named_input_shape(input_shape)
        return (samples, self.n, features)

    _check_input = Layer._check_rank

    def compute(self, x: Array, *, workspace: Space = None, **_: Any) -> Computed:
        return repeat_vector_forward(x, n=self.n, workspace=workspace)

    def gradients(self, dy: Array, cache: Any, *, workspace: Space = None) -> Gradients:
        return repeat_vector_backward(dy, cache, workspace=workspace), {}
