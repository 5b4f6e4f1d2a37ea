"""What a compiled model minimises and reports, over all of its outputs."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

from .. import losses
from .._typing import Array, Config
from .._validate import shown
from ..callbacks import Logs
from ..layers import Layer
from ..metrics import Metric, WeightedMean
from .batches import Data
from .inputs_outputs import items_of, lists_of
from .network import Tape
from .output_loss import Gathered, Goal, named_mean

__all__ = ["Gradients", "Losses", "Objective"]


class Losses(NamedTuple):
    """The loss of a batch, and the part of each output without its factor."""

    total: float
    parts: list[float]


class Gradients(NamedTuple):
    """For each output either the gradient by it or the one by its logits."""

    dys: list[Array | None]
    dlogits: list[Array | None]


class Objective:
    """
    Losses with the penalties of the layers, and metrics, with running means of all.

    Parameters
    ----------
    outputs : sequence of str
        Names of the outputs.
    loss : str, callable, Loss or None, or a list or dict of them
        ``None``: only the penalties are minimised.
    metrics, weighted_metrics : list of str or callable, or one of them, or None
        For several outputs: a list of lists or a dict; a flat list is for each output.
        A weighted metric that has the name of another is called ``weighted_<name>``.
    loss_weights : float or None, or a list or dict of them
        Factors of the losses.

    Attributes
    ----------
    needs_targets : tuple of bool
        Whether each output is compared with targets.
    has_loss : tuple of bool
        Whether something is minimised for each output.

    Raises
    ------
    ValueError
        If a name is unknown, a callable lacks its gradient, two metrics have one name,
        or a list or dict does not fit the outputs.
    """

    def __init__(
        self,
        outputs: Sequence[str] = ("output",),
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
    ) -> None:
        self.outputs = list(outputs)
        prefixes = [f"{name}_" for name in self.outputs]
        if len(prefixes) == 1:
            prefixes = [""]
        self.goals = list(
            map(
                Goal,
                items_of("loss", loss, outputs),
                items_of("loss_weights", loss_weights, outputs),
                lists_of("metrics", metrics, outputs),
                lists_of("weighted_metrics", weighted_metrics, outputs),
                prefixes,
            )
        )
        _part_objects(self.goals)
        self.needs_targets = tuple(goal.needs_targets for goal in self.goals)
        self.has_loss = tuple(goal.loss is not None for goal in self.goals)
        self._mean = WeightedMean()
        # Partial losses come before all metrics, as in Keras.
        means = [
            ("loss", self._mean),
            *(item for goal in self.goals for item in goal.partial.items()),
            *((x.name, x.mean) for goal in self.goals for x in goal.metrics),
        ]
        self._means: dict[str, Any] = {}
        for name, mean in _numbered(means):
            if name in self._means:
                raise ValueError(
                    "metrics must have names of their own beside 'loss', "
                    f"got {shown(name)} a second time"
                )
            self._means[name] = mean
        for name, mean in self._means.items():
            if isinstance(mean, Gathered) and mean.metric.has_default_name:
                mean.metric.name = name

    @property
    def names(self) -> list[str]:
        """Names of the running means, in their order."""
        return list(self._means)

    @property
    def metrics(self) -> list[Any]:
        """The running means, each as a metric with a name."""
        return [named_mean(name, mean) for name, mean in self._means.items()]

    def get_config(self, *, by_shapes: bool = False) -> Config:
        """
        Return the arguments that make an equal objective, ready for JSON.

        With `by_shapes` an accuracy is the one that the shapes of data have chosen.
        """
        factors = [goal.factor for goal in self.goals]
        plain, weighted = (
            [goal.get_config(weighted=flag, by_shapes=by_shapes) for goal in self.goals]
            for flag in (False, True)
        )
        config: dict[str, Any] = {
            "loss": [losses.serialize(goal.loss) for goal in self.goals],
            "metrics": plain,
            "weighted_metrics": weighted,
            "loss_weights": factors,
        }
        if len(self.goals) == 1:
            config = {key: items[0] for key, items in config.items()}
        if all(factor == 1 for factor in factors):
            config["loss_weights"] = None
        return config

    # The loss --------------------------------------------------------------------

    def value(
        self, batch: Data, ys: Sequence[Array], tape: Tape, layers: Iterable[Layer]
    ) -> Losses:
        """Return the loss of a batch: the data's, and all penalties."""
        parts = []
        for place, goal in enumerate(self.goals):
            with self._named(place):
                parts.append(goal.value(*_at(place, batch, ys)))
        return self._summed(parts, tape, layers)

    def value_and_gradients(
        self, batch: Data, ys: Sequence[Array], tape: Tape, layers: Iterable[Layer]
    ) -> tuple[Losses, Gradients]:
        """
        Return the loss, and its gradient by each output or by its logits.

        The penalties' gradients are added by the layers themselves, on the way back.
        """
        layers = list(layers)
        if not (any(self.has_loss) or _have_penalties(layers)):
            raise ValueError(
                "loss must be given to compile, got None: there is nothing to minimise"
            )
        parts = []
        gradients = Gradients([], [])
        for place, goal in enumerate(self.goals):
            with self._named(place):
                part, gradient, by_logits = goal.value_and_gradient(
                    *_at(place, batch, ys)
                )
            parts.append(part)
            gradients.dys.append(None if by_logits else gradient)
            gradients.dlogits.append(gradient if by_logits else None)
        return self._summed(parts, tape, layers), gradients

    def _summed(
        self, parts: list[float], tape: Tape, layers: Iterable[Layer]
    ) -> Losses:
        data = 0.0
        for part, goal in zip(parts, self.goals, strict=True):
            data += part * goal.factor
        penalties = tape.activity_losses()
        for layer in layers:  # however often it was called
            penalties += layer.weight_losses()
        return Losses(data + float(sum(penalties)), parts)

    # Running means ---------------------------------------------------------------

    def begin(self) -> None:
        """Start the means anew, as an epoch does."""
        for mean in self._means.values():
            mean.reset()

    @property
    def sums(self) -> list[Any]:
        """What the running means are made of, in the order of `names`."""
        return [mean.sums for mean in self._means.values()]

    @sums.setter
    def sums(self, sums: Sequence[Any]) -> None:
        for mean, values in zip(self._means.values(), sums, strict=True):
            mean.sums = values

    def update(self, loss: Losses, batch: Data, ys: Sequence[Array]) -> Logs:
        """Add a batch, weighted by its size; return the means since `begin`."""
        values = []
        for place, goal in enumerate(self.goals):
            with self._named(place):
                values.append(goal.measure(batch.ys[place], ys[place]))
        # Keras weighs batches by their size only where there is data to compare with.
        self._mean.add(loss.total, len(batch) if any(self.has_loss) else 1)
        for place, goal in enumerate(self.goals):
            weights = batch.sample_weights[place]
            goal.add(loss.parts[place], values[place], weights, len(batch))
        return {name: mean.result() for name, mean in self._means.items()}

    def try_out(self, batch: Data, ys: Sequence[Array]) -> None:
        """Meet the errors that targets and weights can cause, and keep nothing."""
        for place, goal in enumerate(self.goals):
            with self._named(place):
                goal.try_out(batch.ys[place], ys[place], batch.sample_weights[place])

    def _named(self, place: int) -> AbstractContextManager[None]:
        """Say in errors which of several outputs they are about."""
        return _about(self.outputs[place]) if len(self.outputs) > 1 else _ALONE


def _numbered(means: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield names with their means; objects that were given no name are numbered."""
    times: dict[str, int] = {}
    for name, mean in means:
        known = isinstance(mean, Gathered) and mean.metric.has_default_name
        count = times[name] = times.get(name, -1) + 1
        yield (f"{name}_{count}" if known and count else name), mean


def _part_objects(goals: Sequence[Goal]) -> None:
    """Give each output a metric object of its own, as Keras does."""
    seen: set[int] = set()
    for goal in goals:
        for metric in goal.metrics:
            if id(metric.function) in seen and isinstance(metric.function, Metric):
                metric.function = type(metric.function).from_config(
                    metric.function.get_config()
                )
                metric.mean = Gathered(metric.function)
            seen.add(id(metric.function))


def _have_penalties(layers: Iterable[Layer]) -> bool:
    return any(
        part.activity_regularizer is not None
        or any(rules.regularizer is not None for rules in part._held.rules.values())
        for layer in layers
        for part in layer.with_inner()
    )


def _at(
    place: int, batch: Data, ys: Sequence[Array]
) -> tuple[Any, Array, Array | None]:
    """Return what the loss of an output is computed from."""
    return batch.ys[place], ys[place], batch.sample_weights[place]


_ALONE = nullcontext()


@contextmanager
def _about(output: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"output {output!r}: {error}") from error
