"""Learning rates that fall along half a cosine, once or again and again."""

import math

from ... import _validate
from ..._registry import Configurable

__all__ = ["CosineDecay", "CosineDecayRestarts"]


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
    CosineDecayRestarts : Begins anew each time.
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
        self.name = _validate.optional_text("name", name)
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


# Of shorter falls, floats would soon not tell the number.
SHORTEST = 1e-9


class CosineDecayRestarts(Configurable):
    r"""
    Let the learning rate fall along half a cosine, and start again each time.

    Parameters
    ----------
    initial_learning_rate : float
        The rate of the first update.
    first_decay_steps : float
        Updates of the first fall; above 0.
    t_mul : float, default 2.0
        How many times as long each fall is as the one before; at least 1.
    m_mul : float, default 1.0
        How many times as high each fall begins as the one before.
    alpha : float, default 0.0
        What is left of the rate at the end of a fall, as a fraction of the first one.
    name : str, optional
        Kept in the config and otherwise unused.

    Raises
    ------
    ValueError
        If a number is not finite or out of its range.

    See Also
    --------
    CosineDecay : Falls once.

    Notes
    -----
    With ``t`` updates made so far, a first fall over ``T``, :math:`\tau = t / T`, and
    :math:`a` for `t_mul`, :math:`m` for `m_mul`:

    .. math::

        i &= \left\lfloor \frac{\log(1 + \tau (a - 1))}{\log a} \right\rfloor, \qquad
        s = \Bigl(\tau - \frac{a^i - 1}{a - 1}\Bigr) / a^i \\
        \eta_t &= \eta_0 \Bigl((1 - \alpha)\, m^i\, \frac{1 + \cos(\pi s)}{2}
            + \alpha\Bigr)

    For :math:`a = 1`, i is the whole part of :math:`\tau`, and s the rest.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm
       restarts", ICLR 2017, arXiv:1608.03983.

    Examples
    --------
    >>> schedule = CosineDecayRestarts(1.0, 2, t_mul=1.0, m_mul=0.5)
    >>> [round(schedule(t), 3) for t in range(6)]
    [1.0, 0.5, 0.5, 0.25, 0.25, 0.125]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = _validate.number(
            "initial_learning_rate", initial_learning_rate
        )
        self.first_decay_steps = _validate.number(
            "first_decay_steps", first_decay_steps, minimum=SHORTEST
        )
        self.t_mul = _validate.number("t_mul", t_mul, minimum=1.0)
        self.m_mul = _validate.number("m_mul", m_mul)
        self.alpha = _validate.number("alpha", alpha)
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
        done, longer = step / self.first_decay_steps, self.t_mul
        if longer == 1.0:
            restarts = math.floor(done)
            done -= restarts
        else:
            restarts = math.floor(
                math.log(1.0 - done * (1.0 - longer)) / math.log(longer)
            )
            before = (1.0 - longer**restarts) / (1.0 - longer)
            done = (done - before) / longer**restarts
        cosine = 0.5 * self.m_mul**restarts * (1.0 + math.cos(math.pi * done))
        return self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha)
