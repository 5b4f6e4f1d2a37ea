"""
What a model does with one batch: predict, measure, differentiate, update.

`Steps` knows a model only by its layers and by two methods, `_run` and `_run_back`,
which a model class provides; the arithmetic is Keras 2's.
"""

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from .. import optimizers
from .._interrupt import uninterrupted
from .._typing import Array, Config
from ..callbacks import Logs
from ..layers import Layer
from ..layers._base.handles import Connectable
from ..layers._base.layer import unchanged_on_error
from ..ops import Workspace
from ..optimizers import Optimizer
from .batches import Data
from .fingerprint import identity_of_optimizer
from .inputs_outputs import Ports
from .tape import Tape
from .total_loss import Gradients, Objective

__all__ = ["Memory", "Steps", "one_or_list"]

# A workspace for each call of a layer, by a name that the model class chooses.
Memory: TypeAlias = defaultdict[str, Workspace]


class Steps:
    """
    Base of models: all that needs a forward pass of one batch and its reverse.

    Attributes
    ----------
    optimizer : Optimizer or None
        Set by `compile`.
    """

    name: str
    built: bool
    input_names: list[str]
    output_names: list[str]
    # Each layer once, however often it is called, by its path: its name, after those of
    # the models within this one that it lies in.
    leaves: dict[str, Layer]

    def __init__(self) -> None:
        self.optimizer: Optimizer | None = None
        self.loss: Any = None
        self._objective = Objective()
        self._compiled_optimizer: Config = {}
        # What a step leaves for the next one: memory, and no number.
        self._memory: Memory = defaultdict(Workspace)
        # The weights that the optimizer's memory belongs to; None before any update.
        self._updated: list[str] | None = None

    # What a model class provides -------------------------------------------------

    def _parts(self) -> list[Connectable]:
        """Return the layers and models that a call may change, for undoing it."""
        raise NotImplementedError

    def _build_for(self, xs: tuple[Array, ...]) -> None:
        """Create the weights that are missing, for inputs of these shapes."""
        raise NotImplementedError

    def _run(
        self,
        xs: tuple[Array, ...],
        training: bool,
        *,
        noise: Mapping[str, np.random.Generator] | None = None,
        memory: Memory | None = None,
    ) -> tuple[tuple[Array, ...], Tape]:
        """
        Return the outputs and what each call of a layer left.

        `noise` replaces the layers' own generators, by path. With a `memory`
        everything that is returned is valid until the next call with it.
        """
        raise NotImplementedError

    def _run_back(
        self, gradients: Gradients, tape: Tape, *, memory: Memory | None = None
    ) -> dict[str, dict[str, Array]]:
        """
        Return the gradients of the trainable weights, by path and name.

        The penalties of the layers are part of them: those on outputs for every call,
        those on weights once.
        """
        raise NotImplementedError

    # Compiling -------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
    ) -> None:
        """
        Choose how the model is trained.

        Parameters
        ----------
        optimizer : str or Optimizer, default "rmsprop"
            For instance ``"adam"`` or ``SGD(learning_rate=0.1, momentum=0.9)``.
        loss : str, callable or Loss, or a list or dict of them, optional
            One for every output; or one for each, in order or by the output's name.
            ``None``: nothing but the penalties of the layers is minimised.
        metrics, weighted_metrics : list or dict of str or callable, optional
            Reported beside the loss; only the weighted ones use sample weights.
            ``"accuracy"`` and ``"acc"`` choose the kind that fits the shapes. For each
            output its own: a list of lists or a dict.
        loss_weights : float, or a list or dict of floats, optional
            Factors of the losses in their sum.

        Raises
        ------
        ValueError
            If a name is unknown, a callable lacks its gradient, or two metrics have
            one name, or a list or dict does not fit the outputs. The model stays as it
            was.

        Notes
        -----
        With several outputs each loss is reported too, as ``<output>_loss`` and without
        its factor, and a metric is called ``<output>_<metric>``.
        """
        new_optimizer = optimizers.get(optimizer)
        if not isinstance(new_optimizer, Optimizer):
            raise ValueError(f"optimizer must be an Optimizer, got {optimizer!r}")
        self._objective = Objective(
            loss, metrics, loss_weights, weighted_metrics, self.output_names
        )
        self.loss = loss
        if new_optimizer is not self.optimizer:
            self._updated = None
        self.optimizer = new_optimizer
        self._compiled_optimizer = identity_of_optimizer(new_optimizer)

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` returns, in its order."""
        return self._objective.names

    @property
    def _ports(self) -> Ports:
        """Where data go in and come out; compare with targets what is compiled so."""
        return Ports(
            tuple(self.input_names),
            tuple(self.output_names),
            self._objective.needs_targets,
        )

    def _need_compiled(self) -> Optimizer:
        if self.optimizer is None:
            raise RuntimeError(
                f"{self.name}: the model is not compiled; call compile(optimizer, loss)"
            )
        return self.optimizer

    def _need_same_weights(self, trained: Mapping[str, Array]) -> None:
        """Refuse to go on with an optimizer that remembers other weights."""
        if self._updated not in (None, list(trained)):
            raise RuntimeError(
                f"{self.name}: the trainable weights are not those of the former "
                f"updates, {self._updated}; call compile with a new optimizer"
            )

    # Steps -----------------------------------------------------------------------

    def _train_step(self, batch: Data) -> Logs:
        """Update the weights; return the running means, taken before the update."""
        layers, params = list(self.leaves.values()), self._trainable()
        self._need_same_weights(params)
        outputs, tape = self._run(batch.xs, True, memory=self._memory)
        # Losses and metrics of the user's own may keep them.
        ys = [y.copy() for y in outputs]
        loss, gradients = self._objective.value_and_gradients(batch, ys, tape, layers)
        grads = self._trainable(self._run_back(gradients, tape, memory=self._memory))
        logs = self._objective.update(loss, batch, ys)
        absorbed = self._absorbed(tape)
        with uninterrupted(), self._undone_on_error(params):
            self._need_compiled().update(params, grads)
            self._updated = list(params)
            # A floating-point warning made an error must not leave half an update.
            with np.errstate(all="ignore"):
                for layer in layers:
                    if layer.trainable:
                        layer.constrain()
                for state, new in absorbed:
                    state[...] = new
        return logs

    def _absorbed(self, tape: Tape) -> list[tuple[Array, Array]]:
        """Return each weight that no optimizer changes, and its value after a step."""
        return [
            (layer.params[name], new)
            for layer in self.leaves.values()
            if layer.state_names
            for name, new in layer.absorbed(tape.caches(layer)).items()
        ]

    @contextmanager
    def _undone_on_error(self, trained: Mapping[str, Array]) -> Iterator[None]:
        """Undo a failed update; only constraints of the user's own can make it fail."""
        if not any(layer.constraints_may_fail for layer in self.leaves.values()):
            yield
            return
        optimizer = self._need_compiled()
        state, updated = optimizer.get_state(), self._updated
        former = {name: value.copy() for name, value in trained.items()}
        try:
            yield
        except BaseException:
            for name, value in trained.items():
                value[...] = former[name]
            optimizer.set_state(state)
            self._updated = updated
            raise

    def _test_step(self, batch: Data) -> Logs:
        """Return the running means with this batch."""
        outputs, tape = self._run(batch.xs, False, memory=self._memory)
        ys = [y.copy() for y in outputs]  # as in a training step
        loss = self._objective.value(batch, ys, tape, list(self.leaves.values()))
        return self._objective.update(loss, batch, ys)

    def _trainable(
        self, of: Mapping[str, Mapping[str, Array]] | None = None
    ) -> dict[str, Array]:
        """Return the trainable weights by name, or what `of` holds for each of them."""
        return {
            f"{path}/{key}": value if of is None else of[path][key]
            for path, layer in self.leaves.items()
            for key, value in layer.trainable_params.items()
        }

    def loss_and_gradients(
        self, x: Any, y: Any = None, sample_weight: Any = None
    ) -> tuple[float, list[Array]]:
        """
        Return the total loss of a batch and its gradients, and change nothing.

        Parameters
        ----------
        x, y, sample_weight
            As for `fit`; one batch of arrays.

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
        ports = replace(self._ports, needed=self._objective.has_loss)
        batch = Data.of(x, y, sample_weight, ports)
        with unchanged_on_error(*self._parts()):
            self._build_for(batch.xs)
            noise = {
                path: copy.deepcopy(layer.noise) for path, layer in self.leaves.items()
            }
            ys, tape = self._run(batch.xs, True, noise=noise)
            loss, gradients = self._objective.value_and_gradients(
                batch, ys, tape, list(self.leaves.values())
            )
            grads = self._run_back(gradients, tape)
        return loss.total, list(self._trainable(grads).values())

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
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
        batch = Data.of(x, y, sample_weight, self._ports)
        batch = batch.weighted(class_weight)
        self._objective.begin()
        with unchanged_on_error(*self._parts()):
            self._build_for(batch.xs)
            logs = self._train_step(batch)
        return self._result(logs, return_dict)

    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
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
        batch = Data.of(x, y, sample_weight, self._ports)
        self._objective.begin()
        with unchanged_on_error(*self._parts()):
            self._build_for(batch.xs)
            logs = self._test_step(batch)
        return self._result(logs, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """
        Compute the outputs of one batch; see `predict`.

        Parameters
        ----------
        x : array_like, or a list, tuple or dict of them
            Inputs, samples first.

        Returns
        -------
        ndarray or list of ndarray
            One output per sample; a list if the model has several outputs.
        """
        data = Data.of(x, ports=self._ports.without_targets())
        with unchanged_on_error(*self._parts()):
            self._build_for(data.xs)
            return one_or_list(self._run(data.xs, False)[0])

    def _result(self, logs: Logs, return_dict: bool) -> Any:
        if return_dict:
            return logs
        return one_or_list(list(logs.values()))


def one_or_list(values: Sequence[Any]) -> Any:
    """Return the items as Keras does: in a list, if there are several."""
    return list(values) if len(values) > 1 else values[0]
