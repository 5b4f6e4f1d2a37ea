"""The same vector again and again, along a new axis."""

from typing import NamedTuple

import numpy as np

from .. import _arrays, _validate
from .._typing import Array, ArrayLike, Shape
from .runtime.workspace import Workspace

__all__ = ["repeat_vector_backward", "repeat_vector_forward"]


class RepeatCache(NamedTuple):
    """What `repeat_vector_backward` needs."""

    shape: Shape
    dtype: np.dtype


def repeat_vector_forward(
    x: ArrayLike, *, n: int, workspace: Workspace | None = None
) -> tuple[Array, RepeatCache]:
    r"""
    Give every sample `n` times, along a new axis behind the batch axis.

    Parameters
    ----------
    x : array_like of shape (N, F)
        Samples. Not modified.
    n : int
        How often.
    workspace : Workspace, optional
        Memory kept between calls; y is then valid until the next one.

    Returns
    -------
    y : ndarray of shape (N, n, F)
        Copies.
    cache : RepeatCache
        For `repeat_vector_backward`.

    Raises
    ------
    ValueError
        If x has not two axes or `n` is less than 1.

    See Also
    --------
    repeat_vector_backward : The gradient of this function.

    Notes
    -----
    .. math:: y_{ntf} = x_{nf}

    Examples
    --------
    >>> y, _ = repeat_vector_forward([[1.0, 2.0]], n=2)
    >>> y
    array([[[1., 2.],
            [1., 2.]]])
    """
    x, n = _arrays.floats("x", x), _validate.integer("n", n, minimum=1)
    if x.ndim != 2:
        raise ValueError(f"x must have shape (N, F), got {x.shape}")
    workspace = Workspace.of(workspace)
    samples, features = x.shape
    y = workspace.result("y", (samples, n, features), x.dtype)
    y[...] = x[:, np.newaxis]
    return y, RepeatCache(y.shape, y.dtype)


def repeat_vector_backward(
    dy: ArrayLike, cache: RepeatCache, *, workspace: Workspace | None = None
) -> Array:
    r"""
    Compute the gradient of `repeat_vector_forward` with respect to `x`.

    See Also
    --------
    repeat_vector_forward : The function that this differentiates.

    Notes
    -----
    .. math:: dx_{nf} = \sum_t dy_{ntf}
    """
    _validate.instance("cache", cache, RepeatCache)
    dy = _arrays.upstream(dy, cache.shape, cache.dtype)
    workspace = Workspace.of(workspace)
    dx = workspace.result("dx", (cache.shape[0], cache.shape[2]), cache.dtype)
    np.add.reduce(dy, axis=1, out=dx)
    return dx
