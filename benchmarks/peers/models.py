"""
The whole models that every library builds, with their data and first weights.

Layers are named in a few words: ("local", filters, window, stride), ("conv", ...),
("dense", units), ("pool max", size), ("pool mean", size), ("norm",), ("relu",),
("flatten",) and ("global mean",). A softmax and its crossentropy follow the last one,
and Adam trains them. Channels come last, and nothing is padded.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = [
    "ADAM",
    "MODELS",
    "STEPS",
    "Task",
    "TaskData",
    "disagreement",
    "write_judge",
]

# Of the optimizer, the same in every library. Epsilon is small, since PyTorch adds it
# after the correction of the second moment and Keras before.
ADAM = {"learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-9}
# Steps whose losses are compared before anything is timed, and how far they may differ:
# far more than float32 rounds, far less than another gradient makes.
STEPS = 3
TOLERANCE = {"predictions": 1e-4, "losses": 1e-3}

Layer = tuple


class TaskData(NamedTuple):
    """Inputs, classes, and the weights in Keras's order and shapes."""

    x: np.ndarray
    classes: np.ndarray
    weights: list[np.ndarray]


class Task(NamedTuple):
    """One model and its batch."""

    title: str
    sample: tuple[int, ...]
    batch: int
    layers: tuple[Layer, ...]

    def draw(self) -> TaskData:
        """Return the same numbers in every library."""
        rng = np.random.default_rng(0)
        classes = self.layers[-1][1]
        x = rng.standard_normal((self.batch, *self.sample), dtype=np.float32)
        weights = []
        shape = self.sample
        for layer in self.layers:
            shapes, shape = weight_shapes(layer, shape)
            for number, wanted in enumerate(shapes):
                drawn = rng.standard_normal(wanted, dtype=np.float32)
                if layer[0] == "norm":  # gamma, beta, mean, variance
                    drawn = np.full(wanted, (1, 0, 0, 1)[number], np.float32)
                elif number == 0:
                    drawn *= np.prod(wanted[-2:-1] or 1) ** -0.5
                else:
                    drawn *= 0.1
                weights.append(drawn)
        return TaskData(x, rng.integers(0, classes, self.batch), weights)


def weight_shapes(
    layer: Layer, shape: tuple[int, ...]
) -> tuple[Sequence[tuple[int, ...]], tuple[int, ...]]:
    """Return the shapes of a layer's weights, and of what it makes of a sample."""
    kind, *numbers = layer
    *sizes, channels = shape
    if kind == "dense":
        (units,) = numbers
        return [(channels, units), (units,)], (units,)
    if kind in ("local", "conv"):
        filters, window, stride = numbers
        outputs = tuple((size - window) // stride + 1 for size in sizes)
        taps = (window,) * len(sizes)
        if kind == "conv":
            return [(*taps, channels, filters), (filters,)], (*outputs, filters)
        patch = int(np.prod(taps)) * channels
        locations = int(np.prod(outputs))
        return [(locations, patch, filters), (*outputs, filters)], (*outputs, filters)
    if kind in ("pool max", "pool mean"):
        return [], (*(size // numbers[0] for size in sizes), channels)
    if kind == "norm":
        return [(channels,)] * 4, shape
    if kind == "flatten":
        return [], (int(np.prod(shape)),)
    if kind == "global mean":
        return [], (channels,)
    return [], shape


RELU, FLATTEN = ("relu",), ("flatten",)

MODELS = {
    "tiny": Task(
        "two Dense of 32 and 10 on 10 numbers, N=32",
        (10,),
        32,
        (("dense", 32), RELU, ("dense", 10)),
    ),
    "dense": Task(
        "three Dense of 256, 128 and 10 on 784 numbers, N=128",
        (784,),
        128,
        (("dense", 256), RELU, ("dense", 128), RELU, ("dense", 10)),
    ),
    "digits": Task(
        "two LC2D(16, 3x3) on 8x8, N=32",
        (8, 8, 1),
        32,
        (
            *(("local", 16, 3, 1), RELU, ("local", 16, 3, 1), RELU),
            *(FLATTEN, ("dense", 10)),
        ),
    ),
    "lecun": Task(
        "LC2D(1, 3x3, stride 2) and LC2D(1, 3x3) on 16x16, N=32",
        (16, 16, 1),
        32,
        (
            *(("local", 1, 3, 2), RELU, ("local", 1, 3, 1), RELU),
            *(FLATTEN, ("dense", 10)),
        ),
    ),
    "genome": Task(
        "LC1D(16, 8, stride 8) and LC1D(16, 3) on 200x4, N=64",
        (200, 4),
        64,
        (
            *(("local", 16, 8, 8), RELU, ("local", 16, 3, 1), RELU),
            *(FLATTEN, ("dense", 10)),
        ),
    ),
    "mnist": Task(
        "Conv2D, pooling, LC2D, pooling and two Dense on 28x28, N=64",
        (28, 28, 1),
        64,
        (
            *(("conv", 16, 3, 1), RELU, ("pool max", 2)),
            *(("local", 16, 3, 1), RELU, ("pool max", 2)),
            *(FLATTEN, ("dense", 64), RELU, ("dense", 10)),
        ),
    ),
    "face": Task(
        "three LC2D of 9x9, 7x7 and 5x5 and two Dense on 38x38x16, N=16",
        (38, 38, 16),
        16,
        (
            *(("local", 16, 9, 1), RELU, ("local", 16, 7, 2), RELU),
            *(("local", 16, 5, 1), RELU, FLATTEN),
            *(("dense", 128), RELU, ("dense", 10)),
        ),
    ),
    "bnconv": Task(
        "two Conv2D of 32 with normalisation and pooling on 32x32x3, N=32",
        (32, 32, 3),
        32,
        (
            *(("conv", 32, 3, 1), ("norm",), RELU, ("pool mean", 2)),
            *(("conv", 32, 3, 1), ("norm",), RELU, ("global mean",)),
            ("dense", 10),
        ),
    ),
}


def write_judge(task: Task, folder: Path) -> None:
    """Store what localnet's definition makes of a model in float64."""
    from localnet import config
    from peers.models_keras import build

    before = config.floatx()
    config.set_floatx("float64")
    try:
        with config.engine("einsum"):
            results = build("localnet", task, task.draw()).results()
    finally:
        config.set_floatx(before)
    for name, value in results.items():
        np.save(folder / f"{name}.npy", value)


def disagreement(results: dict[str, np.ndarray], folder: Path) -> dict[str, float]:
    """Return the greatest difference of each result, in units of what is allowed."""
    worst = {}
    for name, tolerance in TOLERANCE.items():
        exact, found = np.load(folder / f"{name}.npy"), np.asarray(results[name])
        if found.shape != exact.shape:
            raise ValueError(f"{name} has shape {found.shape}, wanted {exact.shape}")
        scale = tolerance * np.maximum(1, np.abs(exact))
        worst[name] = float((np.abs(found - exact) / scale).max())  # nan stays nan
    return worst
