"""Buffers that outlive a call, so that a loop over batches touches no fresh memory."""

import math
import threading
from collections.abc import Hashable

import numpy as np

from .._typing import Array, Shape

__all__ = ["Workspace"]


class Workspace:
    """
    A set of scratch arrays, reused from call to call.

    Touching fresh memory costs more than the arithmetic of a small layer. Hand the same
    workspace to every call of `local_conv_forward` and `local_conv_backward`; results
    never alias it. Every thread gets buffers of its own, so that threads may share one.

    Examples
    --------
    >>> workspace = Workspace()
    >>> a = workspace.take("strip", (2, 3), "float32")
    >>> b = workspace.take("strip", (3, 2), "float32")
    >>> import numpy as np
    >>> np.shares_memory(a, b)
    True
    """

    def __init__(self) -> None:
        self._buffers: dict[tuple[int, Hashable, np.dtype], Array] = {}

    def __deepcopy__(self, memo: object) -> "Workspace":
        """Return an empty workspace: what is in the buffers means nothing."""
        return Workspace()

    def take(self, name: Hashable, shape: Shape, dtype: np.dtype | str) -> Array:
        """
        Return an uninitialised array; the thread's last one of this name is reused.

        Parameters
        ----------
        name : hashable
            What the buffer is for.
        shape : tuple of int
            Shape wanted now. A larger one than before grows the buffer.
        dtype : dtype
            Each dtype has a buffer of its own.

        Returns
        -------
        ndarray of shape `shape`
            C-contiguous.
        """
        key = (threading.get_ident(), name, np.dtype(dtype))
        size = math.prod(shape)
        buffer = self._buffers.get(key)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[key] = np.empty(size, dtype)
        return buffer[:size].reshape(shape)
