"""Layers that disturb what passes while a model is trained, and are idle otherwise."""

from __future__ import annotations

import math
from typing import Any, Unpack

import numpy as np

from .. import _validate, config
from .._typing import Array
from ..ops import (
    add_noise_backward,
    add_noise_forward,
    dropout_backward,
    dropout_forward,
    dropout_mask,
    gaussian_noise,
)
from ._base.arguments import LayerArguments, unknown_argument
from ._base.layer import Layer
from ._base.pure import Computed, Gradients, Space

__all__ = [
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
]


def take_seed(layer: Layer, seed: int | None) -> int | None:
    """Return a checked seed; if there is one, the noise of the layer comes from it."""
    if seed is not None:
        with layer._named():
            seed = _validate.seed("seed", seed)
        layer.set_seed(np.random.SeedSequence(seed))
        layer._has_own_seed = True
    return seed


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

    config_names: tuple[str, ...] = ("rate", "noise_shape", "seed")
    rate = _validate.Checked(_validate.fraction)

    def __init__(
        self,
        rate: float,
        noise_shape: Any = None,
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.seed = take_seed(self, seed)
        with self._named():
            self.rate = rate
            self.noise_shape = _noise_shape(noise_shape)

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

    def compute(
        self,
        x: Array,
        *,
        training: bool,
        rng: np.random.Generator,
        workspace: Space = None,
    ) -> Computed:
        if not training or self.rate == 0:
            return x, None
        shape = self._mask_shape(x)
        mask = dropout_mask(shape, self.rate, rng, x.dtype, workspace=workspace)
        return dropout_forward(x, mask, workspace=workspace)

    def gradients(self, dy: Array, cache: Any, *, workspace: Space = None) -> Gradients:
        if cache is None:
            return dy, {}
        return dropout_backward(dy, cache, workspace=workspace), {}


class SpatialDropout(Dropout):
    """
    Base of the dropouts of whole channels: one factor for all places of a channel.

    Parameters
    ----------
    rate : float
        Part of the channels that is dropped, in [0, 1).
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels are. Default: ``localnet.config.image_data_format()``.
    **kwargs
        Arguments of `Dropout` and `Layer`.
    """

    config_names = (*Dropout.config_names, "data_format")

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(rate, **kwargs)
        with self._named():
            self.data_format = config.resolve_data_format(data_format)

    _check_input = Layer._check_rank

    def _mask_shape(self, x: Array) -> tuple[int, ...]:
        places = (1,) * (x.ndim - 2)
        if self.data_format == "channels_first":
            return (*x.shape[:2], *places)
        return (len(x), *places, x.shape[-1])


class SpatialDropout1D(SpatialDropout):
    """
    Set random channels of a sequence to zero while training, and scale the rest up.

    Parameters
    ----------
    rate : float
        Part of the channels that is dropped, in [0, 1).
    **kwargs
        Arguments of `Dropout` and `Layer`.

    Raises
    ------
    ValueError
        If `rate` is not in [0, 1).

    See Also
    --------
    Dropout : Drops single values.

    Notes
    -----
    Input (N, W, C). As in Keras there is no `data_format`: channels are last.
    """

    input_rank, config_names = 3, Dropout.config_names

    def __init__(self, rate: float, **kwargs: Unpack[LayerArguments]) -> None:
        if "data_format" in kwargs:
            raise unknown_argument(SpatialDropout1D, "data_format")
        super().__init__(rate, "channels_last", **kwargs)


class SpatialDropout2D(SpatialDropout):
    """
    Set random channels of an image to zero while training, and scale the rest up.

    Parameters
    ----------
    rate : float
        Part of the channels that is dropped, in [0, 1).
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels are. Default: ``localnet.config.image_data_format()``.
    **kwargs
        Arguments of `Dropout` and `Layer`.

    Raises
    ------
    ValueError
        If `rate` is not in [0, 1).

    See Also
    --------
    Dropout : Drops single values.

    Notes
    -----
    Input (N, H, W, C), or (N, C, H, W) for channels_first.
    """

    input_rank = 4


class SpatialDropout3D(SpatialDropout):
    """
    Set random channels of a volume to zero while training, and scale the rest up.

    Parameters
    ----------
    rate : float
        Part of the channels that is dropped, in [0, 1).
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels are. Default: ``localnet.config.image_data_format()``.
    **kwargs
        Arguments of `Dropout` and `Layer`.

    Raises
    ------
    ValueError
        If `rate` is not in [0, 1).

    See Also
    --------
    Dropout : Drops single values.

    Notes
    -----
    Input (N, D, H, W, C), or (N, C, D, H, W) for channels_first.
    """

    input_rank = 5


class GaussianNoise(Layer):
    """
    Add a normally distributed number to every value while training.

    Parameters
    ----------
    stddev : float
        Standard deviation of the noise, not negative.
    seed : int, optional
        Seed of the noise; default: a child of the model's seed.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If `stddev` is negative or not a finite number.

    See Also
    --------
    localnet.ops.add_noise_forward : The function behind it.

    Examples
    --------
    >>> GaussianNoise(0.5)([[1.0, 2.0]])  # not training: nothing is added
    array([[1., 2.]], dtype=float32)
    """

    config_names = ("stddev", "seed")

    def __init__(
        self, stddev: float, seed: int | None = None, **kwargs: Unpack[LayerArguments]
    ) -> None:
        super().__init__(**kwargs)
        self.seed = take_seed(self, seed)
        with self._named():
            self.stddev = _validate.number("stddev", stddev, minimum=0.0)

    def compute(
        self,
        x: Array,
        *,
        training: bool,
        rng: np.random.Generator,
        workspace: Space = None,
    ) -> Computed:
        if not training or self.stddev == 0:
            return x, None
        noise = gaussian_noise(x.shape, self.stddev, rng, x.dtype, workspace=workspace)
        return add_noise_forward(x, noise, workspace=workspace)

    def gradients(self, dy: Array, cache: Any, *, workspace: Space = None) -> Gradients:
        if cache is None:
            return dy, {}
        return add_noise_backward(dy, cache, workspace=workspace), {}


class GaussianDropout(Layer):
    """
    Multiply every value by a normally distributed factor while training.

    Parameters
    ----------
    rate : float
        In [0, 1): the factors have the mean 1 and the standard deviation
        ``sqrt(rate / (1 - rate))``, which is that of the factors of `Dropout`.
    seed : int, optional
        Seed of the factors; default: a child of the model's seed.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If `rate` is not in [0, 1).

    See Also
    --------
    localnet.ops.dropout_forward : The function behind it.

    Examples
    --------
    >>> GaussianDropout(0.5)([[1.0, 2.0]])  # not training: nothing is changed
    array([[1., 2.]], dtype=float32)
    """

    config_names = ("rate", "seed")
    rate = _validate.Checked(_validate.fraction)

    def __init__(
        self, rate: float, seed: int | None = None, **kwargs: Unpack[LayerArguments]
    ) -> None:
        super().__init__(**kwargs)
        self.seed = take_seed(self, seed)
        with self._named():
            self.rate = rate

    def compute(
        self,
        x: Array,
        *,
        training: bool,
        rng: np.random.Generator,
        workspace: Space = None,
    ) -> Computed:
        if not training or self.rate == 0:
            return x, None
        stddev = math.sqrt(self.rate / (1 - self.rate))
        factors = gaussian_noise(
            x.shape, stddev, rng, x.dtype, mean=1.0, workspace=workspace
        )
        return dropout_forward(x, factors, workspace=workspace)

    def gradients(self, dy: Array, cache: Any, *, workspace: Space = None) -> Gradients:
        if cache is None:
            return dy, {}
        return dropout_backward(dy, cache, workspace=workspace), {}


def _noise_shape(value: Any) -> tuple[int | None, ...] | None:
    if value is None:
        return None
    rule = "a tuple of sizes or None"
    try:
        return tuple(
            None if size is None else _validate.integer("size", size, minimum=1)
            for size in _validate.items("noise_shape", value, rule)
        )
    except ValueError:
        raise ValueError(
            f"noise_shape must be {rule}, got {_validate.shown(value)}"
        ) from None
