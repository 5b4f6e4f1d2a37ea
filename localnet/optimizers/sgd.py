"""Stochastic gradient descent."""

from collections.abc import Mapping
from typing import ClassVar, Unpack

from .. import _validate
from .._typing import Array
from ..ops.runtime.pieces import in_pieces
from .base import Common, Optimizer
from .live import Number
from .schedules import Schedule

__all__ = ["SGD"]


class SGD(Optimizer):
    r"""
    Go down the gradient, with momentum if wanted.

    Parameters
    ----------
    learning_rate : float or callable, default 0.01
        A number of either sign, or a schedule such as `ExponentialDecay`.
    momentum : float, default 0.0
        Part of the last step that is kept, from 0 to 1.
    nesterov : bool, default False
        Look one momentum step ahead.
    **common
        Arguments of every optimizer: see `Optimizer`.

    Raises
    ------
    ValueError
        If a number is out of its range, or as for `Optimizer`.

    See Also
    --------
    LegacySGD : The rule before Keras 2.11, with other clipping.
    ExponentialDecay : A learning rate that falls.

    Notes
    -----
    With the gradient ``g`` after clipping, the parameter ``w`` after weight decay and
    the velocity ``m``, which starts at 0:

    .. math::

        m &\leftarrow \mu m - \eta g \\
        w &\leftarrow w + m \quad\text{or, with nesterov,}\quad
        w \leftarrow w + \mu m - \eta g

    Of the three limits on the gradient only the first that is above 0 holds, in the
    order `clipnorm`, `global_clipnorm`, `clipvalue`; a limit of 0 or less is ignored.
    Penalties of the layers are part of ``g``: they are clipped and enter the momentum.

    Two differences from Keras are on purpose: `lr` means `learning_rate`, where Keras
    ignores it, and no number is rounded to float32 on the way.

    References
    ----------
    .. [1] I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of
       initialization and momentum in deep learning", ICML 2013.

    Examples
    --------
    >>> w = np.array([1.0, -1.0])
    >>> sgd = SGD(learning_rate=0.5, momentum=0.5)
    >>> sgd.update([w], [np.array([1.0, 0.0])])  # m = [-0.5, 0]
    >>> w
    array([ 0.5, -1. ])
    >>> sgd.update([w], [np.array([1.0, 0.0])])  # m = [-0.75, 0]
    >>> w
    array([-0.25, -1.  ])
    """

    slot_names: ClassVar[tuple[str, ...]] = ("average", "momentum")
    own_arguments: ClassVar[tuple[str, ...]] = ("momentum", "nesterov")
    keras_names: ClassVar[Mapping[str, str]] = {"momentum": "m"}

    momentum = Number(_validate.number, minimum=0.0, maximum=1.0)
    _momentum: float
    nesterov = _validate.Checked(_validate.flag)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.momentum = momentum
        self.nesterov = nesterov

    def _needs(self, slot: str) -> bool:
        return self._momentum != 0 if slot == "momentum" else super()._needs(slot)

    def _keras_keeps(self, slot: str) -> bool:
        # Keras makes the velocities even where there is no momentum.
        return slot == "momentum" or super()._keras_keeps(slot)

    def _step(self, index: int, param: Array, grad: Array, rate: float) -> None:
        if self._momentum == 0:
            in_pieces(lambda w, g: _descend(w, g, rate), param, grad)
        else:
            velocity = self.slots["momentum"][index]
            in_pieces(lambda w, g, m: self._roll(w, g, m, rate), param, grad, velocity)

    def _roll(self, w: Array, g: Array, m: Array, rate: float) -> None:
        descent = g * -rate
        m *= self._momentum
        m += descent
        w += m * self._momentum + descent if self.nesterov else m


def _descend(w: Array, g: Array, rate: float) -> None:
    w += g * -rate
