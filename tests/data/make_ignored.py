"""
Make the losses of labels that are ignored, by a real tf_keras.

They are evidence: they were made once, and are not made again to let a test pass. Run,
where tensorflow and tf_keras are installed::

    python tests/data/make_ignored.py NEW_FILE.npz

Of every case there are the values, the reduced losses with and without weights, and the
gradients of the latter.
"""

import json
import os
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
import tf_keras as keras

# Shape of the predictions, the label that is ignored, from_logits, reduction.
CASES = [
    ((5, 3), 0, True, "auto"),
    ((5, 3), -1, False, "sum_over_batch_size"),
    ((5, 3), 255, True, "sum"),
    ((2, 4, 3), 1, True, "auto"),
    ((2, 4, 3), 255, False, "auto"),
    ((2, 2, 3, 4), 2, True, "none"),
    ((2, 2, 3, 4), -1, False, "sum"),
]


def main(path):
    keras.backend.set_floatx("float64")
    rng = np.random.default_rng(71)
    arrays = {"cases": np.array(json.dumps(CASES))}
    for number, (shape, ignored, from_logits, reduction) in enumerate(CASES):
        p = rng.normal(size=shape)
        if not from_logits:
            p = np.exp(p) / np.exp(p).sum(axis=-1, keepdims=True)
        t = rng.integers(0, shape[-1], shape[:-1])
        t[rng.uniform(size=t.shape) < 0.25] = ignored
        w = rng.uniform(0.5, 1.5, shape[:-1])
        loss = keras.losses.SparseCategoricalCrossentropy(
            from_logits, ignored, reduction
        )
        found = {"t": t, "p": p, "w": w}
        found["values"] = keras.losses.sparse_categorical_crossentropy(
            t, p, from_logits, ignore_class=ignored
        )
        for key, weights in (("plain", None), ("weighted", w)):
            x = tf.constant(p)
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = loss(t, x, weights)
            found[key], found[f"{key}_dp"] = value, tape.gradient(value, x)
        arrays |= {f"c{number}_{key}": np.array(v) for key, v in found.items()}
    np.savez(path, **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
