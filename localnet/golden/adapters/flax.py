"""Flax as a backend: the layer ``flax.linen.ConvLocal``, gradients by JAX."""

from functools import partial
from typing import Any

from ..._typing import Array
from ..case import Case
from .jax import differentiate, functions
from .translation import Translation, activation_of

__all__ = ["conv_local", "conv_local_default"]


def conv_local(case: Case, *, precision: str | None = "highest") -> dict[str, Array]:
    """
    Compute a case with ``flax.linen.ConvLocal``.

    The layer knows channels_last alone: for channels_first the channel axis is moved
    before and after it, as a user of Flax would.

    Parameters
    ----------
    case : Case
        A case of the golden suite.
    precision : {"highest", "high", "default"}, optional
        As for JAX.

    Returns
    -------
    dict of str to ndarray
        `y`, and `dx`, `dkernel` and `dbias` for a case with an upstream gradient.

    Raises
    ------
    ImportError
        If Flax is not installed.

    See Also
    --------
    localnet.golden.adapters.jax.local_conv : The operation underneath.
    """
    import jax.numpy as jnp
    from flax import linen

    layer = Translation(case, "jax")
    g = layer.geometry
    activation = activation_of(case, functions())
    module = linen.ConvLocal(
        features=layer.filters,
        kernel_size=g.kernel_size,
        strides=g.strides,
        padding="VALID" if g.pad_value else g.pads,
        kernel_dilation=g.dilation_rate,
        use_bias=layer.bias is not None,
        dtype=case.precision,
        param_dtype=case.precision,
        precision=precision,
    )

    def forward(x: Any, kernel: Any, bias: Any | None) -> Any:
        if g.pad_value:
            x = jnp.pad(x, layer.all_pads, constant_values=g.pad_value)
        params = (
            {"kernel": kernel} if bias is None else {"kernel": kernel, "bias": bias}
        )
        if g.channels_last:
            return activation(module.apply({"params": params}, x))
        z = module.apply({"params": params}, jnp.moveaxis(x, 1, -1))
        return activation(jnp.moveaxis(z, -1, 1))

    return differentiate(case, layer, forward)


conv_local_default = partial(conv_local, precision=None)
