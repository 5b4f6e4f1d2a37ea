"""
Make ``keras/utils.npz`` with a real tf_keras.

It is evidence: it was made once, and is not made again to let a test pass. Run, where
tensorflow and tf_keras are installed::

    python tests/data/make_utils.py NEW_FILE
"""

import json
import os
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tf_keras.utils import normalize, to_categorical

LABELS = [
    ([0, 2, 1], {}),
    ([0, 2, 1], {"num_classes": 5}),
    ([0, 2, 1], {"num_classes": 0, "dtype": "int64"}),
    ([[0], [3]], {"dtype": "float64"}),
    ([[0, 1], [2, 0]], {}),
    ([[[1], [0]], [[1], [2]]], {"num_classes": 4}),
    (3, {}),
    ([2], {}),
    ([], {"num_classes": 3}),
    ([1.0, 0.0], {}),
    ([True, False], {}),
]
VECTORS = [
    ([3.0, 4.0], {}),
    ([[3.0, 4.0], [0.0, 0.0], [1.0, -2.0]], {}),
    ([[3, 4], [0, 0], [1, -2]], {"axis": 0}),
    ([[3.0, 4.0], [0.0, 0.0], [1.0, -2.0]], {"axis": 1, "order": 1}),
    ([[3.0, 4.0], [0.5, 0.25]], {"axis": 0, "order": 3}),
    ([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 0.0]]], {"axis": 1}),
]


def main(path):
    arrays = {"labels": np.array(json.dumps(LABELS))}
    arrays["vectors"] = np.array(json.dumps(VECTORS))
    for i, (y, how) in enumerate(LABELS):
        arrays[f"to_categorical_{i}"] = to_categorical(y, **how)
    for i, (x, how) in enumerate(VECTORS):
        arrays[f"normalize_{i}"] = normalize(np.array(x), **how)
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
