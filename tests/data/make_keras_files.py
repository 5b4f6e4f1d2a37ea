"""
Make the files of ``keras/files`` with a real tf_keras.

They are evidence: they were made once, and are not made again to let a test pass. Run,
where tensorflow and tf_keras are installed::

    python tests/data/make_keras_files.py NEW_FOLDER

Beside each model lies ``NAME.npz`` with an input, the output for it and, if the model
is compiled, targets, the output after two more epochs without shuffling, and what
``evaluate`` then gives.
"""

import os
import sys
import warnings
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tf_keras as keras
from tf_keras import layers as kl

SGD, LegacySGD = keras.optimizers.SGD, keras.optimizers.legacy.SGD


def adam():
    """Implementations 2 and 3 with padding, an optimizer that localnet lacks."""
    model = keras.Sequential(
        [
            kl.LocallyConnected1D(
                3, 3, input_shape=(7, 2), implementation=2, padding="same", name="b/x"
            ),
            kl.LeakyReLU(),
            kl.LocallyConnected1D(
                2,
                2,
                strides=2,
                implementation=3,
                padding="same",
                use_bias=False,
                activation="tanh",
                name="a",
            ),
            kl.Reshape((2, -1)),
            kl.Dropout(0.3, seed=4),
            kl.Flatten(),
            kl.Dense(2, activation="softmax", kernel_constraint="max_norm"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", ["accuracy"])
    return model, (".h5", ".keras")


def first():
    """Channels first in all three implementations, activations that are layers."""
    model = keras.Sequential(
        [
            kl.InputLayer((2, 6, 5)),
            kl.LocallyConnected2D(
                3,
                (3, 2),
                strides=(2, 1),
                data_format="channels_first",
                implementation=2,
                name="z",
            ),
            kl.ReLU(max_value=1.5, negative_slope=0.125, threshold=0.25),
            kl.LocallyConnected2D(
                2,
                (2, 3),
                data_format="channels_first",
                implementation=3,
                padding="same",
                name="a/b/c",
            ),
            kl.ELU(0.5),
            kl.LocallyConnected2D(
                2, 2, data_format="channels_first", activation=kl.LeakyReLU(0.25)
            ),
            kl.Softmax(axis=1),
            kl.Flatten(data_format="channels_first"),
            kl.Dense(3),
        ]
    )
    model.compile(
        SGD(0.125, momentum=0.5, nesterov=True, clipnorm=1.0),
        keras.losses.Huber(0.5),
        ["mae", keras.metrics.MeanSquaredError(name="m2")],
    )
    return model, (".h5", ".keras", ".weights.h5", ".w.h5")


def legacy():
    """Penalties, a layer of another dtype, and the optimizer before Keras 2.11."""
    model = keras.Sequential(
        [
            kl.LocallyConnected1D(
                3,
                3,
                input_shape=(7, 2),
                activity_regularizer="l1",
                bias_regularizer=keras.regularizers.L1L2(0.125, 0.25),
                kernel_initializer=keras.initializers.RandomNormal(seed=3),
            ),
            kl.Activation("swish"),
            kl.Flatten(),
            kl.Dense(1, activation="sigmoid", dtype="float64"),
        ]
    )
    model.compile(
        LegacySGD(0.125, momentum=0.5, decay=0.125),
        "binary_crossentropy",
        ["acc"],
        weighted_metrics=["mae"],
    )
    return model, (".h5",)


def averages():
    """A frozen layer, a schedule, and averages of the weights."""
    model = keras.Sequential(
        [
            kl.LocallyConnected1D(3, 3, input_shape=(7, 2), trainable=False),
            kl.Flatten(),
            kl.Dense(1),
        ]
    )
    rate = keras.optimizers.schedules.ExponentialDecay(0.125, 2, 0.5)
    model.compile(SGD(rate, use_ema=True, weight_decay=0.0625), "mse")
    return model, (".h5", ".keras")


def deferred():
    """No shape in the first layer: it stands in the config of the built model."""
    model = keras.Sequential([kl.LocallyConnected1D(3, 3), kl.Flatten(), kl.Dense(1)])
    model.build((None, 7, 2))
    return model, (".h5", ".keras")


def double():
    """Float64, a loss with options, an initializer that holds an array."""
    model = keras.Sequential(
        [
            kl.LocallyConnected2D(3, 2, input_shape=(4, 4, 1), dtype="float64"),
            kl.Flatten(dtype="float64"),
            kl.Dense(
                2,
                dtype="float64",
                bias_initializer=keras.initializers.Constant(np.array([1.0, 2.0])),
            ),
        ]
    )
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.125)
    model.compile(SGD(0.125), loss)
    return model, (".h5", ".keras")


def lacking():
    """Layers that localnet lacks, and code."""
    model = keras.Sequential(
        [
            kl.Conv1D(2, 2, input_shape=(6, 1), name="conv"),
            kl.BatchNormalization(name="norm"),
            kl.LocallyConnected1D(3, 3, name="local"),
            kl.Lambda(lambda x: x * 2, name="code"),
            kl.GlobalAveragePooling1D(name="pool"),
            kl.Dense(1, activation=lambda x: x + 1, name="more_code"),
        ]
    )
    return model, (".h5", ".keras")


def functional():
    """A chain, but not a Sequential."""
    start = keras.Input((6, 1))
    local = kl.LocallyConnected1D(2, 2, name="local")(start)
    end = kl.Dense(1, name="dense")(kl.Flatten(name="flat")(local))
    return keras.Model(start, end, name="chain"), (".h5", ".keras")


MODELS = (adam, first, legacy, averages, deferred, double, lacking, functional)


def main(folder):
    warnings.simplefilter("ignore")
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for make in MODELS:
        keras.backend.clear_session()
        model, suffixes = make()
        model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
        dtype = "float64" if make is double else "float32"
        x = rng.normal(size=(3, *model.input_shape[1:])).astype(dtype)
        arrays = {"x": x}
        t = rng.random(model.predict(x, verbose=0).shape).astype(dtype)
        t /= t.sum(axis=-1, keepdims=True)
        if model.optimizer is not None:
            model.fit(x, t, batch_size=2, epochs=2, verbose=0)
        arrays["y"] = model.predict(x, verbose=0)
        for suffix in suffixes:
            path = folder / f"{make.__name__}{suffix}"
            weights_only = suffix in (".w.h5", ".weights.h5")
            (model.save_weights if weights_only else model.save)(path)
        if model.optimizer is not None:
            model.fit(x, t, batch_size=2, epochs=2, shuffle=False, verbose=0)
            arrays["t"], arrays["y_later"] = t, model.predict(x, verbose=0)
            arrays["evaluated"] = np.array(model.evaluate(x, t, verbose=0))
            arrays["metrics"] = np.array(model.metrics_names)
        np.savez(folder / f"{make.__name__}.npz", **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
