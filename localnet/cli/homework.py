"""``localnet homework``: assignments that grade themselves."""

import argparse

from .arguments import Commands, epilog, integer

__all__ = ["add_command"]

DESCRIPTION = """\
Six assignments, from the first loop to a test of one's own. Each is a folder with a
file to fill in and some of its tests; check runs all of them and counts points.
"""

EXAMPLES = """\
localnet homework list
localnet homework start 1 homework-1     then fill in homework-1/homework.py
localnet homework check homework-1
"""
LIST = """\
List the assignments with their points, and the lesson that each one follows.
"""
LIST_EXAMPLES = """\
localnet homework list
"""
START = """\
Write the folder of an assignment: a file to fill in, and some of its tests.
"""
START_EXAMPLES = """\
localnet homework start 1 homework-1     then fill in homework-1/homework.py
"""
CHECK = """\
Grade a folder that start wrote: run all tests of the assignment and count points.
"""
CHECK_EXAMPLES = """\
localnet homework check homework-1
localnet homework check homework-1 --limit 120     on a slow machine
"""
CHECK_STATUS = (
    "0 if all points were earned; 1 if not; 2 after an error, such as a folder that "
    "is no assignment, or if the arguments are wrong"
)


def add_command(commands: Commands) -> None:
    """Add ``homework`` and its own commands to the commands."""
    homework = commands.add_parser(
        "homework",
        help="start and grade assignments for a course",
        description=DESCRIPTION,
        epilog=epilog(EXAMPLES),
    )
    verbs = homework.add_subparsers(metavar="COMMAND", required=True)
    listing = verbs.add_parser(
        "list",
        help="list the assignments",
        description=LIST,
        epilog=epilog(LIST_EXAMPLES),
    )
    listing.set_defaults(run=_list)
    start = verbs.add_parser(
        "start",
        help="write the folder of an assignment",
        description=START,
        epilog=epilog(START_EXAMPLES),
    )
    start.add_argument(
        "number",
        metavar="N",
        type=integer("N", minimum=1),
        help="the number of the assignment; see localnet homework list",
    )
    start.add_argument("folder", metavar="FOLDER", help="new or empty")
    start.set_defaults(run=_start)
    check = verbs.add_parser(
        "check",
        help="grade a folder",
        description=CHECK,
        epilog=epilog(CHECK_EXAMPLES, CHECK_STATUS),
    )
    check.add_argument("folder", metavar="FOLDER", help="what start wrote, filled in")
    check.add_argument(
        "--limit",
        type=integer("--limit", minimum=1),
        metavar="SECONDS",
        help="time for each check (default: 20, and 60 where a network is trained)",
    )
    check.set_defaults(run=_check, error_status=2)


def _list(options: argparse.Namespace) -> int:
    """List the assignments with their points."""
    from ..homework import ASSIGNMENTS
    from ..homework.grading import CHECKS

    for number, assignment in ASSIGNMENTS.items():
        points = sum(check.points for check in CHECKS[number])
        print(
            f"{number}  {assignment.title:40} {points} points, after lesson "
            f"{assignment.lesson}"
        )
    return 0


def _start(options: argparse.Namespace) -> int:
    """Write the folder, and say what to do with it."""
    from ..homework import start

    folder = start(options.number, options.folder)
    print(f"fill in:  {folder / 'homework.py'}")
    print(f"try:      python {folder / 'test_homework.py'}")
    print(f"grade:    localnet homework check {folder}")
    return 0


def _check(options: argparse.Namespace) -> int:
    """Grade the folder and print the marks."""
    from ..homework import check

    grade = check(options.folder, limit=options.limit)
    print(grade)
    return 0 if grade.points == grade.possible else 1
