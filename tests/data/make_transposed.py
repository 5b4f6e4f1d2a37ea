"""
Make ``transposed_lengths.npz`` and ``transposed_conv.npz`` with a real tf_keras.

They were made once, and are not made again to let a test pass. Run, where tensorflow
and tf_keras are installed::

    python tests/data/make_transposed.py NEW_FOLDER
"""

import itertools
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from tf_keras import layers
from tf_keras.src.utils.conv_utils import deconv_output_length

PADDINGS = ("valid", "same")


def lengths():
    """Yield (length, size, stride, is same, dilation, output_padding or -1, result)."""
    for length, size, stride, same, dilation, extra in itertools.product(
        (1, 2, 5), (1, 2, 3, 4), (1, 2, 3), (0, 1), (1, 2), (None, 0, 1, 2)
    ):
        if (stride > 1 and dilation > 1) or (extra is not None and extra >= stride):
            continue
        result = deconv_output_length(
            length,
            size,
            PADDINGS[same],
            output_padding=extra,
            stride=stride,
            dilation=dilation,
        )
        row = (length, size, stride, same, dilation, extra, result)
        yield tuple(-1 if value is None else value for value in row)


def conv():
    """Return input, weights, output and gradients of a transposed convolution."""
    rng = np.random.default_rng(0)

    def integers(*shape):
        return rng.integers(-4, 5, shape).astype(float)

    layer = layers.Conv2DTranspose(2, 3, strides=2, padding="same", dtype="float64")
    x = tf.constant(integers(2, 4, 3, 3))
    layer.build(x.shape)
    kernel, bias = layer.kernel, layer.bias
    layer.set_weights([integers(*kernel.shape), integers(*bias.shape)])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        dy = integers(*y.shape)
        loss = tf.reduce_sum(y * dy)
    dx, dkernel, dbias = tape.gradient(loss, [x, kernel, bias])
    arrays = {"x": x, "kernel": kernel, "bias": bias, "y": y, "dy": dy}
    arrays |= {"dx": dx, "dkernel": dkernel, "dbias": dbias}
    return {name: np.array(value) for name, value in arrays.items()}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir()
    cases = np.array(list(lengths()), np.int8)
    np.savez_compressed(folder / "transposed_lengths.npz", cases=cases)
    np.savez_compressed(folder / "transposed_conv.npz", **conv())
