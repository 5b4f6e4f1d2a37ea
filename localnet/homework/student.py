"""One check of a student's code, in a process of its own; `grading` starts it."""

import importlib
import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from .checks import Check, Failure
from .grading import CHECKS

__all__ = ["fault", "main"]


def main(folder: str, number: str, index: str, answer: str) -> None:
    """Run one check on the homework of a folder and write down what is wrong."""
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    wanted = CHECKS[int(number)][int(index)]
    reason = fault(wanted, lambda: importlib.import_module("homework"))
    Path(answer).write_text(json.dumps({"reason": reason}), encoding="utf-8")


def fault(wanted: Check, load: Callable[[], ModuleType]) -> str:
    """Return what a check finds wrong with a homework, in one line; or nothing."""
    try:
        wanted.run(load())
        return ""
    except Failure as failure:
        reason = str(failure)
    except NotImplementedError as error:
        reason = f"not written yet: {error}"
    except Exception as error:
        reason = f"{type(error).__name__}: {error}{_line(error)}"
    return " ".join(reason.split())


def _line(error: Exception) -> str:
    """Say in which line of the homework an error arose."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).name == "homework.py"
    ]
    if isinstance(error, SyntaxError) and error.lineno:
        lines = [error.lineno]
    return f" (line {lines[-1]} of homework.py)" if lines else ""


if __name__ == "__main__":
    main(*sys.argv[1:])
