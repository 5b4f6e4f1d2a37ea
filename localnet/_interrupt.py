"""Ctrl-C and time limits, held back while something must not be left half done."""

import signal
import threading
from collections.abc import Sequence
from typing import Any

try:
    # Those of `signal` make an enum of all that they give: as long as a small update.
    from _signal import getsignal  # type: ignore[import-not-found]
    from _signal import signal as set_handler
except ImportError:  # of another Python
    from signal import getsignal
    from signal import signal as set_handler

__all__ = ["uninterrupted"]

# Signals whose handlers raise: Ctrl-C, and what time limits are made of.
HELD = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGALRM")
    if hasattr(signal, name)  # Windows has no alarms
)


class uninterrupted:
    """
    Hold signals back until the block is done, so that no update is left half.

    All of them: one that raised between the block and the end of `__exit__` would leave
    the others held for good.
    """

    def __enter__(self) -> None:
        self._held: list[int] = []
        formers: list[tuple[int, Any]] = []
        if threading.get_ident() == threading.main_thread().ident:
            formers = [(number, getsignal(number)) for number in HELD]
        # Of the others no Python runs.
        self._former = {
            number: former for number, former in formers if callable(former)
        }
        try:
            for number in self._former:
                set_handler(number, self._hold)
        except BaseException:  # of a handler that was not held yet
            self._restore()
            raise

    def _hold(self, number: int, frame: Any) -> None:
        self._held.append(number)

    def _restore(self) -> None:
        for number, former in self._former.items():
            set_handler(number, former)

    def __exit__(self, *error: object) -> None:
        try:
            self._restore()
        except BaseException:  # of a handler that is back
            self._restore()
            raise
        finally:
            _raise_all(self._held)


def _raise_all(numbers: Sequence[int]) -> None:
    """Let the handlers have the signals, each of them, also if one raises."""
    if numbers:
        try:
            signal.raise_signal(numbers[0])
        finally:
            _raise_all(numbers[1:])
