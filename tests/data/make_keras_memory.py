"""
Make ``keras/memory.npz`` with a real tf_keras: optimizers in the middle of a training.

It is evidence: it was made once, and is not made again to let a test pass. Run, where
tensorflow and tf_keras are installed::

    python tests/data/make_keras_memory.py NEW_FOLDER

For each optimizer a small model is trained and saved; the bytes of the files stand in
``NAME_h5`` and ``NAME_keras``. ``NAME_later_w0`` and so on are the weights after as
many more epochs without a break, ``NAME_later_h5_w0`` those after loading that file and
training on. Keras forgets a part of Nadam's memory: its numbers without a break are
those of an eager training, since in a graph it multiplies its momentum once per weight.
"""

import json
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tf_keras as keras
from tf_keras import layers as kl

PRESENT, LEGACY = keras.optimizers, keras.optimizers.legacy
RATES = keras.optimizers.schedules
BATCH, EPOCHS = 4, 3

OPTIMIZERS = {
    "sgd": lambda: PRESENT.SGD(0.0625, momentum=0.5, use_ema=True),
    "adam": lambda: PRESENT.Adam(0.015625),
    "adam-amsgrad": lambda: PRESENT.Adam(
        RATES.PolynomialDecay(0.0625, 20, 0.015625), amsgrad=True, use_ema=True
    ),
    "adamw": lambda: PRESENT.AdamW(RATES.CosineDecay(0.03125, 40), weight_decay=0.125),
    "rmsprop": lambda: PRESENT.RMSprop(0.015625),
    "rmsprop-all": lambda: PRESENT.RMSprop(
        0.00390625, momentum=0.5, centered=True, epsilon=0.015625, use_ema=True
    ),
    "adagrad": lambda: PRESENT.Adagrad(0.0625, use_ema=True),
    "adadelta": lambda: PRESENT.Adadelta(1.0, clipnorm=1.0),
    "adamax": lambda: PRESENT.Adamax(RATES.ExponentialDecay(0.0625, 4, 0.75)),
    "nadam": lambda: PRESENT.Nadam(0.015625),
    "legacy-adam": lambda: LEGACY.Adam(0.015625, decay=0.125),
    "legacy-amsgrad": lambda: LEGACY.Adam(
        RATES.InverseTimeDecay(0.0625, 4, 0.5), amsgrad=True
    ),
    "legacy-rmsprop": lambda: LEGACY.RMSprop(0.015625),
    "legacy-rmsprop-all": lambda: LEGACY.RMSprop(
        0.00390625, momentum=0.5, centered=True, epsilon=0.015625
    ),
    # Keras writes a schedule of this one, and cannot read it back.
    "legacy-adagrad": lambda: LEGACY.Adagrad(0.0625),
    "legacy-adadelta": lambda: LEGACY.Adadelta(1.0),
    "legacy-adamax": lambda: LEGACY.Adamax(0.03125),
    "legacy-nadam": lambda: LEGACY.Nadam(0.015625),
}


def model_of(number):
    """Return a model whose kernel has one layout or another in the files."""
    implementation = 1 + number % 3
    return keras.Sequential(
        [
            kl.LocallyConnected1D(
                2,
                3,
                input_shape=(5, 2),
                padding="same" if implementation > 1 and number % 2 else "valid",
                implementation=implementation,
                activation="tanh",
                name="b/local",
            ),
            kl.Flatten(),
            kl.Dense(1, trainable=number % 5 != 4, name="frozen_or_not"),
            kl.Dense(1, name="a"),
        ]
    )


def train(model, x, t):
    model.fit(x, t, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)
    return model.get_weights()


def keep(arrays, prefix, values):
    for place, value in enumerate(values):
        arrays[f"{prefix}_w{place}"] = value


def case_of(name, number, make, folder, rng):
    keras.backend.clear_session()
    model = model_of(number)
    model.set_weights([rng.normal(size=w.shape) / 2 for w in model.get_weights()])
    eager = name == "nadam"
    model.compile(make(), "mse", ["mae"], run_eagerly=eager)
    x = rng.normal(size=(10, 5, 2)).astype("float32")
    t = rng.normal(size=(10, 1)).astype("float32")
    train(model, x, t)
    arrays = {"x": x, "t": t}
    legacy = name.startswith("legacy")
    suffixes = (".h5",) if legacy else (".h5", ".keras")
    for suffix in suffixes:
        path = folder / f"{name}{suffix}"
        model.save(path)
        arrays[suffix[1:]] = np.frombuffer(path.read_bytes(), np.uint8)
    keep(arrays, "later", train(model, x, t))
    for suffix in suffixes:
        again = keras.models.load_model(folder / f"{name}{suffix}")
        keep(arrays, f"later_{suffix[1:]}", train(again, x, t))
    return {f"{name}_{key}": value for key, value in arrays.items()}


def untrained(folder):
    model = model_of(0)
    model.compile(PRESENT.Adam(0.5), "mse")
    arrays = {}
    for suffix in (".h5", ".keras"):
        path = folder / f"untrained{suffix}"
        model.save(path)
        arrays[f"untrained_{suffix[1:]}"] = np.frombuffer(path.read_bytes(), np.uint8)
    return arrays


def main(target):
    target.mkdir()
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(29)
    with tempfile.TemporaryDirectory() as folder:
        arrays = untrained(Path(folder))
        for number, (name, make) in enumerate(OPTIMIZERS.items()):
            arrays |= case_of(name, number, make, Path(folder), rng)
    arrays["cases"] = np.array(
        json.dumps({"names": list(OPTIMIZERS), "batch_size": BATCH, "epochs": EPOCHS})
    )
    np.savez_compressed(target / "memory.npz", **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
