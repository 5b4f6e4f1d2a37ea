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

from .. import config

__all__ = ["AnswersTo", "in_processes"]

# answers_to(function, trials) gives (place of a trial, its answer) as they come.
AnswersTo: TypeAlias = Callable[
    [Callable[[Any], Any], Sequence[Any]], Iterator[tuple[int, Any]]
]

# How BLAS libraries are told to use one thread: two trainings side by side are faster
# than one after the other with two threads, and a sum has one order.
ONE_THREAD = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
)


@contextmanager
def in_processes(count: int) -> Iterator[AnswersTo]:
    """Give what calls a function in `count` processes; they end with the block."""
    former = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ |= dict.fromkeys(ONE_THREAD, "1")
    others = set(multiprocessing.active_children())
    try:
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
    finally:
        for name, value in former.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


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
