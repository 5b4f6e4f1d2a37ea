"""
Write tests/data/keras/refused.json: what locally connected layers of tf_keras take.

    python tests/data/make_refused.py NEW_FILE.json

needs tf_keras 2.21 in the environment. Every case is a class, arguments and an input
shape, with the shape of the output, or the class of the error where one is raised, by
the constructor or when the layer is built and called.
"""

import json
import os
import sys
import warnings
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tf_keras as keras

SHORT, LONG = "LocallyConnected1D", "LocallyConnected2D"
PADDINGS = ("valid", "same", "causal", "full", "SAME", None, 0)
STRIDES = (1, 2, [2], 0, -1, [1, 2], None, 2.0, 9)
EXTRAS = (
    *({"dilation_rate": 2}, {"groups": 2}, {"kernel_mask": 1}, {"regularizer": "l2"}),
    *({"use_bias": None}, {"use_bias": 0}, {"activation": "nope"}),
    *({"kernel_initializer": "nope"}, {"kernel_initializer": None}),
    *({"kernel_regularizer": "nope"}, {"kernel_constraint": "nope"}),
    *({"activity_regularizer": "nope"}, {"use_bias": 0, "bias_constraint": "non_neg"}),
)


def cases():
    three = {"filters": 2, "kernel_size": 3}
    for implementation in (0, 1, 2, 3, 4, "1", None, 1.0):
        yield SHORT, {**three, "implementation": implementation}, (8, 2)
    for padding in PADDINGS:
        for way in (1, 2, 3):
            arguments = {**three, "padding": padding, "implementation": way}
            yield SHORT, arguments, (8, 2)
            yield LONG, arguments, (5, 4, 2)
    for strides in STRIDES:
        yield SHORT, {**three, "strides": strides}, (8, 2)
        same = {"padding": "same", "implementation": 2}
        yield SHORT, {**three, "strides": strides, **same}, (8, 2)
    for size in (1, 8, 9, 0, -1, [3], [3, 3], None, 2.0, "3"):
        yield SHORT, {"filters": 2, "kernel_size": size}, (8, 2)
    for filters in (0, -1, 2.0, None, "2"):
        yield SHORT, {"filters": filters, "kernel_size": 3}, (8, 2)
    for shape in ((None, 2), (8, None), (8,), (8, 2, 1), (0, 2), (2, 2), (8, 0)):
        yield SHORT, three, shape
    for shape in ((None, 4, 2), (4, None, 2), (4, 4, None), (4, 4), (3, 2, 1)):
        for way in (1, 2, 3):
            yield LONG, {**three, "implementation": way}, shape
    for order in ("channels_first", "channels_last", None, "first", 1):
        yield LONG, {"filters": 2, "kernel_size": 2, "data_format": order}, (4, 4, 2)
    for extra in EXTRAS:
        yield LONG, {"filters": 2, "kernel_size": 2, **extra}, (4, 4, 2)


def answer(class_name, arguments, shape):
    try:
        layer = getattr(keras.layers, class_name)(**arguments)
        layer.build((None, *shape))
        y = layer(np.ones((2, *(size or 4 for size in shape)), "float32"))
    except Exception as error:
        return type(error).__name__
    return list(y.shape)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    found = [[*case, answer(*case)] for case in cases()]
    text = "[\n" + ",\n".join(map(json.dumps, found)) + "\n]\n"
    Path(sys.argv[1]).write_text(text, encoding="utf-8")
