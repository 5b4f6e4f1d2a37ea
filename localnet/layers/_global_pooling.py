"""Global pooling: the maximum or the mean of every channel of an image."""

from __future__ import annotations

import math
from typing import Any, Unpack

from .. import _validate
from .._typing import Config, Shape
from ..geometry.channels import split_sample
from ..ops import PAIRS, Cost, resize_cost
from ._base.arguments import LayerArguments
from ._base.shapes import BatchShape
from ._base.spatial import SpatialLayer

__all__ = [
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
]


class GlobalPooling(SpatialLayer):
    """The one implementation behind the public classes."""

    def __init__(
        self,
        data_format: str | None = None,
        keepdims: bool = False,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.keepdims = _validate.flag("keepdims", keepdims)

    def _options(self) -> Config:
        return {"keepdims": self.keepdims}

    def _output_sizes(self, sizes: BatchShape) -> BatchShape:
        if 0 in sizes:
            raise ValueError(
                "input_shape must have at least one cell along every spatial axis, "
                f"got spatial sizes {sizes}"
            )
        return (1,) * self.rank if self.keepdims else ()

    def _cost(self, input_shape: Shape, **batch: Any) -> Cost:
        _, channels = split_sample(input_shape, self.data_format)
        return resize_cost(
            input_shape,
            (channels,),
            operations=math.prod(input_shape),
            looks_again=self.operation == PAIRS["global_max_pool"],
            **batch,
            dtype=self.dtype,
        )


class GlobalMaxPooling1D(GlobalPooling):
    """
    Take the maximum of every channel of a sequence.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}
        Where the channel axis stands.
    keepdims : bool
        Whether the spatial axes stay, with length 1.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If `data_format` is not one of the two, or when an input has no cells.

    See Also
    --------
    localnet.ops.global_max_pool_forward : The function behind it.

    Notes
    -----
    As in Keras, and unlike in `MaxPooling1D`, all maxima of a tie share the gradient,
    and NaN is not passed over.

    Examples
    --------
    >>> GlobalMaxPooling1D()([[[1.0, 5.0], [3.0, 2.0]]])
    array([[3., 5.]], dtype=float32)
    """

    rank, operation = 1, PAIRS["global_max_pool"]

    def __init__(
        self,
        data_format: str = "channels_last",
        keepdims: bool = False,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(data_format, keepdims, **kwargs)


class GlobalMaxPooling2D(GlobalPooling):
    """
    Take the maximum of every channel of an image.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``.
    keepdims, **kwargs
        As for `GlobalMaxPooling1D`.

    See Also
    --------
    GlobalMaxPooling1D : Where every argument is explained.

    Examples
    --------
    >>> GlobalMaxPooling2D(keepdims=True).compute_output_shape((None, None, None, 3))
    (None, 1, 1, 3)
    """

    rank, operation = 2, PAIRS["global_max_pool"]


class GlobalMaxPooling3D(GlobalPooling):
    """
    Take the maximum of every channel of a volume.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``.
    keepdims, **kwargs
        As for `GlobalMaxPooling1D`.

    See Also
    --------
    GlobalMaxPooling1D : Where every argument is explained.

    Examples
    --------
    >>> GlobalMaxPooling3D().compute_output_shape((None, 2, 3, 4, 5))
    (None, 5)
    """

    rank, operation = 3, PAIRS["global_max_pool"]


class GlobalAveragePooling1D(GlobalPooling):
    """
    Take the mean of every channel of a sequence.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}
        Where the channel axis stands.
    keepdims : bool
        Whether the spatial axes stay, with length 1.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If `data_format` is not one of the two, or when an input has no cells.

    See Also
    --------
    localnet.ops.global_average_pool_forward : The function behind it.

    Examples
    --------
    >>> GlobalAveragePooling1D()([[[1.0, 5.0], [3.0, 2.0]]])
    array([[2. , 3.5]], dtype=float32)
    """

    rank, operation = 1, PAIRS["global_average_pool"]

    def __init__(
        self,
        data_format: str = "channels_last",
        keepdims: bool = False,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(data_format, keepdims, **kwargs)


class GlobalAveragePooling2D(GlobalPooling):
    """
    Take the mean of every channel of an image.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``.
    keepdims, **kwargs
        As for `GlobalAveragePooling1D`.

    See Also
    --------
    GlobalAveragePooling1D : Where every argument is explained.

    Examples
    --------
    >>> GlobalAveragePooling2D().compute_output_shape((None, 7, 7, 3))
    (None, 3)
    """

    rank, operation = 2, PAIRS["global_average_pool"]


class GlobalAveragePooling3D(GlobalPooling):
    """
    Take the mean of every channel of a volume.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``.
    keepdims, **kwargs
        As for `GlobalAveragePooling1D`.

    See Also
    --------
    GlobalAveragePooling1D : Where every argument is explained.

    Examples
    --------
    >>> GlobalAveragePooling3D().compute_output_shape((None, 2, 3, 4, 5))
    (None, 5)
    """

    rank, operation = 3, PAIRS["global_average_pool"]


# Keras's other names for them.
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
