"""JAX's `conv_general_dilated_local`, slices and einsum, and Flax; all jitted."""

import itertools
from collections.abc import Callable

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np

from localnet.interop import convert_kernel
from peers.contender import Builder, Contender, Unsupported
from peers.workloads import Data, Workload

LIBRARIES = ("jax", "flax")
jax.config.update("jax_enable_x64", True)  # for the float64 workloads; draws no float64


def _contender(
    workload: Workload,
    data: Data,
    layer: Callable[[jax.Array, jax.Array, jax.Array], jax.Array],
    kernel: np.ndarray,
    own_kernel: Callable[[np.ndarray], np.ndarray],
) -> Contender:
    """Jit a layer and its gradients; `own_kernel` brings dkernel to (L, K, F)."""
    bias_shape = workload.output_shape[1:]
    x, dy = jnp.asarray(data.x), jnp.asarray(data.dy)
    k, b = jnp.asarray(kernel), jnp.asarray(data.bias.reshape(bias_shape))

    def with_gradients(x, k, b, dy):
        y, pull_back = jax.vjp(layer, x, k, b)
        return y, *pull_back(dy)

    forward, step = jax.jit(layer), jax.jit(with_gradients)

    def results():
        y, dx, dk, db = map(np.asarray, step(x, k, b, dy))
        return y, dx, own_kernel(dk), db.reshape(data.bias.shape)

    return Contender(
        lambda: forward(x, k, b).block_until_ready(),
        lambda: jax.block_until_ready(step(x, k, b, dy)),
        results,
    )


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


def _in_jax_layout(workload: Workload, data: Data, layer) -> Contender:
    return _contender(
        workload,
        data,
        layer,
        _convert(workload, data.kernel, "keras1", "jax"),
        lambda dk: _convert(workload, dk, "jax", "keras1"),
    )


def _conv_general_dilated_local(workload: Workload, data: Data) -> Contender:
    spatial = "HW"[-len(workload.sizes) :]
    sample = f"NC{spatial}" if workload.channels_first else f"N{spatial}C"

    def layer(x, k, b):
        return b + jax.lax.conv_general_dilated_local(
            x,
            k,
            window_strides=(workload.stride,) * len(spatial),
            padding="VALID",
            filter_shape=workload.kernel_size,
            dimension_numbers=(sample, f"{spatial}IO", sample),
        )

    return _in_jax_layout(workload, data, layer)


def _flax(workload: Workload, data: Data) -> Contender:
    if workload.channels_first:
        raise Unsupported("Flax's ConvLocal is channels_last only")
    module = flax.linen.ConvLocal(
        workload.filters,
        workload.kernel_size,
        strides=(workload.stride,) * len(workload.sizes),
        padding="VALID",
        param_dtype=workload.dtype,
    )

    def layer(x, k, b):
        return module.apply({"params": {"kernel": k, "bias": b}}, x)

    return _in_jax_layout(workload, data, layer)


def _slices(workload: Workload, data: Data) -> Contender:
    """Stack one strided slice per tap, and contract with einsum."""
    first, rank = workload.channels_first, len(workload.sizes)
    o = "ij"[:rank]
    subscripts = f"nk{o},{o}kf->nf{o}" if first else f"n{o}k,{o}kf->n{o}f"
    spatial_axes = slice(2, None) if first else slice(1, -1)

    def tap_slice(x, tap):
        index = [slice(None)] * x.ndim
        index[spatial_axes] = [
            slice(t, t + workload.stride * (n - 1) + 1, workload.stride)
            for t, n in zip(tap, workload.output_sizes, strict=True)
        ]
        return x[tuple(index)]

    def layer(x, k, b):
        taps = [tap_slice(x, tap) for tap in itertools.product(*map(range, k_size))]
        if first:
            shape = (len(x), workload.patch_size, *workload.output_sizes)
            patches = jnp.stack(taps, axis=2).reshape(shape)
        else:
            patches = jnp.concatenate(taps, axis=-1)
        return jnp.einsum(subscripts, patches, k) + b

    k_size = workload.kernel_size
    k_shape = (*workload.output_sizes, workload.patch_size, workload.filters)
    kernel = data.kernel.reshape(k_shape)
    return _contender(
        workload, data, layer, kernel, lambda dk: dk.reshape(data.kernel.shape)
    )


BUILDERS: dict[str, Builder] = {
    "JAX conv_local": _conv_general_dilated_local,
    "JAX slices": _slices,
    "Flax ConvLocal": _flax,
}
