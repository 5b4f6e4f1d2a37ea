"""Stochastic gradient descent of Keras before 2.11."""

from collections.abc import Mapping
from typing import ClassVar, Unpack

from ..schedules import Schedule
from ..sgd import SGD
from .base import Legacy, LegacyCommon

__all__ = ["LegacySGD"]


class LegacySGD(Legacy, SGD):
    r"""
    Go down the gradient by the rule of Keras before 2.11.

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
    **common
        Arguments of every legacy optimizer: `decay`, `clipnorm`, `clipvalue`,
        `global_clipnorm`, `lr`; see `Legacy`.

    Raises
    ------
    ValueError
        If a number is out of its range.

    See Also
    --------
    SGD : The present rule, with the same equations.

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
    keras_names: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        name: str = "SGD",
        **common: Unpack[LegacyCommon],
    ) -> None:
        super().__init__(
            learning_rate,
            {
                "momentum": momentum,
                "nesterov": nesterov,
                "name": name,
            },
            **common,
        )

    def _keras_keeps(self, slot: str) -> bool:
        return self._needs(slot)
