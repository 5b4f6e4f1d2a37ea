"""Adam: steps in units of the gradient's own size."""

import math
from typing import ClassVar, Unpack

import numpy as np

from .. import _validate
from .._typing import Array, Config
from ..ops.runtime.pieces import in_pieces
from .base import Common, Optimizer, Shared
from .live import Number
from .schedules import Schedule

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    r"""
    Divide a running mean of the gradient by the root of one of its square.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number, or a schedule such as `CosineDecay`; about the size of a step.
    beta_1 : float, default 0.9
        Part of the mean that is kept at each update, from 0 to below 1.
    beta_2 : float, default 0.999
        The same for the mean square.
    epsilon : float, default 1e-7
        Added to the root, not negative.
    adaptive_epsilon : bool, default False
        Correct `epsilon` like the mean square, as Algorithm 1 of the paper does.
    amsgrad : bool, default False
        Divide by the root of the largest mean square so far.
    **common
        Arguments of every optimizer: see `Optimizer`.

    Raises
    ------
    ValueError
        If a number is out of its range, or as for `Optimizer`.

    See Also
    --------
    AdamW : With weight decay by default.
    LegacyAdam : The class before Keras 2.11, with other clipping.

    Notes
    -----
    At update ``t``, counted from 1, with the gradient ``g`` after clipping and with
    ``m`` and ``v``, which start at 0:

    .. math::

        m &\leftarrow m + (1 - \beta_1)(g - m) \\
        v &\leftarrow v + (1 - \beta_2)(g^2 - v) \\
        w &\leftarrow w - \eta\,\frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}\,
            \frac{m}{\sqrt v + \epsilon}

    With `amsgrad`, ``vhat``, the largest ``v`` so far, takes the place of ``v`` in the
    last line. `adaptive_epsilon` multiplies :math:`\epsilon` by
    :math:`\sqrt{1 - \beta_2^t}`; as Keras leaves it out of its configs, it stands there
    only if it is on.

    Keras computes the powers of the betas in the dtype of the parameters, in which
    :math:`1 - \beta_2^t` loses digits when it is float32; here they are float64.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015,
       arXiv:1412.6980.
    .. [2] S. J. Reddi, S. Kale, S. Kumar, "On the convergence of Adam and beyond",
       ICLR 2018, arXiv:1904.09237.

    Examples
    --------
    The first step has the size of the learning rate, whatever the gradient.

    >>> w = np.array([1.0, 2.0])
    >>> adam = Adam(0.5, beta_1=0.5, beta_2=0.75, epsilon=0.0)
    >>> adam.update([w], [np.array([2.0, -0.25])])
    >>> w
    array([0.5, 2.5])
    """

    slot_names: ClassVar[tuple[str, ...]] = ("average", "m", "v", "vhat")
    own_arguments: ClassVar[tuple[str, ...]] = (
        "beta_1",
        "beta_2",
        "epsilon",
        "amsgrad",
    )
    keras_pair: ClassVar[tuple[str, ...]] = ("m", "v")

    beta_1 = Number(_validate.fraction)
    _beta_1: float
    beta_2 = Number(_validate.fraction)
    _beta_2: float
    adaptive_epsilon = _validate.Checked(_validate.flag)
    amsgrad = _validate.Checked(_validate.flag)
    epsilon = _validate.Checked(_validate.number, minimum=0.0)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        adaptive_epsilon: bool = False,
        amsgrad: bool = False,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = 1e-7 if epsilon is None else epsilon
        self.adaptive_epsilon = adaptive_epsilon
        self.amsgrad = amsgrad

    def _own_config(self) -> Config:
        adaptive = {"adaptive_epsilon": True} if self.adaptive_epsilon else {}
        return {**super()._own_config(), **adaptive}

    def _needs(self, slot: str) -> bool:
        return self.amsgrad if slot == "vhat" else super()._needs(slot)

    def _step(self, index: int, param: Array, grad: Array, rate: float) -> None:
        t = self._iterations + 1
        correction = math.sqrt(1 - self._beta_2**t)
        alpha = rate * correction / (1 - self._beta_1**t)
        epsilon = self.epsilon * correction if self.adaptive_epsilon else self.epsilon

        def descend(w: Array, g: Array, m: Array, v: Array, *largest: Array) -> None:
            # In place, since new memory costs more than the arithmetic.
            change = g - m
            change *= 1 - self._beta_1
            m += change  # (1 - b1) (g - m)
            np.multiply(g, g, out=change)
            change -= v
            change *= 1 - self._beta_2
            v += change  # (1 - b2) (g^2 - v)
            for vhat in largest:
                v = np.maximum(vhat, v, out=vhat)
            root = np.sqrt(v, out=change)
            root += epsilon
            step = m * alpha
            step /= root
            w -= step  # alpha m / (sqrt(v) + epsilon)

        names = ("m", "v", "vhat") if self.amsgrad else ("m", "v")
        in_pieces(descend, param, grad, *self._slots_at(index, *names))


class AdamW(Adam):
    r"""
    Adam with weight decay that does not pass through the means.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number, or a schedule such as `CosineDecay`.
    weight_decay : float, default 0.004
        Each update first subtracts this fraction, times the learning rate, of every
        parameter, biases included.
    beta_1 : float, default 0.9
        Part of the mean that is kept at each update, from 0 to below 1.
    beta_2 : float, default 0.999
        The same for the mean square.
    epsilon : float, default 1e-7
        Added to the root, not negative.
    amsgrad : bool, default False
        Divide by the root of the largest mean square so far.
    **shared
        Arguments of every optimizer: see `Optimizer`.

    Raises
    ------
    ValueError
        If a number is out of its range, or as for `Optimizer`.

    See Also
    --------
    Adam : The same with ``weight_decay=None`` by default.

    Notes
    -----
    First :math:`w \leftarrow w - \eta \lambda w`, then the equations of `Adam`.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019,
       arXiv:1711.05101.

    Examples
    --------
    >>> w = np.array([8.0])
    >>> AdamW(0.5, weight_decay=0.25).update([w], [np.array([0.0])])
    >>> w
    array([7.])
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **shared: Unpack[Shared],
    ) -> None:
        decay = _validate.number("weight_decay", weight_decay, minimum=0.0)
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            amsgrad=amsgrad,
            weight_decay=decay,
            **shared,
        )
