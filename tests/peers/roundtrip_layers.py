"""
Random models of every layer that localnet shares with tf_keras, compared and exchanged.

Not part of the ordinary tests: run it where tensorflow, tf_keras and localnet with its
extra h5 are installed, as ``.ci/long`` does::

    python tests/peers/roundtrip_layers.py --models 40

Chains and graphs, with layers and models that are called twice, merge layers, layers
around layers, and one or two outputs, in float32 and float64. The same model is made in
both, with the same weights; both train, and write files of every format, which the
other reads and trains further. Orders of layers, losses, predictions and all weights,
moving statistics too, must agree.
"""

import argparse
import os
import random
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
import tf_keras

import localnet

RATES = {"float32": 2e-5, "float64": 1e-8}
MERGES = ("Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract")
ACTIVATIONS = (None, "tanh", "sigmoid", "elu", "softplus", "relu", "softmax")


class Builder:
    """Makes the same random model in either library."""

    def __init__(self, kit, seed):
        self.kit, self.rng, self.made = kit, random.Random(seed), 0
        self.layers = kit.layers

    def make(self, kind, *args, **options):
        self.made += 1
        name = f"{self.rng.choice('abcxyz')}{self.made}_{kind.lower()}"
        return getattr(self.layers, kind)(*args, name=name, **options)

    def layer(self, shape, *, keep=False, depth=0):
        """Return a layer for inputs of a shape, which has to be `keep` its output's."""
        rng, rank = self.rng, len(shape)
        kinds = ["activation", "norm", "noise", "slopes", "dense"]
        if rank > 1:
            kinds += ["conv", "conv", "local", "local", "time"]
        if not keep:
            kinds += ["shape"] if rank == 1 else ["pool", "pool", "margin", "shape"]
        if depth < 2:
            kinds += ["model"]
        return getattr(self, "_" + rng.choice(kinds))(shape, keep, depth)

    def _activation(self, shape, keep, depth):
        return self.rng.choice(
            (
                lambda: self.make("Activation", self.rng.choice(ACTIVATIONS[1:-1])),
                lambda: self.make("LeakyReLU", 0.125),
                lambda: self.make("ELU", 0.5),
                lambda: self.make("ReLU", 2.0, 0.25, 0.125),
                lambda: self.make("ThresholdedReLU", 0.25),
                lambda: self.make("Softmax", self.rng.choice((-1, 1))),
            )
        )()

    def _norm(self, shape, keep, depth):
        rng = self.rng
        axis = rng.choice((-1, -1, 1))
        return self.make(
            "BatchNormalization",
            axis=axis,
            momentum=rng.choice((0.5, 0.75)),
            epsilon=0.125,
            center=rng.random() < 0.8,
            scale=rng.random() < 0.8,
            gamma_regularizer=self._penalty(),
            trainable=rng.random() < 0.85,
        )

    def _noise(self, shape, keep, depth):
        # Of no strength, since draws differ.
        kinds = ["Dropout", "GaussianNoise", "GaussianDropout"]
        if 2 <= len(shape) <= 4:
            kinds.append(f"SpatialDropout{len(shape) - 1}D")
        return self.make(self.rng.choice(kinds), 0.0)

    def _slopes(self, shape, keep, depth):
        axes = [a for a in range(1, len(shape)) if self.rng.random() < 0.5]
        return self.make(
            "PReLU", shared_axes=axes or None, alpha_regularizer=self._penalty()
        )

    def _penalty(self):
        # Keras rounds the factor to float32.
        regularizers = self.kit.regularizers
        return self.rng.choice(
            (None, None, regularizers.L1(2**-7), regularizers.L2(2**-7))
        )

    def _common(self):
        rng = self.rng
        return {
            "activation": rng.choice(ACTIVATIONS),
            "use_bias": rng.random() < 0.8,
            "kernel_regularizer": self._penalty(),
            "activity_regularizer": self._penalty(),
            "trainable": rng.random() < 0.85,
        }

    def _dense(self, shape, keep, depth):
        units = shape[-1] if keep else self.rng.randint(1, 4)
        return self.make("Dense", units, **self._common())

    def _conv(self, shape, keep, depth):
        rng, rank = self.rng, len(shape) - 1
        same = keep or rng.random() < 0.5
        kernel = [rng.randint(1, 3 if same else min(3, n)) for n in shape[:-1]]
        strides = 1 if keep else rng.choice((1, 1, 2))
        padding = "same" if same else "valid"
        if same and rank == 1 and rng.random() < 0.3:
            padding = "causal"
        dilation = rng.choice((1, 2)) if same and strides == 1 else 1
        return self.make(
            f"Conv{rank}D",
            shape[-1] if keep else rng.randint(1, 3),
            kernel,
            strides=strides,
            padding=padding,
            dilation_rate=dilation,
            **self._common(),
        )

    def _local(self, shape, keep, depth):
        rng, rank = self.rng, len(shape) - 1
        if rank > 2:
            return self._conv(shape, keep, depth)
        implementation = 3 if keep else rng.choice((1, 2, 3))
        same = keep or (implementation > 1 and rng.random() < 0.5)
        options = self._common()
        if implementation == 2:  # also counts what connects nothing
            options["kernel_regularizer"] = None
        return self.make(
            f"LocallyConnected{rank}D",
            shape[-1] if keep else rng.randint(1, 3),
            [rng.randint(1, 3 if same else min(3, n)) for n in shape[:-1]],
            strides=1 if keep else rng.choice((1, 1, 2)),
            padding="same" if same else "valid",
            implementation=implementation,
            **options,
        )

    def _time(self, shape, keep, depth):
        if depth > 1:
            return self._dense(shape, keep, depth)
        return self.make("TimeDistributed", self.layer(shape[1:], keep=keep, depth=2))

    def _pool(self, shape, keep, depth):
        rng, rank = self.rng, len(shape) - 1
        # TensorFlow's CPU pools 3D images in float32 alone.
        if rank > 3 or (rank == 3 and tf_keras.backend.floatx() != "float32"):
            return self._dense(shape, keep, depth)
        if rng.random() < 0.3:
            kind = rng.choice(("GlobalMaxPooling", "GlobalAveragePooling"))
            return self.make(f"{kind}{rank}D", keepdims=rng.random() < 0.4)
        kind = rng.choice(("MaxPooling", "AveragePooling"))
        return self.make(f"{kind}{rank}D", rng.randint(1, 3), rng.randint(1, 2), "same")

    def _margin(self, shape, keep, depth):
        rng, rank = self.rng, len(shape) - 1
        if rank > 3 or max(shape) > 8:
            return self._conv(shape, keep, depth)
        if rng.random() < 0.4:
            return self.make(f"ZeroPadding{rank}D", rng.randint(0, 2))
        if rng.random() < 0.5 and min(shape[:-1]) > 2:
            return self.make(f"Cropping{rank}D", 1)
        options = {}
        if rank == 2 and rng.random() < 0.5:
            options = {"interpolation": "bilinear"}
        return self.make(f"UpSampling{rank}D", rng.randint(1, 2), **options)

    def _shape(self, shape, keep, depth):
        rng = self.rng
        if len(shape) == 1:
            return rng.choice(
                (
                    lambda: self.make("RepeatVector", rng.randint(1, 3)),
                    lambda: self.make("Reshape", (-1, 1)),
                )
            )()
        order = list(range(1, len(shape) + 1))
        rng.shuffle(order)
        return rng.choice(
            (
                lambda: self.make("Flatten"),
                lambda: self.make("Permute", order),
                lambda: self.make("Reshape", (*shape[:-2], shape[-2] * shape[-1])),
            )
        )()

    def _model(self, shape, keep, depth):
        self.made += 1
        name = f"{self.rng.choice('abcxyz')}{self.made}_model"
        count = self.rng.randint(1, 3)
        if self.rng.random() < 0.5:
            stack = [self.layers.InputLayer(shape, name=f"{name}_in")]
            for _ in range(count):
                stack.append(self.layer(shape, keep=keep, depth=depth + 1))
                shape = self.after(stack[-1], shape)
            return self.kit.Sequential(stack, name=name)
        x = here = self.kit.Input(shape, name=f"{name}_in")
        for _ in range(count):
            here = self.layer(tuple(here.shape[1:]), keep=keep, depth=depth + 1)(here)
        return self.kit.Model(x, here, name=name)

    @staticmethod
    def after(layer, shape):
        # Keras asks models and layers around layers in different ways.
        found = layer.compute_output_shape((None, *shape))
        return tuple(found)[1:]

    def graph(self):
        """Return a functional model, or a chain."""
        rng = self.rng
        shape = tuple(rng.randint(2, 6) for _ in range(rng.randint(1, 4)))
        if len(shape) == 4:
            shape = tuple(min(n, 4) for n in shape)
        if rng.random() < 0.3:
            stack = [self.layers.InputLayer(shape, name="in0")]
            for _ in range(rng.randint(2, 6)):
                stack.append(self.layer(shape))
                shape = self.after(stack[-1], shape)
            stack += [self.layers.Flatten(name="flat"), self.ending("out")]
            return self.kit.Sequential(stack, name="chain")
        inputs = [
            self.kit.Input(shape, name=f"in{i}") for i in range(rng.choice((1, 1, 2)))
        ]
        handles = list(inputs)
        for _ in range(rng.randint(3, 8)):
            x = rng.choice(handles[-3:])
            kind = rng.choice(("layer", "layer", "layer", "merge", "twice", "join"))
            size = tuple(x.shape[1:])
            if kind == "layer":
                handles.append(self.layer(size)(x))
                continue
            alike = [h for h in handles if tuple(h.shape[1:]) == size]
            others = [x, rng.choice(alike), self.layer(size, keep=True)(x)]
            rng.shuffle(others)
            if kind == "merge":
                merge = rng.choice(MERGES)
                handles.append(
                    self.make(merge)(
                        others[: rng.choice((2, 2, 3))]
                        if merge != "Subtract"
                        else others[:2]
                    )
                )
            elif kind == "join":
                axis = rng.choice((-1, rng.randint(1, len(size))))
                handles.append(self.make("Concatenate", axis=axis)(others))
            else:
                layer = self.layer(size)
                handles += [layer(others[0]), layer(others[1])]
        outputs = []
        for number in range(rng.choice((1, 1, 2))):
            x = self.layers.Flatten(name=f"flat{number}")(rng.choice(handles[-3:]))
            outputs.append(self.ending(f"out{number}")(x))
        return self.kit.Model(inputs, outputs, name="graph")

    def ending(self, name):
        return self.layers.Dense(
            2, self.rng.choice((None, "softmax", "sigmoid")), name=name
        )

    def compiled(self, model):
        rng = self.rng
        kind, options = rng.choice(
            (
                ("SGD", {"momentum": 0.5}),
                ("SGD", {"momentum": 0.5, "nesterov": True, "clipnorm": 1.0}),
                ("Adam", {"epsilon": 0.01}),
                ("RMSprop", {"epsilon": 0.01, "centered": True}),
                ("Adamax", {"epsilon": 0.01}),
                ("Adagrad", {"epsilon": 0.01}),
            )
        )
        optimizer = getattr(self.kit.optimizers, kind)(2**-6, **options)
        losses = [
            rng.choice(("mse", "huber", "categorical_crossentropy"))
            for _ in model.outputs
        ]
        weights = [rng.choice((1.0, 0.5)) for _ in losses]
        metrics = [rng.choice(([], ["mae"], ["mse", "mae"])) for _ in losses]
        if len(losses) == 1:
            losses, weights, metrics = losses[0], None, metrics[0]
        model.compile(optimizer, losses, metrics, weights)
        return model


def build(kit, seed):
    builder = Builder(kit, seed)
    return builder.compiled(builder.graph())


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def close(ours, theirs, tolerance, what):
    if len(ours) != len(theirs):
        raise AssertionError(f"{what}: {len(ours)} arrays against {len(theirs)}")
    for a, b in zip(map(np.asarray, ours), map(np.asarray, theirs), strict=True):
        if a.shape != b.shape:
            raise AssertionError(f"{what}: shape {a.shape} against {b.shape}")
        error = np.max(np.abs(a - b) / (1 + np.abs(b)), initial=0)
        if not error <= tolerance:
            raise AssertionError(f"{what} differ by {error:.2g}")


def train(model, x, y, weights):
    history = model.fit(
        x, y, batch_size=4, epochs=2, shuffle=False, verbose=0, sample_weight=weights
    ).history
    return [np.asarray(values) for _, values in sorted(history.items())]


def results(model, x):
    return as_list(model.predict(x, verbose=0))


def same(a, b, x, tolerance, what):
    close(results(a, x), results(b, x), tolerance, f"{what}: predictions")


def check(seed, folder):
    """Compare one random model, and let it cross in both directions."""
    dtype = ("float32", "float64")[seed % 2]
    tf_keras.backend.set_floatx(dtype)
    localnet.config.set_floatx(dtype)
    tolerance = RATES[dtype]
    theirs, ours = build(tf_keras, seed), build(localnet, seed)
    data = np.random.default_rng(seed)
    weights = [data.normal(size=w.shape) / 3 for w in theirs.get_weights()]
    names = [w.name for w in theirs.weights]
    for number, name in enumerate(names):
        if "variance" in name:
            weights[number] = np.abs(weights[number]) + 0.5
    theirs.set_weights(weights)
    if [w.shape for w in ours.get_weights()] != [w.shape for w in weights]:
        # Dense kernels of implementation 2 and the like differ in shape.
        theirs.save_weights(folder / "start.weights.h5")
        ours.load_weights(folder / "start.weights.h5")
        comparable = False
    else:
        ours.set_weights(weights)
        comparable = True
    xs = [data.normal(size=(6, *h.shape[1:])).astype(dtype) for h in theirs.inputs]
    ys = [data.random((6, 2)).astype(dtype) for _ in theirs.outputs]
    ys = [y / y.sum(axis=1, keepdims=True) for y in ys]
    x, y = (a if len(a) > 1 else a[0] for a in (xs, ys))
    weighted = data.random(6) if seed % 3 == 0 and len(ys) == 1 else None
    assert [a.name for a in theirs.layers] == [a.name for a in ours.layers], (
        "order of layers"
    )
    assert theirs.count_params() == ours.count_params() or not comparable
    same(ours, theirs, x, tolerance, "fresh")
    logs = train(ours, x, y, weighted), train(theirs, x, y, weighted)
    close(*logs, 10 * tolerance, "logs")
    same(ours, theirs, x, 10 * tolerance, "trained")
    if comparable:
        close(ours.get_weights(), theirs.get_weights(), 10 * tolerance, "weights")
    read = []
    for suffix in (".h5", ".keras"):
        theirs.save(folder / f"k{suffix}")
        read.append((f"{suffix} to us", localnet.load_model(folder / f"k{suffix}")))
        ours.save(folder / f"l{suffix}")
        read.append(
            (f"{suffix} to Keras", tf_keras.models.load_model(folder / f"l{suffix}"))
        )
    for suffix in (".w.h5", ".weights.h5"):
        theirs.save_weights(folder / f"k{suffix}")
        other = build(localnet, seed)
        other.load_weights(folder / f"k{suffix}")
        same(other, theirs, x, tolerance, f"{suffix} to us")
        ours.save_weights(folder / f"l{suffix}")
        other = build(tf_keras, seed)
        other.load_weights(folder / f"l{suffix}")
        same(other, ours, x, tolerance, f"{suffix} to Keras")
    before = {"us": theirs, "Keras": ours}
    for what, model in read:
        same(model, before[what.split()[-1]], x, tolerance, what)
    train(ours, x, y, weighted), train(theirs, x, y, weighted)
    for what, model in read:
        train(model, x, y, weighted)
        same(model, before[what.split()[-1]], x, 10 * tolerance, f"{what}, trained on")
    return len(list(ours.leaves)), type(ours).__name__


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trace", action="store_true")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    # Tracing takes longer than running such models does.
    tf.config.run_functions_eagerly(True)
    sizes, failures = [], 0
    for seed in range(options.seed, options.seed + options.models):
        tf_keras.backend.clear_session()
        with tempfile.TemporaryDirectory() as folder:
            try:
                sizes.append(check(seed, Path(folder)))
            except Exception as error:
                failures += 1
                print(f"seed {seed}: {type(error).__name__}: {error}", flush=True)
                if options.trace:
                    traceback.print_exc()
    chains = sum(kind == "Sequential" for _, kind in sizes)
    print(
        f"{len(sizes)} models went both ways, {chains} of them chains, with up to "
        f"{max(n for n, _ in sizes) if sizes else 0} layers; {failures} failures"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
