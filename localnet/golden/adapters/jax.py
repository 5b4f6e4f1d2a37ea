"""
JAX as a backend: ``jax.lax.conv_general_dilated_local``, with its own gradients.

JAX has no bias in this operation and pads with zeros only, so the bias is added, and
any other value padded, by hand. Which device computes is JAX's choice; on a GPU its
default precision permits TensorFloat-32, which `local_conv_default` shows.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from ..._typing import Array
from ..case import Case
from .translation import Translation, activation_of

__all__ = ["differentiate", "functions", "local_conv", "local_conv_default"]


def local_conv(case: Case, *, precision: str | None = "highest") -> dict[str, Array]:
    """
    Compute a case with ``conv_general_dilated_local``, jitted.

    Parameters
    ----------
    case : Case
        A case of the golden suite.
    precision : {"highest", "high", "default"}, optional
        As for JAX. It matters on accelerators, where only "highest" is float32.

    Returns
    -------
    dict of str to ndarray
        `y`, and `dx`, `dkernel` and `dbias` for a case with an upstream gradient.

    Raises
    ------
    ImportError
        If JAX is not installed.

    See Also
    --------
    localnet.golden.adapters.flax.conv_local : The layer that Flax makes of it.
    """
    import jax
    import jax.numpy as jnp

    layer = Translation(case, "jax")
    g = layer.geometry
    letters = "DHW"[-g.rank :]
    samples = f"N{letters}C" if g.channels_last else f"NC{letters}"
    activation = activation_of(case, functions())

    def forward(x: Any, kernel: Any, bias: Any | None) -> Any:
        pads: Any = g.pads
        if g.pad_value:
            x = jnp.pad(x, layer.all_pads, constant_values=g.pad_value)
            pads = "VALID"
        z = jax.lax.conv_general_dilated_local(
            x,
            kernel,
            window_strides=g.strides,
            padding=pads,
            filter_shape=g.kernel_size,
            rhs_dilation=g.dilation_rate,
            dimension_numbers=(samples, f"{letters}IO", samples),
            precision=precision,
        )
        if bias is not None:
            z = z + (bias if g.channels_last else jnp.moveaxis(bias, -1, 0))
        return activation(z)

    return differentiate(case, layer, forward)


local_conv_default = partial(local_conv, precision=None)


def differentiate(
    case: Case, layer: Translation, forward: Callable[..., Any]
) -> dict[str, Array]:
    """
    Return the answers of ``forward(x, kernel, bias)`` and of JAX's gradients of it.

    Parameters
    ----------
    case : Case
        A case of the golden suite.
    layer : Translation
        The case in JAX's layout.
    forward : callable
        Of JAX arrays: x in the case's data format, kernel, and bias or None.

    Returns
    -------
    dict of str to ndarray
        As a backend returns it. bfloat16 is given as float32, which holds it exactly.
    """
    import jax
    import jax.numpy as jnp

    def value_and_gradients(dy: Any | None, *arguments: Any) -> Any:
        if dy is None:
            return forward(*arguments), None
        y, pullback = jax.vjp(forward, *arguments)
        return y, pullback(dy)

    def given(array: Array | None) -> Any:
        return None if array is None else jnp.asarray(array, case.precision)

    def numpy(array: Any) -> Array:
        if array.dtype == jnp.bfloat16:
            array = array.astype(jnp.float32)
        return jax.device_get(array)  # type: ignore[no-any-return]

    with jax.enable_x64(True):
        arguments = map(given, (case.dy, case.x, layer.kernel, layer.bias))
        y, gradients = jax.jit(value_and_gradients)(*arguments)
        if gradients is None:
            return {"y": numpy(y)}
        dx, dkernel, dbias = gradients
        return layer.answers(
            numpy(y),
            numpy(dx),
            numpy(dkernel),
            None if dbias is None else numpy(dbias),
        )


def functions() -> dict[str, Callable[..., Any]]:
    """
    Return JAX's activations by Keras's names.

    Returns
    -------
    dict of str to callable
        Functions of a JAX array and Keras's parameters.
    """
    import jax
    import jax.numpy as jnp
    from jax import nn

    return {
        "linear": lambda z: z,
        "relu": _relu,
        "relu6": nn.relu6,
        "leaky_relu": lambda z, alpha=0.2: nn.leaky_relu(z, alpha),
        "elu": lambda z, alpha=1.0: nn.elu(z, alpha),
        "selu": nn.selu,
        # JAX's own hard_sigmoid has the slope 1/6.
        "hard_sigmoid": lambda z: jnp.clip(0.2 * z + 0.5, 0.0, 1.0),
        "sigmoid": nn.sigmoid,
        "tanh": jnp.tanh,
        "exponential": jnp.exp,
        "softplus": nn.softplus,
        "softsign": nn.soft_sign,
        "swish": nn.swish,
        "gelu": lambda z, approximate=False: nn.gelu(z, approximate),
        "mish": nn.mish,
        "softmax": partial(jax.nn.softmax, axis=-1),
        "log_softmax": partial(jax.nn.log_softmax, axis=-1),
    }


def _relu(
    z: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Any:
    """Return Keras's relu, by JAX's where nothing else is asked for."""
    import jax
    import jax.numpy as jnp

    if not alpha and not threshold:
        found = jax.nn.relu(z)
    else:
        found = jnp.where(z > threshold, z, alpha * (z - threshold))
    return found if max_value is None else jnp.minimum(found, max_value)
