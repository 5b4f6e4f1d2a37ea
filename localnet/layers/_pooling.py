"""Pooling: the maximum or the mean of every window of an image."""

from __future__ import annotations

from typing import Any, Unpack

from .. import _validate
from .._typing import Config, Shape
from ..geometry.padding import output_length
from ..ops import PAIRS, Cost, pool_cost
from ..ops.pool.windows import PADDINGS, pool_geometry
from ._base.arguments import LayerArguments
from ._base.shapes import BatchShape
from ._base.spatial import SpatialLayer

__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
]


class Pooling(SpatialLayer):
    """The one implementation behind the public classes."""

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        with self._named():
            self.pool_size = _validate.sizes("pool_size", pool_size, self.rank)
            self.strides = self.pool_size
            if strides is not None:
                self.strides = _validate.sizes("strides", strides, self.rank)
            self.padding = _validate.choice("padding", padding, PADDINGS)

    def _options(self) -> Config:
        return {
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
        }

    def _output_sizes(self, sizes: BatchShape) -> BatchShape:
        outputs = tuple(
            output_length(n, r, s, self.padding)
            for n, r, s in zip(sizes, self.pool_size, self.strides, strict=True)
        )
        if any(o is not None and o < 1 for o in outputs):
            raise ValueError(
                f"pool_size must fit into the input, got {self.pool_size} with padding "
                f"{self.padding!r} for spatial sizes {sizes}"
            )
        return outputs

    def _cost(self, input_shape: Shape, **batch: Any) -> Cost:
        windows = pool_geometry(
            input_shape, data_format=self.data_format, **self._options()
        )
        return pool_cost(
            windows,
            looks_again=self.operation == PAIRS["max_pool"],
            **batch,
            dtype=self.dtype,
        )


class MaxPooling1D(Pooling):
    """
    Take the maximum of every window of a sequence.

    Parameters
    ----------
    pool_size : int or tuple of 1 int
        R, the window.
    strides : int or tuple of 1 int, optional
        Step between windows; default: `pool_size`.
    padding : {"valid", "same"}
        Any case. ``same`` gives ``ceil(length / stride)`` windows, placed as by
        TensorFlow; what they have outside the input does not count.
    data_format : {"channels_last", "channels_first"}
        Where the channel axis stands.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If an argument breaks its rule, or when no window fits into an input.

    See Also
    --------
    localnet.ops.max_pool_forward : The function behind it.

    Notes
    -----
    Keras's quirks are kept: the gradient of a tie goes to the first maximum, NaN is
    passed over, and ``data_format`` does not follow ``image_data_format`` in 1D.

    Examples
    --------
    >>> MaxPooling1D(2)([[[1.0], [3.0], [2.0], [0.0], [9.0]]])[0, :, 0]
    array([3., 2.], dtype=float32)
    """

    rank, operation = 1, PAIRS["max_pool"]

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str = "channels_last",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class MaxPooling2D(Pooling):
    """
    Take the maximum of every window of an image.

    Parameters
    ----------
    pool_size, strides : int or tuple of 2 ints
        Rows first; one number serves both axes.
    padding, data_format, **kwargs
        As for `MaxPooling1D`; `data_format` is by default
        ``localnet.config.image_data_format()``.

    See Also
    --------
    MaxPooling1D : Where every argument is explained.

    Examples
    --------
    >>> MaxPooling2D(2, padding="same").compute_output_shape((None, 5, None, 3))
    (None, 3, None, 3)
    """

    rank, operation = 2, PAIRS["max_pool"]


class MaxPooling3D(Pooling):
    """
    Take the maximum of every window of a volume.

    Parameters
    ----------
    pool_size, strides : int or tuple of 3 ints
        One number serves all three axes.
    padding, data_format, **kwargs
        As for `MaxPooling2D`.

    See Also
    --------
    MaxPooling1D : Where every argument is explained.

    Notes
    -----
    The gradient of a tie goes to the first maximum, as in 1D and 2D. TensorFlow on a
    CPU gives every maximum of a volume the whole of it.

    Examples
    --------
    >>> MaxPooling3D().compute_output_shape((None, 4, 5, 6, 1))
    (None, 2, 2, 3, 1)
    """

    rank, operation = 3, PAIRS["max_pool"]


class AveragePooling1D(Pooling):
    """
    Take the mean of every window of a sequence.

    Parameters
    ----------
    pool_size : int or tuple of 1 int
        R, the window.
    strides : int or tuple of 1 int, optional
        Step between windows; default: `pool_size`.
    padding : {"valid", "same"}
        Any case. ``same`` gives ``ceil(length / stride)`` windows, placed as by
        TensorFlow; the mean is that of the cells inside the input.
    data_format : {"channels_last", "channels_first"}
        Where the channel axis stands.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If an argument breaks its rule, or when no window fits into an input.

    See Also
    --------
    localnet.ops.average_pool_forward : The function behind it.

    Examples
    --------
    >>> AveragePooling1D(2, padding="same")([[[1.0], [3.0], [2.0]]])[0, :, 0]
    array([2., 2.], dtype=float32)
    """

    rank, operation = 1, PAIRS["average_pool"]

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str = "channels_last",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class AveragePooling2D(Pooling):
    """
    Take the mean of every window of an image.

    Parameters
    ----------
    pool_size, strides : int or tuple of 2 ints
        Rows first; one number serves both axes.
    padding, data_format, **kwargs
        As for `AveragePooling1D`; `data_format` is by default
        ``localnet.config.image_data_format()``.

    See Also
    --------
    AveragePooling1D : Where every argument is explained.

    Examples
    --------
    >>> AveragePooling2D((2, 3)).compute_output_shape((None, 4, 7, 3))
    (None, 2, 2, 3)
    """

    rank, operation = 2, PAIRS["average_pool"]


class AveragePooling3D(Pooling):
    """
    Take the mean of every window of a volume.

    Parameters
    ----------
    pool_size, strides : int or tuple of 3 ints
        One number serves all three axes.
    padding, data_format, **kwargs
        As for `AveragePooling2D`.

    See Also
    --------
    AveragePooling1D : Where every argument is explained.

    Examples
    --------
    >>> AveragePooling3D(3, strides=1).compute_output_shape((None, 4, 5, 6, 1))
    (None, 2, 3, 4, 1)
    """

    rank, operation = 3, PAIRS["average_pool"]


# Keras's other names for them.
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
