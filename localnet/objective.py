"""What a compiled model minimises and reports: a loss, its factor, and metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import _validate, losses, metrics
from ._typing import Array, Config
from .batches import Data
from .callbacks import Logs
from .layers import Layer, LayerCache
from .losses import Loss
from .metrics import WeightedMean

__all__ = ["Objective"]


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

    def values(self, batch: Data, y_pred: Array) -> Array:
        """Return one value per sample."""
        function = self.function or metrics.accuracy_for(batch.y, y_pred)
        values: Array = function(batch.y, y_pred)
        return values


class Objective:
    """
    A loss with the penalties of the layers, and metrics, with running means of all.

    Parameters
    ----------
    loss : str, callable, Loss or None
        ``None``: only the penalties are minimised.
    metrics, weighted_metrics : list of str or callable, or one of them, or None
        A weighted metric that has the name of another is called ``weighted_<name>``.
    loss_weights : float, list of one float or None
        Factor of the loss.

    Raises
    ------
    ValueError
        If a name is unknown, a callable lacks its gradient, or two metrics have one
        name.
    """

    def __init__(
        self,
        loss: Any = None,
        metrics: Sequence[Any] | Any = None,
        loss_weights: float | Sequence[float] | None = None,
        weighted_metrics: Sequence[Any] | Any = None,
    ) -> None:
        self.loss = None if _only(loss) is None else losses.as_loss(_only(loss))
        if self.loss is not None and self.loss.reduction == "none":
            raise ValueError("loss must have a reduction to train with, got 'none'")
        factor = _only(loss_weights)
        self.factor = (
            1.0 if factor is None else _validate.number("loss_weights", factor)
        )
        self.metrics = [
            *(Metric.of(m, False) for m in _as_list("metrics", metrics)),
            *(
                Metric.of(m, True)
                for m in _as_list("weighted_metrics", weighted_metrics)
            ),
        ]
        plain = {metric.name for metric in self.metrics if not metric.weighted}
        for metric in self.metrics:
            if metric.weighted and metric.name in plain:
                metric.name = f"weighted_{metric.name}"
        for place, name in enumerate(self.names):
            if name in self.names[:place]:
                raise ValueError(
                    "metrics must have names of their own beside 'loss', "
                    f"got {name!r} a second time"
                )
        # The same loss for logits; made once, since a step takes less time than that.
        self._logits_loss: Loss | None = None
        self._mean = WeightedMean()

    @property
    def names(self) -> list[str]:
        """Names of the running means, in their order."""
        return ["loss", *(metric.name for metric in self.metrics)]

    @property
    def needs_targets(self) -> bool:
        """Whether anything is compared with targets."""
        return self.loss is not None or bool(self.metrics)

    def get_config(self) -> Config:
        """Return the arguments that make an equal objective, ready for JSON."""
        return {
            "loss": losses.serialize(self.loss),
            "loss_weights": None if self.factor == 1 else self.factor,
            "metrics": [m.get_config() for m in self.metrics if not m.weighted],
            "weighted_metrics": [m.get_config() for m in self.metrics if m.weighted],
        }

    # The loss --------------------------------------------------------------------

    def value(
        self,
        batch: Data,
        y_pred: Array,
        tape: Sequence[LayerCache],
        layers: Sequence[Layer],
    ) -> float:
        """Return the total loss of a batch: the data's, and all penalties."""
        data_loss = 0.0
        if self.loss is not None:
            loss, by_logits = self._reading(layers[-1])
            read = tape[-1].logits if by_logits else y_pred
            data_loss = float(loss(batch.y, read, batch.sample_weight))
        return data_loss * self.factor + _penalties(tape, layers)

    def value_and_gradients(
        self,
        batch: Data,
        y_pred: Array,
        tape: Sequence[LayerCache],
        layers: Sequence[Layer],
    ) -> tuple[float, Array | None, Array | None]:
        """
        Return the total loss, and its gradient by the output or by its logits.

        The penalties' gradients are added by the layers themselves, on the way back.
        """
        penalties = _penalties(tape, layers)
        if self.loss is None:
            return penalties, np.zeros_like(y_pred), None
        loss, by_logits = self._reading(layers[-1])
        read = tape[-1].logits if by_logits else y_pred
        data_loss, gradient = loss.value_and_gradient(
            batch.y, read, batch.sample_weight
        )
        if self.factor != 1:
            gradient = gradient * self.factor
        total = float(data_loss) * self.factor + penalties
        return (total, None, gradient) if by_logits else (total, gradient, None)

    def _reading(self, last: Layer) -> tuple[Loss, bool]:
        """
        Return the loss in the form that Keras would take, and whether it reads logits.

        A crossentropy of the output of a softmax or sigmoid is computed from what went
        into it: nothing is clipped, and the gradient is p - t.
        """
        if self.loss is None:
            raise ValueError("loss must be given, got None")
        if self.loss.logits_activation is None or not last.has_logits:
            return self.loss, False
        if self._logits_loss is None:
            self._logits_loss = self.loss.with_logits()
        return self._logits_loss, True

    # Running means ---------------------------------------------------------------

    def begin(self) -> None:
        """Start the means anew, as an epoch does."""
        for mean in self._means:
            mean.reset()

    @property
    def sums(self) -> list[tuple[float, float]]:
        """What the running means are made of, in the order of `names`."""
        return [mean.sums for mean in self._means]

    @sums.setter
    def sums(self, sums: Sequence[tuple[float, float]]) -> None:
        for mean, values in zip(self._means, sums, strict=True):
            mean.sums = values

    @property
    def _means(self) -> list[WeightedMean]:
        return [self._mean, *(metric.mean for metric in self.metrics)]

    def update(self, loss: float, batch: Data, y_pred: Array) -> Logs:
        """Add a batch, weighted by its size; return the means since `begin`."""
        values = [metric.values(batch, y_pred) for metric in self.metrics]
        # Keras weighs batches by their size only where there is data to compare with.
        self._mean.update(loss, len(batch) if self.loss is not None else 1)
        logs = {"loss": self._mean.result()}
        for metric, per_sample in zip(self.metrics, values, strict=True):
            weights = batch.sample_weight if metric.weighted else None
            metric.mean.update(per_sample, weights)
            logs[metric.name] = metric.mean.result()
        return logs

    def try_out(self, batch: Data, outputs: Array) -> None:
        """Meet the errors that targets and weights can cause, and keep nothing."""
        if self.loss is not None:
            self.loss(batch.y, outputs, batch.sample_weight)
        for metric in self.metrics:
            metric.values(batch, outputs)


def _penalties(tape: Sequence[LayerCache], layers: Sequence[Layer]) -> float:
    activity = [c.activity_loss for c in tape if c.activity_loss is not None]
    return float(sum([*activity, *(v for x in layers for v in x.weight_losses())]))


def _only(value: Any) -> Any:
    """Return the one item of a list of one, as Keras users of one output write it."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        return value[0]
    return value


def _as_list(name: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        items = [item for v in value for item in (v if isinstance(v, list) else [v])]
        return [item for item in items if item is not None]
    if isinstance(value, Mapping):
        raise ValueError(f"{name} must be a list, got {value!r}")
    return [value]
