"""What layers without weights that change the sizes of images have in common."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

from ... import _validate, config
from ..._typing import Array, Config, Pair, Shape
from ...geometry.channels import sample_shape, split_sample
from ...ops import Cost, resize_cost
from .arguments import LayerArguments, unknown_argument
from .layer import Layer
from .pure import Computed, Gradients, Space
from .shapes import BatchShape, checked_shape

__all__ = ["Margins", "SpatialLayer"]


class Margins:
    """Cells at both ends of each axis, as the argument `name` has them."""

    def __init__(self, name: str, cells: Any, rank: int, sign: int = 1) -> None:
        self.name, self.sign = name, sign
        self.pairs = _validate.pairs(name, cells, rank)

    @property
    def argument(self) -> Any:
        """Cells in Keras's form: a single axis has its pair as it is."""
        return self.pairs if len(self.pairs) > 1 else self.pairs[0]

    def added_to(self, sizes: BatchShape) -> BatchShape:
        """Return the sizes with the cells, or for a sign of -1 without them."""
        outputs = tuple(
            None if n is None else n + self.sign * (before + after)
            for n, (before, after) in zip(sizes, self.pairs, strict=True)
        )
        if self.sign < 0 and any(o is not None and o < 1 for o in outputs):
            raise ValueError(
                f"{self.name} must leave at least one cell, "
                f"got {self.argument} for spatial sizes {sizes}"
            )
        return outputs


class SpatialLayer(Layer):
    """
    A layer that is one operation of `ops` on images with `rank` spatial axes.

    It takes images of any size, as in Keras, also after it is built.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``.
    **kwargs
        Arguments of `Layer`.
    """

    # Of a layer that adds cells, or cuts them, the argument that says how many, and the
    # sign; others have hooks of their own.
    _cells: ClassVar[tuple[str, int]]
    rank: ClassVar[int]
    operation: ClassVar[Pair]
    # Some layers of Keras have one axis and know channels_last only.
    has_data_format: ClassVar[bool] = True

    def __init__(
        self, *, data_format: str | None = None, **kwargs: Unpack[LayerArguments]
    ) -> None:
        if data_format is not None and not self.has_data_format:
            raise unknown_argument(type(self), "data_format")
        super().__init__(**kwargs)
        with self._named():
            self.data_format = config.resolve_data_format(
                data_format if self.has_data_format else "channels_last"
            )
        self.input_rank = self.rank + 2

    @property
    def _margins(self) -> Margins:
        name, sign = self._cells
        return Margins(name, getattr(self, name), self.rank, sign)

    # Hooks of subclasses ---------------------------------------------------------

    def _output_sizes(self, sizes: BatchShape) -> BatchShape:
        """Return the spatial sizes of the output; those not known stay so."""
        return self._margins.added_to(sizes)

    def _options(self) -> Config:
        """Return what the operation is told beside the data format."""
        margins = self._margins
        return {margins.name: margins.argument}

    # Shapes ----------------------------------------------------------------------

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
            Batch axis first.

        Raises
        ------
        ValueError
            If the rank is wrong or the images are too small.
        """
        with self._named():
            shape = checked_shape(input_shape, self.input_rank)
            sizes, channels = split_sample(shape[1:], self.data_format)
            outputs = self._output_sizes(sizes)
            return (shape[0], *sample_shape(outputs, channels, self.data_format))

    def _check_input(self, shape: BatchShape) -> None:
        self.compute_output_shape(shape)

    # Forward and backward --------------------------------------------------------

    def compute(self, x: Array, *, workspace: Space = None, **_: Any) -> Computed:
        y, cache = self.operation[0](
            x, data_format=self.data_format, workspace=workspace, **self._options()
        )
        return y, cache

    def gradients(
        self, dy: Array, cache: Any, *, need_dx: bool = True, workspace: Space = None
    ) -> Gradients:
        if not need_dx:
            return None, {}
        return self.operation[1](dy, cache, workspace=workspace), {}

    def _cost(self, input_shape: Shape, **batch: Any) -> Cost:
        _, *outputs = self.compute_output_shape((None, *input_shape))
        return resize_cost(
            input_shape,
            tuple(size for size in outputs if size is not None),
            **batch,
            dtype=self.dtype,
        )

    def _arguments(self) -> Config:
        """Return the arguments beside the data format, as a config has them."""
        return self._options()

    def get_config(self) -> Config:
        """Return the arguments that make an equal layer; see `Layer.get_config`."""
        data_format = {"data_format": self.data_format} if self.has_data_format else {}
        return {**super().get_config(), **data_format, **self._arguments()}
