"""Nadam: Adam that looks one momentum step ahead."""

from typing import ClassVar, Unpack

import numpy as np

from .. import _validate
from .._typing import Array
from ..ops.runtime.pieces import in_pieces
from .base import Common, Optimizer
from .live import Number
from .schedules import Schedule

__all__ = ["Nadam"]

# 1 minus anything smaller is 1.
NEGLIGIBLE = 2.0**-54


class Nadam(Optimizer):
    r"""
    Adam with Nesterov's momentum, which grows with the number of updates.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number, or a schedule such as `CosineDecay`.
    beta_1 : float, default 0.9
        Part of the mean that is kept at each update, from 0 to below 1.
    beta_2 : float, default 0.999
        The same for the mean square.
    epsilon : float, default 1e-7
        Added to the root, not negative.
    **common
        Arguments of every optimizer: see `Optimizer`.

    Raises
    ------
    ValueError
        If a number is out of its range, or as for `Optimizer`.

    See Also
    --------
    Adam : Without Nesterov's momentum.
    LegacyNadam : The rule before Keras 2.11, whose momentum grows more slowly.

    Notes
    -----
    At update ``t``, counted from 1, with ``m`` and ``v``, which start at 0:

    .. math::

        \mu_t &= \beta_1 (1 - 0.96^t / 2), \quad \pi_t = \mu_1 \cdots \mu_t \\
        m &\leftarrow m + (1 - \beta_1)(g - m) \\
        v &\leftarrow v + (1 - \beta_2)(g^2 - v) \\
        \hat m &= \frac{\mu_{t+1}\, m}{1 - \pi_{t+1}}
            + \frac{(1 - \mu_t)\, g}{1 - \pi_t}, \quad
            \hat v = \frac{v}{1 - \beta_2^t} \\
        w &\leftarrow w - \frac{\eta\, \hat m}{\sqrt{\hat v} + \epsilon}

    Keras rounds 0.96 to float32; here it is exact. The product :math:`\pi_t` follows
    from ``t``, so it is no part of the state; Keras forgets it in its files.

    References
    ----------
    .. [1] T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop.

    Examples
    --------
    >>> w = np.array([1.0])
    >>> Nadam(0.5, beta_1=0.0, epsilon=0.0).update([w], [np.array([2.0])])
    >>> w
    array([0.5])
    """

    slot_names: ClassVar[tuple[str, ...]] = ("average", "m", "v")
    own_arguments: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2", "epsilon")
    keras_pair: ClassVar[tuple[str, ...]] = ("m", "v")
    momentum_base: ClassVar[float] = 0.96

    beta_1 = Number(_validate.fraction)
    _beta_1: float
    beta_2 = Number(_validate.fraction)
    _beta_2: float
    epsilon = _validate.Checked(_validate.number, minimum=0.0)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = 1e-7 if epsilon is None else epsilon
        # What the product was made from, how many momenta are in it, and itself.
        self._product = ((self._beta_1, 1.0), 0, 1.0)

    def _step(self, index: int, param: Array, grad: Array, rate: float) -> None:
        t = self._iterations + 1
        now, ahead = self._momentum(t), self._momentum(t + 1)
        product = self._momentum_product(t)
        of_mean = ahead / (1 - product * ahead)
        of_gradient = (1 - now) / (1 - product)
        correction = 1 - self._beta_2**t

        def descend(w: Array, g: Array, m: Array, v: Array) -> None:
            m += (g - m) * (1 - self._beta_1)
            v += (g * g - v) * (1 - self._beta_2)
            step = of_mean * m + of_gradient * g
            w -= step * rate / (np.sqrt(v / correction) + self.epsilon)

        in_pieces(descend, param, grad, *self._slots_at(index, "m", "v"))

    def _pace(self) -> float:
        """Return how fast the momentum grows."""
        return 1.0

    def _momentum(self, t: int) -> float:
        slack: float = self.momentum_base ** (self._pace() * t)
        momentum: float = self._beta_1 * (1 - 0.5 * slack)
        return momentum

    def _momentum_product(self, t: int) -> float:
        """Return the product of the first `t` momenta, or one that is negligible."""
        source, done, product = self._product
        if source != (self._beta_1, self._pace()) or done > t:
            source, done, product = (self._beta_1, self._pace()), 0, 1.0
        while done < t and product > NEGLIGIBLE:
            done += 1
            product *= self._momentum(done)
        self._product = (source, done, product)
        return product
