"""The callbacks of one training, called in order."""

from collections.abc import Callable, Sequence
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
    add_history : bool
        Whether a `History` comes after them, unless they hold one.
    add_progbar : bool
        The same for a `ProgbarLogger`.
    model : Sequential or Model, optional
        Handed to each of them.
    **params
        Handed to each of them, such as ``epochs``, ``steps`` and ``verbose``, which is
        0, 1 or 2, and 1 for the bar if it is not given.

    Attributes
    ----------
    callbacks : list of Callback
        In the order in which they are called.
    history : History
        The user's own if there is one. It is called after them, so that it keeps what
        they add to the logs. Without `add_history` a new one is not called.
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
    >>> calls = CallbackList(Root(), add_history=True)
    >>> calls.on_epoch_end(1, {"loss": 4.0})
    >>> calls.history.history
    {'loss': [4.0], 'root': [2.0]}
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        given = _as_callbacks(callbacks)
        last = _validate.flag("add_history", add_history)
        bar = _validate.flag("add_progbar", add_progbar)
        own = [c for c in given if isinstance(c, History)]
        self.history = own[-1] if own else History()
        backups = [c for c in given if isinstance(c, BackupAndRestore)]
        _check_backups(backups)
        self.backup = backups[0] if backups else None
        self.callbacks = [
            c for c in given if c is not self.history and c is not self.backup
        ]
        if bar and not any(isinstance(c, ProgbarLogger) for c in given):
            self.callbacks.append(ProgbarLogger(params.get("verbose", 1)))
        if own or last:
            self.callbacks.append(self.history)
        if self.backup is not None:
            self.callbacks.append(self.backup)
        self._tell_of_earlier()
        self.set_model(model)
        self.set_params(params)

    def append(self, callback: Callback) -> None:
        """Put a callback behind the others, but for the backup, which is the last."""
        (given,) = _as_callbacks([callback])
        before = [c for c in self.callbacks if c is not self.backup]
        last = self.callbacks[len(before) :]
        if isinstance(given, BackupAndRestore):
            _check_backups([given, *last])
            self.backup = given
        self.callbacks = [*before, given, *last]
        self._tell_of_earlier()

    def _tell_of_earlier(self) -> None:
        for place, callback in enumerate(self.callbacks):
            callback.set_earlier(self.callbacks[:place])

    def set_model(self, model: Any) -> None:
        """Hand each of them a model."""
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        """Hand each of them the parameters of the call."""
        for callback in self.callbacks:
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
    on_train_batch_begin = on_batch_begin = _step("on_train_batch_begin")
    on_train_batch_end = on_batch_end = _step("on_train_batch_end")
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


def _check_backups(backups: Sequence[Callback]) -> None:
    if len(backups) > 1:
        raise ValueError("callbacks must hold one BackupAndRestore, got two")
