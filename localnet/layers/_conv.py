"""Convolutional layers: the twins of the locally connected ones, with one kernel."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

from .. import _validate
from .._typing import Array, Config, Shape
from ..ops import Cost, conv_backward, conv_cost, conv_forward
from ._base.arguments import CommonArguments, handed_on
from ._base.kernel import kernel_config, named_grads
from ._base.pure import Computed, Gradients, Space
from ._base.shapes import BatchShape
from ._base.windowed import WindowedLayer

__all__ = [
    "Conv",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
]


class Conv(WindowedLayer):
    """The one implementation behind the three public classes, told apart by `rank`."""

    placement: ClassVar[str] = "conv"

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
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
        untied_bias: bool = False,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(**handed_on(locals(), "groups", "untied_bias"))
        with self._named():
            self.groups = _validate.integer("groups", groups, minimum=1)
            if self.filters % self.groups:
                raise ValueError(
                    f"groups must divide filters {self.filters}, got {self.groups}"
                )
        self.untied_bias = _validate.flag("untied_bias", untied_bias)

    # Weights ---------------------------------------------------------------------

    def _channels(self, input_shape: BatchShape) -> int | None:
        return input_shape[-1 if self.data_format == "channels_last" else 1]

    def _kernel_and_bias_shapes(self, input_shape: BatchShape) -> tuple[Shape, Shape]:
        channels = self._channels(input_shape)
        if channels is None:
            raise ValueError(
                "input_shape must have a known channel axis, because the kernel "
                f"reaches over it, got {input_shape}"
            )
        if channels % self.groups:
            raise ValueError(
                f"groups must divide the {channels} channels of the input, got "
                f"{self.groups}"
            )
        kernel = (*self.kernel_size, channels // self.groups, self.filters)
        if not self.untied_bias:
            return kernel, (self.filters,)
        if None in input_shape[1:]:
            raise ValueError(
                "input_shape must be known but for the batch axis, because an untied "
                f"bias belongs to every location, got {input_shape}"
            )
        return kernel, self.geometry(input_shape).bias_shape(self.filters)

    # Forward and backward --------------------------------------------------------

    def _check_input(self, shape: BatchShape) -> None:
        built = self.input_shape or ()
        if len(shape) != self.input_rank or self._channels(shape) != self._channels(
            built
        ):
            raise ValueError(
                f"input must have the rank and channels that the layer was built for, "
                f"{built}, got {shape}"
            )
        if self.use_bias and self.untied_bias and shape[1:] != built[1:]:
            raise ValueError(
                f"input must have the shape that the untied bias was built for, "
                f"{built}, got {shape}"
            )

    def compute(self, x: Array, *, workspace: Space = None, **_: Any) -> Computed:
        windows = {k: v for k, v in self._windows.items() if k != "kernel_size"}
        return conv_forward(
            x,
            self.params["kernel"],
            self.params.get("bias"),
            **windows,
            groups=self.groups,
            workspace=workspace,
        )

    def gradients(self, dy: Array, cache: Any, **lent: Any) -> Gradients:
        dx, dkernel, dbias = conv_backward(dy, cache, **lent)
        return dx, named_grads(dkernel, dbias)

    def _cost(self, input_shape: Shape, **batch: Any) -> Cost:
        return conv_cost(
            input_shape,
            self.filters,
            **self._windows,
            groups=self.groups,
            **batch,
            dtype=self.dtype,
            use_bias=self.use_bias,
            untied_bias=self.untied_bias,
        )

    # Config ----------------------------------------------------------------------

    def get_config(self) -> Config:
        """
        Return the arguments that make an equal layer, with Keras's keys.

        Returns
        -------
        dict
            ``untied_bias`` stands in it only off its default, since Keras refuses keys
            that it does not know.
        """
        return {
            **super().get_config(),
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            **kernel_config(self),
            **({"untied_bias": True} if self.untied_bias else {}),
        }


class Conv1D(Conv):
    r"""
    Slide one kernel along a sequence.

    `localnet.layers.LocallyConnected1D` has the same arguments but for `groups` and
    `untied_bias`, and a kernel for every location.

    Parameters
    ----------
    filters : int
        F, outputs per location.
    kernel_size : int or tuple of 1 int
        R, the window.
    strides : int or tuple of 1 int
        Step between windows; must be 1 where `dilation_rate` is not.
    padding : {"valid", "same", "causal"} or sequence of (int, int)
        Any case. ``same`` gives ``ceil(length / stride)`` locations with as few pads as
        that needs, an odd one after the end. ``causal`` gives as many, with all pads
        before the start. Pairs: the cells, zeros, added before and after.
    data_format : {"channels_last", "channels_first"}, optional
        Default: channels_last; None is ``localnet.config.image_data_format()``.
    dilation_rate : int or tuple of 1 int
        Distance between the taps of a window.
    groups : int
        Parts of the channels that are convolved apart, each with its part of the
        filters.
    activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer
        As for `LocallyConnected1D`.
    bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint
        As for `LocallyConnected1D`.
    untied_bias : bool
        Whether every location has a bias of its own, as in LeCun's networks of 1989.
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
    localnet.layers.LocallyConnected1D : A kernel for every location.
    localnet.layers.conv_to_local : The one that computes the same.
    localnet.ops.conv_forward : The function behind it.

    Notes
    -----
    Input (N, W, C) or (N, C, W), output (N, O, F) or (N, F, O); kernel (R, C/groups, F)
    and bias (F,) in both data formats:

    .. math:: y_{nlf} = \sum_k p_{nlk} w_{kf} + b_f

    Later inputs may have other lengths, unless the bias is untied. An untied bias is
    stored as (O, F), and read as that of `LocallyConnected1D` is.

    References
    ----------
    .. [1] Keras 2, ``keras.layers.Conv1D``.
    .. [2] Y. LeCun, "Generalization and network design strategies", 1989, CRG-TR-89-4.

    Examples
    --------
    >>> layer = Conv1D(64, 3)
    >>> layer.build((None, 10, 32))
    >>> layer.output_shape, layer.count_params()
    ((None, 8, 64), 6208)
    """

    rank = 1
    paddings = ("valid", "same", "causal")

    # Keras's own default of data_format sets it apart from the other two.
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = "channels_last",
        dilation_rate: Any = 1,
        groups: int = 1,
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
        untied_bias: bool = False,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(**handed_on(locals()))


class Conv2D(Conv):
    """
    Slide one kernel over an image.

    All arguments are those of `Conv1D`, with two spatial axes.

    Parameters
    ----------
    filters : int
        F, outputs per location.
    kernel_size, strides, dilation_rate : int or tuple of 2 ints
        Rows first; one number serves both axes.
    padding : {"valid", "same"} or sequence of (int, int)
        As for `Conv1D`; there is no ``causal``.
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``, read when the layer is made.
    **kwargs
        As for `Conv1D`, in the same order.

    See Also
    --------
    Conv1D : Where every argument is explained.
    localnet.layers.LocallyConnected2D : A kernel for every location.

    References
    ----------
    .. [1] Keras 2, ``keras.layers.Conv2D``.

    Examples
    --------
    >>> layer = Conv2D(64, (3, 3))
    >>> layer.build((None, 32, 32, 3))
    >>> layer.output_shape, layer.count_params() == 3 * 3 * 3 * 64 + 64
    ((None, 30, 30, 64), True)
    >>> layer = Conv2D(64, (3, 3), untied_bias=True)
    >>> layer.build((None, 32, 32, 3))
    >>> layer.bias.shape
    (30, 30, 64)
    """

    rank = 2


class Conv3D(Conv):
    """
    Slide one kernel through a volume.

    All arguments are those of `Conv1D`, with three spatial axes.

    Parameters
    ----------
    filters : int
        F, outputs per location.
    kernel_size, strides, dilation_rate : int or tuple of 3 ints
        One number serves all three axes.
    **kwargs
        As for `Conv2D`, in the same order.

    See Also
    --------
    Conv1D : Where every argument is explained.
    localnet.layers.LocallyConnected3D : A kernel for every location.

    References
    ----------
    .. [1] Keras 2, ``keras.layers.Conv3D``.

    Examples
    --------
    >>> layer = Conv3D(2, 2)
    >>> layer.build((None, 4, 4, 4, 1))
    >>> layer.output_shape, layer.kernel.shape
    ((None, 3, 3, 3, 2), (2, 2, 2, 1, 2))
    """

    rank = 3


# Keras's other names for them.
Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
