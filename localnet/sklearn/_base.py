"""What the two estimators share: their parameters, and how they train."""

import copy
import math
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import _validate
from .._typing import Array
from ..callbacks import Callback, EarlyStopping
from ..optimizers import Adam
from ._network import checked_sample_shape, default_network, network_of

__all__ = ["FLOATS", "NetworkEstimator"]

FLOATS = (np.float64, np.float32)
# What shapes a network; one that is there cannot follow a change of them.
SHAPING = ("sample_shape", "build", "filters", "kernel_size", "activation")
# What early stopping holds out where the user does not say.
HELD_OUT = 0.1


class NetworkEstimator(BaseEstimator):
    """Base of the estimators; the parameters are described there."""

    # Of the default network, and how one that is not compiled is trained.
    _output_activation: str | None
    _loss: str

    model_: Any
    _rate: Any  # of the Adam that was made here; None for that of a compiled model
    _shaping: dict[str, Any]
    _next: dict[str, Any]

    def __init__(
        self,
        sample_shape: Any = None,
        build: Any = None,
        *,
        filters: int = 8,
        kernel_size: Any = 3,
        activation: Any = "relu",
        learning_rate: float = 0.003,
        epochs: int = 50,
        batch_size: int = 32,
        early_stopping: bool = False,
        validation_fraction: float | None = None,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.sample_shape = sample_shape
        self.build = build
        self.filters = filters
        self.kernel_size = kernel_size
        self.activation = activation
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a network."""
        return hasattr(self, "model_")

    # Parameters ------------------------------------------------------------------

    def _check_parameters(self) -> None:
        """Refuse what would be wrong later, or with other parameters."""
        if not callable(self.learning_rate):
            _validate.number(
                "learning_rate", self.learning_rate, minimum=0, open_minimum=True
            )
        for name in ("early_stopping", "warm_start"):
            _validate.flag(name, getattr(self, name))
        for name in ("epochs", "batch_size", "n_iter_no_change"):
            _validate.integer(name, getattr(self, name), minimum=1)
        self._held_out()

    # Data ------------------------------------------------------------------------

    def _begins(self) -> bool:
        """Whether `fit` begins with a new network."""
        return not (self.warm_start and hasattr(self, "model_"))

    def _samples(self, X: Array) -> Array:
        return X.reshape(
            len(X), *checked_sample_shape(self.sample_shape, self.n_features_in_)
        )

    def _outputs(self, X: Any) -> Array:
        """Return what the network answers to rows that are checked first."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=FLOATS, reset=False)
        answers: Array = self.model_.predict(self._samples(X), verbose=0)
        return answers

    # Training --------------------------------------------------------------------

    def _new_network(self, n_outputs: int, rng: np.random.RandomState) -> Any:
        """Return a compiled network for the features that `fit` saw."""
        shape = checked_sample_shape(self.sample_shape, self.n_features_in_)
        seed = int(rng.randint(np.iinfo(np.int32).max))
        if self.build is None:
            model: Any = default_network(
                shape,
                n_outputs,
                seed,
                filters=self.filters,
                kernel_size=self.kernel_size,
                activation=self.activation,
                output_activation=self._output_activation,
            )
        else:
            model = network_of(self.build, shape, n_outputs, seed)
            if model is getattr(self, "model_", None):
                raise ValueError(
                    "build must return a new model each time, got the one that it "
                    "returned before"
                )
        rate = None
        if model.optimizer is None:
            rate = self.learning_rate
            model.compile(Adam(rate), loss=self._loss_for(model))
        # Of the network that there is only once this one is trained.
        self._next = {"_rate": rate, "_shaping": self._shaping_now()}
        return model

    def _shaping_now(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in SHAPING}

    def _old_network(self) -> Any:
        """Return the network that there is, ready to be trained on."""
        self._next = {}
        now = self._shaping_now()
        for name, former in self._shaping.items():
            if repr(now[name]) != repr(former):
                raise ValueError(
                    f"{name} must stay {former!r} for a network that is trained on, "
                    f"got {_validate.shown(now[name])}; fit with warm_start=False for "
                    "a new one"
                )
        model = self.model_
        if not all(array.flags.writeable for array in _arrays_of(model)):
            # Mapped from a file by joblib, which no update may change.
            self.model_ = model = copy.deepcopy(model)
        if self._rate is not None and self._rate != self.learning_rate:
            model.optimizer.learning_rate = self._rate = self.learning_rate
        return model

    def _loss_for(self, model: Any) -> str:
        """Return the loss of a network that is not compiled."""
        return self._loss

    def _held_out(self) -> float:
        """Return which part of the samples early stopping is decided on; 0 for none."""
        if self.validation_fraction is None:
            return HELD_OUT if self.early_stopping else 0.0
        return _validate.fraction("validation_fraction", self.validation_fraction)

    def _train(
        self,
        model: Any,
        data: tuple[Array, Array, Array | None],
        *,
        epochs: int,
        held_out: float = 0.0,
        strata: Array | None = None,
        rng: np.random.RandomState | None = None,
    ) -> Self:
        """
        Train, and keep the network and its curves; those that were are gone on with.

        `data` are samples, targets and weights; `strata` are the classes that the part
        that is held out must hold in equal shares.
        """
        arguments: dict[str, Any] = {}
        callbacks: list[Any] = [_StopAtNaN()]
        if held_out:
            train, held = train_test_split(
                np.arange(len(data[0])),
                test_size=held_out,
                random_state=rng,
                stratify=strata,
            )
            arguments["validation_data"] = _rows(data, held)
            data = _rows(data, train)
            patience = _validate.integer(
                "n_iter_no_change", self.n_iter_no_change, minimum=1
            )
            callbacks.append(
                EarlyStopping(patience=patience, restore_best_weights=True)
            )
        x, y, weight = data
        history = model.fit(
            x,
            y,
            sample_weight=weight,
            batch_size=_validate.integer("batch_size", self.batch_size, minimum=1),
            epochs=_validate.integer("epochs", epochs, minimum=1),
            verbose=min(int(self.verbose), 2),
            callbacks=callbacks,
            **arguments,
        ).history
        if not all(map(math.isfinite, history["loss"])):
            raise ValueError(
                f"loss must stay finite, got {history['loss'][-1]} in epoch "
                f"{len(history['loss'])}; scale X and y, or lower learning_rate"
            )
        former = self if getattr(self, "model_", None) is model else None
        self.loss_curve_ = [*getattr(former, "loss_curve_", []), *history["loss"]]
        self.validation_loss_curve_ = [
            *getattr(former, "validation_loss_curve_", []),
            *history.get("val_loss", []),
        ]
        self.n_iter_ = len(self.loss_curve_)
        self.model_ = model
        self.__dict__.update(self._next)
        return self

    def _generator(self) -> np.random.RandomState:
        generator: np.random.RandomState = check_random_state(self.random_state)
        return generator


class _StopAtNaN(Callback):
    """End a training that has lost its way, without a word: an error says so."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Stop if the loss is not finite."""
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            self.model.stop_training = True


def _arrays_of(model: Any) -> list[Array]:
    """Return the weights and the optimizer's memory themselves, no copies."""
    slots = model.optimizer.slots.values()
    held = [layer.params.values() for layer in model._trainer.network.leaves.values()]
    return [array for arrays in (*held, *slots) for array in arrays]


def _rows(
    data: tuple[Array, Array, Array | None], rows: Array
) -> tuple[Array, Array, Array | None]:
    """Return some of the samples with their targets and weights."""
    x, y, weight = data
    return x[rows], y[rows], None if weight is None else weight[rows]
