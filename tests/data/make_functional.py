"""
Make ``keras/functional/``: small functional models of a real tf_keras, in float64.

They are evidence: they were made once, and are not made again to let a test pass. Run,
where tensorflow and tf_keras are installed::

    python tests/data/make_functional.py NEW_FOLDER

Of each model there is an ``.npz`` with its weights, data, outputs, gradients and a
trace of training, and its files in three formats, written in the middle of training.
``merge.npz`` has the outputs and gradients of merge layers, ties among them.
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

SAMPLES = 5


def two_inputs():
    """Two inputs of different shapes, merged in several ways."""
    a, b = keras.Input((6, 2), name="a"), keras.Input((4,), name="b")
    local = kl.LocallyConnected1D(4, 3, activation="tanh", name="local")(a)
    gate = kl.Dense(4, activation="sigmoid", name="gate")(b)
    gated = kl.Multiply(name="gated")([local, gate])
    flat = kl.Flatten(name="flat")(gated)
    both = kl.Concatenate(name="both")([b, flat, gate])
    end = kl.Dense(2, name="end")(both)
    model = keras.Model({"right": b, "left": a}, end, name="two_inputs")
    model.compile(keras.optimizers.SGD(0.125, momentum=0.5), "mse", ["mae"])
    return model


def shared():
    """One locally connected layer called twice, with penalties, and a deeper call."""
    a, b = keras.Input((7, 2), name="a"), keras.Input((7, 2), name="b")
    local = kl.LocallyConnected1D(
        2,
        3,
        padding="same",
        implementation=3,
        activation="tanh",
        name="local",
        kernel_regularizer=keras.regularizers.L2(0.0625),
        activity_regularizer=keras.regularizers.L2(0.125),
    )
    difference = kl.Subtract(name="difference")([local(a), local(local(b))])
    end = kl.Dense(3, activation="softmax", name="end")(kl.Flatten()(difference))
    model = keras.Model([a, b], end, name="shared")
    model.compile(keras.optimizers.SGD(0.25), "categorical_crossentropy", ["accuracy"])
    return model


def two_outputs():
    """A softmax that is an output and feeds another one; weights of the losses."""
    a = keras.Input((6, 1), name="a")
    local = kl.LocallyConnected1D(3, 2, activation="relu", name="local")(a)
    flat = kl.Flatten(name="flat")(local)
    classes = kl.Dense(3, activation="softmax", name="classes")(flat)
    more = kl.Concatenate(name="more")([classes, flat])
    number = kl.Dense(2, name="number")(more)
    model = keras.Model(a, [classes, number], name="two_outputs")
    model.compile(
        keras.optimizers.SGD(2**-7, momentum=0.5, nesterov=True),
        ["categorical_crossentropy", "mse"],
        {"classes": ["accuracy"], "number": ["mae", "mse"]},
        loss_weights=[0.5, 2.0],
    )
    return model


def nested():
    """A Sequential and a functional model within, called twice, partly frozen."""
    chain = keras.Sequential(
        [
            kl.LocallyConnected1D(2, 2, input_shape=(5, 2), name="low"),
            kl.Dense(2, activation="tanh", trainable=False, name="frozen"),
            kl.Dense(2, name="high"),
        ],
        name="chain",
    )
    start = keras.Input((4, 2), name="start")
    left = kl.Dense(3, name="left")(start)
    right = kl.Dense(3, activation="tanh", name="right")(start)
    branched = keras.Model(start, kl.Add(name="sum")([left, right]), name="branched")
    a, b = keras.Input((5, 2), name="a"), keras.Input((5, 2), name="b")
    ends = [branched(chain(a)), branched(chain(b))]
    flat = kl.Flatten(name="flat")(kl.Maximum(name="largest")(ends))
    model = keras.Model([a, b], kl.Dense(1, name="result")(flat), name="nested")
    model.compile(keras.optimizers.SGD(2**-8, momentum=0.5), "mse")
    return model


def residual():
    """Adding around a layer with "same" padding, and merging shapes that differ."""
    a = keras.Input((4, 3, 2), name="a")
    options = {"padding": "same", "implementation": 3, "activation": "tanh"}
    once = kl.LocallyConnected2D(2, 3, name="once", **options)(a)
    added = kl.Add(name="added")([a, once])
    twice = kl.LocallyConnected2D(2, 3, name="twice", **options)(added)
    again = kl.Add(name="again")([added, twice])
    row = kl.Dense(2, name="row")(kl.Flatten(name="flat")(again))
    mean = kl.Average(name="mean")([again, a, row])
    low = kl.Minimum(name="low")([mean, a])
    end = kl.Dense(2, name="end")(kl.Flatten(name="flat_2")(low))
    model = keras.Model(a, end, name="residual")
    model.compile(keras.optimizers.SGD(2**-9), "mse")
    return model


MODELS = (two_inputs, shared, two_outputs, nested, residual)


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def draw(model, rng):
    xs = [rng.normal(size=(SAMPLES, *x.shape[1:])) for x in model.inputs]
    ys = []
    for output in model.outputs:
        y = rng.normal(size=(SAMPLES, *output.shape[1:]))
        if "softmax" in output.name.lower():
            y = np.eye(y.shape[-1])[rng.integers(0, y.shape[-1], SAMPLES)]
        ys.append(y)
    return xs, ys


def make(build, folder):
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    rng = np.random.default_rng(sum(map(ord, build.__name__)))
    model = build()
    drawn = [rng.normal(size=w.shape) / 4 for w in model.weights]
    pairs = zip(model.weights, drawn, strict=True)
    model.set_weights([abs(v) if "variance" in w.name else v for w, v in pairs])
    xs, ys = draw(model, rng)
    arrays = {f"x{i}": x for i, x in enumerate(xs)}
    arrays |= {f"y{i}": y for i, y in enumerate(ys)}
    arrays |= {f"w{i}": w for i, w in enumerate(model.get_weights())}
    tensors = [tf.constant(x) for x in xs]
    names = sorted(["right", "left"]) if build is two_inputs else None
    given = dict(zip(names, tensors, strict=True)) if names else tensors
    with tf.GradientTape(persistent=True) as tape:
        for tensor in tensors:
            tape.watch(tensor)
        outputs = model(given if len(xs) > 1 else tensors[0], training=True)
        listed = as_list(outputs)
        loss = model.compute_loss(
            None,
            [tf.constant(y) for y in ys] if len(ys) > 1 else tf.constant(ys[0]),
            outputs,
        )
    arrays |= {f"out{i}": np.array(out) for i, out in enumerate(listed)}
    arrays["loss"] = np.array(loss)
    gradients = tape.gradient(loss, model.trainable_weights)
    arrays |= {f"g{i}": np.array(g) for i, g in enumerate(gradients)}
    x = dict(zip(names, xs, strict=True)) if names else (xs if len(xs) > 1 else xs[0])
    y = ys if len(ys) > 1 else ys[0]
    # The call above has moved statistics.
    model.set_weights([arrays[f"w{i}"] for i in range(len(drawn))])
    first = model.fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0)
    for suffix in (".h5", ".keras"):
        model.save(folder / f"{build.__name__}{suffix}")
    model.save_weights(folder / f"{build.__name__}.weights.h5")
    arrays |= {
        f"saved{i}": out for i, out in enumerate(as_list(model.predict(x, verbose=0)))
    }
    second = model.fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0)
    traces = {key: first.history[key] + second.history[key] for key in first.history}
    arrays |= {f"later{i}": w for i, w in enumerate(model.get_weights())}
    arrays["facts"] = np.array(
        json.dumps(
            {
                "history": traces,
                "layers": [layer.name for layer in model.layers],
                "input_names": model.input_names,
                "output_names": model.output_names,
                "metrics_names": model.metrics_names,
                "evaluated": [
                    float(v) for v in as_list(model.evaluate(x, y, verbose=0))
                ],
            }
        )
    )
    np.savez(folder / f"{build.__name__}.npz", **arrays)


MERGES = [
    ("Add", {}, [(3, 2), (3, 2), (3, 2)]),
    ("Subtract", {}, [(3, 2), (1, 2)]),
    ("Multiply", {}, [(3, 2), (2,), (3, 1)]),
    ("Average", {}, [(3, 2), (2,)]),
    ("Maximum", {}, [(3, 2), (3, 2), (3, 2)]),
    ("Maximum", {}, [(3, 2), (2,), (1, 1)]),
    ("Minimum", {}, [(3, 2), (3, 2), (3, 2)]),
    ("Minimum", {}, [(2,), (3, 2)]),
    ("Concatenate", {"axis": 1}, [(3, 2), (1, 2)]),
    ("Concatenate", {"axis": -1}, [(3, 2), (3, 1)]),
]


def make_merges(folder):
    rng = np.random.default_rng(11)
    arrays, cases = {}, []
    for number, (name, options, shapes) in enumerate(MERGES):
        # Few different numbers: there are ties.
        xs = [rng.integers(-2, 3, (4, *shape)).astype(float) for shape in shapes]
        layer = getattr(kl, name)(**options)
        tensors = [tf.constant(x) for x in xs]
        with tf.GradientTape() as tape:
            for tensor in tensors:
                tape.watch(tensor)
            y = layer(tensors)
            dy = rng.normal(size=y.shape)
            total = tf.reduce_sum(y * dy)
        for i, (x, dx) in enumerate(
            zip(xs, tape.gradient(total, tensors), strict=True)
        ):
            arrays[f"c{number}_x{i}"], arrays[f"c{number}_dx{i}"] = x, np.array(dx)
        arrays[f"c{number}_y"], arrays[f"c{number}_dy"] = np.array(y), dy
        shape = layer.compute_output_shape([(None, *s) for s in shapes])
        cases.append(
            {"name": name, "options": options, "inputs": len(xs), "shape": list(shape)}
        )
    arrays["cases"] = np.array(json.dumps(cases))
    np.savez(folder / "merge.npz", **arrays)


def main(folder):
    warnings.simplefilter("ignore")
    folder.mkdir(parents=True, exist_ok=True)
    keras.backend.set_floatx("float64")
    for build in MODELS:
        make(build, folder)
    make_merges(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
