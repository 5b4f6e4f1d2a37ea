"""What an assignment is, and the folder that a student gets."""

import json
import os
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from .. import _validate

__all__ = ["ASSIGNMENTS", "Assignment", "number_of", "start"]

RECORD = "assignment.json"  # which one it is, and of which version


class Assignment(NamedTuple):
    """
    One assignment.

    Parameters
    ----------
    name : str
        Also that of its starter and of the module with its checks.
    title : str
        What is to be written, in words.
    lesson : int
        The notebook that comes before it.
    lends : bool
        Whether its code may import ``localnet.ops``.
    """

    name: str
    title: str
    lesson: int
    lends: bool = False


ASSIGNMENTS = {
    1: Assignment("forward", "the layer, forward", 1),
    2: Assignment("backward", "its three gradients", 2),
    3: Assignment("windows", "strides and padding", 2),
    4: Assignment("sharing", "shared kernels and kernels of low rank", 4),
    5: Assignment("training", "a training loop", 3, lends=True),
    6: Assignment("mutants", "a test that finds five wrong backends", 6),
}


def start(number: int, folder: str | os.PathLike[str]) -> Path:
    """
    Write the folder of an assignment.

    Parameters
    ----------
    number : int
        A key of `ASSIGNMENTS`.
    folder : str or path-like
        New or empty.

    Returns
    -------
    pathlib.Path
        The folder, with ``homework.py`` to be filled in and ``test_homework.py``, some
        of the tests.

    Raises
    ------
    ValueError
        If there is no such assignment, or the folder holds something.
    OSError
        If it cannot be written.

    See Also
    --------
    check : Grades the folder.

    Examples
    --------
    >>> import tempfile
    >>> folder = start(1, Path(tempfile.mkdtemp()) / "one")
    >>> sorted(file.name for file in folder.iterdir())
    ['assignment.json', 'homework.py', 'test_homework.py']
    """
    number = _validate.integer("number", number, minimum=1, maximum=len(ASSIGNMENTS))
    place = Path(_validate.path("folder", folder))
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise ValueError(
            f"folder must be new or empty, got {_validate.shown(str(place))}"
        )
    name = ASSIGNMENTS[number].name
    texts = {
        "homework.py": _starter(f"{name}.txt"),
        "test_homework.py": _starter(f"test_{name}.txt"),
        RECORD: json.dumps({"homework": number}) + "\n",
    }
    place.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        (place / file).write_text(text, encoding="utf-8")
    return place


def _starter(name: str) -> str:
    file = resources.files(__package__).joinpath("starters", name)
    return file.read_text(encoding="utf-8")


def number_of(folder: str | os.PathLike[str]) -> int:
    """Return which assignment a folder holds."""
    place = Path(_validate.path("folder", folder))
    missing = [n for n in (RECORD, "homework.py") if not (place / n).is_file()]
    if missing:
        wrong = f"without {missing[0]}"
    else:
        try:
            number = json.loads((place / RECORD).read_text(encoding="utf-8"))[
                "homework"
            ]
            return _validate.integer(
                "homework", number, minimum=1, maximum=len(ASSIGNMENTS)
            )
        except (OSError, ValueError, LookupError, TypeError):
            wrong = f'with a broken {RECORD}, not {{"homework": N}}'
    raise ValueError(
        "folder must be one that `localnet homework start` wrote, "
        f"got {_validate.shown(str(place))} {wrong}"
    )
