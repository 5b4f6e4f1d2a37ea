"""
Keras 2's convolutions as a backend: real ``Conv1D``, ``Conv2D`` and ``Conv3D`` layers.

TensorFlow convolves channels_last only on a CPU, so that for channels_first the channel
axis is moved before and after, as a user would. The input is padded by hand: the words
``same`` and ``causal`` are numbers in the suite.
"""

from typing import Any

from ..._typing import Array
from ..case import Case
from ..judging.kinds import computes
from .keras_tensors import from_tensorflow, functions
from .translation import activation_of

__all__ = ["conv"]


@computes("conv")
def conv(case: Case) -> dict[str, Array]:
    """
    Compute a convolution with a layer of ``tf_keras``.

    Parameters
    ----------
    case : Case
        A convolution of the golden suite.

    Returns
    -------
    dict of str to ndarray
        `y`, `dx`, `dkernel` and `dbias`.

    Raises
    ------
    ImportError
        If tf_keras is not installed.

    See Also
    --------
    localnet.golden.adapters.keras.implementation1 : Locally connected layers.
    """
    import tensorflow as tf
    import tf_keras

    c = case.config
    rank, first = len(c["kernel_size"]), c["data_format"] == "channels_first"
    bias = case.bias
    tied = bias is not None and c["bias_per"] == "filter"

    if max(c["strides"]) > 1 and max(c["dilation_rate"]) > 1:
        raise NotImplementedError("Keras strides or dilates, but not both")

    def given(array: Array) -> Any:
        return tf.Variable(array, dtype=case.precision)

    def moved(tensor: Any, source: int, target: int) -> Any:
        axes = list(range(rank + 2))
        axes.insert(target % (rank + 2), axes.pop(source % (rank + 2)))
        return tf.transpose(tensor, axes) if first else tensor

    layer = getattr(tf_keras.layers, f"Conv{rank}D")(
        c["filters"],
        tuple(c["kernel_size"]),
        strides=tuple(c["strides"]),
        dilation_rate=tuple(c["dilation_rate"]),
        groups=c["groups"],
        use_bias=tied,
        dtype=case.precision,
    )
    x = given(case.x)
    sources = {"dx": x}
    with tf.GradientTape() as tape:
        pads = [(0, 0), *c["pads"], (0, 0)]
        cells = tf.pad(moved(x, 1, -1), pads, constant_values=c["pad_value"])
        layer.build(cells.shape)
        layer.kernel.assign(given(case.kernel))
        sources["dkernel"] = layer.kernel
        if bias is not None and tied:
            layer.bias.assign(given(bias))
            sources["dbias"] = layer.bias
        z = moved(layer(cells), -1, 1)
        if bias is not None and not tied:
            sources["dbias"] = given(bias)
            z = z + tf.reshape(sources["dbias"], z.shape[1:])
        y = activation_of(case.config["activation"], functions())(z)
    if case.dy is None:
        return {"y": from_tensorflow(y)}
    gradients = tape.gradient(y, sources, output_gradients=given(case.dy))
    answers = {key: from_tensorflow(value) for key, value in gradients.items()}
    return {"y": from_tensorflow(y), **answers}
