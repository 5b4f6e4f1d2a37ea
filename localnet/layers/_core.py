"""The fully connected layer, and what names the shape of an input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from .. import _validate
from .._typing import Array, Config, Shape
from ..ops import Cost, dense_backward, dense_cost, dense_forward
from ._activation import Activated
from ._base.arguments import CommonArguments, handed_on
from ._base.handles import Handle, Node
from ._base.kernel import (
    KERNEL_ARGUMENTS,
    LiveWeight,
    kernel_config,
    named_grads,
    take_kernel,
)
from ._base.layer import Layer
from ._base.names import numbered_name
from ._base.pure import Computed, Gradients, Space
from ._base.shapes import BatchShape, checked_shape
from ._shaping import ShapeLayer

__all__ = ["Dense", "Input", "InputLayer"]


class Dense(Layer):
    """
    Connect every input of the last axis to every output.

    Parameters
    ----------
    units : int
        F, the number of outputs.
    activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer
        As for `localnet.layers.LocallyConnected1D`.
    bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint
        As for `localnet.layers.LocallyConnected1D`.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If an argument breaks its rule.

    See Also
    --------
    localnet.ops.dense_forward : The function behind it.

    Notes
    -----
    Input (N, ..., C), output (N, ..., F), kernel (C, F), bias (F,).

    Examples
    --------
    >>> layer = Dense(2, kernel_initializer="ones")
    >>> layer([[1.0, 2.0, 3.0]])
    array([[6., 6.]], dtype=float32)
    """

    use_bias: bool
    kernel_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    bias_regularizer: Any
    kernel_constraint: Any
    bias_constraint: Any
    activation = Activated()
    kernel = LiveWeight("The live kernel, or None before the layer is built.")
    bias = LiveWeight("The live bias, or None without one.")

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        given = handed_on(locals(), "units")
        kernel = {name: given.pop(name) for name in KERNEL_ARGUMENTS}
        super().__init__(**given)
        with self._named():
            take_kernel(self, kernel)
            self.units = _validate.integer("units", units, minimum=1)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return (N, ..., F) for (N, ..., C); see `Layer.compute_output_shape`."""
        return (*self._named_input_shape(input_shape)[:-1], self.units)

    def weight_shapes(self, input_shape: Sequence[int | None]) -> dict[str, Shape]:
        """Return the shapes of kernel and bias; see `Layer.weight_shapes`."""
        with self._named():
            shape = checked_shape(input_shape, self.input_rank)
            channels = shape[-1] if len(shape) > 1 else None
            if channels is None:
                raise ValueError(
                    "input_shape must have a known last axis beside the batch axis, "
                    f"got {shape}"
                )
        bias = {"bias": (self.units,)} if self.use_bias else {}
        return {"kernel": (channels, self.units), **bias}

    def _check_input(self, shape: BatchShape) -> None:
        channels = self.params["kernel"].shape[0]
        if len(shape) < 2 or shape[-1] != channels:
            raise ValueError(
                f"input must have {channels} values on its last axis, got shape {shape}"
            )

    def compute(self, x: Array, *, workspace: Space = None, **_: Any) -> Computed:
        kernel, bias = self.params["kernel"], self.params.get("bias")
        return dense_forward(x, kernel, bias, workspace=workspace)

    def gradients(self, dy: Array, cache: Any, **lent: Any) -> Gradients:
        dx, dkernel, dbias = dense_backward(dy, cache, **lent)
        return dx, named_grads(dkernel, dbias)

    def _cost(self, input_shape: Shape, **batch: Any) -> Cost:
        return dense_cost(
            input_shape,
            self.units,
            **batch,
            dtype=self.dtype,
            use_bias=self.use_bias,
        )

    def get_config(self) -> Config:
        """Return the arguments that make an equal layer; see `Layer.get_config`."""
        return {**super().get_config(), "units": self.units, **kernel_config(self)}


class InputLayer(ShapeLayer):
    """
    Name the shape of a model's input.

    Parameters
    ----------
    input_shape : tuple of int, optional
        Shape of one sample.
    **kwargs
        Arguments of `Layer`; Keras's ``sparse``, ``ragged`` and ``optional`` must be
        false.

    Examples
    --------
    >>> InputLayer((8, 8, 1)).batch_input_shape
    (None, 8, 8, 1)
    >>> InputLayer((8, 8, 1)).output_shape  # a list, as in Keras
    [(None, 8, 8, 1)]
    """

    # What it was built for, which may know more than `batch_input_shape`.
    _shape: BatchShape | None = None

    def __init__(self, input_shape: Any = None, **kwargs: Any) -> None:
        for unsupported in ("sparse", "ragged", "optional"):
            given = kwargs.pop(unsupported, None)
            if given is not None and _validate.flag(
                f"InputLayer: {unsupported}", given
            ):
                raise ValueError(f"InputLayer: {unsupported} must be False, got True")
        dtype = kwargs.get("dtype")
        if isinstance(dtype, str) and dtype in ("int32", "int64", "uint8", "bool"):
            raise ValueError(
                "InputLayer: dtype must be a float type, got "
                f"{_validate.shown(dtype)}: leave it out, whole numbers are taken as "
                "floats"
            )
        if kwargs.get("name") is None:
            kwargs["name"] = numbered_name("input")
        super().__init__(input_shape=input_shape, **kwargs)
        self._make_node()

    def _make_node(self) -> None:
        if self.batch_input_shape is not None:
            self._nodes = (Node(self, (), [(self.batch_input_shape, self.dtype)]),)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Take the shape that it was not given; see `Layer.build`."""
        if self.batch_input_shape is None:
            self.batch_input_shape = tuple(input_shape)
            self._make_node()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the state of another one, whose handle stays with it."""
        vars(self).update(state)
        self._make_node()

    @property
    def input_shape(self) -> Any:
        """A list with the shape of the input, as in Keras; None if it is not known."""
        shape = self._shape or self.batch_input_shape
        return None if shape is None else [shape]

    @input_shape.setter
    def input_shape(self, value: BatchShape | None) -> None:
        self._shape = value

    # What comes in goes out.
    output_shape = input_shape

    @property
    def input(self) -> Any:
        """The handle that it gives, as in Keras: models can begin there."""
        return self.output

    def get_input_at(self, node_index: int) -> Any:
        """Return the handle that it gives; see `Layer.get_input_at`."""
        return self.get_output_at(node_index)

    def _traced(
        self, shapes: tuple[BatchShape, ...]
    ) -> list[tuple[BatchShape, np.dtype]]:
        raise ValueError(f"{self.name}: an InputLayer must not be called on a handle")

    def _rearrange(self, x: Array) -> Array:
        return x

    def get_config(self) -> Config:
        """Return exactly the keys that Keras reads; see `Layer.get_config`."""
        return {
            "batch_input_shape": self.batch_input_shape,
            "dtype": self.dtype.name,
            "sparse": False,
            "ragged": False,
            "name": self.name,
        }


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    name: str | None = None,
    dtype: Any = None,
    **kwargs: Any,
) -> Handle:
    """
    Make the handle of an input of a model.

    Parameters
    ----------
    shape : tuple of int or None
        Shape of one sample; None is a size that is not known.
    batch_size : int, optional
        Number of samples, if it is always the same.
    name : str, optional
        Default: ``"input_1"``, counted within the process.
    dtype : str, optional
        Float type that the handle names; a layer casts what comes in to its own.
    **kwargs
        ``batch_shape`` or ``batch_input_shape``, a shape with the batch axis, instead
        of `shape`; Keras's ``sparse``, ``ragged`` and ``optional`` must be false.

    Returns
    -------
    Handle
        For layers to be called on.

    Raises
    ------
    ValueError
        If no shape is given, or an argument breaks its rule.

    See Also
    --------
    localnet.Model : Is made from handles.

    Examples
    --------
    >>> Input((8, 8, 1), name="image")
    <Handle 'image' (None, 8, 8, 1) float32>
    """
    batch_shape = kwargs.pop("batch_shape", None)
    if batch_shape is not None:
        kwargs["batch_input_shape"] = batch_shape
    if shape is not None and kwargs.get("batch_input_shape") is not None:
        raise ValueError(
            "Input: shape must not be given beside batch_shape, got "
            f"{_validate.shown(shape)} and "
            f"{kwargs['batch_input_shape']!r}"
        )
    layer = InputLayer(shape, batch_size=batch_size, name=name, dtype=dtype, **kwargs)
    if layer.batch_input_shape is None:
        raise ValueError("Input: shape must be given, got None")
    handle: Handle = layer.output
    return handle
