"""Parameters and gradients as callers hand them in, checked before anything changes."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from .. import _arrays
from .._typing import Array, ArrayLike

__all__ = ["Grads", "Params", "checked_grads", "checked_params"]

Params: TypeAlias = Iterable[Array] | Mapping[str, Array]
Grads: TypeAlias = Iterable[ArrayLike] | Mapping[str, ArrayLike]


def _labelled(name: str, arrays: Any) -> dict[Any, Any]:
    """Return the arrays by key, or by position if they have none."""
    if isinstance(arrays, Mapping):
        return dict(arrays)
    # The rows of a single array are views, so a forgotten [] would go unnoticed.
    if isinstance(arrays, np.ndarray) or not isinstance(arrays, Iterable):
        kind = type(arrays).__name__
        raise ValueError(f"{name} must be a sequence or dict of arrays, got {kind}")
    return dict(enumerate(arrays))


def checked_params(params: Any) -> dict[Any, Array]:
    """Return the parameters by key or position: writeable arrays of floats."""
    variables = _labelled("params", params)
    for key, param in variables.items():
        if not isinstance(param, np.ndarray):
            kind = type(param).__name__
            raise ValueError(f"params[{key!r}] must be an array of floats, got {kind}")
        if param.dtype.kind != "f":
            raise ValueError(
                f"params[{key!r}] must be an array of floats, got dtype {param.dtype}"
            )
        if not param.flags.writeable:
            raise ValueError(
                f"params[{key!r}] must be writeable, got a read-only array"
            )
    return variables


def checked_grads(variables: dict[Any, Array], grads: Any) -> list[Array]:
    """Return the gradient of each parameter, in its dtype, apart from all of them."""
    given = _labelled("grads", grads)
    if given.keys() != variables.keys():
        raise ValueError(
            f"grads must match params, one for each of {list(variables)}, "
            f"got {list(given)}"
        )
    checked = []
    for key, param in variables.items():
        grad = _arrays.numbers(f"grads[{key!r}]", given[key])
        if grad.dtype.kind == "c":
            raise ValueError(
                f"grads[{key!r}] must hold real numbers, got dtype {grad.dtype}"
            )
        if grad.shape != param.shape:
            raise ValueError(
                f"grads[{key!r}] must have the shape {param.shape} of its parameter, "
                f"got {grad.shape}"
            )
        # A gradient inside a parameter would change while the parameters do.
        inside = any(np.may_share_memory(grad, other) for other in variables.values())
        checked.append(grad.astype(param.dtype, copy=inside))
    return checked
