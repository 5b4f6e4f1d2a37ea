"""
Make the numbers and files of normalisation, wrapped layers and learned slopes.

They are evidence: they were made once, and are not made again to let a test pass. Run,
where tensorflow and tf_keras are installed::

    python tests/data/make_normalization.py NEW_FOLDER

It writes ``normalization.npz``, ``trace_1d_batch_norm.npz``, and the model ``wrapped``
in all formats of Keras, with an input, its output, targets, and what more training
makes of it. Keras rounds ``1 - momentum`` to float32; the momenta here lose nothing by
that.
"""

import json
import os
import sys
import warnings
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
import tf_keras as keras
from tf_keras import layers as kl

NUMBERS = {"momentum": 0.75, "epsilon": 0.0009765625}

# dtype, shape of the input, arguments.
NORMS = [
    ("float64", (5, 3), {}),
    ("float64", (4, 5, 3), {}),
    ("float64", (4, 5, 3), {"axis": 1}),
    ("float64", (4, 5, 3), {"axis": -2, "center": False}),
    ("float64", (3, 4, 2, 3), {"scale": False}),
    ("float64", (3, 4, 2, 3), {"axis": 1}),
    ("float64", (3, 4, 2, 3), {"axis": 2, "center": False, "scale": False}),
    ("float64", (3, 4, 2, 3), {"axis": [1, 3]}),
    ("float64", (2, 3, 2, 2, 3), {}),
    ("float64", (2, 3, 2, 2, 3), {"axis": [2, 4]}),
    ("float64", (1, 3), {}),
    ("float64", (1, 4, 3), {}),
    ("float32", (5, 3), {}),
    ("float32", (4, 5, 3), {"axis": 1}),
    ("float32", (3, 4, 2, 3), {}),
    ("float32", (3, 4, 2, 3), {"axis": 1}),
    ("float32", (3, 4, 2, 3), {"axis": 2}),
    ("float32", (3, 4, 2, 3), {"axis": [1, 3]}),
    ("float32", (3, 4, 2, 3), {"fused": False}),
    ("float32", (2, 3, 2, 2, 3), {}),
    ("float32", (2, 3, 2, 2, 3), {"axis": 1}),
    ("float32", (2, 3, 2, 2, 3), {"axis": 3}),
    ("float32", (1, 1, 1, 3), {}),
    ("float16", (4, 5, 3), {}),
    ("float16", (3, 4, 2, 3), {}),
]
SLOPES = [
    ((4, 3), None),
    ((4, 3, 2), None),
    ((4, 3, 2), [1]),
    ((4, 3, 2, 2), [1, 2]),
    ((4, 3, 2, 2), [3]),
]
# Layers in every state of their arguments, for their configs.
CONFIGS = [
    lambda: kl.BatchNormalization(name="a"),
    lambda: kl.BatchNormalization(
        1,
        0.5,
        0.25,
        False,
        False,
        "ones",
        "zeros",
        "ones",
        "zeros",
        keras.regularizers.L2(0.5),
        keras.regularizers.L1(0.5),
        "max_norm",
        "non_neg",
        name="a",
    ),
    lambda: kl.GaussianNoise(0.5, seed=3, name="a"),
    lambda: kl.GaussianDropout(0.5, seed=3, name="a"),
    lambda: kl.SpatialDropout1D(0.5, name="a"),
    lambda: kl.SpatialDropout2D(0.5, name="a"),
    lambda: kl.SpatialDropout3D(0.5, name="a"),
    lambda: kl.Permute((2, 1), name="a"),
    lambda: kl.RepeatVector(3, name="a"),
    lambda: kl.PReLU(name="a"),
    lambda: kl.PReLU("ones", "l2", "non_neg", shared_axes=2, name="a"),
    lambda: kl.ThresholdedReLU(name="a"),
    lambda: kl.TimeDistributed(kl.Dense(2, name="b"), trainable=False, name="a"),
]


def differentiated(layer, x, dy, training):
    """Return y, and the gradients of sum(y*dy) by x and by the trainable weights."""
    x, dy = tf.constant(x), tf.constant(dy)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training)
        score = tf.reduce_sum(y * dy)
    dx, *grads = tape.gradient(score, [x, *layer.trainable_weights])
    return [value.numpy() for value in (y, dx, *grads)]


def make_norms(arrays):
    rng = np.random.default_rng(61)
    cases = []
    for number, (dtype, shape, kwargs) in enumerate(NORMS):
        key = f"n{number}"
        keras.backend.set_floatx("float64" if dtype == "float64" else "float32")
        layer = kl.BatchNormalization(**kwargs, **NUMBERS, dtype=dtype)
        layer.build((None, *shape[1:]))
        # Squares of the float16 inputs do not fit into float16.
        scale, shift = (400, 100) if dtype == "float16" else (2, 1)
        x = (rng.normal(size=shape) * scale + shift).astype(dtype)
        dy = rng.normal(size=shape).astype(dtype)
        weights = [rng.uniform(0.5, 1.5, size=w.shape) for w in layer.weights]
        layer.set_weights(weights)
        found = {"x": x, "dy": dy}
        for name, value in zip(layer.weights, layer.get_weights(), strict=True):
            found[name.name.partition(":")[0].rpartition("/")[2]] = value
        names = ["y", "dx"]
        names += ["dgamma"] if layer.scale else []
        names += ["dbeta"] if layer.center else []
        for stage, training in (("idle", False), ("train", True)):
            values = differentiated(layer, x, dy, training)
            for name, value in zip(names, values, strict=True):
                found[f"{stage}_{name}"] = value
        found["new_mean"], found["new_variance"] = layer.get_weights()[-2:]
        for name, value in found.items():
            arrays[f"{key}__{name}"] = value
        fused = bool(layer.fused)
        cases.append({"key": key, "dtype": dtype, "kwargs": kwargs, "fused": fused})
    arrays["norms"] = np.array(json.dumps(cases))


def make_slopes(arrays):
    rng = np.random.default_rng(62)
    keras.backend.set_floatx("float64")
    cases = []
    for number, (shape, axes) in enumerate(SLOPES):
        key = f"p{number}"
        layer = kl.PReLU(shared_axes=axes)
        layer.build((None, *shape[1:]))
        layer.set_weights([rng.normal(size=layer.alpha.shape)])
        x = rng.integers(-3, 4, shape) / 2
        dy = rng.normal(size=shape)
        y, dx, dalpha = differentiated(layer, x, dy, False)
        found = {"x": x, "dy": dy, "alpha": layer.get_weights()[0]}
        for name, value in {**found, "y": y, "dx": dx, "dalpha": dalpha}.items():
            arrays[f"{key}__{name}"] = value
        cases.append({"key": key, "shared_axes": axes})
    arrays["slopes"] = np.array(json.dumps(cases))
    x = rng.integers(-4, 5, (3, 5)) / 2
    dy = rng.normal(size=x.shape)
    for theta in (0, 1):
        y, dx = differentiated(kl.ThresholdedReLU(theta), x, dy, False)
        for name, value in {"x": x, "dy": dy, "y": y, "dx": dx}.items():
            arrays[f"theta{theta}__{name}"] = value


def make_penalties(arrays):
    """Activity regularizers inside and around a wrapper, and penalties of weights."""
    keras.backend.set_floatx("float64")
    rng = np.random.default_rng(63)
    inner = kl.Dense(
        2,
        activity_regularizer=keras.regularizers.L2(0.5),
        kernel_regularizer=keras.regularizers.L2(0.25),
    )
    layer = kl.TimeDistributed(inner, activity_regularizer=keras.regularizers.L1(0.125))
    x = rng.normal(size=(3, 4, 2))
    layer.build((None, 4, 2))
    weights = [rng.normal(size=w.shape) for w in layer.weights]
    layer.set_weights(weights)
    model = keras.Sequential([keras.Input((4, 2)), layer])
    model(x, training=True)
    arrays["penalty__x"], arrays["penalty__kernel"], arrays["penalty__bias"] = (
        x,
        *weights,
    )
    arrays["penalty__losses"] = np.array([float(v) for v in model.losses])


def make_layer(entry):
    kwargs = dict(entry["kwargs"])
    if "layer" in kwargs:
        kwargs["layer"] = make_layer(kwargs["layer"])
    return getattr(kl, entry["class_name"])(**kwargs)


TRACE = [
    {
        "class_name": "TimeDistributed",
        "kwargs": {
            "layer": {
                "class_name": "LocallyConnected1D",
                "kwargs": {
                    "filters": 2,
                    "kernel_size": 3,
                    "strides": 2,
                    "kernel_regularizer": {
                        "class_name": "L2",
                        "config": {"l2": 0.015625},
                    },
                },
            }
        },
    },
    {
        "class_name": "BatchNormalization",
        "kwargs": {
            **NUMBERS,
            "gamma_regularizer": {"class_name": "L2", "config": {"l2": 0.03125}},
        },
    },
    {"class_name": "PReLU", "kwargs": {"shared_axes": [1, 2]}},
    {
        "class_name": "TimeDistributed",
        "kwargs": {
            "layer": {
                "class_name": "BatchNormalization",
                "kwargs": {**NUMBERS, "axis": 1, "scale": False},
            }
        },
    },
    {"class_name": "Permute", "kwargs": {"dims": [3, 1, 2]}},
    {"class_name": "Flatten", "kwargs": {}},
    {"class_name": "BatchNormalization", "kwargs": {**NUMBERS, "trainable": False}},
    {"class_name": "Dense", "kwargs": {"units": 2}},
]


def make_trace():
    """Train a small model as the other traces do."""
    keras.backend.set_floatx("float64")
    rng = np.random.default_rng(64)
    x, y = rng.normal(size=(11, 3, 7, 2)) + 1, rng.normal(size=(11, 2))
    x_val, y_val = rng.normal(size=(5, 3, 7, 2)) + 1, rng.normal(size=(5, 2))
    model = keras.Sequential([make_layer(entry) for entry in TRACE])
    model.build((None, 3, 7, 2))
    optimizer = {"learning_rate": 0.0078125, "momentum": 0.5}
    wide = {key: np.float64(value) for key, value in optimizer.items()}
    model.compile(keras.optimizers.SGD(**wide), "mse", metrics=["mae"])
    start = [rng.uniform(0.125, 0.75, size=w.shape) for w in model.get_weights()]
    size, epochs = 4, 3
    arrays = {"x": x, "y": y, "x_val": x_val, "y_val": y_val}

    def keep(stage, values):
        for i, value in enumerate(values):
            arrays[f"{stage}_{i}"] = np.asarray(value)

    keep("w_init", start)
    model.set_weights(start)
    arrays["evaluate_before"] = np.array(model.evaluate(x, y, verbose=0))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x[:size], training=True) - y[:size]))
        loss += tf.add_n(model.losses)
    keep("grad0", tape.gradient(loss, model.trainable_weights))
    model.set_weights(start)
    losses = []
    for epoch in range(epochs):
        losses.append([])
        for first in range(0, len(x), size):
            part = slice(first, first + size)
            logs = model.train_on_batch(x[part], y[part], return_dict=True)
            losses[-1].append(logs["loss"])
            if epoch == first == 0:
                keep("w_after1", model.get_weights())
    arrays["batch_loss"] = np.array(losses)
    by_batch = model.get_weights()
    model.set_weights(start)
    for variable in model.optimizer.variables:
        variable.assign(tf.zeros_like(variable))
    running = []

    class Running(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            running.append(logs["loss"])

    history = model.fit(
        x,
        y,
        batch_size=size,
        epochs=epochs,
        shuffle=False,
        validation_data=(x_val, y_val),
        verbose=0,
        callbacks=[Running()],
    )
    for one, other in zip(by_batch, model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    arrays["batch_loss_running"] = np.reshape(running, np.shape(losses))
    for name, values in history.history.items():
        arrays[f"history_{name}"] = np.array(values)
    keep("w_final", model.get_weights())
    arrays["evaluate_after"] = np.array(model.evaluate(x, y, verbose=0))
    arrays["predict_after"] = model.predict(x, verbose=0)
    arrays["config"] = np.array(
        json.dumps(
            {
                "batch_size": size,
                "epochs": epochs,
                "input_shape": [3, 7, 2],
                "layers": TRACE,
                "loss": "mse",
                "metrics": ["mae"],
                "metrics_names": model.metrics_names,
                "optimizer": {"class_name": "SGD", **optimizer},
                "shuffle": False,
                "weight_names": [w.name for w in model.weights],
            }
        )
    )
    return arrays


def make_wrapped(folder):
    """Everything that a file can hold of these layers, and that training compares."""
    keras.backend.set_floatx("float32")
    keras.backend.clear_session()
    rng = np.random.default_rng(65)
    model = keras.Sequential(
        [
            kl.TimeDistributed(
                kl.LocallyConnected2D(
                    2,
                    2,
                    implementation=3,
                    padding="same",
                    kernel_regularizer=keras.regularizers.L2(0.015625),
                    name="local",
                ),
                input_shape=(2, 4, 3, 1),
                name="local",
            ),
            kl.BatchNormalization(momentum=0.75),
            kl.TimeDistributed(
                kl.TimeDistributed(kl.BatchNormalization(scale=False, momentum=0.5))
            ),
            kl.PReLU(shared_axes=[2, 3]),
            kl.TimeDistributed(kl.BatchNormalization(axis=1), trainable=False),
            kl.TimeDistributed(kl.Flatten()),
            kl.Permute((2, 1)),
            kl.BatchNormalization(axis=[1, 2], trainable=False),
            kl.ThresholdedReLU(0.125),
            kl.LocallyConnected1D(2, 3, implementation=2),
            kl.Flatten(),
            kl.RepeatVector(2),
            kl.Flatten(),
            kl.Dense(2),
        ]
    )
    rates = {"learning_rate": 0.0078125, "momentum": 0.5}
    model.compile(keras.optimizers.SGD(**rates), "mse", metrics=["mae"])
    model.set_weights(
        [
            rng.uniform(0.5, 1.5, w.shape)
            if "variance" in w.name
            else rng.uniform(-0.25, 0.25, w.shape)
            for w in model.weights
        ]
    )
    x = rng.normal(size=(4, 2, 4, 3, 1)).astype("float32")
    t = rng.normal(size=(4, 2)).astype("float32")
    model.fit(x, t, batch_size=2, epochs=2, shuffle=False, verbose=0)
    arrays = {"x": x, "y": model.predict(x, verbose=0)}
    for suffix in (".h5", ".keras"):
        model.save(folder / f"wrapped{suffix}")
    for suffix in (".w.h5", ".weights.h5"):
        model.save_weights(folder / f"wrapped{suffix}")
    model.fit(x, t, batch_size=2, epochs=2, shuffle=False, verbose=0)
    arrays["t"], arrays["y_later"] = t, model.predict(x, verbose=0)
    arrays["evaluated"] = np.array(model.evaluate(x, t, verbose=0))
    arrays["metrics"] = np.array(model.metrics_names)
    np.savez(folder / "wrapped.npz", **arrays)


def main(folder):
    warnings.simplefilter("ignore")
    folder.mkdir(parents=True)
    arrays = {}
    make_norms(arrays)
    make_slopes(arrays)
    make_penalties(arrays)
    keras.backend.set_floatx("float32")
    configs = [
        keras.layers.serialize(make(), use_legacy_format=False) for make in CONFIGS
    ]
    arrays["configs"] = np.array(json.dumps(configs))
    np.savez_compressed(folder / "normalization.npz", **arrays)
    np.savez_compressed(folder / "trace_1d_batch_norm.npz", **make_trace())
    make_wrapped(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
