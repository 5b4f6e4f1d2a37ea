"""
Random models that are trained by localnet and by a real tf_keras, and compared.

Not part of the ordinary tests: run it where tensorflow, tf_keras and localnet with its
extra h5 are installed, as ``.ci/long`` does::

    python tests/peers/train_keras.py --models 500 --dtype float64
    python tests/peers/train_keras.py --models 500 --dtype float32

One plan, drawn from a seed, is built in both: locally connected and other layers,
shared ones, models within models, merges, one or two inputs and outputs, penalties,
constraints, frozen layers, optimizers and schedules, losses, metrics, weights of
samples and classes. Weights go from Keras to localnet in a file. Compared are the names
of the layers, the history with its keys in order, what ``evaluate`` and ``predict``
say, one more batch, and all weights in the end. Constants are exact in float32, so that
Keras's rounding plays no part, and Keras runs eagerly, where Nadam follows its rule.
"""

import argparse
import os
import random
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tf_keras

import localnet

# Those that Keras computes with constants in float32, or by other formulas.
ROUNDED = {"gelu", "selu", "elu", "hard_sigmoid", "log_cosh", "swish", "softsign"}
ACTIVATIONS = (
    *("linear", "tanh", "sigmoid", "relu", "softplus", "softmax", "exponential"),
    *ROUNDED - {"log_cosh"},
)
# What an output ends in, by its loss.
LOSSES = {
    "mse": "linear",
    "mae": "linear",
    "msle": "softplus",
    "mape": "linear",
    "huber": "linear",
    "log_cosh": "linear",
    "hinge": "tanh",
    "squared_hinge": "tanh",
    "categorical_hinge": "tanh",
    "cosine_similarity": "linear",
    "kl_divergence": "softmax",
    "poisson": "softplus",
    "binary_crossentropy": "sigmoid",
    "categorical_crossentropy": "softmax",
    "sparse_categorical_crossentropy": "softmax",
    "BinaryFocalCrossentropy": "sigmoid",
    "CategoricalFocalCrossentropy": "softmax",
}
OPTIMIZERS = {
    "SGD": {"momentum": (0.0, 0.5), "nesterov": (False, True)},
    "Adam": {"epsilon": (2**-6,), "amsgrad": (False, True)},
    "AdamW": {"epsilon": (2**-6,), "weight_decay": (0.0625,)},
    "RMSprop": {"epsilon": (2**-6,), "rho": (0.875,), "momentum": (0.0, 0.5)},
    "Adagrad": {"epsilon": (2**-6,), "initial_accumulator_value": (0.0, 0.125)},
    "Adadelta": {"epsilon": (2**-6,), "rho": (0.875,)},
    "Adamax": {"epsilon": (2**-6,)},
    "Nadam": {"epsilon": (2**-6,)},
}
BETAS = {"beta_1": 0.875, "beta_2": 0.984375}
SCHEDULES = {
    "ExponentialDecay": {"decay_steps": 4, "decay_rate": 0.5},
    "CosineDecay": {"decay_steps": 4},
    "CosineDecayRestarts": {"first_decay_steps": 2},
    "PolynomialDecay": {"decay_steps": 4, "end_learning_rate": 0.0},
}
CONSTRAINTS = {"MaxNorm": {"max_value": 0.5}, "NonNeg": {}, "UnitNorm": {}}
CLASSES = 3


class Plan:
    """A model of either kit, the same for the same seed."""

    def __init__(self, kit, seed):
        self.kit, self.layers = kit, kit.layers
        self.rng = random.Random(seed)
        self.spatial = self.rng.choice((1, 1, 2))
        self.loose = False
        self.made = 0

    def name(self, kind):
        self.made += 1
        return f"{kind}{self.made}"

    def activation(self):
        chosen = self.rng.choice(ACTIVATIONS)
        self.loose |= chosen in ROUNDED
        return chosen

    def rules(self):
        """Return penalties and constraints."""
        rng, kit = self.rng, self.kit
        found = {}
        if rng.random() < 0.25:
            penalty = rng.choice(("l1", "l2"))
            found["kernel_regularizer"] = getattr(kit.regularizers, penalty)(2**-6)
        if rng.random() < 0.15:
            found["activity_regularizer"] = kit.regularizers.l2(2**-6)
        if rng.random() < 0.2:
            name = rng.choice(tuple(CONSTRAINTS))
            made = getattr(kit.constraints, name)(**CONSTRAINTS[name])
            found[rng.choice(("kernel_constraint", "bias_constraint"))] = made
        return found

    def body(self, size):
        """Return a random layer that images of this size, (spatial, channels), fit."""
        rng, rank, layers = self.rng, self.spatial, self.layers
        small = min(size[:-1])
        kinds = ["local", "local", "local", "conv", "norm", "act", "pad", "leaky"]
        kinds += ["time", "prelu", "up"]
        kinds += ["pool", "crop"] if small >= 4 else []
        kind = rng.choice(kinds)
        name = self.name(kind)
        if kind in ("local", "conv"):
            family = "LocallyConnected" if kind == "local" else "Conv"
            how = self.rules() | {"padding": "valid", "strides": 1}
            if kind == "local":
                how["implementation"] = rng.choice((1, 1, 2, 3))
                if how["implementation"] > 1:
                    how["padding"] = rng.choice(("valid", "same"))
                    # Zeros outside the image would count in these.
                    how.pop("kernel_constraint", None)
                    how.pop("kernel_regularizer", None)
            elif rng.random() < 0.5:
                how["padding"] = "same"
            if small >= 5 and rng.random() < 0.4:
                how["strides"] = 2
            return getattr(layers, f"{family}{rank}D")(
                rng.randint(1, 3),
                rng.randint(1, min(3, small)),
                activation=self.activation(),
                use_bias=rng.random() < 0.8,
                name=name,
                **how,
            )
        if kind == "norm":
            return layers.BatchNormalization(
                momentum=rng.choice((0.5, 0.875)),
                epsilon=2**-10,
                center=rng.random() < 0.8,
                name=name,
            )
        if kind == "act":
            return layers.Activation(self.activation(), name=name)
        if kind == "leaky":
            return layers.LeakyReLU(0.25, name=name)
        if kind == "prelu":
            return layers.PReLU(name=name)
        if kind == "time":
            inner = layers.Dense(size[-1], "tanh", name=self.name("inner"))
            return layers.TimeDistributed(inner, name=name)
        if kind == "pool":
            pool = rng.choice(("Max", "Average"))
            return getattr(layers, f"{pool}Pooling{rank}D")(2, name=name)
        if kind == "up":
            if small > 3:
                return layers.Activation("tanh", name=name)
            return getattr(layers, f"UpSampling{rank}D")(2, name=name)
        word = "ZeroPadding" if kind == "pad" else "Cropping"
        return getattr(layers, f"{word}{rank}D")(1, name=name)

    def trunk(self, handle, count):
        for _ in range(count):
            layer = self.body(handle.shape[1:])
            if self.rng.random() < 0.1:
                layer.trainable = False
            before = tuple(handle.shape)
            handle = layer(handle)
            # The same layer once more, where its result has the size of its input.
            if tuple(handle.shape) == before and self.rng.random() < 0.15:
                handle = layer(handle)
        return handle

    def model(self):
        """Return the model, not compiled."""
        rng, kit, layers = self.rng, self.kit, self.layers
        sizes = [rng.randint(4, 7) for _ in range(self.spatial)]
        shape = (*sizes, rng.randint(1, 3))
        inputs = [
            kit.Input(shape, name=f"in{i}") for i in range(1 + (rng.random() < 0.35))
        ]
        if len(inputs) == 2 and rng.random() < 0.5:
            # A model that both inputs share.
            first = kit.Input(shape, name="inner_in")
            inner = kit.Model(first, self.trunk(first, 2), name="inner")
            ends = [inner(handle) for handle in inputs]
            merge = rng.choice(("Add", "Multiply", "Average", "Maximum", "Subtract"))
            ends = [getattr(layers, merge)(name=self.name("merge"))(ends)]
        else:
            ends = [self.trunk(handle, rng.randint(1, 3)) for handle in inputs]
        ends = [self.trunk(handle, rng.randint(0, 2)) for handle in ends]
        flat = []
        for handle in ends:
            kind = rng.choice(("Flatten", "GlobalAverage", "GlobalMax"))
            cls = kind if kind == "Flatten" else f"{kind}Pooling{self.spatial}D"
            flat.append(getattr(layers, cls)(name=self.name("flat"))(handle))
        joined = flat[0]
        if len(flat) > 1:
            joined = layers.Concatenate(name=self.name("join"))(flat)
        self.losses = [rng.choice(tuple(LOSSES))]
        if rng.random() < 0.3:
            self.losses.append(rng.choice(tuple(LOSSES)))
        self.loose |= bool(ROUNDED & set(self.losses))
        outputs = [
            layers.Dense(CLASSES, LOSSES[loss], name=f"out{i}", **self.rules())(joined)
            for i, loss in enumerate(self.losses)
        ]
        single = outputs[0] if len(outputs) == 1 else outputs
        return kit.Model(inputs if len(inputs) > 1 else inputs[0], single, name="m")

    def optimizer(self):
        rng, optimizers = self.rng, self.kit.optimizers
        name = rng.choice(tuple(OPTIMIZERS))
        given = {key: rng.choice(values) for key, values in OPTIMIZERS[name].items()}
        if name.startswith(("Adam", "Nadam")):
            given |= BETAS
        legacy = name != "AdamW" and rng.random() < 0.25
        given["learning_rate"] = rate = rng.choice((2**-4, 2**-6))
        clip = rng.choice((None, None, None, "clipnorm", "clipvalue"))
        if clip:
            given[clip] = 0.25
        if not legacy and rng.random() < 0.15:
            given |= {"use_ema": True, "ema_momentum": 0.5}
        if rng.random() < 0.2 and name != "Nadam":
            schedule = rng.choice(tuple(SCHEDULES))
            make = getattr(optimizers.schedules, schedule)
            given["learning_rate"] = make(rate, **SCHEDULES[schedule])
            self.loose = True
        self.loose |= name == "Nadam"  # 0.96 is no number of float32
        return getattr(optimizers.legacy if legacy else optimizers, name)(**given)

    def compiled(self):
        """Return the model, compiled."""
        rng = self.rng
        model = self.model()
        frozen_late = rng.random() < 0.1
        several = len(self.losses) > 1
        how = {"run_eagerly": True} if self.kit is tf_keras else {}
        if several and rng.random() < 0.5:
            how["loss_weights"] = [0.5, 0.25]
        if rng.random() < 0.5:
            how["metrics"] = rng.sample(
                ["mae", "mse", "accuracy", "cosine_similarity"], 2
            )
        if rng.random() < 0.3:
            how["weighted_metrics"] = ["mae"]
        # Labels are no numbers to compare with three outputs.
        if "sparse_categorical_crossentropy" in self.losses:
            how.pop("weighted_metrics", None)
            if "metrics" in how:
                how["metrics"] = ["accuracy"]
        losses = [
            getattr(self.kit.losses, loss)() if loss[0].isupper() else loss
            for loss in self.losses
        ]
        model.compile(self.optimizer(), losses if several else losses[0], **how)
        if frozen_late:  # goes by what compile saw
            model.layers[-1].trainable = False
        return model


def targets(loss, count, data):
    """Return what an output with this loss may be compared with."""
    labels = data.integers(0, CLASSES, count)
    if loss == "sparse_categorical_crossentropy":
        return labels
    if "hinge" in loss and not loss.startswith("categorical"):
        return data.choice([-1.0, 1.0], (count, CLASSES))
    if LOSSES[loss] in ("linear", "softplus"):
        return data.uniform(0.5, 2, (count, CLASSES))
    return np.eye(CLASSES)[labels]


def differences(keras, ours, tolerance, what):
    """Return a line for every number that is not the same."""
    keras, ours = (np.asarray(value, float) for value in (keras, ours))
    if keras.shape != ours.shape:
        return [f"{what}: shapes {keras.shape} and {ours.shape}"]
    if np.allclose(ours, keras, rtol=tolerance, atol=tolerance, equal_nan=True):
        return []
    with np.errstate(all="ignore"):
        return [f"{what}: {np.nanmax(np.abs(keras - ours)):.1e}"]


def check(seed, folder, dtype):
    """Return what differs between the two trainings of one plan; None if none ran."""
    plans = [Plan(kit, seed) for kit in (tf_keras, localnet)]
    keras, ours = (plan.compiled() for plan in plans)
    tolerance = 2e-4
    if dtype == "float64":
        tolerance = 3e-6 if plans[0].loose else 1e-9
    assert [x.name for x in keras.layers] == [
        *(x.name for x in ours.layers),
    ], "layers"
    data = np.random.default_rng(seed)

    def drawn(weight):
        if "variance" in weight.name:
            return data.uniform(0.5, 1.5, weight.shape)
        return data.normal(size=weight.shape) / 4

    keras.set_weights([drawn(weight) for weight in keras.weights])
    path = folder / "w.h5"
    keras.save_weights(path)
    ours.load_weights(path)
    count = 12
    xs = [data.normal(size=(count, *handle.shape[1:])) for handle in keras.inputs]
    ys = [targets(loss, count, data) for loss in plans[0].losses]
    x, y = (a if len(a) > 1 else a[0] for a in (xs, ys))
    how = {"batch_size": 5, "epochs": 2, "shuffle": False, "verbose": 0}
    rng = random.Random(seed)
    kind = rng.choice(("none", "none", "samples", "classes", "validation"))
    if kind == "samples" and len(ys) == 1:
        how["sample_weight"] = data.uniform(0, 2, count)
    elif kind == "classes" and plans[0].losses[0].endswith("categorical_crossentropy"):
        if len(ys) == 1:
            how["class_weight"] = {0: 0.5, 1: 1.0, 2: 2.0}
    elif kind == "validation":
        how["validation_data"] = (x, y)
    histories = [model.fit(x, y, **how).history for model in (keras, ours)]
    found = []
    if list(histories[0]) != list(histories[1]):
        return [f"keys {list(histories[0])} and {list(histories[1])}"]
    for key, values in histories[0].items():
        found += differences(values, histories[1][key], tolerance, key)
    for method in ("evaluate", "predict"):
        given = (x, y) if method == "evaluate" else (x,)
        said = [getattr(model, method)(*given, verbose=0) for model in (keras, ours)]
        listed = [s if isinstance(s, list) else [s] for s in said]
        for a, b in zip(*listed, strict=True):
            found += differences(a, b, tolerance, method)
    said = [np.ravel(model.train_on_batch(x, y)) for model in (keras, ours)]
    found += differences(*said, tolerance, "train_on_batch")
    keras.save_weights(path)
    before = ours.get_weights()
    ours.load_weights(path)
    for a, b in zip(ours.get_weights(), before, strict=True):
        found += differences(a, b, tolerance, "weights")
    return found


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    tf_keras.backend.set_floatx(options.dtype)
    localnet.config.set_floatx(options.dtype)
    start, same, bad = time.monotonic(), 0, []
    for seed in range(options.seed, options.seed + options.models):
        if time.monotonic() - start > options.seconds:
            break
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = check(seed, Path(folder), options.dtype)
            except Exception as error:
                traceback.print_exc()
                found = [f"{type(error).__name__}: {error}"[:300]]
        tf_keras.backend.clear_session()
        same += not found
        if (same + len(bad)) % 50 == 49:
            print(f"{options.dtype}: seeds to {seed}", flush=True)
        if found:
            bad.append(seed)
            print(f"seed {seed}: {'; '.join(found[:6])}", file=sys.stderr)
    print(f"{options.dtype}: {same} models the same, {len(bad)} not: {bad}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
