"""The layer that takes products of its two inputs along one axis of each."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from .. import _validate
from .._typing import Array
from ._base.arguments import LayerArguments
from ._base.pure import Computed, Gradients
from ._base.several import MultiInputLayer
from ._base.shapes import BatchShape
from ._normalization import normalized, normalized_backward

__all__ = ["Dot", "dot"]


class Dot(MultiInputLayer):
    """
    Sum the products of two inputs along one axis of each, sample by sample.

    Parameters
    ----------
    axes : int or (int, int)
        The axis of each input, the batch axis being 0; negative ones count from the
        end.
    normalize : bool
        Whether to divide by the lengths first: the result is a cosine then.
    **kwargs
        Arguments of `Layer`.

    Raises
    ------
    ValueError
        If `axes` are no axes, or when it is called, if their sizes differ.

    Notes
    -----
    The axes that are left follow one another, those of the first input first; where
    none is left, the result has one of size 1.

    Examples
    --------
    >>> Dot(axes=1)([[[1.0, 2.0]], [[10.0, 20.0]]])
    array([[50.]], dtype=float32)
    """

    input_count = 2
    config_names = ("axes", "normalize")

    def __init__(
        self, axes: Any, normalize: bool = False, **kwargs: Unpack[LayerArguments]
    ) -> None:
        super().__init__(**kwargs)
        with self._named():
            pair = axes if isinstance(axes, (list, tuple)) else (axes, axes)
            if len(pair) != 2:
                raise ValueError(
                    f"axes must be one axis or two, got {_validate.shown(axes)}"
                )
            for axis in pair:
                if _validate.integer("axes", axis, minimum=-64, maximum=63) == 0:
                    raise ValueError(f"axes must not be that of the batch, got {axes}")
            self.axes = axes if isinstance(axes, int) else list(pair)
            self.normalize = _validate.flag("normalize", normalize)

    def _axes_of(self, ranks: tuple[int, int]) -> tuple[int, int]:
        pair = (self.axes,) * 2 if isinstance(self.axes, int) else self.axes
        found = [
            axis + (rank if axis < 0 else 0)
            for axis, rank in zip(pair, ranks, strict=True)
        ]
        for axis, rank in zip(found, ranks, strict=True):
            if not 0 < axis < rank:
                raise ValueError(
                    f"axes must be axes of the inputs but the first, got {self.axes} "
                    f"for {ranks[0]} and {ranks[1]} axes"
                )
        return found[0], found[1]

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        """Return the axes that are left; see `MultiInputLayer.compute_output_shape`."""
        with self._named():
            first, second = self._checked_input_shape(input_shape)
            one, other = self._axes_of((len(first), len(second)))
            sizes = {first[one], second[other]} - {None}
            if len(sizes) > 1 or len({first[0], second[0]} - {None}) > 1:
                raise ValueError(
                    f"inputs must have equal sizes on axes {one} and {other}, got "
                    f"{first} and {second}"
                )
            batch = first[0] if first[0] is not None else second[0]
            left = [size for axis, size in enumerate(first) if axis not in (0, one)]
            left += [size for axis, size in enumerate(second) if axis not in (0, other)]
        return (batch, *left) if left else (batch, 1)

    def compute(self, x: Any, **_: Any) -> Computed:
        axes = self._axes_of((x[0].ndim, x[1].ndim))
        last = [np.moveaxis(a, axis, -1) for a, axis in zip(x, axes, strict=True)]
        caches: list[Any] = [None, None]
        units = list(last)
        if self.normalize:
            for place, array in enumerate(last):
                units[place], caches[place] = normalized(array, (-1,))
        a, b = (unit.reshape(len(unit), -1, unit.shape[-1]) for unit in units)
        left = (*units[0].shape[1:-1], *units[1].shape[1:-1]) or (1,)
        y = np.matmul(a, b.transpose(0, 2, 1)).reshape(len(a), *left)
        return y, (a, b, [unit.shape for unit in units], caches, axes)

    def gradients(self, dy: Array, cache: Any) -> Gradients:
        a, b, shapes, caches, axes = cache
        dy = dy.reshape(len(a), a.shape[1], b.shape[1])
        parts = [np.matmul(dy, b), np.matmul(dy.transpose(0, 2, 1), a)]
        dxs = []
        for part, shape, inner, axis in zip(parts, shapes, caches, axes, strict=True):
            dx = part.reshape(shape)
            if inner is not None:
                dx = normalized_backward(dx, inner)
            dxs.append(np.moveaxis(dx, -1, axis))
        return tuple(dxs), {}


def dot(inputs: Any, axes: Any, normalize: bool = False, **kwargs: Any) -> Any:
    """Call a `Dot` layer on two arrays or handles; see `Dot`."""
    return Dot(axes, normalize, **kwargs)(inputs)
