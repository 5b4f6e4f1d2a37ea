"""
Make ``keras/optimizers.npz`` and the traces of Adam and RMSprop with a real tf_keras.

They are evidence: they were made once, and are not made again to let a test pass. Run,
where tensorflow and tf_keras are installed::

    python tests/data/make_optimizers.py NEW_FOLDER

Keras rounds some numbers to float32 even where everything else is float64: powers of
the betas and weight decay that are Python floats, all numbers of the legacy optimizers,
numbers of schedules. So that float64 can be compared closely, the numbers here are ones
that float32 holds exactly. The 0.96 of Nadam cannot be chosen.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
import tf_keras as keras
from tf_keras import layers as kl

SHAPES = [(3, 2, 2), (5,)]
STEPS = 6
MODERN, LEGACY = keras.optimizers, keras.optimizers.legacy
SCHEDULES = keras.optimizers.schedules
BETAS = {"beta_1": 0.75, "beta_2": 0.96875}

# Class, whether legacy, arguments.
CASES = [
    ("Adam", False, {}),
    ("Adam", False, {"learning_rate": 0.0625, **BETAS}),
    ("Adam", False, {"learning_rate": 0.0625, **BETAS, "epsilon": 0.125}),
    ("Adam", False, {"learning_rate": 0.0625, **BETAS, "amsgrad": True}),
    (
        "Adam",
        False,
        {"learning_rate": 0.5, **BETAS, "epsilon": 0.125, "adaptive_epsilon": True},
    ),
    ("Adam", False, {"learning_rate": 0.25, "clipnorm": 0.5, "weight_decay": 0.125}),
    (
        "Adam",
        False,
        {"use_ema": True, "ema_momentum": 0.75, "ema_overwrite_frequency": 4, **BETAS},
    ),
    ("AdamW", False, {}),
    ("AdamW", False, {"learning_rate": 0.0625, "weight_decay": 0.25, **BETAS}),
    ("AdamW", False, {"learning_rate": 0.5, "amsgrad": True, "global_clipnorm": 1.5}),
    ("RMSprop", False, {}),
    ("RMSprop", False, {"learning_rate": 0.0625, "rho": 0.75}),
    ("RMSprop", False, {"learning_rate": 0.0625, "rho": 0.75, "momentum": 0.5}),
    ("RMSprop", False, {"rho": 0.75, "centered": True, "epsilon": 0.015625}),
    (
        "RMSprop",
        False,
        {"rho": 0.75, "centered": True, "momentum": 0.5, "epsilon": 0.0625},
    ),
    ("RMSprop", False, {"learning_rate": 0.125, "clipvalue": 0.5, "use_ema": True}),
    ("Adagrad", False, {}),
    (
        "Adagrad",
        False,
        {"learning_rate": 0.5, "initial_accumulator_value": 0.0, "epsilon": 0.125},
    ),
    ("Adagrad", False, {"learning_rate": 0.5, "weight_decay": 0.125, "clipnorm": 1.0}),
    ("Adadelta", False, {}),
    ("Adadelta", False, {"learning_rate": 1.0, "rho": 0.75}),
    ("Adadelta", False, {"learning_rate": 0.5, "rho": 0.75, "epsilon": 0.125}),
    ("Adamax", False, {}),
    ("Adamax", False, {"learning_rate": 0.0625, **BETAS}),
    ("Adamax", False, {"learning_rate": 0.0625, **BETAS, "epsilon": 0.125}),
    ("Nadam", False, {}),
    ("Nadam", False, {"learning_rate": 0.0625, **BETAS}),
    ("Nadam", False, {"learning_rate": 0.0625, **BETAS, "epsilon": 0.125}),
    ("Adam", True, {}),
    ("Adam", True, {"learning_rate": 0.0625, **BETAS, "decay": 0.5}),
    ("Adam", True, {"learning_rate": 0.25, **BETAS, "amsgrad": True, "epsilon": 0.125}),
    ("Adam", True, {"learning_rate": 0.25, "clipvalue": 0.5, "clipnorm": 1.0}),
    ("RMSprop", True, {}),
    ("RMSprop", True, {"learning_rate": 0.0625, "rho": 0.75, "epsilon": 0.125}),
    ("RMSprop", True, {"rho": 0.75, "momentum": 0.5, "epsilon": 0.125, "decay": 0.25}),
    ("RMSprop", True, {"rho": 0.75, "centered": True, "epsilon": 0.0625}),
    (
        "RMSprop",
        True,
        {"rho": 0.75, "centered": True, "momentum": 0.5, "epsilon": 0.0625},
    ),
    ("Adagrad", True, {}),
    (
        "Adagrad",
        True,
        {"learning_rate": 0.5, "initial_accumulator_value": 0.0, "epsilon": 0.125},
    ),
    ("Adadelta", True, {}),
    ("Adadelta", True, {"learning_rate": 0.5, "rho": 0.75, "epsilon": 0.125}),
    ("Adamax", True, {}),
    ("Adamax", True, {"learning_rate": 0.0625, **BETAS, "epsilon": 0.125}),
    ("Nadam", True, {}),
    ("Nadam", True, {"learning_rate": 0.0625, **BETAS, "schedule_decay": 0.25}),
]

# Class and arguments beside the initial learning rate.
RATES = [
    ("ExponentialDecay", {"decay_steps": 3.0, "decay_rate": 0.75}),
    ("InverseTimeDecay", {"decay_steps": 3.0, "decay_rate": 0.75}),
    ("InverseTimeDecay", {"decay_steps": 3.0, "decay_rate": 0.7, "staircase": True}),
    ("CosineDecay", {"decay_steps": 7.0}),
    ("CosineDecay", {"decay_steps": 7.0, "alpha": 0.1}),
    (
        "CosineDecay",
        {"decay_steps": 5.0, "alpha": 0.1, "warmup_target": 0.9, "warmup_steps": 3.0},
    ),
    ("CosineDecayRestarts", {"first_decay_steps": 3.0}),
    ("CosineDecayRestarts", {"first_decay_steps": 3.0, "t_mul": 1.0, "m_mul": 0.5}),
    (
        "CosineDecayRestarts",
        {"first_decay_steps": 2.5, "t_mul": 1.5, "m_mul": 0.75, "alpha": 0.125},
    ),
    ("PolynomialDecay", {"decay_steps": 5.0, "end_learning_rate": 0.0001}),
    ("PolynomialDecay", {"decay_steps": 5.0, "end_learning_rate": 0.1, "power": 2.0}),
    ("PolynomialDecay", {"decay_steps": 5.0, "end_learning_rate": 0.1, "power": 0.5}),
    (
        "PolynomialDecay",
        {"decay_steps": 4.0, "end_learning_rate": 0.1, "power": 2.0, "cycle": True},
    ),
    ("PiecewiseConstantDecay", {"boundaries": [2, 5], "values": [0.5, 0.25, 0.1]}),
]


def held(value):
    """Return a number that float32 holds exactly as one that Keras keeps in float64."""
    return np.float64(value) if isinstance(value, float) else value


def configs():
    """Return class name, whether legacy, and all numbers, rounded to float32."""
    for name, legacy, given in CASES:
        cls = getattr(LEGACY if legacy else MODERN, name)
        defaults = cls().get_config()
        numbers = {
            key: float(np.float32(value))
            for key, value in defaults.items()
            if isinstance(value, float) and key not in ("decay", "ema_momentum")
        }
        yield cls, name, legacy, {**numbers, **given}, given == {}


def run(cls, legacy, numbers, params, grads, dtype):
    keras.backend.set_floatx(dtype)
    if not legacy and dtype == "float64":
        numbers = {key: held(value) for key, value in numbers.items()}
    optimizer = cls(**numbers)
    variables = [
        tf.Variable(p.astype(dtype), name=f"w{i}") for i, p in enumerate(params)
    ]
    seen = []
    for grad in grads:
        pairs = zip(
            [tf.constant(g.astype(dtype)) for g in grad], variables, strict=True
        )
        optimizer.apply_gradients(pairs)
        seen.append([v.numpy() for v in variables])
    return optimizer, seen


def variable_names(optimizer, legacy):
    kept = optimizer.weights if legacy else optimizer.variables
    return [v.name for v in kept]


def make_steps():
    rng = np.random.default_rng(606)
    arrays, cases = {}, []
    params = [rng.normal(size=shape) for shape in SHAPES]
    grads = [[rng.normal(size=shape) for shape in SHAPES] for _ in range(STEPS)]
    for i, param in enumerate(params):
        arrays[f"w0_{i}"] = param
        for t in range(STEPS):
            arrays[f"g{t}_{i}"] = grads[t][i]
    for number, (cls, name, legacy, numbers, default) in enumerate(configs()):
        key = f"o{number}"
        optimizer, seen = run(cls, legacy, numbers, params, grads, "float64")
        case = {
            "key": key,
            "class_name": name,
            "legacy": legacy,
            "kwargs": numbers,
            "steps": STEPS,
            "variables": variable_names(optimizer, legacy),
        }
        for i in range(len(SHAPES)):
            arrays[f"{key}__w1_{i}"] = seen[0][i]
            arrays[f"{key}__w{STEPS}_{i}"] = seen[-1][i]
        if default:
            plain, seen = run(cls, legacy, {}, params, grads, "float32")
            # The config of Keras, and its own defaults in float32.
            case["config"] = json.loads(json.dumps(plain.get_config(), default=float))
            for i in range(len(SHAPES)):
                arrays[f"{key}__single_{i}"] = seen[-1][i]
        cases.append(case)
    arrays["cases"] = np.array(json.dumps(cases))
    return arrays


def make_schedules():
    found = []
    for name, given in RATES:
        cls = getattr(SCHEDULES, name)
        numbers = dict(given)
        if name != "PiecewiseConstantDecay":
            numbers["initial_learning_rate"] = 0.7
        wide = {k: held(v) for k, v in numbers.items()}
        if "values" in wide:
            wide["values"] = [held(v) for v in wide["values"]]
        schedule = cls(**wide)
        values = [float(schedule(tf.constant(t, tf.int64)).numpy()) for t in range(14)]
        found.append(
            {
                "class_name": name,
                "values": values,
                "form": SCHEDULES.serialize(cls(**numbers)),
            }
        )
    return found


def make_trace(optimizer, numbers):
    """Train a small locally connected model as the other traces do."""
    keras.backend.set_floatx("float64")
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(17)
    x, y = rng.normal(size=(11, 7, 2)), rng.normal(size=(11, 2))
    entries = [
        {
            "class_name": "LocallyConnected1D",
            "kwargs": {
                "filters": 2,
                "kernel_size": 3,
                "strides": 2,
                "activation": "tanh",
                "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.015625}},
            },
        },
        {"class_name": "Flatten", "kwargs": {}},
        {"class_name": "Dense", "kwargs": {"units": 2}},
    ]
    stack = [getattr(kl, e["class_name"])(**e["kwargs"]) for e in entries]
    model = keras.Sequential(stack)
    model.build((None, 7, 2))
    cls = getattr(MODERN, optimizer)
    model.compile(
        cls(**{key: held(value) for key, value in numbers.items()}),
        "mse",
        metrics=["mae"],
    )
    start = [rng.normal(size=w.shape) / 2 for w in model.get_weights()]
    size, epochs = 4, 3
    arrays = {"x": x, "y": y}

    def keep(stage, values):
        for i, value in enumerate(values):
            arrays[f"{stage}_{i}"] = np.asarray(value)

    def reset():
        model.set_weights(start)
        for variable in model.optimizer.variables:
            variable.assign(tf.zeros_like(variable))

    keep("w_init", start)
    model.set_weights(start)
    arrays["evaluate_before"] = np.array(model.evaluate(x, y, verbose=0))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x[:size], training=True) - y[:size]))
        loss += tf.add_n(model.losses)
    keep("grad0", tape.gradient(loss, model.trainable_weights))
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
    reset()
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
                "input_shape": [7, 2],
                "layers": entries,
                "loss": "mse",
                "metrics": ["mae"],
                "metrics_names": model.metrics_names,
                "optimizer": {"class_name": optimizer, **numbers},
                "shuffle": False,
                "weight_names": [w.name for w in model.weights],
            }
        )
    )
    return arrays


def main(folder):
    folder.mkdir()
    steps = make_steps()
    steps["schedules"] = np.array(json.dumps(make_schedules()))
    np.savez_compressed(folder / "optimizers.npz", **steps)
    adam = {"learning_rate": 0.0625, "beta_1": 0.875, "beta_2": 0.984375}
    np.savez_compressed(folder / "trace_1d_adam.npz", **make_trace("Adam", adam))
    rms = {"learning_rate": 0.03125, "rho": 0.875, "momentum": 0.5}
    np.savez_compressed(folder / "trace_1d_rmsprop.npz", **make_trace("RMSprop", rms))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
