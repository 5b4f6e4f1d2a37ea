"""The layers that stand around locally connected ones in a model."""

import math
from typing import Any

import numpy as np

from .. import _validate, config
from .._typing import Array, Config, Shape
from ..ops import (
    Cost,
    Workspace,
    copy_cost,
    dense_backward,
    dense_cost,
    dense_forward,
    dropout_backward,
    dropout_forward,
    dropout_mask,
    view_cost,
)
from .base import Layer
from .cost import CostedLayer
from .handles import Handle, Node
from .kernel import KernelLayer
from .names import numbered_name
from .shapes import BatchShape

__all__ = ["Dense", "Dropout", "Flatten", "Input", "InputLayer", "Reshape"]


class Dense(KernelLayer):
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
        **kwargs: Any,
    ) -> None:
        super().__init__(
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )
        with self._named():
            self.units = _validate.integer("units", units, minimum=1)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return (N, ..., F) for (N, ..., C); see `Layer.compute_output_shape`."""
        return (*input_shape[:-1], self.units)

    def _kernel_and_bias_shapes(self, input_shape: BatchShape) -> tuple[Shape, Shape]:
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ValueError(
                "input_shape must have a known last axis beside the batch axis, "
                f"got {input_shape}"
            )
        return (input_shape[-1], self.units), (self.units,)

    def _build(self, input_shape: BatchShape, rng: np.random.Generator) -> None:
        self._add_kernel_and_bias(input_shape, rng)

    def _check_input(self, shape: BatchShape) -> None:
        channels = self.params["kernel"].shape[0]
        if len(shape) < 2 or shape[-1] != channels:
            raise ValueError(
                f"input must have {channels} values on its last axis, got shape {shape}"
            )

    def _forward(
        self, x: Array, training: bool, rng: np.random.Generator, workspace: Workspace
    ) -> tuple[Array, Any]:
        kernel, bias = self.params["kernel"], self.params.get("bias")
        return dense_forward(x, kernel, bias, workspace=workspace)

    def _backward(
        self, dz: Array, cache: Any, need_dx: bool, workspace: Workspace
    ) -> tuple[Array | None, dict[str, Array]]:
        dx, dkernel, dbias = dense_backward(
            dz, cache, need_dx=need_dx, workspace=workspace
        )
        return dx, self._weight_grads(dkernel, dbias)

    def _cost(
        self, input_shape: tuple[int, ...], batch_size: int, need_dx: bool
    ) -> Cost:
        return dense_cost(
            input_shape,
            self.units,
            batch_size=batch_size,
            dtype=self.dtype,
            use_bias=self.use_bias,
            need_dx=need_dx,
        )

    def get_config(self) -> Config:
        """Return the arguments that make an equal layer; see `Layer.get_config`."""
        return {**super().get_config(), "units": self.units, **self._kernel_config()}


class ShapeLayer(CostedLayer):
    """A layer that only rearranges: its backward restores the input's shape."""

    def _rearrange(self, x: Array) -> Array:
        raise NotImplementedError

    def _restore(self, dz: Array, input_shape: tuple[int, ...]) -> Array:
        return dz.reshape(input_shape)

    def _forward(
        self, x: Array, training: bool, rng: np.random.Generator, workspace: Workspace
    ) -> tuple[Array, Any]:
        return self._rearrange(x), x.shape

    def _backward(
        self, dz: Array, cache: Any, need_dx: bool, workspace: Workspace
    ) -> tuple[Array, dict[str, Array]]:
        return self._restore(dz, cache), {}

    def _cost(
        self, input_shape: tuple[int, ...], batch_size: int, need_dx: bool
    ) -> Cost:
        return view_cost(input_shape, batch_size=batch_size, dtype=self.dtype)


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
    """

    def __init__(self, input_shape: Any = None, **kwargs: Any) -> None:
        for unsupported in ("sparse", "ragged", "optional"):
            if kwargs.pop(unsupported, False):
                raise ValueError(f"InputLayer: {unsupported} must be False, got True")
        if kwargs.get("name") is None:
            kwargs["name"] = numbered_name("input")
        super().__init__(input_shape=input_shape, **kwargs)
        if self.batch_input_shape is not None:
            self._nodes = (Node(self, (), [(self.batch_input_shape, self.dtype)]),)

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
    layer = InputLayer(shape, batch_size=batch_size, name=name, dtype=dtype, **kwargs)
    if layer.batch_input_shape is None:
        raise ValueError("Input: shape must be given, got None")
    handle: Handle = layer.output
    return handle


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

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        with self._named():
            self.data_format = config.resolve_data_format(data_format)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return (N, product of the rest); see `Layer.compute_output_shape`."""
        sizes = input_shape[1:]
        if None in sizes:
            return (input_shape[0], None)
        return (input_shape[0], math.prod(s for s in sizes if s is not None))

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

    def _cost(
        self, input_shape: tuple[int, ...], batch_size: int, need_dx: bool
    ) -> Cost:
        moves = self._moves_channels(len(input_shape) + 1)
        how = copy_cost if moves else view_cost
        return how(input_shape, batch_size=batch_size, dtype=self.dtype)

    def get_config(self) -> Config:
        """Return the arguments that make an equal layer; see `Layer.get_config`."""
        return {**super().get_config(), "data_format": self.data_format}


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

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        with self._named():
            try:
                target = tuple(
                    _validate.integer("target_shape", size, minimum=-1)
                    for size in target_shape
                )
            except TypeError:
                target = (-1, -1)
            if target.count(-1) > 1:
                raise ValueError(
                    "target_shape must be a tuple of sizes with at most one -1, "
                    f"got {target_shape!r}"
                )
            self.target_shape = target

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return (N, *target_shape); see `Layer.compute_output_shape`."""
        sizes = [s for s in input_shape[1:] if s is not None]
        if len(sizes) < len(input_shape) - 1:
            return (
                input_shape[0],
                *(None if s == -1 else s for s in self.target_shape),
            )
        total = math.prod(sizes)
        known = math.prod(s for s in self.target_shape if s != -1)
        free = -1 in self.target_shape
        if (total % known if known else total) if free else total != known:
            raise ValueError(
                f"{self.name}: target_shape must hold as many values as one sample, "
                f"{total}, got {self.target_shape}"
            )
        rest = total // known if known else 0
        return (input_shape[0], *(rest if s == -1 else s for s in self.target_shape))

    def _rearrange(self, x: Array) -> Array:
        shape = self.compute_output_shape(x.shape)
        return x.reshape([len(x), *(s for s in shape[1:] if s is not None)])

    def get_config(self) -> Config:
        """Return the arguments that make an equal layer; see `Layer.get_config`."""
        return {**super().get_config(), "target_shape": self.target_shape}


class Dropout(Layer):
    """
    Set a random part of the input to zero while training, and scale the rest up.

    Parameters
    ----------
    rate : float
        Part that is dropped, in [0, 1).
    noise_shape : tuple of int or None, optional
        Shape of the mask; axes of size 1 share it. ``None`` entries follow the input.
    seed : int, optional
        Seed of the masks; default: a child of the model's seed.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If `rate` is not in [0, 1) or `noise_shape` is not a tuple of sizes.

    See Also
    --------
    localnet.ops.dropout_forward : The function behind it.

    Examples
    --------
    >>> Dropout(0.5)([[1.0, 2.0]])  # not training: nothing is dropped
    array([[1., 2.]], dtype=float32)
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        with self._named():
            self.rate = _validate.number(
                "rate", rate, minimum=0.0, maximum=1.0, open_maximum=True
            )
            self.noise_shape = _noise_shape(noise_shape)
            self.seed = (
                None if seed is None else _validate.integer("seed", seed, minimum=0)
            )
        if self.seed is not None:
            super().set_seed(np.random.SeedSequence(self.seed))

    def set_seed(self, seed: np.random.SeedSequence) -> None:
        """Set the source of the masks, unless the layer has a seed of its own."""
        if self.seed is None:
            super().set_seed(seed)

    def _mask_shape(self, x: Array) -> tuple[int, ...]:
        if self.noise_shape is None:
            return x.shape
        shape = tuple(
            size if wanted is None else wanted
            for wanted, size in zip(self.noise_shape, x.shape, strict=False)
        )
        if len(self.noise_shape) != x.ndim or any(
            wanted not in (1, size) for wanted, size in zip(shape, x.shape, strict=True)
        ):
            raise ValueError(
                f"noise_shape must broadcast to the input's shape {x.shape}, "
                f"got {self.noise_shape}"
            )
        return shape

    def _forward(
        self, x: Array, training: bool, rng: np.random.Generator, workspace: Workspace
    ) -> tuple[Array, Any]:
        if not training or self.rate == 0:
            return x, None
        shape = self._mask_shape(x)
        mask = dropout_mask(shape, self.rate, rng, x.dtype, workspace=workspace)
        return dropout_forward(x, mask, workspace=workspace)

    def _backward(
        self, dz: Array, cache: Any, need_dx: bool, workspace: Workspace
    ) -> tuple[Array, dict[str, Array]]:
        if cache is None:
            return dz, {}
        return dropout_backward(dz, cache, workspace=workspace), {}

    def get_config(self) -> Config:
        """Return the arguments that make an equal layer; see `Layer.get_config`."""
        return {
            **super().get_config(),
            "rate": self.rate,
            "noise_shape": self.noise_shape,
            "seed": self.seed,
        }


def _noise_shape(value: Any) -> tuple[int | None, ...] | None:
    if value is None:
        return None
    try:
        return tuple(
            None if size is None else _validate.integer("size", size, minimum=1)
            for size in value
        )
    except (TypeError, ValueError):
        raise ValueError(
            f"noise_shape must be a tuple of sizes or None, got {value!r}"
        ) from None
