"""
Activations of large arrays in memory that is reused, a few samples at a time.

A pair computes in fresh memory. On pieces of a batch that fit into cache, fresh memory
is recycled at once, and the results are copied into a workspace. The cache of a piece
is dropped and computed again on the way back, which costs less than keeping it. The
pairs of `activations.INTO` need neither copy nor cache.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ... import _validate, activations
from ..._typing import Array, Pair
from ...ops import Workspace
from ...ops.runtime.pieces import in_pieces

__all__ = ["activate", "activation_gradient"]

# Bytes of a piece.
PIECE = 1 << 17
# Pairs of ours that work on each number alone.
ELEMENTWISE = frozenset(
    backward
    for name, (_, backward) in activations.PAIRS.items()
    if name not in ("softmax", "log_softmax")
)


def activate(pair: Pair, z: Array, workspace: Workspace) -> tuple[Array, Any]:
    """
    Return the activation of `z`, and the cache of the pair, or None if it was dropped.

    Parameters
    ----------
    pair : (callable, callable)
        Forward and backward function.
    z : ndarray
        Samples first.
    workspace : Workspace
        Where the result goes, if it keeps results.

    Returns
    -------
    y : ndarray, shape of z
        Output.
    cache : object
        For `activation_gradient`.
    """
    into = _into(pair, z, workspace)
    if into is not None:
        y = workspace.result("activation", z.shape, z.dtype)
        in_pieces(into[0], z, y)
        return y, None
    if not _by_pieces(pair, z, workspace):
        found: Any = pair[0](z)
        if not (isinstance(found, tuple) and len(found) == 2):
            raise ValueError(
                "forward of the activation must return (y, cache), got "
                f"{_validate.shown(found)}"
            )
        y, cache = found
        return y, cache
    y = workspace.result("activation", z.shape, z.dtype)
    for piece in _pieces(z):
        y[piece] = pair[0](z[piece])[0]
    return y, None


def activation_gradient(
    pair: Pair, dy: Array, z: Array, cache: Any, workspace: Workspace
) -> Array:
    """
    Return the gradient of `activate` with respect to `z`.

    Parameters
    ----------
    pair, z, workspace
        As for `activate`.
    dy : ndarray, shape of z
        Upstream gradient. Not modified.
    cache : object
        What `activate` returned.

    Returns
    -------
    ndarray, shape of z
        In the workspace, if it keeps results.
    """
    into = _into(pair, z, workspace)
    if into is not None:
        dz = workspace.result("dz", z.shape, z.dtype)
        in_pieces(into[1], dy.astype(z.dtype, copy=False), z, dz)
        return dz
    if not _by_pieces(pair, z, workspace):
        gradient: Array = pair[1](dy, cache)
        if np.shape(gradient) != z.shape:
            raise ValueError(
                f"backward of the activation must return the shape of x, {z.shape}, "
                f"got {np.shape(gradient)}"
            )
        return gradient
    dz = workspace.result("dz", z.shape, z.dtype)
    for piece in _pieces(z):
        dz[piece] = pair[1](dy[piece], pair[0](z[piece])[1])
    return dz


def _into(pair: Pair, z: Array, workspace: Workspace) -> Pair | None:
    """Return the functions of a pair that fill arrays, where that is allowed."""
    return activations.INTO.get(pair) if _keeps(z, workspace) else None


def _by_pieces(pair: Pair, z: Array, workspace: Workspace) -> bool:
    return _keeps(z, workspace) and z.nbytes > PIECE and pair[1] in ELEMENTWISE


def _keeps(z: Array, workspace: Workspace) -> bool:
    """Return whether the results may be of the type of `z` and live in a workspace."""
    return workspace.keep_results and z.dtype.kind == "f"


def _pieces(z: Array) -> Iterator[slice]:
    step = max(1, PIECE * len(z) // max(1, z.nbytes))
    return (slice(start, start + step) for start in range(0, len(z), step))
