"""Ctrl-C, held back while something must not be left half done."""

import signal
import threading
from typing import Any

__all__ = ["uninterrupted"]


class uninterrupted:
    """Hold a Ctrl-C back until the block is done, so that no update is left half."""

    def __enter__(self) -> None:
        self._held: list[int] = []
        self._former: Any = None  # also where it was not set from Python
        if threading.get_ident() == threading.main_thread().ident:
            self._former = signal.getsignal(signal.SIGINT)
        if self._former is not None:
            signal.signal(signal.SIGINT, self._hold)

    def _hold(self, number: int, frame: Any) -> None:
        self._held.append(number)

    def __exit__(self, *error: object) -> None:
        if self._former is not None:
            signal.signal(signal.SIGINT, self._former)
        if self._held:
            signal.raise_signal(self._held[0])
