"""Grading a folder: every check in a process of its own, with a limit of time."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .assignment import ASSIGNMENTS, number_of
from .checks import Check
from .layer import BACKWARD, FORWARD, WINDOWS
from .mutants import MUTANT_CHECKS
from .sharing import SHARING
from .training import TRAINING

__all__ = ["CHECKS", "Grade", "Mark", "check"]

CHECKS = {
    1: FORWARD,
    2: BACKWARD,
    3: WINDOWS,
    4: SHARING,
    5: TRAINING,
    6: MUTANT_CHECKS,
}


class Mark(NamedTuple):
    """
    What came of one check.

    Parameters
    ----------
    title : str
        What was looked at.
    points, possible : int
        What was earned, of how many.
    reason : str
        What is wrong; empty if nothing is.
    hint : str
        What to look at next; empty if nothing is wrong.
    """

    title: str
    points: int
    possible: int
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Grade:
    """
    What came of a homework.

    Parameters
    ----------
    number : int
        Which assignment it is.
    marks : tuple of Mark
        One for each check, in order.
    """

    number: int
    marks: tuple[Mark, ...]

    @property
    def points(self) -> int:
        """What was earned."""
        return sum(mark.points for mark in self.marks)

    @property
    def possible(self) -> int:
        """What could be earned."""
        return sum(mark.possible for mark in self.marks)

    def __str__(self) -> str:
        title = ASSIGNMENTS[self.number].title
        return "\n".join(
            [
                f"Homework {self.number}, {title}",
                *(line for mark in self.marks for line in _lines(mark)),
                f"{self.points} of {self.possible} points",
            ]
        )


def _lines(mark: Mark) -> Iterator[str]:
    word = "FAIL" if mark.reason else "ok"
    yield f"  {word:4} {mark.points} of {mark.possible}  {mark.title}"
    if mark.reason:
        yield f"         {mark.reason}"
        yield f"         hint: {mark.hint}"


def check(
    folder: str | os.PathLike[str],
    *,
    limit: float | None = None,
    on_mark: Callable[[Mark], None] | None = None,
) -> Grade:
    """
    Grade a homework.

    Every check runs the student's code in a process of its own, which is ended when
    its time is up: an endless loop or a crash costs the points of that check, no more.
    It is no wall against code that means harm.

    Parameters
    ----------
    folder : str or path-like
        What `start` wrote, with ``homework.py`` filled in.
    limit : float, optional
        Seconds for each check; default: 20, and 60 where a network is trained.
    on_mark : callable, optional
        Gets each mark as soon as it is known.

    Returns
    -------
    Grade
        ``grade.points`` of ``grade.possible``, and a mark for each check.

    Raises
    ------
    ValueError
        If the folder is another one.

    See Also
    --------
    start : Writes the folder.

    Examples
    --------
    >>> import tempfile
    >>> from localnet.homework import start
    >>> grade = check(start(2, Path(tempfile.mkdtemp()) / "two"))
    >>> grade.points, grade.possible
    (0, 12)
    """
    number = number_of(folder)
    marks = []
    for index, wanted in enumerate(CHECKS[number]):
        seconds = wanted.limit if limit is None else limit
        mark = _mark(Path(folder), number, index, wanted, seconds)
        marks.append(mark)
        if on_mark is not None:
            on_mark(mark)
    return Grade(number, tuple(marks))


def _mark(folder: Path, number: int, index: int, wanted: Check, seconds: float) -> Mark:
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch, "answer.json")
        command = [sys.executable, "-m", "localnet.homework.student"]
        command += [str(folder.resolve()), str(number), str(index), str(answer)]
        try:
            process = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=seconds,
                check=False,
                cwd=scratch,
            )
        except subprocess.TimeoutExpired:
            reason = f"it took more than {seconds:g} seconds and was stopped"
            hint = "Is there an endless loop?"
            return Mark(wanted.title, 0, wanted.points, reason, hint)
        try:
            reason = str(json.loads(answer.read_text(encoding="utf-8"))["reason"])
        except (OSError, ValueError):
            reason = f"it ended Python, with exit status {process.returncode}"
    if not reason:
        return Mark(wanted.title, wanted.points, wanted.points)
    return Mark(wanted.title, 0, wanted.points, reason, wanted.hint)
