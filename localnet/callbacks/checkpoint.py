"""The callback that saves the model while it is trained."""

import os
from collections.abc import Mapping
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar

from .. import _validate
from .base import Logs, say
from .monitor import MonitorCallback

__all__ = ["ModelCheckpoint", "checked_save_freq"]


class ModelCheckpoint(MonitorCallback):
    """
    Save the model, or its weights, after every epoch or every so many batches.

    Parameters
    ----------
    filepath : str or path-like
        Where to. ``{epoch:02d}`` becomes the number of the epoch, from 1, ``{loss}``
        and every other name in the logs its value; with an integer `save_freq` also
        ``{batch}``, from 1. Missing folders are made.
    monitor : str, default "val_loss"
        Name of the value that `save_best_only` goes by.
    verbose : int, default 0
        Above 0, say what is saved.
    save_best_only : bool, default False
        Save only if `monitor` is better than in all saves before.
    save_weights_only : bool, default False
        Call ``model.save_weights`` instead of ``model.save``.
    mode : {"auto", "min", "max"}
        Whether small or large is good. ``"auto"``: large if the name contains ``acc``
        or begins with ``fmeasure``.
    save_freq : "epoch" or int, default "epoch"
        Save after every epoch, or after so many batches.
    initial_value_threshold : float, optional
        The value that the first save must improve on.
    period : int, default 1
        Save after every so many epochs; an older word of Keras 2.
    options : object, optional
        Accepted as in Keras, without a meaning.

    Attributes
    ----------
    best : float
        The best value so far, kept from one training to the next.
    batches_since_save : int
        Batches since the last save, also over the end of an epoch.

    Raises
    ------
    ValueError
        If an argument is wrong; when a training begins, if `filepath` has the suffix of
        another format or uses a name that no metric has; while training, if it uses one
        that is not in the logs.

    Warns
    -----
    UserWarning
        If `save_best_only` finds no `monitor` in the logs; nothing is saved then.

    See Also
    --------
    EarlyStopping : Keeps the best weights in memory.
    BackupAndRestore : Saves all that a training needs to be resumed.

    Notes
    -----
    With an integer `save_freq` the values are the running means of the epoch, as in
    Keras.

    Callbacks that are called before this one may add to the logs, so that names in
    `filepath` are compared with the metrics only if there are none.
    """

    rising_parts: ClassVar[tuple[str, ...]] = ("acc",)
    remembered: ClassVar[Mapping[str, Any]] = {
        **MonitorCallback.remembered,
        "epoch": Integral,
        "batches_since_save": Integral,
    }

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        *,
        initial_value_threshold: float | None = None,
        period: int = 1,
        options: Any = None,
    ) -> None:
        del options
        super().__init__(monitor, mode, verbose)
        self.filepath = _validate.path("filepath", filepath)
        self.save_best_only = _validate.flag("save_best_only", save_best_only)
        self.save_weights_only = _validate.flag("save_weights_only", save_weights_only)
        self.save_freq = checked_save_freq(save_freq)
        self.period = _validate.integer("period", period, minimum=1)
        threshold = _validate.optional_number(
            "initial_value_threshold", initial_value_threshold
        )
        if threshold is not None:
            self.best = threshold
        self.epoch = 0
        self.batches_since_save = 0

    @property
    def maximize(self) -> bool:
        """Whether large values are good."""
        by_name = self.mode == "auto" and self.monitor.startswith("fmeasure")
        return by_name or super().maximize

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Refuse a `filepath` that no save of this training could use."""
        from ..files import formats  # see `localnet.models.saving`
        from ..files.safe.atomic import check_place

        path = formats.file_path(
            self.filepath, "filepath", weights_only=self.save_weights_only
        )
        folder = path.parent
        while not folder.exists():  # made when the first file is
            folder = folder.parent
        for file in (path, Path(self.filepath)):
            check_place(folder / file.name, "filepath")
        metrics = getattr(self.model, "metrics_names", None)
        if metrics is None or self.earlier:
            return
        expected = dict.fromkeys(metrics, 0.0)
        if self.save_freq == "epoch":
            expected |= {f"val_{name}": 0.0 for name in metrics}
            self._path(expected, epoch=0, batch=None)
        else:
            self._path(expected, epoch=0, batch=0)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remember the number of the epoch."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save if enough batches have passed."""
        if isinstance(self.save_freq, int):
            self.batches_since_save += 1
            if self.batches_since_save >= self.save_freq:
                self.batches_since_save = 0
                self._save(logs or {}, self.epoch, batch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save after every epoch, if that was asked for."""
        # As Keras counts it, in epochs of this training from 0.
        if self.save_freq == "epoch" and (epoch + 1) % self.period == 0:
            self._save(logs or {}, epoch)

    def _save(self, logs: Logs, epoch: int, batch: int | None = None) -> None:
        path = self._path(logs, epoch, batch)
        if self.save_best_only:
            self._save_if_better(path, logs, epoch)
        else:
            self._report(epoch, f"saving {path}")
            self._write(path)

    def _save_if_better(self, path: str, logs: Logs, epoch: int) -> None:
        value = self.get_monitor_value(logs)
        if value is None:
            return
        best = f"from {self.best:.5f}"
        if value > self.best if self.maximize else value < self.best:
            self._report(
                epoch, f"{self.monitor} improved {best} to {value:.5f}, saving {path}"
            )
            self._write(path)
            self.best = value
        else:
            self._report(epoch, f"{self.monitor} did not improve {best}")

    def _report(self, epoch: int, what: str) -> None:
        if self.verbose:
            say(f"\nEpoch {epoch + 1}: {what}")

    def _write(self, path: str) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)

    def _path(self, logs: Logs, epoch: int, batch: int | None) -> str:
        names = {**logs, "epoch": epoch + 1}
        if batch is not None:
            names.setdefault("batch", batch + 1)
        try:
            return self.filepath.format(**names)
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            raise ValueError(
                f"filepath must be a pattern with names among "
                f"{', '.join(sorted(names))}, got {_validate.shown(self.filepath)}"
            ) from error


def checked_save_freq(save_freq: str | int) -> str | int:
    """Return "epoch" or a number of batches, if it is one of them."""
    if isinstance(save_freq, str) and save_freq == "epoch":
        return "epoch"
    try:
        return _validate.integer("save_freq", save_freq, minimum=1)
    except ValueError as error:
        raise ValueError(
            "save_freq must be 'epoch' or an integer >= 1, "
            f"got {_validate.shown(save_freq)}"
        ) from error
