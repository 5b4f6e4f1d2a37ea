"""Flax as a backend: the layer ``flax.linen.ConvLocal``, gradients by JAX."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from ..._typing import Array
from ...geometry import Geometry
from ...geometry.padding import Pads
from ..case import Case
from .jax import KEPT, differentiate
from .translation import Translation

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
    layer = Translation(case, "jax")
    forward = _forward(
        layer.geometry,
        tuple(layer.all_pads),
        precision,
        features=layer.filters,
        use_bias=layer.bias is not None,
        dtype=case.precision,
    )
    return differentiate(case, layer, forward)


conv_local_default = partial(conv_local, precision=None)


@lru_cache(KEPT)
def _forward(
    g: Geometry, all_pads: Pads, precision: str | None, **options: Any
) -> Callable[..., Any]:
    import jax.numpy as jnp
    from flax import linen

    module = linen.ConvLocal(
        kernel_size=g.kernel_size,
        strides=g.strides,
        padding="VALID" if g.pad_value else g.pads,
        kernel_dilation=g.dilation_rate,
        param_dtype=options["dtype"],
        precision=precision,
        **options,
    )

    def forward(x: Any, kernel: Any, bias: Any | None) -> Any:
        if g.pad_value:
            x = jnp.pad(x, all_pads, constant_values=g.pad_value)
        params = (
            {"kernel": kernel} if bias is None else {"kernel": kernel, "bias": bias}
        )
        if g.channels_last:
            return module.apply({"params": params}, x)
        z = module.apply({"params": params}, jnp.moveaxis(x, 1, -1))
        return jnp.moveaxis(z, -1, 1)

    return forward
