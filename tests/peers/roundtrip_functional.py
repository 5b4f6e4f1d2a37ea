"""
Functional models that cross between localnet and a real tf_keras, over random graphs.

Not part of the ordinary tests: run it where tensorflow, tf_keras and localnet with its
extra h5 are installed, as ``.ci/long`` does::

    python tests/peers/roundtrip_functional.py --models 40

The same random graph is made in both, with shared layers, models within models, merge
layers and several outputs. Each writes a file of every format, which the other reads:
the order of the layers must be the same, and predictions and two epochs of training
must agree to float64 accuracy.
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

MERGES = ("Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract")
# Every value has this shape, so that anything can be merged with anything.
SHAPE = (4, 2)


def graph(kit, rng, name, depth=0):
    """Return a random functional model of `kit`, which is tf_keras or localnet."""
    layers = kit.layers
    handles = [
        kit.Input(SHAPE, name=f"{name}_in{i}") for i in range(rng.choice((1, 2)))
    ]
    inputs, made = list(handles), 0

    def named(kind):
        nonlocal made
        made += 1
        return f"{name}_{kind}{made}"

    pool = []
    for _ in range(rng.randint(3, 5 if depth else 14)):
        kind = rng.choice(("local", "dense", "again", "merge", "concatenate", "model"))
        pick = [rng.choice(handles) for _ in range(3)]
        if kind == "again" and pool:
            layer = rng.choice(pool)
        elif kind == "merge":
            merge = rng.choice(MERGES)
            # Keras does not read back what merges one input.
            count = 2 if merge == "Subtract" else rng.randint(2, 3)
            handles.append(getattr(layers, merge)(name=named("merge"))(pick[:count]))
            continue
        elif kind == "concatenate":
            joined = layers.Concatenate(name=named("join"))(pick[:2])
            handles.append(layers.Dense(SHAPE[-1], name=named("dense"))(joined))
            continue
        elif kind == "model" and depth < 2:
            layer = part(kit, rng, named("model"), depth + 1)
        elif kind == "local":
            layer = layers.LocallyConnected1D(
                SHAPE[-1],
                3,
                padding="same",
                implementation=3,
                activation="tanh",
                name=named("local"),
            )
        else:
            layer = layers.Dense(
                SHAPE[-1],
                activation=rng.choice((None, "tanh", "sigmoid")),
                kernel_regularizer=rng.choice((None, "l2")),
                trainable=rng.random() < 0.8,
                name=named("dense"),
            )
        pool.append(layer)
        count = getattr(layer, "count", 1)
        result = layer(pick[0] if count == 1 else pick[:count])
        handles += result if isinstance(result, (list, tuple)) else [result]
    found = handles[len(inputs) :]
    outputs = [found[-1]]
    if len(found) > 2:
        outputs = [layers.Add(name=named("sum"))(found[-6:])]
    if not depth and rng.random() < 0.5:
        outputs.append(rng.choice(found))
    return kit.Model(inputs, outputs, name=name)


def part(kit, rng, name, depth):
    """Return a model to stand within another one, with the number of its inputs."""
    if rng.random() < 0.4:
        stack = [
            kit.layers.Dense(SHAPE[-1], input_shape=SHAPE, name=f"{name}_first"),
            kit.layers.Activation("tanh", name=f"{name}_second"),
        ]
        model = kit.Sequential(stack, name=name)
        model.count = 1
        return model
    model = graph(kit, rng, name, depth)
    model.count = len(model.inputs)
    return model


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def compiled(kit, model):
    model.compile(kit.optimizers.SGD(2**-6, momentum=0.5), "mse")
    return model


def assert_same(keras, ours, xs, ys):
    """Compare structure, predictions, and predictions after more training."""
    assert [x.name for x in keras.layers] == [x.name for x in ours.layers]
    assert keras.output_names == ours.output_names
    x, y = (a if len(a) > 1 else a[0] for a in (xs, ys))
    for train in (False, True):
        for model in (keras, ours) if train else ():
            model.fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0)
        pairs = zip(
            as_list(keras.predict(x, verbose=0)),
            as_list(ours.predict(x, verbose=0)),
            strict=True,
        )
        for a, b in pairs:
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9)


def check(seed, folder):
    """Let one random graph cross in both directions."""
    keras = compiled(tf_keras, graph(tf_keras, random.Random(seed), "m"))
    ours = compiled(localnet, graph(localnet, random.Random(seed), "m"))
    data = np.random.default_rng(seed)
    keras.set_weights([data.normal(size=w.shape) / 4 for w in keras.get_weights()])
    xs = [data.normal(size=(5, *SHAPE)) for _ in keras.inputs]
    ys = [data.normal(size=(5, *SHAPE)) for _ in keras.outputs]
    for suffix in (".h5", ".keras"):
        path = folder / f"k{suffix}"
        keras.save(path)
        read = localnet.load_model(path)
        assert_same(tf_keras.models.load_model(path), read, xs, ys)
        ours.load_weights(path)
        path = ours.save(folder / f"l{suffix}")
        assert_same(tf_keras.models.load_model(path), localnet.load_model(path), xs, ys)
    for suffix in (".weights.h5", ".w.h5"):
        path = folder / f"k{suffix}"
        keras.save_weights(path)
        ours.load_weights(path)
        path = ours.save_weights(folder / f"l{suffix}")
        keras.load_weights(path)
    return len(keras.layers)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    tf_keras.backend.set_floatx("float64")
    localnet.config.set_floatx("float64")
    sizes = []
    for seed in range(options.seed, options.seed + options.models):
        with tempfile.TemporaryDirectory() as folder:
            try:
                sizes.append(check(seed, Path(folder)))
            except Exception:
                print(f"seed {seed}", file=sys.stderr)
                raise
    print(f"{len(sizes)} graphs of up to {max(sizes)} layers went both ways")


if __name__ == "__main__":
    main(sys.argv[1:])
