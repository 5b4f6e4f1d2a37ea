"""What a model does with one batch: compute, differentiate, update, measure."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .. import _arrays, _validate
from .._typing import Array
from ..callbacks import Logs
from ..layers._base.handles import holds_handles
from .batches import Data
from .inputs_outputs import arrays_of
from .trainer import Trained, absorbed_by, one_or_list

__all__ = [
    "as_results",
    "call",
    "loss_and_gradients",
    "predict_on_batch",
    "test_on_batch",
    "train_on_batch",
]


def call(self: Any, x: Any, training: bool | None = None) -> Any:
    """
    Compute the output for arrays; for handles, note the call for another model.

    Parameters
    ----------
    x : array_like, Handle, or a list or dict of them
        A batch of inputs, or what stands for one.
    training : bool, optional
        Whether layers with training noise apply it; default: no. With handles it
        holds for this call, whatever the model does that runs it.

    Returns
    -------
    ndarray, Handle or list of them
        As the input; a list if there are several outputs.
    """
    if holds_handles(x):
        return self.connect(x, training)
    trainer = self._trainer
    learning = training is not None and _validate.flag("training", training)
    plain = None if learning or trainer.network.program.inputs > 1 else Data.plain(x)
    if plain is not None:
        with trainer.kept(plain.xs, training=False) as step:
            return one_or_list(trainer.outputs(plain.xs, step))
    given = arrays_of("x", x, trainer.ports)
    xs = tuple(
        _arrays.numbers(label, item)
        for label, item in zip(trainer.ports.labels("x"), given, strict=True)
    )
    with trainer.ready(xs, learning=learning):
        ys, tape = trainer.network.program.run(xs, learning)
        layers = trainer.network.leaves.values() if learning else ()
        for state, new in absorbed_by(layers, tape):
            state[...] = new
    return one_or_list(ys)


def loss_and_gradients(
    self: Trained, x: Any, y: Any = None, sample_weight: Any = None
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
    trainer, network = self._trainer, self._trainer.network
    trainer.need_optimizer()
    ports = replace(trainer.ports, needed=trainer.objective.has_loss)
    batch = Data.of(x, y, sample_weight, ports)
    with trainer.as_compiled(), trainer.ready(batch.xs):
        layers = network.leaves
        noise = {path: copy.deepcopy(layer.noise) for path, layer in layers.items()}
        ys, tape = network.program.run(batch.xs, True, noise=noise)
        loss, gradients = trainer.objective.value_and_gradients(
            batch, tape.known(ys), tape, list(layers.values())
        )
        grads = network.program.run_back(gradients, tape)
        names = [
            (path, name)
            for path, layer in layers.items()
            for name in layer.trainable_params
        ]
    return loss.total, [grads[path][name] for path, name in names]


def train_on_batch(
    self: Trained,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
    reset_metrics: bool = True,
    return_dict: bool = False,
) -> Any:
    """
    Make one training step.

    Parameters
    ----------
    x, y, sample_weight, class_weight
        As for `fit`; one batch.
    reset_metrics : bool
        Whether the running means begin anew with this batch.
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
    trainer = self._trainer
    trainer.need_optimizer()
    batch = trainer.batch(x, y, sample_weight).weighted(class_weight)
    named = _validate.flag("return_dict", return_dict)
    if _validate.flag("reset_metrics", reset_metrics):
        trainer.objective.begin()
    with trainer.as_compiled(), trainer.kept(batch.xs, training=True) as step:
        return as_results(trainer.train_step(batch, step), named)


def test_on_batch(
    self: Trained,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    reset_metrics: bool = True,
    return_dict: bool = False,
) -> Any:
    """
    Measure loss and metrics of one batch; see `evaluate`.

    Parameters
    ----------
    x, y, sample_weight
        As for `fit`; one batch.
    reset_metrics : bool
        Whether the running means begin anew with this batch.
    return_dict : bool
        Whether to return names with the values.

    Returns
    -------
    float, list of float or dict
        As `evaluate` returns them.
    """
    trainer = self._trainer
    trainer.need_optimizer()
    batch = trainer.batch(x, y, sample_weight)
    named = _validate.flag("return_dict", return_dict)
    if _validate.flag("reset_metrics", reset_metrics):
        trainer.objective.begin()
    with trainer.kept(batch.xs, training=False) as step:
        return as_results(trainer.test_step(batch, step), named)


def predict_on_batch(self: Trained, x: Any) -> Any:
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
    trainer = self._trainer
    data = trainer.inputs(x)
    with trainer.kept(data.xs, training=False) as step:
        return one_or_list(trainer.outputs(data.xs, step))


def as_results(logs: Logs, return_dict: bool) -> Any:
    """Return means as `evaluate` does: with their names, or without."""
    return logs if return_dict else one_or_list(list(logs.values()))
