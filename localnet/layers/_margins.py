"""Layers that add cells around images, or cut them away."""

from __future__ import annotations

from typing import Any, Unpack

from .. import _validate
from .._typing import Config
from ..ops import PAIRS
from ._base.arguments import LayerArguments
from ._base.spatial import SpatialLayer

__all__ = [
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Padding1D",
    "Padding2D",
    "Padding3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
]


class Padding(SpatialLayer):
    """The one implementation behind the layers that add cells of any value."""

    operation = PAIRS["constant_pad"]
    _cells = "padding", 1

    def __init__(
        self,
        padding: Any = 1,
        value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        with self._named():
            self.padding = padding
            self.padding = self._margins.argument
            self.value = _validate.number("value", value)

    def _options(self) -> Config:
        return {**super()._options(), "value": self.value}


class Padding1D(Padding):
    """
    Put cells of one value at the ends of a sequence.

    Parameters
    ----------
    padding : int or tuple of 2 ints
        Cells at both ends, or (before, after).
    value : float
        What they hold; LeCun's networks of 1989 see -1 around the image.
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If an argument breaks its rule.

    See Also
    --------
    ZeroPadding1D : Keras's layer, with zeros.
    localnet.ops.constant_pad_forward : The function behind it.

    Notes
    -----
    Keras has no such layer, so that a file of Keras cannot hold it.

    Examples
    --------
    >>> Padding1D((1, 2), value=-1.0)([[[5.0]]])[0, :, 0]
    array([-1.,  5., -1., -1.], dtype=float32)
    """

    rank = 1


class Padding2D(Padding):
    """
    Put cells of one value around an image.

    Parameters
    ----------
    padding : int, tuple of 2 ints or tuple of 2 pairs of ints
        Cells on all sides; (above and below, left and right); or
        ((above, below), (left, right)).
    value, data_format, **kwargs
        As for `Padding1D`.

    See Also
    --------
    Padding1D : Where every argument is explained.

    Examples
    --------
    >>> Padding2D(((1, 0), (0, 2)), value=-1.0)([[[[5.0]]]])[0, :, :, 0]
    array([[-1., -1., -1.],
           [ 5., -1., -1.]], dtype=float32)
    """

    rank = 2


class Padding3D(Padding):
    """
    Put cells of one value around a volume.

    Parameters
    ----------
    padding : int, tuple of 3 ints or tuple of 3 pairs of ints
        Cells on all sides, by axis, or by axis before and after.
    value, data_format, **kwargs
        As for `Padding1D`.

    See Also
    --------
    Padding1D : Where every argument is explained.

    Examples
    --------
    >>> Padding3D((1, 0, (0, 2))).compute_output_shape((None, 4, 4, 4, 1))
    (None, 6, 4, 6, 1)
    """

    rank = 3


class ZeroPadding(SpatialLayer):
    """The same with zeros, as Keras has it."""

    operation = PAIRS["constant_pad"]
    _cells = "padding", 1

    def __init__(
        self,
        padding: Any = 1,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        with self._named():
            self.padding = padding
            self.padding = self._margins.argument


class ZeroPadding1D(ZeroPadding):
    """
    Put zeros at the ends of a sequence.

    Parameters
    ----------
    padding : int or tuple of 2 ints
        Zeros at both ends, or (before, after).
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If an argument breaks its rule.

    See Also
    --------
    Padding1D : With another value, or for channels_first.
    localnet.ops.constant_pad_forward : The function behind it.

    Examples
    --------
    >>> ZeroPadding1D((1, 2))([[[5.0]]])[0, :, 0]
    array([0., 5., 0., 0.], dtype=float32)
    """

    rank, has_data_format = 1, False

    def __init__(self, padding: Any = 1, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(padding, **kwargs)


class ZeroPadding2D(ZeroPadding):
    """
    Put zeros around an image.

    Parameters
    ----------
    padding : int, tuple of 2 ints or tuple of 2 pairs of ints
        Zeros on all sides; (above and below, left and right); or
        ((above, below), (left, right)).
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``.
    **kwargs
        Arguments of `Layer`.

    See Also
    --------
    Padding2D : With another value.

    Examples
    --------
    >>> ZeroPadding2D((1, 2)).padding
    ((1, 1), (2, 2))
    """

    rank = 2


class ZeroPadding3D(ZeroPadding):
    """
    Put zeros around a volume.

    Parameters
    ----------
    padding : int, tuple of 3 ints or tuple of 3 pairs of ints
        Zeros on all sides, by axis, or by axis before and after.
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``.
    **kwargs
        Arguments of `Layer`.

    See Also
    --------
    Padding3D : With another value.

    Examples
    --------
    >>> ZeroPadding3D(2).compute_output_shape((None, 4, None, 4, 1))
    (None, 8, None, 8, 1)
    """

    rank = 3


class Cropping(SpatialLayer):
    """The one implementation behind the three public classes."""

    operation = PAIRS["crop"]
    _cells = "cropping", -1

    def __init__(
        self,
        cropping: Any = 0,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        with self._named():
            self.cropping = cropping
            self.cropping = self._margins.argument


class Cropping1D(Cropping):
    """
    Cut the ends off a sequence.

    Parameters
    ----------
    cropping : int or tuple of 2 ints
        Cells cut at both ends, or (before, after).
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If an argument breaks its rule, or when no cell is left of an input.

    See Also
    --------
    localnet.ops.crop_forward : The function behind it.

    Examples
    --------
    >>> Cropping1D((1, 2))([[[1.0], [2.0], [3.0], [4.0]]])[0, :, 0]
    array([2.], dtype=float32)
    """

    rank, has_data_format = 1, False

    def __init__(
        self, cropping: Any = (1, 1), **kwargs: Unpack[LayerArguments]
    ) -> None:
        super().__init__(cropping, **kwargs)


class Cropping2D(Cropping):
    """
    Cut the borders off an image.

    Parameters
    ----------
    cropping : int, tuple of 2 ints or tuple of 2 pairs of ints
        Cells cut on all sides; (above and below, left and right); or
        ((above, below), (left, right)).
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``.
    **kwargs
        Arguments of `Layer`.

    See Also
    --------
    Cropping1D : Where more is explained.

    Examples
    --------
    >>> Cropping2D(((1, 0), 2)).compute_output_shape((None, 6, 6, 3))
    (None, 5, 2, 3)
    """

    rank = 2


class Cropping3D(Cropping):
    """
    Cut the borders off a volume.

    Parameters
    ----------
    cropping : int, tuple of 3 ints or tuple of 3 pairs of ints
        Cells cut on all sides, by axis, or by axis before and after.
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``.
    **kwargs
        Arguments of `Layer`.

    See Also
    --------
    Cropping1D : Where more is explained.

    Examples
    --------
    >>> Cropping3D().cropping
    ((1, 1), (1, 1), (1, 1))
    """

    rank = 3

    def __init__(
        self,
        cropping: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)
