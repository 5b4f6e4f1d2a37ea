"""
Exports to Keras 3, held to localnet and to the numbers of tf_keras.

Not part of the ordinary tests: run it where localnet, its extras h5 and keras3,
hypothesis and a backend of Keras 3 are installed, as ``.ci/long`` does::

    KERAS_BACKEND=jax python tests/peers/export_keras3.py --models 20

Every layer, models drawn at random, and files of Keras 2: outputs, gradients, three
epochs of training beside localnet's, and the way through a file of Keras 3.
"""

import os
import sys
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import ops

sys.path.insert(0, str(Path(__file__).parent.parent))

import exporting
from exporting_peers import main

import localnet.keras3
from localnet import Sequential, layers
from localnet.export import to_keras3
from localnet.export.targets import export_keras3

BACKEND = keras.backend.backend()
# JAX has no doubles unless it is told, and elsewhere keras.ops.matmul rounds them.
ROUNDS = BACKEND != "tensorflow"


def exported(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return to_keras3(model, float64=True, verify=False)


def run(found, xs):
    tensors = [ops.convert_to_tensor(x) for x in xs]
    ys = found(tensors if len(tensors) > 1 else tensors[0], training=False)
    ys = ys if isinstance(ys, (list, tuple)) else [ys]
    return [ops.convert_to_numpy(y) for y in ys]


def check_model(model, name):
    found = exported(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.keras"
        found.save(path)
        again = keras.models.load_model(path)
    for count in (1, 7):
        xs = exporting.batch_for(model, count)
        wanted = exporting.outputs_of(model, xs)
        for form in (found, again):
            for got, want in zip(run(form, xs), wanted, strict=True):
                exporting.close(got, want)
                assert got.dtype == want.dtype


def check_numbers(model, xs, ys, digits):
    dtype = exporting.dtype_of(model)
    if dtype == np.float64 and ROUNDS:
        digits = min(digits, 4.5)
    found = exported(model)
    for got, want in zip(run(found, [x.astype(dtype) for x in xs]), ys, strict=True):
        exporting.close(got, want, digits)


def slopes(found, x, dy):
    """Return the gradients of sum(y*dy): of x, then of the trainable weights."""
    variables = found.trainable_variables
    x, dy = ops.convert_to_tensor(x), ops.convert_to_tensor(dy)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            y = found(x)
        values = [variable.value for variable in variables]
        grads = tape.gradient(y, [x, *values], output_gradients=dy)
    elif BACKEND == "torch":
        x = x.clone().requires_grad_(True)
        found(x).backward(dy)
        grads = [x.grad, *(variable.value.grad for variable in variables)]
    else:
        import jax

        rest = [variable.value for variable in found.non_trainable_variables]

        def compute(values, x):
            return found.stateless_call(values, rest, x)[0]

        _, back = jax.vjp(compute, [variable.value for variable in variables], x)
        grads, dx = back(dy)
        grads = [dx, *grads]
    return [ops.convert_to_numpy(grad) for grad in grads]


def check_gradients(model, data, digits):
    if BACKEND == "numpy":
        return
    if data["config"]["dtype"] == "float64" and ROUNDS:
        digits = 4.0
    found = exported(model)
    # The penalty on activities has a gradient of its own; no loss asks for it here.
    dx, *grads = slopes(found, data["x"], data["dy"])
    exporting.close(dx, data["dx"], digits)
    for path, grad in zip(exporting.learns(model), grads, strict=True):
        exporting.close(grad, data[f"d{path.rpartition('/')[2]}"], digits)


def trained():
    """Yield models that are trained: of Keras's layers, and of localnet's own."""
    yield (
        Sequential(
            [
                layers.LocallyConnected2D(
                    4,
                    3,
                    padding="same",
                    strides=2,
                    activation="tanh",
                    kernel_regularizer="l2",
                    activity_regularizer="l2",
                    kernel_constraint="max_norm",
                    input_shape=(8, 7, 2),
                ),
                layers.BatchNormalization(momentum=0.75),
                layers.Flatten(),
                layers.Dense(3, "softmax"),
            ],
            seed=0,
        ),
        "categorical_crossentropy",
    )
    yield (
        Sequential(
            [
                layers.LowRankLocallyConnected1D(
                    4, 3, spatial_rank=2, kernel_regularizer="l2", input_shape=(8, 2)
                ),
                layers.LocallyConnected1DTranspose(2, 2, 2, activation="relu"),
                layers.LocallyConnected1D(
                    3, 3, share=2, activation="hard_sigmoid", bias_regularizer="l1"
                ),
                layers.Flatten(),
                layers.Dense(3),
            ],
            seed=0,
        ),
        "mse",
    )
    yield (
        Sequential(
            [
                layers.LocallyConnected1D(
                    3, 3, data_format="channels_first", input_shape=(2, 9)
                ),
                layers.BatchNormalization(axis=1),
                layers.Flatten(data_format="channels_first"),
                layers.Dense(3),
            ],
            seed=0,
        ),
        "mse",
    )


def check_training():
    """Three epochs in Keras 3 follow localnet's, on the same data in the same order."""
    rng = np.random.default_rng(0)
    for model, loss in trained():
        found = exported(model)
        shape = model.input_shape[1:]
        x = rng.normal(size=(40, *shape)).astype(np.float32)
        y = rng.dirichlet(np.ones(3), size=40).astype(np.float32)
        options = {"epochs": 3, "batch_size": 16, "shuffle": False, "verbose": 0}
        model.compile(localnet.optimizers.SGD(0.05, momentum=0.875), loss)
        ours = model.fit(x, y, **options).history["loss"]
        if BACKEND != "numpy":
            found.compile(keras.optimizers.SGD(0.05, momentum=0.875), loss)
            theirs = found.fit(x, y, **options).history["loss"]
            exporting.close(theirs, ours, 4.0)
            for got, want in zip(run(found, [x]), [model.predict(x)], strict=True):
                exporting.close(got, want, 4.0)
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / "a.keras", Path(folder) / "b.keras"]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for path in paths:
                    export_keras3(model, path)
            assert paths[0].read_bytes() == paths[1].read_bytes()


def check_layer():
    """The layers by themselves, as a user of Keras 3 makes them."""
    assert set(localnet.keras3.__all__) >= {f"LocallyConnected{n}D" for n in "123"}
    layer = localnet.keras3.LocallyConnected2D(
        3, (2, 3), padding="same", kernel_initializer="ones", activation="relu"
    )
    y = layer(np.ones((2, 4, 5, 2), np.float32))
    assert tuple(y.shape) == (2, 4, 5, 3)
    assert layer.compute_output_shape((None, 4, 5, 2)) == (None, 4, 5, 3)
    ours = layers.LocallyConnected2D(
        3, (2, 3), padding="same", kernel_initializer="ones", activation="relu"
    )
    want = ours(np.ones((2, 4, 5, 2), np.float32))
    exporting.close(ops.convert_to_numpy(y), want)
    exporting.close(ops.convert_to_numpy(layer.kernel), ours.params["kernel"])
    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    for wrong in ({"filters": 0}, {"padding": "causal"}, {"kernel_size": (2, 2, 2)}):
        arguments = {"filters": 1, "kernel_size": 2, **wrong}
        try:
            localnet.keras3.LocallyConnected2D(**arguments).build((None, 4, 4, 1))
        except ValueError:
            continue
        raise AssertionError(f"{wrong} was not refused")


def check_more():
    check_layer()
    check_training()


if __name__ == "__main__":
    print(f"Keras {keras.__version__} on {BACKEND}")
    sys.exit(main(check_model, check_numbers, check_gradients, check_more))
