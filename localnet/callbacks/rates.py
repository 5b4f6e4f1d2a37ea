"""Callbacks that set the learning rate, once an epoch."""

from collections.abc import Callable, Mapping
from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from .. import _validate
from .base import Callback, Logs, Remembering, say
from .monitor import MonitorCallback

__all__ = ["LearningRateScheduler", "ReduceLROnPlateau"]


def _rate(callback: Callback) -> float:
    """Return the learning rate of the model, which must be a plain number."""
    rate = callback.model.optimizer.learning_rate
    if callable(rate):
        raise ValueError(
            f"learning_rate must be a number for {type(callback).__name__} to change "
            f"it, got the schedule {rate!r}"
        )
    return float(rate)


class LearningRateScheduler(Remembering):
    """
    Set the learning rate at the beginning of every epoch.

    The rate of each epoch is added to its logs as ``lr``.

    Parameters
    ----------
    schedule : callable
        ``schedule(epoch, lr)`` or ``schedule(epoch)``, with the number of the epoch
        from 0 and the learning rate so far; returns the new one, a float.
    verbose : int, default 0
        Above 0, say which rate is set.

    Raises
    ------
    ValueError
        If `schedule` cannot be called so or returns anything but a finite float, or if
        the learning rate of the optimizer is a schedule itself.

    See Also
    --------
    ReduceLROnPlateau : Chooses the moment by a logged value.

    Notes
    -----
    The rate itself is the optimizer's, and saved with it: an epoch that is resumed in
    the middle does not ask `schedule` again.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from localnet.optimizers import SGD
    >>> model = SimpleNamespace(optimizer=SGD(0.8))
    >>> callback = LearningRateScheduler(lambda epoch, lr: lr / 2)
    >>> callback.set_model(model)
    >>> callback.on_epoch_begin(0)
    >>> model.optimizer.learning_rate
    0.4
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = _validate.integer("verbose", verbose, minimum=0)
        self.takes_rate = not _validate.misfit(schedule, "epoch", "lr")
        if not self.takes_rate and _validate.misfit(schedule, "epoch"):
            raise ValueError(
                "schedule must be a function of (epoch, lr) or (epoch), got "
                f"{_validate.shown(schedule)}"
            )

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Make sure that there is a number to change, before any weight changes."""
        _rate(self)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the learning rate of this epoch."""
        rate = _rate(self)
        new = self.schedule(epoch, rate) if self.takes_rate else self.schedule(epoch)
        if not isinstance(new, (float, np.floating)):
            raise ValueError(
                f"schedule({epoch}) must be a float, got {_validate.shown(new)}"
            )
        self.model.optimizer.learning_rate = _validate.number(f"schedule({epoch})", new)
        if self.verbose:
            say(f"\nEpoch {epoch + 1}: LearningRateScheduler sets lr to {new}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add the learning rate to the logs."""
        if logs is not None:
            logs["lr"] = _rate(self)


class ReduceLROnPlateau(MonitorCallback):
    """
    Reduce the learning rate when a value has stopped improving.

    The rate of each epoch is added to its logs as ``lr``.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Name of the value in the logs of an epoch.
    factor : float, default 0.1
        The learning rate is multiplied by it; below 1.
    patience : int, default 10
        Epochs without improvement to wait for.
    verbose : int, default 0
        Above 0, say when the rate is reduced.
    mode : {"auto", "min", "max"}
        Whether small or large is good. ``"auto"``: large if the name contains ``acc``.
    min_delta : float, default 1e-4
        An improvement must be larger than this.
    cooldown : int, default 0
        Epochs after a reduction that are not counted as waiting.
    min_lr : float, default 0
        The learning rate is not reduced below this.
    epsilon : float, optional
        An older name of `min_delta`.

    Attributes
    ----------
    wait, cooldown_counter : int
        Epochs since the last improvement, and those of the cooldown that are left.
    best : float
        The best value so far.

    Raises
    ------
    ValueError
        If an argument is wrong, or the learning rate of the optimizer is a schedule.

    Warns
    -----
    UserWarning
        If the logs of an epoch do not hold `monitor`; the epoch is passed over then.

    See Also
    --------
    EarlyStopping : Ends the training instead.

    Notes
    -----
    An epoch improves if ``value < best - min_delta`` (``value > best + min_delta`` for
    a value that should be large). Keras computes the new rate in float32, localnet in
    float64.
    """

    rising_parts: ClassVar[tuple[str, ...]] = ("acc",)
    remembered: ClassVar[Mapping[str, Any]] = {
        **MonitorCallback.remembered,
        "wait": Integral,
        "cooldown_counter": Integral,
    }

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0,
        *,
        epsilon: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, verbose)
        self.factor = _validate.number(
            "factor", factor, minimum=0, maximum=1, open_maximum=True
        )
        self.patience = _validate.integer("patience", patience, minimum=0)
        self.min_delta = (
            _validate.number("min_delta", min_delta, minimum=0)
            if epsilon is None
            else _validate.number("epsilon", epsilon, minimum=0)
        )
        self.cooldown = _validate.integer("cooldown", cooldown, minimum=0)
        self.min_lr = _validate.number("min_lr", min_lr, minimum=0)
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.cooldown_counter = 0
        self.best = self.worst

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget a former training; make sure that there is a number to change."""
        _rate(self)
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare the value with the best, and reduce after too many bad epochs."""
        logs = {} if logs is None else logs
        logs["lr"] = _rate(self)
        value = self.get_monitor_value(logs)
        if value is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._improves(value):
            self.best = value
            self.wait = 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience and logs["lr"] > self.min_lr:
                self._reduce(epoch, logs["lr"])

    def in_cooldown(self) -> bool:
        """Return whether epochs of the cooldown are left."""
        return self.cooldown_counter > 0

    def _reduce(self, epoch: int, rate: float) -> None:
        new = max(rate * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = new
        self.cooldown_counter = self.cooldown
        self.wait = 0
        if self.verbose:
            say(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reduces lr to {new}")

    def _improves(self, value: float) -> bool:
        if self.maximize:
            return value > self.best + self.min_delta
        return value < self.best - self.min_delta
