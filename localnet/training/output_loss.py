"""What one output of a compiled model is trained for and measured by."""

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import _arrays, _validate, losses, metrics
from .._typing import Array, Config
from ..losses import (
    CategoricalCrossentropy,
    Differentiated,
    FunctionLoss,
    Loss,
    SparseCategoricalCrossentropy,
)
from ..losses.logits import WithLogits
from ..metrics import WeightedMean

__all__ = ["Gathered", "Goal", "Metric", "named_mean"]

# What Keras writes for a function with a name of its own.
WRAPPER = "MeanMetricWrapper"


class Gathered:
    """A metric object, seen as a running mean."""

    def __init__(self, metric: metrics.Metric) -> None:
        self.metric = metric

    def result(self) -> Any:
        """Return a number, or an array of them."""
        value = np.asarray(self.metric.result())
        return float(value) if value.ndim == 0 else value

    def reset(self) -> None:
        """Forget everything."""
        self.metric.reset_state()

    @property
    def sums(self) -> Any:
        """What was gathered, to go on from."""
        return {name: array.copy() for name, array in self.metric.state.items()}

    @sums.setter
    def sums(self, sums: Any) -> None:
        # Some make their arrays when they see the first batch, others hold on to them.
        state = self.metric.state
        for name in [*state]:
            if name not in sums:
                del state[name]
        for name, array in sums.items():
            kept = state.setdefault(name, np.array(array))
            if kept.shape == array.shape:
                kept[...] = array
            else:
                state[name] = np.array(array)


@dataclass(frozen=True)
class Running:
    """A running mean with its name, as a metric is read."""

    name: str
    mean: WeightedMean

    def result(self) -> float:
        """Return the mean so far."""
        return self.mean.result()

    def reset_state(self) -> None:
        """Begin anew."""
        self.mean.reset()

    reset_states = reset_state


def named_mean(name: str, mean: Any) -> Any:
    """Return what a user sees of a running mean: the metric object, if there is one."""
    return mean.metric if isinstance(mean, Gathered) else Running(name, mean)


@dataclass
class Metric:
    """A metric of a compiled model, and its mean over the epoch so far."""

    # A name as the user wrote it, or a function, object or config.
    identifier: Any
    name: str
    # None: an accuracy or crossentropy, chosen when the first shapes are seen.
    function: Any
    weighted: bool
    mean: Any = field(default_factory=WeightedMean)
    # The name without that of an output.
    label: str = ""
    # What the last shapes have chosen.
    chosen: Any = None

    def __post_init__(self) -> None:
        self.label = self.name
        if isinstance(self.function, metrics.Metric):
            self.mean = Gathered(self.function)

    @classmethod
    def of(cls, identifier: Any, weighted: bool) -> "Metric":
        """Resolve a name or function; the name is kept as the user wrote it."""
        if metrics.is_by_shapes(identifier):
            return cls(identifier, identifier, None, weighted)
        function, name = _found(identifier)
        if isinstance(identifier, str) and not isinstance(function, metrics.Metric):
            return cls(identifier, identifier, function, weighted)
        if name is None:
            name = getattr(function, "__name__", None)
        name = str(name or getattr(function, "name", None) or type(function).__name__)
        return cls(identifier, name, function, weighted)

    def get_config(self, *, by_shapes: bool = False) -> Any:
        """Return what `of` turns back into this metric, or what shapes have chosen."""
        if by_shapes and self.chosen is not None:
            return _wrapped(self.chosen, {"name": self.identifier, "dtype": "float32"})
        if isinstance(self.identifier, (str, dict)):
            return self.identifier
        function = self.function
        if isinstance(function, Loss):
            return losses.serialize(function)
        if type(function) is metrics.MeanMetric:
            own = {**function.get_config(), **function.kwargs}
            config: Any = _wrapped(function.fn, own)
        else:
            config = metrics.serialize(function)
        if isinstance(function, metrics.Metric):
            # The object itself is called after its output.
            config["config"] = {**config["config"], "name": self.label}
        return config

    def values(self, y: Any, y_pred: Array) -> Any:
        """Return one value per sample; for an object, what it is to gather."""
        function = self.function
        if function is None:
            function = self.chosen = metrics.metric_for(self.identifier, y, y_pred)
        if isinstance(function, metrics.Metric):
            return handed(y, y_pred)
        if function not in metrics.FUNCTIONS.values() and not isinstance(
            function, Loss
        ):
            return _arrays.call(function, *handed(y, y_pred))
        return function(y, y_pred)

    def add(self, values: Any, sample_weight: Array | None) -> None:
        """Take in what `values` returned."""
        weights = sample_weight if self.weighted else None
        if isinstance(self.mean, Gathered):
            _arrays.call(self.mean.metric.update_state, *values, weights)
        else:
            self.mean.update(values, weights)


def _wrapped(function: Any, config: Config) -> Config:
    """Return a function as Keras writes it that has a name of its own."""
    config = {**config, "fn": metrics.serialize(function)}
    return {"class_name": WRAPPER, "config": config}


def _found(identifier: Any) -> tuple[Any, str | None]:
    """Return what an identifier stands for, and the name that a wrapper gives it."""
    if not isinstance(identifier, dict):
        return metrics.get(identifier), None
    config = identifier.get("config")
    if identifier.get("class_name") == WRAPPER and isinstance(config, dict):
        return metrics.get(config.get("fn")), config.get("name")
    try:
        return metrics.deserialize(identifier), None
    except ValueError:  # what `get_config` gives for a loss object
        return losses.deserialize(identifier), None


def handed(y: Any, y_pred: Array) -> tuple[Array, Array]:
    """
    Return targets and predictions as Keras hands them to functions of one's own.

    Targets of rank 1 beside an output of rank 2 gain an axis, whatever the width of the
    output, and all targets have the output's float type.
    """
    targets = np.asarray(y)
    if targets.ndim == 1 and y_pred.ndim == 2:
        targets = targets[:, np.newaxis]
    return _arrays.cast("y_true", targets, y_pred.dtype), y_pred


class Goal:
    """
    The loss of one output with its factor, and its metrics.

    Parameters
    ----------
    loss : str, callable, Loss or None
        ``None``: nothing is minimised for this output.
    factor : float or None
        Of the loss, in the sum over the outputs; None is 1.
    plain, weighted : list of str or callable
        Metrics without and with sample weights.
    prefix : str
        Of the names of what is reported; empty for the only output of a model.

    Raises
    ------
    ValueError
        If a name is unknown or a callable lacks its gradient.
    """

    def __init__(
        self, loss: Any, factor: Any, plain: list[Any], weighted: list[Any], prefix: str
    ) -> None:
        self.loss = None if loss is None else losses.as_loss(loss)
        if self.loss is not None and self.loss.reduction == "none":
            raise ValueError("loss must have a reduction to train with, got 'none'")
        self.factor = (
            1.0 if factor is None else _validate.number("loss_weights", factor)
        )
        self.metrics = [
            *(Metric.of(metric, False) for metric in plain),
            *(Metric.of(metric, True) for metric in weighted),
        ]
        names = {metric.name for metric in self.metrics if not metric.weighted}
        sparse = isinstance(self.loss, SparseCategoricalCrossentropy)
        for metric in self.metrics:
            twice = metric.weighted and metric.name in names
            metric.name = f"{prefix}{'weighted_' if twice else ''}{metric.name}"
            if sparse and metric.function is None:
                metric.chosen = metrics.metric_for(metric.identifier, [0], [[1.0, 0.0]])
        # Means of the loss without its factor, if it is one of several.
        self.partial: dict[str, WeightedMean] = {}
        if prefix and self.loss is not None:
            self.partial[f"{prefix}loss"] = WeightedMean()
        # The same loss for logits; made once, since a step takes less time than that.
        self._logits_loss: Loss | None = None
        self._has_warned = False

    @property
    def needs_targets(self) -> bool:
        """Whether anything is compared with targets."""
        return self.loss is not None or bool(self.metrics)

    def get_config(self, *, weighted: bool, by_shapes: bool = False) -> list[Any]:
        """Return the metrics of one kind, ready for JSON."""
        kind = (metric for metric in self.metrics if metric.weighted == weighted)
        return [metric.get_config(by_shapes=by_shapes) for metric in kind]

    def value(self, y: Any, y_pred: Array, sample_weight: Array | None) -> float:
        """Return the loss of a batch, without its factor; 0 if there is none."""
        if self.loss is None:
            return 0.0
        loss, y, read, _ = self._reading(y, y_pred)
        return float(loss(y, read, sample_weight))

    def value_and_gradient(
        self, y: Any, y_pred: Array, sample_weight: Array | None
    ) -> tuple[float, Array, bool]:
        """
        Return the loss, the gradient of loss times factor, and whether by the logits.

        The gradient is zero if there is no loss.
        """
        if self.loss is None:
            return 0.0, np.zeros_like(y_pred), False
        loss, y, read, by_logits = self._reading(y, y_pred)
        value, gradient = loss.value_and_gradient(y, read, sample_weight)
        if self.factor != 1:
            gradient = gradient * self.factor
        return float(value), gradient, by_logits

    def _reading(self, y: Any, y_pred: Array) -> tuple[Loss, Any, Array, bool]:
        """
        Return the loss in the form that Keras would take, and what it reads.

        A crossentropy of the output of a softmax or sigmoid is computed from what went
        into it: nothing is clipped, and the gradient is p - t. Last, whether the
        gradient is by that.
        """
        if self.loss is None:
            raise ValueError("loss must be given, got None")
        self._warn_of_one_class(y_pred)
        logits = y_pred.logits if isinstance(y_pred, WithLogits) else None
        if isinstance(self.loss, Differentiated):
            return self.loss, *handed(y, y_pred), logits is not None
        if isinstance(self.loss, FunctionLoss):
            # Its own gradient is by the output.
            return self.loss, *handed(y, np.asarray(y_pred)), False
        if self.loss.logits_activation is None or logits is None:
            return self.loss, y, np.asarray(y_pred), False
        if self._logits_loss is None:
            self._logits_loss = self.loss.with_logits()
        return self._logits_loss, y, logits, True

    def _warn_of_one_class(self, y_pred: Array) -> None:
        """Say once what Keras says of a crossentropy that is 0 for ever."""
        one = y_pred.shape[-1] == 1 and isinstance(self.loss, CategoricalCrossentropy)
        if one and not self._has_warned:
            self._has_warned = True
            warnings.warn(
                "categorical_crossentropy must be used with outputs of more than one "
                f"class, got shape {y_pred.shape}: the loss does not depend on the "
                "weights, use binary_crossentropy after a sigmoid",
                stacklevel=2,
            )

    def measure(self, y: Any, y_pred: Array) -> list[Any]:
        """Return the values of all metrics, one per sample."""
        return [metric.values(y, y_pred) for metric in self.metrics]

    def add(
        self,
        loss: float,
        values: list[Any],
        sample_weight: Array | None,
        samples: int,
    ) -> None:
        """Add the loss and the values of a batch to the means."""
        for mean in self.partial.values():
            mean.add(loss, samples)
        for metric, per_sample in zip(self.metrics, values, strict=True):
            metric.add(per_sample, sample_weight)

    def try_out(self, y: Any, y_pred: Array, sample_weight: Array | None) -> None:
        """Meet the errors that targets and weights can cause, and keep nothing."""
        if self.loss is not None:
            loss, y_read, read, _ = self._reading(y, np.asarray(y_pred))
            loss(y_read, read, sample_weight)
        for metric, values in zip(self.metrics, self.measure(y, y_pred), strict=True):
            if isinstance(metric.mean, Gathered):
                former = metric.mean.sums
                try:
                    metric.add(values, sample_weight)
                finally:
                    metric.mean.sums = former
