"""Who is connected to whom by which weight: dense, local and convolution as one."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import _validate
from .._typing import Array, Shape
from ..geometry import Geometry
from ..layers import Dense, Layer
from ..layers._conv import Conv
from ..layers._local.plain import LocallyConnected
from ..ops import patch_indices

__all__ = ["KINDS", "TITLES", "Wiring", "wiring"]

KINDS = ("local", "convolution", "dense")
TITLES = {"local": "locally connected", "convolution": "convolution", "dense": "dense"}


@dataclass(frozen=True, eq=False)
class Wiring:
    """
    The connections of a layer.

    Parameters
    ----------
    kind : {"local", "convolution", "dense"}
        Whether weights are free, shared by all windows, or there is a single window
        over the whole input.
    windows : Geometry
        Where the windows lie.
    outputs : tuple of int
        Sizes by which an output is addressed: O, or the units of a dense layer.
    filters : int
        F, outputs of a window.
    kernel : ndarray of shape (L, K, F), or (1, K, F) if shared; or None
        The weights in the order of the patches, if it is a layer that has them.
    """

    kind: str
    windows: Geometry
    outputs: Shape
    filters: int
    kernel: Array | None = None

    @property
    def has_shared_weights(self) -> bool:
        """Whether all windows use the same weights."""
        return self.kind == "convolution"

    def location(self, value: Any) -> tuple[int, Shape]:
        """Return an output as a row-major index and as coordinates."""
        outputs = self.outputs
        try:
            index = (int(value),) if isinstance(value, (int, np.integer)) else value
            index = tuple(_validate.integer("location", i, minimum=0) for i in index)
            if len(index) == 1:
                flat = index[0]
                index = tuple(int(i) for i in np.unravel_index(flat, outputs))
            flat = int(np.ravel_multi_index(index, outputs))
        except (TypeError, ValueError):
            raise ValueError(
                f"location must be an integer from 0 to {math.prod(outputs) - 1} or an "
                f"index into the output sizes {outputs}, got {_validate.shown(value)}"
            ) from None
        return flat, index

    def taps(self) -> Array:
        """Return the cell of the padded input that every tap reads: (L, prod(R))."""
        padded = replace(
            self.windows,
            channels=1,
            input_sizes=self.windows.padded_sizes,
            pads=((0, 0),) * self.windows.rank,
        )
        return patch_indices(padded)


def wiring(
    source: Any, *, kind: Any = None, filters: Any = None, input_shape: Any = None
) -> Wiring:
    """
    Return the connections of a layer, or of what a Geometry would be as one.

    Parameters
    ----------
    source : Layer or Geometry
        A built layer, or windows.
    kind : {"local", "convolution", "dense"}, optional
        For a Geometry; default ``local``.
    filters : int, optional
        For a Geometry; default 1.
    input_shape : tuple of int, optional
        Shape of one sample, for a layer that does not know it.

    Returns
    -------
    Wiring
        With weights if `source` is a layer.

    Raises
    ------
    ValueError
        If an argument breaks its rule.
    """
    if isinstance(source, Geometry):
        if input_shape is not None:
            raise ValueError(
                "input_shape must be left out with a Geometry, got "
                f"{_validate.shown(input_shape)}"
            )
        return _of_geometry(
            source,
            _validate.choice("kind", "local" if kind is None else kind, KINDS),
            _validate.integer("filters", 1 if filters is None else filters, minimum=1),
        )
    if not isinstance(source, Layer):
        raise ValueError(
            f"source must be a layer or a Geometry, got {type(source).__name__}"
        )
    for name, value in (("kind", kind), ("filters", filters)):
        if value is not None:
            raise ValueError(
                f"{name} must be left out with a layer, got {_validate.shown(value)}"
            )
    return _of_layer(source, input_shape)


def _of_geometry(geometry: Geometry, kind: str, filters: int) -> Wiring:
    if kind == "dense":
        units = geometry.locations * filters
        return Wiring(kind, _one_window(geometry), geometry.output_sizes, units)
    return Wiring(kind, geometry, geometry.output_sizes, filters)


def _one_window(like: Geometry) -> Geometry:
    return Geometry.of(
        like.input_shape, kernel_size=like.input_sizes, data_format=like.data_format
    )


def _of_layer(layer: Layer, input_shape: Any) -> Wiring:
    kernel = layer.params.get("kernel")
    if not layer.built or layer.input_shape is None:
        raise ValueError(
            f"source must be a built layer, got {_validate.shown(layer.name)} before "
            "its first input"
        )
    known = layer.input_shape[1:]
    shape: Any = known
    if input_shape is not None:
        shape = _validate.shape("input_shape", input_shape, minimum=1)
    if isinstance(layer, Dense) and kernel is not None:
        return _of_dense(kernel, shape)
    if len(shape) != len(known) or any(
        n not in (None, size) for n, size in zip(known, shape, strict=True)
    ):
        raise ValueError(
            f"input_shape must agree with that of the layer, {known}, got {shape}"
        )
    if None in shape:
        raise ValueError(f"input_shape must be given for a layer that has {known}")
    if isinstance(layer, LocallyConnected) and kernel is not None:
        windows = layer.geometry((None, *shape))
        return Wiring("local", windows, windows.output_sizes, layer.filters, kernel)
    if isinstance(layer, Conv) and layer.groups == 1 and kernel is not None:
        return _of_convolution(kernel, layer.geometry((None, *shape)))
    raise ValueError(
        "source must be a Dense, a locally connected or a convolution layer without "
        f"groups, got {type(layer).__name__}"
    )


def _of_convolution(kernel: Array, windows: Geometry) -> Wiring:
    """Bring a kernel (*R, C, F) into the order of the patches."""
    filters = kernel.shape[-1]
    by_patch = kernel if windows.channels_last else np.moveaxis(kernel, -2, 0)
    weights = by_patch.reshape(1, windows.patch_size, filters)
    return Wiring("convolution", windows, windows.output_sizes, filters, weights)


def _of_dense(kernel: Array, shape: Shape) -> Wiring:
    inputs, units = kernel.shape
    if math.prod(size for size in shape if size) != inputs:
        raise ValueError(
            f"input_shape must hold the {inputs} inputs of the layer, got {shape}"
        )
    laid = shape if len(shape) > 1 else (*shape, 1)
    windows = Geometry.of(laid, kernel_size=laid[:-1])
    return Wiring("dense", windows, (units,), units, kernel[np.newaxis])
