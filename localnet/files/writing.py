"""From a model to a file, in the format that the file's suffix names."""

import copy
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from .. import metrics, optimizers
from .._typing import Array, Config
from .._validate import shown
from . import formats, native
from .contents import LayerWeights
from .keras import configs, legacy_h5, memory, training_config, v3
from .weight_shapes import LayerPlan, legacy_order, plan_model

__all__ = ["write_model", "write_weights"]


def write_model(
    model: Any, path: str | os.PathLike[str], *, training: bool = True
) -> Path:
    """
    Write a built model with its training.

    Parameters
    ----------
    model : Sequential
        Built; compiled or not.
    path : str or path-like
        As for `localnet.files.formats.checked_path`.
    training : bool
        Whether to write how it is trained too.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ValueError
        If JSON or Keras cannot hold something of it, or the suffix is wrong.
    ImportError
        If the format needs h5py and it is not installed.
    OSError
        If the file cannot be written.

    Warns
    -----
    UserWarning
        If the optimizer remembers other weights than are trainable now.
    """
    _make_folder(path, formats.file_path(path))
    file = formats.checked_path(path)
    chosen = formats.format_of(file)
    # Keras would choose again when it reads .h5, and by the shape of y_pred alone.
    by_shapes = chosen == formats.KERAS_H5
    compiled = _training(model, by_shapes=by_shapes) if training else None
    plans = plan_model(model)
    envelope: Config = {"class_name": model.class_name, "config": model.get_config()}
    optimizer = _optimizer(model) if training else None
    if chosen == formats.NATIVE:
        _write_native(file, model, envelope, compiled, optimizer)
        return file
    if chosen == formats.KERAS_H5:
        envelope = configs.for_h5(envelope)
        arguments = (
            None
            if compiled is None
            else training_config.for_h5(compiled, model.output_names)
        )
        layers = _groups(model, plans)
        legacy_h5.write(file, layers, envelope, arguments, _memory(optimizer, plans))
    else:
        envelope = configs.for_v3(envelope)
        if compiled is not None:
            envelope["compile_config"] = training_config.for_v3(compiled)
        memory = list(_memory(optimizer, plans).values())
        v3.write_model(file, _layers(plans), envelope, memory, _means(model))
    return file


def write_weights(model: Any, path: str | os.PathLike[str]) -> Path:
    """
    Write the weights of a built model alone.

    Parameters
    ----------
    model : Sequential
        Built.
    path : str or path-like
        As for `localnet.files.formats.checked_path`.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ValueError
        If Keras lacks a layer, or the suffix is wrong.
    ImportError
        If the format needs h5py and it is not installed.
    OSError
        If the file cannot be written.
    """
    _make_folder(path, formats.file_path(path, weights_only=True))
    file = formats.checked_path(path, weights_only=True)
    chosen = formats.format_of(file, weights_only=True)
    plans = plan_model(model)
    if chosen == formats.NATIVE:
        names = [plan.path for plan in plans]
        alone = {"class_name": "weights", "layers": names, "weights": _counts(model)}
        native.write(file, alone, _flat(model))
        return file
    # Refuses what Keras lacks.
    configs.for_h5({"class_name": model.class_name, "config": model.get_config()})
    if chosen == formats.KERAS_H5:
        legacy_h5.write(file, _groups(model, plans))
    else:
        v3.write_weights(file, _layers(plans), _means(model))
    return file


def _make_folder(path: str | os.PathLike[str], file: Path) -> None:
    """Make the folder for a path that Keras takes, as it does, in no file's place."""
    native = os.fspath(path).lower().endswith(".npz")
    if not native and not any(folder.is_file() for folder in file.parents):
        file.parent.mkdir(parents=True, exist_ok=True)


def _training(model: Any, *, by_shapes: bool) -> Config | None:
    if model.optimizer is None:
        return None
    return {
        "optimizer": optimizers.serialize(model.optimizer),
        **model._trainer.objective.get_config(by_shapes=by_shapes),
    }


def _means(model: Any) -> list[v3.Variables]:
    """Return the classes and variables of what the model reports in Keras, in order."""
    goals = model._trainer.objective.goals
    mean = [np.zeros((), np.float32)] * 2
    found = [("Mean", mean)] * (1 + sum(len(goal.partial) for goal in goals))
    for metric in (metric for goal in goals for metric in goal.metrics):
        state = getattr(metric.function, "state", None)
        if state is None or type(metric.function) is metrics.MeanMetric:
            found.append(("MeanMetricWrapper", mean))
        else:
            zeros = [np.zeros(array.shape, np.float32) for array in state.values()]
            found.append((type(metric.function).__name__, zeros))
    return found


def _optimizer(model: Any) -> Any:
    """Return the optimizer, without its memory if that is of other weights."""
    optimizer, trained = model.optimizer, model._trainer.trained()
    if optimizer is None:
        return optimizer
    is_own = optimizer.turns_to(model._trainer.network, list(trained.values()))
    if not optimizer.slots:
        return optimizer
    shapes = [weight.shape for weight in trained.values()]
    if (
        is_own
        and model._trainer.updated in (None, list(trained))
        and all(
            [array.shape for array in arrays] == shapes
            for arrays in optimizer.slots.values()
        )
    ):
        return optimizer
    warnings.warn(
        f"the memory of the optimizer is left out, since the trainable weights are not "
        f"those of its updates: it will start anew when {model.name} is loaded",
        stacklevel=4,
    )
    anew = copy.copy(optimizer)
    anew.iterations, anew.slots = 0, {}
    return anew


# Our own format ------------------------------------------------------------------


def _write_native(
    file: Path, model: Any, envelope: Config, training: Config | None, optimizer: Any
) -> None:
    whole: Config = {**envelope, "random": _random_state(model)}
    whole["weights"] = _counts(model)
    arrays = _flat(model)
    if training is not None:
        whole["training"] = training
        for key, value in optimizer.get_state().items():
            arrays[f"{native.OPTIMIZER}{key}"] = value
    native.write(file, whole, arrays)


def _flat(model: Any) -> dict[str, Array]:
    layers = model.leaves.values()
    weights = [value for layer in layers for value in layer.get_weights()]
    return {
        f"{native.WEIGHTS}{place:04d}": value for place, value in enumerate(weights)
    }


def _counts(model: Any) -> dict[str, int]:
    """Return how many weights each layer has, for those who lack its class."""
    return {path: len(layer.params) for path, layer in model.leaves.items()}


def _random_state(model: Any) -> Config:
    """Return how far the generators of shuffling and of training noise are."""
    return {
        "shuffling": model._trainer.shuffle_rng.bit_generator.state,
        "noise": {
            path: layer.noise.bit_generator.state
            for path, layer in model.leaves.items()
        },
    }


# Keras's formats -----------------------------------------------------------------


def _layers(plans: list[LayerPlan]) -> list[LayerWeights]:
    """Return the weights layer by layer, as Keras's third layout has them."""
    return [
        LayerWeights(
            plan.key,
            {
                name: _in_file(plan, name, value)
                for name, value in plan.layer.params.items()
            },
            depth=len(plan.layer.with_inner()) - 1,
        )
        for plan in plans
    ]


def _groups(model: Any, plans: list[LayerPlan]) -> list[LayerWeights]:
    """Return the weights in groups as legacy HDF5 has them: a model is one group."""
    groups = []
    for part in model.layers:
        inner = [plan for plan in plans if plan.names[0] == part.name]
        weights: dict[str, Array] = {}
        for place, name in legacy_order(inner):
            plan = inner[place]
            label = f"{plan.layer.name}/{name}"
            if label in weights:
                raise ValueError(
                    f"layers of {part.name!r} must have names of their own for .h5, "
                    f"got {shown(plan.layer.name)} twice; save as .keras or .npz"
                )
            weights[label] = _in_file(plan, name, plan.layer.params[name])
        groups.append(LayerWeights(part.name, weights))
    return groups


def _in_file(plan: LayerPlan, name: str, value: Array, fill: float = 0.0) -> Array:
    return plan.convert(name, value, "keras1", plan.layouts(native=False)[0], fill)


def _memory(optimizer: Any, plans: list[LayerPlan]) -> dict[str, Array]:
    """Return the optimizer's state in Keras's order; empty without an optimizer."""
    if optimizer is None:
        return {}
    owners = [(plan, name) for plan in plans for name in plan.layer.trainable_params]
    weights = {
        f"{plan.path}/{name}": _in_file(plan, name, plan.layer.params[name])
        for plan, name in owners
    }
    slots = {}
    for slot, arrays in optimizer.slots.items():
        start = memory.start_of(optimizer, slot)
        for index, array in enumerate(arrays):
            slots[f"{slot}_{index}"] = _in_file(*owners[index], array, start)
    return memory.state_for_keras(optimizer, weights, slots)
