"""Initializers whose spread follows from the number of inputs and outputs."""

import math
from collections.abc import Iterable

import numpy as np

from .. import _validate, config
from .._typing import Array, DTypeLike, Shape
from .drawn import RandomInitializer, Seed
from .draws import normal, truncated_normal, uniform

__all__ = [
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
    "VarianceScaling",
    "compute_fans",
]

# Standard deviation of a standard normal variable cut at 2, as Keras writes it.
TRUNCATED_STDDEV = 0.87962566103423978

MODES = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


def compute_fans(shape: Iterable[int]) -> tuple[int, int]:
    """
    Compute the fans: how many inputs and outputs Keras counts for a weight.

    Parameters
    ----------
    shape : tuple of int
        Shape of the weight.

    Returns
    -------
    fan_in : int
        For a shape (..., a, b), ``prod(...) * a``.
    fan_out : int
        Likewise, ``prod(...) * b``. Rank 1 gives its length for both, rank 0 gives 1.

    Raises
    ------
    ValueError
        If `shape` is not made of integers >= 0.

    See Also
    --------
    VarianceScaling : Uses these numbers, unless it is called with others.

    Notes
    -----
    Keras takes every leading axis for the window of a convolution, whatever it is. In
    the (L, K, F) kernel of a locally connected layer that axis is the *location*: both
    fans are multiplied by L, and the weights start smaller than those of a convolution
    by a factor of about sqrt(L). A layer with ``fans="local"`` hands its own fans to
    the call instead.

    Examples
    --------
    >>> compute_fans((3, 3, 16, 32))  # a convolution
    (144, 288)
    >>> compute_fans((9, 12, 2))  # 9 locations; a filter sees 12 values
    (108, 18)
    """
    sizes = _validate.shape("shape", shape)
    if len(sizes) < 2:
        return math.prod(sizes), math.prod(sizes)
    window = math.prod(sizes[:-2])
    return window * sizes[-2], window * sizes[-1]


class VarianceScaling(RandomInitializer):
    r"""
    Draw with a variance that is inverse to the number of inputs or outputs.

    So signals, or gradients, keep their scale from layer to layer.

    Parameters
    ----------
    scale : float, default 1.0
        Positive factor of the variance.
    mode : {"fan_in", "fan_out", "fan_avg"}, default "fan_in"
        Which number counts: the inputs, the outputs or their mean.
    distribution : str, default "truncated_normal"
        ``"truncated_normal"`` (or ``"normal"``), ``"untruncated_normal"`` or
        ``"uniform"``.
    seed : int, SeedSequence or None, default None
        Source of the numbers; without it, the ``rng`` of the call is used.

    Raises
    ------
    ValueError
        If an argument breaks these rules; when called, if `fans` is not a pair of
        integers >= 0.

    See Also
    --------
    compute_fans : How the inputs and outputs are counted.
    GlorotUniform : Keras's choice for kernels.

    Notes
    -----
    .. math:: \mathrm{var}(w) = s = \frac{scale}{\max(1, n)}, \qquad n = fan\_in,
        \; fan\_out \; \text{or} \; \tfrac{1}{2} (fan\_in + fan\_out)

    The uniform distribution ends at :math:`\pm\sqrt{3 s}`. The normal one is cut at two
    of its standard deviations, which are :math:`\sqrt{s} / 0.8796`, so that
    :math:`\sqrt{s}` remains after the cut.

    A call takes ``fans=(fan_in, fan_out)`` in place of `compute_fans`.

    Examples
    --------
    >>> w = VarianceScaling(distribution="uniform", seed=1)((300, 200))
    >>> print(f"{abs(w).max():.3f}")  # sqrt(3 / 300)
    0.100
    >>> VarianceScaling(distribution="Normal").distribution
    'truncated_normal'
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Seed = None,
    ) -> None:
        super().__init__(seed)
        self.scale = _validate.number("scale", scale, minimum=0.0, open_minimum=True)
        self.mode = _validate.choice("mode", mode, MODES)
        word = _validate.choice(
            "distribution", distribution, (*DISTRIBUTIONS, "normal")
        )
        self.distribution = "truncated_normal" if word == "normal" else word

    def __call__(
        self,
        shape: Iterable[int],
        dtype: DTypeLike | None = None,
        *,
        rng: np.random.Generator | None = None,
        fans: tuple[int, int] | None = None,
    ) -> Array:
        """Return a new array; `fans` are ``(fan_in, fan_out)``."""
        return self._draw(
            _validate.shape("shape", shape), config.float_dtype(dtype), rng, fans
        )

    def _draw(
        self,
        shape: Shape,
        dtype: np.dtype,
        rng: np.random.Generator | None,
        fans: tuple[int, int] | None = None,
    ) -> Array:
        if fans is None:
            fan_in, fan_out = compute_fans(shape)
        else:
            fan_in, fan_out = _validate.sizes("fans", fans, 2, minimum=0)
        stddev = self.stddev(fan_in, fan_out)
        generator = self._generator(rng)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0) * stddev
            return uniform(generator, shape, dtype, -limit, limit)
        if self.distribution == "untruncated_normal":
            return normal(generator, shape, dtype, 0.0, stddev)
        return truncated_normal(generator, shape, dtype, 0.0, stddev / TRUNCATED_STDDEV)

    def stddev(self, fan_in: int, fan_out: int) -> float:
        """
        Return the standard deviation of the weights that are drawn for these fans.

        Parameters
        ----------
        fan_in, fan_out : int
            As `compute_fans` counts them, or by another rule.

        Returns
        -------
        float
            The root of the variance above.
        """
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        return math.sqrt(self.scale / max(1.0, n[self.mode]))


class GlorotNormal(VarianceScaling):
    r"""
    Draw from a truncated normal distribution, for layers with symmetric activations.

    Parameters
    ----------
    seed : int, SeedSequence or None, default None
        Source of the numbers; without it, the ``rng`` of the call is used.

    See Also
    --------
    GlorotUniform : The same spread, drawn evenly.

    Notes
    -----
    Standard deviation :math:`\sqrt{2 / (fan\_in + fan\_out)}` after the cut: scale 1.0,
    mode ``fan_avg``.
    For the fans, and for ``fans=`` in a call, see `compute_fans` and `VarianceScaling`.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> w = GlorotNormal(seed=1)((150, 50))
    >>> print(f"{w.std():.2f}")  # sqrt(2 / (150 + 50))
    0.10
    """

    def __init__(self, seed: Seed = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class GlorotUniform(VarianceScaling):
    r"""
    Draw evenly, for layers with symmetric activations.

    Parameters
    ----------
    seed : int, SeedSequence or None, default None
        Source of the numbers; without it, the ``rng`` of the call is used.

    See Also
    --------
    GlorotNormal : The same spread, normally distributed.

    Notes
    -----
    Uniform on :math:`\pm\sqrt{6 / (fan\_in + fan\_out)}`: scale 1.0, mode ``fan_avg``.
    For the fans, and for ``fans=`` in a call, see `compute_fans` and `VarianceScaling`.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> w = GlorotUniform(seed=1)((400, 200))
    >>> print(f"{abs(w).max():.3f}")  # sqrt(6 / (400 + 200))
    0.100

    Nine locations count nine times in both fans, so the ends come 3 times nearer to 0:

    >>> w = GlorotUniform(seed=1)((9, 400, 200))
    >>> print(f"{abs(w).max():.3f}")
    0.033
    """

    def __init__(self, seed: Seed = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


class HeNormal(VarianceScaling):
    r"""
    Draw from a truncated normal distribution, for layers with relu.

    Parameters
    ----------
    seed : int, SeedSequence or None, default None
        Source of the numbers; without it, the ``rng`` of the call is used.

    See Also
    --------
    HeUniform : The same spread, drawn evenly.

    Notes
    -----
    Standard deviation :math:`\sqrt{2 / fan\_in}` after the cut: scale 2.0,
    mode ``fan_in``.
    For the fans, and for ``fans=`` in a call, see `compute_fans` and `VarianceScaling`.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers: Surpassing
       human-level performance on ImageNet classification", ICCV 2015,
       arXiv:1502.01852.

    Examples
    --------
    >>> w = HeNormal(seed=1)((200, 50))
    >>> print(f"{w.std():.2f}")  # sqrt(2 / 200)
    0.10
    """

    def __init__(self, seed: Seed = None) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


class HeUniform(VarianceScaling):
    r"""
    Draw evenly, for layers with relu.

    Parameters
    ----------
    seed : int, SeedSequence or None, default None
        Source of the numbers; without it, the ``rng`` of the call is used.

    See Also
    --------
    HeNormal : The same spread, normally distributed.

    Notes
    -----
    Uniform on :math:`\pm\sqrt{6 / fan\_in}`: scale 2.0, mode ``fan_in``.
    For the fans, and for ``fans=`` in a call, see `compute_fans` and `VarianceScaling`.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers: Surpassing
       human-level performance on ImageNet classification", ICCV 2015,
       arXiv:1502.01852.

    Examples
    --------
    >>> w = HeUniform(seed=1)((600, 50))
    >>> print(f"{abs(w).max():.3f}")  # sqrt(6 / 600)
    0.100
    """

    def __init__(self, seed: Seed = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


class LecunNormal(VarianceScaling):
    r"""
    Draw from a truncated normal distribution, so that unit inputs give unit sums.

    Parameters
    ----------
    seed : int, SeedSequence or None, default None
        Source of the numbers; without it, the ``rng`` of the call is used.

    See Also
    --------
    LecunUniform : The same spread, drawn evenly.

    Notes
    -----
    Standard deviation :math:`\sqrt{1 / fan\_in}` after the cut: scale 1.0,
    mode ``fan_in``.
    For the fans, and for ``fans=`` in a call, see `compute_fans` and `VarianceScaling`.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient BackProp", in Neural
       Networks: Tricks of the Trade, 1998.

    Examples
    --------
    >>> w = LecunNormal(seed=1)((100, 50))
    >>> print(f"{w.std():.2f}")  # sqrt(1 / 100)
    0.10
    """

    def __init__(self, seed: Seed = None) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed)


class LecunUniform(VarianceScaling):
    r"""
    Draw evenly, so that unit inputs give unit sums.

    Parameters
    ----------
    seed : int, SeedSequence or None, default None
        Source of the numbers; without it, the ``rng`` of the call is used.

    See Also
    --------
    LecunNormal : The same spread, normally distributed.

    Notes
    -----
    Uniform on :math:`\pm\sqrt{3 / fan\_in}`: scale 1.0, mode ``fan_in``.
    For the fans, and for ``fans=`` in a call, see `compute_fans` and `VarianceScaling`.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, G. Orr and K.-R. Müller, "Efficient BackProp", in Neural
       Networks: Tricks of the Trade, 1998.

    Examples
    --------
    >>> w = LecunUniform(seed=1)((300, 50))
    >>> print(f"{abs(w).max():.3f}")  # sqrt(3 / 300)
    0.100
    """

    def __init__(self, seed: Seed = None) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed)
