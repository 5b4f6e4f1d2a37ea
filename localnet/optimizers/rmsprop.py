"""RMSprop: steps in units of the gradient's root mean square."""

from typing import ClassVar, Unpack

import numpy as np

from .. import _validate
from .._typing import Array
from ..ops.runtime.pieces import in_pieces
from .base import Common, Optimizer
from .live import Number
from .schedules import Schedule

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    r"""
    Divide the gradient by the root of a running mean of its square.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number, or a schedule such as `CosineDecay`.
    rho : float, default 0.9
        Part of the mean that is kept at each update, from 0 to 1.
    momentum : float, default 0.0
        Part of the last step that is kept, from 0 to 1.
    epsilon : float, default 1e-7
        Added to the mean square, under the root; not negative.
    centered : bool, default False
        Divide by the standard deviation: subtract the square of a running mean of the
        gradient from the mean square.
    **common
        Arguments of every optimizer: see `Optimizer`.

    Raises
    ------
    ValueError
        If a number is out of its range, or as for `Optimizer`.

    See Also
    --------
    Adam : With a mean of the gradient too.
    LegacyRMSprop : The rule before Keras 2.11, with `epsilon` outside the root.

    Notes
    -----
    Of the common arguments ``ema_overwrite_frequency`` is 100 by default here, as in
    Keras; it has no effect without ``use_ema``.

    With the gradient ``g`` after clipping, and with the velocity ``v``, the average
    gradient ``a`` and the momentum ``m``, which start at 0:

    .. math::

        v &\leftarrow \rho v + (1 - \rho) g^2 \\
        a &\leftarrow \rho a + (1 - \rho) g \quad\text{if centered, else } a = 0 \\
        m &\leftarrow \mu m + \frac{\eta\, g}{\sqrt{v - a^2 + \epsilon}} \\
        w &\leftarrow w - m

    References
    ----------
    .. [1] T. Tieleman, G. Hinton, "Lecture 6.5: RMSprop", Coursera: Neural Networks for
       Machine Learning, 2012.
    .. [2] A. Graves, "Generating sequences with recurrent neural networks", 2013,
       arXiv:1308.0850.

    Examples
    --------
    >>> w = np.array([1.0])
    >>> rmsprop = RMSprop(0.25, rho=0.75, epsilon=0.0)
    >>> rmsprop.update([w], [np.array([2.0])])  # v = 1
    >>> w
    array([0.5])
    """

    slot_names: ClassVar[tuple[str, ...]] = (
        "average",
        "velocity",
        "momentum",
        "average_gradient",
    )
    own_arguments: ClassVar[tuple[str, ...]] = (
        "rho",
        "momentum",
        "epsilon",
        "centered",
    )

    rho = Number(_validate.number, minimum=0.0, maximum=1.0)
    _rho: float
    momentum = Number(_validate.number, minimum=0.0, maximum=1.0)
    _momentum: float
    centered = _validate.Checked(_validate.flag)
    epsilon = _validate.Checked(_validate.number, minimum=0.0)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **common: Unpack[Common],
    ) -> None:
        common.setdefault("ema_overwrite_frequency", 100)
        super().__init__(learning_rate, **common)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = 1e-7 if epsilon is None else epsilon
        self.centered = centered

    def _needs(self, slot: str) -> bool:
        if slot == "momentum":
            return bool(self._momentum > 0)
        return self.centered if slot == "average_gradient" else super()._needs(slot)

    def _step(self, index: int, param: Array, grad: Array, rate: float) -> None:
        def descend(w: Array, g: Array, v: Array, *more: Array) -> None:
            rest = iter(more)
            v *= self._rho
            v += (1 - self._rho) * (g * g)
            variance = v
            if self.centered:
                a = next(rest)
                a *= self._rho
                a += (1 - self._rho) * g
                variance = v - a * a
            step = rate * g / self._root(variance)
            if self._momentum > 0:
                m = next(rest)
                m *= self._momentum
                m += step
                step = m
            w -= step

        used = [name for name in ("average_gradient", "momentum") if self._needs(name)]
        in_pieces(descend, param, grad, *self._slots_at(index, "velocity", *used))

    def _root(self, variance: Array) -> Array:
        root: Array = np.sqrt(variance + self.epsilon)
        return root
