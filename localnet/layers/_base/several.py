"""The base of layers that take several inputs."""

from __future__ import annotations

from typing import Any

from ... import _arrays
from ..._typing import Array
from ..._validate import shown
from ...ops import Workspace
from .handles import Handle
from .layer import Layer
from .pure import cast_input
from .shapes import BatchShape, checked_shape

__all__ = ["MultiInputLayer"]


class MultiInputLayer(Layer):
    """
    Base of layers that are called on a list: `compute` gets a tuple of arrays.

    What is one for another layer is a tuple here: `gradients` returns a tuple of dx as
    the gradient of the inputs, and `input_shape` is a tuple of shapes. A subclass says
    in `compute_output_shape` what shapes it can work on.

    Parameters
    ----------
    **kwargs
        Arguments of `Layer`.
    """

    # How many inputs there must be; None for any number from one on.
    input_count: int | None = None

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        """
        Return the shape of the output for shapes of the inputs.

        Parameters
        ----------
        input_shape : list of tuple of int or None
            One for each input, batch axis first.

        Returns
        -------
        tuple of int or None
            Batch axis first.

        Raises
        ------
        ValueError
            If the layer cannot work on these shapes.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must have a method compute_output_shape"
        )

    def _handles_in(self, inputs: Any) -> tuple[Handle, ...]:
        with self._named():
            self._check_count(inputs)
        return super()._handles_in(inputs)

    def _check_count(self, inputs: Any) -> None:
        wanted = self.input_count
        rule = "a list of at least 1" if wanted is None else f"a list of {wanted}"
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(f"inputs must be {rule}, got one {type(inputs).__name__}")
        if len(inputs) == 0 or wanted not in (None, len(inputs)):
            raise ValueError(f"inputs must be {rule}, got {len(inputs)}")

    def _accepted(self, x: Any, workspace: Workspace) -> tuple[Array, ...]:
        self._check_count(x)
        xs = tuple(
            cast_input(
                self, ("x", place), _arrays.numbers(f"input {place}", item), workspace
            )
            for place, item in enumerate(x)
        )
        if not self.built:
            shapes: Any = [(None, *item.shape[1:]) for item in xs]
            self.build(shapes)
        self._check_known(self._checked_input_shape([item.shape for item in xs]))
        return xs

    def _shape_of_call(self, shapes: tuple[BatchShape, ...]) -> Any:
        return shapes

    def _checked_input_shape(self, input_shape: Any) -> Any:
        self._check_count(input_shape)
        if any(size is None or isinstance(size, int) for size in input_shape):
            raise ValueError(
                f"input_shape must be a list of shapes, got {shown(input_shape)}"
            )
        return tuple(checked_shape(shape, self.input_rank) for shape in input_shape)

    def _check_known(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)
