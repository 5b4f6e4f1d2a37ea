"""One call of `fit`: where it stands, and how it gets there from a checkpoint."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .. import _validate
from .._typing import Array, Config
from ..callbacks import BackupAndRestore, CallbackList, Logs
from .batches import Data
from .fingerprint import identity_of_start, identity_of_trainer
from .generators import Source
from .state import check_kind, check_state, get_state, set_state
from .trainer import Trainer

# Checkpoints are imported where there is one: most trainings read and write none.

__all__ = ["Run"]


@dataclass
class Run:
    """
    One call of `fit`.

    Its state is complete between two steps, when every callback has been called.

    Parameters
    ----------
    trainer : Trainer
        Compiled.
    calls : CallbackList
        The callbacks.
    source : Source
        What is learned from.
    validation : Source or None
        What is only measured.
    rng : numpy.random.Generator
        Source of the permutations.
    arguments : dict
        Those of `fit` that a resumed run must repeat, ready for JSON.
    epochs : int
        Number of the epoch to stop before.
    epoch, batch : int
        Numbers of the step that follows.
    order : ndarray of int or None
        Permutation of the epoch, if it has begun and is shuffled.
    logs : dict
        What the callbacks were handed last.
    finished : bool
        Whether the training has ended by itself.
    """

    trainer: Trainer
    calls: CallbackList
    source: Source
    validation: Source | None
    rng: np.random.Generator
    arguments: Config
    epochs: int
    epoch: int
    batch: int = 0
    order: Array | None = None
    logs: Logs = field(default_factory=dict)
    finished: bool = False
    _identity: Config = field(default_factory=dict)

    # The loop --------------------------------------------------------------------

    def begin(self) -> None:
        """
        Begin, or go to where the last checkpoint was taken, if there is one.

        Raises
        ------
        ValueError
            If the checkpoint is damaged or of another training. The model is unchanged.
        OSError
            If it cannot be read, or a first one cannot be written.
        """
        backup = self.calls.backup
        if backup is None:
            self.calls.on_train_begin()
            return
        backup.training = self
        self._identity = self._described()
        backup.lock()
        try:
            self._begin_or_resume(backup)
        except BaseException:
            backup.unlock()
            raise

    def _begin_or_resume(self, backup: BackupAndRestore) -> None:
        if not backup.path.exists():
            self.calls.on_train_begin()
            return
        from .checkpoint import read_checkpoint, refused_with_path

        state = read_checkpoint(backup.path, self._identity)
        former, former_source = get_state(self.trainer), self.source.get_state()
        try:
            with refused_with_path(backup.path):
                self._check_kinds(state)
                self._set_state(state)
            self.calls.on_train_begin()
            with refused_with_path(backup.path):
                self._set_callbacks(state["callbacks"])
        except BaseException:
            set_state(self.trainer, former)
            self.source.set_state(former_source)
            raise

    def end(self) -> None:
        """End, and let other trainings into the folder whatever a callback raises."""
        try:
            self.calls.on_train_end(dict(self.logs))
        finally:
            self.trainer.network.weights_were_set = False
            if self.calls.backup is not None:
                self.calls.backup.training = None
                self.calls.backup.unlock()

    def enter_epoch(self) -> None:
        """Begin the epoch, or go on within it."""
        if self.batch > 0:
            self.calls.on_epoch_resume(self.epoch, self.batch, self.logs)
            return
        self.calls.on_epoch_begin(self.epoch)
        self.trainer.objective.begin()
        self.order = self.source.draw_order(self.rng)
        self.logs = {}

    def batches(self) -> Iterator[Data]:
        """Yield the batches of the epoch that are left."""
        return self.source.batches(self.order, self.batch)

    def leave_epoch(self) -> None:
        """End the epoch."""
        self.source.end_epoch()
        self.epoch, self.batch, self.order = self.epoch + 1, 0, None
        self.calls.on_epoch_end(self.epoch - 1, dict(self.logs))

    @property
    def stands_at_its_start(self) -> bool:
        """Whether no step has been made, here or before a checkpoint."""
        return self.batch == 0 and self.epoch == self.arguments["initial_epoch"]

    # The checkpoint --------------------------------------------------------------

    def save(self, path: Path) -> None:
        """
        Write a checkpoint.

        Parameters
        ----------
        path : pathlib.Path
            The file.

        Raises
        ------
        ValueError
            If the state of a callback holds what a file cannot.
        OSError
            If the file cannot be written.
        """
        from .checkpoint import write_checkpoint

        write_checkpoint(path, self._identity, self._get_state())

    def _described(self) -> Config:
        """Return what a resumed run must have in common with this one."""
        return {
            **self.arguments,
            **identity_of_trainer(self.trainer),
            "callbacks": [type(c).__name__ for c in self.calls.with_state],
            **self.source.identity(),
            "validation_data": self.validation and self.validation.identity(),
            # Last, since whoever changed a layer or the data should hear of that.
            **identity_of_start(self.trainer),
        }

    def _get_state(self) -> dict[str, Any]:
        order = self.order
        if order is not None:  # the fewest bytes that can count the samples
            order = order.astype(np.min_scalar_type(order.max()))
        return {
            **get_state(self.trainer),
            "epoch": self.epoch,
            "batch": self.batch,
            "order": order,
            "source": self.source.get_state(),
            "order_rng": self.rng.bit_generator.state,
            "logs": self.logs,
            "callbacks": [
                {type(c).__name__: c.get_state()} for c in self.calls.with_state
            ],
        }

    def _check_kinds(self, state: dict[str, Any]) -> None:
        """Refuse parts of another kind before anything changes."""
        check_state(self.trainer, state)
        check_kind("logs", state["logs"], self.logs)
        for callback, kept in zip(
            self.calls.with_state, state["callbacks"], strict=True
        ):
            name = type(callback).__name__
            check_kind(name, kept[name], callback.get_state())

    def _set_state(self, state: dict[str, Any]) -> None:
        epoch = _validate.integer("epoch", state["epoch"], minimum=self.epoch)
        # Checkpoints of earlier versions know of arrays only, which have no state.
        self.source.set_state(state.get("source", {}))
        batch = _validate.integer(
            "batch", state["batch"], minimum=0, maximum=self.source.steps
        )
        needed = epoch + (batch > 0)
        if self.epochs < needed:
            raise ValueError(f"epochs must be >= {needed} by now, got {self.epochs}")
        order = self._checked_order(state["order"], begun=batch > 0)
        set_state(self.trainer, state)
        self.rng.bit_generator.state = state["order_rng"]
        self.epoch, self.batch, self.order = epoch, batch, order
        self.logs = state["logs"]

    def _checked_order(self, order: Any, *, begun: bool) -> Array | None:
        """Return the permutation of an epoch that has begun, if it is shuffled."""
        # Any other permutation has the same numbers.
        other = self.source.draw_order(np.random.default_rng(0))
        if other is None or not begun:
            return None
        same: Array = np.asarray(order, dtype=np.intp)
        if not np.array_equal(np.sort(same), np.sort(other)):
            raise ValueError("order must be a permutation, got other numbers")
        return same

    def _set_callbacks(self, states: list[dict[str, Any]]) -> None:
        for callback, state in zip(self.calls.with_state, states, strict=True):
            callback.set_state(state[type(callback).__name__])
