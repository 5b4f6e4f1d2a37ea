"""
What a model learns from many batches: `fit`.

The loop is Keras 2's: means over the samples, each batch measured before its update.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import _validate, config
from ..callbacks import History
from .batches import Data, split
from .generators import is_stream
from .inputs_outputs import Ports
from .options import is_due, queues, shuffling, unknown_option
from .options import validation_freq as checked_validation_freq
from .run import Run
from .sources import checked_data, parted, source_of, validating
from .trainer import Trained, Trainer, calls_of

__all__ = ["fit"]


def fit(
    self: Trained,
    x: Any,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: int | str = "auto",
    callbacks: Any = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: bool | str = True,
    class_weight: Mapping[int, float] | None = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    validation_batch_size: int | None = None,
    validation_freq: int | Sequence[int] = 1,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    *,
    seed: int | None = None,
    **renamed: Any,
) -> History:
    """
    Train the model.

    Parameters
    ----------
    x, y : array_like, or a list, tuple or dict of them
        Inputs and targets, samples first: one for each input and output, in order
        or by name; one array of targets is for every output. Or x gives batches, x,
        (x, y) or (x, y, sample_weight): a generator, or a Sequence as in
        `localnet.utils`.
    batch_size : int, optional
        Of arrays. Default 32. The last batch of an epoch may be smaller.
    epochs : int
        Number of the epoch to stop before; with `initial_epoch` 0, how many.
    verbose : {"auto", 0, 1, 2}
        0 silent, 1 a progress bar, 2 one line per epoch; ``"auto"`` is 1.
    callbacks : Callback or list of Callback, optional
        Called at every stage, in order.
    validation_split : float
        Last part of the samples, taken away before shuffling.
    validation_data : (x, y), (x, y, sample_weight), Sequence or generator, optional
        Wins over `validation_split`.
    shuffle : bool or "batch"
        ``True``: a new permutation of the samples every epoch; ``"batch"``: only
        the batches change places. Those of a Sequence do in both cases, those of a
        generator never.
    class_weight : dict of int to float, optional
        Multiplied into the sample weights; for one output.
    sample_weight : array_like, or a list, tuple or dict of them, optional
        Weights of the loss; it is still divided by the number of samples.
    initial_epoch : int
        Number of the first epoch.
    steps_per_epoch : int, optional
        Batches of an epoch. Default: all that there are, so that a generator makes
        one epoch. Fewer of arrays or a Sequence: the first in the epoch's order.
    validation_steps : int, optional
        The same for each validation; a generator needs it.
    validation_batch_size : int, optional
        Default: `batch_size`.
    validation_freq : int or list of int
        Validate every so many epochs, or after the listed epochs (from 1).
    max_queue_size, workers, use_multiprocessing
        Accepted as in Keras, without a meaning: batches are made when their turn
        comes, in the thread that calls.
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
        If the model is not compiled, or another thread trains it.
    ValueError
        If an argument or the data are wrong; nothing is changed then. A batch that
        a Sequence or generator gives later, and which is wrong, ends the training
        before its step; the steps before it stay.
    TypeError
        If a keyword is unknown.

    Warns
    -----
    UserWarning
        If a generator gives too few batches. The training ends then as if these had
        been all, and keeps what they taught; the last epoch may be a short one.

    See Also
    --------
    localnet.callbacks.BackupAndRestore : Resumes a training that was stopped.

    Notes
    -----
    Ctrl-C between or inside batches leaves whole weights, and the finished epochs
    in ``model.history``; `KeyboardInterrupt` is passed on.

    A `numpy.memmap` is read batch by batch, never as a whole; of its targets only
    some are tried out before training. The first batch of a Sequence or generator
    is looked at before the training begins, and no batch of a generator beyond
    those that are used.
    """
    queues(max_queue_size, workers, use_multiprocessing)
    for name in renamed:
        raise unknown_option(name, inspect.signature(fit).parameters)
    trainer = self._trainer
    trainer.need_optimizer()
    data = checked_data(x, y, sample_weight, trainer.ports)
    held_out = _held_out(validation_data, trainer.ports)
    _validate.number("validation_split", validation_split)
    if held_out is None and validation_split:
        data, held_out = split(data, validation_split)
    _validate.optional_integer("validation_steps", validation_steps, minimum=1)
    validation_size = _validate.optional_integer(
        "validation_batch_size", validation_batch_size, minimum=1
    )
    source = source_of(
        data,
        ports=trainer.ports,
        batch_size=batch_size,
        shuffle=shuffling(shuffle),
        steps=steps_per_epoch,
        class_weight=class_weight,
        steps_name="steps_per_epoch",
    )
    if validation_size is None and isinstance(held_out, Data):
        validation_size = source.batch_size
    validation = None
    if held_out is not None:
        validation = source_of(
            held_out,
            ports=trainer.ports,
            batch_size=validation_size,
            steps=validation_steps,
            name="validation_data",
            steps_name="validation_steps",
        )
        if validation.steps is None:
            raise ValueError(
                "validation_steps must be given where validation_data is a "
                "generator, got None"
            )
    epochs = _validate.integer("epochs", epochs, minimum=1)
    initial_epoch = _validate.integer("initial_epoch", initial_epoch, minimum=0)
    frequency = checked_validation_freq(validation_freq)
    rng = trainer.shuffle_rng
    if seed is not None:
        rng = np.random.default_rng(_validate.seed("seed", seed))
    calls = calls_of(callbacks, self, verbose, epochs=epochs, steps=source.steps)
    run = Run(
        trainer=trainer,
        calls=calls,
        source=source,
        validation=validation,
        rng=rng,
        arguments={
            "batch_size": source.batch_size,
            "shuffle": shuffle,
            "seed": None if seed is None else int(seed),
            "class_weight": {str(k): float(v) for k, v in (class_weight or {}).items()},
            "initial_epoch": initial_epoch,
            "steps_per_epoch": steps_per_epoch and int(steps_per_epoch),
            "validation_steps": validation_steps and int(validation_steps),
            "validation_freq": frequency,
            "validation_batch_size": validation_size or source.batch_size,
            "engine": config.get_engine(),
        },
        epochs=epochs,
        epoch=initial_epoch,
    )
    with trainer.alone(), trainer.as_compiled():
        with trainer.ready():
            trainer.need_same_weights(trainer.trained())
            trainer.try_out(source)
            if validation is not None:
                with validating():
                    trainer.try_out(validation)
            trainer.stop_training = False
            # A training that could not begin is not ended either, and has no history.
            run.begin()
        former, trainer.history = trainer.history, calls.history
        try:
            for epoch in range(run.epoch, epochs):
                if not source.has_more():
                    break
                _fit_epoch(trainer, run)
                if validation is not None and is_due(epoch + 1, frequency):
                    results = trainer.test_epoch(validation, calls)
                    values = {f"val_{name}": v for name, v in results.items()}
                    run.logs = {**run.logs, **values}
                run.leave_epoch()
                if trainer.stop_training:
                    break
            _finalize(trainer)
            run.finished = True
        except KeyboardInterrupt:
            _finalize(trainer)
            raise
        except BaseException:
            if run.stands_at_its_start:  # no step was made, so nothing is known of any
                trainer.history = former
            raise
        finally:
            run.end()
        return calls.history


def _finalize(trainer: Trainer) -> None:
    """Give the weights that learned their averages, if the optimizer keeps some."""
    with trainer.as_compiled():  # a callback may have changed a flag
        trainer.need_optimizer().finalize(trainer.trained())


def _fit_epoch(trainer: Trainer, run: Run) -> None:
    run.enter_epoch()
    for number, batch in enumerate(run.batches(), run.batch):
        run.calls.on_train_batch_begin(number)
        # A callback may have changed a flag.
        with trainer.as_compiled(), run.source.blamed():
            run.logs = trainer.train_step(batch)
        run.batch = number + 1
        # Callbacks may keep the logs, and add to them, for each other alone.
        run.calls.on_train_batch_end(number, dict(run.logs))
        if trainer.stop_training:
            break


def _held_out(given: Any, ports: Ports) -> Any:
    if given is None or is_stream(given):
        return given
    forms = "(x, y), (x, y, sample_weight), a Sequence or a generator"
    x, y, weight = parted(given, forms)
    with validating():
        return checked_data(x, y, weight, ports, "validation_data")
