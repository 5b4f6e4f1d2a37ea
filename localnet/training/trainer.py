"""
How a model is trained: optimizer, loss, metrics, and what a step makes of a batch.

A model has a `Trainer`, which knows it as a `Network`: layers by path, and a program
that runs them forwards and backwards. The arithmetic is Keras 2's.
"""

import inspect
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

import numpy as np

from .. import optimizers
from .._interrupt import uninterrupted
from .._typing import Array, Config
from .._validate import shown
from ..callbacks import CallbackList, History, Logs
from ..layers import Layer
from ..layers._base.layer import unchanged_on_error
from ..ops import Workspace
from ..optimizers import Optimizer
from .batches import Data
from .fingerprint import identity_of_optimizer
from .generators import Source
from .inputs_outputs import Ports
from .network import Learning, Memory, Network, Tape
from .options import execution, unknown_option, verbosity
from .prepared import Prepared, kind_of, undrawn_on_error
from .total_loss import Objective

__all__ = ["Trained", "Trainer", "absorbed_by", "calls_of", "compile", "one_or_list"]


# Of so many kinds of batches what was worked out is kept.
KINDS = 16


class Trainer:
    """
    What is compiled, and where the training stands.

    Parameters
    ----------
    network : Network
        What is trained.
    shuffle_rng : numpy.random.Generator
        Of the order of the samples.

    Attributes
    ----------
    optimizer : Optimizer or None
        None before `compile`.
    loss : object
        As it was given.
    objective : Objective
        Losses and metrics.
    learning : Learning
        Which layers learn.
    identity : dict
        The optimizer as it was compiled; callbacks may change its numbers later.
    updated : list of str or None
        The weights that the optimizer's memory belongs to; None before any update.
    memory : Memory
        What a step leaves for the next one: memory, and no number.
    history : History or None
        Of the last training, also of one that was interrupted.
    stop_training : bool
        A callback sets it to end the training after the current batch or iteration.
    """

    def __init__(self, network: Network, shuffle_rng: np.random.Generator) -> None:
        self.network = network
        self.shuffle_rng = shuffle_rng
        self.optimizer: Optimizer | None = None
        self.loss: Any = None
        self.objective = Objective()
        self.learning = Learning()
        self.identity: Config = {}
        # What all random numbers follow from, where the user named it.
        self.seed: list[int] | None = None
        # Where the first training began, or the first since weights were set.
        self.start: Config | None = None
        self.updated: list[str] | None = None
        self.memory: Memory = defaultdict(Workspace)
        self._prepared: dict[Any, Prepared] = {}
        self.history: History | None = None
        self.stop_training = False
        self._busy = threading.RLock()

    @property
    def ports(self) -> Ports:
        """Where data go in and come out; compare with targets what is compiled so."""
        return Ports(
            tuple(self.network.data_names),
            tuple(self.network.output_names),
            self.objective.needs_targets,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Copy without what is prepared for arrays that the copy does not have."""
        kept = {name: value for name, value in vars(self).items() if name != "_busy"}
        return {**kept, "_prepared": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Be a copy, which nobody trains yet."""
        vars(self).update(state, _busy=threading.RLock())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Refuse a training while another thread is at work in one."""
        if not self._busy.acquire(blocking=False):
            raise RuntimeError(
                f"{self.network.name}: a model is trained by one thread at a time, and "
                "another one is at it; give each thread a copy, by copy.deepcopy"
            )
        try:
            yield
        finally:
            self._busy.release()

    def need_optimizer(self) -> Optimizer:
        """Return the optimizer, or refuse a model that is not compiled."""
        if self.optimizer is None:
            raise RuntimeError(
                f"{self.network.name}: the model is not compiled; call "
                "compile(optimizer, loss)"
            )
        return self.optimizer

    def trained(self) -> dict[str, Array]:
        """Return the weights that learn, by name."""
        return {
            f"{path}/{key}": value
            for path, layer in self.network.leaves.items()
            for key, value in layer.trainable_params.items()
        }

    def need_same_weights(self, trained: Mapping[str, Array]) -> None:
        """Refuse to go on with an optimizer that remembers other weights."""
        optimizer = self.need_optimizer()
        if self.updated not in (None, list(trained)):
            raise RuntimeError(
                f"{self.network.name}: the trainable weights are not those of the "
                f"former updates, {self.updated}; call compile with a new optimizer"
            )
        if not optimizer.turns_to(self.network, list(trained.values())):
            raise ValueError(
                "optimizer must be one that no other model was trained with, got "
                f"{optimizer.name}; call compile with a new one"
            )

    # One batch -------------------------------------------------------------------

    @contextmanager
    def ready(
        self, xs: Sequence[Array] | None = None, *, learning: bool = False
    ) -> Iterator[None]:
        """Undo what fails within, and build the network for inputs that are given."""
        # Who only looks at a built network changes nothing, and must not undo what a
        # training in another thread does meanwhile.
        looking = xs is not None and not learning and self.network.built
        parts = [] if looking else [self, *self.network.parts()]
        with unchanged_on_error(*parts):
            if xs is not None:
                self.network.build_for(xs)
            yield

    def batch(self, x: Any, y: Any, sample_weight: Any) -> Data:
        """Return one batch, checked."""
        single = self.objective.needs_targets == (True,)
        if single and y is not None and sample_weight is None:
            plain = Data.plain(x, y)
            if plain is not None and self.network.program.inputs == 1:
                return plain
        return Data.of(x, y, sample_weight, self.ports)

    def inputs(self, x: Any) -> Data:
        """Return one batch without targets, checked."""
        plain = Data.plain(x) if self.network.program.inputs == 1 else None
        if plain is None:
            return Data.of(x, ports=self.ports.without_targets())
        return plain

    def as_compiled(self) -> AbstractContextManager[None]:
        """Let the layers learn that were trainable when the model was compiled."""
        return self.learning.held(self.network)

    def kept(self, xs: Sequence[Array], *, training: bool) -> Any:
        """
        Do what `ready` does, or what is left of it for a batch of a known kind.

        The context gives the step, if that is prepared and draws nothing.
        """
        step = self._prepared.get(kind_of(xs, training))
        if step is None or not step.holds(self.network):
            return self.ready(xs, learning=training)
        draws = training and step.drawing
        return undrawn_on_error(step.drawing) if draws else nullcontext(step)

    def prepared(self, xs: Sequence[Array], *, training: bool) -> Prepared:
        """Return what is worked out, once, for batches of this kind."""
        kind = kind_of(xs, training)
        step = self._prepared.get(kind)
        if step is None or not step.holds(self.network):
            if len(self._prepared) >= KINDS:
                self._prepared.clear()
            step = Prepared(self.network, training, self.memory)
            self._prepared[kind] = step
        return step

    def outputs(self, xs: Sequence[Array], step: Prepared | None = None) -> list[Array]:
        """Return what is predicted, in arrays of its own."""
        step = step or self.prepared(xs, training=False)
        try:
            return [y.copy() for y in step.run(xs)[0]]
        except BaseException:
            self._prepared.clear()
            raise

    def train_step(self, batch: Data, step: Prepared | None = None) -> Logs:
        """Update the weights; return the running means, taken before the update."""
        step = step or self.prepared(batch.xs, training=True)
        self.need_same_weights(step.trained)
        try:
            return self._trained_step(batch, step)
        except BaseException:
            self._prepared.clear()
            raise

    def _trained_step(self, batch: Data, step: Prepared) -> Logs:
        outputs, tape = step.run(batch.xs)
        # Losses and metrics of the user's own may keep them.
        ys = tape.known([y.copy() for y in outputs])
        loss, gradients = self.objective.value_and_gradients(
            batch, ys, tape, step.layers
        )
        grads = step.run_back(gradients, tape)
        logs = self.objective.update(loss, batch, ys)
        absorbed = absorbed_by(step.moving, tape)
        changed = [*step.trained.values(), *(state for state, _ in absorbed)]
        undone = self._undone_on_error(changed) if step.may_fail else nullcontext()
        with uninterrupted(), undone:
            optimizer = self.need_optimizer()
            if step.is_checked and self.updated is not None and _own(optimizer):
                optimizer.update_again(step.weights, grads)
            else:
                optimizer.update(step.weights, grads)
            optimizer.has_updated(self.network, step.weights)
            self.updated = step.names
            if step.constrained or absorbed:
                # A floating-point warning made an error must not leave half an update.
                with np.errstate(all="ignore"):
                    for layer in step.constrained:
                        layer.constrain()
                    for state, new in absorbed:
                        state[...] = new
        step.completed()
        return logs

    @contextmanager
    def _undone_on_error(self, changed: Sequence[Array]) -> Iterator[None]:
        """Undo an update that a constraint of the user's own makes fail."""
        optimizer = self.need_optimizer()
        state, updated = optimizer.get_state(), self.updated
        former = [value.copy() for value in changed]
        try:
            yield
        except BaseException:
            for value, before in zip(changed, former, strict=True):
                value[...] = before
            optimizer.set_state(state)
            self.updated = updated
            raise

    def test_step(self, batch: Data, step: Prepared | None = None) -> Logs:
        """Return the running means with this batch."""
        step = step or self.prepared(batch.xs, training=False)
        try:
            outputs, tape = step.run(batch.xs)
            ys = tape.known([y.copy() for y in outputs])  # as in a training step
            loss = self.objective.value(batch, ys, tape, step.layers)
            return self.objective.update(loss, batch, ys)
        except BaseException:
            self._prepared.clear()
            raise

    # Many batches ----------------------------------------------------------------

    def test_epoch(self, source: Source, calls: CallbackList) -> Logs:
        """Go through data once without learning; return the means."""
        calls.on_test_begin()
        self.objective.begin()
        logs: Logs = {}
        for number, batch in enumerate(source.batches()):
            calls.on_test_batch_begin(number)
            with source.blamed():
                logs = self.test_step(batch)
            calls.on_test_batch_end(number, dict(logs))
        source.end_epoch()
        calls.on_test_end(dict(logs))
        return logs

    def try_out(self, source: Source) -> None:
        """Meet the errors that the data can cause, before any weight changes."""
        first = source.first()
        self.network.build_for(first.xs)
        ys, _ = self.network.program.run(first.take(slice(0, 1)).xs, False)
        if all(y is None for y in first.ys):
            return
        for piece in source.trials(first):
            shapes = [(len(piece), *y.shape[1:]) for y in ys]
            outputs = [np.broadcast_to(y, s) for y, s in zip(ys, shapes, strict=True)]
            self.objective.try_out(piece, outputs)


class Trained(Protocol):
    """A model, as `fit` and its like see it: they are its methods."""

    name: str
    _trainer: Trainer


def compile(
    self: Trained,
    optimizer: Any = "rmsprop",
    loss: Any = None,
    metrics: Any = None,
    loss_weights: Any = None,
    weighted_metrics: Any = None,
    run_eagerly: Any = None,
    steps_per_execution: Any = None,
    jit_compile: Any = None,
    sample_weight_mode: Any = None,
    **unknown: Any,
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
    run_eagerly, steps_per_execution, jit_compile, sample_weight_mode
        Accepted as in Keras, without a meaning.
    **unknown
        None; they are refused.

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
    execution(run_eagerly, steps_per_execution, jit_compile, sample_weight_mode)
    for name in unknown:
        raise unknown_option(name, inspect.signature(compile).parameters, "compile")
    trainer, new = self._trainer, optimizers.get(optimizer)
    if not isinstance(new, Optimizer):
        raise ValueError(f"optimizer must be an Optimizer, got {shown(optimizer)}")
    trainer.network.program.check_gradients()
    # First everything that may fail, a `get_config` of the user's own too.
    identity = identity_of_optimizer(new)
    trainer.objective = Objective(
        trainer.network.output_names, loss, metrics, loss_weights, weighted_metrics
    )
    trainer.loss = loss
    if new is not trainer.optimizer:
        trainer.updated = None
    trainer.optimizer, trainer.identity = new, identity
    trainer.learning = Learning(trainer.network)


def _own(optimizer: Optimizer) -> bool:
    """Return whether updates are made by the method that every optimizer has."""
    return type(optimizer).update is Optimizer.update


def absorbed_by(layers: Iterable[Layer], tape: Tape) -> list[tuple[Array, Array]]:
    """Return each weight that no optimizer changes, and its value after a step."""
    return [
        (layer.params[name], new)
        for layer in layers
        if layer.state_names
        for name, new in layer.absorbed(tape.caches(layer)).items()
    ]


def calls_of(given: Any, model: Any, verbose: Any, **params: Any) -> CallbackList:
    """Return the callbacks of one call, which are told `params` and how loud it is."""
    level = verbosity(verbose)
    return CallbackList(given, True, level > 0, model, verbose=level, **params)


def one_or_list(values: Sequence[Any]) -> Any:
    """Return the items as Keras does: in a list, if there are several."""
    return list(values) if len(values) > 1 else values[0]
