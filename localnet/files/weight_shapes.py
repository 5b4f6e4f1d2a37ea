"""
The weights that a config implies: their shapes, here and in a file, before any exists.

A file is compared with the plan of its own config before memory is taken, and each
kernel is converted between its layout in the file and the one canonical layout.
"""

import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._typing import Array, Shape
from .._validate import shown
from ..interop import convert_kernel
from ..interop.layouts import kernel_shape
from ..layers import InputLayer, Layer
from ..layers._base.shapes import BatchShape
from ..layers._base.windowed import WindowedLayer
from ..layers._conv import Conv
from ..layers._local.plain import LocallyConnected
from .keras.configs import WRAPPING
from .keras.v3 import INNER, class_keys

__all__ = ["LayerPlan", "file_bytes", "legacy_order", "plan_model", "with_paths"]

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
    `names` are those of the models that it lies in, and its own; `key` is where Keras's
    third layout has it.
    """

    layer: Layer
    input_shape: BatchShape
    shapes: dict[str, Shape]
    exists: bool = False
    names: tuple[str, ...] = ()
    key: str = ""
    # As in `Program.layers`.
    path: str = ""

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
        if (
            isinstance(layer, WindowedLayer)
            and not isinstance(layer, Conv)
            and layer.padding != "valid"
        ):
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


def plan_model(model: Any) -> list[LayerPlan]:
    """
    Return the plans of a built model, those of models within it too.

    Parameters
    ----------
    model : Sequential or Model
        Built.

    Returns
    -------
    list of LayerPlan
        One per layer but for inputs, in the order of the weights.

    Raises
    ------
    ValueError
        If a layer lies in two of the models: in a file they would be two layers.
    """
    plans = with_paths(list(_plans_of(model, (), "")))
    seen: dict[int, str] = {}
    for plan in plans:
        if id(plan.layer) in seen:
            raise ValueError(
                f"a layer must lie in one model to be saved, got {shown(plan.path)} "
                "that is "
                f"{seen[id(plan.layer)]!r} too"
            )
        seen[id(plan.layer)] = plan.path
    return plans


def with_paths(plans: Sequence[LayerPlan]) -> list[LayerPlan]:
    """
    Give every plan a path of its own.

    Parameters
    ----------
    plans : sequence of LayerPlan
        Of a whole model, with names.

    Returns
    -------
    list of LayerPlan
        The path is the name, after those of the models that a layer lies in.
    """
    paths: set[str] = set()
    found = []
    for plan in plans:
        path = "/".join(plan.names)
        while path in paths:  # a name may have a slash in it
            path += "_"
        paths.add(path)
        found.append(plan._replace(path=path))
    return found


def _plans_of(model: Any, names: tuple[str, ...], key: str) -> Iterator[LayerPlan]:
    before = f"{key}/layers/" if key else ""
    if _class_name_of(model) in WRAPPING:
        yield from _plans_of(model.layer, (*names, model.layer.name), f"{key}/{INNER}")
        return
    keys = class_keys([_class_name_of(part) for part in model.layers])
    for part, stem in zip(model.layers, keys, strict=True):
        inner = (*names, part.name)
        if not isinstance(part, Layer):
            yield from _plans_of(part, inner, f"{before}{stem}")
        elif not isinstance(part, InputLayer):
            yield LayerPlan(
                part,
                part.input_shape or (None,),
                {name: value.shape for name, value in part.params.items()},
                exists=True,
                names=inner,
                key=f"{before}{stem}",
            )


def legacy_order(plans: Sequence[LayerPlan]) -> list[tuple[int, str]]:
    """
    Return the order of the weights of a layer, or of a model, in legacy HDF5 files.

    Parameters
    ----------
    plans : sequence of LayerPlan
        Of one layer, or of all layers in one model within a model.

    Returns
    -------
    list of (int, str)
        Number of the plan, and name of the weight: in a model, all that learn come
        before all that do not.
    """
    weights = [(i, name) for i, plan in enumerate(plans) for name in plan.shapes]
    learning = [plans[i].layer.learns(name) for i, name in weights]
    if len(plans) == 1:
        return weights
    return [
        weight
        for wanted in (True, False)
        for weight, learns in zip(weights, learning, strict=True)
        if learns is wanted
    ]


def _class_name_of(part: Any) -> str:
    """Return the name that a config has for the class of a layer or model."""
    return getattr(part, "class_name", None) or type(part).__name__


def file_bytes(plans: Sequence[LayerPlan]) -> int:
    """
    Return the bytes that planned weights may take in a file of Keras.

    Parameters
    ----------
    plans : sequence of LayerPlan
        Of the whole model.

    Returns
    -------
    int
        With what HDF5 takes for itself.

    Raises
    ------
    ValueError
        If working it out would take much memory already.
    """
    for plan in plans:
        # Counting connections takes memory too.
        if plan.layouts(native=False)[0] == "keras3":
            plan.check_size(0)
    shapes = [
        shape
        for plan in plans
        for shape in plan.stored_shapes(plan.layouts(native=False)[0]).values()
    ]
    numbers = sum(math.prod(shape) for shape in shapes)
    return COPIES * WIDEST * numbers + HDF5_OVERHEAD * len(plans)
