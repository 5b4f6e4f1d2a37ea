"""
Python in child processes: how localnet starts each of them.

A new interpreter puts the folder that it is started in at the head of its path, and a
``json.py`` that lies there beside a file from a stranger would be run. No child does.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["ONE_THREAD", "SAFE_PATH", "environment", "python"]

# How BLAS libraries are told to use one thread: two trainings side by side are faster
# than one after the other with two threads, and a sum has one order.
ONE_THREAD = dict.fromkeys(
    (
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
        *("BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
    ),
    "1",
)
# What ``-P`` is for multiprocessing, which writes the command line of its children.
SAFE_PATH = {"PYTHONSAFEPATH": "1"}


def python(*arguments: str) -> list[str]:
    """Return the command that starts Python without the current folder on its path."""
    if not sys.executable:
        raise OSError("a process of its own needs the path of Python, got none")
    return [sys.executable, "-P", *arguments]


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Let processes that begin inside the block, and this one, see the variables."""
    former = {name: os.environ.get(name) for name in variables}
    os.environ |= variables
    try:
        yield
    finally:
        for name, value in former.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
