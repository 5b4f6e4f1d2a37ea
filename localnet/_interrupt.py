"""Ctrl-C, held back while something must not be left half done."""

import signal
import threading
from typing import Any

__all__ = ["may_be_interrupted", "uninterrupted"]

# What time limits are made of.
OTHERS = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGALRM")
    if hasattr(signal, name)  # Windows has no alarms
)


def may_be_interrupted() -> bool:
    """Return whether a signal other than Ctrl-C has a handler here, which may raise."""
    return threading.get_ident() == threading.main_thread().ident and any(
        callable(signal.getsignal(number)) for number in OTHERS
    )


class uninterrupted:
    """Hold a Ctrl-C back until the block is done, so that no update is left half."""

    def __enter__(self) -> None:
        self._held: list[int] = []
        self._former: Any = None  # also where it was not set from Python
        if threading.get_ident() == threading.main_thread().ident:
            self._former = signal.getsignal(signal.SIGINT)
        if self._former is not None:
            try:
                signal.signal(signal.SIGINT, self._hold)
            except BaseException:  # of the handler of another signal
                self._restore()
                raise

    def _hold(self, number: int, frame: Any) -> None:
        self._held.append(number)

    def _restore(self) -> None:
        signal.signal(signal.SIGINT, self._former)

    def __exit__(self, *error: object) -> None:
        if self._former is not None:
            try:
                self._restore()
            except BaseException:
                self._restore()
                raise
        if self._held:
            signal.raise_signal(self._held[0])
