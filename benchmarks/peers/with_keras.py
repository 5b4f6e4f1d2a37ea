"""tf_keras's own layers, implementations 1, 2 and 3, as compiled TensorFlow graphs."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is loaded

import numpy as np
import tensorflow as tf
import tf_keras

from localnet.interop import convert_kernel
from peers.contender import Builder, Contender, Unsupported
from peers.workloads import Data, Workload

LIBRARIES = ("tensorflow", "tf_keras")

# Implementation 2 holds a dense matrix, its mask and its gradient.
DENSE_BYTES = 1 << 30
# Implementation 3 lists every connection in a Python loop when it is built.
CONNECTIONS = 5_000_000


def _available_bytes() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _contender(workload: Workload, data: Data, implementation: int) -> Contender:
    tf_keras.backend.clear_session()
    cls = getattr(tf_keras.layers, f"LocallyConnected{len(workload.sizes)}D")
    layer = cls(
        workload.filters,
        workload.kernel_size,
        strides=workload.stride,
        data_format=workload.data_format,
        implementation=implementation,
        dtype=workload.dtype,
    )
    layer.build((None, *workload.input_shape[1:]))
    kernel = _convert(workload, data.kernel, "keras1", f"keras{implementation}")
    layer.set_weights([kernel, data.bias])
    x, dy = tf.constant(data.x), tf.constant(data.dy)
    forward = tf.function(lambda x: layer(x))

    @tf.function
    def step(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        wanted = [x, *layer.trainable_variables]
        gradients = tape.gradient(y, wanted, output_gradients=dy)
        return [y, *map(tf.convert_to_tensor, gradients)]

    def results() -> tuple[np.ndarray, ...]:
        y, dx, dk, db = (tensor.numpy() for tensor in step(x, dy))
        dk = _convert(workload, dk, f"keras{implementation}", "keras1")
        return y, dx, dk, db

    if implementation == 1 and _slices_bytes(workload) > _available_bytes() // 2:
        # The gradient of each slice is an array as large as x, and all live at once.
        return Contender(lambda: forward(x), None, lambda: (forward(x).numpy(),))
    return Contender(lambda: forward(x), lambda: step(x, dy), results)


def _slices_bytes(workload: Workload) -> int:
    x = int(np.prod(workload.input_shape)) * workload.itemsize
    return workload.locations * x


def _convert(workload: Workload, kernel: np.ndarray, source: str, target: str):
    return convert_kernel(
        kernel,
        source,
        target,
        input_shape=workload.input_shape[1:],
        kernel_size=workload.kernel_size,
        filters=workload.filters,
        strides=workload.stride,
        data_format=workload.data_format,
    )


def _implementation_1(workload: Workload, data: Data) -> Contender:
    return _contender(workload, data, 1)


def _implementation_2(workload: Workload, data: Data) -> Contender:
    inputs = int(np.prod(workload.input_shape[1:]))
    size = inputs * int(np.prod(workload.output_shape[1:])) * workload.itemsize
    if size > DENSE_BYTES:
        raise Unsupported(f"its dense matrix would take {size / 1e9:.1f} GB")
    return _contender(workload, data, 2)


def _implementation_3(workload: Workload, data: Data) -> Contender:
    count = workload.locations * workload.patch_size * workload.filters
    if count > CONNECTIONS:
        raise Unsupported(f"it would list {count / 1e6:.0f} million connections")
    return _contender(workload, data, 3)


BUILDERS: dict[str, Builder] = {
    "tf_keras 1": _implementation_1,
    "tf_keras 2": _implementation_2,
    "tf_keras 3": _implementation_3,
}
