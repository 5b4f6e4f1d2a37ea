"""What the optimizers of Keras before 2.11 have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from ... import _validate, config
from ..._typing import Array, Config
from ..base import Optimizer, rate_config
from ..clipping import clip_by_global_norm, clip_by_norm, clip_by_value
from ..schedules import Schedule

__all__ = ["Legacy", "LegacyCommon", "epsilon_or_default"]


class LegacyCommon(TypedDict, total=False):
    """The keyword arguments that all legacy optimizers share; see `Legacy`."""

    decay: float
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    lr: float | Schedule | None


def epsilon_or_default(value: float | None) -> float:
    """
    Return Keras's fuzz factor for None and 0, else the number itself.

    Parameters
    ----------
    value : float or None
        As given.

    Returns
    -------
    float
        Above 0.

    Raises
    ------
    ValueError
        If it is no finite number, or negative.
    """
    given = _validate.optional_number("epsilon", value, minimum=0.0)
    return given or config.epsilon()


class Legacy(Optimizer):
    r"""
    What the optimizers before Keras 2.11 have in common.

    A legacy optimizer differs from the present one in its learning rate, which falls
    with `decay`, and in its clipping, where every limit that is given holds. It has
    neither weight decay nor averages.

    Parameters
    ----------
    learning_rate : float or callable
        A number, or a schedule such as `ExponentialDecay`.
    own : dict
        What the present optimizer is given: its own arguments and ``name``.
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
    Optimizer : The present rules.

    Notes
    -----
    With the number ``t`` of updates made so far, the learning rate is

    .. math:: \eta_t = \eta / (1 + \mathrm{decay} \cdot t)

    Gradients are clipped by `clipvalue`, the result by `clipnorm`, and that result by
    `global_clipnorm`. In configs a legacy class has the name of the present one, in the
    module ``keras.optimizers.legacy``.

    Keras rounds the numbers to float32; here they stay exact.
    """

    def __init__(
        self,
        learning_rate: float | Schedule,
        own: Mapping[str, Any],
        *,
        decay: float = 0.0,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        lr: float | Schedule | None = None,
    ) -> None:
        super().__init__(learning_rate, lr=lr, **own)
        # What belongs to other models than the last one.
        self._put_away: list[Any] = []
        self.decay = decay
        self.clipnorm = _validate.optional_number("clipnorm", clipnorm, minimum=0.0)
        self.clipvalue = _validate.optional_number("clipvalue", clipvalue, minimum=0.0)
        self.global_clipnorm = _validate.optional_number(
            "global_clipnorm", global_clipnorm, minimum=0.0
        )

    def __getstate__(self) -> dict[str, Any]:
        """Copy with the memory of the last model alone."""
        return {**super().__getstate__(), "_put_away": []}

    def turns_to(self, model: object, params: Sequence[Array]) -> bool:
        """
        Take out the memory of these parameters; the number of updates is shared.

        Parameters
        ----------
        model : object
            What is trained.
        params : sequence of ndarray
            Its parameters that learn.

        Returns
        -------
        bool
            True.
        """
        if not super().turns_to(model, params):
            kept = [*self._put_away, (self._owner, self.slots)]
            kept = [item for item in kept if item[0].model() is not None]
            self._owner, self.slots = None, {}
            for item in kept:
                if item[0].is_same(model, params):
                    self._owner, self.slots = item
            self._put_away = [item for item in kept if item[0] is not self._owner]
        return True

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
            **{key: limit for key, limit in limits.items() if limit is not None},
            "learning_rate": rate_config(self._learning_rate),
            "decay": self._decay,
            **self._own_config(),
        }

    def _clip(self, grads: list[Array]) -> list[Array]:
        if self.clipvalue is not None:
            grads = [clip_by_value(grad, self.clipvalue) for grad in grads]
        if self.clipnorm is not None:
            grads = [clip_by_norm(grad, self.clipnorm) for grad in grads]
        if self.global_clipnorm is not None:
            grads = clip_by_global_norm(grads, self.global_clipnorm)
        return grads
