"""What tests of sweeps train: importable, so that other processes have it too."""

import os
import signal
from pathlib import Path

import numpy as np

from localnet import Sequential
from localnet.datasets import load_digits
from localnet.layers import Dense, Dropout, Flatten, LocallyConnected2D
from localnet.optimizers import SGD


def digits():
    (x, y), (x_test, y_test) = load_digits()
    return (x[:300, ..., None] / 16, y[:300]), (x_test[..., None] / 16, y_test)


def local(filters=2, rate=0.1, *, seed):
    layers = [
        LocallyConnected2D(filters, 3, activation="relu", input_shape=(8, 8, 1)),
        Flatten(),
        Dropout(0.1),
        Dense(10, activation="softmax"),
    ]
    model = Sequential(layers, seed=seed)
    loss = "sparse_categorical_crossentropy"
    model.compile(SGD(rate, momentum=0.9), loss, metrics=["accuracy"])
    return model


def not_compiled(*, seed):
    return Sequential([Flatten(input_shape=(8, 8, 1)), Dense(10)], seed=seed)


def exits(*, seed):
    raise SystemExit(3)


def no_pairs():
    return np.zeros(3)


def fails_at_3(rate, *, seed):
    if rate == 3:
        raise RuntimeError("three is too much")
    return local(rate=rate, seed=seed)


def weights(seed):
    """Train a little, and return all that was learned."""
    (x, y), _ = digits()
    model = local(seed=seed)
    model.fit(x, y, epochs=2, verbose=0)
    return [weight.tolist() for weight in model.get_weights()]


def weights_after_a_kill(task):
    """Do the same, but let the first process that tries seed 1 be killed."""
    seed, marker = task
    if seed == 1 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return weights(seed)


def always_killed(task):
    os.kill(os.getpid(), signal.SIGKILL)


def fails(seed):
    raise ValueError(f"no {seed}")
