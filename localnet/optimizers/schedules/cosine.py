"""A learning rate that falls along half a cosine."""

import math

from ... import _validate
from ..._registry import Configurable

__all__ = ["CosineDecay"]


class CosineDecay(Configurable):
    r"""
    Let the learning rate rise along a line, and fall along half a cosine.

    Parameters
    ----------
    initial_learning_rate : float
        The rate of the first update.
    decay_steps : float
        Updates in which the rate falls; above 0.
    alpha : float, default 0.0
        What is left of the rate in the end, as a fraction of the highest.
    name : str, optional
        Kept in the config and otherwise unused.
    warmup_target : float, optional
        The highest rate. By default nothing rises, and the fall begins at
        `initial_learning_rate`.
    warmup_steps : float, default 0
        Updates in which the rate rises to `warmup_target`, before it falls.

    Raises
    ------
    ValueError
        If a number is not finite or out of its range.

    See Also
    --------
    PolynomialDecay : Falls along a line or a power.

    Notes
    -----
    With ``t`` updates made so far, a rise over ``W`` updates to the target
    :math:`\eta_w`, and a fall over ``T`` updates, :math:`s = \min(t - W, T)`:

    .. math::

        \eta_t &= \eta_0 + (\eta_w - \eta_0)\, t / W \quad\text{for } t < W \\
        \eta_t &= \eta_w \Bigl((1 - \alpha)\,
            \frac{1 + \cos(\pi s / T)}{2} + \alpha\Bigr) \quad\text{after}

    Without a target, :math:`W = 0` and :math:`\eta_w = \eta_0`.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm
       restarts", ICLR 2017, arXiv:1608.03983.

    Examples
    --------
    >>> schedule = CosineDecay(0.0, 2, alpha=0.5, warmup_target=1.0, warmup_steps=2)
    >>> [schedule(t) for t in range(6)]
    [0.0, 0.5, 1.0, 0.75, 0.5, 0.5]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str | None = None,
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = _validate.number(
            "initial_learning_rate", initial_learning_rate
        )
        self.decay_steps = _validate.number(
            "decay_steps", decay_steps, minimum=0.0, open_minimum=True
        )
        self.alpha = _validate.number("alpha", alpha)
        self.name = name
        self.warmup_target = _validate.optional_number("warmup_target", warmup_target)
        self.warmup_steps = _validate.number("warmup_steps", warmup_steps, minimum=0.0)

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
        highest, rise = self.initial_learning_rate, 0.0
        if self.warmup_target is not None:
            highest, rise = self.warmup_target, self.warmup_steps
        if step < rise:
            slope = highest - self.initial_learning_rate
            return slope * (step / rise) + self.initial_learning_rate
        done = min(step - rise, self.decay_steps) / self.decay_steps
        cosine = 0.5 * (1.0 + math.cos(math.pi * done))
        return highest * ((1 - self.alpha) * cosine + self.alpha)
