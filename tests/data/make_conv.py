"""
Make ``keras/conv.npz`` and two models of ``keras/files`` with a real tf_keras.

They are evidence: they were made once, and are not made again to let a test pass. Run,
where tensorflow and tf_keras are installed::

    python tests/data/make_conv.py NEW_FOLDER

All numbers are small integers in float64, so that nothing is rounded on either side;
they stand one after the other in one array. TensorFlow has no convolution of
channels_first on a CPU: such a case runs as channels_last on transposed data, and its
config is that of the layer itself. XLA compiles every case, since otherwise the CPU has
no gradient of dilated or grouped convolutions.
"""

import itertools
import json
import os
import sys
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
import tf_keras as keras
from tf_keras import layers as kl

SIZES = {1: (9,), 2: (6, 5), 3: (4, 5, 4)}
KERNELS = {
    1: [(3,), (2,), (1,)],
    2: [(3, 2), (2, 3), (1, 1)],
    3: [(2, 2, 1), (1, 3, 2)],
}
STEPS = {1: [(2,), (3,)], 2: [(2, 1), (2, 3)], 3: [(1, 2, 1), (2, 1, 3)]}


def arguments():
    """Yield (rank, arguments) of every case."""
    for rank in (1, 2, 3):
        paddings = ["valid", "same", *(["causal"] if rank == 1 else [])]
        for padding, size in itertools.product(paddings, KERNELS[rank]):
            base = {"filters": 4, "kernel_size": size, "padding": padding}
            yield rank, base
            for step in STEPS[rank]:
                yield rank, {**base, "strides": step}
            if max(size) > 1:
                yield rank, {**base, "dilation_rate": 2}
        base = {"filters": 4, "kernel_size": KERNELS[rank][0], "padding": "same"}
        for more in (
            {"groups": 2},
            {"groups": 4, "strides": STEPS[rank][0], "use_bias": False},
            {"data_format": "channels_first", "use_bias": False},
            {"data_format": "channels_first", "strides": STEPS[rank][1]},
            {"data_format": "channels_first", "groups": 2},
            {"data_format": "channels_first", "padding": "valid", "dilation_rate": 2},
        ):
            yield rank, {**base, **more}


def measured(rank, kwargs, rng):
    """Return the config of a layer, its arrays by name, and its output's shape."""
    cls = getattr(kl, f"Conv{rank}D")
    keras.backend.clear_session()
    kwargs = {**kwargs, "dtype": "float64"}
    config = cls(**kwargs).get_config()
    first = kwargs.pop("data_format", "channels_last") == "channels_first"
    layer = cls(**kwargs, data_format="channels_last")
    channels = 4 if kwargs.get("groups") else 2
    x = rng.integers(-4, 5, (2, *SIZES[rank], channels)).astype(float)
    layer.build((None, *x.shape[1:]))
    weights = [rng.integers(-4, 5, w.shape).astype(float) for w in layer.get_weights()]
    layer.set_weights(weights)
    dy_shape = layer.compute_output_shape(x.shape)
    dy = rng.integers(-4, 5, dy_shape).astype(float)

    @tf.function(jit_compile=True)
    def both(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        grads = tape.gradient(y, [x, *layer.trainable_variables], output_gradients=dy)
        return [y, *grads]

    y, dx, *dweights = (a.numpy() for a in both(tf.constant(x), tf.constant(dy)))
    if config["groups"] == 1:  # XLA pads as TensorFlow does
        assert (layer(x).numpy() == y).all()
    if first:
        x, dy, y, dx = (np.moveaxis(a, -1, 1) for a in (x, dy, y, dx))
    names = ("kernel", "bias")[: len(weights)]
    arrays = {"x": x, "dy": dy, "y": y, "dx": dx}
    arrays |= dict(zip(names, weights, strict=True))
    arrays |= {f"d{n}": a for n, a in zip(names, dweights, strict=True)}
    return config, arrays


def model():
    """Convolutions beside locally connected layers, causal, dilated and in groups."""
    result = keras.Sequential(
        [
            kl.Conv2D(
                4, (3, 2), padding="same", activation="relu", input_shape=(7, 6, 2)
            ),
            kl.LocallyConnected2D(4, 2, strides=2, name="local"),
            kl.Conv2D(
                6, 2, dilation_rate=2, padding="same", groups=1, name="a/dilated"
            ),
            kl.Reshape((9, 6)),
            kl.Conv1D(4, 2, padding="causal", strides=2, kernel_regularizer="l2"),
            kl.Convolution1D(2, 1, use_bias=False, activation="tanh"),
            kl.Reshape((1, 5, 2, 1)),
            kl.Conv3D(2, (1, 2, 2), bias_initializer="ones"),
            kl.Flatten(),
            kl.Dense(2),
        ]
    )
    result.compile(keras.optimizers.SGD(0.0625, momentum=0.5), "mse")
    return result


def sizeless():
    """A net for images of any size: only the channels are known."""
    result = keras.Sequential(
        [
            kl.Conv2D(3, 3, padding="same", strides=2, input_shape=(None, None, 2)),
            kl.Conv2D(2, (1, 2), activation="tanh"),
            kl.GlobalAveragePooling2D(),
            kl.Dense(2),
        ]
    )
    result.compile(keras.optimizers.SGD(0.0625, momentum=0.5), "mse")
    return result


def write_model(folder, name, trained, sample_shape, rng):
    """Save a trained model, and beside it what it predicts now and later."""
    trained.set_weights([rng.normal(size=w.shape) / 2 for w in trained.get_weights()])
    x = rng.normal(size=(3, *sample_shape)).astype("float32")
    t = rng.random((3, 2)).astype("float32")
    trained.fit(x, t, batch_size=2, epochs=2, verbose=0)
    arrays = {"x": x, "y": trained.predict(x, verbose=0)}
    for suffix in (".h5", ".keras", ".weights.h5"):
        save = trained.save_weights if suffix == ".weights.h5" else trained.save
        save(folder / f"{name}{suffix}")
    trained.fit(x, t, batch_size=2, epochs=2, shuffle=False, verbose=0)
    arrays |= {"t": t, "y_later": trained.predict(x, verbose=0)}
    arrays["evaluated"] = np.array([trained.evaluate(x, t, verbose=0)])
    arrays["metrics"] = np.array(trained.metrics_names)
    np.savez(folder / f"{name}.npz", **arrays)


def main(folder):
    (folder / "files").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    cases, numbers = [], []
    for rank, kwargs in arguments():
        config, arrays = measured(rank, kwargs, rng)
        for array in arrays.values():
            assert (array == array.astype(np.int16)).all()
        shapes = {name: array.shape for name, array in arrays.items()}
        cases.append(
            {"rank": rank, "kwargs": kwargs, "config": config, "shapes": shapes}
        )
        numbers += [array.astype(np.int16).ravel() for array in arrays.values()]
    np.savez_compressed(
        folder / "conv.npz", cases=json.dumps(cases), numbers=np.concatenate(numbers)
    )

    for name, make, shape in (
        ("conv", model, (7, 6, 2)),
        ("sizeless", sizeless, (5, 6, 2)),
    ):
        keras.backend.clear_session()
        write_model(folder / "files", name, make(), shape, rng)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
