"""What one output of a compiled model is trained for and measured by."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import _validate, losses, metrics
from .._typing import Array
from ..losses import Loss
from ..metrics import WeightedMean

__all__ = ["Goal", "Metric"]


@dataclass
class Metric:
    """A metric of a compiled model, and its mean over the epoch so far."""

    # A name as the user wrote it, or a function, object or config.
    identifier: Any
    name: str
    # None: an accuracy, chosen when the first shapes are seen.
    function: Any
    weighted: bool
    mean: WeightedMean = field(default_factory=WeightedMean)

    @classmethod
    def of(cls, identifier: Any, weighted: bool) -> "Metric":
        """Resolve a name or function; the name is kept as the user wrote it."""
        if metrics.is_accuracy(identifier):
            return cls(identifier, identifier, None, weighted)
        if isinstance(identifier, dict):  # what `get_config` gives for a loss object
            function = losses.deserialize(identifier)
        else:
            function = metrics.get(identifier)
        if isinstance(identifier, str):
            return cls(identifier, identifier, function, weighted)
        name = getattr(function, "__name__", None) or getattr(function, "name", None)
        name = str(name or type(function).__name__)
        return cls(identifier, name, function, weighted)

    def get_config(self) -> Any:
        """Return what `of` turns back into this metric, ready for JSON."""
        if isinstance(self.identifier, (str, dict)):
            return self.identifier
        if isinstance(self.function, Loss):
            return losses.serialize(self.function)
        return metrics.serialize(self.function)

    def values(self, y: Any, y_pred: Array) -> Array:
        """Return one value per sample."""
        function = self.function or metrics.accuracy_for(y, y_pred)
        values: Array = function(y, y_pred)
        return values


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
        for metric in self.metrics:
            twice = metric.weighted and metric.name in names
            metric.name = f"{prefix}{'weighted_' if twice else ''}{metric.name}"
        # Means of the loss without its factor, if it is one of several.
        self.partial: dict[str, WeightedMean] = {}
        if prefix and self.loss is not None:
            self.partial[f"{prefix}loss"] = WeightedMean()
        # The same loss for logits; made once, since a step takes less time than that.
        self._logits_loss: Loss | None = None

    @property
    def needs_targets(self) -> bool:
        """Whether anything is compared with targets."""
        return self.loss is not None or bool(self.metrics)

    def get_config(self, *, weighted: bool) -> list[Any]:
        """Return the metrics of one kind, ready for JSON."""
        return [m.get_config() for m in self.metrics if m.weighted == weighted]

    def value(
        self, y: Any, y_pred: Array, sample_weight: Array | None, logits: Array | None
    ) -> float:
        """Return the loss of a batch, without its factor; 0 if there is none."""
        if self.loss is None:
            return 0.0
        loss, read, _ = self._reading(y_pred, logits)
        return float(loss(y, read, sample_weight))

    def value_and_gradient(
        self, y: Any, y_pred: Array, sample_weight: Array | None, logits: Array | None
    ) -> tuple[float, Array, bool]:
        """
        Return the loss, the gradient of loss times factor, and whether by the logits.

        The gradient is zero if there is no loss.
        """
        if self.loss is None:
            return 0.0, np.zeros_like(y_pred), False
        loss, read, by_logits = self._reading(y_pred, logits)
        value, gradient = loss.value_and_gradient(y, read, sample_weight)
        if self.factor != 1:
            gradient = gradient * self.factor
        return float(value), gradient, by_logits

    def _reading(self, y_pred: Array, logits: Array | None) -> tuple[Loss, Array, bool]:
        """
        Return the loss in the form that Keras would take, and what it reads.

        A crossentropy of the output of a softmax or sigmoid is computed from what went
        into it: nothing is clipped, and the gradient is p - t.
        """
        if self.loss is None:
            raise ValueError("loss must be given, got None")
        if self.loss.logits_activation is None or logits is None:
            return self.loss, y_pred, False
        if self._logits_loss is None:
            self._logits_loss = self.loss.with_logits()
        return self._logits_loss, logits, True

    def measure(self, y: Any, y_pred: Array) -> list[Array]:
        """Return the values of all metrics, one per sample."""
        return [metric.values(y, y_pred) for metric in self.metrics]

    def add(
        self,
        loss: float,
        values: list[Array],
        sample_weight: Array | None,
        samples: int,
    ) -> None:
        """Add the loss and the values of a batch to the means."""
        for mean in self.partial.values():
            mean.add(loss, samples)
        for metric, per_sample in zip(self.metrics, values, strict=True):
            metric.mean.update(per_sample, sample_weight if metric.weighted else None)

    def try_out(self, y: Any, y_pred: Array, sample_weight: Array | None) -> None:
        """Meet the errors that targets and weights can cause, and keep nothing."""
        if self.loss is not None:
            self.loss(y, y_pred, sample_weight)
        self.measure(y, y_pred)
