"""A file is replaced as a whole or not at all, whatever stops the writer."""

import contextlib
import errno
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ..._validate import shown

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows and WebAssembly have no locks of this kind
    fcntl = None

__all__ = ["check_place", "fcntl", "naming", "write_atomically"]

PREFIX, SUFFIX = ".localnet-", ".tmp"
# What a file system says of a thing that it does not do, such as flushing a folder or
# keeping permissions; no reason to do without the file.
CANNOT = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EPERM)


def check_place(path: Path, name: str = "path") -> None:
    """
    Refuse a place that a file cannot be written to; nothing is created.

    Parameters
    ----------
    path : pathlib.Path
        The file, which may exist.
    name : str
        What an error calls it.

    Raises
    ------
    ValueError
        If a folder or a device has the name.
    OSError
        If the file is read-only, or its folder does not exist or cannot be written to.
    """
    _check_kind(path, name)
    number, folder = 0, _target(path).parent
    if not folder.exists():
        number = errno.ENOENT
    elif not folder.is_dir():
        number = errno.ENOTDIR
    elif not os.access(folder, os.W_OK | os.X_OK) or not _may_be_replaced(path):
        number = errno.EACCES
    if number:
        raise OSError(number, os.strerror(number), str(path))


def _target(path: Path) -> Path:
    """Return the file that a link leads to; another path as it is."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


@contextlib.contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """
    Let errors of the system within the block name the file, and no other one.

    Parameters
    ----------
    path : str or path-like
        The file.

    Yields
    ------
    None
        Nothing.

    Raises
    ------
    OSError
        What was raised in the block, with `path` as its ``filename``.
    """
    try:
        yield
    except OSError as error:
        what = error.strerror or str(error)
        raise OSError(error.errno, what, os.fspath(path)) from None


def _check_kind(path: Path, name: str = "path") -> None:
    """Refuse what would end if a file took its place: a folder, a device, a pipe."""
    if path.exists() and not path.is_file():
        raise ValueError(f"{name} must be a regular file, got {shown(str(path))}")


def _may_be_replaced(path: Path) -> bool:
    """Whether a file that exists may be written to; renaming over it would not ask."""
    return not path.exists() or os.access(path, os.W_OK)


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """
    Let `write` fill a file that takes the place of `path` once it is on the disk.

    At any moment, also after a kill, a full disk or a power cut, the name means the old
    file or the new one, whole.

    Parameters
    ----------
    path : pathlib.Path
        The file; its folder must exist and be writable. If it is a symbolic link, the
        file that it leads to is replaced, and the link stays.
    write : callable
        Called once with a binary stream that can seek. What it raises is passed on.

    Raises
    ------
    ValueError
        If a folder or a device has the name.
    OSError
        If the disk refuses, or the old file is read-only; the error names `path`. The
        old file is as it was, and nothing else is left in the folder.

    Notes
    -----
    The new file has the permissions of the old one, or those of any new file. It is
    written beside the old one under the name ``.localnet-*.tmp``, since
    only within one file system is renaming a single step, and flushed to the disk
    before it is renamed; then the folder is flushed too. A killed process leaves that
    temporary file behind; the next write into the folder deletes it. It is told from
    one that is being written by a lock, which dies with the process; where there are no
    such locks, as on Windows, it stays.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "numbers"
    >>> write_atomically(path, lambda stream: stream.write(b"1 2 3"))
    >>> path.read_bytes()
    b'1 2 3'
    """
    _check_kind(path)
    with naming(path):  # the user has not heard of the temporary file
        _replace(_target(path), write)


def _replace(path: Path, write: Callable[[BinaryIO], object]) -> None:
    if not _may_be_replaced(path):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    _sweep(path.parent)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    descriptor, temporary = _new_file(path.parent, private=mode is not None)
    try:
        with os.fdopen(descriptor, "w+b") as stream:
            write(stream)
            stream.flush()
            with _where_possible():
                os.fsync(stream.fileno())
            if mode is not None:
                with _where_possible():
                    temporary.chmod(mode)
            # Closing it would unlock it; but Windows renames no open file.
            if sys.platform != "win32":
                temporary.replace(path)
        if sys.platform == "win32":
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def _new_file(folder: Path, *, private: bool) -> tuple[int, Path]:
    """Create a temporary file and lock it; the system's mask of rights applies."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        path = folder / f"{PREFIX}{secrets.token_hex(8)}{SUFFIX}"
        descriptor = os.open(path, flags, 0o600 if private else 0o666)
        _lock(descriptor, wait=True)
        if path.exists():
            return descriptor, path
        os.close(descriptor)  # swept away by another process before it was locked


def _sweep(folder: Path) -> None:
    """Delete the temporary files of writers that were killed."""
    if fcntl is None:
        return
    # Whatever cannot be swept does no harm.
    with contextlib.suppress(OSError):
        for left in list(folder.glob(f"{PREFIX}*{SUFFIX}")):
            with contextlib.suppress(OSError):
                descriptor = os.open(left, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW)
                try:
                    if _lock(descriptor, wait=False):
                        left.unlink()
                finally:
                    os.close(descriptor)


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Return whether the file is now locked for this process."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # by another process, or there are no locks here
        return False
    return True


@contextlib.contextmanager
def _where_possible() -> Iterator[None]:
    """Do without what the file system cannot do."""
    try:
        yield
    except OSError as error:
        if error.errno not in CANNOT:
            raise


def _flush_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where the system can do that."""
    # Windows cannot open a folder.
    with contextlib.suppress(PermissionError), _where_possible():
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
