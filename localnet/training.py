"""
The training loop: what `compile`, `fit`, `evaluate` and `predict` do.

`Trainable` knows a model only by its layers and by two methods, `_run` and `_run_back`,
which a model class provides; the arithmetic is Keras 2's.
"""

import copy
import inspect
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import _validate, losses, metrics, optimizers
from ._typing import Array, ArrayLike
from .batches import Data, split
from .callbacks import CallbackList, History
from .layers import Layer, LayerCache
from .layers.base import unchanged_on_error
from .losses import Loss
from .metrics import WeightedMean
from .optimizers import Optimizer

__all__ = ["Trainable"]

Logs = dict[str, float]
SHUFFLES = (True, False, "batch")
RENAMED = {"nb_epoch": "epochs"}
# Samples per piece when targets are tried out before training.
TRIAL = 128


@dataclass
class Metric:
    """A metric of a compiled model, and its mean over the epoch so far."""

    name: str
    # None: an accuracy, chosen when the first shapes are seen.
    function: Any
    weighted: bool
    mean: WeightedMean = field(default_factory=WeightedMean)

    @classmethod
    def of(cls, identifier: Any, weighted: bool) -> "Metric":
        """Resolve a name or function; the name is kept as the user wrote it."""
        if metrics.is_accuracy(identifier):
            return cls(identifier, None, weighted)
        function = metrics.get(identifier)
        if isinstance(identifier, str):
            return cls(identifier, function, weighted)
        return cls(
            str(getattr(function, "__name__", type(function).__name__)),
            function,
            weighted,
        )

    def values(self, batch: Data, y_pred: Array) -> Array:
        """Return one value per sample."""
        function = self.function or metrics.accuracy_for(batch.y, y_pred)
        values: Array = function(batch.y, y_pred)
        return values

    def update(self, batch: Data, y_pred: Array) -> None:
        """Add the values of one batch."""
        self.mean.update(
            self.values(batch, y_pred), batch.sample_weight if self.weighted else None
        )


class Trainable:
    """
    Base of models: everything that needs only a forward pass and its reverse.

    Attributes
    ----------
    optimizer : Optimizer or None
        Set by `compile`.
    history : History or None
        Of the last `fit`, also of one that was interrupted.
    stop_training : bool
        A callback sets it to end `fit` after the current batch.
    """

    name: str
    layers: list[Layer]
    built: bool
    # The layers with an InputLayer, if there is one.
    _stack: list[Layer]

    def __init__(self) -> None:
        self.optimizer: Optimizer | None = None
        self.loss: Any = None
        self.history: History | None = None
        self.stop_training = False
        self._loss: Loss | None = None
        self._loss_weight = 1.0
        self._metrics: list[Metric] = []
        self._compiled_with: dict[str, Any] = {}
        self._shuffle_rng = np.random.default_rng()

    # What a model class provides -------------------------------------------------

    def build(self, input_shape: Any = None) -> None:
        """Create the weights of all layers; see the model class."""
        raise NotImplementedError

    def _run(
        self, x: Array, training: bool, noise: Mapping[str, np.random.Generator]
    ) -> tuple[Array, list[LayerCache]]:
        """Return the output and the cache of every layer."""
        raise NotImplementedError

    def _run_back(
        self, dy: Array | None, dlogits: Array | None, tape: list[LayerCache]
    ) -> dict[str, dict[str, Array]]:
        """Return the gradients of the trainable weights, by layer name."""
        raise NotImplementedError

    # Compiling -------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any,
        loss: Any = None,
        metrics: Sequence[Any] | Any = None,
        loss_weights: float | Sequence[float] | None = None,
        weighted_metrics: Sequence[Any] | Any = None,
    ) -> None:
        """
        Choose how the model is trained.

        Parameters
        ----------
        optimizer : str or Optimizer
            For instance ``"sgd"`` or ``SGD(learning_rate=0.1, momentum=0.9)``.
        loss : str, callable or Loss, optional
            ``None``: only the penalties of the layers are minimised.
        metrics, weighted_metrics : list of str or callable, optional
            Reported beside the loss; only the weighted ones use sample weights.
            ``"accuracy"`` and ``"acc"`` choose the kind that fits the shapes.
        loss_weights : float or list of one float, optional
            Factor of the loss.

        Raises
        ------
        ValueError
            If a name is unknown, a callable lacks its gradient, or two metrics have
            one name. The model stays as it was.
        """
        new_optimizer = optimizers.get(optimizer)
        if not isinstance(new_optimizer, Optimizer):
            raise ValueError(f"optimizer must be an Optimizer, got {optimizer!r}")
        if isinstance(loss, (list, tuple)) and len(loss) == 1:
            loss = loss[0]
        new_loss = None if loss is None else losses.as_loss(loss)
        if new_loss is not None and new_loss.reduction == "none":
            raise ValueError("loss must have a reduction to train with, got 'none'")
        weight = loss_weights
        if isinstance(weight, (list, tuple)) and len(weight) == 1:
            weight = weight[0]
        factor = 1.0 if weight is None else _validate.number("loss_weights", weight)
        plain = _as_list("metrics", metrics)
        weighted = _as_list("weighted_metrics", weighted_metrics)
        new_metrics = [
            *(Metric.of(m, False) for m in plain),
            *(Metric.of(m, True) for m in weighted),
        ]
        names = ["loss"]
        for metric in new_metrics:
            if metric.name in names:
                raise ValueError(
                    "metrics must have names of their own beside 'loss', "
                    f"got {metric.name!r} a second time"
                )
            names.append(metric.name)
        self.optimizer, self.loss, self._loss = new_optimizer, loss, new_loss
        self._metrics, self._loss_weight = new_metrics, factor
        self._compiled_with = {
            "loss": loss,
            "metrics": plain,
            "loss_weights": None if weight is None else factor,
            "weighted_metrics": weighted,
        }

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` returns, in its order."""
        return ["loss", *(metric.name for metric in self._metrics)]

    def _need_compiled(self) -> Optimizer:
        if self.optimizer is None:
            raise RuntimeError(
                f"{self.name}: the model is not compiled; call compile(optimizer, loss)"
            )
        return self.optimizer

    # One batch -------------------------------------------------------------------

    def _objective(
        self, batch: Data, y_pred: Array, tape: list[LayerCache], gradients: bool
    ) -> tuple[float, Array | None, Array | None]:
        """Return the total loss, and its gradients by the output and by its logits."""
        penalties = [
            *(c.activity_loss for c in tape if c.activity_loss is not None),
            *(value for layer in self.layers for value in layer.weight_losses()),
        ]
        value, dy, dlogits = 0.0, None, None
        if self._loss is not None:
            by_logits = self._loss_on_logits()
            loss = self._loss if by_logits is None else by_logits
            read = y_pred if by_logits is None else tape[-1].logits
            if gradients:
                value, gradient = loss.value_and_gradient(
                    batch.y, read, batch.sample_weight
                )
                if self._loss_weight != 1:
                    gradient = gradient * self._loss_weight
                dy, dlogits = (
                    (gradient, None) if by_logits is None else (None, gradient)
                )
            else:
                value = loss(batch.y, read, batch.sample_weight)
        if gradients and dy is None and dlogits is None:
            dy = np.zeros_like(y_pred)
        return float(value) * self._loss_weight + float(sum(penalties)), dy, dlogits

    def _loss_on_logits(self) -> Loss | None:
        """
        Return the loss in the form that reads logits, if Keras would take it.

        A crossentropy right after the softmax (or sigmoid) that it belongs to is
        computed from the logits: nothing is clipped, and the gradient is p - t.
        """
        loss, last = self._loss, self.layers[-1]
        if loss is None or loss.logits_activation is None:
            return None
        if last.final_activation != loss.logits_activation:
            return None
        return loss.with_logits()

    def _train_step(self, batch: Data, mean_loss: WeightedMean) -> Logs:
        """Update the weights; return the running means, taken before the update."""
        y_pred, tape = self._run(batch.x, True, {})
        loss, dy, dlogits = self._objective(batch, y_pred, tape, True)
        grads = self._run_back(dy, dlogits, tape)
        # Whatever can fail has been done by now: from here on weights change.
        logs = self._running(mean_loss, loss, batch, y_pred)
        with uninterrupted():
            self._need_compiled().update(
                self._trainable(),
                [grads[layer][key] for layer, key in self._trainable_keys()],
            )
            for layer in self.layers:
                if layer.trainable:
                    layer.constrain()
        return logs

    def _test_step(self, batch: Data, mean_loss: WeightedMean) -> Logs:
        """Return the running means with this batch."""
        y_pred, tape = self._run(batch.x, False, {})
        loss = self._objective(batch, y_pred, tape, False)[0]
        return self._running(mean_loss, loss, batch, y_pred)

    def _trainable_keys(self) -> list[tuple[str, str]]:
        return [
            (layer.name, key) for layer in self.layers for key in layer.trainable_params
        ]

    def _trainable(self) -> list[Array]:
        return [
            value for layer in self.layers for value in layer.trainable_params.values()
        ]

    def loss_and_gradients(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> tuple[float, list[Array]]:
        """
        Return the total loss of a batch and its gradients, and change nothing.

        Parameters
        ----------
        x, y : array_like
            Inputs and targets.
        sample_weight : array_like, optional
            One weight per sample.

        Returns
        -------
        loss : float
            In training mode, penalties included. Training noise is drawn as the next
            training step would draw it.
        gradients : list of ndarray
            One per trainable weight, in the order of `get_weights`.

        Raises
        ------
        RuntimeError
            If the model is not compiled.
        ValueError
            If the data do not fit the model.
        """
        self._need_compiled()
        batch = Data.of(x, y, sample_weight, need_y=self._loss is not None)
        with unchanged_on_error(*self._stack):
            self._build_for(batch)
            noise = {layer.name: copy.deepcopy(layer.noise) for layer in self.layers}
            y_pred, tape = self._run(batch.x, True, noise)
            loss, dy, dlogits = self._objective(batch, y_pred, tape, True)
            grads = self._run_back(dy, dlogits, tape)
        return loss, [grads[layer][key] for layer, key in self._trainable_keys()]

    # Many batches ----------------------------------------------------------------

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
        data = Data.of(x, y, sample_weight, class_weight, need_y=self._needs_y)
        validation = self._validation(validation_data)
        if validation is None and validation_split:
            data, validation = split(data, validation_split)
        size = _validate.integer("batch_size", _or(batch_size, 32), minimum=1)
        validation_size = _validate.integer(
            "validation_batch_size", _or(validation_batch_size, size), minimum=1
        )
        epochs = _validate.integer("epochs", epochs, minimum=1)
        initial_epoch = _validate.integer("initial_epoch", initial_epoch, minimum=0)
        validates = _validation_epochs(validation_freq)
        if not any(shuffle is s or shuffle == "batch" for s in SHUFFLES):
            raise ValueError(f"shuffle must be True, False or 'batch', got {shuffle!r}")
        level = _verbosity(verbose)
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
        with unchanged_on_error(*self._stack):
            self._try_out(data)
            if validation is not None:
                self._try_out(validation)
            self.stop_training = False
            # A training that could not begin is not ended either, and has no history.
            calls.on_train_begin()
        self.history = calls.history
        logs: Logs = {}
        try:
            for epoch in range(initial_epoch, epochs):
                calls.on_epoch_begin(epoch)
                logs = self._fit_epoch(
                    data.batches(size, shuffle=shuffle, rng=rng), calls
                )
                if validation is not None and validates(epoch + 1):
                    results = self._test_epoch(validation, validation_size, calls)
                    logs |= {f"val_{name}": value for name, value in results.items()}
                calls.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
        finally:
            try:
                optimizer.finalize(self._trainable())
            finally:
                calls.on_train_end(logs)
        return calls.history

    def _fit_epoch(self, batches: Iterator[Data], calls: CallbackList) -> Logs:
        mean_loss, logs = self._fresh_means(), {}
        for number, batch in enumerate(batches):
            calls.on_train_batch_begin(number)
            logs = self._train_step(batch, mean_loss)
            calls.on_train_batch_end(number, logs)
            if self.stop_training:
                break
        return logs

    def _test_epoch(self, data: Data, batch_size: int, calls: CallbackList) -> Logs:
        calls.on_test_begin()
        mean_loss, logs = self._fresh_means(), {}
        for number, batch in enumerate(data.batches(batch_size)):
            calls.on_test_batch_begin(number)
            logs = self._test_step(batch, mean_loss)
            calls.on_test_batch_end(number, logs)
        calls.on_test_end(logs)
        return logs

    def _fresh_means(self) -> WeightedMean:
        for metric in self._metrics:
            metric.mean.reset()
        return WeightedMean()

    def _running(
        self, mean_loss: WeightedMean, loss: float, batch: Data, y_pred: Array
    ) -> Logs:
        """Add a batch, and return the means since the epoch began."""
        mean_loss.update(loss, len(batch))
        for metric in self._metrics:
            metric.update(batch, y_pred)
        return {
            "loss": mean_loss.result(),
            **{metric.name: metric.mean.result() for metric in self._metrics},
        }

    def _validation(self, given: Any) -> Data | None:
        if given is None:
            return None
        if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
            raise ValueError(
                "validation_data must be (x, y) or (x, y, sample_weight), "
                f"got {type(given).__name__}"
            )
        return Data.of(*given, need_y=self._needs_y)

    @property
    def _needs_y(self) -> bool:
        return self._loss is not None or bool(self._metrics)

    def _build_for(self, data: Data) -> None:
        self.build((None, *data.x.shape[1:]))

    def _try_out(self, data: Data) -> None:
        """Meet every error that the data can cause, before any weight changes."""
        self._build_for(data)
        first = data.take(slice(0, 1))
        y_pred, _ = self._run(first.x, False, {})
        if data.y is None:
            return
        for batch in data.batches(TRIAL):
            outputs = np.broadcast_to(y_pred, (len(batch), *y_pred.shape[1:]))
            if self._loss is not None:
                self._loss(batch.y, outputs, batch.sample_weight)
            for metric in self._metrics:
                metric.values(batch, outputs)

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
        data = Data.of(x, y, sample_weight, need_y=self._needs_y)
        size = _validate.integer("batch_size", _or(batch_size, 32), minimum=1)
        level = _verbosity(verbose)
        calls = CallbackList(
            callbacks,
            model=self,
            verbose=level,
            params={"verbose": level, "steps": data.count_batches(size)},
        )
        with unchanged_on_error(*self._stack):
            self._build_for(data)
            return self._result(self._test_epoch(data, size, calls), return_dict)

    def predict(
        self,
        x: ArrayLike,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        callbacks: Any = None,
    ) -> Array:
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
        ndarray
            One output per sample.

        Raises
        ------
        ValueError
            If there is no sample, or the data do not fit the model.
        """
        data = Data.of(x, need_y=False)
        size = _validate.integer("batch_size", _or(batch_size, 32), minimum=1)
        _verbosity(verbose)
        calls = CallbackList(
            callbacks,
            model=self,
            verbose=0,
            params={"verbose": 0, "steps": data.count_batches(size)},
        )
        outputs = []
        with unchanged_on_error(*self._stack):
            self._build_for(data)
            calls.on_predict_begin()
            for number, batch in enumerate(data.batches(size)):
                calls.on_predict_batch_begin(number)
                outputs.append(self._run(batch.x, False, {})[0])
                calls.on_predict_batch_end(number)
            calls.on_predict_end()
        return np.concatenate(outputs)

    def train_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """
        Make one training step.

        Parameters
        ----------
        x, y, sample_weight, class_weight
            As for `fit`; one batch.
        return_dict : bool
            Whether to return names with the values.

        Returns
        -------
        float, list of float or dict
            Loss and metrics of this batch before the update.

        Raises
        ------
        RuntimeError
            If the model is not compiled.
        ValueError
            If the data are wrong; nothing is changed then.
        """
        self._need_compiled()
        batch = Data.of(x, y, sample_weight, class_weight, need_y=self._needs_y)
        with unchanged_on_error(*self._stack):
            self._build_for(batch)
            logs = self._train_step(batch, self._fresh_means())
        return self._result(logs, return_dict)

    def test_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        return_dict: bool = False,
    ) -> Any:
        """
        Measure loss and metrics of one batch; see `evaluate`.

        Parameters
        ----------
        x, y, sample_weight
            As for `fit`; one batch.
        return_dict : bool
            Whether to return names with the values.

        Returns
        -------
        float, list of float or dict
            As `evaluate` returns them.
        """
        self._need_compiled()
        batch = Data.of(x, y, sample_weight, need_y=self._needs_y)
        with unchanged_on_error(*self._stack):
            self._build_for(batch)
            logs = self._test_step(batch, self._fresh_means())
        return self._result(logs, return_dict)

    def predict_on_batch(self, x: ArrayLike) -> Array:
        """
        Compute the outputs of one batch; see `predict`.

        Parameters
        ----------
        x : array_like
            Inputs, samples first.

        Returns
        -------
        ndarray
            One output per sample.
        """
        data = Data.of(x, need_y=False)
        with unchanged_on_error(*self._stack):
            self._build_for(data)
            return self._run(data.x, False, {})[0]

    def _result(self, logs: Logs, return_dict: bool) -> Any:
        if return_dict:
            return logs
        values = list(logs.values())
        return values if self._metrics else values[0]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold a Ctrl-C back until the block is done, so that no update is left half."""
    former = signal.getsignal(signal.SIGINT)
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or former is None:  # None: not set from Python
        yield
        return
    held: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
        if held:
            signal.raise_signal(held[0])


def _as_list(name: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        items = [item for v in value for item in (v if isinstance(v, list) else [v])]
        return [item for item in items if item is not None]
    if isinstance(value, Mapping):
        raise ValueError(f"{name} must be a list, got {value!r}")
    return [value]


def _or(value: Any, default: int) -> Any:
    return default if value is None else value


def _verbosity(verbose: Any) -> int:
    if verbose == "auto":
        return 1
    if verbose in (0, 1, 2):
        return int(verbose)
    raise ValueError(f"verbose must be 'auto', 0, 1 or 2, got {verbose!r}")


def _validation_epochs(freq: Any) -> Any:
    """Return a function that tells whether epoch number n, from 1, is validated."""
    if isinstance(freq, (list, tuple, set)):
        epochs = {_validate.integer("validation_freq", n, minimum=1) for n in freq}
        return epochs.__contains__
    step = _validate.integer("validation_freq", freq, minimum=1)
    return lambda n: n % step == 0
