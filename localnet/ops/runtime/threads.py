"""A team of threads for the whole process, made when it is first needed."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

from ..._interrupt import uninterrupted
from ...config import get_num_threads

__all__ = ["run_all"]

T = TypeVar("T")


class Task(NamedTuple):
    """What one helper is asked to do: to take parts until there are none left."""

    # The caller's, so that `numpy.errstate` means the same in every thread.
    context: Context
    work: Callable[[Any], None]
    left: Iterator[Any]
    done: "SimpleQueue[BaseException | None]"


_tasks: "SimpleQueue[Task]" = SimpleQueue()
_helpers: list[threading.Thread] = []
_hiring = threading.Lock()


def run_all(work: Callable[[T], None], parts: Sequence[T], *, worthwhile: bool) -> None:
    """
    Call ``work(part)`` for every part, in threads when that is worth a hand-over.

    The caller works too. The parts are the same whatever the number of threads, and no
    part reads what another one writes, so the results have the same bits. An error in
    one part, or a Ctrl-C, is raised here once no part is running any more.
    """
    helpers = min(get_num_threads(), len(parts)) - 1 if worthwhile else 0
    if helpers < 1:
        for part in parts:
            work(part)
        return
    helpers = min(helpers, _hire(helpers))
    # `next` on a list's iterator is one step for all threads.
    left, done = iter(parts), SimpleQueue[BaseException | None]()
    # A Ctrl-C at any place here would leave helpers that still write.
    with uninterrupted():
        for _ in range(helpers):
            _tasks.put(Task(copy_context(), work, left, done))
        try:
            _take_parts(work, left)
        finally:
            # Also after an error: nobody writes any more when this function returns.
            for _ in left:
                pass
            errors = [done.get() for _ in range(helpers)]
    for error in errors:
        if error is not None:
            raise error


def _hire(count: int) -> int:
    """Have so many helpers, or as many as can be had, and return how many there are."""
    with _hiring:
        while len(_helpers) < count:
            name = f"localnet-{len(_helpers)}"
            helper = threading.Thread(target=_help, name=name, daemon=True)
            try:
                helper.start()
            except RuntimeError:  # a limit on processes, or WebAssembly: work alone
                break
            _helpers.append(helper)
        return len(_helpers)


def _help() -> None:
    while True:
        task, error = _tasks.get(), None
        try:
            task.context.run(_take_parts, task.work, task.left)
        except BaseException as raised:
            error = raised
        task.done.put(error)
        # Wait for the next task without holding on to the arrays of this one.
        del task, error


def _take_parts(work: Callable[[T], None], left: Iterator[T]) -> None:
    for part in left:
        work(part)


def _forget_helpers() -> None:
    """Start anew in a forked child, which has none of its parent's threads."""
    global _tasks, _hiring
    _tasks, _hiring = SimpleQueue(), threading.Lock()
    _helpers.clear()


# Windows cannot fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_helpers)
