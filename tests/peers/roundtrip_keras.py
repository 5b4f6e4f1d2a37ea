"""
Files that cross between localnet and a real tf_keras, over random models.

Not part of the ordinary tests: run it where tensorflow, tf_keras and localnet with its
extra h5 are installed, as ``.ci/long`` does::

    python tests/peers/roundtrip_keras.py --models 60

Every model goes one way or the other through every format. Predictions must agree to
float32 accuracy, and so must two more epochs of training where Keras keeps the memory
of the optimizer. No warning may say that a memory does not fit.
"""

import argparse
import os
import random
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tf_keras

import localnet

ACTIVATIONS = (
    None,
    "relu",
    "tanh",
    "sigmoid",
    "softmax",
    "elu",
    "selu",
    "swish",
    "gelu",
)
REGULARIZERS = (None, "l1", "l2", "l1_l2")
CONSTRAINTS = (None, None, "max_norm", "non_neg", "unit_norm")
# Each with values for some of its own arguments.
OPTIMIZERS = {
    "SGD": {"momentum": (0.0, 0.5), "nesterov": (False, True)},
    "Adam": {"epsilon": (1e-3,), "amsgrad": (False, True)},
    "AdamW": {"epsilon": (1e-3,), "weight_decay": (0.0625,)},
    "RMSprop": {"epsilon": (1e-3,), "momentum": (0.0, 0.5), "centered": (False, True)},
    "Adagrad": {"epsilon": (1e-3,), "initial_accumulator_value": (0.0, 0.1)},
    "Adadelta": {"epsilon": (1e-3,)},
    "Adamax": {"epsilon": (1e-3,)},
    "Nadam": {"epsilon": (1e-3,)},
}
INITIALIZERS = ("glorot_uniform", "he_normal", "random_normal", "lecun_uniform", "ones")


def random_layers(rng, kit):
    """Return the layers of a random model, made of `kit.layers`, and their dtype."""
    layers = kit.layers
    spatial = rng.choice((1, 2))
    data_format = rng.choice(("channels_last", "channels_first"))
    sizes = [rng.randint(5, 8) for _ in range(spatial)]
    channels = rng.randint(1, 3)
    last = data_format == "channels_last"
    shape = (*sizes, channels) if last else (channels, *sizes)
    stack = [layers.InputLayer(shape)] if rng.random() < 0.3 else []
    for place in range(rng.randint(1, 3)):
        # TensorFlow has no convolution of channels_first on a CPU.
        shared = last and rng.random() < 0.4
        implementation = 1 if shared else rng.choice((1, 2, 3))
        # Its penalties and norms count entries that connect nothing, see docs/keras.rst
        dense = implementation == 2
        same = (shared or implementation > 1) and rng.random() < 0.5
        strides = [rng.choice((1, 1, 2)) for _ in sizes]
        kernel = [rng.randint(1, 3 if same else min(3, n)) for n in sizes]
        options = {
            "strides": strides if rng.random() < 0.5 else 1,
            "padding": "same" if same else "valid",
            "data_format": data_format,
            "activation": rng.choice(ACTIVATIONS),
            "use_bias": rng.random() < 0.7,
            "kernel_initializer": rng.choice(INITIALIZERS),
            "kernel_regularizer": rng.choice(REGULARIZERS[: 1 if dense else None]),
            "activity_regularizer": rng.choice(REGULARIZERS),
            "kernel_constraint": rng.choice(
                CONSTRAINTS if implementation == 1 else CONSTRAINTS[:2]
            ),
            "implementation": implementation,
            "trainable": rng.random() < 0.9,
            "name": rng.choice(("", "block/", "z_")) + f"local_{9 - place}",
        }
        filters = rng.randint(1, 3)
        if shared:
            del options["implementation"]
            if same and spatial == 1:
                options["padding"] = rng.choice(("same", "causal"))
            if options["strides"] == 1:
                options["dilation_rate"] = rng.choice((1, 2)) if same else 1
        if not stack:
            options["input_shape"] = shape
        if options["strides"] == 1:
            strides = [1] * spatial
        family = "Conv" if shared else "LocallyConnected"
        cls = getattr(layers, f"{family}{spatial}D")
        stack.append(cls(filters, kernel, **options))
        sizes = [
            -(-(n if same else n - k + 1) // s)
            for n, k, s in zip(sizes, kernel, strides, strict=True)
        ]
        stack += rng.choice(
            (
                [],
                [layers.Dropout(0.25, seed=3)],
                [layers.LeakyReLU(0.125)],
                [layers.ReLU(max_value=2.0, negative_slope=0.25)],
                [layers.ELU(0.5)],
                [layers.Activation("softsign")],
            )
        )
    if last:  # TensorFlow's CPU pools and pads nothing else
        stack += random_spatial_layers(rng, layers, spatial)
    stack.append(layers.Flatten(data_format=rng.choice((None, data_format))))
    if rng.random() < 0.3:
        stack += [layers.Reshape((-1, 1)), layers.Flatten()]
    stack.append(layers.Dense(2, rng.choice((None, "softmax", "sigmoid")), name="out"))
    return stack


def optimizer_class(kit, name, legacy):
    if not legacy:
        return getattr(kit.optimizers, name)
    if kit is localnet:
        return getattr(kit.optimizers, f"Legacy{name}")
    return getattr(kit.optimizers.legacy, name)


def random_spatial_layers(rng, layers, spatial):
    """Return layers without weights for images of any size."""

    def make(name, *args, **kwargs):
        return getattr(layers, f"{name}{spatial}D")(*args, **kwargs)

    # Of at least 1, so that a window of 2 fits into a size of 1.
    pair = (rng.randint(1, 2), rng.randint(1, 2))
    bilinear = {"interpolation": "bilinear"} if spatial == 2 else {}
    return rng.choice(
        (
            [],
            [make("MaxPooling", rng.randint(1, 3), rng.randint(1, 3), "same")],
            [make("AveragePooling", rng.randint(1, 3), rng.randint(1, 3), "same")],
            [make("ZeroPadding", pair), make("MaxPooling", 2)],
            [make("UpSampling", 2, **bilinear), make("AveragePooling", 2, 1)],
            [make("UpSampling", 3), make("Cropping", 1)],
            [make("GlobalMaxPooling", keepdims=rng.random() < 0.5)],
            [make("GlobalAveragePooling")],
        )
    )


def random_optimizer(rng, kit):
    """Return any optimizer; a large epsilon keeps it from enlarging the rounding."""
    name, own = rng.choice(tuple(OPTIMIZERS.items()))
    legacy = rng.random() < 0.4 and name != "AdamW"
    options = {key: rng.choice(values) for key, values in own.items()}
    rate = 1.0 if name == "Adadelta" else rng.choice((0.05, 0.01))
    # Keras cannot read a schedule of these two back.
    if rng.random() < 0.3 and not (legacy and name in ("Nadam", "Adagrad")):
        decay = kit.optimizers.schedules.ExponentialDecay
        rate = decay(rate, decay_steps=2, decay_rate=0.5)
    if legacy:
        if name not in ("Nadam", "Adagrad") and rng.random() < 0.5:
            options["decay"] = 0.125
    else:
        options["use_ema"] = rng.random() < 0.2
        options["clipnorm"] = rng.choice((None, 1.0))
    return optimizer_class(kit, name, legacy)(rate, **options)


def random_model(seed, kit):
    rng = random.Random(seed)
    numbers = np.random.default_rng(seed)
    model = kit.Sequential(random_layers(rng, kit))
    model.set_weights([numbers.normal(size=w.shape) * 0.5 for w in model.get_weights()])
    x = numbers.normal(size=(6, *model.input_shape[1:])).astype(np.float32)
    y = numbers.random((6, 2)).astype(np.float32)
    y /= y.sum(axis=1, keepdims=True)
    if rng.random() < 0.8:
        loss = rng.choice(("mse", "categorical_crossentropy", "huber", "mae"))
        metrics = rng.choice(([], ["accuracy"], ["mae", "mse"]))
        model.compile(random_optimizer(rng, kit), loss=loss, metrics=metrics)
        model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    return model, x, y


def train_on(model, x, y):
    # Dropout draws differently on both sides, and in Keras from one run to the next.
    if any(type(layer).__name__ == "Dropout" for layer in model.layers):
        return None
    model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    return predict(model, x)


def predict(model, x):
    return np.asarray(model.predict(x, verbose=0))


def close(a, b, what, tolerance=2e-5):
    error = np.max(np.abs(a - b) / (1 + np.abs(b)), initial=0)
    if not error < tolerance:
        raise AssertionError(f"{what}: predictions differ by {error:.2g}")
    return float(error)


def load_keras(path):
    return tf_keras.models.load_model(path)


def cross(seed, source, target, load, folder):
    """Send one model of `source` through all formats to `target`; return the error."""
    model, x, y = random_model(seed, source)
    expected, worst = predict(model, x), 0.0
    memories = []
    for suffix in (".h5", ".keras"):
        path = folder / f"model{suffix}"
        model.save(path)
        loaded = load(path)
        worst = max(worst, close(predict(loaded, x), expected, f"model {suffix}"))
        legacy = "legacy" in type(model.optimizer).__name__.lower() or "legacy" in str(
            type(model.optimizer).__module__
        )
        # Keras does not put the memory of a legacy optimizer into a .keras file, and a
        # part of Nadam's into none, so that its own training goes elsewhere.
        forgotten = (legacy and suffix == ".keras") or (
            not legacy and type(model.optimizer).__name__ == "Nadam"
        )
        if model.optimizer is not None and not forgotten:
            memories.append((suffix, loaded))
    for suffix in (".h5", ".weights.h5"):
        path = folder / f"weights{suffix}"
        model.save_weights(path)
        other, *_ = random_model(seed, target)
        other.set_weights([np.zeros_like(w) for w in other.get_weights()])
        other.load_weights(path)
        worst = max(worst, close(predict(other, x), expected, f"weights {suffix}"))
        if suffix == ".h5":
            other.set_weights([np.zeros_like(w) for w in other.get_weights()])
            other.load_weights(path, by_name=True)
            close(predict(other, x), expected, "weights by name")
    if memories:
        trained = train_on(model, x, y)
        for suffix, loaded in memories:
            if trained is not None:
                # Momentum and rate are rounded to float32 on one side.
                close(train_on(loaded, x, y), trained, f"training {suffix}", 2e-4)
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=60)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    ways = {
        "localnet -> tf_keras": (localnet, tf_keras, load_keras),
        "tf_keras -> localnet": (tf_keras, localnet, localnet.load_model),
    }
    worst, failed = dict.fromkeys(ways, 0.0), 0
    for seed in range(options.first, options.first + options.models):
        for way, (source, target, load) in ways.items():
            tf_keras.backend.clear_session()
            try:
                with tempfile.TemporaryDirectory() as folder:
                    error = cross(seed, source, target, load, Path(folder))
                worst[way] = max(worst[way], error)
            except Exception as error:
                failed += 1
                print(f"seed {seed}, {way}: {type(error).__name__}: {error}")
    for way, error in worst.items():
        print(f"{way}: {options.models} models, largest difference {error:.1e}")
    print(f"{failed} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
