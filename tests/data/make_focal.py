"""
Write tests/data/keras/focal.npz: the focal crossentropies of tf_keras 2.21.

    python tests/data/make_focal.py

needs tf_keras 2.21 in the environment. Keys are those of ``losses.npz``.
"""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras as keras

OUT = Path(__file__).parent / "keras" / "focal.npz"
CASES = [
    ("CategoricalFocalCrossentropy", {}, "onehot", "prob"),
    ("CategoricalFocalCrossentropy", {"alpha": [0.5, 0.25, 1.0, 2.0]}, "soft", "prob"),
    ("CategoricalFocalCrossentropy", {"gamma": 0.5, "alpha": 1.0}, "soft", "off"),
    (
        "CategoricalFocalCrossentropy",
        {"from_logits": True, "label_smoothing": 0.25, "gamma": 3.0},
        "onehot",
        "logits",
    ),
    ("BinaryFocalCrossentropy", {}, "onehot", "prob"),
    (
        "BinaryFocalCrossentropy",
        {"apply_class_balancing": True, "alpha": 0.75, "gamma": 1.0},
        "soft",
        "prob",
    ),
    ("BinaryFocalCrossentropy", {"from_logits": True}, "onehot", "logits"),
    (
        "BinaryFocalCrossentropy",
        {"from_logits": True, "label_smoothing": 0.25, "gamma": 0.5},
        "onehot",
        "logits",
    ),
    ("BinaryFocalCrossentropy", {"gamma": 0.0}, "onehot", "prob"),
]


def main():
    keras.backend.set_floatx("float64")
    rng = np.random.default_rng(0)
    data = {
        "onehot": np.eye(4)[rng.integers(0, 4, 6)],
        "soft": rng.dirichlet(np.ones(4), 6),
        "prob": rng.dirichlet(np.ones(4), 6),
        "off": rng.uniform(0.1, 3, (6, 4)),
        "logits": rng.normal(size=(6, 4)) * 4,
        "sw": rng.uniform(0, 2, 6),
    }
    saved, cases = dict(data), []
    for number, (name, kwargs, y_true, y_pred) in enumerate(CASES):
        key = f"f{number}"
        cases.append(
            {
                "class_name": name,
                "key": key,
                "kwargs": kwargs,
                "y_true": y_true,
                "y_pred": y_pred,
            }
        )
        t, p, w = (tf.constant(data[k]) for k in (y_true, y_pred, "sw"))

        def loss(reduction, name=name, kwargs=kwargs):
            return getattr(keras.losses, name)(reduction=reduction, **kwargs)

        with tf.GradientTape(persistent=True) as tape:
            tape.watch(p)
            mean, weighted = loss("auto")(t, p), loss("auto")(t, p, w)
        found = {
            "per_sample": loss("none")(t, p),
            "sum": loss("sum")(t, p),
            "mean": mean,
            "weighted_mean": weighted,
            "grad_mean": tape.gradient(mean, p),
            "grad_weighted": tape.gradient(weighted, p),
        }
        saved |= {f"{key}__{what}": value.numpy() for what, value in found.items()}
    np.savez_compressed(OUT, cases=np.array(json.dumps(cases)), **saved)


if __name__ == "__main__":
    main()
