"""What layers with windows share: filters, where the windows lie, and their shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from ... import _validate, config
from ..._typing import Array, Config, Shape
from ...geometry import Geometry
from ...geometry.channels import sample_shape, split_sample
from ...geometry.padding import Pads, by_axis, checked_pads, output_length
from .._activation import Activated
from .kernel import KERNEL_ARGUMENTS, LiveWeight, take_kernel
from .layer import Layer
from .shapes import BatchShape, checked_shape

__all__ = ["WindowedLayer"]

FANS = ("keras", "local")


class WindowedLayer(Layer):
    """
    A layer whose outputs look through windows; `rank` counts its spatial axes.

    Every location has weights of its own, unless a subclass says otherwise.

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
    fans : {"keras", "local"}
        What initializers of the VarianceScaling family take for fan_in and fan_out of
        the kernel: those that Keras reads off its shape, or those of the convolution
        that the layer replaces.
    **arguments
        What `take_kernel` wants to know, and arguments of `Layer`.
    """

    rank: ClassVar[int]
    # The words that `padding` may be, and how `Geometry` understands them.
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")
    placement: ClassVar[str] = "local"

    config_names = ("filters", "kernel_size", "strides", "padding", "data_format")
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
    # Shape of the kernel but for F, False where a tap falls on padding wherever it
    # is used; None if none does.
    _mask: Array | None = None

    def __init__(
        self,
        *,
        filters: int,
        kernel_size: Any,
        strides: Any,
        padding: Any,
        data_format: str | None,
        dilation_rate: Any,
        fans: str = "keras",
        **arguments: Any,
    ) -> None:
        kernel = {name: arguments.pop(name) for name in KERNEL_ARGUMENTS}
        super().__init__(**arguments)
        with self._named():
            take_kernel(self, kernel)
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
            self.fans = _validate.choice("fans", fans, FANS)
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

    # Weights ---------------------------------------------------------------------

    def _kernel_and_bias_shapes(self, input_shape: BatchShape) -> tuple[Shape, Shape]:
        """Return both shapes, if the layer can work on the input's."""
        if None in input_shape[1:]:
            raise ValueError(
                "input_shape must be known but for the batch axis, because every "
                f"location has weights of its own, got {input_shape}"
            )
        return self._located_shapes(input_shape)

    def _located_shapes(self, input_shape: BatchShape) -> tuple[Shape, Shape]:
        """Return both shapes for a shape that is known."""
        raise NotImplementedError

    def _kernel_mask(self, input_shape: BatchShape) -> Array | None:
        """Return what `_mask` is to be; for a layer that never masks, None."""
        return None

    def weight_shapes(self, input_shape: Sequence[int | None]) -> dict[str, Shape]:
        """Return the shapes of kernel and bias; see `Layer.weight_shapes`."""
        with self._named():
            shape = checked_shape(input_shape, self.input_rank)
            kernel, bias = self._kernel_and_bias_shapes(shape)
        return {"kernel": kernel, **({"bias": bias} if self.use_bias else {})}

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create kernel and bias; see `Layer.build`."""
        shapes = self.weight_shapes(input_shape)
        fans = None
        if self.fans == "local":
            _, patch_size, filters = shapes["kernel"]
            # What a convolution of the same window would have.
            fans = patch_size, math.prod(self.kernel_size) * filters
        # Taps on padding carry nothing, so that penalties are those of Keras's
        # implementation 3, which does not store them.
        self._mask = self._kernel_mask(tuple(input_shape))
        rules = self._rules_of("kernel")
        self.add_weight("kernel", shapes["kernel"], **rules, fans=fans, mask=self._mask)
        if self.use_bias:
            self.add_weight("bias", shapes["bias"], **self._rules_of("bias"))

    def _check_input(self, shape: BatchShape) -> None:
        if self.input_shape is None or shape[1:] != self.input_shape[1:]:
            raise ValueError(
                f"input must have the shape the layer was built for, "
                f"{self.input_shape}, got {shape}"
            )

    # Config ----------------------------------------------------------------------

    def _located_config(self) -> Config:
        """Return what Keras has no key for, where it is off its default."""
        return {
            **({"dilation_rate": self.dilation_rate} if self.is_dilated else {}),
            **({"fans": self.fans} if self.fans != "keras" else {}),
        }
