"""What shows how far a training is: the callbacks, and a bar for loops of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from .. import _validate
from .._terminal import output
from .base import Callback, Logs, say

__all__ = ["Progbar", "ProgbarLogger", "TrainingBar", "make_display"]

# Seconds between two drawings of a line that is rewritten.
INTERVAL = 0.1


class ProgbarLogger(Callback):
    """
    Show the progress of an epoch, and its loss and metrics, on the standard output.

    `fit` and `evaluate` add one by themselves when they are verbose.

    Parameters
    ----------
    verbose : {0, 1, 2}
        0 nothing, 1 a bar that moves, 2 one line when an epoch ends.

    Raises
    ------
    ValueError
        If `verbose` is another.

    Notes
    -----
    The bar is drawn by ``tqdm`` if that is installed. If not, it is a line that is
    rewritten in a terminal, and written once per epoch elsewhere. The validation of an
    epoch shows no bar of its own; its values stand in the final line of the epoch. As
    in Keras, values of at most 1e-3 are written with an exponent.
    """

    def __init__(self, verbose: int = 1) -> None:
        super().__init__()
        self.verbose = _verbosity(verbose)
        self.seen = 0
        self.in_fit = False
        self._display: Display | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Leave evaluations silent from now on: they validate epochs."""
        self.in_fit = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Leave the line of an epoch that was broken off."""
        self.in_fit = False
        if self._display is not None:
            self._display.leave()
            self._display = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin a bar, under the number of the epoch."""
        epochs = self.params["epochs"]
        if self.verbose and epochs > 1:
            say(f"Epoch {epoch + 1}/{epochs}")
        self._begin()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Move the bar."""
        self._move(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Show the final values."""
        self._end(logs)

    def go_on(self, seen: int, logs: Logs) -> None:
        """
        Move the bar to where a resumed epoch goes on.

        Parameters
        ----------
        seen : int
            How many batches were done before.
        logs : dict
            What was known after them.
        """
        self._move(seen - 1, logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Begin a bar, unless an epoch is validated."""
        if not self.in_fit:
            self._begin()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Move the bar, unless an epoch is validated."""
        if not self.in_fit:
            self._move(batch, logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Show the final values, unless an epoch is validated."""
        if not self.in_fit:
            self._end(logs)

    def _begin(self) -> None:
        self.seen = 0
        if self.verbose:
            self._display = make_display(
                self.params.get("steps"), live=self.verbose == 1
            )

    def _move(self, batch: int, logs: Logs | None) -> None:
        self.seen = batch + 1
        if self._display is not None:
            self._display.move(self.seen, logs or {})

    def _end(self, logs: Logs | None) -> None:
        if self._display is not None:
            self._display.end(self.seen, logs or {})
            self._display = None


class Progbar:
    """
    Show the progress of a loop of one's own, as scripts with `train_on_batch` do.

    Parameters
    ----------
    target : int or None
        How many steps there will be; None if that is not known.
    width : int, default 30
        Accepted as in Keras, without a meaning.
    verbose : {0, 1, 2}
        As for `ProgbarLogger`.
    interval : float, default 0.05
        Accepted as in Keras, without a meaning.
    stateful_metrics : iterable of str, optional
        Names whose last value is shown; of all others it is the mean over the steps.
    unit_name : str, default "step"
        What a step is called.

    Raises
    ------
    ValueError
        If `target` is no number of steps, or `verbose` is another.

    See Also
    --------
    ProgbarLogger : The bars of `fit`, drawn in the same way.

    Examples
    --------
    >>> bar = Progbar(2, verbose=2)
    >>> bar.update(1, values=[("loss", 3.0)])
    >>> bar.add(1, values=[("loss", 1.0)])  # doctest: +ELLIPSIS
    2/2 - 0s - loss: 2.0000 - ...
    """

    def __init__(
        self,
        target: int | None,
        width: int = 30,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        del width, interval
        self.target = _validate.optional_integer("target", target, minimum=0)
        self.verbose = _verbosity(verbose)
        self.stateful_metrics = set(stateful_metrics or ())
        self.unit_name = unit_name
        self._seen = 0
        # Of each name, the sum over the steps, and how many they were.
        self._sums: dict[str, tuple[Any, int]] = {}
        self._display = self._begun()

    def _begun(self) -> Display | None:
        if not self.verbose:
            return None
        live = self.verbose == 1
        return make_display(self.target, live=live, unit=self.unit_name)

    def update(
        self,
        current: int,
        values: Iterable[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """
        Move the bar to a step.

        Parameters
        ----------
        current : int
            How many steps are done.
        values : iterable of (str, float), optional
            What the steps since the last call gave.
        finalize : bool, optional
            Whether the line ends; by default, when `target` is reached.
        """
        steps = max(current - self._seen, 1)
        for name, value in values or ():
            total, count = self._sums.get(name, (0.0, 0))
            if name in self.stateful_metrics:
                self._sums[name] = value, 1
            else:
                self._sums[name] = total + value * steps, count + steps
        self._seen = current
        # Anew after the end of a line, where a loop goes on.
        self._display = self._display or self._begun()
        if self._display is None:
            return
        means = {name: total / count for name, (total, count) in self._sums.items()}
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        self._display.move(current, means)
        if finalize:
            self._display.end(current, means)
            self._display = None

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """
        Move the bar by some steps.

        Parameters
        ----------
        n : int
            How many steps were done.
        values : iterable of (str, float), optional
            As for `update`.
        """
        self.update(self._seen + n, values)


class TrainingBar(Callback):
    """
    Show one bar for a whole training, an epoch at a time; made for short epochs.

    See Also
    --------
    ProgbarLogger : One bar for each epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self._display: Display | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin the bar."""
        self.seen = 0
        self._display = make_display(self.params["epochs"], live=True, unit="epoch")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Move the bar."""
        self.seen = epoch + 1
        if self._display is not None:
            self._display.move(self.seen, logs or {})

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Show the final values."""
        if self._display is not None:
            self._display.end(self.seen, logs or {})
            self._display = None


class Display(Protocol):
    """What shows how far something is."""

    def move(self, seen: int, logs: Logs) -> None:
        """Show that `seen` batches are done."""

    def end(self, seen: int, logs: Logs) -> None:
        """Show the final values, and go to the next line."""

    def leave(self) -> None:
        """Go to the next line as things stand."""


def _verbosity(verbose: Any) -> int:
    if isinstance(verbose, (int, np.integer)) and verbose in (0, 1, 2):
        return int(verbose)
    raise ValueError(f"verbose must be 0, 1 or 2, got {_validate.shown(verbose)}")


def make_display(steps: int | None, *, live: bool, unit: str = "step") -> Display:
    """
    Return a bar of tqdm if that is installed, and else a line of numbers.

    Parameters
    ----------
    steps : int or None
        How many there will be; None if that is not known.
    live : bool
        Whether it moves; if not, it is written once, at the end.
    unit : str
        What a step is called.

    Returns
    -------
    Display
        Drawn on the standard output.
    """
    if live:
        try:
            from tqdm import tqdm
        except ImportError:
            return _Line(steps, live=output().isatty(), unit=unit)
        return _Bar(tqdm(total=steps, file=output(), unit=unit))
    return _Line(steps, live=False, unit=unit)


class _Bar:
    """A bar drawn by tqdm."""

    def __init__(self, bar: Any) -> None:
        self.bar = bar

    def move(self, seen: int, logs: Logs) -> None:
        self.bar.set_postfix_str(_described(logs), refresh=False)
        self.bar.update(seen - self.bar.n)

    def end(self, seen: int, logs: Logs) -> None:
        self.bar.set_postfix_str(_described(logs), refresh=False)
        self.bar.close()

    def leave(self) -> None:
        self.bar.close()


class _Line:
    """Keras's line of numbers; while it is live it is rewritten in place."""

    def __init__(self, steps: int | None, *, live: bool, unit: str) -> None:
        self.steps = steps
        self.live = live
        self.unit = unit
        self.began = self.drawn = perf_counter()
        self.width = 0

    def move(self, seen: int, logs: Logs) -> None:
        if self.live and perf_counter() - self.drawn >= INTERVAL:
            self._draw(self._text(seen, logs))
            self.drawn = perf_counter()

    def end(self, seen: int, logs: Logs) -> None:
        spent = perf_counter() - self.began
        pace = f"{_duration(spent / max(seen, 1))}/{self.unit}"
        if self.unit == "step":
            pace = f"{_duration(spent)}/epoch - {pace}"
        self.steps = self.steps or seen
        self._draw(f"{self._text(seen, logs)} - {pace}")
        output().write("\n")

    def leave(self) -> None:
        if self.width:
            output().write("\n")

    def _text(self, seen: int, logs: Logs) -> str:
        steps = self.steps or "Unknown"
        count = f"{seen:{len(str(steps))}d}/{steps}"
        spent = f"{perf_counter() - self.began:.0f}s"
        return " - ".join(filter(None, [count, spent, _described(logs)]))

    def _draw(self, text: str) -> None:
        if self.live:
            output().write(f"\r{text:<{self.width}}")
            output().flush()
            self.width = len(text)
        else:
            output().write(text)


def _described(logs: Logs) -> str:
    """Return ``name: value`` for everything in the logs, as Keras writes it."""
    # A callback may put an array into the logs; Keras shows its mean.
    numbers = {name: float(np.mean(value)) for name, value in logs.items()}
    return " - ".join(
        f"{name}: {value:.4f}" if abs(value) > 1e-3 else f"{name}: {value:.4e}"
        for name, value in numbers.items()
    )


def _duration(seconds: float) -> str:
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms"
    return f"{seconds * 1e6:.0f}us"
