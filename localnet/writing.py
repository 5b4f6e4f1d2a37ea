"""From a model to a file, in the format that the file's suffix names."""

import copy
import os
import warnings
from pathlib import Path
from typing import Any

from . import optimizers
from ._typing import Array, Config
from .interop import (
    files,
    keras_configs,
    keras_h5,
    keras_memory,
    keras_training,
    keras_v3,
    native,
)
from .interop.contents import LayerWeights
from .plans import LayerPlan, plan_model

__all__ = ["write_model", "write_weights"]


def write_model(model: Any, path: str | os.PathLike[str]) -> Path:
    """
    Write a built model with its training.

    Parameters
    ----------
    model : Sequential
        Built; compiled or not.
    path : str or path-like
        As for `localnet.interop.files.checked_path`.

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
    file = files.checked_path(path)
    chosen = files.format_of(file)
    config, training = model.get_config(), _training(model)
    optimizer = _optimizer(model)
    if chosen == files.NATIVE:
        _write_native(file, model, config, training, optimizer)
        return file
    plans = plan_model(model.layers)
    if chosen == files.KERAS_H5:
        envelope = keras_configs.for_h5(config)
        arguments = None if training is None else keras_training.for_h5(training)
        layers = _layers(plans)
        keras_h5.write(file, layers, envelope, arguments, _memory(optimizer, plans))
    else:
        envelope = keras_configs.for_v3(config)
        if training is not None:
            envelope["compile_config"] = keras_training.for_v3(training)
        memory = list(_memory(optimizer, plans).values())
        metrics = len(model.metrics_names) - 1
        keras_v3.write_model(file, _layers(plans), envelope, memory, metrics)
    return file


def write_weights(model: Any, path: str | os.PathLike[str]) -> Path:
    """
    Write the weights of a built model alone.

    Parameters
    ----------
    model : Sequential
        Built.
    path : str or path-like
        As for `localnet.interop.files.checked_path`.

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
    file = files.checked_path(path, weights_only=True)
    chosen = files.format_of(file, weights_only=True)
    if chosen == files.NATIVE:
        names = [layer.name for layer in model.layers]
        native.write(file, {"class_name": "weights", "layers": names}, _flat(model))
        return file
    keras_configs.for_h5(model.get_config())  # refuses what Keras lacks
    layers = _layers(plan_model(model.layers))
    if chosen == files.KERAS_H5:
        keras_h5.write(file, layers)
    else:
        keras_v3.write_weights(file, layers, len(model.metrics_names) - 1)
    return file


def _training(model: Any) -> Config | None:
    if model.optimizer is None:
        return None
    return {
        "optimizer": optimizers.serialize(model.optimizer),
        **model._objective.get_config(),
    }


def _optimizer(model: Any) -> Any:
    """Return the optimizer, without its memory if that is of other weights."""
    optimizer, trained = model.optimizer, model._trainable()
    if optimizer is None or not optimizer.slots:
        return optimizer
    shapes = [weight.shape for weight in trained.values()]
    if model._updated in (None, list(trained)) and all(
        [array.shape for array in arrays] == shapes
        for arrays in optimizer.slots.values()
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
    file: Path, model: Any, config: Config, training: Config | None, optimizer: Any
) -> None:
    whole: Config = {
        "class_name": "Sequential",
        "config": config,
        "random": _random_state(model),
    }
    arrays = _flat(model)
    if training is not None:
        whole["training"] = training
        for key, value in optimizer.get_state().items():
            arrays[f"{native.OPTIMIZER}{key}"] = value
    native.write(file, whole, arrays)


def _flat(model: Any) -> dict[str, Array]:
    weights = model.get_weights()
    return {
        f"{native.WEIGHTS}{place:04d}": value for place, value in enumerate(weights)
    }


def _random_state(model: Any) -> Config:
    """Return how far the generators of shuffling and of training noise are."""
    return {
        "shuffling": model._shuffle_rng.bit_generator.state,
        "noise": {x.name: x.noise.bit_generator.state for x in model.layers},
    }


# Keras's formats -----------------------------------------------------------------


def _layers(plans: list[LayerPlan]) -> list[LayerWeights]:
    return [
        LayerWeights(
            plan.layer.name,
            type(plan.layer).__name__,
            {
                name: _in_file(plan, name, value)
                for name, value in plan.layer.params.items()
            },
            depth=len(plan.layer.with_inner()) - 1,
        )
        for plan in plans
    ]


def _in_file(plan: LayerPlan, name: str, value: Array, fill: float = 0.0) -> Array:
    return plan.convert(name, value, "keras1", plan.layouts(native=False)[0], fill)


def _memory(optimizer: Any, plans: list[LayerPlan]) -> dict[str, Array]:
    """Return the optimizer's state in Keras's order; empty without an optimizer."""
    if optimizer is None:
        return {}
    owners = [(plan, name) for plan in plans for name in plan.layer.trainable_params]
    weights = {
        f"{plan.layer.name}/{name}": _in_file(plan, name, plan.layer.params[name])
        for plan, name in owners
    }
    slots = {}
    for slot, arrays in optimizer.slots.items():
        start = keras_memory.start_of(optimizer, slot)
        for index, array in enumerate(arrays):
            slots[f"{slot}_{index}"] = _in_file(*owners[index], array, start)
    return keras_memory.state_for_keras(optimizer, weights, slots)
