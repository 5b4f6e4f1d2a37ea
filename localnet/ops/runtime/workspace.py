"""Buffers that outlive a call, so that a loop over batches touches no fresh memory."""

import math
import threading
from collections.abc import Hashable

import numpy as np

from ... import _validate
from ..._typing import Array, Shape

__all__ = ["Workspace"]


class _Buffers(threading.local):
    """The buffers of one thread; they end with it."""

    def __init__(self) -> None:
        self.by_name: dict[tuple[Hashable, np.dtype], Array] = {}
        # What was handed out last, which a loop over equal batches asks for again.
        self.last: dict[tuple[Hashable, np.dtype], Array] = {}


class Workspace:
    """
    Memory that is reused from call to call, for scratch arrays and for results.

    Touching fresh memory costs more than the arithmetic of a small layer. Hand one
    workspace to every call for the same layer: y, dx, dkernel and dbias then live in
    it, so that **each is valid until the next call that computes it anew**; copy what
    is needed longer. Every thread gets buffers of its own, so that threads may share a
    workspace.

    Parameters
    ----------
    keep_results : bool
        ``False``: only scratch arrays are reused, and every result is a new array.

    Notes
    -----
    The engine's passes run one after the other and share names, so that what one has
    done with serves the next: "image" is the largest array of a pass, "block" that of
    one block.

    Examples
    --------
    >>> workspace = Workspace()
    >>> a = workspace.take("strips", (2, 3), "float32")
    >>> b = workspace.take("strips", (3, 2), "float32")
    >>> import numpy as np
    >>> np.shares_memory(a, b)
    True
    """

    def __init__(self, *, keep_results: bool = True) -> None:
        self.keep_results = keep_results
        self._buffers = _Buffers()

    @classmethod
    def of(cls, workspace: "Workspace | None") -> "Workspace":
        """Return the `workspace` of a call, or one that forgets after it."""
        if workspace is None:
            return cls(keep_results=False)
        if type(workspace) is not cls:
            _validate.instance("workspace", workspace, cls)
        return workspace

    def __reduce__(self) -> tuple[object, ...]:
        """Copy and pickle as an empty workspace: buffers mean nothing elsewhere."""
        return _empty, (self.keep_results,)

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
        buffers, key = self._buffers.by_name, (name, np.dtype(dtype))
        last = self._buffers.last.get(key)
        if last is not None and last.shape == shape:
            return last
        size = math.prod(shape)
        buffer = buffers.get(key)
        if buffer is None or buffer.size < size:
            buffer = buffers[key] = np.empty(size, dtype)
        taken = self._buffers.last[key] = buffer[:size].reshape(shape)
        return taken

    def result(self, name: Hashable, shape: Shape, dtype: np.dtype | str) -> Array:
        """
        Return an uninitialised array for something that the caller will see.

        Parameters
        ----------
        name, shape, dtype
            As for `take`.

        Returns
        -------
        ndarray of shape `shape`
            The buffer of this name, or a new array if results are not kept.
        """
        if self.keep_results:
            # Never the scratch array that somebody gave the same name.
            return self.take(("result", name), shape, dtype)
        return np.empty(shape, dtype)


def _empty(keep_results: bool) -> Workspace:
    return Workspace(keep_results=keep_results)
