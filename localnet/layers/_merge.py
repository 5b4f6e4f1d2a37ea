"""Layers that make one output of several inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from .. import _validate
from .._typing import Array
from ..ops import (
    add_backward,
    add_forward,
    aligned_shapes,
    average_backward,
    average_forward,
    concatenate_backward,
    concatenate_forward,
    maximum_backward,
    maximum_forward,
    minimum_backward,
    minimum_forward,
    multiply_backward,
    multiply_forward,
    subtract_backward,
    subtract_forward,
)
from ._base.arguments import LayerArguments
from ._base.handles import MEANINGS
from ._base.pure import Computed, Gradients, Space
from ._base.several import MultiInputLayer
from ._base.shapes import BatchShape

__all__ = [
    "Add",
    "Average",
    "Concatenate",
    "Maximum",
    "Merge",
    "Minimum",
    "Multiply",
    "Subtract",
    "add",
    "average",
    "concatenate",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]

Shapes = tuple[BatchShape, ...]


class Merge(MultiInputLayer):
    """
    Base of layers that merge their inputs with a pair of `localnet.ops`.

    Parameters
    ----------
    **kwargs
        Arguments of `Layer`.
    """

    _pair: tuple[Callable[..., Any], Callable[..., Any]]

    def _options(self) -> dict[str, Any]:
        """Return the arguments of the pair beside the inputs."""
        return {}

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        """Return the merged shape; see `MultiInputLayer.compute_output_shape`."""
        with self._named():
            return self._merged(self._checked_input_shape(input_shape))

    def _merged(self, shapes: Shapes) -> BatchShape:
        batches = {shape[0] for shape in shapes} - {None}
        if len(batches) > 1:
            raise ValueError(
                f"inputs must have as many samples each, got shapes {_listed(shapes)}"
            )
        batch = batches.pop() if batches else None
        aligned = [shape[1:] for shape in aligned_shapes(shapes)]
        sizes = []
        for column in zip(*aligned, strict=True):
            known = {size for size in column if size not in (None, 1)}
            if len(known) > 1:
                raise ValueError(
                    f"inputs must have shapes that fit, got {_listed(shapes)}"
                )
            # An unknown size must be the known one, or 1.
            size = None if None in column else 1
            sizes.append(known.pop() if known else size)
        return (batch, *sizes)

    def compute(self, x: Any, *, workspace: Space = None, **_: Any) -> Computed:
        y, cache = self._pair[0](*x, **self._options(), workspace=workspace)
        return y, cache

    def gradients(self, dy: Array, cache: Any, *, workspace: Space = None) -> Gradients:
        return self._pair[1](dy, cache, workspace=workspace), {}


def _listed(shapes: Sequence[BatchShape]) -> str:
    return ", ".join(str(shape) for shape in shapes)


class Add(Merge):
    """
    Add the inputs.

    Parameters
    ----------
    **kwargs
        Arguments of `Layer`.

    See Also
    --------
    localnet.ops.add_forward : The function behind it.

    Notes
    -----
    As in Keras, an input of fewer axes gets axes of size 1 behind its batch axis, and
    axes of size 1 are repeated.

    Examples
    --------
    >>> Add()([[[1.0, 2.0]], [[10.0, 20.0]]])
    array([[11., 22.]], dtype=float32)
    """

    _pair = (add_forward, add_backward)


class Subtract(Merge):
    """
    Subtract the second input from the first.

    Parameters
    ----------
    **kwargs
        Arguments of `Layer`.

    See Also
    --------
    localnet.ops.subtract_forward : The function behind it.

    Examples
    --------
    >>> Subtract()([[[1.0, 2.0]], [[10.0, 20.0]]])
    array([[ -9., -18.]], dtype=float32)
    """

    _pair = (subtract_forward, subtract_backward)
    input_count = 2


class Multiply(Merge):
    """
    Multiply the inputs value by value.

    Parameters
    ----------
    **kwargs
        Arguments of `Layer`.

    See Also
    --------
    localnet.ops.multiply_forward : The function behind it.

    Examples
    --------
    >>> Multiply()([[[1.0, 2.0]], [[10.0, 20.0]]])
    array([[10., 40.]], dtype=float32)
    """

    _pair = (multiply_forward, multiply_backward)


class Average(Merge):
    """
    Average the inputs value by value.

    Parameters
    ----------
    **kwargs
        Arguments of `Layer`.

    See Also
    --------
    localnet.ops.average_forward : The function behind it.

    Examples
    --------
    >>> Average()([[[1.0, 2.0]], [[11.0, 0.0]]])
    array([[6., 1.]], dtype=float32)
    """

    _pair = (average_forward, average_backward)


class Maximum(Merge):
    """
    Take the largest value at every place.

    Parameters
    ----------
    **kwargs
        Arguments of `Layer`.

    See Also
    --------
    localnet.ops.maximum_forward : The function behind it.

    Notes
    -----
    Where several inputs are largest, the gradient goes to the first, as in TensorFlow.

    Examples
    --------
    >>> Maximum()([[[1.0, 2.0]], [[11.0, 0.0]]])
    array([[11.,  2.]], dtype=float32)
    """

    _pair = (maximum_forward, maximum_backward)


class Minimum(Merge):
    """
    Take the smallest value at every place.

    Parameters
    ----------
    **kwargs
        Arguments of `Layer`.

    See Also
    --------
    localnet.ops.minimum_forward : The function behind it.

    Notes
    -----
    Where several inputs are smallest, the gradient goes to the first, as in TensorFlow.

    Examples
    --------
    >>> Minimum()([[[1.0, 2.0]], [[11.0, 0.0]]])
    array([[1., 0.]], dtype=float32)
    """

    _pair = (minimum_forward, minimum_backward)


class Concatenate(Merge):
    """
    Put the inputs end to end along one axis.

    Parameters
    ----------
    axis : int, default -1
        Which one, the batch axis being 0; negative ones count from the end.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If `axis` is not an integer, or is the batch axis; when it is called, if the
        inputs differ on another axis.

    See Also
    --------
    localnet.ops.concatenate_forward : The function behind it.

    Examples
    --------
    >>> Concatenate()([[[1.0, 2.0]], [[11.0]]])
    array([[ 1.,  2., 11.]], dtype=float32)
    """

    config_names = ("axis",)

    _pair = (concatenate_forward, concatenate_backward)

    def __init__(self, axis: int = -1, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        with self._named():
            self.axis = _validate.integer("axis", axis, minimum=-64, maximum=63)
            if self.axis == 0:
                raise ValueError("axis must not be that of the batch, got 0")

    def _options(self) -> dict[str, Any]:
        return {"axis": self.axis}

    def _merged(self, shapes: Shapes) -> BatchShape:
        rank, *others = {len(shape) for shape in shapes}
        if others:
            raise ValueError(
                f"inputs must have equally many axes, got shapes {_listed(shapes)}"
            )
        axis = self.axis + (rank if self.axis < 0 else 0)
        if not 0 < axis < rank:
            raise ValueError(
                f"axis must be one of the {rank} axes but the first, got {self.axis}"
            )
        sizes: list[int | None] = []
        for place, column in enumerate(zip(*shapes, strict=True)):
            if place == axis:
                lengths = [size for size in column if size is not None]
                sizes.append(sum(lengths) if len(lengths) == len(column) else None)
                continue
            known = {size for size in column if size is not None}
            if len(known) > 1:
                raise ValueError(
                    f"inputs must have equal shapes but for axis {axis}, "
                    f"got {_listed(shapes)}"
                )
            sizes.append(known.pop() if known else None)
        return tuple(sizes)


def add(inputs: Any, **kwargs: Any) -> Any:
    """Call an `Add` layer on arrays or handles; `kwargs` are its arguments."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """Call a `Subtract` layer on two arrays or handles; see `add`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """Call a `Multiply` layer on arrays or handles; see `add`."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """Call an `Average` layer on arrays or handles; see `add`."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """Call a `Maximum` layer on arrays or handles; see `add`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """Call a `Minimum` layer on arrays or handles; see `add`."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Call a `Concatenate` layer on arrays or handles; see `add`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


MEANINGS.update(add=add, subtract=subtract, multiply=multiply)
