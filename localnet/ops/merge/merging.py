"""
What all functions share that merge several arrays into one.

Arrays are broadcast as Keras does: one of fewer axes gets axes of size 1 behind its
batch axis.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from ... import _arrays, _validate
from ..._typing import Array, ArrayLike, Shape
from ..runtime.workspace import Workspace

__all__ = [
    "MergeCache",
    "aligned_arrays",
    "aligned_shapes",
    "folded",
    "gathered",
    "merged_room",
    "merged_upstream",
]

Sizes: TypeAlias = tuple[int | None, ...]


def aligned_shapes(shapes: Sequence[Sizes]) -> list[Sizes]:
    """
    Return shapes with the same number of axes: size 1 is put in behind the batch axis.

    Parameters
    ----------
    shapes : sequence of tuple of int or None
        Batch axis first.

    Returns
    -------
    list of tuple of int or None
        In their order.

    Raises
    ------
    ValueError
        If there is no list of shapes.

    Examples
    --------
    >>> aligned_shapes([(2, 5, 3), (2, 3)])
    [(2, 5, 3), (2, 1, 3)]
    """
    rule = "a list of shapes"
    given = [
        tuple(_validate.items("shapes", shape, rule))
        for shape in _validate.items("shapes", shapes, rule)
    ]
    ndim = max(map(len, given), default=0)
    return [(*s[:1], *(1,) * (ndim - len(s)), *s[1:]) if s else s for s in given]


class MergeCache(NamedTuple):
    """What the backward functions need: the arrays as they are merged, and the rest."""

    # As they were given, for the shapes of the gradients.
    shapes: tuple[Shape, ...]
    # With equal numbers of axes.
    aligned: tuple[Array, ...]
    y: Array
    # Of a product: what the arrays before each one, but the first, multiply to.
    before: tuple[Array, ...] = ()


def aligned_arrays(
    xs: Sequence[ArrayLike],
) -> tuple[tuple[Shape, ...], tuple[Array, ...]]:
    """Return the shapes as given, and the arrays with equal numbers of axes."""
    if not xs:
        raise ValueError("xs must hold at least one array, got none")
    arrays = [_arrays.floats(f"x{place}", x) for place, x in enumerate(xs)]
    shapes = tuple(array.shape for array in arrays)
    aligned = tuple(
        array.reshape([1 if size is None else size for size in shape])
        for array, shape in zip(arrays, aligned_shapes(shapes), strict=True)
    )
    try:
        np.broadcast_shapes(*(array.shape for array in aligned))
    except ValueError:
        raise ValueError(
            f"xs must have shapes that broadcast to one, got {list(shapes)}"
        ) from None
    return shapes, aligned


def merged_room(
    aligned: Sequence[Array], workspace: Workspace | None, name: object = "y"
) -> Array:
    """Return memory for a result to which the arrays broadcast."""
    workspace = Workspace.of(workspace)
    shape = np.broadcast_shapes(*(array.shape for array in aligned))
    return workspace.result(name, shape, np.result_type(*aligned))


def folded(
    function: Callable[..., Array],
    xs: Sequence[ArrayLike],
    workspace: Workspace | None,
) -> MergeCache:
    """Combine the arrays two by two, from the first on, as Keras does."""
    shapes, aligned = aligned_arrays(xs)
    y = merged_room(aligned, workspace)
    y[...] = aligned[0]
    for array in aligned[1:]:
        function(y, array, out=y)
    return MergeCache(shapes, aligned, y)


def merged_upstream(dy: ArrayLike, cache: MergeCache) -> Array:
    """Return the gradient that flows back into y, if it fits."""
    _validate.instance("cache", cache, MergeCache)
    return _arrays.upstream(dy, cache.y.shape, cache.y.dtype)


def gathered(
    dys: Sequence[Array], cache: MergeCache, workspace: Workspace | None
) -> tuple[Array, ...]:
    """Sum each gradient over the axes along which its array was repeated."""
    workspace = Workspace.of(workspace)
    grads = []
    for place, (dy, x) in enumerate(zip(dys, cache.aligned, strict=True)):
        dx = workspace.result(("dx", place), x.shape, x.dtype)
        axes = tuple(
            axis for axis, size in enumerate(x.shape) if size != cache.y.shape[axis]
        )
        if axes:
            dx[...] = dy.sum(axis=axes, keepdims=True)
        else:
            dx[...] = dy
        grads.append(dx.reshape(cache.shapes[place]))
    return tuple(grads)
