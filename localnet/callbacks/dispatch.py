"""The callbacks of one training, called in order."""

from collections.abc import Callable
from typing import Any

from .. import _validate
from .backup import BackupAndRestore
from .base import Callback, Logs
from .progress import ProgbarLogger
from .records import History

__all__ = ["CallbackList"]


def _stage(hook: str) -> Callable[..., None]:
    """Return the method that calls a hook without a number on every callback."""

    def call_all(self: "CallbackList", logs: Logs | None = None) -> None:
        shared: Logs = {} if logs is None else logs
        for callback in self.callbacks:
            getattr(callback, hook)(shared)

    return call_all


def _step(hook: str) -> Callable[..., None]:
    """Return the method that calls a hook of an epoch or batch on every callback."""

    def call_all(self: "CallbackList", number: int, logs: Logs | None = None) -> None:
        shared: Logs = {} if logs is None else logs
        for callback in self.callbacks:
            getattr(callback, hook)(number, shared)

    return call_all


class CallbackList:
    """
    Call the hooks of all callbacks of one training.

    Parameters
    ----------
    callbacks : None, Callback or list of Callback
        The user's own, called in this order.
    model : Sequential
        Handed to each of them.
    verbose : {0, 1, 2}
        Above 0 a `ProgbarLogger` comes after them, unless they hold one.
    params : dict
        Handed to each of them.

    Attributes
    ----------
    callbacks : list of Callback
        In the order in which they are called.
    history : History
        The user's own if there is one. It is called after them, so that it keeps what
        they add to the logs.
    backup : BackupAndRestore or None
        The user's. It is called last, when all others have seen what it saves.

    Raises
    ------
    ValueError
        If `callbacks` holds anything else, or two of BackupAndRestore.

    Examples
    --------
    >>> class Root(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         logs["root"] = logs["loss"] ** 0.5
    >>> calls = CallbackList(Root(), model=None, verbose=0, params={})
    >>> calls.on_epoch_end(1, {"loss": 4.0})
    >>> calls.history.history
    {'loss': [4.0], 'root': [2.0]}
    """

    def __init__(
        self, callbacks: Any, *, model: Any, verbose: int, params: dict[str, Any]
    ) -> None:
        given = _as_callbacks(callbacks)
        own = [c for c in given if isinstance(c, History)]
        self.history = own[-1] if own else History()
        backups = [c for c in given if isinstance(c, BackupAndRestore)]
        if len(backups) > 1:
            raise ValueError("callbacks must hold one BackupAndRestore, got two")
        self.backup = backups[0] if backups else None
        self.callbacks = [
            c for c in given if c is not self.history and c is not self.backup
        ]
        if verbose and not any(isinstance(c, ProgbarLogger) for c in given):
            self.callbacks.append(ProgbarLogger(verbose))
        self.callbacks.append(self.history)
        if self.backup is not None:
            self.callbacks.append(self.backup)
        for place, callback in enumerate(self.callbacks):
            callback.set_earlier(self.callbacks[:place])
            callback.set_model(model)
            callback.set_params(params)

    @property
    def with_state(self) -> list[Callback]:
        """The callbacks that a checkpoint remembers."""
        return [callback for callback in self.callbacks if callback.has_state]

    def on_epoch_resume(self, epoch: int, batch: int, logs: Logs) -> None:
        """Begin an epoch again, for those who do not remember that they have."""
        for callback in self.callbacks:
            if not callback.has_state:
                callback.on_epoch_begin(epoch, {})
            if isinstance(callback, ProgbarLogger):
                callback.go_on(batch, logs)

    on_train_begin = _stage("on_train_begin")
    on_train_end = _stage("on_train_end")
    on_epoch_begin = _step("on_epoch_begin")
    on_epoch_end = _step("on_epoch_end")
    on_train_batch_begin = _step("on_train_batch_begin")
    on_train_batch_end = _step("on_train_batch_end")
    on_test_begin = _stage("on_test_begin")
    on_test_end = _stage("on_test_end")
    on_test_batch_begin = _step("on_test_batch_begin")
    on_test_batch_end = _step("on_test_batch_end")
    on_predict_begin = _stage("on_predict_begin")
    on_predict_end = _stage("on_predict_end")
    on_predict_batch_begin = _step("on_predict_batch_begin")
    on_predict_batch_end = _step("on_predict_batch_end")


def _as_callbacks(callbacks: Any) -> list[Callback]:
    if callbacks is None:
        return []
    given = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
    if not all(isinstance(callback, Callback) for callback in given):
        raise ValueError(
            "callbacks must be a Callback or a list of Callback, "
            f"got {_validate.shown(callbacks)}"
        )
    return given
