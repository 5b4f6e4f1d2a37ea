"""``localnet notebooks``: the lessons, with their data."""

import argparse
import shutil
from importlib import resources
from pathlib import Path

from .. import _validate
from .arguments import Commands, epilog

__all__ = ["add_command"]

DESCRIPTION = """\
Write the lessons, Jupyter notebooks with their outputs and their data, to a new folder.
To run them needs the extra plot, and lesson 7 the extra h5.
"""
EXAMPLES = """\
localnet notebooks lessons
"""


def add_command(commands: Commands) -> None:
    """Add ``notebooks`` to the commands."""
    parser = commands.add_parser(
        "notebooks",
        help="write the lessons to a folder",
        description=DESCRIPTION,
        epilog=epilog(EXAMPLES),
    )
    parser.add_argument("folder", metavar="FOLDER", help="new or empty")
    parser.set_defaults(run=_write)


def _write(options: argparse.Namespace) -> int:
    """Copy the lessons and say how to open them."""
    folder = Path(_validate.path("folder", options.folder))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(
            f"folder must be new or empty, got {_validate.shown(str(folder))}"
        )
    with resources.as_file(resources.files("localnet")) as package:
        lessons = package / "_lessons"  # in a wheel; setup.py puts them there
        if not lessons.is_dir():
            lessons = package.parent / "notebooks"  # in a checkout
        files = sorted([*lessons.glob("*.ipynb"), *lessons.glob("data/old-model.*")])
        if not files:
            raise ValueError("lessons must be part of this installation, got none")
        for file in files:
            target = folder / file.relative_to(lessons)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    for file in sorted(folder.glob("*.ipynb")):
        print(file)
    print(f"open them:  jupyter lab {folder}")
    print("they need:  python -m pip install jupyterlab matplotlib h5py")
    return 0
