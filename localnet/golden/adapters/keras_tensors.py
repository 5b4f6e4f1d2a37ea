"""Tensors of TensorFlow as arrays, and Keras 2's activations by its own names."""

from collections.abc import Callable
from functools import partial
from typing import Any

from ..._typing import Array

__all__ = ["from_tensorflow", "functions"]


def from_tensorflow(tensor: Any) -> Array:
    """Return a tensor as an array, bfloat16 as float32, which holds it exactly."""
    import tensorflow as tf

    if tensor.dtype == tf.bfloat16:
        tensor = tf.cast(tensor, tf.float32)
    return tensor.numpy()  # type: ignore[no-any-return]


def functions() -> dict[str, Callable[..., Any]]:
    """Return the activations of Keras 2 by its own names."""
    import tensorflow as tf
    from tf_keras import activations

    own = (
        "linear relu elu selu hard_sigmoid sigmoid tanh exponential softplus softsign "
        "swish gelu mish softmax"
    )
    return {
        **{name: getattr(activations, name) for name in own.split()},
        # Known to Keras by name, but functions of TensorFlow.
        "relu6": tf.nn.relu6,
        "leaky_relu": lambda z, alpha=0.2: tf.nn.leaky_relu(z, alpha),
        "log_softmax": partial(tf.nn.log_softmax, axis=-1),
    }
