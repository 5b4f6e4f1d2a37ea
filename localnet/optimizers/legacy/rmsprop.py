"""RMSprop and its relatives of Keras before 2.11."""

from collections.abc import Mapping
from typing import ClassVar, Unpack

import numpy as np

from ..._typing import Array
from ..adadelta import Adadelta
from ..adagrad import Adagrad
from ..rmsprop import RMSprop
from ..schedules import Schedule
from .base import Legacy, LegacyCommon, epsilon_or_default

__all__ = ["LegacyAdadelta", "LegacyAdagrad", "LegacyRMSprop"]


class LegacyRMSprop(Legacy, RMSprop):
    r"""
    RMSprop, as Keras had it before 2.11.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number, or a schedule such as `ExponentialDecay`.
    rho : float, default 0.9
        Part of the mean that is kept at each update, from 0 to 1.
    momentum : float, default 0.0
        Part of the last step that is kept, from 0 to 1.
    epsilon : float, default 1e-7
        Added to the root, or with momentum under it. None and 0 stand for
        ``localnet.config.epsilon()``.
    centered : bool, default False
        Divide by the standard deviation.
    name : str, default "RMSprop"
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
    RMSprop : The present rule.

    Notes
    -----
    The equations are those of `RMSprop`. Without momentum, though, the gradient is
    divided by

    .. math:: \sqrt{v - a^2} + \epsilon

    Examples
    --------
    >>> w = np.array([1.0])
    >>> rmsprop = LegacyRMSprop(0.75, rho=0.75, epsilon=0.5)
    >>> rmsprop.update([w], [np.array([2.0])])  # the root is 1
    >>> w
    array([0.])
    """

    slot_names: ClassVar[tuple[str, ...]] = ("velocity", "momentum", "average_gradient")
    keras_names: ClassVar[Mapping[str, str]] = {
        "velocity": "rms",
        "average_gradient": "mg",
    }

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float | None = 1e-7,
        centered: bool = False,
        name: str = "RMSprop",
        **common: Unpack[LegacyCommon],
    ) -> None:
        super().__init__(
            learning_rate,
            {
                "rho": rho,
                "momentum": momentum,
                "epsilon": epsilon_or_default(epsilon),
                "centered": centered,
                "name": name,
            },
            **common,
        )

    def _root(self, variance: Array) -> Array:
        if self._momentum > 0:
            return super()._root(variance)
        root: Array = np.sqrt(variance) + self.epsilon
        return root


class LegacyAdagrad(Legacy, Adagrad):
    r"""
    Adagrad, as Keras had it before 2.11.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number, or a schedule such as `ExponentialDecay`.
    initial_accumulator_value : float, default 0.1
        Where the sums start, not negative.
    epsilon : float, default 1e-7
        Added to the root. None and 0 stand for ``localnet.config.epsilon()``.
    name : str, default "Adagrad"
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
    Adagrad : The present rule.

    Notes
    -----
    The equations are those of `Adagrad`, but for the divisor:

    .. math:: \sqrt a + \epsilon

    Examples
    --------
    >>> w = np.array([1.0])
    >>> adagrad = LegacyAdagrad(2.0, initial_accumulator_value=5.0, epsilon=1.0)
    >>> adagrad.update([w], [np.array([2.0])])  # the root is 3
    >>> w
    array([0.])
    """

    slot_names: ClassVar[tuple[str, ...]] = ("accumulator",)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float | None = 1e-7,
        name: str = "Adagrad",
        **common: Unpack[LegacyCommon],
    ) -> None:
        super().__init__(
            learning_rate,
            {
                "initial_accumulator_value": initial_accumulator_value,
                "epsilon": epsilon_or_default(epsilon),
                "name": name,
            },
            **common,
        )

    def _root(self, accumulator: Array) -> Array:
        root: Array = np.sqrt(accumulator) + self.epsilon
        return root


class LegacyAdadelta(Legacy, Adadelta):
    r"""
    Adadelta, as Keras had it before 2.11.

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number, or a schedule such as `ExponentialDecay`.
    rho : float, default 0.95
        Part of the running means that is kept at each update, from 0 to 1.
    epsilon : float, default 1e-7
        Added to the mean squares. None and 0 stand for ``localnet.config.epsilon()``.
    name : str, default "Adadelta"
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
    Adadelta : The present rule, with the same equations.

    Examples
    --------
    >>> w = np.array([1.0])
    >>> adadelta = LegacyAdadelta(1.0, rho=0.75, epsilon=0.5625)
    >>> adadelta.update([w], [np.array([2.0])])  # as Adadelta
    >>> w
    array([-0.2])
    """

    slot_names: ClassVar[tuple[str, ...]] = (
        "accumulated_grad",
        "accumulated_delta_var",
    )
    keras_names: ClassVar[Mapping[str, str]] = {
        "accumulated_grad": "accum_grad",
        "accumulated_delta_var": "accum_var",
    }
    keras_pair: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        rho: float = 0.95,
        epsilon: float | None = 1e-7,
        name: str = "Adadelta",
        **common: Unpack[LegacyCommon],
    ) -> None:
        super().__init__(
            learning_rate,
            {
                "rho": rho,
                "epsilon": epsilon_or_default(epsilon),
                "name": name,
            },
            **common,
        )
