"""
Make ``keras/several_outputs.npz`` with a real tf_keras.

It is evidence: it was made once, and is not made again to let a test pass. Run, where
tensorflow and tf_keras are installed::

    python tests/data/make_several_outputs.py NEW_FOLDER

A model with two inputs and two outputs, and a layer that both inputs share. The factors
are ones that float32 holds exactly.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tf_keras as keras
from tf_keras import layers as kl

SAMPLES, SIZE = 10, 4

CASES = {
    "dicts": {
        "compile": {
            "loss": {"size": "mse", "label": "categorical_crossentropy"},
            "loss_weights": {"label": 0.5, "size": 2.0},
            "metrics": {"label": ["acc", "mse"], "size": "mae"},
            "weighted_metrics": {"size": ["mae", "mse"]},
        },
        "y": "dict",
        "sample_weight": "dict",
        "validation": "data",
    },
    "lists": {
        "compile": {
            "loss": ["categorical_crossentropy", "mae"],
            "loss_weights": [0.25, 1.5],
            "metrics": [["acc"], ["mse", "mae"]],
        },
        "y": "list",
        "sample_weight": "list",
        "validation": "split",
    },
    "one_for_all": {
        "compile": {"loss": "mse", "metrics": ["mae", "mse"]},
        "y": "list",
        "sample_weight": "one",
        "validation": "split",
    },
    "loss_of_one_output": {
        "compile": {"loss": {"size": "mse"}, "metrics": {"label": "acc"}},
        "y": "list",
        "sample_weight": None,
        "validation": None,
    },
}


def make_model():
    shared = kl.Dense(
        3,
        activation="tanh",
        name="shared",
        kernel_regularizer=keras.regularizers.L2(0.0625),
        activity_regularizer=keras.regularizers.L2(0.03125),
    )
    left, right = kl.Input((2,), name="left"), kl.Input((2,), name="right")
    both = kl.Add(name="both")([shared(left), shared(right)])
    label = kl.Dense(3, activation="softmax", name="label")(both)
    size = kl.Dense(1, name="size")(both)
    return keras.Model([left, right], [label, size])


def make_data(rng):
    labels = np.eye(3)[rng.integers(0, 3, SAMPLES)]
    return {
        "left": rng.normal(size=(SAMPLES, 2)),
        "right": rng.normal(size=(SAMPLES, 2)),
        "label": labels,
        "size": rng.normal(size=(SAMPLES, 1)),
        "label_weight": rng.uniform(0.5, 2.0, SAMPLES),
        "size_weight": rng.uniform(0.5, 2.0, SAMPLES),
    }


def in_form(form, label, size):
    if form == "dict":
        return {"size": size, "label": label}
    if form == "one":
        return size
    return None if form is None else [label, size]


def run(case, weights, data):
    model = make_model()
    model.set_weights(weights)
    optimizer = keras.optimizers.SGD(learning_rate=0.125, momentum=0.5)
    model.compile(optimizer, **case["compile"])
    x = [data["left"], data["right"]]
    y = in_form(case["y"], data["label"], data["size"])
    weight = in_form(case["sample_weight"], data["label_weight"], data["size_weight"])
    how = {"batch_size": SIZE, "epochs": 3, "shuffle": False, "verbose": 0}
    if case["validation"] == "split":
        how["validation_split"] = 0.25
    elif case["validation"] == "data":
        how["validation_data"] = (
            [v[:7] for v in x],
            in_form("dict", y["label"][:7], y["size"][:7]),
        )
    history = model.fit(x, y, sample_weight=weight, **how).history
    first = np.arange(SIZE)
    evaluated = model.evaluate(x, y, batch_size=SIZE, verbose=0)
    tested = model.test_on_batch(
        [v[first] for v in x],
        in_form("list", data["label"][first], data["size"][first]),
    )
    return {
        **case,
        "history": [[name, values] for name, values in history.items()],
        "metrics_names": model.metrics_names,
        "evaluated": evaluated,
        "tested": [float(value) for value in tested],
        "predicted": [p.tolist() for p in model.predict(x, verbose=0)],
        "weights": [w.tolist() for w in model.get_weights()],
    }


def main(folder):
    folder.mkdir()
    keras.backend.set_floatx("float64")
    rng = np.random.default_rng(6)
    data = make_data(rng)
    weights = [rng.normal(size=w.shape) for w in make_model().get_weights()]
    cases = {name: run(case, weights, data) for name, case in CASES.items()}
    arrays = {f"weight_{place}": w for place, w in enumerate(weights)}
    np.savez_compressed(
        folder / "several_outputs.npz",
        **data,
        **arrays,
        cases=np.array(json.dumps(cases)),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
