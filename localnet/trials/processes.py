"""Trials in processes of this machine, one thread each."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeAlias

from .. import _children, config

__all__ = ["AnswersTo", "in_processes"]

# answers_to(function, trials) gives (place of a trial, its answer) as they come.
AnswersTo: TypeAlias = Callable[
    [Callable[[Any], Any], Sequence[Any]], Iterator[tuple[int, Any]]
]


@contextmanager
def in_processes(count: int) -> Iterator[AnswersTo]:
    """Give what calls a function in `count` processes; they end with the block."""
    others = set(multiprocessing.active_children())
    with _children.environment(**_children.ONE_THREAD, **_children.SAFE_PATH):
        _track_quietly()
        # Not forked: BLAS has read the environment here already.
        pool = ProcessPoolExecutor(
            count, multiprocessing.get_context("spawn"), initializer=_begin
        )
        try:
            yield lambda function, trials: _answers(pool, function, trials)
        except KeyboardInterrupt:
            # Nobody waits for trainings that are given up.
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _track_quietly() -> None:
    """Begin what frees semaphores of a process that was killed, which needs no word."""
    if os.name == "posix":
        from multiprocessing import resource_tracker

        quiet = "ignore:resource_tracker:UserWarning"
        given = os.environ.get("PYTHONWARNINGS")
        every = f"{given},{quiet}" if given else quiet
        with _children.environment(PYTHONWARNINGS=every):
            resource_tracker.ensure_running()


def _answers(
    pool: ProcessPoolExecutor, function: Callable[[Any], Any], trials: Sequence[Any]
) -> Iterator[tuple[int, Any]]:
    futures = {pool.submit(function, trial): i for i, trial in enumerate(trials)}
    for future in as_completed(futures):
        try:
            answer = future.result()
        except BrokenProcessPool:
            raise ChildProcessError(
                "a training ended without an answer: its process was killed, or "
                "could not begin"
            ) from None
        yield futures[future], answer


def _begin() -> None:
    """Leave Ctrl-C to the process that waits, and end with it; take one processor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    config.set_num_threads(1)


def _end_with_parent() -> None:
    """Wait until the process that began this one is gone, however, and follow it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
