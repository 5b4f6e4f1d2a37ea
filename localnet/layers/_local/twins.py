"""
From shared weights to free ones and back: a convolution as a locally connected layer.

A convolution is the locally connected layer whose kernels are all equal. So each has a
twin: exactly on the one way, and by least squares on the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..._validate import shown
from ...geometry import Geometry
from ...geometry.padding import Pads, resolve_pads
from ...ops import free_bias, free_kernel, located_weights, shared_bias, shared_kernel
from .._base.shapes import BatchShape, checked_shape
from .._base.windowed import WindowedLayer
from .._conv import Conv, Conv1D, Conv2D, Conv3D
from .plain import (
    LocallyConnected,
    LocallyConnected1D,
    LocallyConnected2D,
    LocallyConnected3D,
)

__all__ = ["SharedWeights", "conv_to_local", "local_to_conv"]

CONVS = (Conv1D, Conv2D, Conv3D)
LOCALS = (LocallyConnected1D, LocallyConnected2D, LocallyConnected3D)
# What acts on shared weights does something else on free ones.
RULES = (
    "kernel_regularizer",
    "bias_regularizer",
    "kernel_constraint",
    "bias_constraint",
)
# What both layers take over as it is.
COMMON = (
    *("filters", "kernel_size", "strides", "dilation_rate", "data_format"),
    *("activation", "use_bias", "activity_regularizer", "trainable", "dtype"),
)


class SharedWeights(NamedTuple):
    """
    A convolution, and how far it is from the locally connected layer it came from.

    Parameters
    ----------
    layer : Conv1D, Conv2D or Conv3D
        Built, with weights.
    residuals : dict of str to float
        For "kernel" and, if there is one, "bias" the Euclidean norm of what sharing
        takes away, divided by that of the weight: from 0, nothing, to 1, all of it.
    """

    layer: Conv
    residuals: dict[str, float]


def conv_to_local(
    layer: Conv, input_shape: Sequence[int | None] | None = None, **kwargs: Any
) -> LocallyConnected:
    """
    Make the locally connected layer that computes what a convolution computes.

    Weights that were shared are then free to part: where d'Ascoli et al. start.

    Parameters
    ----------
    layer : Conv1D, Conv2D or Conv3D
        Built. Not modified; no array is shared with it.
    input_shape : tuple of int or None, optional
        Batch axis first. Default: what `layer` was built for, whose sizes must then be
        known, since every location gets weights of its own.
    **kwargs
        ``name``, and the regularizers and constraints of kernel and bias. Those that
        `layer` has must be given anew, or as None: on weights that stand L times they
        do not do what they did.

    Returns
    -------
    LocallyConnected1D, LocallyConnected2D or LocallyConnected3D
        Built, with the same output for every input of this shape: exactly, on integers.
        Its `padding` is a word if that places the windows, and else pairs. Between the
        groups of `layer` its weights are 0. How weights are born is not taken over.

    Raises
    ------
    ValueError
        If the layer is no built convolution, the shape is not known or does not fit, or
        a regularizer or constraint was not given anew.
    TypeError
        If a keyword is unknown.

    See Also
    --------
    local_to_conv : The way back.

    References
    ----------
    .. [1] S. d'Ascoli, L. Sagun, J. Bruna and G. Biroli, "Finding the needle in the
       haystack with convolutions: on the benefits of architectural bias", 2019,
       arXiv:1906.06766.

    Examples
    --------
    >>> from localnet.layers import Conv1D, conv_to_local
    >>> conv = Conv1D(1, 2, padding="same", input_shape=(4, 1))
    >>> conv.build((None, 4, 1))
    >>> conv.set_weights([[[[1.0]], [[2.0]]], [0.5]])
    >>> local = conv_to_local(conv)
    >>> x = [[[1.0], [2.0], [3.0], [4.0]]]
    >>> bool((conv(x) == local(x)).all())
    True
    >>> local.kernel[:, :, 0]
    array([[1., 2.],
           [1., 2.],
           [1., 2.],
           [1., 0.]], dtype=float32)
    """
    shape = _known_shape(layer, Conv, input_shape)
    geometry = layer.geometry(shape)
    twin = LOCALS[layer.rank - 1](
        **_arguments(layer, kwargs),
        padding=_padding(geometry, LocallyConnected),
        batch_input_shape=_declared(layer, shape),
    )
    twin.build(shape)
    weights = [free_kernel(layer.params["kernel"], geometry, groups=layer.groups)]
    if layer.use_bias:
        bias = layer.params["bias"]
        weights.append(bias if layer.untied_bias else free_bias(bias, geometry))
    twin.set_weights(weights)
    return twin


def local_to_conv(
    layer: LocallyConnected, *, untied_bias: bool = False, **kwargs: Any
) -> SharedWeights:
    """
    Find the convolution that is nearest to a locally connected layer.

    Parameters
    ----------
    layer : LocallyConnected1D, LocallyConnected2D or LocallyConnected3D
        Built, whatever its `share` and `tile`. Not modified; no array is shared with
        it.
    untied_bias : bool
        Whether the convolution keeps the bias of every location.
    **kwargs
        As for `conv_to_local`.

    Returns
    -------
    layer : Conv1D, Conv2D or Conv3D
        Built. Its kernel is the mean over the locations, but for taps on padding, and
        so is its bias: the least squares, exact to the bit where all are equal.
    residuals : dict of str to float
        How much of "kernel" and "bias" was lost; see `SharedWeights`.

    Raises
    ------
    ValueError
        If the layer is no built locally connected one, or a regularizer or constraint
        was not given anew.
    TypeError
        If a keyword is unknown.

    See Also
    --------
    conv_to_local : The way back.
    localnet.ops.shared_kernel : What is minimised.

    Examples
    --------
    >>> from localnet.layers import LocallyConnected1D, local_to_conv
    >>> local = LocallyConnected1D(1, 1, use_bias=False)
    >>> local.build((None, 2, 1))
    >>> local.set_weights([[[[4.0]], [[2.0]]]])
    >>> conv, residuals = local_to_conv(local)
    >>> conv.kernel.item(), round(residuals["kernel"], 3)
    (3.0, 0.316)
    """
    shape = _known_shape(layer, LocallyConnected, None)
    geometry = layer.geometry(shape)
    cls = CONVS[layer.rank - 1]
    twin = cls(
        **_arguments(layer, kwargs),
        padding=_padding(geometry, cls),
        untied_bias=untied_bias,
        batch_input_shape=_declared(layer, shape),
    )
    twin.build(shape)
    kernel, bias = located_weights(
        layer.params["kernel"], layer.bias, geometry, layer.sharing(shape)
    )
    kernel, residual = shared_kernel(kernel, geometry)
    weights, residuals = [kernel], {"kernel": residual}
    if bias is not None:
        residuals["bias"] = 0.0
        if not untied_bias:
            bias, residuals["bias"] = shared_bias(bias, geometry)
        weights.append(bias)
    twin.set_weights(weights)
    return SharedWeights(twin, residuals)


def _known_shape(
    layer: Any, cls: type[WindowedLayer], input_shape: Sequence[int | None] | None
) -> BatchShape:
    """Return the shape that both twins are for, if there is one."""
    if not isinstance(layer, cls):
        raise ValueError(f"layer must be a {cls.__name__} layer, got {shown(layer)}")
    if not layer.built or layer.input_shape is None:
        raise ValueError(f"layer must be built, got {shown(layer)}")
    if input_shape is None:
        shape = layer.input_shape
    else:
        layer.check_fits(input_shape)
        shape = (None, *checked_shape(input_shape, layer.input_rank)[1:])
    if None in shape[1:]:
        raise ValueError(
            "input_shape must be known but for the batch axis, because every location "
            f"has weights of its own, got {shape}"
        )
    return shape


def _arguments(layer: WindowedLayer, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return what the twin has of a layer, and what its maker says."""
    unknown = sorted(set(kwargs) - {"name", *RULES})
    if unknown:
        raise TypeError(
            f"keywords must be name or {', '.join(RULES)}, got {unknown[0]}"
        )
    for name in RULES:
        rule = getattr(layer, name)
        if rule is not None and name not in kwargs:
            raise ValueError(
                f"{name} must be given anew or as None, because it acts on weights "
                f"that the twin shares otherwise, got {shown(rule)} in {layer.name}"
            )
    return {name: getattr(layer, name) for name in COMMON} | kwargs


def _declared(layer: WindowedLayer, shape: BatchShape) -> BatchShape | None:
    """Return the shape that the twin of a first layer declares, as that one did."""
    declared = layer.batch_input_shape
    return None if declared is None else (declared[0], *shape[1:])


def _padding(geometry: Geometry, cls: type[WindowedLayer]) -> str | Pads:
    """Return the word with which a layer has these pads, or else the pads."""
    for word in cls.paddings:
        pads = resolve_pads(
            word,
            geometry.input_sizes,
            geometry.kernel_size,
            geometry.strides,
            geometry.dilation_rate,
            cls.placement,
        )
        if pads == geometry.pads:
            return word
    return geometry.pads
