"""
The weights that a config implies: their shapes, here and in a file, before any exists.

A file is compared with the plan of its own config before memory is taken, and each
kernel is converted between its layout in the file and the one canonical layout.
"""

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import layers as layers_module
from ._typing import Array, Config, Shape
from .interop import convert_kernel
from .interop.layouts import kernel_shape
from .layers import InputLayer, Layer
from .layers.local import LocallyConnected
from .layers.located import LocatedLayer
from .layers.shapes import BatchShape

__all__ = ["LayerPlan", "file_bytes", "plan_config", "plan_model"]

# Numbers that may be worked with however small the file is: 8 MB of indices.
SPARE = 2**20
# How many times the numbers of a file its canonical kernels and indices may be: taps
# on padding are not stored at implementation 3.
GROWTH = 64
# Bytes per number, and copies of each weight: RMSprop's three, an average, and itself.
WIDEST, COPIES = 8, 5
HDF5_OVERHEAD = 2**16


class LayerPlan(NamedTuple):
    """
    A layer, the shape of its input, and the shapes of its weights.

    If it `exists` already, its kernel may come in any layout, and no size is checked.
    """

    layer: Layer
    input_shape: BatchShape
    shapes: dict[str, Shape]
    exists: bool = False

    @property
    def core(self) -> tuple[Layer, BatchShape]:
        """The layer that the weights belong to, and the shape of its input."""
        *wrappers, layer = self.layer.with_inner()
        batch, *sizes = self.input_shape
        return layer, (batch, *sizes[len(wrappers) :])

    def layouts(self, *, native: bool) -> list[str]:
        """Return the layouts that the kernel may have in a file, likeliest first."""
        layer, _ = self.core
        if native or not isinstance(layer, LocallyConnected):
            return ["keras1"]
        if layer.rank > 2 or layer.shares:  # which Keras has not
            return ["keras1"]
        likely = f"keras{layer.implementation}"
        if layer.padding == "same" and layer.implementation == 1:
            likely = "keras3"  # Keras has no "same" at implementation 1
        return sorted(("keras1", "keras2", "keras3"), key=lambda name: name != likely)

    def layout_of(self, kernel: Shape, *, native: bool) -> str:
        """Return the layout that a kernel of this shape has in a file, by its rank."""
        layouts = self.layouts(native=native)
        spatial = len(self.core[1]) - 2
        ranks = {"keras1": 3, "keras2": 2 * spatial + 2, "keras3": 1}
        if self.exists:
            layouts = [n for n in layouts if ranks[n] == len(kernel)] or layouts
        return layouts[0]

    def stored_shapes(self, layout: str) -> dict[str, Shape]:
        """Return the shapes that the weights have in a file."""
        shapes = dict(self.shapes)
        layer, input_shape = self.core
        if layout != "keras1" and isinstance(layer, LocallyConnected):
            geometry = layer.geometry(input_shape)
            shapes["kernel"] = kernel_shape(layout, geometry, layer.filters)
        return shapes

    def check_size(self, numbers: int) -> None:
        """
        Refuse weights that a file with so many numbers cannot hold.

        Raises
        ------
        ValueError
            If working with them took much more memory than the file has numbers.
        """
        if self.exists:
            return
        sizes = [math.prod(shape) for shape in self.shapes.values()]
        layer, input_shape = self.core
        if isinstance(layer, LocatedLayer) and layer.padding != "valid":
            # The taps of every window are listed along each axis.
            geometry = layer.geometry(input_shape)
            sizes += map(operator.mul, geometry.output_sizes, geometry.kernel_size)
        if (
            isinstance(layer, LocallyConnected)
            and (layer.padding != "valid" or layer.implementation > 1)
            and not layer.shares
        ):
            # Windows are then listed one by one, out of numbered cells.
            geometry = layer.geometry(input_shape)
            sizes.append(math.prod(geometry.padded_sizes) * geometry.channels)
        if max(sizes, default=0) > max(SPARE, GROWTH * numbers):
            raise ValueError(
                f"{self.layer.name} must fit into the file, needs arrays of "
                f"{max(sizes)} numbers where the file holds {numbers}"
            )

    def convert(
        self, name: str, array: Array, source: str, target: str, fill: float = 0.0
    ) -> Array:
        """
        Return a weight, or what belongs to it, in another layout.

        Entries that `source` does not have are filled.
        """
        layer, input_shape = self.core
        if name != "kernel" or source == target:
            return array
        if not isinstance(layer, LocallyConnected):
            return array
        if fill != 0:
            known = self.convert(name, np.ones_like(array), source, target)
            converted = self.convert(name, array, source, target)
            converted[known == 0] = fill
            return converted
        return convert_kernel(
            array,
            source,
            target,
            input_shape=tuple(size for size in input_shape[1:] if size is not None),
            kernel_size=layer.kernel_size,
            filters=layer.filters,
            strides=layer.strides,
            padding=layer.padding,
            dilation_rate=layer.dilation_rate,
            data_format=layer.data_format,
        )


def plan_model(layers: Iterable[Layer]) -> list[LayerPlan]:
    """Return the plans of built layers."""
    return [
        LayerPlan(
            layer,
            layer.input_shape or (None,),
            {name: value.shape for name, value in layer.params.items()},
            exists=True,
        )
        for layer in layers
    ]


def plan_config(config: Config) -> list[LayerPlan]:
    """
    Work out the weights of a Sequential from its config, without creating any.

    Parameters
    ----------
    config : dict
        With ``layers`` and, if no layer names it, ``build_input_shape``.

    Returns
    -------
    list of LayerPlan
        One per layer but for an InputLayer.

    Raises
    ------
    ValueError
        If a layer is unknown or does not fit, or the input's shape is nowhere named.
    """
    layers = [layers_module.deserialize(entry) for entry in config["layers"]]
    shape = _input_shape(layers, config.get("build_input_shape"))
    plans = []
    for layer in layers:
        shapes = _shapes(layer, shape)
        if not isinstance(layer, InputLayer):
            plans.append(LayerPlan(layer, shape, shapes))
        shape = layer.compute_output_shape(shape)
    return plans


def _shapes(layer: Layer, input_shape: BatchShape) -> dict[str, Shape]:
    cls = type(layer.with_inner()[-1])
    if cls._build is Layer._build or cls.weight_shapes is not Layer.weight_shapes:
        return layer.weight_shapes(input_shape)
    # A class of the user's own, which has to be built to be known.
    layer.build(input_shape)
    return {name: value.shape for name, value in layer.params.items()}


def _input_shape(layers: Sequence[Layer], declared: Any) -> BatchShape:
    shape = declared
    if layers and layers[0].batch_input_shape is not None:
        shape = layers[0].batch_input_shape
    if not isinstance(shape, (list, tuple)) or not shape:
        raise ValueError(
            "the shape of the model's input must stand in its config, got "
            f"{shape!r:.100}: save the model again after it has seen data"
        )
    return tuple(shape)


def file_bytes(config: Config) -> int:
    """
    Return the bytes that the weights of a config may take in a file of Keras.

    Parameters
    ----------
    config : dict
        ``class_name`` and ``config`` of a model.

    Returns
    -------
    int
        0 if the config is not understood; reading it will say why.
    """
    try:
        plans = plan_config(config["config"])
        for plan in plans:
            # Counting connections takes memory too.
            if plan.layouts(native=False)[0] == "keras3":
                plan.check_size(0)
        shapes = [
            shape
            for plan in plans
            for shape in plan.stored_shapes(plan.layouts(native=False)[0]).values()
        ]
    except (KeyError, TypeError, ValueError):
        return 0
    numbers = sum(math.prod(shape) for shape in shapes)
    return COPIES * WIDEST * numbers + HDF5_OVERHEAD * len(plans)
