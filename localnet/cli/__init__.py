"""
The command ``localnet``; every subcommand is a module of its own.

Imports `homework` and below.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence

from .._terminal import output, printable
from . import (
    convert,
    export,
    golden,
    homework,
    notebooks,
    reproduce,
    show,
    sweep,
    train,
)
from .arguments import Parser, epilog

__all__ = ["main"]

DESCRIPTION = """\
Locally connected layers (convolution without weight sharing) in pure NumPy.
Every command has a --help of its own.
"""
EXAMPLES = """\
localnet train digits
localnet show localnet-digits.npz
localnet golden check mymodule:backend
"""
# What a shell reports of a tool that the signal SIGPIPE ended.
BROKEN_PIPE = 141


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
        a command where 1 is an answer; 130 after Ctrl-C; 141 if nobody reads a pipe.

    Raises
    ------
    SystemExit
        With status 2 if the arguments are wrong, and 0 after ``--help`` and
        ``--version``.
    """
    # What was closed before Python began is None there.
    sys.stdout, sys.stderr = output(), sys.stderr or io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal has no letters for is no reason to stop.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    options = argparse.Namespace(error_status=1, interrupted="interrupted")
    try:
        _parser().parse_args(arguments, options)
        status = int(options.run(options))
        sys.stdout.flush()
    except BrokenPipeError:
        return _nobody_reads()
    except (ValueError, OSError, ImportError) as error:
        lines = [printable(line) for line in str(error).splitlines()]
        print("localnet: " + "\n".join(lines), file=sys.stderr)
        return int(options.error_status)
    except KeyboardInterrupt:
        print(f"\nlocalnet: {options.interrupted}", file=sys.stderr)
        return 130
    return status


def _nobody_reads() -> int:
    """End as other tools do when the reader of a pipe has gone: without a word."""
    # What is still in the buffer would raise once more when Python ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="localnet", description=DESCRIPTION, epilog=epilog(EXAMPLES))
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    every = (train, show, convert, export, golden, reproduce, sweep)
    for command in (*every, notebooks, homework):
        command.add_command(commands)
    return parser
