"""One pool of threads for the whole process, made when it is first needed."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from ..config import get_num_threads

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["run_all"]

T = TypeVar("T")

_pools: "dict[int, ThreadPoolExecutor]" = {}
# A forked child has none of its parent's threads; Windows cannot fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)


def run_all(work: Callable[[T], None], parts: Sequence[T], *, worthwhile: bool) -> None:
    """
    Call ``work(part)`` for every part, in threads when that is worth a hand-over.

    The parts are the same whatever the number of threads, and no part reads what
    another one writes, so the results have the same bits.
    """
    threads = min(get_num_threads(), len(parts)) if worthwhile else 1
    if threads < 2:
        for part in parts:
            work(part)
        return
    if threads not in _pools:
        # Here, because it loads logging, and small models need no threads.
        from concurrent.futures import ThreadPoolExecutor

        _pools[threads] = ThreadPoolExecutor(threads, thread_name_prefix="localnet")
    for _ in _pools[threads].map(work, parts):
        pass
