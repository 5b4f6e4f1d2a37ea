"""What a callback is, and one that is made of plain functions."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from .. import _validate
from .._terminal import output
from .._validate import suggestion

__all__ = ["Callback", "LambdaCallback", "Logs", "Remembering", "say"]

Logs: TypeAlias = dict[str, float]
Hook: TypeAlias = Callable[..., Any]


class Callback:
    """
    Take part in a training: override the hooks that you need.

    Attributes
    ----------
    model : Sequential
        The model that is trained; ``model.stop_training = True`` ends the training
        after the current batch or epoch.
    earlier : list of Callback
        The callbacks that are called before this one.
    params : dict
        ``"verbose"`` and, in `fit`, ``"epochs"`` and ``"steps"`` (batches per epoch;
        None for a generator of unknown length).
    validation_data : None
        Always None, as in tf_keras: early Keras put data there.

    See Also
    --------
    LambdaCallback : The same from functions, without a class.

    Notes
    -----
    Epochs and batches are counted from 0. ``logs`` maps names to Python floats: at the
    end of a batch the running means since its epoch began, as in Keras, and at the end
    of an epoch the means over it together with the ``val_`` values. All callbacks of a
    training are handed the same dict and may add to it.

    A callback of your own that decides by what it has seen keeps its part in a resumed
    training (see `BackupAndRestore`) if it overrides both `get_state` and `set_state`.

    Examples
    --------
    >>> from localnet.layers import Dense
    >>> from localnet.models import Sequential
    >>> class PrintLoss(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(epoch, round(logs["loss"], 4))
    >>> model = Sequential([Dense(1, kernel_initializer="zeros")])
    >>> model.compile("sgd", "mse")
    >>> x, y = [[1.0]], [[1.0]]
    >>> _ = model.fit(x, y, epochs=2, verbose=0, callbacks=PrintLoss())
    0 1.0
    1 0.9216
    """

    validation_data: Any = None

    def __init__(self) -> None:
        self.model: Any = None
        self.earlier: list[Callback] = []
        self.params: dict[str, Any] = {}

    def set_model(self, model: Any) -> None:
        """Remember the model, before any hook is called."""
        self.model = model

    def set_earlier(self, callbacks: list["Callback"]) -> None:
        """Remember the callbacks before this one, before any hook is called."""
        self.earlier = callbacks

    def set_params(self, params: dict[str, Any]) -> None:
        """Remember how the training was called, before any hook is called."""
        self.params = params

    @property
    def has_state(self) -> bool:
        """Whether the class has a `get_state` of its own."""
        return type(self).get_state is not Callback.get_state

    def get_state(self) -> dict[str, Any]:
        """
        Return what a resumed training needs to know of this callback.

        Returns
        -------
        dict
            Numbers, strings, None and arrays, in lists and dicts with strings as keys.
        """
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """
        Go on from what `get_state` returned, after `on_train_begin`.

        If an epoch is resumed in the middle, its `on_epoch_begin` is not called again.

        Parameters
        ----------
        state : dict
            Tuples have become lists, and arrays without an axis numbers.
        """

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Act before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Act after the last epoch; `logs` are its own."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Act before the first batch of an epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Act after an epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Act before a training step; calls ``on_batch_begin``, its older name."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Act after a training step; calls ``on_batch_end``, its older name."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Act as ``on_train_batch_begin`` does."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Act as ``on_train_batch_end`` does."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Act before an evaluation, also one that validates an epoch."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Act after an evaluation."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Act before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Act after a batch of an evaluation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Act before a prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Act after a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Act before a batch of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Act after a batch of a prediction, whose ``outputs`` stand in the logs."""


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class LambdaCallback(Callback):
    """
    Make a callback from functions.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end : callable, optional
        Called with the number of the epoch and the logs.
    on_batch_begin, on_batch_end : callable, optional
        Called with the number of the batch and the logs.
    on_train_begin, on_train_end : callable, optional
        Called with the logs.
    **hooks : callable
        Any other hook of `Callback`, by its name.

    Raises
    ------
    ValueError
        If what is given for a hook cannot be called as the hook is.
    TypeError
        If a keyword is not the name of a hook.

    Examples
    --------
    >>> seen = []
    >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    >>> callback.on_epoch_end(3, {})
    >>> seen
    [3]
    """

    def __init__(
        self,
        on_epoch_begin: Hook | None = None,
        on_epoch_end: Hook | None = None,
        on_batch_begin: Hook | None = None,
        on_batch_end: Hook | None = None,
        on_train_begin: Hook | None = None,
        on_train_end: Hook | None = None,
        **hooks: Hook | None,
    ) -> None:
        super().__init__()
        for name in hooks:
            if name not in HOOKS:
                raise TypeError(
                    f"LambdaCallback must be given hooks of Callback, got "
                    f"{_validate.shown(name)}{suggestion(name, HOOKS)}"
                )
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_batch_begin": on_batch_begin,
            "on_batch_end": on_batch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            **hooks,
        }
        for name, function in given.items():
            if function is None:
                continue
            if not callable(function):
                raise ValueError(
                    f"{name} must be a function, got {_validate.shown(function)}"
                )
            _, *arguments = inspect.signature(getattr(Callback, name)).parameters
            _validate.function(name, function, *arguments)
            setattr(self, name, function)


class Remembering(Callback):
    """Base of callbacks whose state is a number of plain attributes."""

    # Name and kind of each.
    remembered: ClassVar[Mapping[str, Any]] = {}

    def get_state(self) -> dict[str, Any]:
        """
        Return what a resumed training needs to know of this callback.

        Returns
        -------
        dict
            The attributes by name.
        """
        return {name: getattr(self, name) for name in self.remembered}

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
            If one is missing or of another kind; nothing is changed then.
        """
        for name, kind in self.remembered.items():
            if not isinstance(state[name], kind):
                raise ValueError(
                    f"{name} of {type(self).__name__} must be as it was saved, got "
                    f"{_validate.shown(state[name])}"
                )
        for name in self.remembered:
            setattr(self, name, state[name])


def say(text: str) -> None:
    """Write one line to the standard output."""
    output().write(f"{text}\n")
