"""What the commands share: how the text of an option becomes a value."""

import argparse
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

from .. import _validate

__all__ = ["PRECISIONS", "Commands", "add_in_process", "integer"]

PRECISIONS = ("float64", "float32", "float16", "bfloat16")

# What `argparse` gives a command to add itself to.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


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


def add_in_process(parser: argparse.ArgumentParser) -> None:
    """Add the option to read a file without the protection of another process."""
    parser.add_argument(
        "--in-process",
        action="store_true",
        help="read in this process, for files that you trust; otherwise another one "
        "reads them, with limits on time and memory",
    )
