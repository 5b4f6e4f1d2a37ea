"""Text on its way to a terminal, which a name from a file must not steer."""

__all__ = ["printable"]


def printable(line: str) -> str:
    r"""
    Return a line whose control characters are replaced.

    >>> printable("a\x1b[2Jb\n").encode("ascii", "replace")
    b'a?[2Jb?'
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
