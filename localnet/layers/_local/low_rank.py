"""
Locally connected layers of low rank: the kernels of all locations are mixtures of few.

This is the layer of Elsayed et al. 2020 with combining weights that do not depend on
the input, in one, two or three dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Unpack

from ... import _validate, initializers
from ..._typing import Array, Config, Shape
from ...activations import softmax_backward, softmax_forward
from ...ops import (
    Cost,
    local_conv_backward,
    local_conv_forward,
    located_bias_backward,
    located_bias_forward,
    low_rank_conv_cost,
    mix_kernels_backward,
    mix_kernels_forward,
    outer_sum_backward,
    outer_sum_forward,
)
from .._base.arguments import CommonArguments, handed_on, serialized, take_rules
from .._base.kernel import kernel_config
from .._base.pure import Computed, Gradients, Space
from .._base.shapes import BatchShape
from .._base.windowed import WindowedLayer

__all__ = [
    "LowRankLocallyConnected1D",
    "LowRankLocallyConnected2D",
    "LowRankLocallyConnected3D",
]

# Start values that make the layer a convolution, whatever its rank.
AS_CONVOLUTION = "conv_init"
NORMALIZED = "softmax"
# Arguments that other layers with windows do not have.
OWN = (
    *("spatial_rank", "separable", "normalize_weights", "use_spatial_bias"),
    *("combining_weights_initializer", "combining_weights_regularizer"),
    "combining_weights_constraint",
)


class LowRankCache(NamedTuple):
    """What each step of the way back needs."""

    tables: Any
    normalization: Any
    mixing: Any
    bias: Any
    conv: Any


class LowRankLocallyConnected(WindowedLayer):
    """The one implementation behind the three public classes, told apart by `rank`."""

    combining_weights_regularizer: Any
    combining_weights_constraint: Any

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "he_uniform",
        combining_weights_initializer: Any = AS_CONVOLUTION,
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        combining_weights_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        combining_weights_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        spatial_rank: int,
        separable: bool = True,
        normalize_weights: str | None = NORMALIZED,
        use_spatial_bias: bool = True,
        dilation_rate: Any = 1,
        fans: str = "local",
        **kwargs: Unpack[CommonArguments],
    ) -> None:
        given = locals()
        super().__init__(**handed_on(given, *OWN))
        with self._named():
            self.spatial_rank = _validate.integer(
                "spatial_rank", spatial_rank, minimum=1
            )
            self.separable = _validate.flag("separable", separable)
            normalized = _validate.is_word(normalize_weights, NORMALIZED)
            if not (normalized or normalize_weights is None):
                raise ValueError(
                    f"normalize_weights must be {NORMALIZED!r} or None, "
                    f"got {_validate.shown(normalize_weights)}"
                )
            self.normalize_weights = normalize_weights
            self.use_spatial_bias = _validate.flag("use_spatial_bias", use_spatial_bias)
            self.combining_weights_initializer = combining_weights_initializer
            as_convolution = _validate.is_word(
                combining_weights_initializer, AS_CONVOLUTION
            )
            take_rules(self, {n: given[n] for n in OWN[4 + as_convolution :]})

    # Weights ---------------------------------------------------------------------

    def _places(self, input_shape: BatchShape) -> list[int]:
        """Return the places that each table has one row for."""
        sizes = self.geometry(input_shape).output_sizes
        return list(sizes) if self.separable else [math.prod(sizes)]

    def _numbered(self, name: str) -> list[str]:
        """Return the names of the tables: numbered by axis, if there are several."""
        if self.rank == 1 or not self.separable:
            return [name]
        return [f"{name}_{axis}" for axis in range(self.rank)]

    @property
    def _biases(self) -> list[str]:
        """Return the names of the parts of the bias: that of the filters, of places."""
        if not self.use_bias:
            return []
        located = self._numbered("spatial_bias") if self.use_spatial_bias else []
        return ["bias", *located]

    def _located_shapes(self, input_shape: BatchShape) -> tuple[Shape, Shape]:
        patch_size = self.geometry(input_shape).patch_size
        return (self.spatial_rank, patch_size, self.filters), (self.filters,)

    def weight_shapes(self, input_shape: Sequence[int | None]) -> dict[str, Shape]:
        """Return the shapes of all weights; see `Layer.weight_shapes`."""
        shapes = super().weight_shapes(input_shape)
        places = self._places(tuple(input_shape))
        names = self._numbered("combining")
        for name, size in zip(names, places, strict=True):
            shapes[name] = (size, self.spatial_rank)
        for name, size in zip(self._biases[1:], places, strict=False):
            shapes[name] = (size,)
        return shapes

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create all weights; see `Layer.build`."""
        super().build(input_shape)
        names = self._numbered("combining")
        initializer = self.combining_weights_initializer
        if initializer == AS_CONVOLUTION:
            share = 1 / (len(names) * math.sqrt(self.spatial_rank))
            initializer = initializers.Constant(share)
        combining = self._rules_of("combining_weights") | {"initializer": initializer}
        bias = self._rules_of("bias")
        for name, shape in self.weight_shapes(input_shape).items():
            if name not in ("kernel", "bias"):
                self.add_weight(name, shape, **(combining if name in names else bias))

    # Forward and backward --------------------------------------------------------

    def compute(self, x: Array, *, workspace: Space = None, **_: Any) -> Computed:
        tables = [self.params[name] for name in self._numbered("combining")]
        mixture, tables_cache = outer_sum_forward(*tables)
        mixture = mixture.reshape(-1, self.spatial_rank)
        normalization = None
        if self.normalize_weights is not None:
            mixture, normalization = softmax_forward(mixture)
        kernel, mixing = mix_kernels_forward(
            mixture, self.params["kernel"], workspace=workspace
        )
        bias = bias_cache = None
        if self.use_bias:
            parts = [self.params[name] for name in self._biases]
            bias, bias_cache = located_bias_forward(
                *parts, geometry=self.geometry(x.shape), workspace=workspace
            )
        y, conv = local_conv_forward(
            x, kernel, bias, **self._windows, workspace=workspace
        )
        return y, LowRankCache(tables_cache, normalization, mixing, bias_cache, conv)

    def gradients(self, dy: Array, cache: LowRankCache, **lent: Any) -> Gradients:
        dx, dkernel, dbias = local_conv_backward(dy, cache.conv, **lent)
        dmixture, dbasis = mix_kernels_backward(
            dkernel, cache.mixing, workspace=lent.get("workspace")
        )
        if cache.normalization is not None:
            dmixture = softmax_backward(dmixture, cache.normalization)
        sizes = [size for size, _ in cache.tables.shapes]
        dtables = outer_sum_backward(
            dmixture.reshape(*sizes, self.spatial_rank), cache.tables
        )
        grads = {"kernel": dbasis}
        grads |= zip(self._numbered("combining"), dtables, strict=True)
        if dbias is not None:
            dparts = located_bias_backward(dbias, cache.bias)
            grads |= zip(self._biases, dparts, strict=True)
        return dx, {name: grads[name] for name in self.params}

    def _cost(self, input_shape: Shape, **batch: Any) -> Cost:
        shapes = self.weight_shapes((None, *input_shape)).values()
        return low_rank_conv_cost(
            input_shape,
            self.filters,
            spatial_rank=self.spatial_rank,
            parameters=sum(math.prod(shape) for shape in shapes),
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
            Keras has no such layer, and its keys are those of the constructor.
        """
        initializer = self.combining_weights_initializer
        if initializer != AS_CONVOLUTION:
            initializer = initializers.serialize(initializer)
        return {
            **super().get_config(),
            **kernel_config(self),
            "combining_weights_initializer": initializer,
            **serialized(
                self, "combining_weights_regularizer", "combining_weights_constraint"
            ),
            "spatial_rank": self.spatial_rank,
            "separable": self.separable,
            "normalize_weights": self.normalize_weights,
            "use_spatial_bias": self.use_spatial_bias,
            "dilation_rate": self.dilation_rate,
            "fans": self.fans,
        }


class LowRankLocallyConnected1D(LowRankLocallyConnected):
    r"""
    Connect every window of a sequence by a mixture of a few kernels.

    It lies between a convolution, which it is at rank 1, and `LocallyConnected1D`: each
    location mixes the kernels of a basis in its own way.

    Parameters
    ----------
    filters : int
        F, outputs per location.
    kernel_size : int or tuple of 1 int
        R, the window.
    strides : int or tuple of 1 int
        Step between windows; must be 1 where `dilation_rate` is not.
    padding : {"valid", "same"} or sequence of (int, int)
        As in `LocallyConnected1D`.
    data_format : {"channels_last", "channels_first"}, optional
        Default: ``localnet.config.image_data_format()``, read when the layer is made.
    activation : str, callable, (forward, backward) pair, layer or None
        Applied last; ``None`` is linear.
    use_bias : bool
        Whether there is a bias for each filter.
    kernel_initializer, combining_weights_initializer, bias_initializer : initializer
        How basis, combining weights and all biases are born. ``conv_init``: combining
        weights that are equal everywhere, so that the layer starts as a convolution.
    kernel_regularizer, combining_weights_regularizer, bias_regularizer : regularizer
        Penalties on the weights; or None.
    activity_regularizer : regularizer or None
        Penalty on the output, divided by the batch size.
    kernel_constraint, combining_weights_constraint, bias_constraint : constraint
        Applied after every update; or None.
    spatial_rank : int
        Kernels in the basis.
    separable : bool
        Whether combining weights and spatial biases are sums of one table per axis, as
        published, or have a row for every location. In one dimension it is the same.
    normalize_weights : {"softmax", None}
        ``softmax``: the shares of a location are positive and sum to one, as published.
        ``None``: they are the combining weights themselves.
    use_spatial_bias : bool
        Whether a bias for each place is added to that for each filter; none is without
        `use_bias`.
    dilation_rate : int or tuple of 1 int
        Distance between the taps of a window.
    fans : {"local", "keras"}
        What initializers of the VarianceScaling family take for fan_in and fan_out of
        the basis: R*C and R*F, as for a convolution, or what Keras reads off its shape,
        rank included.
    **kwargs
        name, trainable, dtype, input_shape, batch_input_shape, input_dim, batch_size,
        weights.

    Raises
    ------
    ValueError
        If an argument breaks its rule.
    TypeError
        If a keyword is unknown or `spatial_rank` is missing.

    See Also
    --------
    localnet.ops.mix_kernels_forward : How the kernels are made.
    LocallyConnected1D : The layer of full rank.

    Notes
    -----
    With the basis v, which is the weight ``kernel`` of shape (rank, R*C, F), and the
    combining weights t of shape (O, rank), of which there is one table for each axis,

    .. math::
        a_{l} = \mathrm{softmax}(t_l), \quad
        w_{lkf} = \sum_r a_{lr} v_{rkf}, \quad
        y_{nlf} = \sum_k p_{nlk} w_{lkf} + s_l + b_f

    for channels_first the K values are ordered (channel, tap). The weights are kernel,
    bias, ``combining`` and ``spatial_bias``, the last two numbered by axis where there
    are several. The kernel of every location is made for each batch, so that this takes
    the memory of a locally connected layer, but not its parameters.

    References
    ----------
    .. [1] G. F. Elsayed, P. Ramachandran, J. Shlens and S. Kornblith, "Revisiting
       spatial invariance with low-rank local connectivity", 2020, arXiv:2002.02959.

    Examples
    --------
    >>> layer = LowRankLocallyConnected1D(64, 3, spatial_rank=2)
    >>> layer.build((None, 10, 32))
    >>> {name: value.shape for name, value in layer.params.items()}
    {'kernel': (2, 96, 64), 'bias': (64,), 'combining': (8, 2), 'spatial_bias': (8,)}
    """

    rank = 1


class LowRankLocallyConnected2D(LowRankLocallyConnected):
    """
    Connect every window of an image by a mixture of a few kernels.

    All arguments are those of `LowRankLocallyConnected1D`, with two spatial axes.

    Parameters
    ----------
    filters : int
        F, outputs per location.
    kernel_size, strides, dilation_rate : int or tuple of 2 ints
        Rows first; one number serves both axes.
    **kwargs
        As for `LowRankLocallyConnected1D`, in the same order.

    See Also
    --------
    LowRankLocallyConnected1D : Where every argument is explained.

    Examples
    --------
    >>> layer = LowRankLocallyConnected2D(64, 3, spatial_rank=4)
    >>> layer.build((None, 32, 32, 3))
    >>> layer.count_params() == 4 * 27 * 64 + 64 + 2 * 30 * 4 + 2 * 30
    True
    """

    rank = 2


class LowRankLocallyConnected3D(LowRankLocallyConnected):
    """
    Connect every window of a volume by a mixture of a few kernels.

    All arguments are those of `LowRankLocallyConnected1D`, with three spatial axes.

    Parameters
    ----------
    filters : int
        F, outputs per location.
    kernel_size, strides, dilation_rate : int or tuple of 3 ints
        One number serves all three axes.
    **kwargs
        As for `LowRankLocallyConnected1D`, in the same order.

    See Also
    --------
    LowRankLocallyConnected1D : Where every argument is explained.

    Examples
    --------
    >>> layer = LowRankLocallyConnected3D(2, 2, spatial_rank=3)
    >>> layer.weight_shapes((None, 4, 5, 6, 1))["combining_2"]
    (5, 3)
    """

    rank = 3
