"""One layer applied to every time step, each step like a sample of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from .. import _validate, config
from .._typing import Array, Config, Shape
from ._base.arguments import LayerArguments
from ._base.handles import Connectable
from ._base.layer import Layer
from ._base.pure import Computed, Gradients, LayerCache, Space
from ._base.shapes import BatchShape, checked_shape, step_shape
from ._base.weights import Weights
from ._nesting import around_models, deserialize, serialize

__all__ = ["TimeDistributed"]


class TimeDistributed(Layer):
    """
    Apply a layer or a model to every step of axis 1, with the same weights.

    Parameters
    ----------
    layer : Layer or Model
        What is applied; it holds the weights, their penalties and constraints, and the
        noise. A layer that is built already keeps its weights.
    **kwargs
        Arguments of `Layer`. The default of `dtype` is that of the inner layer.

    Raises
    ------
    ValueError
        If `layer` is not a layer, or later if it does not fit the steps.

    Notes
    -----
    Input (N, T, ...), output (N, T, ...): the steps are N*T samples to the inner layer,
    and so are they to its activity regularizer and to statistics of a batch. The number
    of steps may change from batch to batch.

    Setting `trainable` sets that of the inner layer too, as in Keras; giving it to the
    constructor does not.

    Around a model it gives a model: what lies in it is trained, saved and listed as in
    any model within a model. It may have several inputs, with as many steps each.

    Examples
    --------
    >>> from localnet.layers import LocallyConnected1D
    >>> layer = TimeDistributed(LocallyConnected1D(4, 3), input_shape=(10, 8, 2))
    >>> layer.compute_output_shape((None, 10, 8, 2))
    (None, 10, 6, 4)
    """

    def __new__(cls, layer: Any = None, **kwargs: Unpack[LayerArguments]) -> Any:
        """Return the wrapper of a layer, or what a model makes of the arguments."""
        made = super().__new__(cls)
        if isinstance(layer, Layer) or not isinstance(layer, Connectable):
            return made
        # Kept without a layer, it holds the arguments and their checks.
        kwargs.setdefault("dtype", getattr(layer, "dtype", None))
        Layer.__init__(made, **kwargs)
        return around_models["TimeDistributed"](layer, made)

    def __init__(self, layer: Any, **kwargs: Unpack[LayerArguments]) -> None:
        if not isinstance(layer, Layer):
            hint = "; make an instance of the class" if isinstance(layer, type) else ""
            raise ValueError(
                "TimeDistributed: layer must be a Layer or a model, "
                f"got {_validate.shown(layer)}{hint}"
            )
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = layer.dtype
        super().__init__(**kwargs)
        self.layer: Layer = layer
        self._found_built = layer.built

    def with_inner(self) -> list[Layer]:
        """Return this layer and what it applies; see `Layer.with_inner`."""
        return [self, *self.layer.with_inner()]

    @property
    def builder(self) -> Layer:
        """The layer that builds the weights; see `Layer.builder`."""
        return self.layer.builder if self._found_built else self

    # What is handed on to the inner layer ----------------------------------------

    @property
    def _held(self) -> Weights:
        return self.layer._held if "layer" in vars(self) else Weights()

    @_held.setter
    def _held(self, weights: Weights) -> None:
        """Leave them to the inner layer, which makes them anew when it is built."""

    @property
    def trainable(self) -> bool:
        """Whether an optimizer may change the weights."""
        return self._trainable

    @trainable.setter
    def trainable(self, trainable: bool) -> None:
        self._trainable = trainable = _validate.flag("trainable", trainable)
        if "layer" in vars(self):
            self.layer.trainable = trainable

    @property
    def dtype(self) -> np.dtype:
        """Float type of the input and of the result."""
        return self._dtype

    @dtype.setter
    def dtype(self, dtype: np.dtype) -> None:
        self._dtype = dtype = config.float_dtype(dtype)
        if "layer" in vars(self):
            self.layer.dtype = dtype

    @property
    def state_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """Weights that no optimizer changes."""
        return self.layer.state_names

    def learns(self, name: str) -> bool:
        """Return whether an optimizer may change a weight; see `Layer.learns`."""
        return self.trainable and self.layer.learns(name)

    def set_seed(self, seed: np.random.SeedSequence) -> None:
        """Set the source of the inner layer's random numbers; see `Layer.set_seed`."""
        super().set_seed(seed)
        self.layer.set_seed(seed)

    @property
    def noise(self) -> np.random.Generator:
        """Generator of the inner layer's training noise."""
        return self.layer.noise

    @property
    def noise_state(self) -> Any:
        """How far the training noise is; None before any was drawn."""
        return self.layer.noise_state

    @noise_state.setter
    def noise_state(self, state: Any) -> None:
        self.layer.noise_state = state

    def constrain(self) -> None:
        """Put the inner layer's weights back into their bounds; see `Layer`."""
        if self.layer.trainable:
            self.layer.constrain()

    # Shapes and building ---------------------------------------------------------

    def step_shape(self, input_shape: Sequence[int | None]) -> BatchShape:
        """Return the shape that the inner layer sees: without the axis of the steps."""
        return step_shape(checked_shape(input_shape, self.input_rank))

    def weight_shapes(self, input_shape: Sequence[int | None]) -> dict[str, Shape]:
        """Return the shapes of the inner layer; see `Layer.weight_shapes`."""
        with self._named():
            return self.layer.weight_shapes(self.step_shape(input_shape))

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return the inner layer's shape with the steps; see `Layer`."""
        shape = self._named_input_shape(input_shape)
        batch, *rest = self.layer.compute_output_shape(self.step_shape(shape))
        return (batch, shape[1], *rest)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Build the inner layer, unless it was built before; see `Layer.build`."""
        shape = self.step_shape(input_shape)
        if self.layer.built and not self.built:
            self.layer.check_fits(shape)
        else:
            self.layer.build(shape)

    def _check_input(self, shape: BatchShape) -> None:
        self.layer.check_fits(self.step_shape(shape))

    # Forward and backward --------------------------------------------------------

    def compute(
        self,
        x: Array,
        *,
        training: bool,
        rng: np.random.Generator,
        workspace: Space = None,
    ) -> Computed:
        y, cache = self.layer.forward_with_cache(
            x.reshape(len(x) * x.shape[1], *x.shape[2:]),
            training,
            rng,
            workspace=workspace,
        )
        return y.reshape(*x.shape[:2], *y.shape[1:]), cache

    def gradients(self, dy: Array, cache: LayerCache, **lent: Any) -> Gradients:
        dx, grads = self.layer.backward_from_cache(
            dy.reshape(cache.y.shape),
            cache,
            weight_penalties=False,  # added by the caller, once for a shared layer
            **lent,
        )
        if dx is not None:
            dx = dx.reshape(*dy.shape[:2], *dx.shape[1:])
        return dx, grads

    def _activity_loss(self, y: Array, cache: LayerCache) -> float | None:
        losses = [super()._activity_loss(y, cache), cache.activity_loss]
        known = [loss for loss in losses if loss is not None]
        return sum(known) if known else None

    def _absorbed(self, state: dict[str, Array], cache: LayerCache) -> dict[str, Array]:
        return self.layer._absorbed(state, cache.inner)

    # Config ----------------------------------------------------------------------

    def get_config(self) -> Config:
        """Return the arguments that make an equal layer; see `Layer.get_config`."""
        return {**super().get_config(), "layer": serialize(self.layer)}

    @classmethod
    def from_config(cls, config: Config) -> Layer:
        """Make a layer from what `get_config` returned; see `Layer.from_config`."""
        if "layer" not in config:
            raise ValueError(f"config must hold a layer, got {_validate.shown(config)}")
        rest = {key: value for key, value in config.items() if key != "layer"}
        return cls(deserialize(config["layer"]), **rest)
