"""Layers that make images larger."""

from __future__ import annotations

from typing import Any, Unpack

from .. import _validate
from .._typing import Config, Shape
from ..geometry.channels import split_sample
from ..ops import PAIRS, Cost, upsample_cost
from ..ops.pool.upsample import INTERPOLATIONS
from ._base.arguments import LayerArguments
from ._base.shapes import BatchShape
from ._base.spatial import SpatialLayer

__all__ = ["UpSampling1D", "UpSampling2D", "UpSampling3D"]


class UpSampling(SpatialLayer):
    """The one implementation behind the three public classes."""

    operation = PAIRS["upsample"]
    interpolation = "nearest"

    def __init__(
        self,
        size: Any = 2,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        with self._named():
            self._factors = _validate.sizes("size", size, self.rank)

    @property
    def size(self) -> Any:
        """Factor along each axis; of a single axis, a number."""
        return self._factors if self.rank > 1 else self._factors[0]

    def _options(self) -> Config:
        return {"size": self._factors, "interpolation": self.interpolation}

    def _output_sizes(self, sizes: BatchShape) -> BatchShape:
        return tuple(
            None if n is None else n * factor
            for n, factor in zip(sizes, self._factors, strict=True)
        )

    def _cost(self, input_shape: Shape, **batch: Any) -> Cost:
        sizes, channels = split_sample(input_shape, self.data_format)
        return upsample_cost(
            sizes,
            channels,
            **self._options(),
            **batch,
            dtype=self.dtype,
        )

    def _arguments(self) -> Config:
        return {"size": self.size}


class UpSampling1D(UpSampling):
    """
    Repeat every step of a sequence.

    Parameters
    ----------
    size : int
        How many times.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If `size` is not an integer >= 1.

    See Also
    --------
    localnet.ops.upsample_forward : The function behind it.

    Examples
    --------
    >>> UpSampling1D(2)([[[1.0], [2.0]]])[0, :, 0]
    array([1., 1., 2., 2.], dtype=float32)
    """

    rank, has_data_format = 1, False

    def __init__(self, size: int = 2, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        with self._named():
            self._factors = (_validate.integer("size", size, minimum=1),)


class UpSampling2D(UpSampling):
    """
    Make an image larger by whole factors.

    Parameters
    ----------
    size : int or tuple of 2 ints
        Factors of rows and columns.
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``.
    interpolation : {"nearest", "bilinear"}
        Whether cells are repeated, or values lie on straight lines between the centres
        of the old cells. Keras's other ways are refused.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If an argument breaks its rule.

    See Also
    --------
    localnet.ops.upsample_forward : The function behind it.

    Examples
    --------
    >>> layer = UpSampling2D((1, 2), interpolation="bilinear")
    >>> layer([[[[0.0], [4.0]]]])[0, :, :, 0]
    array([[0., 1., 3., 4.]], dtype=float32)
    """

    rank = 2

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        with self._named():
            self.interpolation = _validate.choice(
                "interpolation", interpolation, INTERPOLATIONS
            )

    def _arguments(self) -> Config:
        return {**super()._arguments(), "interpolation": self.interpolation}


class UpSampling3D(UpSampling):
    """
    Repeat every cell of a volume.

    Parameters
    ----------
    size : int or tuple of 3 ints
        How many times along each axis.
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``.
    **kwargs
        Arguments of `Layer`.

    See Also
    --------
    UpSampling2D : The same for images.

    Examples
    --------
    >>> UpSampling3D((1, 2, 3)).compute_output_shape((None, 4, None, 4, 1))
    (None, 4, None, 12, 1)
    """

    rank = 3
