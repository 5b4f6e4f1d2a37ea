"""Locks between processes, and between threads of one: who holds a file."""

import contextlib
import os
from pathlib import Path

from .atomic import fcntl

__all__ = ["Lock"]


class Lock:
    """
    A file that only one holder in the machine has at a time.

    It is let go when the process ends, however it ends. Where there are no such locks,
    as on Windows, everybody is let in.

    Parameters
    ----------
    path : pathlib.Path
        The file, made when it is needed and deleted when it is let go.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "busy.lock"
    >>> one, other = Lock(path), Lock(path)
    >>> one.acquire(), other.acquire() if fcntl else False
    (True, False)
    >>> one.release()
    >>> other.acquire()
    True
    >>> other.release()
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """
        Take the lock without waiting for it.

        Returns
        -------
        bool
            Whether it is held now, or there are no locks here.

        Raises
        ------
        OSError
            If the file cannot be made.
        """
        if fcntl is None or self._descriptor is not None:
            return True
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            except OSError:  # a file system without locks
                os.close(descriptor)
                return True
            # Its last holder may have deleted the file before it was locked here.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), self.path.stat()):
                    self._descriptor = descriptor
                    return True
            os.close(descriptor)

    def release(self) -> None:
        """Let go, if the lock is held."""
        if self._descriptor is None:
            return
        self.path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = None
