"""What layers with windows share: filters, where the windows lie, and their shapes."""

from typing import Any, ClassVar

from ... import _validate, config
from ..._typing import Config
from ...geometry import Geometry
from ...geometry.channels import sample_shape, split_sample
from ...geometry.padding import Pads, by_axis, checked_pads, output_length
from .kernel import KernelLayer
from .shapes import BatchShape, checked_shape

__all__ = ["WindowedLayer"]


class WindowedLayer(KernelLayer):
    """
    A kernel layer whose outputs look through windows; `rank` counts its spatial axes.

    Parameters
    ----------
    filters : int
        F, outputs per location.
    kernel_size : int or tuple of int
        R, the window.
    strides : int or tuple of int
        Steps between windows; must be 1 where `dilation_rate` is not.
    padding : str or sequence of (int, int)
        One of `paddings`, any case, or the cells added before and after each axis.
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``, read when the layer is made.
    dilation_rate : int or tuple of int
        Distance between the taps of a window.
    **kwargs
        Arguments of `KernelLayer`.
    """

    rank: ClassVar[int]
    # The words that `padding` may be, and how `Geometry` understands them.
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")
    placement: ClassVar[str] = "local"

    def __init__(
        self,
        *,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        with self._named():
            self.filters = _validate.integer("filters", filters, minimum=1)
            self.kernel_size = _validate.sizes("kernel_size", kernel_size, self.rank)
            self.strides = _validate.sizes("strides", strides, self.rank)
            self.padding: Any = self._checked_padding(padding)
            self.data_format = config.resolve_data_format(data_format)
            self.dilation_rate = _validate.sizes(
                "dilation_rate", dilation_rate, self.rank
            )
            if max(self.dilation_rate) > 1 and max(self.strides) > 1:
                raise ValueError(
                    "dilation_rate must be 1 where strides is not, got "
                    f"dilation_rate {self.dilation_rate} and strides {self.strides}"
                )
        self.input_rank = self.rank + 2

    def _checked_padding(self, padding: Any) -> str | Pads:
        if isinstance(padding, (list, tuple)):
            return checked_pads(padding, self.rank, self.paddings)
        return _validate.choice("padding", padding, self.paddings)

    @property
    def is_dilated(self) -> bool:
        """Whether the taps of a window stand apart."""
        return max(self.dilation_rate) > 1

    @property
    def _windows(self) -> dict[str, Any]:
        """Where the windows lie, as `ops` takes it."""
        return {
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation_rate,
            "data_format": self.data_format,
        }

    def geometry(self, input_shape: BatchShape) -> Geometry:
        """
        Return the windows of the layer over a shape of the input.

        Parameters
        ----------
        input_shape : tuple of int or None
            Batch axis first.

        Returns
        -------
        Geometry
            Sizes only; no array is made.
        """
        return Geometry.of(
            tuple(size for size in input_shape[1:] if size is not None),
            **self._windows,
            placement=self.placement,
        )

    def _output_sizes(self, sizes: BatchShape) -> BatchShape:
        """Return the spatial sizes of the output; those not known stay so."""
        axes = zip(
            sizes,
            self.kernel_size,
            self.strides,
            by_axis(self.padding, self.rank),
            self.dilation_rate,
            strict=True,
        )
        return tuple(output_length(*axis) for axis in axes)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """
        Return the shape of the output for a shape of the input.

        Parameters
        ----------
        input_shape : tuple of int or None
            (N, *S, C) or (N, C, *S); sizes that are not known stay so.

        Returns
        -------
        tuple of int or None
            (N, *O, F) or (N, F, *O).

        Raises
        ------
        ValueError
            If the rank is wrong or no window fits into an axis.

        Examples
        --------
        >>> from localnet.layers import LocallyConnected1D
        >>> LocallyConnected1D(64, 3).compute_output_shape((None, 10, 32))
        (None, 8, 64)
        """
        with self._named():
            shape = checked_shape(input_shape, self.input_rank)
            sizes, _ = split_sample(shape[1:], self.data_format)
            outputs = self._output_sizes(sizes)
            if any(o is not None and o < 1 for o in outputs):
                raise ValueError(
                    "kernel_size must leave at least one output location, got "
                    f"{self.kernel_size} for input_shape {shape}"
                )
            return (shape[0], *sample_shape(outputs, self.filters, self.data_format))

    def _window_config(self) -> Config:
        """Return the part of the config that says where the windows lie."""
        return {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
        }
