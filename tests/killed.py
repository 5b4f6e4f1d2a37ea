"""What the processes do that tests kill: see `forked`."""

import itertools
import pickle
from pathlib import Path

import numpy as np
from resuming import Training

from localnet import Sequential, load_model
from localnet.callbacks import BackupAndRestore, LambdaCallback
from localnet.layers import Dense
from localnet.training.checkpoint import read_checkpoint, write_checkpoint

try:
    import h5py  # noqa: F401  (the formats of Keras need it)

    KERAS = {".h5": "model", ".keras": "model", ".weights.h5": "weights"}
except ImportError:
    KERAS = {}

SIZE = 80  # of the square kernels: some 50 kB


def model_of(number):
    """Return one of the models that are saved; no two have a weight in common."""
    model = Sequential([Dense(SIZE, input_shape=(SIZE,)), Dense(SIZE)], name="m")
    model.set_weights(weights_of(number))
    model.compile("sgd", "mse")
    return model


def weights_of(number):
    """Return weights that cannot be compressed much."""
    rng = np.random.default_rng(number)
    shapes = [(SIZE, SIZE), (SIZE,)] * 2
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def number_of(weights):
    """Return which of the models 1 and 2 the weights are of."""
    (number,) = (
        number
        for number in (1, 2)
        if all(map(np.array_equal, weights, weights_of(number)))
    )
    return number


def save_whole(model, path):
    model.save(path)


def save_weights(model, path):
    model.save_weights(path)


def save_checkpoint(model, path):
    write_checkpoint(path, {"of": "m"}, {"weights": model.get_weights()})


def load_whole(path):
    return load_model(path).get_weights()


def load_weights(path):
    model = model_of(0)
    model.load_weights(path)
    return model.get_weights()


def load_checkpoint(path):
    return read_checkpoint(path, {"of": "m"})["weights"]


WAYS = {"model": (save_whole, load_whole), "weights": (save_weights, load_weights)}
# Name of the file, how it is saved, and how it is loaded.
KINDS = {
    "model.npz": WAYS["model"],
    "weights.npz": WAYS["weights"],
    "checkpoint.npz": (save_checkpoint, load_checkpoint),
    **{f"keras{suffix}": WAYS[way] for suffix, way in KERAS.items()},
}


def save_for_ever(name, folder, there, ready):
    """Save the models 1 and 2 in turn, first the one that is not there yet."""
    save, _ = KINDS[name]
    models = [model_of(1), model_of(2)]
    Path(ready).touch()
    for number in itertools.count(there):
        save(models[number % 2], Path(folder) / name)


def train(folder, options, result):
    """Train, or go on training, and say in a file how it has ended."""
    training = Training(Path(folder), **options).fit()
    half = Path(f"{result}.half")
    half.write_bytes(pickle.dumps(training.left_behind()))
    half.replace(result)


def train_for_ever(folder, sign):
    """Train until somebody kills the process, and leave a sign after the first step."""
    model = Sequential([Dense(1, input_shape=(2,))], seed=3)
    model.compile("sgd", "mse")
    tell = LambdaCallback(on_train_batch_end=lambda *_: Path(sign).touch())
    model.fit(
        np.eye(4, 2),
        np.ones((4, 1)),
        2,
        epochs=10**6,
        verbose=0,
        callbacks=[BackupAndRestore(folder), tell],
    )
