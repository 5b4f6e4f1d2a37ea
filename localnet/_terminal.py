"""Text on its way to a terminal, which a name from a file must not steer."""

import io
import sys
from typing import TextIO

__all__ = ["output", "printable"]


def output() -> TextIO:
    """Return the standard output, or what forgets all where a process has none."""
    return sys.stdout or io.StringIO()


def printable(line: str) -> str:
    r"""
    Return a line whose control characters are replaced.

    >>> printable("a\x1b[2Jb\n").encode("ascii", "replace")
    b'a?[2Jb?'
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
