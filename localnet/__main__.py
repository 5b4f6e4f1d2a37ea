"""``python -m localnet``, and the command ``localnet``."""

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line; Ctrl-C ends it in quiet also while it is being loaded.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.

    Returns
    -------
    int
        Exit status, as `localnet.cli.main` gives it.
    """
    try:
        from . import cli
    except KeyboardInterrupt:
        return 130
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
