"""A learning rate that falls along a line or a power."""

import math

from ... import _validate
from ..._registry import Configurable

__all__ = ["PolynomialDecay"]


class PolynomialDecay(Configurable):
    r"""
    Let the learning rate fall along a line or a power, to a given end.

    Parameters
    ----------
    initial_learning_rate : float
        The rate of the first update.
    decay_steps : float
        Updates in which the rate falls; above 0.
    end_learning_rate : float, default 0.0001
        The rate in the end.
    power : float, default 1.0
        Not negative; 1 is a line.
    cycle : bool, default False
        Do not stay at the end: go up again each time that it is reached, to a fall
        that is twice, three times, ... as long.
    name : str, optional
        Kept in the config and otherwise unused.

    Raises
    ------
    ValueError
        If a number is not finite or out of its range.

    See Also
    --------
    CosineDecay : Falls along half a cosine.

    Notes
    -----
    With ``t`` updates made so far, and :math:`s = \min(t, T)`:

    .. math:: \eta_t = (\eta_0 - \eta_e)(1 - s / T)^p + \eta_e

    With `cycle`, :math:`s = t`, and :math:`T \lceil t / T \rceil` takes the place of
    ``T``.

    Examples
    --------
    >>> schedule = PolynomialDecay(1.0, decay_steps=2, end_learning_rate=0.0)
    >>> [schedule(t) for t in range(4)]
    [1.0, 0.5, 0.0, 0.0]
    >>> cycle = PolynomialDecay(1.0, 2, end_learning_rate=0.0, cycle=True)
    >>> [cycle(t) for t in range(5)]
    [1.0, 0.5, 0.0, 0.25, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = _validate.number(
            "initial_learning_rate", initial_learning_rate
        )
        self.decay_steps = _validate.number(
            "decay_steps", decay_steps, minimum=0.0, open_minimum=True
        )
        self.end_learning_rate = _validate.number(
            "end_learning_rate", end_learning_rate
        )
        self.power = _validate.number("power", power, minimum=0.0)
        self.cycle = _validate.flag("cycle", cycle)
        self.name = _validate.optional_text("name", name)

    def __call__(self, step: int) -> float:
        """
        Compute the learning rate of the update that follows `step` others.

        Parameters
        ----------
        step : int
            Updates made so far.

        Returns
        -------
        float
            The learning rate.
        """
        length = self.decay_steps
        if self.cycle:
            length *= max(1, math.ceil(step / length))
        left = 1 - min(step, length) / length
        slope = self.initial_learning_rate - self.end_learning_rate
        return float(slope * left**self.power + self.end_learning_rate)
