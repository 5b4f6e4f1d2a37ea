"""What a model does with many batches without learning: `evaluate` and `predict`."""

from typing import Any

import numpy as np

from .. import _validate
from .._typing import Array
from ..callbacks import Logs
from .one_batch import as_results
from .options import queues, verbosity
from .sources import checked_data, source_of
from .trainer import Trained, calls_of, one_or_list

__all__ = ["evaluate", "predict"]


def evaluate(
    self: Trained,
    x: Any,
    y: Any = None,
    batch_size: int | None = None,
    verbose: int | str = "auto",
    sample_weight: Any = None,
    steps: int | None = None,
    callbacks: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    return_dict: bool = False,
) -> Any:
    """
    Measure loss and metrics, without training.

    Parameters
    ----------
    x, y, sample_weight : object
        As for `fit`.
    batch_size : int, optional
        Of arrays. Default 32.
    verbose : {"auto", 0, 1, 2}
        0 silent; else one line with the result.
    steps : int, optional
        Batches to measure. Default: all.
    callbacks : Callback or list of Callback, optional
        Their ``on_test_...`` methods are called.
    max_queue_size, workers, use_multiprocessing
        Accepted as in Keras, without a meaning.
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
    queues(max_queue_size, workers, use_multiprocessing)
    trainer = self._trainer
    trainer.need_optimizer()
    source = source_of(
        checked_data(x, y, sample_weight, trainer.ports),
        ports=trainer.ports,
        batch_size=batch_size,
        steps=steps,
    )
    calls = calls_of(callbacks, self, verbose, steps=source.steps)
    named = _validate.flag("return_dict", return_dict)
    with trainer.ready(source.first().xs):
        return as_results(trainer.test_epoch(source, calls), named)


def predict(
    self: Trained,
    x: Any,
    batch_size: int | None = None,
    verbose: int | str = "auto",
    steps: int | None = None,
    callbacks: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
) -> Any:
    """
    Compute the outputs, batch by batch.

    Parameters
    ----------
    x : array_like, list, tuple or dict of them, Sequence or generator
        Inputs, samples first. Of batches (x, y) only x is used.
    batch_size : int, optional
        Of arrays. Default 32; bounds the memory.
    verbose : {"auto", 0, 1, 2}
        Accepted as in Keras; nothing is printed.
    steps : int, optional
        Batches to predict. Default: all.
    callbacks : Callback or list of Callback, optional
        Their ``on_predict_...`` methods are called.
    max_queue_size, workers, use_multiprocessing
        Accepted as in Keras, without a meaning.

    Returns
    -------
    ndarray or list of ndarray
        One output per sample; a list if the model has several outputs.

    Raises
    ------
    ValueError
        If there is no sample, or the data do not fit the model.
    """
    queues(max_queue_size, workers, use_multiprocessing)
    trainer = self._trainer
    ports = trainer.ports.without_targets()
    source = source_of(
        checked_data(x, None, None, ports),
        ports=ports,
        batch_size=batch_size,
        steps=steps,
    )
    verbosity(verbose)
    calls = calls_of(callbacks, self, 0, steps=source.steps)
    outputs: list[list[Array]] = []
    with trainer.ready(source.first().xs):
        calls.on_predict_begin()
        for number, batch in enumerate(source.batches()):
            calls.on_predict_batch_begin(number)
            with source.blamed():
                outputs.append(trainer.outputs(batch.xs))
            logs: Logs = {}
            if callbacks:  # which may keep them, and write to them
                logs = {"outputs": one_or_list([y.copy() for y in outputs[-1]])}
            calls.on_predict_batch_end(number, logs)
        source.end_epoch()
        calls.on_predict_end()
    return one_or_list([np.concatenate(ys) for ys in zip(*outputs, strict=True)])
