"""The command ``localnet``; every subcommand is a module of its own."""

import argparse
import sys
from collections.abc import Sequence

from .. import __version__
from . import convert, golden, homework, reproduce, show, train

__all__ = ["main"]

DESCRIPTION = """\
Locally connected layers (convolution without weight sharing) in pure NumPy.

Try: localnet train digits
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.

    Returns
    -------
    int
        Exit status: 0; after an error, whose one sentence goes to stderr, 1, or 2 from
        a command where 1 is an answer; 130 after Ctrl-C, and then nothing is saved.

    Raises
    ------
    SystemExit
        With status 2 if the arguments are wrong, and 0 after ``--help`` and
        ``--version``.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (ValueError, OSError, ImportError) as error:
        print(f"localnet: {error}", file=sys.stderr)
        return int(options.error_status)
    except KeyboardInterrupt:
        print("\nlocalnet: interrupted, no model was saved", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="localnet",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"localnet {__version__}"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    parser.set_defaults(error_status=1)
    for command in (train, show, convert, golden, reproduce, homework):
        command.add_command(commands)
    return parser
