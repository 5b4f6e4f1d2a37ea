"""Transposed locally connected layers: every input cell paints with its own brush."""

from __future__ import annotations

from typing import Any, Unpack

from ..._typing import Array, Config, Shape
from ...geometry import Geometry
from ...geometry.channels import split_sample
from ...geometry.padding import by_axis
from ...geometry.transposed import (
    checked_output_padding,
    transposed_geometry,
    transposed_length,
)
from ...ops import (
    Cost,
    local_conv_transpose_backward,
    local_conv_transpose_cost,
    local_conv_transpose_forward,
    taps_inside,
)
from .._base.arguments import CommonArguments, handed_on
from .._base.kernel import kernel_config, named_grads
from .._base.pure import Computed, Gradients, Space
from .._base.shapes import BatchShape
from .._base.windowed import WindowedLayer

__all__ = [
    "LocallyConnected1DTranspose",
    "LocallyConnected2DTranspose",
    "LocallyConnected3DTranspose",
]


class LocallyConnectedTranspose(WindowedLayer):
    """The one implementation behind the three public classes, told apart by `rank`."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        fans: str = "keras",
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(**handed_on(locals(), "output_padding"))
        with self._named():
            self._extra = checked_output_padding(output_padding, self.strides)
        self.output_padding = self._extra if set(self._extra) != {None} else None

    # Shapes ----------------------------------------------------------------------

    @property
    def _windows(self) -> dict[str, Any]:
        return {**super()._windows, "output_padding": self.output_padding}

    def geometry(self, input_shape: BatchShape) -> Geometry:
        """
        Return the windows of the layer that this one runs backwards.

        Parameters
        ----------
        input_shape : tuple of int or None
            Batch axis first; what this layer is given.

        Returns
        -------
        Geometry
            Its ``input_shape`` is what this layer gives.
        """
        return transposed_geometry(
            tuple(size for size in input_shape[1:] if size is not None),
            self.filters,
            **self._windows,
        )

    def _output_sizes(self, sizes: BatchShape) -> BatchShape:
        axes = zip(
            sizes,
            self.kernel_size,
            self.strides,
            by_axis(self.padding, self.rank),
            self.dilation_rate,
            self._extra,
            strict=True,
        )
        return tuple(transposed_length(*axis) for axis in axes)

    def _located_shapes(self, input_shape: BatchShape) -> tuple[Shape, Shape]:
        geometry = self.geometry(input_shape)
        _, channels = split_sample(input_shape[1:], self.data_format)
        return geometry.kernel_shape(channels or 0), (
            *geometry.input_sizes,
            self.filters,
        )

    def _kernel_mask(self, input_shape: BatchShape) -> Array | None:
        return taps_inside(self.geometry(input_shape))

    # Forward and backward --------------------------------------------------------

    def compute(self, x: Array, *, workspace: Space = None, **_: Any) -> Computed:
        return local_conv_transpose_forward(
            x,
            self.params["kernel"],
            self.params.get("bias"),
            **self._windows,
            workspace=workspace,
        )

    def gradients(self, dy: Array, cache: Any, **lent: Any) -> Gradients:
        dx, dkernel, dbias = local_conv_transpose_backward(dy, cache, **lent)
        return dx, named_grads(dkernel, dbias)

    def _cost(self, input_shape: Shape, **batch: Any) -> Cost:
        return local_conv_transpose_cost(
            input_shape,
            self.filters,
            **self._windows,
            **batch,
            dtype=self.dtype,
            use_bias=self.use_bias,
        )

    # Config ----------------------------------------------------------------------

    def get_config(self) -> Config:
        """
        Return the arguments that make an equal layer.

        Returns
        -------
        dict
            With the keys of Keras's ``Conv2DTranspose``, and ``fans`` off its default.
        """
        return {
            **super().get_config(),
            "output_padding": self.output_padding,
            **kernel_config(self),
            **self._located_config(),
        }


class LocallyConnected1DTranspose(LocallyConnectedTranspose):
    r"""
    Spread every cell of a sequence over a window by weights of its own.

    The adjoint of `LocallyConnected1D` with the same windows, called its forward layer,
    plus a bias: it takes what that layer gives, and gives what that layer takes.

    Parameters
    ----------
    filters : int
        F, channels of the output.
    kernel_size : int or tuple of 1 int
        R, the window.
    strides : int or tuple of 1 int
        Step between windows; must be 1 where `dilation_rate` is not.
    padding : {"valid", "same"} or sequence of (int, int)
        That of the forward layer. ``same`` gives ``length * stride`` cells; pairs are
        the cells by which the forward layer pads, which are cut off here.
    output_padding : int, tuple of 1 int or None
        Cells at the end for which the formula ``(length - 1)*stride + span - pads``
        has no room, less than the stride: several lengths have as many windows.
        ``None`` chooses as Keras does, also as an item of a tuple.
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``, read when the layer is made.
    dilation_rate : int or tuple of 1 int
        Distance between the taps of a window.
    activation : str, callable, (forward, backward) pair, layer or None
        Applied last; ``None`` is linear.
    use_bias : bool
        Whether each output has a bias of its own.
    kernel_initializer, bias_initializer : initializer
        ``None`` means glorot_uniform, for the bias as well.
    kernel_regularizer, bias_regularizer, activity_regularizer : regularizer or None
        Penalties on the weights and on the output (divided by the batch size).
    kernel_constraint, bias_constraint : constraint or None
        Applied after every update. Axis 0 of the kernel is the location axis.
    fans : {"keras", "local"}
        What initializers of the VarianceScaling family take for fan_in and fan_out.
        ``keras``: what the shape of the kernel says, locations too. ``local``: R*F and
        R*C, as Keras has it for a transposed convolution.
    **kwargs
        name, trainable, dtype, input_shape, batch_input_shape, input_dim, batch_size,
        weights.

    Raises
    ------
    ValueError
        If an argument breaks its rule.
    TypeError
        If a keyword is unknown or `name` is not a string.

    See Also
    --------
    localnet.ops.local_conv_transpose_forward : The function behind it.
    LocallyConnected1D : The forward layer.

    Notes
    -----
    Input (N, O, C) or (N, C, O), output (N, W, F) or (N, F, W); kernel (O, R*F, C), as
    in the forward layer, and bias (W, F), which is reshaped to (F, W) for
    channels_first. The output is the fold of the patches q, plus the bias:

    .. math:: q_{nlk} = \sum_c x_{nlc} w_{lkc}

    Keras has no such layer; names, order and defaults of the arguments are those of its
    transposed convolutions.

    Examples
    --------
    >>> layer = LocallyConnected1DTranspose(8, 3, strides=2)
    >>> layer.build((None, 5, 4))
    >>> layer.output_shape, layer.kernel.shape, layer.bias.shape
    ((None, 11, 8), (5, 24, 4), (11, 8))
    """

    rank = 1


class LocallyConnected2DTranspose(LocallyConnectedTranspose):
    """
    Spread every cell of an image over a window by weights of its own.

    All arguments are those of `LocallyConnected1DTranspose`, with two spatial axes.

    Parameters
    ----------
    filters : int
        F, channels of the output.
    kernel_size, strides, output_padding, dilation_rate : int or tuple of 2 ints
        Rows first; one number serves both axes.
    **kwargs
        As for `LocallyConnected1DTranspose`, in the same order.

    See Also
    --------
    LocallyConnected1DTranspose : Where every argument is explained.

    Examples
    --------
    >>> layer = LocallyConnected2DTranspose(3, 4, strides=2, padding="same")
    >>> layer.build((None, 8, 8, 16))
    >>> layer.output_shape, layer.kernel.shape
    ((None, 16, 16, 3), (64, 48, 16))
    """

    rank = 2


class LocallyConnected3DTranspose(LocallyConnectedTranspose):
    """
    Spread every cell of a volume over a window by weights of its own.

    All arguments are those of `LocallyConnected1DTranspose`, with three spatial axes.

    Parameters
    ----------
    filters : int
        F, channels of the output.
    kernel_size, strides, output_padding, dilation_rate : int or tuple of 3 ints
        One number serves all three axes.
    **kwargs
        As for `LocallyConnected1DTranspose`, in the same order.

    See Also
    --------
    LocallyConnected1DTranspose : Where every argument is explained.

    Examples
    --------
    >>> layer = LocallyConnected3DTranspose(1, 2, strides=2)
    >>> layer.compute_output_shape((None, 3, 3, 3, 4))
    (None, 6, 6, 6, 1)
    """

    rank = 3
