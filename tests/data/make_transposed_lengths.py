"""
Make ``keras/transposed_lengths.npz``: output lengths of tf_keras's transposed layers.

It was made once, and is not made again to let a test pass. Run, where tensorflow and
tf_keras are installed::

    python tests/data/make_transposed_lengths.py NEW_FILE
"""

import itertools
import sys

import numpy as np
from tf_keras.src.utils.conv_utils import deconv_output_length

PADDINGS = ("valid", "same")


def cases():
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


if __name__ == "__main__":
    np.savez_compressed(sys.argv[1], cases=np.array(list(cases()), np.int8))
