"""Callbacks that end a training early."""

import math
from collections.abc import Mapping
from numbers import Integral
from types import NoneType
from typing import Any, ClassVar

import numpy as np

from .. import _validate
from .._typing import Array
from .base import Callback, Logs, say
from .monitor import MonitorCallback

__all__ = ["EarlyStopping", "TerminateOnNaN"]


class EarlyStopping(MonitorCallback):
    """
    End the training when a value has stopped improving.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Name of the value in the logs of an epoch.
    min_delta : float, default 0
        An improvement must be larger than this; its sign is ignored.
    patience : int, default 0
        Epochs without improvement to wait for.
    verbose : int, default 0
        Above 0, say when the training was stopped and what was restored.
    mode : {"auto", "min", "max"}
        Whether small or large is good. ``"auto"``: large if the name ends with
        ``acc``, ``accuracy`` or ``auc``.
    baseline : float, optional
        The waiting goes on until the value is better than this too.
    restore_best_weights : bool, default False
        Set the weights of the best epoch when the training ends, also if it was not
        stopped.
    start_from_epoch : int, default 0
        Number of the first epoch that counts.

    Attributes
    ----------
    wait : int
        Epochs since the last improvement.
    best : float
        The best value so far.
    best_epoch, stopped_epoch : int
        Epoch of the best value, and the last one of a stopped training; from 0.
    best_weights : list of ndarray or None
        The weights to restore.

    Raises
    ------
    ValueError
        If an argument is wrong.

    Warns
    -----
    UserWarning
        If the logs of an epoch do not hold `monitor`; the epoch is passed over then.

    See Also
    --------
    ReduceLROnPlateau : Makes smaller steps instead.

    Notes
    -----
    An epoch improves if ``value + |min_delta| < best`` (``value - |min_delta| > best``
    for a value that should be large). As in Keras the very first epoch never ends a
    training, and one epoch without improvement is waited for in any case: a `patience`
    of 0 acts as 1 does.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> model = SimpleNamespace(stop_training=False)
    >>> callback = EarlyStopping(patience=2)
    >>> callback.set_model(model)
    >>> callback.on_train_begin()
    >>> for epoch, loss in enumerate([3.0, 2.0, 2.5, 2.1]):
    ...     callback.on_epoch_end(epoch, {"val_loss": loss})
    ...     print(epoch, callback.wait, model.stop_training)
    0 0 False
    1 0 False
    2 1 False
    3 2 True
    """

    rising_endings: ClassVar[tuple[str, ...]] = ("acc", "accuracy", "auc")
    remembered: ClassVar[Mapping[str, Any]] = {
        **MonitorCallback.remembered,
        "wait": Integral,
        "best_epoch": Integral,
        "stopped_epoch": Integral,
        "best_weights": (list, NoneType),
    }

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, verbose)
        self.min_delta = abs(_validate.number("min_delta", min_delta))
        self.patience = _validate.integer("patience", patience, minimum=0)
        self.baseline = _validate.optional_number("baseline", baseline)
        self.restore_best_weights = _validate.flag(
            "restore_best_weights", restore_best_weights
        )
        self.start_from_epoch = _validate.integer(
            "start_from_epoch", start_from_epoch, minimum=0
        )
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.best = self.worst
        self.best_epoch = 0
        self.stopped_epoch = 0
        self.best_weights: list[Array] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget a former training."""
        self._reset()

    def set_state(self, state: dict[str, Any]) -> None:
        """
        Go on from what `get_state` returned.

        Parameters
        ----------
        state : dict
            The attributes by name.

        Raises
        ------
        ValueError
            If one does not fit, or `best_weights` are those of another model.
        """
        best = state["best_weights"]
        if best is not None:
            shapes = [weight.shape for weight in self.model.get_weights()]
            if [np.shape(weight) for weight in best] != shapes:
                raise ValueError(
                    f"best_weights must have the shapes {shapes} of the model's, got "
                    f"{[np.shape(weight) for weight in best]}"
                )
        super().set_state(state)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare the value with the best, and stop after too many bad epochs."""
        value = self.get_monitor_value(logs or {})
        if value is None or epoch < self.start_from_epoch:
            return
        # Something can be restored even if no epoch ever improves (NaN).
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)
        self.wait += 1
        if self._improves(value, self.best):
            self.best = value
            self._keep(epoch)
            if self.baseline is None or self._improves(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restore the best weights."""
        if self.stopped_epoch > 0 and self.verbose:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                say(f"Restoring the weights of the best epoch: {self.best_epoch + 1}")
            self.model.set_weights(self.best_weights)

    def _keep(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def _improves(self, value: float, reference: float) -> bool:
        if self.maximize:
            return value - self.min_delta > reference
        return value + self.min_delta < reference


class TerminateOnNaN(Callback):
    """
    End the training after a batch whose loss is NaN or infinite.

    Notes
    -----
    The loss in the logs is the mean since the epoch began, which stays NaN.
    """

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Stop if the loss is not finite, and say so."""
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            say(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True
