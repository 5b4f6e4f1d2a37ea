"""How a layer is built, or called on a handle: what fits it, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import _validate
from ..._typing import Array
from .arguments import resolve
from .shapes import BatchShape
from .undo import unchanged_on_error
from .weights import Weight, Weights

if TYPE_CHECKING:
    from .layer import Layer

__all__ = ["add_weight", "build_whole", "traced"]


def add_weight(
    self: Layer,
    name: str,
    shape: Sequence[int],
    *,
    initializer: Any = None,
    regularizer: Any = None,
    constraint: Any = None,
    trainable: bool = True,
    fans: tuple[int, int] | None = None,
    mask: Array | None = None,
) -> Array:
    """
    Add a weight to the layer that is being built, as ``self.params[name]``.

    Parameters
    ----------
    name : str
        Its key in `params` and `grads`.
    shape : tuple of int
        Without a batch axis.
    initializer : initializer, optional
        How it is born; default glorot_uniform.
    regularizer : regularizer, optional
        Penalty on it, which `gradients` need not know of.
    constraint : constraint, optional
        Applied after every update by an optimizer.
    trainable : bool
        Whether an optimizer may change it; if not, it needs no gradient.
    fans : (int, int), optional
        What initializers of the VarianceScaling family take for fan_in and fan_out.
    mask : ndarray of bool, optional
        False for values that carry nothing: they start at 0 and are not penalised.

    Returns
    -------
    ndarray
        The live weight; an attribute that it is assigned to remains that.

    Raises
    ------
    ValueError
        If an argument breaks its rule, or the layer is not being built.
    """
    if self._births is None:
        raise ValueError(
            f"{self.name}: add_weight must be called in build, got a call for "
            f"{name!r} outside of it"
        )
    if not isinstance(name, str) or name in self.params:
        raise ValueError(
            f"name must be a string that is new, got {_validate.shown(name)}"
        )
    weight = Weight(
        resolve(f"{name}_initializer", initializer),
        resolve(f"{name}_regularizer", regularizer),
        resolve(f"{name}_constraint", constraint),
        _validate.flag("trainable", trainable),
        mask,
    )
    sizes = _validate.shape("shape", shape)
    try:
        self._held.add(name, sizes, weight, self.weight_dtype, self._births, fans)
    except MemoryError as error:
        raise MemoryError(f"weight {name!r} is too large: {error}") from error
    return self._held.values[name]


def build_whole(self: Layer, build: Any, input_shape: Any) -> None:
    """Do what is the same for all layers around a subclass's `build`."""
    with unchanged_on_error(self), self._named():
        shape = self._checked_input_shape(input_shape)
        self._held = Weights()
        self._births = np.random.default_rng(self._seed)
        build(self, shape)
        self._births = None
        self._held.put_last(self.fixed_names)
        self.input_shape = shape
        self.output_shape = self.compute_output_shape(shape)
        if self._initial_weights is not None:
            self._held.load(self._initial_weights)
        self.grads, self._cache = {}, None
        self.built = True


def traced(
    self: Layer, shapes: tuple[BatchShape, ...]
) -> list[tuple[BatchShape, np.dtype]]:
    with self._named():
        shape = self._checked_input_shape(self._shape_of_call(shapes))
        if self.built:
            self._check_known(shape)
        else:
            _check_first_weights(self, shape)
        return [(self.compute_output_shape(shape), self.dtype)]


def _check_first_weights(self: Layer, shape: BatchShape) -> None:
    """Refuse a shape that needs other weights than the first call did."""
    wanted = self.weight_shapes(shape)
    for node in self._nodes[:1]:
        former = self._shape_of_call(tuple(handle.shape for handle in node.inputs))
        if self.weight_shapes(former) != wanted:
            raise ValueError(
                f"input must have the shape of the first call, {former}, got {shape}"
            )
