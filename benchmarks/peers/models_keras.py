"""Whole models in localnet and in tf_keras, from the same lines."""

import importlib
from typing import Any

from peers.model_contender import ModelContender
from peers.models import ADAM, Task, TaskData

__all__ = ["build"]


def build(library: str, task: Task, data: TaskData) -> ModelContender:
    """Build a model in `library`, localnet or tf_keras."""
    keras: Any = importlib.import_module(library)
    layers = keras.layers
    rank = len(task.sample) - 1
    of_kind = {
        "local": lambda f, k, s: getattr(layers, f"LocallyConnected{rank}D")(f, k, s),
        "conv": lambda f, k, s: getattr(layers, f"Conv{rank}D")(f, k, s),
        "dense": layers.Dense,
        "pool max": lambda size: getattr(layers, f"MaxPooling{rank}D")(size),
        "pool mean": lambda size: getattr(layers, f"AveragePooling{rank}D")(size),
        "global mean": lambda: getattr(layers, f"GlobalAveragePooling{rank}D")(),
        "norm": layers.BatchNormalization,
        "relu": lambda: layers.Activation("relu"),
        "flatten": layers.Flatten,
    }
    stack = [of_kind[kind](*numbers) for kind, *numbers in task.layers]
    model = keras.Sequential([*stack, layers.Activation("softmax")])
    model.build((None, *task.sample))
    model.compile(keras.optimizers.Adam(**ADAM), loss="sparse_categorical_crossentropy")
    model.set_weights(data.weights)
    x, one = data.x, data.x[:1]
    return ModelContender(
        step=lambda: model.train_on_batch(x, data.classes),
        batch=lambda: model.predict_on_batch(x),
        one=lambda: model.predict_on_batch(one),
    )
