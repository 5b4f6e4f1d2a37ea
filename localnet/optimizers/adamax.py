"""Adamax: Adam with the largest gradient in place of the mean square."""

from typing import ClassVar, Unpack

import numpy as np

from .. import _validate
from .._typing import Array
from ..ops.runtime.pieces import in_pieces
from .base import Common, Optimizer
from .live import Number
from .schedules import Schedule

__all__ = ["Adamax"]


class Adamax(Optimizer):
    r"""
    Divide a running mean of the gradient by its largest size of late.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number, or a schedule such as `CosineDecay`.
    beta_1 : float, default 0.9
        Part of the mean that is kept at each update, from 0 to below 1.
    beta_2 : float, default 0.999
        How slowly the largest size is forgotten, from 0 to below 1.
    epsilon : float, default 1e-7
        Added to the size, not negative.
    **common
        Arguments of every optimizer: see `Optimizer`.

    Raises
    ------
    ValueError
        If a number is out of its range, or as for `Optimizer`.

    See Also
    --------
    Adam : With the mean square.

    Notes
    -----
    At update ``t``, counted from 1, with ``m`` and ``u``, which start at 0:

    .. math::

        m &\leftarrow m + (1 - \beta_1)(g - m) \\
        u &\leftarrow \max(\beta_2 u, |g|) \\
        w &\leftarrow w - \frac{\eta\, m}{(1 - \beta_1^t)(u + \epsilon)}

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015,
       arXiv:1412.6980, section 7.1.

    Examples
    --------
    >>> w = np.array([1.0, 2.0])
    >>> adamax = Adamax(0.5, beta_1=0.5, epsilon=0.0)
    >>> adamax.update([w], [np.array([2.0, -0.25])])
    >>> w
    array([0.5, 2.5])
    """

    slot_names: ClassVar[tuple[str, ...]] = ("average", "m", "u")
    own_arguments: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2", "epsilon")
    keras_pair: ClassVar[tuple[str, ...]] = ("m", "u")

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

    def _step(self, index: int, param: Array, grad: Array, rate: float) -> None:
        correction = 1 - self._beta_1 ** (self._iterations + 1)

        def descend(w: Array, g: Array, m: Array, u: Array) -> None:
            m += (g - m) * (1 - self._beta_1)
            np.maximum(self._beta_2 * u, np.abs(g), out=u)
            w -= rate * m / (correction * (u + self.epsilon))

        in_pieces(descend, param, grad, *self._slots_at(index, "m", "u"))
