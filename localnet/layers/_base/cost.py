"""What a layer costs, before it runs or is even built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ... import _validate
from ...ops import Cost, elementwise_cost
from .shapes import checked_shape

if TYPE_CHECKING:
    from .layer import Layer

__all__ = ["cost_of_layer"]


def cost_of_layer(
    self: Layer,
    batch_size: int = 1,
    input_shape: Sequence[int | None] | None = None,
    *,
    need_dx: bool = True,
) -> Cost:
    """
    Work out what the layer costs on one batch; no weight is made for it.

    Parameters
    ----------
    batch_size : int
        Samples in the batch.
    input_shape : tuple of int or None, optional
        Batch axis first. Default: what the layer was built for or declared with.
    need_dx : bool
        Whether the gradient of the input is wanted; a first layer does without.

    Returns
    -------
    Cost
        Of the layer with its activation, which counts as one operation per value.
        Penalties and constraints are not in it.

    Raises
    ------
    ValueError
        If the shape is not known or does not fit, or `batch_size` is not an integer
        >= 0, or the layer does not know its cost.

    Examples
    --------
    >>> from localnet.layers import LocallyConnected1D
    >>> layer = LocallyConnected1D(64, 3)  # not built
    >>> layer.cost(32, input_shape=(None, 10, 32)).parameters
    49664
    >>> layer.params
    {}
    """
    with self._named():
        batch_size = _validate.whole("batch_size", batch_size, minimum=0)
        shape = self.input_shape or self.batch_input_shape
        if input_shape is not None:
            shape = checked_shape(input_shape, self.input_rank)
        sizes = tuple(size for size in (shape or ())[1:] if size is not None)
        if shape is None or len(sizes) < len(shape) - 1:
            raise ValueError(
                "input_shape must be known but for the batch axis, got "
                f"{'none' if shape is None else shape}"
            )
        if self.built:
            self.check_fits(shape)
        cost = self._cost(sizes, batch_size=batch_size, need_dx=need_dx)
        if self._activation_pair is None:
            return cost
        _, *outputs = self.compute_output_shape((None, *sizes))
        return cost.then(
            elementwise_cost(
                tuple(size for size in outputs if size is not None),
                batch_size=batch_size,
                dtype=self.dtype,
            )
        )
