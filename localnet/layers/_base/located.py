"""What layers have in common whose weights depend on the place."""

import math
from typing import Any

import numpy as np

from ... import _validate
from ..._typing import Array, Config, Shape
from .shapes import BatchShape
from .windowed import WindowedLayer

__all__ = ["LocatedLayer"]

FANS = ("keras", "local")


class LocatedLayer(WindowedLayer):
    """
    A layer with windows that is built for one shape of the input.

    Parameters
    ----------
    fans : {"keras", "local"}
        What initializers of the VarianceScaling family take for fan_in and fan_out of
        the kernel: those that Keras reads off its shape, or those of the convolution
        that the layer replaces.
    **kwargs
        Arguments of `WindowedLayer`.
    """

    def __init__(self, *, fans: str = "keras", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        with self._named():
            self.fans = _validate.choice("fans", fans, FANS)
        # Shape of the kernel but for F, False where a tap falls on padding wherever it
        # is used; None if none does.
        self._mask: Array | None = None

    def _kernel_mask(self, input_shape: BatchShape) -> Array | None:
        """Return what `_mask` is to be; for a layer that never masks, None."""
        return None

    def _located_shapes(self, input_shape: BatchShape) -> tuple[Shape, Shape]:
        """Return the shapes of kernel and bias for a shape that is known."""
        raise NotImplementedError

    def _kernel_and_bias_shapes(self, input_shape: BatchShape) -> tuple[Shape, Shape]:
        if None in input_shape[1:]:
            raise ValueError(
                "input_shape must be known but for the batch axis, because every "
                f"location has weights of its own, got {input_shape}"
            )
        return self._located_shapes(input_shape)

    def _build(self, input_shape: BatchShape, rng: np.random.Generator) -> None:
        fans = None
        if self.fans == "local":
            _, patch_size, filters = self.weight_shapes(input_shape)["kernel"]
            # What a convolution of the same window would have.
            fans = patch_size, math.prod(self.kernel_size) * filters
        self._add_kernel_and_bias(input_shape, rng, fans=fans)
        self._mask = self._kernel_mask(input_shape)
        if self._mask is not None:
            self.params["kernel"] *= self._mask

    def _penalised(self, name: str) -> Array:
        # Taps on padding carry nothing, so that penalties are those of Keras's
        # implementation 3, which does not store them.
        weight = super()._penalised(name)
        if name == "kernel" and self._mask is not None:
            return weight * self._mask
        return weight

    def _penalty_gradient(self, name: str) -> Array:
        gradient = super()._penalty_gradient(name)
        if name == "kernel" and self._mask is not None:
            return gradient * self._mask
        return gradient

    def _check_input(self, shape: BatchShape) -> None:
        if self.input_shape is None or shape[1:] != self.input_shape[1:]:
            raise ValueError(
                f"input must have the shape the layer was built for, "
                f"{self.input_shape}, got {shape}"
            )

    def _located_config(self) -> Config:
        """Return what Keras has no key for, where it is off its default."""
        return {
            **({"dilation_rate": self.dilation_rate} if self.is_dilated else {}),
            **({"fans": self.fans} if self.fans != "keras" else {}),
        }
