"""
Homework that grades itself: six assignments, from a loop to a test of one's own.

`start` writes a folder with what is to be written and the tests that are visible;
`check` runs a student's code in processes of its own, holds it to the golden suite, and
counts points.

Imports `golden` and below.
"""

from .assignment import ASSIGNMENTS, Assignment, start
from .grading import Grade, Mark, check

__all__ = ["ASSIGNMENTS", "Assignment", "Grade", "Mark", "check", "start"]
