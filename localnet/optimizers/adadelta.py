"""Adadelta: steps in the unit of the parameters."""

from typing import ClassVar, Unpack

import numpy as np

from .. import _validate
from .._typing import Array
from ..ops.runtime.pieces import in_pieces
from .base import Common, Optimizer
from .live import Number
from .schedules import Schedule

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    r"""
    Scale the gradient by what the steps were to what the gradients were.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number, or a schedule; the paper has none, which is 1.0.
    rho : float, default 0.95
        Part of the running means that is kept at each update, from 0 to 1.
    epsilon : float, default 1e-7
        Added to the mean squares, under their roots; not negative.
    **common
        Arguments of every optimizer: see `Optimizer`.

    Raises
    ------
    ValueError
        If a number is out of its range, or as for `Optimizer`.

    See Also
    --------
    RMSprop : Without a measure of the steps.

    Notes
    -----
    With the gradient ``g`` after clipping and the mean squares ``a`` of gradients and
    ``d`` of steps, which start at 0:

    .. math::

        a &\leftarrow \rho a + (1 - \rho) g^2 \\
        s &= -\frac{\sqrt{d + \epsilon}}{\sqrt{a + \epsilon}}\, g \\
        d &\leftarrow \rho d + (1 - \rho) s^2 \\
        w &\leftarrow w + \eta s

    References
    ----------
    .. [1] M. D. Zeiler, "ADADELTA: an adaptive learning rate method", 2012,
       arXiv:1212.5701.

    Examples
    --------
    >>> w = np.array([1.0])
    >>> adadelta = Adadelta(1.0, rho=0.75, epsilon=0.5625)
    >>> adadelta.update([w], [np.array([2.0])])  # a = 1, and s = -0.75 / 1.25 * 2
    >>> w
    array([-0.2])
    """

    slot_names: ClassVar[tuple[str, ...]] = (
        "average",
        "accumulated_grad",
        "accumulated_delta_var",
    )
    own_arguments: ClassVar[tuple[str, ...]] = ("rho", "epsilon")
    keras_pair: ClassVar[tuple[str, ...]] = (
        "accumulated_grad",
        "accumulated_delta_var",
    )

    rho = Number(_validate.number, minimum=0.0, maximum=1.0)
    _rho: float
    epsilon = _validate.Checked(_validate.number, minimum=0.0)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho = rho
        self.epsilon = 1e-7 if epsilon is None else epsilon

    def _step(self, index: int, param: Array, grad: Array, rate: float) -> None:
        def descend(w: Array, g: Array, a: Array, d: Array) -> None:
            a *= self._rho
            a += (1 - self._rho) * (g * g)
            step = -np.sqrt(d + self.epsilon) * g / np.sqrt(a + self.epsilon)
            d *= self._rho
            d += (1 - self._rho) * (step * step)
            w += rate * step

        names = ("accumulated_grad", "accumulated_delta_var")
        in_pieces(descend, param, grad, *self._slots_at(index, *names))
