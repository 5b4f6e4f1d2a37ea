"""
Keras 2 as a backend: real ``LocallyConnected1D`` and ``2D`` layers of ``tf_keras``.

The three implementations compute the same by three routes: a product per location, one
masked dense product, one sparse product. Implementation 1 knows no padding, so the
input is padded by hand; 2 and 3 do it themselves where the pads are those of ``same``.
"""

import math
from typing import Any

from ..._typing import Array
from ...geometry import Geometry
from ..case import Case
from .keras_tensors import from_tensorflow, functions
from .translation import Translation, activation_of

__all__ = ["implementation1", "implementation2", "implementation3"]

# Numbers in the matrix of implementation 2.
LARGEST = 1 << 28


def implementation1(case: Case) -> dict[str, Array]:
    """
    Compute a case with a Keras 2 layer at ``implementation=1``.

    Parameters
    ----------
    case : Case
        A case of the golden suite.

    Returns
    -------
    dict of str to ndarray
        `y`, and `dx`, `dkernel` and `dbias` for a case with an upstream gradient.

    Raises
    ------
    NotImplementedError
        If the case is dilated or has three spatial axes: Keras 2 has neither.
    ImportError
        If tf_keras is not installed.

    See Also
    --------
    implementation2, implementation3 : The same layer by other routes.
    """
    return _compute(case, 1)


def implementation2(case: Case) -> dict[str, Array]:
    """
    Compute a case with a Keras 2 layer at ``implementation=2``.

    Parameters
    ----------
    case : Case
        A case of the golden suite.

    Returns
    -------
    dict of str to ndarray
        `y`, and `dx`, `dkernel` and `dbias` for a case with an upstream gradient.

    Raises
    ------
    NotImplementedError
        If the case is dilated or has three spatial axes: Keras 2 has neither.
    ImportError
        If tf_keras is not installed.

    See Also
    --------
    implementation1, implementation3 : The same layer by other routes.
    """
    return _compute(case, 2)


def implementation3(case: Case) -> dict[str, Array]:
    """
    Compute a case with a Keras 2 layer at ``implementation=3``.

    Parameters
    ----------
    case : Case
        A case of the golden suite.

    Returns
    -------
    dict of str to ndarray
        `y`, and `dx`, `dkernel` and `dbias` for a case with an upstream gradient.

    Raises
    ------
    NotImplementedError
        If the case is dilated or has three spatial axes: Keras 2 has neither.
    ImportError
        If tf_keras is not installed.

    See Also
    --------
    implementation1, implementation2 : The same layer by other routes.
    """
    return _compute(case, 3)


def _compute(case: Case, implementation: int) -> dict[str, Array]:
    """Build the layer, set its weights and ask a gradient tape."""
    import tensorflow as tf
    import tf_keras

    pads_by_word = implementation != 1 and _is_same(case)
    layout = Translation(case, f"keras{implementation}", pads_outside=not pads_by_word)
    g = layout.geometry
    if g.rank == 3:
        raise NotImplementedError("Keras 2 has no LocallyConnected3D")
    size_of_y = math.prod(g.output_sizes) * layout.filters
    if implementation == 2 and case.x[0].size * size_of_y > LARGEST:
        raise NotImplementedError("implementation 2 makes a matrix of all x by all y")
    if any(d != 1 for d in g.dilation_rate):
        raise NotImplementedError("Keras 2's LocallyConnected layers have no dilation")

    def given(array: Array) -> Any:
        return tf.constant(array, case.precision)

    layer_class = getattr(tf_keras.layers, f"LocallyConnected{g.rank}D")
    layer = layer_class(
        layout.filters,
        g.kernel_size,
        strides=g.strides,
        padding="same" if pads_by_word else "valid",
        data_format=g.data_format,
        activation=activation_of(case.config["activation"], functions()),
        use_bias=layout.bias is not None,
        implementation=implementation,
        dtype=case.precision,
    )
    x = given(case.x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        cells = x
        if g.has_pads and not pads_by_word:
            cells = tf.pad(x, layout.all_pads, constant_values=g.pad_value)
        layer.build(cells.shape)
        layer.kernel.assign(given(layout.kernel))
        if layout.bias is not None:
            layer.bias.assign(given(layout.bias))
        y = layer(cells)
    if case.dy is None:
        return {"y": from_tensorflow(y)}
    sources = {"dx": x, "dkernel": layer.kernel, "dbias": layer.bias}
    if layout.bias is None:
        del sources["dbias"]
    gradients = tape.gradient(y, sources, output_gradients=given(case.dy))
    return layout.answers(
        from_tensorflow(y),
        from_tensorflow(gradients["dx"]),
        from_tensorflow(gradients["dkernel"]),
        None if layout.bias is None else from_tensorflow(gradients["dbias"]),
    )


def _is_same(case: Case) -> bool:
    """Whether the pads of a case are those that Keras means by ``same``."""
    if case.kind != "layer":
        return False
    config = case.config
    same = Geometry.of(
        case.x.shape[1:],
        kernel_size=config["kernel_size"],
        strides=config["strides"],
        padding="same",
        dilation_rate=config["dilation_rate"],
        data_format=config["data_format"],
    )
    pads = tuple(tuple(pair) for pair in config["pads"])
    return config["pad_value"] == 0 and pads == same.pads
