"""What the commands share: how the text of an option becomes a value."""

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress
from textwrap import fill, indent
from typing import Any, NoReturn, TypeAlias

from .. import __version__, _validate

__all__ = [
    "PRECISIONS",
    "Commands",
    "Parser",
    "add_limits",
    "add_workers",
    "epilog",
    "integer",
]

PRECISIONS = ("float64", "float32", "float16", "bfloat16")

# How most commands end; the others say how they do.
STATUS = "0; 1 after an error; 2 if the arguments are wrong"

# What `argparse` gives a command to add itself to.
Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


class Parser(argparse.ArgumentParser):
    """Reads a command line; each command has ``--version`` and keeps its lines."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, formatter_class=argparse.RawDescriptionHelpFormatter)
        self.add_argument(
            "--version", action="version", version=f"localnet {__version__}"
        )

    # argparse itself keeps silent about a text that cannot be written.

    def _print_message(self, message: str, file: Any = None) -> None:
        (file or sys.stderr).write(message)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End with a message, and with all that was printed before."""
        sys.stdout.flush()
        super().exit(status, message)


def epilog(examples: str, status: str = STATUS) -> str:
    """Return what stands below the options of every command: examples and its end."""
    end = fill(f"exit status: {status}.", width=80)
    return f"examples:\n{indent(examples, '  ')}\n{end}\n"


def integer(option: str, *, minimum: int) -> Callable[[str], int]:
    """Return what argparse turns the text of an option into an integer with."""

    def convert(text: str) -> int:
        value: str | int = text
        with suppress(ValueError):
            value = int(text)
        try:
            return _validate.integer(option, value, minimum=minimum)
        except ValueError as error:
            # Without an argument, since the sentence names the option.
            raise argparse.ArgumentError(None, str(error)) from None

    return convert


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how far a file is trusted."""
    parser.add_argument(
        "--max-bytes",
        type=integer("--max-bytes", minimum=0),
        default=None,
        metavar="N",
        help="refuse a file whose arrays would take more memory than N bytes",
    )
    parser.add_argument(
        "--in-process",
        action="store_true",
        help="read in this process, for files that you trust; otherwise another one "
        "reads them, with limits on time and memory",
    )


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where several trainings take place."""
    workers = parser.add_mutually_exclusive_group()
    workers.add_argument(
        "--jobs",
        type=integer("--jobs", minimum=1),
        default=1,
        metavar="N",
        help="trainings side by side; the numbers do not depend on it (default: 1)",
    )
    workers.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="train on the workers of a Dask scheduler, such as tcp://10.0.0.1:8786; "
        "needs the extra dask",
    )
