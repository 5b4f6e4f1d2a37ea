"""Learning rates that depend on the number of updates made so far."""

import math
from collections.abc import Callable
from typing import TypeAlias

from .. import _validate
from .._registry import Configurable, Registry

__all__ = ["ExponentialDecay", "Schedule", "deserialize", "serialize"]

# schedule(iterations) -> learning rate of the update that follows.
Schedule: TypeAlias = Callable[[int], float]


class ExponentialDecay(Configurable):
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
        self.staircase = bool(staircase)
        self.name = name

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
        if self.staircase:
            periods = math.floor(periods)
        return float(self.initial_learning_rate * self.decay_rate**periods)


_registry: Registry[Schedule] = Registry(
    "learning rate schedule",
    "keras.optimizers.schedules",
    {"ExponentialDecay": ExponentialDecay},
)
serialize = _registry.serialize
deserialize = _registry.deserialize
