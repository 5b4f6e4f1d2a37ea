"""
JAX as a backend: ``jax.lax.conv_general_dilated_local``, with its own gradients.

JAX has no bias in this operation and pads with zeros only, so the bias is added, and
any other value padded, by hand. Which device computes is JAX's choice; on a GPU its
default precision permits TensorFloat-32, which `local_conv_default` shows.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from ..._typing import Array
from ...geometry import Geometry
from ...geometry.padding import Pads
from ..case import Case
from .translation import Translation, activation_of

__all__ = ["KEPT", "differentiate", "functions", "local_conv", "local_conv_default"]

Forward = Callable[..., Any]
# A case is asked for several times in a row, and is compiled at the first.
KEPT = 8


def local_conv(case: Case, *, precision: str | None = "highest") -> dict[str, Array]:
    """
    Compute a case with ``conv_general_dilated_local``, jitted once for each layer.

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
    layer = Translation(case, "jax")
    forward = _forward(layer.geometry, tuple(layer.all_pads), precision)
    return differentiate(case, layer, forward)


local_conv_default = partial(local_conv, precision=None)


@lru_cache(KEPT)
def _forward(g: Geometry, all_pads: Pads, precision: str | None) -> Forward:
    import jax
    import jax.numpy as jnp

    letters = "DHW"[-g.rank :]
    samples = f"N{letters}C" if g.channels_last else f"NC{letters}"

    def forward(x: Any, kernel: Any, bias: Any | None) -> Any:
        pads: Any = g.pads
        if g.pad_value:
            x = jnp.pad(x, all_pads, constant_values=g.pad_value)
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
        if bias is None:
            return z
        return z + (bias if g.channels_last else jnp.moveaxis(bias, -1, 0))

    return forward


def differentiate(case: Case, layer: Translation, forward: Forward) -> dict[str, Array]:
    """
    Return the answers of an activated layer, and of JAX's gradients of it.

    Parameters
    ----------
    case : Case
        A case of the golden suite.
    layer : Translation
        The case in JAX's layout.
    forward : callable
        Returns the pre-activation, of JAX arrays: x in the case's data format, kernel,
        and bias or None. What it compiles to is kept for the next call with it.

    Returns
    -------
    dict of str to ndarray
        As a backend returns it. bfloat16 is given as float32, which holds it exactly.

    Raises
    ------
    NotImplementedError
        At a kink of relu6, where JAX passes half of the gradient.
    """
    if "kink" in case.flags and case.config["activation"]["name"] == "relu6":
        raise NotImplementedError("JAX passes half of a gradient at a kink of relu6")
    import jax
    import jax.numpy as jnp

    compiled = _compiled(forward, tuple(case.config["activation"].items()))

    def given(array: Array | None) -> Any:
        return None if array is None else jnp.asarray(array, case.precision)

    def numpy(array: Any) -> Array:
        if array.dtype == jnp.bfloat16:
            array = array.astype(jnp.float32)
        return jax.device_get(array)  # type: ignore[no-any-return]

    with jax.enable_x64(True):
        arguments = map(given, (case.dy, case.x, layer.kernel, layer.bias))
        y, gradients = compiled(*arguments)
        if gradients is None:
            return {"y": numpy(y)}
        dx, dkernel, dbias = gradients
        return layer.answers(
            numpy(y),
            numpy(dx),
            numpy(dkernel),
            None if dbias is None else numpy(dbias),
        )


@lru_cache(KEPT)
def _compiled(forward: Forward, activation: tuple[tuple[str, Any], ...]) -> Forward:
    """Return the jitted function of dy, x, kernel and bias."""
    import jax

    activate = activation_of(dict(activation), functions())

    def activated(*arguments: Any) -> Any:
        return activate(forward(*arguments))

    def value_and_gradients(dy: Any | None, *arguments: Any) -> Any:
        if dy is None:
            return activated(*arguments), None
        y, pullback = jax.vjp(activated, *arguments)
        return y, pullback(dy)

    return jax.jit(value_and_gradients)  # type: ignore[no-any-return]


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

    found = z if max_value is None else jnp.clip(z, 0, max_value)
    if not alpha and not threshold:
        return jax.nn.relu(found)
    return jnp.where(z > threshold, found, alpha * (z - threshold))
