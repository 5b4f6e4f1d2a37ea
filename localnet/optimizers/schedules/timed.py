"""Learning rates that fall for ever, smoothly or in equal steps."""

import abc
import math

from ... import _validate
from ..._registry import Configurable

__all__ = ["ExponentialDecay", "InverseTimeDecay"]


class _Timed(Configurable, abc.ABC):
    """A learning rate that is a function of ``t / decay_steps``."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = _validate.number(
            "initial_learning_rate", initial_learning_rate
        )
        self.decay_steps = _validate.number(
            "decay_steps", decay_steps, minimum=0.0, open_minimum=True
        )
        self.decay_rate = _validate.number("decay_rate", decay_rate, minimum=0.0)
        self.staircase = _validate.flag("staircase", staircase)
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
        periods = step / self.decay_steps
        return self._after(math.floor(periods) if self.staircase else periods)

    @abc.abstractmethod
    def _after(self, periods: float) -> float:
        """Return the learning rate after so many times `decay_steps`."""


class ExponentialDecay(_Timed):
    r"""
    Let the learning rate fall by a constant factor every `decay_steps` updates.

    Parameters
    ----------
    initial_learning_rate : float
        The rate of the first update.
    decay_steps : float
        Updates in which the rate falls by one factor `decay_rate`; above 0.
    decay_rate : float
        The factor, not negative.
    staircase : bool, default False
        Fall once every `decay_steps` updates instead of a little at each.
    name : str, optional
        Kept in the config and otherwise unused.

    Raises
    ------
    ValueError
        If a number is not finite or out of its range.

    See Also
    --------
    InverseTimeDecay : Falls more slowly later.
    localnet.optimizers.SGD : Takes it as ``learning_rate``.

    Notes
    -----
    With ``t`` updates made so far, and ``floor(t / T)`` in place of ``t / T`` for a
    staircase:

    .. math:: \eta_t = \eta_0\, r^{\,t / T}

    Examples
    --------
    >>> schedule = ExponentialDecay(0.5, decay_steps=2, decay_rate=0.25)
    >>> [schedule(t) for t in range(4)]
    [0.5, 0.25, 0.125, 0.0625]
    >>> stairs = ExponentialDecay(0.5, decay_steps=2, decay_rate=0.25, staircase=True)
    >>> [stairs(t) for t in range(4)]
    [0.5, 0.5, 0.125, 0.125]
    """

    def _after(self, periods: float) -> float:
        return float(self.initial_learning_rate * self.decay_rate**periods)


class InverseTimeDecay(_Timed):
    r"""
    Let the learning rate fall with the inverse of the number of updates.

    Parameters
    ----------
    initial_learning_rate : float
        The rate of the first update.
    decay_steps : float
        Unit in which the updates are counted; above 0.
    decay_rate : float
        How fast the rate falls, not negative.
    staircase : bool, default False
        Fall once every `decay_steps` updates instead of a little at each.
    name : str, optional
        Kept in the config and otherwise unused.

    Raises
    ------
    ValueError
        If a number is not finite or out of its range.

    See Also
    --------
    ExponentialDecay : Falls by equal factors.

    Notes
    -----
    With ``t`` updates made so far, and ``floor(t / T)`` in place of ``t / T`` for a
    staircase:

    .. math:: \eta_t = \frac{\eta_0}{1 + r\, t / T}

    This is the `decay` of the legacy optimizers, for ``decay_steps=1``.

    Examples
    --------
    >>> schedule = InverseTimeDecay(12.0, decay_steps=1, decay_rate=1.0)
    >>> [schedule(t) for t in range(4)]
    [12.0, 6.0, 4.0, 3.0]
    """

    def _after(self, periods: float) -> float:
        return self.initial_learning_rate / (1 + self.decay_rate * periods)
