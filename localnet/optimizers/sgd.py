"""Stochastic gradient descent, by Keras's present rule and by its old one."""

from typing import ClassVar

from .. import _validate
from .._typing import Array, Config
from ..ops.pieces import in_pieces
from .base import Optimizer
from .clipping import clip_by_global_norm, clip_by_norm, clip_by_value
from .schedules import Schedule

__all__ = ["SGD", "LegacySGD"]


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
    weight_decay : float, optional
        Each update first subtracts this fraction, times the learning rate, of every
        parameter, biases included.
    clipnorm : float, optional
        Largest Euclidean norm of each gradient.
    clipvalue : float, optional
        Largest magnitude of each entry of a gradient.
    global_clipnorm : float, optional
        Largest Euclidean norm of all gradients together; not with `clipnorm`.
    use_ema : bool, default False
        Keep an exponential moving average of each parameter.
    ema_momentum : float, default 0.99
        Weight of the old average, from 0 to 1.
    ema_overwrite_frequency : int, optional
        Replace the parameters by their averages after every so many updates.
    jit_compile : bool, default True
        Ignored, since nothing is compiled. The config says False.
    name : str, default "SGD"
        Kept in the config.
    lr : float or callable, optional
        Old name of `learning_rate`; it wins over it.
    decay : None
        Refused: it is an argument of `LegacySGD`.

    Raises
    ------
    ValueError
        If `decay` is given, a number is out of its range, or both `clipnorm` and
        `global_clipnorm` are given.

    See Also
    --------
    LegacySGD : The rule before Keras 2.11, with `decay` and other clipping.
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

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str = "SGD",
        *,
        lr: float | Schedule | None = None,
        decay: None = None,
    ) -> None:
        if decay is not None:
            raise ValueError(
                f"decay must be given to LegacySGD, or replaced by "
                f"learning_rate=ExponentialDecay(...), got {decay!r}"
            )
        super().__init__(
            learning_rate if lr is None else lr,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            name=name,
        )
        self.momentum = _validate.number("momentum", momentum, minimum=0.0, maximum=1.0)
        self.nesterov = bool(nesterov)

    def get_config(self) -> Config:
        """
        Return the arguments of the constructor, with Keras's keys.

        Returns
        -------
        dict
            Ready for JSON. A schedule is a config of its own.

        Raises
        ------
        ValueError
            If the learning rate is a function without ``get_config``.
        """
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "nesterov": self.nesterov,
        }

    def _needs(self, slot: str) -> bool:
        return self.momentum != 0 if slot == "momentum" else super()._needs(slot)

    def _step(self, index: int, param: Array, grad: Array, rate: float) -> None:
        if self.momentum == 0:
            in_pieces(lambda w, g: _descend(w, g, rate), param, grad)
        else:
            velocity = self.slots["momentum"][index]
            in_pieces(lambda w, g, m: self._roll(w, g, m, rate), param, grad, velocity)

    def _roll(self, w: Array, g: Array, m: Array, rate: float) -> None:
        descent = g * -rate
        m *= self.momentum
        m += descent
        w += m * self.momentum + descent if self.nesterov else m


def _descend(w: Array, g: Array, rate: float) -> None:
    w += g * -rate


class LegacySGD(SGD):
    r"""
    Go down the gradient by the rule of Keras before 2.11.

    It differs from `SGD` in its learning rate, which falls with `decay`, and in its
    clipping, where every limit that is given holds.

    Parameters
    ----------
    learning_rate : float or callable, default 0.01
        A number, or a schedule such as `ExponentialDecay`.
    momentum : float, default 0.0
        Part of the last step that is kept, from 0 to 1.
    nesterov : bool, default False
        Look one momentum step ahead.
    name : str, default "SGD"
        Kept in the config.
    decay : float, default 0.0
        How fast the learning rate falls, not negative.
    clipnorm : float, optional
        Largest Euclidean norm of each gradient; 0 makes every gradient 0.
    clipvalue : float, optional
        Largest magnitude of each entry of a gradient.
    global_clipnorm : float, optional
        Largest Euclidean norm of all gradients together.
    lr : float or callable, optional
        Old name of `learning_rate`; it wins over it.

    Raises
    ------
    ValueError
        If a number is out of its range.

    See Also
    --------
    SGD : The present rule, with weight decay and averages.

    Notes
    -----
    The equations are those of `SGD`, with a learning rate that falls with the number
    ``t`` of updates made so far:

    .. math:: \eta_t = \eta / (1 + \mathrm{decay} \cdot t)

    Gradients are clipped by `clipvalue`, the result by `clipnorm`, and that result by
    `global_clipnorm`. In configs the class is called ``SGD`` too, in the module
    ``keras.optimizers.legacy``.

    Keras rounds the learning rate, the decay and the momentum to float32; here they
    stay exact.

    Examples
    --------
    >>> w = np.array([1.0])
    >>> sgd = LegacySGD(learning_rate=0.5, decay=1.0)
    >>> for t in range(2):  # steps of 0.5 and 0.5 / 2
    ...     sgd.update([w], [np.array([1.0])])
    >>> w
    array([0.25])
    """

    slot_names: ClassVar[tuple[str, ...]] = ("momentum",)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        name: str = "SGD",
        *,
        decay: float = 0.0,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        lr: float | Schedule | None = None,
    ) -> None:
        super().__init__(learning_rate, momentum, nesterov, name=name, lr=lr)
        self.decay = _validate.number("decay", decay, minimum=0.0)
        self.clipnorm = _validate.optional_number("clipnorm", clipnorm, minimum=0.0)
        self.clipvalue = _validate.optional_number("clipvalue", clipvalue, minimum=0.0)
        self.global_clipnorm = _validate.optional_number(
            "global_clipnorm", global_clipnorm, minimum=0.0
        )

    def current_learning_rate(self) -> float:
        """
        Return the learning rate that the next update uses.

        Returns
        -------
        float
            The plain learning rate or the schedule's, over ``1 + decay * iterations``.

        Raises
        ------
        ValueError
            If the schedule gives anything but a finite number.
        """
        return super().current_learning_rate() / (1 + self.decay * self.iterations)

    def get_config(self) -> Config:
        """
        Return the arguments of the constructor, with Keras's keys.

        Returns
        -------
        dict
            Ready for JSON. Limits that were not given are left out.

        Raises
        ------
        ValueError
            If the learning rate is a function without ``get_config``.
        """
        limits = {
            "clipnorm": self.clipnorm,
            "clipvalue": self.clipvalue,
            "global_clipnorm": self.global_clipnorm,
        }
        return {
            "name": self.name,
            "learning_rate": self._learning_rate_config(),
            "decay": self.decay,
            "momentum": self.momentum,
            "nesterov": self.nesterov,
            **{key: limit for key, limit in limits.items() if limit is not None},
        }

    def _clip(self, grads: list[Array]) -> list[Array]:
        if self.clipvalue is not None:
            grads = [clip_by_value(grad, self.clipvalue) for grad in grads]
        if self.clipnorm is not None:
            grads = [clip_by_norm(grad, self.clipnorm) for grad in grads]
        if self.global_clipnorm is not None:
            grads = clip_by_global_norm(grads, self.global_clipnorm)
        return grads
