"""
The pure pair under a layer: output and cache, and the gradients from a cache.

Both take in the activation and the penalties, and leave the layer as it is.
"""

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from ..._typing import Array, ArrayLike, Pair
from ...ops import Workspace
from .by_pieces import activate, activation_gradient
from .seeds import Seeded
from .statistics import StatisticsHolder

__all__ = ["LayerCache", "PurePair"]


class LayerCache(NamedTuple):
    """What `Layer.backward_from_cache` needs of one forward call."""

    y: Array
    logits: Array
    activation: Any
    inner: Any
    activity_loss: float | None


class PurePair(StatisticsHolder, Seeded):
    """The part of a layer that computes, and remembers nothing of it."""

    activation: Any = None
    activity_regularizer: Any
    _activation_pair: Pair | None = None
    _scratch: Workspace

    # Hooks of subclasses ---------------------------------------------------------

    def _forward(
        self, x: Array, training: bool, rng: np.random.Generator, workspace: Workspace
    ) -> tuple[Array, Any]:
        """Return the map of `x` before the activation, and a cache."""
        raise NotImplementedError

    def _backward(
        self, dz: Array, cache: Any, need_dx: bool, workspace: Workspace
    ) -> tuple[Array | None, dict[str, Array]]:
        """Return the gradients of `_forward` with respect to `x` and each weight."""
        raise NotImplementedError

    def _accepted(self, x: Any, workspace: Workspace) -> Any:
        """Return the input as `_forward` takes it, or refuse it."""
        raise NotImplementedError

    # Forward and backward --------------------------------------------------------

    def forward_with_cache(
        self,
        x: ArrayLike,
        training: bool = False,
        rng: np.random.Generator | None = None,
        *,
        workspace: Workspace | None = None,
    ) -> tuple[Array, LayerCache]:
        """
        Compute the output and what its gradients need; the layer remembers nothing.

        Parameters
        ----------
        x : array_like
            Batch of inputs; cast to the layer's dtype. Not modified.
        training : bool
            Whether layers with training noise apply it.
        rng : numpy.random.Generator, optional
            Source of the noise; default: the layer's own.
        workspace : Workspace, optional
            Memory that is reused: output and cache are valid until the next call with
            it. A model that trains has one for each layer.

        Returns
        -------
        y : ndarray
            Output, after the activation.
        cache : LayerCache
            For `backward_from_cache`.

        Raises
        ------
        ValueError
            If the layer was built for another shape.

        See Also
        --------
        backward_from_cache : The gradients.
        """
        workspace = workspace or self._scratch
        with self._named():
            z, inner = self._forward(
                self._accepted(x, workspace),
                training,
                self.noise if rng is None else rng,
                workspace,
            )
            y, activation = z, None
            if self._activation_pair is not None:
                y, activation = activate(self._activation_pair, z, workspace)
        loss = self._activity_loss(y, inner)
        return y, LayerCache(y, z, activation, inner, loss)

    def backward_from_cache(
        self,
        dy: Array | None,
        cache: LayerCache,
        *,
        dlogits: Array | None = None,
        need_dx: bool = True,
        weight_penalties: bool = True,
        workspace: Workspace | None = None,
    ) -> tuple[Array | None, dict[str, Array]]:
        """
        Compute the gradients of ``sum(y*dy)`` and of this layer's penalties.

        Parameters
        ----------
        dy : ndarray, shape of y, or None
            Upstream gradient; ``None`` if all of it comes by `dlogits`.
        cache : LayerCache
            What `forward_with_cache` returned.
        dlogits : ndarray, shape of y, optional
            Upstream gradient that bypasses the activation.
        need_dx : bool
            Whether the gradient of the input is wanted.
        weight_penalties : bool
            Whether to add the gradients of the penalties on weights: a model that calls
            a layer twice adds them once.
        workspace : Workspace, optional
            As for `forward_with_cache`: the gradients are valid until the next call.

        Returns
        -------
        dx : ndarray or None
            Gradient with respect to the input.
        grads : dict of str to ndarray
            Gradients with respect to the weights.

        See Also
        --------
        forward_with_cache : The pure forward pass.
        """
        workspace = workspace or self._scratch
        if self.activity_regularizer is not None:
            activity = self.activity_regularizer.gradient(cache.y) / max(
                1, len(cache.y)
            )
            dy = activity if dy is None else dy + activity
        dz = dy
        if dy is not None and self._activation_pair is not None:
            dz = activation_gradient(
                self._activation_pair, dy, cache.logits, cache.activation, workspace
            )
        if dlogits is not None:
            dz = dlogits if dz is None else dz + dlogits
        if dz is None:
            raise ValueError("dy must be given where dlogits is not, got None for both")
        dx, grads = self._backward(dz, cache.inner, need_dx, workspace)
        for name, weight in self._weights.items():
            if weight_penalties and weight.regularizer is not None:
                grads[name] = self._with_penalty(name, grads[name])
        return dx, grads

    def _cast(self, key: Hashable, x: Array, workspace: Workspace) -> Array:
        """Return an input in the layer's dtype, in memory that is kept by its key."""
        # Complex stays, for the complex step.
        if x.dtype == self.dtype or x.dtype.kind == "c":
            return x
        cast = workspace.result(key, x.shape, self.dtype)
        cast[...] = x
        return cast

    def _activity_loss(self, y: Array, cache: Any) -> float | None:
        """Return the penalty on the output, or None if there is none."""
        if self.activity_regularizer is None:
            return None
        loss: float = self.activity_regularizer(y) / max(1, len(y))
        return loss
