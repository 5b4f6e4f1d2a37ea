"""Locally connected layers: convolution whose kernel differs from place to place."""

from __future__ import annotations

from typing import Any, Unpack

from ... import _validate
from ..._typing import Array, Config, Shape
from ...ops import (
    Cost,
    Sharing,
    local_conv_cost,
    shared_conv_backward,
    shared_conv_forward,
    taps_inside,
)
from .._base.arguments import CommonArguments, handed_on
from .._base.kernel import kernel_config, named_grads
from .._base.pure import Computed, Gradients, Space
from .._base.shapes import BatchShape
from .._base.windowed import WindowedLayer

__all__ = [
    "LocallyConnected",
    "LocallyConnected1D",
    "LocallyConnected2D",
    "LocallyConnected3D",
]


class LocallyConnected(WindowedLayer):
    """The one implementation behind the three public classes, told apart by `rank`."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        implementation: int = 1,
        *,
        dilation_rate: Any = 1,
        fans: str = "keras",
        share: Any = 1,
        tile: Any = None,
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        super().__init__(**handed_on(locals(), "implementation", "share", "tile"))
        with self._named():
            self.implementation = _validate.integer(
                "implementation", implementation, minimum=1, maximum=3
            )
            self.share = _validate.sizes("share", share, self.rank)
            if tile is not None:
                tile = _validate.sizes("tile", tile, self.rank)
            self.tile: Shape | None = tile

    # Weights ---------------------------------------------------------------------

    @property
    def shares(self) -> bool:
        """Whether locations may have weights in common, which Keras does not know."""
        return max(self.share) > 1 or self.tile is not None

    def sharing(self, input_shape: BatchShape) -> Sharing:
        """
        Return which locations have a kernel in common, over a shape of the input.

        Parameters
        ----------
        input_shape : tuple of int or None
            Batch axis first.

        Returns
        -------
        Sharing
            One for each location, unless `share` or `tile` says otherwise.
        """
        sizes = self.geometry(input_shape).output_sizes
        return Sharing.of(sizes, self.share, self.tile)

    @property
    def kernel_shape(self) -> Shape:
        """Shape of the kernel; by Keras's implementation 1, whatever the layer's is."""
        shape: Shape = self.kernel.shape
        return shape

    def _output_size(self, axis: int) -> int:
        """Return how many locations there are along an axis."""
        if self.input_shape is None or not self.built:
            # As Keras has it, so that hasattr works.
            raise AttributeError(f"{self.name}: sizes of the output need a built layer")
        return self.geometry(self.input_shape).output_sizes[axis]

    def _located_shapes(self, input_shape: BatchShape) -> tuple[Shape, Shape]:
        sharing = self.sharing(input_shape)
        patch_size = self.geometry(input_shape).patch_size
        return (sharing.count, patch_size, self.filters), (*sharing.sizes, self.filters)

    def _kernel_mask(self, input_shape: BatchShape) -> Array | None:
        return taps_inside(self.geometry(input_shape), self.share, self.tile)

    # Forward and backward --------------------------------------------------------

    def compute(self, x: Array, *, workspace: Space = None, **_: Any) -> Computed:
        return shared_conv_forward(
            x,
            self.params["kernel"],
            self.params.get("bias"),
            share=self.share,
            tile=self.tile,
            **self._windows,
            workspace=workspace,
        )

    def gradients(self, dy: Array, cache: Any, **lent: Any) -> Gradients:
        dx, dkernel, dbias = shared_conv_backward(dy, cache, **lent)
        return dx, named_grads(dkernel, dbias)

    def _cost(self, input_shape: Shape, **batch: Any) -> Cost:
        return local_conv_cost(
            input_shape,
            self.filters,
            share=self.share,
            tile=self.tile,
            **self._windows,
            **batch,
            dtype=self.dtype,
            use_bias=self.use_bias,
        )

    # Config ----------------------------------------------------------------------

    def get_config(self) -> Config:
        """
        Return the arguments that make an equal layer, with Keras's keys.

        Returns
        -------
        dict
            ``dilation_rate``, ``fans``, ``share`` and ``tile`` stand in it only off
            their defaults, since Keras refuses keys that it does not know.
        """
        return {
            **super().get_config(),
            **kernel_config(self),
            "implementation": self.implementation,
            **self._located_config(),
            **({"share": self.share} if max(self.share) > 1 else {}),
            **({"tile": self.tile} if self.tile is not None else {}),
        }


class LocallyConnected1D(LocallyConnected):
    r"""
    Connect every window of a sequence to outputs by weights of its own.

    Like a 1-D convolution, but the weights are not shared between locations.

    Parameters
    ----------
    filters : int
        F, outputs per location.
    kernel_size : int or tuple of 1 int
        R, the window.
    strides : int or tuple of 1 int
        Step between windows; must be 1 where `dilation_rate` is not.
    padding : {"valid", "same"} or sequence of (int, int)
        Any case. ``same`` gives ``ceil(length / stride)`` locations. Pairs: the cells,
        zeros, that are added before and after each axis.
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``, read when the layer is made.
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
    implementation : {1, 2, 3}
        Kept for old configs; weights have the layout of implementation 1 always.
    dilation_rate : int or tuple of 1 int
        Distance between the taps of a window.
    fans : {"keras", "local"}
        What initializers of the VarianceScaling family take for fan_in and fan_out.
        ``keras``: counts the locations too, so that the layer starts small.
        ``local``: R*C and R*F, as for the convolution that it replaces.
    share : int or tuple of 1 int
        Neighbouring locations that use one kernel and one bias; the last ones may be
        fewer. 1: none are shared; the number of locations, or more: a convolution.
    tile : int, tuple of 1 int or None
        After so many kernels they repeat; ``None``: never. 1: a convolution.
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
    localnet.ops.local_conv_forward : The function behind it.

    Notes
    -----
    Input (N, W, C) or (N, C, W), output (N, O, F) or (N, F, O); kernel (O, R*C, F) and
    bias (O, F) in both data formats:

    .. math:: y_{nlf} = \sum_k p_{nlk} w_{lkf} + b_{lf}

    Keras's quirks are kept: the K values of the kernel are ordered (tap, channel) for
    channels_last and (channel, tap) for channels_first, and for channels_first the bias
    is reshaped, not transposed.

    With `share` or `tile` location l belongs to group ``(l // share) % tile``, and the
    kernel has the shape (G, R*C, F), the bias (G, F). See
    `localnet.ops.shared_conv_forward`.

    References
    ----------
    .. [1] Keras 2, ``keras.layers.LocallyConnected1D``.

    Examples
    --------
    >>> layer = LocallyConnected1D(64, 3)
    >>> layer.build((None, 10, 32))
    >>> layer.output_shape, layer.count_params()
    ((None, 8, 64), 49664)
    """

    rank = 1

    @property
    def output_length(self) -> int:
        """Number of locations, as Keras calls it."""
        return self._output_size(0)


class LocallyConnected2D(LocallyConnected):
    """
    Connect every window of an image to outputs by weights of its own.

    Like a 2-D convolution, but the weights are not shared between locations. All
    arguments are those of `LocallyConnected1D`, with two spatial axes.

    Parameters
    ----------
    filters : int
        F, outputs per location.
    kernel_size, strides, dilation_rate, share, tile : int or tuple of 2 ints
        Rows first; one number serves both axes.
    **kwargs
        As for `LocallyConnected1D`, in the same order.

    See Also
    --------
    LocallyConnected1D : Where every argument is explained.

    Notes
    -----
    Input (N, H, W, C) or (N, C, H, W); kernel (O_h*O_w, R_h*R_w*C, F), locations in
    row-major order; bias (O_h, O_w, F) in both data formats.

    References
    ----------
    .. [1] Keras 2, ``keras.layers.LocallyConnected2D``.

    Examples
    --------
    >>> layer = LocallyConnected2D(64, (3, 3))
    >>> layer.build((None, 32, 32, 3))
    >>> layer.output_shape
    (None, 30, 30, 64)
    >>> layer.count_params() == (30 * 30) * (3 * 3 * 3 * 64) + (30 * 30) * 64
    True
    """

    rank = 2

    @property
    def output_row(self) -> int:
        """Number of rows of locations, as Keras calls it."""
        return self._output_size(0)

    @property
    def output_col(self) -> int:
        """Number of columns of locations, as Keras calls it."""
        return self._output_size(1)


class LocallyConnected3D(LocallyConnected):
    """
    Connect every window of a volume to outputs by weights of its own.

    Keras never had it; it is the same layer with three spatial axes.

    Parameters
    ----------
    filters : int
        F, outputs per location.
    kernel_size, strides, dilation_rate, share, tile : int or tuple of 3 ints
        One number serves all three axes.
    **kwargs
        As for `LocallyConnected1D`, in the same order.

    See Also
    --------
    LocallyConnected1D : Where every argument is explained.

    Examples
    --------
    >>> layer = LocallyConnected3D(2, 2)
    >>> layer.build((None, 4, 4, 4, 1))
    >>> layer.output_shape, layer.kernel.shape
    ((None, 3, 3, 3, 2), (27, 8, 2))
    """

    rank = 3
