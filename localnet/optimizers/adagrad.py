"""Adagrad: steps that shrink with all that was seen so far."""

from typing import ClassVar, Unpack

import numpy as np

from .. import _validate
from .._typing import Array
from ..ops.runtime.pieces import in_pieces
from .base import Common, Optimizer
from .schedules import Schedule

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    r"""
    Divide the gradient by the root of the sum of all its squares.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number, or a schedule; the paper's steps want 1.0.
    initial_accumulator_value : float, default 0.1
        Where the sums start, not negative.
    epsilon : float, default 1e-7
        Added to the sum, under the root; not negative.
    **common
        Arguments of every optimizer: see `Optimizer`.

    Raises
    ------
    ValueError
        If a number is out of its range, or as for `Optimizer`.

    See Also
    --------
    RMSprop : Forgets old gradients.
    LegacyAdagrad : The rule before Keras 2.11, with `epsilon` outside the root.

    Notes
    -----
    With the gradient ``g`` after clipping and the accumulator ``a``:

    .. math::

        a &\leftarrow a + g^2 \\
        w &\leftarrow w - \frac{\eta\, g}{\sqrt{a + \epsilon}}

    References
    ----------
    .. [1] J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online
       learning and stochastic optimization", JMLR 12, 2011.

    Examples
    --------
    >>> w = np.array([1.0])
    >>> adagrad = Adagrad(1.0, initial_accumulator_value=12.0, epsilon=0.0)
    >>> adagrad.update([w], [np.array([2.0])])  # a = 16
    >>> w
    array([0.5])
    """

    slot_names: ClassVar[tuple[str, ...]] = ("average", "accumulator")
    own_arguments: ClassVar[tuple[str, ...]] = ("initial_accumulator_value", "epsilon")

    initial_accumulator_value = _validate.Checked(_validate.number, minimum=0.0)
    epsilon = _validate.Checked(_validate.number, minimum=0.0)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = 1e-7 if epsilon is None else epsilon

    def new_slot(self, name: str, param: Array) -> Array:
        """
        Return what a slot holds of a parameter before the first update.

        Parameters
        ----------
        name : str
            One of `slot_names`.
        param : ndarray
            The parameter. Not modified.

        Returns
        -------
        ndarray
            Of the shape and dtype of `param`; accumulators at their initial value.
        """
        if name == "accumulator":
            return np.full(param.shape, self.initial_accumulator_value, param.dtype)
        return super().new_slot(name, param)

    def _step(self, index: int, param: Array, grad: Array, rate: float) -> None:
        def descend(w: Array, g: Array, a: Array) -> None:
            a += g * g
            w -= rate * g / self._root(a)

        in_pieces(descend, param, grad, *self._slots_at(index, "accumulator"))

    def _root(self, accumulator: Array) -> Array:
        root: Array = np.sqrt(accumulator + self.epsilon)
        return root
