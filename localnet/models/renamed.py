"""Methods of models that Keras 2 had under names of their own."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._keras.words import keras1_error
from .._typing import Array
from .._validate import shown
from ..callbacks import History
from ..training.options import queues

__all__ = [
    "evaluate_generator",
    "fit_generator",
    "make_predict_function",
    "predict_classes",
    "predict_generator",
    "predict_proba",
    "reset_states",
]


def fit_generator(
    self: Any,
    generator: Any,
    steps_per_epoch: Any = None,
    epochs: int = 1,
    verbose: int | str = 1,
    callbacks: Any = None,
    validation_data: Any = None,
    validation_steps: Any = None,
    validation_freq: Any = 1,
    class_weight: Mapping[int, float] | None = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    shuffle: bool = True,
    initial_epoch: int = 0,
    **unknown: Any,
) -> History:
    """
    Train on batches; `fit` takes them as well.

    Parameters
    ----------
    generator : generator or Sequence
        Gives (x, y) or (x, y, sample_weight).
    steps_per_epoch, epochs, verbose, callbacks, validation_data, validation_steps
        As for `fit`.
    validation_freq, class_weight, shuffle, initial_epoch
        As for `fit`.
    max_queue_size, workers, use_multiprocessing
        Accepted as in Keras, without a meaning.
    **unknown
        None; those of Keras 1 get an error with the new words.

    Returns
    -------
    History
        As for `fit`.
    """
    queues(max_queue_size, workers, use_multiprocessing)
    for name in unknown:
        old = keras1_error("fit_generator", unknown, ())
        raise old or TypeError(
            f"fit_generator must be given known arguments, got {shown(name)}"
        )
    history: History = self.fit(
        generator,
        epochs=epochs,
        verbose=verbose,
        callbacks=callbacks,
        validation_data=validation_data,
        shuffle=shuffle,
        class_weight=class_weight,
        initial_epoch=initial_epoch,
        steps_per_epoch=steps_per_epoch,
        validation_steps=validation_steps,
        validation_freq=validation_freq,
    )
    return history


def evaluate_generator(
    self: Any,
    generator: Any,
    steps: Any = None,
    callbacks: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: int | str = 0,
) -> Any:
    """
    Measure on batches; `evaluate` takes them as well.

    Parameters
    ----------
    generator : generator or Sequence
        Gives (x, y) or (x, y, sample_weight).
    steps, callbacks, verbose
        As for `evaluate`.
    max_queue_size, workers, use_multiprocessing
        Accepted as in Keras, without a meaning.

    Returns
    -------
    float or list of float
        As for `evaluate`.
    """
    queues(max_queue_size, workers, use_multiprocessing)
    return self.evaluate(generator, steps=steps, callbacks=callbacks, verbose=verbose)


def predict_generator(
    self: Any,
    generator: Any,
    steps: Any = None,
    callbacks: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: int | str = 0,
) -> Any:
    """
    Predict from batches; `predict` takes them as well.

    Parameters
    ----------
    generator : generator or Sequence
        Gives x or (x, y).
    steps, callbacks, verbose
        As for `predict`.
    max_queue_size, workers, use_multiprocessing
        Accepted as in Keras, without a meaning.

    Returns
    -------
    ndarray or list of ndarray
        As for `predict`.
    """
    queues(max_queue_size, workers, use_multiprocessing)
    return self.predict(generator, steps=steps, callbacks=callbacks, verbose=verbose)


def predict_classes(
    self: Any, x: Any, batch_size: int | None = None, verbose: int | str = 0
) -> Array:
    """
    Return the class of each sample: the largest output, or whether one is above 0.5.

    Parameters
    ----------
    x, batch_size, verbose
        As for `predict`.

    Returns
    -------
    ndarray of int
        Of shape (N,) for several classes, (N, 1) for one output.
    """
    y = self.predict(x, batch_size=batch_size, verbose=verbose)
    classes: Array
    if y.shape[-1] > 1:
        classes = np.argmax(y, axis=-1)
    else:
        classes = (y > 0.5).astype("int32")
    return classes


def predict_proba(
    self: Any, x: Any, batch_size: int | None = None, verbose: int | str = 0
) -> Any:
    """
    Compute the outputs; an older name of `predict`.

    Parameters
    ----------
    x, batch_size, verbose
        As for `predict`.

    Returns
    -------
    ndarray
        As for `predict`.
    """
    return self.predict(x, batch_size=batch_size, verbose=verbose)


def make_predict_function(self: Any) -> None:
    """Do nothing: what a prediction needs is prepared by the first one."""


def reset_states(self: Any) -> None:
    """Do nothing: no layer keeps a state from batch to batch."""
