"""One way to test that a failed call changes nothing, bit for bit."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from localnet import Model, Sequential


@contextmanager
def unchanged(*objects: Any) -> Iterator[None]:
    """Expect that a block leaves models and layers as they were."""
    before = [state_of(thing) for thing in objects]
    try:
        yield
    finally:
        for thing, former in zip(objects, before, strict=True):
            now = state_of(thing)
            assert now == former, f"{thing!r} has changed: {differences(former, now)}"


def differences(before: Any, now: Any) -> Any:
    """Return what two states do not share, for reading."""
    return {key: (before[key], now[key]) for key in before if before[key] != now[key]}


def state_of(thing: Any) -> dict[str, Any]:
    """Return all that a model or a layer remembers, in a form that == compares."""
    return (
        model_state(thing)
        if isinstance(thing, (Model, Sequential))
        else layer_state(thing)
    )


def layer_state(layer: Any) -> dict[str, Any]:
    return {
        "id": id(layer),
        "name": layer.name,
        "built": layer.built,
        "shapes": (layer.input_shape, layer.output_shape),
        "arrays": [id(value) for value in layer.params.values()],
        "params": bits(layer.params),
        "grads": bits(layer.grads),
        "cache": id(layer._cache),
        "seed": (layer._seed.entropy, layer._seed.spawn_key),
        "noise": layer.noise.bit_generator.state,
        "mask": id(getattr(layer, "_mask", None)),
    }


def model_state(model: Any) -> dict[str, Any]:
    optimizer, history = model.optimizer, model.history
    return {
        "layers": [layer_state(layer) for layer in model.leaves.values()],
        "parts": [id(part) for part in model._network.stack],
        "optimizer": id(optimizer),
        "optimizer_state": {} if optimizer is None else bits(optimizer.get_state()),
        "history": (id(history), copy.deepcopy(history and history.history)),
        "compiled": (
            id(model.loss),
            model.metrics_names,
            [goal.factor for goal in model._trainer.objective.goals],
        ),
        "shuffling": model._trainer.shuffle_rng.bit_generator.state,
    }


def bits(arrays: Any) -> dict[str, Any]:
    return {
        key: (value.dtype.str, value.shape, value.tobytes())
        for key, value in arrays.items()
    }
