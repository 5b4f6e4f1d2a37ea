"""
How a layer runs: the pure pair under it, and the convenience around that.

The pair takes in the activation and the penalties, and leaves the layer as it is: so a
layer that is used twice, or from two threads, is right. `forward` and `backward`
remember the last cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ... import _arrays, _validate, regularizers
from ..._typing import Array, ArrayLike, Shape
from ..._validate import shown
from ...ops import Workspace
from .by_pieces import activate, activation_gradient

if TYPE_CHECKING:
    from .layer import Layer

__all__ = [
    "Computed",
    "Gradients",
    "LayerCache",
    "Space",
    "accepted",
    "activity_loss",
    "backward",
    "backward_from_cache",
    "cast_input",
    "computed",
    "differentiated",
    "forward",
    "forward_with_cache",
    "lent_to_compute",
    "lent_to_gradients",
]


# What the hooks of a layer return, and the memory that they may be lent.
Computed = tuple[Array, Any]
Gradients = tuple[Any, dict[str, Array]]
Space = Workspace | None


class LayerCache(NamedTuple):
    """What `Layer.backward_from_cache` needs of one forward call."""

    y: Array
    logits: Array
    activation: Any
    inner: Any
    activity_loss: float | None
    # Shape of the input, which gradients of somebody's own are held to.
    given: Any = None


def forward(self: Layer, x: ArrayLike, training: bool = False) -> Array:
    """
    Compute the output, and remember what `backward` needs.

    Parameters
    ----------
    x : array_like
        Batch of inputs. An unbuilt layer is built for its shape.
    training : bool
        Whether layers with training noise apply it, and such as keep statistics of
        the data take them in.

    Returns
    -------
    ndarray
        Output, after the activation.
    """
    y, self._cache = self.forward_with_cache(x, training)
    if training:
        self.absorb(self._cache)
    return y


def backward(self: Layer, dy: ArrayLike) -> Array:
    """
    Compute the gradient of the input, and leave those of the weights in `grads`.

    Parameters
    ----------
    dy : array_like, shape of the last output
        Upstream gradient.

    Returns
    -------
    ndarray, shape of the last input
        Gradient of ``sum(y*dy) + sum(self.losses)``.

    Raises
    ------
    RuntimeError
        If `forward` was not called before.
    ValueError
        If `dy` has another shape than the last output.
    """
    cache = self._cache
    if cache is None:
        raise RuntimeError(
            f"{self.name}: backward needs the result of forward; call forward first"
        )
    with self._named():
        dy = _arrays.upstream(dy, cache.y.shape, cache.y.dtype)
    dx, self.grads = self.backward_from_cache(dy, cache)
    if dx is None:
        raise RuntimeError(f"{self.name}: gradients returned no dx")
    return dx


def forward_with_cache(
    self: Layer,
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
        flag = _validate.flag("training", training)
        x = self._accepted(x, workspace)
        lent = lent_to_compute(self, flag, workspace, rng)
        return computed(self, x, lent, workspace)


def lent_to_compute(
    self: Layer, training: bool, workspace: Workspace, rng: Any = None
) -> dict[str, Any]:
    """Return the keywords that `compute` asks for; no `rng` is the layer's own."""
    offered = {"training": training, "workspace": workspace, "rng": rng}
    return {name: offered[name] for name in self._asked_by_compute}


def computed(
    self: Layer, x: Any, lent: dict[str, Any], workspace: Workspace
) -> tuple[Array, LayerCache]:
    """Do what `forward_with_cache` does with an input that it has accepted."""
    if "rng" in lent and lent["rng"] is None:
        lent = {**lent, "rng": self.noise}
    result: Any = self.compute(x, **lent)
    if type(result) is tuple and len(result) == 2:
        z, inner = result
    else:
        z, inner = _two(result, "compute must return (y, cache)")
    kind = type(z)
    if not issubclass(kind, (np.ndarray, np.generic)):
        raise ValueError(
            f"compute must return (y, cache) with an array y, got {kind.__name__}"
        )
    if self._is_own:
        _check_shape(self, x, z.shape)
    y, activation = z, None
    if self._activation_pair is not None:
        y, activation = activate(self._activation_pair, z, workspace)
    loss = self._activity_loss(y, inner)
    given = getattr(x, "shape", None) if self._is_own else None
    return y, LayerCache(y, z, activation, inner, loss, given)


def _check_shape(self: Layer, x: Any, y: Shape) -> None:
    """Refuse a layer that says another shape of its output than it has."""
    arrays = (x,) if isinstance(x, np.ndarray) else x
    shapes = tuple((None, *array.shape[1:]) for array in arrays)
    told = self.compute_output_shape(self._shape_of_call(shapes))
    if tuple(told[1:]) != y[1:]:
        raise ValueError(
            f"compute_output_shape must tell the shape of y, {(None, *y[1:])}, "
            f"got {tuple(told)}"
        )


def backward_from_cache(
    self: Layer,
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
    lent = lent_to_gradients(self, need_dx, workspace)
    return differentiated(self, dy, cache, dlogits, lent, weight_penalties, workspace)


def lent_to_gradients(
    self: Layer, need_dx: bool, workspace: Workspace
) -> dict[str, Any]:
    """Return the keywords that `gradients` asks for."""
    offered = {"need_dx": need_dx, "workspace": workspace}
    return {name: offered[name] for name in self._asked_by_gradients}


def differentiated(
    self: Layer,
    dy: Array | None,
    cache: LayerCache,
    dlogits: Array | None,
    lent: dict[str, Any],
    weight_penalties: bool,
    workspace: Workspace,
) -> tuple[Array | None, dict[str, Array]]:
    """Do what `backward_from_cache` does, with what `gradients` is lent."""
    if self.activity_regularizer is not None:
        slope = regularizers.penalty_gradient(
            self.activity_regularizer, cache.y, "activity_regularizer"
        )
        activity = slope / max(1, len(cache.y))
        dy = activity if dy is None else dy + activity
    dz = dy
    if dy is not None and self._activation_pair is not None:
        try:
            dz = activation_gradient(
                self._activation_pair, dy, cache.logits, cache.activation, workspace
            )
        except ValueError:  # of an activation of one's own
            with self._named():
                raise
    if dlogits is not None:
        dz = dlogits if dz is None else dz + dlogits
    if dz is None:
        raise ValueError("dy must be given where dlogits is not, got None for both")
    result: Any = self.gradients(dz, cache.inner, **lent)
    if type(result) is tuple and len(result) == 2:
        dx, grads = result
    else:
        rule = f"{self.name}: gradients must return (dx, {{name: gradient}})"
        dx, grads = _two(result, rule)
    if self._is_own:
        _check_dx(self, dx, cache.given)
        _check_gradients(self, grads)
    if weight_penalties:
        for name, weight in self._held.rules.items():
            if weight.regularizer is not None and weight.trainable:
                grads[name] = self._held.with_penalty(name, grads[name])
    return dx, grads


def _check_dx(self: Layer, dx: Any, given: Any) -> None:
    """Refuse a gradient of the input that is not of its shape."""
    if dx is None or given is None:  # not asked for, or one of several
        return
    found = _arrays.numbers(f"{self.name}: dx", dx).shape
    if found != given:
        raise ValueError(
            f"{self.name}: dx must have the shape of x, {given}, got {found}"
        )


def _check_gradients(self: Layer, grads: Any) -> None:
    """Refuse gradients that do not hold one that fits for each weight that learns."""
    if not isinstance(grads, dict):
        raise ValueError(
            f"{self.name}: gradients must return (dx, {{name: gradient}}), got "
            f"{shown(grads)} for the second"
        )
    for name in self.params:
        if name not in grads and name not in self.fixed_names:
            raise ValueError(
                f"{self.name}: gradients must hold one for the weight {name!r}, got "
                f"those of {list(grads)}"
            )
    for name, grad in grads.items():
        if name not in self.params:
            raise ValueError(
                f"{self.name}: gradients must hold those of weights, "
                f"{list(self.params)}, got one for {name!r}"
            )
        found = _arrays.numbers(f"{self.name}: gradient of {name}", grad)
        if found.shape != self.params[name].shape:
            raise ValueError(
                f"{self.name}: gradient of {name} must have shape "
                f"{self.params[name].shape}, got {found.shape}"
            )


def accepted(self: Layer, x: Any, workspace: Workspace) -> Any:
    """Return the input as `compute` takes it; an unbuilt layer is built."""
    x = cast_input(self, "x", _arrays.numbers("input", x), workspace)
    if not self.built:
        self.build((None, *x.shape[1:]))
    self._check_input(x.shape)
    return x


def activity_loss(self: Layer, y: Array, cache: Any) -> float | None:
    """Return the penalty on the output, or None if there is none."""
    if self.activity_regularizer is None:
        return None
    name = "activity_regularizer"
    return regularizers.penalty(self.activity_regularizer, y, name) / max(1, len(y))


def cast_input(self: Layer, key: Any, x: Array, workspace: Workspace) -> Array:
    """Return an input in the layer's dtype, in memory that is kept by its key."""
    # Complex stays, for the complex step.
    if x.dtype == self.dtype or x.dtype.kind == "c":
        return x
    room = workspace.result(key, x.shape, self.dtype)
    return _arrays.cast("input", x, self.dtype, room)


def _two(result: Any, rule: str) -> tuple[Any, Any]:
    """Return what a hook gave, if it is a pair."""
    if isinstance(result, tuple) and len(result) == 2:
        return result
    raise ValueError(f"{rule}, got {type(result).__name__}")
