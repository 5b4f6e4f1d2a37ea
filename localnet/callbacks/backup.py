"""The callback that makes a training survive whatever stops it."""

import os
from pathlib import Path
from typing import Any

from .. import _validate
from .base import Callback, Logs
from .checkpoint import ModelCheckpoint, checked_save_freq

__all__ = ["BackupAndRestore"]

FILE = "checkpoint.npz"


class BackupAndRestore(Callback):
    """
    Save the state of a training as it goes, and resume it from there.

    Call `fit` again in the same way, in the same process or in another: if
    `backup_dir` holds a checkpoint, the training goes on from it, and ends with the
    weights and the history, bit for bit, of one that was never stopped.

    Parameters
    ----------
    backup_dir : str or path-like
        Folder of the checkpoint, made if it is not there. Give each training its own.
    save_freq : "epoch" or int, default "epoch"
        Save after every epoch, or after so many batches.
    delete_checkpoint : bool, default True
        Delete the checkpoint when the training has ended by itself. One that is kept
        can be gone on from with more `epochs`.

    Attributes
    ----------
    backup_dir : str
        As given.
    path : pathlib.Path
        The checkpoint, one file.
    batches_since_save : int
        Batches since the last save, also over the end of an epoch.
    training : object or None
        The training that is going on; set by `fit`.

    Raises
    ------
    ValueError
        If an argument is wrong; when a training begins, if the checkpoint is damaged,
        or of another model, other data or other arguments of `fit`, named in the
        message. Nothing is changed then.
    OSError
        When it saves, if the file cannot be written. The last checkpoint stays whole.

    See Also
    --------
    ModelCheckpoint : Saves models to keep.
    Callback.get_state : How a callback of your own takes part.

    Notes
    -----
    The checkpoint holds the weights, the optimizer's state and numbers, the states of
    all random generators, the permutation of the epoch and the place in it, the running
    means, the history, and the states of the callbacks. It does not hold the data; of
    these only shapes and a fingerprint. A first checkpoint is written before the first
    batch, each is written when all other callbacks have been called, and none once a
    training has been told to stop.

    The numbers of the optimizer, such as the learning rate, are those of the checkpoint
    whatever they were set to after ``compile``.

    ``epochs`` and ``verbose`` may change from one call to the next. The bits are the
    same on the same machine with the same versions of Python, NumPy and localnet.

    A Sequence that changes by itself, as between epochs, takes part with the methods
    `get_state` and `set_state` of `localnet.utils.Sequence`. A generator is refused:
    nothing can bring it to where it was.

    Keras saves weights and counters only, so that callbacks, shuffling and history
    begin anew; `save_before_preemption` is about clusters and is missing here.

    Examples
    --------
    >>> import tempfile
    >>> from localnet import Sequential
    >>> from localnet.callbacks import LambdaCallback
    >>> from localnet.layers import Dense
    >>> x, y = np.arange(6.0).reshape(6, 1), np.ones((6, 1))
    >>> def fit(*callbacks):
    ...     model = Sequential([Dense(1, input_shape=(1,))], seed=0)
    ...     model.compile("sgd", "mse")
    ...     model.fit(x, y, 2, epochs=3, verbose=0, callbacks=list(callbacks))
    ...     return model
    >>> def pull_the_plug(epoch, logs):
    ...     raise SystemExit
    >>> backup = BackupAndRestore(tempfile.mkdtemp(), save_freq=1)
    >>> try:
    ...     _ = fit(backup, LambdaCallback(on_epoch_end=pull_the_plug))
    ... except SystemExit:
    ...     resumed = fit(backup)
    >>> resumed.history.history == fit().history.history
    True
    >>> backup.path.exists()
    False
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        self.backup_dir = _validate.path("backup_dir", backup_dir)
        self.path = Path(self.backup_dir) / FILE
        self.save_freq = checked_save_freq(save_freq)
        self.delete_checkpoint = _validate.flag("delete_checkpoint", delete_checkpoint)
        self.batches_since_save = 0
        self.training: Any = None
        self._lock: Any = None

    def lock(self) -> None:
        """
        Keep other trainings out of the folder until `unlock`.

        Raises
        ------
        ValueError
            If another training is at work in it, in this process or another one, or a
            ModelCheckpoint of this one would write over the checkpoint.
        OSError
            If the folder cannot be written to.
        """
        from ..files.safe.locks import Lock

        for callback in self.earlier:
            given = callback.filepath if isinstance(callback, ModelCheckpoint) else ""
            if given and os.path.realpath(given) == os.path.realpath(self.path):
                raise ValueError(
                    f"filepath must be another file than that of BackupAndRestore, got "
                    f"{_validate.shown(given)}"
                )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = Lock(self.path.with_suffix(".lock"))
        if not self._lock.acquire():
            raise ValueError(
                "backup_dir must be of one training at a time, got "
                f"{_validate.shown(self.backup_dir)}, in which another one is at work"
            )

    def unlock(self) -> None:
        """Let other trainings in again."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Save where a new training begins; one that is resumed is saved already."""
        self.batches_since_save = 0
        if not self.path.exists():
            self._save()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save if enough batches have passed."""
        if isinstance(self.save_freq, int):
            self.batches_since_save += 1
            if self.batches_since_save >= self.save_freq:
                self.batches_since_save = 0
                self._save()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save after every epoch, if that was asked for."""
        if self.save_freq == "epoch":
            self._save()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Delete the checkpoint of a training that has ended by itself."""
        if self.delete_checkpoint and self.training.finished:
            self.path.unlink(missing_ok=True)

    def _save(self) -> None:
        # A training that was told to stop must be told so again when it is resumed.
        if not self.model.stop_training:
            self.training.save(self.path)
