"""Arrays put end to end."""

from typing import NamedTuple

import numpy as np

from ... import _arrays, _validate
from ..._typing import Array, ArrayLike, Shape
from ..runtime.workspace import Workspace

__all__ = [
    "concatenate_backward",
    "concatenate_forward",
]


class ConcatenateCache(NamedTuple):
    """What `concatenate_backward` needs."""

    shapes: tuple[Shape, ...]
    dtypes: tuple[np.dtype, ...]
    axis: int
    shape: Shape
    dtype: np.dtype


def concatenate_forward(
    *xs: ArrayLike, axis: int = -1, workspace: Workspace | None = None
) -> tuple[Array, ConcatenateCache]:
    r"""
    Put arrays end to end along one axis.

    Parameters
    ----------
    *xs : array_like
        Equal in shape but for that axis. Not modified.
    axis : int
        Which one; negative ones count from the end.
    workspace : Workspace, optional
        As for `add_forward`.

    Returns
    -------
    y : ndarray
        As long on that axis as all of them together.
    cache : ConcatenateCache
        For `concatenate_backward`.

    Raises
    ------
    ValueError
        If there is no array, there is no such axis, or another axis differs.

    See Also
    --------
    concatenate_backward : The gradient of this function.

    Notes
    -----
    .. math:: y = (x_0, x_1, \ldots)

    Examples
    --------
    >>> concatenate_forward([[3.0, 4.0]], [[1.0]])[0]
    array([[3., 4., 1.]])
    """
    if not xs:
        raise ValueError("xs must hold at least one array, got none")
    arrays = [_arrays.floats(f"x{place}", x) for place, x in enumerate(xs)]
    shapes = tuple(array.shape for array in arrays)
    first = shapes[0]
    try:
        last = len(first) - 1
        axis = _validate.integer("axis", axis, minimum=~last, maximum=last) % len(first)
    except ValueError:
        raise ValueError(
            f"axis must be one of the {len(first)} axes, got {_validate.shown(axis)}"
        ) from None
    rest = {(len(s), *s[:axis], *s[axis + 1 :]) for s in shapes}
    if len(rest) > 1:
        raise ValueError(
            f"xs must have equal shapes but for axis {axis}, got {list(shapes)}"
        )
    length = sum(shape[axis] for shape in shapes)
    workspace = Workspace.of(workspace)
    shape = (*first[:axis], length, *first[axis + 1 :])
    y = workspace.result("y", shape, np.result_type(*arrays))
    np.concatenate(arrays, axis=axis, out=y)
    dtypes = tuple(array.dtype for array in arrays)
    return y, ConcatenateCache(shapes, dtypes, axis, shape, y.dtype)


def concatenate_backward(
    dy: ArrayLike, cache: ConcatenateCache, *, workspace: Workspace | None = None
) -> tuple[Array, ...]:
    r"""
    Cut the gradient of `concatenate_forward` where its arrays met.

    See Also
    --------
    concatenate_forward : The function that this differentiates.

    Notes
    -----
    .. math:: (dx_0, dx_1, \ldots) = dy
    """
    _validate.instance("cache", cache, ConcatenateCache)
    dy = _arrays.upstream(dy, cache.shape, cache.dtype)
    workspace = Workspace.of(workspace)
    ends = np.cumsum([shape[cache.axis] for shape in cache.shapes])[:-1]
    grads = []
    for place, piece in enumerate(np.split(dy, ends, axis=cache.axis)):
        dx = workspace.result(("dx", place), piece.shape, cache.dtypes[place])
        dx[...] = piece
        grads.append(dx)
    return tuple(grads)
