"""What every optimizer does around the step that is its own."""

import abc
from typing import Any, ClassVar, Self, TypedDict

import numpy as np

from .. import _validate
from .._keras.hooks import OPTIMIZER, refuse_hooks
from .._typing import Array, Config
from ..ops.runtime.pieces import in_pieces
from . import schedules
from .arguments import Grads, Params, checked_grads, checked_params
from .clipping import clip_by_global_norm, clip_by_norm, clip_by_value
from .laid import Laid
from .live import Live, LiveFloat, LiveInt, Number
from .memory import Memory
from .schedules import Schedule

__all__ = ["Common", "Optimizer", "Shared", "rate_config"]


class Shared(TypedDict, total=False):
    """The keyword arguments that all optimizers have, but for `weight_decay`."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    jit_compile: bool
    name: str | None
    lr: float | Schedule | None
    decay: float | None


class Common(Shared, total=False):
    """The keyword arguments that all optimizers share; see `Optimizer`."""

    weight_decay: float | None


class Optimizer(Memory, abc.ABC):
    """
    Update parameters in place from their gradients.

    One update clips the gradients, shrinks the parameters (weight decay), takes the
    optimizer's own step for each parameter, counts the update and moves the averages.
    A subclass writes that step as ``_step(index, param, grad, rate)``, which changes
    `param` and may keep one array per parameter in each of its `slots`. It names its
    own arguments in `own_arguments`, and its slots in `slot_names`.

    Parameters
    ----------
    learning_rate : float or callable, default 0.01
        A number, or a schedule: a function from the number of updates made so far
        to the learning rate.
    weight_decay : float, optional
        Each update first subtracts this fraction, times the learning rate, of every
        parameter, biases included.
    clipnorm : float, optional
        Largest Euclidean norm of each gradient.
    clipvalue : float, optional
        Largest magnitude of each entry of a gradient.
    global_clipnorm : float, optional
        Largest Euclidean norm of all gradients together. Of the three limits only the
        first that is above 0 holds, in the order `clipnorm`, `global_clipnorm`,
        `clipvalue`.
    use_ema : bool, default False
        Keep an exponential moving average of each parameter, which `finalize` writes
        back.
    ema_momentum : float, default 0.99
        Weight of the old average, from 0 to 1.
    ema_overwrite_frequency : int, optional
        Replace the parameters by their averages after every so many updates.
    jit_compile : bool, default True
        Ignored, since nothing is compiled. The config says False.
    name : str, optional
        Kept in the config; the name of the class by default.
    lr : float or callable, optional
        Old name of `learning_rate`; it wins over it.
    decay : float, optional
        What it was before Keras 2.11: each update divides the learning rate by
        ``1 + decay * iterations``. Callbacks change the rate itself. The config has
        the two as an `InverseTimeDecay`.

    Attributes
    ----------
    slots : dict of str to list of ndarray
        What the optimizer remembers of each parameter, by position. Empty until the
        first update.
    slot_names : tuple of str
        The keys that `slots` may have, in the order in which Keras makes them.
    own_arguments : tuple of str
        The arguments that only this optimizer has, in the order of Keras's configs.
    keras_names : dict of str to str
        What Keras calls a slot, where that is not its key.
    keras_pair : tuple of str
        Slots that Keras makes in turn for each parameter, rather than one for all
        parameters and then the next.

    Raises
    ------
    ValueError
        If a number is out of its range, `decay` is given with a schedule, or both
        `clipnorm` and `global_clipnorm` are given.

    See Also
    --------
    localnet.optimizers.SGD : The optimizer to start with.

    Notes
    -----
    Constraints belong to the layers: apply them after `update`. The averages have then
    been taken already, from the parameters as they were before, as in Keras.

    Examples
    --------
    An optimizer of one's own is its step.

    >>> class SignDescent(Optimizer):
    ...     def _step(self, index, param, grad, rate):
    ...         param -= rate * np.sign(grad)
    >>> w = np.array([1.0, 2.0])
    >>> SignDescent(0.5).update([w], [np.array([3.0, -4.0])])
    >>> w
    array([0.5, 2.5])
    """

    own_arguments: ClassVar[tuple[str, ...]] = ()
    # Small parameters end to end, from `update_again` to the next.
    _laid: Laid | None = None

    __setattr__ = _validate.assign
    decay = Number(_validate.number, minimum=0.0)
    _decay: float
    weight_decay = _validate.Checked(_validate.optional_number, minimum=0.0)
    clipnorm = _validate.Checked(_validate.optional_number)
    clipvalue = _validate.Checked(_validate.optional_number)
    global_clipnorm = _validate.Checked(_validate.optional_number)
    use_ema = _validate.Checked(_validate.flag)
    ema_momentum = _validate.Checked(_validate.number, minimum=0.0, maximum=1.0)
    ema_overwrite_frequency = _validate.Checked(_validate.optional_integer, minimum=1)
    name = _validate.Checked(_validate.text)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        hook = "_step(self, index, param, grad, rate)"
        refuse_hooks(cls, OPTIMIZER, hook, asked="_step")

    def __getstate__(self) -> dict[str, Any]:
        """Copy without what is worked out for the parameters of the original."""
        return {k: v for k, v in super().__getstate__().items() if k != "_laid"}

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        name: str | None = None,
        lr: float | Schedule | None = None,
        decay: float | None = None,
    ) -> None:
        if clipnorm is not None and global_clipnorm is not None:
            raise ValueError(
                f"clipnorm must be None when global_clipnorm is given, got "
                f"clipnorm={clipnorm!r} and global_clipnorm={global_clipnorm!r}"
            )
        if lr is not None and not callable(lr):
            _validate.number("lr", lr)
        self.learning_rate = learning_rate if lr is None else lr
        self.decay = 0.0 if decay is None else decay
        self._decaying()
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.name = type(self).__name__ if name is None else name
        self.iterations = 0
        self.slots = {}

    @property
    def learning_rate(self) -> float | Schedule:
        """
        The learning rate, or the schedule that gives it.

        Returns
        -------
        float or callable
            As it was set; a number as a Python float that has Keras's ``assign`` and
            ``numpy``.
        """
        rate = self._learning_rate
        return rate if callable(rate) else LiveFloat.of(self, "learning_rate", rate)

    @learning_rate.setter
    def learning_rate(self, value: float | Schedule) -> None:
        if callable(value) and not isinstance(value, type):
            _validate.function("learning_rate", value, "step")
        else:
            value = _validate.number("learning_rate", value)
        self._learning_rate = value

    @property
    def lr(self) -> float | Schedule:
        """
        The same as `learning_rate`, under its old name.

        Returns
        -------
        float or callable
            As for `learning_rate`.
        """
        return self.learning_rate

    @lr.setter
    def lr(self, value: float | Schedule) -> None:
        self.learning_rate = value

    @property
    def iterations(self) -> int:
        """
        How many updates were made so far.

        Returns
        -------
        int
            It has Keras's ``assign`` and ``numpy``.
        """
        return LiveInt.of(self, "iterations", self._iterations)

    @iterations.setter
    def iterations(self, value: int) -> None:
        self._iterations = _validate.integer("iterations", value, minimum=0)

    def current_learning_rate(self) -> float:
        """
        Return the learning rate that the next update uses.

        Returns
        -------
        float
            The schedule's value at `iterations`, or the plain learning rate, over
            ``1 + decay * iterations``.

        Raises
        ------
        ValueError
            If the schedule gives anything but a finite number.
        """
        rate, decay = self._scheduled_rate(), self._decay
        return rate / (1 + decay * self._iterations) if decay else rate

    def update(self, params: Params, grads: Grads) -> None:
        """
        Change the parameters by one step against their gradients.

        Parameters
        ----------
        params : sequence or dict of ndarray
            Writeable arrays of floats, changed in place. What the optimizer remembers
            is matched by position, so keep the order from one update to the next.
        grads : sequence or dict of array_like
            One gradient per parameter, of its shape; a dict has the keys of `params`.
            Not modified, and computed with in the dtype of the parameter. NaN and
            infinity are let through.

        Raises
        ------
        ValueError
            If the two do not match, a parameter is not a writeable array of floats,
            or the shapes are not those of the former updates. Nothing is changed.

        Notes
        -----
        Without any parameter nothing happens, and the update is not counted.
        """
        variables = checked_params(params)
        # A floating-point warning made an error must not leave half an update.
        with np.errstate(all="ignore"):
            gradients = self._clip(checked_grads(variables, grads))
            if not variables:
                return
            slots = self._slots_for(variables)
            rate = self.current_learning_rate()
            self.slots = slots
            self._go(list(variables.values()), gradients, rate)

    def update_again(self, params: list[Array], grads: list[Array]) -> None:
        """
        Do what `update` does, without its checks, for the parameters of a former one.

        Parameters
        ----------
        params : list of ndarray
            The same list as before, if what is worked out of it is to be used again.
        grads : list of ndarray
            Of the shapes and dtypes of `params`, and apart from them.
        """
        # The rules of a class of the user's own may look at a parameter as a whole.
        if not type(self).__module__.startswith(__package__):
            self.update(params, grads)
            return
        laid = self._laid
        with np.errstate(all="ignore"):
            if (
                laid is None
                or not laid.holds(params)
                or laid.source is not self.slots
                or not laid.slots.keys() >= set(self.used_slots)
            ):
                self.slots = self._slots_for(dict(enumerate(params)))
                laid = self._laid = Laid(params, self.slots)
            gradients = laid.gather(self._clip(grads))
            rate = self.current_learning_rate()
            try:
                self.slots = laid.slots
                self._go(laid.pieces, gradients, rate)
            finally:
                self.slots = laid.source
            laid.scatter()

    def _go(self, params: list[Array], grads: list[Array], rate: float) -> None:
        """Take the step, from clipped gradients to averages."""
        if self.weight_decay:
            shrink = self.weight_decay
            for param in params:
                in_pieces(lambda w: _shrink(w, shrink, rate), param)
        for index, (param, grad) in enumerate(zip(params, grads, strict=True)):
            self._step(index, param, grad, rate)
        self._iterations += 1
        if self.use_ema:
            self._move_averages(params)

    def finalize(self, params: Params) -> None:
        """
        Replace the parameters by their averages, at the end of a training.

        Without ``use_ema``, or before the first update, nothing is changed.

        Parameters
        ----------
        params : sequence or dict of ndarray
            As given to `update`; changed in place.

        Raises
        ------
        ValueError
            If they are not the parameters of the former updates.
        """
        variables = checked_params(params)
        if self.use_ema and "average" in self.slots:
            averages = self._slots_for(variables)["average"]
            for param, average in zip(variables.values(), averages, strict=True):
                param[...] = average

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
            "name": self.name,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "jit_compile": False,
            "is_legacy_optimizer": False,
            "learning_rate": rate_config(self._decaying()),
            **self._own_config(),
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """
        Return the optimizer that `get_config` described, before its first update.

        Parameters
        ----------
        config : dict
            Arguments of the constructor; ``is_legacy_optimizer`` is ignored.

        Returns
        -------
        Optimizer
            A new object of this class.

        Raises
        ------
        ValueError
            If a value is out of its range, or a schedule is unknown.
        TypeError
            If a key is no argument of the constructor.
        """
        arguments = {k: v for k, v in config.items() if k != "is_legacy_optimizer"}
        if isinstance(arguments.get("learning_rate"), dict):
            schedule = schedules.deserialize(arguments["learning_rate"])
            arguments["learning_rate"] = schedule
        return cls(**arguments)

    @abc.abstractmethod
    def _step(self, index: int, param: Array, grad: Array, rate: float) -> None:
        """Change `param`, the parameter at position `index`, in place."""

    def _clip(self, grads: list[Array]) -> list[Array]:
        if self.clipnorm is not None and self.clipnorm > 0:
            return [clip_by_norm(grad, self.clipnorm) for grad in grads]
        if self.global_clipnorm is not None and self.global_clipnorm > 0:
            return clip_by_global_norm(grads, self.global_clipnorm)
        if self.clipvalue is not None and self.clipvalue > 0:
            return [clip_by_value(grad, self.clipvalue) for grad in grads]
        return grads

    def _move_averages(self, params: list[Array]) -> None:
        frequency = self.ema_overwrite_frequency
        for param, average in zip(params, self.slots["average"], strict=True):
            in_pieces(self._move_average, average, param)
            if frequency is not None and self._iterations % frequency == 0:
                param[...] = average

    def _move_average(self, average: Array, param: Array) -> None:
        average *= self.ema_momentum
        average += (1 - self.ema_momentum) * param

    def _own_config(self) -> Config:
        values = {name: getattr(self, name) for name in self.own_arguments}
        return {
            name: value.numpy() if isinstance(value, Live) else value
            for name, value in values.items()
        }

    def _scheduled_rate(self) -> float:
        """Return the learning rate before any decay."""
        rate = self._learning_rate
        if callable(rate):
            return _validate.number(
                f"learning_rate({self._iterations})", rate(self._iterations)
            )
        return rate

    def _decaying(self) -> float | Schedule:
        """Return the learning rate with its decay as a schedule, as Keras has it."""
        rate, decay = self._learning_rate, self._decay
        if not decay:
            return rate
        if callable(rate):
            raise ValueError(
                "decay must be None where learning_rate is a schedule, got "
                f"{_validate.shown(decay)}"
            )
        return schedules.InverseTimeDecay(rate, 1, decay)


def rate_config(rate: float | Schedule) -> Any:
    """Return a learning rate, or the config of a schedule; ready for JSON."""
    if not callable(rate):
        return rate
    if not hasattr(rate, "get_config"):
        raise ValueError(
            f"learning_rate must be a number or have get_config to be saved, "
            f"got {_validate.shown(rate)}"
        )
    return schedules.serialize(rate)


def _shrink(w: Array, weight_decay: float, rate: float) -> None:
    w -= w * weight_decay * rate
