"""Adam and its relatives of Keras before 2.11."""

from collections.abc import Mapping
from typing import ClassVar, Unpack

from ... import _validate
from ..adam import Adam
from ..adamax import Adamax
from ..nadam import Nadam
from ..schedules import Schedule
from .base import Legacy, LegacyCommon, epsilon_or_default

__all__ = ["LegacyAdam", "LegacyAdamax", "LegacyNadam"]


class LegacyAdam(Legacy, Adam):
    r"""
    Adam, as Keras had it before 2.11.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number, or a schedule such as `ExponentialDecay`.
    beta_1 : float, default 0.9
        Part of the mean that is kept at each update, from 0 to below 1.
    beta_2 : float, default 0.999
        The same for the mean square.
    epsilon : float, default 1e-7
        Added to the root. None and 0 stand for ``localnet.config.epsilon()``.
    amsgrad : bool, default False
        Divide by the root of the largest mean square so far.
    name : str, default "Adam"
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
    Adam : The present rule, with the same equations.

    Examples
    --------
    >>> w = np.array([1.0])
    >>> adam = LegacyAdam(0.5, beta_1=0.0, beta_2=0.0, epsilon=1e-99, decay=1.0)
    >>> for t in range(2):  # steps of 0.5 and 0.5 / 2
    ...     adam.update([w], [np.array([3.0])])
    >>> w
    array([0.25])
    """

    slot_names: ClassVar[tuple[str, ...]] = ("m", "v", "vhat")
    keras_pair: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        amsgrad: bool = False,
        name: str = "Adam",
        **common: Unpack[LegacyCommon],
    ) -> None:
        super().__init__(
            learning_rate,
            {
                "beta_1": beta_1,
                "beta_2": beta_2,
                "epsilon": epsilon_or_default(epsilon),
                "amsgrad": amsgrad,
                "name": name,
            },
            **common,
        )


class LegacyAdamax(Legacy, Adamax):
    r"""
    Adamax, as Keras had it before 2.11.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number, or a schedule such as `ExponentialDecay`.
    beta_1 : float, default 0.9
        Part of the mean that is kept at each update, from 0 to below 1.
    beta_2 : float, default 0.999
        How slowly the largest size is forgotten, from 0 to below 1.
    epsilon : float, default 1e-7
        Added to the size. None and 0 stand for ``localnet.config.epsilon()``.
    name : str, default "Adamax"
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
    Adamax : The present rule, with the same equations.

    Examples
    --------
    >>> w = np.array([1.0])
    >>> LegacyAdamax(0.5, beta_1=0.5, epsilon=1e-99).update([w], [np.array([2.0])])
    >>> w
    array([0.5])
    """

    slot_names: ClassVar[tuple[str, ...]] = ("m", "u")
    keras_names: ClassVar[Mapping[str, str]] = {"u": "v"}
    keras_pair: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        name: str = "Adamax",
        **common: Unpack[LegacyCommon],
    ) -> None:
        super().__init__(
            learning_rate,
            {
                "beta_1": beta_1,
                "beta_2": beta_2,
                "epsilon": epsilon_or_default(epsilon),
                "name": name,
            },
            **common,
        )


class LegacyNadam(Legacy, Nadam):
    r"""
    Nadam, as Keras had it before 2.11.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number, or a schedule, which Keras refuses here.
    beta_1 : float, default 0.9
        Part of the mean that is kept at each update, from 0 to below 1.
    beta_2 : float, default 0.999
        The same for the mean square.
    epsilon : float, default 1e-7
        Added to the root. None and 0 stand for ``localnet.config.epsilon()``.
    name : str, default "Nadam"
        Kept in the config.
    schedule_decay : float, optional
        How fast the momentum grows, not negative; another name of `decay`.
    **common
        Arguments of every legacy optimizer: `decay`, here 0.004 by default, `clipnorm`,
        `clipvalue`, `global_clipnorm`, `lr`; see `Legacy`.

    Raises
    ------
    ValueError
        If a number is out of its range.

    See Also
    --------
    Nadam : The present rule.

    Notes
    -----
    The equations are those of `Nadam`, with a momentum that grows more slowly:

    .. math:: \mu_t = \beta_1 (1 - 0.96^{\mathrm{decay} \cdot t} / 2)

    The learning rate does not fall with `decay`.

    Keras ignores `decay`, so that it forgets a `schedule_decay` of one's own when it
    reads its own config; here it is read.

    Examples
    --------
    >>> w = np.array([1.0])
    >>> LegacyNadam(0.5, beta_1=0.0, epsilon=1e-99).update([w], [np.array([2.0])])
    >>> w
    array([0.5])
    """

    slot_names: ClassVar[tuple[str, ...]] = ("m", "v")
    keras_pair: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        name: str = "Nadam",
        *,
        schedule_decay: float | None = None,
        **common: Unpack[LegacyCommon],
    ) -> None:
        common.setdefault("decay", 0.004)
        if schedule_decay is not None:
            common["decay"] = _validate.number(
                "schedule_decay", schedule_decay, minimum=0.0
            )
        super().__init__(
            learning_rate,
            {
                "beta_1": beta_1,
                "beta_2": beta_2,
                "epsilon": epsilon_or_default(epsilon),
                "name": name,
            },
            **common,
        )

    def current_learning_rate(self) -> float:
        """
        Return the learning rate that the next update uses.

        Returns
        -------
        float
            The plain learning rate or the schedule's: `decay` belongs to the momentum.

        Raises
        ------
        ValueError
            If the schedule gives anything but a finite number.
        """
        return self._scheduled_rate()

    def keras_numbers(self) -> dict[str, float]:
        """
        Return the numbers that Keras keeps beside that of the updates.

        Returns
        -------
        dict of str to float
            The product of the momenta so far.
        """
        return {"momentum_cache": self._momentum_product(self._iterations)}

    def _pace(self) -> float:
        return self._decay
