"""Grading a folder: a process for each check, with limits of time and memory."""

import contextlib
import functools
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, NamedTuple, cast

from .. import _children
from .assignment import ASSIGNMENTS, number_of
from .checks import Check, Failure
from .layer import BACKWARD, FORWARD, WINDOWS
from .mutants import MUTANT_CHECKS
from .sharing import SHARING
from .student import IDLE, OVERTIME, Broken, Channel, Gone
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
STARTING, PATIENCE = 60.0, 20.0  # seconds, and times the limit, on a machine at work


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
        What to look at next; empty if nothing is wrong, or the reason says it all.
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
    problem, hint : str
        Why ``homework.py`` cannot be imported, which costs all points; empty if it can.
    """

    number: int
    marks: tuple[Mark, ...]
    problem: str = ""
    hint: str = ""

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
        said = [self.problem, self.hint and f"hint: {self.hint}"]
        return "\n".join(
            [
                f"Homework {self.number}, {title}",
                *(f"  {line}" for line in said if line),
                *(line for mark in self.marks for line in _lines(mark)),
                f"{self.points} of {self.possible} points",
            ]
        )


def _lines(mark: Mark) -> Iterator[str]:
    word = "ok" if mark.points else "FAIL"
    yield f"  {word:4} {mark.points} of {mark.possible}  {mark.title}"
    if mark.reason:
        yield f"         {mark.reason}"
    if mark.hint:
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
    That process has NumPy and no localnet; what is expected stays in this one. It is no
    wall against code that means harm.

    Parameters
    ----------
    folder : str or path-like
        What `start` wrote, with ``homework.py`` filled in.
    limit : float, optional
        Seconds for each check that the code may compute, or wait for nothing; default:
        20, and 60 where a network is trained. Imports, and what else the machine does,
        do not count.
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
    for wanted in CHECKS[number]:
        seconds = wanted.limit if limit is None else limit
        try:
            mark = _mark(Path(folder), number, wanted, seconds)
        except Unreadable as unreadable:
            lost = (Mark(c.title, 0, c.points) for c in CHECKS[number])
            return Grade(number, tuple(lost), *unreadable.args)
        marks.append(mark)
        if on_mark is not None:
            on_mark(mark)
    return Grade(number, tuple(marks))


def _mark(folder: Path, number: int, wanted: Check, seconds: float) -> Mark:
    """Run one check on the code in a folder; raise Unreadable if that has none."""
    hint = ""
    with _student(folder, number, seconds) as (what_ended, homework):
        try:
            try:
                homework.load()
            except (Broken, Gone, OSError) as error:
                raise Unreadable(*what_ended(error)) from None
            wanted.run(cast(ModuleType, homework))
            reason = ""
        except Failure as failure:
            reason = str(failure)
            hint = wanted.hint if failure.hint is None else failure.hint
        except (TypeError, ValueError, LookupError) as error:
            # An answer that no check thought of costs its points, and not the rest.
            reason = f"the answer cannot be used: {error}"
        except (Broken, Gone, OSError) as error:
            reason, hint = what_ended(error)
    if not reason:
        return Mark(wanted.title, wanted.points, wanted.points)
    return Mark(wanted.title, 0, wanted.points, " ".join(reason.split()), hint)


class Unreadable(Exception):
    """Code that cannot be imported: a sentence and a hint."""


class Student:
    """The functions of a homework that runs in another process."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def load(self) -> None:
        """Import homework.py."""
        self._channel.call(0)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        number = 2 if name == "batches" else 1  # its answer may be a generator
        return functools.partial(self._channel.call, number, name)


@contextlib.contextmanager
def _student(
    folder: Path, number: int, seconds: float
) -> Iterator[tuple[Callable[[Exception], tuple[str, str]], Student]]:
    """
    Start a process for a student's code, and end it afterwards.

    The first that is yielded says in words why the process gave no answer.
    """
    lends = "lent" if ASSIGNMENTS[number].lends else "nothing"
    command = _children.python(str(Path(__file__).with_name("student.py")))
    command += [str(folder.resolve()), str(seconds), lends]
    with (
        tempfile.TemporaryDirectory() as scratch,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=scratch,
            env={**os.environ, **_children.ONE_THREAD},
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        # The process counts its own time; this ends it if it can no longer do that.
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        last = threading.Timer(STARTING + PATIENCE * seconds, stop)
        last.daemon = True

        def what_ended(error: Exception) -> tuple[str, str]:
            if isinstance(error, Broken):
                return str(error), error.hint
            status = process.wait()
            return _what_ended(OVERTIME if late.is_set() else status, seconds)

        last.start()
        channel = Channel(
            cast(BinaryIO, process.stdout),
            cast(BinaryIO, process.stdin),
            lambda error: (f"{type(error).__name__}: {error}", ""),
        )
        try:
            yield what_ended, Student(channel)
        finally:
            last.cancel()
            process.kill()
            process.wait()
            with contextlib.suppress(OSError):
                process.stdin.close()


def _what_ended(status: int, seconds: float) -> tuple[str, str]:
    """Return why a process ended with a status, and a hint."""
    if status == IDLE:
        reason = f"it did nothing for {seconds:g} seconds and was stopped"
        return reason, "Does it wait for something?"
    if status in (OVERTIME, -int(getattr(signal, "SIGXCPU", 0))):
        reason = f"it computed for more than {seconds:g} seconds and was stopped"
        return reason, "Is there an endless loop?"
    if status == -9:
        reason = "it was killed (signal 9), perhaps for lack of memory"
        return reason, "How large are your arrays?"
    if status < 0:
        return f"it crashed (signal {-status})", ""
    return f"it ended Python, with exit status {status}", "Return an answer instead."
