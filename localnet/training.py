"""
What a model does with many batches: `fit`, `evaluate` and `predict`.

The loop is Keras 2's: means over the samples, each batch measured before its update.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import _validate, config
from ._typing import Array, ArrayLike
from .batches import Data, split
from .callbacks import CallbackList, History, Logs
from .layers.base import unchanged_on_error
from .run import Run
from .scipy_fit import ScipyTrainable
from .steps import one_or_list

__all__ = ["Trainable"]

RENAMED = {"nb_epoch": "epochs"}
# Samples per piece when targets are tried out before training.
TRIAL = 128


class Trainable(ScipyTrainable):
    """Base of models that are trained batch by batch."""

    def __init__(self) -> None:
        super().__init__()
        self._shuffle_rng = np.random.default_rng()

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: ArrayLike | None = None,
        initial_epoch: int = 0,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
        *,
        seed: int | None = None,
        **renamed: Any,
    ) -> History:
        """
        Train the model.

        Parameters
        ----------
        x, y : array_like
            Inputs and targets, samples first.
        batch_size : int, optional
            Default 32. The last batch of an epoch may be smaller.
        epochs : int
            Number of the epoch to stop before; with `initial_epoch` 0, how many.
        verbose : {"auto", 0, 1, 2}
            0 silent, 1 a progress bar, 2 one line per epoch; ``"auto"`` is 1.
        callbacks : Callback or list of Callback, optional
            Called at every stage, in order.
        validation_split : float
            Last part of the samples, taken away before shuffling.
        validation_data : (x, y) or (x, y, sample_weight), optional
            Wins over `validation_split`.
        shuffle : bool or "batch"
            ``True``: a new permutation of the samples every epoch; ``"batch"``: only
            the batches change places.
        class_weight : dict of int to float, optional
            Multiplied into the sample weights.
        sample_weight : array_like, optional
            Weights of the loss; it is still divided by the number of samples.
        initial_epoch : int
            Number of the first epoch.
        validation_batch_size : int, optional
            Default: `batch_size`.
        validation_freq : int or list of int
            Validate every so many epochs, or after the listed epochs (from 1).
        seed : int, optional
            Seed of the shuffling; default: the model's own generator.
        **renamed
            None; an old name such as ``nb_epoch`` gets an error with the new one.

        Returns
        -------
        History
            ``history.history`` maps each name to its values by epoch: means over the
            samples, each taken before the update by its batch, penalties included.

        Raises
        ------
        RuntimeError
            If the model is not compiled.
        ValueError
            If an argument or the data are wrong; nothing is changed then.
        TypeError
            If a keyword is unknown.

        See Also
        --------
        localnet.callbacks.BackupAndRestore : Resumes a training that was stopped.

        Notes
        -----
        Ctrl-C between or inside batches leaves whole weights, and the finished epochs
        in ``model.history``; `KeyboardInterrupt` is passed on.
        """
        for old in renamed:
            new = RENAMED.get(old)
            near = _validate.suggestion(old, inspect.signature(self.fit).parameters)
            hint = f"; it is called {new!r}" if new else near
            raise TypeError(f"fit must be given known arguments, got {old!r}{hint}")
        optimizer = self._need_compiled()
        data = Data.of(x, y, sample_weight, self._ports)
        validation = self._validation(validation_data)
        if validation is None and validation_split:
            data, validation = split(data, validation_split)
        # After the split: class weights are for training alone.
        data = data.weighted(class_weight)
        size = _validate.integer("batch_size", _or(batch_size, 32), minimum=1)
        validation_size = _validate.integer(
            "validation_batch_size", _or(validation_batch_size, size), minimum=1
        )
        epochs = _validate.integer("epochs", epochs, minimum=1)
        initial_epoch = _validate.integer("initial_epoch", initial_epoch, minimum=0)
        frequency = _validation_freq(validation_freq)
        if not (isinstance(shuffle, bool) or _is_word(shuffle, "batch")):
            raise ValueError(f"shuffle must be True, False or 'batch', got {shuffle!r}")
        level = _validate.verbosity(verbose)
        rng = self._shuffle_rng
        if seed is not None:
            rng = np.random.default_rng(_validate.integer("seed", seed, minimum=0))
        calls = CallbackList(
            callbacks,
            model=self,
            verbose=level,
            params={
                "verbose": level,
                "epochs": epochs,
                "steps": data.count_batches(size),
            },
        )
        run = Run(
            model=self,
            calls=calls,
            data=data,
            validation=validation,
            batch_size=size,
            shuffle=shuffle,
            rng=rng,
            arguments={
                "batch_size": size,
                "shuffle": shuffle,
                "seed": None if seed is None else int(seed),
                "class_weight": {
                    str(k): float(v) for k, v in (class_weight or {}).items()
                },
                "initial_epoch": initial_epoch,
                "validation_freq": frequency,
                "validation_batch_size": validation_size,
                "engine": config.get_engine(),
            },
            epochs=epochs,
            epoch=initial_epoch,
        )
        with unchanged_on_error(*self._stack):
            self._need_same_weights()
            self._try_out(data)
            if validation is not None:
                self._try_out(validation)
            self.stop_training = False
            # A training that could not begin is not ended either, and has no history.
            run.begin()
        self.history = calls.history
        try:
            for epoch in range(run.epoch, epochs):
                self._fit_epoch(run)
                if validation is not None and _is_due(epoch + 1, frequency):
                    results = self._test_epoch(validation, validation_size, calls)
                    run.logs |= {f"val_{name}": v for name, v in results.items()}
                run.leave_epoch()
                if self.stop_training:
                    break
            optimizer.finalize(self._trainable())
            run.finished = True
        except KeyboardInterrupt:
            optimizer.finalize(self._trainable())
            raise
        finally:
            calls.on_train_end(run.logs)
        return calls.history

    def _fit_epoch(self, run: Run) -> None:
        run.enter_epoch()
        for number, batch in enumerate(run.batches(), run.batch):
            run.calls.on_train_batch_begin(number)
            run.logs = self._train_step(batch)
            run.batch = number + 1
            run.calls.on_train_batch_end(number, run.logs)
            if self.stop_training:
                break

    def _test_epoch(self, data: Data, batch_size: int, calls: CallbackList) -> Logs:
        calls.on_test_begin()
        self._objective.begin()
        logs: Logs = {}
        for number, batch in enumerate(data.batches(batch_size)):
            calls.on_test_batch_begin(number)
            logs = self._test_step(batch)
            calls.on_test_batch_end(number, logs)
        calls.on_test_end(logs)
        return logs

    def _validation(self, given: Any) -> Data | None:
        if given is None:
            return None
        if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
            raise ValueError(
                "validation_data must be (x, y) or (x, y, sample_weight), "
                f"got {type(given).__name__}"
            )
        x, y, weight = (*given, None)[:3]
        return Data.of(x, y, weight, self._ports)

    def _try_out(self, data: Data) -> None:
        """Meet every error that the data can cause, before any weight changes."""
        self._build_for(data.xs)
        ys, _ = self._run(data.take(slice(0, 1)).xs, False)
        if all(y is None for y in data.ys):
            return
        for batch in data.batches(TRIAL):
            shapes = [(len(batch), *y.shape[1:]) for y in ys]
            outputs = [np.broadcast_to(y, s) for y, s in zip(ys, shapes, strict=True)]
            self._objective.try_out(batch, outputs)

    def evaluate(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: ArrayLike | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """
        Measure loss and metrics, without training.

        Parameters
        ----------
        x, y, sample_weight : array_like
            As for `fit`.
        batch_size : int, optional
            Default 32.
        verbose : {"auto", 0, 1, 2}
            0 silent; else one line with the result.
        callbacks : Callback or list of Callback, optional
            Their ``on_test_...`` methods are called.
        return_dict : bool
            Whether to return names with the values.

        Returns
        -------
        float, list of float or dict
            The loss, penalties included; with metrics a list in the order of
            ``metrics_names``.

        Raises
        ------
        RuntimeError
            If the model is not compiled.
        ValueError
            If an argument or the data are wrong.
        """
        self._need_compiled()
        data = Data.of(x, y, sample_weight, self._ports)
        size = _validate.integer("batch_size", _or(batch_size, 32), minimum=1)
        level = _validate.verbosity(verbose)
        calls = CallbackList(
            callbacks,
            model=self,
            verbose=level,
            params={"verbose": level, "steps": data.count_batches(size)},
        )
        with unchanged_on_error(*self._stack):
            self._build_for(data.xs)
            return self._result(self._test_epoch(data, size, calls), return_dict)

    def predict(
        self,
        x: ArrayLike,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        callbacks: Any = None,
    ) -> Any:
        """
        Compute the outputs, batch by batch.

        Parameters
        ----------
        x : array_like
            Inputs, samples first.
        batch_size : int, optional
            Default 32; bounds the memory.
        verbose : {"auto", 0, 1, 2}
            Accepted as in Keras; nothing is printed.
        callbacks : Callback or list of Callback, optional
            Their ``on_predict_...`` methods are called.

        Returns
        -------
        ndarray or list of ndarray
            One output per sample; a list if the model has several outputs.

        Raises
        ------
        ValueError
            If there is no sample, or the data do not fit the model.
        """
        data = Data.of(x, ports=self._ports.without_targets())
        size = _validate.integer("batch_size", _or(batch_size, 32), minimum=1)
        _validate.verbosity(verbose)
        calls = CallbackList(
            callbacks,
            model=self,
            verbose=0,
            params={"verbose": 0, "steps": data.count_batches(size)},
        )
        outputs: list[list[Array]] = []
        with unchanged_on_error(*self._stack):
            self._build_for(data.xs)
            calls.on_predict_begin()
            for number, batch in enumerate(data.batches(size)):
                calls.on_predict_batch_begin(number)
                ys, _ = self._run(batch.xs, False, memory=self._memory)
                outputs.append([y.copy() for y in ys])
                calls.on_predict_batch_end(number)
            calls.on_predict_end()
        return one_or_list([np.concatenate(ys) for ys in zip(*outputs, strict=True)])


def _or(value: Any, default: int) -> Any:
    return default if value is None else value


def _validation_freq(freq: Any) -> int | list[int]:
    if isinstance(freq, (list, tuple, set)):
        return sorted(
            {_validate.integer("validation_freq", n, minimum=1) for n in freq}
        )
    return _validate.integer("validation_freq", freq, minimum=1)


def _is_due(number: int, frequency: int | list[int]) -> bool:
    """Return whether the epoch of this number, from 1, is validated."""
    if isinstance(frequency, list):
        return number in frequency
    return number % frequency == 0


def _is_word(value: Any, word: str) -> bool:
    return isinstance(value, str) and value == word
