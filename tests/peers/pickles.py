"""
Send a hundred models through other Pythons and back, training a little at each stop.

    python tests/peers/pickles.py PYTHON [PYTHON ...]

Each interpreter needs the NumPy and SciPy of this one; localnet is this checkout's. A
model that has travelled must be the one that stayed at home, bit for bit.
"""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT)]

from localnet import Input, Model, Sequential  # noqa: E402
from localnet.layers import (  # noqa: E402
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    LocallyConnected1D,
    LocallyConnected2D,
)

MODELS = 100
STOP = """
import pickle, sys
data = sys.stdin.buffer
out = []
for model, x, y in pickle.load(data):
    history = model.fit(x, y, epochs=1, batch_size=4, verbose=0).history
    out.append((model, x, y))
pickle.dump(out, sys.stdout.buffer, protocol=4)
"""
OPTIMIZERS = ("sgd", "adam", "rmsprop", "adagrad", "adadelta", "adamax", "nadam")


def some_model(number):
    """Return a model of some kind, compiled, with its data."""
    rng = np.random.default_rng(number)
    one = number % 2
    shape = (int(rng.integers(5, 9)), 2) if one else (6, int(rng.integers(4, 8)), 1)
    local = LocallyConnected1D if one else LocallyConnected2D
    layers = [local(int(rng.integers(1, 4)), 3, activation="tanh", input_shape=shape)]
    if rng.random() < 0.5:
        layers.append(BatchNormalization())
    if rng.random() < 0.5:
        layers.append(GaussianNoise(0.1))
    if not one and rng.random() < 0.5:
        layers.append(Conv2D(2, 2))
    layers += [Flatten(), Dropout(0.2), Dense(3, activation="softmax")]
    if number % 3 == 0:
        handle = inputs = Input(shape)
        for layer in layers:
            handle = layer(handle)
        model = Model(inputs, handle, seed=number)
    else:
        model = Sequential(layers, seed=number)
    model.compile(
        OPTIMIZERS[number % len(OPTIMIZERS)], "sparse_categorical_crossentropy"
    )
    return model, rng.normal(size=(13, *shape)), rng.integers(0, 3, 13)


def main(pythons):
    home = [some_model(number) for number in range(MODELS)]
    away = pickle.dumps([some_model(number) for number in range(MODELS)], protocol=4)
    for python in pythons:
        for model, x, y in home:
            model.fit(x, y, epochs=1, batch_size=4, verbose=0)
        away = subprocess.run(
            [python, "-c", STOP],
            input=away,
            stdout=subprocess.PIPE,
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ).stdout
    different = sum(
        not np.array_equal(left, right)
        for (stayed, _, _), (travelled, _, _) in zip(
            home, pickle.loads(away), strict=True
        )
        for left, right in zip(
            stayed.get_weights(), travelled.get_weights(), strict=True
        )
    )
    print(f"{MODELS} models through {len(pythons)} Pythons, {different} weights differ")
    return bool(different)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
